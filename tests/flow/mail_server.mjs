// A real mail server for tests (Debian's aiosmtpd on loopback): one JSON line a message; refuses gone@ and (as spam) spam@, is busy once for busy@.
// SPDX-License-Identifier: GPL-3.0-or-later
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, pause } from "./operation.mjs";

const program = `
import asyncio, json, sys
from email import message_from_bytes, policy
from aiosmtpd.controller import Controller
class Handler:
    tries = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"): return "550 no such person"
        if address.startswith("spam@"): return "550 5.7.1 this looks like spam"
        if address.startswith("busy@") and Handler.tries == 0:
            Handler.tries += 1
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        part = lambda kind: mail.get_body((kind,)).get_content() if mail.get_body((kind,)) else ""
        print(json.dumps({"to": envelope.rcpt_tos[0], "from": envelope.mail_from, "subject": str(mail["subject"]), "id": mail["message-id"], "token": mail["senda-invitation"],
            "unsubscribe": mail["list-unsubscribe"], "post": mail["list-unsubscribe-post"], "sender": str(mail["from"]), "text": part("plain"), "html": part("html"),
            "connection": session.peer[1], "raw": envelope.content.decode("utf-8", "replace")}), flush=True)
        return "250 OK"
controller = Controller(Handler(), hostname="127.0.0.1", port=0)
controller.port = int(sys.argv[1])
controller.start()
print("ready", flush=True)
asyncio.new_event_loop().run_forever()
`;
export const free = () => new Promise((resolve) => { const probe = createServer().listen(0, "127.0.0.1", () => { const { port } = probe.address(); probe.close(() => resolve(port)); }); });
export async function until(holds, what, tries = 150) {
  for (let i = 0; i < tries; i++) { if (await holds()) return; await pause(100); }
  must(false, what);
}
export function needsMailServer() {
  if (spawnSync("/usr/bin/python3", ["-c", "import aiosmtpd"]).status === 0) return;
  console.log("skipped: there is no aiosmtpd (tools/install test)");
  process.exit(77);
}
// {port, mails}: mails grows as they arrive.
export async function mailServer(scratch) {
  writeFileSync(join(scratch, "smtp.py"), program);
  const port = await free(), mails = [];
  const smtp = spawn("/usr/bin/python3", [join(scratch, "smtp.py"), String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => smtp.kill("SIGKILL"));
  let said = "", ready = false;
  smtp.stdout.on("data", (bytes) => {
    said += bytes;
    for (let end; (end = said.indexOf("\n")) >= 0; said = said.slice(end + 1)) {
      const line = said.slice(0, end);
      if (line === "ready") ready = true; else mails.push(JSON.parse(line));
    }
  });
  await until(() => ready, "the mail server runs");
  return { port, mails };
}
