// Everything about one person on one page and in one file; the outside key: in a file, by a command, rotated while serving and after a crash.
// SPDX-License-Identifier: GPL-3.0-or-later
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, must, senda, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-privacy-")), data = join(scratch, "data"), log = join(scratch, "log"), password = "a long enough secret";
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), password);
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, log);
const api = (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const send = async (...batch) => (await ask(server, "POST", "/v1/batch", keys, { batch })).json;

// Export of one person.
await send({ type: "identify", userId: "eva", traits: { name: "Eva Soto", email: "eva@x.example" } }, { type: "track", event: "Order Completed", userId: "eva", timestamp: "2026-05-01T10:00:00Z", properties: { total: 4200, coupon: "MAYO" } },
  { type: "track", event: "Survey Responded", userId: "eva", timestamp: "2026-05-02T10:00:00Z", properties: { survey: "compra", answers: [{ question: "recommend", metric: "nps", value: 9 }, { question: "why", metric: "text", value: "muy amables" }] } },
  { type: "identify", userId: "eva-old", traits: { plan: "oro" } });
await api("POST", "/customers/eva-old/merge", { into: "eva", why: "misma tarjeta" });
await api("PUT", "/customers/eva/consents/marketing", { granted: true });
await api("POST", "/customers/eva/notes", { text: "prefiere la tarde" });
const all = (await api("GET", "/customers/eva/export?download=1"));
const whole = JSON.stringify(all.json);
must(all.status === 200 && all.headers["content-disposition"].includes(".json"), `a person's data are a file: ${all.status} ${all.text.slice(0,400)} ${JSON.stringify(all.headers)}`);
for (const part of ["eva@x.example", "Eva Soto", "misma tarjeta", "marketing", "prefiere la tarde", "MAYO", "muy amables"]) must(whole.includes(part), `the export has ${part}`);
must(all.json.timeline.length === 2 && all.json.seen_by.some((row) => row.what === "customer.merge") && all.json.consents.find((row) => row.purpose === "marketing").history.length === 1, "timeline, views and consents");
must((await api("GET", "/customers/nobody/export")).status === 404, "of somebody who is known");
const shell = JSON.parse(succeed("customer", "export", "eva", "--data", data));
must(shell.user_id === "eva" && shell.timeline.length === 2 && shell.notes.length === 1, "the shell gives the same");
const signIn = await fetch(`http://127.0.0.1:${server.port}/sign-in`, { method: "POST", redirect: "manual", body: new URLSearchParams({ email: "owner@example.org", password }) });
const page = await (await fetch(`http://127.0.0.1:${server.port}/customers/eva/export`, { headers: { cookie: signIn.headers.get("set-cookie").split(";")[0], "accept-language": "es" } })).text();
for (const part of ["Todo lo que sabemos", "eva@x.example", "prefiere la tarde", "misma tarjeta", "2026"]) must(page.includes(part), `the page has ${part}`);

// What people write in answers is masked before it is stored, the contact that a question asks for is kept.
await send({ type: "track", event: "Survey Responded", userId: "mask", timestamp: "2026-05-04T10:00:00Z", properties: { survey: "compra", answers: [{ question: "recommend", metric: "nps", value: 1 }, { question: "why", metric: "text", value: "tarjeta 4111 1111 1111 1111, dni 12.345.678-Z, es91-2100-0418-4502-0005-1332 y ñandú@correo.es" }, { question: "how", value: { email: "ana@x.example", said: "o al 612 345 678" } }] } });
const written = JSON.stringify((await api("GET", "/customers/mask/timeline")).json.data) + JSON.stringify((await api("POST", "/query", { kind: "answers", metric: "nps", text: "tarjeta" })).json);
must(written.includes("tarjeta [card], dni [nif], [iban] y [email]") && written.includes("o al [phone]") && written.includes("ana@x.example") && !/4111|345\.678|0418|ñandú|612 345/.test(written), `answers are masked: ${written}`);
// So are names, which the dictionary would keep for ever.
const named = (mail) => ({ type: "track", event: `Escribe ${mail}`, userId: "mask", properties: { [`de ${mail}`]: 1, [`a ${mail}`]: 2, [mail]: 3, [`x${mail}`]: 4 }, context: { touchpoint: `buzón de ${mail}` } });
must((await send(named("n1@correo.es"), named("n2@correo.es"))).rejected.length === 0 && (await send({ type: "identify", userId: "mask", traits: { "n3@correo.es": true } }, { type: "page", name: "De n4@correo.es", userId: "mask" }, named("n5@correo.es"))).rejected.length === 0, "names with addresses in them");
const names = JSON.stringify([(await api("GET", "/customers/mask/timeline")).json, (await api("GET", "/customers/mask")).json, (await api("GET", "/properties")).json]);
must(names.includes("Escribe [email]") && names.includes("buzón de [email]") && names.includes("De [email]") && names.includes('"de [email]":1') && !/n\d@correo/.test(names), `are masked: ${names.slice(0, 900)}`);
// So is what colleagues write about people: reasons, notes, answers to reviews.
const said = "llamó al 612 345 678 con la 4111 1111 1111 1111 y pepe@correo.es", masked = "llamó al [phone] con la [card] y [email]";
await send({ type: "identify", userId: "dos-a", traits: { plan: "oro" } }, { type: "identify", userId: "dos-b", traits: { plan: "oro" } });
must((await api("POST", "/customers/dos-a/merge", { into: "dos-b", why: said })).json.merge.why === masked, "a reason of a merge");
must((await api("POST", "/customers/dos-b/notes", { text: said })).json.text === masked, "a note");
await api("PUT", "/reviews/subjects/silla", { kind: "product", title: "Silla" });
const opinion = (await api("POST", "/reviews", { subject: "silla", stars: 2, text: "Cojea" })).json.id;
await api("PATCH", `/reviews/${opinion}`, { state: "refused", reason: "fake", note: said });
await api("PUT", `/reviews/${opinion}/reply`, { text: said });
const decided = JSON.stringify((await api("GET", `/reviews/${opinion}`)).json);
must(decided.split(masked).length === 3 && !decided.includes("4111"), `why a review was refused, and the answer to it: ${decided}`);
must((await api("POST", "/customers/dos-b/erase", { why: said })).json.why === masked, "a reason of an erasure");

// The registry: what is sensitive goes with the person, and only administrators export it; what is open stays.
await send({ type: "identify", userId: "pia", traits: { diagnosis: "asma", plan: "oro", dni: "12345678Z" } }, { type: "track", event: "Visited", userId: "pia", timestamp: "2026-05-03T10:00:00Z", properties: { diagnosis_code: 77, room: "azul-7", bed: "b-12" } });
must((await api("PUT", "/properties/diagnosis", { sensitivity: "secret" })).json.errors[0].pointer === "/sensitivity", "three ways, or automatic");
for (const name of ["diagnosis", "diagnosis_code", "dni"]) must((await api("PUT", `/properties/${name}`, { sensitivity: "sensitive", note: "salud" })).json.declared, "a property is sensitive");
await api("PUT", "/properties/room", { sensitivity: "open" });
const registry = (await api("GET", "/properties")).json.data;
must(registry.find((row) => row.name === "email").sensitivity === "personal" && !registry.find((row) => row.name === "email").declared && registry.find((row) => row.name === "room").sensitivity === "open", "names are guessed, what is said counts");
const reader = { api_key: (await api("POST", "/keys", { name: "reader", scopes: ["query"] })).json.key ?? (await api("POST", "/keys", { name: "reader2", scopes: ["query"] })).json.secret };
for (const path of ["/exports/interactions?format=jsonl", "/exports/customers?format=jsonl", "/customers/pia/export"]) {
  const seen = (await ask(server, "GET", `/api/v1${path}`, keys)).text, hidden = (await ask(server, "GET", `/api/v1${path}`, reader)).text;
  must((seen.includes("asma") || seen.includes("77")) && hidden.includes("pia") && !hidden.includes("asma") && !hidden.includes('"diagnosis_code":77') && seen.includes("12345678Z") === !path.includes("interactions") && !hidden.includes("12345678Z"), `${path} leaves out what is sensitive: ${hidden.slice(0, 200)}`);
}
must((await api("POST", "/customers/pia/erase", {})).json.state === "done", "pia is erased");
const anonymous = JSON.stringify((await api("GET", `/customers/${(await api("GET", "/erasures")).json.data[0].customer}/timeline`)).json.data);
must(!anonymous.includes("77") && anonymous.includes("azul-7") && !anonymous.includes("b-12"), `sensitive numbers go, what is open stays: ${anonymous}`);

// Retention: what people wrote goes after its days, the interaction and its score stay.
const day = (ago) => new Date(Date.now() - ago * 864e5).toISOString();
for (const [who, ago] of [["old", 400], ["new", 2]]) await send({ type: "track", event: "Survey Responded", userId: `w-${who}`, timestamp: day(ago), properties: { survey: "web", store: "centro", room: `la sala grande del fondo ${who}`, comment: `me pareció todo muy lento ayer ${who}`, order_id: `P-${who}-1`, answers: [{ question: "recommend", metric: "nps", value: 9 }, { question: "why", metric: "text", value: `porque tardan mucho siempre conmigo ${who}` }] } });
const score = async () => JSON.stringify((await api("POST", "/query", { kind: "score", metric: "nps", survey: "web" })).json.data);
const scored = await score();
must((await api("PUT", "/retention", { texts_days: 0 })).json.errors[0].pointer === "/texts_days" && (await api("GET", "/retention")).json.texts_days === null, "for ever, unless said");
must((await api("PUT", "/retention", { texts_days: 365, refusals_days: 30 })).json.texts_days === 365, "texts for a year");
must((await api("POST", "/jobs/privacy.retention/run")).status === 202, "the job is asked for");
let state;
for (let i = 0; i < 100 && state?.state !== "done"; i++) { state = (await api("GET", "/jobs")).json.data.find((row) => row.name === "privacy.retention"); await new Promise((resolve) => setTimeout(resolve, 50)); }
must(state.state === "done" && state.result.texts >= 2, `it let go of something: ${JSON.stringify(state)}`);
const exported = succeed("export", "interactions", "--data", data, "--format", "jsonl") + JSON.stringify((await api("GET", "/customers/w-old/timeline")).json.data);
for (const gone of ["muy lento ayer old", "siempre conmigo old", "P-old-1"]) must(!exported.includes(gone), `${gone} is gone`);
for (const kept of ["muy lento ayer new", "siempre conmigo new", "P-new-1", "centro", "del fondo old"]) must(exported.includes(kept), `${kept} is kept`);
must(await score() === scored, "scores stay");

// The outside key is rotated while the server works; the old one opens nothing any more.
const file = join(data, "secret.key"), old = readFileSync(file);
must(JSON.parse(succeed("rotate-key", "--data", data, "--json")).rotated === true, "rotated while serving");
must(!readFileSync(file).equals(old) && statSync(file).size === 32 && (statSync(file).mode & 0o77) === 0 && !existsSync(file + ".new"), "another key, private");
must((await send({ type: "track", event: "Seen", userId: "eva" })).accepted === 1, "the server goes on");
must((await api("POST", "/rotate-key")).status === 409, "over the network nobody rotates");
await server.end("SIGTERM");
const current = readFileSync(file);
writeFileSync(file, old);
must(senda("verify", "--data", data).status !== 0, "the old key opens nothing");
writeFileSync(file, current);
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "the new one does");
must(JSON.parse(succeed("rotate-key", "--data", data, "--json")).rotated === true && JSON.parse(succeed("customer", "show", "eva", "--data", data, "--json")).user_id === "eva", "without a server too");

// A crash between the records and the file: the new key still lies beside it.
const before = readFileSync(file);
succeed("rotate-key", "--data", data);
renameSync(file, file + ".new");
writeFileSync(file, before, { mode: 0o600 });
must(JSON.parse(succeed("customer", "show", "eva", "--data", data, "--json")).user_id === "eva" && !existsSync(file + ".new"), "what a crash left is finished");

// The key outside: a file of one's own, then a command that prints it.
const mine = join(scratch, "mine.key");
writeFileSync(mine, randomBytes(32), { mode: 0o600 });
succeed("rotate-key", "--data", data, "--new-key-file", mine);
must(readFileSync(file).equals(readFileSync(mine)), "a key that was given");
rmSync(file);
must(senda("customer", "show", "eva", "--data", data).status === 3, "without the key nothing opens");
process.env.SENDA_KEY_COMMAND = `od -An -tx1 ${mine} | tr -d ' \\n'`;
must(JSON.parse(succeed("customer", "show", "eva", "--data", data, "--json")).user_id === "eva", "a command gives the key");
must(senda("rotate-key", "--data", data).status === 4, "then the new one must be said");
const next = join(scratch, "next.key");
writeFileSync(next, randomBytes(32));
succeed("rotate-key", "--data", data, "--new-key-file", next);
must(senda("customer", "show", "eva", "--data", data).status === 4, "the command must give it from then on");
copyFileSync(next, mine);
must(JSON.parse(succeed("customer", "show", "eva", "--data", data, "--json")).user_id === "eva", "and it does");
process.env.SENDA_KEY_COMMAND = "echo none";
must(senda("verify", "--data", data).status === 4, "a command that gives none is refused");
delete process.env.SENDA_KEY_COMMAND;
console.log("rights and keys hold");
