// Contracts, households and companies as people keep them: made, found, filled, changed and removed by the pages and the API; members keep
// since when they are in it; who sees one centre sees its people; after kill -9 everything is there.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, pause, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-groups-")), data = join(scratch, "data"), log = join(scratch, "log");
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
async function signIn() {
  const session = await call("POST", "/api/v1/sessions", { email: "owner@example.org", password: "a long enough secret" }, {});
  me = { cookie: session.headers.get("set-cookie").split(";")[0], "x-csrf-token": session.json.csrf };
}
const page = (path) => call("GET", path, undefined, me);
const send = (path, fields) => call("POST", path, new URLSearchParams({ ...fields, csrf: me["x-csrf-token"] }), me);
const people = { ana: ["Ana <Gil>", "Lugo"], luis: ["Luis Gil", "Madrid"], eva: ["Eva Soto", "Lugo"] };
await call("POST", "/v1/batch", { batch: Object.entries(people).flatMap(([userId, [name, unit]]) => [{ type: "identify", userId, traits: { name } },
  { type: "track", userId, event: "Call Started", context: { channel: "phone", unit } }]) }, { authorization: `Bearer ${keys.write_key}` });
await signIn();

must((await page("/groups")).text.includes("No groups yet"), "an empty list says how groups come");
const fields = { kind: "contract", id: "C-7/9 ñ", name: "Fibra 600", line: "+34600111222", address: "Calle Ñandú 3", name_0: "product", value_0: "Fibra <600>", name_1: "", value_1: "lost", member: "ana", role: "holder" };
const made = await send("/groups/new", fields), where = "/groups/" + encodeURIComponent(fields.id), api = "/api/v1" + where;
must(made.status === 303 && decodeURIComponent(made.headers.get("location").split("?")[0]) === decodeURIComponent(where), "a contract is made: " + made.headers.get("location"));
must(JSON.stringify((await call("GET", api)).json.attributes) === JSON.stringify({ line: fields.line, address: fields.address, product: "Fibra <600>" }), "with what was typed");
const again = await send("/groups/new", fields);
must(again.status === 409 && again.text.includes("Calle Ñandú 3") && (await call("GET", api)).json.size === 1, "an id is made once, and what was typed stays");
const strange = await send("/groups/new", { ...fields, id: "", member: "nobody" });
must(strange.status === 422 && strange.text.includes("No such customer.") && strange.text.includes("Calle Ñandú 3"), "nobody is no member");

const since = (await call("GET", api)).json.members[0].since;
await pause(5);
must((await send(where + "/members", { member: "luis", role: "payer" })).status === 303 && (await send(where + "/members", { member: "luis", role: "payer" })).status === 303, "a payer comes in, once");
must((await send(where + "/members", { member: "luis", role: "user" })).status === 303, "who pays may be the user too");
must((await send(where + "/members", { member: "nobody", role: "user" })).status === 422, "nobody does not");
let group = (await call("GET", api)).json;
must(group.members.map((row) => row.role).join() === "holder,payer,user" && group.members[0].since === since, "three roles: " + JSON.stringify(group.members));
const shown = (await page(where)).text;
must(shown.includes("Ana &lt;Gil&gt;") && !shown.includes("<Gil>") && shown.includes("Fibra &lt;600&gt;"), "the page writes names as text");

// Numbers and what no field holds stay what they are; the words change, the members do not.
await call("PUT", api, { kind: "contract", name: "Fibra 600", attributes: { months: 24, extras: ["tv"], address: "Calle 1" } });
must((await call("GET", api)).json.members.length === 3, "without members they stay");
must((await send(where, { kind: "contract", name: "Fibra 1000", line: "", address: "Calle 2", name_0: "months", value_0: "24", name_1: "product", value_1: "" })).status === 303, "words are changed");
group = (await call("GET", api)).json;
must(group.name === "Fibra 1000" && JSON.stringify(group.attributes) === JSON.stringify({ extras: ["tv"], address: "Calle 2", months: 24 }), "as typed: " + JSON.stringify(group.attributes));
must((await call("PUT", api, { kind: "contract", id: "other" })).json.errors[0].pointer === "/id", "an id never changes");
await call("PUT", api, { kind: "contract", name: "Fibra 1000", members: [{ customer: "ana", role: "holder" }, { customer: "eva", role: "payer" }] });
group = (await call("GET", api)).json;
must(group.members.length === 2 && group.members.find((row) => row.role === "holder").since === since, "who stays in a role keeps since when");

// Found by what they say, by who is in them, by kind; in pages.
const home = (await call("POST", "/api/v1/groups", { kind: "household", name: "Los de la Ñ", members: [{ customer: "luis" }] }));
must(home.status === 201 && /^g-[0-9a-f]{12}$/.test(home.json.id), "a household needs no number: " + home.text);
for (let i = 0; i < 9; i++) await call("POST", "/api/v1/groups", { kind: "company", name: `Empresa ${i}`, members: i % 3 ? [] : [{ customer: "eva" }] });
const found = async (query, key) => (await call("GET", "/api/v1/groups?" + query, undefined, key)).json.data.map((row) => row.name).join();
must(await found("q=de+la+n") === "Los de la Ñ" && await found("q=empresa+4") === "Empresa 4" && await found("q=C-7") === "Fibra 1000", "by a fragment: " + await found("q=de+la+n"));
must(await found("q=Luis+Gil") === "Los de la Ñ" && await found("q=soto&kind=contract") === "Fibra 1000" && await found("q=nothing") === "", "by who is in them: " + await found("q=Luis+Gil"));
const pages = [];
for (let cursor = ""; cursor !== null;) {
  const answer = (await call("GET", `/api/v1/groups?limit=4${cursor && "&cursor=" + cursor}`)).json;
  must(answer.data.length <= 4 && pages.length < 20, "pages");
  pages.push(...answer.data.map((row) => row.name));
  cursor = answer.next;
}
must(pages.length === 11 && new Set(pages).size === 11, "each once: " + pages);
must((await page("/groups?q=nothing")).text.includes("No group matches") && (await page("/groups?kind=company")).text.includes("Empresa 8"), "the page searches and filters");
must((await call("GET", "/api/v1/groups?kind=club")).status === 422, "there are no clubs");

// Whoever sees Lugo sees Lugo's people and the groups that have some, counted without the others.
await call("POST", "/api/v1/units", { name: "Lugo" });
const lugo = { authorization: "Bearer " + (await call("POST", "/api/v1/keys", { name: "Lugo", scopes: ["query"], units: ["Lugo"] })).json.secret };
await call("POST", api + "/members", { customer: "luis", role: "user" });
group = (await call("GET", api, undefined, lugo)).json;
must(group.size === 2 && !JSON.stringify(group).includes("Luis"), "two of three");
must((await call("GET", "/api/v1/groups/" + home.json.id, undefined, lugo)).status === 404 && await found("q=Los+de", lugo) === "" && await found("q=luis", lugo) === "", "a household of Madrid is none of theirs");
must((await call("GET", "/api/v1/customers/luis/groups", undefined, lugo)).text === (await call("GET", "/api/v1/customers/nobody/groups", undefined, lugo)).text, "who is not theirs is as nobody");
must((await found("limit=2", lugo)) === "Empresa 6,Empresa 3", "a page is filled with what they see: " + await found("limit=2", lugo));

await server.end("SIGKILL");
server = await serve(data, log);
await signIn();
must((await call("DELETE", api + "/members/luis?role=holder")).status === 404 && (await send(where + "/members/remove", { member: "luis", role: "user" })).status === 303, "out of the role that they have");
must((await call("GET", api)).json.size === 2 && (await page("/customers/ana")).text.includes("/groups/C-7"), "the customer's page leads to it");
must((await send(where + "/remove", {})).status === 303 && (await call("GET", api)).status === 404 && (await call("GET", "/api/v1/customers/ana")).status === 200, "removed; its people stay");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("groups: made, found, filled, changed, removed");
