/*
 * Flow, variants and retention that are broken down: each value of `by` is an answer of its own, drawn under its name, with
 * its sentence and its links. Trend and funnel are not here: their drawings hold all values side by side.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/router.h"
#include "pages/explore.h"
#include "pages/text.h"

enum { DRAWING_BYTES = 2 * 1024 * 1024, TITLE_HEIGHT = 34, GROUP_GAP = 20 };

/* What an answer holds of one value; borrowed rows. */
static json_t *rows_of(const json_t *rows, const json_t *by) {
    json_t *own = json_array(), *row;
    size_t i;
    json_array_foreach(rows, i, row) if (json_equal(json_object_get(row, "by"), by))
        json_array_append(own, row);
    return own;
}

static json_t *data_of(const struct question *question, const json_t *data, const json_t *by) {
    static const char *const LISTS[] = {"nodes", "edges", "variants"};
    if (question->kind == EXPLORE_RETENTION)
        return rows_of(data, by);
    json_t *own = json_object();
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        const json_t *rows = json_object_get(data, LISTS[i]);
        if (rows)
            json_object_set_new(own, LISTS[i], rows_of(rows, by));
    }
    json_t *group, *all = json_object_get(data, "groups");
    size_t i;
    json_array_foreach(all, i, group) if (json_equal(json_object_get(group, "by"), by)) {
        json_object_set(own, "cases", json_object_get(group, "cases"));
        if (json_object_get(group, "total"))
            json_object_set(own, "total", json_object_get(group, "total"));
    }
    return own;
}

/* The rows that name the values in the order of the answer. */
static const json_t *naming_rows(const struct question *question, const json_t *data) {
    return question->kind == EXPLORE_RETENTION ? data : json_object_get(data, "groups");
}

bool explore_is_grouped(const struct question *question) {
    return question->kind != EXPLORE_TREND && question->kind != EXPLORE_FUNNEL &&
           *question_get(question, "by");
}

/* "(other)" and null come last. */
static int compare_weeks(const void *a, const void *b) {
    struct slice x = json_slice(*(json_t *const *)a, "by"),
                 y = json_slice(*(json_t *const *)b, "by");
    bool x_week = x.n && x.p[0] != '(', y_week = y.n && y.p[0] != '(';
    return x_week != y_week ? y_week - x_week : x_week ? strcmp(x.p, y.p) : 0;
}

void explore_order_weeks(const struct question *question, json_t *answer) {
    json_t *data = json_object_get(answer, "data"), *row;
    json_t *rows = json_is_array(data) ? data : json_object_get(data, "groups");
    size_t n = json_array_size(rows), i;
    if (strcmp(question_get(question, "by"), "week") != 0 || n == 0)
        return;
    json_t **order = ARENA_ARRAY(question->arena, json_t *, n);
    json_array_foreach(rows, i, row) order[i] = json_incref(row);
    /* glibc's qsort sorts by merging: rows of one week keep their order */
    qsort(order, n, sizeof *order, compare_weeks);
    json_array_clear(rows);
    for (i = 0; i < n; i++)
        json_array_append_new(rows, order[i]);
}

json_t *explore_groups(const struct question *question, const json_t *answer) {
    const json_t *data = json_object_get(answer, "data"), *before = NULL;
    json_t *groups = json_array(), *row;
    size_t i;
    json_array_foreach(naming_rows(question, data), i, row) {
        json_t *by = json_object_get(row, "by");
        if (!before || !json_equal(before, by))
            json_array_append_new(
                groups, json_pack("{s:O, s:o}", "by", by, "data", data_of(question, data, by)));
        before = by;
    }
    return groups;
}

const json_t *explore_group_named(const json_t *groups, const char *by) {
    json_t *value = by ? json_loads(by, JSON_DECODE_ANY, NULL) : NULL, *group;
    const json_t *found = NULL;
    size_t i;
    json_array_foreach(groups, i, group) if (value && json_equal(json_object_get(group, "by"),
                                                                 value)) found = group;
    json_decref(value);
    return found;
}

/* Cases, or the customers of all cohorts. */
static double size_of(const struct question *question, const json_t *data) {
    double n = 0;
    size_t i;
    json_t *row;
    if (question->kind != EXPLORE_RETENTION)
        return json_figure(data, "cases");
    json_array_foreach(data, i, row) n += json_figure(row, "size");
    return n;
}

/* Links of a group name its value; the rest, beyond the values that are shown, has no list. */
static const char *people_of(const struct request *request, const char *people, const json_t *by) {
    if (!people || (json_is_string(by) && strcmp(json_string_value(by), "(other)") == 0))
        return NULL;
    char *text = json_dumps(by, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *prefix = arena_format(request->arena, "%s&by_value=%s", people,
                                      svg_encode(request->arena, slice_of(text)));
    free(text);
    return prefix;
}

static const char *id_of(const struct request *request, const struct question *question,
                         size_t group) {
    return arena_format(request->arena, "%s%zu", explore_kind_name(question->kind), group + 1);
}

void explore_groups_view(struct request *request, const struct question *question,
                         const json_t *answer, const char *people, json_t *view) {
    json_t *groups = explore_groups(question, answer), *shown = json_array(), *group;
    size_t i;
    json_array_foreach(groups, i, group) {
        struct explore_drawing drawing = {
            .people = people_of(request, people, json_object_get(group, "by")),
            .id = id_of(request, question, i)};
        const json_t *data = json_object_get(group, "data");
        struct slice title = explore_by_text(request, question, group);
        json_t *one =
            json_pack("{s:o, s:f, s:b}", "title", json_stringn(title.p, title.n), "n",
                      size_of(question, data), "customers", question->kind == EXPLORE_RETENTION);
        explore_drawing_view(request, question, group, NULL, &drawing, one);
        json_array_append_new(shown, one);
    }
    json_object_set_new(view, "groups", shown);
    json_decref(groups);
}

/* ---- one drawing of all ---- */

/* ' NAME="12.5"' of the tag that a drawing begins with. */
static double size_in(struct slice drawing, const char *name) {
    const char *at = memmem(drawing.p, drawing.n, name, strlen(name));
    return at ? strtod(at + strlen(name), NULL) : 0;
}

void explore_draw_groups(struct request *request, const struct question *question,
                         const json_t *answer, struct buf *out) {
    json_t *groups = explore_groups(question, answer), *group;
    struct buf body, one;
    double width = 0, y = 0;
    size_t i;
    buf_init(&body, DRAWING_BYTES);
    buf_init(&one, DRAWING_BYTES);
    json_array_foreach(groups, i, group) {
        struct explore_drawing drawing = {.id = id_of(request, question, i)};
        buf_clear(&one);
        explore_draw(request, question, group, NULL, &drawing, &one);
        struct slice svg = buf_slice(&one);
        if (svg.n < 4)
            continue;
        svg_text(&body, 0, y + 18, ANCHOR_START, "t-strong",
                 explore_by_text(request, question, group));
        buf_add_format(&body, "<svg y=\"%s\"%.*s", XY(y + TITLE_HEIGHT), (int)svg.n - 4, svg.p + 4);
        double own = size_in(svg, " width=\"");
        width = own > width ? own : width;
        y += TITLE_HEIGHT + size_in(svg, " height=\"") + GROUP_GAP;
    }
    struct chart chart = {.language = request->language,
                          .label = page_text(request, "explore.answer"),
                          .width = width};
    svg_open(&chart, out, "groups", width, y);
    buf_add_slice(out, buf_slice(&body));
    svg_close(out);
    buf_release(&body);
    buf_release(&one);
    json_decref(groups);
}
