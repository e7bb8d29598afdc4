// Coming in: an invitation, the second factor in two steps, a role that needs one, sessions ended by a new password and by an administrator.
// SPDX-License-Identifier: GPL-3.0-or-later
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, serve, succeed } from "./operation.mjs";

const scratch = mkdtempSync(join(tmpdir(), "senda-sign-in-")), data = join(scratch, "data"), password = "a long enough secret";
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, "password"), password);
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, join(scratch, "log")), base = `http://127.0.0.1:${server.port}`;
async function call(method, path, body, headers = {}) {
  const form = body instanceof URLSearchParams;
  const answer = await fetch(base + path, { method, redirect: "manual", headers: { "accept-language": "en", ...headers }, body: body === undefined || form ? body : JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json, headers: answer.headers };
}
const admin = { authorization: `Bearer ${keys.api_key}` };
const me = (answer) => ({ cookie: answer.headers.get("set-cookie").split(";")[0], "x-csrf-token": answer.json?.csrf });
const signIn = (email, secret, code) => call("POST", "/api/v1/sessions", { email, password: secret, ...(code && { code }) });
function code(base32, step = Math.floor(Date.now() / 30000)) { // RFC 6238, written a second time
  const bits = [...base32].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
}

const invited = (await call("POST", "/api/v1/users", { email: "eva@example.org", name: "Eva", role: "analyst" }, admin)).json;
must(invited.invited && invited.url.startsWith(`${base}/welcome?token=`), "an invitation has a link");
must((await signIn("eva@example.org", "anything at all")).status === 401, "who is invited has no password");
const page = await call("GET", invited.url.slice(base.length));
must(page.status === 200 && page.text.includes("eva@example.org"), "the link opens the form");
const token = new URL(invited.url).searchParams.get("token");
must((await call("POST", "/api/v1/passwords", { token, password: "short" })).json.errors[0].pointer === "/password", "a short password is refused");
must((await call("POST", "/welcome", new URLSearchParams({ token, password: "eva has a secret" }))).status === 303, "the password is taken");
must((await call("POST", "/api/v1/passwords", { token, password: "another secret" })).json.errors[0].pointer === "/token", "the link is good once");

let eva = me(await signIn("eva@example.org", "eva has a secret"));
must((await call("POST", "/api/v1/me/totp", { password: "wrong" }, eva)).json.errors[0].pointer === "/password", "enrolling needs the password");
const begun = (await call("POST", "/api/v1/me/totp", { password: "eva has a secret" }, eva)).json;
const step = Math.floor(Date.now() / 30000);
must((await call("PUT", "/api/v1/me/totp", { pending: begun.pending, code: "000000" }, eva)).status === 422, "a wrong code enrols nobody");
const { recovery_codes } = (await call("PUT", "/api/v1/me/totp", { pending: begun.pending, code: code(begun.secret, step - 1) }, eva)).json;
must(recovery_codes.length === 10, "ten recovery codes");
must((await signIn("eva@example.org", "eva has a secret")).json.errors[0].pointer === "/code", "a code is asked for");
must((await signIn("eva@example.org", "wrong password")).json.errors === undefined, "but only after the right password");
must((await signIn("eva@example.org", "eva has a secret", code(begun.secret, step - 1))).status === 401, "the code that enrolled is used");
must((await signIn("eva@example.org", "eva has a secret", code(begun.secret, step))).status === 201, "a code of now signs in");
must((await signIn("eva@example.org", "eva has a secret", code(begun.secret, step))).status === 401, "once");
const second = await call("POST", "/sign-in", new URLSearchParams({ email: "eva@example.org", password: "eva has a secret" }));
const pending = second.text.match(/name="second" value="([^"]+)"/)?.[1];
must(pending && !second.headers.get("set-cookie")?.includes("senda_session"), "the page asks for the code before there is a session");
must((await call("POST", "/sign-in", new URLSearchParams({ second: pending, code: "111111" }))).status === 401, "a wrong code stays outside");
must((await call("POST", "/sign-in", new URLSearchParams({ second: "x" + pending, code: recovery_codes[0] }))).headers.get("location") === "/sign-in", "a forged step begins again");
const entered = await call("POST", "/sign-in", new URLSearchParams({ second: pending, code: recovery_codes[0] }));
must(entered.status === 303 && entered.headers.get("set-cookie").includes("senda_session"), "a recovery code signs in");

must((await call("GET", `/api/v1/users/${invited.id}/sessions`, undefined, admin)).json.data.length === 3, "an administrator sees the sessions");
must((await call("PATCH", "/api/v1/me", { current: "eva has a secret", password: "a different secret" }, eva)).status === 200, "a new password");
must((await call("GET", "/api/v1/me", undefined, eva)).status === 200 && (await call("GET", "/api/v1/me", undefined, me(entered))).status === 401, "ends the other sessions, not this one");
must((await call("DELETE", `/api/v1/users/${invited.id}/sessions`, undefined, admin)).status === 204 && (await call("GET", "/api/v1/me", undefined, eva)).status === 401, "an administrator ends them all");
must((await call("DELETE", `/api/v1/users/${invited.id}/totp`, undefined, admin)).status === 204, "and takes away a lost second factor");

must((await call("PATCH", "/api/v1/settings", { totp_required: "analyst" }, admin)).json.totp_required === "analyst", "a role can need one");
eva = me(await signIn("eva@example.org", "a different secret"));
must((await call("GET", "/api/v1/customers", undefined, eva)).status === 403, "without it there is nothing to see");
must((await call("GET", "/", undefined, eva)).headers.get("location") === "/settings/me/second-factor", "but the page to get one");
must((await call("GET", "/settings/me/second-factor", undefined, eva)).text.includes("two-step"), "which opens");
const again = (await call("POST", "/api/v1/me/totp", { password: "a different secret" }, eva)).json;
must((await call("PUT", "/api/v1/me/totp", { pending: again.pending, code: code(again.secret) }, eva)).status === 200, "enrolled");
must((await call("GET", "/api/v1/customers", undefined, eva)).status === 200, "and in");

// Keys of programs: a new secret in place of the old, until when they are good.
const key = (await call("POST", "/api/v1/keys", { name: "report", scopes: ["query"], units: ["norte"] }, admin)).json;
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });
const renewed = (await call("POST", `/api/v1/keys/${key.id}/rotate`, {}, admin)).json;
must(renewed.secret !== key.secret && renewed.units[0] === "norte" && renewed.secret.endsWith(renewed.hint), "a key gets a new secret and keeps its limits");
must((await call("GET", "/api/v1/units", undefined, bearer(key.secret))).status === 401 && (await call("GET", "/api/v1/units", undefined, bearer(renewed.secret))).status === 200, "the old one stops working");
const late = (await call("POST", "/api/v1/keys", { name: "late", scopes: ["query"], expires_at: "2020-01-01" }, admin)).json;
must((await call("GET", "/api/v1/units", undefined, bearer(late.secret))).status === 401, "a key that has expired is none");
must((await call("POST", "/api/v1/keys/999/rotate", {}, admin)).status === 404, "an unknown key");

// What was begun with a password ends with it; of two who use a link at once one gets it.
const begunOld = (await call("POST", "/sign-in", new URLSearchParams({ email: "eva@example.org", password: "a different secret" }))).text.match(/name="second" value="([^"]+)"/)[1];
const lost = (await call("POST", `/api/v1/users/${invited.id}/link`, {}, admin)).json;
const linkToken = new URL(lost.url).searchParams.get("token");
const takes = await Promise.all(["the first new secret", "the second new secret"].map((password) => call("POST", "/api/v1/passwords", { token: linkToken, password })));
must(takes.map((answer) => answer.status).sort().join() === "200,422" || takes.map((answer) => answer.status).sort().join() === "204,422", `a link used twice at once is good once: ${takes.map((answer) => answer.status)}`);
must((await call("POST", "/sign-in", new URLSearchParams({ second: begunOld, code: code(again.secret, Math.floor(Date.now() / 30000) + 1) }))).headers.get("location") === "/sign-in", "the step that the old password opened is closed");
await server.end("SIGTERM");

// Behind a proxy: a stranger's guesses do not keep the owner out, IPv6 counts by /64, and the cookie is bound to the host.
server = await serve(data, join(scratch, "log"), ["--trusted-proxy", "127.0.0.1"]);
base = `http://127.0.0.1:${server.port}`;
const from = (address) => ({ "x-forwarded-for": address, "x-forwarded-proto": "https" });
const tries = (secret, address) => call("POST", "/api/v1/sessions", { email: "owner@example.org", password: secret }, from(address));
let refusals = 0;
for (let i = 0; i < 60 && refusals < 3; i++) refusals += (await tries("guess " + i, `2001:db8:1:2::${i + 1}`)).status === 429;
must(refusals >= 3, "guesses from one network are held back, whatever its last half");
const owner = await tries(password, "203.0.113.9");
must(owner.status === 201, "the owner comes in meanwhile from elsewhere");
const bound = owner.headers.get("set-cookie");
must(bound.startsWith("__Host-senda_session=") && bound.includes("; Secure") && bound.includes("Path=/"), "the cookie is bound to the host");
must((await call("GET", "/api/v1/me", undefined, { ...from("203.0.113.9"), cookie: bound.split(";")[0] })).status === 200, "and good");
must((await call("GET", "/api/v1/me", undefined, { ...from("203.0.113.9"), cookie: bound.split(";")[0].replace("__Host-", "") })).status === 401, "but only by its name");
await server.end("SIGTERM");
console.log("signing in: as it should be");
