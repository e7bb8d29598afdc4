/*
 * The timeline's tables. See catalogue.h and schema.sql.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/catalogue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void boundaries_parse(const char *text, struct boundaries *boundaries) {
    boundaries->n = 0;
    while (text && *text && boundaries->n < LIMIT_TIME_RANGES - 1) {
        char *end;
        int64_t ms = strtoll(text, &end, 10);
        if (end == text || (boundaries->n && ms <= boundaries->ms[boundaries->n - 1]))
            return;
        boundaries->ms[boundaries->n++] = ms;
        text = *end == ',' ? end + 1 : end;
    }
}

static void boundaries_format(const struct boundaries *boundaries, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < boundaries->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? "," : "",
                                 boundaries->ms[i]);
}

static int read_state(sqlite3 *db, struct catalogue *catalogue, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT covered, boundaries, rules_version FROM timeline", err);
    if (!statement)
        return err->code;
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    catalogue->exists = true;
    catalogue->covered = (uint64_t)sqlite3_column_int64(statement, 0);
    boundaries_parse((const char *)sqlite3_column_text(statement, 1), &catalogue->boundaries);
    catalogue->rules_version = (uint32_t)sqlite3_column_int64(statement, 2);
    sqlite3_reset(statement);
    return 0;
}

static int count_rows(sqlite3_stmt *statement, size_t *n, struct err *err) {
    if (!statement)
        return err->code;
    int code = store_step(statement, err);
    if (code != 1)
        return code < 0 ? code : err_set(err, E_INTERNAL, "a count without a row");
    *n = (size_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

static int read_parts(sqlite3 *db, struct catalogue *catalogue, struct arena *arena,
                      struct err *err) {
    size_t room = 0;
    int code = count_rows(STORE_PREPARE(db, "SELECT count(*) FROM part", err), &room, err);
    if (code)
        return code;
    sqlite3_stmt *s =
        STORE_PREPARE(db,
                      "SELECT number, kind, rows, bytes, min_ms, max_ms, min_seq, max_seq, "
                      "rules_version FROM part ORDER BY number",
                      err);
    if (!s)
        return err->code;
    catalogue->parts = ARENA_ARRAY(arena, struct catalogue_part, room);
    while ((code = store_step(s, err)) == 1 && catalogue->n_parts < room)
        catalogue->parts[catalogue->n_parts++] = (struct catalogue_part){
            .number = (uint32_t)sqlite3_column_int64(s, 0),
            .kind = (enum part_kind)sqlite3_column_int(s, 1),
            .rows = (uint32_t)sqlite3_column_int64(s, 2),
            .bytes = (uint64_t)sqlite3_column_int64(s, 3),
            .min_ms = sqlite3_column_int64(s, 4),
            .max_ms = sqlite3_column_int64(s, 5),
            .min_seq = (uint64_t)sqlite3_column_int64(s, 6),
            .max_seq = (uint64_t)sqlite3_column_int64(s, 7),
            .rules_version = (uint32_t)sqlite3_column_int64(s, 8),
        };
    if (code == 1)
        sqlite3_reset(s);
    return code < 0 ? code : 0;
}

static const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? arena_text(arena, slice_of(text)) : NULL;
}

static int read_rules(sqlite3 *db, struct catalogue *catalogue, struct arena *arena,
                      struct err *err) {
    sqlite3_stmt *s = STORE_PREPARE(
        db,
        "SELECT touchpoint, opened(event), channel, opened(path), property, opened(value) "
        "FROM touchpoint_rule ORDER BY position",
        err);
    if (!s)
        return err->code;
    int code;
    catalogue->rules = ARENA_ARRAY(arena, struct touchpoint_rule, LIMIT_TOUCHPOINT_RULES);
    while ((code = store_step(s, err)) == 1 && catalogue->n_rules < LIMIT_TOUCHPOINT_RULES)
        catalogue->rules[catalogue->n_rules++] = (struct touchpoint_rule){
            .touchpoint = column_text(s, 0, arena),
            .event = column_text(s, 1, arena),
            .channel = column_text(s, 2, arena),
            .path = column_text(s, 3, arena),
            .property = column_text(s, 4, arena),
            .value = column_text(s, 5, arena),
        };
    if (code == 1)
        sqlite3_reset(s);
    return code < 0 ? code : 0;
}

int catalogue_read(struct store *store, struct catalogue *catalogue, struct arena *arena,
                   struct err *err) {
    *catalogue = (struct catalogue){0};
    sqlite3 *db = store_reader_get(store);
    if (!db)
        return err_set(err, E_IO, "the records could not be opened");
    int code = read_state(db, catalogue, err);
    if (!code)
        code = read_parts(db, catalogue, arena, err);
    if (!code)
        code = read_rules(db, catalogue, arena, err);
    store_reader_put(store, db);
    return code;
}

static int write_parts(sqlite3 *db, const struct catalogue_change *change, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < change->n_removed && !code; i++) {
        sqlite3_stmt *s = STORE_PREPARE(db, "DELETE FROM part WHERE number = ?", err);
        if (!s)
            return err->code;
        sqlite3_bind_int64(s, 1, change->removed[i]);
        code = store_run(s, err);
    }
    for (size_t i = 0; i < change->n_added && !code; i++) {
        const struct catalogue_part *part = &change->added[i];
        sqlite3_stmt *s =
            STORE_PREPARE(db,
                          "INSERT INTO part (number, kind, rows, bytes, min_ms, max_ms, min_seq, "
                          "max_seq, rules_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          err);
        if (!s)
            return err->code;
        sqlite3_bind_int64(s, 1, part->number);
        sqlite3_bind_int(s, 2, (int)part->kind);
        sqlite3_bind_int64(s, 3, part->rows);
        sqlite3_bind_int64(s, 4, (int64_t)part->bytes);
        sqlite3_bind_int64(s, 5, part->min_ms);
        sqlite3_bind_int64(s, 6, part->max_ms);
        sqlite3_bind_int64(s, 7, (int64_t)part->min_seq);
        sqlite3_bind_int64(s, 8, (int64_t)part->max_seq);
        sqlite3_bind_int64(s, 9, part->rules_version);
        code = store_run(s, err);
    }
    return code;
}

static int write_rules(sqlite3 *db, const struct catalogue_change *change, struct err *err) {
    sqlite3_stmt *s = STORE_PREPARE(db, "DELETE FROM touchpoint_rule", err);
    int code = s ? store_run(s, err) : err->code;
    for (size_t i = 0; i < change->n_rules && !code; i++) {
        const struct touchpoint_rule *rule = &change->rules[i];
        s = STORE_PREPARE(
            db,
            "INSERT INTO touchpoint_rule (position, touchpoint, event, channel, path, "
            "property, value) VALUES (?, ?, sealed(?), ?, sealed(?), ?, sealed(?))",
            err);
        if (!s)
            return err->code;
        sqlite3_bind_int64(s, 1, (int64_t)i + 1);
        sqlite3_bind_text(s, 2, rule->touchpoint, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 3, rule->event, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 4, rule->channel, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 5, rule->path, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 6, rule->property, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 7, rule->value, -1, SQLITE_STATIC);
        code = store_run(s, err);
    }
    if (code)
        return code;
    s = STORE_PREPARE(db, "UPDATE part SET rules_version = ? WHERE kind = 0", err);
    if (!s)
        return err->code;
    sqlite3_bind_int64(s, 1, change->rules_version);
    return store_run(s, err);
}

static int write_change(void *context, sqlite3 *db, struct err *err) {
    const struct catalogue_change *change = context;
    int code = write_parts(db, change, err);
    if (!code && change->new_rules)
        code = write_rules(db, change, err);
    if (code)
        return code;
    sqlite3_stmt *s =
        STORE_PREPARE(db,
                      "INSERT INTO timeline (one, covered, boundaries, rules_version) "
                      "VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET "
                      "covered = excluded.covered, boundaries = excluded.boundaries, "
                      "rules_version = excluded.rules_version",
                      err);
    if (!s)
        return err->code;
    char boundaries[LIMIT_TIME_RANGES * 24];
    boundaries_format(&change->boundaries, boundaries, sizeof boundaries);
    sqlite3_bind_int64(s, 1, (int64_t)change->covered);
    sqlite3_bind_text(s, 2, boundaries, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s, 3, change->rules_version);
    return store_run(s, err);
}

int catalogue_write(struct store *store, const struct catalogue_change *change, struct err *err) {
    struct catalogue_change copy = *change;
    return store_write(store, write_change, &copy, err);
}

struct names {
    struct dictionary *dictionary;
    const struct touchpoint_rule *rules;
    size_t n;
};

static int add_names(void *context, sqlite3 *db, struct err *err) {
    const struct names *names = context;
    for (size_t i = 0; i < names->n; i++) {
        struct err own = {0};
        if (dictionary_add(names->dictionary, DICTIONARY_TOUCHPOINT,
                           slice_of(names->rules[i].touchpoint), db, &own) != CODE_NONE)
            continue;
        if (own.code) {
            *err = own;
            return own.code;
        }
        return err_set(err, E_TOO_LARGE, "too many touchpoints");
    }
    return 0;
}

int catalogue_add_names(struct store *store, struct dictionary *dictionary,
                        const struct touchpoint_rule *rules, size_t n, struct err *err) {
    struct names names = {dictionary, rules, n};
    return n ? store_write(store, add_names, &names, err) : 0;
}
