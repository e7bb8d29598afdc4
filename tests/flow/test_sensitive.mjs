// A sensitive property or trait is hidden from everybody but administrators: in whatever can be read, asked by or looked for, by every role and
// by keys; who sees it sees that nothing is lost.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, serve, succeed, pause } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-sensitive-")), data = join(scratch, "data"), password = "a long enough secret";
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), password);
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
const server = await serve(data, join(scratch, "log")), base = `http://127.0.0.1:${server.port}`;
async function call(who, method, path, body) {
  const answer = await fetch(base + path, { method, redirect: "manual", headers: { ...who.headers, ...(method === "GET" ? {} : who.change) }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json };
}
const admin = { name: "admin key", headers: { authorization: `Bearer ${keys.api_key}` }, change: {} };
const collect = (...batch) => fetch(base + "/v1/batch", { method: "POST", headers: { authorization: "Basic " + btoa(keys.write_key + ":") }, body: JSON.stringify({ batch }) }).then((answer) => answer.json());

// Whatever bears the word is sensitive: a trait, a property of interactions, the number of an identity card, an attribute of a contract.
const MARK = "zzoculta";
const batch = [];
for (let n = 1; n <= 12; n++) {
  const userId = `p-${n}`, timestamp = `2026-02-0${1 + (n % 5)}T10:00:00Z`;
  batch.push({ type: "identify", userId, timestamp, traits: { name: `Eva ${n}`, diagnosis: `${MARK} asma ${n % 2}`, medical_name: `${MARK}-medical-${n}`, passport: `${MARK}PASS${n}`, plan: "oro" }, context: { externalIds: [{ type: "passport", id: `${MARK}PASS${n}` }] } },
    { type: "track", userId, timestamp, event: "Visited", properties: { room: "azul", finding: `${MARK} finding ${n % 2}`, dose: 1700000 + n, total: n } },
    { type: "track", userId, timestamp, event: "Survey Responded", properties: { survey: "web", finding: `${MARK} finding`, answers: [{ question: "recommend", metric: "nps", value: 9 }] } });
}
batch.push({ type: "group", userId: "p-1", groupId: "k-1", traits: { type: "contract", role: "holder", name: "Contrato 1", finding: `${MARK} group` } });
must((await collect(...batch)).rejected.length === 0, "the history is collected");
await collect({ type: "track", event: "", userId: "p-1", properties: { finding: `${MARK} refused` } });
must((await call(admin, "PUT", "/api/v1/identifier-kinds/passport", { traits: ["passport"] })).status < 300, "a kind of identifier that a trait carries");
for (const name of ["diagnosis", "medical_name", "passport", "finding", "dose"]) must((await call(admin, "PUT", `/api/v1/properties/${name}`, { sensitivity: "sensitive" })).status === 200, `${name} is sensitive`);

async function person(role) {
  const email = `${role}@example.org`, secret = `${role} has a secret`;
  const made = await call(admin, "POST", "/api/v1/users", { email, name: role, role, units: null, password: secret });
  must(made.status === 201, `${role} is made: ${made.text}`);
  const session = await fetch(base + "/api/v1/sessions", { method: "POST", body: JSON.stringify({ email, password: secret }) });
  return { name: role, headers: { cookie: session.headers.get("set-cookie").split(";")[0], "accept-language": "es" }, change: { "x-csrf-token": (await session.json()).csrf } };
}
const people = {};
for (const role of ["viewer", "agent", "analyst", "administrator"]) people[role] = await person(role);
const key = async (scopes) => ({ name: `key ${scopes}`, headers: { authorization: `Bearer ${(await call(admin, "POST", "/api/v1/keys", { name: `k ${scopes}`, scopes })).json.secret}` }, change: {} });
const reader = await key(["query", "manage", "import"]);
const blind = [people.viewer, people.agent, people.analyst, reader];
const one = (await call(admin, "GET", "/api/v1/customers/p-1")).json;

// ---- nothing of it in whatever can be read ----

await call(admin, "POST", "/api/v1/segments", { name: "ill", rule: { trait: "diagnosis", op: "contains", value: "asma 1" } });
const openapi = (await call(admin, "GET", "/api/v1/openapi.json")).json;
const reads = Object.entries(openapi.paths).filter(([path, item]) => item.get && path !== "/api/v1/stream" && path.startsWith("/api/")).map(([path]) => path);
const pages = ["/", "/explore", "/explore/trend", "/explore/trend?by=p.finding", "/explore/trend/values?property=finding", "/explore/trend/people?by=p.finding", "/customers", "/customers?q=Eva", `/customers/${one.id}`, `/customers/${one.id}/export`, "/segments", "/segments/ill", "/sources", "/sources/1", "/answers", "/scores", "/value", "/groups", "/groups?q=group", "/groups/k-1"];
const kinds = [{ kind: "timeline", customer: "p-1" }, { kind: "answers", metric: "nps" }, { kind: "customers", of: { in: "ill" } }, { kind: "drop_off", steps: [{ event: "Visited" }, { event: "Survey Responded" }, { event: "Visited" }], step: 1 }, { kind: "trend", every: "month", people: {} }, { kind: "flow" }];
const seen = (who, what, answer) => answer.text.toLowerCase().includes(MARK);
for (const who of blind) {
  const nothing = (what, answer) => must(!seen(who, what, answer) && !/170000\d/.test(answer.text), `${who.name}: ${what} (${answer.status}) tells: …${answer.text.slice(Math.max(0, answer.text.toLowerCase().indexOf(MARK) - 120), answer.text.toLowerCase().indexOf(MARK) + 40)}`);
  for (const path of reads)
    for (const id of ["p-1", "k-1", "1", "ill", "web", "customers", "interactions", "responses"]) {
      const target = path.replace(/\{[^}]+\}/g, id);
      nothing(target, await call(who, "GET", target));
      if (!path.includes("{")) break;
    }
  for (const what of ["customers", "interactions", "responses"]) for (const format of ["csv", "jsonl"]) nothing(`export ${what}`, await call(who, "GET", `/api/v1/exports/${what}?format=${format}`));
  nothing("members", await call(who, "GET", "/api/v1/segments/ill/export?format=jsonl"));
  for (const query of kinds) nothing(JSON.stringify(query), await call(who, "POST", "/api/v1/query", query));
  if (who !== reader) for (const page of pages) nothing(page, await call(who, "GET", page));
}

// ---- they know that something is hidden, and where ----

const card = (await call(people.agent, "GET", "/api/v1/customers/p-1")).json;
const trait = card.traits.find((row) => row.name === "diagnosis");
must(trait.hidden === true && trait.value === null && trait.history.length === 0, `a hidden trait says so: ${JSON.stringify(trait)}`);
must(card.identifiers.some((row) => row.type === "passport" && row.hidden === true && row.value === null), "a hidden identifier too");
const visit = (await call(people.agent, "GET", "/api/v1/customers/p-1/timeline")).json.data.find((row) => row.event === "Visited");
must(visit.properties.finding === null && visit.properties.dose === null && visit.properties.room === "azul" && visit.hidden.sort().join() === "dose,finding", `a row names what it hides: ${JSON.stringify(visit)}`);
must((await call(people.agent, "GET", `/customers/${one.id}`)).text.includes("(oculto)"), "the page says it in words");

// ---- nobody asks by it either ----

const predicate = [{ property: "finding", op: "exists" }];
const asks = [{ kind: "trend", by: { property: "finding" } }, { kind: "trend", by: { trait: "diagnosis" } }, { kind: "trend", where: predicate }, { kind: "trend", of: { event: "Visited", where: predicate } }, { kind: "trend", measure: { sum: "dose" } },
  { kind: "flow", case: { property: "finding" } }, { kind: "funnel", steps: [{ event: "Visited", where: predicate }, { event: "Survey Responded" }] }, { kind: "retention", start: {}, return: {}, every: "week", by: { property: "finding" } },
  { kind: "customers", of: { trait: "diagnosis", op: "exists" } }, { kind: "customers", of: { all: [{ not: { did: { where: predicate } } }] } }, { kind: "score", metric: "nps", by: { trait: "diagnosis" } }, { kind: "score", metric: "nps", where: predicate },
  { kind: "value", model: "rfm", purchase: { event: "Visited" }, amount: "dose" }, { kind: "promise", of: { event: "Visited" }, then: { event: "Survey Responded" }, window: "1d", key: "finding" }, { kind: "trend", segment: { trait: "passport", op: "=", value: "x" } }];
for (const query of asks) {
  for (const who of blind) {
    const answer = await call(who, "POST", "/api/v1/query", query);
    must(answer.status === 403 && (who === people.viewer || answer.json.errors?.[0]?.pointer), `${who.name} may not ask ${JSON.stringify(query)}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  must((await call(people.administrator, "POST", "/api/v1/query", query)).status === 200, `an administrator may ask ${JSON.stringify(query)}`);
}
const refused = await call(people.analyst, "POST", "/api/v1/query", asks[0]);
must(refused.json.detail.startsWith("Esa propiedad es sensible") && refused.json.errors[0].pointer === "/by/property", `it is said clearly, and where: ${refused.text}`);
for (const [method, path, body, pointer] of [["POST", "/api/v1/segments", { name: "mine", rule: { any: [{ trait: "diagnosis", op: "exists" }] } }, "/rule/any/0/trait"],
  ["POST", "/api/v1/segmentations", { name: "cut", classes: [{ name: "a", rule: { trait: "diagnosis", op: "exists" } }] }, "/classes/0/rule/trait"],
  ["PUT", "/api/v1/touchpoints", { rules: [{ touchpoint: "x", property: "finding", value: "y" }] }, "/rules/0/property"],
  ["PUT", "/api/v1/value/settings", { purchase: { event: "Visited" }, amount: "total", groups: "diagnosis" }, "/groups"]]) {
  const answer = await call(people.analyst, method, path, body);
  must(answer.status === 403 && answer.json.errors?.[0].pointer === pointer, `an analyst keeps nothing that asks by it: ${path} ${answer.text}`);
}
must((await call(people.analyst, "GET", "/api/v1/churn/survival?by=diagnosis")).status === 403, "no curves by it");
must((await call(people.analyst, "POST", "/api/v1/query", { kind: "trend", segment: "ill" })).status === 200, "a segment that an administrator made is for everybody");

// ---- nor finds anybody by a piece of it ----

for (const q of [`${MARK}-medical-3`, `${MARK}PASS`, "medical-3"]) {
  must((await call(people.administrator, "GET", `/api/v1/customers?q=${q}`)).json.data.length > 0, `an administrator finds by ${q}`);
  must((await call(people.agent, "GET", `/api/v1/customers?q=${q}`)).json.data.length === 0, `an agent does not by ${q}`);
}
must((await call(people.agent, "GET", "/api/v1/customers?q=Eva+3")).json.data.length > 0, "by the name everybody does");

// ---- administrators see everything; so does everybody once it is no longer sensitive ----

for (const path of ["/api/v1/customers/p-1", "/api/v1/customers/p-1/timeline", "/api/v1/customers/p-1/overview", "/api/v1/customers/p-1/export", "/api/v1/exports/customers?format=jsonl", "/api/v1/exports/interactions?format=csv", "/api/v1/sources/1/refusals"])
  must(seen(people.administrator, path, await call(people.administrator, "GET", path)), `an administrator sees it: ${path}`);
await call(admin, "PUT", "/api/v1/properties/finding", { sensitivity: "personal" });
must((await call(people.agent, "GET", "/api/v1/customers/p-1/timeline")).text.includes(MARK), "what is no longer sensitive is shown at once");

// ---- live ----

await call(admin, "PUT", "/api/v1/properties/name", { sensitivity: "sensitive" });
const controller = new AbortController();
const stream = await fetch(base + "/api/v1/stream", { headers: people.agent.headers, signal: controller.signal });
let heard = "";
const reading = (async () => { try { for await (const chunk of stream.body) heard += Buffer.from(chunk).toString(); } catch { /* ended below */ } })();
await pause(300);
await collect({ type: "track", userId: "p-2", event: "Visited", properties: { dose: 1700099 } });
for (let i = 0; i < 40 && !heard.includes("event: arrival"); i++) await pause(100);
controller.abort();
await reading;
must(heard.includes('"who":"p-2"') && !heard.includes("Eva 2") && !heard.includes("1700099"), `arrivals call nobody by a hidden name: ${heard}`);
await server.end("SIGTERM");
console.log("what is sensitive is seen by administrators alone");
