// Finding people and making them one: by any fragment, with typos, as soon as they have identified, under a new name, merged, and
// after a restart from kill -9; what is taken back is as it was.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-people-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);

async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + key }, body: body && JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}
let messages = 0;
async function identify(userId, traits) {
  const batch = [{ type: "identify", userId, traits, messageId: `i${++messages}` }, { type: "track", userId, event: "Called", messageId: `t${++messages}` }];
  must((await call("POST", "/v1/batch", { batch }, keys.write_key)).status === 200, `${userId} identifies`);
}
async function finds(text, wanted) {
  const { json } = await call("GET", "/api/v1/customers?q=" + encodeURIComponent(text));
  const found = json.data.map((row) => row.user_id).join(" ");
  must(found === wanted, `"${text}" finds "${wanted}": "${found}"`);
}

await identify("u1", { name: "Carmen Ibáñez", email: "carmen@correo.example", phone: "+34 612 345 678" });
await identify("u2", { name: "Íñigo Etxeberría", phone: "699000111" });
await identify("u3", { name: "Carmen Soler" });
await finds("ibanez", "u1");
await finds("crmen ibañes", "u1");
await finds("612345678", "u1");
await finds("inigo etxeverria", "u2");
await finds("carmen", "u3 u1"); // the shorter name is nearer
await finds("u2", "u2");
await finds("nobody at all", "");

await identify("u2", { name: "Íñigo Otero" });
await finds("etxeberria", "");
await finds("otero", "u2");

const shown = await call("POST", "/api/v1/customers/u3/merge", { into: "u1", preview: true });
must(shown.json.preview && shown.json.differing.some((trait) => trait.name === "name"), "a preview says where they differ");
must((await call("POST", "/api/v1/customers/u3/merge", { into: "u1", preview: "yes" })).status === 422, "preview is true or false");
must((await call("POST", "/api/v1/customers/u3/merge", { into: "u9" })).status === 404, "nobody is made by a mistyped id");
const merged = await call("POST", "/api/v1/customers/u3/merge", { into: "u1", why: "same phone" });
must(merged.status === 200 && merged.json.interactions === 2, "they are one");
await finds("soler", "u1");
await identify("u3", { town: "León" });

await server.end("SIGKILL");
server = await serve(data, log);
await finds("crmen ibañes", "u1");
await finds("soler", "u1");
must((await call("GET", "/api/v1/customers/u3")).json.interactions === 3, "one after a restart, with what came later");
const why = (await call("GET", "/api/v1/customers/u1/merges")).json.data[0];
must(why.reason === "by_hand" && why.why === "same phone", "and why");
const back = await call("POST", "/api/v1/customers/u1/unmerge", { merge: why.number });
must(back.status === 200 && back.json.merge.why === "same phone", "taken back");
await finds("soler", "u3");
must((await call("GET", "/api/v1/customers/u1")).json.interactions === 1, "the first as it was");
must((await call("GET", "/api/v1/customers/u3")).json.interactions === 2, "the second with its own");
must((await call("GET", "/api/v1/customers/u1/merges")).json.data[0].separated_at !== null, "and that it was");
const list = async (path, key) => (await call("GET", "/api/v1/customers?" + path, undefined, key)).json;

// The owner's number, too, is as it was; null is absent; a merge is found by its number behind any number of others.
const id = async (text) => (await call("GET", "/api/v1/customers/" + text)).json.id;
const before = [await id("u1"), await id("u2"), await id("u3")];
const first = (await call("POST", "/api/v1/customers/u1/merge", { into: "u2" })).json.merge;
await call("POST", "/api/v1/customers/u1/merge", { into: "u3" });
must(await id("u2") === before[2], "all three are the third");
must((await call("POST", "/api/v1/customers/u1/unmerge", { merge: first.number })).status === 200, "the first merge is taken back");
must(await id("u1") === before[2] && await id("u2") === before[1], "each has the owner that what remains gives it");
must((await call("POST", "/api/v1/customers/u1/unmerge", { merge: null })).status === 200, "null is absent");
must(JSON.stringify([await id("u1"), await id("u2"), await id("u3")]) === JSON.stringify(before), "everybody has the number from before");
must((await call("POST", "/api/v1/customers/u1/unmerge", { merge: 0 })).status === 422, "merges are numbered from 1");
const visitors = Array.from({ length: 1200 }, (_, i) => `v${i}`);
await call("POST", "/v1/batch", { batch: visitors.map((anonymousId) => ({ type: "track", anonymousId, event: "Seen", timestamp: "2026-01-01T00:00:00Z" })) }, keys.write_key);
await call("POST", "/v1/batch", { batch: visitors.map((anonymousId) => ({ type: "identify", userId: "u2", anonymousId, timestamp: "2026-01-02T00:00:00Z" })) }, keys.write_key);
const page = (await call("GET", "/api/v1/customers/u2/merges?limit=1000")).json;
const rest = (await call("GET", `/api/v1/customers/u2/merges?limit=1000&cursor=${page.next}`)).json;
must(page.data.length === 1000 && page.data.length + rest.data.length === 1201 && !rest.next, "every merge is listed, page by page");
const oldest = rest.data.filter((merge) => !merge.separated_at).at(-1);
must((await call("POST", "/api/v1/customers/u2/unmerge", { merge: oldest.number })).status === 200, "and the oldest of 1,200 is taken back");
must(await id(oldest.customer) !== before[1], "so it is somebody else");

// An identifier that an event attached says since when, and is separated; new events with both attach it again.
await call("POST", "/v1/batch", { batch: [{ type: "track", userId: "u1", anonymousId: "tablet", event: "Seen", context: { externalIds: [{ id: "L-77", type: "loyalty" }] } }] }, keys.write_key);
const known = (await call("GET", "/api/v1/customers/u1")).json.identifiers.find((row) => row.value === "L-77");
must(known.type === "loyalty" && known.attached && known.current && known.since, "an attached identifier explains itself: " + JSON.stringify(known));
for (const identifier of [{ kind: "anonymous", value: "tablet" }, { kind: "external", type: "loyalty", value: "L-77" }])
  must((await call("POST", "/api/v1/customers/u1/unmerge", { identifier })).status === 200, identifier.value + " is separated");
must((await call("POST", "/api/v1/customers/u1/unmerge", { identifier: { kind: "anonymous", value: "tablet" } })).status === 404, "it is no more u1's");
must((await call("POST", "/api/v1/customers/u1/unmerge", { identifier: { kind: "user", value: "u1" } })).status === 409, "what the customer began with stays");
const values = (await call("GET", "/api/v1/customers/u1")).json.identifiers.map((row) => row.value);
must(!(await list("q=L-77")).data.some((row) => row.user_id === "u1"), "nor is u1 found by it");
must(!values.includes("tablet") && !values.includes("L-77"), "u1 has neither: " + values);
must(await id("L-77") === await id("loyalty:L-77") && await id("L-77") !== before[0], "and they lead elsewhere");
await server.end("SIGKILL");
server = await serve(data, log);
must(await id("L-77") === await id("loyalty:L-77") && await id("L-77") !== before[0], "also after a restart");
await call("POST", "/v1/track", { userId: "u1", anonymousId: "tablet", event: "Seen" }, keys.write_key);
must(await id("tablet") === before[0], "new evidence attaches it again");

// Fragments beside a whole identifier; pages of what is found; whom somebody limited to a unit may see, however many others there are.
await identify("zeta", { name: "Ana Siete" });
await identify("casa", { name: "Casa Zeta" });
must((await list("q=zeta")).data.map((row) => row.user_id).join(" ") === "zeta casa", "the whole identifier first, then who has it as a fragment");
const crowd = Array.from({ length: 2300 }, (_, i) => ({ type: "identify", userId: `m${i}`, traits: { name: "Gentío Largo" }, messageId: `m${i}` }));
await call("POST", "/v1/batch", { batch: crowd }, keys.write_key);
await call("POST", "/v1/batch", { batch: [{ type: "identify", userId: "last", traits: { name: "Mari Gentío Largo" } }, { type: "track", userId: "last", event: "Called", context: { unit: "León" } }] }, keys.write_key);
await call("POST", "/api/v1/units", { name: "León" });
const seen = [];
for (let cursor = ""; cursor !== undefined;) {
  const found = await list("q=gentio&limit=1000" + (cursor && "&cursor=" + cursor));
  seen.push(...found.data.map((row) => row.id));
  cursor = found.next ?? undefined;
}
must(seen.length === 2301 && new Set(seen).size === 2301, "everybody, page by page: " + seen.length);
const limited = (await call("POST", "/api/v1/keys", { name: "León", scopes: ["query"], units: ["León"] })).json;
const near = await list("q=gentio", limited.secret);
must(near.data.length === 1 && near.data[0].user_id === "last", "the unit's own one is found behind 2,300 others: " + JSON.stringify(near));

// A trait that arrives late does not come back.
await call("POST", "/v1/identify", { userId: "u2", traits: { name: "Íñigo Antiguo" }, timestamp: "2020-01-01T00:00:00Z" }, keys.write_key);
await finds("antiguo", "");
await finds("otero", "u2");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("people: found by fragments, merged and separated");
