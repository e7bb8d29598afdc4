/*
 * senda.js in somebody else's page: another origin, a strict policy, and what goes wrong on the way.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { open, quit, serve } from "./world.mjs";

let world, shop, site;
before(async () => {
  world = await serve();
  // The shop: a site of its own whose policy allows Senda's script and connection, nothing inline.
  shop = createServer((request, response) => {
    const options = new URL(request.url, "http://shop").searchParams.get("options") || "";
    response.writeHead(200, { "content-type": "text/html", "content-security-policy": `default-src 'none'; script-src ${world.base} 'sha256-none'; connect-src ${world.base}` });
    response.end(`<!doctype html><html lang="es"><title>Tienda ${request.url.split("?")[0]}</title><script defer src="${world.base}/senda.js" data-key="${world.writeKey}" ${options}></script><body><h1>Tienda</h1>`);
  });
  await new Promise((resolve) => shop.listen(0, "127.0.0.1", resolve));
  site = `http://127.0.0.1:${shop.address().port}`;
});
after(async () => { await quit(); shop.close(); await world.stop(); });

/** Interactions of an event name, newest first, once there are n of them. */
async function stored(event, n, seconds = 8) {
  for (let i = 0; ; i++) {
    const answer = await fetch(`${world.base}/api/v1/query`, { method: "POST", headers: { authorization: `Bearer ${world.apiKey}`, "content-type": "application/json" }, body: JSON.stringify({ kind: "trend", of: { event }, every: "month" }) });
    const { data } = await answer.json();
    const count = (data || []).reduce((sum, row) => sum + row.value, 0);
    if (count >= n || i > seconds * 4) return count;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function visit(path, options = "") {
  const page = await open(world);
  await page.goto(`${site}${path}?options=${encodeURIComponent(options)}`);
  await page.waitForFunction(() => window.senda && window.senda.version);
  return page;
}

test("it is small", async () => {
  const text = await (await fetch(`${world.base}/senda.js`)).text();
  assert.ok(gzipSync(text, { level: 9 }).length < 10 * 1024, "with its micro-surveys");
  assert.match(text, /^\/\*SPDX-License-Identifier: Apache-2.0\*\//, "its licence stays, other comments do not");
  assert.doesNotMatch(text, /@param/);
});

test("page views, also without a new page; events; one person", async () => {
  const page = await visit("/inicio");
  const id = await page.evaluate(() => window.senda.anonymousId());
  await page.evaluate(() => { history.pushState(null, "", "/tarifas"); });
  await page.waitForTimeout(50);
  await page.evaluate(() => { window.senda.track("Tariff Chosen", { plan: "600" }); window.senda.identify("user-1", { plan: "600" }); });
  assert.equal(await stored("Tariff Chosen", 1), 1);
  assert.equal(await stored("Page Viewed", 2), 2);
  const customer = await (await fetch(`${world.base}/api/v1/customers/user-1`, { headers: { authorization: `Bearer ${world.apiKey}` } })).json();
  assert.deepEqual(customer.identifiers.map((one) => one.value).sort(), [id, "user-1"].sort());
  assert.equal(customer.channels[0].channel, "web");
  assert.deepEqual(page.complaints, []);
  await page.reload();
  await page.waitForFunction(() => window.senda && window.senda.version);
  assert.equal(await page.evaluate(() => window.senda.anonymousId()), id);
  await page.context().close();
});

test("offline it waits, and nothing counts twice", async () => {
  const page = await visit("/offline", 'data-page="off"');
  let down = true;
  await page.route("**/v1/batch", (route) => (down ? route.abort() : route.continue()));
  await page.evaluate(() => { window.senda.track("Kept Offline"); window.senda.track("Kept Offline"); });
  await page.waitForTimeout(1600);
  assert.equal(await stored("Kept Offline", 1, 0), 0);
  down = false;
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  assert.equal(await stored("Kept Offline", 2), 2);
  await page.waitForTimeout(1500);
  assert.equal(await stored("Kept Offline", 3, 0), 2);
  await page.context().close();
});

test("what the page leaves behind goes by beacon", async () => {
  const page = await visit("/leaving", 'data-page="off"');
  await page.evaluate(() => { window.senda.track("Said Goodbye"); });
  await page.goto("about:blank");
  assert.equal(await stored("Said Goodbye", 1), 1);
  await page.context().close();
});

test("before consent nothing is kept or sent; then what waited goes; a refusal forgets", async () => {
  const page = await visit("/consent", 'data-consent="required"');
  await page.evaluate(() => { window.senda.track("With Consent"); });
  await page.waitForTimeout(1500);
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("senda")).length), 0);
  assert.equal(await stored("With Consent", 1, 0), 0);
  await page.evaluate(() => window.senda.consent({ analytics: true, ads: false }));
  assert.equal(await stored("With Consent", 1), 1);
  await page.evaluate(() => window.senda.consent(false));
  await page.evaluate(() => { window.senda.track("After Refusal"); });
  await page.waitForTimeout(1500);
  assert.equal(await stored("After Refusal", 1, 0), 0);
  assert.equal(await page.evaluate(() => localStorage.getItem("senda.a")), null);
  await page.context().close();
});

test("people who ask not to be tracked are left alone, if the site says so", async () => {
  const page = await open(world);
  await page.addInitScript(() => Object.defineProperty(navigator, "globalPrivacyControl", { value: true }));
  await page.goto(`${site}/dnt?options=${encodeURIComponent('data-dnt="respect"')}`);
  await page.waitForFunction(() => window.senda && window.senda.version);
  await page.evaluate(() => { window.senda.track("Not Tracked"); });
  await page.waitForTimeout(1500);
  assert.equal(await stored("Not Tracked", 1, 0), 0);
  await page.context().close();
});

test("without storage it works as long as the page lives", async () => {
  const page = await open(world);
  await page.addInitScript(() => Object.defineProperty(window, "localStorage", { get() { throw new Error("forbidden"); } }));
  await page.goto(`${site}/private?options=${encodeURIComponent('data-page="off"')}`);
  await page.waitForFunction(() => window.senda && window.senda.version);
  await page.evaluate(() => { window.senda.track("No Storage"); });
  assert.equal(await stored("No Storage", 1), 1);
  await page.context().close();
});

test("calls made before it has loaded wait in the stub's queue", async () => {
  const page = await open(world);
  await page.addInitScript(() => {
    const stub = (...call) => { stub.q.push(call); };
    stub.q = [];
    stub.track = (...rest) => stub.q.push(["track", ...rest]);
    window.senda = stub;
    window.senda("track", "Queued Early", { n: 1 });
    window.senda.track("Queued Early", { n: 2 });
  });
  await page.goto(`${site}/stub?options=${encodeURIComponent('data-page="off"')}`);
  assert.equal(await stored("Queued Early", 2), 2);
  await page.context().close();
});

// ---- micro-surveys ----

async function api(method, path, body) {
  const answer = await fetch(world.base + path, { method, headers: { authorization: `Bearer ${world.apiKey}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
  return answer.json();
}
const place = (name, rule) => api("POST", "/api/v1/kiosks", { name, kind: "page", survey: "web", touchpoint: "Tienda web", rule });
const panel = (page) => page.locator("section[role=dialog]");
async function score() {
  const { data } = await api("POST", "/api/v1/query", { kind: "score", metric: "nps", survey: "web", channel: "web" });
  return data?.[0].n ?? 0;
}

test("a micro-survey appears by its rule on another origin under a strict policy, by keyboard too, and its answers count once", async () => {
  await api("POST", "/api/v1/surveys", { id: "web", definition: { title: "Tu compra", languages: ["es"], pages: [{ id: "p", questions: [
    { id: "nps", type: "nps", text: "¿Nos recomendarías?", required: true, low: "Nada", high: "Seguro" },
    { id: "why", type: "choices", text: "¿Qué ha fallado?", show_if: { question: "nps", op: "<=", value: 6 }, options: [{ id: "price", text: "El precio" }, { id: "web", text: "La web" }] },
    { id: "words", type: "long_text", text: "¿Algo más?" }] }] } });
  await api("POST", "/api/v1/surveys/web/publish", {});
  const timed = await place("Por tiempo", { after_s: 0, pages: ["/timed*"] });
  assert.ok(timed.address, JSON.stringify(timed));
  await place("Por evento", { event: "Order Completed", pages: ["/event"] });
  await place("Al bajar", { scroll_pct: 90, pages: ["/scroll"] });
  await place("Al salir", { exit: true, pages: ["/exit"] });

  const page = await visit("/timed/1");
  await panel(page).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "BODY", "it does not take the focus by itself");
  assert.equal(await page.evaluate(() => document.querySelectorAll("section").length), 0, "its parts are in a tree of their own");
  assert.equal(await panel(page).evaluate((box) => getComputedStyle(box).borderRadius), "14px", "its styles live under a policy without inline styles");
  await panel(page).locator("button[data-value='4']").press("Enter");
  await page.waitForFunction(() => document.querySelector("div:last-of-type").shadowRoot.querySelector("h2").textContent === "¿Qué ha fallado?");
  await panel(page).locator("button[data-value=price]").click();
  await panel(page).locator(".g").click();
  await panel(page).locator("textarea").fill("Caro");
  await panel(page).locator(".g").click();
  await page.waitForFunction(() => document.querySelector("div:last-of-type").shadowRoot.querySelector("h2").textContent === "¡Gracias!");
  assert.equal(await stored("Survey Responded", 1), 1);
  assert.equal(await stored("Survey Shown", 1), 1);
  assert.equal(await score(), 1);
  assert.deepEqual(page.complaints, []);
  await page.reload();
  await page.waitForTimeout(1500);
  assert.equal(await panel(page).count(), 0, "the same person is left alone for a month");
  await page.context().close();
});

test("a micro-survey ranks, takes contact details, quotes, jumps, and says what is wrong before it sends", async () => {
  await api("POST", "/api/v1/surveys", { id: "rank", definition: { title: "Prioridades", languages: ["es"], pages: [{ id: "p", questions: [
    { id: "nps", type: "nps", text: "¿Nos recomendarías?" },
    { id: "first", type: "ranking", required: true, text: "¿Por qué un {{nps|nada}}?", options: [{ id: "price", text: "El precio" }, { id: "web", text: "La web" }] },
    { id: "who", type: "contact", fields: ["email"], text: "¿Te escribimos?" },
    { id: "age", type: "number", min: 18, max: 99, text: "¿Tu edad?" }], jump: [{ if: { question: "nps", op: ">=", value: 9 }, to: "end" }] }, { id: "q", questions: [{ id: "never", type: "short_text", text: "¿Qué falló?", required: true }] }] } });
  await api("POST", "/api/v1/surveys/rank/publish", {});
  await api("POST", "/api/v1/kiosks", { name: "Orden", kind: "page", survey: "rank", rule: { after_s: 0, pages: ["/rank"] } });
  const page = await visit("/rank"), go = panel(page).locator(".g"), note = () => panel(page).locator("[role=alert]").textContent();
  await panel(page).locator("button[data-value='9']").click();
  await page.waitForFunction(() => document.querySelector("div:last-of-type").shadowRoot.querySelector("h2").textContent === "¿Por qué un 9?");
  await panel(page).locator("button[data-value=web]").click();
  await go.click();
  assert.equal(await note(), "Cada opción necesita un puesto distinto.");
  await panel(page).locator("button[data-value=price]").click();
  assert.deepEqual(await panel(page).locator("button[data-value]").allTextContents(), ["2. El precio", "1. La web"]);
  await go.click();
  await panel(page).locator("input").fill("ana@example");
  await go.click();
  assert.notEqual(await note(), "");
  await panel(page).locator("input").fill("ana@example.org");
  await go.click();
  await panel(page).locator("input").fill("7");
  await go.click();
  assert.notEqual(await note(), "");
  await panel(page).locator("input").fill("44");
  await go.click();
  await page.waitForFunction(() => document.querySelector("div:last-of-type").shadowRoot.querySelector("h2").textContent === "¡Gracias!");
  await page.waitForFunction(() => localStorage.getItem("senda.o") === null);
  const rows = await (await fetch(`${world.base}/api/v1/surveys/rank/responses?shape=long&format=csv`, { headers: { authorization: `Bearer ${world.apiKey}` } })).text();
  for (const part of [",first.web,", ",age,", ",who,"]) assert.ok(rows.includes(part), rows);
  await page.context().close();
});

test("a micro-survey asks pictures, tables and pairs, whatever the page's policy says of pictures", async () => {
  const dot = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const texts = (...list) => list.map((id) => ({ id, text: id.toUpperCase() }));
  await api("POST", "/api/v1/surveys", { id: "wide", definition: { title: "Tu casa", languages: ["es"], pages: [{ id: "p", questions: [
    { id: "mood", type: "csat", look: "faces", text: "¿Contento?" },
    { id: "look", type: "picture", text: "¿Cuál?", options: [{ id: "one", text: "Uno", image: dot }, { id: "two", text: "Dos", emoji: "🏠" }] },
    { id: "table", type: "matrix", required: true, text: "¿Qué tal?", rows: texts("price", "speed"), columns: texts("bad", "good") },
    { id: "pairs", type: "servqual", text: "¿Qué esperabas?", rows: texts("care") },
    { id: "why", type: "short_text", text: "¿Por qué malo?", show_if: { question: "table.speed", value: "bad" } }] }] } });
  await api("POST", "/api/v1/surveys/wide/publish", {});
  const placed = await api("POST", "/api/v1/kiosks", { name: "Ancha", kind: "page", survey: "wide", rule: { after_s: 0, pages: ["/wide"] } });
  const page = await visit("/wide"), go = panel(page).locator(".g");
  await panel(page).locator("button svg").first().waitFor();
  const mouths = await panel(page).locator("button svg path").evaluateAll((all) => all.map((one) => one.getAttribute("d")));
  assert.equal(new Set(mouths).size, 5, "each face is drawn, and another");
  await panel(page).getByRole("button", { name: "5" }).click();
  await panel(page).locator("button[data-value=one] canvas").waitFor();
  await panel(page).locator("button[data-value=one]").click();
  await panel(page).getByRole("group", { name: "PRICE" }).getByText("GOOD").click();
  await go.click();
  assert.notEqual(await panel(page).locator("[role=alert]").textContent(), "", "each row needs its answer");
  await panel(page).getByRole("group", { name: "SPEED" }).getByText("BAD").press("Enter");
  assert.equal(await panel(page).getByRole("group", { name: "SPEED" }).getByText("BAD").getAttribute("aria-pressed"), "true");
  await go.click();
  await panel(page).getByRole("group", { name: "CARE: Lo que esperabas" }).getByText("7").click();
  await panel(page).getByRole("group", { name: "CARE" }).last().getByText("3").click();
  await go.click();
  await panel(page).locator("input").fill("Lenta");
  await go.click();
  await page.waitForFunction(() => document.querySelector("div:last-of-type").shadowRoot.querySelector("h2").textContent === "¡Gracias!");
  await page.waitForFunction(() => localStorage.getItem("senda.o") === null);
  const rows = await (await fetch(`${world.base}/api/v1/surveys/wide/responses?shape=long&format=csv`, { headers: { authorization: `Bearer ${world.apiKey}` } })).text();
  for (const part of ["mood,csat,5,", "look,choice,one,", "table.price,choice,good,", "table.speed,choice,bad,", "pairs.care.expected,expected,7,", "pairs.care.perceived,perceived,3,", "why,text,Lenta,"]) assert.ok(rows.includes(part), rows);
  assert.deepEqual(page.complaints, []);
  assert.equal((await fetch(`${world.base}/v1/surveys/${placed.address}/image/look/one?writeKey=none`)).status, 401);
  assert.equal((await fetch(`${world.base}/v1/surveys/${placed.address}/image/look/two?writeKey=${world.writeKey}`)).status, 404);
  await page.context().close();
});

test("by an event, by scrolling, on leaving; closed with Escape", async () => {
  const page = await visit("/event");
  await page.waitForTimeout(800);
  assert.equal(await panel(page).count(), 0);
  await page.evaluate(() => window.senda.track("Order Completed"));
  await panel(page).waitFor();
  await panel(page).locator("button[data-value='9']").focus();
  await page.keyboard.press("Escape");
  assert.equal(await panel(page).count(), 0);
  assert.equal(await stored("Survey Dismissed", 1), 1);
  await page.context().close();
  const long = await visit("/scroll");
  await long.evaluate(() => { const tall = document.createElement("p"); tall.style.height = "5000px"; document.body.append(tall); });
  await long.waitForTimeout(800);
  assert.equal(await panel(long).count(), 0);
  await long.evaluate(() => scrollTo(0, 5000));
  await panel(long).waitFor();
  await long.context().close();
  const leaving = await visit("/exit");
  await leaving.waitForTimeout(800);
  await leaving.evaluate(() => document.dispatchEvent(new MouseEvent("mouseout", { clientY: -1, bubbles: true })));
  await panel(leaving).waitFor();
  await leaving.context().close();
});

test("a micro-survey's answer waits while offline and counts once; what is left in the middle is partial; none without consent or if the page says off", async () => {
  const known = await score();
  const page = await visit("/timed/2");
  await panel(page).waitFor();
  let down = true;
  await page.route("**/v1/surveys/*", async (route) => { if (down) return route.abort(); await route.fetch(); return route.continue(); }); // each is sent twice
  await panel(page).locator("button[data-value='10']").click();
  await panel(page).locator("textarea").waitFor();
  await panel(page).locator(".g").click();
  await page.waitForTimeout(1200);
  assert.equal(await score(), known);
  down = false;
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await page.waitForFunction(() => localStorage.getItem("senda.o") === null);
  assert.equal(await score(), known + 1);
  await page.context().close();
  const middle = await visit("/timed/3");
  await panel(middle).waitFor();
  await panel(middle).locator("button[data-value='7']").click();
  await panel(middle).locator("textarea").waitFor();
  await panel(middle).locator(".x").click();
  await middle.waitForFunction(() => localStorage.getItem("senda.o") === null);
  const { data } = await api("POST", "/api/v1/query", { kind: "trend", of: { event: "Survey Responded", where: [{ property: "partial", op: "=", value: true }] }, every: "month" });
  assert.equal(data.reduce((sum, row) => sum + row.value, 0), 1);
  await middle.context().close();
  for (const options of ['data-surveys="off"', 'data-consent="required"']) {
    const quiet = await visit("/timed/4", options);
    await quiet.waitForTimeout(1000);
    assert.equal(await panel(quiet).count(), 0);
    await quiet.context().close();
  }
});

test("what is told of micro-surveys is checked", async () => {
  const [one] = (await api("GET", "/api/v1/kiosks?kind=page")).data;
  const tell = async (address, body) => (await fetch(`${world.base}/v1/surveys/${address}`, { method: "POST", body: JSON.stringify(body) })).status;
  const good = { writeKey: world.writeKey, what: "answered", submission: "s-1", version: 1, anonymousId: "a", answers: { nps: 9 } };
  assert.equal(await tell(one.address, { ...good, writeKey: "wk_none" }), 401);
  assert.equal(await tell("nothing", good), 404);
  for (const fault of [{ version: 9 }, { what: "liked" }, { answers: { nps: 99 } }, { answers: {} }, { submission: "a b" }, { anonymousId: "x".repeat(400) }, { answers: { nps: 9, words: "x".repeat(9000) } }])
    assert.ok([404, 422].includes(await tell(one.address, { ...good, ...fault })), JSON.stringify(fault).slice(0, 60));
  assert.equal(await tell(one.address, good), 200);
});
