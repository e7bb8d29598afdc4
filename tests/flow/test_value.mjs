// What customers are worth, as a client sees it: settings, a run with its state, the report, lists and CSV, one customer, rules of
// segments, the same after a restart; who sees some units only is refused what is of the whole organisation.
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-value-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const program = process.env.SENDA ?? "build/senda";
const keys = make(data);
let server = await serve(data, log);

async function call(method, path, body, { key = keys.api_key, accept = "application/json" } = {}) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + key, accept }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, text, json: text.startsWith("{") ? JSON.parse(text) : null };
}

/* Too few, for one day and without money: refused with what is missing, on every way and in both languages. */
{
  const few = join(scratch, "few"), question = join(scratch, "question.json");
  writeFileSync(join(scratch, "password"), "una frase larga y segura");
  const own = JSON.parse(execFileSync(program, ["init", "--data", few, "--admin-email", "ana@example.org", "--admin-password-file", join(scratch, "password")], { stdio: ["ignore", "pipe", "ignore"] }));
  const small = await serve(few, log), at = `http://127.0.0.1:${small.port}`;
  const get = async (path, options = {}) => await fetch(at + path, { headers: { authorization: "Bearer " + own.api_key }, ...options });
  await get("/v1/batch", { method: "POST", headers: { authorization: "Bearer " + own.write_key }, body: JSON.stringify({ batch: ["a", "b", "c"].map((userId) => ({ type: "track", userId, event: "Order Completed" })) }) });
  writeFileSync(question, JSON.stringify({ kind: "value", model: "bgnbd", purchase: { event: "Order Completed" } }));
  const said = JSON.parse(execFileSync(program, ["query", question, "--data", few], { stdio: ["ignore", "pipe", "ignore"] })).data;
  must(said.parameters.r === null && JSON.stringify(said.refused) === '{"reason":"too_few","customers":3,"customers_needed":200,"repeaters":0,"repeaters_needed":50}', "the command says what is missing");
  must((await get("/api/v1/value/run", { method: "POST" })).status === 202, "a run of three customers");
  let report = null;
  for (let i = 0; i < 100 && !report; i++, await new Promise((resolve) => setTimeout(resolve, 30))) report = (await (await get("/api/v1/value/model")).json()).report;
  must(report.refused.reason === "too_few" && report.refused.customers === 3 && report.warnings.includes("amount_unknown") && report.purchasers === 3, "so does the report, which counts them without money: " + JSON.stringify(report));
  must((await (await get("/api/v1/churn")).json()).churn.refused.reason === "too_short", "one day foretells nothing");
  const enter = await get("/sign-in", { method: "POST", redirect: "manual", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ email: "ana@example.org", password: "una frase larga y segura" }) });
  for (const [language, value, churn] of [["es", "Hay muy pocos clientes", "El periodo observado es muy corto"], ["en", "There are too few customers", "The period observed is too short"]])
    for (const [path, words] of [["/value", value], ["/churn", churn]]) {
      const text = await (await get(path, { headers: { cookie: enter.headers.get("set-cookie").split(";")[0], "accept-language": language } })).text();
      must(text.includes(words) && (path !== "/value" || text.includes("200")), `${path} says so in ${language}`);
    }
  await small.end();
}

/* 400 customers over a year, one in two comes back; the first ones often. */
const batch = [], day = 864e5, now = Date.now();
for (let c = 0; c < 400; c++) {
  const gap = c < 60 ? 12 : 30 + (c % 50), first = 330 - (c % 200);
  batch.push({ type: "identify", userId: `v${c}`, traits: { name: `Cliente ${c}`, wallet: 2000 }, messageId: `i${c}` });
  for (let ago = first, n = 0; ago > 0 && n < (c % 2 ? 1 : 3 + (c % 25)); ago -= gap, n++)
    batch.push({ type: "track", userId: `v${c}`, event: "Order Completed", messageId: `o${c}-${n}`, timestamp: new Date(now - ago * day).toISOString(), properties: { total: Math.round((10 + (c * c * 37) % 90) * (60 + ((n * 13 + c) % 90))) / 100, category: n % 2 ? "tea" : "coffee" }, context: { unit: c % 2 ? "north" : "south" } });
}
for (let i = 0; i < batch.length; i += 2000)
  must((await call("POST", "/v1/batch", { batch: batch.slice(i, i + 2000) }, { key: keys.write_key })).status === 200, "purchases arrive");

const before = await call("GET", "/api/v1/value/model");
must(before.status === 200 && before.json.report === null && before.json.run.state === "never", "nothing was estimated yet");
must((await call("GET", "/api/v1/value?top=5x")).status === 422, "a number is a number");
const live = (await call("GET", "/api/v1/value")).json.data;
must(live.holdout && live.holdout.expected > 0 && live.observed.from, "what is asked now bears its check");

const settings = { purchase: { event: "Order Completed" }, amount: "total", wallet: "wallet", product: "category", window: "60d" };
must((await call("PUT", "/api/v1/value/settings", settings)).json.dropout === "mbgnbd", "what is not said is the standard");
const wrong = await call("PUT", "/api/v1/value/settings", { ...settings, contract: { end: { event: "Never" }, since: "x" } });
must(wrong.status === 422 && wrong.json.errors[0].pointer === "/contract/end/event", "a setting that cannot be is pointed at");
must((await call("PUT", "/api/v1/value/settings", (await call("GET", "/api/v1/value/settings")).json)).status === 200, "what is read can be written back");

must((await call("POST", "/api/v1/value/run")).status === 202, "a run is asked for");
let model;
for (let i = 0; i < 200; i++) {
  model = (await call("GET", "/api/v1/value/model")).json;
  if (model.run.state !== "running" && model.run.state !== "asked") break;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
must(model.run.state === "done" && model.report.refused === null, `it is done: ${JSON.stringify(model.run)}`);
must(model.report.check.expected > 0 && model.report.distribution.length === 10 && model.report.cohorts.length > 1, "with its check, tenths and cohorts");
must(model.report.potential.wallet.customers === 400 && model.report.potential.products[0].also.length === 1, "and the potential");
must((await call("POST", "/api/v1/value/cancel")).status === 409, "what does not run is not cancelled");

const list = (await call("GET", "/api/v1/value/customers?order=-clv&limit=3")).json;
must(list.data.length === 3 && list.data[0].clv >= list.data[1].clv && list.data[0].name.startsWith("Cliente"), "the most valuable first, by name");
const second = (await call("GET", `/api/v1/value/customers?order=-clv&limit=3&cursor=${list.next}`)).json;
must(second.data[0].clv <= list.data[2].clv, "page by page");
must((await call("GET", "/api/v1/value/customers?order=wealth")).status === 422, "by what is estimated only");
const csv = await call("GET", "/api/v1/value/customers?order=-clv", undefined, { accept: "text/csv" });
must(csv.text.startsWith("id,") && csv.text.trim().split("\r\n").length === 401, "everybody as CSV");

const one = (await call("GET", `/api/v1/customers/${list.data[0].user_id}/value`)).json;
must(one.data.customer.clv === list.data[0].clv && one.data.customer.rfm.f >= 4 && one.meta.as_of === model.made, "one customer of that run");
must(JSON.stringify((await call("GET", "/api/v1/customers/v1/value")).json.data.customer.products) === '{"held":["coffee"],"offers":[{"product":"tea","share":0.5}]}', "products held, and not held");
must((await call("GET", "/api/v1/customers/nobody/value")).status === 404, "nobody has none");
const rule = { kind: "customers", of: { value: { of: "clv", op: ">=", value: list.data[2].clv } } };
must((await call("POST", "/api/v1/query", rule)).json.data.count === 3, "a rule over it");

const health = (await call("GET", "/api/v1/health")).json;
must(health.made === model.made && health.bands.reduce((n, band) => n + band.customers, 0) > 0, "everybody has a health");
const survival = (await call("GET", "/api/v1/churn/survival?by=wallet")).json;
must(survival.all.customers === 400 && survival.groups.length === 1, "curves by a trait");
must((await call("GET", "/api/v1/churn")).json.survival.points.length > 10, "and all together");

const scoped = (await call("POST", "/api/v1/keys", { name: "north", scopes: ["query"], units: ["north"] })).json;
for (const path of ["/api/v1/value/model", "/api/v1/churn", "/api/v1/health", "/api/v1/churn/survival"])
  must((await call("GET", path, undefined, { key: scoped.secret })).status === 403, `${path} is of the whole organisation`);
const theirs = (await call("GET", "/api/v1/value/customers?order=-clv&limit=500", undefined, { key: scoped.secret })).json.data.map((row) => row.user_id);
must(theirs.length === 200 && theirs.every((id) => Number(id.slice(1)) % 2 === 1) && (await call("GET", "/api/v1/value/customers", undefined, { key: scoped.secret, accept: "text/csv" })).text.trim().split("\r\n").length === 201, "the list has their customers: " + theirs);
const asked = (await call("POST", "/api/v1/query", { kind: "customers", of: { value: { of: "clv", op: ">=", value: 0 } } }, { key: scoped.secret })).json.data;
must(asked.count === 200 && asked.customers.every((row) => Number(row.user_id.slice(1)) % 2 === 1), "so has a rule over estimates: " + asked.count);
must((await call("GET", "/api/v1/customers/v0/value", undefined, { key: scoped.secret })).status === 404, "who is not of the unit is not there");
const own = (await call("GET", "/api/v1/customers/v1/value", undefined, { key: scoped.secret })).json.data.customer;
must(own.purchase_days === 1 && own.clv === (await call("GET", "/api/v1/customers/v1/value")).json.data.customer.clv && own.clv !== undefined, "of who is, the purchases there and the estimates");
const glance = (await call("GET", "/api/v1/customers/v1/overview", undefined, { key: scoped.secret })).json, whole = (await call("GET", "/api/v1/customers/v1/overview")).json;
must(glance.worth.clv === whole.worth.clv && glance.worth.spent === own.spend && glance.worth.purchases === 1 && "health" in glance, "so has the page at a glance: " + JSON.stringify([glance.worth, whole.worth, own.spend, glance.health]));

/* A table that says who left: blanks between the columns, no header, no dates; who pays by month leaves more, and who has been here shortly. */
const table = join(scratch, "table.txt"), map = join(scratch, "map.json");
let state = 5;
const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
const people = Array.from({ length: 1500 }, (_, n) => ({ id: String(90001 + n), months: 1 + Math.floor(random() * 60), plan: random() < 0.5 ? "monthly" : "yearly", fee: 20 + Math.floor(random() * 30) }));
for (const person of people) person.left = random() < (person.plan === "monthly" ? 0.6 : 0.1) * (person.months < 20 ? 1 : 0.5) ? "yes" : "no";
writeFileSync(table, people.map((p) => ` ${p.id}   ${String(p.months).padStart(3)} ${p.plan.padEnd(8)} ${p.fee} ${p.left}`).join("\r\n"));
writeFileSync(map, JSON.stringify({ customer: "A", header: false, delimiter: " ", traits: ["B", "C", "D", "E"], types: { A: "string" } }));
const imported = JSON.parse(execFileSync(program, ["import", table, "--format", "customers-csv", "--map", map, "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
must(imported.accepted === 1500 && imported.rejected === 0, "columns by blanks: " + JSON.stringify(imported));
const tabled = { contract: { left: { trait: "E", value: "yes" }, tenure: "B", fee: "D" }, signs: ["C"], groups: "C" };
for (const [contract, pointer] of [[{ ...tabled.contract, since: "B" }, "/contract/since"], [{ left: "E", tenure: "B" }, "/contract/left"], [{ left: { trait: "E" }, tenure: "B" }, "/contract/left/value"], [{ left: tabled.contract.left }, "/contract/tenure"], [{ ...tabled.contract, tenure_unit: "moon" }, "/contract/tenure_unit"]])
  must((await call("PUT", "/api/v1/value/settings", { contract })).json.errors?.[0].pointer === pointer, "refused at " + pointer);
must((await call("PUT", "/api/v1/value/settings", { ...tabled, signs: ["C", 5] })).json.errors[0].pointer === "/signs/1", "signs are names");
async function estimated(settings) {
  must((await call("PUT", "/api/v1/value/settings", settings)).status === 200, "settings are kept");
  const made = (await call("GET", "/api/v1/value/model")).json.made;
  await call("POST", "/api/v1/value/run");
  for (let i = 0; i < 200; i++) {
    const model = (await call("GET", "/api/v1/value/model")).json;
    if (model.made !== made && model.run.state === "done") return model.report;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the run did not end");
}
const leavers = people.filter((p) => p.left === "yes").length, learnt = (await estimated(tabled)).churn;
must(learnt.check.folds === 10 && learnt.check.customers === 1500 && learnt.check.left === leavers && learnt.window_days === null, "judged on people it has not seen");
must(learnt.check.auc.value > 0.72 && learnt.check.auc.value < 0.9 && Math.abs(learnt.check.calibration.slope - 1) < 0.25, "it tells them apart: " + learnt.check.auc.value);
const plan = learnt.signs.find((sign) => sign.trait === "C"), stays = learnt.signs.find((sign) => sign.sign === "tenure");
must((plan.says === "yearly" ? plan.high < 1 : plan.low > 1) && stays.high < 1, "by what was planted");
must(learnt.bands.reduce((n, band) => n + band.customers, 0) === 1500 - leavers, "of those who are still there");
const riskiest = (await call("GET", "/api/v1/value/customers?order=-churn&limit=1")).json.data[0];
must(riskiest.reasons.some((reason) => reason.trait === "C" && reason.speaks_for === "leaving"), "with reasons");
const curves = (await call("GET", "/api/v1/churn/survival?by=C")).json;
must(curves.groups.length === 2 && curves.log_rank.p < 1e-6 && curves.all.customers === 1500, "and how long they last");
must((await estimated({ ...tabled, signs: ["C", "E"] })).churn.check.auc.value > 0.98, "a sign that is the answer is too good to be true");
must((await estimated({ ...tabled, contract: { ...tabled.contract, left: { trait: "E", value: "never" } } })).churn.refused.left === 0, "nobody left: nothing is learnt");
await estimated(settings);

await server.end("SIGKILL");
server = await serve(data, log);
const after = (await call("GET", "/api/v1/value/model")).json;
must(after.made !== model.made && after.report.total === model.report.total, "the same after a restart");
must((await call("GET", "/api/v1/value/customers?order=-clv&limit=1")).json.data[0].clv === list.data[0].clv, "to the last number");
await server.end();
