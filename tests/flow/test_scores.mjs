// Scores through the program: relations, margins, the diary and what a change did, the pages and their files; rights and refusals;
// a restart keeps what is settled.
//
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cookies } from "./operation.mjs";

const senda = process.env.SENDA ?? "build/senda";
const folder = mkdtempSync(join(tmpdir(), "senda-scores-"));
const data = join(folder, "data");
let passed = 0, failed = 0, server, base;

function is(seen, expected, what) {
    if (JSON.stringify(seen) === JSON.stringify(expected)) passed++;
    else {
        failed++;
        console.log(`FAILED: ${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`);
    }
}
const must = (holds, what) => is(Boolean(holds), true, what);
const near = (seen, expected, tolerance, what) => must(Math.abs(seen - expected) <= tolerance, `${what}: ${seen}`);

async function serve() {
    server = spawn(senda, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
    base = await new Promise((resolve) => {
        let text = "";
        server.stdout.on("data", (bytes) => {
            text += bytes;
            const found = text.match(/http:\/\/127\.0\.0\.1:\d+/);
            if (found) resolve(found[0]);
        });
    });
}
process.on("exit", () => server?.kill("SIGKILL"));
const stop = () => new Promise((resolve) => {
    server.on("exit", resolve);
    server.kill("SIGTERM");
});

writeFileSync(join(folder, "password"), "una frase larga y segura");
const keys = JSON.parse(execFileSync(senda, ["init", "--data", data, "--name", "Prueba", "--admin-email", "ana@example.org",
    "--admin-password-file", join(folder, "password")], { stdio: ["ignore", "pipe", "ignore"] }));
await serve();

async function call(method, path, body, headers = {}) {
    const answer = await fetch(base + path, { method, headers: { authorization: `Bearer ${keys.api_key}`, ...headers }, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, etag: answer.headers.get("etag"), text, json: text && answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : null };
}
const query = async (question) => (await call("POST", "/api/v1/query", question)).json;
const fault = (answer) => [answer.status, answer.json?.errors?.[0]?.pointer];

// Two shops with faces every day: from the 60th day on, "leon" pleases more; everybody is more pleased in the second half.
const batch = [], now = Date.now();
for (let day = 0; day < 120; day++)
    for (const [unit, gain] of [["leon", day >= 60 ? 0.3 : 0], ["soria", 0], ["burgos", 0]])
        for (let i = 0; i < 10; i++) {
            const happy = (i + 0.5) / 10 < 0.5 + gain + (day >= 60 ? 0.1 : 0);
            batch.push({ type: "track", event: "Kiosk Tapped", anonymousId: `${unit}-${day}-${i}`, messageId: `${unit}-${day}-${i}`,
                timestamp: new Date(now - (120 - day) * 864e5 + i * 30 * 60e3).toISOString(), properties: { value: happy ? 3 : 1, scale_max: 3 }, context: { unit } });
        }
for (const [survey, score, n] of [["relacional", 9, 40], ["tras llamada", 4, 40], ["panel", 8, 40]])
    for (let i = 0; i < n; i++)
        batch.push({ type: "track", event: "Survey Responded", userId: `u${i}`, messageId: `${survey}-${i}`, timestamp: new Date(now - i * 36e5).toISOString(),
            properties: { survey, metric: "nps", score, age: i % 4 ? "mayor" : "joven", comment: i % 10 ? undefined : `Respuesta número ${i} <b>` } });
for (let at = 0; at < batch.length; at += 2000)
    await fetch(`${base}/v1/batch`, { method: "POST", headers: { authorization: `Basic ${btoa(`${keys.write_key}:`)}` }, body: JSON.stringify({ batch: batch.slice(at, at + 2000) }) });

// Relations.
is((await call("PUT", "/api/v1/scores/surveys/relacional", { relation: "relational" })).status, 200, "a survey is relational");
is((await call("PUT", "/api/v1/scores/surveys/tras%20llamada", { relation: "transactional" })).json, { survey: "tras llamada", relation: "transactional" }, "another is not");
await call("PUT", "/api/v1/scores/surveys/panel", { relation: "rivals" });
is(fault(await call("PUT", "/api/v1/scores/surveys/panel", { relation: "friends" })), [422, "/relation"], "no such relation");
is((await call("GET", "/api/v1/scores/surveys")).json.data.length, 3, "three are classed");
is((await query({ kind: "score", metric: "nps", relation: "relational" })).data[0].value, 100, "relational by itself");
is((await query({ kind: "score", metric: "nps" })).data[0].n, 80, "rivals are not one's own");
is((await query({ kind: "score", metric: "nps" })).meta.warnings, ["relational_and_transactional"], "a mixture is said");
is(fault(await call("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: ["relacional", "tras llamada"] })), [422, "/survey"], "both at once");

// Margins.
const margins = [{ by: { property: "age" }, shares: { joven: 0.5, mayor: 0.5 } }];
is((await call("PUT", "/api/v1/scores/margins/censo", { margins })).json.margins, margins, "margins are kept");
for (const [body, pointer] of [[{ margins: [{ by: "weather", shares: { a: 1 } }] }, "/margins/0/by"], [{ margins: [] }, "/margins"], [{ margins, more: 1 }, "/more"], [{ margins: [{ by: "channel", shares: { web: "x" } }] }, "/margins/0/shares"]])
    is(fault(await call("PUT", "/api/v1/scores/margins/malo", body)), [422, pointer], `margins refused at ${pointer}`);
const weighted = (await query({ kind: "score", metric: "nps", survey: "relacional", margins: "censo" })).data[0];
must(weighted.n === 40 && weighted.n_eff < 40 && weighted.unweighted === 100 && weighted.unweighted_low < 100, "weighted and unweighted side by side");
is(fault(await call("POST", "/api/v1/query", { kind: "score", metric: "nps", margins: "otro" })), [422, "/margins"], "unknown margins");
is((await call("GET", "/api/v1/scores/margins/otro")).status, 404, "no such margins");

is(fault(await call("PUT", "/api/v1/scores/margins/corto", { margins: [{ by: "channel", shares: { web: 0.5, app: 0.3 } }] })), [422, "/margins/0/shares"], "shares that do not add up to 1");
is((await call("PUT", "/api/v1/scores/margins/personas", { margins: [{ by: { property: "age" }, shares: { joven: 4421, mayor: 755 } }] })).status, 200, "counts need not");
is((await call("DELETE", "/api/v1/scores/margins/personas")).status, 204, "taken away");

// Named staff.
is((await call("GET", "/api/v1/scores/settings")).json, { named_staff: false }, "off by default");
await fetch(`${base}/v1/track`, { method: "POST", headers: { authorization: `Basic ${btoa(`${keys.write_key}:`)}` }, body: JSON.stringify({ userId: "z", event: "Survey Responded", properties: { survey: "z", metric: "csat", score: 5, agent: "Marta" } }) });
is(fault(await call("POST", "/api/v1/query", { kind: "score", metric: "csat", by: { property: "agent" } })), [422, "/by"], "teams, not people");
is((await call("PUT", "/api/v1/scores/settings", { named_staff: true })).json, { named_staff: true }, "an administrator allows it");
is((await query({ kind: "score", metric: "csat", survey: "z", by: { property: "agent" } })).data[0].by, "Marta", "then it is told");

// The diary.
const from = new Date(now - 60 * 864e5).toISOString();
const made = await call("POST", "/api/v1/diary", { unit: "leon", kind: "environment", from, text: "Asientos" });
is([made.status, made.json.unit, made.json.to], [201, "leon", null], "written down");
for (const [body, pointer] of [[{ kind: "environment", from }, "/text"], [{ kind: "weather", from, text: "x" }, "/kind"], [{ unit: "nowhere", kind: "other", from, text: "x" }, "/unit"], [{ kind: "other", from: "ayer", text: "x" }, "/from"],
    [{ kind: "other", from, to: "2001-01-01", text: "x" }, "/to"], [{ kind: "staffing", from, text: "x", number: "dos" }, "/number"], [{ kind: "other", from, text: "x".repeat(600) }, "/text"], [{ kind: "other", from, text: "x", colour: 1 }, "/colour"]])
    is(fault(await call("POST", "/api/v1/diary", body)), [422, pointer], `an entry refused at ${pointer}`);
const effect = (await call("GET", `/api/v1/diary/${made.json.id}/effect?metric=csat&event=Kiosk%20Tapped`)).json;
near(effect.change.value, 0.4, 0.03, "before and after");
near(effect.others_change.value, 0.1, 0.03, "the others gained too");
near(effect.effect.value, 0.3, 0.03, "what it did beyond them");
must(effect.effect.low > 0.2 && effect.effect.p < 0.001 && effect.others === 2, "that is no chance");
near(effect.activity.ratio.value, 1, 1e-9, "as many taps as before");
is(fault(await call("GET", `/api/v1/diary/${made.json.id}/effect?event=Nothing`)), [422, "/event"], "an event that nobody sent");
is(fault(await call("GET", `/api/v1/diary/${made.json.id}/effect?days=3`)), [422, "/days"], "too few days");
is((await call("PUT", `/api/v1/diary/${made.json.id}`, { unit: "leon", kind: "environment", from, text: "Asientos y café" }, { "if-match": '"old"' })).status, 412, "another has changed it");
is((await call("PUT", `/api/v1/diary/${made.json.id}`, { unit: "leon", kind: "environment", from, text: "Asientos y café" })).json.text, "Asientos y café", "changed");
is((await call("GET", "/api/v1/diary?unit=soria")).json.data, [], "by unit");

// What is kept of all answers (asked for or not) is counted again as soon as one arrives.
const send = (events) => fetch(`${base}/v1/batch`, { method: "POST", headers: { authorization: `Basic ${btoa(`${keys.write_key}:`)}` }, body: JSON.stringify({ batch: events }) });
const flaggedOf = async () => (await query({ kind: "score", metric: "nps", survey: "tienda" })).data[0];
const told = (n, comment) => ({ type: "track", event: "Survey Responded", userId: `k${n}`, messageId: `k${n}`, timestamp: new Date(now - 3600e3).toISOString(), properties: { survey: "tienda", metric: "nps", score: 10, comment }, context: { unit: "soria" } });
await send(Array.from({ length: 8 }, (_, n) => told(n, "Me han atendido muy bien")));
is([(await flaggedOf()).n, (await flaggedOf()).flagged], [8, 0], "nobody was asked for a score");
await send(Array.from({ length: 8 }, (_, n) => told(100 + n, "Me pidieron un 10")));
is([(await flaggedOf()).n, (await flaggedOf()).flagged], [0, 16], "half of a centre's were: its others cannot be told apart");
is([(await flaggedOf()).n, (await flaggedOf()).flagged], [0, 16], "the same when it is asked again");
is((await query({ kind: "score", metric: "nps", survey: "tienda", flagged: "include" })).data[0].n, 16, "with those that were asked for");

// A unit with everything below it.
is((await call("POST", "/api/v1/units", { name: "castilla", title: "Castilla" })).status, 201, "a unit above others");
for (const name of ["leon", "soria"])
    await call("POST", "/api/v1/units", { name, title: `Tienda ${name}`, parent: "castilla" });

// Pages and files.
let jar = "";
async function page(path, options = {}) {
    const answer = await fetch(base + path, { redirect: "manual", ...options, headers: { cookie: jar, "accept-language": "es", ...options.headers } });
    jar = [jar, ...cookies(answer)].filter(Boolean).join("; ");
    return { status: answer.status, text: await answer.text(), type: answer.headers.get("content-type") };
}
const gate = await page("/sign-in");
await page("/sign-in", { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ csrf: gate.text.match(/name="csrf" value="([^"]*)"/)?.[1] ?? "", email: "ana@example.org", password: "una frase larga y segura" }) });
const scores = await page("/scores?metric=csat");
must(scores.status === 200 && scores.text.includes("leon") && /No es una clasificación|el orden es real/.test(scores.text), "the page of scores");
must(/<a class="row-link" href="[^"]*survey=relacional">relacional<\/a>/.test(scores.text), "surveys that were imported go by their name");
const answers = await page("/scores/answers?metric=nps&survey=relacional&text=NUMERO%2030");
must(answers.status === 200 && answers.text.includes("Respuesta número 30 &lt;b&gt;") && !answers.text.includes("número 20"), "answers are found by their words");
const file = await page("/scores/answers.csv?metric=nps&survey=relacional&words=1");
must(file.type.startsWith("text/csv") && file.text.split("\r\n").length === 4 + 2 && file.text.startsWith("time,customer,channel"), "answers as a file");
const below = await page("/scores?metric=csat&unit=castilla");
must(below.text.includes("unit=leon") && below.text.includes("unit=soria") && !below.text.includes("unit=burgos"), "the page of a unit has those below it");
must(below.text.includes(">Tienda leon</a>"), "under the names that people give them");
must(/<option value="castilla" selected>Castilla<\/option>/.test(below.text), "and says which");
must((await page("/scores/answers?metric=nps&survey=tienda&unit=castilla&flagged=1")).text.includes("Me pidieron un 10"), "and so do its answers");
must(!(await page("/scores/answers?metric=nps&survey=tienda&unit=burgos&flagged=1")).text.includes("Me pidieron un 10"), "another has none of them");
must((await page("/scores.csv?metric=csat&view=unit")).text.includes("leon"), "scores as a file");
must((await page("/scores/people?metric=csat&by=unit&group=leon")).text.includes("customers/c_"), "the customers behind a number");
const entryPage = (await page(`/diary/${made.json.id}?unit=soria`)).text;
must(entryPage.includes("Asientos y café") && /<p class="lead">Tienda leon · .* · \d/.test(entryPage), "the page of an entry says where and since when");

// Splits: a property, countries each by itself, what brought its own weight; the people behind each group.
await send(Array.from({ length: 80 }, (_, n) => ({ type: "track", event: "Survey Responded", userId: `w${n}`, messageId: `w${n}`, timestamp: new Date(now - (n % 60) * 864e5).toISOString(),
    properties: { survey: "mundo", metric: "nps", score: n < 40 ? 10 : 7, pais: n < 40 ? "ES" : "JP", floor: n % 2, weight: n < 40 ? 1 : 3, agent: "Marta" } })));
const world = await page("/scores?metric=nps&survey=mundo&period=90d&split_kind=property&split_name=pais&margins=%40weight");
must(world.text.includes("No se clasifica por país") && world.text.includes("Cada país por sí mismo"), "countries are not ranked");
is((world.text.match(/<svg class="columns"/g) ?? []).length, 2, "each has its distribution");
must(/aria-label="Distribución[^"]*10: 40"/.test(world.text) && (world.text.match(/class="chart-figure"/g) ?? []).length === 3, "and its trend");
must(/<p class="figure-value">25<\/p>/.test(world.text) && /sin ponderar<?[^<]*<b>50<\/b>/.test(world.text), "weighted by what answers brought, and unweighted");
const titled = await Promise.all([["u-1", "España"], ["u-2", "Francia"]].map(([name, title]) => call("POST", "/api/v1/units", { name, title })));
must(titled.every((answer) => answer.status === 201), "units with titles");
await send(Array.from({ length: 80 }, (_, n) => ({ type: "track", event: "Survey Responded", userId: `c${n}`, messageId: `c${n}`, properties: { survey: "paises", metric: "nps", score: n < 40 ? 10 : 2 }, context: { unit: n < 40 ? "u-1" : "u-2" } })));
is((await query({ kind: "score", metric: "nps", survey: "paises", by: "unit" })).meta.comparison.ranking, { allowed: false, reason: "countries" }, "units that are countries are not ranked");
const floors = await page("/scores?metric=nps&survey=mundo&period=90d&split_kind=property&split_name=floor");
const behind = floors.text.match(/href="(\/scores\/people[^"]*by=property[^"]*plain=1)"/)[1].replaceAll("&amp;", "&");
is(((await page(behind)).text.match(/customers\/c_/g) ?? []).length > 10, true, "the people behind a group of numbers");
await call("PUT", "/api/v1/scores/settings", { named_staff: false });
must((await page("/scores?metric=nps&survey=mundo&split_kind=property&split_name=agent")).text.includes("la unidad es el equipo"), "named staff are refused with the reason");
await call("PUT", "/api/v1/scores/settings", { named_staff: true });
must((await page("/scores?metric=nps&survey=mundo&split_kind=trait&split_name=nothing")).text.includes("No se conoce «nothing» como atributo."), "an unknown trait is said");

// Forms: margins (another row, the values that answers have, what is wrong, kept), named staff, the diary.
const csrf = (await page("/scores/settings")).text.match(/name="csrf" value="([^"]*)"/)[1];
const post = (path, fields) => page(path, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ csrf, ...fields }) });
const typed = (age, more = {}) => ({ fresh: "1", name: "Por edad", by0: "property", of0: "age", c0_0: "joven", s0_0: "48,5", c0_1: "mayor", s0_1: age, do: "save", ...more });
for (const [fields, words] of [[typed("50"), "suman 100 %"], [typed("x"), "son porcentajes"], [typed("51,5", { name: "" }), "Ponles un nombre"], [typed("51,5", { c0_1: "joven" }), "dos veces"], [typed("51,5", { of0: "" }), "qué propiedad"], [typed("51,5", { name: "censo" }), "con ese nombre"]]) {
    const refused = await post("/scores/margins", fields);
    must(refused.status === 422 && refused.text.includes(words) && refused.text.includes('value="48,5"'), `a form refused: ${words}`);
}
const filled = await post("/scores/margins", { fresh: "1", name: "", by0: "property", of0: "age", c0_0: "joven", s0_0: "48,5", do: "fill-0" });
must(filled.status === 200 && /value="mayor"/.test(filled.text) && /75\s%/.test(filled.text) && filled.text.includes('value="48,5"'), "the values of the answers stand beside what is typed");
is((filled.text.match(/name="c0_/g) ?? []).length, 3, "three rows");
is(((await post("/scores/margins", { ...typed("51,5"), do: "row-0" })).text.match(/name="c0_/g) ?? []).length, 5, "three more");
must((await post("/scores/margins", { ...typed("51,5"), do: "variable" })).text.includes('name="by1"'), "another variable");
is((await post("/scores/margins", typed("51,5"))).status, 303, "kept");
const kept = (await call("GET", "/api/v1/scores/margins/Por%20edad")).json.margins[0];
must(kept.by.property === "age" && Math.abs(kept.shares.joven - 0.485) < 1e-12, "as shares of one");
must((await page("/scores/margins/Por%20edad")).text.includes('value="48,5"'), "and shown in percent again");
must(/Ponderado según/.test((await page("/scores?metric=nps&survey=relacional&margins=Por%20edad")).text), "a score is weighted to them");
is([(await post("/scores/margins/Por%20edad/remove", {})).status, (await call("GET", "/api/v1/scores/margins/Por%20edad")).status], [303, 404], "removed by the page");
await post("/scores/staff", { named_staff: "0" });
is((await call("GET", "/api/v1/scores/settings")).json.named_staff, false, "named staff are off again");
await post("/scores/staff", { named_staff: "1" });
const day = (offset) => new Date(Date.parse(from) + offset * 864e5).toISOString().slice(0, 10);
must((await page(`/diary/${made.json.id}/edit`)).text.includes('value="Asientos y café"'), "an entry is edited");
is((await post(`/diary/${made.json.id}`, { unit: "leon", kind: "environment", from: day(0), to: day(-3), text: "Asientos" })).status, 422, "an end before the beginning");
is((await post(`/diary/${made.json.id}`, { unit: "soria", kind: "works", from: day(-5), text: "Asientos y café", number: "3" })).status, 303, "changed by the form");
const changed = (await call("GET", `/api/v1/diary/${made.json.id}`)).json;
is([changed.unit, changed.kind, changed.number], ["soria", "works", 3], "as it was typed");
await post(`/diary/${made.json.id}`, { unit: "leon", kind: "environment", from: day(-5), text: "Asientos y café" });
const extra = (await call("POST", "/api/v1/diary", { kind: "other", from, text: "Por error" })).json;
const gone = await fetch(`${base}/diary/${extra.id}/remove`, { method: "POST", redirect: "manual", headers: { cookie: jar, "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ csrf }) });
const undo = await page(gone.headers.get("location"));
must(undo.text.includes("Entrada quitada: Por error") && (await call("GET", `/api/v1/diary/${extra.id}`)).status === 404, "removed, with a way back");
const fieldsBack = Object.fromEntries([...undo.text.matchAll(/type="hidden" name="(text|kind|from)" value="([^"]*)"/g)].map((match) => [match[1], match[2]]));
is((await post("/diary", fieldsBack)).status, 303, "undone");
const back = (await call("GET", "/api/v1/diary")).json.data.find((entry) => entry.text === "Por error");
is([back.kind, Date.parse(back.from)], ["other", Date.parse(from)], "the same entry, to the millisecond");
await call("DELETE", `/api/v1/diary/${back.id}`);

// ---- a scale of one's own is a score like the others ----
await send([3, 5, 8].map((value, i) => ({ type: "track", userId: `own${i}`, event: "Survey Responded", timestamp: from, properties: { survey: "casa", metric: "amabilidad", scale_max: 7, value } })));
await page("/scores?period=all");
const ownList = (await page("/scores?period=all")).text, ownScore = (await page("/scores?period=all&metric=amabilidad&survey=casa")).text;
must(ownList.includes("metric=amabilidad&amp;survey=casa") && ownScore.includes("aria-current=\"true\"") && ownScore.includes("fuera de su escala"), "it is listed, and says what does not count");
must((await page("/scores/answers?period=all&metric=amabilidad&survey=casa")).text.match(/href="\/customers\/c_/g)?.length === 2, "its answers");
must((await page("/scores/answers?period=all&metric=amabilidad&survey=casa&outside=1")).text.match(/href="\/customers\/c_/g)?.length === 1, "and those outside");

await stop();
// a command ends at once; what it asked about people is in the audit, whose chain stays whole
for (let i = 0; i < 5; i++) must(JSON.parse(execFileSync(senda, ["query", "-", "--data", data], { input: JSON.stringify({ kind: "answers", metric: "nps" }), encoding: "utf8" })).data.length > 0, "answers by command");
await serve();
must((await call("GET", "/api/v1/audit/check")).json.intact, "the audit is whole");
is([(await call("GET", "/api/v1/diary")).json.data.length, (await call("GET", "/api/v1/scores/margins")).json.data.length, (await call("GET", "/api/v1/scores/settings")).json.named_staff], [1, 1, true], "a restart keeps them");
is([(await call("DELETE", `/api/v1/diary/${made.json.id}`)).status, (await call("GET", `/api/v1/diary/${made.json.id}`)).status], [204, 404], "removed");
is([(await call("DELETE", "/api/v1/scores/margins/censo")).status, (await call("DELETE", "/api/v1/scores/margins/censo")).status], [204, 404], "margins removed");
await stop();
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
