// Finding people and making them one: by any fragment, with typos, as soon as they have identified, under a new name, merged, and
// after a restart from kill -9; what is taken back is as it was.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-people-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);

async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + key }, body: body && JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}
let messages = 0;
async function identify(userId, traits) {
  const batch = [{ type: "identify", userId, traits, messageId: `i${++messages}` }, { type: "track", userId, event: "Called", messageId: `t${++messages}` }];
  must((await call("POST", "/v1/batch", { batch }, keys.write_key)).status === 200, `${userId} identifies`);
}
async function finds(text, wanted) {
  const { json } = await call("GET", "/api/v1/customers?q=" + encodeURIComponent(text));
  const found = json.data.map((row) => row.user_id).join(" ");
  must(found === wanted, `"${text}" finds "${wanted}": "${found}"`);
}

await identify("u1", { name: "Carmen Ibáñez", email: "carmen@correo.example", phone: "+34 612 345 678" });
await identify("u2", { name: "Íñigo Etxeberría", phone: "699000111" });
await identify("u3", { name: "Carmen Soler" });
await finds("ibanez", "u1");
await finds("crmen ibañes", "u1");
await finds("612345678", "u1");
await finds("inigo etxeverria", "u2");
await finds("carmen", "u3 u1"); // the shorter name is nearer
await finds("u2", "u2");
await finds("nobody at all", "");

await identify("u2", { name: "Íñigo Otero" });
await finds("etxeberria", "");
await finds("otero", "u2");

const shown = await call("POST", "/api/v1/customers/u3/merge", { into: "u1", preview: true });
must(shown.json.preview && shown.json.differing.some((trait) => trait.name === "name"), "a preview says where they differ");
must((await call("POST", "/api/v1/customers/u3/merge", { into: "u1", preview: "yes" })).status === 422, "preview is true or false");
must((await call("POST", "/api/v1/customers/u3/merge", { into: "u9" })).status === 404, "nobody is made by a mistyped id");
const merged = await call("POST", "/api/v1/customers/u3/merge", { into: "u1", why: "same phone" });
must(merged.status === 200 && merged.json.interactions === 2, "they are one");
await finds("soler", "u1");
await identify("u3", { town: "León" });

await server.end("SIGKILL");
server = await serve(data, log);
await finds("crmen ibañes", "u1");
await finds("soler", "u1");
must((await call("GET", "/api/v1/customers/u3")).json.interactions === 3, "one after a restart, with what came later");
const why = (await call("GET", "/api/v1/customers/u1/merges")).json.data[0];
must(why.reason === "by_hand" && why.why === "same phone", "and why");
const back = await call("POST", "/api/v1/customers/u1/unmerge", { merge: why.number });
must(back.status === 200 && back.json.merge.why === "same phone", "taken back");
await finds("soler", "u3");
must((await call("GET", "/api/v1/customers/u1")).json.interactions === 1, "the first as it was");
must((await call("GET", "/api/v1/customers/u3")).json.interactions === 2, "the second with its own");
must((await call("GET", "/api/v1/customers/u1/merges")).json.data[0].separated_at !== null, "and that it was");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("people: found by fragments, merged and separated");
