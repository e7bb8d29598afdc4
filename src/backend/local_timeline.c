/*
 * One customer's interactions: gathered from all parts, and told newest first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"
#include "base/time.h"

/* ---- gathering ---- */

struct collector {
    struct collected *rows;
    size_t n, capacity;
};

static void collect(void *opaque, uint32_t owner, const struct run *runs, size_t n_runs) {
    struct collector *collector = opaque;
    (void)owner;
    for (size_t r = 0; r < n_runs; r++) {
        const struct view *view = runs[r].view;
        size_t n = collector->n + runs[r].to - runs[r].from;
        if (n > collector->capacity) {
            collector->capacity = n + n / 2;
            collector->rows =
                realloc(collector->rows, collector->capacity * sizeof *collector->rows);
            if (!collector->rows)
                abort();
        }
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint32_t origin = view->row ? view->row[row] : row;
            collector->rows[collector->n++] = (struct collected){
                view_time_ms(view, row), view->part->seq_base + view->part->seq[origin], view->part,
                origin};
        }
    }
}

static int by_place(const void *a, const void *b) {
    const struct collected *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int question_collect(struct question *question, uint32_t owner, struct collected **rows, size_t *n,
                     struct err *err) {
    static const struct operator collecting = {.customer = collect};
    struct collector collector = {0};
    struct scan_spec spec = {.filter = question->plan->filter,
                             .unordered = true,
                             .by = BY_TOUCHPOINT,
                             .every_column = true};
    struct scan scan;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (!code)
        code = scan_one(&scan, owner, &collecting, &collector, err);
    if (collector.n)
        qsort(collector.rows, collector.n, sizeof *collector.rows, by_place);
    *rows = collector.rows;
    *n = collector.n;
    return code;
}

/* ---- timeline ---- */

/* Rows of the answer, newest first, waiting for what only the log holds. */
struct page {
    const struct question *question;
    const struct collected *rows; /* the last n of the customer's, ascending */
    size_t n;
    uint64_t *seqs; /* ascending, with the index of their row */
    size_t *places;
    size_t at;
    json_t **json; /* [n] */
};

/* hidden takes the names of what the asker is not shown. */
static json_t *properties_json(const struct question *question, const struct row *row,
                               json_t *context, json_t *hidden) {
    static const char escaped[] = "properties.", prefix[] = "context.";
    json_t *properties = json_object();
    struct property_cursor cursor = property_cursor(row);
    uint32_t code;
    struct value value;
    while (property_next(&cursor, &code, &value)) {
        struct slice name =
            dictionary_name(question->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        bool in_context =
            name.n > sizeof prefix - 1 && memcmp(name.p, prefix, sizeof prefix - 1) == 0;
        size_t skip =
            in_context ? sizeof prefix - 1
            : name.n > sizeof escaped - 1 && memcmp(name.p, escaped, sizeof escaped - 1) == 0
                ? sizeof escaped - 1
                : 0;
        bool hides = sight_hides(&question->plan->sight, code);
        json_object_setn_new(in_context ? context : properties, name.p + skip, name.n - skip,
                             hides ? json_null() : json_of_value(&value));
        if (hides)
            json_array_append_new(hidden, json_of_slice(name));
    }
    return properties;
}

static int visit_record(void *opaque, const struct log_record *record) {
    struct page *page = opaque;
    while (page->at < page->n && page->seqs[page->at] < record->row.seq)
        page->at++;
    if (page->at == page->n || page->seqs[page->at] != record->row.seq)
        return 0;
    const struct question *question = page->question;
    const struct collected *place = &page->rows[page->places[page->at]];
    json_t *row = json_object(), *context = json_object(), *hidden = json_array();
    json_object_set_new(row, "time", json_of_instant(record->row.time_ms));
    json_object_set_new(row, "event", json_of_name(question, DICTIONARY_EVENT, record->row.event));
    json_object_set_new(row, "channel",
                        json_of_name(question, DICTIONARY_CHANNEL, record->row.channel));
    json_object_set_new(
        row, "touchpoint",
        json_of_name(question, DICTIONARY_TOUCHPOINT, place->part->touchpoint[place->row]));
    json_object_set_new(row, "unit", json_of_name(question, DICTIONARY_UNIT, record->row.unit));
    json_object_set_new(row, "properties",
                        properties_json(question, &record->row, context, hidden));
    json_object_set_new(row, "message_id",
                        record->message_id.p ? json_of_slice(record->message_id) : json_null());
    if (json_object_size(context))
        json_object_set(row, "context", context);
    if (json_array_size(hidden))
        json_object_set(row, "hidden", hidden);
    json_decref(context);
    json_decref(hidden);
    page->json[page->places[page->at]] = row;
    return 0;
}

struct placed_seq {
    uint64_t seq;
    size_t place;
};

static int by_seq(const void *a, const void *b) {
    const struct placed_seq *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static int fetch_page(struct question *question, const struct collected *rows, size_t n,
                      struct err *err) {
    struct page page = {.question = question, .rows = rows, .n = n};
    struct placed_seq *placed = ARENA_ARRAY(question->arena, struct placed_seq, n);
    page.seqs = ARENA_ARRAY(question->arena, uint64_t, n);
    page.places = ARENA_ARRAY(question->arena, size_t, n);
    page.json = ARENA_ARRAY(question->arena, json_t *, n);
    for (size_t i = 0; i < n; i++)
        placed[i] = (struct placed_seq){rows[i].seq, i};
    qsort(placed, n, sizeof *placed, by_seq);
    for (size_t i = 0; i < n; i++) {
        page.seqs[i] = placed[i].seq;
        page.places[i] = placed[i].place;
    }
    int code = n ? log_fetch(question->folder->log, page.seqs, n, visit_record, &page, err) : 0;
    question->data = json_array();
    for (size_t i = n; i-- > 0;)
        if (page.json[i])
            json_array_append_new(question->data, page.json[i]);
        else if (!code)
            code = err_set(err, E_CORRUPT, "an interaction of the index is missing in the log");
    return code;
}

static bool before_cursor(const struct plan *plan, const struct collected *row) {
    if (!plan->has_before || row->time_ms != plan->before_ms)
        return !plan->has_before || row->time_ms < plan->before_ms;
    return row->seq < plan->before_seq;
}

static int compare_code(const void *a, const void *b) {
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool among(uint16_t code, const uint16_t *codes, uint32_t n) {
    return !codes || (n && bsearch(&code, codes, n, sizeof *codes, compare_code));
}

/* Those of the matcher, in their order. */
static size_t keep_matching(const struct matcher *of, struct collected *rows, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (among(rows[i].part->event[rows[i].row], of->events, of->n_events) &&
            among(rows[i].part->touchpoint[rows[i].row], of->touchpoints, of->n_touchpoints) &&
            among(rows[i].part->channel[rows[i].row], of->channels, of->n_channels) &&
            among(rows[i].part->unit[rows[i].row], of->units, of->n_units))
            rows[kept++] = rows[i];
    return kept;
}

int answer_timeline(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    uint32_t owner;
    struct collected *rows = NULL;
    size_t n = 0;
    int code = customers_find(question->folder->customers, plan->customer, &owner, err);
    if (!code)
        code = question_collect(question, owner, &rows, &n, err);
    if (!code && n == 0 && plan->scoped)
        code = err_set(err, E_NOT_FOUND, "no such customer");
    n = keep_matching(&plan->of, rows, n);
    json_object_set_new(question->meta, "customers", json_integer(n ? 1 : 0));
    json_object_set_new(question->meta, "interactions", json_integer((json_int_t)n));
    while (n && !before_cursor(plan, &rows[n - 1]))
        n--;
    size_t shown = n < plan->limit ? n : plan->limit;
    if (!code)
        code = fetch_page(question, shown ? rows + (n - shown) : rows, shown, err);
    if (!code && shown < n) {
        char text[TIME_TEXT_BYTES];
        time_format(rows[n - shown].time_ms, text);
        json_object_set_new(question->meta, "next",
                            json_sprintf("%s~%llu", text, (unsigned long long)rows[n - shown].seq));
    } else {
        json_object_set_new(question->meta, "next", json_null());
    }
    free(rows);
    return code;
}
