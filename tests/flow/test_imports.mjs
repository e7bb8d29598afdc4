// A file through the API: it is sent, looked at, previewed, started, followed; refused rows can be fetched; sent again
// it adds nothing. Then what a person limited to a unit sees of it, live arrivals, and who may not upload.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const senda = process.env.SENDA, scratch = mkdtempSync(join(tmpdir(), "senda-imports-")), data = join(scratch, "data");
let passed = 0, failed = 0;
function check(good, what) {
  if (good) passed++;
  else failed++, console.log("FAILED " + what);
}

const keys = JSON.parse(execFileSync(senda, ["init", "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
const server = spawn(senda, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
const base = await new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).on("line", (line) => {
    const found = line.match(/(http:\/\/127\.0\.0\.1:\d+)\//);
    if (found) resolve(found[1]);
  });
  server.on("exit", () => reject(new Error("the server ended")));
});
server.removeAllListeners("exit");

async function ask(method, path, body, key = keys.api_key, headers = {}) {
  const form = body instanceof FormData || typeof body === "string";
  const answer = await fetch(base + path, { method, headers: { authorization: "Bearer " + key, ...headers }, body: body && !form ? JSON.stringify(body) : body });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* not JSON */ }
  return { status: answer.status, json, text };
}
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function follow(id) {
  for (let i = 0; i < 300; i++) {
    const { json } = await ask("GET", "/api/v1/imports/" + id);
    if (!json.running) return json;
    await wait(50);
  }
  return {};
}

const csv = "cliente;fecha;accion;centro;importe\n" + Array.from({ length: 500 }, (_, i) =>
  `c${i % 50};${String(1 + (i % 28)).padStart(2, "0")}.02.2026 10:${String(i % 60).padStart(2, "0")};Compra;${i % 2 ? "madrid" : "lugo"};${i},50`).join("\n") + "\nc1;not a date;Compra;madrid;1\n";
const map = { customer: "cliente", time: "fecha", time_format: "%d.%m.%Y %H:%M", event: "accion", unit: "centro", properties: ["importe"], delimiter: ";", decimal: ",", timezone: "Europe/Madrid" };

async function upload() {
  const form = new FormData();
  form.append("file", new Blob([csv], { type: "text/csv" }), "compras.csv");
  return ask("POST", "/api/v1/imports", form);
}

try {
  const sent = await upload();
  check(sent.status === 201 && sent.json.state === "proposed", "sent: " + sent.text.slice(0, 300));
  check(sent.json.guess && sent.json.guess.columns.length === 5, "looked at");
  const { id } = sent.json;
  const preview = await ask("POST", `/api/v1/imports/${id}/preview`, { map });
  check(preview.status === 200 && preview.json.preview[0].event === "Compra", "preview: " + preview.text.slice(0, 200));
  const wrong = await ask("POST", `/api/v1/imports/${id}/preview`, { map: { ...map, customer: "kunde" } });
  check(wrong.status === 422, "a column that is not there: " + wrong.status);
  const started = await ask("POST", `/api/v1/imports/${id}/start`, { map });
  check(started.status === 202, "started: " + started.text.slice(0, 200));
  const done = await follow(id);
  check(done.state === "done" && done.read === 501 && done.accepted === 500 && done.rejected === 1, "done: " + JSON.stringify(done).slice(0, 300));
  check((done.rejections || [])[0]?.reason === "bad_time", "reasons: " + JSON.stringify(done.rejections));
  const rejected = await ask("GET", `/api/v1/imports/${id}/rejected`);
  check(rejected.text.trim().split("\n").length === 1 && /not a date/.test(rejected.text), "refused rows");
  check((await ask("POST", `/api/v1/imports/${id}/start`, { map })).status === 409, "it does not run twice");

  const again = await upload();
  await ask("POST", `/api/v1/imports/${again.json.id}/start`, { map });
  const second = await follow(again.json.id);
  check(second.accepted === 0 && second.duplicates === 500, "sent again: " + JSON.stringify(second).slice(0, 200));
  check((await ask("GET", "/api/v1/imports")).json.data.length === 2, "the list");
  check((await ask("DELETE", `/api/v1/imports/${id}`)).status === 204, "forgotten");

  await ask("PUT", "/api/v1/units/madrid", { title: "Madrid" });
  const limited = (await ask("POST", "/api/v1/keys", { name: "Madrid", scopes: ["query"], units: ["madrid"] })).json.secret;
  const all = (await ask("POST", "/api/v1/query", { kind: "trend", every: "month" })).json.meta.interactions;
  const mine = (await ask("POST", "/api/v1/query", { kind: "trend", every: "month" }, limited)).json.meta.interactions;
  check(all === 500 && mine === 250, `interactions of all and of one unit: ${all}, ${mine}`);
  const few = (await ask("GET", "/api/v1/customers?limit=100", null, limited)).json.data;
  check(few.length === 25 && few.every((customer) => customer.interactions === 10), "customers of one unit: " + few.length);
  check((await ask("GET", "/api/v1/customers/c0", null, limited)).status === 404, "a customer of another unit");
  check((await ask("GET", "/api/v1/customers/c0/timeline", null, limited)).status === 404, "and the timeline");
  check((await ask("GET", "/api/v1/imports", null, limited)).status === 403, "a key for questions imports nothing");

  const bytes = "x".repeat(6 * 1024 * 1024);
  check((await ask("POST", "/api/v1/imports?name=a.csv", bytes, "sk_wrong").catch(() => ({ status: 401 }))).status === 401, "strangers do not upload");

  const live = await fetch(base + "/api/v1/stream", { headers: { authorization: "Bearer " + keys.api_key } });
  const reader = live.body.getReader(), decoder = new TextDecoder();
  await fetch(base + "/v1/track", { method: "POST", headers: { authorization: "Basic " + Buffer.from(keys.write_key + ":").toString("base64") }, body: JSON.stringify({ userId: "live-1", event: "Seen Live" }) });
  let heard = "";
  for (let i = 0; i < 50 && !/Seen Live/.test(heard); i++) heard += decoder.decode((await reader.read()).value);
  check(/event: arrival\ndata: .*"event":"Seen Live".*"who":"live-1"/.test(heard), "live: " + heard.slice(0, 300));
  await reader.cancel();

  writeFileSync(join(scratch, "merge.json"), JSON.stringify({ kind: "timeline", customer: "c2", limit: 1000 }));
  const merged = await ask("POST", "/api/v1/customers/c1/merge", { into: "c2" });
  check(merged.status === 200 && merged.json.interactions === 20, "merged: " + merged.text.slice(0, 200));
  const held = await ask("GET", "/api/v1/customers/c1/merges");
  check(held.json.data.length === 1 && held.json.data[0].reason === "by_hand" && held.json.data[0].separated_at === null, "why: " + held.text);
  const twice = await ask("POST", "/api/v1/customers/c1/merge", { into: "c2" });
  check(twice.status === 409, "one already: " + twice.status);
  const shell = JSON.parse(execFileSync(senda, ["query", join(scratch, "merge.json"), "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
  check(shell.data.length === 20, "asked from the shell while the server runs: " + shell.data.length);
} finally {
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGTERM");
  check((await ended) === 0, "the server ends with 0");
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
