/*
 * Dictionaries: names in chunks that never move, found through a hash table that readers walk without a lock.
 *
 * STATES of a name: pending (added in the writer's open transaction, seen by the writer alone) -> published
 * (dictionary_commit). dictionary_rollback forgets what is pending: slots are emptied from the newest to the oldest, so
 * that no chain of probes to an older name is ever broken.
 *
 * READING WITHOUT A LOCK  A name lies in chunk[code / CHUNK_NAMES]; its slot in the table is stored after it with
 * release order, and readers pass over codes beyond `published`. A table that grows is replaced; the older ones live
 * until close (together less than the newest one), so a reader that still walks one misses at most newer names.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/dictionary.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/limits.h"
#include "timeline/row.h"

enum { CHUNK_NAMES = 256, CHUNKS = (LIMIT_CODES + CHUNK_NAMES) / CHUNK_NAMES, FIRST_SLOTS = 256 };

/* Slots: tag in the upper 16 bits, code in the lower; 0 is empty. */
struct table {
    struct table *older;
    size_t mask;
    atomic_uint_least32_t slots[];
};

struct kind {
    struct slice *chunks[CHUNKS]; /* code - 1 is the place */
    atomic_uint published;        /* codes 1 … published may be read by anybody */
    unsigned count;               /* with pending ones; the writer's */
    _Atomic(struct table *) table;
};

struct dictionary {
    struct kind kinds[DICTIONARY_KINDS];
    uint64_t seed; /* names come from public keys: no collisions on demand */
};

static const unsigned KIND_LIMIT[DICTIONARY_KINDS] = {
    [DICTIONARY_EVENT] = LIMIT_CODES,
    [DICTIONARY_CHANNEL] = LIMIT_CODES,
    [DICTIONARY_TOUCHPOINT] = LIMIT_CODES,
    [DICTIONARY_UNIT] = LIMIT_CODES,
    [DICTIONARY_PROPERTY] = LIMIT_PROPERTY_CODES,
};

static struct table *table_new(size_t slots, struct table *older) {
    struct table *table = calloc(1, sizeof *table + slots * sizeof table->slots[0]);
    if (!table)
        abort();
    table->older = older;
    table->mask = slots - 1;
    return table;
}

static uint64_t name_hash(const struct dictionary *dictionary, struct slice name) {
    return XXH3_64bits_withSeed(name.p, name.n, dictionary->seed);
}

static struct slice *name_at(const struct kind *kind, unsigned code) {
    return &kind->chunks[(code - 1) / CHUNK_NAMES][(code - 1) % CHUNK_NAMES];
}

static void table_put(struct table *table, uint64_t hash, unsigned code) {
    size_t i = hash & table->mask;
    while (atomic_load_explicit(&table->slots[i], memory_order_relaxed))
        i = (i + 1) & table->mask;
    uint32_t slot = (uint32_t)(hash >> 48) << 16 | code;
    atomic_store_explicit(&table->slots[i], slot, memory_order_release);
}

static void table_remove(struct table *table, uint64_t hash, unsigned code) {
    size_t i = hash & table->mask;
    while ((atomic_load_explicit(&table->slots[i], memory_order_relaxed) & 0xffff) != code)
        i = (i + 1) & table->mask;
    atomic_store_explicit(&table->slots[i], 0, memory_order_release);
}

/* Codes from 1 to limit are looked at. */
static uint16_t table_find(const struct dictionary *dictionary, const struct kind *kind,
                           struct slice name, unsigned limit) {
    const struct table *table = atomic_load_explicit(&kind->table, memory_order_acquire);
    uint64_t hash = name_hash(dictionary, name);
    for (size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        uint32_t slot = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        unsigned code = slot & 0xffff;
        if (!slot)
            return CODE_NONE;
        if (slot >> 16 == hash >> 48 && code <= limit && slice_equal(*name_at(kind, code), name))
            return (uint16_t)code;
    }
}

/* A table with room for all names at a load of one half. */
static struct table *table_grow(const struct dictionary *dictionary, struct kind *kind) {
    struct table *table = atomic_load_explicit(&kind->table, memory_order_relaxed);
    if ((size_t)kind->count * 2 <= table->mask + 1)
        return table;
    struct table *larger = table_new((table->mask + 1) * 2, table);
    for (unsigned code = 1; code < kind->count; code++)
        table_put(larger, name_hash(dictionary, *name_at(kind, code)), code);
    atomic_store_explicit(&kind->table, larger, memory_order_release);
    return larger;
}

static void name_put(const struct dictionary *dictionary, struct kind *kind, struct slice name) {
    unsigned chunk = kind->count / CHUNK_NAMES;
    if (!kind->chunks[chunk] &&
        !(kind->chunks[chunk] = calloc(CHUNK_NAMES, sizeof *kind->chunks[chunk])))
        abort();
    char *copy = malloc(name.n + 1);
    if (!copy)
        abort();
    if (name.n)
        memcpy(copy, name.p, name.n);
    copy[name.n] = 0;
    kind->chunks[chunk][kind->count % CHUNK_NAMES] = (struct slice){copy, name.n};
    kind->count++;
    table_put(table_grow(dictionary, kind), name_hash(dictionary, name), kind->count);
}

static void name_forget(const struct dictionary *dictionary, struct kind *kind) {
    struct slice *name = name_at(kind, kind->count);
    struct table *table = atomic_load_explicit(&kind->table, memory_order_relaxed);
    table_remove(table, name_hash(dictionary, *name), kind->count);
    char *copy;
    memcpy(&copy, &name->p, sizeof copy);
    free(copy);
    *name = (struct slice){0};
    kind->count--;
}

static int load(struct dictionary *dictionary, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT kind, code, opened(name) FROM dictionary ORDER BY kind, code", err);
    if (!statement)
        return err->code;
    int code;
    while ((code = store_step(statement, err)) == 1) {
        int number = sqlite3_column_int(statement, 0);
        struct slice name = {(const char *)sqlite3_column_text(statement, 2),
                             (size_t)sqlite3_column_bytes(statement, 2)};
        if (number < 1 || number >= DICTIONARY_KINDS || !name.p ||
            dictionary->kinds[number].count >= KIND_LIMIT[number] ||
            sqlite3_column_int64(statement, 1) != dictionary->kinds[number].count + 1) {
            sqlite3_reset(statement);
            return err_set(err, E_CORRUPT, "the dictionary of names is damaged");
        }
        name_put(dictionary, &dictionary->kinds[number], name);
    }
    return code;
}

int dictionary_open(struct dictionary **dictionary, sqlite3 *db, struct err *err) {
    struct dictionary *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    struct err local = {0};
    randombytes_buf(&opened->seed, sizeof opened->seed);
    for (int kind = 1; kind < DICTIONARY_KINDS; kind++)
        atomic_init(&opened->kinds[kind].table, table_new(FIRST_SLOTS, NULL));
    int code = load(opened, db, &local);
    if (code) {
        if (err)
            *err = local;
        dictionary_close(opened);
        return code;
    }
    dictionary_commit(opened);
    *dictionary = opened;
    return 0;
}

void dictionary_close(struct dictionary *dictionary) {
    if (!dictionary)
        return;
    for (int number = 1; number < DICTIONARY_KINDS; number++) {
        struct kind *kind = &dictionary->kinds[number];
        while (kind->count)
            name_forget(dictionary, kind);
        for (int chunk = 0; chunk < CHUNKS; chunk++)
            free(kind->chunks[chunk]);
        for (struct table *table = atomic_load(&kind->table); table;) {
            struct table *older = table->older;
            free(table);
            table = older;
        }
    }
    free(dictionary);
}

uint16_t dictionary_find(const struct dictionary *dictionary, enum dictionary_kind number,
                         struct slice name) {
    const struct kind *kind = &dictionary->kinds[number];
    unsigned published = atomic_load_explicit(&kind->published, memory_order_acquire);
    return table_find(dictionary, kind, name, published);
}

struct slice dictionary_name(const struct dictionary *dictionary, enum dictionary_kind number,
                             uint16_t code) {
    const struct kind *kind = &dictionary->kinds[number];
    if (!code || code > atomic_load_explicit(&kind->published, memory_order_acquire))
        return (struct slice){"", 0};
    return *name_at(kind, code);
}

uint16_t dictionary_count(const struct dictionary *dictionary, enum dictionary_kind number) {
    return (uint16_t)atomic_load_explicit(&dictionary->kinds[number].published,
                                          memory_order_acquire);
}

uint16_t dictionary_add(struct dictionary *dictionary, enum dictionary_kind number,
                        struct slice name, sqlite3 *db, struct err *err) {
    struct kind *kind = &dictionary->kinds[number];
    uint16_t code = table_find(dictionary, kind, name, kind->count);
    if (code)
        return code;
    if (kind->count >= KIND_LIMIT[number]) {
        err_set(err, E_REFUSED, "no room for another name");
        return CODE_NONE;
    }
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT INTO dictionary(kind, code, name) VALUES (?, ?, sealed(?))", err);
    if (!statement)
        return CODE_NONE;
    sqlite3_bind_int(statement, 1, (int)number);
    sqlite3_bind_int(statement, 2, (int)kind->count + 1);
    sqlite3_bind_text(statement, 3, name.p, (int)name.n, SQLITE_STATIC);
    if (store_step(statement, err) < 0)
        return CODE_NONE;
    name_put(dictionary, kind, name);
    return (uint16_t)kind->count;
}

void dictionary_commit(struct dictionary *dictionary) {
    for (int number = 1; number < DICTIONARY_KINDS; number++) {
        struct kind *kind = &dictionary->kinds[number];
        if (kind->count != atomic_load_explicit(&kind->published, memory_order_relaxed))
            atomic_store_explicit(&kind->published, kind->count, memory_order_release);
    }
}

static void on_commit(void *context) { dictionary_commit(context); }

static void on_rollback(void *context) {
    struct dictionary *dictionary = context;
    for (int number = 1; number < DICTIONARY_KINDS; number++) {
        struct kind *kind = &dictionary->kinds[number];
        while (kind->count > atomic_load_explicit(&kind->published, memory_order_relaxed))
            name_forget(dictionary, kind);
    }
}

void dictionary_follow(struct dictionary *dictionary, struct store *store) {
    store_add_hook(store, on_commit, on_rollback, dictionary);
}
