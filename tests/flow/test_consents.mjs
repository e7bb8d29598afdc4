// Consent by purpose: what people say in events, on their own page and to staff counts from then on, with history and wording; sources
// that serve a purpose take nothing of who refuses; addresses are shortened.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, make, must, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-consents-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);
const api = (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const send = async (...batch) => (await ask(server, "POST", "/v1/batch", keys, { batch })).json;
const standing = async (who, purpose) => (await api("GET", `/customers/${who}/consents`)).json.data.find((row) => row.purpose === purpose);
const page = async (path, method = "GET", body, language = "es") => {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, body, redirect: "manual", headers: { "accept-language": language, accept: "text/html" } });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
};

const purposes = (await api("GET", "/purposes")).json.data;
must(purposes.map((row) => row.name).join() === "analytics,personalisation,marketing" && purposes[0].basis === "interest" && purposes[2].text.es, "a new organisation has purposes");
must((await api("PUT", "/purposes/Bad", { basis: "consent", title: "x", text: "y" })).json.errors[0].pointer === "/name", "names are plain");
must((await api("PUT", "/purposes/service", { basis: "whim", title: "x", text: "y" })).json.errors[0].pointer === "/basis", "bases are three");
must((await api("PUT", "/purposes/service", { basis: "contract", title: { es: "Servicio", en: "Service" }, text: { es: "Darte el servicio", en: "To serve you" } })).status === 201, "a purpose is added");

// In events: any case of the name, the newest word counts, repetitions are no news, unknown categories are passed over.
const said = (marketing, time, more = {}) => ({ type: "track", event: "Banner Closed", userId: "ana", timestamp: time, context: { consent: { categoryPreferences: { Marketing: marketing, Weather: true } } }, ...more });
must((await standing("nobody", "marketing").catch(() => null)) === null, "nobody says nothing");
await send(said(true, "2026-05-01T10:00:00Z"), said(true, "2026-05-02T10:00:00Z"), said(false, "2026-04-01T10:00:00Z"));
let marketing = await standing("ana", "marketing");
must(marketing.granted && marketing.allowed && marketing.history.length === 2 && marketing.history[0].via === "event" && marketing.history[0].wording === 1 && marketing.time === "2026-05-01T10:00:00.000Z", `what an event says counts: ${JSON.stringify(marketing)}`);
const analytics = await standing("ana", "analytics");
must(analytics.granted === null && analytics.allowed && (await standing("ana", "service")).allowed, "silence is no for consent, yes for interest and contract");
must((await standing("ana", "personalisation")).allowed === false, "silence is no consent");
must((await api("PUT", "/purposes/marketing", { text: { es: "Te escribimos una vez al mes.", en: "We write once a month." } })).json.wording === 2, "another text is another wording");
await send(said(false, "2026-06-01T10:00:00Z"));
must((await standing("ana", "marketing")).allowed === false, "who withdraws is heard");
const rule = async (value) => (await api("POST", "/query", { kind: "customers", of: { trait: "consent.marketing", op: "=", value } })).json.data.count;
must(await rule(false) === 1 && await rule(true) === 0, "segments ask for consent like for any trait");

// The person's own page: looking changes nothing, a forged or old link leads nowhere, both languages, no script.
const link = (await api("POST", "/customers/ana/consent-link", { days: 1 })).json;
const address = new URL(link.url).pathname;
const shown = await page(address);
must(shown.status === 200 && shown.text.includes("Te escribimos una vez al mes.") && !shown.text.includes("ana<"), "the page shows purposes");
must((await page(address, "GET", undefined, "en")).text.includes("We write once a month."), "in both languages");
must((await page(`${address}?use:marketing=1`)).status === 200 && (await page(address, "HEAD")).status === 200 && (await standing("ana", "marketing")).history.length === 3, "looking changes nothing");
must((await page(address.slice(0, -2) + (address.endsWith("AA") ? "BB" : "AA"))).status === 404 && (await page("/c/x")).status === 404, "a forged link leads nowhere");
const forms = (text) => [...text.matchAll(/name="(seen:[a-z]+)" value="(\d+)"/g)].map((found) => [found[1], found[2]]);
must(forms(shown.text).length === 4, `the form says what was shown: ${shown.text}`);
const old = forms(shown.text).map(([name, wording]) => [name, name === "seen:marketing" ? "1" : wording]);
const stale = await page(address, "POST", new URLSearchParams([...old, ["use:marketing", "1"], ["use:analytics", "1"]]));
must(stale.status === 200 && stale.text.includes("ha cambiado") && !stale.text.includes("Guardado") && (await standing("ana", "marketing")).history.length === 3, "who agrees to a text that is another now reads that first");
await page(address, "POST", new URLSearchParams({ "use:marketing": "1" }));
must((await standing("ana", "marketing")).history.length === 3 && (await standing("ana", "analytics")).allowed, "what was not shown is not changed");
const saved = await page(address, "POST", new URLSearchParams([...forms(shown.text), ["use:marketing", "1"]]));
must(saved.status === 200 && saved.text.includes("Guardado"), "the person changes it");
marketing = await standing("ana", "marketing");
must(marketing.granted && marketing.history[0].via === "link" && marketing.history[0].wording === 2 && marketing.history.length === 4, "with the wording that was shown");
must((await standing("ana", "analytics")).allowed === false && (await standing("ana", "service")).granted === null, "what is not ticked is a no, but for a contract");
must((await api("POST", "/customers/ana/consent-link", { days: 0 })).json.errors[0].pointer === "/days", "links end");

// Staff note down what was said; who came by another name keeps the word.
must((await api("PUT", "/customers/ana/consents/marketing", { granted: false, time: "2026-06-15T10:00:00Z" })).json.data.find((row) => row.purpose === "marketing").granted, "an older word does not count");
must((await api("PUT", "/customers/ana/consents/marketing", { granted: "no" })).json.errors[0].pointer === "/granted" && (await api("PUT", "/customers/ana/consents/weather", { granted: true })).status === 404, "wrong words are refused");
await send({ type: "identify", userId: "ana-2", traits: { plan: "x" } });
must((await api("POST", "/customers/ana/merge", { into: "ana-2" })).status === 200 && (await standing("ana-2", "marketing")).granted, "merged customers speak as one");

// Collection: a source for analytics takes nothing of who refuses, one of marketing only of who agreed; the refusal itself is kept.
must((await api("PATCH", "/sources/1", { purpose: "weather" })).json.errors[0].pointer === "/purpose", "a source serves a purpose that there is");
must((await api("PATCH", "/sources/1", { purpose: "analytics" })).json.purpose === "analytics", "a source serves a purpose");
const before = (await api("GET", "/customers/ana")).json.interactions;
let told = await send({ type: "track", event: "Seen", userId: "ana" }, { type: "track", event: "Seen", userId: "luis" }, { type: "track", event: "Seen", userId: "luis", context: { consent: { categoryPreferences: { analytics: false } } } }, { type: "track", event: "Seen", userId: "luis" }, { type: "track", event: "Seen", userId: "stranger", context: { consent: { categoryPreferences: { analytics: false } } } });
must(told.accepted === 1 && told.rejected.map((row) => row.code).join() === "no_consent,no_consent,no_consent,no_consent", `events of who refuses are not taken: ${JSON.stringify(told)}`);
must((await api("GET", "/customers/ana")).json.interactions === before && (await standing("luis", "analytics")).granted === false && (await api("GET", "/customers/stranger")).status === 404, "nothing is kept but the refusal of who is known");
must((await api("GET", "/sources/1/refusals")).json.data.every((row) => row.code !== "no_consent" || !row.raw), "nor among refusals");
told = await send({ type: "track", event: "Seen", userId: "luis", context: { consent: { categoryPreferences: { analytics: true } } } }, { type: "track", event: "Seen", userId: "luis" });
must(told.accepted === 2 && (await standing("luis", "analytics")).granted, "who agrees again is taken again");
await api("PATCH", "/sources/1", { purpose: "marketing" });
told = await send({ type: "track", event: "Seen", userId: "luis" }, { type: "track", event: "Seen", userId: "ana" });
must(told.accepted === 1 && told.rejected[0].index === 0, "a purpose of consent takes only who agreed");
await api("PATCH", "/sources/1", { purpose: null });

// Addresses: short by default, none, or in full where a source says so.
const addresses = async () => [...new Set((await api("POST", "/query", { kind: "trend", of: { event: "Looked" }, every: "month", by: { property: "context.ip" } })).json.data.filter((row) => row.value).map((row) => row.by))].sort().join();
const seen = (userId, ip) => ({ type: "track", event: "Looked", userId, context: { ip } });
await send(seen("v4", "203.0.113.77"), seen("v6", "2001:db8:85a3:1:2:8a2e:370:7334"));
must(await addresses() === "2001:db8:85a3::,203.0.113.0", `addresses are shortened: ${await addresses()}`);
must((await api("PATCH", "/sources/1", { ip: "all" })).json.errors[0].pointer === "/ip", "three ways");
await api("PATCH", "/sources/1", { ip: "none" });
await send(seen("v4", "203.0.113.78"), seen("v6", "2001:db8::1"));
must(await addresses() === "2001:db8:85a3::,203.0.113.0,", `or not kept: ${await addresses()}`);
await api("PATCH", "/sources/1", { ip: "full" });
await send(seen("v4", "203.0.113.79"));
must((await addresses()).includes("203.0.113.79"), "or in full");

// Over a restart; erased with the person.
await server.end("SIGTERM");
server = await serve(data, log);
must((await standing("ana", "marketing")).history.length === 4 && (await api("GET", "/purposes")).json.data.find((row) => row.name === "marketing").wording === 2, "all of it outlives a restart");
must((await api("DELETE", "/customers/ana")).json.state === "done", "ana is erased");
must((await page(address)).status === 404, "her link leads nowhere");
must((await api("DELETE", "/purposes/service")).status === 204 && (await api("DELETE", "/purposes/service")).status === 404, "a purpose is removed");
await server.end("SIGTERM");
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok && readdirSync(data).length > 5, "all is whole");
console.log("consent is respected");
