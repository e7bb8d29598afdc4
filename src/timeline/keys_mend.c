/*
 * Rebuilding damaged files of keys from what they were made of: see keys.h.
 *
 * The owner replays the entries of the file's range into a table; full tables go to files of their own (runs), which no
 * record lists: a crash leaves them to keys_open, which removes them. Run and table are merged into the new file, which
 * takes the place of the damaged one in one transaction.
 *
 * COST  58 bytes an entry for the first RUN_KEYS, then a file of runs on the disk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/logger.h"
#include "timeline/keys_internal.h"

enum { RUN_KEYS = 1 << 20 };

struct keys_mending {
    struct keys *keys;
    size_t file; /* the damaged one */
    struct key_map table;
    struct keys_file run; /* everything before the table */
    bool has_run;
};

static void run_remove(struct keys *keys, struct keys_file *run) {
    char path[PATH_MAX_BYTES];
    keys_path(keys, run->number, path);
    keys_file_close(run);
    unlink(path);
}

/* The run (if there is one) and the table, as cursors; entries: to be freed. */
static size_t cursors_of(struct keys_mending *mending, struct keys_cursor cursors[2],
                         struct keys_entry **entries) {
    size_t n_entries, n = 0;
    *entries = keys_sorted(&mending->table, &n_entries);
    if (mending->has_run)
        keys_cursor_file(&cursors[n++], &mending->run);
    keys_cursor_array(&cursors[n++], *entries, n_entries);
    return n;
}

/* The run and the table become one run. */
static int table_write(struct keys_mending *mending, struct err *err) {
    struct keys *keys = mending->keys;
    struct keys_cursor cursors[2];
    struct keys_entry *entries;
    uint32_t number = atomic_fetch_add(&keys->next_number, 1);
    char path[PATH_MAX_BYTES];
    uint64_t count, bytes;
    size_t n = cursors_of(mending, cursors, &entries);
    keys_path(keys, number, path);
    int code = keys_file_write(path, cursors, n, keys->value_bytes, &count, &bytes, err);
    free(entries);
    if (code)
        return code;
    if (mending->has_run)
        run_remove(keys, &mending->run);
    mending->run = (struct keys_file){.number = number};
    code = keys_file_open(&mending->run, path, bytes, err);
    mending->has_run = !code;
    if (code)
        unlink(path);
    key_map_clear(&mending->table);
    return code;
}

int keys_mend_put(struct keys_mending *mending, struct key128 key, uint32_t value,
                  struct err *err) {
    key_map_put(&mending->table, keys_cut(key), value);
    return mending->table.n < RUN_KEYS ? 0 : table_write(mending, err);
}

uint32_t keys_mend_get(const struct keys_mending *mending, struct key128 key) {
    const struct keys *keys = mending->keys;
    uint32_t value = key_map_get(&mending->table, keys_cut(key));
    struct keys_entry entry = keys_entry_of(keys_cut(key), 0);
    if (value == MAP_NONE && mending->has_run)
        value = keys_file_get(&mending->run, entry);
    for (size_t i = keys->n_files; value == MAP_NONE && i-- > 0;)
        if (i != mending->file)
            value = keys_file_get(keys->files[i], entry);
    return value;
}

static int mend_file(struct keys *keys, size_t index, keys_replay *replay, void *context,
                     struct err *err) {
    struct keys_mending mending = {.keys = keys, .file = index};
    struct keys_cursor cursors[2];
    struct keys_entry *entries = NULL;
    uint64_t to = keys->files[index]->covered;
    key_map_init(&mending.table);
    int code = replay(context, index ? keys->files[index - 1]->covered : 0, to, &mending, err);
    if (!code) {
        size_t n = cursors_of(&mending, cursors, &entries);
        code = keys_file_mended(keys, cursors, n, index, err);
    }
    free(entries);
    if (mending.has_run)
        run_remove(keys, &mending.run);
    key_map_release(&mending.table);
    if (!code)
        log_warn("timeline", "a damaged file of %s keys was rebuilt", keys->name);
    return code;
}

/* A file that was written to is looked at whole: only its time may be new. */
static bool is_whole(struct keys *keys, struct keys_file *file, bool read) {
    struct err own = {0};
    struct file_stamp stamp;
    if (file->lost)
        return false;
    if (!read && keys_file_sound(file))
        return true;
    bool whole = file_stamp_take(file->fd, &stamp) && (uint64_t)stamp.bytes == file->bytes &&
                 !keys_file_verify(file, &own);
    if (whole) {
        pthread_mutex_lock(&keys->lock);
        file->stamp = stamp;
        pthread_mutex_unlock(&keys->lock);
    }
    return whole;
}

int keys_mend(struct keys *keys, bool read, keys_replay *replay, void *context, unsigned *mended,
              struct err *err) {
    int code = 0;
    pthread_mutex_lock(&keys->flushing); /* files stay */
    pthread_mutex_lock(&keys->merging);
    bool hurt = atomic_exchange(&keys->hurt, false);
    for (size_t i = 0; !code && i < keys->n_files; i++) {
        if (is_whole(keys, keys->files[i], read))
            continue;
        code = mend_file(keys, i, replay, context, err);
        *mended += !code;
    }
    if (code && hurt)
        atomic_store(&keys->hurt, true);
    pthread_mutex_unlock(&keys->merging);
    pthread_mutex_unlock(&keys->flushing);
    return code;
}
