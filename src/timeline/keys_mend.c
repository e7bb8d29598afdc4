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
    struct keys_file run = {.number = atomic_fetch_add(&keys->next_number, 1)};
    char path[PATH_MAX_BYTES];
    uint64_t count, bytes;
    size_t n = cursors_of(mending, cursors, &entries);
    keys_path(keys, run.number, path);
    int code = keys_file_write(path, cursors, n, keys->value_bytes, &count, &bytes, err);
    free(entries);
    if (code)
        return code;
    code = keys_file_open(&run, path, bytes, err);
    if (code) {
        unlink(path);
        return code;
    }
    if (mending->has_run)
        run_remove(keys, &mending->run);
    mending->run = run;
    mending->has_run = true;
    key_map_clear(&mending->table);
    return 0;
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
        code = keys_file_replace(keys, cursors, n, index, 1, err);
    }
    free(entries);
    if (mending.has_run)
        run_remove(keys, &mending.run);
    key_map_release(&mending.table);
    if (!code)
        log_warn("timeline", "a damaged file of %s keys was rebuilt", keys->name);
    return code;
}

int keys_mend(struct keys *keys, bool read, keys_replay *replay, void *context, unsigned *mended,
              struct err *err) {
    int code = 0;
    pthread_mutex_lock(&keys->flushing); /* files stay */
    pthread_mutex_lock(&keys->merging);
    for (size_t i = 0; !code && i < keys->n_files; i++) {
        struct err own = {0};
        bool whole = !keys->files[i]->lost && !(read && keys_file_verify(keys->files[i], &own));
        if (whole)
            continue;
        code = mend_file(keys, i, replay, context, err);
        *mended += !code;
    }
    pthread_mutex_unlock(&keys->merging);
    pthread_mutex_unlock(&keys->flushing);
    return code;
}
