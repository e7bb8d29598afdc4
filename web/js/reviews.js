/*
 * reviews.js: reviews inside an organisation's own pages.
 *
 *   <div data-senda-reviews="PRODUCT"></div>      figures, reviews, votes
 *   <span data-senda-stars="PRODUCT"></span>      stars and how many
 *   <script defer src="https://HOST/w/reviews.js"></script>
 *
 * OPTIONS  on the element: data-lang="es|en" and data-theme="light|dark" (else the page's), data-limit="10", data-jsonld="off"
 *          on the script:  data-api   origin to ask (default: where the script came from)
 * NEEDS    script-src and connect-src of the page's policy must name the origin; no inline script, no inline style, no
 *          cookie. Everything stands in a shadow root, so neither page nor widget restyles the other. Texts are only
 *          ever set as text.
 * DATA     The schema.org data is put into the page's head once for each subject of a data-senda-reviews.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
(function () {
  "use strict";
  const script = /** @type {HTMLScriptElement|null} */ (document.currentScript);
  const api = (script && script.dataset.api) || (script && script.src ? new URL(script.src).origin : location.origin);
  const STAR = "M10 1l2.8 5.8 6.2.9-4.5 4.4 1.1 6.2-5.6-2.9-5.6 2.9 1.1-6.2-4.5-4.4 6.2-.9z";
  const SVG = "http://www.w3.org/2000/svg";
  /** @type {Promise<CSSStyleSheet>|undefined} */
  let sheet;
  /** @type {Record<string, Promise<any>>} */
  const words = {};

  /** @param {string} path */
  async function ask(path) {
    const answer = await fetch(api + path, { credentials: "omit" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function style() {
    sheet ??= fetch(api + "/w/widget.css", { credentials: "omit" }).then((answer) => answer.text()).then((text) => {
      const made = new CSSStyleSheet();
      made.replaceSync(text);
      return made;
    });
    return sheet;
  }

  /** @param {string} name @param {string} [className] @param {string} [text] */
  function el(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  /** @param {string} name @param {Record<string, string>} attributes */
  function svg(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  }

  /** @param {number} value @param {string} label */
  function stars(value, label) {
    const five = [0, 20, 40, 60, 80].map((x) => STAR.replace("M10", `M${10 + x}`)).join("");
    const root = svg("svg", { class: "rate", role: "img", "aria-label": label, viewBox: "0 0 100 20" });
    const part = svg("svg", { width: String(value * 20), height: "20" });
    part.append(svg("path", { class: "rate-on", d: five }));
    root.append(svg("path", { class: "rate-off", d: five }), part);
    return root;
  }

  /** @param {string} text @param {number} n @param {string} lang */
  const count = (text, n, lang) => text.replace("{n}", new Intl.NumberFormat(lang).format(n));

  /** One widget. @param {HTMLElement} place @param {string} subject @param {boolean} whole */
  async function show(place, subject, whole) {
    const lang = (place.dataset.lang || document.documentElement.lang || navigator.language || "en").startsWith("es") ? "es" : "en";
    const root = place.shadowRoot || place.attachShadow({ mode: "open" });
    const path = `/w/reviews/${encodeURIComponent(subject)}`;
    const limit = Math.min(Math.max(Number(place.dataset.limit) || 10, 1), 50);
    words[lang] ??= ask(`/w/words?lang=${lang}`);
    const [text, look] = await Promise.all([words[lang], style()]);
    root.adoptedStyleSheets = [look];
    const number = (/** @type {number} */ value, digits = 0) => new Intl.NumberFormat(lang, { maximumFractionDigits: digits }).format(value);
    const day = (/** @type {string} */ value) => new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { dateStyle: "medium" }).format(new Date(value));
    const label = (/** @type {number} */ value) => `${number(value, 1)} ${text.out_of}`;
    const state = { sort: "helpful", stars: 0 };

    /** @param {any} row */
    function one(row) {
      const article = el("article", "rate-one"), by = el("p", "rate-by"), marks = el("p", "rate-marks");
      const time = /** @type {HTMLTimeElement} */ (el("time", "", day(row.time)));
      time.dateTime = row.time;
      by.append(stars(row.stars, label(row.stars)), " ", el("b", "", row.author || text.anonymous), " ", time);
      marks.append(el("span", row.verified ? "rate-mark good" : "rate-mark", row.verified ? text.verified : text.unverified),
        el("span", "rate-mark", row.invited ? (row.within_30_days ? text.invited_30 : text.invited) : text.not_invited));
      if (row.months) marks.append(el("span", "rate-mark", count(text.of_use, row.months, lang)));
      article.append(by, marks);
      if (row.title) article.append(el("h3", "", row.title));
      if (row.text) article.append(el("p", "rate-text", row.text));
      if (row.reply) {
        const reply = el("div", "rate-reply");
        reply.append(el("b", "", text.reply), el("p", "rate-text", row.reply.text));
        article.append(reply);
      }
      const vote = el("div", "rate-vote"), yes = el("button", "", `${text.yes}${row.helpful ? ` (${number(row.helpful)})` : ""}`), no = el("button", "", text.no);
      vote.append(el("span", "", text.helpful_question), yes, no);
      for (const button of [yes, no])
        button.addEventListener("click", async () => {
          try {
            const answer = await fetch(`${api}${path}/${row.id}/vote`, { method: "POST", credentials: "omit", headers: { "content-type": "application/json" }, body: JSON.stringify({ helpful: button === yes }) });
            if (answer.ok) vote.replaceChildren(el("span", "", text.thanks));
          } catch { /* the page goes on without it */ }
        });
      article.append(vote);
      return article;
    }

    /** @param {any} found */
    function head(found) {
      const figures = found.subject, header = el("header", "rate-head"), left = el("div"), bars = el("ul", "rate-bars");
      left.append(el("p", "rate-big", figures.n ? number(figures.average, 1) : "–"), stars(figures.average || 0, label(figures.average || 0)),
        el("p", "rate-note", count(text.reviews_n, figures.n, lang)));
      header.append(left);
      const most = Math.max(1, ...figures.distribution.map((/** @type {any} */ bar) => bar.n));
      for (const bar of figures.distribution) {
        const item = el("li"), link = /** @type {HTMLAnchorElement} */ (el("a")), drawn = svg("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
        link.href = "#";
        if (state.stars === bar.stars) link.setAttribute("aria-current", "true");
        drawn.append(svg("rect", { class: "rate-off", width: "100", height: "6" }), svg("rect", { class: "rate-on", width: String((100 * bar.n) / most), height: "6" }));
        link.append(el("span", "", `${bar.stars} ★`), drawn, el("span", "", number(bar.n)));
        link.addEventListener("click", (event) => { event.preventDefault(); state.stars = state.stars === bar.stars ? 0 : bar.stars; draw(`.rate-bars li:nth-child(${6 - bar.stars}) a`); });
        item.append(link);
        bars.append(item);
      }
      if (figures.n) header.append(bars);
      return header;
    }

    function tools() {
      const line = el("p", "rate-tools"), write = /** @type {HTMLAnchorElement} */ (el("a", "rate-button", text.write)), orders = el("span", "rate-orders", text.sort);
      write.href = `${api}/w/review/${encodeURIComponent(subject)}?lang=${lang}`;
      write.target = "_blank";
      write.rel = "noopener";
      for (const name of ["helpful", "newest", "highest", "lowest"]) {
        const link = /** @type {HTMLAnchorElement} */ (el("a", "", text[`order_${name}`]));
        link.href = "#";
        if (name === state.sort) link.setAttribute("aria-current", "true");
        link.addEventListener("click", (event) => { event.preventDefault(); state.sort = name; draw(".rate-orders [aria-current]"); });
        orders.append(" ", link);
      }
      line.append(write, orders);
      return line;
    }

    /** @param {string} cursor */
    const fetchPage = (cursor) => ask(`${path}/data?sort=${state.sort}&stars=${state.stars}&limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);

    /** Whoever works by keyboard stays where they were. @param {string} [focus] */
    async function draw(focus) {
      const found = await fetchPage(""), body = el("section", "widget");
      if (!whole) {
        const link = /** @type {HTMLAnchorElement} */ (el("a", "rate-line"));
        link.href = `${api}${path}?lang=${lang}`;
        if (found.subject.n) link.append(el("b", "", number(found.subject.average, 1)));
        link.append(stars(found.subject.average || 0, label(found.subject.average || 0)), el("span", "", found.subject.n ? count(text.reviews_n, found.subject.n, lang) : text.none));
        root.replaceChildren(link);
        link.classList.add("widget");
        return;
      }
      const more = el("button", "rate-button", text.more), foot = el("footer", "rate-foot");
      body.setAttribute("aria-label", found.subject.title);
      body.append(head(found), tools(), ...found.data.map(one));
      if (!found.data.length) body.append(el("p", "rate-note", text.none));
      let next = found.next;
      if (next) body.append(more);
      more.addEventListener("click", async () => {
        const page = await fetchPage(next);
        more.before(...page.data.map(one));
        next = page.next;
        if (!next) more.remove();
      });
      foot.append(el("p", "", text.policy));
      if (found.subject.refused) foot.append(el("p", "", count(text.refused_note, found.subject.refused, lang)));
      if (found.subject.held) foot.append(el("p", "", count(text.held_note, found.subject.held, lang)));
      body.append(foot);
      root.replaceChildren(body);
      if (focus) /** @type {HTMLElement|null} */ (root.querySelector(focus))?.focus();
    }
    await draw();
    if (whole && place.dataset.jsonld !== "off" && !document.querySelector(`script[data-senda-ld="${CSS.escape(subject)}"]`)) {
      const ld = /** @type {HTMLScriptElement} */ (el("script"));
      ld.type = "application/ld+json";
      ld.dataset.sendaLd = subject;
      ld.textContent = JSON.stringify(await ask(`${path}/jsonld`));
      document.head.append(ld);
    }
  }

  function start() {
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-senda-reviews], [data-senda-stars]"))) {
      const whole = place.dataset.sendaReviews !== undefined;
      show(place, (whole ? place.dataset.sendaReviews : place.dataset.sendaStars) || "", whole).catch(() => { /* the page goes on without it */ });
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
