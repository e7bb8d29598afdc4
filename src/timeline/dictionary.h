/*
 * Organisation-wide names and their codes: small numbers that stand for event, channel, touchpoint,
 * unit and property names everywhere but in the records. A code is never reused or changed.
 *
 * THREADS  Codes are added by the writer thread only, inside its transaction; anybody may read: names already
 *          published never move (chunked arrays, published by a release store of the count).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_DICTIONARY_H
#define SENDA_TIMELINE_DICTIONARY_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/store.h"

enum dictionary_kind {
    DICTIONARY_EVENT = 1,
    DICTIONARY_CHANNEL,
    DICTIONARY_TOUCHPOINT,
    DICTIONARY_UNIT,
    DICTIONARY_PROPERTY, /* names of properties ("amount"), contexts ("context.page.path") and traits ("plan") */
    DICTIONARY_KINDS
};

struct dictionary; /* all kinds of one organisation */

must_use int dictionary_open(struct dictionary **dictionary, sqlite3 *db, struct err *err);
void dictionary_close(struct dictionary *dictionary);
/* From now on the dictionary publishes and takes back with the store's transactions. Call before log_open, so that
 * no reader of the log meets a code without a name. */
void dictionary_follow(struct dictionary *dictionary, struct store *store);

/* CODE_NONE when the name is unknown. Safe from any thread (short lock). */
uint16_t dictionary_find(const struct dictionary *, enum dictionary_kind, struct slice name);
/* The name of a published code; {"", 0} for CODE_NONE. Lock-free. */
struct slice dictionary_name(const struct dictionary *, enum dictionary_kind, uint16_t code);
/* Codes are 1 … count. */
uint16_t dictionary_count(const struct dictionary *, enum dictionary_kind);

/* Writer thread, in its transaction: finds or adds; published with the commit, forgotten when the transaction is taken back
 * (dictionary_follow). CODE_NONE when the kind is full (LIMIT_CODES). */
uint16_t dictionary_add(struct dictionary *, enum dictionary_kind, struct slice name, sqlite3 *db,
                        struct err *err);
/* Publishes; of a database that is no store's. */
void dictionary_commit(struct dictionary *);

#endif
