/*
 * Writing tables of keys to files and merging files: see keys.h.
 *
 * The writer looks keys up without a lock, so every change of tables and files happens in the writer's thread: upkeep makes
 * a file, then hands the writer a job that lists it in the records and, once that is committed, swaps it in.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <unistd.h>

#include "store/file.h"
#include "timeline/keys_internal.h"

/* Lists a new file and takes away the ones it replaces, in one transaction; then swaps them in memory, in the writer
 * thread, so that the writer needs no lock to look keys up. */
struct change {
    struct store_job job;
    struct keys *keys;
    struct keys_file *added;
    size_t first, n; /* files[first … first + n) are replaced; n = 0: the new one is the newest */
    bool merges;     /* the new file was made of the ones that it replaces */
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
        keys_path(keys, keys->files[i]->number, path);
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

/* Merging must not launder a damaged file into a new one with right checksums: it waits for keys_mend then. */
static int check_sources(struct keys *keys, const struct change *change, struct err *err) {
    for (size_t i = change->first; change->merges && i < change->first + change->n; i++)
        if (!keys_file_summed(keys->files[i])) {
            atomic_store(&keys->hurt, true);
            return err_set(err, E_CORRUPT, "a file of keys is damaged");
        }
    return 0;
}

/* Writes cursors to a new file and swaps it in. */
static int put_file(struct keys *keys, struct keys_cursor *cursors, size_t n, uint64_t age,
                    uint64_t covered, struct change *change, struct err *err) {
    char path[PATH_MAX_BYTES];
    uint32_t number = atomic_fetch_add(&keys->next_number, 1);
    keys_path(keys, number, path);
    uint64_t count, bytes;
    int code = keys_file_write(path, cursors, n, keys->value_bytes, &count, &bytes, err);
    if (!code)
        code = check_sources(keys, change, err);
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

struct keys_entry *keys_sorted(const struct key_map *table, size_t *n) {
    struct keys_entry *entries = malloc((table->n + 1) * sizeof *entries);
    if (!entries)
        abort();
    *n = 0;
    for (size_t i = 0; i < table->capacity; i++)
        if ((table->keys[i].a || table->keys[i].b) && table->values[i] != MAP_NONE)
            entries[(*n)++] = keys_entry_of(table->keys[i], table->values[i]);
    qsort(entries, *n, sizeof *entries, keys_entry_compare);
    return entries;
}

static int write_frozen(struct keys *keys, struct err *err) {
    size_t n;
    struct keys_entry *entries = keys_sorted(&keys->frozen, &n);
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
    for (uint64_t size = (uint64_t)KEYS_FRESH_MAX * 2; n >= size; size *= MERGE_FILES)
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

int keys_file_mended(struct keys *keys, struct keys_cursor *cursors, size_t n, size_t index,
                     struct err *err) {
    const struct keys_file *damaged = keys->files[index];
    struct change change = {.first = index, .n = 1};
    return put_file(keys, cursors, n, damaged->age, damaged->covered, &change, err);
}

/* Merges [first, first + n): a flush beside it only adds behind them. */
static int merge_files(struct keys *keys, size_t first, size_t n, struct err *err) {
    struct keys_cursor cursors[FILES_MAX];
    const struct keys_file *newest = keys->files[first + n - 1];
    struct change change = {.first = first, .n = n, .merges = true};
    for (size_t i = 0; i < n; i++)
        keys_cursor_file(&cursors[i], keys->files[first + i]);
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
