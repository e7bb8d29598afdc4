/*
 * The world of a browser test: a server with its own data folder and port, people, events, and a browser.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PROGRAM = process.env.SENDA_PROGRAM || "build/senda";
export const EMAIL = "ana@example.org", PASSWORD = "una frase larga y segura";

/** A running server: {base, writeKey, apiKey, adminUrl, stop}. setup: nobody is there yet. */
export async function serve({ setup = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "senda-browser-"));
  const data = join(folder, "data");
  writeFileSync(join(folder, "password"), PASSWORD);
  const admin = setup ? [] : ["--admin-email", EMAIL, "--admin-password-file", join(folder, "password")];
  const keys = JSON.parse(execFileSync(PROGRAM, ["init", "--data", data, "--name", "Vereda Telecom", ...admin], { stdio: ["ignore", "pipe", "ignore"] }).toString());
  const child = spawn(PROGRAM, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  const base = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (bytes) => {
      text += bytes;
      const found = text.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  child.removeAllListeners("exit");
  const stop = () => new Promise((resolve) => {
    child.on("exit", (code) => { rmSync(folder, { recursive: true, force: true }); resolve(code); });
    child.kill("SIGTERM");
  });
  return { base, writeKey: keys.write_key, apiKey: keys.api_key, adminUrl: keys.admin_url, stop };
}

/** Sends events; the answer of the server. */
export async function send(world, batch) {
  const answer = await fetch(`${world.base}/v1/batch`, { method: "POST", headers: { authorization: `Basic ${btoa(`${world.writeKey}:`)}` }, body: JSON.stringify({ batch }) });
  return answer.json();
}

/** Some weeks of some customers, always the same but for the day. */
export function history(customers = 120) {
  let state = 7;
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const pick = (list) => list[Math.floor(random() * list.length)];
  const events = { web: ["Product Viewed", "Checkout Started", "Order Completed", "Products Searched"], app: ["Invoice Viewed"], phone: ["Call Ended"], store: ["Queue Served"], kiosk: ["Kiosk Tapped"] };
  const batch = [], now = Date.now();
  for (let customer = 0; customer < customers; customer++) {
    const userId = `V-${1000 + customer}`;
    let time = now - random() * 50 * 864e5;
    batch.push({ type: "identify", userId, messageId: `i${customer}`, timestamp: new Date(time).toISOString(), traits: { name: `${pick(["Carmen", "Luis", "Eva"])} ${pick(["Gil", "Otero", "Soto"])}`, plan: pick(["Fibra 300", "Móvil"]) } });
    for (let i = 0; i < 8; i++) {
      time += random() * 5 * 864e5;
      if (time > now) break;
      const channel = pick(Object.keys(events)), event = pick(events[channel]);
      const properties = event === "Order Completed" ? { total: 38.5, currency: "EUR" } : event === "Kiosk Tapped" ? { survey: "Salida", value: pick([1, 2, 3, 3]), scale_max: 3 } : event === "Call Ended" ? { reason: pick(["Factura", "Avería"]), duration_s: 340 } : {};
      batch.push({ type: "track", event, userId, messageId: `${customer}-${i}`, timestamp: new Date(time).toISOString(), properties, context: { channel } });
    }
  }
  return batch;
}

let browser;
export async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return browser;
}
export async function quit() { await browser?.close(); }

/** A page of its own profile; complaints of the console are collected in page.complaints. */
export async function open(world, { width = 1440, height = 900, scheme = "light", language = "es", ...rest } = {}) {
  const context = await (await launch()).newContext({ viewport: { width, height }, colorScheme: scheme, locale: language === "en" ? "en-GB" : "es-ES", ...rest });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => { if (message.type() === "error") page.complaints.push(message.text()); });
  page.on("pageerror", (error) => page.complaints.push(error.message));
  return page;
}

export async function signIn(page, world, password = PASSWORD) {
  await page.goto(`${world.base}/sign-in`);
  await page.fill("#email", EMAIL);
  await page.fill("#password", password);
  await page.click(".gate-card form button");
  await page.waitForLoadState();
}
