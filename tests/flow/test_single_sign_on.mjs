// Coming in through a real OpenID Connect provider (Debian's glewlwyd on loopback): PKCE, first time by verified or trusted address,
// later by the provider's number; and everything that must not come in.
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cookies, must, pause, serve, succeed } from "./operation.mjs";

const unpacked = join(process.env.SOURCE_DIR, "build/tools/glewlwyd"); // by tools/install
if (!existsSync(join(unpacked, "usr/bin/glewlwyd"))) {
  console.log("skipped: there is no glewlwyd (tools/install test)");
  process.exit(77);
}
const scratch = mkdtempSync(join(tmpdir(), "senda-sso-")), data = join(scratch, "data");
let provider;
process.on("exit", () => { provider?.kill("SIGKILL"); rmSync(scratch, { recursive: true, force: true }); });

// ---- the provider ----
const port = await new Promise((resolve) => { const free = createServer().listen(0, "127.0.0.1", () => { const p = free.address().port; free.close(() => resolve(p)); }); });
const home = `http://127.0.0.1:${port}`, issuer = `${home}/api/oidc`;
const tables = execFileSync("zcat", [join(unpacked, "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz")]);
execFileSync("sqlite3", [join(scratch, "provider.db")], { input: tables });
writeFileSync(join(scratch, "provider.conf"), `port=${port}
bind_address="127.0.0.1"
external_url="${home}/"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="ERROR"
session_key="SESSION"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="${unpacked}/usr/lib/glewlwyd/user"
client_module_path="${unpacked}/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="${unpacked}/usr/lib/glewlwyd/scheme"
plugin_module_path="${unpacked}/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "${join(scratch, "provider.db")}"; };
`);
provider = spawn(join(unpacked, "usr/bin/glewlwyd"), ["-c", join(scratch, "provider.conf")], { stdio: "ignore" });
async function ask(cookie, method, path, body) {
  const answer = await fetch(home + path, { method, redirect: "manual", headers: { "content-type": "application/json", ...(cookie && { cookie }) }, body: body && JSON.stringify(body) });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}
const signedIn = async (username, password) => cookies(await ask(null, "POST", "/api/auth/", { username, password })).join("; ");
let admin = "";
for (let i = 0; i < 100 && !admin; i++) { await pause(100); admin = await signedIn("admin", "password").catch(() => ""); }
must(admin, "the provider runs");

// ---- Senda ----
writeFileSync(join(scratch, "password"), "a long enough secret");
const keys = JSON.parse(succeed("init", "--data", data, "--admin-email", "owner@example.org", "--admin-password-file", join(scratch, "password")));
let server = await serve(data, join(scratch, "log"));
const api = { authorization: `Bearer ${keys.api_key}` };
async function call(method, path, body, headers = {}) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, redirect: "manual", headers: { "accept-language": "en", ...headers }, body: body instanceof URLSearchParams ? body : body && JSON.stringify(body) });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* a page */ }
  return { status: answer.status, text, json, headers: answer.headers };
}
const cookieOf = (answer, name) => cookies(answer).find((c) => c.startsWith(name + "=") && c.length > name.length + 1);

const pair = generateKeyPairSync("ec", { namedCurve: "P-256", publicKeyEncoding: { type: "spki", format: "pem" }, privateKeyEncoding: { type: "sec1", format: "pem" } });
const plugin = { module: "oidc", name: "oidc", display_name: "OIDC", parameters: {
  iss: issuer, "jwt-type": "ecdsa", "jwt-key-size": "256", key: pair.privateKey, cert: pair.publicKey, "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 60,
  "refresh-token-rolling": false, "allow-non-oidc": true, "auth-type-code-enabled": true, "auth-type-token-enabled": false, "auth-type-id-token-enabled": false, "auth-type-none-enabled": false,
  "auth-type-password-enabled": false, "auth-type-client-enabled": false, "auth-type-device-enabled": false, "auth-type-refresh-enabled": true, "jwks-show": true, "pkce-allowed": true, "pkce-required": true,
  "pkce-method-plain-allowed": false, "email-claim": "on-demand", "email-claim-scope": ["email"], "name-claim": "on-demand", "name-claim-scope": ["profile"], "subject-type": "public",
  "address-claim": { type: "no" }, claims: [], "session-management-allowed": false } };
const back = `http://127.0.0.1:${server.port}/sign-in/return`;
const changes = [["/api/mod/plugin/", plugin], ["/api/scope/", { name: "email", display_name: "E-mail" }], ["/api/scope/", { name: "profile", display_name: "Profile" }],
  ["/api/client/", { client_id: "senda", name: "Senda", confidential: true, enabled: true, client_secret: "a secret: of the client", redirect_uri: [back], authorization_type: ["code"], scope: [], token_endpoint_auth_method: ["client_secret_basic", "client_secret_post"] }],
  ...["eva", "leo"].map((username) => ["/api/user/", { username, name: `${username} <b>Vega</b>`, email: `${username}@example.org`, enabled: true, password: `${username} has a secret`, scope: ["g_profile", "openid", "email", "profile"] }])];
for (const [path, body] of changes) must((await ask(admin, "POST", path, body)).status === 200, `the provider takes ${path}`);
const people = {};
for (const name of ["eva", "leo"]) {
  people[name] = await signedIn(name, `${name} has a secret`);
  must((await ask(people[name], "PUT", "/api/auth/grant/senda/", { scope: "openid email profile" })).status === 200, "granted");
}

// ---- settings ----
const put = (body) => call("PUT", "/api/v1/single-sign-on", body, api);
const good = { issuer, client_id: "senda", client_secret: "a secret: of the client", label: "Vereda", trust_email: true };
must((await call("GET", "/api/v1/single-sign-on", undefined, api)).status === 404, "there is none at first");
must((await call("GET", "/sign-in/sso")).status === 404, "nor a way");
for (const [change, pointer] of [[{ issuer: "http://login.example.org" }, "/issuer"], [{ issuer: "ftp://127.0.0.1" }, "/issuer"], [{ issuer: "http://127.0.0.1.example.org/" }, "/issuer"], [{ client_id: "" }, "/client_id"],
  [{ role: "owner" }, "/role"], [{ role: "king" }, "/role"], [{ domains: ["a@b"] }, "/domains"], [{ colour: 1 }, "/colour"]])
  must((await put({ ...good, ...change })).json.errors?.[0].pointer === pointer, `${JSON.stringify(change)} is refused at ${pointer}`);
const kept = await put(good);
must(kept.status === 200 && kept.json.secret_set && !kept.text.includes("of the client") && kept.json.return_url === back, `kept, the secret untold: ${kept.text}`);
must((await call("POST", "/api/v1/single-sign-on/check", {}, api)).json.ok, "the provider answers");
must((await call("GET", "/sign-in")).text.includes("Sign in with Vereda"), "there is a button");
must(!readFileSync(join(data, "senda.db")).includes("of the client"), "the secret is sealed in the folder");

// ---- coming in ----
async function go(next = "/customers") {
  const begun = await call("GET", `/sign-in/sso?next=${encodeURIComponent(next)}`);
  must(begun.status === 303, `begins: ${begun.status}`);
  return { way: cookieOf(begun, "senda_sso"), url: new URL(begun.headers.get("location")) };
}
async function answerOf(person, url) {
  const answer = await ask(people[person], "GET", url.pathname + url.search + "&g_continue");
  return new URL(answer.headers.get("location"));
}
const come = (url, way) => call("GET", url.pathname + url.search, undefined, way ? { cookie: way } : {});
const inside = async (answer) => (await call("GET", "/api/v1/me", undefined, { cookie: cookieOf(answer, "senda_session") ?? "" }));

let { way, url } = await go();
must(url.searchParams.get("code_challenge_method") === "S256" && url.searchParams.get("state") && url.searchParams.get("nonce"), "PKCE, state, nonce");
let refused = await come(await answerOf("eva", url), way);
must(refused.status === 403 && refused.text.includes("Nobody has invited this address yet"), `who is not there stays outside: ${refused.status}`);
must((await put({ ...good, role: "viewer", domains: ["example.com"] })).status === 200, "settings change, the secret stays");
({ way, url } = await go());
must((await come(await answerOf("eva", url), way)).text.includes("Addresses of this domain"), "other domains stay outside");
must((await put({ ...good, role: "viewer", domains: ["EXAMPLE.org"], trust_email: false })).status === 200, "settings");
({ way, url } = await go());
must((await come(await answerOf("eva", url), way)).text.includes("has not verified"), "an address that is not verified");
must((await put({ ...good, role: "viewer", domains: ["EXAMPLE.org"] })).status === 200, "settings");
({ way, url } = await go());
const answered = await answerOf("eva", url);
must((await come(answered)).status === 401, "without what the browser kept");
const forged = new URL(answered); forged.searchParams.set("state", "x".repeat(43));
must((await come(forged, way)).status === 401, "with another state");
const other = await go();
must((await come(answered, other.way)).status === 401, "with the cookie of another way");
const came = await come(answered, way);
must(came.status === 303 && came.headers.get("location") === "/customers", `comes in: ${came.status}`);
let me = await inside(came);
must(me.json.email === "eva@example.org" && me.json.role === "viewer" && me.json.name === "eva <b>Vega</b>", "as a new viewer");
must((await come(answered, way)).status !== 303, "a code is good once");
const users = async () => (await call("GET", "/api/v1/users", undefined, api)).json.data;
const eva = (await users()).find((user) => user.email === "eva@example.org");
must(eva.single_sign_on && !eva.invited, "and is listed so");
must((await call("POST", "/api/v1/sessions", { email: "eva@example.org", password: "" })).status === 401, "there is no password to guess");

// later by the provider's number, whatever the address
must((await ask(admin, "PUT", "/api/user/eva", { name: "Eva", email: "other@example.org", enabled: true, scope: ["g_profile", "openid", "email", "profile"] })).status === 200, "another address there");
({ way, url } = await go("//evil.example/"));
const later = await come(await answerOf("eva", url), way);
must(later.headers.get("location") === "/" && (await inside(later)).json.email === "eva@example.org", "the same person, and no way to another host");
must((await users()).length === 2, "nobody twice");

// an owner's account is met by its address only when trusted; a switched-off person stays outside; a second factor is asked for
must((await call("PATCH", `/api/v1/users/${eva.id}`, { disabled: true }, api)).status === 200, "switched off");
({ way, url } = await go());
must((await come(await answerOf("eva", url), way)).status === 403, "stays outside");

// what only a lying provider could say: a stranger's signature, time, audience are in unit/http/id_token
must((await server.end("SIGTERM")).code === 0, "ends");
server = await serve(data, join(scratch, "log"), ["--listen", `127.0.0.1:${new URL(back).port}`]);
({ way, url } = await go());
must((await inside(await come(await answerOf("leo", url), way))).json.email === "leo@example.org", "after a restart, another person");
provider.kill("SIGKILL");
await pause(200);
const silent = await call("GET", "/sign-in/sso");
must(silent.status === 409 && silent.text.includes("did not answer") && silent.text.includes("name=\"password\""), `a silent provider is said, and the password stays: ${silent.status}`);
must((await call("DELETE", "/api/v1/single-sign-on", undefined, api)).status === 204 && !(await call("GET", "/sign-in")).text.includes("Vereda"), "ended");
const log = readFileSync(join(scratch, "log"), "utf8");
must(!log.includes("code=") && !log.includes("of the client") && !log.includes("@example.org"), "no code, secret or address in the log");
await server.end("SIGTERM");
console.log("single sign-on: through a real provider");
