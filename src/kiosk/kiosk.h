/*
 * Opinion screens: any tablet or old phone with a browser that asks one question with faces, for weeks without a network.
 *
 * A kiosk is a JSON document:
 *   name        "Caja 1"
 *   kind        faces (one question with faces) · terminal (a longer survey on a public screen) · poster (a QR code on paper) ·
 *               page (a micro-survey in the organisation's own pages, shown by senda.js)
 *   unit, touchpoint   where it stands; absent: none
 *   languages   ["es", "en"], the first is the one it begins with and its answers are stored in
 *   question    {"es": "¿Qué tal te hemos atendido?", "en": …}
 *   faces       3, 4 or 5
 *   face_set    classic · contrast (for people who do not tell red from green) · weather (without a word)
 *   speak       the question can be heard (for people who do not read)
 *   follow_ups  [{"faces": [1, 2], "kind": "choice", "question": {…}, "options": [{"es": …}, …]},
 *                {"faces": [1], "kind": "text", "question": {…}}]; face 1 is the least happy one
 *   thanks      {"es": …} or absent
 *   survey      id of the published survey that a terminal or poster shows; a terminal has its languages
 *   rule        of a page, when it appears: {"pages": ["/checkout*", "shop.example*"], "after_s": 20, "scroll_pct": 50, "exit": true,
 *               "event": "Order Completed", "share": 0.5, "again_days": 30}; the first of the four that happens; pages absent: all
 *   idle_s      a visit that is left alone ends after it (5–300, standard 20)
 *   silent_min  a screen that says nothing for so long is silent (5–10080, standard 120)
 *   hours       {"from": "09:00", "to": "21:00", "days": [1, 2, 3, 4, 5, 6]} when the place is open, Monday is 1; outside it no silence
 *               alarms; absent: always
 *   exit_code   4 to 8 digits; kept sealed
 * As it is read: also id, address, revision, author, changed_at, created_at, hint, and `state` (state.c).
 *
 * KEY  Shown once. Kept is its SHA-256, sealed by the vault: with it signatures are checked, the key cannot be read back.
 *
 * BATCH of taps, POST /k/{address}/taps, the header Senda-Signature is hex(HMAC-SHA256(SHA-256(key), body)):
 *   {"chain": "d4c1…", "sent_at": "2026-…Z", "boot": "…", "mono": 123456, "waiting": 0, "after": MAC,
 *    "taps": [{"tap": "{\"id\":…}", "mac": MAC}, …]}
 *   tap  JSON text, signed as it is: {"id", "seq", "at", "boot", "mono", "revision", "language", "value", "faces", "choices": [0, 2],
 *        "text", "extra"}; of a terminal, in place of value and what follows: {"survey_version", "answers": {…} (survey/survey.h), "partial"}
 *   mac  hex(HMAC-SHA256(SHA-256(key), MAC of the tap before it in the chain ("" for the first), "\n", tap))
 *
 * INVARIANTS
 *  1. A tap counts once, however often it is sent: its id is the interaction's message id.
 *  2. A batch with a wrong signature or a broken chain changes nothing (E_UNAUTHORIZED).
 *  3. What is answered as accepted is durable.
 *  4. Misuse is marked with its reason, never thrown away (misuse.h); scores leave it out unless asked (docs/metrics.md).
 *
 * IN:  documents; signed batches of taps
 * OUT: interactions `Kiosk Tapped`, of terminals `Survey Responded`, through the ordinary pipeline; state of each screen
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_KIOSK_KIOSK_H
#define SENDA_KIOSK_KIOSK_H

#include <jansson.h>

#include "collect/source.h"
#include "folder/folder.h"
#include "query/principal.h"

enum {
    KIOSKS_MAX = 2000,
    KIOSK_KEY_BYTES = 64, /* text of a key with its end */
    KIOSK_TAPS_MAX = 200, /* of a batch */
    KIOSK_BATCH_BYTES = 512 * 1024,
    KIOSK_FOLLOW_UPS = 6,
    KIOSK_OPTIONS = 12,
    KIOSK_TEXT_BYTES = 2000 /* of a comment */
};

/* Those whose unit the asker sees, by name, each with its state. New reference. */
must_use int kiosk_list(struct folder *folder, const struct principal *principal, int64_t now_ms,
                        json_t **list, struct err *err);
/* One with its state. New reference. E_NOT_FOUND, also where the asker does not see its unit. */
must_use int kiosk_find(struct folder *folder, const struct principal *principal, uint64_t id,
                        int64_t now_ms, json_t **kiosk, struct err *err);
/* The one at this address, whoever asks. */
must_use int kiosk_at(struct folder *folder, const char *address, json_t **kiosk, struct err *err);
/* Its exit code, in the arena; "" if it has none. */
must_use int kiosk_exit_code(struct folder *folder, uint64_t id, struct arena *arena,
                             const char **code, struct err *err);

/* Completes a document with what goes without saying, and refuses one that cannot be shown: E_INVALID with the pointer;
 * E_FORBIDDEN for a unit outside the asker's rights. */
must_use int kiosk_check(struct folder *folder, const struct principal *principal, json_t *document,
                         struct err *err);
/* Keeps a checked document as a new kiosk (*id 0, set then, with its key) or as the next revision of one. E_NOT_FOUND;
 * E_REFUSED beyond KIOSKS_MAX. */
must_use int kiosk_put(struct folder *folder, uint64_t *id, const json_t *document,
                       const char *author, char key[KIOSK_KEY_BYTES], struct err *err);
/* A new key; devices with the old one are no longer believed. */
must_use int kiosk_rekey(struct folder *folder, uint64_t id, char key[KIOSK_KEY_BYTES],
                         struct err *err);
must_use int kiosk_remove(struct folder *folder, uint64_t id, struct err *err);

/* What the page of a screen needs, and nothing more: the document without its code and unit; `survey` {"id", "version"} of a
 * terminal; `exit` proves the code to a device that has the key. New reference. E_NOT_FOUND. */
must_use int kiosk_definition(struct folder *folder, const char *address, json_t **definition,
                              struct err *err);

/* What senda.js shows: [{"address", "rule", "survey"}] of the pages whose survey is open. New reference. */
must_use int kiosk_pages(struct folder *folder, int64_t now_ms, json_t **list, struct err *err);
struct survey;
/* What one of them asks now, for its pictures: release it. E_NOT_FOUND. */
must_use int kiosk_page_survey(struct folder *folder, const char *address, struct survey **survey,
                               struct err *err);
/* What senda.js tells of one: {"what": "shown" · "dismissed" · "answered", "submission", "version", "language", "anonymousId", "path", "at",
 * "sentAt"} and of an answer "answers" and "partial". *duplicate: it was known. Waits for the commit. E_NOT_FOUND,
 * E_INVALID; E_REFUSED: closed. */
must_use int kiosk_page_take(struct folder *folder, const struct source *source,
                             const char *address, const json_t *told, int64_t received_ms,
                             bool *duplicate, struct err *err);

/* Takes a batch: {"received_at", "revision", "survey_version", "survey_open", "accepted", "duplicates", "rejected", "results": [{"id", "outcome", "misuse",
 * "code", "message"}], "today": {…}}. New reference. E_NOT_FOUND; E_UNAUTHORIZED forged; E_MALFORMED, E_INVALID;
 * E_BUSY, E_IO: send again. Waits for the commit. */
must_use int kiosk_take(struct folder *folder, struct sources *sources, const char *address,
                        struct slice body, const char *signature, int64_t received_ms,
                        json_t **answer, struct err *err);

struct kiosk_count {
    int64_t day_ms;              /* start of the local day */
    int64_t taps, happy, misuse; /* taps without misuse */
};
/* Adds to the counters what came another way than by batches (the demonstration), and says when the screen was last heard. */
must_use int kiosk_add_history(struct folder *folder, uint64_t id, int64_t contact_ms,
                               const struct kiosk_count *days, size_t n, struct err *err);

/* Grows with every batch and change: a live view reads again when it did. */
uint64_t kiosk_changes(struct folder *folder);

#endif
