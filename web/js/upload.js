/*
 * Import: a file dropped on the field, its upload with progress; the page of a running import follows along.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const drop = /** @type {HTMLElement|null} */ (document.querySelector("[data-drop]"));
if (drop) {
  const form = /** @type {HTMLFormElement} */ (drop.closest("form"));
  const field = /** @type {HTMLInputElement} */ (drop.querySelector("input[type=file]"));
  const bar = /** @type {HTMLProgressElement} */ (drop.querySelector("progress"));
  const button = /** @type {HTMLButtonElement} */ (drop.querySelector("button"));

  const upload = () => {
    if (!field.files?.length || button.disabled) return;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total; });
    request.addEventListener("load", () => {
      if (request.status < 400) { location.assign(request.responseURL); return; }
      document.open();
      document.write(request.responseText);
      document.close();
    });
    request.addEventListener("error", () => { button.disabled = false; bar.hidden = true; form.submit(); });
    button.disabled = true;
    bar.hidden = false;
    button.textContent = drop.dataset.uploading || "…";
    request.send(new FormData(form));
  };

  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer?.files.length) return;
    field.files = event.dataTransfer.files;
    upload();
  });
  field.addEventListener("change", upload);
  form.addEventListener("submit", (event) => { event.preventDefault(); upload(); });
}

const running = /** @type {HTMLElement|null} */ (document.querySelector("[data-import]"));
if (running) {
  const bar = /** @type {HTMLProgressElement} */ (running.querySelector("progress"));
  const poll = async () => {
    try {
      const answer = await fetch(running.dataset.import || "", { headers: { Accept: "application/json" } });
      const state = await answer.json();
      if (state.state !== "running") { location.reload(); return; }
      if (typeof state.progress === "number") bar.value = state.progress;
      const number = new Intl.NumberFormat(document.documentElement.dataset.region, { useGrouping: true });
      const text = running.querySelector("[aria-live]");
      if (text?.textContent) text.textContent = text.textContent.replace(/[\d.,\s]+/, `${number.format(state.read)} `).trim();
    } catch { /* the server is busy: ask again */ }
    setTimeout(poll, 800);
  };
  setTimeout(poll, 500);
}
