/*
 * The sink of a data folder: batches go to the writer and come back durable; refused rows go to a file of JSON lines:
 *     {"row":12,"code":"bad_time","message":"not a time …","raw":"the row as the file has it, at most 4 KB"}
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/utf8.h"
#include "collect/import.h"

enum { RAW_SHOWN_BYTES = 4096, LINE_BYTES = 16 * RAW_SHOWN_BYTES, BUSY_WAIT_NS = 5000000 };

struct into {
    struct ingest *ingest;
    struct source source;
    int64_t received_ms;
    const atomic_bool *cancelled;
    const char *rejected;
    FILE *file;
    bool file_failed;
    void (*progress)(void *context, const struct import_progress *progress);
    void *context;
};

/* A batch at the writer. */
struct under_way {
    struct ingest_batch batch;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    int code;
    struct err err;
};

static void done(struct ingest_batch *batch, int code, const struct err *err) {
    struct under_way *under_way = batch->context;
    pthread_mutex_lock(&under_way->lock);
    under_way->done = true;
    under_way->code = code;
    if (code && err)
        under_way->err = *err;
    pthread_cond_signal(&under_way->changed);
    pthread_mutex_unlock(&under_way->lock);
}

static int submit(void *context, struct import_batch *batch, struct err *err) {
    struct into *into = context;
    struct under_way *under_way = calloc(1, sizeof *under_way);
    if (!under_way)
        abort();
    pthread_mutex_init(&under_way->lock, NULL);
    pthread_cond_init(&under_way->changed, NULL);
    under_way->batch = (struct ingest_batch){.source = into->source,
                                             .events = batch->events,
                                             .n = batch->n,
                                             .keys = batch->keys,
                                             .bulk = true,
                                             .bytes = batch->bytes,
                                             .received_ms = into->received_ms,
                                             .results = batch->results,
                                             .done = done,
                                             .context = under_way};
    batch->state = under_way;
    int code;
    while ((code = ingest_submit(into->ingest, &under_way->batch, err)) == E_BUSY) {
        struct timespec pause = {0, BUSY_WAIT_NS};
        nanosleep(&pause, NULL);
        if (into->cancelled && atomic_load(into->cancelled))
            break;
    }
    if (code) {
        pthread_cond_destroy(&under_way->changed);
        pthread_mutex_destroy(&under_way->lock);
        free(under_way);
        batch->state = NULL;
    }
    return code;
}

static int wait_for(void *context, struct import_batch *batch, struct err *err) {
    struct under_way *under_way = batch->state;
    (void)context;
    pthread_mutex_lock(&under_way->lock);
    while (!under_way->done)
        pthread_cond_wait(&under_way->changed, &under_way->lock);
    pthread_mutex_unlock(&under_way->lock);
    int code = under_way->code;
    if (code)
        *err = under_way->err;
    pthread_cond_destroy(&under_way->changed);
    pthread_mutex_destroy(&under_way->lock);
    free(under_way);
    batch->state = NULL;
    return code;
}

static void reject(void *context, uint64_t row, enum refusal refusal, const char *message,
                   struct slice raw) {
    struct into *into = context;
    if (!into->rejected || into->file_failed)
        return;
    if (!into->file && !(into->file = fopen(into->rejected, "we"))) {
        into->file_failed = true;
        return;
    }
    struct buf line;
    buf_init(&line, LINE_BYTES);
    buf_add_text(&line, "{");
    json_add_name(&line, "row");
    json_add_int(&line, (int64_t)row);
    json_add_name(&line, "code");
    json_add_text(&line, slice_of(refusal_code(refusal)));
    json_add_name(&line, "message");
    json_add_text(&line, slice_of(message));
    json_add_name(&line, "raw");
    json_add_text(&line, refusal_keeps_nothing(refusal) ? (struct slice){"", 0}
                                                        : utf8_cut(raw, RAW_SHOWN_BYTES));
    buf_add_text(&line, "}\n");
    if (fwrite(line.p, 1, line.n, into->file) != line.n)
        into->file_failed = true;
    buf_release(&line);
}

static void progressed(void *context, const struct import_progress *progress) {
    const struct into *into = context;
    if (into->progress)
        into->progress(into->context, progress);
}

int import_into(struct ingest *ingest, struct source source, const struct import_file *file,
                const struct import_options *options, const char *rejected,
                void (*progress)(void *context, const struct import_progress *progress),
                void *context, struct import_progress *result, struct err *err) {
    struct into into = {.ingest = ingest,
                        .source = source,
                        .received_ms = options->received_ms,
                        .cancelled = options->cancelled,
                        .rejected = rejected,
                        .progress = progress,
                        .context = context};
    struct import_sink sink = {submit, wait_for, reject, progressed, &into};
    int code = import_run(file, options, &sink, result, err);
    if (into.file && fclose(into.file) != 0)
        into.file_failed = true;
    if (!code && into.file_failed)
        code = err_set(err, E_NOSPACE, "the refused rows cannot be written beside the file");
    return code;
}
