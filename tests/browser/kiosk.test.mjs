/*
 * An opinion screen in a real browser: made and paired on the pages, used by touch, keyboard and in another language, offline for 1,000
 * taps, left only with a code.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { open, quit, serve, signIn } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world, kiosk;
before(async () => { world = await serve(); });
after(async () => { await quit(); await world.stop(); });

async function api(method, path, body) {
  const answer = await fetch(world.base + path, { method, headers: { authorization: `Bearer ${world.apiKey}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
  return answer.json();
}
async function count(where = [], misuse = true) {
  const answer = await api("POST", "/api/v1/query", { kind: "score", metric: "csat", misuse, where });
  return answer.data ? answer.data[0].n : 0; // nobody has chosen a reason yet
}
async function until(check, wanted, seconds = 20) {
  for (let i = 0; i < seconds * 10; i++) {
    if ((await check()) === wanted) return wanted;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return check();
}
async function barriers(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
  assert.deepEqual(found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`), []);
}
const state = (page) => page.evaluate(() => document.documentElement.dataset.state);
const reach = (page, wanted) => page.waitForFunction((name) => document.documentElement.dataset.state === name, wanted);

test("made on the page, paired by its link, and what is tapped arrives at once", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/kiosks`);
  await page.click(".page-actions a.primary");
  await page.fill("#name", "Salida");
  await page.fill("#unit", "Centro");
  await page.selectOption("#face_set", "contrast");
  assert.equal(await page.locator(".kiosk-preview svg").count(), 3);
  await barriers(page);
  await page.click(".dialog-foot .primary");
  const link = await page.textContent("#pairing");
  assert.match(link, /\/k\/[a-z0-9]{10}#key=kk_/);
  assert.equal(await page.locator(".kiosk-qr svg").count(), 1);
  await barriers(page);
  [kiosk] = (await api("GET", "/api/v1/kiosks")).data;
  assert.equal(kiosk.face_set, "contrast");
  kiosk.link = link;

  await page.goto(`${world.base}/kiosks`);
  const screen = await open(world, { width: 1024, height: 768 });
  await screen.goto(link);
  await reach(screen, "ask");
  assert.equal(new URL(screen.url()).hash, "", "the key is not left in the address");
  await barriers(screen);
  await screen.click(".face[data-value='3']");
  await reach(screen, "thanks");
  await reach(screen, "ask");
  assert.equal(await until(() => count(), 1), 1);
  await page.waitForFunction(() => document.querySelector("[data-live-taps]").textContent === "1");
  assert.equal(await page.textContent("[data-kiosk-sum=happy]"), "100\u00a0%");
  await barriers(page);
  // Edited on the page: the screen asks the new question by itself at its next contact.
  await page.click("[data-kiosk] a");
  await page.fill("#question_es", "¿Te vas contento?");
  await page.locator("details.way summary").first().click();
  await page.selectOption("#f0_kind", "choice");
  await page.check("[name=f0_face_1]", { force: true });
  await page.fill("#f0_question_es", "¿Qué ha fallado?");
  await page.fill("#f0_options_es", "La espera\nEl trato");
  await page.fill("#f0_options_en", "The wait\nThe staff");
  await page.locator("details.way summary").nth(1).click();
  await page.selectOption("#f1_kind", "text");
  await page.check("[name=f1_face_1]", { force: true });
  await page.fill("#f1_question_es", "¿Algo más?");
  await page.fill("#exit_code", "2468");
  await barriers(page);
  await page.click(".sticky-foot button");
  await page.waitForSelector(".message.good");
  await screen.click(".face[data-value='2']");
  await screen.waitForFunction(() => document.querySelector("h1")?.textContent === "¿Te vas contento?", null, { timeout: 15000 });
  assert.deepEqual(page.complaints.concat(screen.complaints), []);
  await page.context().close();
  await screen.context().close();
});

/** A screen of its own device, paired with the key of the first. */
async function device(options = {}) {
  const screen = await open(world, { width: 390, height: 844, ...options });
  await screen.addInitScript(() => {
    window.locks = [];
    Object.defineProperty(navigator, "wakeLock", { value: { request: async (what) => { window.locks.push({ what, released: false }); return window.locks.at(-1); } } });
  });
  await screen.goto(kiosk.link);
  await reach(screen, "ask");
  await screen.waitForFunction(() => document.documentElement.dataset.installed === "true");
  return screen;
}

test("by keyboard, in English, with what comes after the face; a draft outlives the page; it starts over when left alone", async () => {
  const screen = await device();
  await screen.click(".language[lang=en]");
  assert.equal(await screen.getAttribute("html", "lang"), "en");
  await screen.keyboard.press("1");
  await reach(screen, "follow");
  await barriers(screen);
  await screen.keyboard.press("Tab");
  await screen.keyboard.press("Enter"); // the first option
  await screen.waitForSelector("textarea");
  await barriers(screen);
  await screen.fill("textarea", "Too cold in here");
  await screen.click(".go");
  await reach(screen, "thanks");
  await reach(screen, "ask");
  assert.equal(await screen.getAttribute("html", "lang"), "es", "the next visitor finds the first language");
  assert.equal(await until(() => count([{ property: "reason", op: "=", value: "La espera" }, { property: "language", op: "=", value: "en" }]), 1), 1);
  // Power cut in the middle of a visit.
  await screen.click(".face[data-value='1']");
  await reach(screen, "follow");
  await screen.reload();
  await reach(screen, "ask");
  assert.equal(await until(() => count(), 4), 4);
  await screen.context().close();
});

test("it stays awake; nobody leaves without the code", async () => {
  const screen = await device();
  assert.deepEqual(await screen.evaluate(() => window.locks), [{ what: "screen", released: false }]);
  await screen.evaluate(() => { window.locks[0].released = true; }); // to save power
  await screen.click(".face[data-value='3']");
  await screen.waitForFunction(() => window.locks.length === 2, null, { timeout: 5000 });
  await reach(screen, "thanks");
  await reach(screen, "ask");
  await screen.goBack().catch(() => {});
  assert.equal(await state(screen), "ask");
  await screen.focus("#corner");
  await screen.keyboard.press("Enter");
  await reach(screen, "code");
  await barriers(screen);
  const type = async (code) => { for (const key of [...code, "OK"]) await screen.click(`.key[data-key="${key}"]`); };
  await type("1111");
  await screen.waitForFunction(() => document.querySelector("[role=alert]").textContent !== "");
  assert.equal(await state(screen), "code");
  await type("2468");
  await reach(screen, "exit");
  await barriers(screen);
  await screen.context().close();
});

test("three, four and five faces are told apart without colour or words, and children who hammer are marked", async () => {
  for (const [faces, set] of [[3, "classic"], [4, "contrast"], [5, "weather"]]) {
    const made = await api("POST", "/api/v1/kiosks", { name: `Caras ${faces}`, unit: "Sur", languages: ["es"], question: "¿Qué tal?", faces, face_set: set });
    const screen = await open(world, { width: faces === 5 ? 360 : 1024, height: 740 });
    await screen.goto(made.pairing_url);
    await reach(screen, "ask");
    const names = await screen.locator(".face").evaluateAll((list) => list.map((face) => face.getAttribute("aria-label")));
    assert.equal(new Set(names.filter(Boolean)).size, faces, `each has a name: ${names}`);
    const shapes = await screen.locator(".face svg").evaluateAll((list) => list.map((face) => face.innerHTML.replace(/ (class|fill|style|stroke)="[^"]*"/g, "")));
    assert.equal(new Set(shapes).size, faces, "each has its own shape");
    assert.equal(await screen.locator(".face span").count(), set === "weather" ? 0 : faces, "words are for those who read");
    assert.ok(await screen.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight), "all on one screen");
    await barriers(screen);
    await screen.click(`.face[data-value='${faces}']`);
    await reach(screen, "thanks");
    for (let i = 0; i < 6 && faces === 3; i++) await screen.mouse.click(500, 400);
    await reach(screen, "ask");
    assert.equal(await until(async () => { const { today } = (await api("GET", `/api/v1/kiosks/${made.id}`)).state; return today.taps + 10 * today.misuse; }, faces === 3 ? 10 : 1), faces === 3 ? 10 : 1, "counted, or marked as misuse");
    assert.deepEqual(screen.complaints, []);
    await screen.context().close();
  }
  const { data: [row] } = await api("POST", "/api/v1/query", { kind: "score", metric: "csat", unit: "Sur" });
  assert.deepEqual([row.n, row.flagged, row.flagged_reasons.misuse], [2, 1, 1], "marked with its reason, kept, and no part of the score");
});

test("offline for 1,000 taps, closed and opened again, then online: each once", async () => {
  // Delays pass 500 times as fast, and half a minute passes between visits.
  const screen = await open(world, { width: 800, height: 600 });
  await screen.addInitScript(() => {
    const later = window.setTimeout, Real = Date, perf = performance.now.bind(performance);
    window.passed = Number(sessionStorage.getItem("passed")) || 0;
    addEventListener("pagehide", () => sessionStorage.setItem("passed", String(window.passed)));
    window.setTimeout = (work, ms, ...rest) => later(work, ms / 500, ...rest);
    window.Date = class extends Real {
      constructor(...parts) { if (parts.length) super(...parts); else super(Real.now() + window.passed); }
      static now() { return Real.now() + window.passed; }
    };
    performance.now = () => perf() + window.passed;
  });
  await screen.goto(kiosk.link);
  await reach(screen, "ask");
  await screen.waitForFunction(() => document.documentElement.dataset.installed === "true");
  const known = await count(), sound = await count([], false);
  await screen.context().setOffline(true);
  const visits = (n) => screen.evaluate(async (wanted) => {
    const root = document.documentElement;
    for (let i = 0; i < wanted; i++) {
      while (root.dataset.state !== "ask") await new Promise((resolve) => setTimeout(resolve, 500));
      window.passed += 30000;
      document.querySelector(`.face[data-value="${2 + (i % 2)}"]`).click();
    }
    while (root.dataset.state !== "ask") await new Promise((resolve) => setTimeout(resolve, 500));
  }, n);
  await visits(600);
  await screen.reload(); // from its own cache
  await reach(screen, "ask");
  await visits(400);
  assert.equal(await screen.getAttribute("html", "data-waiting"), "1000");
  assert.equal(await count(), known, "nothing has arrived");
  await screen.context().setOffline(false);
  await screen.waitForFunction(() => document.documentElement.dataset.waiting === "0", null, { timeout: 30000 });
  assert.equal(await count(), known + 1000);
  assert.equal(await count([], false), sound + 1000, "none of them is misuse");
  const { state: told } = await api("GET", `/api/v1/kiosks/${kiosk.id}`);
  assert.equal(told.lost, 0);
  // What was answered and not heard is sent again: nothing counts twice.
  await screen.route("**/taps", async (route) => { await route.fetch(); await route.abort(); }, { times: 1 });
  await screen.click(".face[data-value='3']");
  assert.equal(await until(() => count(), known + 1001), known + 1001);
  await screen.waitForFunction(() => document.documentElement.dataset.waiting === "0", null, { timeout: 30000 });
  assert.equal(await count(), known + 1001);
  await screen.context().close();
});

/** A picture that is there: 2 by 2 points. */
const PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==";
const both = (es, en) => ({ es, en });
const VISIT = { title: both("Tu visita", "Your visit"), languages: ["es", "en"], thanks: both("Gracias, {{who.name|de verdad}}: un {{visit}}.", "Thank you: {{visit}}."), pages: [
  { id: "p", questions: [
    { id: "visit", type: "csat", look: "faces", text: both("¿Qué tal la visita?", "How was it?"), required: true },
    { id: "why", type: "choices", text: both("¿Qué falló?", "What failed?"), show_if: { question: "visit", op: "<=", value: 2 }, other: true, most: 2, options: [{ id: "queue", text: both("La cola", "The queue") }, { id: "price", text: both("El precio", "The price") }] },
    { id: "nps", type: "nps", text: both("¿Nos recomendarías, tras «{{why}}»?", "Would you recommend us, after “{{why|all of that}}”?") }],
    jump: [{ if: { question: "visit", op: ">=", value: 4 }, to: "end" }] },
  { id: "more", title: both("Un poco más", "A little more"), questions: [
    { id: "hall", type: "picture", text: both("¿Qué sala?", "Which hall?"), options: [{ id: "a", text: "A", image: PICTURE }, { id: "b", text: "B", emoji: "🏛" }] },
    { id: "parts", type: "matrix", required: true, text: both("Cada parte", "Each part"), scale: [1, 5], rows: [{ id: "light", text: both("La luz", "The light") }, { id: "air", text: both("El aire", "The air") }] },
    { id: "order", type: "ranking", random: true, text: both("Ordena", "Put in order"), options: [{ id: "x", text: "X" }, { id: "y", text: "Y" }, { id: "z", text: "Z" }] },
    { id: "pairs", type: "servqual", text: both("Lo esperado y lo recibido", "Expected and received"), scale: [1, 3], rows: [{ id: "speed", text: both("Rapidez", "Speed") }] },
    { id: "age", type: "number", min: 0, max: 120, step: 1, text: both("Tu edad", "Your age") },
    { id: "who", type: "contact", fields: ["name", "email"], text: both("¿Te escribimos?", "Shall we write to you?") },
    { id: "words", type: "long_text", text: both("¿Algo más?", "Anything else?") }] }] };
async function terminal(id, name, definition, more = {}) {
  await api("POST", "/api/v1/surveys", { id, definition });
  await api("POST", `/api/v1/surveys/${id}/publish`, {});
  const made = await api("POST", "/api/v1/kiosks", { name, kind: "terminal", survey: id, unit: "Centro", ...more });
  assert.ok(made.pairing_url, JSON.stringify(made));
  return made;
}
const responses = async (where) => {
  const answer = await api("POST", "/api/v1/query", { kind: "trend", of: { event: "Survey Responded", where }, every: "month" });
  return (answer.data || []).reduce((sum, row) => sum + row.value, 0);
};
const asked = (page) => page.textContent(".q:not([hidden]) legend");

test("a terminal asks all types: languages first, checked as on its own page, conditions, jumps, quotes, back; offline as well", async () => {
  const made = await terminal("visit", "Vestíbulo", VISIT);
  const screen = await open(world, { width: 768, height: 1024, hasTouch: true });
  await screen.goto(made.pairing_url);
  await reach(screen, "ask");
  await screen.waitForFunction(() => document.documentElement.dataset.installed === "true");
  await screen.reload(); // the worker serves it from now on
  await reach(screen, "ask");
  await screen.context().setOffline(true);
  await barriers(screen);
  await screen.click(".language[lang=en]");
  await screen.click(".begin");
  await barriers(screen);
  await screen.click(".go");
  assert.match(await asked(screen), /How was it/, "what is required is not passed over");
  assert.equal(await screen.textContent("#e-visit"), "Please answer this question.");
  await screen.click("#q-visit label:nth-child(1)");
  assert.match(await asked(screen), /What failed/);
  await screen.click("label:has([value=queue])");
  await screen.click("label:has([value=other])");
  await screen.fill(".own", "The lift");
  await barriers(screen);
  await screen.click("label:has([value=price])");
  await screen.click(".go");
  assert.equal(await screen.textContent("#e-why"), "Choose at most 2.");
  await screen.click("label:has([value=price])");
  await screen.click(".go");
  assert.equal(await asked(screen), "Would you recommend us, after “The queue, Other”?");
  await screen.click(".skip");
  assert.match(await asked(screen), /What failed/, "there is a way back");
  await screen.click(".go");
  await screen.click("#q-nps label:nth-child(5)");
  assert.match(await asked(screen), /Which hall/);
  assert.equal(await screen.evaluate(() => document.querySelector("#q-hall img").naturalWidth), 2, "its picture is kept");
  await barriers(screen);
  await screen.click("label:has([value=b])");
  await barriers(screen);
  await screen.click("[name='a.parts.light'][value='4']");
  await screen.click(".go");
  assert.equal(await screen.textContent("#e-parts"), "Please answer every row.");
  await screen.click("[name='a.parts.air'][value='2']");
  await screen.click(".go");
  await screen.selectOption("[name='a.order.x']", "2");
  await screen.click(".go");
  assert.equal(await screen.textContent("#e-order"), "Every option needs a place of its own.");
  await screen.selectOption("[name='a.order.y']", "1");
  await screen.selectOption("[name='a.order.z']", "3");
  await barriers(screen);
  await screen.click(".go");
  await screen.click("[name='a.pairs.speed.expected'][value='3']");
  await screen.click("[name='a.pairs.speed.perceived'][value='1']");
  await barriers(screen);
  await screen.click(".go");
  await screen.fill("[name='a.age']", "300");
  await screen.click(".go");
  assert.equal(await screen.textContent("#e-age"), "Write a number from 0 to 120. No decimals.");
  await screen.fill("[name='a.age']", "41");
  await screen.click(".go");
  await screen.fill("[name='a.who.email']", "ana@example");
  await screen.click(".go");
  assert.equal(await screen.getAttribute("[name='a.who.email']", "aria-invalid"), "true");
  await screen.fill("[name='a.who.email']", "ana@example.org");
  await barriers(screen);
  await screen.click(".go");
  await screen.fill("textarea", "Nice people");
  await screen.click(".go");
  await reach(screen, "thanks");
  assert.equal(await screen.textContent(".thanks h1"), "Thank you: 1.");
  await reach(screen, "ask");
  assert.equal(await screen.locator("[name='a.who.email']").count(), 0, "nothing of the visitor stays");
  assert.equal(await screen.getAttribute("html", "lang"), "es");
  await screen.context().setOffline(false);
  assert.equal(await until(() => responses([{ property: "kiosk", op: "=", value: "Vestíbulo" }, { property: "language", op: "=", value: "en" }]), 1), 1);
  const nps = await api("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "visit", unit: "Centro", channel: "kiosk" });
  assert.deepEqual([nps.data[0].n, nps.data[0].value], [1, -100]);
  const rows = (await (await fetch(`${world.base}/api/v1/surveys/visit/responses?shape=long&format=csv`, { headers: { authorization: `Bearer ${world.apiKey}` } })).text()).split("\r\n");
  for (const [question, value] of [["order.y", "1"], ["parts.air", "2"], ["pairs.speed.perceived", "1"], ["hall", "b"], ["age", "41"], ["why", "queue"], ["why.other", "The lift"]])
    assert.ok(rows.some((row) => row.includes(`,${question},`) && row.includes(`,${value}`)), `${question} = ${value}: ${rows.join("\n")}`);
  assert.deepEqual(screen.complaints.filter((one) => !/ERR_INTERNET_DISCONNECTED/.test(one)), []);
  await screen.context().close();
});

test("a terminal by keyboard: arrows choose, Enter goes on, a jump ends it; who leaves in the middle has answered in part", async () => {
  const made = await terminal("visit-2", "Patio", VISIT, { idle_s: 5 });
  const screen = await open(world, { width: 1280, height: 800 });
  await screen.goto(made.pairing_url);
  await screen.focus(".begin");
  await screen.keyboard.press("Enter");
  await screen.keyboard.press("Tab");
  await screen.keyboard.press("Space");
  for (let i = 0; i < 4; i++) await screen.keyboard.press("ArrowRight");
  assert.match(await asked(screen), /Qué tal la visita/, "an arrow is no answer yet");
  await screen.keyboard.press("Enter");
  assert.equal(await asked(screen), "¿Nos recomendarías, tras «»?", "happy people are not asked what failed");
  assert.equal(await screen.textContent(".go"), "Enviar");
  await screen.focus(".go");
  await screen.keyboard.press("Enter");
  await reach(screen, "thanks");
  assert.equal(await screen.textContent(".thanks h1"), "Gracias, de verdad: un 5.");
  assert.equal(await until(() => responses([{ property: "kiosk", op: "=", value: "Patio" }]), 1), 1);
  const left = await open(world, { width: 390, height: 844 });
  await left.addInitScript(() => { const later = window.setTimeout; window.setTimeout = (work, ms, ...rest) => later(work, ms / (ms < 60000 ? 5 : 60), ...rest); });
  await left.goto(made.pairing_url);
  await left.click(".begin");
  await left.click("#q-visit label:nth-child(2)");
  await left.waitForSelector(".still");
  await barriers(left);
  await reach(left, "ask");
  assert.equal(await until(() => responses([{ property: "kiosk", op: "=", value: "Patio" }, { property: "partial", op: "=", value: true }]), 1), 1);
  // A survey that ends is no longer begun, and the screen learns so at its next contact.
  await api("POST", "/api/v1/surveys/visit-2/close", {});
  await left.waitForFunction(() => document.querySelector(".attract .hint")?.textContent === "Esta encuesta ya ha terminado. Gracias.", null, { timeout: 30000 });
  assert.equal(await left.locator(".begin").count(), 0);
  await barriers(left);
  await api("POST", "/api/v1/surveys/visit-2/open", {});
  await left.reload();
  await left.waitForSelector(".begin");
  assert.deepEqual(screen.complaints.concat(left.complaints), []);
  await left.context().close();
  await screen.context().close();
});
