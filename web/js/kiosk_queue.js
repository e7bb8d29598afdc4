/*
 * What a screen keeps on its device and how it gets to Senda: see src/kiosk/kiosk.h for the format of a batch.
 *
 * KEPT      IndexedDB "senda-kiosk-ADDRESS": `meta` (the key as a CryptoKey that cannot be read back, name and head of the chain, the
 *           visit under way, the last definition) and `queue` (sealed taps, by number; only ever added to, removed once they are
 *           answered).
 * CHAIN     Each tap is signed together with the signature before it. Two tabs of one screen share the chain under a lock.
 * DELIVERY  In order, 100 a batch; an empty batch each minute says that the screen lives. Failures wait 5, 10 … 300 s. What the
 *           server has answered (accepted, duplicate, rejected) is removed; anything else stays, for weeks if need be.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const BATCH = 100, BEAT_MS = 60000, FIRST_WAIT_MS = 5000, LONGEST_WAIT_MS = 300000, ANSWER_MS = 20000;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error); });

/** @param {BufferSource} bytes */
const hex = (bytes) => Array.from(new Uint8Array(/** @type {ArrayBuffer} */ (bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const utf8 = new TextEncoder();
/** Of this start of the page: taps of the same start are dated by its counter, whatever the clock does. */
export const boot = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
export const mono = () => Math.round(performance.now());

export class Queue {
  /** @param {string} address @param {(news: {waiting: number, online: boolean, paired: boolean, answer?: any}) => void} told */
  constructor(address, told) {
    this.address = address;
    this.told = told;
    /** @type {CryptoKey|undefined} */
    this.key = undefined;
    this.waiting = 0;
    this.failures = 0;
    this.timer = 0;
    this.sending = false;
    this.online = true;
    this.refused = false;
  }

  async open() {
    const request = indexedDB.open(`senda-kiosk-${this.address}`, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("meta");
      request.result.createObjectStore("queue", { keyPath: "seq" });
    };
    this.db = await done(request);
    this.key = await this.get("key");
    if (!(await this.get("chain"))) await this.put("chain", hex(crypto.getRandomValues(new Uint8Array(8))));
    this.waiting = await done(this.store("queue").count());
    addEventListener("online", () => this.soon(0));
    this.soon(0);
  }

  /** @param {string} name @param {IDBTransactionMode} [mode] */
  store(name, mode = "readonly") { return /** @type {IDBDatabase} */ (this.db).transaction(name, mode, { durability: "strict" }).objectStore(name); }
  /** @param {string} name @returns {Promise<any>} */
  get(name) { return done(this.store("meta").get(name)); }
  /** @param {string} name @param {any} value */
  put(name, value) { return done(this.store("meta", "readwrite").put(value, name)); }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  alone(work) { return /** @type {any} */ (navigator.locks ? navigator.locks.request(`senda-kiosk-${this.address}`, work) : work()); }

  /** The key of the pairing link; what already waits is signed anew with it. @param {string} text */
  async pair(text) {
    const secret = await crypto.subtle.digest("SHA-256", utf8.encode(text.trim()));
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    await this.alone(async () => {
      this.key = key;
      const rows = await done(this.store("queue").getAll());
      for (const [i, row] of rows.entries()) {
        if (i) row.after = rows[i - 1].mac;
        row.mac = await this.sign(row.after, "\n", row.tap);
      }
      const transaction = /** @type {IDBDatabase} */ (this.db).transaction(["meta", "queue"], "readwrite");
      for (const row of rows) transaction.objectStore("queue").put(row);
      const last = rows[rows.length - 1];
      if (last) transaction.objectStore("meta").put({ seq: last.seq, mac: last.mac }, "head");
      await done(transaction.objectStore("meta").put(key, "key"));
    });
    this.refused = false;
    this.failures = 0;
    this.soon(0);
  }
  async unpair() {
    await done(this.store("meta", "readwrite").delete("key"));
    this.key = undefined;
  }

  /** @param {string[]} parts */
  async sign(...parts) { return hex(await crypto.subtle.sign("HMAC", /** @type {CryptoKey} */ (this.key), utf8.encode(parts.join("")))); }

  /** Seals a finished visit into the chain. @param {Record<string, any>} tap */
  async add(tap) {
    await this.alone(async () => {
      const head = (await this.get("head")) || { seq: 0, mac: "" };
      const seq = head.seq + 1, text = JSON.stringify({ ...tap, seq });
      const mac = await this.sign(head.mac, "\n", text);
      const transaction = /** @type {IDBDatabase} */ (this.db).transaction(["meta", "queue"], "readwrite", { durability: "strict" });
      transaction.objectStore("queue").put({ seq, tap: text, mac, after: head.mac });
      transaction.objectStore("meta").delete("draft");
      await done(transaction.objectStore("meta").put({ seq, mac }, "head"));
    });
    this.waiting++;
    this.tell();
    if (!this.failures) this.soon(300);
  }

  /** @param {any} [answer] */
  tell(answer) { this.told({ waiting: this.waiting, online: this.online, paired: !!this.key && !this.refused, answer }); }

  /** @param {number} ms */
  soon(ms) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.deliver(), ms);
  }

  async deliver() {
    if (this.sending || !this.key || !this.db) return this.soon(BEAT_MS);
    this.sending = true;
    let again = BEAT_MS;
    try {
      if (await this.alone(() => this.batch())) again = 0;
      this.failures = 0;
      this.online = true;
    } catch (error) {
      this.failures++;
      this.online = error instanceof Refusal;
      this.refused = error instanceof Refusal && error.status === 401;
      again = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures - 1, 7)) * (0.75 + Math.random() / 2);
      this.tell();
    }
    this.sending = false;
    this.soon(again);
  }

  /** One batch; true if more waits. */
  async batch() {
    const rows = await done(this.store("queue").getAll(undefined, BATCH));
    const all = await done(this.store("queue").count());
    const body = JSON.stringify({
      chain: await this.get("chain"), sent_at: new Date().toISOString(), boot, mono: mono(), waiting: all - rows.length,
      after: rows.length ? rows[0].after : "", taps: rows.map(({ tap, mac }) => ({ tap, mac })),
    });
    const answer = await fetch(`/k/${this.address}/taps`, {
      method: "POST", body, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(ANSWER_MS),
      headers: { "Content-Type": "application/json", "Senda-Signature": await this.sign(body) },
    });
    if (!answer.ok) throw new Refusal(answer.status);
    const told = await answer.json();
    if (rows.length) await done(this.store("queue", "readwrite").delete(IDBKeyRange.upperBound(rows[rows.length - 1].seq)));
    this.waiting = all - rows.length;
    this.refused = false;
    this.tell(told);
    return this.waiting > 0;
  }
}

class Refusal extends Error {
  /** @param {number} status */
  constructor(status) { super(`refused: ${status}`); this.status = status; }
}
