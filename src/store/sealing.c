/*
 * sealed(), opened() and hashed() in SQL: texts that a table keeps so that its bytes tell nothing.
 *
 * sealed(text) gives the bytes of the sealed text, opened(value) the text again, hashed(text) a keyed hash of 16 bytes by which a
 * sealed text is found. "" and NULL stay what they are, so that a question whether something is there needs no key; opened()
 * passes on what is no sealed value (bytes), so that rows from before a column was sealed are read as they are. Who seals is set
 * by the module above that has the keys (the vault, which is opened before anything is written); without one, texts stay.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/buf.h"
#include "store/internal.h"

enum { SEALED_TEXT_MAX = 64 << 20 };

static struct slice bytes_of(sqlite3_value *value) {
    const char *bytes = sqlite3_value_blob(value);
    int n = sqlite3_value_bytes(value);
    return bytes && n > 0 ? (struct slice){bytes, (size_t)n} : (struct slice){"", 0};
}

static void sql_sealed(sqlite3_context *context, int n, sqlite3_value **values) {
    const struct store *store = sqlite3_user_data(context);
    struct slice plain = bytes_of(values[0]);
    struct buf sealed;
    (void)n;
    if (!plain.n || !store->sealer.seal) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    buf_init(&sealed, SEALED_TEXT_MAX);
    store->sealer.seal(store->sealer.context, plain, &sealed);
    if (sealed.full || !sealed.n)
        sqlite3_result_error_toobig(context);
    else
        sqlite3_result_blob64(context, sealed.p, sealed.n, SQLITE_TRANSIENT);
    buf_release(&sealed);
}

static void sql_opened(sqlite3_context *context, int n, sqlite3_value **values) {
    const struct store *store = sqlite3_user_data(context);
    struct slice sealed = bytes_of(values[0]);
    struct err err = {0};
    struct buf plain;
    (void)n;
    if (sqlite3_value_type(values[0]) != SQLITE_BLOB || !sealed.n) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    buf_init(&plain, SEALED_TEXT_MAX);
    if (!store->sealer.unseal || store->sealer.unseal(store->sealer.context, sealed, &plain, &err))
        sqlite3_result_error(context, "a sealed text cannot be opened", -1);
    else
        sqlite3_result_text64(context, buf_slice(&plain).p, plain.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_release(&plain);
}

static void sql_hashed(sqlite3_context *context, int n, sqlite3_value **values) {
    const struct store *store = sqlite3_user_data(context);
    struct slice plain = bytes_of(values[0]);
    unsigned char hash[STORE_HASH_BYTES];
    (void)n;
    if (!plain.n || !store->sealer.hash) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    store->sealer.hash(store->sealer.context, plain, hash);
    sqlite3_result_blob(context, hash, sizeof hash, SQLITE_TRANSIENT);
}

int sealing_add(struct store *store, sqlite3 *db, struct err *err) {
    const int same = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function(db, "sealed", 1, SQLITE_UTF8, store, sql_sealed, NULL, NULL) !=
            SQLITE_OK ||
        sqlite3_create_function(db, "opened", 1, same, store, sql_opened, NULL, NULL) !=
            SQLITE_OK ||
        sqlite3_create_function(db, "hashed", 1, same, store, sql_hashed, NULL, NULL) != SQLITE_OK)
        return store_fail(db, err);
    return 0;
}

void store_set_sealer(struct store *store, const struct store_sealer *sealer) {
    store->sealer = *sealer;
}
