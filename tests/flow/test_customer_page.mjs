// One customer at a glance: last contacts, how they felt, open matters, contracts and related people, notes of colleagues and what they did;
// the timeline's filters; what somebody limited to a unit sees of it; merging and separating take notes and groups along.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, pause, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-customer-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);

async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + key }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text ? JSON.parse(text) : null };
}
const send = (...batch) => call("POST", "/v1/batch", { batch }, keys.write_key);
const ago = (days, minutes = 0) => new Date(Date.now() - days * 864e5 - minutes * 6e4).toISOString();
const track = (userId, event, days, channel, properties = {}, unit) => ({ type: "track", userId, event, timestamp: ago(days), properties, context: { channel, unit } });

await send({ type: "identify", userId: "ana", traits: { name: "Ana López", email: "ana@correo.example", phone: "612345678" } },
  { type: "identify", userId: "luis", traits: { name: "Luis Gil" } }, { type: "identify", userId: "eva", traits: { name: "Eva Gil" } },
  track("ana", "Order Completed", 40, "web", { total: 5000 }), track("ana", "Call Started", 9, "phone", {}, "Madrid"), track("ana", "Store Visited", 3, "store", {}, "Lugo"),
  track("ana", "Case Opened", 9, "phone", { case: "CS-1" }, "Madrid"), track("ana", "Case Opened", 8, "phone", { case: "CS-2" }, "Madrid"), track("ana", "Case Closed", 7, "phone", { case: "CS-1" }, "Madrid"),
  track("ana", "Complaint Filed", 5, "email"), track("ana", "Complaint Filed", 600, "email"),
  track("ana", "Survey Responded", 6, "email", { answers: [{ question: "recommend", metric: "nps", value: 3 }, { question: "why", metric: "text", value: "Dos visitas y sigue igual" }] }),
  track("ana", "Kiosk Tapped", 2, "kiosk", { value: 5, metric: "csat" }, "Lugo"), track("luis", "Call Started", 1, "phone", {}, "Madrid"), track("eva", "Call Started", 1, "phone", {}, "Lugo"));

// The list by contacts: what Senda notes by itself (here: who is in a segment) is none, and who had none comes last.
await send({ type: "identify", userId: "zoe", traits: { name: "Zoe" } });
must((await call("POST", "/api/v1/segments", { name: "todos", title: "Todos", rule: { trait: "name", op: "exists" } })).status === 201, "a segment");
for (let i = 0; i < 100 && !(await call("GET", "/api/v1/customers/zoe/timeline")).json.data.length; i++) await pause(100);
for (const [order, names] of [["-last_seen", ["luis", "eva", "ana", "zoe"]], ["last_seen", ["ana", "eva", "luis", "zoe"]], ["-interactions", ["ana", "luis", "eva", "zoe"]]]) {
  const listed = (await call("GET", "/api/v1/customers?order=" + order)).json.data.map((row) => row.user_id), same = order.includes("last") ? (list) => list.map((name) => name === "eva" ? "luis" : name).join() : (list) => list.join();
  must(same(listed) === same(names), `the list by ${order}: ${listed}`);
}
must((await call("DELETE", "/api/v1/segments/todos")).status < 300, "and no segment again");

// Groups come with events, and are kept by the API.
await send({ type: "group", userId: "ana", groupId: "C-100", traits: { type: "contract", role: "holder", name: "Fibra 600", line: "+34912345678", address: "Calle Mayor 1" } },
  { type: "group", userId: "luis", groupId: "C-100", traits: { type: "contract", role: "payer" } },
  { type: "group", userId: "ana", groupId: "gil", traits: { type: "household", name: "Familia Gil" } }, { type: "group", userId: "luis", groupId: "gil", traits: { type: "household", name: "Familia Gil" } });
const put = await call("PUT", "/api/v1/groups/acme", { kind: "company", name: "Acme", attributes: { sector: "obras" }, members: [{ customer: "ana", role: "employee" }, { customer: "eva" }] });
must((await call("GET", "/api/v1/customers/ana/groups")).json.data.find((group) => group.id === "acme").roles[0] === "employee", "her groups say who she is there");
must(put.status === 200 && put.json.members.length === 2 && put.json.attributes.sector === "obras", "a company is made: " + JSON.stringify(put.json));
for (const [body, pointer] of [[{ kind: "club" }, "/kind"], [{ members: [{ customer: "nobody" }] }, "/members/0/customer"], [{ attributes: [] }, "/attributes"], [{ membres: [] }, "/membres"]])
  must((await call("PUT", "/api/v1/groups/acme", body)).json.errors[0].pointer === pointer, "refused at " + pointer);

const note = (await call("POST", "/api/v1/customers/ana/notes", { text: "Prefiere que la llamen por la tarde" })).json;
must((await call("POST", "/api/v1/customers/ana/notes", { text: "  " })).status === 422, "an empty note is none");

let seen = (await call("GET", "/api/v1/customers/ana/overview")).json;
must(seen.name === "Ana López" && seen.email === "ana@correo.example" && seen.phone === "612345678" && seen.interactions === 10, "who: " + JSON.stringify(seen).slice(0, 300));
must(seen.channels.map((row) => row.channel).sort().join(" ") === "email kiosk phone store web" && seen.channels.find((row) => row.channel === "store").unit === "Lugo", "the last contact of each channel");
must(seen.mood.state === "happy" && seen.opinions.map((row) => row.mood).join(" ") === "happy unhappy" && seen.opinions[1].comment === "Dos visitas y sigue igual", "how they felt: " + JSON.stringify(seen.opinions));
must(seen.open.map((row) => row.kind + (row.reference ?? "")).join(" ") === "complaint caseCS-2", "what is open, of the last year: " + JSON.stringify(seen.open));
await send(track("mar", "Fault Opened", 4, "phone", { fault: "F1" }), track("mar", "Fault Opened", 3, undefined, { fault: "F2" }), track("mar", "Technician Visited", 2, undefined, { fault: "F1" }));
const mar = (await call("GET", "/api/v1/customers/mar/overview")).json;
must(mar.open.map((row) => row.kind + row.reference).join(" ") === "faultF2", "a fault is open until the technician of that fault has come: " + JSON.stringify(mar.open));
must(seen.contracts.length === 1 && seen.contracts[0].attributes.line === "+34912345678" && seen.contracts[0].roles[0] === "holder" && seen.contracts[0].members.find((row) => row.role === "payer").name === "Luis Gil", "the contract with its payer: " + JSON.stringify(seen.contracts));
must(seen.groups.map((row) => row.kind).sort().join(" ") === "company household" && seen.related.some((row) => row.name === "Eva Gil" && row.group_name === "Acme"), "related people");
must(seen.notes[0].text.startsWith("Prefiere") && seen.notes[0].can_change && seen.activity.some((row) => row.what === "customer.note"), "notes, and who did what");
must("worth" in seen && "health" in seen && Array.isArray(seen.promises) && Array.isArray(seen.segments) && Array.isArray(seen.consents), "worth, health, promises, segments, consents");

must((await call("GET", "/api/v1/customers?q=C-100")).json.data.length === 2 && (await call("GET", "/api/v1/customers?q=mayor%201")).json.data[0].user_id === "ana", "people are found by their contract's number and address: " + JSON.stringify([(await call("GET", "/api/v1/customers?q=C-100")).json.data, (await call("GET", "/api/v1/customers?q=mayor%201")).json.data]).slice(0, 600));

// Filters of the timeline.
const events = async (query) => (await call("GET", "/api/v1/customers/ana/timeline?" + query)).json.data.map((row) => row.event).join(", ");
must(await events("event=Case%20Opened,Case%20Closed") === "Case Closed, Case Opened, Case Opened", "by event");
must(await events("event=Never%20Seen") === "", "an event that nobody has");
must(await events("only=opinions") === "Kiosk Tapped, Survey Responded", "opinions only");
must(await events(`from=${ago(6.5)}&to=${ago(2.5)}`) === "Store Visited, Complaint Filed, Survey Responded", "by time: " + await events(`from=${ago(6.5)}&to=${ago(2.5)}`));
must(await events("channel=phone&event=Call%20Started") === "Call Started", "together");
must((await call("GET", "/api/v1/customers/ana/timeline?only=faces")).status === 422, "only is opinions");

// Whoever sees one unit sees its part, and nobody from elsewhere.
await call("POST", "/api/v1/units", { name: "Lugo" });
await call("POST", "/api/v1/units", { name: "Madrid" });
const lugo = (await call("POST", "/api/v1/keys", { name: "Lugo", scopes: ["query"], units: ["Lugo"] })).json.secret;
seen = (await call("GET", "/api/v1/customers/ana/overview", undefined, lugo)).json;
must(seen.interactions === 2 && seen.open.length === 0 && seen.opinions.length === 1 && seen.worth === null, "of Lugo alone");
must(seen.related.map((row) => row.name).join() === "Eva Gil" && !JSON.stringify(seen.contracts).includes("Luis"), "and its people");
must((await call("GET", "/api/v1/customers/luis/overview", undefined, lugo)).status === 404 && (await call("POST", "/api/v1/customers/luis/notes", { text: "x" }, lugo)).status === 404, "nobody of Madrid");
await send(...Array.from({ length: 30 }, (_, n) => track(`peer-${n}`, "Call Started", 1, "phone", {}, n < 29 ? "Madrid" : "Lugo")));
await call("PUT", "/api/v1/groups/works", { kind: "company", name: "Obras", members: [{ customer: "ana" }, ...Array.from({ length: 30 }, (_, n) => ({ customer: `peer-${n}` }))] });
const peers = async (key) => (await call("GET", "/api/v1/customers/ana/overview", undefined, key)).json.related.filter((row) => row.group === "works").length;
must(await peers(lugo) === 1 && await peers() > 10, "of many the one of the unit, wherever they stand: " + await peers(lugo));
must((await call("DELETE", "/api/v1/groups/works")).status < 300, "gone again");
must((await call("GET", "/api/v1/groups/gil", undefined, lugo)).json.members.length === 1, "of a family the one who was there");

// Notes are one's own; they and the groups go with their profile.
must((await call("GET", "/api/v1/groups?kind=contract")).json.data.length === 1, "contracts are listed");
must((await call("PATCH", `/api/v1/customers/ana/notes/${note.number}`, { text: "otra" }, lugo)).status === 403 && (await call("DELETE", `/api/v1/customers/ana/notes/${note.number}`, undefined, lugo)).status === 403, "not another's");
const changed = await call("PATCH", `/api/v1/customers/ana/notes/${note.number}`, { text: "Mejor por la mañana" });
must(changed.json.text === "Mejor por la mañana" && changed.json.changed_at, "one's own is changed");
must((await call("PATCH", `/api/v1/customers/luis/notes/${note.number}`, { text: "x" })).status === 404, "with its customer only");
await call("POST", "/api/v1/customers/ana/merge", { into: "luis" });
await server.end("SIGKILL");
server = await serve(data, log);
seen = (await call("GET", "/api/v1/customers/luis/overview")).json;
must(seen.notes.length === 1 && seen.contracts.length === 1 && seen.groups.length === 2 && !seen.related.some((row) => row.name === "Luis Gil"), "merged: " + JSON.stringify(seen.related));
await call("POST", "/api/v1/customers/ana/unmerge", {});
must((await call("GET", "/api/v1/customers/luis/notes")).json.data.length === 0 && (await call("GET", "/api/v1/customers/ana/notes")).json.data.length === 1, "and separated");
must((await call("DELETE", `/api/v1/customers/ana/notes/${note.number}`)).status === 204 && (await call("GET", "/api/v1/customers/ana/notes")).json.data.length === 0, "a note is deleted");
// Who is erased takes notes and contracts along; the others' household stays.
await call("POST", "/api/v1/customers/ana/notes", { text: "Vive en Calle Mayor 1" });
must((await call("POST", "/api/v1/customers/ana/erase", { why: "lo pidió" })).status < 300, "an erasure is asked for");
for (let i = 0; i < 200 && (await call("GET", "/api/v1/erasures")).json.data[0].state !== "done"; i++) await pause(50);
const left = [(await call("GET", "/api/v1/groups?kind=contract")).json.data, (await call("GET", "/api/v1/groups/gil")).json];
must(left[0].length === 0 && left[1].size === 1, "the contract went with its holder: " + JSON.stringify([left, (await call("GET", "/api/v1/erasures")).json.data[0]]));
must(!JSON.stringify((await call("GET", "/api/v1/audit")).json).includes("Calle Mayor"), "no text of a note stands in the audit");
must((await call("DELETE", "/api/v1/groups/acme")).status === 204 && (await call("GET", "/api/v1/customers/eva/groups")).json.data.length === 0, "a group is removed");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("customer page: seen at a glance, noted, related");
