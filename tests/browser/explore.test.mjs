/*
 * Explore as people use it: the form with and without scripts, keyboard, history, errors at their control, from each number to
 * the customers behind it, downloads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { history, open, quit, send, serve, signIn } from "./world.mjs";

let world;
before(async () => {
  world = await serve();
  assert.equal((await send(world, history())).success, true);
});
after(async () => { await quit(); assert.equal(await world.stop(), 0); });

const FUNNEL = "/explore/funnel?range=all&s1=Product%20Viewed&s2=Checkout%20Started&s3=Order%20Completed";
const steps = (page) => page.$$eval(".steps-edit input[id]", (inputs) => inputs.map((input) => input.value));

/** The question that a change began is answered. */
async function answered(page) {
  await page.waitForTimeout(320);
  await page.waitForFunction(() => document.querySelector("#answer") && !document.querySelector("#answer").hasAttribute("aria-busy"));
}

test("a funnel is changed with buttons and keys, the address follows, back goes back", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(world.base + FUNNEL);
  assert.match(await page.textContent(".headline"), /^De \d+ clientes/);
  await page.focus("#q-s2");
  await page.keyboard.press("Alt+ArrowUp");
  await answered(page);
  assert.deepEqual(await steps(page), ["Empieza la compra", "Mira un producto", "Compra realizada"]);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "q-s1", "the focus goes with the step");
  await page.click('[name="do"][value="add-s"]');
  await answered(page);
  assert.equal((await steps(page)).length, 4);
  await page.fill("#q-s4", "Call Ended");
  await page.keyboard.press("Tab");
  await answered(page);
  assert.ok(page.url().includes("s4=Call%20Ended"), page.url());
  await page.click('[name="do"][value="del-s-4"]');
  await answered(page);
  assert.equal((await steps(page)).length, 3);
  await page.selectOption("#q-by", "channel");
  await answered(page);
  assert.ok(page.url().includes("by=channel"));
  await page.goBack();
  await answered(page);
  assert.ok(!page.url().includes("by=channel"));
  assert.equal(await page.inputValue("#q-by"), "");
  await page.reload();
  assert.deepEqual(await steps(page), ["Empieza la compra", "Mira un producto", "Compra realizada"], "the address is the question");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("the same form works without scripts", async () => {
  const page = await open(world, { javaScriptEnabled: false });
  await signIn(page, world);
  await page.goto(world.base + FUNNEL);
  await page.click('[name="do"][value="down-s-1"]');
  assert.deepEqual(await steps(page), ["Empieza la compra", "Mira un producto", "Compra realizada"]);
  await page.fill("#q-s3", "Invoice Viewed");
  await page.click(".ask button");
  assert.deepEqual(await steps(page), ["Empieza la compra", "Mira un producto", "Mira la factura"]);
  assert.match(await page.textContent(".headline"), /^De \d+ clientes/);
  await page.context().close();
});

test("an error stands at its control", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}${FUNNEL}&s2=Nada`.replace("s2=Checkout%20Started&", ""));
  assert.equal(await page.getAttribute("#q-s2", "aria-invalid"), "true");
  assert.match(await page.textContent("#e-s2"), /Ninguna interacción recibida/);
  await page.context().close();
});

test("filters offer the values of their property; a group of customers is built without JSON", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(`${world.base}/explore/trend?range=all`);
  await page.click(".narrowing > summary");
  await page.click('[name="do"][value="add-f"]');
  await answered(page);
  await page.fill('[name="f1p"]', "reason");
  await page.focus('[name="f1v"]');
  await page.waitForSelector("#values option", { state: "attached" });
  assert.deepEqual((await page.$$eval("#values option", (options) => options.map((option) => option.value))).sort(), ["Avería", "Factura"]);
  await page.fill('[name="f1v"]', "Factura");
  await page.keyboard.press("Tab");
  await answered(page);
  await page.click('[name="do"][value="add-g"]');
  await answered(page);
  await page.selectOption('[name="g1k"]', "did");
  await answered(page);
  await page.fill('[name="g1e"]', "Order Completed");
  await page.keyboard.press("Tab");
  await answered(page);
  const query = JSON.parse(await page.textContent("#question-json"));
  assert.deepEqual(query.where, [{ property: "reason", op: "=", value: "Factura" }]);
  assert.deepEqual(query.segment, { all: [{ did: { event: "Order Completed" } }] });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("each number leads to its customers, as many as it says", async () => {
  const page = await open(world);
  await signIn(page, world);
  for (const [path, shape] of [[FUNNEL, "step=1"], [FUNNEL, "lost=1"], ["/explore/flow?range=all", "edge_from="], ["/explore/flow?range=all", "node="], ["/explore/flow?range=all", "first="], ["/explore/flow?range=all&view=sankey", "last="], ["/explore/variants?range=all", "variant=1"], ["/explore/retention?range=all", "cohort="], ["/explore/trend?range=all", "bucket="], ["/explore/flow?range=all&by=channel", "edge_from="], ["/explore/variants?range=all&by=channel", "variant=1"], ["/explore/retention?range=all&by=t%3Aplan", "cohort="], ["/explore/funnel?s1=Product+Viewed&s2=Order+Completed&range=all&by=week", "step=1"]]) {
    await page.goto(world.base + path);
    const [href, title] = await page.$eval(`#answer svg.chart-wide a[href*="${shape}"]`, (link) => [link.getAttribute("href"), link.querySelector("title").textContent]);
    await page.goto(world.base + href);
    const lead = await page.textContent(".lead"), [told, group] = lead.split(" · ").reverse(), count = Number(/[\d.]+/.exec(told)[0].replaceAll(".", ""));
    assert.equal(Boolean(group), path.includes("by="), `${href}: a group has its name: ${lead}`);
    assert.ok(count > 0, `${href}: ${lead}`);
    assert.equal(await page.locator("tbody tr").count(), Math.min(count, 100), href);
    if (shape.startsWith("step") || shape.startsWith("lost") || shape.startsWith("variant"))
      assert.ok(title.split(/\D+/).map(Number).includes(count), `${href}: ${count} customers, "${title}"`);
  }
  await page.click("tbody a");
  assert.match(page.url(), /\/customers\/c_\d+/);
  await page.context().close();
});

test("a breakdown draws each value by itself, and takes all along", async () => {
  const page = await open(world);
  await signIn(page, world);
  for (const kind of ["flow", "variants", "retention"]) {
    await page.goto(`${world.base}/explore/${kind}?range=all`);
    await page.selectOption("#q-by", "channel");
    await answered(page);
    const titles = await page.$$eval(".answer-group h2", (headings) => headings.map((heading) => heading.firstChild.textContent.trim()));
    assert.ok(titles.length > 2 && titles.includes("Web") && titles.includes("Teléfono"), `${kind}: ${titles}`);
    assert.equal(await page.locator(".answer-group svg.chart-wide").count(), titles.length);
    const svg = await (await page.request.get(world.base + await page.getAttribute('.page-actions a[href*=".svg"]', "href"))).text();
    for (const title of titles) assert.ok(svg.includes(`>${title}<`), `${kind}: ${title}`);
    const ids = await page.$$eval("[id]", (elements) => elements.map((element) => element.id));
    assert.equal(new Set(ids).size, ids.length, "ids are unique");
  }
  await page.context().close();
});

test("every answer can be taken along", async () => {
  const page = await open(world);
  await signIn(page, world);
  for (const kind of ["trend", "funnel", "flow", "variants", "retention"]) {
    await page.goto(world.base + (kind === "funnel" ? FUNNEL : `/explore/${kind}?range=all`));
    for (const [type, mark] of [["csv", ","], ["svg", "<svg"]]) {
      const href = await page.getAttribute(`.page-actions a[href*=".${type}"]`, "href");
      const answer = await page.request.get(world.base + href);
      assert.equal(answer.status(), 200, href);
      assert.match(answer.headers()["content-disposition"], new RegExp(`attachment.*\\.${type}`));
      const text = await answer.text();
      assert.ok(text.includes(mark) && text.length > 100, href);
      if (type === "svg") assert.doesNotMatch(text, /var\(--|light-dark|color-mix\(in srgb, #/, `${kind}: tokens are resolved`);
    }
  }
  await page.context().close();
});

test("a question is kept under a name, opened and removed", async () => {
  const page = await open(world);
  await signIn(page, world);
  await page.goto(world.base + FUNNEL);
  await page.click("[popovertarget=save-question]");
  await page.fill("#save-name", "Embudo de prueba");
  await Promise.all([page.waitForURL(/\/explore\/saved/), page.keyboard.press("Enter")]);
  await page.click("text=Embudo de prueba");
  assert.deepEqual(await steps(page), ["Mira un producto", "Empieza la compra", "Compra realizada"]);
  assert.ok(page.url().includes("s1=Product%20Viewed"), "the address keeps the names themselves");
  await page.goto(world.base + "/explore/saved");
  const { data } = await page.evaluate(async () => (await fetch("/api/v1/questions")).json());
  assert.equal(data.length, 1);
  assert.equal(data[0].kind, "funnel");
  assert.equal(data[0].can_remove, true);
  const refused = await page.evaluate(async () => (await fetch("/api/v1/questions", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("[name=csrf]").value }, body: JSON.stringify({ name: "x", address: "https://example.org/" }) })).status);
  assert.equal(refused, 422);
  page.on("dialog", (dialog) => dialog.accept());
  await page.click(".table button");
  await page.waitForTimeout(300);
  const sure = page.locator("dialog[open] button[value=yes], dialog[open] .primary, dialog[open] .danger");
  if (await sure.count()) await sure.first().click();
  await page.waitForSelector(".empty");
  await page.context().close();
});

test("words of one language and names of the data lead to the same question", async () => {
  const page = await open(world);
  await signIn(page, world);
  for (const of of ["Order Completed", "Compra realizada", "Order completed"]) {
    await page.goto(`${world.base}/explore/trend?range=all&of=${encodeURIComponent(of)}`);
    const query = JSON.parse(await page.textContent("#question-json"));
    assert.deepEqual(query.of, { event: "Order Completed" }, of);
  }
  await page.context().close();
});

test("on a phone the answer comes first and the question unfolds", async () => {
  const page = await open(world, { width: 390, height: 844 });
  await signIn(page, world);
  await page.goto(world.base + FUNNEL);
  await page.waitForSelector("#answer .headline");
  assert.equal(await page.isVisible("#question"), false, "the question is folded");
  assert.ok(await page.evaluate(() => document.querySelector("#answer .headline").getBoundingClientRect().top < 500), "the answer is on the first screen");
  await page.click(".explore-ask > summary");
  assert.equal(await page.isVisible("#question"), true);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.waitForTimeout(100);
  assert.equal(await page.isVisible("#question"), true, "beside the answer it is always open");
  await page.context().close();
});

test("a file of a few rows in Spanish is imported as proposed, one of customers too", async () => {
  const page = await open(world);
  await signIn(page, world);
  const drop = async (name, text) => {
    await page.goto(`${world.base}/import`);
    await page.setInputFiles("#file", { name, mimeType: "text/csv", buffer: Buffer.from(text) });
    await page.waitForURL(/\/import\/\d+$/, { timeout: 3000 }).catch(() => page.click(".drop button"));
    await page.waitForSelector("[data-map]");
  };
  await drop("ventas.csv", "cliente;fecha;hora;importe\n77001;27/11/2026;10:15;12,50\n");
  assert.match(await page.textContent(".message.warn"), /todas las filas/);
  assert.equal(await page.inputValue("#event_const"), "Compra");
  await page.click("button[value=start]");
  await page.waitForSelector("#first-map, figure svg");
  await drop("clientes.csv", "Nº cliente;Nombre;Ciudad\n77001;Rosa Vila;León\n");
  assert.equal(await page.inputValue("#format"), "customers-csv");
  await page.click("button[value=start]");
  await page.waitForFunction(() => !document.querySelector("[data-map]"));
  const { data } = await page.evaluate(async () => (await fetch("/api/v1/customers?q=77001")).json());
  assert.equal(data.length, 1, "one customer of both files");
  const seen = await page.evaluate(async () => (await fetch("/api/v1/customers/77001")).json());
  assert.equal(seen.interactions, 1);
  assert.ok(JSON.stringify(seen.traits).includes("León"), JSON.stringify(seen.traits));
  await page.context().close();
});
