/*
 * Reviews in a real browser: the queue by keyboard and back, the form on a phone, the widget inside a page of another origin
 * under a strict policy, barriers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { open, quit, serve, signIn } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world;

/** What axe objects to, as lines. */
async function barriers(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${(node.any[0] || node.all[0] || node.none[0] || {}).message || rule.help}`));
}
const call = async (method, path, body) => (await fetch(world.base + path, { method, headers: { authorization: `Bearer ${world.apiKey}` }, body: JSON.stringify(body) })).json();

before(async () => {
  world = await serve();
  await call("PUT", "/api/v1/reviews/subjects/P1", { title: "Router doble" });
  for (const [i, stars] of [5, 1, 3, 4].entries())
    await call("POST", "/api/v1/reviews", { subject: "P1", stars, title: `Opinión ${i}`, text: `Texto <b>${i}</b>`, created_at: `2026-01-0${i + 1}T10:00:00Z` });
  await call("PUT", "/api/v1/reviews/subjects/P2", { title: "Router" });
  await fetch(`${world.base}/v1/track`, { method: "POST", headers: { authorization: `Basic ${btoa(`${world.writeKey}:`)}` }, body: JSON.stringify({ userId: "u1", event: "Order Completed", timestamp: "2026-01-01T10:00:00Z", properties: { product_id: "P2" } }) });
  const ids = [];
  for (const [i, [stars, title, customer]] of [[5, "Bueno", "u1"], [5, "Otro"], [5, "Tercero"], [4, "Cuarto"], [1, "Malo"]].entries()) {
    const { id } = await call("POST", "/api/v1/reviews", { subject: "P2", stars, title, customer, text: `Llevo un mes con él y esto es lo que pienso, número ${i}`, created_at: `2026-02-0${i + 1}T10:00:00Z` });
    await call("PATCH", `/api/v1/reviews/${id}`, { state: "published" });
    ids.push(id);
  }
  for (let i = 0; i < 10; i++) await call("POST", `/api/v1/reviews/${ids[4]}/votes`, { visitor: `v${i}`, helpful: i > 0 });
  await call("POST", `/api/v1/reviews/${ids[0]}/votes`, { visitor: "w", helpful: true });
});
after(async () => { await quit(); await world.stop(); });

test("the queue is worked by keyboard, and a decision taken back", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/reviews/queue`);
  assert.equal(await page.locator("[data-review]").count(), 4);
  assert.equal(await page.evaluate(() => document.activeElement.querySelector("h2").textContent), "Opinión 0");
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.querySelector("h2").textContent), "Opinión 1");
  await page.keyboard.press("r");
  await Promise.all([page.waitForURL(/undo=/), page.keyboard.press("1")]);
  assert.equal(await page.locator("[data-review]").count(), 3);
  assert.match(await page.textContent("[role=status]"), /Rechazada: Insultos/);
  await Promise.all([page.waitForURL(/notice|queue$/), page.keyboard.press("u")]);
  await page.waitForSelector("[data-review] >> nth=3");
  await Promise.all([page.waitForURL(/undo=/), page.keyboard.press("p")]);
  assert.equal(await page.locator("[data-review]").count(), 3);
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(page.complaints, []);
});

for (const [path, width, scheme] of [["/reviews", 390, "dark"], ["/reviews/subjects", 1440, "light"], ["/reviews/subjects/P1", 390, "light"], ["/w/review/P1?lang=es", 390, "light"], ["/w/reviews/P1?lang=en", 390, "dark"]])
  test(`${path} at ${width} px has no barriers and fits`, async () => {
    const page = await open(world, { width, scheme });
    if (!path.startsWith("/w/")) await signIn(page, world);
    await page.goto(world.base + path);
    assert.deepEqual(await barriers(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.deepEqual(page.complaints, []);
  });

test("a review is written on a phone", async () => {
  const page = await open(world, { width: 390, height: 844 });
  await page.goto(`${world.base}/w/review/P1?lang=es`);
  await page.click("label[for=s4]");
  await page.fill("#text", "Escrito en el autobús");
  await Promise.all([page.waitForURL(/done=1/), page.click("button.strong")]);
  assert.match(await page.textContent("h1"), /Gracias/);
  const { data } = await (await fetch(`${world.base}/api/v1/reviews?q=autob%C3%BAs`, { headers: { authorization: `Bearer ${world.apiKey}` } })).json();
  assert.equal(data[0].stars, 4);
});

test("the widget stands in a page of another origin under a strict policy", async () => {
  const site = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    response.setHeader("content-security-policy", `default-src 'none'; script-src ${world.base}; connect-src ${world.base}; frame-src ${world.base}`);
    response.end(`<!doctype html><html lang="es"><title>Tienda</title><span data-senda-stars="P1"></span><div data-senda-reviews="P1"></div><iframe title="x" src="${world.base}/w/reviews/P1/stars?lang=es"></iframe><script defer src="${world.base}/w/reviews.js"></script></html>`);
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  const page = await open(world, { scheme: "dark" });
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  await page.waitForSelector("[data-senda-reviews] .rate-one");
  const ink = () => page.locator(".rate-big").evaluate((figure) => getComputedStyle(figure).color);
  assert.equal(await ink(), "rgb(26, 34, 38)", "a light page has a light widget, whatever the system prefers");
  await page.evaluate(() => { document.querySelector("[data-senda-reviews]").dataset.theme = "dark"; });
  assert.equal(await ink(), "rgb(232, 238, 240)", "unless its element says otherwise");
  assert.match(await page.textContent("[data-senda-reviews]").then(() => page.evaluate(() => document.querySelector("[data-senda-reviews]").shadowRoot.textContent)), /Texto <b>0<\/b>/);
  await page.click("[data-senda-reviews] .rate-vote button >> nth=0");
  await page.waitForSelector("[data-senda-reviews] .rate-vote:has-text('Gracias')");
  const ld = JSON.parse(await page.evaluate(() => document.querySelector("script[type='application/ld+json']").textContent));
  assert.equal(ld.aggregateRating.ratingCount, 5);
  assert.match(await page.frameLocator("iframe").locator("body").textContent(), /5 opiniones/);
  assert.deepEqual(page.complaints, []);
  site.close();
});

for (const [language, words] of [["es", { verified: "Compra comprobada" }], ["en", { verified: "Verified purchase" }]])
  test(`a page of another origin in ${language}: stars, what is verified, orders by keyboard, no barriers`, async () => {
    const site = createServer((request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(`<!doctype html><html lang="${language}"><meta name="viewport" content="width=device-width"><title>Shop</title><main><h1>Router</h1><h2>Reviews</h2><div data-senda-reviews="P2"></div></main><script defer src="${world.base}/w/reviews.js"></script></html>`);
    });
    await new Promise((done) => site.listen(0, "127.0.0.1", done));
    for (const width of [1440, 390]) {
      const page = await open(world, { width, language });
      await page.goto(`http://127.0.0.1:${site.address().port}/`);
      await page.waitForSelector("[data-senda-reviews] .rate-one");
      assert.deepEqual(await page.locator(".rate-bars li span:last-child").allTextContents(), ["3", "1", "0", "0", "1"], "five rows, the best first");
      assert.equal(await page.textContent(".rate-big"), "4", "the mean of 5, 5, 5, 4 and 1");
      assert.deepEqual(await page.locator(".rate-mark.good").allTextContents(), [words.verified], "one of them was bought");
      const titles = () => page.locator(".rate-one h3").allTextContents();
      assert.deepEqual((await titles()).slice(0, 2), ["Malo", "Bueno"], "nine helpful votes of ten stand before one of one (Wilson)");
      await page.focus(".rate-orders a >> nth=3");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".rate-orders a:nth-of-type(4)[aria-current]");
      assert.equal((await titles())[0], "Malo", "the lowest first");
      assert.ok(await page.evaluate(() => document.querySelector("[data-senda-reviews]").shadowRoot.activeElement?.getAttribute("aria-current")), "the keyboard stays where it was");
      await page.click(".rate-bars li:first-child a");
      await page.waitForFunction(() => document.querySelector("[data-senda-reviews]").shadowRoot.querySelectorAll(".rate-one").length === 3);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      assert.deepEqual(await barriers(page), []);
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    }
    site.close();
  });
