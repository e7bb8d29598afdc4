// Customers who may be one person: found by what is alike, confirmed with a preview or rejected for good; what is not alike enough, and
// what a series of numbers only looks like, is not proposed.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cookies, must, pause, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-duplicates-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), "una frase larga y segura");
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "ana@example.org", "--admin-password-file", join(scratch, "password")));
const server = await serve(data, log);

async function call(method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + keys.api_key }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text ? JSON.parse(text) : null };
}
const send = (batch) => fetch(`http://127.0.0.1:${server.port}/v1/batch`, { method: "POST", headers: { authorization: "Bearer " + keys.write_key }, body: JSON.stringify({ batch }) });
const people = {
  a1: { name: "Carmen Ibáñez Ruiz", email: "carmen.ibanez@correo.example", phone: "612345678" },
  a2: { name: "CARMEN IBANEZ RUIZ", email: "carmen.ibanes@correo.example" }, // one letter
  b1: { name: "Luis Otero", phone: "+34 699 000 111" },
  b2: { firstName: "Luis", lastName: "Otero", phone: "699000111" }, // the same phone in another writing
  c1: { name: "Eva Gil Mora", phone: "655111222" },
  c2: { name: "Eva Gil Mora", phone: "655112122" }, // two digits swapped
  d1: { name: "Marta Soto", email: "familia@correo.example" },
  d2: { name: "Pablo Ruiz", email: "familia@correo.example" }, // a family's address, other names
  e1: { name: "Ana Vega", dni: "12345678Z" },
  e2: { name: "Ana M. Vega", dni: "12.345.678-z" },
  f1: { name: "José Pérez", fecha_nacimiento: "1980-02-03" },
  f2: { name: "Jose Perez", fecha_nacimiento: "1980-02-03" },
  h1: { name: "José Luis Pérez Mas", email: "jlperez@mail.example" },
  h2: { name: "Jose L. Pérez", email: "jlperez@mail.example" }, // an initial
  g1: { name: "María García" }, g2: { name: "María García" }, // a name alone says nothing
  s1: { name: "Serie", email: "cliente1@correo.example" }, s2: { name: "Serie", email: "cliente2@correo.example" },
};
await send(Object.entries(people).map(([userId, traits]) => ({ type: "identify", userId, traits })));
await send(Object.keys(people).map((userId) => ({ type: "track", userId, event: "Seen" })));

async function search() {
  const before = (await call("GET", "/api/v1/jobs")).json.data.find((job) => job.name === "customer.duplicates").ended;
  must((await call("POST", "/api/v1/jobs/customer.duplicates/run")).status < 300, "the search is asked for");
  for (let i = 0; i < 300; i++) {
    const job = (await call("GET", "/api/v1/jobs")).json.data.find((row) => row.name === "customer.duplicates");
    if (job.state !== "running" && job.state !== "asked" && job.ended !== before) return job;
    await pause(50);
  }
  must(false, "the search ends");
}
const open = async () => (await call("GET", "/api/v1/merge-proposals")).json.data;
const told = (rows) => rows.map((row) => row.customers.map((side) => side.user_id).sort().join("+") + " " + row.reasons.join(",")).sort().join("; ");

const job = await search();
must(job.state === "done" && job.result.proposed === 6, "six are found: " + JSON.stringify(job));
let found = await open();
must(told(found) === "a1+a2 email_typo,name; b1+b2 phone,name; c1+c2 phone_typo,name; e1+e2 national_id,name_alike; f1+f2 birth_date,name; h1+h2 email,name_alike", "and why: " + told(found));
must(found.every((row, i) => !i || found[i - 1].score >= row.score), "the likeliest first");
const pair = (one) => found.find((row) => row.customers.some((side) => side.user_id === one));

const signed = await fetch(`http://127.0.0.1:${server.port}/api/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: "ana@example.org", password: "una frase larga y segura" }) });
const cookie = cookies(signed)[0];
for (const [path, text] of [["/customers/duplicates", "Otero"], ["/customers/duplicates?state=rejected", "duplicates"], ["/customers/duplicates/" + pair("a1").number, "carmen.ibanes@correo.example"], ["/customers/a1", "duplicates/" + pair("a1").number], ["/customers?q=carmen", "data-suggest"], ["/settings/identifiers", "anonymous_id"]]) {
  const page = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { cookie, accept: "text/html" } });
  must(page.status === 200 && (await page.text()).includes(text), `${path} is a page with ${text}: ${page.status}`);
}

const shown = (await call("GET", "/api/v1/merge-proposals/" + pair("a1").number)).json;
must(shown.interactions === 2 && shown.differing.some((trait) => trait.name === "email") && shown.customers.length === 2, "a preview says where they differ");
must((await call("GET", "/api/v1/customers/a1/overview")).json.proposals.length === 1, "the customer's page knows it");
const stays = pair("a1").customers.find((side) => side.user_id === "a2").id;
must((await call("POST", `/api/v1/merge-proposals/${pair("a1").number}/merge`, { into: "c_0000009999" })).status === 422, "one of the two stays");
const merged = await call("POST", `/api/v1/merge-proposals/${pair("a1").number}/merge`, { into: stays, why: "la misma" });
must(merged.status === 200 && merged.json.id === stays && merged.json.interactions === 2, "they are one: " + JSON.stringify(merged.json).slice(0, 200));
must((await call("POST", `/api/v1/merge-proposals/${pair("a1").number}/merge`)).status === 409, "decided once");
must((await call("POST", `/api/v1/merge-proposals/${pair("c1").number}/reject`)).json.state === "rejected", "these are two");

await search();
found = await open();
must(told(found) === "b1+b2 phone,name; e1+e2 national_id,name_alike; f1+f2 birth_date,name; h1+h2 email,name_alike", "what is decided is not proposed again: " + told(found));
must((await call("GET", "/api/v1/merge-proposals?state=rejected")).json.data.length === 1, "and remembered");
await call("POST", "/api/v1/customers/b1/merge", { into: "b2" });
await search();
must(!told(await open()).includes("b1"), "what became one otherwise is gone");
must((await call("GET", "/api/v1/merge-proposals?state=all")).status === 422, "states are named");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("duplicates: found, merged, rejected");
