/*
 * Guessing a map. See import_guess.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_guess.h"
#include "collect/import_reviews.h"

#include <stdio.h>

#include "base/json_out.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import_reader.h"

enum {
    PREVIEW_ROWS = 10,
    PREVIEW_GATHERED = 5000,
    SAMPLE_SHOWN = 8,
    REJECTED_SHOWN = 10,
    SHOWN_BYTES = 200
};

/* ---- the answer ---- */

static void add_value(struct buf *json, const struct value *value) {
    switch (value->type) {
    case VALUE_FALSE: buf_add_text(json, "false"); break;
    case VALUE_TRUE: buf_add_text(json, "true"); break;
    case VALUE_INT: json_add_int(json, value->integer); break;
    case VALUE_NUMBER: json_add_number(json, value->number); break;
    case VALUE_TEXT: json_add_text(json, value->text); break;
    case VALUE_JSON: buf_add_slice(json, value->text); break;
    default: buf_add_text(json, "null"); break;
    }
}

static void add_columns(const struct sample *sample, struct buf *json) {
    static const char *const kinds[] = {"empty", "integer", "decimal", "time", "text"};
    json_add_name(json, "columns");
    buf_add_char(json, '[');
    for (size_t i = 0; i < sample->header.n; i++) {
        const struct sample_column *column = &sample->columns[i];
        buf_add_text(json, i ? ",{" : "{");
        json_add_name(json, "name");
        json_add_text(json, column->name);
        json_add_name(json, "kind");
        json_add_text(json, slice_of(kinds[column->kind]));
        json_add_name(json, "filled");
        json_add_int(json, (int64_t)column->filled);
        json_add_name(json, "distinct");
        json_add_int(json, (int64_t)column->distinct);
        json_add_name(json, "examples");
        buf_add_char(json, '[');
        for (size_t k = 0; k < column->n_examples; k++) {
            buf_add_text(json, k ? "," : "");
            json_add_text(json, utf8_cut(column->examples[k], SHOWN_BYTES));
        }
        buf_add_text(json, "]}");
    }
    buf_add_char(json, ']');
}

static void add_sample(const struct sample *sample, struct buf *json) {
    json_add_name(json, "sample");
    buf_add_char(json, '[');
    for (size_t i = 0; i < sample->n_rows && i < SAMPLE_SHOWN; i++) {
        buf_add_text(json, i ? ",[" : "[");
        for (size_t c = 0; c < sample->header.n; c++) {
            buf_add_text(json, c ? "," : "");
            json_add_text(json, c < sample->rows[i].n
                                    ? utf8_cut(sample->rows[i].cells[c], SHOWN_BYTES)
                                    : (struct slice){"", 0});
        }
        buf_add_char(json, ']');
    }
    buf_add_char(json, ']');
}

static void add_preview_row(struct buf *json, const struct import_row *row) {
    const struct event *event = &row->event;
    char time[TIME_TEXT_BYTES];
    time_format(event->time_ms, time);
    buf_add_text(json, "{");
    json_add_name(json, "row");
    json_add_int(json, (int64_t)row->number);
    json_add_name(json, "customer");
    json_add_text(json, event->user_id.p ? event->user_id : event->anonymous_id);
    json_add_name(json, "time");
    json_add_text(json, event->has_time ? slice_of(time) : (struct slice){NULL, 0});
    json_add_name(json, "event");
    json_add_text(json, event->name);
    const struct slice extra[] = {event->channel, event->touchpoint, event->unit};
    static const char *const names[] = {"channel", "touchpoint", "unit"};
    for (int i = 0; i < 3; i++)
        if (extra[i].p) {
            json_add_name(json, names[i]);
            json_add_text(json, extra[i]);
        }
    json_add_name(json, "properties");
    buf_add_char(json, '{');
    for (size_t i = 0; i < event->n_properties; i++) {
        buf_add_text(json, i ? "," : "");
        json_add_text(json, event->properties[i].name);
        buf_add_char(json, ':');
        add_value(json, &event->properties[i].value);
    }
    buf_add_text(json, "}}");
}

static void add_rejected_row(struct buf *json, const struct import_row *row) {
    buf_add_text(json, "{");
    json_add_name(json, "row");
    json_add_int(json, (int64_t)row->number);
    json_add_name(json, "code");
    json_add_text(json, slice_of(refusal_code(row->refusal)));
    json_add_name(json, "message");
    json_add_text(json, slice_of(row->message));
    buf_add_char(json, '}');
}

/* The first rows as events, and those that would be refused. */
static int add_preview(struct import_reader *reader, struct buf *json, struct err *err) {
    struct arena arena;
    struct buf rejected;
    size_t shown = 0, refused = 0;
    int code = 1;
    arena_init(&arena);
    buf_init(&rejected, 1 << 20);
    json_add_name(json, "preview");
    buf_add_char(json, '[');
    for (int i = 0; i < SAMPLE_ROWS && code == 1; i++) {
        struct import_row row;
        arena_clear(&arena);
        code = reader->class->next(reader, &arena, &row, err);
        if (code != 1)
            break;
        if (row.refusal && refused < REJECTED_SHOWN) {
            buf_add_text(&rejected, refused++ ? "," : "");
            add_rejected_row(&rejected, &row);
        } else if (!row.refusal && shown < PREVIEW_ROWS) {
            buf_add_text(json, shown++ ? "," : "");
            add_preview_row(json, &row);
        }
    }
    buf_add_char(json, ']');
    json_add_name(json, "rejected");
    buf_add_char(json, '[');
    buf_add_slice(json, buf_slice(&rejected));
    buf_add_char(json, ']');
    buf_release(&rejected);
    arena_release(&arena);
    return code < 0 ? code : 0;
}

static int preview_map(const struct import_file *file, const struct import_options *options,
                       struct slice map_json, enum map_kind kind, struct buf *json,
                       struct err *err) {
    struct import_map *map = NULL;
    struct import_opened opened = {0};
    struct table *table = NULL;
    struct import_reader *reader = NULL;
    struct import_options look = *options;
    look.most_rows = PREVIEW_GATHERED;
    int code = import_map_parse(&map, map_json, kind, err);
    if (!code)
        code = import_complete_map(file, options, map, err);
    if (!code)
        code = import_open_file(file, options, &opened, err);
    if (!code)
        code = import_open_table(file, options, &opened, map, &table, err);
    if (!code)
        code = import_open_rows(&reader, opened.stream, table, map, &look, err);
    if (code) {
        table_close(table);
        import_map_free(map);
        import_stream_close(opened.stream);
        return code;
    }
    code = add_preview(reader, json, err);
    reader->class->close(reader);
    return code;
}

static void add_note(struct buf *json, size_t *n, const char *text) {
    buf_add_text(json, (*n)++ ? "," : "");
    json_add_text(json, slice_of(text));
}

static void add_notes(const struct sample *sample, const struct guess *guess, enum map_kind kind,
                      struct buf *json) {
    bool customers = kind == MAP_CUSTOMERS, reviews = kind == MAP_REVIEWS;
    size_t n = 0;
    int time = guess->columns[MAP_TIME];
    json_add_name(json, "notes");
    buf_add_char(json, '[');
    if (!sample->n_rows)
        add_note(json, &n, "no_rows");
    if (sample->bare)
        add_note(json, &n, "no_header");
    if (sample->header_row)
        add_note(json, &n, "titles");
    if (guess->columns[MAP_CUSTOMER] < 0 && !reviews)
        add_note(json, &n, "no_customer");
    if (!customers && time < 0)
        add_note(json, &n, "no_time");
    if (!customers && !reviews && guess->columns[MAP_EVENT] < 0)
        add_note(json, &n, "no_event");
    if (time >= 0 && sample->columns[time].day_first_doubtful)
        add_note(json, &n, "day_or_month_first");
    buf_add_char(json, ']');
}

static void add_confidence(const struct guess *guess, struct buf *json) {
    static const char *const members[MAP_PARTS] = {
#define X(name, member, max) member,
        MAP_TABLE(X)
#undef X
    };
    json_add_name(json, "confidence");
    buf_add_char(json, '{');
    for (int part = 0; part < MAP_PARTS; part++)
        if (guess->confidence[part] > 0) {
            json_add_name(json, members[part]);
            json_add_number(json, (double)(int)(guess->confidence[part] * 100 + 0.5) / 100);
        }
    buf_add_char(json, '}');
}

static void add_head(const struct sample *sample, enum map_kind kind, struct buf *json) {
    static const char *const formats[] = {[MAP_INTERACTIONS] = "csv",
                                          [MAP_CUSTOMERS] = "customers-csv",
                                          [MAP_RESPONSES] = "responses-csv",
                                          [MAP_REVIEWS] = "reviews-csv"};
    json_add_name(json, "format");
    json_add_text(json, slice_of(formats[kind]));
    json_add_name(json, "encoding");
    json_add_text(json, sample->encoding[0] ? slice_of(sample->encoding) : (struct slice){NULL, 0});
    json_add_name(json, "delimiter");
    json_add_text(json, sample->delimiter ? (struct slice){&sample->delimiter, 1}
                                          : (struct slice){NULL, 0});
    json_add_name(json, "decimal");
    json_add_text(json, (struct slice){&sample->decimal, 1});
    json_add_name(json, "sheets");
    buf_add_char(json, '[');
    for (size_t i = 0; sample->sheets && sample->sheets[i]; i++) {
        buf_add_text(json, i ? "," : "");
        json_add_text(json, slice_of(sample->sheets[i]));
    }
    buf_add_char(json, ']');
}

static struct slice words_of_file(struct sample *sample, const struct import_file *file) {
    const char *name = file->name ? file->name : file->path ? file->path : "";
    const char *slash = strrchr(name, '/');
    return sample_words(sample, slice_of(slash ? slash + 1 : name));
}

/* The proposal; a table that nobody called interactions may turn out to be one of customers. */
static void propose(struct sample *sample, const struct import_file *file, bool asked,
                    bool *customers, struct guess *guess) {
    struct slice file_words = words_of_file(sample, file);
    guess_parts(sample, *customers, file_words, guess);
    if (asked || *customers || !guess_is_customers(sample, guess))
        return;
    *customers = true;
    guess_parts(sample, true, file_words, guess);
}

static int guess_table(const struct import_file *file, const struct import_options *options,
                       struct import_opened *opened, struct buf *json, struct err *err) {
    enum map_kind kind = import_map_kind(opened->kind);
    bool customers = kind == MAP_CUSTOMERS;
    struct import_map *said = NULL;
    struct sample sample;
    struct guess guess;
    int code = options->map.p ? import_map_parse(&said, options->map, kind, err) : 0;
    if (!code)
        code = sample_read(&sample, file, options, opened, said, err);
    import_map_free(said);
    if (code)
        return code;
    struct buf map;
    buf_init(&map, 1 << 20);
    propose(&sample, file, options->format || options->map.p, &customers, &guess);
    bool own = !options->map.p && (kind == MAP_RESPONSES || !options->format) &&
               guess_own_json(&sample, &map);
    if (kind == MAP_RESPONSES && !own && !options->map.p)
        code = err_at(err, E_INVALID, "/map", "which column answers which question must be said");
    if (code) {
        buf_release(&map);
        sample_release(&sample);
        return code;
    }
    if (own)
        kind = MAP_RESPONSES;
    else if (customers)
        kind = MAP_CUSTOMERS;
    else if (!options->format && !options->map.p && guess_is_reviews(&sample))
        kind = MAP_REVIEWS;
    bool whole = (customers || guess.columns[MAP_TIME] >= 0) &&
                 (kind == MAP_REVIEWS || guess.columns[MAP_CUSTOMER] >= 0);
    whole |= own;
    if (options->map.p)
        buf_add_slice(&map, options->map);
    else if (own)
        ;
    else if (kind == MAP_REVIEWS)
        whole &= guess_reviews_json(&sample, &guess, &map);
    else
        guess_map_json(&sample, &guess, customers, &map);
    add_head(&sample, kind, json);
    add_columns(&sample, json);
    add_sample(&sample, json);
    json_add_name(json, "map");
    buf_add_slice(json, buf_slice(&map));
    add_confidence(&guess, json);
    add_notes(&sample, &guess, kind, json);
    if (options->map.p || whole)
        code = preview_map(file, options, options->map.p ? options->map : buf_slice(&map), kind,
                           json, err);
    else
        buf_add_text(json, ",\"preview\":[],\"rejected\":[]");
    buf_release(&map);
    sample_release(&sample);
    return code;
}

static int guess_events(const struct import_options *options, struct import_opened *opened,
                        struct buf *json, struct err *err) {
    struct import_reader *reader = NULL;
    bool lines = opened->kind == IMPORT_JSONL;
    int code = lines ? import_stream_decode(opened->stream, NULL, err) : 0;
    if (!code)
        code = lines ? import_open_jsonl(&reader, opened->stream, options, err)
                     : import_open_xes(&reader, opened->stream, options, err);
    if (code)
        return code;
    opened->stream = NULL; /* the reader's */
    json_add_name(json, "format");
    json_add_text(json, slice_of(lines ? "jsonl" : "xes"));
    buf_add_text(json, ",\"columns\":[],\"map\":null,\"notes\":[]");
    code = add_preview(reader, json, err);
    reader->class->close(reader);
    return code;
}

int import_guess(const struct import_file *file, const struct import_options *options,
                 struct buf *json, struct err *err) {
    struct import_opened opened;
    int code = import_open_file(file, options, &opened, err);
    if (code)
        return code;
    buf_add_char(json, '{');
    code = opened.kind != IMPORT_JSONL && opened.kind != IMPORT_XES
               ? guess_table(file, options, &opened, json, err)
               : guess_events(options, &opened, json, err);
    buf_add_char(json, '}');
    import_stream_close(opened.stream);
    return code;
}
