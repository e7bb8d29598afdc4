/**
 * Results while answers arrive: when the stream tells of one, the page is asked for again and its figures change in place. Selects of the
 * filters apply at once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const EVERY_MS = 1500;

const results = /** @type {HTMLElement | null} */ (document.getElementById("results"));
let asked = false, busy = false;

async function refresh() {
  if (!asked || busy || !results || results.contains(document.activeElement) && document.activeElement?.matches("input, select"))
    return;
  asked = false;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("results");
    if (answer.ok && fresh)
      results.replaceChildren(...fresh.childNodes);
  } catch {
    asked = true; /* the server is away: with the next round */
  }
  busy = false;
}

document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.matches("[data-submit]"))
    event.target.form?.requestSubmit();
});

if (results) {
  const stream = new EventSource("/api/v1/stream");
  stream.addEventListener("arrival", (event) => {
    const arrival = JSON.parse(event.data);
    if (/^Survey |^Kiosk /.test(arrival.event))
      asked = true;
  });
  setInterval(refresh, EVERY_MS);
}
