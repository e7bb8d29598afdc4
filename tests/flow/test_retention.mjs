// Whole interactions go when they are older than their kind is kept: said before, gone from timelines, exports, log and index, through restarts and reindex;
// what is kept stays as it was, what comes late is refused with its reason, and what had been there is known again.
// SPDX-License-Identifier: GPL-3.0-or-later
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, must, pause, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-retention-")), data = join(scratch, "data"), password = "a long enough secret";
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), password);
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, join(scratch, "log"));
const api = (method, path, body) => ask(server, method, `/api/v1${path}`, keys, body);
const send = async (...batch) => (await ask(server, "POST", "/v1/batch", keys, { batch })).json;
const day = (ago) => new Date(Date.now() - ago * 864e5).toISOString();
const event = (userId, name, ago, channel, properties = {}) => ({ type: "track", event: name, userId, messageId: `${userId}-${name}-${ago}`, timestamp: day(ago), properties, context: { channel } });

const history = [{ type: "identify", userId: "eva", messageId: "eva", timestamp: day(900), traits: { plan: "oro" } }];
for (const who of ["eva", "pia"]) for (const ago of [800, 400, 100, 10])
  history.push(event(who, "Page Viewed", ago, "web", { path: `/secreto-${ago}` }), event(who, "Order Completed", ago, "store", { total: 1000 }),
    event(who, "Survey Responded", ago, "email", { survey: "web", answers: [{ question: "recommend", metric: "nps", value: 9 }] }));
must((await send(...history)).rejected.length === 0, "the history is collected");

// Rules, checked.
for (const [body, pointer] of [[{ interactions_days: 0 }, "/interactions_days"], [{ interaction_rules: [{ days: 3 }] }, "/interaction_rules/0"], [{ interaction_rules: [{ event: "A", days: -1 }] }, "/interaction_rules/0/days"],
  [{ interaction_rules: [{ source: "x", days: 1 }] }, "/interaction_rules/0/source"], [{ interaction_rules: [{ evnt: "A" }] }, "/interaction_rules/0/evnt"], [{ interaction_rules: 3 }, "/interaction_rules"]]) {
  const refused = await api("PUT", "/retention", body);
  must(refused.status === 422 && refused.json.errors[0].pointer === pointer, `${JSON.stringify(body)} is refused at ${pointer}: ${refused.text}`);
}
const wanted = { interactions_days: 500, interaction_rules: [{ event: "Page Viewed", days: 90 }, { channel: "store", days: null }] };
const preview = (await api("POST", "/retention/preview", wanted)).json;
must(preview.preview && preview.interactions === 8 && preview.answers === 2 && preview.customers === 2 && preview.first.slice(0, 10) === day(800).slice(0, 10), `said before: ${JSON.stringify(preview)}`);
must((await api("GET", "/retention")).json.interactions_days === null, "a preview changes nothing");
const kept = (await api("PUT", "/retention", wanted)).json;
must(kept.interactions_days === 500 && kept.interaction_rules.length === 2 && kept.interaction_rules[1].days === null && kept.texts_days === null, `rules are kept: ${JSON.stringify(kept)}`);
must(JSON.parse(succeed("retention", "preview", "--data", data, "--json")).interactions === 8 && JSON.parse(succeed("retention", "show", "--data", data, "--json")).interactions_days === 500, "the shell says the same");

// The page says it too, before saving.
const base = `http://127.0.0.1:${server.port}`;
const signIn = await fetch(base + "/sign-in", { method: "POST", redirect: "manual", body: new URLSearchParams({ email: "owner@example.org", password }) });
const headers = { cookie: signIn.headers.get("set-cookie").split(";")[0], "accept-language": "es" };
const page = await (await fetch(`${base}/settings/privacy`, { headers })).text();
must(page.includes('value="Page Viewed"') && page.includes("Interacciones enteras"), "the page shows the rules");
const csrf = /name="csrf" value="([^"]+)"/.exec(page)[1];

// A purpose is added on its page; a refusal loses nothing of what was typed.
const purposePage = (fields) => fetch(`${base}/settings/privacy/purpose`, fields ? { method: "POST", redirect: "manual", headers, body: new URLSearchParams({ csrf, step: "save", basis: "contract", title_es: "Avisar", title_en: "Warning", text_es: "Te avisamos", text_en: "We warn you", ...fields }) } : { headers });
must(/name="title_es"[^>]* value=""/.test(await (await purposePage()).text()), "a form for a new purpose");
const wrongName = await purposePage({ name: "MAL NOMBRE" }), shownAgain = await wrongName.text();
must(wrongName.status === 422 && shownAgain.includes('value="Avisar"') && shownAgain.includes('value="contract" selected') && shownAgain.includes('value="MAL NOMBRE"'), `refused with what was typed: ${wrongName.status}`);
must((await purposePage({ name: "avisos" })).status === 303 && (await api("GET", "/purposes")).json.data.find((one) => one.name === "avisos").text.en === "We warn you", "added");
const form = { csrf, step: "preview", interactions_days: "50", rule_event_0: "Order Completed", rule_days_0: "" };
const looked = await (await fetch(`${base}/settings/privacy/retention`, { method: "POST", headers, body: new URLSearchParams(form) })).text();
must(looked.includes("todavía no ha cambiado nada") && looked.includes('value="Order Completed"') && />12</.test(looked), "it previews what is filled in");
must((await api("GET", "/retention")).json.interactions_days === 500, "and keeps nothing of it");

// The job.
const counts = async () => { const rows = {}; for (const row of (await api("POST", "/query", { kind: "trend", every: "month", by: "event" })).json.data) rows[row.by] = (rows[row.by] ?? 0) + row.value; return Object.entries(rows).sort().map(([name, n]) => `${name} ${n}`).join(", "); };
const orders = async () => JSON.stringify((await api("POST", "/query", { kind: "trend", every: "month", of: { event: "Order Completed" }, measure: "sum", property: "total" })).json.data);
const before = await orders();
must((await api("POST", "/jobs/privacy.retention/run")).status === 202, "the job is asked for");
let state;
for (let i = 0; i < 200 && state?.state !== "done"; i++) { state = (await api("GET", "/jobs")).json.data.find((row) => row.name === "privacy.retention"); await pause(50); }
must(state.result?.interactions === 8, `it let go of eight: ${JSON.stringify(state)}`);
const gone = async (what) => {
  must(await counts() === "Order Completed 8, Page Viewed 2, Survey Responded 6", `${what}: what is left: ${await counts()}`);
  const said = JSON.stringify((await api("GET", "/customers/eva/timeline")).json) + succeed("export", "interactions", "--data", data, "--format", "jsonl");
  for (const text of ["secreto-800", "secreto-400", "secreto-100", "eva-Page Viewed-800"]) must(!said.includes(text), `${what}: ${text} is gone`);
  must(said.includes("secreto-10") && await orders() === before, `${what}: what is kept is as it was`);
  must((await api("POST", "/query", { kind: "score", metric: "nps" })).json.data[0].n === 6, `${what}: answers go with their interactions`);
  must((await api("GET", "/customers/eva")).json.traits.some((row) => row.value === "oro"), `${what}: customers stay`);
};
await gone("at once");
must((await api("POST", "/retention/preview")).json.interactions === 0, "nothing more would go");

// Late comers.
const again = await send(history[1], event("eva", "Page Viewed", 91, "web"), event("eva", "Page Viewed", 89, "web", { path: "/nuevo" }), event("leo", "Order Completed", 3000, "store", { total: 1 }), { type: "identify", userId: "eva", timestamp: day(2000), traits: { plan2: "x" } });
must(again.duplicates === 1 && again.rejected.length === 1 && again.rejected[0].index === 1 && again.rejected[0].code === "too_old", `known again, or refused with the reason: ${JSON.stringify(again)}`);
writeFileSync(join(scratch, "old.jsonl"), [event("eva", "Survey Responded", 700, "email"), event("eva", "Survey Responded", 60, "email")].map((row) => JSON.stringify(row)).join("\n") + "\n");
const imported = JSON.parse(succeed("import", join(scratch, "old.jsonl"), "--data", data, "--format", "jsonl"));
must(imported.accepted === 1 && imported.rejected === 1, `an import is treated alike: ${JSON.stringify(imported)}`);
for (const [userId, name] of [["leo", "x"]]) must((await api("GET", `/customers/${userId}`)).status === 200, name);

// Nothing brings them back.
await server.end("SIGTERM");
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "log and index agree");
succeed("reindex", "--data", data);
must(JSON.parse(succeed("verify", "--data", data, "--json")).ok, "also when the index is built anew");
succeed("backup", "--data", data, "--to", join(scratch, "backup"));
server = await serve(data, join(scratch, "log"));
const rest = JSON.stringify((await api("GET", "/customers/eva/timeline")).json);
must(!/secreto-(800|400|100)/.test(rest) && rest.includes("secreto-10") && rest.includes("nuevo"), "a restart and a new index bring nothing back");
await server.end("SIGTERM");
succeed("restore", join(scratch, "backup"), "--data", join(scratch, "restored"));
must(JSON.parse(succeed("verify", "--data", join(scratch, "restored"), "--json")).ok && !/secreto-(800|400|100)/.test(succeed("export", "interactions", "--data", join(scratch, "restored"), "--format", "jsonl")), "nor does a backup made since");
console.log("what is too old is gone");
