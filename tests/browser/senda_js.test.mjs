/*
 * senda.js in somebody else's page: another origin, a strict policy, and what goes wrong on the way.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { brotliCompressSync } from "node:zlib";
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
  assert.ok(brotliCompressSync(text).length < 6 * 1024);
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
