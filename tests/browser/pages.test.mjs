/*
 * Every page in both languages, both schemes, wide and narrow: right language, no complaint of the browser, no barrier that
 * axe finds (WCAG 2.2 A and AA), nothing wider than the screen; and the weight of a page.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { history, open, quit, send, serve, signIn } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["/", "/?period=90d&measure=customers", "/customers", "/customers?q=nadie", "/customers/V-1001", "/groups", "/groups/new", "/sources", "/sources/new", "/sources/1", "/import", "/settings/organisation", "/settings/touchpoints", "/settings/units", "/settings/people", "/settings/keys", "/settings/audit", "/settings/me", "/settings/jobs", "/value", "/value/settings", "/churn", "/scores", "/scores?period=all&metric=csat", "/scores/answers?metric=csat&survey=Salida", "/scores/people?metric=csat&survey=Salida&answer=3", "/diary", "/no-such-page", "/explore/trend", "/explore/funnel", "/explore/flow", "/explore/variants", "/explore/retention"];

let world;
before(async () => {
  world = await serve();
  const answer = await send(world, history());
  assert.equal(answer.success, true);
  await send(world, [{ type: "track", event: "X" }, { type: "track", userId: "1" }]);
});
after(async () => { await quit(); assert.equal(await world.stop(), 0); });

/** What axe objects to, as lines. */
async function barriers(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${(node.any[0] || node.all[0] || node.none[0] || {}).message || rule.help}`));
}

async function check(page, path, language, expected = []) {
  page.complaints.length = 0;
  await page.goto(world.base + path);
  await page.waitForLoadState("load");
  assert.equal(await page.getAttribute("html", "lang"), language, `${path}: language`);
  assert.deepEqual(await barriers(page), [], `${path}: barriers`);
  assert.deepEqual(page.complaints.filter((text) => !expected.some((part) => text.includes(part))), [], `${path}: console`);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wider <= 0, `${path}: ${wider} px wider than the screen`);
  assert.equal(await page.evaluate(() => document.body.innerText.match(/\{\{|\}\}/)), null, `${path}: unfilled template`);
}

for (const language of ["es", "en"])
  for (const [scheme, width] of [["light", 1440], ["dark", 390], ["light", 390], ["dark", 1440]])
    test(`pages: ${language}, ${scheme}, ${width} px`, async () => {
      const page = await open(world, { language, scheme, width, height: 844 });
      await check(page, "/sign-in", language);
      await signIn(page, world);
      for (const path of PAGES) await check(page, path, language, path === "/no-such-page" ? ["404"] : []);
      await page.context().close();
    });

test("a page weighs at most 60 KB on the wire, its scripts 15 KB", async () => {
  const page = await open(world);
  await signIn(page, world);
  for (const path of ["/", "/customers", "/sources/1", "/import", "/explore/flow"]) {
    const fresh = await open(world, { storageState: await page.context().storageState() });
    const session = await fresh.context().newCDPSession(fresh);
    await session.send("Network.enable");
    const kinds = new Map(), bytes = { all: 0, Script: 0 };
    session.on("Network.responseReceived", (event) => kinds.set(event.requestId, event.type));
    session.on("Network.loadingFinished", (event) => {
      bytes.all += event.encodedDataLength;
      if (kinds.get(event.requestId) === "Script") bytes.Script += event.encodedDataLength;
    });
    await fresh.goto(world.base + path);
    await fresh.waitForTimeout(300);
    assert.ok(bytes.all <= 60 * 1024, `${path} weighs ${bytes.all} bytes`);
    assert.ok(bytes.Script <= 15 * 1024, `${path}: scripts weigh ${bytes.Script} bytes`);
    await fresh.context().close();
  }
  await page.context().close();
});

test("a list is sorted by its headings and searched by words, by keyboard too", async () => {
  for (let i = 1; i <= 11; i++)
    await fetch(`${world.base}/api/v1/kiosks`, { method: "POST", headers: { authorization: `Bearer ${world.apiKey}` }, body: JSON.stringify({ name: `Pantalla ${i}`, unit: i % 2 ? "Málaga" : "Soria", languages: ["es"], question: "¿Qué tal?" }) });
  const page = await open(world);
  await signIn(page, world);
  await check(page, "/kiosks", "es");
  const names = () => page.locator("tbody tr:visible .row-link").allTextContents(), head = page.getByRole("button", { name: "Nombre" });
  const before = await names();
  await head.focus();
  await page.keyboard.press("Enter");
  assert.deepEqual((await names()).slice(0, 3), ["Pantalla 1", "Pantalla 2", "Pantalla 3"], "as people count, not as letters do");
  await page.keyboard.press("Enter");
  assert.equal((await names())[0], "Pantalla 11");
  assert.equal(await page.locator("th[aria-sort=descending]").count(), 1);
  await page.keyboard.press("Enter");
  assert.deepEqual(await names(), before, "and the order of before comes back");
  await page.fill(".list-find input", "malaga 3");
  assert.deepEqual(await names(), ["Pantalla 3"], "without accents");
  assert.equal(await page.textContent(".list-find [role=status]"), "1 / 11");
  assert.deepEqual(await barriers(page), []);
  await page.fill(".list-find input", "nada de eso");
  assert.equal(await page.textContent(".list-find [role=status]"), "Ninguna fila tiene esas palabras.");
  await page.context().close();
});
