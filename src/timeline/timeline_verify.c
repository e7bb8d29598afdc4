/*
 * Checking the index against the log: every checksum, the order inside each part, and that both hold the same rows.
 *
 * Rows are compared by sums: each row, with the properties that parts keep, has a hash; per cell the number of rows and
 * the sum of their hashes must be the same in the parts as in the log, in whatever order they come. Touchpoints are
 * derived again and compared.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "timeline/timeline_internal.h"

enum { YIELD_ROWS = 1 << 16 };

struct tally {
    uint64_t rows, sum;
};

struct verify {
    struct timeline *timeline;
    struct view *view;
    struct buf *findings;
    bool cells[CELLS]; /* wrong */
    struct tally parts[CELLS], log[CELLS];
};

static uint64_t row_hash(const struct row *row) {
    const uint64_t fields[] = {row->seq, (uint64_t)row->time_ms,
                               (uint64_t)row->customer << 32 | row->type,
                               (uint64_t)row->event << 48 | (uint64_t)row->channel << 32 |
                                   (uint64_t)row->unit << 16 | row->source};
    return hash_bytes(fields, sizeof fields);
}

static uint64_t property_hash(uint64_t seq, uint32_t code, const struct value *value) {
    uint64_t content =
        value->type == VALUE_TEXT ? hash_bytes(value->text.p, value->text.n) : value_payload(value);
    const uint64_t fields[] = {seq, (uint64_t)code << 8 | value->type, content};
    return hash_bytes(fields, sizeof fields);
}

static int tally_record(void *context, const struct log_record *record) {
    struct verify *verify = context;
    const struct row *row = &record->row;
    if (row->type == ROW_GONE)
        return 0;
    enum part_kind kind = part_kind_of(row->type);
    uint32_t cell = cell_of(kind, range_of(&verify->view->boundaries, row->time_ms));
    struct tally *tally = &verify->log[cell];
    uint64_t last[LIMIT_EVENT_PROPERTIES + 64];
    uint32_t codes[LIMIT_EVENT_PROPERTIES + 64], n = 0, code;
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    while (property_next(&cursor, &code, &value)) {
        if (!part_keeps(code) ||
            (!part_kind_is_traits(kind) && (value.type == VALUE_JSON || value.type == VALUE_NULL)))
            continue;
        uint32_t i = 0;
        while (i < n && codes[i] != code) /* twice in a row: the last counts */
            i++;
        if (i == sizeof codes / sizeof codes[0])
            continue;
        n += i == n;
        codes[i] = code;
        last[i] = property_hash(row->seq, code, &value);
    }
    if (row->seq % YIELD_ROWS == 0)
        yield_to_head(verify->timeline);
    tally->rows++;
    tally->sum += row_hash(row);
    for (uint32_t i = 0; i < n; i++)
        tally->sum += last[i];
    return 0;
}

static void tally_column(const struct part *part, const struct part_column *column,
                         struct tally *tally) {
    uint32_t k = 0;
    for (uint32_t row = 0; row < part->n_rows && k < column->n; row++) {
        bool present =
            column->bitmap ? column->bitmap[row / 64] >> row % 64 & 1 : column->rows[k] == row;
        if (!present)
            continue;
        struct value value = part_column_value(column, k++);
        tally->sum += property_hash(part->seq_base + part->seq[row], column->code, &value);
    }
}

/* Adds a part's rows; false when they are out of order or out of their bounds. */
static bool tally_part(const struct part *part, struct tally *tally) {
    bool good = true;
    for (uint32_t c = 0; c < part->n_customers; c++)
        for (uint32_t i = part->start[c]; i < part->start[c + 1]; i++) {
            struct row row = {.seq = part->seq_base + part->seq[i],
                              .time_ms = (int64_t)part->sec[i] * 1000 + part->ms[i],
                              .customer = part->customer[c],
                              .event = part->event[i],
                              .channel = part->channel[i],
                              .unit = part->unit[i],
                              .source = part->source[i],
                              .type = part->type[i]};
            good &= row.time_ms >= part->min_ms && row.time_ms <= part->max_ms &&
                    row.time_ms >= part->range_from_ms && row.time_ms < part->range_to_ms;
            if (i > part->start[c])
                good &= part->sec[i] > part->sec[i - 1] ||
                        (part->sec[i] == part->sec[i - 1] &&
                         (part->ms[i] > part->ms[i - 1] ||
                          (part->ms[i] == part->ms[i - 1] && part->seq[i] > part->seq[i - 1])));
            tally->sum += row_hash(&row);
            tally->rows++;
        }
    for (uint32_t i = 0; i < part->n_columns; i++)
        tally_column(part, &part->columns[i], tally);
    return good;
}

struct verify_call {
    struct verify *verify;
    const struct part *part;
    struct tally *tally;
    bool good;
};

static int tally_guarded(void *context, struct err *err) {
    (void)err;
    struct verify_call *call = context;
    call->good = tally_part(call->part, call->tally);
    return 0;
}

static int touch_all(const struct part *part, struct err *err) {
    uint32_t *codes = calloc(part->n_columns + 1, sizeof *codes);
    if (!codes)
        abort();
    for (uint32_t i = 0; i < part->n_columns; i++)
        codes[i] = part->columns[i].code;
    int code = part_touch(part, COLUMN_ALL, codes, part->n_columns, err);
    free(codes);
    return code;
}

/* Forgets what was checked before, so that the files are read again. */
static void forget_checks(struct part_body *part) {
    if (!part->image || !part->image->checked)
        return;
    for (unsigned i = 0; i < image_arrays(part->image->header->n_columns); i++)
        atomic_store(&part->image->checked[i], 0);
    if (part->touchpoints.codes)
        atomic_store(&part->touchpoints.checked, part->touchpoints.codes == part_zeros());
}

static bool touchpoints_agree(struct timeline *timeline, const struct view *view,
                              const struct part *part) {
    uint16_t *codes = calloc(part->n_rows + 1, sizeof *codes);
    struct err err;
    if (!codes)
        abort();
    bool agree = part_kind_is_traits(part->kind) ||
                 (!touchpoint_apply(view->rules, timeline->dictionary, part, codes, &err) &&
                  memcmp(codes, part->touchpoint, part->n_rows * sizeof *codes) == 0);
    free(codes);
    return agree;
}

static void verify_part(struct timeline *timeline, struct verify *verify, struct part_body *body) {
    const struct part *part = &body->part;
    uint32_t cell = part_cell(verify->view, body);
    struct err err = {0};
    forget_checks(body);
    struct verify_call call = {verify, part, &verify->parts[cell], true};
    int code = touch_all(part, &err);
    if (!code)
        code = part_guard(tally_guarded, &call, &err);
    if (code)
        buf_add_format(verify->findings, "part %u: %s\n", body->number, err.message);
    else if (!call.good)
        buf_add_format(verify->findings, "part %u: rows are out of order\n", body->number);
    else if (!touchpoints_agree(timeline, verify->view, part))
        buf_add_format(verify->findings, "part %u: touchpoints do not follow the rules\n",
                       body->number);
    else
        return;
    verify->cells[cell] = true;
}

static bool compare_tallies(struct verify *verify) {
    bool any = false;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        const struct tally *parts = &verify->parts[cell], *log = &verify->log[cell];
        if (!verify->cells[cell] && (parts->rows != log->rows || parts->sum != log->sum)) {
            verify->cells[cell] = true;
            buf_add_format(verify->findings,
                           "range %u of %s: %" PRIu64 " rows in parts, %" PRIu64 " in the log%s\n",
                           cell % LIMIT_TIME_RANGES,
                           cell < LIMIT_TIME_RANGES ? "interactions" : "traits", parts->rows,
                           log->rows, parts->rows == log->rows ? ", with other content" : "");
        }
        any |= verify->cells[cell];
    }
    return any;
}

int timeline_verify(struct timeline *timeline, bool repair, struct buf *findings, struct err *err) {
    pthread_mutex_lock(&timeline->work);
    struct verify verify = {
        .timeline = timeline, .view = timeline_view(timeline), .findings = findings};
    if (timeline->mended && !repair)
        buf_add_format(findings, "%u damaged parts were rebuilt from the log while opening\n",
                       timeline->mended);
    timeline->mended = 0;
    for (size_t i = 0; i < verify.view->n; i++)
        if (part_is_file(verify.view->parts[i])) {
            verify_part(timeline, &verify, verify.view->parts[i]);
            yield_to_head(timeline);
        }
    int code = 0;
    if (verify.view->covered)
        code = log_read(timeline->log, 1, verify.view->covered + 1, tally_record, &verify, err);
    if (!code && compare_tallies(&verify) && repair) {
        code = timeline_rebuild(timeline, verify.cells, NULL, NULL, err);
        if (!code)
            buf_add_text(findings, "rebuilt from the log\n");
    }
    view_release(verify.view);
    pthread_mutex_unlock(&timeline->work);
    return code;
}
