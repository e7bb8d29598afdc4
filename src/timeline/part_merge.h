/*
 * Several parts of one kind -> one part, column by column, without going back to rows.
 *
 * The order is found at the granularity of customers: the smallest next customer of all sources; if one source has it,
 * its rows are one run, else the slices are merged by (time, seq) into runs. Runs are gathered into a chunk of output
 * rows; then every column is copied for the chunk: core columns run by run, properties through a map from source row to
 * output row. Sources are read forward only, once.
 *
 * With `cut` only the rows inside the range are taken (a slice is sorted by time, so they are one piece of it).
 *
 * COST  15–40 M rows/s of core columns on one core, 5–10 ns a property value; memory: a chunk, and a table from old to
 *       new code for each dictionary.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_PART_MERGE_H
#define SENDA_TIMELINE_PART_MERGE_H

#include "timeline/part_internal.h"

enum { MERGE_SOURCES = 128, MERGE_CHUNK = 64 * 1024 };

struct merge_source {
    const struct part *part;
    uint32_t customer;    /* number of its next customer; UINT32_MAX at the end */
    uint32_t at;          /* place of that in part->customer */
    uint32_t row, end;    /* what is left of the current customer's slice */
    uint32_t first, last; /* rows of the chunk lie in [first, last) */
    uint32_t inverse;     /* where its piece of merge->inverse begins */
};

/* `n` rows of a source that follow each other in the output too. */
struct merge_run {
    uint32_t source, row, n, out;
};

/* One output column. */
struct merge_column {
    const struct part_column **inputs; /* [n_sources], NULL where absent */
    uint16_t **remaps; /* [n_sources] code there -> code here; NULL without a dictionary */
    uint32_t n, texts, text_bytes;   /* written so far */
    uint32_t sealed_n, sealed_bytes; /* of those, sealed */
};

struct merge {
    enum part_kind kind;
    int64_t from_ms, to_ms;
    bool cut;
    uint32_t n_sources;
    struct merge_source sources[MERGE_SOURCES];
    struct part_plan plan;
    struct merge_column *columns; /* [plan.header.n_columns] */
    struct part_image *image;
    /* the chunk */
    uint32_t out, n_out; /* first output row, rows */
    uint32_t n_runs, spans;
    struct merge_run runs[MERGE_CHUNK];
    uint32_t inverse[4 * MERGE_CHUNK]; /* source row - first -> row in chunk, UINT32_MAX: cut */
    uint64_t present[MERGE_CHUNK / 64];
    uint32_t index[MERGE_CHUNK]; /* code, or place in the source's column */
    uint8_t source[MERGE_CHUNK];
    uint32_t n_customers; /* written */
};

/* Checks every checksum of the sources (2 … MERGE_SOURCES, or 1 to cut) and plans the result. The sources must outlive
 * the merge. E_CORRUPT, E_TOO_LARGE (the result would not fit one part). */
must_use int merge_plan(struct merge **merge, enum part_kind kind, int64_t from_ms, int64_t to_ms,
                        bool cut, struct part_body *const *parts, size_t n, struct err *err);
static inline uint32_t merge_rows(const struct merge *merge) { return merge->plan.header.n_rows; }
/* Fills an image in the heap (fd < 0) or in an empty file, and touchpoints[merge_rows] unless NULL. yield, if any, is
 * called between chunks. The image then belongs to the caller. */
must_use int merge_run(struct merge *merge, int fd, uint16_t *touchpoints, void (*yield)(void *),
                       void *context, struct part_image **image, struct err *err);
void merge_free(struct merge *merge);

/* Convenience: in the heap, touchpoints too (of the sources' rules version, which must be one). */
must_use int merge_in_memory(struct part_body **part, enum part_kind kind, int64_t from_ms,
                             int64_t to_ms, bool cut, struct part_body *const *parts, size_t n,
                             struct err *err);

/* part_merge_columns.c */
must_use int merge_columns_plan(struct merge *merge, struct err *err);
void merge_columns_copy(struct merge *merge);
void merge_columns_finish(struct merge *merge);
void merge_columns_free(struct merge *merge);
static inline bool merge_keeps(const struct merge *merge, const struct part *part, uint32_t row) {
    int64_t time_ms = (int64_t)part->sec[row] * 1000 + part->ms[row];
    return !merge->cut || (time_ms >= merge->from_ms && time_ms < merge->to_ms);
}

#endif
