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
    COLUMN("review", "title"),
    COLUMN("review", "text"),
    COLUMN("review", "author"),
    COLUMN("review", "note"),
    COLUMN("review", "reply"),
    COLUMN("webhook_delivery", "body"),
    COLUMN("import", "file"),
    COLUMN("import", "options"),
    COLUMN("import", "guess"),
    COLUMN("import", "result"),
    COLUMN("redirect", "why"),
    COLUMN("separated", "why"),
    COLUMN("erasure", "why"),
    COLUMN("question", "address"),
    {"UPDATE user SET email_key = hashed(lower(email)), email = sealed(email), name = sealed(name)"
     " WHERE typeof(email) = 'text'"},
    {"DROP TRIGGER audit_is_final;"
     "UPDATE audit SET who_key = hashed(who), about_key = hashed(about), who = sealed(who), address"
     " = sealed(address), about = sealed(about), detail = sealed(detail) WHERE who_key IS NULL;"
     "CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is"
     " append-only'); END"},
    {"UPDATE user_identity SET subject = hashed(subject) WHERE typeof(subject) = 'text'"},
    COLUMN("session", "address"),
    COLUMN("session", "agent"),
    COLUMN("api_key", "name"),
    COLUMN("setting", "value"),
    COLUMN("dictionary", "name"),
    COLUMN("touchpoint_rule", "event"),
    COLUMN("touchpoint_rule", "path"),
    COLUMN("touchpoint_rule", "value"),
    COLUMN("unit_rule", "value"),
    COLUMN("segment", "document"),
    COLUMN("segment", "author"),
    COLUMN("segment_rule", "rule"),
    COLUMN("segmentation_version", "document"),
    COLUMN("segmentation_version", "author"),
    COLUMN("promise_version", "document"),
    COLUMN("promise_version", "author"),
    COLUMN("promise_watch", "question"),
    COLUMN("invitation_plan", "document"),
    COLUMN("invitation_plan", "author"),
    COLUMN("webhook", "name"),
    COLUMN("webhook", "target"),
    COLUMN("webhook", "author"),
    COLUMN("question", "name"),
    COLUMN("question", "author"),
    COLUMN("note", "author"),
    COLUMN("redirect", "who"),
    COLUMN("separated", "who"),
    COLUMN("separated", "separated_by"),
    COLUMN("duplicate", "decided_by"),
    COLUMN("consent", "who"),
    COLUMN("import", "who"),
    COLUMN("import", "path"),
    COLUMN("erasure", "who"),
    COLUMN("review", "moderated_by"),
    COLUMN("review", "replied_by"),
    COLUMN("survey", "author"),
    COLUMN("survey_version", "author"),
    COLUMN("kiosk_version", "author"),
    COLUMN("score_margins", "author"),
    COLUMN("centre_diary", "text"),
    COLUMN("centre_diary", "author"),
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
