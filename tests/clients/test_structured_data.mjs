// The schema.org data of reviews against validators of others, unmodified from npm: Adobe's structured-data-validator (what search
// engines ask of rich results) and the vocabulary's own types (schema-dts, checked by tsc). For each kind of subject, as JSON and as
// it stands in the widget's page. Each validator has to refuse a document that was spoilt, so it cannot pass by seeing nothing.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, spawnSync, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const senda = process.env.SENDA, modules = join(process.env.BUILD_DIR || tmpdir(), "structured-data");
const packages = ["@adobe/structured-data-validator@1.7.1", "schema-dts@2.1.0", "typescript@7.0.2"];
if (!existsSync(join(modules, "node_modules", "schema-dts"))) {
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "package.json"), '{"private":true,"type":"module"}');
  try {
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", modules, ...packages], { stdio: "inherit" });
  } catch {
    console.log("skipped: the validators cannot be installed");
    process.exit(77);
  }
}
const from = createRequire(join(modules, "x.js"));
const { default: Validator } = await import(pathToFileURL(from.resolve("@adobe/structured-data-validator")));
const scratch = mkdtempSync(join(tmpdir(), "senda-structured-")), data = join(scratch, "data");
let passed = 0, failed = 0;
function check(good, what) {
  if (good) passed++;
  else failed++, console.log("FAILED " + what);
}

const { api_key: key } = JSON.parse(execFileSync(senda, ["init", "--data", data], { stdio: ["ignore", "pipe", "ignore"] }));
const server = spawn(senda, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
const base = await new Promise((resolve) => {
  let text = "";
  server.stdout.on("data", (bytes) => {
    text += bytes;
    const found = text.match(/http:\/\/127\.0\.0\.1:\d+/);
    if (found) resolve(found[0]);
  });
});
const call = async (method, path, body) => (await fetch(base + path, { method, headers: { authorization: `Bearer ${key}` }, body: JSON.stringify(body) })).json();

const kinds = ["product", "service", "unit", "organisation"];
for (const kind of kinds) {
  await call("PUT", `/api/v1/reviews/subjects/${kind}-1`, { kind, title: `Uno de ${kind} "con" <comillas>`, url: `https://tienda.example/${kind}` });
  for (const [i, stars] of [5, 4, 2].entries()) {
    const { id } = await call("POST", "/api/v1/reviews", { subject: `${kind}-1`, stars, title: `Opinión ${i}`, text: `Texto ${i} de ${kind} </script>`, author: `Eva ${i}`, created_at: `2026-01-0${i + 1}T10:00:00Z` });
    await call("PATCH", `/api/v1/reviews/${id}`, { state: "published" });
  }
}
await call("PUT", "/api/v1/reviews/subjects/none", { title: "Sin reseñas" });

/** What search engines would refuse. */
async function errors(document) {
  const validator = new Validator();
  validator.registeredHandlers.Product.length = 1; /* the second one asks for what a shop sells at which price: that is the shop's own page */
  const issues = await validator.validate({ jsonld: { [document["@type"]]: [structuredClone(document)] } });
  return issues.filter((issue) => issue.severity === "ERROR").map((issue) => issue.issueMessage);
}
/** What the vocabulary's types refuse, of all documents at once. */
function mistyped(documents) {
  writeFileSync(join(modules, "documents.ts"), `import type { Thing, WithContext } from "schema-dts";\n` +
    documents.map((document, i) => `export const document${i}: WithContext<Extract<Thing, {"@type": "${document["@type"]}"}>> = ${JSON.stringify(document)};\n`).join(""));
  const run = spawnSync(join(modules, "node_modules", ".bin", "tsc"), ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext", "documents.ts"], { cwd: modules, encoding: "utf8" });
  return run.status === 0 ? "" : run.stdout.slice(0, 600);
}

const documents = [];
for (const kind of kinds) {
  const document = await (await fetch(`${base}/w/reviews/${kind}-1/jsonld`)).json();
  const html = await (await fetch(`${base}/w/reviews/${kind}-1`)).text();
  const inside = JSON.parse(html.match(/<script type="application\/ld\+json">([\s\S]*?)<\/script>/)[1]);
  check(JSON.stringify(inside) === JSON.stringify(document), `${kind}: the page carries the same data`);
  check(document.aggregateRating?.ratingCount === 3 && document.review?.length === 3, `${kind}: all reviews, counted: ${JSON.stringify(document.aggregateRating)}`);
  const found = await errors(document);
  check(found.length === 0, `${kind}: ${found}`);
  documents.push(document);
}
const bare = await (await fetch(`${base}/w/reviews/none/jsonld`)).json();
check(bare.aggregateRating === undefined && !bare.review, "without reviews no rating is claimed");
documents.push(bare);
const wrong = mistyped(documents);
check(wrong === "", `the vocabulary's types: ${wrong}`);

const spoilt = structuredClone(documents[0]);
delete spoilt.aggregateRating.ratingValue;
spoilt.aggregateRating.stars = 4;
check((await errors(spoilt)).length > 0, "the validator sees a missing value");
check(mistyped([spoilt]) !== "", "the types see an unknown member");

const ended = new Promise((resolve) => server.on("exit", resolve));
server.kill("SIGTERM");
await ended;
rmSync(scratch, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
