// Reviews from end to end: written by API, form, signed link and file; decided, taken back, answered, voted; shown to other sites
// with structured data; still there after kill -9; and what makes no sense is refused.
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, must, serve } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-reviews-")), data = join(scratch, "data"), log = join(scratch, "log");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const keys = make(data);
let server = await serve(data, log);
const here = () => `http://127.0.0.1:${server.port}`;

async function call(method, path, body, key = keys.api_key) {
  const answer = await fetch(here() + path, { method, headers: { authorization: "Bearer " + key, "content-type": "application/json" }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text ? JSON.parse(text) : null };
}
const form = (path, fields, headers = {}) => fetch(here() + path, { method: "POST", redirect: "manual", headers, body: new URLSearchParams(fields) });
const one = async (id) => (await call("GET", `/api/v1/reviews/${id}`)).json;

// what is rated, and who bought it
must((await call("PUT", "/api/v1/reviews/subjects/P 1", { kind: "product", title: "Router <b>", url: "https://shop.example/p1" })).status === 201, "a subject is made");
must((await call("PUT", "/api/v1/reviews/subjects/x", { kind: "thing" })).json.errors[0].pointer === "/kind", "a kind is one of four");
const bought = new Date(Date.now() - 10 * 864e5).toISOString();
await call("POST", "/v1/batch", { batch: [{ type: "track", event: "Order Completed", userId: "u1", messageId: "o1", timestamp: bought, properties: { products: [{ product_id: "P 1" }] } }] }, keys.write_key);

// by the API
const unhappy = (await call("POST", "/api/v1/reviews", { subject: "P 1", stars: 1, text: "Malo <script>alert(1)</script>", author: "</script><b>Eva", customer: "u1" })).json;
must(unhappy.verified && unhappy.within_30_days && unhappy.state === "waiting" && unhappy.counted, "verified by the timeline, and counted at once");
must((await call("POST", "/api/v1/reviews", { subject: "nothing", stars: 3 })).json.errors[0].pointer === "/subject", "an unknown subject has its pointer");
must((await call("POST", "/api/v1/reviews", { subject: "P 1", stars: 6 })).json.errors[0].pointer === "/stars", "six stars have theirs");
must((await call("POST", "/api/v1/reviews", { subject: "P 1", stars: 3, text: "a".repeat(6000) })).json.errors[0].pointer === "/text", "a long text has its");
must((await call("POST", "/api/v1/reviews", { subject: "P 1", stars: 3, txt: "a" })).status === 422, "a misspelt member is none");

// by the form: GET records nothing, POST once
for (let i = 0; i < 3; i++) must((await fetch(`${here()}/w/review/P%201?stars=5`)).status === 200, "the form is shown");
must((await call("GET", "/api/v1/reviews?limit=200")).json.data.length === 1, "looking at a form writes nothing");
must((await form("/w/review/P%201", { stars: "5", text: "Bien" })).status === 303, "a form is taken");
must((await form("/w/review/P%201", { stars: "", text: "Bien" })).status === 422, "stars are needed");
must((await form("/w/review/P%201", { stars: "4", website: "x" })).status === 422, "what machines fill in is refused");
must((await form("/w/review/P%201", { stars: "5", text: "a".repeat(1e6) })).status === 413, "a megabyte of text is too large");
must((await form("/w/review/P%201", { stars: "5" }, { origin: "https://other.example" })).status === 403, "other sites cannot send our form");
must((await fetch(`${here()}/w/review/nothing`)).status === 404, "nothing else has a form");

// by a link, once
const link = new URL((await call("POST", "/api/v1/reviews/links", { subject: "P 1", customer: "u1", months: 6 })).json.url);
must((await form(link.pathname + link.search, { stars: "2", text: "Después de medio año" })).status === 303, "a link writes a review");
must((await form(link.pathname + link.search, { stars: "5" })).status === 409, "and no second one");
must((await form(link.pathname + "?link=" + link.searchParams.get("link").replace(/.$/, "_"), { stars: "5" })).status === 422, "a forged link writes none");
const again = (await call("GET", "/api/v1/reviews?customer=u1")).json.data.find((row) => row.origin === "link");
must(again.months === 6 && again.invited && again.verified, "it says that it was asked for, and when");

// decisions, taken back, answered; audited
must((await call("PATCH", `/api/v1/reviews/${unhappy.id}`, { state: "refused", reason: "unhappy" })).json.errors[0].pointer === "/reason", "being unhappy is no reason");
must((await call("PATCH", `/api/v1/reviews/${unhappy.id}`, { state: "refused", reason: "insult" })).json.counted === false, "what is refused does not count");
must((await call("GET", "/api/v1/reviews/subjects/P 1")).json.refusals.insult === 1, "how many were refused is told by reason");
must((await call("POST", `/api/v1/reviews/${unhappy.id}/undo`, {})).json.state === "waiting", "a decision is taken back");
for (const row of (await call("GET", "/api/v1/reviews?limit=200")).json.data) await call("PATCH", `/api/v1/reviews/${row.id}`, { state: "published" });
must((await call("PUT", `/api/v1/reviews/${unhappy.id}/reply`, { text: "Lo sentimos" })).json.reply.text === "Lo sentimos", "the organisation answers");

// what other sites see
const shown = await fetch(`${here()}/w/reviews/P%201?lang=es`), page = await shown.text();
must(shown.headers.get("content-security-policy").includes("frame-ancestors *") && !shown.headers.has("x-frame-options"), "any site may frame it");
must(!page.includes("<script>alert") && !page.includes("</script><b>") && page.includes("&lt;script&gt;alert"), "texts stay texts, in HTML and in structured data");
const inside = JSON.parse(page.match(/<script type="application\/ld\+json">(.*?)<\/script>/s)[1]);
const ld_text = await (await fetch(`${here()}/w/reviews/P%201/jsonld`)).text(), ld = JSON.parse(ld_text);
must(!/[<>&]/.test(ld_text), "a server may put it into a script element as it is");
must(ld["@type"] === "Product" && ld.name === "Router <b>" && ld.aggregateRating.ratingCount === 3 && ld.aggregateRating.ratingValue === 2.67, "the rating of all, happy or not");
must(ld.aggregateRating.bestRating === 5 && ld.review.every((review) => review["@type"] === "Review" && review.author["@type"] === "Person" && review.author.name && review.reviewRating["@type"] === "Rating" && !Number.isNaN(Date.parse(review.datePublished))), "and reviews as schema.org has them");
must(JSON.stringify(inside) === JSON.stringify(ld), "the page holds the same");
const vote = (helpful) => fetch(`${here()}/w/reviews/P%201/${unhappy.id}/vote`, { method: "POST", headers: { origin: "https://shop.example", "content-type": "application/json" }, body: JSON.stringify({ helpful }) });
const now = await fetch(`${here()}/api/v1/reviews/${unhappy.id}`, { headers: { authorization: "Bearer " + keys.api_key } });
const change = (etag) => fetch(now.url, { method: "PATCH", headers: { authorization: "Bearer " + keys.api_key, "if-match": etag }, body: JSON.stringify({ state: "published" }) });
must((await change(now.headers.get("etag"))).status === 200 && (await change('"other"')).status === 412, "a change says what it changes");
const first = await vote(true), second = await (await vote(true)).json();
must(first.headers.get("access-control-allow-origin") === "https://shop.example" && second.helpful === 1 && second.changed === false, "a visitor votes once, from any site");
must((await (await vote(null)).json()).helpful === 0, "and takes it back");
must((await fetch(`${here()}/w/reviews/P%201/data?sort=suspicious`)).status === 422, "suspicion is not for everybody");
const open = await (await fetch(`${here()}/w/reviews/P%201/data`)).json();
must(!JSON.stringify(open).includes("suspicion") && !JSON.stringify(open).includes("customer"), "nor who somebody is");
must((await fetch(`${here()}/w/reviews.js`)).headers.get("cross-origin-resource-policy") === "cross-origin", "the script loads anywhere");

// a file, twice
const file = join(scratch, "r.csv"), map = join(scratch, "map.json");
writeFileSync(file, "producto;estrellas;opinion;autor;fecha;estado\nP 1;4;Correcto;Ana;03/02/2026;published\nP 9;9;Fuera de escala;Ana;03/02/2026;\nP 9;2,5;Regular;;04/02/2026;\n");
const senda = (...args) => execFileSync(process.env.SENDA, args, { stdio: ["ignore", "pipe", "ignore"] }).toString();
writeFileSync(map, senda("import", "--guess", file));
for (const accepted of [2, 0]) {
  const result = JSON.parse(senda("import", file, "--data", data, "--format", "reviews-csv", "--map", map));
  must(result.accepted === accepted && result.rejected === 1, `a file brings ${accepted}`);
}
must((await call("GET", "/api/v1/reviews?limit=200")).json.data.length === 5, "its rows are reviews");
must((await call("GET", "/api/v1/reviews/subjects/P 9")).json.average === 2.5, "what it rates appears by itself");

// somebody of one unit sees that unit's
await call("POST", "/api/v1/units", { name: "Soria" });
const there = (await call("POST", "/api/v1/reviews", { subject: "Soria", stars: 4 })).json;
const local = (await call("POST", "/api/v1/keys", { name: "soria", scopes: ["query"], units: ["Soria"] })).json.secret;
const seen = (await call("GET", "/api/v1/reviews", null, local)).json.data;
must(seen.length === 1 && seen[0].id === there.id, "only its own");
must((await call("GET", `/api/v1/reviews/${unhappy.id}`, null, local)).status === 404, "and not another's");

await server.end("SIGKILL");
server = await serve(data, log);
const after = await one(unhappy.id);
must(after.reply.text === "Lo sentimos" && after.state === "published", "all is there after kill -9");
must((await call("GET", "/api/v1/reviews?limit=200")).json.data.length === 6, "each once");
const csv = senda("export", "reviews", "--data", data, "--format", "csv").trim().split("\n");
must(csv.length === 7 && csv[0].includes("within_30_days"), "and can be exported");
const score = (await call("POST", "/api/v1/query", { kind: "score", metric: "rating" })).json.data[0];
must(score.n === 6, "their stars are answers of the metric rating");
await server.end("SIGTERM");
