// What invites besides a contact with a survey, and what comes back: reviews after a purchase and again after months of use, rounds by
// calendar, returned messages (pipe and API), many mails over few connections.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mailServer, needsMailServer, until } from "./mail_server.mjs";
import { must, pause, senda, serve, succeed } from "./operation.mjs";

needsMailServer();
const scratch = mkdtempSync(join(tmpdir(), "senda-asking-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const { port, mails } = await mailServer(scratch);
const keys = JSON.parse(succeed("init", "--data", data, "--name", "Vereda"));
let server = await serve(data, log);
async function call(method, path, body, key = keys.api_key, type) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, redirect: "manual", headers: { "accept-language": "en", ...(type && { "content-type": type }), ...(key && { authorization: "Bearer " + key }) }, body: typeof body === "string" || body instanceof URLSearchParams ? body : body && JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json };
}
let messages = 0;
const send = async (...batch) => must((await call("POST", "/v1/batch", { batch: batch.map((event) => ({ messageId: "m" + ++messages, ...event })) }, keys.write_key)).json.accepted === batch.length, "accepted");
const person = (userId, traits = {}) => send({ type: "identify", userId, traits: { email: userId + "@example.org", language: "en", ...traits } });
const ago = (days) => new Date(Date.now() - days * 864e5).toISOString();
const buys = (userId, product, when = ago(0)) => send({ type: "track", userId, event: "Order Completed", timestamp: when, properties: { order_id: "o" + messages, products: [{ product_id: product, price: 10 }] } });
const rows = async (userId) => (await call("GET", `/api/v1/customers/${userId}/invitations`)).json?.data ?? [];
const why = async (userId) => { const [row] = await rows(userId); return row && (row.reason ?? row.state); };
const becomes = async (userId, state) => { await until(async () => await why(userId) === state, `${userId} becomes ${state}`); };
const start = async (plan) => {
  const made = await call("POST", "/api/v1/invitation-plans", plan);
  must(made.status === 201, `a plan: ${made.text}`);
  const started = await call("POST", `/api/v1/invitation-plans/${made.json.id}/start`);
  must(started.json.running, `started: ${started.text}`);
  return made.json.id;
};

must((await call("PUT", "/api/v1/outlets", { base_url: "https://senda.example.org", quarantine_days: 0, mail: { host: "127.0.0.1", port, security: "none", from: "surveys@vereda.example", bounces: "bounces@vereda.example", per_minute: 60000 } })).status === 200, "a relay");
must((await call("PUT", "/api/v1/outlets", { base_url: "https://s.example", mail: { host: "h", from: "a@b.example", bounces: "a+b@c.example" } })).json.errors[0].pointer === "/mail/bounces", "a return path with + is refused");
for (const [name, title] of [["lamp", "Reading lamp"], ["desk", "Desk"]]) must((await call("PUT", `/api/v1/reviews/subjects/${name}`, { kind: "product", title })).status < 300, name);

// ---- a review after a purchase ----
const review = { name: "Review", review: {}, after: { event: "Order Completed" } };
for (const [change, pointer] of [[{ review: undefined }, "/survey"], [{ survey: "x" }, "/review"], [{ delay: "31d" }, "/delay"], [{ review: { subject: "chair" } }, "/review/subject"], [{ review: { again: [6] } }, "/after"], [{ review: { again: [7] } }, "/review/again"],
  [{ after: undefined, calendar: { every: "week" } }, "/calendar"], [{ after: undefined }, "/after"], [{ review: { colour: 1 } }, "/review/colour"]])
  must((await call("POST", "/api/v1/invitation-plans", { ...review, ...change })).json.errors?.[0].pointer === pointer, `${JSON.stringify(change)} is refused at ${pointer}`);
const asks = await start(review);
for (const name of ["ana", "leo", "old"]) await person(name);
await pause(1200);
await buys("ana", "lamp"); await buys("leo", "chair"); await buys("old", "desk", ago(6));
await becomes("ana", "sent"); await becomes("leo", "no_subject");
must((await rows("ana"))[0].subject === "lamp" && (await rows("ana"))[0].plan_name === "Review", "what is asked about");
const mail = mails.find((one) => one.to === "ana@example.org");
must(mail.subject === "What do you think of Reading lamp?" && mail.from === `bounces+${mail.token}@vereda.example` && (mail.html.match(/&amp;stars=[1-5]"/g) ?? []).length === 5, `the mail: ${mail.subject} ${mail.from}`);
const link = mail.text.match(/https:\/\/senda.example.org(\S+link=\S+)/)[1];
for (const method of ["GET", "HEAD"]) await call(method, link + "&stars=4", undefined, null);
must((await call("GET", link + "&stars=4", undefined, null)).text.includes('id="s4" value="4" required checked'), "the star of the mail is chosen");
must((await call("GET", "/api/v1/reviews")).json.data.length === 0, "and nothing is recorded");
must((await call("POST", link, new URLSearchParams({ stars: "5", text: "It shines" }), null)).status < 400, "a review");
await becomes("ana", "answered");
await becomes("ana", "answered");
const [written] = (await call("GET", "/api/v1/reviews")).json.data;
must(written.verified && written.invited_at && written.within_30_days, `verified and invited: ${JSON.stringify(written)}`);
await buys("ana", "lamp");
await becomes("ana", "already_reviewed");
must((await call("GET", `/api/v1/invitation-plans/${asks}/preview`)).json.html.includes("stars=5"), "a preview");
must((await call("POST", `/api/v1/invitation-plans/${asks}/try`, { to: "boss@example.org", language: "es" })).json.sent, "a trial");
await until(() => mails.some((one) => one.to === "boss@example.org" && one.subject.startsWith("¿Qué te parece")), "arrives in Spanish");
must((await call("POST", `/api/v1/invitation-plans/${asks}/invite`, { customers: ["leo"] })).status === 409, "nobody by hand without a subject");
await call("POST", `/api/v1/invitation-plans/${asks}/pause`);

// ---- opinions again, after six months of use ----
await person("sue"); await person("tim", { email: "gone@example.org" });
for (const name of ["sue", "tim"]) {
  await buys(name, "desk", ago(190));
  await send({ type: "track", userId: name, event: "Product Reviewed", timestamp: ago(185), properties: { product_id: "desk", rating: 2, review_body: "It wobbles", review_id: "r-" + name } });
}
await until(async () => (await call("GET", "/api/v1/reviews?subject=desk")).json.data.filter((one) => one.verified).length === 2, "two old reviews");
await start({ name: "Six months", review: { again: [6, 12] } });
must((await call("POST", "/api/v1/jobs/reviews.night/run")).status < 300, "the night comes");
await becomes("sue", "sent"); await becomes("tim", "refused_by_relay");
must((await rows("sue"))[0].months === 6 && (await call("GET", "/api/v1/reviews/due")).json.data.length === 0, "asked after six months, nothing is due any more");
const again = mails.find((one) => one.to === "sue@example.org").text.match(/https:\/\/senda.example.org(\S+link=\S+)/)[1];
must((await call("POST", again, new URLSearchParams({ stars: "1" }), null)).status < 400, "told again");
await becomes("sue", "answered");
must((await call("GET", "/api/v1/reviews?subject=desk")).json.data.some((one) => one.months === 6), "after six months of use");

// ---- what comes back ----
await person("spy", { email: "spam@example.org" });
for (const name of ["bea", "tom", "eve"]) { await person(name); await buys(name, "lamp"); }
await call("POST", `/api/v1/invitation-plans/${asks}/start`);
await pause(1200);
for (const name of ["bea", "tom", "eve"]) await buys(name, "desk");
await buys("spy", "desk");
for (const name of ["bea", "tom", "eve"]) await becomes(name, "sent");
await becomes("spy", "refused_by_relay");
await buys("spy", "lamp");
const report = (name, status, action = "failed", change = (token) => token) => {
  const { token, raw } = mails.find((one) => one.to === name + "@example.org");
  return `Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: bounces+${change(token)}@vereda.example\r\nMessage-ID: <${status}.${name}@mx.example>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; ${name}@example.org\r\nAction: ${action}\r\nStatus: ${status}\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${change(token) === token ? raw : "Subject: x\r\n"}\r\n--b--\r\n`;
};
const come = async (message) => (await call("POST", "/api/v1/bounces", message, keys.api_key, "message/rfc822")).json;
must((await come(report("tom", "4.4.1", "delayed"))).result === "delayed" && (await come(report("tom", "5.2.2"))).result === "soft", "delayed, then full");
must(!(await rows("tom"))[0].reason && (await rows("tom"))[0].bounced_at, "a full mailbox is told");
const forged = await come(report("bea", "5.1.1", "failed", (token) => token.slice(0, -1) + (token.endsWith("0") ? "1" : "0")));
must(forged.result === "unknown" && !forged.stopped, `a forged token stops nobody: ${JSON.stringify(forged)}`);
const piped = senda("bounce", "--data", data, { input: report("bea", "5.1.1") });
must(piped.status === 0 && JSON.parse(piped.stdout).stopped && !JSON.parse(piped.stdout).repeated, `a pipe of a mail server: ${piped.stdout}${piped.stderr}`);
must((await come(report("bea", "5.1.1"))).repeated, "the same report counts once");
must(senda("bounce", "--data", data, { input: "Subject: holidays\n\nback on Monday" }).status === 0 && senda("bounce", "--data", data, { input: "" }).status === 0, "what is no report ends well");
must((await call("POST", "/api/v1/bounces", "", keys.api_key, "message/rfc822")).status === 422, "nothing is refused");
for (let i = 1; i < 5; i++) { const told = await come(report("tom", "4.2." + i)); must(told.stopped === (i === 4), `the fifth soft one stops: ${i} ${JSON.stringify(told)}`); }
await buys("bea", "lamp"); await buys("tom", "lamp");
await becomes("bea", "bounced"); await becomes("tom", "bounced");
await until(async () => (await rows("spy")).length === 2 && await why("spy") === "refused_by_relay", "a message that is taken for spam does not stop its address");
must((await call("GET", `/api/v1/invitation-plans/${asks}/results`)).json.bounced === 2, "two came back");
must((await call("DELETE", "/api/v1/bounces", { address: "tom@example.org" })).status === 204 && !(await come(report("tom", "4.3.9"))).stopped, "allowed again, counted anew");

// ---- by calendar: a sample of a segment, many mails over few connections ----
must((await call("POST", "/api/v1/surveys", { id: "relation", definition: { title: "You and us", languages: ["en"], pages: [{ questions: [{ id: "recommend", type: "nps", text: "Would you recommend us?" }] }] } })).status === 201 && (await call("POST", "/api/v1/surveys/relation/publish", {})).status < 300, "a survey");
await send(...Array.from({ length: 300 }, (_, i) => ({ type: "identify", userId: "w" + i, traits: { email: `w${i}@example.org`, wave: true } })));
must((await call("POST", "/api/v1/segments", { name: "wave", title: "Wave", rule: { trait: "wave", op: "=", value: true } })).status === 201, "a segment");
const weekly = { name: "Pulse", survey: "relation", segment: "wave", calendar: { every: "week", day: 1, at: "00:00", most: 200 } };
must((await call("POST", "/api/v1/invitation-plans", { ...weekly, segment: undefined })).json.errors[0].pointer === "/segment", "a calendar needs a segment");
const pulse = await start(weekly), results = async () => (await call("GET", `/api/v1/invitation-plans/${pulse}/results`)).json;
const { next_at } = (await call("GET", `/api/v1/invitation-plans/${pulse}`)).json;
must(new Date(next_at) > new Date() && new Date(Date.parse(next_at) + 36e5 * 3).getUTCDay() === 1, `the next round: ${next_at}`);
await pause(1000);
must((await results()).invitations === 0, "no round before its time");
must((await call("GET", "/api/v1/scores/surveys")).json.data.some((one) => one.survey === "relation" && one.relation === "relational"), "what is asked by calendar is relational");
await server.end("SIGTERM"); // a week passes: the round of the last Monday is still to come
must(spawnSync("/usr/bin/python3", ["-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('UPDATE invitation_plan SET since_ms = since_ms - 8 * 86400000 WHERE id = ?', (sys.argv[2],)); db.commit()", join(data, "senda.db"), pulse]).status === 0, "the clock is turned");
server = await serve(data, log);
await until(async () => (await results()).sent === 200, "two hundred are asked", 300);
await pause(500);
const told = await results();
must(told.invitations === 300 && told.reasons.sampled_out === 100 && told.waiting === 0, `the others have their reason: ${JSON.stringify(told)}`);
const wave = mails.filter((one) => /^w\d+@/.test(one.to));
must(wave.length === 200 && new Set(wave.map((one) => one.to)).size === 200 && new Set(wave.map((one) => one.connection)).size <= 20, `few connections: ${new Set(wave.map((one) => one.connection)).size}`);
await server.end("SIGKILL");
server = await serve(data, log);
await pause(6500);
must((await results()).invitations === 300 && mails.filter((one) => /^w\d+@/.test(one.to)).length === 200, "a round is made once");
must((await call("PUT", "/api/v1/scores/surveys/relation", { relation: "transactional" })).status < 300 && (await call("PUT", `/api/v1/invitation-plans/${pulse}`, weekly)).json.errors?.[0].pointer === "/survey", "a transactional survey does not run by calendar");
must(!/@example\.org/.test(readFileSync(log, "utf8")), "no address in the log");
must((await server.end("SIGTERM")).code === 0, "the server ends with 0");
console.log("asking: reviews, again, by calendar; what comes back");
process.exit(0);
