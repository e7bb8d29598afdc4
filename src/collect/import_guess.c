/*
 * Guessing a map. See import_guess.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_guess.h"

#include <stdio.h>

#include "base/json_out.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import_reader.h"

enum {
    PREVIEW_ROWS = 10,
    SAMPLE_SHOWN = 8,
    REJECTED_SHOWN = 10,
    SHOWN_BYTES = 200,
    WORDS_MAX = 50
};
#define SURE 0.5 /* below, nothing is proposed */

/* Words for the parts, the best first, in Spanish and English; compared with the words of a column's name. "=" in front:
 * only the whole name. */
static const char *const words[MAP_PARTS][WORDS_MAX] = {
    [MAP_CUSTOMER] = {"case:concept:name",
                      "customer id",
                      "customerid",
                      "customer",
                      "id cliente",
                      "cliente id",
                      "idcliente",
                      "codigo cliente",
                      "código cliente",
                      "cod cliente",
                      "num cliente",
                      "cliente",
                      "user id",
                      "userid",
                      "user",
                      "id usuario",
                      "usuario",
                      "case id",
                      "caseid",
                      "case",
                      "id caso",
                      "caso",
                      "client id",
                      "clientid",
                      "client",
                      "visitor id",
                      "visitorid",
                      "visitor",
                      "fullvisitorid",
                      "member id",
                      "socio",
                      "abonado",
                      "contact id",
                      "contacto",
                      "account id",
                      "patient",
                      "paciente",
                      "cust",
                      "custid",
                      "masterid",
                      "respnum",
                      "=email",
                      "=correo",
                      "=session id",
                      "=id"},
    [MAP_TIME] = {"time:timestamp", "timestamp",    "event time",
                  "datetime",       "date time",    "fecha hora",
                  "fecha y hora",   "fecha",        "time",
                  "date",           "fecha evento", "event date",
                  "occurred at",    "created at",   "created",
                  "instante",       "momento",      "fecha creacion",
                  "fecha creación", "fecha pedido", "order date",
                  "invoicedate",    "fecha compra", "visited at",
                  "visit time",     "hora"},
    [MAP_EVENT] = {"concept:name", "activity",      "actividad",  "event name",  "event",
                   "evento",       "nombre evento", "action",     "accion",      "acción",
                   "step",         "paso",          "etapa",      "fase",        "operacion",
                   "operación",    "task",          "tarea",      "handling",    "page",
                   "pagina",       "página",        "event type", "tipo evento", "=tipo",
                   "=type",        "=estado",       "=status"},
    [MAP_CHANNEL] = {"channel", "canal", "case:channel", "medio"},
    [MAP_TOUCHPOINT] = {"touchpoint", "touch point", "punto de contacto", "contact point"},
    [MAP_UNIT] = {"unit", "unidad", "store", "tienda", "branch", "sucursal", "oficina", "office",
                  "centro", "shop"},
    [MAP_MESSAGE_ID] = {"message id", "messageid", "event id", "eventid", "id evento", "uuid",
                        "transaction id", "id transaccion", "id transacción"},
};

/* 1 the whole name, less down the list; 0.7 of that as whole words inside the name. */
static double name_score(struct slice name, const char *const *list) {
    double best = 0;
    for (int i = 0; i < WORDS_MAX && list[i]; i++) {
        bool whole_only = list[i][0] == '=';
        struct slice word = slice_of(list[i] + whole_only);
        double rank = 1 - 0.004 * i;
        if (slice_equal(name, word)) {
            best = rank > best ? rank : best;
            continue;
        }
        if (word.n < 3 || whole_only)
            continue;
        const char *at = memmem(name.p, name.n, word.p, word.n);
        bool whole = at && (at == name.p || at[-1] == ' ') &&
                     (at + word.n == name.p + name.n || at[word.n] == ' ');
        if (whole && 0.7 * rank > best)
            best = 0.7 * rank;
    }
    return best;
}

/* Something to name by: short, nearly always there, neither time nor amount. */
static bool can_name(const struct sample_column *column, double filled, double length) {
    return column->kind != CELLS_TIME && column->kind != CELLS_DECIMAL && filled >= 0.8 &&
           length <= 100;
}

static double content_score(const struct sample *sample, const struct sample_column *column,
                            enum map_part part) {
    double rows = sample->n_rows ? (double)sample->n_rows : 1;
    double filled = (double)column->filled / rows, distinct = (double)column->distinct / rows;
    double length = column->filled ? (double)column->bytes / (double)column->filled : 0;
    bool few = column->distinct <= 100 && length < 80;
    switch (part) {
    case MAP_CUSTOMER:
        return !can_name(column, filled, length) ? 0 : column->distinct < 2 && rows > 5 ? 0.3 : 1;
    case MAP_TIME: return column->time_format && filled >= 0.8;
    case MAP_EVENT:
        if (!can_name(column, filled, length))
            return 0;
        return column->kind == CELLS_INTEGER || (distinct > 0.9 && rows > 20) ? 0.5 : 1;
    case MAP_CHANNEL:
    case MAP_TOUCHPOINT:
    case MAP_UNIT: return column->kind != CELLS_TIME && column->filled && few;
    default: return filled >= 0.99 && distinct > 0.99 && column->kind != CELLS_TIME;
    }
}

/* Without a telling name: the only column that can be the time. */
static void guess_only_time(const struct sample *sample, struct guess *guess) {
    int only = -1;
    for (size_t i = 0; i < sample->header.n; i++)
        if (sample->columns[i].kind == CELLS_TIME &&
            content_score(sample, &sample->columns[i], MAP_TIME) > 0) {
            if (only >= 0)
                return;
            only = (int)i;
        }
    if (only >= 0 && guess->confidence[MAP_TIME] < SURE) {
        guess->columns[MAP_TIME] = only;
        guess->confidence[MAP_TIME] = 0.6;
    }
}

void guess_parts(const struct sample *sample, bool customers, struct guess *guess) {
    static const enum map_part order[] = {MAP_TIME,       MAP_CUSTOMER, MAP_EVENT,     MAP_CHANNEL,
                                          MAP_TOUCHPOINT, MAP_UNIT,     MAP_MESSAGE_ID};
    for (int i = 0; i < MAP_PARTS; i++) {
        guess->columns[i] = -1;
        guess->confidence[i] = 0;
    }
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        enum map_part part = order[k];
        if (customers && part != MAP_CUSTOMER)
            continue;
        for (size_t i = 0; i < sample->header.n; i++) {
            bool taken = false;
            for (int other = 0; other < MAP_PARTS; other++)
                taken |= guess->columns[other] == (int)i;
            double score = taken ? 0
                                 : name_score(sample->columns[i].words, words[part]) *
                                       content_score(sample, &sample->columns[i], part);
            if (score > guess->confidence[part] && score >= SURE) {
                guess->columns[part] = (int)i;
                guess->confidence[part] = score;
            }
        }
        if (part == MAP_TIME)
            guess_only_time(sample, guess);
    }
}

/* A column that is a code although it looks like a number. */
static bool is_code(const struct sample_column *column) {
    static const char *const codes[] = {"zip",           "postcode", "postal",   "codigo postal",
                                        "código postal", "cp",       "telefono", "teléfono",
                                        "phone",         "movil",    "móvil",    "iban",
                                        "nif",           "dni",      "zip code", "postal code"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (slice_is(column->words, codes[i]))
            return true;
    return column->leading_zeros;
}

static void add_types(const struct sample *sample, const struct guess *guess, struct buf *json) {
    bool any = false;
    for (size_t i = 0; i < sample->header.n; i++) {
        bool taken = false;
        for (int part = 0; part < MAP_PARTS; part++)
            taken |= guess->columns[part] == (int)i;
        if (taken || !sample->columns[i].name.n || !is_code(&sample->columns[i]))
            continue;
        if (!any) {
            json_add_name(json, "types");
            buf_add_char(json, '{');
        } else {
            buf_add_char(json, ',');
        }
        any = true;
        json_add_text(json, sample->columns[i].name);
        buf_add_text(json, ":\"string\"");
    }
    if (any)
        buf_add_char(json, '}');
}

void guess_map_json(const struct sample *sample, const struct guess *guess, bool customers,
                    struct buf *json) {
    static const char *const members[MAP_PARTS] = {
#define X(name, member, max) member,
        MAP_TABLE(X)
#undef X
    };
    buf_add_char(json, '{');
    for (int part = 0; part < MAP_PARTS; part++) {
        int column = guess->columns[part];
        bool needed =
            part == MAP_CUSTOMER || (!customers && (part == MAP_TIME || part == MAP_EVENT));
        if (column < 0 && !needed)
            continue;
        json_add_name(json, members[part]);
        json_add_text(json, column < 0 ? (struct slice){NULL, 0} : sample->columns[column].name);
        if (part == MAP_TIME && column >= 0) {
            json_add_name(json, "time_format");
            json_add_text(json, slice_of(sample->columns[column].time_format));
        }
    }
    json_add_name(json, customers ? "traits" : "properties");
    buf_add_text(json, "\"*\"");
    add_types(sample, guess, json);
    if (sample->delimiter) {
        json_add_name(json, "delimiter");
        json_add_text(json, (struct slice){&sample->delimiter, 1});
        json_add_name(json, "encoding");
        json_add_text(json, slice_of(sample->encoding));
    }
    if (sample->decimal == ',') {
        json_add_name(json, "decimal");
        buf_add_text(json, "\",\"");
    }
    buf_add_char(json, '}');
}

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
    int code = import_map_parse(&map, map_json, kind, err);
    if (!code)
        code = import_complete_map(file, options, map, err);
    if (!code)
        code = import_open_file(file, options, &opened, err);
    if (!code)
        code = import_open_table(file, options, &opened, map, &table, err);
    if (!code)
        code = import_open_rows(&reader, opened.stream, table, map, options, err);
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

static void add_notes(const struct sample *sample, const struct guess *guess, bool customers,
                      struct buf *json) {
    size_t n = 0;
    int time = guess->columns[MAP_TIME];
    json_add_name(json, "notes");
    buf_add_char(json, '[');
    if (guess->columns[MAP_CUSTOMER] < 0)
        add_note(json, &n, "no_customer");
    if (!customers && time < 0)
        add_note(json, &n, "no_time");
    if (!customers && guess->columns[MAP_EVENT] < 0)
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
        if (guess->columns[part] >= 0) {
            json_add_name(json, members[part]);
            json_add_number(json, (double)(int)(guess->confidence[part] * 100 + 0.5) / 100);
        }
    buf_add_char(json, '}');
}

static void add_head(const struct sample *sample, enum map_kind kind, struct buf *json) {
    static const char *const formats[] = {[MAP_INTERACTIONS] = "csv",
                                          [MAP_CUSTOMERS] = "customers-csv",
                                          [MAP_RESPONSES] = "responses-csv"};
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

static int guess_table(const struct import_file *file, const struct import_options *options,
                       struct import_opened *opened, struct buf *json, struct err *err) {
    enum map_kind kind = import_map_kind(opened->kind);
    bool customers = kind == MAP_CUSTOMERS;
    struct import_map *said = NULL;
    struct sample sample;
    struct guess guess;
    if (kind == MAP_RESPONSES && !options->map.p)
        return err_at(err, E_INVALID, "/map", "which column answers which question must be said");
    int code = options->map.p ? import_map_parse(&said, options->map, kind, err) : 0;
    if (!code)
        code = sample_read(&sample, file, options, opened, said, err);
    import_map_free(said);
    if (code)
        return code;
    struct buf map;
    buf_init(&map, 1 << 20);
    guess_parts(&sample, customers, &guess);
    if (options->map.p)
        buf_add_slice(&map, options->map);
    else
        guess_map_json(&sample, &guess, customers, &map);
    add_head(&sample, kind, json);
    add_columns(&sample, json);
    add_sample(&sample, json);
    json_add_name(json, "map");
    buf_add_slice(json, buf_slice(&map));
    add_confidence(&guess, json);
    add_notes(&sample, &guess, customers, json);
    bool whole = guess.columns[MAP_CUSTOMER] >= 0 &&
                 (customers || (guess.columns[MAP_TIME] >= 0 && guess.columns[MAP_EVENT] >= 0));
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
