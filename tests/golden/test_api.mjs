// Transcripts of the API: tests/golden/api/*.txt, each against a fresh data folder at a frozen time. A block is
//
//   > METHOD PATH [as write|api|nobody]
//   Header: value
//                                (an empty line, then the body, if there is one)
//   < STATUS
//   Header: value                (only the telling ones)
//
//   body                         (JSON printed over lines; ids and tokens that change every time are masked)
//
// `node test_api.mjs --accept` writes what the program answers now.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const senda = process.env.SENDA, folder = join(process.env.SOURCE_DIR || ".", "tests/golden/api");
const accept = process.argv.includes("--accept");
const environment = { ...process.env, SENDA_NOW: "2026-03-01T10:00:00.000Z" };
const telling = ["content-type", "allow", "location", "retry-after", "www-authenticate", "access-control-allow-origin",
  "access-control-allow-headers", "access-control-allow-methods", "idempotency-replayed", "content-disposition"];
let passed = 0, failed = 0;

function blocks(text) {
  return text.split(/^> /m).slice(1).map((block) => {
    const [asked] = block.split(/^</m);
    const [head, ...body] = asked.split("\n\n");
    const [line, ...headers] = head.split("\n").filter(Boolean);
    const [, method, path, who] = line.match(/^(\S+) (\S+)(?: as (\S+))?$/);
    return { line, method, path, who: who || "api", headers, body: body.join("\n\n").trimEnd() };
  });
}

function send(port, block, keys) {
  const headers = { Host: "senda.test" };
  for (const line of block.headers) headers[line.slice(0, line.indexOf(":"))] = line.slice(line.indexOf(":") + 1).trim();
  if (block.who === "write") headers.Authorization = "Basic " + Buffer.from(keys.write_key + ":").toString("base64");
  if (block.who === "api") headers.Authorization = "Bearer " + keys.api_key;
  if (block.body) headers["Content-Length"] = Buffer.byteLength(block.body);
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method: block.method, path: block.path, headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    asked.on("error", reject);
    asked.end(block.body || undefined);
  });
}

function mask(text, keys) {
  return text.replaceAll(keys.write_key, "WRITE_KEY").replaceAll(keys.api_key, "API_KEY").replace(/wk_[0-9a-f]{32}/g, "WRITE_KEY")
    .replace(/sk_[\w-]{43}/g, "SECRET").replace(/"hint": "[\w-]{4}"/g, '"hint": "LAST"')
    .replace(/"(elapsed_ms|seconds)": [\d.e-]+/g, '"$1": 0').replace(/127\.0\.0\.1:\d+/g, "ADDRESS");
}

function shown(block, answer, keys) {
  const lines = [`> ${block.line}`, ...block.headers];
  if (block.body) lines.push("", block.body);
  lines.push(`< ${answer.status}`);
  for (const name of telling) if (answer.headers[name]) lines.push(`${name}: ${answer.headers[name]}`);
  let body = answer.body;
  if (/json/.test(answer.headers["content-type"] || "")) try { body = JSON.stringify(JSON.parse(body), null, 1); } catch { /* as it is */ }
  if (body) lines.push("", body.replace(/\r/g, "").trimEnd());
  return mask(lines.join("\n"), keys) + "\n";
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt")).sort()) {
  const scratch = mkdtempSync(join(tmpdir(), "senda-golden-")), data = join(scratch, "data");
  const keys = JSON.parse(execFileSync(senda, ["init", "--data", data, "--timezone", "Europe/Madrid"], { env: environment, stdio: ["ignore", "pipe", "ignore"] }));
  const server = spawn(senda, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { env: environment, stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).on("line", (line) => {
      const found = line.match(/http:\/\/127\.0\.0\.1:(\d+)\//);
      if (found) resolve(Number(found[1]));
    });
    server.on("exit", () => reject(new Error("the server ended")));
  });
  server.removeAllListeners("exit");
  try {
    const path = join(folder, file), text = readFileSync(path, "utf8");
    const head = text.slice(0, text.indexOf("> ")), wanted = text.slice(head.length).split(/^(?=> )/m), got = [];
    for (const block of blocks(text)) got.push(shown(block, await send(port, block, keys), keys) + "\n");
    if (accept) writeFileSync(path, head + got.join("").trimEnd() + "\n");
    for (let i = 0; i < got.length && !accept; i++) {
      if (got[i].trimEnd() === (wanted[i] || "").trimEnd()) passed++;
      else failed++, console.log(`FAILED ${file}\n--- wanted\n${wanted[i]}\n--- got\n${got[i]}`);
    }
  } finally {
    const ended = new Promise((resolve) => server.on("exit", resolve));
    server.kill("SIGTERM");
    await ended;
    rmSync(scratch, { recursive: true, force: true });
  }
}
console.log(accept ? "accepted" : `${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
