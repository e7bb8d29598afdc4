/*
 * Keeping the index current, and who is meant: see search.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "search/search.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "search/index.h"

struct search {
    pthread_mutex_t refreshing;
    pthread_rwlock_t lock; /* of the pool */
    struct search_pool pool;
    struct customers_cursor cursor;
    uint64_t seq; /* newest row of traits that was read */
};

static int make(struct folder *folder, void **value, struct err *err) {
    (void)folder;
    (void)err;
    struct search *search = calloc(1, sizeof *search);
    if (!search)
        abort();
    pthread_mutex_init(&search->refreshing, NULL);
    pthread_rwlock_init(&search->lock, NULL);
    search_pool_init(&search->pool);
    *value = search;
    return 0;
}

static void release(void *value) {
    struct search *search = value;
    search_pool_release(&search->pool);
    pthread_rwlock_destroy(&search->lock);
    pthread_mutex_destroy(&search->refreshing);
    free(search);
}

static int search_of(struct folder *folder, struct search **search, struct err *err) {
    static const char KEY[] = "search";
    void *value = NULL;
    int code = folder_keep(folder, KEY, make, release, &value, err);
    *search = value;
    return code;
}

/* ---- identifiers ---- */

static void put_text(struct search *search, uint32_t profile, enum search_field field,
                     uint16_t code, struct slice text) {
    char folded[SEARCH_TEXT_BYTES];
    size_t n = search_normal(text, folded);
    search_pool_put(&search->pool, profile, field, code, (struct slice){folded, n});
}

static void put_identity(void *context, uint32_t profile, const struct identity *identity) {
    if (identity->kind != IDENTITY_ANONYMOUS)
        put_text(context, profile, FIELD_IDENTIFIER, (uint16_t)identity->kind, identity->value);
}

/* ---- traits ---- */

/* Parts of names of traits that say who somebody is. */
static bool identifies(struct slice name) {
    static const char *const parts[] = {
        "name",      "nombre",         "apellid", "mail", "correo",   "phone",   "telefon",
        "movil",     "mobile",         "msisdn",  "line", "contract", "contrat", "loyalty",
        "socio",     "tarjeta",        "dni",     "nif",  "cups",     "address", "direccion",
        "domicilio", "customer_number"};
    char folded[SEARCH_TEXT_BYTES + 1];
    size_t n = search_fold(name, folded);
    folded[n] = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(folded, parts[i]))
            return true;
    return false;
}

struct reading {
    struct search *search;
    const struct dictionary *dictionary;
    const struct part *const *parts;
    size_t n_parts;
    uint64_t after;
};

static void put_value(struct search *search, uint32_t profile, uint16_t code,
                      const struct value *value) {
    char number[24];
    if (value->type == VALUE_TEXT) {
        put_text(search, profile, FIELD_TRAIT, code, value->text);
    } else if (value->type == VALUE_INT) {
        int n = snprintf(number, sizeof number, "%lld", (long long)value->integer);
        put_text(search, profile, FIELD_TRAIT, code, (struct slice){number, (size_t)n});
    } else if (value->type == VALUE_NULL) {
        put_text(search, profile, FIELD_TRAIT, code, (struct slice){"", 0});
    }
}

/* Rows stand by time within a customer, so the newest of what a part holds is put last. */
static void read_column(const struct reading *reading, const struct part *part,
                        const struct part_column *column) {
    for (uint32_t k = 0; k < part->n_customers; k++) {
        uint32_t at = part_column_rank(column, part->start[k]);
        uint32_t end = part_column_rank(column, part->start[k + 1]);
        if (at == end)
            continue;
        for (uint32_t row = part->start[k]; row < part->start[k + 1]; row++) {
            if (part->seq_base + part->seq[row] <= reading->after)
                continue;
            struct value value = part_value(part, row, column->code);
            put_value(reading->search, part->customer[k], (uint16_t)column->code, &value);
        }
    }
}

static int read_traits(void *context, struct err *err) {
    const struct reading *reading = context;
    for (size_t p = 0; p < reading->n_parts; p++) {
        const struct part *part = reading->parts[p];
        if (part->max_seq <= reading->after)
            continue;
        int code = part_touch(part, COLUMN_SEQ, NULL, 0, err);
        for (uint32_t c = 0; !code && c < part->n_columns; c++) {
            const struct part_column *column = &part->columns[c];
            if (!identifies(dictionary_name(reading->dictionary, DICTIONARY_PROPERTY,
                                            (uint16_t)column->code)))
                continue;
            code = part_touch(part, 0, &column->code, 1, err);
            if (!code)
                read_column(reading, part, column);
        }
        if (code)
            return code;
    }
    return 0;
}

/* ---- the whole ---- */

static int refresh(struct folder *folder, struct search *search, const struct snapshot *snapshot,
                   struct err *err) {
    struct arena arena;
    arena_init(&arena);
    struct reading reading = {.search = search, .dictionary = folder->dictionary};
    pthread_mutex_lock(&search->refreshing);
    reading.after = search->seq;
    reading.n_parts =
        snapshot_parts(snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS, &reading.parts, &arena);
    bool newer = customers_cursor_behind(folder->customers, &search->cursor);
    for (size_t p = 0; p < reading.n_parts; p++)
        newer = newer || reading.parts[p]->max_seq > search->seq;
    int code = 0;
    if (newer) {
        pthread_rwlock_wrlock(&search->lock);
        code = customers_each(folder->customers, &search->cursor, put_identity, search, err);
        if (!code)
            code = part_guard(read_traits, &reading, err);
        for (size_t p = 0; !code && p < reading.n_parts; p++)
            if (reading.parts[p]->max_seq > search->seq)
                search->seq = reading.parts[p]->max_seq;
        pthread_rwlock_unlock(&search->lock);
    }
    pthread_mutex_unlock(&search->refreshing);
    arena_release(&arena);
    return code;
}

static bool has(const uint32_t *owners, size_t n, uint32_t owner) {
    for (size_t i = 0; i < n; i++)
        if (owners[i] == owner)
            return true;
    return false;
}

int search_customers(struct folder *folder, struct slice text, uint32_t *owners, size_t *n,
                     struct err *err) {
    struct search *search;
    struct snapshot *snapshot;
    size_t max = *n;
    *n = 0;
    int code = search_of(folder, &search, err);
    if (!code)
        code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    code = refresh(folder, search, snapshot, err);
    if (!code) {
        struct search_hit hits[SEARCH_FOUND_MAX];
        pthread_rwlock_rdlock(&search->lock);
        size_t found = search_pool_find(&search->pool, text, hits, SEARCH_FOUND_MAX);
        pthread_rwlock_unlock(&search->lock);
        for (size_t i = 0; i < found && *n < max; i++) {
            uint32_t owner = overlay_owner(snapshot_overlay(snapshot), hits[i].profile);
            if (!has(owners, *n, owner))
                owners[(*n)++] = owner;
        }
    }
    snapshot_release(snapshot);
    return code;
}
