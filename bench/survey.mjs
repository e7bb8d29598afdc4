// A survey of two questions: whole respondents (page and submission, durable) a second, the server's CPU for each, and what a page
// weighs. Printed, never asserted.
//
//     bench/survey [RESPONDENTS] [CONNECTIONS]      build/senda, or SENDA=…; CHROMIUM=… for first paint
//
// The client runs on the same cores; the server's CPU is counted by itself (/proc/PID/stat).
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const program = process.env.SENDA ?? join(root, "build/senda");
const respondents = Number(process.argv[2] ?? 20000), connections = Number(process.argv[3] ?? 32);
const scratch = mkdtempSync(join(tmpdir(), "senda-bench-survey-")), data = join(scratch, "data");
const keys = JSON.parse(execFileSync(program, ["init", "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
const server = spawn(program, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
process.on("exit", () => { server.kill("SIGKILL"); rmSync(scratch, { recursive: true, force: true }); });
const base = await new Promise((resolve) => {
  let said = "";
  server.stdout.on("data", (bytes) => { const found = (said += bytes).match(/http:\/\/127\.0\.0\.1:\d+/); if (found) resolve(found[0]); });
});
const agent = new Agent({ keepAlive: true, maxSockets: connections });

function ask(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(base + path, { method, agent, headers: { ...headers, ...(body && { "Content-Length": Buffer.byteLength(body) }) } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, body: Buffer.concat(parts) }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const definition = { title: "Tu visita", pages: [{ questions: [
  { id: "recommend", type: "nps", required: true, text: "¿Nos recomendarías?", low: "Nada probable", high: "Muy probable" }, { id: "why", type: "long_text", text: "¿Por qué?" }] }] };
const api = { Authorization: `Bearer ${keys.api_key}`, "Content-Type": "application/json" };
await ask("POST", "/api/v1/surveys", JSON.stringify({ id: "b", definition }), api);
await ask("POST", "/api/v1/surveys/b/publish", "{}", api);

const cpu_ms = () => { const fields = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ")[1].split(" "); return (Number(fields[11]) + Number(fields[12])) * 10; };
let begun = 0, refused = 0;
async function respondent() {
  while (begun++ < respondents) {
    const page = (await ask("GET", "/s/b")).body.toString();
    const id = page.match(/name="r" value="([^"]+)"/)[1];
    const form = `r=${id}&p=page-1&v=1&lang=es&q=recommend&q=why&a.recommend=${begun % 11}&a.why=Todo+muy+bien%2C+gracias&do=next`;
    const answer = await ask("POST", "/s/b", form, { "Content-Type": "application/x-www-form-urlencoded" });
    if (answer.status !== 200) refused++;
  }
}
async function round() {
  begun = 0;
  const began = Date.now(), before = cpu_ms();
  await Promise.all(Array.from({ length: connections }, respondent));
  const seconds = (Date.now() - began) / 1000;
  console.log(`  ${(respondents / seconds).toFixed(0)} respondents/s over ${connections} connections, ${((cpu_ms() - before) / respondents).toFixed(3)} ms CPU of the server each`);
}

console.log(`${respondents} respondents, each a page and a durable submission`);
for (let i = 0; i < 3; i++) await round();
const weigh = async (path) => { const { body } = await ask("GET", path); return [body.length, brotliCompressSync(body).length]; };
const page = (await ask("GET", "/s/b")).body.toString();
const parts = ["/s/b", ...[...page.matchAll(/(?:href|src)="?(\/assets\/[^" >]+\.(?:css|js))/g)].map((found) => found[1])];
let all = [0, 0];
for (const path of parts) {
  const weight = await weigh(path);
  all = all.map((sum, i) => sum + weight[i]);
  console.log(`  ${path}: ${weight[0]} bytes, ${weight[1]} compressed`);
}
const thanked = await ask("POST", "/s/b", `r=${page.match(/name="r" value="([^"]+)"/)[1]}&p=page-1&v=1&lang=es&q=recommend&q=why&a.recommend=9&a.why=Todo+muy+bien%2C+gracias&do=next`, { "Content-Type": "application/x-www-form-urlencoded" });
all = [all[0] + thanked.body.length, all[1] + brotliCompressSync(thanked.body).length];
console.log(`  the answer to the submission: ${thanked.body.length} bytes`);
console.log(`  together ${(all[0] / 1024).toFixed(1)} KB, ${(all[1] / 1024).toFixed(1)} KB on the wire`);
console.log(`  memory: ${(Number(readFileSync(`/proc/${server.pid}/status`, "utf8").match(/RssAnon:\s+(\d+)/)[1]) / 1024).toFixed(0)} MB`);
const results = JSON.parse((await ask("GET", "/api/v1/surveys/b/results", undefined, api)).body);
console.log(`  stored: ${results.responses} responses of ${3 * respondents + 1}${refused ? `, ${refused} refused` : ""}`);

const packages = join(root, "build/dev/browser/package.json"); // playwright-core, of the browser tests
if (!existsSync(packages)) console.log("  first paint: not measured, `make check` installs the browser's driver");
else {
  const { chromium } = createRequire(packages)("playwright-core");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  const paints = [];
  for (let i = 0; i < 7; i++) {
    const tab = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
    await tab.goto(`${base}/s/b`);
    paints.push(await tab.evaluate(() => new Promise((resolve) => { const told = () => { const [first] = performance.getEntriesByName("first-contentful-paint"); if (first) resolve(first.startTime); else setTimeout(told, 10); }; told(); })));
  }
  console.log(`  first paint on a phone's viewport, nothing cached: ${paints.sort((a, b) => a - b)[3].toFixed(0)} ms`);
  await browser.close();
}
agent.destroy();
process.exit(refused || results.responses !== 3 * respondents + 1 ? 1 : 0);
