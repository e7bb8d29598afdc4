/*
 * A set of keys, shared by its lookups and its upkeep.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_KEYS_INTERNAL_H
#define SENDA_TIMELINE_KEYS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "timeline/keys.h"
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

    bool looked;      /* the writer: keys were looked up in this transaction */
    atomic_bool hurt; /* a file is, and keys_mend was not there yet */
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

void keys_path(const struct keys *keys, uint32_t number, char path[PATH_MAX_BYTES]);
/* The bits that are kept; never all zero. */
struct key128 keys_cut(struct key128 key);
/* Entries of a table in order: one free(). */
struct keys_entry *keys_sorted(const struct key_map *table, size_t *n);
/* Writes cursors to a new file that takes the place of a damaged one, whose age and position it bears. */
must_use int keys_file_mended(struct keys *keys, struct keys_cursor *cursors, size_t n,
                              size_t index, struct err *err);

#endif
