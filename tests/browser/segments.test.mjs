/*
 * Segments in a browser: the editor by keyboard alone with its live count, what it writes and reads back, on a phone too; no
 * barrier on its pages in either language.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { history, open, quit, send, serve, signIn } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world;
before(async () => { world = await serve(); assert.equal((await send(world, history())).success, true); });
after(async () => { await quit(); assert.equal(await world.stop(), 0); });

const api = async (method, path, body) => {
  const answer = await fetch(world.base + path, { method, headers: { authorization: `Bearer ${world.apiKey}` }, body: body && JSON.stringify(body) });
  return answer.json();
};
const count = (page) => page.locator("[data-figure]").innerText();
async function counted(page, wanted) {
  await page.waitForFunction((text) => document.querySelector("[data-figure]").textContent === text, wanted, { timeout: 5000 });
}

test("a segment is made by keyboard alone, with a count that follows", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/segments`);
  assert.match(await page.innerText("main"), /Aún no hay segmentos/);
  await page.goto(`${world.base}/segments/new`);
  await page.keyboard.press("Tab");
  await page.locator("#title").focus();
  await page.keyboard.type("Compran");
  await page.locator(".rule-row .kind").focus();
  await page.keyboard.press("Tab"); // the event
  await page.keyboard.type("Compra realizada");
  const buyers = (await api("POST", "/api/v1/query", { kind: "customers", of: { did: { event: "Order Completed" } }, limit: 1 })).data.count;
  await counted(page, String(buyers));
  await page.locator("[data-add]").focus();
  await page.keyboard.press("Enter");
  const kind = page.locator(".rule-row .kind").nth(1);
  await kind.focus();
  await kind.selectOption("trait");
  assert.equal(await page.evaluate(() => document.activeElement.className.includes("kind")), true, "the focus stays on the row");
  await page.keyboard.press("Tab");
  await page.locator(".rule-row").nth(1).locator("select").nth(1).selectOption("plan");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Fibra 300");
  const both = { all: [{ did: { event: "Order Completed" } }, { trait: "plan", op: "=", value: "Fibra 300" }] };
  await counted(page, String((await api("POST", "/api/v1/query", { kind: "customers", of: both, limit: 1 })).data.count));
  await page.keyboard.press("Enter"); // sends the form
  await page.waitForURL(/\/segments\/compran/);
  assert.deepEqual((await api("GET", "/api/v1/segments/compran")).rule, both);
  assert.match(await page.innerText("main"), /Hizo «Compra realizada»/);
  assert.deepEqual(page.complaints, []);
});

test("what was written by the API is read back, and what rows cannot show stays", async () => {
  const page = await open(world, { width: 390, height: 844 });
  const rule = { any: [
    { did: { event: "Product Viewed", where: [{ property: "context.page.path", op: "exists" }] }, times: ">=3", within: "30d" },
    { not: { any: [{ in: "compran" }, { did: { touchpoint: "x" }, times: "=0", range: { from: "2026-01-01" } }] } },
    { sequence: [{ event: "Product Viewed" }, { event: "Order Completed" }], within: "12h", never: { event: "Call Ended" } },
    { sequence: [{ event: "Product Viewed" }, { event: "Checkout Started" }, { event: "Order Completed" }], within: "7d" },
    { did: { event: ["Call Ended", "Kiosk Tapped"] }, times: "<5" },
    { answered: { metric: "csat", op: "<", value: 3, within: "7d" } },
    { value: { of: "clv", op: ">=", value: 12.5 } },
    { trait: "plan", op: "in", value: ["Móvil", "Fibra 300"] },
  ] };
  rule.any[1].not.any[1] = { did: {}, times: "=0", range: { from: "2026-01-01" } };
  rule.any[0].did.where = [{ property: "total", op: ">", value: "12" }];
  const made = await api("POST", "/api/v1/segments", { name: "mixed", title: "Mixed", rule });
  assert.equal(made.name, "mixed", JSON.stringify(made));
  await signIn(page, world);
  await page.goto(`${world.base}/segments/mixed/edit`);
  await page.waitForSelector(".rule-row");
  assert.deepEqual(JSON.parse(await page.inputValue("[name=rule]")), rule);
  await page.locator(".rule-row button[aria-label^=Quitar]").last().click();
  const steps = page.locator(".rule-row").nth(4);
  await steps.getByRole("button", { name: "+ paso" }).click();
  await steps.getByLabel("Contacto 4").selectOption("Call Ended");
  await steps.getByLabel("Quitar el paso 3").click();
  rule.any[3].sequence.splice(2, 1, { event: "Call Ended" });
  await page.fill("#mission", "Una misión");
  await page.click("form button.primary");
  await page.waitForURL(/\/segments\/mixed/);
  assert.deepEqual((await api("GET", "/api/v1/segments/mixed")).rule, { any: rule.any.slice(0, -1) });
  // On the path of a customer, segments entered one after the other are one line, by title.
  const [member] = (await api("GET", "/api/v1/segments/compran/members?limit=1")).data;
  let path = "";
  for (let i = 0; i < 50 && !path.includes("Compran, Mixed") && !path.includes("Mixed, Compran"); i++) {
    await page.goto(`${world.base}/customers/${member.id}`);
    path = await page.locator(".pair", { hasText: "Segmento" }).first().innerText({ timeout: 300 }).catch(() => "");
  }
  assert.match(path, /Segmento (Compran, Mixed|Mixed, Compran)/);
  await api("POST", "/api/v1/segments", { name: "lately", title: "Lately", rule: { any: ["1h", "24h", "2w", "30d"].map((within) => ({ did: { event: "Call Ended" }, within })) } });
  await page.goto(`${world.base}/segments/lately`);
  const lately = await page.innerText("main");
  for (const words of ["en la última hora", "en las últimas 24 horas", "en las últimas 2 semanas", "en los últimos 30 días"]) assert.ok(lately.includes(words), words);
  assert.equal(await api("DELETE", "/api/v1/segments/lately").catch(() => 204), 204);
  assert.deepEqual(page.complaints, []);
});

test("a segmentation is made class by class, reordered, and shown with its personas", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/segmentations/new`);
  await page.locator("[data-whole] [data-field=title]").fill("Por uso");
  const card = (n) => page.locator("[data-class]").nth(n);
  await card(0).locator("[data-field=title]").fill("Llaman");
  await card(0).locator(".rule-row select").nth(1).selectOption("Call Ended");
  await page.locator("[data-more]").click();
  await card(1).locator("[data-field=title]").fill("Compran");
  await card(1).locator(".rule-row select").nth(1).selectOption("Order Completed");
  await card(1).locator("summary").click();
  await card(1).locator("[data-field='persona.name']").fill("Lucía");
  await card(1).locator("[data-field='persona.quote']").fill("Lo quiero ya");
  await card(1).locator("[data-up]").focus();
  await page.keyboard.press("Enter");
  assert.equal(await card(0).locator("[data-field=title]").inputValue(), "Compran");
  await page.waitForFunction(() => [...document.querySelectorAll("[data-size]")].every((place) => /\d/.test(place.textContent)));
  const shown = (await page.locator("[data-size]").allInnerTexts()).map((text) => Number(text.split(" ")[0]));
  assert.equal(shown.reduce((sum, n) => sum + n, 0), 120, `the classes hold everybody: ${shown}`);
  await page.locator("[data-rest] [data-field=title]").fill("Los demás");
  await page.click("form button.primary");
  await page.waitForURL(/\/segmentations\/por-uso/);
  const text = await page.innerText("main");
  assert.ok(text.includes("Lucía") && text.includes("«Lo quiero ya»") && text.includes("Los demás") && text.includes("Hizo «Compra realizada»") === false);
  const { data } = await api("GET", "/api/v1/segmentations/por-uso/results");
  assert.deepEqual(data.map((row) => row.size), shown);
  await page.goto(`${world.base}/segmentations/por-uso/edit`);
  await page.waitForSelector(".rule-row");
  await page.click("form button.primary");
  await page.waitForURL(/\/segmentations\/por-uso(\?|$)/);
  const [second, first] = (await api("GET", "/api/v1/segmentations/por-uso/versions")).data;
  assert.deepEqual([second.version, second.classes, second.rest], [2, first.classes, first.rest], "read back as it was");
  assert.deepEqual(page.complaints, []);
});

test("the pages of segments have no barrier", async () => {
  for (const [language, scheme, width] of [["es", "light", 1440], ["en", "dark", 390]]) {
    const page = await open(world, { language, scheme, width, height: 844 });
    await signIn(page, world);
    for (const path of ["/segments", "/segments/mixed", "/segments/mixed/edit", "/segments/new", "/segmentations", "/segmentations/por-uso", "/segmentations/por-uso/edit", "/segmentations/por-uso/members?class=rest"]) {
      await page.goto(world.base + path);
      await page.waitForLoadState("networkidle");
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
      assert.deepEqual(violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}`)), [], `${path} ${language}`);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wider <= 0, `${path}: ${wider} px wider than the screen`);
      assert.equal(await page.evaluate(() => document.body.innerText.match(/\{\{|\}\}|segment(s|ations)\.[a-z]/)), null, `${path}: unfilled`);
    }
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});
