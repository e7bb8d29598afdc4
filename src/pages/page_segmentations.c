/*
 * Segmentations: each with the shares of its classes; one with its personas and versions; the editor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/time.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/segment_editor.h"
#include "pages/segment_words.h"

enum { BAR_WIDTH = 1000, BAR_HEIGHT = 24, BAR_MAX_BYTES = 16384 };

static const char *text_member(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static const char *path_of(struct request *request, const char *name, const char *rest) {
    return arena_format(request->arena, "%s%s", page_path(request, "/api/v1/segmentations/", name),
                        rest);
}

static const char *colour_of(const json_t *class, size_t place) {
    static const char *const standard[] = {"teal", "violet", "amber", "blue", "green", "pink"};
    const char *chosen = text_member(class, "colour");
    return chosen[0] ? chosen : standard[place % (sizeof standard / sizeof *standard)];
}

/* ---- shares ---- */

/* One bar of all customers; each class says its name and share. */
static json_t *bar_of(struct request *request, const json_t *classes) {
    struct buf out;
    double x = 0;
    size_t i;
    json_t *class;
    buf_init(&out, BAR_MAX_BYTES);
    buf_add_format(&out,
                   "<svg class=\"class-bar\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
                   "role=\"img\" aria-label=\"%s\">",
                   BAR_WIDTH, BAR_HEIGHT, page_text(request, "segmentations.shares"));
    json_array_foreach((json_t *)(uintptr_t)classes, i, class) {
        double share = json_number_value(json_object_get(class, "share"));
        if (share <= 0)
            continue;
        buf_add_format(&out,
                       "<rect class=\"seg-%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"%d\">"
                       "<title>",
                       text_member(class, "colour"), x, share * BAR_WIDTH, BAR_HEIGHT);
        html_escape(slice_of(text_member(class, "title")), &out);
        buf_add_char(&out, ' ');
        format_percent(page_format(request), share, 1, &out);
        buf_add_text(&out, "</title></rect>");
        x += share * BAR_WIDTH;
    }
    buf_add_text(&out, "</svg>");
    json_t *svg = json_stringn(out.p, out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

/* Puts "classes" (with size and share), "bar" and "customers". */
static int put_results(struct request *request, json_t *segmentation, struct err *err) {
    json_t *results, *class;
    size_t i;
    int code = page_fetch(request, path_of(request, text_member(segmentation, "name"), "/results"),
                          &results, err);
    if (code < 0)
        return code;
    json_t *classes = json_object_get(results, "data");
    json_array_foreach(classes, i, class) {
        bool last = i + 1 == json_array_size(classes);
        if (last && strcmp(text_member(class, "title"), "rest") == 0) /* nobody gave it one */
            json_object_set_new(class, "title",
                                json_string(page_text(request, "segmentations.rest")));
        json_object_set_new(
            class, "colour",
            json_string(last && !text_member(class, "colour")[0] ? "grey" : colour_of(class, i)));
        json_object_set_new(class, "counted",
                            json_boolean(json_is_integer(json_object_get(class, "size"))));
    }
    json_object_set_new(segmentation, "bar", bar_of(request, classes));
    json_object_set(segmentation, "customers",
                    json_object_get(json_object_get(results, "meta"), "customers"));
    json_object_set(segmentation, "classes", classes);
    json_decref(results);
    return 0;
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "segmentations",
                                     .section = "segments",
                                     .title = "segmentations.title",
                                     .style = "css/segments.css"};
    json_t *answer, *segmentation;
    size_t i;
    int code = page_fetch(request, "/api/v1/segmentations", &answer, err);
    if (code < 0)
        return code;
    code = 0;
    json_t *rows = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    json_array_foreach(rows, i, segmentation) {
        if (!code)
            code = put_results(request, segmentation, err);
    }
    if (code < 0) {
        json_decref(rows);
        return code;
    }
    return page_render(request, response, &page,
                       json_pack("{s:o, s:b}", "segmentations", rows, "segmentations_tab", true),
                       err);
}

/* ---- one ---- */

static json_t *titles_of(struct request *request) {
    struct err ignored = {0};
    json_t *titles = json_object(), *answer, *segment;
    size_t i;
    if (page_fetch(request, "/api/v1/segments", &answer, &ignored) < 0)
        return titles;
    json_array_foreach(json_object_get(answer, "data"), i, segment)
        json_object_set(titles, text_member(segment, "name"), json_object_get(segment, "title"));
    json_decref(answer);
    return titles;
}

/* "Oro, Plata": the classes of a version, for its row. */
static json_t *versions_of(struct request *request) {
    struct err ignored = {0};
    json_t *answer, *version, *class;
    size_t i, k;
    if (page_fetch(request, path_of(request, request->params[0], "/versions"), &answer, &ignored) <
        0)
        return json_array();
    json_t *rows = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    json_array_foreach(rows, i, version) {
        char *names = arena_format(request->arena, "%s", "");
        json_array_foreach(json_object_get(version, "classes"), k, class) names = arena_format(
            request->arena, "%s%s%s", names, k ? ", " : "", text_member(class, "title"));
        json_object_set_new(version, "names", json_string(names));
    }
    return rows;
}

/* A line a class, under its title where it is still one. */
static json_t *draw_history(struct request *request, const json_t *classes) {
    struct err ignored = {0};
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "segmentations.history"),
                          .id = "classes",
                          .width = 1060,
                          .arena = request->arena};
    struct trend_view trend = {
        .shape = TREND_LINES, .every = BUCKET_DAY, .now_ms = request->received_ms, .whole = true};
    json_t *answer, *rows = json_array(), *day, *class, *titles = json_object(), *size;
    const char *name;
    struct buf out;
    size_t i;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    json_array_foreach((json_t *)(uintptr_t)classes, i, class)
        json_object_set(titles, text_member(class, "name"), json_object_get(class, "title"));
    if (page_fetch(request, path_of(request, request->params[0], "/history"), &answer, &ignored) >=
        0) {
        json_t *days = json_object_get(answer, "data");
        json_array_foreach(days, i, day) {
            int64_t ms = 0;
            char time[TIME_TEXT_BYTES];
            if (time_parse(slice_of(text_member(day, "day")), chart.zone, &ms))
                continue;
            time_format(ms, time);
            json_object_foreach(json_object_get(day, "sizes"), name, size) json_array_append_new(
                rows, json_pack("{s:s, s:O, s:O}", "time", time, "by",
                                json_object_get(titles, name) ? json_object_get(titles, name)
                                                              : json_null(),
                                "value", size));
        }
        if (json_array_size(days) > 1)
            chart_trend_figure(&chart, &trend, rows, page_text(request, "home.numbers"), &out);
        json_decref(answer);
    }
    json_decref(titles);
    json_decref(rows);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

static int show_segmentation(struct request *request, struct response *response,
                             const char *refused, struct err *err) {
    static const struct page page = {.template = "segmentation",
                                     .section = "segments",
                                     .style = "css/segments.css css/charts.css"};
    json_t *view, *class;
    size_t i;
    int code = page_fetch(request, path_of(request, request->params[0], ""), &view, err);
    if (code < 0)
        return code;
    json_t *documents = json_incref(json_object_get(view, "classes"));
    code = put_results(request, view, err);
    if (code < 0) {
        json_decref(documents);
        json_decref(view);
        return code;
    }
    json_t *titles = titles_of(request);
    json_array_foreach(json_object_get(view, "classes"), i, class) {
        const json_t *rule = json_object_get(json_array_get(documents, i), "rule");
        static const char *const absent[] = {"persona", "mission", "proposition"};
        for (size_t k = 0; k < sizeof absent / sizeof *absent; k++)
            if (!json_object_get(class, absent[k])) /* else the template would look further out */
                json_object_set_new(class, absent[k], json_null());
        json_object_set_new(class, "tree",
                            rule ? segment_words(request, rule, titles) : json_null());
        json_object_set_new(class, "is_rest", json_boolean(!rule));
        json_object_set_new(class, "segmentation", json_string(request->params[0]));
    }
    json_object_set_new(view, "versions", versions_of(request));
    json_object_set_new(view, "chart", draw_history(request, json_object_get(view, "classes")));
    if (refused)
        json_object_set_new(view, "refused", json_string(refused));
    json_decref(documents);
    json_decref(titles);
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return show_segmentation(request, response, NULL, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code = page_send(request, METHOD_DELETE, path_of(request, request->params[0], ""), NULL,
                         NULL, &refusal);
    if (code == E_CONFLICT) {
        response->status = 409;
        return show_segmentation(request, response, page_text(request, "segmentations.used"), err);
    }
    *err = refusal;
    return code < 0 ? code : page_redirect(request, response, "/segmentations", "removed");
}

static int show_members(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "segmentation_members", .section = "segments"};
    const char *mark = strchr(request->target, '?'), *name = request_query(request, "class");
    json_t *view, *segmentation, *class;
    size_t i;
    int code = page_fetch(request,
                          path_of(request, request->params[0],
                                  arena_format(request->arena, "/members%s", mark ? mark : "")),
                          &view, err);
    if (code < 0)
        return code;
    code = page_fetch(request, path_of(request, request->params[0], ""), &segmentation, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_object_set(view, "whole", json_object_get(segmentation, "title"));
    json_object_set(view, "title", json_object_get(json_object_get(segmentation, "rest"), "title"));
    json_array_foreach(json_object_get(segmentation, "classes"), i, class) {
        if (name && strcmp(text_member(class, "name"), name) == 0)
            json_object_set(view, "title", json_object_get(class, "title"));
    }
    if (!json_is_string(json_object_get(view, "title")))
        json_object_set_new(view, "title", json_string(page_text(request, "segmentations.rest")));
    json_object_set_new(view, "segmentation", json_string(request->params[0]));
    const char *next = text_member(view, "next");
    if (next[0])
        json_object_set_new(view, "next_href",
                            json_sprintf("%s/members?class=%s&cursor=%s",
                                         page_path(request, "/segmentations/", request->params[0]),
                                         name ? name : "", next));
    json_decref(segmentation);
    return page_render(request, response, &page, view, err);
}

/* ---- the editor ---- */

/* What the partial of a class shows; place: for the colour where none was chosen. */
static json_t *class_view(const json_t *class, const char *colour) {
    json_t *copy = class ? json_deep_copy(class) : json_object();
    static const char *const names[] = {"name", "title", "mission", "proposition"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!json_object_get(copy, names[i])) /* else the template would look further out */
            json_object_set_new(copy, names[i], json_string(""));
    const json_t *rule = json_object_get(copy, "rule");
    char *text = rule ? json_dumps(rule, JSON_COMPACT) : NULL;
    json_object_set_new(copy, "rule_text", json_string(text ? text : ""));
    free(text);
    bool told = json_object_get(copy, "persona") || text_member(copy, "mission")[0];
    return json_pack("{s:o, s:o, s:b}", "class", copy, "colours", segment_editor_colours(colour),
                     "told", told);
}

/* view: "document" (and error, where it was refused); taken over. */
static int show_editor(struct request *request, struct response *response, const char *current,
                       json_t *view, struct err *err) {
    static const struct page making = {.template = "segmentation_edit",
                                       .section = "segments",
                                       .title = "segmentations.new",
                                       .style = "css/segments.css",
                                       .script = "js/segments.js"},
                             changing = {.template = "segmentation_edit",
                                         .section = "segments",
                                         .title = "segmentations.edit",
                                         .style = "css/segments.css",
                                         .script = "js/segments.js"};
    int code = segment_editor_view(request, NULL, view, err);
    if (code) {
        json_decref(view);
        return code;
    }
    const json_t *document = json_object_get(view, "document"),
                 *rest = json_object_get(document, "rest");
    json_t *classes = json_array(), *class;
    size_t i;
    json_array_foreach(json_object_get(document, "classes"), i, class)
        json_array_append_new(classes, class_view(class, colour_of(class, i)));
    if (!i)
        json_array_append_new(classes, class_view(NULL, "teal"));
    json_object_set_new(view, "classes", classes);
    json_object_set_new(view, "fresh", class_view(NULL, "blue"));
    json_object_set_new(
        view, "rest",
        class_view(rest, text_member(rest, "colour")[0] ? text_member(rest, "colour") : "grey"));
    json_object_set_new(view, "form",
                        json_pack("{s:s, s:s}", "title", text_member(document, "title"),
                                  "description", text_member(document, "description")));
    const char *path = current ? page_path(request, "/segmentations/", current) : "/segmentations";
    json_object_set_new(view, "action", json_sprintf("%s/%s", path, current ? "edit" : "new"));
    json_object_set_new(view, "cancel", json_string(path));
    if (current)
        json_object_set_new(view, "name", json_string(current));
    json_object_del(view, "document");
    return page_render(request, response, current ? &changing : &making, view, err);
}

static int show_new(struct request *request, struct response *response, struct err *err) {
    return show_editor(request, response, NULL, json_pack("{s:{}}", "document"), err);
}

static int show_edit(struct request *request, struct response *response, struct err *err) {
    json_t *segmentation;
    int code = page_fetch(request, path_of(request, request->params[0], ""), &segmentation, err);
    if (code < 0)
        return code;
    return show_editor(request, response, request->params[0],
                       json_pack("{s:o}", "document", segmentation), err);
}

static int keep(struct request *request, struct response *response, const char *current,
                struct err *err) {
    const char *text = request_form(request, "document");
    json_t *document = json_loads(text ? text : "", 0, NULL), *kept = NULL;
    struct err refusal = {0};
    if (!document)
        return err_set(err, E_MALFORMED, "the form sent no document");
    int code = page_send(request, current ? METHOD_PUT : METHOD_POST,
                         current ? path_of(request, current, "") : "/api/v1/segmentations",
                         json_deep_copy(document), &kept, &refusal);
    if (code >= 0) {
        const char *path = page_path(request, "/segmentations/", text_member(kept, "name"));
        json_decref(kept);
        json_decref(document);
        return page_redirect(request, response, path, "saved");
    }
    if (refusal.code == E_INVALID || refusal.code == E_CONFLICT || refusal.code == E_REFUSED) {
        json_t *view = json_pack("{s:o}", "document", document);
        page_form_error(request, view, &refusal);
        response->status = 422;
        return show_editor(request, response, current, view, err);
    }
    json_decref(document);
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
     .pattern = "/segmentations",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_list},
    {.methods = METHOD_GET,
     .pattern = "/segmentations/new",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_new},
    {.methods = METHOD_POST,
     .pattern = "/segmentations/new",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .body_limit = 1 << 19,
     .handle = add},
    {.methods = METHOD_GET,
     .pattern = "/segmentations/{name}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_one},
    {.methods = METHOD_GET,
     .pattern = "/segmentations/{name}/members",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_members},
    {.methods = METHOD_GET,
     .pattern = "/segmentations/{name}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_edit},
    {.methods = METHOD_POST,
     .pattern = "/segmentations/{name}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .body_limit = 1 << 19,
     .handle = change},
    {.methods = METHOD_POST,
     .pattern = "/segmentations/{name}/remove",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = drop},
};
const struct route_table page_segmentation_routes = ROUTE_TABLE(routes);
