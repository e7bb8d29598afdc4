// The right to be forgotten: nothing of the person is found in any file or answer, also after kill -9 in the middle; counts and scores
// stay; the person does not come back; merged customers go as one; others keep what is theirs.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, make, must, pause, senda, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-erasure-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);
const day = (n, hour = 10) => `2026-0${1 + (n % 6)}-1${n % 9}T${String(hour).padStart(2, "0")}:00:00.000Z`;
const send = async (events) => {
  const answer = await ask(server, "POST", "/v1/batch", keys, { batch: events });
  must(answer.status === 200, `events are taken: ${answer.status} ${JSON.stringify(answer.json)}`);
  return answer.json;
};
const api = async (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const query = async (question) => (await api("POST", "/query", question)).json.data;

// The person, under several identifiers, and what only they have.
const secret = {
  user: "carmen-4711", anonymous: "0f6b2c1e-77aa-4a10-9d2b-5a31f0c2d9aa", email: "carmen.ruiz@correo.example", phone: "+34600111222", loyalty: "LOY-889911-ES",
  name: "Carmen Ruiz Ibarra", other: "carmen.vieja@otra.example", street: "Calle de la Luna 17", order: "PED-2026-77120", comment: "la dependienta Marta fue un encanto",
};
const story = (user, n, extra = {}) => [
  { type: "track", event: "Product Viewed", userId: user, timestamp: day(n, 9), messageId: `${user}-view-${n}`, properties: { category: n % 2 ? "bici" : "casco", price: 100 + n }, context: { channel: "web", page: { path: `/cuenta/${user}` } } },
  { type: "track", event: "Order Completed", userId: user, timestamp: day(n), messageId: `${user}-order-${n}`, properties: { total: 5000 + n, category: n % 2 ? "bici" : "casco", coupon: "PRIMAVERA", ...extra }, context: { channel: "store", unit: "centro" } },
  { type: "track", event: "Survey Responded", userId: user, timestamp: day(n, 12), messageId: `${user}-nps-${n}`, properties: { survey: "compra", answers: [{ question: "recommend", metric: "nps", value: n % 11, scale: [0, 10] }, { question: "why", metric: "text", value: `porque ${user} lo dice` }] } },
];
for (let n = 0; n < 12; n++) must((await send(story(`cliente-${n}@x.example`, n))).accepted === 3, "stories are told");
must((await api("PUT", "/touchpoints", { rules: [{ touchpoint: "cuenta", path: "/cuenta/*" }] })).status === 200, "a rule of touchpoints");
await send([
  { type: "identify", userId: secret.user, anonymousId: secret.anonymous, traits: { name: secret.name, email: secret.email, phone: secret.phone, address: secret.street, plan: "oro" }, context: { externalIds: [{ id: secret.loyalty, type: "loyalty", encoding: "none", collection: "users" }] } },
  ...story(secret.user, 3, { order_id: secret.order, email: secret.email, note: secret.comment }), ...story(secret.user, 8),
  { type: "page", anonymousId: secret.anonymous, timestamp: day(2), messageId: "anonymous-page", context: { page: { path: "/", url: `https://x.example/?mail=${encodeURIComponent(secret.email)}` } } },
  { type: "identify", userId: secret.other, traits: { email: secret.other, name: secret.name } },
  { type: "track", event: "Call Started", userId: secret.other, timestamp: day(1), messageId: "call-1", properties: { agent: "ana", topic: secret.comment } },
  { type: "track", event: "Note Added", userId: "cliente-5@x.example", timestamp: day(5), messageId: "note-1", properties: { ref: `ver ficha ${secret.user}`, total: 3 } },
]);
await ask(server, "POST", "/v1/track", keys, { event: "Bad", userId: secret.user, timestamp: "never", properties: { email: secret.email } });
must((await api("POST", `/customers/${secret.other}/merge`, { into: secret.user, why: `mismo correo ${secret.email}` })).status === 200, "two files of one person are merged");
writeFileSync(join(scratch, "map.json"), JSON.stringify({ customer: "user_id", time: "timestamp", time_format: "rfc3339", event: "event", properties: "*" }));
writeFileSync(join(scratch, "mal.csv"), `user_id,timestamp,event,email\n${secret.user},nunca,Visita,${secret.email}\n`);
succeed("import", join(scratch, "mal.csv"), "--data", data, "--format", "csv", "--map", join(scratch, "map.json"));

const questions = [
  { kind: "trend", every: "month" }, { kind: "trend", of: { event: "Order Completed" }, measure: "sum", property: "total", every: "month", by: "channel" },
  { kind: "trend", every: "month", by: { property: "category" } }, { kind: "score", metric: "nps", every: "month" }, { kind: "trend", of: { touchpoint: "cuenta" }, every: "month" },
  { kind: "trend", of: { event: "Order Completed" }, every: "month", by: { property: "coupon" } }, { kind: "flow", level: "event" },
  { kind: "funnel", steps: [{ event: "Product Viewed" }, { event: "Order Completed" }], window: "7d" }, { kind: "trend", measure: "customers", every: "month" },
];
const answers = async () => JSON.stringify(await Promise.all(questions.map(query)));
const before = await answers();
must(JSON.parse(before)[4].some((row) => row.value > 0), `a touchpoint is counted by its rule`);
must((await api("GET", "/customers?q=carmen.ruiz")).json.data.length === 1, "the person is found");

// What would go is shown first; who is not allowed is refused.
const preview = (await api("POST", `/customers/${secret.user}/erase`, { preview: true })).json;
must(preview.profiles === 3 && preview.identifiers >= 4 && preview.interactions >= 8 && preview.answers === 4, `the preview counts: ${JSON.stringify(preview)}`);
must((await api("POST", `/customers/${secret.user}/erase`, { reason: 1 })).json.errors[0].pointer === "/reason", "an unknown member is refused");
const id = preview.customer;

must((await api("POST", "/reindex")).status === 200, "the index is written to files");

const files = (dir) => readdirSync(dir).flatMap((name) => {
  const path = join(dir, name), status = statSync(path);
  return status.isDirectory() ? files(path) : status.isFile() ? [path] : [];
});
const forms = (text) => [text, encodeURIComponent(text), Buffer.from(text).toString("base64").slice(0, -4)].map((form) => Buffer.from(form));
function nothingLeft(when) {
  for (const path of files(data))
    for (const [what, text] of Object.entries(secret))
      for (const form of forms(text)) must(!readFileSync(path).includes(form), `${when}: ${what} stands in ${path.slice(data.length)}`);
}

must(!files(data).some((path) => readFileSync(path).includes(secret.email)), "before the erasure, too, the address is sealed in every file");

// Killed in the middle, it goes on after the start.
const asked = api("POST", `/customers/${secret.user}/erase`, { why: `lo pidió desde ${secret.email}` }).catch(() => null);
await pause(25);
await server.end("SIGKILL");
await asked;
server = await serve(data, log);
if (!(await api("GET", "/erasures")).json.data.length) must((await api("POST", `/customers/${secret.user}/erase`, { why: `lo pidió desde ${secret.email}` })).status === 200, "it is done at once");
let erasure;
for (let i = 0; i < 300 && erasure?.state !== "done"; i++) {
  erasure = (await api("GET", "/erasures")).json.data[0];
  await pause(100);
}
must(erasure.state === "done" && erasure.customer === id && erasure.report.verification.found === 0 && erasure.report.seal.length === 64, `the erasure has a proof: ${JSON.stringify(erasure)}`);
must(!JSON.stringify(erasure).includes("carmen"), "that names nobody");
nothingLeft("after the erasure");
must(await answers() === before, "counts, sums, touchpoints and scores are what they were");
for (const text of Object.values(secret)) {
  must((await api("GET", `/customers/${encodeURIComponent(text)}`)).status === 404, `nobody is found by ${text}`);
  must((await api("GET", `/customers?q=${encodeURIComponent(text)}`)).json.data.every((row) => row.id !== id), "nor by searching");
}
const left = (await api("GET", `/customers/${id}`)).json;
must(left.identifiers.length === 0 && left.traits.length === 0 && left.interactions === preview.interactions, "the number stays, with its interactions");
const everything = JSON.stringify((await api("GET", `/customers/${id}/timeline?limit=1000`)).json) + succeed("export", "interactions", "--data", data, "--format", "jsonl") + succeed("export", "customers", "--data", data, "--format", "jsonl") +
  JSON.stringify((await api("GET", "/sources/1/refusals")).json) + JSON.stringify((await api("GET", `/customers/${id}/merges`)).json) + JSON.stringify((await api("GET", "/audit?limit=1000")).json);
for (const [what, text] of Object.entries(secret)) must(!everything.includes(text), `${what} is in no answer`);
must(everything.includes("ver ficha [erased]") && everything.includes("PRIMAVERA"), "others lose only the mention; shared texts stay");
must((await api("GET", "/customers/cliente-5@x.example")).json.user_id === "cliente-5@x.example", "others stay who they are");
must((await api("POST", `/customers/${id}/erase`)).status === 409, "nobody is erased twice");

must((await api("POST", "/customers/cliente-1@x.example/merge", { into: id })).status === 409, "and nobody is made one with them");

// Nobody comes back: by no identifier, nor as somebody new with the same address; what was counted once stays counted once.
const again = await send([
  { type: "track", event: "Visit", userId: secret.user, messageId: "again-1" }, { type: "identify", anonymousId: secret.anonymous, traits: { plan: "oro" } },
  { type: "identify", userId: "new-crm-id-1", traits: { email: secret.email.toUpperCase() } }, { type: "alias", previousId: secret.other, userId: "new-crm-id-2" },
  { type: "track", event: "Visit", anonymousId: "somebody-else", messageId: "again-2", context: { externalIds: [{ id: secret.loyalty, type: "loyalty", encoding: "none", collection: "users" }] } },
  { type: "identify", userId: "cliente-5@x.example", traits: { phone: secret.phone } }, { type: "track", event: "Order Completed", userId: secret.user, timestamp: day(3), messageId: `${secret.user}-order-3` },
]);
must(again.rejected.length === 5 && again.rejected.every((row) => row.code === "suppressed") && again.accepted === 1 && again.duplicates === 1, `the person is suppressed: ${JSON.stringify(again)}`);
const single = await ask(server, "POST", "/v1/identify", keys, { userId: secret.user, traits: { name: secret.name } });
must(single.status === 422, "a single event too");
writeFileSync(join(scratch, "crm.csv"), `user_id,timestamp,event\n${secret.user},2026-05-05T10:00:00Z,Visita\notra-99,2026-05-05T10:00:00Z,Visita\n`);
must(JSON.parse(succeed("import", join(scratch, "crm.csv"), "--data", data, "--format", "csv", "--map", join(scratch, "map.json"))).rejected === 1, "and the next import");
must(!readFileSync(join(scratch, "crm.csv.rejected.jsonl"), "utf8").includes(secret.user), "which keeps nothing of the row");
must((await api("GET", "/sources/1/refusals")).json.data.filter((row) => row.code === "suppressed").every((row) => !row.raw), "nor do the refusals");
must((await api("GET", "/customers/cliente-5@x.example")).json.traits.some((trait) => trait.value === secret.phone), "a family's phone stays with the others");
await ask(server, "POST", "/v1/identify", keys, { userId: "cliente-5@x.example", traits: { phone: null } });

const now = await answers();

// After a restart as well; the index can be built anew and the backup holds nothing.
await server.end("SIGTERM");
succeed("reindex", "--data", data);
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "everything is whole");
succeed("backup", "--data", data, "--to", join(scratch, "backup"));
succeed("restore", join(scratch, "backup"), "--data", join(scratch, "restored"));
must(senda("customer", "show", secret.user, "--data", join(scratch, "restored")).status === 3, "who was erased is in no backup made since");
server = await serve(data, log);
must(await answers() === now, "and everything counts as before");
must((await send([{ type: "track", event: "Visit", userId: secret.user, messageId: "again-3" }])).rejected.length === 1, "the suppression outlives a restart");

// Erased in the moment in which they enter a segment: what the server derives meanwhile goes too, without another try.
must((await api("POST", "/segments", { name: "compran", title: "Compran", rule: { did: { event: "Order Completed" } } })).status === 201, "a segment is made");
for (let n = 0; n < 8; n++) {
  await send([{ type: "identify", userId: `fugaz-${n}`, traits: { email: `fugaz-${n}@x.example` } }, { type: "track", event: "Order Completed", userId: `fugaz-${n}`, messageId: `fugaz-order-${n}` }]);
  const { number } = (await api("POST", `/customers/fugaz-${n}/erase`)).json;
  let state;
  for (let i = 0; i < 200 && state !== "done" && state !== "failed"; i++, await pause(20)) state = (await api("GET", `/erasures/${number}`)).json.state;
  must(state === "done", `who just entered a segment is erased at once: ${state}`);
}

// Who wants to come back is somebody new.
must((await api("DELETE", `/erasures/${erasure.number}/suppression`)).status === 204, "the suppression is lifted");
must((await send([{ type: "track", event: "Visit", userId: secret.user, messageId: "again-4" }])).accepted === 1, "then events are taken");
const back = (await api("GET", `/customers/${secret.user}`)).json;
must(back.id !== id && back.interactions === 1, "of a new customer");
must((await api("DELETE", `/erasures/${erasure.number}/suppression`)).status === 409, "once");
await server.end("SIGTERM");
const shell = JSON.parse(succeed("customer", "erase", secret.user, "--data", data, "--json", "--why", "otra vez"));
must(shell.state === "done" && shell.report.verification.found === 0 && shell.report.erased.identifiers === 1, "the shell erases without a server");

// Wherever it is killed, it ends after the start, and leaves nothing.
server = await serve(data, log);
for (const [n, wait] of [0, 4, 8, 14, 22, 35, 60].entries()) {
  const victim = `victima-${n}@y.example`, phone = `+3491100220${n}`;
  await send([{ type: "identify", userId: victim, traits: { phone } }, ...story(victim, n, { email: victim })]);
  if (n % 2) await api("POST", "/reindex");
  const begun = api("POST", `/customers/${victim}/erase`).catch(() => null);
  await pause(wait);
  await server.end("SIGKILL");
  await begun;
  server = await serve(data, log);
  let last = (await api("GET", `/customers/${victim}`)).status === 200 ? (await api("POST", `/customers/${victim}/erase`)).json : null;
  for (let i = 0; i < 300 && last?.state !== "done"; i++, await pause(50)) last = (await api("GET", "/erasures?limit=1")).json.data[0];
  must(last.state === "done" && last.report.verification.found === 0, `killed after ${wait} ms it is done: ${JSON.stringify(last)}`);
  for (const path of files(data)) for (const text of [victim, phone]) must(!readFileSync(path).includes(text), `killed after ${wait} ms: ${text} stands in ${path.slice(data.length)}`);
}
await server.end("SIGTERM");
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "and everything is whole");
console.log("the right to be forgotten holds");
