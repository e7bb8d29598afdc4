/*
 * Segments: the list with size, trend and overlap; one with its mission, its rule in words, its members and its history; the
 * editor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/segment_editor.h"
#include "pages/segment_words.h"
#include "segment/segment.h"

enum { SPARK_WIDTH = 112, SPARK_HEIGHT = 28, SPARK_DAYS = 30, OVERLAP_SHOWN = 8 };

static const char *text_member(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *path_of(struct request *request, const char *name, const char *rest) {
    return arena_format(request->arena, "%s%s", page_path(request, "/api/v1/segments/", name),
                        rest);
}

static json_t *fetch_list(struct request *request, const char *target) {
    struct err ignored = {0};
    json_t *answer = NULL;
    if (page_fetch(request, target, &answer, &ignored) < 0)
        return json_array();
    json_t *data = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return data ? data : json_array();
}

/* Whether the size may be told; the colour where none was chosen. */
static void complete(json_t *segment) {
    json_object_set_new(segment, "counted",
                        json_boolean(json_is_integer(json_object_get(segment, "size"))));
    if (!json_is_string(json_object_get(segment, "colour")))
        json_object_set_new(segment, "colour", json_string("grey"));
}

/* ---- the list ---- */

/* A line of the sizes of the last days; nothing for fewer than two. */
static json_t *spark(struct request *request, const json_t *days) {
    size_t n = json_array_size(days), from = n > SPARK_DAYS ? n - SPARK_DAYS : 0;
    double low = 0, high = 0;
    if (n < 2)
        return json_string("");
    for (size_t i = from; i < n; i++) {
        double size = json_number_value(json_object_get(json_array_get(days, i), "size"));
        low = i == from || size < low ? size : low;
        high = i == from || size > high ? size : high;
    }
    struct buf out;
    buf_init(&out, 8192);
    buf_add_format(&out,
                   "<svg class=\"spark\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
                   "role=\"img\" aria-label=\"%s\"><path d=\"",
                   SPARK_WIDTH, SPARK_HEIGHT, page_text(request, "segments.trend"));
    for (size_t i = from; i < n; i++) {
        double size = json_number_value(json_object_get(json_array_get(days, i), "size"));
        double x = 2 + (SPARK_WIDTH - 4) * (double)(i - from) / (double)(n - from - 1),
               y = high > low ? SPARK_HEIGHT - 3 - (SPARK_HEIGHT - 6) * (size - low) / (high - low)
                              : SPARK_HEIGHT / 2.0;
        buf_add_format(&out, "%s%.1f %.1f", i == from ? "M" : "L", x, y);
    }
    buf_add_text(&out, "\"/></svg>");
    json_t *svg = json_stringn(out.p, out.n);
    buf_release(&out);
    return svg;
}

/* "+120" since the first day shown. */
static json_t *delta(struct request *request, const json_t *days) {
    size_t n = json_array_size(days), from = n > SPARK_DAYS ? n - SPARK_DAYS : 0;
    if (n < 2)
        return json_null();
    json_int_t change = json_integer_value(json_object_get(json_array_get(days, n - 1), "size")) -
                        json_integer_value(json_object_get(json_array_get(days, from), "size"));
    struct buf out;
    buf_init(&out, 64);
    buf_add_text(&out, change > 0 ? "+" : "");
    format_number(page_format(request), (double)change, 0, &out);
    json_t *text = json_stringn(out.p, out.n);
    buf_release(&out);
    return text;
}

static int by_size(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    json_int_t left = json_integer_value(json_object_get(x, "size")),
               right = json_integer_value(json_object_get(y, "size"));
    return (left < right) - (left > right);
}

static int by_title(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    return strcmp(text_member(x, "title"), text_member(y, "title"));
}

/* The rows in the order asked for: title, or size (the largest first), each also the other way round. */
static void sort_rows(struct request *request, json_t *view) {
    const char *sort = request_query(request, "sort");
    bool back = sort && sort[0] == '-', size = sort && strcmp(sort + back, "size") == 0;
    json_t *rows = json_object_get(view, "segments"), *sorted = json_array(), *heads = json_array();
    size_t n = json_array_size(rows);
    json_t **order = ARENA_ARRAY(request->arena, json_t *, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get(rows, i);
    qsort(order, n, sizeof *order, size ? by_size : by_title);
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, order[back ? n - 1 - i : i]);
    json_object_set_new(view, "segments", sorted);
    static const char *const names[] = {"title", "size", "size"}, *const labels[] = {
                                                                      "segments.title",
                                                                      "segments.size",
                                                                      "segments.share"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool current = (i > 0) == size;
        bool falling = size ? !back : back;
        json_array_append_new(heads, json_pack("{s:s, s:s, s:s, s:b}", "label",
                                               page_text(request, labels[i]), "href",
                                               arena_format(request->arena, "/segments?sort=%s%s",
                                                            current && !back ? "-" : "", names[i]),
                                               "state",
                                               !current  ? "none"
                                               : falling ? "descending"
                                                         : "ascending",
                                               "num", i > 0));
    }
    json_object_set_new(view, "sorts", heads);
}

static json_t *overlap_cell(const json_t *both, const json_t *own, bool self) {
    double n = json_number_value(both), whole = json_number_value(own),
           share = whole > 0 ? n / whole : 0;
    bool counted = json_is_integer(both) && json_is_integer(own);
    const char *class = self            ? "self"
                        : share >= 0.75 ? "o4"
                        : share >= 0.5  ? "o3"
                        : share >= 0.2  ? "o2"
                        : share > 0     ? "o1"
                                        : "";
    json_t *cell = json_pack("{s:b, s:O, s:s}", "counted", counted, "n", both, "class", class);
    json_object_set_new(cell, "share", self || !counted ? json_null() : json_real(share));
    return cell;
}

static void put_overlap(struct request *request, json_t *view) {
    struct err ignored = {0};
    json_t *answer, *names = json_object_get(view, "segments"), *heads = json_array(),
                    *rows = json_array();
    char *asked = arena_format(request->arena, "%s", "");
    size_t n = json_array_size(names);
    for (size_t i = 0; i < n && i < OVERLAP_SHOWN; i++)
        asked = arena_format(request->arena, "%s%s%s", asked, i ? "," : "",
                             text_member(json_array_get(names, i), "name"));
    if (n >= 2 &&
        page_fetch(request,
                   arena_format(request->arena, "/api/v1/segments/overlap?names=%s", asked),
                   &answer, &ignored) >= 0) {
        const json_t *segments = json_object_get(answer, "segments"),
                     *both = json_object_get(answer, "both");
        for (size_t i = 0; i < json_array_size(segments); i++) {
            const json_t *segment = json_array_get(segments, i);
            json_t *cells = json_array();
            for (size_t j = 0; j < json_array_size(segments); j++)
                json_array_append_new(cells,
                                      overlap_cell(json_array_get(json_array_get(both, i), j),
                                                   json_object_get(segment, "size"), i == j));
            json_array_append_new(heads,
                                  json_pack("{s:O}", "title", json_object_get(segment, "title")));
            json_array_append_new(rows,
                                  json_pack("{s:O, s:o}", "title",
                                            json_object_get(segment, "title"), "cells", cells));
        }
        json_decref(answer);
    }
    if (json_array_size(rows))
        json_object_set_new(view, "overlap", json_pack("{s:O, s:O}", "heads", heads, "rows", rows));
    json_decref(heads);
    json_decref(rows);
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "segments",
                                     .section = "segments",
                                     .title = "nav.segments",
                                     .style = "css/segments.css"};
    json_t *answer, *segment;
    size_t i;
    int code = page_fetch(request, "/api/v1/segments", &answer, err);
    if (code < 0)
        return code;
    json_t *view = json_pack("{s:O, s:O}", "segments", json_object_get(answer, "data"), "meta",
                             json_object_get(answer, "meta"));
    json_decref(answer);
    json_array_foreach(json_object_get(view, "segments"), i, segment) {
        json_t *days =
            fetch_list(request, path_of(request, text_member(segment, "name"), "/history"));
        complete(segment);
        json_object_set_new(segment, "spark", spark(request, days));
        json_object_set_new(segment, "delta", delta(request, days));
        json_decref(days);
    }
    json_object_set_new(view, "late",
                        json_boolean(json_number_value(json_object_get(
                                         json_object_get(view, "meta"), "lag_s")) >= 1));
    sort_rows(request, view);
    put_overlap(request, view);
    return page_render(request, response, &page, view, err);
}

/* ---- one ---- */

static json_t *titles_of(struct request *request) {
    json_t *titles = json_object(), *list = fetch_list(request, "/api/v1/segments"), *segment;
    size_t i;
    json_array_foreach(list, i, segment)
        json_object_set(titles, text_member(segment, "name"), json_object_get(segment, "title"));
    json_decref(list);
    return titles;
}

/* Days as a trend: their local midnights. */
static json_t *draw(struct request *request, const json_t *days) {
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "segments.history"),
                          .id = "segment",
                          .width = 1060,
                          .arena = request->arena};
    struct trend_view trend = {
        .shape = TREND_LINES, .every = BUCKET_DAY, .now_ms = request->received_ms, .whole = true};
    json_t *rows = json_array(), *day;
    struct buf out;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)days, i, day) {
        int64_t ms = 0;
        char text[TIME_TEXT_BYTES];
        if (time_parse(slice_of(text_member(day, "day")), chart.zone, &ms))
            continue;
        time_format(ms, text);
        json_array_append_new(
            rows, json_pack("{s:s, s:O}", "time", text, "value", json_object_get(day, "size")));
    }
    buf_init(&out, TEMPLATE_MAX_BYTES);
    if (json_array_size(rows) > 1)
        chart_trend_figure(&chart, &trend, rows, page_text(request, "home.numbers"), &out);
    json_decref(rows);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

static void put_people(struct request *request, json_t *view) {
    const char *cursor = request_query(request, "cursor"), *name = request->params[0];
    struct err ignored = {0};
    json_t *people;
    if (request->principal.role < ROLE_AGENT ||
        page_fetch(
            request,
            path_of(request, name,
                    cursor ? arena_format(request->arena, "/members?limit=50&cursor=%.20s", cursor)
                           : "/members?limit=50"),
            &people, &ignored) < 0)
        return;
    const char *next = text_member(people, "next");
    if (next[0])
        json_object_set_new(
            people, "next_href",
            json_sprintf("%s?cursor=%s#members", page_path(request, "/segments/", name), next));
    json_object_set_new(view, "people", people);
}

/* The brand promises that are made to the segment, each with what was kept of it. */
static json_t *promises_of(struct request *request, const char *name) {
    json_t *promises = fetch_list(
               request, arena_format(request->arena, "/api/v1/promises?segment=%s", name)),
           *promise;
    size_t i;
    json_array_foreach(promises, i, promise) {
        json_t *rows =
            fetch_list(request, arena_format(request->arena, "/api/v1/promises/%s/results",
                                             text_member(promise, "id")));
        if (json_array_size(rows))
            json_object_set(promise, "result", json_array_get(rows, 0));
        json_decref(rows);
    }
    return promises;
}

static int show_segment(struct request *request, struct response *response, const char *refused,
                        struct err *err) {
    static const struct page page = {
        .template = "segment", .section = "segments", .style = "css/charts.css"};
    json_t *view;
    int code = page_fetch(request, path_of(request, request->params[0], ""), &view, err);
    if (code < 0)
        return code;
    if (!text_member(view, "name")[0]) { /* another resource of the API */
        json_decref(view);
        return err_set(err, E_NOT_FOUND, "no such segment");
    }
    json_object_set_new(view, "promises", promises_of(request, text_member(view, "name")));
    json_t *days = fetch_list(request, path_of(request, request->params[0], "/history")),
           *titles = titles_of(request);
    complete(view);
    if (json_array_size(days))
        json_object_set(view, "today", json_array_get(days, json_array_size(days) - 1));
    json_object_set_new(view, "chart", draw(request, days));
    json_object_set_new(
        view, "tree",
        json_pack("[o]", segment_words(request, json_object_get(view, "rule"), titles)));
    put_people(request, view);
    if (refused)
        json_object_set_new(view, "refused", json_string(refused));
    json_decref(days);
    json_decref(titles);
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return show_segment(request, response, NULL, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code = page_send(request, METHOD_DELETE, path_of(request, request->params[0], ""), NULL,
                         NULL, &refusal);
    if (code == E_CONFLICT) {
        response->status = 409;
        return show_segment(request, response, page_text(request, "segments.used"), err);
    }
    *err = refusal;
    return code < 0 ? code : page_redirect(request, response, "/segments", "removed");
}

/* ---- the editor ---- */

/* view: form (and error, where it was refused); taken over. */
static int show_editor(struct request *request, struct response *response, const char *current,
                       json_t *view, struct err *err) {
    static const struct page making = {.template = "segment_edit",
                                       .section = "segments",
                                       .title = "segments.new",
                                       .style = "css/segments.css",
                                       .script = "js/segments.js",
                                       .wide = true},
                             changing = {.template = "segment_edit",
                                         .section = "segments",
                                         .title = "segments.edit",
                                         .style = "css/segments.css",
                                         .script = "js/segments.js",
                                         .wide = true};
    int code = segment_editor_view(request, current, view, err);
    if (code) {
        json_decref(view);
        return code;
    }
    const char *colour = text_member(json_object_get(view, "form"), "colour");
    json_object_set_new(view, "colours", segment_editor_colours(colour[0] ? colour : "teal"));
    const char *path = current ? page_path(request, "/segments/", current) : "/segments";
    json_object_set_new(view, "action", json_sprintf("%s/%s", path, current ? "edit" : "new"));
    json_object_set_new(view, "cancel", json_string(path));
    if (current)
        json_object_set_new(view, "name", json_string(current));
    return page_render(request, response, current ? &changing : &making, view, err);
}

static json_t *form_of(const json_t *segment) {
    static const char *const members[] = {"title",   "owner",       "colour",
                                          "mission", "proposition", "description"};
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set_new(form, members[i], json_string(text_member(segment, members[i])));
    char *rule = json_dumps(json_object_get(segment, "rule"), JSON_COMPACT);
    json_object_set_new(form, "rule", json_string(rule ? rule : ""));
    free(rule);
    return form;
}

static int show_new(struct request *request, struct response *response, struct err *err) {
    return show_editor(request, response, NULL, json_pack("{s:{}}", "form"), err);
}

static int show_edit(struct request *request, struct response *response, struct err *err) {
    json_t *segment;
    int code = page_fetch(request, path_of(request, request->params[0], ""), &segment, err);
    if (code < 0)
        return code;
    json_t *view = json_pack("{s:o}", "form", form_of(segment));
    json_decref(segment);
    return show_editor(request, response, request->params[0], view, err);
}

static json_t *document_of(struct request *request) {
    static const char *const members[] = {"title",   "owner",       "colour",
                                          "mission", "proposition", "description"};
    const char *text = request_form(request, "rule");
    json_t *document = json_object(), *rule = json_loads(text ? text : "", 0, NULL);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *value = request_form(request, members[i]);
        if (value && value[0])
            json_object_set_new(document, members[i], json_string(value));
    }
    if (rule)
        json_object_set_new(document, "rule", rule);
    return document;
}

static int keep(struct request *request, struct response *response, const char *current,
                struct err *err) {
    json_t *document = document_of(request), *form = form_of(document), *segment = NULL;
    struct err refusal = {0};
    if (!json_object_get(document, "rule"))
        json_object_set_new(form, "rule", json_string(""));
    int code = page_send(request, current ? METHOD_PUT : METHOD_POST,
                         current ? path_of(request, current, "") : "/api/v1/segments", document,
                         &segment, &refusal);
    if (code >= 0) {
        const char *path = page_path(request, "/segments/", text_member(segment, "name"));
        json_decref(segment);
        json_decref(form);
        return page_redirect(request, response, path, "saved");
    }
    if (refusal.code == E_INVALID || refusal.code == E_CONFLICT || refusal.code == E_REFUSED) {
        json_t *view = json_pack("{s:o}", "form", form);
        page_form_error(request, view, &refusal);
        response->status = 422;
        return show_editor(request, response, current, view, err);
    }
    json_decref(form);
    *err = refusal;
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, NULL, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, request->params[0], err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/segments",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_list},
    {.methods = METHOD_GET,
     .pattern = "/segments/new",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_new},
    {.methods = METHOD_POST,
     .pattern = "/segments/new",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = add},
    {.methods = METHOD_GET,
     .pattern = "/segments/{name}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_one},
    {.methods = METHOD_GET,
     .pattern = "/segments/{name}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_edit},
    {.methods = METHOD_POST,
     .pattern = "/segments/{name}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change},
    {.methods = METHOD_POST,
     .pattern = "/segments/{name}/remove",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = drop},
};
const struct route_table page_segment_routes = ROUTE_TABLE(routes);
