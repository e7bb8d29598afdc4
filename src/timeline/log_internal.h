/*
 * The log, shared by its writing, reading and folding.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_LOG_INTERNAL_H
#define SENDA_TIMELINE_LOG_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "timeline/log_frame.h"

enum {
    LOG_PATH_BYTES = 4096,
    LOG_ROW_BYTES = 256 * 1024 /* a row of `fresh` ends at the frame that passes this */
};

struct log_place {
    uint64_t first, offset;
    uint32_t count, stored; /* stored: with the head */
};

struct log_file {
    uint32_t number;
    uint64_t first, count, bytes;
    struct log_place *places; /* of its frames, in order */
    size_t n_places;
    struct log_file *retired; /* next that was replaced: readers may hold it until the end */
};

enum log_state { LOG_EMPTY, LOG_FILLING, LOG_COMMITTED };

struct log {
    struct store *store;
    char *dir; /* DIR/log */
    struct frame_keys keys;
    atomic_uint_least64_t last;        /* durable */
    atomic_uint_least64_t fresh_bytes; /* in `fresh` and not in a file */

    /* the writer's */
    enum log_state state;
    struct frame_builder *frames; /* n_frames in use, the rest kept */
    size_t n_frames, frames_capacity;
    struct row *rows;
    size_t n_rows, rows_capacity;
    ZSTD_CCtx *zstd;
    struct buf out;
    uint64_t flushed_bytes;

    pthread_mutex_t work; /* held by whoever makes files */
    pthread_mutex_t lock; /* of the list of files, in the order of seq */
    struct log_file *retired;
    struct log_file **files;
    size_t n_files, files_capacity;
};

void log_path(const struct log *log, uint32_t number, char path[LOG_PATH_BYTES]);
/* Reads the places of a listed file. */
must_use int log_file_open(struct log *log, struct log_file *file, struct err *err);
void log_file_add(struct log *log, struct log_file *file);
/* The file that holds seq, or NULL. */
struct log_file *log_file_find(struct log *log, uint64_t seq);
/* The frame of a file that holds seq. */
const struct log_place *log_place_find(const struct log_file *file, uint64_t seq);

#endif
