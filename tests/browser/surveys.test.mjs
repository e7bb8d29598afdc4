/*
 * A survey built in the editor, answered on a phone and by keyboard alone, its results arriving live; no barriers, nothing wider
 * than the screen, no complaint of the browser.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { open, quit, serve, signIn } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.SENDA_SHOTS;
let world, manager;
before(async () => {
  world = await serve();
  manager = await open(world);
  await signIn(manager, world);
});
after(async () => { await quit(); assert.equal(await world.stop(), 0); });

async function check(page, name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], iframes: false }));
  assert.deepEqual(violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${(node.any[0] || node.all[0] || node.none[0] || {}).message || rule.help}`)), [], `${name}: barriers`);
  assert.deepEqual(page.complaints, [], `${name}: console`);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${name}: wider than the screen`);
  assert.equal(await page.evaluate(() => document.body.innerText.match(/\{\{|\}\}|surveys?\.[a-z_]+/)), null, `${name}: unfilled text`);
}

const saved = (page) => page.waitForFunction(() => document.getElementById("state")?.textContent === "Guardado");
const draft = async () => (await (await fetch(`${world.base}/api/v1/surveys/visita-a-la-tienda`, { headers: { authorization: `Bearer ${world.apiKey}` } })).json()).definition;

test("a survey is built in the editor, undone, previewed and published", async () => {
  const page = manager;
  await page.goto(`${world.base}/surveys`);
  await check(page, "surveys-empty");
  await page.fill("#title", "Visita a la tienda");
  await page.selectOption("#kind", "long");
  await page.click("text=Crear encuesta");
  await page.waitForSelector("[aria-label='Página 1'] .ed-question");
  await check(page, "editor-new");

  await page.fill('[data-key="q.recommend.text"]', "¿Nos recomendarías esta tienda?");
  await page.click('[data-key="page.add"]');
  await page.selectOption('[data-key="p.page-2.kind"]', "csat");
  await page.click('[data-key="p.page-2.add"]');
  await page.keyboard.type("¿Qué tal la espera?"); // the new question's text has the focus
  await page.selectOption('[data-key="q.csat.look"]', "faces");
  await page.click('[data-key="q.reasons.toggle"]');
  await page.fill('[data-key="options.o"], [data-key="q.reasons.staff"]', "El trato recibido");
  await page.press('[data-key="q.reasons.price"]', "Enter"); // another option below
  await page.keyboard.type("El surtido");
  await page.click('[data-key="q.why.toggle"]');
  await page.click('[data-key="q.why.if.add"]');
  await page.selectOption('[data-key="q.why.if.0.of"]', "question:recommend");
  await page.selectOption('[data-key="q.why.if.0.op"]', "<=");
  await page.fill('[data-key="q.why.if.0.value"]', "6");
  await page.click("summary:has-text('Saltos')");
  await saved(page);
  let asked = await draft();
  assert.deepEqual(asked.pages[0].questions.map((q) => q.id), ["recommend", "reasons", "why"]);
  assert.deepEqual(asked.pages[0].questions[2].show_if, { question: "recommend", op: "<=", value: 6 });
  assert.deepEqual(asked.pages[0].questions[1].options.map((o) => o.text), ["El trato recibido", "La espera", "El precio", "El surtido"]);
  assert.equal(asked.pages[1].questions[0].text, "¿Qué tal la espera?");

  await page.click('[data-key="q.csat.remove"]');
  await page.keyboard.press("Control+z");
  await page.waitForSelector('[data-key="q.csat.toggle"]');
  await page.focus('[data-key="q.recommend.toggle"]');
  await page.keyboard.press("Alt+ArrowDown");
  await saved(page);
  assert.deepEqual((await draft()).pages[0].questions.map((q) => q.id), ["reasons", "recommend", "why"]);
  await page.keyboard.press("Control+z");
  await saved(page);
  assert.equal((await draft()).pages[0].questions[0].id, "recommend");

  const preview = page.frameLocator("#preview");
  await preview.locator("text=¿Nos recomendarías esta tienda?").waitFor();
  await preview.locator("input[name='a.recommend'][value='9']").check();
  await preview.locator("button.primary").click();
  await preview.locator("text=¿Qué tal la espera?").waitFor();
  await page.click("#desktop");
  await check(page, "editor");
  await page.click("#publish");
  await page.waitForSelector("text=Publicada la versión 1");
  await page.waitForSelector("#versions >> text=Recuperar");
});

test("it is answered on a phone, the opened question appears, and results arrive live", async () => {
  await manager.goto(`${world.base}/surveys/visita-a-la-tienda`);
  await manager.waitForSelector("text=Aún no hay respuestas");
  const phone = await open(world, { width: 390, height: 844, hasTouch: true, isMobile: true });
  await phone.goto(`${world.base}/s/visita-a-la-tienda`);
  await check(phone, "survey-phone");
  assert.equal(await phone.isVisible("#q-why"), false);
  await phone.tap("button.primary");
  assert.equal(await phone.isVisible("#e-recommend"), true);
  await phone.tap("label:has([name='a.recommend'][value='3'])");
  assert.equal(await phone.isVisible("#q-why"), true);
  await phone.fill("[name='a.why']", "Había mucha cola <b>y</b> poca gente");
  await phone.tap("label:has([value='staff'])");
  await phone.tap("button.primary");
  await phone.waitForSelector("#q-csat");
  await check(phone, "survey-phone-2");
  await phone.tap("label:has([name='a.csat'][value='2'])");
  await phone.tap("button.primary");
  await phone.waitForSelector("text=¡Gracias!");
  await check(phone, "survey-thanks");
  await phone.context().close();
  await manager.waitForSelector("text=Había mucha cola <b>y</b> poca gente", { timeout: 10000 });
  await check(manager, "results-live");
});

test("it is answered by keyboard alone", async () => {
  const page = await open(world, { language: "en", scheme: "dark" });
  await page.goto(`${world.base}/s/visita-a-la-tienda`);
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("name"));
  for (let i = 0; i < 10 && (await focused()) !== "a.recommend"; i++) await page.keyboard.press("Tab");
  assert.equal(await focused(), "a.recommend");
  await page.keyboard.press("ArrowRight");
  for (let i = 0; i < 9; i++) await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => Number(document.querySelector("[name='a.recommend']:checked")?.value) >= 9), true);
  for (let i = 0; i < 30 && (await focused()) !== "do"; i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#q-csat");
  for (let i = 0; i < 10 && (await focused()) !== "a.csat"; i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".notice[data-done]");
  await page.context().close();
});

test("what is wrong is said beside the question, in the same words with and without script; a draft's pictures are in its preview", async () => {
  const api = (method, path, body) => fetch(`${world.base}/api/v1/surveys${path}`, { method, headers: { authorization: `Bearer ${world.apiKey}`, "content-type": "application/json" }, body: JSON.stringify(body) });
  const image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg==";
  const options = ["a", "b", "c"].map((id) => ({ id, text: id }));
  await api("POST", "", { id: "checks", definition: { title: "Comprobaciones", languages: ["es"], pages: [{ id: "p", questions: [
    { id: "age", type: "number", min: 18, max: 99, step: 1, text: "Edad" }, { id: "day", type: "date", from: "2026-01-01", text: "Día" }, { id: "two", type: "choices", least: 2, most: 2, text: "Dos", options },
    { id: "order", type: "ranking", text: "Orden", options }, { id: "who", type: "contact", fields: ["email", "phone"], text: "Contacto" }, { id: "m", type: "matrix", required: true, text: "Tabla", scale: [1, 3], rows: [{ id: "r", text: "R" }, { id: "s", text: "S" }] },
    { id: "pic", type: "picture", text: "Imagen", options: [{ id: "x", text: "X", image }, { id: "y", text: "Y" }] }] }] } });
  await manager.goto(`${world.base}/surveys/checks/preview`);
  await manager.waitForFunction(() => document.querySelector("#q-pic img")?.naturalWidth === 2);
  await api("POST", "/checks/publish", {});
  const wanted = { age: "Escribe un número entre 18 y 99. Sin decimales.", day: "Elige una fecha, el 1 ene 2026 o después.", two: "Marca entre 2 y 2.", order: "Cada opción necesita un puesto distinto.", who: "Revisa el correo (nombre@ejemplo.es) y el teléfono (de 6 a 15 cifras).", m: "Responde en todas las filas." };
  for (const javaScriptEnabled of [true, false]) {
    const page = await open(world, { width: 390, height: 844, javaScriptEnabled });
    await page.goto(`${world.base}/s/checks`);
    if (!javaScriptEnabled) await page.locator("form").evaluate((form) => { form.noValidate = true; }); // what a browser would hold back
    await page.fill("[name='a.age']", "17");
    await page.fill("[name='a.day']", "2025-12-31");
    await page.check("[name='a.two'][value=a]");
    await page.selectOption("[name='a.order.a']", "1");
    await page.fill("[name='a.who.email']", "ana@example");
    await page.locator("[name='a.m.r'][value='2']").check({ force: true });
    await page.click("button.primary");
    await page.waitForSelector("[data-fault]");
    for (const [id, text] of Object.entries(wanted)) assert.equal(await page.textContent(`#e-${id}`), text, `${id}, ${javaScriptEnabled ? "with" : "without"} script`);
    if (javaScriptEnabled) {
      assert.equal(await page.evaluate(() => document.activeElement.name), "a.age", "the focus is where it can be mended");
      assert.equal(await page.getAttribute("[name='a.who.email']", "aria-invalid"), "true");
      await check(page, "survey-faults");
      await page.fill("[name='a.age']", "44");
      await page.fill("[name='a.day']", "2026-05-01");
      await page.waitForSelector("#e-age", { state: "hidden" }); // what is mended is no longer said
      await page.check("[name='a.two'][value=b]");
      for (const [option, place] of [["b", "2"], ["c", "3"]]) await page.selectOption(`[name='a.order.${option}']`, place);
      await page.fill("[name='a.who.email']", "ana@example.org");
      await page.locator("[name='a.m.s'][value='1']").check({ force: true });
      await page.click("button.primary");
      await page.waitForSelector(".notice[data-done]");
    }
    await page.context().close();
  }
});

test("results, answers and the list have no barriers in either language, wide and narrow", async () => {
  for (const [language, width, scheme] of [["es", 390, "light"], ["en", 1440, "dark"]]) {
    const page = await open(world, { language, width, scheme });
    await signIn(page, world);
    for (const [path, name] of [["/surveys", "list"], ["/surveys/visita-a-la-tienda", "results"], ["/surveys/visita-a-la-tienda/edit", "edit"], ["/surveys/visita-a-la-tienda/answers?question=reasons&value=staff", "answers"]]) {
      await page.goto(world.base + path);
      if (name === "edit") await page.waitForSelector(".ed-question");
      await check(page, `${name}-${language}-${width}`);
    }
    await page.context().close();
  }
});
