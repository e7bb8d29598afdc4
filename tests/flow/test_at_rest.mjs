// What identifies does not lie readable in the data folder: nothing of what people are called, wrote or can be reached by stands in the bytes of any file,
// through restarts, merges, a property that becomes sensitive, rotation of the key and rebuilding; and questions answer as before.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, must, serve, succeed, pause } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-rest-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = JSON.parse(succeed("init", "--data", data));
let server = await serve(data, log);
const api = async (method, path, body) => (await ask(server, method, `/api/v1${path}`, keys, body)).json;

// Many, so that texts stand in dictionaries and beyond them.
const PEOPLE = 3000, WORD = "Zurriburri";
const batch = [];
for (let n = 0; n < PEOPLE; n++) {
  const userId = `${WORD}-user-${n}`, timestamp = new Date(Date.UTC(2026, 1 + (n % 4), 1 + (n % 27))).toISOString();
  batch.push({ type: "identify", userId, timestamp, traits: { name: `${WORD} Pérez ${n}`, email: `${WORD.toLowerCase()}${n}@x.example`, phone: `+3461234${String(n).padStart(4, "0")}`, plan: n % 2 ? "Quincalla" : "Oropel" } },
    { type: "track", event: "Visited", userId, timestamp, properties: { note: `${WORD} vino y se quejó ${n}`, place: n % 2 ? "Quincalla" : "Oropel", dose: 123456000 + n, total: n, nested: { deep: `${WORD} hondo` } } },
    { type: "track", event: "Survey Responded", userId, timestamp, properties: { survey: "web", answers: [{ question: "recommend", metric: "nps", value: n % 11 }, { question: "why", metric: "text", value: `${WORD} porque sí ${n}` }] } });
}
for (let i = 0; i < batch.length; i += 1000) must((await ask(server, "POST", "/v1/batch", keys, { batch: batch.slice(i, i + 1000) })).json.rejected.length === 0, "people are collected");
// What colleagues and customers write elsewhere: reviews and what is said to them, notes, reasons, saved questions, webhooks, uploads with refused rows.
must((await api("PUT", "/reviews/subjects/silla", { kind: "product", title: "Silla" })).title === "Silla", "a subject of reviews");
const review = await api("POST", "/reviews", { subject: "silla", stars: 2, title: `${WORD} opina`, text: `${WORD} dice que cojea`, author: `${WORD} Pérez`, customer: `${WORD}-user-1` });
await api("PATCH", `/reviews/${review.id}`, { state: "refused", reason: "fake", note: `${WORD} no compró` });
await api("PUT", `/reviews/${review.id}/reply`, { text: `Lo sentimos, ${WORD}` });
await api("POST", `/customers/${WORD}-user-1/notes`, { text: `${WORD} prefiere la tarde` });
await api("POST", `/customers/${WORD}-user-2/merge`, { into: `${WORD}-user-3`, why: `la misma ${WORD}` });
await api("POST", "/questions", { name: "Una", address: `/explore/trend?w1=name&v1=${WORD}` });
await fetch(`http://127.0.0.1:${server.port}/api/v1/customers/${WORD}-user-4/notes`, { method: "POST", headers: { authorization: `Bearer ${keys.api_key}`, "idempotency-key": "one" }, body: JSON.stringify({ text: `${WORD} otra vez` }) });
// What the organisation says: rules and promises that name somebody, people who work with it, who answers for what, where mails come from, and names that events brought along.
const MAIL = `${WORD.toLowerCase()}@x.example`, made = async (what, answer) => { const { status, json, text } = await answer; must(status < 300, `${what}: ${status} ${text}`); return json; };
const call = (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const where = [{ property: "email", op: "=", value: MAIL }];
await made("a person", call("POST", "/users", { email: MAIL, name: `${WORD} Pérez`, role: "agent", password: "larga y buena 1" }));
must((await fetch(`http://127.0.0.1:${server.port}/api/v1/sessions`, { method: "POST", headers: { "content-type": "application/json", "user-agent": `${WORD} 1.0` }, body: JSON.stringify({ email: MAIL.toUpperCase(), password: "larga y buena 1" }) })).status === 201, "who comes in, however the address is written");
must((await call("POST", "/users", { email: MAIL.toUpperCase(), name: "Otra", role: "agent" })).status === 409, "an address is somebody's once");
await made("a segment", call("POST", "/segments", { name: "uno", title: `Los de ${WORD}`, rule: { trait: "email", op: "=", value: MAIL } }));
await made("a segmentation", call("POST", "/segmentations", { name: "dos", title: "Dos", classes: [{ name: "a", title: "A", rule: { trait: "email", op: "=", value: MAIL } }] }));
await made("a promise", call("POST", "/promises", { sentence: `Contestamos a ${WORD}`, rule: { of: { event: "Visited", where }, then: { event: "Answered" }, window: "2d" }, target: 0.9 }));
await made("a unit", call("POST", "/units", { name: "sol", title: "Sol" }));
await made("rules of units", call("PUT", "/unit-rules", { rules: [{ property: "email", value: MAIL, unit: "sol" }] }));
await made("rules of touchpoints", call("PUT", "/touchpoints", { rules: [{ touchpoint: "pedido", event: `Pedido de ${WORD}`, property: "email", value: MAIL }] }));
await made("a key", call("POST", "/keys", { name: `Para ${WORD}`, scopes: ["query"] }));
await made("a webhook", call("POST", "/webhooks", { name: `A ${WORD}`, target: `mailto:${MAIL}`, events: ["kiosk.silent"] }));
await made("an entry of the diary", call("POST", "/diary", { unit: "sol", kind: "other", from: "2026-03-01", text: `${WORD} de baja` }));
await made("a way to write", call("PUT", "/outlets", { base_url: "https://senda.example.org", mail: { host: "127.0.0.1", port: 9, security: "none", from: MAIL, from_name: WORD, per_minute: 600 } }));
const strange = await ask(server, "POST", "/v1/batch", keys, { batch: [{ type: "track", event: `Pedido de ${WORD}`, userId: `${WORD}-user-9`, properties: { [`de ${WORD}`]: 1, email: MAIL }, context: { channel: WORD, touchpoint: WORD, unit: WORD, ip: "10.11.12.13", userAgent: WORD, page: { url: `https://x.example/?email=${MAIL}`, path: `/${WORD}`, referrer: `https://x.example/${WORD}` }, campaign: { name: WORD } } }, { type: "page", name: `De ${WORD}`, userId: `${WORD}-user-9` }] });
must(strange.json.rejected.length === 0, `events with names in their names: ${strange.text}`);
await call("GET", `/customers?q=${MAIL}`);
await call("GET", `/audit?who=${MAIL}`);
const upload = (name, rows) => fetch(`http://127.0.0.1:${server.port}/api/v1/imports?name=${name}`, { method: "POST", headers: { authorization: `Bearer ${keys.api_key}`, "content-type": "text/csv" }, body: rows }).then((one) => one.json());
const proposed = await upload("datos.csv", `user_id,timestamp,event,email\n${WORD}-user-5,2026-03-01T10:00:00Z,Visited,${WORD}@x.example\n${WORD}-user-5,nunca,Visited,${WORD}@x.example\n`);
must(proposed.state === "proposed" && JSON.stringify(proposed.guess).includes(WORD), `an upload is looked at: ${JSON.stringify(proposed).slice(0, 300)}`);
const imported = await upload("mal.csv", `user_id,timestamp,event\n${WORD}-user-6,nunca,Visited\n`);
await api("POST", `/imports/${imported.id}/start`, { map: { customer: "user_id", time: "timestamp", event: "event" } });
for (let i = 0; i < 100 && (await api("GET", `/imports/${imported.id}`)).running; i++) await pause(50);
const written = async () => {
  const found = await api("GET", `/reviews/${review.id}`);
  must([found.title, found.text, found.author, found.note ?? found.moderation?.note, found.reply?.text ?? found.reply].every((text) => text?.includes(WORD)), `a review is read: ${JSON.stringify(found)}`);
  must((await api("GET", `/reviews?q=${WORD.toLowerCase()}%20dice`)).data.length === 1, "and found by its words");
  must((await api("GET", `/customers/${WORD}-user-3/merges`)).data[0].why.includes(WORD), "a reason is read");
  must((await api("GET", "/users")).data.some((person) => person.email === MAIL && person.name.includes(WORD)), "people are read");
  must((await api("GET", `/audit?about=${MAIL}&what=user`)).data.length === 1 && (await api("GET", `/audit?who=${MAIL}`)).data[0].what === "session.begin" && (await api("GET", "/audit/check")).intact, `the audit is asked by who and what about, and is whole`);
  must((await api("GET", "/segments/uno")).title.includes(WORD) && (await api("GET", "/promises")).data[0].sentence.includes(WORD) && (await api("GET", "/webhooks")).data[0].target.includes(MAIL) && (await api("GET", "/outlets")).mail.from === MAIL, "what the organisation says is read");
  must((await api("GET", "/questions")).data[0].address.includes(WORD), "a saved question is read");
  must(JSON.stringify((await api("GET", `/imports/${proposed.id}`)).guess).includes(WORD), "what an upload looks like, too");
  must((await ask(server, "GET", `/api/v1/imports/${imported.id}/rejected`, keys)).text.includes(`${WORD}-user-6`), "and refused rows");
  must((await api("POST", `/imports/${proposed.id}/preview`, { map: { customer: "user_id", time: "timestamp", event: "event" } })).preview?.length > 0, `an upload is looked at again: ${JSON.stringify(await api("POST", `/imports/${proposed.id}/preview`, {}))}`);
};
must((await api("PUT", "/properties/place", { sensitivity: "open" })).declared, "a property tells nothing of anybody");

const files = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) => entry.isDirectory() ? files(join(dir, entry.name)) : entry.isFile() ? [join(dir, entry.name)] : []);
const holding = (needle) => files(data).filter((file) => readFileSync(file).includes(needle));
const parts = () => files(data).filter((file) => file.endsWith(".part"));
const dose = (n) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64LE(BigInt(123456000 + n)); return bytes; };
const questions = [{ kind: "trend", every: "month", by: { trait: "plan" } }, { kind: "trend", every: "month", by: { property: "place" }, measure: { sum: "dose" } }, { kind: "trend", every: "month", where: [{ property: "note", op: "contains", value: "quejó 29" }] },
  { kind: "score", metric: "nps", every: "month" }, { kind: "customers", of: { trait: "email", op: "contains", value: "burri12" } }, { kind: "answers", metric: "nps", text: "porque si 77" }];
const answers = async () => JSON.stringify(await Promise.all(questions.map(async (question) => (await api("POST", "/query", question)).data)));
const before = await answers();
const clean = async (what) => {
  for (const needle of [WORD, WORD.toLowerCase(), "+3461234", "61234", "porque s", "Pérez"]) must(holding(needle).length === 0, `${what}: ${needle} stands in ${holding(needle)}`);
  must(await answers() === before, `${what}: answers are as they were`);
  await written();
};
must(before.includes("burri12") === false && JSON.parse(before)[4].count > 0 && JSON.parse(before)[2].some((row) => row.value > 0), "the questions find something");

// Sealed into files, with a server and without.
await server.end("SIGTERM");
succeed("reindex", "--data", data);
server = await serve(data, log);
must(parts().length > 0, "there are parts");
await clean("in files");
must(holding("Oropel").every((file) => file.endsWith(".part")) && holding("Oropel").length > 0, "what is open lies as it is, for speed");
must(holding(dose(7)).some((file) => file.endsWith(".part")), "numbers of what nobody spoke of too");

// A number becomes sensitive: the files are written anew by themselves.
must((await api("PUT", "/properties/dose", { sensitivity: "sensitive" })).unsealed_parts > 0, "it is said how many files wait for it");
for (let i = 0; i < 100 && holding(dose(7)).length; i++) await pause(100);
must(holding(dose(7)).length === 0, "numbers of what is sensitive are sealed in the background");
must((await api("PUT", "/properties/dose", { sensitivity: "sensitive" })).unsealed_parts === 0, "none waits any more");
await clean("sealed again");

// The key goes round; everything is still there, and sound.
succeed("rotate-key", "--data", data);
await clean("after rotation");
await server.end("SIGTERM");
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "parts and log agree");
server = await serve(data, log);
await clean("after a restart");
const noted = async () => (await api("POST", "/query", { kind: "trend", every: "month", where: [{ property: "note", op: "contains", value: "quejó 7" }] })).data.reduce((sum, row) => sum + row.value, 0);
const notes = await noted();
must((await api("POST", `/customers/${WORD}-user-7/erase`, {})).state === "done", "somebody is erased");
must(notes > 1 && await noted() === notes - 1, "and gone from what is sealed");
await server.end("SIGTERM");
console.log("at rest nothing is readable");
