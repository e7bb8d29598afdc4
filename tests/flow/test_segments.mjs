// A segment over HTTP: made, named in questions, current within a second of an event, left by time, told in the customer's
// timeline, counted, overlapping, exported; the same after kill -9; refusals that say where.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, pause, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-segments-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), "a long enough secret");
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, log);
async function call(method, path, body, headers = { authorization: `Bearer ${keys.api_key}` }) {
  const form = body instanceof URLSearchParams;
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, redirect: "manual", headers: { "accept-language": "en", ...headers }, body: body === undefined || form ? body : JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page or a file */ }
  return { status: answer.status, text, json, headers: answer.headers };
}
const at = (ago_ms) => new Date(Date.now() - ago_ms).toISOString();
async function track(...batch) {
  const answer = await call("POST", "/v1/batch", { batch }, { authorization: `Bearer ${keys.write_key}` });
  must(answer.status === 200 && answer.json.rejected.length === 0, `tracked: ${answer.text}`);
}
const event = (userId, name, ago_ms = 0, properties = {}) => ({ type: "track", userId, event: name, timestamp: at(ago_ms), properties });
const size = async (name) => (await call("GET", `/api/v1/segments/${name}`)).json.size;
async function becomes(name, wanted, within_ms, what) {
  const begun = Date.now();
  while (Date.now() - begun < within_ms) {
    if ((await size(name)) === wanted) return Date.now() - begun;
    await pause(20);
  }
  must(false, `${what}: ${name} holds ${await size(name)}, not ${wanted}, after ${within_ms} ms`);
}

const hour = 3600000;
await track(event("ana", "Order Completed", 5 * hour, { total: 90 }), event("ana", "Order Completed", 4 * hour, { total: 20 }),
  event("bea", "Order Completed", 3 * hour, { total: 10 }), event("eva", "Product Viewed", hour),
  { type: "identify", userId: "ana", traits: { plan: "gold", name: "Ana <Gil>" } });

const made = await call("POST", "/api/v1/segments", { title: "Compran más de una vez", rule: { did: { event: "Order Completed" }, times: ">=2" }, mission: "Reponer", proposition: "Sin esperas", colour: "teal" });
must(made.status === 201 && made.json.name === "compran-mas-de-una-vez" && made.json.size === 1, `made: ${made.text}`);
const repeat = made.json.name;
const just = await call("POST", "/api/v1/segments", { name: "just-now", title: "Just now", rule: { did: { event: "Order Completed" }, within: "3s" } });
must(just.json.size === 0, "nobody just now");
must((await call("POST", "/api/v1/segments", { name: "quiet", title: "Quiet", rule: { not: { in: "just-now" } } })).json.size === 3, "built on another");

// refusals
const never = await call("POST", "/api/v1/segments", { name: "never", title: "Never", rule: { all: [{ did: { event: "Order Complted" } }] } }), [warning] = never.json.warnings;
must(never.status === 201 && never.json.size === 0 && warning.code === "never_seen" && warning.pointer === "/rule/all/0/did/event" && warning.nearest === "Order Completed", `an event that never came: nobody did it, and it is said: ${never.text}`);
must((await call("DELETE", "/api/v1/segments/never")).status === 204, "gone again");
must((await call("POST", "/api/v1/query", { kind: "funnel", steps: [{ event: "Order Complted" }, { event: "Order Completed" }] })).status === 422, "a question that names it is refused as ever");
const refused = await call("POST", "/api/v1/segments", { title: "x", rule: { all: [{ did: { event: 7 } }] } });
must(refused.status === 422 && refused.json.errors[0].pointer === "/rule/all/0/did/event", `refused with its place: ${refused.text}`);
for (const path of ["segments", "promises"])
  must((await call("POST", `/api/v1/${path}`, { titel: "x" })).json.detail.includes('"titel"'), `an unknown member of ${path} is named`);
must((await call("POST", "/api/v1/segments", { name: "quiet", title: "again", rule: { did: {} } })).status === 409, "a name once");
must((await call("DELETE", "/api/v1/segments/just-now")).status === 409, "another is built on it");
must((await call("PUT", "/api/v1/segments/just-now", { title: "x", rule: { not: { in: "quiet" } } })).status === 422, "no circle");
must((await call("GET", "/api/v1/segments/nobody")).status === 404, "unknown");
must((await call("POST", "/api/v1/query", { kind: "trend", segment: "repat" })).status === 422, "unknown in a question");

// questions
const trend = await call("POST", "/api/v1/query", { kind: "trend", every: "month", segment: repeat, measure: "customers" });
must(trend.json.data.some((row) => row.value === 1), "a question names it");
const by = await call("POST", "/api/v1/query", { kind: "trend", every: "month", segment: repeat, by: "segment", measure: "customers" });
must(by.json.data.some((row) => row.by === repeat) && by.json.data.some((row) => row.by === null), "and splits by it");

// while it is written
const preview = await call("POST", "/api/v1/segments/preview", { rule: { trait: "plan", op: "=", value: "gold" } });
must(preview.json.count === 1 && preview.json.customers === 3 && preview.json.sample[0].user_id === "ana", `preview: ${preview.text}`);

// current within a second of the event, and left by time alone
await track(event("bea", "Order Completed", 0, { total: 30 }));
const entered = await becomes(repeat, 2, 1500, "entering");
await becomes("just-now", 1, 1000, "entering a window");
await becomes("just-now", 0, 4500, "leaving by time");
const bea = (await call("GET", "/api/v1/customers/bea/segments")).json.data.map((row) => row.name);
must(bea.includes(repeat) && bea.includes("quiet") && !bea.includes("just-now"), `bea is in ${bea}`);
const told = async () => (await call("POST", "/api/v1/query", { kind: "timeline", customer: "bea", limit: 50 })).json.data.filter((row) => row.event.startsWith("Segment ") && !row.properties.initial).map((row) => `${row.event} ${row.properties.segment}`).sort();
const expected = ["Segment Entered compran-mas-de-una-vez", "Segment Entered just-now", "Segment Entered quiet", "Segment Left just-now", "Segment Left quiet"];
must(JSON.stringify(await told()) === JSON.stringify(expected), `told: ${await told()}`);
must((await call("POST", "/api/v1/query", { kind: "timeline", customer: "bea", limit: 50 })).json.data.filter((row) => row.properties.initial === true).map((row) => row.properties.segment).join() === "quiet", "who was in from the beginning is told so");
const flow = await call("POST", "/api/v1/query", { kind: "flow", level: "event" });
must(!flow.text.includes("Segment Entered"), "left out of journeys unless named");
must((await call("POST", "/api/v1/query", { kind: "variants", level: "event", of: { event: "Segment Entered" } })).text.includes("Segment Entered"), "in where named");

// members, overlap, history, export
const first = await call("GET", `/api/v1/segments/${repeat}/members?limit=1`);
must(first.json.count === 2 && first.json.data.length === 1 && first.json.next, `members: ${first.text}`);
const second = await call("GET", `/api/v1/segments/${repeat}/members?limit=1&cursor=${first.json.next}`);
must(second.json.data[0].user_id !== first.json.data[0].user_id && second.json.next === null, "the next page");
const overlap = (await call("GET", `/api/v1/segments/overlap?names=${repeat},quiet`)).json;
must(overlap.both[0][1] === 2 && overlap.both[1][1] === 3, `overlap: ${JSON.stringify(overlap)}`);
const days = (await call("GET", `/api/v1/segments/${repeat}/history`)).json.data;
must(days.at(-1).size === 2 && days.at(-1).entered === 1 && days.at(-1).left === 0, `history: ${JSON.stringify(days)}`);
const csv = await call("GET", `/api/v1/segments/${repeat}/export?format=csv`);
must(csv.text.trim().split("\r\n").length === 3 && csv.text.includes("ana") && !csv.text.includes("eva"), "as a file");
must(succeed("export", "customers", "--segment", repeat, "--format", "jsonl", "--data", data).trim().split("\n").length === 2, "from the shell");
const list = (await call("GET", "/api/v1/segments")).json;
must(list.data.length === 3 && list.meta.customers === 3 && list.meta.as_of && list.meta.lag_s < 1, `list: ${JSON.stringify(list.meta)}`);

// changed with If-Match; nothing is told of a change of rules
const etag = (await call("GET", `/api/v1/segments/${repeat}`)).headers.get("etag");
const body = { title: "Repeat", rule: { did: { event: "Order Completed" }, times: ">=1" } };
must((await call("PUT", `/api/v1/segments/${repeat}`, body, { authorization: `Bearer ${keys.api_key}`, "if-match": '"x"' })).status === 412, "changed meanwhile");
must((await call("PUT", `/api/v1/segments/${repeat}`, body, { authorization: `Bearer ${keys.api_key}`, "if-match": etag })).json.size === 2, "changed");

// a segmentation: everybody in one class, in versions, in questions
const homes = { title: "Clientes por uso", classes: [
  { title: "Oro", rule: { trait: "plan", op: "=", value: "gold" }, persona: { name: "Ana", age: "42", quote: "Que funcione y ya" } },
  { title: "Compradores", rule: { did: { event: "Order Completed" } }, mission: "Reponer" },
], rest: { title: "Los demás" } };
const sizes = async () => (await call("GET", "/api/v1/segmentations/clientes-por-uso/results")).json.data.map((row) => `${row.name} ${row.size}`).join(", ");
const seg = await call("POST", "/api/v1/segmentations", homes);
must(seg.status === 201 && seg.json.name === "clientes-por-uso" && seg.json.version === 1 && seg.json.classes[0].name === "oro", `segmentation: ${seg.text}`);
must((await sizes()) === "oro 1, compradores 1, rest 1", `sizes: ${await sizes()}`);
let byDay = [];
for (const begun = Date.now(); !byDay.length && Date.now() - begun < 10000; await pause(50)) byDay = (await call("GET", "/api/v1/segmentations/clientes-por-uso/history")).json.data;
must(byDay.length === 1 && /^\d{4}-\d\d-\d\d$/.test(byDay[0].day) && JSON.stringify(byDay[0].sizes) === '{"compradores":1,"oro":1,"rest":1}', `sizes by day: ${JSON.stringify(byDay)}`);
must((await call("GET", "/api/v1/segmentations/nothing/history")).status === 404, "of one that there is");
const split = await call("POST", "/api/v1/query", { kind: "trend", every: "month", measure: "customers", by: { segmentation: "clientes-por-uso" } });
must(["oro", "compradores", "rest"].every((name) => split.json.data.some((row) => row.by === name)), `by segmentation: ${split.text}`);
must((await call("POST", "/api/v1/query", { kind: "customers", of: { in: "clientes-por-uso/compradores" } })).json.data.customers[0].user_id === "bea", "a class in a rule");
must((await call("GET", "/api/v1/segmentations/clientes-por-uso/members?class=rest")).json.data[0].user_id === "eva", "members of a class");
const ana = (await call("GET", "/api/v1/customers/ana/segmentations")).json.data;
must(ana.length === 1 && ana[0].class === "oro" && ana[0].persona.name === "Ana", `ana: ${JSON.stringify(ana)}`);
must((await call("POST", "/api/v1/segmentations/preview", { classes: homes.classes })).json.sizes.join() === "1,1,1", "a preview");
const wrong = await call("PUT", "/api/v1/segmentations/clientes-por-uso", { ...homes, classes: [homes.classes[0], { title: "x", rule: { any: [{ did: { event: 7 } }] } }] });
must(wrong.status === 422 && wrong.json.errors[0].pointer === "/classes/1/rule/any/0/did/event", `refused: ${wrong.text}`);
must((await call("POST", "/api/v1/segments", { name: "on-class", title: "On class", rule: { in: "clientes-por-uso/compradores" } })).json.size === 1, "a segment on a class");
must((await call("PUT", "/api/v1/segmentations/clientes-por-uso", { ...homes, classes: [homes.classes[0]] })).status === 409, "a class that is built on stays");
must((await call("PUT", "/api/v1/segmentations/clientes-por-uso", { ...homes, classes: [homes.classes[1], homes.classes[0]] })).json.version === 2, "version 2");
must((await sizes()) === "compradores 2, oro 0, rest 1" && (await size("on-class")) === 2, `the order counts: ${await sizes()}`);
must((await call("GET", "/api/v1/segmentations/clientes-por-uso/versions")).json.data.map((v) => v.version).join() === "2,1", "versions");
must((await call("DELETE", "/api/v1/segmentations/clientes-por-uso")).status === 409, "built on");
must((await call("DELETE", "/api/v1/segments/on-class")).status === 204 && (await call("DELETE", "/api/v1/segmentations/clientes-por-uso")).status === 204, "removed");
must((await call("POST", "/api/v1/query", { kind: "trend", by: { segmentation: "clientes-por-uso" } })).status === 422, "and gone from questions");

// by segment, without naming one: a group for each, which is the question about its customers alone; null for those in none
for (const ask of [{ kind: "trend", every: "month", measure: "customers" }, { kind: "funnel", steps: [{ event: "Order Completed" }, { event: "Order Completed" }] }, { kind: "retention", start: {}, return: {}, every: "month", periods: 1 }]) {
  const { data, meta } = (await call("POST", "/api/v1/query", { ...ask, by: "segment" })).json, plain = (await call("POST", "/api/v1/query", ask)).json;
  const groups = [...new Set(data.map((row) => row.by))];
  must(groups.includes("quiet") && groups.includes(repeat) && meta.customers === plain.meta.customers, `${ask.kind}: a group for each segment: ${JSON.stringify(groups)}`);
  for (const name of groups.filter(Boolean)) {
    const alone = (await call("POST", "/api/v1/query", { ...ask, segment: name })).json.data;
    const rows = data.filter((row) => row.by === name).map(({ by, ...rest }) => rest);
    must(JSON.stringify(rows) === JSON.stringify(alone), `${ask.kind} by segment, ${name}: ${JSON.stringify(rows)} instead of ${JSON.stringify(alone)}`);
  }
  const short = (await call("POST", "/api/v1/query", { ...ask, by: "segment", limit: 1 })).json.data;
  must(new Set(short.map((row) => row.by)).size === 2 && short.some((row) => row.by === "(other)"), `${ask.kind}: the rest together`);
}
const behind = (await call("POST", "/api/v1/query", { kind: "trend", by: "segment", people: { by: repeat } })).json.data;
must(behind.count > 0 && behind.count === (await size(repeat)), `the customers behind a group: ${JSON.stringify(behind)}`);
must((await call("POST", "/api/v1/query", { kind: "flow", by: "segment" })).status === 422, "a kind without by");

// who is erased is in no segment that rested on what they were
must((await call("POST", "/api/v1/segments", { name: "gold", title: "Gold", rule: { trait: "plan", value: "gold" } })).json.size === 1, "gold");
const erased = await call("POST", "/api/v1/customers/ana/erase", { why: "asked for" });
must(erased.status === 200 || erased.status === 202, `erasing: ${erased.text}`);
await becomes("gold", 0, 20000, "erasing");
must((await call("DELETE", "/api/v1/segments/gold")).status === 204, "gold is removed");

// kill -9, and what happened meanwhile is told once
await track(event("eva", "Order Completed"));
must((await server.end("SIGKILL")).signal === "SIGKILL", "killed");
server = await serve(data, log);
await becomes(repeat, 3, 5000, "after kill -9");
await pause(1500);
const eva = (await call("POST", "/api/v1/query", { kind: "timeline", customer: "eva", limit: 50 })).json.data.filter((row) => row.event === "Segment Entered" && row.properties.segment === repeat);
must(eva.length === 1, `told once: ${JSON.stringify(eva)}`);
must((await told()).length === expected.length, "nothing twice");
must((await call("DELETE", "/api/v1/segments/quiet")).status === 204 && (await call("DELETE", "/api/v1/segments/just-now")).status === 204, "removed from the top");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log(`segments: current ${entered} ms after the event`);
