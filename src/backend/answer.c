/*
 * Answers as text. Every kind is first flattened to rows of plain members (order kept), then written:
 *
 *   CSV    RFC 4180 (CRLF, quotes doubled). A text cell that a spreadsheet would take for a formula (it begins with = + - @,
 *          a tab or a return) gets an apostrophe in front. Numbers bear a decimal point. null is empty.
 *   table  columns aligned, numbers to the right, lengths of time and shares as they are.
 *
 * Flattening: lists in a row become columns name_0, name_1 …; paths are joined with " > "; objects become JSON text; a flow
 * is one row a node, then one row an edge; a tree of paths one row a node with its depth and way.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/csv_out.h"

/* ---- flattening ---- */

static json_t *joined(const json_t *names) {
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (i)
            buf_add_text(&buf, " > ");
        const json_t *name = json_array_get(names, i);
        buf_add(&buf, json_string_value(name), json_string_length(name));
    }
    json_t *text = json_stringn(buf_slice(&buf).p, buf.n);
    buf_release(&buf);
    return text;
}

static void flatten_list(json_t *flat, const char *name, const json_t *list) {
    char column[128];
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(column, sizeof column, "%s_%zu", name, i);
        json_object_set(flat, column, json_array_get(list, i));
    }
}

static json_t *flatten_row(const json_t *row) {
    json_t *flat = json_object();
    for (void *at = json_object_iter((json_t *)(uintptr_t)row); at;
         at = json_object_iter_next((json_t *)(uintptr_t)row, at)) {
        const char *name = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at);
        bool rows = json_is_array(value) && json_is_object(json_array_get(value, 0));
        if (strcmp(name, "path") == 0 && json_is_array(value)) {
            json_object_set_new(flat, name, joined(value));
        } else if (json_is_array(value) && !rows) {
            flatten_list(flat, name, value);
        } else if (json_is_object(value) || rows) {
            char *text = json_dumps(value, JSON_COMPACT);
            json_object_set_new(flat, name, json_string(text ? text : ""));
            free(text);
        } else {
            json_object_set(flat, name, value);
        }
    }
    return flat;
}

static json_t *flatten_rows(const json_t *list) {
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        json_array_append_new(rows, flatten_row(json_array_get(list, i)));
    return rows;
}

static void flatten_graph(json_t *rows, const json_t *list, const char *what) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        json_t *flat = json_pack("{s:s}", "row", what);
        json_t *from = json_object_get(row, "from"), *name = json_object_get(row, "name");
        static const char *const columns[] = {"to",    "count",    "starts", "ends",
                                              "cases", "median_s", "mean_s", "p90_s"};
        if (json_object_get(row, "by"))
            json_object_set(flat, "by", json_object_get(row, "by"));
        json_object_set(flat, "from", from ? from : name);
        for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
            json_t *value = json_object_get(row, columns[c]);
            json_object_set_new(flat, columns[c], value ? json_incref(value) : json_null());
        }
        json_array_append_new(rows, flat);
    }
}

static void flatten_tree(json_t *rows, const json_t *node, json_t *way) {
    json_array_append(way, json_object_get(node, "name"));
    json_t *flat =
        json_pack("{s:I, s:o}", "depth", (json_int_t)json_array_size(way) - 1, "path", joined(way));
    static const char *const columns[] = {"count", "share", "stopped"};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        json_t *value = json_object_get(node, columns[c]);
        json_object_set_new(flat, columns[c], value ? json_incref(value) : json_null());
    }
    json_array_append_new(rows, flat);
    const json_t *children = json_object_get(node, "children");
    for (size_t i = 0; i < json_array_size(children); i++)
        flatten_tree(rows, json_array_get(children, i), way);
    json_array_remove(way, json_array_size(way) - 1);
}

static json_t *flatten(const json_t *answer) {
    const json_t *data = json_object_get(answer, "data");
    if (json_is_array(data))
        return flatten_rows(data);
    static const char *const lists[] = {"variants", "customers", "bands"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (json_object_get(data, lists[i]))
            return flatten_rows(json_object_get(data, lists[i]));
    json_t *rows = json_array();
    if (json_object_get(data, "edges")) {
        flatten_graph(rows, json_object_get(data, "nodes"), "node");
        flatten_graph(rows, json_object_get(data, "edges"), "edge");
    } else if (json_object_get(data, "children")) {
        json_t *way = json_array();
        flatten_tree(rows, data, way);
        json_decref(way);
    }
    return rows;
}

/* Every column that some row has, in order of appearance. */
static json_t *columns_of(const json_t *rows) {
    json_t *columns = json_object();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        for (void *at = json_object_iter(row); at; at = json_object_iter_next(row, at))
            json_object_set_new(columns, json_object_iter_key(at), json_null());
    }
    return columns;
}

/* A value as text, without quotes. Numbers by the C locale: the program never sets another for LC_NUMERIC. */
static void cell_text(const json_t *value, struct buf *out) {
    if (json_is_string(value))
        buf_add(out, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        buf_add_format(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        buf_add_format(out, "%.15g", json_real_value(value));
    else if (json_is_boolean(value))
        buf_add_text(out, json_is_true(value) ? "true" : "false");
}

/* ---- CSV ---- */

void query_answer_csv(const json_t *answer, struct buf *out) {
    json_t *rows = flatten(answer), *columns = columns_of(rows);
    const char *name;
    json_t *unused;
    json_object_foreach(columns, name, unused) {
        if (name != json_object_iter_key(json_object_iter(columns)))
            buf_add_char(out, ',');
        csv_add_text(out, slice_of(name));
    }
    buf_add_text(out, "\r\n");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        bool first = true;
        json_object_foreach(columns, name, unused) {
            const json_t *value = json_object_get(row, name);
            if (!first)
                buf_add_char(out, ',');
            first = false;
            if (json_is_string(value))
                csv_add_text(out,
                             (struct slice){json_string_value(value), json_string_length(value)});
            else
                cell_text(value, out);
        }
        buf_add_text(out, "\r\n");
    }
    json_decref(columns);
    json_decref(rows);
}

/* ---- table ---- */

/* Characters, counting each code point as one column. */
static size_t width(struct slice text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    return n;
}

static void pad(struct buf *out, size_t n) {
    while (n-- > 0)
        buf_add_char(out, ' ');
}

static void table_cell(struct buf *out, struct slice text, size_t wide, bool right) {
    size_t blanks = wide > width(text) ? wide - width(text) : 0;
    if (right)
        pad(out, blanks);
    for (size_t i = 0; i < text.n; i++) /* control characters would move the terminal's cursor */
        buf_add_char(out, (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7F ? ' ' : text.p[i]);
    if (!right)
        pad(out, blanks);
}

static void column_shape(const json_t *rows, const char *name, size_t *wide, bool *right) {
    struct buf cell;
    buf_init(&cell, 1 << 20);
    *wide = width(slice_of(name));
    *right = true;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *value = json_object_get(json_array_get(rows, i), name);
        buf_clear(&cell);
        cell_text(value, &cell);
        *wide = width(buf_slice(&cell)) > *wide ? width(buf_slice(&cell)) : *wide;
        *right = *right && !json_is_string(value) && !json_is_boolean(value);
    }
    buf_release(&cell);
}

void query_answer_table(const json_t *answer, struct buf *out) {
    json_t *rows = flatten(answer), *columns = columns_of(rows);
    size_t n = json_object_size(columns), c = 0;
    size_t *wide = calloc(n + 1, sizeof *wide);
    bool *right = calloc(n + 1, sizeof *right);
    struct buf cell;
    const char *name;
    json_t *unused;
    if (!wide || !right)
        abort();
    buf_init(&cell, 1 << 20);
    json_object_foreach(columns, name, unused) {
        column_shape(rows, name, &wide[c], &right[c]);
        table_cell(out, slice_of(name), wide[c], right[c]);
        buf_add_text(out, ++c < n ? "  " : "\n");
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        c = 0;
        json_object_foreach(columns, name, unused) {
            buf_clear(&cell);
            cell_text(json_object_get(json_array_get(rows, i), name), &cell);
            table_cell(out, buf_slice(&cell), wide[c], right[c]);
            buf_add_text(out, ++c < n ? "  " : "\n");
        }
    }
    const json_t *data = json_object_get(answer, "data");
    const json_t *count = json_object_get(data, "count"), *total = json_object_get(data, "total");
    if (count || total)
        buf_add_format(out, "%s: %lld\n", count ? "count" : "total",
                       (long long)json_integer_value(count ? count : total));
    buf_release(&cell);
    free(wide);
    free(right);
    json_decref(columns);
    json_decref(rows);
}
