// Responses out and in again: a survey of two versions and of most types is answered, exported wide and long, and imported into empty
// folders without a map, as the proposed map says; the scores are the same.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, senda, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-responses-")), data = join(scratch, "data");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data), server = await serve(data, join(scratch, "log"));
async function call(method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers: { authorization: `Bearer ${keys.api_key}` }, body: body && JSON.stringify(body) });
  must(answer.status < 300, `${path}: ${answer.status} ${method === "GET" ? "" : await answer.clone().text()}`);
  return answer.text();
}
const definition = (points) => ({ title: "Visita", languages: ["es", "en"], touchpoint: "Salida", pages: [{ id: "p", questions: [
  { id: "recommend", type: "nps", text: "¿Nos recomendarías?" }, { id: "talk", type: "csat", points, text: "¿Qué tal?" }, { id: "ease", type: "ces", text: "¿Fácil?" },
  { id: "why", type: "long_text", text: "¿Por qué?" }, { id: "failed", type: "choices", other: true, text: "¿Qué falló?", options: [{ id: "1", text: "La cola" }, { id: "2", text: "El precio" }] },
  { id: "order", type: "ranking", text: "Ordena", options: [{ id: "x", text: "X" }, { id: "y", text: "Y" }] }, { id: "parts", type: "matrix", text: "Partes", scale: [1, 5], rows: [{ id: "a", text: "A" }] },
  { id: "age", type: "number", text: "Edad" }, { id: "ok", type: "consent", text: "¿Sí?" }] }] });
await call("POST", "/api/v1/surveys", { id: "visita", definition: definition(5) });
for (const [version, points] of [[1, 5], [2, 7]]) {
  await call("PUT", "/api/v1/surveys/visita", { definition: definition(points) });
  await call("POST", "/api/v1/surveys/visita/publish", {});
  for (let i = 0; i < 12; i++)
    await call("POST", "/api/v1/surveys/visita/responses", { submission: `s${version}-${i}`, time: `2026-0${version}-1${i % 9}T10:00:00Z`, anonymous_id: i % 3 ? undefined : `u${i}`, channel: i % 2 ? "email" : "sms", language: i % 2 ? "es" : "en",
      ...(i === 11 ? { partial: true } : {}), answers: { recommend: (i * 7) % 11, talk: 1 + (i % points), ease: 1 + (i % 7), ...(i % 2 ? { why: i === 3 ? "=1+1; \"raro\", sí" : `Por ${i}` } : {}), failed: i % 3 ? ["1"] : ["2", "other"],
        ...(i % 3 ? {} : { "failed.other": "El ruido" }), order: i % 2 ? ["x", "y"] : ["y", "x"], parts: { a: 1 + (i % 5) }, age: 20 + i, ok: i % 2 === 0 } });
}
const QUESTIONS = [{ kind: "score", metric: "nps" }, { kind: "score", metric: "csat", by: "version" }, { kind: "score", metric: "ces", every: "month" }, { kind: "score", metric: "rating", survey: "visita", question: "parts.a" }, { kind: "score", metric: "nps", by: "channel" },
  { kind: "score", metric: "nps", by: "touchpoint" }, { kind: "score", metric: "nps", by: { property: "language" } }].map((one) => ({ response_rate: false, ...one }));
const query = (folder, question) => JSON.parse(succeed("query", "-", "--data", folder, { input: JSON.stringify(question) })).data;
const rows = async (shape) => (await call("GET", `/api/v1/surveys/visita/responses?shape=${shape}`)).replace(/^\ufeff/, "").split("\r\n");
const wide = await call("GET", "/api/v1/surveys/visita/responses?shape=wide"), long = await call("GET", "/api/v1/surveys/visita/responses?shape=long");
const known = QUESTIONS.map((question) => query(data, question)), lines = await rows("long");
must(known[0][0].n === 24 && known[1].length === 2, `answered: ${JSON.stringify(known.slice(0, 2))}`);
await server.end("SIGTERM");

for (const [shape, text] of [["wide", wide], ["long", long]]) {
  const file = join(scratch, `${shape}.csv`), folder = join(scratch, shape);
  writeFileSync(file, text);
  make(folder);
  const guessed = senda("import", "--guess", file), map = JSON.parse(guessed.stdout);
  must(guessed.status === 0 && /--format responses-csv/.test(guessed.stderr) && map.survey.column === "survey" && map.answers.length >= (shape === "wide" ? 10 : 1), `proposed: ${guessed.stdout.slice(0, 600)}`);
  const told = JSON.parse(succeed("import", file, "--format", "responses-csv", "--data", folder));
  must(told.accepted === 24 && told.rejected === 0, `${shape} without a map: ${JSON.stringify(told)}`);
  must(JSON.parse(succeed("import", file, "--format", "responses-csv", "--data", folder)).accepted === 0, "again it adds nothing");
  QUESTIONS.forEach((question, i) => {
    const found = query(folder, question);
    must(JSON.stringify(found) === JSON.stringify(known[i]), `${shape}: ${JSON.stringify(question)}: ${JSON.stringify(found)} instead of ${JSON.stringify(known[i])}`);
  });
  const parts = (text) => text.split("\r\n").slice(1).filter(Boolean).map((line) => line.split(",").filter((cell) => !/^c_\d|^s\d-/.test(cell)).join()).sort().join("\n");
  must(parts(succeed("export", "responses", "--data", folder, "--format", "csv")) === parts(long), `${shape}: every answer as it was, words too`);
  if (shape === "long") continue;
  const kept = join(scratch, `${shape}.map.json`), second = join(scratch, `${shape}-by-map`);
  writeFileSync(kept, JSON.stringify(map));
  make(second);
  succeed("import", file, "--format", "responses-csv", "--map", kept, "--data", second);
  must(JSON.stringify(query(second, QUESTIONS[1])) === JSON.stringify(known[1]), `${shape} by the proposed map`);
}
// Rows of a submission need not stand together: a file sorted by question, as a spreadsheet leaves it.
const [head, ...cut] = long.split("\r\n"), scattered = join(scratch, "scattered.csv"), by = head.replace(/^\ufeff/, "").split(",").indexOf("question");
writeFileSync(scattered, [head, ...cut.filter(Boolean).sort((a, b) => (a.split(",")[by] < b.split(",")[by] ? -1 : 1))].join("\r\n"));
const apart = join(scratch, "apart");
make(apart);
const gathered = JSON.parse(succeed("import", scattered, "--format", "responses-csv", "--data", apart));
must(gathered.accepted === 24 && gathered.read === 24, `scattered rows are the same responses: ${JSON.stringify(gathered)}`);
QUESTIONS.forEach((question, i) => must(JSON.stringify(query(apart, question)) === JSON.stringify(known[i]), `scattered: ${JSON.stringify(question)}`));

const foreign = join(scratch, "foreign.csv");
writeFileSync(foreign, "who,when,score\n1,2026-01-01,9\n");
must(senda("import", foreign, "--format", "responses-csv", "--data", data).status === 4 || senda("import", foreign, "--format", "responses-csv", "--data", data).status === 1, "another's file needs a map");
console.log("ok");
