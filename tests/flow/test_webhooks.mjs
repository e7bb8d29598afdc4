// Webhooks and alerts: signed requests to a server that checks them, retries, 410, replay, private addresses, a silent screen by request
// and by mail, exactly as many answers as a survey wants.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mailServer, needsMailServer, until } from "./mail_server.mjs";
import { must, pause, serve, succeed } from "./operation.mjs";

needsMailServer();
const scratch = mkdtempSync(join(tmpdir(), "senda-webhooks-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const { port, mails } = await mailServer(scratch);
const keys = JSON.parse(succeed("init", "--data", data, "--name", "Vereda"));
let server = await serve(data, log);
async function call(method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { "accept-language": "en", authorization: "Bearer " + keys.api_key }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, text, json: text ? JSON.parse(text) : null };
}

// ---- a server of others: answers what it is told to ----
let secret = "", status = 204, wrong = 0;
const got = [], elsewhere = [];
const other = createServer((request, response) => {
  let body = "";
  request.on("data", (bytes) => { body += bytes; }).on("end", () => {
    const id = request.headers["webhook-id"], at = request.headers["webhook-timestamp"];
    const right = "v1," + createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`${id}.${at}.${body}`).digest("base64");
    if (request.url !== "/hook") { elsewhere.push(request.url); response.writeHead(204).end(); return; }
    if (request.headers["webhook-signature"] !== right || Math.abs(Date.now() / 1000 - at) > 60) wrong++;
    got.push({ id, ...JSON.parse(body) });
    response.writeHead(status).end();
  });
});
await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
other.unref();
const here = `http://127.0.0.1:${other.address().port}/hook`;

// ---- what is refused ----
const hook = { name: "Desk", target: here, events: ["kiosk.silent", "kiosk.back", "survey.responded"] };
for (const [change, pointer] of [[{}, "/target"], [{ target: "ftp://x.example" }, "/target"], [{ target: "mailto:nobody" }, "/target"], [{ target: "https://a b" }, "/target"], [{ target: "https://a.example", events: [] }, "/events"],
  [{ target: "https://a.example", events: ["everything"] }, "/events/0"], [{ target: "https://a.example", name: "" }, "/name"], [{ target: "https://a.example", colour: 1 }, "/colour"], [{ target: "https://a.example", enabled: 1 }, "/enabled"], [{ target: "https://a.example", unit: "nowhere" }, "/unit"], [{ target: "https://a.example", unit: 7 }, "/unit"]])
  must((await call("POST", "/api/v1/webhooks", { ...hook, ...change })).json.errors?.[0].pointer === pointer, `${JSON.stringify(change)} is refused at ${pointer}`);
const inside = (await call("POST", "/api/v1/webhooks", { ...hook, target: `https://localhost:${other.address().port}/` })).json;
must(/^whsec_/.test(inside.secret) && !(await call("GET", `/api/v1/webhooks/${inside.id}`)).text.includes("whsec_"), "the secret is shown once");
const deliveries = async (id) => (await call("GET", `/api/v1/webhooks/${id}/deliveries`)).json.data;
must((await call("POST", `/api/v1/webhooks/${inside.id}/test`)).status === 202, "a trial");
await until(async () => (await deliveries(inside.id))[0].state === "failed", "a private address is not asked");
must((await deliveries(inside.id))[0].error === "This server has a private address." && got.length === 0, "and the log says why");
must((await call("DELETE", `/api/v1/webhooks/${inside.id}`)).status === 204 && (await call("GET", `/api/v1/webhooks/${inside.id}/deliveries`)).status === 404, "removed");

// ---- where the operator allows it ----
await server.end("SIGTERM");
const env = { SENDA_PRIVATE_TARGETS: "1" };
server = await serve(data, log, [], "serve", env);
const made = (await call("POST", "/api/v1/webhooks", hook)).json;
({ secret } = made);
must(made.enabled && made.reason === null, `made: ${JSON.stringify(made)}`);
const path = `/api/v1/webhooks/${made.id}`;
must((await call("POST", path + "/test")).status === 202, "a trial");
await until(() => got.length === 1, "arrives");
must(got[0].type === "webhook.test" && got[0].data.organisation === "Vereda" && wrong === 0, `signed: ${JSON.stringify(got[0])}`);

// ---- a survey wants twenty answers and gets twenty ----
must((await call("POST", "/api/v1/surveys", { id: "twenty", definition: { title: "Twenty", languages: ["en"], limit: 20, quotas: [{ id: "low", if: { question: "recommend", op: "<", value: 5 }, limit: 3 }], pages: [{ questions: [{ id: "recommend", type: "nps", text: "Would you?" }] }] } })).status === 201 && (await call("POST", "/api/v1/surveys/twenty/publish", {})).status < 300, "a survey");
const answers = await Promise.all(Array.from({ length: 80 }, (_, i) => call("POST", "/api/v1/surveys/twenty/responses", { submission: "s" + i, answers: { recommend: i % 4 ? 9 : 2 } })));
const taken = answers.filter((one) => one.status < 300).length;
must(taken === 20 && answers.every((one) => one.status < 300 || one.status === 409 || one.status === 403), `twenty are taken: ${taken}, ${[...new Set(answers.map((one) => one.status))]}`);
const score = (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "twenty" })).json.data[0];
must(score.n === 20, `twenty are there: ${score.n}`);
await until(() => got.filter((one) => one.type === "survey.responded").length === 20, "each is told");
const responses = got.filter((one) => one.type === "survey.responded");
must(new Set(responses.map((one) => one.data.submission)).size === 20 && responses.every((one) => one.data.survey === "twenty" && one.data.answers) && responses.filter((one) => one.data.answers[0].value < 5).length <= 3, `once: ${JSON.stringify(responses[0])}`);

// ---- a screen falls silent: by request and by mail ----
must((await call("PUT", "/api/v1/outlets", { base_url: "https://senda.example.org", mail: { host: "127.0.0.1", port, security: "none", from: "senda@vereda.example" } })).status === 200, "a relay");
const mailed = (await call("POST", "/api/v1/webhooks", { name: "Care", target: "mailto:care@vereda.example", events: ["kiosk.silent"] })).json;
must((await call("POST", "/api/v1/webhooks", { name: "Gone", target: "mailto:gone@vereda.example", events: ["kiosk.silent"] })).status === 201, "two mails");
// Of these two, one is told of what stands below the north, the other of the south.
for (const [name, parent] of [["north", null], ["shop", "north"], ["south", null]])
  must((await call("PUT", `/api/v1/units/${name}`, { parent })).status < 300, `the unit ${name}`);
for (const unit of ["north", "south"])
  must((await call("POST", "/api/v1/webhooks", { name: `Of the ${unit}`, target: here.replace("/hook", `/${unit}`), events: ["kiosk.silent"], unit })).json.unit === unit, `told of the ${unit}`);
const kiosk = (await call("POST", "/api/v1/kiosks", { name: "Till 1", unit: "shop", kind: "faces", languages: ["en"], question: { en: "How was it?" }, faces: 3 })).json;
const contact = async (ago_s) => {
  await server.end("SIGTERM");
  must(spawnSync("/usr/bin/python3", ["-c", "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1]); k = int(sys.argv[2]); t = int((time.time() - int(sys.argv[3])) * 1000); n = db.execute('UPDATE kiosk_state SET contact_ms = ? WHERE kiosk = ?', (t, k)).rowcount or db.execute('INSERT INTO kiosk_state VALUES(?, ?, ?, 0, 0, 0, ?)', (k, t, t, '[]')); db.commit()", join(data, "senda.db"), kiosk.id, String(ago_s)], { stdio: ["ignore", "inherit", "inherit"] }).status === 0, "the screen was heard");
  server = await serve(data, log, [], "serve", env);
};
await contact(3 * 3600);
await until(() => got.some((one) => one.type === "kiosk.silent") && mails.length === 1, "a silent screen is told");
await until(() => elsewhere.length > 0, "the north is told");
const silent = got.find((one) => one.type === "kiosk.silent");
must(silent.data.name === "Till 1" && silent.data.kiosk === kiosk.id && silent.data.last_contact_at, `which: ${JSON.stringify(silent)}`);
must(mails[0].to === "care@vereda.example" && mails[0].subject.includes("Till 1") && /\d{4}-\d\d-\d\d \d\d:\d\d/.test(mails[0].text), `by mail: ${mails[0].subject}\n${mails[0].text}`);
await until(async () => (await call("GET", "/api/v1/webhooks")).json.data.some((one) => one.name === "Gone" && !one.enabled && one.reason === "refused"), "an address that is refused is turned off");
await pause(1000);
must(elsewhere.join() === "/north", `what happens in a shop of the north is told to the north only: ${elsewhere}`);
await contact(10);
await until(() => got.some((one) => one.type === "kiosk.back"), "and is back");
must(got.filter((one) => one.type === "kiosk.silent").length === 1 && mails.length === 1 && mailed.id, "each is told once");

// ---- a server that is down for a moment, one that is gone, replay ----
status = 500;
let before = got.length;
await call("POST", path + "/test");
await until(async () => { const [row] = await deliveries(made.id); return row.attempts === 1 && row.status === 500 && row.state === "waiting"; }, "is tried again");
status = 200;
await until(async () => (await deliveries(made.id))[0].state === "delivered", "after five seconds");
must(got.length === before + 2 && got.at(-1).id === got.at(-2).id && (await deliveries(made.id))[0].attempts === 2, "under the same id");
before = got.length;
must((await call("POST", `${path}/deliveries/${(await deliveries(made.id))[0].id}/replay`)).status === 202 && (await call("POST", `${path}/deliveries/999999/replay`)).status === 404, "replayed");
await until(() => got.length === before + 1 && got.at(-1).id === got.at(-2).id, "arrives once more");
const { secret: next } = (await call("POST", path + "/secret")).json;
must(next !== secret, "another secret");
secret = next;
status = 410;
await call("POST", path + "/test");
await until(async () => (await call("GET", path)).json.reason === "gone", "410 turns it off");
must((await call("GET", path)).json.enabled === false && wrong === 0, "every signature was right");
before = got.length;
await call("POST", "/api/v1/surveys", { id: "more", definition: { title: "More", languages: ["en"], pages: [{ questions: [{ id: "q", type: "nps", text: "?" }] }] } });
await call("POST", "/api/v1/surveys/more/publish", {});
await call("POST", "/api/v1/surveys/more/responses", { answers: { q: 3 } });
await pause(3000);
must(got.length === before, "what is off hears nothing");
must((await call("PUT", path, hook)).json.enabled && (await call("GET", path)).json.reason === null, "turned on again");
must(!/whsec_|care@/.test(readFileSync(log, "utf8")), "no secret and no address in the log");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("webhooks: signed, tried again, replayed; alerts by mail; quotas exact");
process.exit(0);
