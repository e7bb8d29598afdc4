/*
 * Merging parts: the order and the core columns. See part_merge.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/part_merge.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "timeline/part_file.h"

static uint64_t row_time(const struct part *part, uint32_t row) {
    return (uint64_t)part->sec[row] << 16 | part->ms[row];
}

static uint64_t row_seq(const struct part *part, uint32_t row) {
    return part->seq_base + part->seq[row];
}

/* Sets the slice of the source's customer `at`, without rows outside of the range when cutting; on to the next
 * customer that has rows. */
static void source_settle(const struct merge *merge, struct merge_source *source) {
    const struct part *part = source->part;
    for (; source->at < part->n_customers; source->at++) {
        source->row = part->start[source->at];
        source->end = part->start[source->at + 1];
        if (merge->cut) {
            while (source->row < source->end && !merge_keeps(merge, part, source->row))
                source->row++;
            while (source->row < source->end && !merge_keeps(merge, part, source->end - 1))
                source->end--;
        }
        if (source->row < source->end) {
            source->customer = part->customer[source->at];
            return;
        }
    }
    source->customer = UINT32_MAX;
}

static void sources_rewind(struct merge *merge) {
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        merge->sources[s].at = 0;
        source_settle(merge, &merge->sources[s]);
    }
}

static uint32_t next_customer(const struct merge *merge) {
    uint32_t least = UINT32_MAX;
    for (uint32_t s = 0; s < merge->n_sources; s++)
        least = merge->sources[s].customer < least ? merge->sources[s].customer : least;
    return least;
}

static void header_add_rows(struct part_header *header, const struct part *part, uint32_t row,
                            uint32_t end) {
    for (; row < end; row++) {
        int64_t time_ms = (int64_t)part->sec[row] * 1000 + part->ms[row];
        uint64_t seq = row_seq(part, row);
        header->min_ms = time_ms < header->min_ms ? time_ms : header->min_ms;
        header->max_ms = time_ms > header->max_ms ? time_ms : header->max_ms;
        header->min_seq = seq < header->min_seq ? seq : header->min_seq;
        header->max_seq = seq > header->max_seq ? seq : header->max_seq;
    }
}

static void header_add_part(struct part_header *header, const struct part *part) {
    header->min_ms = part->min_ms < header->min_ms ? part->min_ms : header->min_ms;
    header->max_ms = part->max_ms > header->max_ms ? part->max_ms : header->max_ms;
    header->min_seq = part->min_seq < header->min_seq ? part->min_seq : header->min_seq;
    header->max_seq = part->max_seq > header->max_seq ? part->max_seq : header->max_seq;
}

/* Counts rows and customers of the result. */
static int plan_header(struct merge *merge, struct err *err) {
    struct part_header *header = &merge->plan.header;
    *header = (struct part_header){.kind = merge->kind,
                                   .range_from_ms = merge->from_ms,
                                   .range_to_ms = merge->to_ms,
                                   .min_ms = INT64_MAX,
                                   .max_ms = INT64_MIN,
                                   .min_seq = UINT64_MAX};
    uint64_t rows = 0;
    if (!merge->cut)
        for (uint32_t s = 0; s < merge->n_sources; s++)
            if (merge->sources[s].part->n_rows)
                header_add_part(header, merge->sources[s].part);
    sources_rewind(merge);
    for (uint32_t customer; (customer = next_customer(merge)) != UINT32_MAX;) {
        header->n_customers++;
        header->max_customer = customer;
        for (uint32_t s = 0; s < merge->n_sources; s++) {
            struct merge_source *source = &merge->sources[s];
            if (source->customer != customer)
                continue;
            rows += source->end - source->row;
            if (merge->cut)
                header_add_rows(header, source->part, source->row, source->end);
            source->at++;
            source_settle(merge, source);
        }
    }
    if (!rows)
        header->min_ms = header->max_ms = 0, header->min_seq = 0;
    header->seq_base = header->min_seq;
    if (rows > PART_MAX_ROWS || header->max_seq - header->min_seq > UINT32_MAX)
        return err_set(err, E_TOO_LARGE, "too many interactions for one part");
    header->n_rows = (uint32_t)rows;
    return 0;
}

static int touch_everything(const struct part_body *body, struct err *err) {
    const struct part *part = &body->part;
    uint32_t *codes = calloc(part->n_columns + 1, sizeof *codes);
    if (!codes)
        abort();
    for (uint32_t i = 0; i < part->n_columns; i++)
        codes[i] = part->columns[i].code;
    int code = part_touch(part, COLUMN_ALL, codes, part->n_columns, err);
    free(codes);
    return code;
}

static int plan_guarded(void *context, struct err *err) {
    struct merge *merge = context;
    int code = plan_header(merge, err);
    return code ? code : merge_columns_plan(merge, err);
}

int merge_plan(struct merge **out, enum part_kind kind, int64_t from_ms, int64_t to_ms, bool cut,
               struct part_body *const *parts, size_t n, struct err *err) {
    if (n > MERGE_SOURCES)
        return err_set(err, E_TOO_LARGE, "too many parts to merge at once");
    struct merge *merge = calloc(1, sizeof *merge);
    if (!merge)
        abort();
    merge->kind = kind;
    merge->from_ms = from_ms;
    merge->to_ms = to_ms;
    merge->cut = cut;
    int code = 0;
    for (unsigned array = 0; array < ARRAY_CORE; array++)
        merge->plan.all_zero[array] = true;
    for (size_t i = 0; i < n && !code; i++) {
        merge->sources[merge->n_sources++].part = &parts[i]->part;
        code = touch_everything(parts[i], err);
        for (unsigned array = 0; array < ARRAY_CORE && !code; array++)
            merge->plan.all_zero[array] &= !parts[i]->image->arrays[array].offset;
    }
    if (!code)
        code = part_guard(plan_guarded, merge, err);
    if (code)
        merge_free(merge);
    else
        *out = merge;
    return code;
}

void merge_free(struct merge *merge) {
    if (!merge)
        return;
    merge_columns_free(merge);
    image_free(merge->image);
    free(merge);
}

/* Adds rows [row, row + n) of a source to the chunk; returns how many it took (0: the chunk is full). */
static uint32_t chunk_add(struct merge *merge, uint32_t s, uint32_t row, uint32_t n) {
    struct merge_source *source = &merge->sources[s];
    if (n > MERGE_CHUNK - merge->n_out)
        n = MERGE_CHUNK - merge->n_out;
    uint32_t span = source->last ? row + n - source->last : n;
    if (!n || merge->spans + span > 4 * MERGE_CHUNK)
        return 0;
    if (!source->last)
        source->first = row;
    source->last = row + n;
    merge->spans += span;
    merge->runs[merge->n_runs++] = (struct merge_run){s, row, n, merge->n_out};
    merge->n_out += n;
    return n;
}

/* Where the rows of the source stop that come before row `other_row` of `other`. */
static uint32_t run_end(const struct merge_source *source, const struct merge_source *other) {
    uint64_t time = row_time(other->part, other->row), seq = row_seq(other->part, other->row);
    uint32_t row = source->row + 1; /* the first is known to come before */
    for (; row < source->end; row++) {
        uint64_t here = row_time(source->part, row);
        if (here > time || (here == time && row_seq(source->part, row) > seq))
            break;
    }
    return row;
}

static bool comes_before(const struct merge_source *a, const struct merge_source *b) {
    uint64_t x = row_time(a->part, a->row), y = row_time(b->part, b->row);
    return x != y ? x < y : row_seq(a->part, a->row) < row_seq(b->part, b->row);
}

/* Adds what is left of one customer; false when the chunk is full before its end. */
static bool add_customer(struct merge *merge, uint32_t customer) {
    struct merge_source *mine[MERGE_SOURCES];
    uint32_t n = 0;
    for (uint32_t s = 0; s < merge->n_sources; s++)
        if (merge->sources[s].customer == customer)
            mine[n++] = &merge->sources[s];
    while (n) {
        uint32_t first = 0, second = UINT32_MAX;
        for (uint32_t i = 1; i < n; i++) {
            if (comes_before(mine[i], mine[first])) {
                second = first;
                first = i;
            } else if (second == UINT32_MAX || comes_before(mine[i], mine[second])) {
                second = i;
            }
        }
        struct merge_source *source = mine[first];
        uint32_t end = n == 1 ? source->end : run_end(source, mine[second]);
        uint32_t wanted = end - source->row;
        uint32_t took = chunk_add(merge, (uint32_t)(source - merge->sources), source->row, wanted);
        source->row += took;
        if (took < wanted)
            return false;
        if (source->row == source->end) {
            source->at++;
            source_settle(merge, source);
            mine[first] = mine[--n];
        }
    }
    return true;
}

/* Gathers the next chunk of rows in order. `customer` is the one in progress, or UINT32_MAX. */
static void chunk_gather(struct merge *merge, uint32_t *customer) {
    uint32_t *customers = image_array(merge->image, ARRAY_CUSTOMER);
    uint32_t *start = image_array(merge->image, ARRAY_START);
    merge->out += merge->n_out;
    merge->n_out = merge->n_runs = merge->spans = 0;
    for (uint32_t s = 0; s < merge->n_sources; s++)
        merge->sources[s].first = merge->sources[s].last = 0;
    for (;;) {
        if (*customer == UINT32_MAX) {
            *customer = next_customer(merge);
            if (*customer == UINT32_MAX)
                return;
            customers[merge->n_customers] = *customer;
            start[merge->n_customers++] = merge->out + merge->n_out;
        }
        if (!add_customer(merge, *customer))
            return;
        *customer = UINT32_MAX;
    }
}

static void copy_array(const struct merge *merge, unsigned array, size_t width) {
    char *to = image_array(merge->image, array);
    if (!to)
        return;
    to += merge->out * width;
    const char *from[MERGE_SOURCES] = {0};
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        const struct part *part = merge->sources[s].part;
        const void *columns[ARRAY_CORE] = {
            [ARRAY_SEC] = part->sec,     [ARRAY_MS] = part->ms,
            [ARRAY_EVENT] = part->event, [ARRAY_CHANNEL] = part->channel,
            [ARRAY_UNIT] = part->unit,   [ARRAY_SOURCE] = part->source,
            [ARRAY_TYPE] = part->type,
        };
        from[s] = columns[array];
    }
    for (uint32_t i = 0; i < merge->n_runs; i++) {
        const struct merge_run *run = &merge->runs[i];
        const char *source = from[run->source] + run->row * width;
        char *target = to + run->out * width;
        for (size_t k = 0; k < run->n * width; k++) /* short runs: cheaper than a call */
            target[k] = source[k];
    }
}

static void copy_seq(const struct merge *merge) {
    uint32_t *to = (uint32_t *)image_array(merge->image, ARRAY_SEQ) + merge->out;
    for (uint32_t i = 0; i < merge->n_runs; i++) {
        const struct merge_run *run = &merge->runs[i];
        const struct part *part = merge->sources[run->source].part;
        uint32_t shift = (uint32_t)(part->seq_base - merge->image->header->seq_base);
        for (uint32_t k = 0; k < run->n; k++)
            to[run->out + k] = part->seq[run->row + k] + shift;
    }
}

static void copy_touchpoints(const struct merge *merge, uint16_t *touchpoints) {
    for (uint32_t i = 0; i < merge->n_runs; i++) {
        const struct merge_run *run = &merge->runs[i];
        memcpy(touchpoints + merge->out + run->out,
               merge->sources[run->source].part->touchpoint + run->row, run->n * sizeof(uint16_t));
    }
}

static void fill_inverse(struct merge *merge) {
    uint32_t used = 0;
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        merge->sources[s].inverse = used;
        used += merge->sources[s].last - merge->sources[s].first;
    }
    if (merge->cut)
        memset(merge->inverse, 0xff, used * sizeof *merge->inverse);
    for (uint32_t i = 0; i < merge->n_runs; i++) {
        const struct merge_run *run = &merge->runs[i];
        const struct merge_source *source = &merge->sources[run->source];
        uint32_t *inverse = merge->inverse + source->inverse + (run->row - source->first);
        for (uint32_t k = 0; k < run->n; k++)
            inverse[k] = run->out + k;
    }
}

struct merge_call {
    struct merge *merge;
    uint16_t *touchpoints;
    uint32_t customer; /* in progress */
};

static int chunk_guarded(void *context, struct err *err) {
    (void)err;
    struct merge_call *call = context;
    struct merge *merge = call->merge;
    chunk_gather(merge, &call->customer);
    copy_array(merge, ARRAY_SEC, 4);
    copy_array(merge, ARRAY_MS, 2);
    copy_array(merge, ARRAY_EVENT, 2);
    copy_array(merge, ARRAY_CHANNEL, 2);
    copy_array(merge, ARRAY_UNIT, 2);
    copy_array(merge, ARRAY_SOURCE, 2);
    copy_array(merge, ARRAY_TYPE, 1);
    copy_seq(merge);
    if (call->touchpoints)
        copy_touchpoints(merge, call->touchpoints);
    fill_inverse(merge);
    merge_columns_copy(merge);
    return 0;
}

static int finish_guarded(void *context, struct err *err) {
    (void)err;
    struct merge *merge = context;
    uint32_t *start = image_array(merge->image, ARRAY_START);
    start[merge->n_customers] = merge_rows(merge);
    merge_columns_finish(merge);
    return 0;
}

int merge_run(struct merge *merge, int fd, uint16_t *touchpoints, void (*yield)(void *),
              void *context, struct part_image **image, struct err *err) {
    struct merge_call call = {merge, touchpoints, UINT32_MAX};
    int code = image_new(&merge->image, &merge->plan, fd, err);
    sources_rewind(merge);
    while (!code && merge->out + merge->n_out < merge_rows(merge)) {
        code = part_guard(chunk_guarded, &call, err);
        if (yield)
            yield(context);
    }
    if (!code)
        code = part_guard(finish_guarded, merge, err);
    if (code)
        return code;
    *image = merge->image;
    merge->image = NULL;
    return 0;
}

int merge_in_memory(struct part_body **part, enum part_kind kind, int64_t from_ms, int64_t to_ms,
                    bool cut, struct part_body *const *parts, size_t n, struct err *err) {
    struct merge *merge = NULL;
    int code = merge_plan(&merge, kind, from_ms, to_ms, cut, parts, n, err);
    if (code || !merge)
        return code;
    uint16_t *touchpoints = NULL;
    size_t bytes = merge_rows(merge) * sizeof *touchpoints;
    if (bytes && !part_kind_is_traits(kind)) {
        touchpoints = pages_new(bytes);
        if (!touchpoints)
            abort();
    }
    struct part_image *image = NULL;
    code = merge_run(merge, -1, touchpoints, NULL, NULL, &image, err);
    merge_free(merge);
    if (code) {
        if (touchpoints)
            munmap(touchpoints, bytes);
        return code;
    }
    *part = part_over(image);
    if (touchpoints)
        part_touch_give(*part, n ? parts[0]->part.rules_version : 0, touchpoints);
    return 0;
}
