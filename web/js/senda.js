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
 *           data-surveys="off"  no micro-surveys (else: those that the organisation placed, once they are due)
 *           data-storage="off"  nothing is kept in the browser: the anonymous id lives as long as the page
 * DELIVERY  Events go in batches after a second, or 20 of them; while offline or refused (429, 5xx) they wait, in the browser's
 *           storage too, and are tried again after 1, 2, 4 … 300 s. When the page is left they go by sendBeacon. Each
 *           carries a messageId, so nothing counts twice. What a batch of 4xx refuses is halved until the culprit is alone.
 * SURVEYS   All kinds of questions, one at a time in a shadow tree of its own, in a corner: it never takes the focus by itself, never blocks the page and
 *           is asked for only when the page is idle. Which, and when they appear (time, scroll, leaving, an event, the page), is said by
 *           GET /v1/surveys. Answers wait like events while offline.
 * LIMITS    500 events wait at most (the oldest go first); 30 KB an event.
 * NEEDS     connect-src of the page's policy must name the origin; no inline script, no eval, no cookie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
(function () {
  "use strict";
  const VERSION = "1.1.0", MAX_WAITING = 500, MAX_BATCH = 50, MAX_BEACON = 60000, MAX_EVENT = 30000, HELD = 100;
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
    track(event, properties, extra) { if (event) { add("track", { event: String(event), properties, context: extra && extra.context }); happened(String(event)); } },
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
      later();
    } else {
      waiting = held = [];
      outbox = placed = [];
      keep("o", undefined);
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

  // ---- micro-surveys ------------------------------------------------------------------------------------------------

  /** What waits to be told of surveys: [address, body]. @type {[string, any][]} */
  let outbox = [];
  /** Placed surveys that this person may still see. @type {any[]} */
  let placed = [];
  /** @type {any} */
  let words;
  /** @type {any} */
  let shown = null;
  let telling = false, tellAt = 0, tries = 0;
  const STYLE = ":host{all:initial;position:fixed;z-index:2147483000;inset:auto 16px 16px auto;max-width:calc(100vw - 32px)}*{box-sizing:border-box;font:inherit;color:inherit}" +
    "section{font:16px/1.45 system-ui,sans-serif;color:#16232a;background:#fff;width:360px;max-width:100%;max-height:80vh;overflow:auto;padding:18px 20px;border-radius:14px;box-shadow:0 8px 36px #0004;animation:a .3s}@keyframes a{from{transform:translateY(24px);opacity:0}}" +
    "h2{margin:0 28px 12px 0;font-weight:650;font-size:17px;outline:0}p{margin:0 0 10px;color:#51626b;font-size:14px}button{border:1px solid #8a999f;background:none;border-radius:9px;padding:9px 12px;min-height:42px;cursor:pointer}button:hover{background:#eef3f4}button[aria-pressed=true]{background:#d8edf1;border-color:#0b6577}" +
    ":focus-visible{outline:3px solid #0b6577;outline-offset:2px}.x{position:absolute;top:8px;right:8px;border:0;min-width:42px}.r{display:flex;flex-wrap:wrap;gap:6px}.r button{flex:1 0 38px;padding:9px 2px}.r:has(:nth-child(8)){display:grid;grid-template-columns:repeat(6,1fr)}svg{display:block;width:28px;margin:auto;fill:none;stroke:currentColor;stroke-width:2.4;stroke-linecap:round}circle+circle{fill:currentColor;stroke:none}.o,.p{display:grid;gap:6px}.o button{text-align:start}.p{grid-template-columns:1fr 1fr}.t{margin:10px 0 2px;font-weight:600}canvas{display:block;width:100%;margin-bottom:6px;border-radius:6px}.e{display:flex;justify-content:space-between;margin-top:6px}" +
    "input,textarea{width:100%;border:1px solid #8a999f;border-radius:9px;padding:9px;margin-top:6px;background:none}.f{display:flex;justify-content:flex-end;gap:8px;margin-top:14px}.g{background:#0b6577!important;color:#fff;border-color:#0b6577}[hidden]{display:none}" +
    "@media(prefers-color-scheme:dark){section{background:#1a2429;color:#eef4f5}p{color:#a9bac1}button:hover{background:#26343a}button[aria-pressed=true]{background:#17414b}}@media(prefers-reduced-motion:reduce){section{animation:none}}";

  /** @param {any} condition @param {any} answers @returns {boolean} */
  function holds(condition, answers) {
    if (!condition) return true;
    const { all, any, not, op = "=", question, value } = condition;
    if (all) return all.every((/** @type {any} */ one) => holds(one, answers));
    if (any) return any.some((/** @type {any} */ one) => holds(one, answers));
    if (not) return !holds(not, answers);
    const [name, part] = String(question).split("."), said = answers[name], found = part && said ? said[part] : said, list = /** @type {any[]} */ ([]).concat(found);
    if (found === undefined || op === "absent") return (found === undefined) === (op === "absent");
    const has = list.includes(value);
    return op === "exists" || (op === "=" ? has : op === "!=" ? !has : op === "in" ? list.some((one) => value.includes(one)) : op === "contains" ? has || String(found).includes(value) : op === "<" ? found < value : op === "<=" ? found <= value : op === ">" ? found > value : found >= value);
  }

  /** @param {string} address @param {any} what */
  function tell(address, what) {
    outbox.push([address, { at: new Date().toISOString(), anonymousId: anonymousId(), path: location.pathname.slice(0, 250), ...what }]);
    pump();
  }
  const outBody = (/** @type {any} */ what) => JSON.stringify({ writeKey: key, sentAt: new Date().toISOString(), ...what });
  async function pump() {
    keep("o", outbox.length ? JSON.stringify(outbox.slice(-50)) : undefined);
    if (telling || !outbox.length || !allowed) return;
    telling = true;
    clearTimeout(tellAt);
    const [address, what] = outbox[0];
    let status = 0;
    try {
      status = (await fetch(`${api}/v1/surveys/${address}`, { method: "POST", body: outBody(what), mode: "cors", credentials: "omit", keepalive: true, headers: { "Content-Type": "text/plain" } })).status;
    } catch { /* offline */ }
    telling = false;
    if (status && status < 500 && status !== 408 && status !== 429) {
      tries = 0;
      outbox.shift();
      pump();
    } else tellAt = window.setTimeout(pump, Math.min(300000, 1000 * 2 ** Math.min(tries++, 9)) * (0.75 + Math.random() / 2));
  }

  /** The page is one of the rule's. @param {any} one */
  const here = ({ rule: { pages } }) => !pages || pages.some((/** @type {string} */ page) => {
    const pattern = new RegExp(`^${page.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
    return pattern.test(page[0] === "/" ? location.pathname : location.host + location.pathname);
  });
  /** @param {any} one */
  function due(one) {
    if (!shown && allowed && placed.includes(one) && here(one) && document.visibilityState === "visible") showSurvey(one);
  }
  /** @param {string} event */
  function happened(event) { placed.forEach((one) => one.rule.event === event && due(one)); }
  let armed = 0;
  /** Each page view begins anew. */
  function arm() {
    clearTimeout(armed);
    const timed = placed.filter((one) => one.rule.after_s !== undefined && here(one)).sort((a, b) => a.rule.after_s - b.rule.after_s)[0];
    if (timed) armed = window.setTimeout(() => due(timed), timed.rule.after_s * 1000);
  }
  async function loadSurveys() {
    if (options.surveys === "off" || !allowed || placed.length) return;
    try {
      outbox = JSON.parse(read("o") || "[]").concat(outbox);
      pump();
      const answer = await fetch(`${api}/v1/surveys?writeKey=${encodeURIComponent(/** @type {string} */ (key))}`, { mode: "cors", credentials: "omit" });
      if (!answer.ok) return;
      const told = await answer.json();
      words = told.words;
      placed = told.surveys.filter((/** @type {any} */ one) => {
        const { again_days: days = 30, share = 1 } = one.rule, last = Number(read(`s.${one.address}`));
        return (!last || Date.now() - last > days * 864e5) && parseInt(anonymousId().replace(/\W/g, "").slice(0, 6), 16) / 0xffffff <= share;
      });
    } catch { return; /* blocked or offline: next page */ }
    if (!placed.length) return;
    arm();
    addEventListener("scroll", () => {
      const all = document.documentElement, at = 100 * (scrollY + innerHeight) / all.scrollHeight;
      placed.forEach((one) => one.rule.scroll_pct <= at && due(one));
    }, { passive: true });
    document.addEventListener("mouseout", (event) => { if (!event.relatedTarget && event.clientY <= 0) placed.forEach((one) => one.rule.exit && due(one)); });
  }

  /** @param {any} one */
  function showSurvey(one) {
    const { survey, address } = one, submission = uuid();
    /** @type {any} */
    const answers = {};
    const spoken = [document.documentElement.lang, nav.language].map((tag) => (tag || "").slice(0, 2).toLowerCase());
    const language = spoken.find((tag) => survey.languages.includes(tag)) || survey.languages[0], say = words[language] || words.en;
    const plain = (/** @type {any} */ texts) => (texts && (texts[language] || texts[survey.languages[0]])) || "";
    const all = survey.pages.flatMap((/** @type {any} */ page) => page.questions);
    /** A text that quotes answers. @param {any} texts @returns {string} */
    const text = (texts) => plain(texts).replace(/\{\{([^|}]*)\|?([^}]*)\}\}/g, (/** @type {string} */ _, /** @type {string} */ name, /** @type {string} */ other) => {
      const options = (all.find((/** @type {any} */ one) => one.id === name) || {}).options || [];
      return [].concat(answers[name] ?? []).map((value) => plain((options.find((/** @type {any} */ option) => option.id === value) || {}).text) || value).join(", ") || other;
    });
    /** Those that are not to stay last, in another order. @param {any[]} list */
    const mix = (list) => list.map((one) => [one.last ? 2 : Math.random(), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
    for (const page of survey.pages) {
      if (page.random) page.questions = mix(page.questions);
      for (const one of page.questions) if (one.random) one.rows ? (one.rows = mix(one.rows)) : one.options && (one.options = mix(one.options));
    }
    const told = (/** @type {string} */ what, /** @type {any} */ more) => tell(address, { what, submission, version: survey.version, language, ...more });
    placed = placed.filter((other) => other !== one);
    keep(`s.${address}`, String(Date.now()));
    const host = shown = document.createElement("div"), shadow = host.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    /** @param {string} tag @param {any} [members] @param {any[]} children @returns {any} */
    const make = (tag, members = {}, ...children) => {
      const element = document.createElement(tag);
      for (const name in members) name in element ? /** @type {any} */ (element)[name] = members[name] : element.setAttribute(name, members[name]);
      element.append(...children);
      return element;
    };
    /** A face between sad (0) and happy (1), drawn: not every system has them as letters. @param {number} mood */
    const face = (mood) => {
      const draw = (/** @type {string} */ tag, /** @type {any} */ members, /** @type {any[]} */ ...children) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const name in members) element.setAttribute(name, members[name]);
        element.append(...children);
        return element;
      };
      return draw("svg", { viewBox: "0 0 40 40", "aria-hidden": true }, draw("circle", { cx: 20, cy: 20, r: 17 }), ...[14, 26].map((cx) => draw("circle", { cx, cy: 16, r: 2.4 })), draw("path", { d: `M12 ${28 - 3 * mood}Q20 ${21 + 14 * mood} 28 ${28 - 3 * mood}` }));
    };
    const box = make("section", { role: "dialog", "aria-label": text(survey.title) || say.short }), live = make("div", { "aria-live": "polite" }, box);
    shadow.append(live);
    let at = -1, over = false;
    const close = () => {
      for (const one of all) if (!fits(one)) delete answers[one.id];
      const any = Object.keys(answers).length;
      if (!over) any ? told("answered", { answers, partial: true }) : told("dismissed", {});
      over = true;
      removeEventListener("pagehide", close);
      host.remove();
      shown = null;
    };
    /** The way through pages and jumps, as the server finds it. */
    const asked = () => {
      const way = [];
      for (let p = 0; p < survey.pages.length;) {
        const page = survey.pages[p], own = holds(page.show_if, answers) ? page.questions.filter((/** @type {any} */ one) => holds(one.show_if, answers)) : [];
        way.push(...own);
        p = ((own.length && page.jump.find((/** @type {any} */ jump) => holds(jump.if, answers))) || { to: p + 1 }).to;
      }
      return way;
    };
    /** What was chosen can be sent. @param {any} one */
    const fits = ({ id, type, required, least = 0, most = 500, options, rows }) => {
      const value = answers[id], n = value && value.length;
      return value === undefined || (rows ? !required || rows.every((/** @type {any} */ row) => type === "matrix" ? row.id in value : Object.keys(value[row.id] || {}).length > 1) : type === "ranking" ? n === options.length : type === "consent" ? value || !required : type !== "choices" || (n <= most && (n >= least || options.some((/** @type {any} */ option) => option.exclusive && value.includes(option.id)))));
    };
    /** @type {any} */
    let question;
    const next = () => {
      const list = asked();
      question = list[question ? list.indexOf(question) + 1 : 0];
      if (question) return ask(list[list.length - 1] === question);
      over = true;
      for (const name of Object.keys(answers)) if (!list.some((/** @type {any} */ one) => name === one.id || name === `${one.id}.other`)) delete answers[name];
      told("answered", { answers });
      box.replaceChildren(make("h2", {}, text(survey.thanks) || say.thanks), crossing());
      setTimeout(close, 4000);
    };
    const crossing = () => make("button", { className: "x", "aria-label": say.close, onclick: close }, "✕");
    /** @param {boolean} last */
    const ask = (last) => {
      const { id, type, look, required, options = [], rows = [] } = question, now = question;
      const title = make("h2", { tabIndex: -1, id: "q" }, text(now.text)), note = make("p", { role: "alert" });
      const scale = /^(nps|csat|ces|rating)$/.test(type) || (rows[0] && !options[0]), ranking = type === "ranking", several = ranking || type === "choices", group = make("div", rows[0] ? {} : { role: "group", "aria-labelledby": "q", className: scale ? "r" : type === "picture" ? "p" : "o" });
      const own = make("input", { maxLength: 250, hidden: true, "aria-label": say.own_words, placeholder: say.own_words });
      own.oninput = () => { own.value.trim() ? answers[`${id}.other`] = own.value.trim() : delete answers[`${id}.other`]; };
      const list = scale ? [] : type === "consent" ? [{ id: true, text: { [language]: say.yes } }, { id: false, text: { [language]: say.no } }] : options;
      if (scale) {
        const { min, max } = now;
        for (let i = min; i <= max; i++) list.push({ id: i, label: look === "stars" ? "★" : String(i), ...(look === "faces" && { mood: (i - min) / (max - min) }) });
      }
      const pressed = (/** @type {any} */ one) => [].concat(answers[id] ?? []).includes(/** @type {never} */ (one));
      const draw = () => {
        [...group.children].forEach((button, i) => {
          button.setAttribute("aria-pressed", String(pressed(list[i].id)));
          if (ranking) button.textContent = `${pressed(list[i].id) ? `${answers[id].indexOf(list[i].id) + 1}. ` : ""}${text(list[i].text)}`;
        });
        own.hidden = !list.some((/** @type {any} */ option) => option.other && pressed(option.id));
      };
      /** Drawn, not linked: a page's policy need not allow our pictures. @param {any} button @param {string} option */
      const draws = async (button, option) => {
        try {
          const picture = await createImageBitmap(await (await fetch(`${api}/v1/surveys/${address}/image/${id}/${option}?writeKey=${encodeURIComponent(/** @type {string} */ (key))}`, { credentials: "omit" })).blob(), { resizeWidth: 300 });
          const canvas = make("canvas", { width: picture.width, height: picture.height });
          canvas.getContext("2d").drawImage(picture, 0, 0);
          button.prepend(canvas);
        } catch { /* its words serve */ }
      };
      // Of tables, a line of buttons for each row; of pairs, two.
      for (const row of rows)
        for (const side of type === "servqual" ? ["expected", "perceived"] : [""]) {
          const name = text(row.text) + (side && `: ${say[side]}`), line = make("div", { role: "group", "aria-label": name, className: "r" });
          const told = () => side ? (answers[id]?.[row.id] || {})[side] : answers[id]?.[row.id];
          const marks = () => [...line.children].forEach((button, i) => button.setAttribute("aria-pressed", String(told() === list[i].id)));
          for (const option of list)
            line.append(make("button", { "data-value": option.id, onclick: () => {
              const all = answers[id] ||= {};
              if (side) (all[row.id] ||= {})[side] = option.id; else all[row.id] = option.id;
              marks();
            } }, option.label || text(option.text)));
          marks();
          group.append(make("p", { className: "t" }, name), line);
        }
      for (const option of rows[0] ? [] : list) {
        const label = option.label || text(option.text) || (option.other ? say.other : say.none);
        const button = make("button", { "data-value": option.id, ...(ranking ? {} : { "aria-label": scale ? String(option.id) : label }), onclick: () => {
          if (several) {
            const rest = (answers[id] || []).filter((/** @type {any} */ other) => other !== option.id && !option.exclusive && !options.find((/** @type {any} */ o) => o.id === other).exclusive);
            answers[id] = pressed(option.id) ? rest : [...rest, option.id];
            if (!answers[id].length) delete answers[id];
          } else answers[id] = option.id;
          draw();
          if (!several && !option.other) setTimeout(() => go.click(), 150);
        } }, "mood" in option ? face(option.mood) : (option.emoji ? `${option.emoji} ` : "") + label);
        group.append(button);
        if (option.image) draws(button, option.id);
      }
      if (!rows[0]) draw();
      /** @type {any[]} */
      const inputs = [];
      /** @param {string} tag @param {any} members @param {(value: any) => void} told */
      const field = (tag, members, told) => {
        const input = make(tag, { maxLength: 250, ...members });
        input.oninput = () => told(input.value.trim() && input.validity.valid ? (input.type === "number" ? input.valueAsNumber : input.value.trim()) : undefined);
        inputs.push(input);
        return input;
      };
      const put = (/** @type {any} */ to, /** @type {string} */ name, /** @type {any} */ value) => { value === undefined ? delete to[name] : to[name] = value; };
      const words = /text$|^number$|^date$/.test(type) ? [field(type === "long_text" ? "textarea" : "input", { maxLength: now.most || 250, "aria-labelledby": "q", placeholder: text(now.placeholder), ...(/text/.test(type) ? {} : { type, step: now.step || "any", ...(now.min === undefined ? {} : { min: now.min }), ...(now.max === undefined ? {} : { max: now.max }) }) }, (value) => put(answers, id, value)), make("p", {}, /text/.test(type) ? say.no_names : "")]
        : (now.fields || []).map((/** @type {string} */ name) => make("label", {}, say[name], field("input", { autocomplete: name === "phone" ? "tel" : name, ...(name === "email" ? { type: name, pattern: ".+@.+\\..*" } : name === "phone" ? { type: "tel", pattern: "[+\\d \\(\\)\\-.\\/]{6,25}" } : {}) }, (value) => {
          const contact = answers[id] || {};
          put(contact, name, value);
          put(answers, id, Object.keys(contact).length ? contact : undefined);
        })));
      const go = make("button", { className: "g", onclick: () => {
        const bad = inputs.find((input) => !input.validity.valid);
        note.textContent = bad ? bad.validationMessage : required && type !== "statement" && answers[id] === undefined ? say.needed : fits(now) ? "" : say[`check_${type}`];
        if (!note.textContent) next(); else if (bad || inputs[0]) (bad || inputs[0]).focus();
      } }, last ? say.send : say.go_on);
      box.replaceChildren(title, crossing(), ...(now.help ? [make("p", {}, text(now.help))] : []), ...(list.length ? [group, own] : []),
        ...(now.low || now.high ? [make("p", { className: "e" }, make("span", {}, text(now.low)), make("span", {}, text(now.high)))] : []), ...words, note, make("div", { className: "f" }, go));
      if (++at) title.focus(); // the first question waits until it is looked at
    };
    shadow.addEventListener("keydown", (event) => { if (/** @type {KeyboardEvent} */ (event).key === "Escape") close(); });
    addEventListener("pagehide", close);
    next();
    document.body.append(host);
    told("shown", {});
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
    arm();
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
    later();
  }
  /** @type {(work: () => void) => void} */
  const whenIdle = /** @type {any} */ (window).requestIdleCallback || ((work) => setTimeout(work, 1500));
  const later = () => { if (!silent) whenIdle(loadSurveys); };
  addEventListener("online", () => { failures = tries = 0; schedule(0); pump(); });
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
  if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
