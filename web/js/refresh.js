/*
 * Work that goes on: a [data-region] with an id in which something is [data-busy] follows the page, part by part, without loading
 * it anew, until nothing is busy there. Without scripts the page says the same when it is loaded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const EVERY_MS = 2000, CONTROLS = "a[href], button, input, select, textarea, summary";

const busy = () => [...document.querySelectorAll("[data-region]")].filter((region) => region.querySelector("[data-busy]"));

/** Puts what the server says now in its place; the focus stays where it was. @param {Element} region @param {Document} page */
function renew(region, page) {
  const now = page.getElementById(region.id);
  if (!now) { region.removeAttribute("data-region"); return; }
  if (now.innerHTML === region.innerHTML) return;
  const focused = [...region.querySelectorAll(CONTROLS)].indexOf(/** @type {Element} */ (document.activeElement));
  region.replaceChildren(...now.childNodes);
  if (focused >= 0) /** @type {HTMLElement|undefined} */ (region.querySelectorAll(CONTROLS)[focused])?.focus();
}

async function follow() {
  const regions = busy();
  if (!regions.length) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href);
      if (!answer.ok || answer.redirected) return; /* signed out */
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of regions) renew(region, page);
    } catch { /* the server is busy: ask again */ }
  }
  setTimeout(follow, EVERY_MS);
}
setTimeout(follow, EVERY_MS);
