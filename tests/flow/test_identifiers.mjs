// Kinds of identifiers: what joins visitors, in which form and order; values that stand for nobody; the shop's tablet drops out by
// itself, says so, also after kill -9, and is admitted again.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-identifiers-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);

async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + key }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text ? JSON.parse(text) : null };
}
const send = (...batch) => call("POST", "/v1/batch", { batch: batch.map((event) => ({ type: "track", event: "Seen", ...event })) }, keys.write_key);
const external = (...ids) => ({ context: { externalIds: ids.map(([type, id]) => ({ type, id })) } });
const id = async (text) => (await call("GET", "/api/v1/customers/" + encodeURIComponent(text))).json.id;
const same = async (...ids) => new Set(await Promise.all(ids.map(id))).size === 1;

// An e-mail or a phone, in any writing, makes a visitor one with who has it; userIds stay two.
await call("POST", "/v1/identify", { userId: "ana", traits: { email: "Ana@Correo.example", phone: "612 34 56 78", dni: "12345678-z" } }, keys.write_key);
await send({ anonymousId: "till-1", ...external(["email", " ana@correo.EXAMPLE"]) }, { anonymousId: "call-1", ...external(["phone", "+34 612345678"]) });
must(await same("ana", "till-1", "call-1", "ana@correo.example", "phone:612345678", "+34612345678", "12345678z"), "one customer by e-mail, phone and national id");
await send({ userId: "eva", ...external(["email", "ana@correo.example"]) });
must(!await same("ana", "eva"), "two with a user id each stay two");
await send({ anonymousId: "a1", ...external(["loyalty", "L-1"]) }, { userId: "luis", ...external(["loyalty", "L-1"]) });
must(await same("a1", "luis"), "a card that only a visitor had brings the visitor");
await send({ anonymousId: "p1", ...external(["phone", "600000001"]) }, { userId: "pedro", ...external(["email", "pedro@correo.example"]) });
await send({ anonymousId: "x1", ...external(["phone", "600000001"], ["email", "pedro@correo.example"]) });
must(await same("x1", "pedro", "p1"), "the e-mail decides first, and brings the visitor of the phone");
await send({ anonymousId: "d1", ...external(["device", "D-9"]) }, { anonymousId: "d2", ...external(["device", "D-9"]) });
must(!await same("d1", "d2"), "a device does not join");
const explained = (await call("GET", "/api/v1/customers/ana")).json.identifiers.filter((row) => row.kind === "external").map((row) => `${row.type} ${row.value}`).sort().join(", ");
must(explained === "email ana@correo.example, national_id 12345678Z, phone +34612345678", "in their normal form: " + explained);
await send({ userId: "ana", context: { device: { id: "B5372DB0", type: "ios" } } }, { anonymousId: "app-1", context: { device: { id: "B5372DB0" } } });
const carried = (await call("GET", "/api/v1/customers/ana")).json.identifiers.find((row) => row.type === "device");
must(carried?.value === "B5372DB0" && carried.current && await same("ana", "device:B5372DB0") && !await same("ana", "app-1"), "context.device.id is attached to who came with it and joins nobody: " + JSON.stringify(carried));
for (let i = 0; i < 11; i++) await send({ userId: "shop-" + i, context: { device: { id: "shop-tablet" } } });
must((await call("GET", "/api/v1/dropped-identifiers")).json.data[0]?.value === "shop-tablet", "a device of more than ten drops out");
await call("DELETE", "/api/v1/dropped-identifiers/" + (await call("GET", "/api/v1/dropped-identifiers")).json.data[0].number);

// Values that stand for nobody.
await send({ userId: "null", anonymousId: "n1" }, { userId: "NULL", anonymousId: "n2" }, { userId: "00000000-0000-0000-0000-000000000000", anonymousId: "n3" });
must(!await same("n1", "n2") && !await same("n2", "n3"), "null and all zeros join nobody");
const nobody = await send({ userId: "undefined" }, { anonymousId: "anonymous" }, { userId: "null", ...external(["email", "ana@correo.example"]) });
must(nobody.json.rejected.map((row) => row.code).join(" ") === "nobody nobody", "refused with a reason: " + JSON.stringify(nobody.json));
must((await call("POST", "/v1/alias", { previousId: "anonymous", userId: "ana" }, keys.write_key)).status === 422, "nor is it an alias");
const set = await call("PUT", "/api/v1/identifier-kinds/anonymous_id", { limit: 3, blocked: ["null", "mostrador"] });
must(set.status === 200 && set.json.limit === 3 && set.json.changed, "a kind is changed");
await send({ userId: "u1", anonymousId: "Mostrador" }, { userId: "u2", anonymousId: "Mostrador" });
must((await call("GET", "/api/v1/customers/u1")).json.identifiers.length === 1, "a value of the organisation's list is blocked");

// The shop's tablet.
for (let i = 1; i <= 3; i++) await send({ userId: "t" + i, anonymousId: "tablet" });
must(await same("tablet", "t3") && (await call("GET", "/api/v1/dropped-identifiers")).json.data.length === 0, "three may share it");
await send({ userId: "t4", anonymousId: "tablet" });
let [dropped] = (await call("GET", "/api/v1/dropped-identifiers")).json.data;
must(dropped.kind === "anonymous_id" && dropped.value === "tablet" && dropped.customers === 4, "the fourth is one too many: " + JSON.stringify(dropped));
must((await call("GET", "/api/v1/customers/t3")).json.identifiers.find((row) => row.value === "tablet").dropped, "and its last customer says so");
await server.end("SIGKILL");
server = await serve(data, log);
await send({ anonymousId: "tablet" }, { userId: "t5", anonymousId: "tablet" }, { anonymousId: "tablet", ...external(["email", "pedro@correo.example"]) });
const alone = (await call("GET", "/api/v1/customers/tablet")).json;
must(alone.interactions === 1 && !await same("tablet", "t3") && !await same("tablet", "t5"), "what comes with it alone is nobody's");
must((await call("GET", "/api/v1/customers/pedro")).json.interactions === 4, "and an e-mail beside it decides");
await call("PUT", "/api/v1/identifier-kinds/email", { limit: 1 });
await send({ userId: "till-2", ...external(["email", "till@shop.example"]) }, { userId: "till-3", ...external(["email", "till@shop.example"]) });
const till = await send({ userId: "null", ...external(["email", "till@shop.example"]) }, { userId: "till-4" });
must(till.status === 200 && till.json.accepted === 1 && till.json.rejected[0].code === "nobody", "what has nothing but a dropped e-mail is nobody's, and keeps no other out: " + JSON.stringify(till.json));
await call("DELETE", "/api/v1/identifier-kinds/email");
await call("DELETE", "/api/v1/dropped-identifiers/" + (await call("GET", "/api/v1/dropped-identifiers")).json.data.find((row) => row.kind === "email").number);
must((await call("DELETE", "/api/v1/dropped-identifiers/" + dropped.number)).status === 204, "it is admitted again");
await send({ userId: "t6", anonymousId: "tablet" });
must(await same("tablet", "t6"), "and identifies");

// More values than one customer may have: the kind is full there and says so, and nothing more joins through it.
const kind = await call("PUT", "/api/v1/identifier-kinds/email", { max_values: 3 });
must(kind.json.max_values === 3 && kind.json.limit === 30, "a kind has a limit of values a customer");
for (let i = 0; i < 6; i++) await send({ userId: "desk", ...external(["email", `desk-${i}@correo.example`]) });
const desk = (await call("GET", "/api/v1/customers/desk")).json;
must(desk.identifiers.filter((row) => row.type === "email").length === 3, "three values and no more");
must(desk.full_kinds.length === 1 && desk.full_kinds[0].kind === "email" && desk.full_kinds[0].values === 3 && desk.full_kinds[0].limit === 3 && desk.full_kinds[0].since, "the profile says so: " + JSON.stringify(desk.full_kinds));
must((await call("GET", "/api/v1/customers/desk/overview")).json.full_kinds.length === 1, "and the overview");
await send({ anonymousId: "guest-5", ...external(["email", "desk-5@correo.example"]) });
must(!await same("guest-5", "desk"), "a value that was left out is somebody else's");
await send({ anonymousId: "guest-6", ...external(["email", "guest-6@correo.example"]) }, { userId: "desk", anonymousId: "guest-6" });
must(!await same("guest-6", "desk"), "whom more values would come with stays apart");
await server.end("SIGKILL");
server = await serve(data, log);
await send({ userId: "desk", ...external(["email", "desk-7@correo.example"]) });
const [full, more] = (await call("GET", "/api/v1/full-identifier-kinds")).json.data;
must(full.customer === desk.id && full.kind === "email" && full.values === 3 && !more, "it is listed, also after a restart: " + JSON.stringify(full));
must((await call("POST", "/api/v1/customers/desk/unmerge", { identifier: { kind: "external", type: "email", value: "desk-0@correo.example" } })).status < 300, "a value is separated by hand");
must((await call("GET", "/api/v1/full-identifier-kinds")).json.data.length === 0, "so there is room");
await send({ userId: "desk", ...external(["email", "desk-8@correo.example"]) });
must(await same("desk", "email:desk-8@correo.example"), "and another joins");
for (let i = 0; i < 6; i++) await call("POST", "/v1/alias", { previousId: "old-" + i, userId: "crew" }, keys.write_key);
await call("PUT", "/api/v1/identifier-kinds/user_id", { max_values: 5 });
await send({ userId: "crew-2" });
await call("POST", "/v1/alias", { previousId: "crew-2", userId: "crew" }, keys.write_key);
must(!await same("crew", "crew-2"), "an alias joins no more user ids than a customer may have");
must((await call("POST", "/api/v1/customers/crew-2/merge", { into: "crew" })).status < 300 && await same("crew", "crew-2"), "a person may");
await call("DELETE", "/api/v1/identifier-kinds/email");
await call("DELETE", "/api/v1/identifier-kinds/user_id");

// Kinds of one's own, their errors, and back.
must((await call("PUT", "/api/v1/identifier-kinds/matricula", { limit: 2, joins: true, traits: ["matricula"] })).json.standard === false, "a kind is added");
await call("POST", "/v1/identify", { userId: "u1", traits: { matricula: "1234 BCD" } }, keys.write_key);
await send({ anonymousId: "garage", ...external(["matricula", "1234 BCD"]) });
must(await same("garage", "u1"), "and joins");
for (const [body, pointer] of [[{ limit: -1 }, "/limit"], [{ max_values: 1.5 }, "/max_values"], [{ priority: 0 }, "/priority"], [{ joins: 1 }, "/joins"], [{ form: "fax" }, "/form"], [{ blocked: [""] }, "/blocked/0"], [{ limits: 2 }, "/limits"]]) {
  const { status, json } = await call("PUT", "/api/v1/identifier-kinds/matricula", body);
  must(status === 422 && json.errors[0].pointer === pointer, `${JSON.stringify(body)} is refused at ${pointer}: ${JSON.stringify(json)}`);
}
must((await call("PUT", "/api/v1/identifier-kinds/user_id", { limit: 5 })).json.errors[0].pointer === "/limit" && (await call("PUT", "/api/v1/identifier-kinds/anonymous_id", { joins: false })).json.errors[0].pointer === "/joins", "what would mean nothing is refused");
must((await call("DELETE", "/api/v1/identifier-kinds/matricula")).status === 204 && (await call("GET", "/api/v1/identifier-kinds/matricula")).status === 404, "and taken away");
must((await call("DELETE", "/api/v1/identifier-kinds/anonymous_id")).status === 204 && (await call("GET", "/api/v1/identifier-kinds/anonymous_id")).json.limit === 10, "a standard one is as before");
must((await call("PATCH", "/api/v1/settings", { region: "es-MX" })).status === 200, "another country");
await call("POST", "/v1/identify", { userId: "mex", traits: { phone: "55 1234 5678" } }, keys.write_key);
must(await same("mex", "+525512345678"), "numbers are of the organisation's country");
// A glance at somebody with very many gives the first of them, and how many there are.
await send(...Array.from({ length: 250 }, (_, i) => ({ userId: "ana", anonymousId: `browser-${i}` })));
const [glance, whole] = [(await call("GET", "/api/v1/customers/ana/overview")).json, (await call("GET", "/api/v1/customers/ana")).json];
must(glance.identifiers.length === 200 && glance.identifiers_total === whole.identifiers.length && whole.identifiers_total === whole.identifiers.length && whole.identifiers.length > 250, `many: ${glance.identifiers.length} of ${glance.identifiers_total}, ${whole.identifiers.length}`);
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("identifiers: joined, blocked, dropped out and admitted");
