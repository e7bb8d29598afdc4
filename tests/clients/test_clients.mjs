// The official clients for Node (Segment, RudderStack, Jitsu), unmodified from npm, against the built program: what they
// send is there, once, also when the server was away for a while.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const senda = process.env.SENDA, modules = join(process.env.BUILD_DIR || tmpdir(), "clients");
const packages = ["@segment/analytics-node@3.1.0", "@rudderstack/rudder-sdk-node@3.0.13", "@jitsu/js@1.11.0"];

if (!existsSync(join(modules, "node_modules", "@jitsu"))) {
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "package.json"), '{"private":true}');
  try {
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", modules, ...packages], { stdio: "inherit" });
  } catch {
    console.log("skipped: the clients cannot be installed");
    process.exit(77);
  }
}
const from = createRequire(join(modules, "x.js"));
const scratch = mkdtempSync(join(tmpdir(), "senda-clients-")), data = join(scratch, "data");
let passed = 0, failed = 0;
function check(good, what) {
  if (good) passed++;
  else failed++, console.log("FAILED " + what);
}

const { write_key: key, api_key: secret } = JSON.parse(execFileSync(senda, ["init", "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
let server, port = 0;
async function start() {
  server = spawn(senda, ["serve", "--data", data, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "ignore"] });
  port = await new Promise((resolve) => createInterface({ input: server.stdout }).on("line", (line) => {
    const found = line.match(/http:\/\/127\.0\.0\.1:(\d+)\//);
    if (found) resolve(Number(found[1]));
  }));
}
async function stop() {
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGTERM");
  return ended;
}

async function timeline(customer) {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/customers/${encodeURIComponent(customer)}/timeline`, { headers: { authorization: "Bearer " + secret } });
  return answer.ok ? (await answer.json()).data : [];
}
async function customer(id) {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/customers/${encodeURIComponent(id)}`, { headers: { authorization: "Bearer " + secret } });
  return answer.ok ? answer.json() : {};
}

async function segment() {
  const { Analytics } = from("@segment/analytics-node");
  const analytics = new Analytics({ writeKey: key, host: `http://127.0.0.1:${port}`, flushInterval: 100, maxRetries: 10 });
  const wrong = [];
  analytics.on("error", (error) => wrong.push(error));
  analytics.identify({ userId: "seg-1", traits: { name: "Ana Segment", plan: "pro" } });
  for (let i = 0; i < 50; i++) analytics.track({ userId: "seg-1", event: "Order Completed", properties: { total: i } });
  analytics.page({ userId: "seg-1", name: "Home" });
  analytics.screen({ userId: "seg-1", name: "Main" });
  analytics.group({ userId: "seg-1", groupId: "acme", traits: { size: 3 } });
  await analytics.closeAndFlush();
  check(wrong.length === 0, `Segment: ${wrong.map((error) => JSON.stringify(error)).join()}`);
  const rows = await timeline("seg-1");
  check(rows.length === 52, `Segment: ${rows.length} interactions of 52`);
  check((await customer("seg-1")).name === "Ana Segment", "Segment: the trait");
}

async function segmentThroughAnOutage() {
  const { Analytics } = from("@segment/analytics-node");
  await stop();
  const analytics = new Analytics({ writeKey: key, host: `http://127.0.0.1:${port}`, flushInterval: 50, maxRetries: 20 });
  analytics.on("error", () => {});
  for (let i = 0; i < 5; i++) analytics.track({ userId: "seg-2", event: "Away", properties: { i } });
  await new Promise((resolve) => setTimeout(resolve, 400));
  await start();
  await analytics.closeAndFlush({ timeout: 20000 });
  const rows = await timeline("seg-2");
  check(rows.length === 5, `Segment through an outage: ${rows.length} interactions of 5`);
}

async function rudder(gzip) {
  const Rudder = from("@rudderstack/rudder-sdk-node");
  const who = gzip ? "rudder-gzip" : "rudder";
  const client = new (Rudder.default || Rudder)(key, { dataPlaneUrl: `http://127.0.0.1:${port}`, flushAt: 1, gzip });
  client.identify({ userId: who, traits: { email: "r@example.org" } });
  for (let i = 0; i < 5; i++) client.track({ userId: who, event: "Order", properties: { total: i } });
  await new Promise((resolve) => client.flush(resolve));
  for (let i = 0; i < 50 && (await timeline(who)).length < 5; i++) await new Promise((resolve) => setTimeout(resolve, 100));
  const rows = await timeline(who);
  check(rows.length === 5, `RudderStack (gzip ${gzip}): ${rows.length} interactions of 5`);
}

async function jitsu() {
  const { jitsuAnalytics } = from("@jitsu/js");
  const client = jitsuAnalytics({ host: `http://127.0.0.1:${port}`, writeKey: key + ":secret", fetch });
  await client.identify("jit-1", { name: "Juan Jitsu" });
  await client.track("Order", { total: 7 });
  await client.page({ name: "Home", url: "https://shop.example/", path: "/" });
  for (let i = 0; i < 50 && (await timeline("jit-1")).length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 100));
  const rows = await timeline("jit-1");
  check(rows.length === 2, `Jitsu: ${rows.length} interactions of 2`);
  check((await customer("jit-1")).name === "Juan Jitsu", "Jitsu: the trait");
}

try {
  await start();
  await segment();
  await segmentThroughAnOutage();
  await rudder(false);
  await rudder(true);
  await jitsu();
} finally {
  check((await stop()) === 0, "the server ends with 0");
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
