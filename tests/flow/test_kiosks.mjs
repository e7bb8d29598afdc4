// Opinion screens over HTTP: made, signed batches once each, forged and broken ones refused, misuse marked and left out of the
// score, clocks repaired, follow-ups as answers, keys replaced, what a limited asker sees, and all of it after a restart.
// SPDX-License-Identifier: GPL-3.0-or-later
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-kiosks-")), data = join(scratch, "data");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, join(scratch, "log")), base = `http://127.0.0.1:${server.port}`;

async function call(method, path, body, headers = {}) {
  const answer = await fetch(base + path, { method, headers: { authorization: `Bearer ${keys.api_key}`, ...headers }, body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, text, json: text.startsWith("{") ? JSON.parse(text) : null };
}
const is = (found, wanted, what) => must(JSON.stringify(found) === JSON.stringify(wanted), `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);

/** A device: its chain and its key. */
class Device {
  constructor(kiosk, key = kiosk.key, chain = "device-1") { Object.assign(this, { kiosk, chain, seq: 0, mac: "", secret: createHash("sha256").update(key).digest() }); }
  sign(...parts) { return createHmac("sha256", this.secret).update(parts.join("")).digest("hex"); }
  tap(more = {}) {
    const after = this.mac, seq = ++this.seq;
    const tap = JSON.stringify({ id: `${this.chain}-${seq}`, seq, at: new Date().toISOString(), boot: "b1", revision: 1, language: "es", value: 3, faces: 3, ...more });
    this.mac = this.sign(after, "\n", tap);
    return { tap, mac: this.mac, after };
  }
  body(taps, more = {}) {
    return JSON.stringify({ chain: this.chain, sent_at: new Date().toISOString(), boot: "b2", mono: 0, waiting: 0, after: taps[0]?.after ?? "", taps: taps.map(({ tap, mac }) => ({ tap, mac })), ...more });
  }
  send(body, signature = this.sign(body)) { return call("POST", `/k/${this.kiosk.address}/taps`, body, { "senda-signature": signature }); }
}
const ago = (s) => ({ at: new Date(Date.now() - s * 1000).toISOString() });
async function score(more = {}) {
  const answer = await call("POST", "/api/v1/query", { kind: "score", metric: "csat", ...more });
  must(answer.status === 200, answer.text);
  return answer.json.data[0];
}

// Made, with what goes without saying; refused with the pointer of the fault.
const document = { name: "Salida", unit: "centro", touchpoint: "Caja", languages: ["es", "en"], question: { es: "¿Qué tal?", en: "How was it?" },
  follow_ups: [{ faces: [1, 2], kind: "choice", question: { es: "¿Qué ha fallado?" }, options: [{ es: "La espera", en: "The wait" }, { es: "El trato" }] }, { faces: [1], kind: "text", question: "¿Algo más?" }] };
let made = await call("POST", "/api/v1/kiosks", document);
is(made.status, 201, "made");
const kiosk = made.json;
must(/^kk_[\w-]{43}$/.test(kiosk.key) && kiosk.pairing_url === `${kiosk.url}#key=${kiosk.key}` && /^\d{4}$/.test(kiosk.exit_code), "key, pairing link and exit code are shown");
for (const [fault, pointer] of [[{ faces: 7 }, "/faces"], [{ question: undefined }, "/question"], [{ color: "red" }, "/color"], [{ exit_code: "12" }, "/exit_code"], [{ question: { fr: "Ça va ?" } }, "/question"],
  [{ follow_ups: [{ faces: [4], kind: "text", question: "?" }] }, "/follow_ups/0/faces"], [{ follow_ups: [{ faces: [1], kind: "choice", question: "?", options: ["a"] }] }, "/follow_ups/0/options"], [{ name: "n".repeat(500) }, "/name"], [{ kind: "terminal" }, "/survey"],
  [{ follow_ups: [{ faces: [1], kind: "choice", question: "?", options: Array(5000).fill("a") }] }, "/follow_ups/0/options"]]) {
  const refused = await call("POST", "/api/v1/kiosks", { ...document, ...fault });
  is([refused.status, refused.json.errors[0].pointer], [422, pointer], `a fault at ${pointer}`);
}
must(!(await call("GET", `/api/v1/kiosks/${kiosk.id}`)).text.includes(kiosk.key), "the key is never shown again");
const page = await fetch(`${base}/k/${kiosk.address}`), definition = await (await fetch(`${base}/k/${kiosk.address}/definition.json`)).text();
must(page.status === 200 && (await page.text()).includes("kiosk.js"), "the page is public");
must(!definition.includes(kiosk.exit_code) && !definition.includes("centro"), "the page's definition has no code and no unit");
is((await fetch(`${base}/k/nothing`)).status, 404, "no such screen");

// Once each, whatever is sent again; a forged or broken batch changes nothing.
const device = new Device(kiosk);
const first = [device.tap({ ...ago(7200), value: 3 }), device.tap({ ...ago(3600), value: 1, choices: [0], text: "Llamadme al 612 345 678" }), device.tap({ ...ago(1800), value: 2 })];
const body = device.body(first);
for (const [what, signature] of [["unsigned", ""], ["forged", "0".repeat(64)], ["of another key", new Device(kiosk, "kk_other").sign(body)]]) {
  const refused = await device.send(body, signature);
  is([refused.status, refused.json.code ?? refused.json.type.split("/").pop()], [401, "unauthorized"], `${what} batch`);
}
const changed = first.map((one, i) => (i === 1 ? { ...one, tap: one.tap.replace('"value":1', '"value":3') } : one));
let answer = await device.send(device.body(changed));
is([answer.status, answer.json.errors[0].pointer], [401, "/taps/1/mac"], "a tap that was changed");
answer = await device.send(device.body([first[0], first[2]]));
is(answer.status, 401, "a tap that was left out");
is((await score()).n, 0, "nothing was taken so far");
answer = await device.send(body);
is([answer.status, answer.json.accepted, answer.json.duplicates], [200, 3, 0], "the batch");
answer = await device.send(body);
is([answer.json.accepted, answer.json.duplicates, answer.json.results.map((one) => one.outcome)], [0, 3, Array(3).fill("duplicate")], "the batch again");
is((await score()).n, 3, "answers");
is((await score()).value, 0.3333333333333333, "the happy one of three");
is((await score({ unit: "centro" })).n, 3, "by unit");

// What was chosen and written stands beside the face, personal data masked.
const timeline = await call("POST", "/api/v1/query", { kind: "trend", of: { event: "Kiosk Tapped", where: [{ property: "reason", op: "=", value: "La espera" }] }, every: "month" });
is(timeline.json.data.reduce((sum, row) => sum + row.value, 0), 1, "the reason, in the first language");
const customers = await call("GET", "/api/v1/customers");
const told = (await Promise.all(customers.json.data.map((one) => call("GET", `/api/v1/customers/${one.id}/timeline`)))).map((one) => one.text).join("");
must(told.includes("Llamadme al") && !told.includes("612 345 678"), "a telephone in a comment is masked");
is(customers.json.data.length, 3, "each visit is somebody unknown");

// Misuse: the same second, a burst, touches on the thanks; kept, marked, left out unless asked for.
const burst = [];
for (let i = 0; i < 7; i++) burst.push(device.tap({ ...ago(900 - 3 * i), value: 3 }));
burst.push(device.tap({ ...ago(600), value: 3 }), device.tap({ ...ago(599.8), value: 3 }), device.tap({ ...ago(300), value: 3, extra: 9 }));
answer = await device.send(device.body(burst));
is(answer.json.results.map((one) => one.misuse ?? ""), ["", "", "", "", "hammering", "hammering", "hammering", "", "same_second", "hammering"], "the marks");
is([(await score()).n, (await score({ misuse: true })).n], [8, 13], "left out of the score, unless asked for");
let state = (await call("GET", `/api/v1/kiosks/${kiosk.id}`)).json.state;
is([state.is, state.week.taps + state.week.misuse, state.week.misuse], ["ok", 13, 5], "the state");

// Clocks: a device an hour behind; one whose clock jumped since it started; one that says the future.
const late = device.tap({ at: "1999-01-01T00:00:00.000Z", boot: "now", mono: 40000 });
answer = await device.send(device.body([late], { sent_at: "1999-01-01T00:01:00.000Z", boot: "now", mono: 100000 }));
is([answer.status, answer.json.accepted], [200, 1], "a clock of 1999");
const future = device.tap({ at: new Date(Date.now() + 9e8).toISOString() });
await device.send(device.body([future]));
state = (await call("GET", `/api/v1/kiosks/${kiosk.id}`)).json.state;
must(Date.now() - Date.parse(state.last_tap_at) < 30000 && Date.parse(state.last_tap_at) <= Date.now() + 1000, `no tap lies in the future: ${state.last_tap_at}`);
is((await score({ range: { from: "2000-01-01" }, misuse: true })).n, 15, "both have the server's time");

// Faults of single taps do not hold up the others; of the batch they are said.
device.seq += 4; // four taps that the device lost
const odd = [device.tap({ value: 9 }), device.tap({ faces: 12, value: 1 }), device.tap({ at: "yesterday" }), device.tap({ value: 3, choices: [5] }), device.tap({ value: 1, text: "x".repeat(3000) }), device.tap({ ...ago(60), value: 2 })];
answer = await device.send(device.body(odd));
is([answer.json.rejected, answer.json.accepted, answer.json.results.at(-1).outcome], [5, 1, "accepted"], "faults of taps");
state = (await call("GET", `/api/v1/kiosks/${kiosk.id}`)).json.state;
is(state.lost, 4, "what the chain lacks");
for (const [fault, status] of [["not json", 400], [JSON.stringify({ chain: "c" }), 422], [JSON.stringify({ chain: "c", sent_at: "no", taps: [] }), 422], [device.body([], { chain: "x".repeat(100) }), 422], [device.body(Array(300).fill(first[0])), 422], ["x".repeat(600 * 1024), 413]])
  is((await device.send(fault)).status, status, `a batch that is wrong: ${fault.slice(0, 40)}`);
answer = await device.send(device.body([], { waiting: 17 }));
is([answer.status, (await call("GET", `/api/v1/kiosks/${kiosk.id}`)).json.state.waiting], [200, 17], "a heartbeat");

// Changes: a tap keeps the meaning of its revision.
answer = await call("PATCH", `/api/v1/kiosks/${kiosk.id}`, { faces: 5, follow_ups: [], unit: "norte", touchpoint: null });
is([answer.status, answer.json.revision, answer.json.touchpoint ?? null], [200, 2, null], "changed");
answer = await device.send(device.body([device.tap({ ...ago(50), value: 1, choices: [1] }), device.tap({ ...ago(20), revision: 2, value: 5, faces: 5 })]));
is([answer.json.accepted, answer.json.revision], [2, 2], "taps of two revisions");
is((await score({ unit: "norte" })).n, 1, "the new one at the new place");

// A terminal: a survey's answers come the same way, checked against their version.
const asks = { title: "Visita", pages: [{ id: "p", questions: [{ id: "nps", type: "nps", text: "¿Nos recomendarías?", required: true }, { id: "why", type: "long_text", text: "¿Por qué?" }] }] };
const bad = { title: "Mala", pages: [{ id: "p", questions: [{ id: "m", type: "matrix", required: true, text: "?", scale: [1, 5], rows: [{ id: "a", text: "A" }] }] }] };
for (const [id, definition] of [["visita", asks], ["mala", bad]]) {
  is((await call("POST", "/api/v1/surveys", { id, definition })).status, 201, `survey ${id}`);
  is((await call("POST", `/api/v1/surveys/${id}/publish`, {})).status, 200, `survey ${id} is published`);
}
is([(answer = await call("POST", "/api/v1/kiosks", { name: "T", kind: "terminal", survey: "none" })).status, answer.json.errors[0].pointer], [422, "/survey"], "a terminal without a survey");
const tables = (await call("POST", "/api/v1/kiosks", { name: "T", kind: "terminal", survey: "mala", unit: "norte" })).json, grid = new Device(tables, tables.key, "grid");
const form = (await (await fetch(`${base}/k/${tables.address}/definition.json`)).json()).kiosk.survey;
must(form.forms.es.includes('name="a.m.a" value="5"') && form.pages[0].questions[0] === "m" && !form.forms.es.includes("disabled"), "a terminal gets the form of /s/");
answer = await grid.send(grid.body([["4", "9"]].flat().map((a) => grid.tap({ ...ago(90), value: undefined, faces: undefined, survey_version: 1, answers: { m: { a } } }))));
is(answer.json.results.map((one) => one.outcome), ["accepted", "rejected"], "what its fields say is checked");
const terminal = (await call("POST", "/api/v1/kiosks", { name: "Vestíbulo", kind: "terminal", survey: "visita", unit: "norte" })).json, hall = new Device(terminal, terminal.key, "hall");
const visit = (more) => hall.tap({ ...ago(100), value: undefined, faces: undefined, survey_version: 1, answers: { nps: 10, why: "Llamad al 612345678" }, ...more });
const visits = hall.body([visit(), visit({ answers: { nps: 11 } }), visit({ answers: {} }), visit({ answers: { nps: 3 }, survey_version: 7 }), visit({ answers: {}, partial: true }), visit({ answers: { nps: 2 }, extra: 8, ...ago(10) })]);
answer = await hall.send(visits);
is(answer.json.results.map((one) => one.outcome), ["accepted", "rejected", "rejected", "rejected", "accepted", "accepted"], "a terminal's visits");
must(answer.json.results[1].message.includes("/answers/nps"), "the fault of an answer is said");
is((await hall.send(visits)).json.duplicates, 3, "the visits again");
const recommend = async (more) => (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "visita", channel: "kiosk", unit: "norte", ...more })).json.data[0].n;
is([await recommend(), await recommend({ misuse: true })], [1, 2], "their score, without misuse");

// A survey that takes no more answers is not begun; what was begun before counts.
const opened = async () => [(await hall.send(hall.body([]))).json.survey_open, (await (await fetch(`${base}/k/${terminal.address}/definition.json`)).json()).kiosk.survey.open];
is(await opened(), [true, true], "an open survey");
await call("POST", "/api/v1/surveys/visita/close", {});
is(await opened(), [false, false], "each contact and the page's definition say that it is closed");
is((await hall.send(hall.body([visit({ answers: { nps: 6 }, ...ago(5) })]))).json.accepted, 1, "what was answered before somebody heard of it");
await call("POST", "/api/v1/surveys/visita/open", {});
is(await opened(), [true, true], "and open again");

// A poster: a PDF whose code leads to the survey and records nothing by itself.
const poster = (await call("POST", "/api/v1/kiosks", { name: "Salida norte", kind: "poster", survey: "visita", unit: "norte", touchpoint: "Salida" })).json;
const pdf = await fetch(`${base}/api/v1/kiosks/${poster.id}/poster?format=a5`, { headers: { authorization: `Bearer ${keys.api_key}` } });
is([pdf.status, pdf.headers.get("content-type"), (await pdf.text()).slice(0, 5)], [200, "application/pdf", "%PDF-"], "the poster");
is([(await call("GET", `/api/v1/kiosks/${poster.id}/poster?format=letter`)).status, (await call("GET", `/api/v1/kiosks/${kiosk.id}/poster`)).status], [422, 409], "no poster");
const scanned = await fetch(`${base}/k/${poster.address}`, { redirect: "manual" });
is([scanned.status, scanned.headers.get("location")], [303, "/s/visita?channel=qr&touchpoint=Salida&unit=norte"], "scanned");
const answered = await fetch(`${base}/s/visita?channel=qr&touchpoint=Salida&unit=norte`, { method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify({ submission: "phone-1", answers: { nps: 9 } }) });
must(answered.status < 300, `answered on a phone: ${answered.status}`);
is((await new Device(poster).send(new Device(poster).body([new Device(poster).tap()]))).json.rejected, 1, "a poster takes no taps");
is((await fetch(`${base}/v1/surveys?writeKey=${keys.write_key}`).then((one) => one.json())).surveys, [], "no micro-survey yet");
const micro = (await call("POST", "/api/v1/kiosks", { name: "Tienda", kind: "page", survey: "visita", rule: { after_s: 5, pages: ["/checkout*"] } })).json;
is((await fetch(`${base}/v1/surveys?writeKey=${keys.write_key}`).then((one) => one.json())).surveys.map((one) => [one.address, one.rule, one.survey.pages[0].questions.length]), [[micro.address, { after_s: 5, pages: ["/checkout*"] }, 2]], "a micro-survey");
const card = await call("POST", "/api/v1/kiosks", { name: "Tablas", kind: "page", survey: "mala", rule: { after_s: 5 } });
is(card.status, 201, "a card has room for a matrix");
is((await fetch(`${base}/v1/surveys/${micro.address}`, { method: "POST", body: JSON.stringify({ writeKey: keys.write_key, what: "shown", submission: "no-clock", version: 1, anonymousId: "a" }) })).status, 200, "a browser may say no time");
for (const [rule, pointer] of [[{}, "/rule"], [{ after_s: -1 }, "/rule/after_s"], [{ color: 1 }, "/rule/color"], [{ exit: 1 }, "/rule/exit"], [{ event: "", exit: true }, "/rule/event"], [{ exit: true, pages: "x" }, "/rule/pages"], [{ exit: true, share: 2 }, "/rule/share"]])
  is((await call("PATCH", `/api/v1/kiosks/${micro.id}`, { rule })).json.errors?.[0].pointer, pointer, `a rule's fault at ${pointer}`);
is([(await fetch(`${base}/k/${micro.address}`)).status, (await fetch(`${base}/v1/surveys?writeKey=none`)).status], [404, 401], "neither screen nor key");

// A scoped key sees the screens of its units only.
await call("POST", "/api/v1/units", { name: "sur", title: "Sur" });
await call("POST", "/api/v1/kiosks", { ...document, name: "Otra", unit: "sur" });
const scoped = (await call("POST", "/api/v1/keys", { name: "sur", scopes: ["query", "manage"], units: ["sur"] })).json.secret;
const seen = await call("GET", "/api/v1/kiosks", undefined, { authorization: `Bearer ${scoped}` });
is(seen.json.data.map((one) => one.name), ["Otra"], "what a scoped key sees");
is((await call("GET", `/api/v1/kiosks/${kiosk.id}`, undefined, { authorization: `Bearer ${scoped}` })).status, 404, "another unit's screen");
is((await call("POST", "/api/v1/kiosks", { ...document, unit: "norte" }, { authorization: `Bearer ${scoped}` })).status, 403, "a screen in another unit");
is((await call("GET", "/api/v1/kiosks?state=new&kind=faces")).json.data.map((one) => one.name), ["Otra"], "by state");

// Viewers get no number about a few.
await call("POST", "/api/v1/users", { email: "v@example.org", name: "V", role: "viewer", password: "a long password" });
const session = await fetch(`${base}/api/v1/sessions`, { method: "POST", body: JSON.stringify({ email: "v@example.org", password: "a long password" }) });
const cookie = session.headers.get("set-cookie").split(";")[0];
const few = (await call("POST", "/api/v1/kiosks", { name: "Poco", question: "¿Qué tal?" })).json, lonely = new Device(few, few.key, "lonely");
await lonely.send(lonely.body([lonely.tap(ago(2))]));
const viewed = (await (await fetch(`${base}/api/v1/kiosks`, { headers: { cookie } })).json()).data;
is([viewed.find((one) => one.name === "Poco").state.week.taps, viewed.find((one) => one.name === "Salida").state.week.taps > 5, viewed.some((one) => "exit_code" in one)], [null, true, false], "what a viewer sees");
const page_ = await (await fetch(`${base}/kiosks`, { headers: { cookie } })).text();
must(/data-live-week>–</.test(page_) && /data-live-taps>0</.test(page_), "the page says – for a few, and 0 for none");

// What went on when faces were red: anonymous taps beside the queue, the diary and the words of their centre.
const fair = (await call("POST", "/api/v1/kiosks", { name: "Feria", unit: "feria", languages: ["es"], question: "¿Qué tal?" })).json;
const history = [], noon = Math.floor(Date.now() / 864e5) * 864e5 + 11 * 36e5;
for (let day = 1; day <= 42; day++) {
  const bad = day % 7 === 3, at = (minute) => new Date(noon - day * 864e5 + minute * 6e4).toISOString();
  for (let i = 0; i < 5; i++)
    history.push({ type: "track", event: "Queue Served", userId: `t${day}-${i}`, messageId: `t${day}-${i}`, timestamp: at(i), properties: { wait_min: bad ? 30 : 5, estimate_min: 15 }, context: { unit: "feria", channel: "store" } });
  for (let i = 0; i < 4; i++)
    history.push({ type: "track", event: "Kiosk Tapped", anonymousId: `p${day}-${i}`, messageId: `p${day}-${i}`, timestamp: at(20 + i), context: { unit: "feria", channel: "kiosk" },
      properties: { value: bad ? 1 : 3, scale_max: 3, reason: bad ? "espera" : undefined, comment: day === 3 && i === 0 ? "Media hora de pie" : undefined } });
  history.push({ type: "track", event: "Kiosk Tapped", anonymousId: `m${day}`, messageId: `m${day}`, timestamp: at(30), context: { unit: "feria", channel: "kiosk" }, properties: { value: 1, scale_max: 3, misuse: "hammering" } });
}
is((await call("POST", "/v1/batch", { batch: history }, { authorization: `Basic ${btoa(`${keys.write_key}:`)}` })).json.accepted, 420, "six weeks of a centre");
const redDay = new Date(noon - 3 * 864e5);
await call("POST", "/api/v1/diary", { unit: "feria", kind: "staffing", from: redDay.toISOString().slice(0, 10), to: new Date(+redDay + 864e5).toISOString().slice(0, 10), text: "Solo dos personas", number: 2 });
const moments = (await call("GET", `/api/v1/kiosks/${fair.id}/moments?days=60`)).json;
is([moments.rate.taps, moments.rate.turns, moments.rate.value], [168, 210, 0.8], "taps for each turn, without misuse");
must(moments.rate.low < 0.8 && moments.rate.high > 0.8 && moments.rate.every === "week" && moments.rate.rows.reduce((sum, row) => sum + row.taps, 0) === 168, "with its margin, and over time");
is([moments.all.faces, moments.all.unhappy], [168, 24], "faces");
const slot = moments.slots[0];
is([slot.weekday, slot.share, slot.wait_min, slot.estimate_min, slot.above], [redDay.getUTCDay() || 7, 1, 30, 15, true], "the hour of the week in which faces are red, and its queue");
must(slot.others.wait_min < 10 && slot.others.share < 0.08, "beside all the others");
const moment = moments.moments.find((one) => one.time.startsWith(redDay.toISOString().slice(0, 10)));
is([moment.faces, moment.unhappy, moment.turns, moment.wait_min, moment.staff, moment.diary[0].text, moment.said[0].text], [4, 4, 5, 30, 2, "Solo dos personas", "Media hora de pie"], "one hour, with all that is known of it");
is((await call("POST", "/api/v1/query", moment.answers)).json.meta.answers, 4, "the question that lists the answers of that hour");
await call("POST", "/api/v1/users", { email: "g@example.org", name: "G", role: "agent", password: "a long password" });
const staffCookie = (await fetch(`${base}/api/v1/sessions`, { method: "POST", body: JSON.stringify({ email: "g@example.org", password: "a long password" }) })).headers.get("set-cookie").split(";")[0];
const hourPage = await (await fetch(`${base}/kiosks/${fair.id}/moments?period=90d`, { headers: { cookie: staffCookie } })).text();
const hourHrefs = [...hourPage.matchAll(/href="(\/scores\/answers\?[^"]*surveys=all[^"]*)"/g)].map((m) => m[1].replaceAll("&amp;", "&"));
const hourHref = hourHrefs.find((href) => !href.includes("weekday="));
const slotHref = hourHrefs.find((href) => href.includes(`weekday=${slot.weekday}&hour=${slot.hour}`));
is((await call("POST", "/api/v1/query", slot.answers)).json.meta.answers, slot.faces, "the question that lists the answers of an hour of the week");
is(((await (await fetch(base + slotHref, { headers: { cookie: staffCookie } })).text()).match(/href="\/customers\/c_/g) ?? []).length, slot.faces, "and its link");
is(((await (await fetch(base + hourHref, { headers: { cookie: staffCookie } })).text()).match(/href="\/customers\/c_/g) ?? []).length, 4, "and so does its link");
const aggregates = await (await fetch(`${base}/api/v1/kiosks/${fair.id}/moments?days=60`, { headers: { cookie } })).json();
is([aggregates.moments, aggregates.all.faces, aggregates.slots[0].share, aggregates.rate.taps], [null, 168, 1, 168], "a viewer is told no single hour");
is((await (await fetch(`${base}/api/v1/kiosks/${fair.id}/moments?days=2`, { headers: { cookie } })).json()).all.faces, 0, "and nothing of less than the floor");
must((await (await fetch(`${base}/kiosks/${fair.id}/moments`, { headers: { cookie } })).text()).includes("No se muestran horas sueltas"), "the page says so");
is(moments.waiting.bands.filter((band) => band.n).map((band) => [band.from, band.value]), [[5, 1], [20, 0]], "faces by how long people had waited");
is(moments.reasons, [{ reason: "espera", n: 24 }], "what the unhappy chose");
const nowhere = (await call("POST", "/api/v1/kiosks", { name: "Sin centro", languages: ["es"], question: "¿Qué tal?" })).json;
for (const [path, status, pointer] of [[`${nowhere.id}/moments`, 422, "/unit"], [`${fair.id}/moments?days=0`, 422, "/days"], ["999/moments", 404, undefined]]) {
  const refused = await call("GET", `/api/v1/kiosks/${path}`);
  is([refused.status, refused.json.errors?.[0]?.pointer], [status, pointer], `no moments: ${path}`);
}

// The stream says what arrives.
const live = await fetch(`${base}/api/v1/stream?kiosks=1`, { headers: { authorization: `Bearer ${keys.api_key}` } }), reader = live.body.getReader();
let heard = "";
await device.send(device.body([device.tap({ ...ago(5), revision: 2, value: 5, faces: 5 })]));
for (let i = 0; i < 200 && !/event: kiosk\ndata: .*"Salida".*"taps": ?\d/.test(heard); i++) heard += new TextDecoder().decode((await reader.read()).value);
must(heard.includes('"last_contact_at"'), "the stream tells of screens");
await reader.cancel();

// After a restart everything is there; a new key ends the old one; a removed screen takes nothing.
const before = await score({ misuse: true });
is((await server.end("SIGTERM")).code, 0, "the server ends well");
server = await serve(data, join(scratch, "log"));
base = `http://127.0.0.1:${server.port}`;
is((await score({ misuse: true })).n, before.n, "after a restart");
answer = await device.send(body);
is(answer.json.duplicates, 3, "the first batch again, after the restart");
const again = await call("POST", `/api/v1/kiosks/${kiosk.id}/key`, {});
is([again.status, (await device.send(device.body([]))).status, (await new Device(again.json, again.json.key, "device-2").send(new Device(again.json, again.json.key, "device-2").body([]))).status], [201, 401, 200], "a new key");
is((await call("DELETE", `/api/v1/kiosks/${kiosk.id}`)).status, 204, "removed");
is([(await fetch(`${base}/k/${kiosk.address}`)).status, (await device.send(body)).status, (await score({ misuse: true })).n], [404, 404, before.n], "its opinions stay");
is((await server.end("SIGTERM")).code, 0, "the server ends well");
console.log("opinion screens: all as it should be");
