// An organisation with two centres: what each role, limited to one of them, gets from every address of the API and every
// page; that nothing of the other centre is in it; and that viewers see no person and no number about a few.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, serve, succeed, pause } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-rights-")), data = join(scratch, "data");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), "a long enough secret");
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
writeFileSync(join(scratch, "units.csv"), "name;title;territory\nnorte;Norte;\nsur;Sur;\nnorte-1;Norte 1;norte\n");
succeed("unit", "import", join(scratch, "units.csv"), "--data", data);

// Everything of the other centre bears a word that nothing else has.
const MARK = "surmark", OWN = "nortemark";
const time = (day, hour = 10) => `2026-02-${String(day).padStart(2, "0")}T${hour}:00:00Z`;
function history() {
  const batch = [];
  const person = (unit, mark, n, channel) => {
    const userId = `${mark}-${n}`;
    batch.push({ type: "identify", userId, traits: { name: `Marta ${mark} ${n}`, email: `${mark}${n}@example.org` }, messageId: `i-${userId}`, timestamp: time(1) });
    for (const [k, event] of ["Product Viewed", "Checkout Started", "Order Completed"].entries())
      batch.push({ type: "track", userId, event, messageId: `${userId}-${k}`, timestamp: time(2 + (n % 5), 10 + k), properties: { note: `${mark} note ${n}`, total: n, order: `${mark}-order-${n}` }, context: { unit, channel, ip: "192.0.2.1" } });
  };
  for (let n = 1; n <= 19; n++) person(n % 2 ? "norte" : "norte-1", OWN, n, n <= 10 ? "web" : n <= 13 ? "phone" : "app");
  for (let n = 1; n <= 30; n++) person("sur", MARK, n, "web");
  return batch;
}
const server = await serve(data, join(scratch, "log"));
const base = `http://127.0.0.1:${server.port}`;
async function call(who, method, path, body, headers = {}) {
  const answer = await fetch(base + path, { method, redirect: "manual", headers: { ...who.headers, ...(method === "GET" ? {} : who.change), ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json, headers: answer.headers };
}
const admin = { name: "admin key", headers: { authorization: `Bearer ${keys.api_key}` }, change: {} };
async function collect(batch) {
  const sent = await fetch(base + "/v1/batch", { method: "POST", headers: { authorization: "Basic " + btoa(keys.write_key + ":") }, body: JSON.stringify({ batch }) });
  must(sent.status === 200 && (await sent.json()).rejected.length === 0, "the history is collected");
}
await collect(history());

async function person(role, units) {
  const email = `${role}@example.org`, password = `${role} has a secret`;
  const made = await call(admin, "POST", "/api/v1/users", { email, name: role, role, units, password });
  must(made.status === 201, `${role} is made: ${made.text}`);
  const session = await call({ headers: {} }, "POST", "/api/v1/sessions", { email, password });
  must(session.status === 201, `${role} signs in: ${session.text}`);
  const cookie = session.headers.get("set-cookie").split(";")[0];
  return { name: role, headers: { cookie, "accept-language": "en" }, change: { "x-csrf-token": session.json.csrf } };
}
const limited = [];
for (const role of ["viewer", "agent", "unit_manager", "analyst"]) limited.push(await person(role, ["norte"]));
const [viewer, agent, manager, analyst] = limited;
const made = await call(admin, "POST", "/api/v1/keys", { name: "norte", scopes: ["query", "manage", "import", "admin"], units: ["norte"] });
for (const [language, title, detail, answered] of [["es-ES", "No existe", "No existe ese centro.", "es"], ["en", "Not found", "There is no such unit.", "en"], [null, "Not found", "no such unit", null]]) {
  const refused = await call(admin, "DELETE", "/api/v1/units/nowhere", undefined, language ? { "accept-language": language } : {}), told = language ?? "no language that was asked for";
  must(refused.status === 404 && refused.json.detail === detail && refused.json.title === title && refused.json.code === "not_found", `a problem is told in ${told}: ${refused.text}`);
  must(refused.headers.get("content-language") === answered, `and says so: ${refused.headers.get("content-language")}`);
}
const mistaken = await call(admin, "POST", "/api/v1/query", { kind: "funel" }, { "accept-language": "es" });
must(mistaken.json.errors[0].pointer === "/kind" && mistaken.json.errors[0].message === "No se conoce «funel» como clase de pregunta." && mistaken.json.hint === "¿Querías decir «funnel»?", `values and hints, too: ${mistaken.text}`);
for (const [name, said] of [["es_ES.UTF-8", /^senda query: No se conoce «funel» como clase de pregunta\. \(\/kind\)\n¿Querías decir «funnel»\?\n$/], ["C.UTF-8", /^senda query: unknown kind "funel", at \/kind\nDid you mean "funnel"\?\n$/]]) {
  const shell = spawnSync(process.env.SENDA, ["query", "--data", data, "-"], { input: '{"kind":"funel"}', encoding: "utf8", env: { ...process.env, LC_ALL: name } });
  must(shell.status === 1 && !shell.stdout && said.test(shell.stderr), `commands in ${name}: ${shell.stderr}`);
}
const norteKey = { name: "key", headers: { authorization: `Bearer ${made.json.secret}` }, change: {} };
const everybody = [...limited, norteKey];
const other = (await call(admin, "POST", "/api/v1/users", { email: `${MARK}@example.org`, name: MARK, role: "agent", units: ["sur"], password: "another long secret" })).json;
const asked = await call(admin, "POST", "/api/v1/questions", { name: `Ventas ${MARK}`, address: "/explore/trend?unit=sur" });
must(asked.status === 201, "a question that names the other centre");
await collect([1, 2, 3, 4, 5, 6].map((n) => ({ type: "track", userId: `${MARK}-${n}`, event: "Survey Responded", messageId: `s-${n}`, timestamp: time(3), context: { unit: "sur" }, properties: { survey: "s", answers: [{ question: "q", metric: "nps", value: 9 }, { question: "why", metric: "text", value: `${MARK} dice ${n}` }] } })));
must((await call(admin, "POST", "/api/v1/segments", { name: "surs", title: "Sures", rule: { did: { event: "Survey Responded" } } })).status === 201, "a segment of theirs");
must((await call(admin, "POST", `/api/v1/customers/${MARK}-7/notes`, { text: `${MARK} anotado` })).status === 201 && (await call(admin, "PUT", "/api/v1/reviews/subjects/silla", { kind: "product", title: "Silla" })).status < 300 &&
  (await call(admin, "POST", "/api/v1/reviews", { subject: "silla", stars: 1, text: `${MARK} opina`, customer: `${MARK}-7`, unit: "sur" })).status === 201 && (await call(admin, "POST", "/api/v1/diary", { unit: "sur", kind: "other", from: "2026-02-01", text: `${MARK} obras` })).status === 201, "what else there is of them");
await collect([{ type: "group", userId: `${MARK}-7`, groupId: `${MARK}-casa`, traits: { type: "household", name: `Casa ${MARK}` } }]);
const sur = (await call(admin, "GET", `/api/v1/customers?q=${MARK}-7`)).json.data[0];
const norte = (await call(admin, "GET", `/api/v1/customers?q=${OWN}-7`)).json.data[0];
must(sur && norte, "both customers are found by who sees all");

// ---- nothing of the other centre in anything that can be read ----

const nothing = (who, what, answer, word = MARK) => must(!answer.text.toLowerCase().includes(word), `${who.name}: ${what} (${answer.status}) says something of ${word}: …${answer.text.slice(Math.max(0, answer.text.toLowerCase().indexOf(word) - 80), answer.text.toLowerCase().indexOf(word) + 40)}`);
const openapi = (await call(admin, "GET", "/api/v1/openapi.json")).json;
const reads = Object.entries(openapi.paths).filter(([path, item]) => item.get && path !== "/api/v1/stream" && path.startsWith("/api/")).map(([path]) => path);
must(reads.length > 15, "the description lists what can be read");
const pages = ["/value", "/churn", "/scores", "/scores/answers", "/scores/staff", "/promises", "/reviews", "/segments", "/segments/surs", "/segmentations", "/groups", "/invitations", "/surveys", "/kiosks", "/diary", "/customers/duplicates", "/", "/explore", "/explore/trend", "/explore/trend?by=unit", "/explore/funnel?s1=Product+Viewed&s2=Order+Completed", "/explore/flow", "/explore/variants", "/explore/retention", "/explore/saved",
  "/explore/trend/people", "/explore/trend/people.csv", "/explore/trend/values?property=note", "/customers", "/customers?q=Marta", `/customers/${sur.id}`, "/settings/units", "/settings/people", "/settings/audit", "/settings/me", "/sources", "/import", "/settings/jobs"];
const kinds = [
  { kind: "trend", every: "day", by: "unit" }, { kind: "trend", every: "month", by: { property: "note" } }, { kind: "trend", every: "month", by: { trait: "email" } },
  { kind: "trend", every: "month", of: { event: "Order Completed" }, measure: "sum", property: "total" },
  { kind: "funnel", steps: [{ event: "Product Viewed" }, { event: "Order Completed" }], by: { property: "note" } },
  { kind: "drop_off", steps: [{ event: "Product Viewed" }, { event: "Order Completed" }], step: 1 },
  { kind: "flow", case: { property: "order" } }, { kind: "flow" }, { kind: "variants" }, { kind: "paths", start: { event: "Product Viewed" } },
  { kind: "retention", start: {}, return: {}, every: "week", by: { property: "note" } }, { kind: "customers", of: { did: {} } },
  { kind: "customers", of: { trait: "email", op: "contains", value: "@" } }, { kind: "trend", every: "month", people: {} },
  { kind: "timeline", customer: sur.id }, { kind: "trend", every: "month", unit: "sur" }, { kind: "score", metric: "nps" },
  { kind: "score", metric: "nps", every: "month", by: { trait: "email" } }, { kind: "answers", metric: "nps" }, { kind: "answers", metric: "nps", text: "mark" },
  { kind: "promise", of: { event: "Product Viewed" }, then: { event: "Never" }, window: "1d", by: { property: "note" } }, { kind: "promise", of: { event: "Product Viewed" }, then: { event: "Never" }, window: "1d", people: { state: "broken" } },
  { kind: "promise", of: { event: "Product Viewed" }, then: { event: "Never" }, window: "1d", customer: sur.id },
  { kind: "value", model: "rfm", purchase: { event: "Order Completed" }, amount: "total" }, { kind: "conditions", start: { event: "Order Completed" }, measure: "mean", property: "total", metric: "nps" },
  { kind: "customers", of: { in: "surs" } }, { kind: "flow", segment: "surs" }, { kind: "paths", end: { event: "Order Completed" }, by: { property: "note" } }, { kind: "variants", by: { property: "note" } }, { kind: "flow", by: { property: "note" } },
  { kind: "trend", every: "day", where: [{ property: "note", op: "contains", value: "note" }], by: { property: "order" } }, { kind: "trend", every: "month", by: "segment" },
];
for (const who of everybody) {
  for (const path of reads)
    for (const id of [sur.id, other.id, "sur", "customers", "interactions"]) {
      const target = path.replace(/\{[^}]+\}/g, id);
      nothing(who, target, await call(who, "GET", target));
      if (!path.includes("{")) break;
    }
  for (const more of ["?q=Marta", "?order=-last_seen&limit=1000", "?order=interactions&limit=1000"]) nothing(who, more, await call(who, "GET", `/api/v1/customers${more}`));
  for (const format of ["csv", "jsonl"]) for (const what of ["customers", "interactions"]) nothing(who, `export ${what}`, await call(who, "GET", `/api/v1/exports/${what}?format=${format}`));
  for (const query of kinds) nothing(who, JSON.stringify(query), await call(who, "POST", "/api/v1/query", query));
  if (who !== norteKey) for (const page of pages) nothing(who, page, await call(who, "GET", page));
}

// ---- numbers are those of the centre ----

const count = async (who, query) => (await call(who, "POST", "/api/v1/query", query)).json;
for (const who of [agent, manager, analyst, norteKey]) {
  const flow = await count(who, { kind: "flow" });
  must(flow.meta.customers === 19 && flow.meta.interactions === 57, `${who.name} counts the own centre and the one below it`);
  must((await count(who, { kind: "customers", of: { did: {} } })).data.count === 19, `${who.name} lists the customers of the own centre`);
  must((await call(who, "GET", "/api/v1/segments/surs")).json.size === 0 && (await call(who, "GET", "/api/v1/segments/surs/members")).json.data.length === 0, `${who.name} sees nobody in a segment of the other centre`);
  must((await call(who, "GET", `/api/v1/customers/${sur.id}`)).status === 404, `${who.name} finds nobody of the other centre`);
  must((await call(who, "GET", `/api/v1/customers/${norte.id}`)).status === 200, `${who.name} finds those of the own centre`);
  must((await call(who, "POST", "/api/v1/query", { kind: "flow", unit: "sur" })).status === 403, `${who.name} may not ask about the other centre`);
  must((await call(who, "GET", "/api/v1/units")).json.data.map((unit) => unit.name).join() === "norte,norte-1", `${who.name} sees the own units`);
}
must((await call(agent, "GET", "/api/v1/exports/customers?format=csv")).status === 403, "an agent exports nothing");
must((await call(manager, "GET", "/api/v1/exports/customers?format=csv")).text.includes(`${OWN} 7`), "a manager exports the own centre");

// ---- who is limited changes nothing that concerns all ----

for (const who of everybody)
  for (const [method, path, body] of [["PUT", "/api/v1/units/sur", { parent: "norte" }], ["POST", "/api/v1/units", { name: "mine" }], ["PUT", "/api/v1/unit-rules", { rules: [] }], ["PUT", "/api/v1/hierarchies/mine", {}],
    ["PUT", "/api/v1/touchpoints", { rules: [] }], ["POST", "/api/v1/sources", { name: "mine" }], ["GET", "/api/v1/sources"], ["GET", "/api/v1/imports"], ["POST", `/api/v1/customers/${sur.id}/merge`, { into: `${OWN}-1` }],
    ["POST", "/api/v1/users", {}], ["POST", "/api/v1/keys", { name: "all", scopes: ["query"] }], ["PATCH", "/api/v1/settings", { floor: 1 }], ["GET", "/api/v1/audit"], ["POST", "/api/v1/backups", {}]])
    must((await call(who, method, path, body)).status === 403, `${who.name}: ${method} ${path} is refused`);

// ---- live, and answers that were kept ----

const controller = new AbortController();
const streams = await Promise.all(everybody.map((who) => fetch(base + "/api/v1/stream", { headers: who.headers, signal: controller.signal })));
const heard = everybody.map(() => "");
const reading = streams.map(async (stream, i) => {
  try { for await (const chunk of stream.body) heard[i] += Buffer.from(chunk).toString(); } catch { /* ended below */ }
});
await pause(300);
await collect([{ type: "track", userId: `${MARK}-99`, event: "Kiosk Tapped", context: { unit: "sur" } }, { type: "track", userId: `${OWN}-99`, event: "Kiosk Tapped", context: { unit: "norte-1" } }, { type: "track", userId: `${MARK}-98`, event: "Kiosk Tapped" }]);
await pause(1500);
controller.abort();
await Promise.all(reading);
heard.forEach((text, i) => {
  must(!text.includes(MARK) && !text.includes("event: counters"), `${everybody[i].name} hears nothing of the other centre`);
  must((everybody[i] === viewer) !== text.includes(`${OWN}-99`), `${everybody[i].name} hears what arrives in the own centre, a viewer nobody`);
});
const once = { "idempotency-key": "question-1" };
must((await call(analyst, "POST", "/api/v1/query", { kind: "flow" }, once)).json.meta.customers === 20, "a question with a key");
const id = (await call(admin, "GET", "/api/v1/users")).json.data.find((user) => user.name === "analyst").id;
await call(admin, "PATCH", `/api/v1/users/${id}`, { units: ["norte-1"] });
must((await call(analyst, "POST", "/api/v1/query", { kind: "flow" }, once)).json.meta.customers === 10, "is not answered from before the rights were cut");

// ---- viewers: no person, no number about a few ----

for (const page of pages) nothing(viewer, page, await call(viewer, "GET", page), OWN);
for (const query of kinds) nothing(viewer, JSON.stringify(query), await call(viewer, "POST", "/api/v1/query", query), OWN);
for (const query of [{ kind: "timeline", customer: norte.id }, { kind: "customers", of: { did: {} } }, { kind: "trend", every: "month", people: {} }, { kind: "flow", case: "session" }])
  must((await call(viewer, "POST", "/api/v1/query", query)).status === 403, `a viewer may not ask ${JSON.stringify(query)}`);
const february = { from: "2026-02-01", to: "2026-03-01" };
const front = (await call(viewer, "GET", "/")).text;
must(!/<span class="figure-value">0</.test(front) && !front.includes('href="/customers"') && !front.includes("data-arrivals"), "the first page has no zero for what a viewer may not ask, and no live list that stays empty");
const channels = async (who) => (await count(who, { kind: "trend", every: "month", by: "channel", range: february }));
const all = await channels(manager), few = await channels(viewer);
must(JSON.stringify(all.data.map((row) => [row.by, row.value])) === JSON.stringify([["web", 30], ["app", 18], ["phone", 9]]), `a manager sees every channel: ${JSON.stringify(all.data)}`);
must(few.data.length === 1 && few.data[0].by === "web" && few.data[0].value === 30 && few.meta.suppressed === 2, `the channel of three customers goes, and the next, so that the total does not tell it: ${JSON.stringify(few)}`);
must((await count(viewer, { kind: "flow", where: [{ property: "note", op: "=", value: `${OWN} note 7` }] })).data.edges.length === 0, "an answer about one customer has no data");
const funnel = await count(viewer, { kind: "funnel", steps: [{ event: "Product Viewed" }, { event: "Order Completed" }], by: "channel", range: february });
must(funnel.data.every((row) => row.by === "web") && funnel.data[0].customers === 10, `funnels keep the floor: ${JSON.stringify(funnel.data)}`);

// One customer with many answers is one customer; what other numbers would tell of a few goes with them.
const answered = (n, k, channel, value) => ({ type: "track", userId: `${OWN}-${n}`, event: "Survey Responded", messageId: `a-${n}-${k}`, timestamp: `2026-03-0${1 + (n % 7)}T1${k}:00:00Z`, context: { unit: "norte", channel }, properties: { survey: "s", answers: [{ question: "q", metric: "nps", value }] } });
await collect([...Array.from({ length: 8 }, (_, k) => answered(1, k, "email", 2)), ...Array.from({ length: 9 }, (_, n) => answered(n + 2, 0, "web", n < 7 ? 10 : 3)), ...Array.from({ length: 9 }, (_, n) => answered(n + 11, 0, "app", 9))]);
const scores = async (who) => (await count(who, { kind: "score", metric: "nps", by: "channel" })).data;
must((await scores(manager)).find((row) => row.by === "email").n === 8, "a manager sees the score of eight answers");
must((await scores(viewer)).map((row) => row.by).join() === "app" || (await scores(viewer)).map((row) => row.by).join() === "web", `eight answers of one customer are about one: ${JSON.stringify(await scores(viewer))}`);
const [bars] = (await count(viewer, { kind: "score", metric: "nps", channel: "web" })).data;
must(bars.n === 9 && bars.distribution.every((bar) => bar.n === null) && bars.detractors === null && bars.promoters === null, `bars about two answers go, and the next: ${JSON.stringify(bars)}`);
// What few lost is the difference of two steps, of a cohort and who returned, of a segment and its part in another.
const step = (n, k, when) => ({ type: "track", userId: `${OWN}-${n}`, event: `Paso ${k}`, messageId: `paso-${k}-${n}`, timestamp: `2026-04-0${when}T10:00:00Z`, context: { unit: "norte", channel: n <= 7 ? "web" : "app" } });
await collect([14, 12, 6].flatMap((most, k) => Array.from({ length: most }, (_, n) => step(n + 1, k + 1, k + 1))));
const steps = { kind: "funnel", steps: [1, 2, 3].map((k) => ({ event: `Paso ${k}` })) };
const lost = await count(viewer, steps), told = (await count(manager, steps)).data.map((row) => row.customers).join();
must(told === "14,12,6" && lost.data.map((row) => row.customers).join() === "14,,6" && lost.data[1].suppressed && lost.data[2].from_previous === null && lost.data[2].share !== null, `a step that lost two goes, with what is told of it: ${JSON.stringify(lost.data)}`);
const lostBy = (await count(viewer, { ...steps, by: "channel" })).data;
must(lostBy.filter((row) => row.step === 2).every((row) => row.customers === null), `in every group that would tell it: ${JSON.stringify(lostBy)}`);
const returned = { kind: "retention", start: { event: "Paso 1" }, return: { event: ["Paso 2", "Paso 3"] }, every: "day", periods: 3, range: { from: "2026-04-01", to: "2026-04-10" } };
must((await count(manager, returned)).data[0].returned.slice(1, 3).join() === "12,6" && (await count(viewer, returned)).data[0].returned.slice(1, 3).join() === ",6", `a day on which all but two returned goes: ${JSON.stringify((await count(viewer, returned)).data)}`);
for (const [name, k] of [["paso-1", 1], ["paso-2", 2], ["paso-3", 3]]) must((await call(admin, "POST", "/api/v1/segments", { name, title: name, rule: { did: { event: `Paso ${k}` } } })).status === 201, "a segment");
for (let i = 0; i < 50 && (await call(admin, "GET", "/api/v1/segments/paso-3")).json.size !== 6; i++) await pause(100);
const both = async (who) => (await call(who, "GET", "/api/v1/segments/overlap?names=paso-1,paso-2,paso-3")).json.both;
must(JSON.stringify(await both(manager)) === "[[14,12,6],[12,12,6],[6,6,6]]" && JSON.stringify(await both(viewer)) === "[[14,null,6],[null,12,6],[6,6,6]]", `all but two are in both: ${JSON.stringify(await both(viewer))}`);
const graph = await count(viewer, { kind: "flow" }), lengths = graph.meta.case_length;
must(lengths.median_s !== null && lengths.min_s === null && lengths.max_s === null, "the shortest and the longest case are somebody's");
await call(admin, "POST", "/api/v1/segmentations", { name: "clases", title: "Clases", classes: [{ name: "pocos", title: "Pocos", rule: { trait: "email", op: "in", value: [1, 2, 3].map((n) => `${OWN}${n}@example.org`) } }, { name: "unos", title: "Unos", rule: { trait: "email", op: "contains", value: OWN } }], rest: { name: "resto", title: "Resto" } });
for (const email of ["mirona", "@example.org", "mirona@", "mirona@a@example.org", "mi rona@example.org"]) {
  const refused = await call(admin, "POST", "/api/v1/users", { email, name: "M", role: "viewer", password: "a third long secret" });
  must(refused.status === 422 && refused.json.errors[0].pointer === "/email", `"${email}" is no address: ${refused.status}`);
}
const everyone = await call(admin, "POST", "/api/v1/users", { email: "mirona@example.org", name: "M", role: "viewer", password: "a third long secret" });
const came = await call({ headers: {} }, "POST", "/api/v1/sessions", { email: "mirona@example.org", password: "a third long secret" });
must(everyone.status === 201 && came.status === 201, "a viewer who sees every unit");
const classes = (await call({ headers: { cookie: came.headers.get("set-cookie").split(";")[0] } }, "GET", "/api/v1/segmentations/clases/results")).json;
must(classes.data.filter((row) => row.size === null && row.share === null).length === 2, `a class of three goes with another one: ${JSON.stringify(classes)}`);
await call(admin, "PATCH", "/api/v1/settings", { floor: 3 });
must((await channels(viewer)).data.length === 3, "the floor is a setting");
must((await call(admin, "PATCH", "/api/v1/settings", { floor: 0 })).json.errors[0].pointer === "/floor", "of at least one");

// ---- the unit of what says none: of its source, else by a rule ----

const where = async (userId) => (await call(admin, "GET", `/api/v1/customers/${userId}/timeline`)).json.data.map((row) => row.unit).join();
const event = (userId, provider, unit) => ({ type: "track", userId, event: "Case Opened", properties: { provider }, ...(unit && { context: { unit } }) });
must((await call(admin, "PUT", "/api/v1/unit-rules", { rules: [{ property: "provider", value: "Sur", unit: "sur" }, { property: "provider", value: "7", unit: "norte" }] })).status === 200, "rules");
must((await call(admin, "PUT", "/api/v1/unit-rules", { rules: [{ property: "provider", value: "", unit: "sur" }] })).json.errors[0].pointer === "/rules/0/value", "a rule without a value is refused");
await collect([event("u-1", "Sur"), event("u-2", 7), event("u-3", "Otro"), event("u-4", "Sur", "norte-1")]);
must([await where("u-1"), await where("u-2"), await where("u-3"), await where("u-4")].join("|") === "sur|norte||norte-1", "a rule gives the unit, an event's own word counts more");
const source = (await call(admin, "GET", "/api/v1/sources")).json.data.find((one) => one.write_key === keys.write_key);
must((await call(admin, "PATCH", `/api/v1/sources/${source.id}`, { unit: "norte" })).json.unit === "norte", "a source has a unit");
await collect([event("u-5", "Sur"), event("u-6", "Sur", "sur")]);
must(await where("u-5") === "norte" && await where("u-6") === "sur", "which counts before rules, after the event");

// ---- who saw whom ----

const audit = async (query) => (await call(admin, "GET", `/api/v1/audit?limit=1000&${query}`)).json.data;
await call(agent, "GET", `/api/v1/customers/${norte.id}`);
await pause(200);
must((await audit(`what=customer.read&who=agent@example.org&about=${norte.id}`)).length > 0, "reading a customer's card is in the audit");
must((await audit("what=customer.read")).every((entry) => /^c_\d+$/.test(entry.about)), "by the customer's number");
must((await audit("what=query.people&who=agent@example.org")).length > 0 && (await audit("what=export&who=unit_manager@example.org")).length > 0, "so are lists of people and exports");
must((await audit("what=session.refused")).length === 0, "nobody was refused");
must((await call(admin, "GET", "/api/v1/audit?from=never")).status === 422, "a wrong filter is said");
const csv = await call(admin, "GET", "/api/v1/exports/audit?format=csv");
must(csv.text.includes("customer.read") && !csv.text.includes(`${OWN} 7`) && !csv.text.includes("a long enough secret"), "the audit is exported, without what customers are called and without secrets");
must((await call(manager, "GET", "/api/v1/exports/audit?format=csv")).status === 403, "by administrators");
must((await call(admin, "GET", "/api/v1/audit/check")).json.intact, "its chain is whole");

// ---- a stream ends with the right to it ----

const leaver = (await call(admin, "GET", "/api/v1/users")).json.data.find((user) => user.email === "analyst@example.org");
const live = await fetch(base + "/api/v1/stream", { headers: analyst.headers });
must(live.status === 200 && (await call(admin, "PATCH", `/api/v1/users/${leaver.id}`, { disabled: true })).status === 200, "an analyst listens, and is switched off");
await pause(2500);
await collect([{ type: "track", userId: `${OWN}-97`, event: "Kiosk Tapped", context: { unit: "norte" } }]);
const rest = await Promise.race([live.text(), pause(5000).then(() => null)]);
must(rest !== null && !rest.includes(`${OWN}-97`), `the stream ended before the next arrival: ${rest}`);
must((await call({ headers: {} }, "POST", "/api/v1/sessions", { email: "analyst@example.org", password: "analyst has a secret" })).status === 401, "who was switched off does not sign in");
await server.end("SIGTERM");
console.log("rights: as they should be");
