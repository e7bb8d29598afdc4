// The official clients for browsers (Segment, RudderStack, Jitsu), unmodified from npm, in Chromium on a page of another origin:
// what they send is there, and the person who was anonymous before is one with who signed in.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const senda = process.env.SENDA, modules = join(process.env.BUILD_DIR || tmpdir(), "browser-clients");
const packages = ["@segment/analytics-next@1.84.3", "@rudderstack/analytics-js@3.34.1", "@jitsu/js@1.11.0", "playwright-core@1.60.0"];
const chromium = process.env.CHROMIUM || "/usr/bin/chromium";

function skip(why) {
  console.log("skipped: " + why);
  process.exit(77);
}
if (!existsSync(chromium)) skip("there is no Chromium");
if (!existsSync(join(modules, "node_modules", "playwright-core"))) {
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "package.json"), '{"private":true}');
  try {
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", modules, ...packages], { stdio: "inherit" });
  } catch {
    skip("the clients cannot be installed");
  }
}
const playwright = createRequire(join(modules, "x.js"))("playwright-core");
const scratch = mkdtempSync(join(tmpdir(), "senda-browsers-")), data = join(scratch, "data");
let passed = 0, failed = 0;
function check(good, what) {
  if (good) passed++;
  else failed++, console.log("FAILED " + what);
}

/* ---- the program ---- */

const { write_key: key, api_key: secret } = JSON.parse(execFileSync(senda, ["init", "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
const server = spawn(senda, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
const host = await new Promise((resolve) => createInterface({ input: server.stdout }).on("line", (line) => {
  const found = line.match(/127\.0\.0\.1:\d+/);
  if (found) resolve(found[0]);
}));
async function timeline(customer) {
  const answer = await fetch(`http://${host}/api/v1/customers/${encodeURIComponent(customer)}/timeline`, { headers: { authorization: "Bearer " + secret } });
  return answer.ok ? (await answer.json()).data : [];
}
/** Waits until the customer has n interactions; what there is after five seconds. */
async function interactions(customer, n) {
  let rows = [];
  for (let i = 0; i < 50 && rows.length < n; i++) {
    rows = await timeline(customer);
    if (rows.length < n) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return rows;
}

/* ---- pages of somebody's shop, on another origin ---- */

const shops = {
  segment: `<script src="/node_modules/@segment/analytics-next/dist/umd/index.js"></script><script>
    window.client = AnalyticsNext.AnalyticsBrowser.load({ writeKey: "${key}", cdnURL: "http://${host}" },
      { integrations: { "Segment.io": { apiHost: "${host}/v1", protocol: "http" } } });</script>`,
  rudder: `<script src="/node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"></script><script>
    const Rudder = window.RudderAnalytics || window.rudderanalytics?.RudderAnalytics || window.rudderanalytics;
    window.client = typeof Rudder === "function" ? new Rudder() : Rudder;
    client.load("${key}", "http://${host}", { configUrl: "http://${host}" });</script>`,
  jitsu: `<script type="module">
    import { jitsuAnalytics } from "/node_modules/@jitsu/js/dist/jitsu.es.js";
    window.client = jitsuAnalytics({ host: "http://${host}", writeKey: "${key}:secret" });</script>`,
};
const site = createServer((request, response) => {
  const path = request.url.split("?")[0], shop = shops[path.slice(1)];
  try {
    const body = shop ? `<!doctype html><title>Tienda ${path}</title>${shop}` : readFileSync(join(modules, path));
    response.writeHead(200, { "content-type": shop ? "text/html; charset=utf-8" : "text/javascript" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
const browser = await playwright.chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** An anonymous visit, a sign-in, a purchase: three interactions of one customer. */
async function visit(client) {
  const context = await browser.newContext(), page = await context.newPage(), user = `${client}-1`;
  const complaints = [];
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`http://localhost:${site.address().port}/${client}?utm_source=boletin`);
  await page.waitForFunction(() => window.client);
  await page.evaluate(async (user) => {
    await window.client.page("Tarifas");
    await window.client.track("Product Viewed", { sku: "fibra" });
    await window.client.identify(user, { name: "Eva Navegador" });
    await window.client.track("Order Completed", { total: 38.5 });
  }, user);
  const rows = await interactions(user, 3);
  const names = rows.map((row) => row.event).sort().join();
  check(rows.length === 3, `${client}: ${rows.length} interactions of 3 (${names}) ${complaints.join(" | ")}`);
  check(rows.every((row) => row.channel === "web"), `${client}: all on the web`);
  check(rows.some((row) => row.event === "Order Completed" && row.properties.total === 38.5), `${client}: the amount`);
  await context.close();
}

try {
  for (const client of Object.keys(shops)) await visit(client);
} finally {
  await browser.close();
  site.close();
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGTERM");
  check((await ended) === 0, "the server ends with 0");
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
