/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "collect/import_map.h"

enum { ROW_JSON_BYTES = 1 << 20 };

/* ---- the map ---- */

static int read_name(struct slice *text, const json_t *json, const char *member,
                     const char *pointer, struct arena *arena, struct err *err) {
    const json_t *value = json_object_get(json, member);
    char at[96];
    snprintf(at, sizeof at, "%s/%s", pointer, member);
    if (!value)
        return 0;
    if (!json_is_string(value) || !json_string_length(value) ||
        json_string_length(value) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, at, "%s must be a text of 1 to %d bytes", member,
                      LIMIT_NAME_BYTES);
    *text = arena_copy(arena, (struct slice){json_string_value(value), json_string_length(value)});
    return 0;
}

/* A text for all rows, or {"column": name}. */
static int read_said(struct slice *text, struct slice *column, const json_t *json,
                     const char *member, const char *pointer, struct arena *arena,
                     struct err *err) {
    json_t *value = json_object_get(json, member);
    char at[96];
    if (!json_is_object(value))
        return read_name(text, json, member, pointer, arena, err);
    snprintf(at, sizeof at, "%s/%s", pointer, member);
    return read_name(column, value, "column", at, arena, err);
}

static int read_scale(struct answer_column *column, const json_t *json, const char *pointer,
                      struct err *err) {
    const json_t *scale = json_object_get(json, "scale");
    const json_t *low = json_array_get(scale, 0), *high = json_array_get(scale, 1);
    char at[96];
    snprintf(at, sizeof at, "%s/scale", pointer);
    if (!scale)
        return 0;
    column->scale_min = json_number_value(low);
    column->scale_max = json_number_value(high);
    return json_is_number(low) && json_is_number(high) && json_array_size(scale) == 2 &&
                   column->scale_min < column->scale_max
               ? 0
               : err_at(err, E_INVALID, at, "a scale is [lowest, highest]");
}

static int read_missing(struct answer_column *column, const json_t *json, const char *pointer,
                        struct arena *arena, struct err *err) {
    const json_t *list = json_object_get(json, "missing");
    char at[96];
    snprintf(at, sizeof at, "%s/missing", pointer);
    if (!list)
        return 0;
    struct slice *texts = ARENA_ARRAY(arena, struct slice, json_array_size(list) + 1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *text = json_array_get(list, i);
        if (!json_is_string(text))
            return err_at(err, E_INVALID, at,
                          "missing must be a list of texts, as cells have them");
        texts[i] =
            arena_copy(arena, (struct slice){json_string_value(text), json_string_length(text)});
    }
    column->missing = texts;
    column->n_missing = json_array_size(list);
    return json_is_array(list) ? 0 : err_at(err, E_INVALID, at, "missing must be a list of texts");
}

static int read_column(struct answer_column *column, json_t *json, const char *pointer,
                       struct arena *arena, struct err *err) {
    static const char *const known[] = {"column", "question",   "metric",
                                        "scale",  "touchpoint", "missing"};
    struct slice unused;
    const char *name;
    json_t *member;
    if (!json_is_object(json))
        return err_at(err, E_INVALID, pointer, "an answer is an object with a column");
    json_object_foreach(json, name, member) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strcmp(name, known[i]) == 0;
        if (!found)
            return err_at(err, E_INVALID, pointer, "an answer has no member \"%.60s\"", name);
    }
    int code = read_name(&column->name, json, "column", pointer, arena, err);
    if (!code && !column->name.n)
        code = err_at(err, E_INVALID, pointer, "an answer needs a column");
    if (!code)
        code = read_said(&column->question, &column->cells[ANSWER_QUESTION], json, "question",
                         pointer, arena, err);
    if (!code)
        code = read_said(&column->metric, &column->cells[ANSWER_METRIC], json, "metric", pointer,
                         arena, err);
    if (!code)
        code = read_said(&column->touchpoint, &column->cells[ANSWER_TOUCHPOINT], json, "touchpoint",
                         pointer, arena, err);
    if (!code && json_is_object(json_object_get(json, "scale")))
        code = read_said(&unused, &column->cells[ANSWER_SCALE], json, "scale", pointer, arena, err);
    else if (!code)
        code = read_scale(column, json, pointer, err);
    if (!code)
        code = read_missing(column, json, pointer, arena, err);
    if (!column->question.n)
        column->question = column->name;
    return code;
}

int answer_columns_parse(struct answer_columns *columns, const json_t *json, struct arena *arena,
                         struct err *err) {
    size_t n = json_array_size(json);
    if (!n || n > LIMIT_ANSWERS)
        return err_at(err, E_INVALID, "/answers", "answers must be a list of 1 to %d columns",
                      LIMIT_ANSWERS);
    columns->columns = ARENA_ARRAY(arena, struct answer_column, n);
    columns->n = n;
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/answers/%zu", i);
        code = read_column(&columns->columns[i], json_array_get(json, i), pointer, arena, err);
    }
    return code;
}

int answer_columns_bind(struct answer_columns *columns,
                        int (*find)(void *of, struct slice name, const char *member, int *column,
                                    struct err *err),
                        void *of, struct err *err) {
    static const char *const members[] = {"question", "metric", "scale", "touchpoint"};
    char member[64];
    int code = find(of, columns->scales, "scales", &columns->scales_column, err);
    if (!code)
        code = find(of, columns->response, "response", &columns->response_column, err);
    for (size_t i = 0; i < columns->n && !code; i++) {
        struct answer_column *answer = &columns->columns[i];
        for (int cell = 0; cell < ANSWER_CELLS && !code; cell++) {
            snprintf(member, sizeof member, "answers/%zu/%s/column", i, members[cell]);
            code = find(of, answer->cells[cell], member, &answer->cell_columns[cell], err);
        }
        snprintf(member, sizeof member, "answers/%zu/column", i);
        if (!code)
            code = find(of, answer->name, member, &answer->column, err);
    }
    return code;
}

/* ---- a row ---- */

static bool is_missing(const struct answer_column *column, struct slice cell) {
    for (size_t i = 0; i < column->n_missing; i++)
        if (slice_equal(cell, column->missing[i]))
            return true;
    return !cell.n;
}

static void add_text(struct buf *json, const char *name, struct slice text) {
    if (!text.n)
        return;
    json_add_name(json, name);
    json_add_text(json, text);
}

/* "1-7", also "-5-5". */
static bool read_ends(struct slice text, double *low, double *high) {
    char copy[48], *end;
    if (!text.n || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    *low = strtod(copy, &end);
    if (*end != '-')
        return false;
    *high = strtod(end + 1, &end);
    return !*end && *low < *high;
}

/* What the cell `scales` says of a question: its metric, its scale, and whether it is a list. */
static bool describe(struct answer_column *answer, struct slice scales, bool *list) {
    for (const char *at = scales.p, *end = scales.p + scales.n; at < end;) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        if (equals && slice_equal((struct slice){at, (size_t)(equals - at)}, answer->question)) {
            struct slice metric = {equals + 1, (size_t)(stop - equals - 1)};
            *list = metric.n > 2 && memcmp(metric.p + metric.n - 2, "[]", 2) == 0;
            metric.n -= *list ? 2 : 0;
            const char *colon = memchr(metric.p, ':', metric.n);
            if (colon)
                read_ends((struct slice){colon + 1, (size_t)(metric.p + metric.n - colon - 1)},
                          &answer->scale_min, &answer->scale_max);
            answer->metric =
                (struct slice){metric.p, colon ? (size_t)(colon - metric.p) : metric.n};
            return true;
        }
        at = stop + 1;
    }
    return false;
}

/* An answer of a row: its column as the row completes it. */
struct said {
    struct answer_column column;
    struct slice cell;
    bool described, list; /* it is written as our own files write */
};

static struct slice cell_at(const struct table_row *row, int column) {
    return column >= 0 && (size_t)column < row->n ? utf8_trim(row->cells[column])
                                                  : (struct slice){"", 0};
}

static struct said read_said_cell(const struct answer_columns *columns, size_t i,
                                  const struct table_row *row) {
    struct said said = {.column = columns->columns[i]};
    struct answer_column *column = &said.column;
    said.cell = cell_at(row, column->column);
    if (column->cell_columns[ANSWER_QUESTION] >= 0)
        column->question = cell_at(row, column->cell_columns[ANSWER_QUESTION]);
    if (column->cell_columns[ANSWER_METRIC] >= 0) {
        column->metric = cell_at(row, column->cell_columns[ANSWER_METRIC]);
        said.described = true;
    }
    if (column->cell_columns[ANSWER_SCALE] >= 0)
        read_ends(cell_at(row, column->cell_columns[ANSWER_SCALE]), &column->scale_min,
                  &column->scale_max);
    if (column->cell_columns[ANSWER_TOUCHPOINT] >= 0)
        column->touchpoint = cell_at(row, column->cell_columns[ANSWER_TOUCHPOINT]);
    if (columns->scales_column >= 0)
        said.described = describe(column, cell_at(row, columns->scales_column), &said.list);
    return said;
}

static void add_value(struct buf *json, const struct said *said, struct slice cell, char decimal) {
    static const char *const words[] = {"text", "choice"};
    struct value value = {.type = VALUE_TEXT, .text = cell};
    bool as_text = slice_is(said->column.metric, words[0]) ||
                   (said->described && slice_is(said->column.metric, words[1]));
    bool truth = said->described && (slice_is(cell, "true") || slice_is(cell, "false")) && !as_text;
    if (said->described && cell.n > 1 && cell.p[0] == '\'' &&
        slice_is_formula((struct slice){cell.p + 1, cell.n - 1}))
        cell = (struct slice){cell.p + 1, cell.n - 1}; /* defused when it was written */
    if (!as_text && !import_cell_value(cell, CELL_ANY, decimal, &value))
        value = (struct value){.type = VALUE_TEXT};
    if (truth)
        buf_add_slice(json, cell);
    else if (value.type == VALUE_INT)
        json_add_int(json, value.integer);
    else if (value.type == VALUE_NUMBER)
        json_add_number(json, value.number);
    else
        json_add_text(json, cell);
}

/* "a; b" */
static void add_list(struct buf *json, const struct said *said, char decimal) {
    struct slice rest = said->cell;
    buf_add_char(json, '[');
    while (rest.n) {
        const char *stop = memmem(rest.p, rest.n, "; ", 2);
        size_t n = stop ? (size_t)(stop - rest.p) : rest.n;
        add_value(json, said, (struct slice){rest.p, n}, decimal);
        n += stop ? 2 : 0;
        rest = (struct slice){rest.p + n, rest.n - n};
        if (rest.n)
            buf_add_char(json, ',');
    }
    buf_add_char(json, ']');
}

static void add_answer(struct buf *json, const struct said *said, char decimal) {
    const struct answer_column *column = &said->column;
    buf_add_text(json, json->n > 1 ? ",{" : "{");
    json_add_name(json, "question");
    json_add_text(json, column->question);
    add_text(json, "metric", column->metric);
    add_text(json, "touchpoint", column->touchpoint);
    if (column->scale_min < column->scale_max) {
        json_add_name(json, "scale");
        buf_add_char(json, '[');
        json_add_number(json, column->scale_min);
        buf_add_char(json, ',');
        json_add_number(json, column->scale_max);
        buf_add_char(json, ']');
    }
    json_add_name(json, "value");
    if (said->list)
        add_list(json, said, decimal);
    else
        add_value(json, said, said->cell, decimal);
    buf_add_char(json, '}');
}

struct slice answer_columns_row(const struct answer_columns *columns, const struct table_row *row,
                                char decimal, struct arena *arena) {
    struct buf json;
    buf_init(&json, ROW_JSON_BYTES);
    buf_add_char(&json, '[');
    for (; row; row = row->more)
        for (size_t i = 0; i < columns->n; i++) {
            struct said said = read_said_cell(columns, i, row);
            if (!is_missing(&said.column, said.cell))
                add_answer(&json, &said, decimal);
        }
    bool any = json.n > 1;
    buf_add_char(&json, ']');
    struct slice text = any ? arena_copy(arena, buf_slice(&json)) : (struct slice){NULL, 0};
    buf_release(&json);
    return text;
}
