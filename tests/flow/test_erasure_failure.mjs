// An erasure that cannot be finished says so at once to whoever asked, with the reason and when it is tried again: API, page, shell; what was in the way
// mended, it is tried by a press and is done.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, must, pause, senda, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-failure-")), data = join(scratch, "data"), password = "a long enough secret";
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), password);
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, join(scratch, "log"));
const api = (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const send = async (...batch) => (await ask(server, "POST", "/v1/batch", keys, { batch })).json;
for (const who of ["eva", "pia", "leo"]) await send({ type: "identify", userId: who, traits: { email: `${who}@somewhere.example` } }, { type: "track", event: "Visited", userId: who, timestamp: "2026-03-01T10:00:00Z", properties: { note: `${who} came by` } });
must((await api("POST", "/customers/leo/erase", {})).json.state === "done", "an erasure that nothing hinders; the log is in a file now");

// A file of the log is damaged: the log cannot be written anew.
const file = join(data, "log", readdirSync(join(data, "log")).filter((name) => name.endsWith(".log")).sort().at(-1)), sound = readFileSync(file), broken = Buffer.from(sound);
for (let i = 64 + 72; i < 64 + 90; i++) broken[i] ^= 0x5a;
writeFileSync(file, broken);
const asked = Date.now(), failed = await api("POST", "/customers/eva/erase", { why: "wrote on 3 May" });
must(failed.status === 202 && failed.json.state === "failed" && failed.json.report === null, `it is not done: ${failed.status} ${failed.text}`);
const failure = failed.json.failure;
must(Date.now() - asked < 9000 && failure.reason.length > 10 && failure.tries === 1 && new Date(failure.next_try) > new Date(failure.time), `why and when it is tried again, at once: ${JSON.stringify(failure)}`);
must(!failure.reason.includes("/") && !failure.reason.includes("eva"), "without paths and people");
const number = failed.json.number;
must((await api("GET", `/erasures/${number}`)).json.failure.reason === failure.reason && (await api("GET", "/erasures")).json.data[0].state === "failed", "whoever looks later sees the same");
must((await send({ type: "track", event: "Visited", userId: "eva" })).rejected[0].code === "suppressed", "the person is suppressed meanwhile");
const again = await api("POST", `/erasures/${number}/retry`);
must(again.status === 202 && again.json.failure.tries === 2, `a try that fails is counted: ${again.text}`);
const shell = senda("customer", "erase", "pia", "--data", data);
must(shell.status === 1 && shell.stderr.includes("the erasure failed"), `the shell says it: ${shell.status} ${shell.stderr}`);

// The page.
const base = `http://127.0.0.1:${server.port}`;
const signIn = await fetch(base + "/sign-in", { method: "POST", redirect: "manual", body: new URLSearchParams({ email: "owner@example.org", password }) });
const headers = { cookie: signIn.headers.get("set-cookie").split(";")[0], "accept-language": "es" };
const page = await (await fetch(`${base}/settings/privacy/erasures/${number}`, { headers })).text();
for (const part of ["no se ha podido terminar", "Motivo", "Un tramo del registro está dañado.", "Intentarlo ahora", "Próximo intento"]) must(page.includes(part), `the page has ${part}`);

// Mended, a press does it.
writeFileSync(file, sound);
const csrf = /name="csrf" value="([^"]+)"/.exec(page)[1];
const pressed = await fetch(`${base}/settings/privacy/erasures/${number}`, { method: "POST", redirect: "manual", headers, body: new URLSearchParams({ csrf, retry: "1" }) });
must(pressed.status === 303, `the press is taken: ${pressed.status}`);
const done = (await api("GET", `/erasures/${number}`)).json;
must(done.state === "done" && done.failure === null && done.report.verification.found === 0 && !JSON.stringify(done.report).includes("failure"), `done, and proved: ${JSON.stringify(done)}`);
must((await api("POST", `/erasures/${number}/retry`)).status === 409, "what is done is not tried again");
let rows;
for (let i = 0; i < 100 && !rows?.every((row) => row.state === "done"); i++) { rows = (await api("GET", "/erasures")).json.data; await pause(100); }
must(rows.length === 3 && rows.every((row) => row.state === "done" && row.failure === null), `and so is everybody else's: ${JSON.stringify(rows)}`);
await server.end("SIGTERM");
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "and all is sound");
console.log("a failed erasure is not silent");
