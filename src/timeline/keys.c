/*
 * Sets of keys: two tables in memory before files: see keys.h.
 *
 * STATES of an entry: fresh -> frozen (when the table is full, at a commit) -> in a file (maintenance) -> in a merged
 * file. Lookups go from new to old.
 *
 * A rolled back put leaves a tombstone (value MAP_NONE) in the fresh table, which counts as absent and is not written.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/keys.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/file.h"
#include "timeline/keys_internal.h"

static const struct {
    const char *name;
    unsigned value_bytes;
} SETS[] = {{"message", 0}, {"identity", 4}};

struct key128 keys_cut(struct key128 key) {
    key.b &= UINT64_C(0xffffffff00000000);
    if (!key.a && !key.b)
        key.a = 1;
    return key;
}

void keys_path(const struct keys *keys, uint32_t number, char path[PATH_MAX_BYTES]) {
    snprintf(path, PATH_MAX_BYTES, "%s/%s-%06u.keys", keys->dir, keys->name, number);
}

/* ---- open and close ---- */

static int file_add(struct keys *keys, uint32_t number, uint64_t age, uint64_t bytes,
                    uint64_t covered, struct err *err) {
    struct keys_file *file = calloc(1, sizeof *file);
    if (!file)
        abort();
    char path[PATH_MAX_BYTES];
    keys_path(keys, number, path);
    struct err own = {0};
    int code = keys_file_open(file, path, bytes, &own);
    if (!code && file->value_bytes != keys->value_bytes) {
        keys_file_close(file);
        code = E_CORRUPT;
    }
    if (code && code != E_CORRUPT) {
        *err = own;
        free(file);
        return code;
    }
    if (code)
        keys_file_stand_in(file, keys->value_bytes);
    file->number = number;
    file->age = age;
    file->covered = covered;
    assert(keys->n_files < FILES_MAX);
    keys->files[keys->n_files++] = file;
    return 0;
}

static int load_files(struct keys *keys, struct err *err) {
    sqlite3 *db = store_writer_db(keys->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT number, age, bytes, covered FROM key_file WHERE name = ? ORDER BY age", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, keys->name, -1, SQLITE_STATIC);
    int code;
    while ((code = store_step(statement, err)) == 1) {
        uint32_t number = (uint32_t)sqlite3_column_int64(statement, 0);
        uint64_t covered = (uint64_t)sqlite3_column_int64(statement, 3);
        if (keys->n_files == FILES_MAX)
            code = err_set(err, E_CORRUPT, "too many files of keys");
        else
            code = file_add(keys, number, (uint64_t)sqlite3_column_int64(statement, 1),
                            (uint64_t)sqlite3_column_int64(statement, 2), covered, err);
        if (code) {
            sqlite3_reset(statement);
            return code;
        }
        keys->covered = covered;
        if (number >= keys->next_number)
            keys->next_number = number + 1;
    }
    return code;
}

/* A file that no record lists is what a crash left of maintenance. */
static void drop_unlisted(void *context, const char *name) {
    struct keys *keys = context;
    unsigned number = 0;
    sscanf(name + strlen(keys->name), "-%u.keys", &number);
    for (size_t i = 0; i < keys->n_files; i++)
        if (keys->files[i]->number == number)
            return;
    char path[PATH_MAX_BYTES];
    keys_path(keys, number, path);
    unlink(path);
}

/* ---- files that change under our feet ---- */

/* Every file is sound, and was since it was opened; else the set is hurt from now on. */
static bool keys_files_sound(struct keys *keys) {
    bool sound = true;
    pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; sound && i < keys->n_files; i++)
        sound = keys_file_sound(keys->files[i]);
    pthread_mutex_unlock(&keys->lock);
    if (!sound)
        atomic_store(&keys->hurt, true);
    return sound;
}

bool keys_hurt(struct keys *keys) { return keys_known_hurt(keys) || !keys_files_sound(keys); }

bool keys_known_hurt(const struct keys *keys) {
    return atomic_load_explicit(&keys->hurt, memory_order_relaxed);
}

/* Invariant 4: before what was looked up is committed. */
static int before_commit(void *context, sqlite3 *db, struct err *err) {
    struct keys *keys = context;
    (void)db;
    bool looked = keys->looked;
    keys->looked = false;
    if (!looked || keys_files_sound(keys))
        return 0;
    err_set(err, E_BUSY, "a damaged index of keys is being rebuilt");
    return err_hint(err, "Try again in a moment.");
}

int keys_open(struct keys **keys, struct store *store, const char *dir, const char *name,
              struct err *err) {
    struct keys *opened = calloc(1, sizeof *opened);
    if (!opened || asprintf(&opened->dir, "%s/keys", dir) < 0)
        abort();
    for (size_t i = 0; i < sizeof SETS / sizeof SETS[0]; i++)
        if (strcmp(SETS[i].name, name) == 0) {
            opened->name = SETS[i].name;
            opened->value_bytes = SETS[i].value_bytes;
        }
    assert(opened->name);
    opened->store = store;
    opened->next_number = 1;
    pthread_mutex_init(&opened->lock, NULL);
    pthread_mutex_init(&opened->flushing, NULL);
    pthread_mutex_init(&opened->merging, NULL);
    int code = file_make_folder(opened->dir, err);
    if (!code)
        code = load_files(opened, err);
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s-", opened->name);
    if (!code)
        code = file_list(opened->dir, prefix, ".keys", drop_unlisted, opened, err);
    if (code) {
        keys_close(opened);
        return code;
    }
    opened->position = opened->committed_position = opened->covered;
    store_add_flush(store, before_commit, opened);
    *keys = opened;
    return 0;
}

void keys_close(struct keys *keys) {
    if (!keys)
        return;
    for (size_t i = 0; i < keys->n_files; i++) {
        keys_file_close(keys->files[i]);
        free(keys->files[i]);
    }
    key_map_release(&keys->fresh);
    key_map_release(&keys->frozen);
    pthread_mutex_destroy(&keys->lock);
    pthread_mutex_destroy(&keys->flushing);
    pthread_mutex_destroy(&keys->merging);
    free(keys->undo);
    free(keys->dir);
    free(keys);
}

uint64_t keys_covered(const struct keys *keys) { return keys->covered; }

/* ---- lookups and puts ---- */

static uint32_t get(const struct keys *keys, struct key128 key) {
    uint32_t value = key_map_get(&keys->fresh, key);
    if (value == MAP_NONE)
        value = key_map_get(&keys->frozen, key);
    struct keys_entry entry = keys_entry_of(key, 0);
    for (size_t i = keys->n_files; value == MAP_NONE && i-- > 0;)
        value = keys_file_get(keys->files[i], entry);
    return value;
}

uint32_t keys_get(struct keys *keys, struct key128 key) {
    keys->looked = true;
    return get(keys, keys_cut(key));
}

uint32_t keys_find(struct keys *keys, struct key128 key) {
    pthread_mutex_lock(&keys->lock);
    uint32_t value = get(keys, keys_cut(key));
    pthread_mutex_unlock(&keys->lock);
    return value;
}

/* The place in a key_map is the low bits of a. */
void keys_prefetch(const struct keys *keys, struct key128 key) {
    if (keys->fresh.capacity)
        __builtin_prefetch(&keys->fresh.keys[key.a & (keys->fresh.capacity - 1)]);
    if (keys->frozen.capacity)
        __builtin_prefetch(&keys->frozen.keys[key.a & (keys->frozen.capacity - 1)]);
    struct keys_entry entry = keys_entry_of(key, 0);
    for (size_t i = 0; i < keys->n_files; i++)
        __builtin_prefetch(keys_file_block(keys->files[i], entry));
}

void keys_hold(struct keys *keys) {
    pthread_mutex_lock(&keys->lock);
    keys->held = true;
}

void keys_let(struct keys *keys) {
    keys->held = false;
    pthread_mutex_unlock(&keys->lock);
}

void keys_put(struct keys *keys, struct key128 key, uint32_t value, uint64_t position) {
    if (keys->n_undo == keys->undo_capacity) {
        keys->undo_capacity = keys->undo_capacity ? keys->undo_capacity * 2 : 256;
        keys->undo = realloc(keys->undo, keys->undo_capacity * sizeof *keys->undo);
        if (!keys->undo)
            abort();
    }
    key = keys_cut(key);
    if (!keys->held)
        pthread_mutex_lock(&keys->lock);
    uint32_t before = key_map_put(&keys->fresh, key, value);
    if (!keys->held)
        pthread_mutex_unlock(&keys->lock);
    keys->undo[keys->n_undo++] = (struct undo){key, before};
    keys->position = position;
}

void keys_rollback(struct keys *keys) {
    pthread_mutex_lock(&keys->lock);
    while (keys->n_undo) {
        const struct undo *undo = &keys->undo[--keys->n_undo];
        key_map_put(&keys->fresh, undo->key, undo->before);
    }
    keys->position = keys->committed_position;
    pthread_mutex_unlock(&keys->lock);
}

void keys_commit(struct keys *keys) {
    keys->n_undo = 0;
    keys->committed_position = keys->position;
    if (keys->undo_capacity > 1 << 16) {
        free(keys->undo);
        keys->undo = NULL;
        keys->undo_capacity = 0;
    }
    if (keys->fresh.n >= KEYS_FRESH_MAX && !atomic_load(&keys->has_frozen)) {
        pthread_mutex_lock(&keys->lock);
        keys->frozen = keys->fresh;
        key_map_init(&keys->fresh);
        keys->frozen_position = keys->position;
        pthread_mutex_unlock(&keys->lock);
        atomic_store(&keys->has_frozen, true);
    }
    atomic_store_explicit(&keys->n_fresh, keys->fresh.n, memory_order_relaxed);
}

bool keys_pressed(const struct keys *keys) {
    return atomic_load_explicit(&keys->n_fresh, memory_order_relaxed) > (size_t)2 * KEYS_FRESH_MAX;
}
