// Invitations as customers get them, through a real mail server (aiosmtpd on loopback) and a gateway: who is asked, when, why the
// others are not, answers, reminders, bounces, unsubscribing, restart from kill -9, and that opening links records nothing.
// SPDX-License-Identifier: GPL-3.0-or-later
import { createHmac } from "node:crypto";
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mailServer, needsMailServer, until } from "./mail_server.mjs";
import { must, pause, serve, succeed } from "./operation.mjs";

needsMailServer();
const scratch = mkdtempSync(join(tmpdir(), "senda-invitations-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const { port, mails } = await mailServer(scratch);

// ---- the gateway: checks the signature ----
const secret = Buffer.alloc(32, 7), texts = [];
const gateway = createServer((request, response) => {
  let body = "";
  request.on("data", (bytes) => { body += bytes; }).on("end", () => {
    const signed = `${request.headers["webhook-id"]}.${request.headers["webhook-timestamp"]}.${body}`;
    const right = "v1," + createHmac("sha256", secret).update(signed).digest("base64") === request.headers["webhook-signature"];
    if (right) texts.push(JSON.parse(body));
    response.writeHead(right ? 202 : 401).end();
  });
});
await new Promise((resolve) => gateway.listen(0, "127.0.0.1", resolve));
gateway.unref();

// ---- Senda ----
const keys = JSON.parse(succeed("init", "--data", data, "--name", "Vereda & Co"));
let server = await serve(data, log);
async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, redirect: "manual", headers: { "accept-language": "en", ...(key && { authorization: "Bearer " + key }) }, body: typeof body === "string" || body instanceof URLSearchParams ? body : body && JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json };
}
let messages = 0;
const send = async (...batch) => {
  const answer = await call("POST", "/v1/batch", { batch: batch.map((event) => ({ messageId: "m" + ++messages, ...event })) }, keys.write_key);
  must(answer.json.accepted === batch.length, `accepted: ${answer.text}`);
};
const person = (userId, traits) => send({ type: "identify", userId, traits });
const buys = (userId, more = {}) => send({ type: "track", userId, event: "Order Completed", timestamp: new Date().toISOString(), context: { touchpoint: "till" }, ...more });
const why = async (userId) => { const row = (await call("GET", `/api/v1/customers/${userId}/invitations`)).json?.data?.[0]; return row && (row.reason ?? row.state); };
const becomes = (userId, state) => until(async () => await why(userId) === state, `${userId} becomes ${state}`).catch(() => {});

must((await call("POST", "/api/v1/surveys", { id: "after-purchase", definition: { title: "Your order", languages: ["en", "es"], pages: [{ questions: [
  { id: "recommend", type: "nps", text: { en: "Would you recommend us?", es: "¿Nos recomendarías?" } }, { id: "why", type: "long_text", text: { en: "Why?", es: "¿Por qué?" } }] }] } })).status === 201, "a survey");

await person("boss", { staff: true });

must((await call("POST", "/api/v1/segments", { name: "customers", title: "Customers", rule: { not: { trait: "staff", op: "=", value: true } } })).status === 201, "a segment");
must((await call("PUT", "/api/v1/purposes/surveys", { basis: "interest", title: "Surveys", text: "We ask you how it went." })).status < 300, "a purpose");
// bad settings and plans
const outlets = { base_url: "https://senda.example.org/", quarantine_days: 30, mail: { host: "127.0.0.1", port, security: "none", from: "surveys@vereda.example", from_name: "Vereda Opinión", per_minute: 600 },
  gateway: { url: `http://127.0.0.1:${gateway.address().port}/send`, secret: "whsec_" + secret.toString("base64"), per_minute: 600 } };
for (const [change, pointer] of [[{ base_url: "ftp://x" }, "/base_url"], [{ mail: { ...outlets.mail, from: "nobody" } }, "/mail/from"], [{ mail: { ...outlets.mail, from_name: "a\r\nBcc: x@y.z" } }, "/mail/from_name"], [{ mail: { ...outlets.mail, host: "a b" } }, "/mail/host"],
  [{ mail: { ...outlets.mail, port: 0 } }, "/mail/port"], [{ gateway: { url: "http://10.0.0.1/" } }, "/gateway/url"], [{ gateway: { ...outlets.gateway, secret: "short" } }, "/gateway/secret"], [{ quarantine_days: -1 }, "/quarantine_days"], [{ colour: 1 }, "/colour"]])
  must((await call("PUT", "/api/v1/outlets", { ...outlets, ...change })).json.errors?.[0].pointer === pointer, `${JSON.stringify(change)} is refused at ${pointer}`);
const plan = { name: "After the purchase", survey: "after-purchase", after: { event: "Order Completed", touchpoint: "till" }, segment: "customers", purpose: "surveys", channels: ["email", "sms"], reminder: { after: "3d" },
  subject: { en: "Hello{{name}}, how was it at {{organisation}}?" } };
for (const [change, pointer] of [[{ name: "" }, "/name"], [{ survey: "none" }, "/survey"], [{ after: {} }, "/after"], [{ delay: "soon" }, "/delay"], [{ share: 0 }, "/share"], [{ channels: ["pigeon"] }, "/channels"], [{ hours: { from: "20:00", to: "09:00" } }, "/hours/to"],
  [{ hours: { days: [8] } }, "/hours/days"], [{ segment: "none" }, "/segment"], [{ reminder: { times: 9 } }, "/reminder"], [{ purpose: "none" }, "/purpose"], [{ colour: 1 }, "/colour"], [{ subject: "x" }, "/subject"]])
  must((await call("POST", "/api/v1/invitation-plans", { ...plan, ...change })).json.errors?.[0].pointer.startsWith(pointer), `${JSON.stringify(change)} is refused at ${pointer}`);
const made = await call("POST", "/api/v1/invitation-plans", plan);
must(made.status === 201 && made.json.running === false, `a plan: ${made.text}`);
const id = made.json.id, path = `/api/v1/invitation-plans/${id}`;
must((await call("POST", path + "/start")).status === 409, "without a survey that is open it does not start");
must((await call("POST", "/api/v1/surveys/after-purchase/publish", {})).status < 300, "published");
must((await call("POST", path + "/start")).status === 409, "nor without a way to send");
const kept = await call("PUT", "/api/v1/outlets", outlets);
must(kept.status === 200 && kept.json.gateway.secret_set && !kept.text.includes("whsec") && kept.json.base_url === "https://senda.example.org", "settings, the secret untold");
const trial = await call("POST", "/api/v1/outlets/try", { to: "me@vereda.example" });
must(trial.json.sent && (await call("POST", "/api/v1/outlets/try", { to: "gone@vereda.example" })).status === 409, `a trial message: ${trial.text}`);
await until(() => mails.length === 1, "arrives");
await buys("early"); // before it runs
must((await call("POST", path + "/start")).json.running, "it starts");
await pause(1500);

// ---- who is asked ----
await person("ana", { email: "Ana@Example.org", name: "Ana <b>Peña</b>", language: "en" });
await person("leo", { phone: "+34612345678", language: "es" });
await person("eva", { email: "gone@example.org" });
await person("tom", { email: "busy@example.org" });
await person("ron", { email: "ron@example.org" });
must((await call("PUT", "/api/v1/customers/ron/consents/surveys", { granted: false })).status < 300, "ron wants no surveys");
await person("sol", { email: "sol@example.org", staff: true });
for (const name of ["ana", "leo", "eva", "tom", "sol", "nea", "ron"]) await buys(name);
await send({ type: "track", userId: "ana", event: "Order Completed", context: { touchpoint: "web" } });
await becomes("ana", "sent");
await until(() => mails.length === 2 && texts.length === 1, "a mail and a text");
const [, mail] = mails;
must(mail.to === "Ana@Example.org" && mail.from === "surveys@vereda.example" && mail.sender.includes("Vereda Opinión") && mail.subject === "Hello Ana <b>Peña</b>, how was it at Vereda & Co?", `the mail: ${mail.subject}`);
must(mail.html.includes("Would you recommend us?") && mail.html.includes("Ana &lt;b&gt;") === mail.html.includes("Ana") && !mail.html.includes("<b>Peña") && mail.post === "List-Unsubscribe=One-Click", "its words are text, one click unsubscribes");
const links = [...new Set([...mail.html.matchAll(/href="([^"]+)"/g)].map((m) => m[1].replaceAll("&amp;", "&")))];
must(links.filter((link) => link.includes("&recommend=")).length === 11, "eleven numbers in the mail");
must(texts[0].to === "+34612345678" && texts[0].channel === "sms" && texts[0].text.includes("https://senda.example.org/s/after-purchase?t="), "the text has the link");
for (const [name, reason] of [["eva", "refused_by_relay"], ["sol", "not_in_segment"], ["nea", "no_address"], ["ron", "no_consent"], ["tom", "waiting"]]) { await becomes(name, reason); must(await why(name) === reason, `${name}: ${await why(name)}, not ${reason}`); }
must((await call("GET", "/api/v1/customers/early/invitations")).json.data.length === 0, "what was before invites nobody");
await buys("ana"); await buys("eva");
await until(async () => (await call("GET", path + "/results")).json.reasons.quarantine === 1 && (await call("GET", path + "/results")).json.reasons.bounced === 1, "asked once in thirty days; a dead address is not tried again");

// ---- mail scanners open everything; nothing is recorded ----
const before = (await call("GET", path + "/results")).json;
const local = (link) => link.replace("https://senda.example.org", "");
for (const link of links) for (const method of ["GET", "HEAD"]) await call(method, local(link), undefined, null);
await pause(1500);
const after = (await call("GET", path + "/results")).json;
must(after.answered === before.answered && after.shown === before.shown && (await why("ana")) !== "unsubscribed", "opened links record nothing");

// ---- an answer, on the page that the ninth number opens ----
const nine = local(links.find((link) => link.endsWith("recommend=9")));
const form = await call("GET", nine, undefined, null);
must(/value="9"[^>]*checked|checked[^>]*value="9"/.test(form.text), "the number of the mail is chosen");
const fields = new URLSearchParams([...form.text.matchAll(/<input type=hidden name="?([a-z]+)"? value="([^"]*)"/g)].map((m) => [m[1], m[2]]));
fields.set("a.recommend", "9");
fields.set("a.why", "quick");
fields.set("do", form.text.match(/<button name=do value="?([a-z]+)/)[1]);
const thanked = await call("POST", nine.split("?")[0], fields, null);
must(thanked.status < 400, `answered: ${thanked.status}`);
await until(async () => (await call("GET", path + "/results")).json.answered === 1, "an answer is counted");
const results = (await call("GET", path + "/results")).json;
must(results.sent === 2 && results.rate.value === 0.5 && results.rate.low > 0.09 && results.rate.high < 0.91 && results.channels.length === 2 && results.touchpoints[0].name === "till", `results: ${JSON.stringify(results)}`);
must((await call("POST", "/api/v1/users", { email: "mirona@example.org", name: "M", role: "viewer", password: "a third long secret" })).status === 201, "a viewer");
const viewed = await fetch(`http://127.0.0.1:${server.port}/api/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: "mirona@example.org", password: "a third long secret" }) });
const few = await (await fetch(`http://127.0.0.1:${server.port}${path}/results`, { headers: { cookie: viewed.headers.get("set-cookie").split(";")[0] } })).json();
must(few.sent === null && few.answered === null && few.rate.value === null && few.channels.length === 0 && few.touchpoints.length === 0 && Object.values(few.reasons).every((n) => n === null), `who sees aggregates only is told nothing of two: ${JSON.stringify(few)}`);
must((await call("GET", path + "/invitations?reason=no_address")).json.data.length === 1 && (await call("GET", path + "/invitations?reason=x")).status === 422, "from a reason to the people");

const score = (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "after-purchase" })).json.data[0];
must(score.n === 1 && score.response_rate === 0.5, `the score tells its response rate: ${JSON.stringify(score)}`);
for (const by of ["channel", "touchpoint"]) {
  const [row] = (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "after-purchase", by })).json.data;
  must(row.by === { channel: "email", touchpoint: "till" }[by] && row.asked === { channel: 1, touchpoint: 2 }[by], `by ${by}: ${JSON.stringify(row)}`);
}
const told = (await call("GET", "/api/v1/surveys/after-purchase/results")).json, groups = (list) => list.map((row) => `${row.name} ${row.answered}/${row.asked}`).join();
must(told.response_rate === 0.5 && told.invited === 2 && groups(told.by_channel) === "email 1/1,sms 0/1" && groups(told.by_touchpoint) === "till 1/2", `the survey's own rates: ${JSON.stringify(told)}`);

// ---- picked by hand: kept, and left out of the score ----
await person("uma", { phone: "+34612345679", language: "es" });
must((await call("POST", path + "/invite", { customers: ["uma"] })).status === 202, "somebody is picked");
await until(() => texts.length === 2, "and asked");
const picked = new URL(texts[1].text.match(/https:\S+/)[0]), asked = await call("GET", picked.pathname + picked.search, undefined, null);
const filled = new URLSearchParams([...asked.text.matchAll(/<input type=hidden name="?([a-z]+)"? value="([^"]*)"/g)].map((m) => [m[1], m[2]]));
filled.set("a.recommend", "10");
filled.set("do", asked.text.match(/<button name=do value="?([a-z]+)/)[1]);
must((await call("POST", picked.pathname, filled, null)).status < 400, "answers ten");
await until(async () => (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "after-purchase" })).json.data[0].flagged === 1, "it is flagged");
const fair = (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "after-purchase" })).json.data[0];
must(fair.n === 1 && fair.flagged_reasons.picked_by_staff === 1, `staff picked them: ${JSON.stringify(fair)}`);
const tenth = (await call("POST", "/api/v1/query", { kind: "answers", metric: "nps", flagged: "only", reason: "picked_by_staff" })).json;
must(tenth.meta.answers === 1 && tenth.data[0].value === 10, "and listed");

// ---- unsubscribing: the mail's own button, without signing in ----
const leave = new URL(mail.unsubscribe.slice(1, -1)).pathname;
must((await call("GET", leave, undefined, null)).text.includes("Shall we stop"), "the link asks");
must((await call("POST", leave.slice(0, -1) + (leave.endsWith("0") ? "1" : "0"), "x=1", null)).status === 404, "a forged one is none");
must((await call("POST", leave, "List-Unsubscribe=One-Click", null)).status === 200, "one click");
must((await call("POST", path + "/invite", { customers: ["ana"] })).status === 202, "by hand");
await becomes("ana", "unsubscribed");
must(await why("ana") === "unsubscribed", "is asked no more, not even by hand");
must((await call("POST", path + "/invite", { customers: ["nobody"] })).json.errors[0].pointer === "/customers/0", "nobody is made up");
must((await call("DELETE", "/api/v1/bounces", { address: " ana@example.ORG" })).status === 204, "until they want again");

// ---- kill -9: nothing twice, nothing lost ----
await server.end("SIGKILL");

// Three days pass for leo, who has not answered; Ana has.
const hurry = spawnSync("/usr/bin/python3", ["-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('UPDATE invitation SET due_ms = 1 WHERE state IN (1, 2)'); db.commit()", join(data, "senda.db")]);
must(hurry.status === 0, `time passes: ${hurry.stderr}`);
server = await serve(data, log);
const toLeo = () => texts.filter((one) => one.to === texts[0].to);
await until(() => toLeo().length === 2, "a reminder");
must(toLeo()[1].id !== toLeo()[0].id, `a message of its own: ${JSON.stringify(toLeo())}`);
const [firstLink, secondLink] = toLeo().map((one) => local(one.text.match(/https:\S+/)[0]));
const leos = new URLSearchParams([...(await call("GET", secondLink, undefined, null)).text.matchAll(/<input type=hidden name="?([a-z]+)"? value="([^"]*)"/g)].map((m) => [m[1], m[2]]));
leos.set("a.recommend", "5");
leos.set("do", "next");
must((await call("POST", secondLink.split("?")[0], leos, null)).status < 400, "answered by the reminder's link");
must(!(await call("GET", firstLink, undefined, null)).text.includes("a.recommend"), "the first one is answered, too: one person, one answer");
await person("zoe", { email: "zoe@example.org" });
await buys("zoe");
await becomes("zoe", "sent");
must(mails.filter((m) => m.to.startsWith("zoe")).length === 1 && mails.filter((m) => m.to.startsWith("Ana")).length === 1, "each once");
must((await call("POST", path + "/pause")).json.running === false, "paused");
await person("max", { email: "max@example.org" });
await buys("max");
await pause(2500);
must((await why("max")) === undefined, "who comes during a pause is not asked");
const said2 = readFileSync(log, "utf8");
must(!/example\.org|612345678/.test(said2.replaceAll("senda.example.org", "")), "no address in the log");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("invitations: by mail and text, with every reason why not");
process.exit(0); // the mail server is still there
