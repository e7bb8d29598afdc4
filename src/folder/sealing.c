/*
 * Columns whose texts are sealed (store/sealing.c), and the one pass over a folder from before they were.
 *
 * The setting "sealed_columns" says how many of the list below are done; what is new is sealed at the next opening, and the
 * records are written anew then, so that nothing readable is left in them. A crash repeats it: what is sealed already stays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/logger.h"
#include "folder/internal.h"

#define SETTING "sealed_columns"

struct sealed_column {
    const char *sql;
};
#define COLUMN(table, column)                                                                      \
    {                                                                                              \
        "UPDATE " table " SET " column " = sealed(" column ") WHERE typeof(" column                \
        ") = 'text' AND "                                                                          \
        "" column " <> ''"                                                                         \
    }

/* Only ever added to. */
static const struct sealed_column COLUMNS[] = {
    COLUMN("review", "title"),  COLUMN("review", "text"),      COLUMN("review", "author"),
    COLUMN("review", "note"),   COLUMN("review", "reply"),     COLUMN("webhook_delivery", "body"),
    COLUMN("import", "file"),   COLUMN("import", "options"),   COLUMN("import", "guess"),
    COLUMN("import", "result"), COLUMN("redirect", "why"),     COLUMN("separated", "why"),
    COLUMN("erasure", "why"),   COLUMN("question", "address"),
};
enum { COLUMNS_N = sizeof COLUMNS / sizeof *COLUMNS };

struct catching_up {
    long done;
    bool changed;
};

static int seal_rest(void *context, sqlite3 *db, struct err *err) {
    struct catching_up *up = context;
    char number[16];
    int before = sqlite3_total_changes(db);
    for (long i = up->done; i < COLUMNS_N; i++)
        if (sqlite3_exec(db, COLUMNS[i].sql, NULL, NULL, NULL) != SQLITE_OK)
            return store_fail(db, err);
    /* Answers to requests with an Idempotency-Key live a day: those from before are not kept. */
    if (!up->done && sqlite3_exec(db, "DELETE FROM idempotency", NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(db, err);
    up->changed = sqlite3_total_changes(db) != before;
    snprintf(number, sizeof number, "%d", COLUMNS_N);
    return store_setting_put(db, SETTING, number, err);
}

int sealing_catch_up(struct store *store, struct err *err) {
    char number[16] = "0";
    struct catching_up up = {0};
    sqlite3 *db = store_reader_get(store);
    int code = db ? store_setting_get(db, SETTING, number, sizeof number, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(store, db);
    if (code && code != E_NOT_FOUND)
        return code;
    up.done = code ? 0 : strtol(number, NULL, 10);
    if (up.done >= COLUMNS_N)
        return 0;
    *err = (struct err){0};
    code = store_write(store, seal_rest, &up, err);
    if (code || !up.changed)
        return code;
    log_info("folder", "texts of the records were sealed");
    return store_scrub(store, err);
}
