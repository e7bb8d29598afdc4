// A survey from its definition to its answers: scanners of mails record nothing, a submission counts once, pages are kept and gone on
// with, versions keep their meaning, what is closed, full, unknown, forged or too large is answered clearly, and what was
// answered 200 survives kill -9.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-surveys-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);

async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: "Bearer " + key }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a file */ }
  return { status: answer.status, json, text };
}
async function page(path, options = {}) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: "manual", ...options });
  return { status: answer.status, text: await answer.text(), location: answer.headers.get("location"), policy: answer.headers.get("content-security-policy") };
}
const post = (path, fields) => page(path, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields).toString() });
const fields = (html) => [...html.matchAll(/<input type=hidden name="?([\w.]+)"? value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
async function count(matcher) {
  const { json, status, text } = await call("POST", "/api/v1/query", { kind: "trend", of: matcher, measure: "count", every: "month" });
  if (json?.hint?.startsWith("Nothing that was collected")) return 0;
  must(status === 200, text);
  return json.data.reduce((sum, row) => sum + row.value, 0);
}
const responses = () => count({ event: "Survey Responded" });

const question = (id, type, more = {}) => ({ id, type, text: { es: `¿${id}?`, en: `${id}?` }, ...more });
const definition = {
  title: { es: "Compra <script>alert(1)</script>", en: "Purchase" }, languages: ["es", "en"], hidden: ["order"], traits: ["name"], welcome: "Hola {{trait.name|persona}}",
  pages: [{ id: "one", questions: [question("recommend", "nps", { required: true }), question("why", "long_text", { show_if: { question: "recommend", op: "<=", value: 6 } })],
    jump: [{ if: { question: "recommend", op: ">=", value: 9 }, to: "three" }] },
  { id: "two", questions: [question("failed", "choices", { required: true, other: true, options: [{ id: "price", text: "Precio" }, { id: "staff", text: "Trato" }] })] },
  { id: "three", questions: [question("effort", "ces")] }],
};
const short = { title: "Corta", hidden: ["order"], pages: [{ questions: [question("recommend", "nps", { required: true }), question("why", "long_text")] }] };
for (const survey of [definition, short]) survey.languages = ["es", "en"];

// Definitions: faults have their pointer, drafts need not be whole, the same id is taken once.
const broken = await call("POST", "/api/v1/surveys", { definition: { ...short, pages: [{ questions: [{ id: "a", type: "nsp", text: "?" }] }] } });
must(broken.status === 422 && broken.json.errors[0].pointer === "/definition/pages/0/questions/0/type", `a fault has its place: ${broken.text}`);
must((await call("POST", "/api/v1/surveys", { id: "compra", definition })).status === 201, "a survey is made");
must((await call("POST", "/api/v1/surveys", { id: "compra", definition })).status === 409, "an id is taken once");
must((await call("POST", "/api/v1/surveys", { id: "corta", definition: short })).status === 201, "and another");
const many = { id: "m", type: "choice", text: "?", options: Array.from({ length: 5000 }, (_, i) => ({ id: `o${i}`, text: `${i}` })) };
must((await call("POST", "/api/v1/surveys", { definition: { title: "x", pages: [{ questions: [many] }] } })).json.errors[0].pointer.endsWith("/options"), "5,000 options are refused where they stand");
must((await page("/s/compra")).status === 404, "what is not published is not there");
for (const id of ["compra", "corta"]) must((await call("POST", `/api/v1/surveys/${id}/publish`)).json.version === 1, `${id} is published`);

// A mail scanner opens every link, with whatever it says.
for (const method of ["GET", "HEAD"])
  for (const path of ["/s/corta?recommend=9", "/s/corta?a.recommend=9&do=next&p=page-1&r=scan", "/s/compra?recommend=10&order=7", "/s/compra?r=x&v=1&p=three"])
    must((await page(path, { method })).status === 200, `${method} ${path}`);
const opened = await page("/s/corta?recommend=9");
must(/value="9" checked/.test(opened.text), "the address chooses beforehand");
must((await responses()) === 0 && (await count({ event: "Survey Shown" })) === 0, "and nothing is recorded");
must(!(await page("/s/compra")).text.includes("<script>alert"), "what people write is text");
must(/frame-ancestors \*/.test(opened.policy), "it may stand in a frame of any page");
must(!/unsafe-inline/.test(opened.policy) && Buffer.byteLength(opened.text) < 15 * 1024, "a small page under a strict policy");

// One page: once, whatever comes again.
const form = [...fields(opened.text), ["a.recommend", "9"], ["a.why", "Todo <b>bien</b>, llamad al 612345678"], ["do", "next"]];
must((await post("/s/corta?order=1", form)).text.includes("Gracias"), "thanks");
must((await post("/s/corta", form.map(([n, v]) => (n === "a.recommend" ? [n, "1"] : [n, v])))).text.includes("Ya has respondido"), "a replay is told so");
must((await responses()) === 1 && (await count({ event: "Survey Shown" })) === 1, "and counts once");
const missing = await post("/s/corta", fields((await page("/s/corta")).text));
must(missing.status === 422 && missing.text.includes('role=alert') && missing.text.includes('href="#q-recommend"'), "what is missing is said where it is");
must((await post("/s/corta", [["p", "page-1"], ["q", "recommend"], ["q", "why"], ["a.recommend", "99"]])).status === 422, "an impossible answer is none");
const long = await post("/s/corta", [["r", "long"], ["p", "page-1"], ["q", "recommend"], ["q", "why"], ["a.recommend", "5"], ["a.why", "x".repeat(5000)]]);
must(long.status === 422 && long.text.includes("demasiado largo"), "a long text is refused in words");
must((await post("/s/corta", [["a.why", "x".repeat(10_000_000)]])).status === 413, "10 MB are too much");

// JSON, as a script of its own sends it.
const json = (body) => page("/s/corta", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
must(JSON.parse((await json({ submission: "j1", answers: { recommend: 3 } })).text).duplicate === false, "JSON is taken");
must(JSON.parse((await json({ submission: "j1", answers: { recommend: 3 } })).text).duplicate === true, "once");
must(JSON.parse((await json({ submission: "j2", answers: { recommend: "much" } })).text).errors[0].pointer === "/answers/recommend", "and checked");
must((await page("/s/corta", { method: "POST", headers: { "content-type": "text/xml" }, body: "<a/>" })).status === 415, "what is neither form nor JSON is said to be so");
must(JSON.parse((await json({ submission: "j3", answers: { recommend: 3, wy: "Lento" } })).text).errors[0].pointer === "/answers/wy", "an answer to nothing is refused, not lost");
must(JSON.parse((await json({ submission: "j".repeat(65), answers: { recommend: 3 } })).text).errors[0].pointer === "/submission", "a submission that would not be known again is refused");
must(JSON.parse((await json({ submission: "j4", answers: { recommend: 3, why: {} } })).text).errors[0].pointer === "/answers/why", "an answer of the wrong type, too, not lost");
must(JSON.parse((await page("/s/corta", { headers: { accept: "application/json" } })).text).version === 1, "what is asked is there as JSON");

// Pages: a question that an answer opens, the way, back, another language, resumed after kill -9.
const first = await page("/s/compra?order=A-7");
let step = await post("/s/compra", [...fields(first.text).filter(([n]) => n !== "q"), ["q", "recommend"], ["a.recommend", "4"], ["do", "next"]]);
must(step.status === 200 && /id="q-why"[^>]*>/.test(step.text) && !/id="q-why"[^>]*hidden/.test(step.text), "without script the opened question is shown");
step = await post("/s/compra", [...fields(step.text), ["a.recommend", "4"], ["a.why", "Lento"], ["do", "next"]]);
must(step.status === 303 && /p=two/.test(step.location), `the next page: ${step.location}`);
await server.end("SIGKILL");
server = await serve(data, log);
let second = await page(step.location);
must(second.text.includes('id="q-failed"') && second.text.includes('value=2'), "the address goes on after a crash");
must((await page(step.location + "&lang=en")).text.includes("failed?"), "in another language too");
const back = await post("/s/compra", [...fields(second.text), ["do", "back"]]);
must((await page(back.location)).text.includes("Lento"), "back shows what was said");
must((await page(step.location.replace("p=two", "p=three"))).text.includes('id="q-failed"'), "what must be answered is not passed by");
second = await page(step.location);
step = await post("/s/compra", [...fields(second.text), ["a.failed", "price"], ["a.failed", "other"], ["o.failed", "La <i>caja</i>"], ["do", "next"]]);
const third = await page(step.location);
must((await post("/s/compra", [...fields(third.text), ["a.effort", "2"], ["do", "next"]])).text.includes("Gracias"), "the end");
must((await responses()) === 3, "one more");
const jump = await post("/s/compra", [["r", "jumper"], ["p", "one"], ["q", "recommend"], ["a.recommend", "10"], ["do", "next"]]);
must(/p=three/.test(jump.location), "a promoter jumps");
const optional = { title: "Sin deber", pages: ["one", "two", "three"].map((id) => ({ id, questions: [{ id: `q-${id}`, type: "short_text", text: `T-${id}` }] })) };
await call("POST", "/api/v1/surveys", { id: "sin-deber", definition: optional });
await call("POST", "/api/v1/surveys/sin-deber/publish", {});
await post("/s/sin-deber", [["r", "sleeper"], ["p", "one"], ["q", "q-one"], ["a.q-one", "sí"], ["do", "next"]]);
must((await page("/s/sin-deber?r=sleeper")).text.includes("T-two"), "who resumes finds the page where it was left, though nothing on it must be answered");

// A personal link is one customer and one answer; a forged one is nobody's.
await call("POST", "/v1/batch", { batch: [{ type: "identify", userId: "u1", traits: { name: "Eva" }, messageId: "i1" }, { type: "track", userId: "u1", event: "Bought", messageId: "t1" }] }, keys.write_key);
const link = (await call("POST", "/api/v1/surveys/compra/links", { customer: "u1", channel: "email", invitation: "inv-1" })).json;
const greeted = await page(`/s/compra?t=${link.token}`);
must(greeted.text.includes("Hola Eva") && /frame-ancestors 'self'/.test(greeted.policy), "the text knows the name, in no frame of others");
must((await page(`/s/compra?t=${link.token.slice(0, -2)}xx`)).status === 404, "a forged link is refused");
const past = (await call("POST", "/api/v1/surveys/compra/links", { customer: "u1", expires_at: new Date(Date.now() - 1000).toISOString() })).json;
const expired = await page(`/s/compra?t=${past.token}`);
must(expired.status === 410 && expired.text.includes("caducado"), "an old link says that it is the link");
const personal = (await call("POST", "/api/v1/surveys/corta/links", { customer: "u1", channel: "email" })).json;
for (let i = 0; i < 2; i++) await post("/s/corta", [["t", personal.token], ["p", "page-1"], ["q", "recommend"], ["q", "why"], ["a.recommend", "10"]]);
must((await page(`/s/corta?t=${personal.token}`)).text.includes("Ya has respondido"), "opened again, the link says that the answer is there");
const timeline = (await call("POST", "/api/v1/query", { kind: "timeline", customer: "u1" })).json.data;
must(timeline.filter((row) => row.event === "Survey Responded").length === 1 && timeline[0].channel === "email", "one answer on the customer's timeline, by e-mail");

// A new version: answers under way keep theirs.
const renamed = structuredClone(short);
renamed.pages[0].questions[0].id = "advise";
must((await call("PUT", "/api/v1/surveys/corta", { definition: renamed })).json.draft_differs === true, "the draft is ahead");
must((await call("POST", "/api/v1/surveys/corta/publish")).json.version === 2, "version 2");
await post("/s/corta", [["r", "old"], ["v", "1"], ["p", "page-1"], ["q", "recommend"], ["q", "why"], ["a.recommend", "8"]]);
const versions = (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "corta", by: { property: "version" } })).json.data;
must(versions.length === 1 && versions[0].n === 4 && String(versions[0].by) === "1", `answers name their version: ${JSON.stringify(versions)}`);
must((await call("GET", "/api/v1/surveys/corta/versions/1")).json.definition.pages[0].questions[0].id === "recommend", "and it is still there");

// Closed, full, unknown.
await call("POST", "/api/v1/surveys/corta/close");
const closed = await page("/s/corta");
must(closed.status === 410 && closed.text.includes("cerrada"), "closed is said");
must((await post("/s/corta", form)).status === 410, "and refuses");
const quota = { title: "Cupo", quotas: [{ id: "q", if: { question: "sex", value: "m" }, limit: 1, message: "Ya hay bastantes" }],
  pages: [{ questions: [{ id: "sex", type: "choice", text: "?", options: [{ id: "m", text: "M" }, { id: "f", text: "F" }] }] }] };
await call("POST", "/api/v1/surveys", { id: "cupo", definition: quota });
await call("POST", "/api/v1/surveys/cupo/publish");
const man = (r) => post("/s/cupo", [["r", r], ["p", "page-1"], ["q", "sex"], ["a.sex", "m"]]);
must((await man("m1")).text.includes("Gracias") && (await man("m2")).text.includes("Ya hay bastantes"), "a full quota thanks and ends");
must((await page("/s/nowhere")).status === 404, "an unknown survey is not found");

// What is said about a purpose counts as the customer's word; pairs show their gap.
await call("PUT", "/api/v1/purposes/newsletter", { basis: "consent", title: { es: "Boletín", en: "Newsletter" }, text: { es: "Boletín", en: "Newsletter" } });
await call("POST", "/api/v1/surveys", { id: "pares", definition: { title: "Pares", pages: [{ questions: [{ id: "service", type: "servqual", text: "?", rows: [{ id: "speed", text: "Rapidez" }] }, { id: "news", type: "consent", purpose: "newsletter", text: "?" }] }] } });
await call("POST", "/api/v1/surveys/pares/publish");
await call("POST", "/api/v1/surveys/pares/responses", { submission: "p1", customer: "u1", answers: { service: { speed: { expected: 7, perceived: 4 } }, news: true } });
must((await call("GET", "/api/v1/surveys/pares/results")).json.questions.find((row) => row.side === "perceived").gap === -3, "the gap of a pair");
const said = (await call("GET", "/api/v1/customers/u1/consents")).text;
must(/newsletter/.test(said) && /"granted":true/.test(said), `the customer's word about a purpose: ${said}`);

// The API records for others, and gives the file back.
const told = await call("POST", "/api/v1/surveys/compra/responses", { submission: "s9", customer: "u1", channel: "phone", answers: { recommend: 10, effort: 7 } });
must(told.status === 201 && (await call("POST", "/api/v1/surveys/compra/responses", { submission: "s9", customer: "u1", answers: { recommend: 10, effort: 7 } })).json.duplicate, "once");
const file = (await call("GET", "/api/v1/surveys/compra/export")).text;
const again = await call("POST", "/api/v1/surveys/import?id=copia", JSON.parse(file));
must(again.status === 201 && JSON.stringify(again.json.definition) === JSON.stringify(JSON.parse(file)), "what is exported comes back the same");
must((await call("DELETE", "/api/v1/surveys/copia")).status === 204 && (await call("DELETE", "/api/v1/surveys/compra")).status === 409, "only what was never published is removed");

// Results: counts, rate, scores with intervals, distributions, words with their score and customer; files.
await page("/s/compra/seen", { method: "POST", body: new URLSearchParams({ r: "looker" }) });
const results = (await call("GET", "/api/v1/surveys/compra/results")).json;
must(results.responses === 2 && results.shown === 3 && Math.abs(results.response_rate - 2 / 3) < 1e-9 && results.under_way === 1, `two of three answered, one is under way: ${JSON.stringify(results).slice(0, 200)}`);
const asked = Object.fromEntries(results.questions.map((row) => [row.id, row]));
must(asked.recommend.n === 2 && asked.recommend.score.value === 0 && asked.recommend.score.low < 0 && asked.recommend.score.high > 0, "NPS with its interval");
must(asked.failed.distribution.map((row) => `${row.value}:${row.n}`).join() === "other:1,price:1" && asked.failed.distribution[1].text === "Precio", "choices by their texts");
must((await call("GET", "/api/v1/surveys/compra/results?unit=nowhere")).json.errors[0].pointer === "/unit", "an unknown unit");
must((await call("GET", "/api/v1/surveys/compra/results?channel=nowhere")).json.responses === 0, "a channel that nobody used is not none");
await call("POST", "/api/v1/surveys/pares/responses", { submission: "p2", customer: "u1", unit: "tienda-1", answers: { service: { speed: { expected: 7, perceived: 4 } } } });
await call("POST", "/api/v1/units", { name: "norte" });
await call("POST", "/api/v1/units", { name: "tienda-1", parent: "norte" });
for (const [unit, n] of [["norte", 1], ["tienda-1", 1], ["", 2]])
  must((await call("GET", `/api/v1/surveys/pares/results?unit=${unit}`)).json.responses === n, `a unit with what is below it: ${unit}`);
must((await call("GET", "/api/v1/surveys/compra/results?channel=phone")).json.responses === 1 && (await call("GET", "/api/v1/surveys/compra/results?to=2020-01-01")).json.responses === 0, "filters");
const words = (await call("GET", "/api/v1/surveys/compra/answers?kind=text")).json;
must(words.total === 2 && words.data.some((row) => row.value === "Lento" && row.score.value === 4 && row.customer.startsWith("c_")), `words with their score: ${JSON.stringify(words)}`);
must((await call("GET", "/api/v1/surveys/compra/answers?kind=text&contains=LENTO")).json.total === 1 && (await call("GET", "/api/v1/surveys/compra/answers?question=recommend&value=10")).json.data[0].channel === "phone", "found by words and by value");
await call("POST", "/api/v1/surveys", { id: "escala", definition: { title: "Escala", pages: [{ questions: [{ id: "q", type: "csat", text: "?" }] }] } });
for (const points of [5, 7]) {
  await call("PUT", "/api/v1/surveys/escala", { definition: { title: "Escala", pages: [{ questions: [{ id: "q", type: "csat", points, text: "?" }] }] } });
  await call("POST", "/api/v1/surveys/escala/publish");
  await call("POST", "/api/v1/surveys/escala/responses", { answers: { q: 5 } });
}
must((await call("GET", "/api/v1/surveys/escala/results")).json.questions[0].mixed_scales && !(await call("GET", "/api/v1/surveys/escala/results?version=2")).json.questions[0].mixed_scales, "a changed scale is said");
const one = (await call("GET", "/api/v1/surveys/compra/answers?limit=1")).json;
const two = (await call("GET", `/api/v1/surveys/compra/answers?limit=1&cursor=${one.next}`)).json;
must(two.data[0].time <= one.data[0].time && JSON.stringify(two.data) !== JSON.stringify(one.data), "page by page");
await call("POST", "/api/v1/surveys/compra/responses", { submission: "formula", answers: { recommend: 1, why: '=HYPERLINK("http://evil.example";"x")', failed: ["staff"], effort: 1 } });
const wide = (await call("GET", "/api/v1/surveys/compra/responses")).text.split("\r\n");
must(wide[0].endsWith("partial,recommend,why,failed,failed.other,effort") && wide.length === 5 && wide.some((line) => line.includes("price; other,La <i>caja</i>,2")), `wide: ${wide.join("|")}`);
must((await call("GET", "/api/v1/exports/responses?survey=compra&format=csv")).text.includes(",recommend,nps,1,-1,"), "a negative number is a number");
must(wide.some((line) => line.includes(`"'=HYPERLINK(""http`)), "formulas are defused");
const table = (await call("GET", "/api/v1/surveys/compra/responses?shape=long")).text.split("\r\n");
must(table[0].endsWith("time,submission,survey,version,question,metric,value,points,language,customer,channel,touchpoint,unit,partial,scale") && table.filter((line) => line.includes(",recommend,nps,")).length === 3, "long");
must((await call("GET", "/api/v1/exports/responses?survey=corta&format=jsonl")).text.trim().split("\n").every((line) => JSON.parse(line).survey === "corta"), "and as an export of all");

const perVersion = (await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "compra", by: "version" })).json.data;
must(perVersion.length && perVersion.every((row) => row.by >= 1), `a score by version: ${JSON.stringify(perVersion)}`);
const micro = await Promise.all(Array.from({ length: 700 }, () => fetch(`http://127.0.0.1:${server.port}/v1/surveys?writeKey=${keys.write_key}`).then((one) => one.status)));
must(micro.every((status) => status === 200), "this machine may ask for micro-surveys");

const before = await responses();
await server.end("SIGKILL");
server = await serve(data, log);
must((await responses()) === before, "what was thanked for is there after kill -9");
must((await page("/s/corta")).status === 410, "and closed stays closed");

// A flood from one address is slowed down, everybody else and this machine are not.
const from = (address) => page("/s/cupo", { method: "POST", headers: { "content-type": "application/json", ...(address && { "x-forwarded-for": address }) }, body: "{}" });
const flood = async (n, address) => (await Promise.all(Array.from({ length: n }, () => from(address)))).filter((answer) => answer.status === 429).length;
must((await flood(700)) === 0, "this machine may load a survey");
await server.end("SIGTERM");
server = await serve(data, log, ["--trusted-proxy", "127.0.0.1"]);
must((await flood(550, "198.51.100.7")) === 0, "a hall of visitors behind one address passes");
must((await flood(350, "198.51.100.7")) > 50, "a flood does not");
must((await flood(1, "198.51.100.8")) === 0, "and holds up nobody else");
const slowed = await Promise.all(Array.from({ length: 900 }, () => fetch(`http://127.0.0.1:${server.port}/v1/surveys?writeKey=${keys.write_key}`, { headers: { "x-forwarded-for": "198.51.100.9" } }).then((one) => one.status)));
must(slowed.slice(0, 500).every((status) => status === 200) && slowed.filter((status) => status === 429).length > 50, "nor may it ask for micro-surveys without end");
await server.end("SIGTERM");
console.log("ok");
