/*
 * Shared inside the module: records, secrets, state.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_KIOSK_INTERNAL_H
#define SENDA_KIOSK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "kiosk/kiosk.h"
#include "kiosk/misuse.h"
#include "survey/survey.h"

enum { SECRET_BYTES = 32, MAC_TEXT_BYTES = 2 * SECRET_BYTES + 1, ADDRESS_BYTES = 10 };

/* What the module keeps while the folder is open. */
struct kiosks {
    pthread_mutex_t lock; /* one batch at a time: misuse is judged in the order of taps */
    atomic_uint_least64_t changes;
    pthread_mutex_t pages_lock; /* of what follows: what every page view of a web asks */
    json_t *pages;              /* shared, never changed; NULL: to be read again */
    int64_t pages_ms;
};
must_use int kiosks_get(struct folder *folder, struct kiosks **kiosks, struct err *err);
/* A batch came. */
void kiosks_changed(struct folder *folder);

/* ---- secret.c ---- */
void kiosk_key_make(char key[KIOSK_KEY_BYTES], unsigned char secret[SECRET_BYTES]);
/* Several slices, one after the other, as hexadecimal text. */
void kiosk_mac(const unsigned char secret[SECRET_BYTES], const struct slice *parts, size_t n,
               char text[MAC_TEXT_BYTES]);
/* In constant time. */
bool kiosk_mac_is(const char text[MAC_TEXT_BYTES], const char *said);

/* ---- kiosk.c ---- */
/* Who signs: number and secret of the kiosk at an address. E_NOT_FOUND. */
struct kiosk_signer {
    uint64_t id;
    int64_t created_ms;
    unsigned char secret[SECRET_BYTES];
};
must_use int kiosk_signer(struct folder *folder, const char *address, struct kiosk_signer *signer,
                          struct err *err);
/* All micro-surveys, without states. New reference. */
must_use int kiosk_list_pages(struct folder *folder, json_t **list, struct err *err);
/* The document of a revision; that of the newest where it is unknown or 0. New reference. */
must_use int kiosk_document(struct folder *folder, uint64_t id, int64_t revision, json_t **document,
                            int64_t *newest, struct err *err);

/* ---- document.c ---- */
int kiosk_minute_of(const char *text);

/* ---- card.c ---- */
json_t *kiosk_card_json(const struct survey *survey); /* new reference */

/* ---- state.c ---- */
struct kiosk_news {
    uint64_t kiosk;
    const char *chain;
    int64_t seq, lost; /* of the chain after the batch; missing taps found in it */
    int64_t now_ms, tap_ms, waiting, skew_ms;
    struct misuse_memory memory;
    const struct kiosk_count *days;
    size_t n_days;
};
/* What was known of a kiosk and a chain; zero where nothing. */
must_use int kiosk_known(struct folder *folder, uint64_t kiosk, const char *chain, int64_t *seq,
                         struct misuse_memory *memory, struct err *err);
must_use int kiosk_note(struct folder *folder, struct kiosk_news *news, struct err *err);
/* Adds the member `state` to each of `list`. */
must_use int kiosk_add_states(struct folder *folder, json_t *list, int64_t now_ms, struct err *err);
/* {"taps", "happy", "misuse"} of the local day. */
must_use int kiosk_today(struct folder *folder, uint64_t kiosk, int64_t now_ms, json_t **today,
                         struct err *err);

#endif
