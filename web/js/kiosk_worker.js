/*
 * The screen without a network: its page, definition and files as they were last seen.
 *
 * Files below /assets/ and pictures of a version of a survey never change: from the cache, else from the network. The page and its definition: from the network if that
 * answers within 4 s, else from the cache. Everything else (taps) goes by.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const worker = /** @type {any} */ (self);
const CACHE = "senda-kiosk-1", PATIENCE_MS = 4000;
/** @param {URL} url */
const lasts = (url) => url.pathname.startsWith("/assets/") || /^\/s\/[^/]+\/image\//.test(url.pathname);
const scope = () => new URL(worker.registration.scope).pathname;

worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([scope(), `${scope()}/definition.json`, `${scope()}/manifest.webmanifest`])).then(() => worker.skipWaiting()));
});
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

/** The page says which files it is made of: they are kept, older ones go. */
worker.addEventListener("message", (/** @type {any} */ event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE), wanted = new Set(event.data.keep);
    for (const request of await cache.keys())
      if (lasts(new URL(request.url)) && !wanted.has(request.url)) await cache.delete(request);
    for (const url of wanted) if (!(await cache.match(url))) await cache.add(url);
    if (event.ports[0]) event.ports[0].postMessage("kept");
  })());
});

/** @param {Request} request */
async function fresh(request) {
  const cache = await caches.open(CACHE);
  const known = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
  try {
    const answer = await fetch(request, known ? { signal: AbortSignal.timeout(PATIENCE_MS) } : undefined);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer.status >= 500 && known ? known : answer;
  } catch (error) {
    if (known) return known;
    throw error;
  }
}

/** @param {Request} request */
async function kept(request) {
  const cache = await caches.open(CACHE), known = await cache.match(request, { ignoreVary: true });
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (lasts(url)) event.respondWith(kept(event.request));
  else if (url.pathname.startsWith(scope())) event.respondWith(fresh(event.request));
});
