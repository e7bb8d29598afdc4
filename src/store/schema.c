/*
 * The schema of every module, in numbered steps.
 *
 * Each module keeps its tables in MODULE/schema.sql, embedded here; a line "-- step N" begins step N. To change a table,
 * add a step at the end of the file. To add a module's schema, add it to MODULES.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "store/internal.h"

/* SENDA_SRC is the folder src/, given by CMake for this file only. */
#define SCHEMA_EMBED(module)                                                                       \
    __asm__(".pushsection .rodata\n"                                                               \
            "schema_" #module ":\n"                                                                \
            ".incbin \"" SENDA_SRC "/" #module "/schema.sql\"\n"                                   \
            ".byte 0\n"                                                                            \
            ".global schema_" #module "\n"                                                         \
            ".popsection\n");                                                                      \
    extern const char schema_##module[];

/* The modules that have tables; one a line, so that additions do not meet. */
// clang-format off
#define MODULES(X) \
    X(store) \
    X(timeline) \
    X(customer) \
    X(collect) \
    X(jobs) \
    X(duplicate) \
    X(privacy) \
    X(segment) \
    X(promise) \
    X(metric) \
    X(survey) \
    X(kiosk) \
    X(voice) \
    X(invite) \
    X(webhook) \
    X(http)
// clang-format on

MODULES(SCHEMA_EMBED)

static const struct {
    const char *module, *sql;
} SCHEMAS[] = {
#define X(module) {#module, schema_##module},
    MODULES(X)
#undef X
};
enum { SCHEMAS_N = sizeof SCHEMAS / sizeof SCHEMAS[0] };

/* The text of a step and where the next begins, or NULL. */
static const char *step_find(const char *sql, unsigned step, const char **end) {
    char mark[32];
    snprintf(mark, sizeof mark, "\n-- step %u\n", step);
    const char *start = strstr(sql, mark);
    if (!start && strncmp(sql, mark + 1, strlen(mark + 1)) == 0)
        start = sql - 1;
    if (!start)
        return NULL;
    start += strlen(mark);
    snprintf(mark, sizeof mark, "\n-- step %u\n", step + 1);
    *end = strstr(start - 1, mark);
    if (!*end)
        *end = start + strlen(start);
    return start;
}

static unsigned steps_known(const char *sql) {
    unsigned steps = 0;
    const char *end;
    while (step_find(sql, steps + 1, &end))
        steps++;
    return steps;
}

/* How many steps of a module the file has. */
static int steps_applied(sqlite3 *db, const char *module, unsigned *steps, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT count(*) FROM schema_step WHERE module = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, module, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    *steps = (unsigned)sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

static int table_exists(sqlite3 *db, bool *exists, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_step'",
        err);
    if (!statement)
        return err->code;
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    *exists = sqlite3_column_int(statement, 0) > 0;
    sqlite3_reset(statement);
    return 0;
}

int schema_missing(sqlite3 *db, unsigned *steps, bool *is_new, struct err *err) {
    bool exists = false;
    int code = table_exists(db, &exists, err);
    *is_new = !exists;
    *steps = 0;
    for (size_t i = 0; !code && i < SCHEMAS_N; i++) {
        unsigned known = steps_known(SCHEMAS[i].sql), applied = 0;
        if (exists)
            code = steps_applied(db, SCHEMAS[i].module, &applied, err);
        if (!code && applied > known) {
            err_set(err, E_REFUSED, "the data folder was written by a newer version (%s, step %u)",
                    SCHEMAS[i].module, applied);
            err_hint(err, "Install the newer version, or restore the copy made before migrating.");
            return E_REFUSED;
        }
        *steps += known - applied;
    }
    return code;
}

/* Steps of a new file are no news; those that change an older one are. */
static int step_apply(sqlite3 *db, const char *module, const char *sql, unsigned step,
                      enum logger_level news, struct err *err) {
    const char *end;
    const char *start = step_find(sql, step, &end);
    char *text = start ? strndup(start, (size_t)(end - start)) : NULL;
    if (!text)
        abort();
    int code = connection_run(db, "BEGIN IMMEDIATE", err);
    if (!code)
        code = connection_run(db, text, err);
    free(text);
    sqlite3_stmt *statement =
        code ? NULL : STORE_PREPARE(db, "INSERT INTO schema_step VALUES (?, ?, ?)", err);
    if (statement) {
        sqlite3_bind_text(statement, 1, module, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 2, (int)step);
        sqlite3_bind_int64(statement, 3, clock_now_ms());
        code = store_step(statement, err);
    } else if (!code) {
        code = err->code;
    }
    if (!code)
        code = connection_run(db, "COMMIT", err);
    if (code)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    else
        logger_write(news, "store", "schema of %s: step %u applied", module, step);
    return code;
}

int schema_apply(sqlite3 *db, struct err *err) {
    bool exists = false;
    int code = table_exists(db, &exists, err);
    enum logger_level news = exists ? LOGGER_INFO : LOGGER_DEBUG;
    for (size_t i = 0; !code && i < SCHEMAS_N; i++) {
        unsigned known = steps_known(SCHEMAS[i].sql), applied = 0;
        code = table_exists(db, &exists, err);
        if (!code && exists)
            code = steps_applied(db, SCHEMAS[i].module, &applied, err);
        while (!code && applied < known)
            code = step_apply(db, SCHEMAS[i].module, SCHEMAS[i].sql, ++applied, news, err);
    }
    return code;
}
