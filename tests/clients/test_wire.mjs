// Replays the recorded requests of unmodified clients (Segment, RudderStack, Jitsu; node and browser) against the built
// program: every one is taken, resends are stored once, preflights are answered.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createInterface } from "node:readline";

const senda = process.env.SENDA, wire = join(process.env.SHARED_DIR || "", "wire");
if (!existsSync(wire)) {
  console.log("skipped: the recordings are not here");
  process.exit(0);
}
const scratch = mkdtempSync(join(tmpdir(), "senda-wire-")), data = join(scratch, "data");
let passed = 0, failed = 0;
function check(good, what) {
  if (good) passed++;
  else failed++, console.log("FAILED " + what);
}

const { write_key: key } = JSON.parse(execFileSync(senda, ["init", "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
const server = spawn(senda, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
const port = await new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).on("line", (line) => {
    const found = line.match(/http:\/\/127\.0\.0\.1:(\d+)\//);
    if (found) resolve(Number(found[1]));
  });
  server.on("exit", () => reject(new Error("the server ended")));
});

/** @returns {Promise<{status: number, headers: object, body: string}>} */
function send(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/* The recorder masked keys; the true one goes where the client puts it. */
function withKey(text) {
  return text.replaceAll("V0s6", Buffer.from(key + ":").toString("base64")).replaceAll("k:***", key).replaceAll("k:s", key + ":secret")
    .replace(/"WKB?"/g, `"${key}"`).replace(/writeKey=WKB?/g, "writeKey=" + key).replace(/projects\/WKB?\//, `projects/${key}/`);
}

async function replay(file, recorded) {
  const query = new URLSearchParams(recorded.query || {}).toString();
  const path = withKey(recorded.path + (query ? "?" + query : ""));
  const headers = JSON.parse(withKey(JSON.stringify(recorded.headers)));
  for (const name of ["host", "content-length", "connection", "transfer-encoding"]) delete headers[name];
  let body = recorded.body === null || recorded.body === undefined ? undefined
    : Buffer.from(withKey(typeof recorded.body === "string" ? recorded.body : JSON.stringify(recorded.body)));
  if (body && recorded.bodyEncoding === "gzip") body = gzipSync(body);
  if (body) headers["content-length"] = body.length;
  const answer = await send(recorded.method, path, headers, body);
  const name = `${file} ${recorded.n} ${recorded.method} ${recorded.path}`;
  if (recorded.method === "OPTIONS") {
    check(answer.status === 204, `${name}: ${answer.status}`);
    check(answer.headers["access-control-allow-origin"] === headers.origin, `${name}: origin`);
    check(answer.headers["access-control-allow-headers"] === headers["access-control-request-headers"], `${name}: headers`);
    return 0;
  }
  check(answer.status === 200, `${name}: ${answer.status} ${answer.body.slice(0, 200)}`);
  if (headers.origin) check(answer.headers["access-control-allow-origin"] === headers.origin, `${name}: origin of the answer`);
  if (recorded.method !== "POST" || answer.status !== 200) return 0;
  const result = JSON.parse(answer.body);
  check(result.rejected.length === 0, `${name}: ${JSON.stringify(result.rejected)}`);
  /* An alias leaves no interaction behind; it may be taken twice without effect. */
  const events = recorded.body.batch || [recorded.body];
  const aliases = events.filter((event) => event.type === "alias").length;
  return result.accepted - Math.min(aliases, result.accepted);
}

try {
  const files = readdirSync(wire).filter((file) => /segment|rudder|jitsu/.test(file));
  check(files.length > 10, "recordings of all clients");
  let first = 0, again = 0;
  for (const file of files)
    for (const recorded of JSON.parse(readFileSync(join(wire, file), "utf8")).requests) first += await replay(file, recorded);
  check(first > 40, `events stored: ${first}`);
  for (const file of files)
    for (const recorded of JSON.parse(readFileSync(join(wire, file), "utf8")).requests) again += await replay(file, recorded);
  check(again === 0, `a resend stored ${again} events`);
  /* gzip without saying so */
  const event = gzipSync(JSON.stringify({ userId: "u9", event: "Sniffed", messageId: "sniffed-1" }));
  const answer = await send("POST", "/v1/track", { authorization: "Basic " + Buffer.from(key + ":").toString("base64") }, event);
  check(answer.status === 200 && JSON.parse(answer.body).accepted === 1, "gzip without Content-Encoding");
} finally {
  server.removeAllListeners("exit");
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGTERM");
  check((await ended) === 0, "the server ends with 0");
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
