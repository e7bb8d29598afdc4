/*
 * What people do: the first run, signing in, the keyboard, connecting a source, importing a file, rules, and all that without
 * scripts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { history, open, quit, send, serve, signIn } from "./world.mjs";

let world;
before(async () => { world = await serve(); await send(world, history(60)); });
after(async () => { await quit(); await world.stop(); });

const CALLS = ["Nº cliente;Fecha llamada;Motivo;Canal;Minutos", ...Array.from({ length: 40 }, (_, i) => `44${String(i % 9).padStart(5, "0")};${String((i % 27) + 1).padStart(2, "0")}.10.2026 09:${String(i % 60).padStart(2, "0")};${["Factura", "Avería", "Baja"][i % 3]};phone;${i % 7},5`)].join("\n");

test("the first run: setup makes the owner and shows where to begin", async () => {
  const fresh = await serve({ setup: true });
  const page = await open(fresh);
  await page.goto(fresh.base + new URL(fresh.adminUrl).pathname + new URL(fresh.adminUrl).search);
  await page.fill("#organisation", "Panadería Sol");
  await page.selectOption("#region", "es-PE");
  await page.fill("#name", "Rosa");
  await page.fill("#email", "rosa@example.org");
  await page.fill("#password", "corta");
  await page.locator("form[action='/setup']").evaluate((form) => { form.noValidate = true; });
  await page.click("form[action='/setup'] button");
  assert.match(await page.textContent("[role=alert]"), /10 caracteres/);
  await page.fill("#password", "una contraseña larga");
  await page.click("form[action='/setup'] button");
  await page.waitForURL(`${fresh.base}/`);
  assert.match(await page.textContent("main"), /Empieza con lo que ya tienes/);
  assert.match(await page.textContent(".brand-name"), /Panadería Sol/);
  await page.context().close();
  await fresh.stop();
});

test("a wrong password says so and lets nobody in", async () => {
  const page = await open(world);
  await signIn(page, world, "otra cosa distinta");
  assert.match(await page.textContent("[role=alert]"), /no son correctos/);
  await page.goto(`${world.base}/customers`);
  assert.match(page.url(), /sign-in/);
  await page.context().close();
});

test("with the keyboard alone: skip link, navigation, menu, search", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.focus(".who");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#menu-user").isVisible(), true);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#menu-user").isVisible(), false);
  await page.goto(`${world.base}/customers`);
  await page.keyboard.press("/");
  await page.keyboard.type("V-1003");
  await page.keyboard.press("Enter");
  await page.waitForURL(/customers\/c_/);
  assert.match(await page.textContent(".ids"), /V-1003/);
  await page.context().close();
});

test("a new source shows its first contact as it arrives", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/sources/new`);
  await page.check("input[value=app]", { force: true });
  await page.fill("#name", "App de prueba");
  await page.click("form.card button.primary");
  await page.waitForURL(/sources\/\d+/);
  const key = (await page.textContent("#write-key")).trim();
  await page.waitForTimeout(300);
  await send({ ...world, writeKey: key }, [{ type: "track", event: "Order Completed", userId: "V-1", messageId: "live-1" }]);
  const arrival = page.locator("[data-arrivals] li").first();
  await arrival.waitFor({ timeout: 5000 });
  assert.match(await arrival.textContent(), /Compra realizada/);
  await page.waitForFunction(() => document.querySelector("[data-live=accepted]").textContent === "1", null, { timeout: 5000 });
  await page.context().close();
});

test("a spreadsheet becomes contacts; again, it adds nothing", async () => {
  const page = await open(world);
  await signIn(page, world);
  for (const [accepted, duplicates] of [["40", "0"], ["0", "40"]]) {
    await page.goto(`${world.base}/import`);
    await page.setInputFiles("#file", { name: "llamadas.csv", mimeType: "text/csv", buffer: Buffer.from(CALLS) });
    await page.waitForURL(/import\/\d+/);
    await page.selectOption("[name=role_0]", "customer");
    await page.selectOption("[name=role_1]", "time");
    await page.selectOption("[name=role_2]", "event");
    await page.fill("#time_format", "%d.%m.%Y %H:%M");
    await page.click("button[value=preview]");
    await page.waitForLoadState();
    assert.match(await page.textContent("#preview >> xpath=ancestor::section"), /Factura/);
    await page.click("button[value=start]");
    await page.waitForSelector(".badge.good", { timeout: 15000 });
    const figures = await page.locator(".figure-value").allTextContents();
    assert.deepEqual([figures[1], figures[2]], [accepted, duplicates]);
  }
  assert.match(await page.textContent("main"), /Lo primero que se ve/);
  await page.goto(`${world.base}/customers/4400001`);
  assert.match(await page.textContent(".timeline"), /Avería/);
  await page.context().close();
});

test("a rule of touchpoints is counted while it is written, and names the past", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/settings/touchpoints`);
  await page.click("button[name=add]");
  await page.fill("[name=event_0]", "Order Completed");
  await page.fill("[name=touchpoint_0]", "Contratar");
  await page.waitForFunction(() => /\d/.test(document.querySelector("[data-matches]").textContent), null, { timeout: 5000 });
  await page.click("button.primary[name=save]");
  await page.waitForLoadState();
  assert.match(await page.textContent("[data-matches]"), /[1-9]/);
  assert.equal(await page.inputValue("[name=touchpoint_0]"), "Contratar");
  await page.context().close();
});

test("without scripts: sign in, look, create a source, change the language", async () => {
  const page = await open(world, { javaScriptEnabled: false });
  await signIn(page, world);
  assert.match(await page.textContent("h1"), /Inicio/);
  await page.goto(`${world.base}/sources/new`);
  await page.fill("#name", "Sin scripts");
  await page.click("form.card button.primary");
  assert.match(await page.textContent("h1"), /Sin scripts/);
  await page.goto(`${world.base}/customers?q=V-1002`);
  assert.match(page.url(), /customers\/c_/);
  await page.goto(`${world.base}/settings/me`);
  await page.selectOption("#language", "en");
  await page.click("form[action='/settings/me'] button");
  assert.equal(await page.getAttribute("html", "lang"), "en");
  await page.context().close();
});

test("a refused form names its field and says why in the reader's language, without scripts only why", async () => {
  for (const [language, javaScriptEnabled, said] of [["es", true, /^\s*Correo[^:]*: Eso no es una dirección de correo\.\s*$/], ["en", true, /^\s*E-mail[^:]*: That is not an e-mail address\.\s*$/], ["es", false, /^\s*Eso no es una dirección de correo\.\s*$/]]) {
    const page = await open(world, { language, javaScriptEnabled });
    await signIn(page, world);
    await page.goto(`${world.base}/settings/me`);
    await page.selectOption("#language", language);
    await page.click("form[action='/settings/me'] button");
    await page.goto(`${world.base}/settings/people`);
    await page.fill("#name", "Luis");
    await page.fill("#email", "luis");
    await page.locator("form[action='/settings/people']").evaluate((form) => { form.noValidate = true; });
    await page.click("form[action='/settings/people'] button");
    assert.match(await page.textContent("[role=alert] p"), said);
    if (javaScriptEnabled) assert.equal(await page.evaluate(() => document.activeElement?.id), "email");
    assert.equal(await page.inputValue("#name"), "Luis", "what was typed stays");
    await page.context().close();
  }
});

test("work that goes on is followed on the page, without loading it anew", async () => {
  const page = await open(world);
  let asked = 0;
  await signIn(page, world);
  await page.clock.install();
  await page.route("**/settings/jobs", async (route) => { // the first two answers say that all jobs run, then the truth
    const answer = await route.fetch(), html = await answer.text();
    await route.fulfill({ response: answer, body: ++asked <= 2 ? html.replaceAll('name="run"', 'data-busy name="cancel"') : html });
  });
  await page.goto(`${world.base}/settings/jobs`);
  await page.evaluate(() => { window.here = true; });
  const busy = () => page.locator("#jobs [data-busy]").count(), follow = async () => {
    const answered = page.waitForResponse("**/settings/jobs");
    await page.clock.runFor(2100);
    await (await answered).finished();
  };
  assert.ok(await busy() > 3);
  await page.locator("#jobs button").nth(2).focus();
  await follow();
  assert.ok(await busy() > 3, "it still goes on");
  await follow();
  await page.waitForFunction(() => !document.querySelector("#jobs [data-busy]"));
  assert.ok(await page.locator('#jobs button[name="run"]').count() > 3);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll("#jobs button")].indexOf(document.activeElement)), 2, "the focus stays");
  assert.equal(await page.evaluate(() => window.here), true, "the page was not loaded anew");
  await page.clock.runFor(10000);
  assert.equal(asked, 3, "nothing is busy, nothing is asked");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
