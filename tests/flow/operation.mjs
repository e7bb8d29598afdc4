// What the tests of operation share: the program as a process, a client that remembers what was acknowledged, and the
// question that counts every stored message.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, openSync, closeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { once } from "node:events";

const program = process.env.SENDA;
export const users = [0, 1, 2, 3].map((n) => `person-${n}@people.example`);

// A test that fails leaves no server behind.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What an answer of fetch sets, as "name=value" each. (Debian's node, 18, has no getSetCookie: one text with commas, also within dates.)
export const cookies = (answer) => (answer.headers.get("set-cookie") ?? "").split(/,\s*(?=[\w-]+=)/).map((one) => one.split(";")[0]).filter(Boolean);

export function must(holds, what) {
  if (holds) return;
  console.error(`FAILED: ${what}`);
  process.exit(1);
}

export function senda(...args) {
  const input = typeof args.at(-1) === "object" ? args.pop().input : "";
  return spawnSync(program, args, { input, encoding: "utf8", maxBuffer: 1 << 28 });
}

// The same while this process goes on sending.
export async function sendaMeanwhile(...args) {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (text) => { stderr += text; });
  const [status] = await once(child, "close");
  return { status, stderr };
}

export function succeed(...args) {
  const result = senda(...args);
  must(result.status === 0, `senda ${args.filter((a) => typeof a === "string").join(" ")}: exit ${result.status} ${result.stderr}`);
  return result.stdout;
}

export function make(data) {
  return JSON.parse(succeed("init", "--data", data));
}

// A running server; `log` is a file that takes what it says on stderr; env: more of its environment.
export async function serve(data, log, extra = [], command = "serve", env = {}) {
  const err = openSync(log, "a");
  const process_ = spawn(program, [command, "--data", data, "--listen", "127.0.0.1:0", ...extra],
    { stdio: ["ignore", "pipe", err], env: { ...process.env, ...env } });
  closeSync(err);
  let said = "";
  running.add(process_);
  const ended = once(process_, "exit").then(([code, signal]) => {
    running.delete(process_);
    return { code, signal };
  });
  const began = Date.now();
  process_.stdout.on("data", (text) => { said += text; });
  while (!/http:\/\/127\.0\.0\.1:\d+\//.test(said)) {
    must(Date.now() - began < 60000 && process_.exitCode === null, `the server starts: ${readFileSync(log, "utf8").slice(-500)}`);
    await pause(10);
  }
  const agent = new Agent({ keepAlive: true });
  return {
    port: Number(said.match(/:(\d+)\//)[1]), agent, said: () => said, pid: process_.pid, ready_ms: Date.now() - began,
    ended,
    async end(signal) {
      process_.kill(signal);
      const how = await ended;
      agent.destroy();
      return how;
    },
  };
}

export function ask(server, method, path, keys, body) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
  headers.Authorization = path.startsWith("/v1/") ? "Basic " + Buffer.from(keys.write_key + ":").toString("base64") : "Bearer " + keys.api_key;
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: server.port, method, path, headers, agent: server.agent }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => {
        const said = Buffer.concat(parts).toString();
        let json = null;
        try { json = JSON.parse(said); } catch { /* not JSON */ }
        resolve({ status: answer.statusCode, headers: answer.headers, json, text: said });
      });
    });
    asked.on("error", reject);
    asked.end(text);
  });
}

// Messages by number; `padding` bytes of noise, which no packing makes smaller.
export function message(n, padding = 0) {
  return { type: "track", event: ["Seen", "Added", "Bought"][n % 3], userId: users[n % users.length], messageId: `message-${n}`,
    timestamp: new Date(Date.UTC(2026, 0, 5) + n * 60000).toISOString(), properties: { amount: n, ...(padding && { padding: randomBytes(padding / 2).toString("hex") }) } };
}

// Load over several connections until stopped: batches, and single events between them.
export class Load {
  constructor(server, keys, first = 0, { size = 40, padding = 0 } = {}) {
    Object.assign(this, { server, keys, next: first, size, padding, acknowledged: new Set(), sent: new Set(), refused: [], running: true });
    this.done = Promise.all([0, 1, 2, 3].map((sender) => this.send(sender === 0 ? 1 : size)));
  }

  async send(size) {
    while (this.running) {
      const numbers = Array.from({ length: size }, () => this.next++);
      numbers.forEach((n) => this.sent.add(n));
      const single = size === 1;
      const body = single ? message(numbers[0], this.padding) : { batch: numbers.map((n) => message(n, this.padding)) };
      try {
        const answer = await ask(this.server, "POST", single ? "/v1/track" : "/v1/batch", this.keys, body);
        if (answer.status === 200) {
          must(answer.json.success && answer.json.rejected.length === 0, `nothing is rejected: ${answer.text}`);
          numbers.forEach((n) => this.acknowledged.add(n));
        } else {
          this.refused.push(answer);
          if (this.refused.length > 20) return;
        }
      } catch {
        return; // the server went away
      }
    }
  }

  async stop() {
    this.running = false;
    await this.done;
  }
}

// Numbers of all stored messages; says so if one is there twice, or if the timelines and the trend disagree.
export function stored(data) {
  const found = new Set();
  for (const customer of users) {
    const answer = senda("query", "-", "--data", data, { input: JSON.stringify({ kind: "timeline", customer, limit: 10000000 }) });
    if (answer.status === 3) continue;
    must(answer.status === 0, `the timeline is answered: ${answer.stderr}`);
    for (const row of JSON.parse(answer.stdout).data) {
      const n = Number(row.message_id.slice("message-".length));
      must(!found.has(n), `message ${n} is there once`);
      must(row.properties.amount === n, `message ${n} is as it was sent`);
      found.add(n);
    }
  }
  const trend = JSON.parse(succeed("query", "-", "--data", data, { input: '{"kind":"trend","measure":"count","every":"month"}' }));
  const counted = trend.data.reduce((sum, row) => sum + row.value, 0);
  must(counted === found.size, `the trend counts ${counted}, the timelines hold ${found.size}`);
  return found;
}

export function allThere(found, acknowledged, what) {
  for (const n of acknowledged) must(found.has(n), `${what}: acknowledged message ${n} is there`);
}

export function sound(data, what) {
  const result = senda("verify", "--data", data);
  must(result.status === 0, `${what}: verify is clean: ${result.stdout} ${result.stderr}`);
}

// Answers that must not change whatever happens to the index.
export function answers(data) {
  return ['{"kind":"trend","measure":"count","every":"day"}', '{"kind":"flow"}',
    '{"kind":"funnel","steps":[{"event":"Seen"},{"event":"Added"},{"event":"Bought"}],"window":"7d"}',
    `{"kind":"timeline","customer":"${users[1]}","limit":100000}`].map((input) => {
    const result = senda("query", "-", "--data", data, { input });
    if (result.status) return { failed: result.stderr };
    const answer = JSON.parse(result.stdout);
    return { data: answer.data, customers: answer.meta.customers, interactions: answer.meta.interactions };
  });
}

// What the server said, line by line: JSON, and nothing of keys or people in it.
export function discreet(log, keys) {
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  for (const line of text.split("\n").filter(Boolean)) {
    let json = null;
    try { json = JSON.parse(line); } catch { /* told below */ }
    must(json && json.time && json.level && json.area && json.message, `a line of the log is JSON: ${line}`);
  }
  for (const secret of [keys.write_key, keys.api_key, "people.example", "message-", "wk_", "sk_"])
    must(!text.includes(secret), `the log does not hold "${secret}": ${text.split("\n").find((line) => line.includes(secret))}`);
}
