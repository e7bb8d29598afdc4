// The right to be forgotten, for somebody who is everywhere: answers in words, reviews, an invitation that waits, a follow-up at a screen, groups, notes, merges, uploads,
// refused events, segments, the audit. Afterwards no file says who it was, nor any answer, nor a backup made from then on and restored; and nothing brings the
// person back: every way in is tried.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash, createHmac } from "node:crypto";
import { ask, make, must, pause, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-wide-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);
const api = (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const send = async (...batch) => (await ask(server, "POST", "/v1/batch", keys, { batch })).json;
const made = async (what, answer) => { const { status, text, json } = await answer; must(status < 300, `${what}: ${status} ${text}`); return json; };
const until = async (holds, what) => { for (let i = 0; i < 100; i++) { if (await holds()) return; await pause(100); } must(false, what); };

// What only she has.
const secret = { user: "zoraida-7731", email: "zoraida.quintanilla@correo.example", phone: "+34699887766", name: "Zoraida Quintanilla", old: "zq-tarjeta-99120044", dni: "00112233X" };
const others = Array.from({ length: 8 }, (_, n) => ({ type: "identify", userId: `otra-${n}`, traits: { name: `Otra ${n}`, email: `otra${n}@x.example`, plan: "oro" } }));

must((await send(...others)).rejected.length === 0, "others are known");

// A survey that asks after a purchase, by mail that cannot be sent now; reviews; a segment; a group.
await made("a survey", api("POST", "/surveys", { id: "compra", definition: { title: "Compra", languages: ["es"], pages: [{ questions: [{ id: "recommend", type: "nps", text: { es: "¿Nos recomendarías?" } }, { id: "why", type: "long_text", text: { es: "¿Por qué?" } }] }] } }));
await made("published", api("POST", "/surveys/compra/publish", {}));
await made("a way to write", api("PUT", "/outlets", { base_url: "https://senda.example.org", mail: { host: "127.0.0.1", port: 9, security: "none", from: "a@vereda.example", from_name: "V", per_minute: 600 } }));
const plan = await made("a plan", api("POST", "/invitation-plans", { name: "Tras comprar", survey: "compra", after: { event: "Order Completed" }, channels: ["email"] }));
await made("it runs", api("POST", `/invitation-plans/${plan.id}/start`));
await made("a subject of reviews", api("PUT", "/reviews/subjects/silla", { kind: "product", title: "Silla" }));
await made("a segment", api("POST", "/segments", { name: "oro", rule: { trait: "plan", op: "=", value: "oro" } }));
await pause(1200);

// Her life with the organisation.
must((await send({ type: "identify", userId: secret.user, traits: { name: secret.name, email: secret.email, phone: secret.phone, dni: secret.dni, plan: "oro" } }, { type: "identify", userId: secret.old, traits: { name: secret.name } },
  { type: "track", event: "Order Completed", userId: secret.user, properties: { total: 5000, note: `para ${secret.name}` } },
  { type: "track", event: "Survey Responded", userId: secret.user, properties: { survey: "compra", answers: [{ question: "recommend", metric: "nps", value: 3 }, { question: "why", metric: "text", value: `soy ${secret.name}, llamadme al ${secret.phone}` }] } },
  { type: "group", userId: secret.user, groupId: "casa-7", traits: { type: "household", role: "holder", name: "Casa 7", address: `calle de ${secret.name}` } }, { type: "group", userId: "otra-1", groupId: "casa-7", traits: { type: "household", role: "member" } })).rejected.length === 0, "she is known");
await send({ type: "track", event: "", userId: secret.user, properties: { email: secret.email } });
await made("merged", api("POST", `/customers/${secret.old}/merge`, { into: secret.user, why: `misma ${secret.name}` }));
await made("a note", api("POST", `/customers/${secret.user}/notes`, { text: `${secret.name} prefiere la tarde, ${secret.phone}` }));
await made("a note elsewhere", api("POST", "/customers/otra-2/notes", { text: `vecina de ${secret.email}` }));
await made("a review", api("POST", "/reviews", { subject: "silla", stars: 1, text: `Malísima, lo dice ${secret.name}`, author: secret.name, customer: secret.user }));
await made("consent", api("PUT", `/customers/${secret.user}/consents/marketing`, { granted: true }));
writeFileSync(join(scratch, "bad.csv"), `user_id,timestamp,event,email\n${secret.user},nunca,Visita,${secret.email}\n`);
writeFileSync(join(scratch, "map.json"), JSON.stringify({ customer: "user_id", time: "timestamp", event: "event", properties: "*" }));
succeed("import", join(scratch, "bad.csv"), "--data", data, "--format", "csv", "--map", join(scratch, "map.json"));
rmSync(join(scratch, "bad.csv.rejected.jsonl")); // beside the file of whoever imports, not in the folder
// A screen with a word after the tap, a terminal that asks for an address, links of hers, an upload that waits for its map.
const contact = { title: "Visita", languages: ["es"], pages: [{ questions: [{ id: "recommend", type: "nps", text: { es: "¿?" } }, { id: "who", type: "contact", fields: ["name", "email"], text: { es: "¿Quién?" } }] }] };
await made("another survey", api("POST", "/surveys", { id: "visita", definition: contact }));
await made("published", api("POST", "/surveys/visita/publish", {}));
const screen = await made("a screen", api("POST", "/kiosks", { name: "Salida", languages: ["es"], question: "¿Qué tal?", follow_ups: [{ faces: [1], kind: "text", question: "¿Algo más?" }] }));
const terminal = await made("a terminal", api("POST", "/kiosks", { name: "Mesa", kind: "terminal", survey: "visita" }));
const chains = new Map();
async function tap(kiosk, what) {
  const key = createHash("sha256").update(kiosk.key).digest(), chain = chains.get(kiosk) ?? { seq: 0, mac: "" };
  chains.set(kiosk, chain);
  const sign = (...parts) => createHmac("sha256", key).update(parts.join("")).digest("hex"), after = chain.mac, now = new Date().toISOString();
  const tap = JSON.stringify({ id: `d-${++chain.seq}`, seq: chain.seq, at: now, boot: "b", revision: 1, language: "es", ...what });
  chain.mac = sign(after, "\n", tap);
  const body = JSON.stringify({ chain: "d", sent_at: now, boot: "b", mono: 0, waiting: 0, after, taps: [{ tap, mac: chain.mac }] });
  return (await fetch(`http://127.0.0.1:${server.port}/k/${kiosk.address}/taps`, { method: "POST", headers: { "senda-signature": sign(body) }, body })).json();
}
must((await tap(screen, { value: 1, faces: 3, text: `soy clienta, ${secret.user}, ${secret.email}, llamad al ${secret.phone}` })).accepted === 1, "she says who she is at a screen");
must((await tap(terminal, { survey_version: 1, answers: { recommend: 2 } })).accepted === 1, "and answers at a terminal");
const page = (path, body, more = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, { method: body ? "POST" : "GET", redirect: "manual", headers: { accept: "application/json", "content-type": "application/json", ...more }, body: body && JSON.stringify(body) });
const path = (url) => new URL(url, "http://x/").pathname + new URL(url, "http://x/").search;
const links = [path((await made("a link of hers", api("POST", "/surveys/visita/links", { customer: secret.user }))).address), path((await made("another", api("POST", "/surveys/visita/links", { customer: secret.user }))).address)];
const answering = (link, submission) => page(link.split("?")[0], { submission, t: new URL(link, "http://x/").searchParams.get("t") ?? undefined, answers: { recommend: 4, who: { name: secret.name, email: secret.email } } });
const first = await answering(links[0], "hers-1");
must(first.status < 300, `she answers by her link, with her address: ${links[0]} ${first.status} ${await first.text()}`);
const opinion = path((await made("a link for a review", api("POST", "/reviews/links", { subject: "silla", customer: secret.user, months: 6 }))).url);
const consents = path((await made("a link to her consents", api("POST", `/customers/${secret.user}/consent-link`, {}))).url);
must((await page(consents)).status === 200, "which shows them");
const sent = await fetch(`http://127.0.0.1:${server.port}/api/v1/imports?name=altas.csv`, { method: "POST", headers: { authorization: `Bearer ${keys.api_key}`, "content-type": "text/csv" }, body: `user_id,timestamp,event,email\n${secret.user},2026-03-02T10:00:00Z,Visited,${secret.email}\notra-5,2026-03-02T10:00:00Z,Visited,otra5@x.example\n` });
const upload = await sent.json();
must(upload.state === "proposed", "an upload waits");
// What the organisation made of her: rules, promises, questions, units, a webhook with what was told of her, answers kept for a repeated request, searches.
const hers = [{ property: "email", op: "=", value: secret.email }];
await made("a segment that names her", api("POST", "/segments", { name: "vip", title: `Como ${secret.name}`, rule: { any: [{ trait: "email", op: "=", value: secret.email }, { trait: "plan", op: "=", value: "oro" }] } }));
await made("a segmentation", api("POST", "/segmentations", { name: "clases", title: "Clases", classes: [{ name: "ella", title: "Ella", rule: { trait: "email", op: "=", value: secret.email } }] }));
await made("a promise", api("POST", "/promises", { sentence: `Llamamos a ${secret.name}`, rule: { of: { event: "Order Completed", where: hers }, then: { event: "Answered" }, window: "2d" }, target: 0.9 }));
await made("a question", api("POST", "/questions", { name: `De ${secret.name}`, address: `/explore/trend?w1=email&v1=${encodeURIComponent(secret.email)}` }));
await made("a unit", api("POST", "/units", { name: "sol", title: "Sol" }));
await made("a rule of units", api("PUT", "/unit-rules", { rules: [{ property: "email", value: secret.email, unit: "sol" }] }));
await made("a rule of touchpoints", api("PUT", "/touchpoints", { rules: [{ touchpoint: "buzon", property: "email", value: secret.email }] }));
await made("the diary", api("POST", "/diary", { unit: "sol", kind: "other", from: "2026-03-01", text: `vino ${secret.name}` }));
await made("a webhook", api("POST", "/webhooks", { name: "todo", target: "https://127.0.0.1:9/x", events: ["survey.responded", "review.written"] }));
await send({ type: "track", event: `Escribe ${secret.email}`, userId: secret.user, properties: { [`de ${secret.email}`]: 1, url: `https://x.example/?mail=${encodeURIComponent(secret.email)}` }, context: { page: { url: `https://x.example/?mail=${secret.email}` } } },
  { type: "track", event: "Survey Responded", userId: secret.user, properties: { survey: "compra", answers: [{ question: "why", metric: "text", value: `soy ${secret.name}` }] } });
for (const look of [`/customers?q=${encodeURIComponent(secret.email)}`, `/audit?about=${encodeURIComponent(secret.email)}`, `/customers/${encodeURIComponent(secret.email)}`]) await api("GET", look);
await fetch(`http://127.0.0.1:${server.port}/api/v1/customers/${secret.user}/notes`, { method: "POST", headers: { authorization: `Bearer ${keys.api_key}`, "idempotency-key": `nota ${secret.email}`, "content-type": "application/json" }, body: JSON.stringify({ text: `${secret.name} otra vez` }) });
await until(async () => (await api("GET", `/customers/${secret.user}/invitations`)).json.data?.length > 0, "she is invited");
await until(async () => (await api("GET", "/segments/oro")).json.size === 9, "she is in the segment");
const id = (await api("GET", `/customers/${secret.user}`)).json.id;
const whole = (await api("GET", `/customers/${secret.user}/export`)).text;
for (const [what, text] of Object.entries({ email: secret.email, name: secret.name, phone: secret.phone, dni: secret.dni })) must(whole.includes(text), `her data have her ${what}`);
for (const part of ["prefiere la tarde", "misma Zoraida", "marketing", "soy Zoraida", "Malísima", "casa-7", "seen_by", "compra"]) must(whole.includes(part), `her data have ${part}: ${whole.length}`);

// ---- erased ----
const done = await made("erased", api("POST", `/customers/${secret.user}/erase`, { why: `lo pide ${secret.email}` }));
must(done.state === "done" && done.report.verification.found === 0, `done, and nothing found: ${JSON.stringify(done)}`);

const files = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => entry.isDirectory() ? files(join(dir, entry.name)) : entry.isFile() ? [join(dir, entry.name)] : []);
const forms = (text) => [text, text.toLowerCase(), encodeURIComponent(text), JSON.stringify(text).slice(1, -1)];
const nothingIn = (what, text) => { for (const [name, own] of Object.entries(secret)) for (const form of forms(own)) must(!text.includes(form), `${what} has her ${name}: …${text.toString().slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form) + 60)}`); };
const openapi = (await api("GET", "/openapi.json")).json;
const reads = Object.entries(openapi.paths).filter(([path, item]) => item.get && path.startsWith("/api/v1/") && path !== "/api/v1/stream").map(([path]) => path.slice(7));
async function nothingLeft(when, dir) {
  for (const path of files(dir)) nothingIn(`${when}: ${path.slice(dir.length)}`, readFileSync(path));
  for (const path of reads)
    for (const of of path.includes("{") ? [id, "otra-2", "casa-7", "1", "oro", "compra", "silla", "interactions", "customers", "responses", "reviews", "audit"] : [""]) {
      const answer = await api("GET", path.replace(/\{[^}]+\}/g, of) + (path.startsWith("/exports") ? "?format=jsonl" : ""));
      nothingIn(`${when}: GET ${path} of ${of}`, answer.text);
    }
  for (const question of [{ kind: "timeline", customer: id }, { kind: "timeline", customer: "otra-1" }, { kind: "answers", metric: "nps" }, { kind: "trend", every: "month", by: { property: "note" } }, { kind: "trend", every: "month", by: { trait: "name" } }])
    nothingIn(`${when}: ${JSON.stringify(question)}`, (await api("POST", "/query", question)).text);
}
await nothingLeft("after it", data);
must((await api("POST", "/query", { kind: "score", metric: "nps", survey: "compra" })).json.data[0].n === 1, "her answer still counts");

// ---- she does not come back ----
const known = async () => (await api("GET", "/customers?limit=1000")).json.data.length;
const people = await known();
const refusedAll = (what, answer) => must(answer.accepted === 0 && answer.rejected.length > 0 && answer.rejected.every((row) => row.code === "suppressed"), `${what}: ${JSON.stringify(answer)}`);
for (const event of [{ type: "track", event: "Visited", userId: secret.user }, { type: "identify", userId: secret.user, traits: { email: secret.email } }, { type: "page", userId: secret.old }, { type: "group", userId: secret.user, groupId: "casa-8", traits: { name: "x" } },
  { type: "track", event: "Visited", anonymousId: "new", context: { externalIds: [{ id: secret.email, type: "email" }] } }, { type: "identify", anonymousId: "new-2", traits: { email: secret.email, name: secret.name } }, { type: "alias", userId: "somebody", previousId: secret.user }])
  refusedAll(JSON.stringify(event).slice(0, 80), await send(event));
const write = (name, text) => { writeFileSync(join(scratch, name), text); return join(scratch, name); };
const imported = (format, file, ...more) => JSON.parse(succeed("import", file, "--data", data, "--format", format, ...more));
const map = (name, json) => write(name, JSON.stringify(json));
for (const [what, result] of [
  ["jsonl", imported("jsonl", write("a.jsonl", JSON.stringify({ type: "track", event: "Visited", userId: secret.user, timestamp: "2026-03-01T10:00:00Z" }) + "\n"))],
  ["csv", imported("csv", write("a.csv", `user_id,timestamp,event\n${secret.user},2026-03-01T10:00:00Z,Visited\n`), "--map", map("m1.json", { customer: "user_id", time: "timestamp", event: "event" }))],
  ["customers-csv", imported("customers-csv", write("c.csv", `user_id,email,name\n${secret.user},${secret.email},${secret.name}\n`), "--map", map("m2.json", { customer: "user_id", traits: "*" }))],
  ["responses-csv", imported("responses-csv", write("r.csv", `who,when,score\n${secret.user},2026-03-01,9\n`), "--map", map("m3.json", { survey: "compra", respondent: "who", time: "when", time_format: "%Y-%m-%d", answers: [{ column: "score", question: "recommend", metric: "nps" }] }))],
]) must(result.read >= 1 && result.accepted === 0 && result.rejected >= 1, `${what} brings nobody back: ${JSON.stringify(result)}`);
const opinions = (await api("GET", "/reviews?limit=200")).json.data.length;
const csv = imported("reviews-csv", write("o.csv", `product,stars,text,customer,date\nsilla,5,Vuelvo,${secret.user},2026-03-03\n`), "--map", map("m4.json", { subject: "product", rating: "stars", text: "text", customer: "customer", time: "date", time_format: "%Y-%m-%d" }));
must(csv.accepted === 0 && csv.rejected === 1, `reviews-csv brings nobody back: ${JSON.stringify(csv)}`);
const again = await api("POST", "/reviews", { subject: "silla", stars: 4, text: "Otra vez", customer: secret.user });
must(again.status >= 400, `nor does a review: ${again.status} ${again.text}`);
must((await page(opinion)).status >= 400 && (await fetch(`http://127.0.0.1:${server.port}${opinion}`, { method: "POST", redirect: "manual", body: new URLSearchParams({ stars: "4" }) })).status >= 400, "nor her link for one");
must((await page(consents)).status === 404, "her consents are nobody's");
const answers = (await api("POST", "/query", { kind: "answers", metric: "nps" })).json.meta.answers;
for (const [what, status] of [["used", (await answering(links[0], "hers-2")).status], ["unused", (await answering(links[1], "hers-3")).status]]) must(status >= 400, `her ${what} link of a survey: ${status}`);
must((await api("POST", "/surveys/visita/links", { customer: secret.user })).status >= 400, "and there is no new one");
must((await api("POST", `/customers/${secret.user}/notes`, { text: "x" })).status === 404, "nor a note");
await made("the upload begins", api("POST", `/imports/${upload.id}/start`, { map: { customer: "user_id", time: "timestamp", event: "event" } }));
await until(async () => !(await api("GET", `/imports/${upload.id}`)).json.running, "and ends");
const kept = (await api("GET", `/imports/${upload.id}`)).json;
must(kept.state === "done" && kept.accepted === 1 && kept.rejected === 1, `an upload from before brings others only: ${JSON.stringify(kept)}`);
const tapped = await tap(terminal, { survey_version: 1, answers: { recommend: 9, who: { name: secret.name, email: secret.email } } });
must(tapped.accepted + tapped.rejected === 1, `a terminal: ${JSON.stringify(tapped)}`);
await answering("/s/visita", "hers-4");
must((await api("GET", "/reviews?limit=200")).json.data.length === opinions, "no review was added");
must((await api("POST", "/query", { kind: "answers", metric: "nps" })).json.meta.answers <= answers + 2, "and no answer in her name");
must((await api("POST", `/customers/otra-3/merge`, { into: id })).status === 409, "nobody is merged into what is left of her");
must(await known() <= people + 2 && (await api("GET", `/customers/${secret.user}`)).status === 404 && (await api("GET", `/customers?q=${encodeURIComponent(secret.email)}`)).json.data.length === 0, "nobody came back");
for (const name of ["a.jsonl", "a.csv", "c.csv", "r.csv", "o.csv", "bad.csv"]) rmSync(join(scratch, name));
await nothingLeft("after she was refused", data);

// ---- restarted, and in a backup made from then on ----
await server.end("SIGTERM");
succeed("backup", "--data", data, "--to", join(scratch, "backup"));
succeed("restore", join(scratch, "backup"), "--data", join(scratch, "restored"));
server = await serve(join(scratch, "restored"), log);
await nothingLeft("in the backup", join(scratch, "restored"));
refusedAll("in the restored one", await send({ type: "track", event: "Visited", userId: secret.user }));
await server.end("SIGTERM");
nothingIn("what the server said", readFileSync(log));
console.log("nobody knows who it was");
