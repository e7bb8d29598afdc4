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

#include "base/logger.h"
#include "store/file.h"
#include "timeline/keys_file.h"

enum { FILES_MAX = 64, MERGE_FILES = 4, PATH_MAX_BYTES = 4096 };

struct undo {
    struct key128 key;
    uint32_t before;
};

struct keys {
    struct store *store;
    char *dir; /* DIR/keys */
    const char *name;
    unsigned value_bytes;
    pthread_mutex_t flushing, merging; /* one thread each at a time, one beside the other */

    pthread_mutex_t lock;  /* changes of what follows, and readers that are not the writer */
    struct key_map fresh;  /* the writer's */
    struct key_map frozen; /* immutable while has_frozen */
    struct keys_file *files[FILES_MAX]; /* old to new */
    size_t n_files;

    atomic_bool has_frozen;
    atomic_size_t n_fresh;
    uint64_t position, frozen_position; /* of the newest entry of each table */
    uint64_t committed_position;
    bool held; /* the writer has the lock */
    uint64_t covered;
    atomic_uint next_number;
    struct undo *undo; /* puts since the last commit */
    size_t n_undo, undo_capacity;
};

static const struct {
    const char *name;
    unsigned value_bytes;
} SETS[] = {{"message", 0}, {"identity", 4}};

static struct key128 cut(struct key128 key) {
    key.b &= UINT64_C(0xffffffff00000000);
    if (!key.a && !key.b)
        key.a = 1;
    return key;
}

static void path_of(const struct keys *keys, uint32_t number, char path[PATH_MAX_BYTES]) {
    snprintf(path, PATH_MAX_BYTES, "%s/%s-%06u.keys", keys->dir, keys->name, number);
}

/* ---- open and close ---- */

static int file_add(struct keys *keys, uint32_t number, uint64_t age, uint64_t bytes,
                    uint64_t covered, struct err *err) {
    struct keys_file *file = calloc(1, sizeof *file);
    if (!file)
        abort();
    char path[PATH_MAX_BYTES];
    path_of(keys, number, path);
    int code = keys_file_open(file, path, bytes, err);
    if (!code && file->value_bytes != keys->value_bytes) {
        keys_file_close(file);
        code = err_set(err, E_CORRUPT, "a file of keys is damaged");
    }
    if (code) {
        free(file);
        return code;
    }
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
    path_of(keys, number, path);
    unlink(path);
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

uint32_t keys_get(struct keys *keys, struct key128 key) { return get(keys, cut(key)); }

uint32_t keys_find(struct keys *keys, struct key128 key) {
    pthread_mutex_lock(&keys->lock);
    uint32_t value = get(keys, cut(key));
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
    key = cut(key);
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
    return atomic_load_explicit(&keys->n_fresh, memory_order_relaxed) > 2 * KEYS_FRESH_MAX;
}

/* ---- maintenance ---- */

/* Lists a new file and takes away the ones it replaces, in one transaction; then swaps them in memory, in the writer
 * thread, so that the writer needs no lock to look keys up. */
struct change {
    struct store_job job;
    struct keys *keys;
    struct keys_file *added;
    size_t first, n; /* files[first … first + n) are replaced; n = 0: the new one is the newest */
    bool drops_frozen; /* the new file holds the frozen table */
    bool freezes;      /* only freezes the fresh table */
    int code;
    struct err *err;
    bool finished;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static int change_unlist(struct change *change, sqlite3 *db, struct err *err) {
    struct keys *keys = change->keys;
    int code = 0;
    for (size_t i = change->first; !code && i < change->first + change->n; i++) {
        sqlite3_stmt *statement =
            STORE_PREPARE(db, "DELETE FROM key_file WHERE name = ? AND number = ?", err);
        if (!statement)
            return err->code;
        sqlite3_bind_text(statement, 1, keys->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, keys->files[i]->number);
        code = store_step(statement, err);
    }
    return code;
}

static int change_run(struct store_job *job, sqlite3 *db, struct err *err) {
    struct change *change = (struct change *)job;
    if (change->freezes)
        return 0;
    int code = change_unlist(change, db, err);
    if (code)
        return code;
    const struct keys_file *file = change->added;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT INTO key_file(name, number, age, keys, bytes, covered) VALUES (?,?,?,?,?,?)",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, change->keys->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, file->number);
    sqlite3_bind_int64(statement, 3, (int64_t)file->age);
    sqlite3_bind_int64(statement, 4, (int64_t)file->n);
    sqlite3_bind_int64(statement, 5, (int64_t)file->bytes);
    sqlite3_bind_int64(statement, 6, (int64_t)file->covered);
    return store_step(statement, err);
}

static void change_freeze(struct keys *keys) {
    if (atomic_load(&keys->has_frozen) || !keys->fresh.n)
        return;
    keys->frozen = keys->fresh;
    key_map_init(&keys->fresh);
    keys->frozen_position = keys->position;
    atomic_store(&keys->n_fresh, 0);
    atomic_store(&keys->has_frozen, true);
}

static void change_swap(struct change *change) {
    struct keys *keys = change->keys;
    if (!change->n)
        change->first = keys->n_files;
    for (size_t i = change->first; i < change->first + change->n; i++) {
        char path[PATH_MAX_BYTES];
        path_of(keys, keys->files[i]->number, path);
        keys_file_close(keys->files[i]);
        store_remove_file(keys->store, path);
        free(keys->files[i]);
    }
    size_t after = change->first + change->n;
    memmove(&keys->files[change->first + 1], &keys->files[after],
            (keys->n_files - after) * sizeof keys->files[0]);
    keys->files[change->first] = change->added;
    keys->n_files = keys->n_files - change->n + 1;
    keys->covered = keys->files[keys->n_files - 1]->covered;
    if (change->drops_frozen) {
        key_map_release(&keys->frozen);
        key_map_init(&keys->frozen);
        atomic_store(&keys->has_frozen, false);
    }
}

static void change_done(struct store_job *job, int code, const struct err *err) {
    struct change *change = (struct change *)job;
    if (!code) {
        pthread_mutex_lock(&change->keys->lock);
        if (change->freezes)
            change_freeze(change->keys);
        else
            change_swap(change);
        pthread_mutex_unlock(&change->keys->lock);
    } else if (err) {
        *change->err = *err;
    }
    pthread_mutex_lock(&change->lock);
    change->code = code;
    change->finished = true;
    pthread_cond_signal(&change->done);
    pthread_mutex_unlock(&change->lock);
}

static int change_submit(struct change *change, struct err *err) {
    change->job = (struct store_job){.run = change_run, .done = change_done, .alone = true};
    change->err = err;
    pthread_mutex_init(&change->lock, NULL);
    pthread_cond_init(&change->done, NULL);
    int code = store_submit(change->keys->store, &change->job, err);
    if (code)
        return code;
    pthread_mutex_lock(&change->lock);
    while (!change->finished)
        pthread_cond_wait(&change->done, &change->lock);
    pthread_mutex_unlock(&change->lock);
    return change->code;
}

/* Writes cursors to a new file and swaps it in. */
static int put_file(struct keys *keys, struct keys_cursor *cursors, size_t n, uint64_t age,
                    uint64_t covered, struct change *change, struct err *err) {
    char path[PATH_MAX_BYTES];
    uint32_t number = atomic_fetch_add(&keys->next_number, 1);
    path_of(keys, number, path);
    uint64_t count, bytes;
    int code = keys_file_write(path, cursors, n, keys->value_bytes, &count, &bytes, err);
    if (!code)
        code = file_sync_folder(keys->dir, err);
    struct keys_file *file = calloc(1, sizeof *file);
    if (!file)
        abort();
    if (!code)
        code = keys_file_open(file, path, bytes, err);
    if (!code) {
        file->number = number;
        file->age = age;
        file->covered = covered;
        change->keys = keys;
        change->added = file;
        code = change_submit(change, err);
    }
    if (code) {
        keys_file_close(file);
        free(file);
        unlink(path);
    }
    return code;
}

static int write_frozen(struct keys *keys, struct err *err) {
    const struct key_map *frozen = &keys->frozen;
    struct keys_entry *entries = malloc((frozen->n + 1) * sizeof *entries);
    if (!entries)
        abort();
    size_t n = 0;
    for (size_t i = 0; i < frozen->capacity; i++)
        if ((frozen->keys[i].a || frozen->keys[i].b) && frozen->values[i] != MAP_NONE)
            entries[n++] = keys_entry_of(frozen->keys[i], frozen->values[i]);
    qsort(entries, n, sizeof *entries, keys_entry_compare);
    struct keys_cursor cursor;
    keys_cursor_array(&cursor, entries, n);
    struct change change = {.drops_frozen = true};
    pthread_mutex_lock(&keys->lock);
    uint64_t age = keys->n_files ? keys->files[keys->n_files - 1]->age + 1 : 1;
    pthread_mutex_unlock(&keys->lock);
    int code = put_file(keys, &cursor, 1, age, keys->frozen_position, &change, err);
    free(entries);
    return code;
}

static unsigned tier_of(uint64_t n) {
    unsigned tier = 0;
    for (uint64_t size = KEYS_FRESH_MAX * 2; n >= size; size *= MERGE_FILES)
        tier++;
    return tier;
}

/* The newest run of MERGE_FILES neighbours of one tier (or of smaller ones between them). */
static size_t run_find(const struct keys *keys, size_t *first) {
    for (size_t end = keys->n_files; end >= MERGE_FILES; end--) {
        unsigned tier = tier_of(keys->files[end - 1]->n);
        size_t start = end;
        while (start > 0 && tier_of(keys->files[start - 1]->n) <= tier)
            start--;
        if (end - start >= MERGE_FILES) {
            *first = start;
            return end - start;
        }
    }
    return 0;
}

/* Merges [first, first + n): a flush beside it only adds behind them. */
static int merge_files(struct keys *keys, size_t first, size_t n, struct err *err) {
    struct keys_cursor cursors[FILES_MAX];
    for (size_t i = 0; i < n; i++)
        keys_cursor_file(&cursors[i], keys->files[first + i]);
    const struct keys_file *newest = keys->files[first + n - 1];
    struct change change = {.first = first, .n = n};
    return put_file(keys, cursors, n, newest->age, newest->covered, &change, err);
}

static int flush(struct keys *keys, size_t least, struct err *err) {
    int code = 0;
    if (atomic_load(&keys->has_frozen))
        code = write_frozen(keys, err);
    if (!code && atomic_load(&keys->n_fresh) >= least) {
        struct change change = {.keys = keys, .freezes = true};
        code = change_submit(&change, err);
        if (!code && atomic_load(&keys->has_frozen))
            code = write_frozen(keys, err);
    }
    return code;
}

int keys_flush(struct keys *keys, size_t least, struct err *err) {
    pthread_mutex_lock(&keys->flushing);
    int code = flush(keys, least, err);
    pthread_mutex_unlock(&keys->flushing);
    return code;
}

int keys_merge(struct keys *keys, struct err *err) {
    pthread_mutex_lock(&keys->merging);
    pthread_mutex_lock(&keys->lock);
    size_t first, n = run_find(keys, &first);
    pthread_mutex_unlock(&keys->lock);
    int code = n ? merge_files(keys, first, n, err) : 0;
    pthread_mutex_unlock(&keys->merging);
    return code ? code : n > 0;
}

int keys_verify(struct keys *keys, struct err *err) {
    int code = 0;
    pthread_mutex_lock(&keys->flushing); /* files stay */
    pthread_mutex_lock(&keys->merging);
    for (size_t i = 0; !code && i < keys->n_files; i++)
        code = keys_file_verify(keys->files[i], err);
    pthread_mutex_unlock(&keys->merging);
    pthread_mutex_unlock(&keys->flushing);
    return code;
}
