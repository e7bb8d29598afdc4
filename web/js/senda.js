/*
 * senda.js: what an organisation puts in its own pages to record interactions.
 *
 *   <script defer src="https://HOST/senda.js" data-key="KEY"></script>
 *   senda.track("Product Viewed", {sku: "A1"});  senda.identify("user-7", {plan: "pro"});
 *   senda("track", "…")   is the same; calls made before the script has loaded wait in senda.q (loader stub)
 *
 * OPTIONS   data-api            origin to send to (default: where the script came from)
 *           data-page="off"     no page views by itself (else: one now, and one at each change of address)
 *           data-consent="required"  nothing is stored or sent before senda.consent(true)
 *           data-dnt="respect"  silent for people who ask not to be tracked (Do Not Track, Global Privacy Control)
 *           data-channel="kiosk"  the channel of these interactions (default: web)
 *           data-storage="off"  nothing is kept in the browser: the anonymous id lives as long as the page
 * DELIVERY  Events go in batches after a second, or 20 of them; while offline or refused (429, 5xx) they wait, in the browser's
 *           storage too, and are tried again after 1, 2, 4 … 300 s. When the page is left they go by sendBeacon. Each
 *           carries a messageId, so nothing counts twice. What a batch of 4xx refuses is halved until the culprit is alone.
 * LIMITS    500 events wait at most (the oldest go first); 30 KB an event.
 * NEEDS     connect-src of the page's policy must name the origin; no inline script, no eval, no cookie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
(function () {
  "use strict";
  const VERSION = "1.0.0", MAX_WAITING = 500, MAX_BATCH = 50, MAX_BEACON = 60000, MAX_EVENT = 30000, HELD = 100;
  const script = /** @type {HTMLScriptElement|null} */ (document.currentScript);
  const options = script ? script.dataset : {};
  const key = options.key || options.writeKey;
  const api = options.api || (script && script.src ? new URL(script.src).origin : location.origin);
  /** @type {any} */
  const stub = /** @type {any} */ (window).senda;
  if (!key || (stub && stub.version)) return;

  const nav = /** @type {any} */ (navigator);
  const silent = options.dnt === "respect" && (nav.doNotTrack === "1" || nav.globalPrivacyControl === true);
  /** null: not asked yet. @type {boolean|null} */
  let allowed = options.consent === "required" ? null : true;
  /** @type {Record<string, boolean>|undefined} */
  let preferences;

  // ---- what the browser keeps -------------------------------------------------------------------------------------

  /** @type {Record<string, string>} */
  const memory = {};
  /** @type {Storage|null} */
  let store = null;
  try {
    if (options.storage !== "off") {
      store = window.localStorage;
      store.setItem("senda.t", "1");
      store.removeItem("senda.t");
    }
  } catch { store = null; }

  /** @param {string} name @returns {string|undefined} */
  function read(name) {
    try { if (store && allowed) return store.getItem("senda." + name) || undefined; } catch { /* memory */ }
    return memory[name];
  }
  /** @param {string} name @param {string|undefined} value */
  function keep(name, value) {
    if (value === undefined) delete memory[name]; else memory[name] = value;
    try {
      if (store && allowed) value === undefined ? store.removeItem("senda." + name) : store.setItem("senda." + name, value);
    } catch { /* full or forbidden: memory serves */ }
  }
  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
  function anonymousId() {
    let id = read("a");
    if (!id) keep("a", (id = memory.a || uuid()));
    return id;
  }

  // ---- the queue --------------------------------------------------------------------------------------------------

  const tab = "q." + uuid().slice(0, 8);
  /** @type {any[]} */
  let waiting = [];
  /** calls made before consent @type {any[][]} */
  let held = [];
  let sending = false, failures = 0, timer = 0, dueAt = 0;

  function save() { keep(tab, waiting.length ? JSON.stringify([Date.now(), waiting]) : undefined); }

  /** Queues that closed tabs left behind (untouched for a minute). */
  function adopt() {
    try {
      for (const name of store && allowed ? Object.keys(store) : []) {
        if (!/^senda\.q\./.test(name) || name === "senda." + tab) continue;
        const [at, events] = JSON.parse(/** @type {Storage} */ (store).getItem(name) || "[0,[]]");
        if (Date.now() - at < 60000) continue;
        /** @type {Storage} */ (store).removeItem(name);
        waiting = events.concat(waiting).slice(-MAX_WAITING);
      }
    } catch { /* not ours or damaged */ }
    if (waiting.length) schedule(0);
  }

  /** @param {number} ms */
  function schedule(ms) {
    const at = Date.now() + ms;
    if (timer && dueAt <= at) return;
    clearTimeout(timer);
    dueAt = at;
    timer = window.setTimeout(() => { timer = 0; flush(); }, ms);
  }

  /** @param {any[]} events */
  const body = (events) => JSON.stringify({ writeKey: key, sentAt: new Date().toISOString(), batch: events });

  /** @param {number} n sends the first n and goes on */
  async function send(n) {
    sending = true;
    const batch = waiting.slice(0, n);
    let status = 0, wait = 0;
    try {
      const answer = await fetch(api + "/v1/batch", { method: "POST", body: body(batch), keepalive: batch.length < 20, mode: "cors", credentials: "omit", headers: { "Content-Type": "text/plain" } });
      status = answer.status;
      wait = Number(answer.headers.get("Retry-After")) * 1000 || 0;
    } catch { /* offline */ }
    sending = false;
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
      if (n > 1 && status !== 401 && status !== 403) return send(Math.ceil(n / 2));
      waiting.splice(0, n);
    } else if (status >= 200 && status < 400) {
      waiting.splice(0, n);
      failures = 0;
    } else {
      failures++;
      save();
      return schedule(Math.max(wait, Math.min(300000, 1000 * 2 ** Math.min(failures - 1, 9)) * (0.75 + Math.random() / 2)));
    }
    save();
    if (waiting.length) schedule(0);
  }

  function flush() {
    if (!sending && waiting.length && allowed) send(Math.min(waiting.length, MAX_BATCH));
  }

  /** The page is going: what waits leaves by beacon, as much as fits. */
  function leave() {
    if (!waiting.length || sending || !allowed || !nav.sendBeacon) return save();
    let n = Math.min(waiting.length, MAX_BATCH), text = body(waiting.slice(0, n));
    while (n > 1 && text.length > MAX_BEACON) text = body(waiting.slice(0, (n = n >> 1)));
    if (nav.sendBeacon(api + "/v1/batch", new Blob([text], { type: "text/plain" }))) waiting.splice(0, n);
    save();
  }

  // ---- events -----------------------------------------------------------------------------------------------------

  function context() {
    /** @type {Record<string, string>} */
    const campaign = {};
    for (const [name, value] of new URLSearchParams(location.search))
      if (/^utm_/.test(name)) campaign[name === "utm_campaign" ? "name" : name.slice(4)] = value;
    return {
      channel: options.channel || "web",
      library: { name: "senda.js", version: VERSION },
      page: { path: location.pathname, url: location.href, search: location.search, title: document.title, referrer: document.referrer },
      userAgent: nav.userAgent, locale: nav.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      screen: { width: screen.width, height: screen.height },
      ...(Object.keys(campaign).length ? { campaign } : {}),
      ...(preferences ? { consent: { categoryPreferences: preferences } } : {}),
    };
  }

  /** @param {string} type @param {Record<string, any>} members */
  function add(type, members) {
    const event = { type, messageId: uuid(), timestamp: new Date().toISOString(), anonymousId: anonymousId(), userId: read("u"), ...members, context: { ...context(), ...(members.context || {}) } };
    if (JSON.stringify(event).length > MAX_EVENT) return;
    waiting.push(event);
    if (waiting.length > MAX_WAITING) waiting.shift();
    save();
    schedule(waiting.length >= 20 ? 0 : failures ? 5000 : 1000);
  }

  /** @type {Record<string, (...rest: any[]) => any>} */
  const calls = {
    page(/** @type {any} */ name, /** @type {any} */ properties) {
      if (name && typeof name === "object") { properties = name; name = undefined; }
      add("page", { name, properties: { path: location.pathname, url: location.href, title: document.title, referrer: document.referrer, ...properties } });
    },
    track(event, properties, extra) { if (event) add("track", { event: String(event), properties, context: extra && extra.context }); },
    identify(user, traits) {
      if (user && typeof user === "object") { traits = user; user = undefined; }
      if (user !== undefined) keep("u", String(user));
      add("identify", { traits });
    },
    group(groupId, traits) { add("group", { groupId: String(groupId), traits }); },
    alias(user, previous) {
      const previousId = previous || read("u") || anonymousId();
      keep("u", String(user));
      add("alias", { userId: String(user), previousId });
    },
    reset() { keep("u", undefined); keep("a", undefined); },
    flush,
  };

  /** @param {boolean|Record<string, boolean>} answer true, false, or purposes: {analytics: true, ads: false} */
  function consent(answer) {
    preferences = typeof answer === "object" ? answer : undefined;
    const now = preferences ? Object.values(preferences).some(Boolean) : answer === true;
    if (now) {
      const anonymous = memory.a;
      allowed = true;
      if (anonymous && !read("a")) keep("a", anonymous);
      held.splice(0).forEach((call) => run(call));
      adopt();
    } else {
      waiting = held = [];
      save();
      calls.reset();
      allowed = false;
    }
  }

  /** @param {any[]} call */
  function run(call) {
    const [name, ...rest] = Array.from(call);
    if (silent) return;
    if (name === "consent") return consent(rest[0]);
    if (allowed === null && name !== "flush" && name !== "reset") { if (held.length < HELD) held.push(call); return; }
    if (allowed && calls[name]) calls[name](...rest);
  }

  // ---- starting ---------------------------------------------------------------------------------------------------

  /** @type {any} */
  const senda = function () { run(/** @type {any} */ (arguments)); };
  for (const name of [...Object.keys(calls), "consent"]) senda[name] = (/** @type {any[]} */ ...rest) => run([name, ...rest]);
  senda.anonymousId = anonymousId;
  senda.version = VERSION;
  /** @type {any} */ (window).senda = senda;

  let seen = "";
  function viewed() {
    const address = location.pathname + location.search;
    if (address === seen) return;
    seen = address;
    run(["page"]);
  }
  function start() {
    if (options.page !== "off") {
      viewed();
      for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
        const original = history[name];
        history[name] = function () {
          original.apply(history, /** @type {any} */ (arguments));
          setTimeout(viewed, 0); // the title is set after the address
        };
      }
      addEventListener("popstate", () => setTimeout(viewed, 0));
    }
    for (const call of (stub && stub.q) || []) run(call);
    if (allowed) adopt();
  }
  addEventListener("online", () => { failures = 0; schedule(0); });
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
  if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
