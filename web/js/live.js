/*
 * Arrivals as they come: rows of [data-arrivals] are added from server-sent events ("arrival"), at most a few a second, and
 * counters of [data-live] follow ("source").
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const MAX_PER_TICK = 4, TICK_MS = 700;

/** @typedef {{time: string, event: string, channel: string, customer: string, who?: string, named?: boolean, source?: string|number}} Arrival */

const list = /** @type {HTMLElement} */ (document.querySelector("[data-arrivals]"));
/** Names of events and channels in the reader's language. @type {Record<string, string>} */
const names = JSON.parse(list.dataset.names || "{}") || {};
/** What somebody is called of whom no name is known. */
const anonymous = list.dataset.anonymous;
const max = Number(list.dataset.max) || 12;
const relative = new Intl.RelativeTimeFormat(document.documentElement.dataset.region, { style: "short", numeric: "auto" });
const drawn = ["web", "app", "store", "kiosk", "phone", "email", "chat", "social", "review", "visit", "backoffice"];
const same = /** @type {Record<string, string>} */ ({ mobile: "app", call: "phone", whatsapp: "chat", sms: "chat", field: "visit" });
const icons = (document.querySelector("use")?.getAttribute("href") || "").split("#")[0];
/** @type {Arrival[]} */
let waiting = [];

/** @param {string} channel */
function icon(channel) {
  const name = same[channel] || channel;
  return "ch-" + (drawn.includes(name) ? name : "other");
}

/** @param {string} iso */
function ago(iso) {
  const s = (Date.parse(iso) - Date.now()) / 1000;
  if (s > -10) return relative.format(0, "second");
  if (s > -60) return relative.format(Math.trunc(s), "second");
  if (s > -3600) return relative.format(Math.trunc(s / 60), "minute");
  if (s > -86400) return relative.format(Math.trunc(s / 3600), "hour");
  return relative.format(Math.trunc(s / 86400), "day");
}

/** @param {Arrival} arrival */
function row(arrival) {
  const item = document.createElement("li");
  item.className = "new";
  item.innerHTML = '<span class="chip"><svg class="icon" aria-hidden="true"><use/></svg><span class="visually-hidden"></span></span><span class="cut"><b></b> <a class="quiet"></a></span><time class="quiet"></time>';
  const [chip, , event, who, time] = ["span", "use", "b", "a", "time"].map((name) => /** @type {HTMLElement} */ (item.querySelector(name)));
  chip.classList.add(icon(arrival.channel));
  item.querySelector("use")?.setAttribute("href", `${icons}#${icon(arrival.channel)}`);
  /** @type {HTMLElement} */ (item.querySelector(".visually-hidden")).textContent = names["channel." + arrival.channel] || arrival.channel;
  event.textContent = names[arrival.event] || arrival.event;
  who.textContent = arrival.named === false && anonymous ? anonymous : arrival.who || arrival.customer;
  who.setAttribute("href", `/customers/${encodeURIComponent(arrival.customer)}`);
  time.setAttribute("datetime", arrival.time);
  time.textContent = ago(arrival.time);
  return item;
}

function show() {
  const few = waiting.splice(0, waiting.length).slice(-MAX_PER_TICK);
  if (few.length) document.querySelector("[data-arrivals-empty]")?.remove();
  for (const arrival of few) list.prepend(row(arrival));
  while (list.children.length > max) list.lastElementChild?.remove();
}

setInterval(show, TICK_MS);
setInterval(() => {
  for (const time of list.querySelectorAll("time")) time.textContent = ago(time.getAttribute("datetime") || "");
}, 10000);

const address = new URL(list.dataset.arrivals || "", location.href);
if (list.dataset.source) address.searchParams.set("source", list.dataset.source);
const stream = new EventSource(address);
stream.addEventListener("arrival", (event) => {
  const arrival = /** @type {Arrival} */ (JSON.parse(event.data));
  if (list.dataset.source && String(arrival.source) !== list.dataset.source) return;
  waiting.push(arrival);
  if (waiting.length > 50) waiting.shift();
  const state = document.querySelector("[data-live-state]");
  if (state) { state.textContent = ago(arrival.time); state.className = "badge good"; }
});
stream.addEventListener("source", (event) => {
  const counters = JSON.parse(event.data);
  if (String(counters.source) !== list.dataset.source) return;
  const number = new Intl.NumberFormat(document.documentElement.dataset.region, { useGrouping: true });
  for (const place of document.querySelectorAll("[data-live]")) {
    const value = counters[/** @type {HTMLElement} */ (place).dataset.live || ""];
    if (typeof value === "number") place.textContent = number.format(value);
  }
});
addEventListener("pagehide", () => stream.close());
