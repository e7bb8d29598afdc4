/*
 * The loop of an import: rows into batches, batches into the sink, results into counts.
 *
 * STATES of a batch: empty → (add_row) filling → (submit) under way → (settle) empty. IMPORT_BATCHES of them take turns,
 * so that reading goes on while the writer commits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "collect/import_guess.h"
#include "collect/import_ordinals.h"
#include "collect/import_reader.h"

enum { FIRST_ROWS = 64, OWN_MAP_BYTES = 1 << 20 };

struct slot {
    struct import_batch batch;
    struct arena arena;
    size_t capacity; /* of the batch's arrays; grows to IMPORT_BATCH_ROWS */
    bool under_way;
};

struct run {
    const struct import_options *options;
    const struct import_sink *sink;
    struct import_reader *reader;
    struct import_ordinals ordinals;
    struct slot slots[IMPORT_BATCHES];
    size_t turn;
    struct import_progress progress;
    int64_t begun_us;
};

static void report(struct run *run) {
    run->reader->class->progress(run->reader, &run->progress.position, &run->progress.size);
    run->progress.seconds = (double)(clock_monotonic_us() - run->begun_us) / 1e6;
    if (run->sink->progress)
        run->sink->progress(run->sink->context, &run->progress);
}

static void count_results(struct run *run, const struct import_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        const struct event_result *result = &batch->results[i];
        switch (result->outcome) {
        case OUTCOME_ACCEPTED: run->progress.accepted++; break;
        case OUTCOME_DUPLICATE: run->progress.duplicates++; break;
        default:
            run->progress.rejected++;
            run->sink->reject(run->sink->context, batch->rows[i], (enum refusal)result->refusal,
                              refusal_text((enum refusal)result->refusal), batch->events[i].raw);
        }
    }
}

/* Waits for a batch that is under way and empties it. */
static int settle(struct run *run, struct slot *slot, struct err *err) {
    if (!slot->under_way)
        return 0;
    slot->under_way = false;
    int code = run->sink->wait(run->sink->context, &slot->batch, err);
    if (code)
        return code;
    count_results(run, &slot->batch);
    report(run);
    slot->batch.n = slot->batch.bytes = 0;
    arena_clear(&slot->arena);
    return 0;
}

static int submit(struct run *run, struct slot *slot, struct err *err) {
    if (!slot->batch.n)
        return 0;
    int code = run->sink->submit(run->sink->context, &slot->batch, err);
    if (code)
        return code;
    slot->under_way = true;
    run->turn = (run->turn + 1) % IMPORT_BATCHES;
    return settle(run, &run->slots[run->turn], err);
}

static struct key128 key_of(struct run *run, const struct event *event) {
    struct key128 row = event_row_key(run->options->key, event);
    if (event->message_id.n)
        return row;
    bool counted = event->has_time || event->type <= EVENT_SCREEN;
    return event_row_key_nth(run->options->key, row,
                             counted ? import_ordinals_next(&run->ordinals, row) : 0);
}

static void make_room(struct slot *slot) {
    struct import_batch *batch = &slot->batch;
    if (batch->n < slot->capacity)
        return;
    slot->capacity = slot->capacity ? slot->capacity * 2 : FIRST_ROWS;
    batch->events = realloc(batch->events, slot->capacity * sizeof *batch->events);
    batch->keys = realloc(batch->keys, slot->capacity * sizeof *batch->keys);
    batch->rows = realloc(batch->rows, slot->capacity * sizeof *batch->rows);
    batch->results = realloc(batch->results, slot->capacity * sizeof *batch->results);
    if (!batch->events || !batch->keys || !batch->rows || !batch->results)
        abort();
}

static int add_row(struct run *run, struct slot *slot, const struct import_row *row,
                   struct err *err) {
    struct import_batch *batch = &slot->batch;
    run->progress.read++;
    if (row->refusal) {
        run->progress.rejected++;
        run->sink->reject(run->sink->context, row->number, row->refusal, row->message, row->raw);
        return 0;
    }
    make_room(slot);
    batch->events[batch->n] = row->event;
    batch->keys[batch->n] = key_of(run, &row->event);
    batch->rows[batch->n] = row->number;
    batch->bytes += row->raw.n + sizeof row->event;
    batch->n++;
    return batch->n == IMPORT_BATCH_ROWS || batch->bytes >= IMPORT_BATCH_BYTES
               ? submit(run, slot, err)
               : 0;
}

static bool is_cancelled(const struct run *run) {
    const atomic_bool *cancelled = run->options->cancelled;
    return cancelled && atomic_load_explicit(cancelled, memory_order_relaxed);
}

static int read_rows(struct run *run, struct err *err) {
    struct import_row row;
    for (;;) {
        struct slot *slot = &run->slots[run->turn];
        if (is_cancelled(run))
            return err_set(err, E_CANCELLED, "the import was cancelled");
        int code = run->reader->class->next(run->reader, &slot->arena, &row, err);
        if (code <= 0)
            return code ? code : submit(run, slot, err);
        code = add_row(run, slot, &row, err);
        if (code)
            return code;
        if (row.refusal && !slot->batch.n && run->progress.rejected % IMPORT_BATCH_ROWS == 0)
            arena_clear(&slot->arena); /* a file of nothing but refusals */
    }
}

static void begin(struct run *run) {
    import_ordinals_init(&run->ordinals);
    for (size_t i = 0; i < IMPORT_BATCHES; i++)
        arena_init(&run->slots[i].arena);
    run->begun_us = clock_monotonic_us();
}

/* Waits for everything under way, also after a failure: the sink may still read the batches. */
static int finish(struct run *run, int code, struct err *err) {
    struct err later;
    for (size_t i = 1; i <= IMPORT_BATCHES; i++) {
        int settled =
            settle(run, &run->slots[(run->turn + i) % IMPORT_BATCHES], code ? &later : err);
        code = code ? code : settled;
    }
    report(run);
    for (size_t i = 0; i < IMPORT_BATCHES; i++) {
        struct slot *slot = &run->slots[i];
        free(slot->batch.events);
        free(slot->batch.keys);
        free(slot->batch.rows);
        free(slot->batch.results);
        arena_release(&slot->arena);
    }
    import_ordinals_release(&run->ordinals);
    return code;
}

static int open_rows(struct run *run, const struct import_file *file, struct import_opened *opened,
                     struct err *err) {
    struct import_map *map = NULL;
    struct table *table = NULL;
    int code = 0;
    enum map_kind kind = import_map_kind(opened->kind);
    struct buf own;
    struct slice text = run->options->map;
    if (!text.p && kind != MAP_RESPONSES) {
        err_at(err, E_INVALID, "/map", "a csv needs a map that says which column is what");
        return err_hint(err, "senda import --guess FILE proposes one.");
    }
    buf_init(&own, OWN_MAP_BYTES);
    if (!text.p) { /* looking at it used the stream up */
        code = import_own_map(file, run->options, opened, &own, err);
        import_stream_close(opened->stream);
        opened->stream = NULL;
        code = code ? code : import_open_file(file, run->options, opened, err);
    }
    if (!code)
        code = import_map_parse(&map, text.p ? text : buf_slice(&own), kind, err);
    buf_release(&own);
    if (!code) /* finds the decimal sign and the format of times where the map does not say them */
        code = import_complete_map(file, run->options, map, err);
    if (!code)
        code = import_open_table(file, run->options, opened, map, &table, err);
    if (!code)
        code = import_open_rows(&run->reader, opened->stream, table, map, run->options, err);
    if (code) {
        table_close(table);
        import_map_free(map);
    }
    return code;
}

static int open_reader(struct run *run, const struct import_file *file, struct err *err) {
    struct import_opened opened;
    int code = import_open_file(file, run->options, &opened, err);
    if (code)
        return code;
    switch (opened.kind) {
    case IMPORT_JSONL:
        code = import_stream_decode(opened.stream, NULL, err);
        if (!code)
            code = import_open_jsonl(&run->reader, opened.stream, run->options, err);
        break;
    case IMPORT_XES: code = import_open_xes(&run->reader, opened.stream, run->options, err); break;
    default: code = open_rows(run, file, &opened, err); break;
    }
    if (code)
        import_stream_close(opened.stream);
    return code;
}

int import_run(const struct import_file *file, const struct import_options *options,
               const struct import_sink *sink, struct import_progress *result, struct err *err) {
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        abort();
    run->options = options;
    run->sink = sink;
    int code = open_reader(run, file, err);
    if (!code) {
        begin(run);
        code = finish(run, read_rows(run, err), err);
        run->reader->class->close(run->reader);
    }
    *result = run->progress;
    free(run);
    return code;
}

void import_result_json(const struct import_progress *result, struct buf *json) {
    buf_add_text(json, "{");
    json_add_name(json, "read");
    json_add_int(json, (int64_t)result->read);
    json_add_name(json, "accepted");
    json_add_int(json, (int64_t)result->accepted);
    json_add_name(json, "duplicates");
    json_add_int(json, (int64_t)result->duplicates);
    json_add_name(json, "rejected");
    json_add_int(json, (int64_t)result->rejected);
    json_add_name(json, "seconds");
    json_add_number(json, (double)(int64_t)(result->seconds * 1000 + 0.5) / 1000);
    buf_add_text(json, "}");
}
