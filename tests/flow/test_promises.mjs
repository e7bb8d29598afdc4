// A brand promise as a manager keeps it: made on the page, changed as a new version, measured, the customers behind a break by
// name and as a file, after a restart, and ended.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-promises-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), "a long enough secret");
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, log), me = {};
async function call(method, path, body, headers = { authorization: `Bearer ${keys.api_key}` }) {
  const form = body instanceof URLSearchParams;
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, redirect: "manual", headers: { "accept-language": "en", ...headers }, body: body === undefined || form ? body : JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json, headers: answer.headers };
}
const page = (path) => call("GET", path, undefined, me);
const send = (path, fields) => call("POST", path, new URLSearchParams({ ...fields, csrf: me["x-csrf-token"] }), me);

const day = 86400000, at = (ago, hours = 0) => new Date(Date.now() - ago * day + hours * 3600000).toISOString();
const track = (userId, event, timestamp) => ({ type: "track", userId, event, timestamp, messageId: userId + event });
must((await call("POST", "/v1/batch", { batch: [
  { type: "identify", userId: "u2", traits: { name: "Berta <Ruiz>" }, messageId: "n2" },
  track("u1", "Order Completed", at(9)), track("u1", "Order Delivered", at(9, 30)),
  track("u2", "Order Completed", at(9)), track("u2", "Order Delivered", at(9, 60)),
  track("u3", "Order Completed", at(0, -40)),
] }, { authorization: `Bearer ${keys.write_key}` })).json.accepted === 6, "interactions");
const session = await call("POST", "/api/v1/sessions", { email: "owner@example.org", password: "a long enough secret" }, {});
me = { cookie: session.headers.get("set-cookie").split(";")[0], "x-csrf-token": session.json.csrf };

must((await page("/promises")).text.includes("<form"), "an empty list has the form");
const fields = { sentence: "Delivered in 48 h", kind: "within", of: "Order Completed", then: "Order Delivered", window: "48", unit: "h", target: "90", owner: "Logistics" };
const refused = await send("/promises", { ...fields, then: "" });
must(refused.status === 422 && refused.text.includes("Delivered in 48 h"), "no event is refused and what was typed stays");
must((await send("/promises", { ...fields, then: "Order Delivred" })).status === 303, "an event may come later");
const early = (await call("GET", "/api/v1/promises")).json.data[0].id;
must((await page(`/promises/${early}`)).text.includes("Did you mean “Order Delivered”?") && (await call("GET", `/api/v1/promises/${early}`)).json.warnings[0].pointer === "/rule/then/event", "and the page says that it never came");
must((await call("DELETE", `/api/v1/promises/${early}`)).status === 204, "gone again");
must((await send("/promises", fields)).status === 303, "a promise is made");
const unbroken = await call("POST", "/api/v1/query", { kind: "trend", of: { event: "Promise Broken", where: [{ property: "promise_id", op: "=", value: "1" }] } });
must(unbroken.status === 200 && unbroken.json.meta.interactions >= 0 && unbroken.json.data.every((row) => row.value === 0), "its breaks may be asked for before there is one: " + JSON.stringify(unbroken.json));
const id = (await call("GET", "/api/v1/promises")).json.data[0].id;
const edit = await page(`/promises/${id}/edit`);
must(edit.text.includes('value="Order Delivered"') && edit.text.includes('value="48"'), "the form holds what stands");
must((await send(`/promises/${id}/edit`, { ...fields, window: "36", target: "80" })).status === 303, "and changes it");
const now = (await call("GET", `/api/v1/promises/${id}`)).json;
must(now.version === 2 && now.rule.window === "36h" && now.target === 0.8, "as version 2");
const row = (await call("GET", `/api/v1/promises/${id}/results`)).json.data[0];
must(row.kept === 1 && row.broken === 2 && row.pending === 0 && row.n === 3, `kept and broken: ${JSON.stringify(row)}`);
must((await page(`/promises/${id}`)).text.includes("33.3%"), "the page shows the share");
const behind = await page(`/promises/${id}/customers?state=broken`);
must(behind.text.includes("Berta &lt;Ruiz&gt;") && !behind.text.includes("<Ruiz>"), "the customers behind, by name");
must((await page(`/promises/${id}/customers.csv?state=broken`)).text.split("\r\n").length === 4, "and as a file");
const [one, two] = [await call("GET", `/api/v1/promises/${id}/customers?state=broken&limit=1`), await call("GET", `/api/v1/promises/${id}/customers?state=broken`)].map((answer) => answer.json);
const next = (await call("GET", `/api/v1/promises/${id}/customers?state=broken&limit=1&cursor=${one.meta.next}`)).json;
must(one.data.count === 2 && one.data.customers.length === 1 && two.meta.next === null && JSON.stringify([...one.data.customers, ...next.data.customers]) === JSON.stringify(two.data.customers), "page by page: " + JSON.stringify([one, next]));

// a rule beyond the form is kept when only the words change
const rule = { of: { event: "Order Completed" }, then: { event: ["Order Delivered"] }, window: "2d" };
must((await call("PUT", `/api/v1/promises/${id}`, { sentence: "a", rule })).status === 200, "a rule by the API");
must((await page(`/promises/${id}/edit`)).text.includes('value="fixed"'), "the form says that it stays");
must((await send(`/promises/${id}/edit`, { sentence: "Within two days", kind: "fixed", target: "95" })).status === 303, "other words");

must((await server.end("SIGKILL")).signal === "SIGKILL", "killed");
server = await serve(data, log);
const after = (await call("GET", `/api/v1/promises/${id}`)).json;
must(after.version === 4 && after.sentence === "Within two days" && after.rule.then.event[0] === "Order Delivered", "all of it after kill -9");
must((await send(`/promises/${id}/remove`, {})).status === 303 && (await call("GET", "/api/v1/promises")).json.data.length === 0, "ended");
must((await call("GET", `/api/v1/promises/${id}/versions`)).json.data.length === 4, "its versions stay");

// a bound on a property, to one segment; a break is told on the customer's timeline, once, also after kill -9
must((await call("POST", "/v1/batch", { batch: [{ ...track("u4", "Queue Served", at(1)), properties: { wait_s: 100 } }] }, { authorization: `Bearer ${keys.write_key}` })).json.accepted === 1, "somebody is served");
must((await call("POST", "/api/v1/segments", { name: "served", title: "Served", rule: { did: { event: "Queue Served" } } })).status === 201, "a segment");
const person = { sentence: "A person in 3 minutes", kind: "bound", of: "Queue Served", property: "wait_s", op: "at_most", bound: "180", target: "90", segment: "served" };
must((await send("/promises", { ...person, property: "wait_x" })).status === 422, "an unknown property is refused");
must((await send("/promises", person)).status === 303, "a bound is promised");
const bound = (await call("GET", "/api/v1/promises?segment=served")).json.data[0];
must(bound.rule.bound.value === 180 && bound.rule.bound.op === "<=" && bound.segment.in === "served", `as it was typed: ${JSON.stringify(bound)}`);
must((await page(`/promises/${bound.id}/edit`)).text.includes('value="at_most"'), "the form holds it");
must((await page(`/promises/${bound.id}`)).text.includes("Served"), "the page says for whom");
must((await page("/segments/served")).text.includes("A person in 3 minutes"), "and the segment's page what it is promised");
must((await call("POST", "/v1/batch", { batch: [{ ...track("u4", "Queue Served", at(0)), properties: { wait_s: 181 }, messageId: "slow" }] }, { authorization: `Bearer ${keys.write_key}` })).json.accepted === 1, "somebody waits longer");
const broken = async () => (await call("POST", "/api/v1/query", { kind: "timeline", customer: "u4" })).json.data.filter((row) => row.event === "Promise Broken");
for (let i = 0; i < 100 && !(await broken()).length; i++) await new Promise((done) => setTimeout(done, 100));
must((await broken()).length === 1 && (await broken())[0].properties.promise === person.sentence, "the break is told");
must((await server.end("SIGKILL")).signal === "SIGKILL", "killed again");
server = await serve(data, log);
await new Promise((done) => setTimeout(done, 1500));
must((await broken()).length === 1, "told once");
must((await page("/customers/u4")).text.includes("A person in 3 minutes"), "on the customer's page");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("promises: made, changed, measured, followed to the customers");
