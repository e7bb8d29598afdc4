// A long run: its bar follows the API, and the page is loaded anew when it has ended.
// SPDX-License-Identifier: GPL-3.0-or-later
const running = /** @type {HTMLElement|null} */ (document.querySelector("[data-run]"));
if (running) {
  const bar = /** @type {HTMLProgressElement} */ (running.querySelector("progress"));
  const poll = async () => {
    try {
      const answer = await fetch(running.dataset.run || "", { headers: { Accept: "application/json" } });
      const { run } = await answer.json();
      if (run.state !== "running" && run.state !== "asked") { location.reload(); return; }
      if (typeof run.progress === "number") bar.value = run.progress;
    } catch { /* the server is busy: ask again */ }
    setTimeout(poll, 800);
  };
  setTimeout(poll, 500);
}
