/*
 * Keeping the index current, and who is meant: see search.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "search/search.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "customer/kinds.h"
#include "search/index.h"

enum { PATIENCE_S = 2 };

struct search {
    pthread_mutex_t refreshing;
    pthread_rwlock_t lock; /* of the pool */
    struct search_pool pool;
    struct customers_cursor cursor;
    uint64_t seq;       /* newest row of traits that was read */
    atomic_bool stop;   /* whoever reads comes to an end: */
    atomic_bool closed; /* for good, */
    atomic_bool stale;  /* or to begin anew */
    atomic_bool whole;  /* everything that was there at the first reading is in the pool */
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
                     uint16_t code, int64_t time_ms, struct slice text) {
    char folded[SEARCH_TEXT_BYTES];
    size_t n = search_normal(text, folded);
    pthread_rwlock_wrlock(&search->lock);
    search_pool_put(&search->pool, profile, field, code, time_ms, (struct slice){folded, n});
    pthread_rwlock_unlock(&search->lock);
}

struct identities {
    struct search *search;
    struct folder *folder;
};

/* The trait that carries identifiers of this kind, as far as anybody sent one: it says who may look into them. */
static uint16_t trait_of(const struct folder *folder, const struct identity *identity) {
    const struct identifier_kind *kind = kind_of(kinds_of(folder->customers), identity);
    uint16_t code = CODE_NONE;
    for (size_t i = 0; kind && !code && kind->traits && kind->traits[i]; i++)
        code = dictionary_find(folder->dictionary, DICTIONARY_PROPERTY, slice_of(kind->traits[i]));
    return code;
}

static void put_identity(void *context, uint32_t profile, const struct identity *identity) {
    const struct identities *identities = context;
    if (identity->kind != IDENTITY_ANONYMOUS)
        put_text(identities->search, profile, FIELD_IDENTIFIER,
                 trait_of(identities->folder, identity), 0, identity->value);
}

/* ---- traits ---- */

/* Parts of names of traits that say who somebody is, and of those that say where or with whom they belong. */
static const char *const identifying[] = {
    "name",      "nombre",          "apellid",  "mail", "correo",   "phone",   "telefon",
    "movil",     "mobile",          "msisdn",   "line", "contract", "contrat", "loyalty",
    "socio",     "tarjeta",         "dni",      "nif",  "cups",     "address", "direccion",
    "domicilio", "customer_number", "group_id", NULL};
static const char *const belonging[] = {
    "city",     "ciudad",    "town",       "localidad", "poblacion", "municipi", "provinc",
    "region",   "country",   "pais",       "postal",    "zip",       "company",  "empresa",
    "employer", "profesion", "profession", "plan",      "tarif",     NULL};

static bool has_part(const char *folded, const char *const parts[]) {
    while (*parts && !strstr(folded, *parts))
        parts++;
    return *parts != NULL;
}

struct reading {
    struct search *search;
    const struct dictionary *dictionary;
    const struct part *const *parts;
    size_t n_parts;
    uint64_t after;
};

static void put_value(struct search *search, uint32_t profile, enum search_field field,
                      uint16_t code, int64_t time_ms, const struct value *value) {
    char number[24];
    if (value->type == VALUE_TEXT) {
        put_text(search, profile, field, code, time_ms, value->text);
    } else if (value->type == VALUE_INT) {
        int n = snprintf(number, sizeof number, "%lld", (long long)value->integer);
        put_text(search, profile, field, code, time_ms, (struct slice){number, (size_t)n});
    } else if (value->type == VALUE_NULL) {
        put_text(search, profile, field, code, time_ms, (struct slice){"", 0});
    }
}

/* Of groups somebody may have several at a time; of other traits the last one holds. 0: nobody is looked for by it. */
static enum search_field field_of(const struct reading *reading, const struct part_column *column) {
    struct slice name =
        dictionary_name(reading->dictionary, DICTIONARY_PROPERTY, (uint16_t)column->code);
    char folded[SEARCH_TEXT_BYTES + 1];
    folded[search_fold(name, folded)] = 0;
    if (has_part(folded, identifying))
        return name.n > 5 && memcmp(name.p, "group", 5) == 0 ? FIELD_IDENTIFIER : FIELD_TRAIT;
    return has_part(folded, belonging) ? FIELD_PLAIN : 0;
}

/* Rows of one instant stand in the order of their arrival, within a part and from part to part (by_arrival). */
static void read_column(const struct reading *reading, const struct part *part,
                        const struct part_column *column, enum search_field field) {
    for (uint32_t k = 0; k < part->n_customers && !atomic_load(&reading->search->stop); k++) {
        uint32_t at = part_column_rank(column, part->start[k]);
        uint32_t end = part_column_rank(column, part->start[k + 1]);
        if (at == end)
            continue;
        for (uint32_t row = part->start[k]; row < part->start[k + 1]; row++) {
            if (part->seq_base + part->seq[row] <= reading->after)
                continue;
            struct value value = part_value(part, row, column->code);
            if (value.type != VALUE_ABSENT)
                put_value(reading->search, part->customer[k], field, (uint16_t)column->code,
                          (int64_t)part->sec[row] * 1000 + part->ms[row], &value);
        }
    }
}

static int read_traits(void *context, struct err *err) {
    const struct reading *reading = context;
    for (size_t p = 0; p < reading->n_parts; p++) {
        const struct part *part = reading->parts[p];
        if (part->max_seq <= reading->after)
            continue;
        int code = part_touch(part, COLUMN_SEQ | COLUMN_TIME, NULL, 0, err);
        for (uint32_t c = 0; !code && c < part->n_columns; c++) {
            const struct part_column *column = &part->columns[c];
            enum search_field field = field_of(reading, column);
            if (!field)
                continue;
            code = part_touch(part, 0, &column->code, 1, err);
            if (!code)
                read_column(reading, part, column, field);
            if (!code && atomic_load(&reading->search->stop))
                code = err_set(err, E_CANCELLED, "reading was cancelled");
        }
        if (code)
            return code;
    }
    return 0;
}

/* ---- the whole ---- */

static int by_arrival(const void *a, const void *b) {
    const struct part *x = *(const struct part *const *)a, *y = *(const struct part *const *)b;
    return (x->max_seq > y->max_seq) - (x->max_seq < y->max_seq);
}

/* A copy, in the order of arrival. */
static const struct part **in_order(const struct part *const *parts, size_t n,
                                    struct arena *arena) {
    const struct part **sorted = ARENA_ARRAY(arena, const struct part *, n + 1);
    memcpy(sorted, parts, n * sizeof *sorted);
    if (n)
        qsort(sorted, n, sizeof *sorted, by_arrival);
    return sorted;
}

static void begin_anew(struct search *search) {
    pthread_rwlock_wrlock(&search->lock);
    search_pool_release(&search->pool);
    pthread_rwlock_unlock(&search->lock);
    search->cursor = (struct customers_cursor){0};
    search->seq = 0;
    atomic_store(&search->whole, false);
}

static int read_newer(struct folder *folder, struct search *search, struct reading *reading,
                      struct err *err) {
    struct identities identities = {search, folder};
    int code = customers_each(folder->customers, &search->cursor, put_identity, &identities,
                              &search->stop, err);
    if (!code)
        code = part_guard(read_traits, reading, err);
    for (size_t p = 0; !code && p < reading->n_parts; p++)
        if (reading->parts[p]->max_seq > search->seq)
            search->seq = reading->parts[p]->max_seq;
    return code;
}

/* Holder of `refreshing`. E_CANCELLED: somebody wants it to begin anew, with a newer snapshot, or it is closed. */
static int refresh(struct folder *folder, struct search *search, const struct snapshot *snapshot,
                   struct err *err) {
    struct arena arena;
    if (atomic_exchange(&search->stale, false)) {
        begin_anew(search);
        return err_set(err, E_CANCELLED, "what was there has changed");
    }
    arena_init(&arena);
    atomic_store(&search->stop, atomic_load(&search->closed) || atomic_load(&search->stale));
    struct reading reading = {
        .search = search, .dictionary = folder->dictionary, .after = search->seq};
    reading.n_parts =
        snapshot_parts(snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS, &reading.parts, &arena);
    reading.parts = in_order(reading.parts, reading.n_parts, &arena);
    bool newer = customers_cursor_behind(folder->customers, &search->cursor);
    for (size_t p = 0; p < reading.n_parts; p++)
        newer = newer || reading.parts[p]->max_seq > search->seq;
    int code = newer ? read_newer(folder, search, &reading, err) : 0;
    if (!code && !atomic_exchange(&search->whole, true)) {
        pthread_rwlock_wrlock(&search->lock);
        search_pool_pack(&search->pool);
        pthread_rwlock_unlock(&search->lock);
    }
    arena_release(&arena);
    return code;
}

/* wait: until whoever reads is done; else at most PATIENCE_MS, then what is there must do. */
static bool take_turn(struct search *search, bool wait) {
    struct timespec until;
    if (wait)
        return pthread_mutex_lock(&search->refreshing) == 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return pthread_mutex_timedlock(&search->refreshing, &until) == 0;
}

/* The newest of everything; *snapshot is the caller's. */
static int keep_current(struct folder *folder, struct search *search, bool wait,
                        struct snapshot **snapshot, struct err *err) {
    for (;;) {
        struct err cancelled = {0};
        int code = timeline_snapshot(folder->timeline, snapshot, err);
        if (code || !take_turn(search, wait))
            return code;
        code = refresh(folder, search, *snapshot, &cancelled);
        pthread_mutex_unlock(&search->refreshing);
        if (!code)
            return 0;
        snapshot_release(*snapshot);
        *snapshot = NULL;
        if (code != E_CANCELLED || atomic_load(&search->closed)) {
            *err = cancelled;
            return code;
        }
    }
}

struct asking {
    const struct search_ask *ask;
    const struct overlay *overlay;
    size_t profiles;
};

static uint32_t owner_of(const void *context, uint32_t profile) {
    const struct asking *asking = context;
    uint32_t owner = overlay_owner(asking->overlay, profile);
    const uint64_t *visible = asking->ask->visible;
    bool seen = owner <= asking->profiles && owner != asking->ask->without &&
                (!visible ||
                 (owner <= asking->ask->visible_last && (visible[owner >> 6] >> (owner & 63) & 1)));
    return seen ? owner : 0;
}

static bool hides(const void *context, uint16_t code) {
    const struct asking *asking = context;
    const struct sight *sight = &asking->ask->sight;
    const struct dictionary *names = sight->folder->dictionary;
    uint32_t n = dictionary_count(names, DICTIONARY_PROPERTY);
    bool hidden = false;
    for (uint32_t whole = code; !hidden && code && whole <= n; whole += SEARCH_CODES) {
        struct slice name = dictionary_name(names, DICTIONARY_PROPERTY, (uint16_t)whole);
        const struct identifier_kind *kind =
            kind_of_trait(kinds_of(sight->folder->customers), name);
        hidden =
            sight_hides(sight, whole) || (kind && sight_hides_kind(sight, slice_of(kind->name)));
    }
    return hidden;
}

/* In the pool as it is now. */
static void find(struct search *search, const struct snapshot *snapshot,
                 const struct search_ask *ask, uint32_t *owners, size_t *n, bool *more) {
    struct asking asking = {ask, snapshot_overlay(snapshot), snapshot_profiles(snapshot)};
    struct search_owners whose = {owner_of, ask->sight.hidden ? hides : NULL, &asking,
                                  asking.profiles + 1};
    size_t want = ask->skip + *n + 1;
    if (want > SEARCH_FOUND_MAX)
        want = SEARCH_FOUND_MAX;
    struct search_hit *hits = malloc(want * sizeof *hits);
    if (!hits)
        abort();
    pthread_rwlock_rdlock(&search->lock);
    size_t found = search_pool_find(&search->pool, ask->text, &whose, hits, want), kept = 0;
    pthread_rwlock_unlock(&search->lock);
    for (size_t i = ask->skip; i < found && kept < *n; i++)
        owners[kept++] = hits[i].owner;
    *more = found > ask->skip + kept && kept == *n;
    *n = kept;
    free(hits);
}

int search_customers(struct folder *folder, const struct search_ask *ask, uint32_t *owners,
                     size_t *n, bool *more, struct err *err) {
    struct search *search;
    struct snapshot *snapshot = NULL;
    *more = false;
    int code = search_of(folder, &search, err);
    if (!code)
        code = keep_current(folder, search, false, &snapshot, err);
    if (!code)
        find(search, snapshot, ask, owners, n, more);
    else
        *n = 0;
    snapshot_release(snapshot);
    return code;
}

int search_prepare(struct folder *folder, struct err *err) {
    struct search *search;
    struct snapshot *snapshot = NULL;
    int code = search_of(folder, &search, err);
    if (!code)
        code = keep_current(folder, search, true, &snapshot, err);
    snapshot_release(snapshot);
    return code;
}

bool search_is_whole(struct folder *folder) {
    struct search *search;
    struct err none = {0};
    return !search_of(folder, &search, &none) && atomic_load(&search->whole);
}

void search_stop(struct folder *folder) {
    struct search *search;
    struct err none = {0};
    if (search_of(folder, &search, &none))
        return;
    atomic_store(&search->closed, true);
    atomic_store(&search->stop, true);
}

void search_forget(struct folder *folder) {
    struct search *search;
    struct err none = {0};
    if (search_of(folder, &search, &none))
        return;
    pthread_rwlock_wrlock(&search->lock);
    search_pool_release(&search->pool);
    pthread_rwlock_unlock(&search->lock);
    atomic_store(&search->stale, true); /* in this order: see refresh */
    atomic_store(&search->stop, true);
}
