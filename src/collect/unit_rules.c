/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/unit_rules.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

struct known {
    struct slice property, value, unit;
};

struct unit_rules {
    struct store *store;
    pthread_rwlock_t lock; /* of what follows */
    struct arena texts;    /* never given back before the end: names of units are lent out */
    struct known *known;
    size_t n;
};

static struct slice keep(struct unit_rules *rules, const char *text) {
    return slice_of(arena_text(&rules->texts, slice_of(text)));
}

static void remember(struct unit_rules *rules, const struct unit_rule *list, size_t n) {
    struct known *known = ARENA_ARRAY(&rules->texts, struct known, n + 1);
    for (size_t i = 0; i < n; i++)
        known[i] = (struct known){keep(rules, list[i].property), keep(rules, list[i].value),
                                  keep(rules, list[i].unit)};
    rules->known = known;
    rules->n = n;
}

static int load(struct unit_rules *rules, struct err *err) {
    struct unit_rule list[UNIT_RULES_MAX];
    struct arena arena;
    size_t n = 0;
    arena_init(&arena);
    sqlite3 *db = store_reader_get(rules->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT property, opened(value), unit FROM unit_rule ORDER BY position", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        const char *texts[3];
        for (int i = 0; i < 3; i++)
            texts[i] =
                arena_text(&arena, slice_of((const char *)sqlite3_column_text(statement, i)));
        if (n < UNIT_RULES_MAX)
            list[n++] = (struct unit_rule){texts[0], texts[1], texts[2]};
    }
    store_reader_put(rules->store, db);
    if (!code)
        remember(rules, list, n);
    arena_release(&arena);
    return code;
}

int unit_rules_open(struct unit_rules **out, struct store *store, struct err *err) {
    struct unit_rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        abort();
    rules->store = store;
    arena_init(&rules->texts);
    pthread_rwlock_init(&rules->lock, NULL);
    int code = load(rules, err);
    if (code) {
        unit_rules_close(rules);
        return code;
    }
    *out = rules;
    return 0;
}

void unit_rules_close(struct unit_rules *rules) {
    if (!rules)
        return;
    arena_release(&rules->texts);
    pthread_rwlock_destroy(&rules->lock);
    free(rules);
}

/* As people write the value in a rule: "Sur", "12", "true". */
static bool is_value(const struct value *value, struct slice wanted) {
    char text[32];
    switch (value->type) {
    case VALUE_TEXT: return slice_equal(value->text, wanted);
    case VALUE_TRUE: return slice_is(wanted, "true");
    case VALUE_FALSE: return slice_is(wanted, "false");
    case VALUE_INT:
        snprintf(text, sizeof text, "%lld", (long long)value->integer);
        return slice_is(wanted, text);
    case VALUE_NUMBER:
        snprintf(text, sizeof text, "%.15g", value->number);
        return slice_is(wanted, text);
    default: return false;
    }
}

static bool fits(const struct known *rule, const struct event *event) {
    for (size_t i = 0; i < event->n_properties; i++)
        if (slice_equal(event->properties[i].name, rule->property))
            return is_value(&event->properties[i].value, rule->value);
    return false;
}

struct slice unit_rules_find(struct unit_rules *rules, const struct event *event) {
    struct slice unit = {0};
    pthread_rwlock_rdlock(&rules->lock);
    for (size_t i = 0; i < rules->n && !unit.n; i++)
        if (fits(&rules->known[i], event))
            unit = rules->known[i].unit;
    pthread_rwlock_unlock(&rules->lock);
    return unit;
}

void unit_rules_list(struct unit_rules *rules, struct arena *arena, struct unit_rule **list,
                     size_t *n) {
    pthread_rwlock_rdlock(&rules->lock);
    *n = rules->n;
    *list = ARENA_ARRAY(arena, struct unit_rule, rules->n + 1);
    for (size_t i = 0; i < rules->n; i++)
        (*list)[i] = (struct unit_rule){arena_text(arena, rules->known[i].property),
                                        arena_text(arena, rules->known[i].value),
                                        arena_text(arena, rules->known[i].unit)};
    pthread_rwlock_unlock(&rules->lock);
}

struct replacement {
    const struct unit_rule *list;
    size_t n;
};

static int write_rules(void *context, sqlite3 *db, struct err *err) {
    const struct replacement *replacement = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM unit_rule", err);
    int code = statement ? store_step(statement, err) : E_IO;
    for (size_t i = 0; i < replacement->n && !code; i++) {
        statement = STORE_PREPARE(
            db, "INSERT INTO unit_rule(position, property, value, unit) VALUES(?, ?, sealed(?), ?)",
            err);
        if (!statement)
            return E_IO;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)i);
        sqlite3_bind_text(statement, 2, replacement->list[i].property, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, replacement->list[i].value, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 4, replacement->list[i].unit, -1, SQLITE_STATIC);
        code = store_step(statement, err);
    }
    return code;
}

int unit_rules_replace(struct unit_rules *rules, const struct unit_rule *list, size_t n,
                       struct err *err) {
    struct replacement replacement = {list, n};
    int code = store_write(rules->store, write_rules, &replacement, err);
    if (code)
        return code;
    pthread_rwlock_wrlock(&rules->lock);
    remember(rules, list, n);
    pthread_rwlock_unlock(&rules->lock);
    return 0;
}
