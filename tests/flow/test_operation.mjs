// Operation, through the real program: exit codes, stop and kill under load, backup under load, damage, a full disk, logs.
// `node test_operation.mjs NAME…` runs only those parts.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawnSync } from "node:child_process";
import { closeSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { allThere, answers, ask, discreet, Load, make, message, must, pause, senda, sendaMeanwhile, serve, sound, stored, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-operation-")), log = join(scratch, "log.txt");
const mounted = join(scratch, "small");
process.on("exit", () => {
  if (existsSync(mounted)) spawnSync("umount", [mounted], { stdio: "ignore" });
  rmSync(scratch, { recursive: true, force: true });
});

const parts = { commands, stopping, killing, backups, damage, key_damage, damage_while_serving, log_damage, full_disk, failed_sync, upkeep };

function exits(wanted, ...args) {
  const result = senda(...args);
  must(result.status === wanted, `senda ${args.join(" ")}: exit ${wanted} wanted, ${result.status} given: ${result.stderr}`);
  must(wanted === 0 || (result.stdout === "" && result.stderr.length > 0), `senda ${args.join(" ")} says why on stderr alone`);
  return result;
}

async function commands() {
  const data = join(scratch, "commands"), missing = join(scratch, "missing");
  const names = [...exits(0, "--help").stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map((found) => found[1]);
  for (const name of "init serve demo import query export verify reindex backup restore user key migrate doctor version customer unit".split(" "))
    must(names.includes(name), `the help names ${name}`);
  for (const name of names) must(exits(0, name, "--help").stdout.includes(`senda ${name}`), `${name} --help shows how`);
  exits(0, "version");
  const keys = make(data);
  must(/^wk_/.test(keys.write_key) && keys.api_key && /^http/.test(keys.admin_url), "init prints keys");
  exits(4, "init", "--data", data);
  exits(2);
  exits(2, "nonsense");
  exits(2, "verify", "--nonsense", "--data", data);
  exits(2, "query", "--data", data);
  exits(2, "backup", "--data", data);
  exits(3, "verify", "--data", missing);
  exits(3, "query", "-", "--data", missing);
  exits(3, "customer", "show", "nobody", "--data", data);
  exits(3, "restore", join(scratch, "no.backup"), "--data", missing);
  must(!existsSync(missing), "nothing was made of a folder that is not there");
  exits(1, "query", "-", "--data", data);

  mkdirSync(missing); // empty, as a mounted volume is
  const server = await serve(missing, log);
  must(JSON.parse(server.said().split("\n")[0]).write_key, "serve makes the folder and prints its keys");
  const second = exits(4, "serve", "--data", missing, "--listen", "127.0.0.1:0");
  must(/open/.test(second.stderr), `a second server is refused clearly: ${second.stderr}`);
  exits(0, "doctor", "--data", missing);
  must((await server.end("SIGTERM")).code === 0, "SIGTERM ends the server with 0");
}

async function stopping() {
  const data = join(scratch, "stopping"), keys = make(data), server = await serve(data, log);
  const load = new Load(server, keys);
  await pause(700);
  const began = Date.now(), how = await server.end("SIGTERM");
  await load.stop();
  must(how.code === 0, `SIGTERM under load: exit ${how.code} ${how.signal}`);
  must(Date.now() - began < 10000, "it stops within 10 s");
  sound(data, "stopped under load");
  const found = stored(data);
  allThere(found, load.acknowledged, "stopped under load");
  for (const n of found) must(load.sent.has(n), "nothing was made up");
  discreet(log, keys);
  return `${load.acknowledged.size} acknowledged, ${found.size} stored`;
}

async function killing() {
  const data = join(scratch, "killing"), keys = make(data), acknowledged = new Set();
  let next = 0, ready = 0;
  for (let round = 0; round < 4; round++) {
    const server = await serve(data, log), load = new Load(server, keys, next);
    ready = Math.max(ready, server.ready_ms);
    await pause(150 + 250 * round);
    await server.end("SIGKILL");
    await load.stop();
    load.acknowledged.forEach((n) => acknowledged.add(n));
    next = load.next;
    if (round % 2) sound(data, "killed"); // otherwise the server is the first after the crash
  }
  const found = stored(data);
  allThere(found, acknowledged, "killed");
  // A client that saw no answer sends again; what is there is a duplicate, what is not is taken.
  const server = await serve(data, log);
  for (let from = 0; from < next; from += 1000) {
    const numbers = Array.from({ length: Math.min(1000, next - from) }, (_, i) => from + i), known = numbers.filter((n) => found.has(n)).length;
    const { json } = await ask(server, "POST", "/v1/batch", keys, { batch: numbers.map((n) => message(n)) });
    must(json.duplicates === known && json.accepted === numbers.length - known, `sent again: ${JSON.stringify(json)}, ${known} were known`);
  }
  await server.end("SIGKILL");
  must(stored(data).size === next, "everything is there once after it was sent again");
  sound(data, "sent again");
  discreet(log, keys);
  return `${acknowledged.size} acknowledged over 4 kills, start at most ${ready} ms`;
}

async function backups() {
  const data = join(scratch, "source"), copy = join(scratch, "copy"), file = join(scratch, "senda.backup"), keys = make(data);
  const server = await serve(data, log), load = new Load(server, keys);
  await pause(400);
  const before = new Set(load.acknowledged);
  must(before.size > 0, "there is load before the backup");
  const result = await sendaMeanwhile("backup", "--data", data, "--to", file);
  must(result.status === 0, `backup: ${result.status} ${result.stderr}`);
  const during = load.acknowledged.size - before.size;
  await pause(100);
  await load.stop();
  exits(4, "backup", "--data", data, "--to", file);
  await server.end("SIGTERM");
  succeed("restore", file, "--data", copy);
  sound(copy, "restored");
  const found = stored(copy);
  allThere(found, before, "restored");
  for (const n of found) must(load.sent.has(n), "nothing was made up");
  exits(4, "restore", file, "--data", copy);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] ^= 0x10;
  writeFileSync(file, bytes);
  const broken = senda("restore", file, "--data", join(scratch, "broken"));
  must(broken.status !== 0 && !/\n.*\n.*\n/.test(broken.stderr), `a damaged backup is refused: ${broken.status} ${broken.stderr}`);
  must(!existsSync(join(scratch, "broken", "senda.db")), "a refused restore leaves nothing behind");
  return `${before.size} before, ${during} during, ${found.size} restored`;
}

function files(folder) {
  return readdirSync(folder, { recursive: true }).map((name) => join(folder, name)).filter((path) => statSync(path).isFile() && statSync(path).size > 0);
}

function flip(path, position) {
  const bytes = readFileSync(path);
  bytes[position] ^= 0x04;
  writeFileSync(path, bytes);
}

// One damaged file: never served, found, rebuilt. The questions are asked of a copy, since asking mends it.
function mends(data, good, what) {
  const copy = join(scratch, "asked");
  cpSync(data, copy, { recursive: true });
  answers(copy).forEach((answer, i) => must(isDeepStrictEqual(answer, good[i]), `${what}: a question gets the right answer: ${JSON.stringify(answer.failed)}`));
  rmSync(copy, { recursive: true });
  const result = senda("verify", "--data", data);
  must(result.status === 4, `${what}: verify finds it: ${result.status} ${result.stdout}`);
  const repaired = senda("verify", "--data", data, "--repair");
  must(repaired.status === 0, `${what}: verify --repair: exit ${repaired.status} ${repaired.stdout}`);
  sound(data, what);
  must(isDeepStrictEqual(answers(data), good), `${what}: repaired answers are the old ones`);
}

async function damage() {
  const data = join(scratch, "damage"), keys = make(data), server = await serve(data, log);
  for (let n = 0; n < 12000; n += 2000)
    await ask(server, "POST", "/v1/batch", keys, { batch: Array.from({ length: 2000 }, (_, i) => message(n + i)) });
  await server.end("SIGTERM");
  const raw = answers(data);
  must(raw.every((answer) => !answer.failed), `questions are answered: ${JSON.stringify(raw.map((a) => a.failed))}`);
  succeed("reindex", "--data", data);
  must(isDeepStrictEqual(answers(data), raw), "reindex changes no answer");
  const index = files(join(data, "parts")).filter((path) => path.endsWith(".part"));
  must(index.length > 0, "reindex seals parts");
  const saved = join(scratch, "saved");
  cpSync(data, saved, { recursive: true });
  const size = statSync(index[0]).size;
  for (const position of [5, size >> 2, size >> 1, size - 9]) {
    flip(index[0], position);
    mends(data, raw, `flipped byte ${position} of ${size}`);
    rmSync(data, { recursive: true });
    cpSync(saved, data, { recursive: true });
  }
  for (const length of [0, 4096, size - 1]) {
    truncateSync(index[0], length);
    mends(data, raw, `part cut to ${length} of ${size}`);
    rmSync(data, { recursive: true });
    cpSync(saved, data, { recursive: true });
  }
  unlinkSync(index[0]);
  mends(data, raw, "missing part");
  rmSync(data, { recursive: true });

}

// Files of keys are rebuilt: the messages' from the log, the identifiers' from the records. A message that is sent again is
// recognised, and its customer found, whatever happened to them.
async function key_damage() {
  const data = join(scratch, "key-damage"), saved = join(scratch, "key-saved"), keys = make(data), COUNT = 60000;
  let server = await serve(data, log);
  const send = async (from, to) => {
    const sums = { accepted: 0, duplicates: 0 };
    for (let n = from; n < to; n += 2000) {
      const batch = Array.from({ length: 2000 }, (_, i) => ({ ...message(n + i), userId: `key-${n + i}@people.example` }));
      const answer = await ask(server, "POST", "/v1/batch", keys, { batch });
      must(answer.status === 200, `a batch is taken: ${answer.status} ${answer.text}`);
      sums.accepted += answer.json.accepted;
      sums.duplicates += answer.json.duplicates;
    }
    return sums;
  };
  await send(0, COUNT);
  await server.end("SIGTERM"); // so many fresh keys are written out
  cpSync(data, saved, { recursive: true });
  const names = files(join(data, "keys")).map((path) => path.slice(data.length + 1));
  for (const kind of ["message", "identity"]) must(names.some((name) => name.includes(kind)), `there is a file of ${kind} keys`);
  const good = answers(data);
  const harms = { flipped: (path) => flip(path, statSync(path).size - 999), "cut short": (path) => truncateSync(path, 700), absent: (path) => unlinkSync(path) };
  for (const [what, harm] of Object.entries(harms)) {
    for (const name of names) harm(join(data, name));
    if (what === "flipped") { // nothing tells at the start
      must(senda("verify", "--data", data).status === 4, `keys ${what}: verify finds it`);
      const repaired = senda("verify", "--data", data, "--repair");
      must(repaired.status === 0 && /rebuilt/.test(repaired.stdout), `keys ${what}: repaired: ${repaired.status} ${repaired.stdout}`);
    }
    sound(data, `keys ${what}`);
    must(isDeepStrictEqual(answers(data), good), `keys ${what}: the answers are the old ones`);
    server = await serve(data, log);
    const again = await send(0, COUNT), later = await send(COUNT, COUNT + 2000);
    must(again.accepted === 0 && again.duplicates === COUNT, `keys ${what}: every resend is recognised: ${JSON.stringify(again)}`);
    must(later.accepted === 2000, `keys ${what}: what is new is taken: ${JSON.stringify(later)}`);
    await server.end("SIGKILL");
    sound(data, `keys ${what}, killed afterwards`);
    rmSync(data, { recursive: true });
    cpSync(saved, data, { recursive: true });
  }
  rmSync(data, { recursive: true });
  rmSync(saved, { recursive: true });
}

// The same under the running server: it goes on, says "busy" or "damaged" while it rebuilds, and never a wrong thing.
async function damage_while_serving() {
  const data = join(scratch, "serving-damage"), keys = make(data), COUNT = 60000;
  const batch_of = (n) => Array.from({ length: 2000 }, (_, i) => ({ ...message(n + i), userId: `key-${n + i}@people.example` }));
  let server = await serve(data, log), busy = 0;
  const patient = async (...call) => {
    for (let tries = 0; tries < 200; tries++) {
      const answer = await ask(server, ...call);
      if (answer.status === 200) return answer.json;
      must(answer.status === 503 || answer.json?.code === "corrupt", `a damaged file makes busy, or is said, no more: ${answer.status} ${answer.text}`);
      busy++;
      await pause(50);
    }
    must(false, "it is rebuilt in ten seconds");
  };
  for (let n = 0; n < COUNT; n += 2000) await patient("POST", "/v1/batch", keys, { batch: batch_of(n) });
  await server.end("SIGTERM"); // so many fresh keys are written out
  succeed("reindex", "--data", data);
  server = await serve(data, log);
  const question = { kind: "trend", every: "day", by: "event" };
  const good = (await patient("POST", "/api/v1/query", keys, question)).data;
  must(good.length > 0, "the question has an answer");
  const harms = { flipped: (path) => flip(path, statSync(path).size >> 1), "cut in the middle": (path) => truncateSync(path, statSync(path).size >> 1) };
  for (const [what, harm] of Object.entries(harms)) {
    await pause(20); // the clock of the file system is coarse
    files(join(data, "keys")).concat(files(join(data, "parts"))).forEach(harm);
    for (const n of [0, COUNT / 2, COUNT - 2000]) {
      const again = await patient("POST", "/v1/batch", keys, { batch: batch_of(n) });
      must(again.accepted === 0 && again.duplicates === 2000, `keys ${what} while serving: every resend is recognised: ${JSON.stringify(again)}`);
    }
    const answer = (await patient("POST", "/api/v1/query", keys, question)).data;
    must(isDeepStrictEqual(answer, good), `parts ${what} while serving: the answer is the old one`);
  }
  must((await server.end("SIGTERM")).code === 0, "the server lived through it");
  sound(data, "damaged while serving");
  return `${busy} times busy`;
}

// The truth cannot be rebuilt: damage of the log is said, and never taken for good.
async function log_damage() {
  const data = join(scratch, "log-damage"), kept = join(scratch, "log-kept");
  const server = await serve(data, join(scratch, "demo.txt"), ["--scale", "0.01"], "demo");
  must((await server.end("SIGTERM")).code === 0, "the demonstration stops");
  must(JSON.parse(succeed("backup", "--data", data, "--to", join(scratch, "demo.backup"))).holds_key === true, "the backup says that it holds the key");
  succeed("restore", join(scratch, "demo.backup"), "--data", join(scratch, "demo-copy"));
  sound(data, "demonstration");
  cpSync(join(data, "log"), kept, { recursive: true });
  const [path] = files(kept), bytes = statSync(path).size, damaged = join(data, "log", path.slice(kept.length));
  must(path, "there is a file of the log");
  const harms = { flipped: () => flip(damaged, bytes >> 1), "flipped near its end": () => flip(damaged, bytes - 20),
    "cut short": () => truncateSync(damaged, bytes - 1000), absent: () => unlinkSync(damaged) };
  for (const [what, harm] of Object.entries(harms)) {
    harm();
    const result = senda("verify", "--data", data), repaired = senda("verify", "--data", data, "--repair");
    must([1, 4].includes(result.status), `log ${what}: verify finds it: ${result.status} ${result.stdout}`);
    must(repaired.status !== 0, `log ${what}: repair does not claim to mend it: ${repaired.stdout}`);
    copyFileSync(path, damaged);
    sound(data, `log put back after it was ${what}`);
  }
}

async function full_disk() {
  mkdirSync(mounted);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", mounted], { stdio: "ignore" }).status !== 0) return "skipped: mounting is not allowed";
  const data = join(mounted, "data"), ballast = join(mounted, "ballast"), keys = make(data), server = await serve(data, log);
  writeFileSync(ballast, Buffer.alloc(48 << 20));
  let load = new Load(server, keys, 0, { size: 200, padding: 4000 });
  const acknowledged = new Set();
  for (let waited = 0; !load.refused.length && waited < 20000; waited += 50) await pause(50);
  await load.stop();
  must(load.refused.length > 0, "a full disk is said");
  for (const answer of load.refused) {
    must(answer.status === 503 && Number(answer.headers["retry-after"]) > 0, `503 with Retry-After: ${answer.status} ${answer.text}`);
    must(/no_space/.test(answer.text) || /busy/.test(answer.text), `the problem is named: ${answer.text}`);
    must(!answer.text.includes(mounted), "no path is shown");
  }
  must(load.refused.some((answer) => /no_space/.test(answer.text)), `no_space is named: ${load.refused[0].text}`);
  load.acknowledged.forEach((n) => acknowledged.add(n));
  const question = await ask(server, "POST", "/api/v1/query", keys, { kind: "trend", measure: "count", every: "month" });
  must(question.status === 200 || question.status === 503, `questions meanwhile: ${question.status} ${question.text}`);
  const first = load.acknowledged.size, refused = load.refused.length;
  const rest = openSync(join(mounted, "rest"), "w");
  try { for (;;) writeSync(rest, Buffer.alloc(1 << 16)); } catch (error) { must(error.code === "ENOSPC", error.message); }
  closeSync(rest);
  for (let tries = 0, said; tries < 100 && said !== "no_space"; tries++) // what space the files had inside is used first
    said = (await ask(server, "POST", "/v1/batch", keys, { batch: Array.from({ length: 200 }, () => message(load.next++, 4000)) })).json?.code;
  const full = await ask(server, "GET", "/readyz", keys), alive = await ask(server, "GET", "/healthz", keys);
  must(full.status === 503 && full.json.code === "no_space" && full.json.hint && full.headers["retry-after"], `it is not ready: ${full.status} ${full.text}`);
  must(alive.status === 200, `it lives: ${alive.status}`);
  const ill = senda("doctor", "--data", data);
  must(ill.status === 4 && /not ready: no space/.test(ill.stdout), `doctor says it: ${ill.status} ${ill.stdout}`);
  unlinkSync(ballast);
  unlinkSync(join(mounted, "rest"));
  const ready = await ask(server, "GET", "/readyz", keys);
  must(ready.status === 200, `ready as soon as there is space, before anybody writes: ${ready.status} ${ready.text}`);
  let again;
  const began = Date.now();
  do {
    again = await ask(server, "POST", "/v1/track", keys, message(load.next));
    if (again.status !== 200) await pause(100);
  } while (again.status !== 200 && Date.now() - began < 15000);
  must(again.status === 200, `it takes events again once there is space: ${again.status} ${again.text}`);
  const recovered = Date.now() - began;
  acknowledged.add(load.next);
  load = new Load(server, keys, load.next + 1);
  await pause(300);
  await load.stop();
  must(load.refused.length === 0, `nothing is refused any more: ${load.refused[0]?.text}`);
  load.acknowledged.forEach((n) => acknowledged.add(n));
  must((await server.end("SIGTERM")).code === 0, "it stops");
  sound(data, "disk was full");
  allThere(stored(data), acknowledged, "disk was full");
  spawnSync("umount", [mounted], { stdio: "ignore" });
  const warnings = readFileSync(log, "utf8").split("\n").filter((line) => /"level":"(warn|error)"/.test(line)).length;
  must(warnings < 20, `a full disk does not fill the log: ${warnings} warnings`);
  return `${first} stored, ${refused} refused, again after ${recovered} ms`;
}

// After a sync that failed nobody knows what is on the disk: the server refuses what it cannot promise, says why and ends.
// Nothing that it acknowledged is lost, and what it refused may be sent again.
async function failed_sync() {
  const data = join(scratch, "sync"), told = join(scratch, "sync.log"), fault = join(scratch, "fault"), keys = make(data);
  const preload = { LD_PRELOAD: join(process.env.BUILD_DIR, "tests/libfailing_sync.so"), FAIL_SYNC: fault };
  must(existsSync(preload.LD_PRELOAD), "the failing sync was built");
  const acknowledged = new Set();
  let next = 0, refusals = 0;
  for (const file of ["senda.db-wal", "senda.db"]) { // at a commit, at a checkpoint
    const server = await serve(data, told, [], "serve", preload), load = new Load(server, keys, next);
    for (let i = 0; i < 100 && load.acknowledged.size === 0; i++) await pause(200); // a busy machine takes its time
    must(load.acknowledged.size > 0 && load.refused.length === 0, `events are taken: ${load.refused[0]?.text}`);
    writeFileSync(fault, file);
    const how = await Promise.race([server.ended, pause(20000)]);
    must(how && how.code === 1 && !how.signal, `a failed sync of ${file} ends the server with 1: ${JSON.stringify(how)}`);
    await load.stop();
    server.agent.destroy();
    for (const answer of load.refused)
      must(answer.status >= 500 && !/senda\.db|sqlite|wal/i.test(answer.text), `a refusal is clear and shows nothing: ${answer.status} ${answer.text}`);
    refusals += load.refused.length;
    must(/storage failed/.test(readFileSync(told, "utf8")), "the log says why");
    unlinkSync(fault);
    load.acknowledged.forEach((n) => acknowledged.add(n));
    sound(data, `a sync of ${file} failed`);
    allThere(stored(data), acknowledged, `a sync of ${file} failed`);
    const again = await serve(data, told), unsure = [...load.sent].filter((n) => !load.acknowledged.has(n));
    for (const n of unsure) must((await ask(again, "POST", "/v1/track", keys, message(n))).status === 200, `message ${n} is taken when it is sent again`);
    must((await again.end("SIGTERM")).code === 0, "it starts and stops again");
    unsure.forEach((n) => acknowledged.add(n));
    allThere(stored(data), acknowledged, "sent again");
    next = load.next;
  }
  return `${acknowledged.size} stored, ${refusals} refused`;
}

async function upkeep() {
  const data = join(scratch, "upkeep"), keys = make(data);
  for (const name of ["senda.db", "secret.key", "senda.lock"])
    must((statSync(join(data, name)).mode & 0o077) === 0, `${name} is for its owner alone`);
  const steps = JSON.parse(succeed("migrate", "--data", data, "--dry-run"));
  must(steps.steps === 0 && steps.applied === false, `nothing to migrate: ${JSON.stringify(steps)}`);
  const checks = JSON.parse(succeed("doctor", "--data", data, "--json"));
  must(checks.length >= 6 && checks.every((check) => check.check && check.verdict && check.what), "doctor tells its checks");
  copyFileSync(join(data, "secret.key"), join(scratch, "key"));
  unlinkSync(join(data, "secret.key"));
  const ill = senda("doctor", "--data", data);
  must(ill.status === 4 && /key/.test(ill.stdout), `doctor finds the missing key: ${ill.stdout}`);
  const without = senda("serve", "--data", data, "--listen", "127.0.0.1:0");
  must(without.status !== 0 && !existsSync(join(data, "secret.key")), "no server without the key, and no new key");
  copyFileSync(join(scratch, "key"), join(data, "secret.key"));
  must(senda("doctor", "--data", data).status === 0, "doctor is content again");
  discreet(log, keys);
}

const chosen = process.argv.slice(2);
for (const [name, run] of Object.entries(parts)) {
  if (chosen.length && !chosen.includes(name)) continue;
  const began = Date.now(), said = await run();
  console.log(`${name}: ${said || "as expected"} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}
