/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_answers.h"

#include <stdio.h>

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
        code = read_name(&column->question, json, "question", pointer, arena, err);
    if (!code)
        code = read_name(&column->metric, json, "metric", pointer, arena, err);
    if (!code)
        code = read_name(&column->touchpoint, json, "touchpoint", pointer, arena, err);
    if (!code)
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

static void add_answer(struct buf *json, const struct answer_column *column, struct slice cell,
                       char decimal) {
    struct value value = {.type = VALUE_TEXT, .text = cell};
    if (!slice_is(column->metric, "text") && !import_cell_value(cell, CELL_ANY, decimal, &value))
        value = (struct value){.type = VALUE_TEXT, .text = cell};
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
    if (value.type == VALUE_INT)
        json_add_int(json, value.integer);
    else if (value.type == VALUE_NUMBER)
        json_add_number(json, value.number);
    else
        json_add_text(json, cell);
    buf_add_char(json, '}');
}

struct slice answer_columns_row(const struct answer_columns *columns, const struct table_row *row,
                                char decimal, struct arena *arena) {
    struct buf json;
    buf_init(&json, ROW_JSON_BYTES);
    buf_add_char(&json, '[');
    for (size_t i = 0; i < columns->n; i++) {
        const struct answer_column *column = &columns->columns[i];
        struct slice cell = {"", 0};
        if (column->column >= 0 && (size_t)column->column < row->n)
            cell = utf8_trim(row->cells[column->column]);
        if (!is_missing(column, cell))
            add_answer(&json, column, cell, decimal);
    }
    bool any = json.n > 1;
    buf_add_char(&json, ']');
    struct slice text = any ? arena_copy(arena, buf_slice(&json)) : (struct slice){NULL, 0};
    buf_release(&json);
    return text;
}
