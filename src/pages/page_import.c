/*
 * Import: drop a file, see the proposed columns, correct them, import, first findings.
 *
 * STATES of /import/{id} follow the API's: proposed → columns and preview; waiting, running → progress; done, failed, cancelled →
 * result, and the first findings where something came in.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "folder/folder.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/regions.h"
#include "pages/words.h"

enum { SAMPLES = 3, COLUMNS_MAX = 400, EVENTS_SHOWN = 12, MAP_NODES = 10, PREVIEW_ROWS = 8 };
#define UPLOAD_MAX_BYTES ((size_t)2 * 1024 * 1024 * 1024)

static const char *const roles[] = {"customer", "time",       "time_of_day", "event",
                                    "channel",  "touchpoint", "unit",        "message_id"};
enum { ROLES = sizeof roles / sizeof *roles };
static const char CUSTOMERS[] = "customers-csv", INTERACTIONS[] = "csv", REVIEWS[] = "reviews-csv",
                  RESPONSES[] = "responses-csv";
/* Of rows of reviews. */
static const char *const review_roles[] = {
    "customer", "time",   "time_of_day", "rating",    "subject",     "name",     "title",
    "text",     "author", "channel",     "unit",      "site",        "language", "invited",
    "ordered",  "state",  "months",      "review_id", "subject_kind"};
enum { REVIEW_ROLES = sizeof review_roles / sizeof *review_roles };

static const struct page start_page = {
    .template = "import", .section = "import", .title = "nav.import"};
static const struct page map_page = {
    .template = "import_map", .section = "import", .title = "import_map.title"};
static const struct page run_page = {.template = "import_run",
                                     .section = "import",
                                     .title = "nav.import",
                                     .style = "css/charts.css"};

static int show_start_view(struct request *request, struct response *response, json_t *view,
                           struct err *err) {
    json_t *answer;
    struct err ignored = {0};
    if (page_fetch(request, "/api/v1/imports?limit=20", &answer, &ignored) >= 0) {
        json_object_set(view, "imports", json_object_get(answer, "data"));
        json_decref(answer);
    }
    return page_render(request, response, &start_page, view, err);
}

static int show_start(struct request *request, struct response *response, struct err *err) {
    return show_start_view(request, response, json_object(), err);
}

static int upload(struct request *request, struct response *response, struct err *err) {
    json_t *answer = NULL;
    struct err refusal = {0};
    int code = page_forward(request, "/api/v1/imports", &answer, &refusal);
    if (code < 0 && code != E_INVALID && code != E_MALFORMED && code != E_MEDIA &&
        code != E_NOT_FOUND) {
        *err = refusal;
        return code;
    }
    if (code < 0) {
        json_t *view = json_object();
        response->status = 422;
        page_form_error(request, view, &refusal);
        return show_start_view(request, response, view, err);
    }
    const char *id = json_string_value(json_object_get(answer, "id"));
    const char *location = arena_format(request->arena, "/import/%s", id ? id : "");
    json_decref(answer);
    return page_redirect(request, response, location, NULL);
}

static const char *api_path(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/imports/", request->params[0]), rest);
}

/* ---- columns ---- */

static bool names_column(const json_t *mapped, const char *column) {
    const char *name = json_string_value(mapped);
    return name && strcmp(name, column) == 0;
}

static bool is_property(const json_t *properties, const char *column) {
    if (json_is_string(properties))
        return true; /* "*" */
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)properties, i,
                       name) if (names_column(name, column)) return true;
    return false;
}

/* A map of customers keeps its columns as traits. */
static bool of_customers(const json_t *map) { return json_object_get(map, "traits") != NULL; }

/* A map of reviews says the rating. */
static bool of_reviews(const json_t *map) { return json_object_get(map, "rating") != NULL; }

/* A map of responses that Senda wrote itself: nothing is to be said about it. */
static bool of_responses(const json_t *map) { return json_object_get(map, "answers") != NULL; }

static const char *role_of_column(const json_t *map, const char *column) {
    for (size_t i = 0; i < REVIEW_ROLES && of_reviews(map); i++)
        if (names_column(json_object_get(map, review_roles[i]), column))
            return review_roles[i];
    for (size_t i = 0; i < ROLES; i++)
        if (names_column(json_object_get(map, roles[i]), column))
            return roles[i];
    if (of_customers(map))
        return is_property(json_object_get(map, "traits"), column) ? "trait" : "ignore";
    return is_property(json_object_get(map, "properties"), column) ? "property" : "ignore";
}

static void add_choice(json_t *list, const char *role, const char *selected) {
    json_array_append_new(
        list, json_pack("{s:s, s:b}", "role", role, "selected", strcmp(role, selected) == 0));
}

static json_t *role_choices(bool customers, bool reviews, const char *selected) {
    json_t *list = json_array();
    for (size_t i = 0; i < REVIEW_ROLES && reviews; i++)
        add_choice(list, review_roles[i], selected);
    for (size_t i = 0; i < (reviews ? 0 : customers ? 1 : ROLES); i++)
        add_choice(list, roles[i], selected);
    add_choice(list, customers ? "trait" : "property", selected);
    add_choice(list, "ignore", selected);
    return list;
}

static json_t *columns_json(const json_t *guess, const json_t *map) {
    json_t *list = json_array(), *column, *example;
    size_t i, k;
    json_array_foreach(json_object_get(guess, "columns"), i, column) {
        const char *name = json_string_value(json_object_get(column, "name"));
        if (!name || i >= COLUMNS_MAX)
            continue;
        json_t *samples = json_array();
        json_array_foreach(json_object_get(column, "examples"), k,
                           example) if (json_is_string(example) && json_string_length(example) &&
                                        json_array_size(samples) < SAMPLES)
            json_array_append(samples, example);
        const char *role = role_of_column(map, name);
        json_array_append_new(list,
                              json_pack("{s:I, s:s, s:s, s:o, s:o}", "index", (json_int_t)i, "name",
                                        name, "role", role, "samples", samples, "roles",
                                        role_choices(of_customers(map), of_reviews(map), role)));
    }
    return list;
}

static const char *constant(const json_t *map, const char *member) {
    const char *text = json_string_value(json_object_get(json_object_get(map, member), "const"));
    return text ? text : "";
}

static json_t *preview_json(struct request *request, const json_t *guess) {
    json_t *list = json_array(), *row;
    size_t i;
    json_array_foreach(json_object_get(guess, "rejected"), i, row) if (i < 2) json_array_append_new(
        list, json_pack("{s:O?, s:O?}", "reason", json_object_get(row, "code"), "problem",
                        json_object_get(row, "message")));
    const struct format *format = page_format(request);
    json_array_foreach(json_object_get(guess, "preview"), i, row) {
        json_t *main, *more;
        if (i >= PREVIEW_ROWS)
            break;
        words_properties(format, json_object_get(row, "properties"), NULL, request->arena, &main,
                         &more);
        json_array_extend(main, more);
        json_decref(more);
        json_array_append_new(list, json_pack("{s:O?, s:O?, s:O?, s:O?, s:o}", "time",
                                              json_object_get(row, "time"), "customer",
                                              json_object_get(row, "customer"), "event",
                                              json_object_get(row, "event"), "channel",
                                              json_object_get(row, "channel"), "properties", main));
    }
    return list;
}

/* The first example of the column that holds the time, and how it was read. */
static void add_time_example(const json_t *guess, const json_t *map, json_t *view) {
    const char *name = json_string_value(json_object_get(map, "time"));
    const json_t *read =
        json_object_get(json_array_get(json_object_get(guess, "preview"), 0), "time");
    size_t i;
    json_t *column;
    json_array_foreach(json_object_get(guess, "columns"), i, column) {
        const json_t *example = json_array_get(json_object_get(column, "examples"), 0);
        if (!name || !names_column(json_object_get(column, "name"), name) || !example || !read)
            continue;
        json_object_set(view, "time_example", (json_t *)(uintptr_t)example);
        json_object_set(view, "time_read", (json_t *)(uintptr_t)read);
    }
}

/* guess: what the API says of the file with `map`. Both are kept by the caller. */
static int show_map(struct request *request, struct response *response, json_t *import,
                    const json_t *guess, const json_t *map, json_t *view, struct err *err) {
    static const char *const formats[] = {"rfc3339",        "%d/%m/%Y %H:%M", "%d/%m/%Y",
                                          "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S",
                                          "unix",           "unix_ms"};
    json_t *time_formats = json_array();
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        json_array_append_new(time_formats, json_string(formats[i]));
    const char *time_format = json_string_value(json_object_get(map, "time_format"));
    json_object_set(view, "import", import);
    if (of_customers(map))
        json_object_set_new(view, "customers", json_true());
    json_object_set_new(view, "reviews", json_boolean(of_reviews(map)));
    json_object_set_new(view, "interactions", json_boolean(!of_customers(map) && !of_reviews(map)));
    if (json_object_get(guess, "notes"))
        json_object_set(view, "notes", json_object_get(guess, "notes"));
    json_object_set_new(view, "columns",
                        of_responses(map) ? json_array() : columns_json(guess, map));
    if (of_responses(map))
        json_object_set_new(view, "notes", json_pack("[s]", "responses"));
    json_object_set_new(view, "time_format", json_string(time_format ? time_format : ""));
    json_object_set_new(view, "time_formats", time_formats);
    json_object_set_new(view, "event_const", json_string(constant(map, "event")));
    json_object_set_new(view, "channels", channels_json(request, constant(map, "channel")));
    json_object_set_new(view, "preview", preview_json(request, guess));
    add_time_example(guess, map, view);
    return page_render(request, response, &map_page, view, err);
}

static const char *form(struct request *request, const char *name) {
    const char *value = request_form(request, name);
    return value ? value : "";
}

static void set_or_drop(json_t *map, const char *name, const char *value) {
    if (*value)
        json_object_set_new(map, name, json_string(value));
    else
        json_object_del(map, name);
}

/* The map of reviews as the form says it. */
static json_t *review_map_of_form(struct request *request, const json_t *guess) {
    json_t *map = json_deep_copy(json_object_get(guess, "map")), *properties = json_array(),
           *column;
    size_t i;
    if (!map)
        map = json_object();
    for (size_t k = 0; k < REVIEW_ROLES; k++)
        json_object_del(map, review_roles[k]);
    json_object_del(map, "event");
    json_object_del(map, "traits");
    json_object_del(map, "touchpoint");
    json_object_del(map, "types");
    json_array_foreach(json_object_get(guess, "columns"), i, column) {
        json_t *name = json_object_get(column, "name");
        const char *role = request_form(request, arena_format(request->arena, "role_%zu", i));
        for (size_t k = 0; role && name && k < REVIEW_ROLES; k++)
            if (strcmp(role, review_roles[k]) == 0)
                json_object_set(map, review_roles[k], name);
        if (role && name && strcmp(role, "property") == 0)
            json_array_append(properties, name);
    }
    json_object_set_new(map, "properties", properties);
    set_or_drop(map, "time_format", form(request, "time_format"));
    return map;
}

/* The map as the form says it, over what the proposal knew besides (delimiter, encoding, decimal, zone). */
static json_t *map_of_form(struct request *request, const json_t *guess) {
    json_t *map = json_deep_copy(json_object_get(guess, "map")), *properties = json_array(),
           *column;
    if (!map)
        map = json_object();
    for (size_t i = 0; i < ROLES; i++)
        json_object_del(map, roles[i]);
    bool customers = strcmp(form(request, "format"), CUSTOMERS) == 0;
    json_object_del(map, customers ? "properties" : "traits");
    size_t i;
    json_array_foreach(json_object_get(guess, "columns"), i, column) {
        json_t *name = json_object_get(column, "name");
        const char *role = request_form(request, arena_format(request->arena, "role_%zu", i));
        if (!role || !name)
            continue;
        /* What was chosen for the other kind of rows is kept as a detail. */
        bool kept = strcmp(role, "property") == 0 || strcmp(role, "trait") == 0 ||
                    (customers && strcmp(role, roles[0]) != 0 && strcmp(role, "ignore") != 0);
        if (kept)
            json_array_append(properties, name);
        for (size_t k = 0; k < (customers ? 1 : ROLES); k++)
            if (strcmp(role, roles[k]) == 0)
                json_object_set(map, roles[k], name);
    }
    json_object_set_new(map, customers ? "traits" : "properties", properties);
    if (customers) {
        json_object_del(map, "time_format");
        return map;
    }
    set_or_drop(map, "time_format", form(request, "time_format"));
    const char *event = form(request, "event_const"), *channel = form(request, "channel_const");
    if (*event)
        json_object_set_new(map, "event", json_pack("{s:s}", "const", event));
    if (*channel)
        json_object_set_new(map, "channel", json_pack("{s:s}", "const", channel));
    return map;
}

/* The rows become reviews, or are none any more: another look at the columns. Takes over what is given. */
static int propose_again(struct request *request, struct response *response, json_t *import,
                         json_t *map, json_t *body, struct err *err) {
    json_t *answer = NULL, *view = json_object();
    struct err refusal = {0};
    json_object_set_new(body, "format", json_string(form(request, "format")));
    json_object_set_new(body, "map", json_null());
    int code =
        page_send(request, METHOD_POST, api_path(request, "/preview"), body, &answer, &refusal);
    if (code == E_INVALID || code == E_MALFORMED) {
        response->status = 422;
        page_form_error(request, view, &refusal);
    } else if (code < 0) {
        *err = refusal;
        json_decref(view);
    }
    if (code >= 0 || code == E_INVALID || code == E_MALFORMED) {
        const json_t *guess = answer ? answer : json_object_get(import, "guess");
        const json_t *found = json_object_get(answer, "map");
        code = show_map(request, response, import, guess, found ? found : map, view, err);
    }
    json_decref(answer);
    json_decref(map);
    json_decref(import);
    return code;
}

static bool wants_reviews(struct request *request) {
    return strcmp(form(request, "format"), REVIEWS) == 0;
}

static const char *chosen_format(struct request *request, const json_t *map) {
    return of_responses(map)        ? RESPONSES
           : wants_reviews(request) ? REVIEWS
           : of_customers(map)      ? CUSTOMERS
                                    : INTERACTIONS;
}

/* What the form says of the columns; new reference, NULL where the file has none. */
static json_t *chosen_map(struct request *request, const json_t *guess) {
    json_t *guessed = json_object_get(guess, "map");
    if (!json_array_size(json_object_get(guess, "columns")))
        return NULL;
    if (of_responses(guessed))
        return json_incref(guessed);
    return wants_reviews(request) ? review_map_of_form(request, guess)
                                  : map_of_form(request, guess);
}

/* The columns are those of the file; the preview is that of this map, with what refused it. */
static int show_again(struct request *request, struct response *response, json_t *import,
                      const json_t *answer, json_t *map, const struct err *refusal,
                      struct err *err) {
    json_t *view = json_object(), *shown = json_deep_copy(json_object_get(import, "guess"));
    if (refusal->code) {
        response->status = 422;
        page_form_error(request, view, refusal);
    }
    json_object_set(shown, "preview", json_object_get(answer, "preview"));
    json_object_set(shown, "rejected", json_object_get(answer, "rejected"));
    int code = show_map(request, response, import, shown, map, view, err);
    json_decref(shown);
    return code;
}

static int change_map(struct request *request, struct response *response, struct err *err) {
    json_t *import, *answer = NULL;
    int code = page_fetch(request, api_path(request, ""), &import, err);
    if (code < 0)
        return code;
    const json_t *guess = json_object_get(import, "guess");
    json_t *map = chosen_map(request, guess), *body = json_object();
    if (map && !of_responses(map) &&
        wants_reviews(request) != (strcmp(form(request, "was"), REVIEWS) == 0))
        return propose_again(request, response, import, map, body, err);
    if (map) {
        json_object_set(body, "map", map);
        json_object_set_new(body, "format", json_string(chosen_format(request, map)));
    }
    bool start = strcmp(form(request, "do"), "preview") != 0;
    if (start)
        json_object_set_new(body, "source", json_string(page_text(request, "kind.file")));
    struct err refusal = {0};
    json_t *checked = json_incref(
        body); /* a start looks at the first rows too: better refused here than begun in vain */
    code = page_send(request, METHOD_POST, api_path(request, "/preview"), body, &answer, &refusal);
    if (start && code >= 0)
        code =
            page_send(request, METHOD_POST, api_path(request, "/start"), checked, NULL, &refusal);
    else
        json_decref(checked);
    if (code >= 0 && start) {
        code = page_redirect(request, response,
                             arena_format(request->arena, "/import/%s", request->params[0]), NULL);
    } else if (code >= 0 || code == E_INVALID || code == E_MALFORMED) {
        code = show_again(request, response, import, answer, map, &refusal, err);
    } else {
        *err = refusal;
    }
    json_decref(answer);
    json_decref(map);
    json_decref(import);
    return code;
}

/* ---- the run and its first findings ---- */

static void put_summary(struct request *request, const json_t *meta, json_t *view) {
    struct template_world world = {
        .format = page_format(request), .now_ms = request->received_ms, .arena = request->arena};
    struct buf out;
    struct err ignored = {0};
    buf_init(&out, 1024);
    if (template_render_text(SLICE_LITERAL("{{_ import_run.summary}}"), meta, &world, &out,
                             &ignored) >= 0 &&
        out.p)
        json_object_set_new(view, "summary", json_string(out.p));
    buf_release(&out);
}

static json_t *draw_map(struct request *request, const json_t *data) {
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "import_run.flow"),
                          .id = "first-map",
                          .names = true,
                          .width = 1060,
                          .arena = request->arena};
    struct flow_view flow = {.max_nodes = MAP_NODES};
    struct buf out;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    buf_add_text(&out, "<figure class=\"chart-figure\"><div class=\"chart-scroll\">");
    chart_map(&chart, &flow, data, &out);
    buf_add_text(&out, "</div>");
    buf_add_format(&out, "<details class=\"chart-numbers\"><summary>%s</summary>",
                   page_text(request, "home.numbers"));
    chart_flow_table(&chart, data, &out);
    buf_add_text(&out, "</details></figure>");
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

static void add_findings(struct request *request, json_t *view) {
    json_t *answer, *events = json_array(), *node;
    struct err ignored = {0};
    if (page_query(request, json_pack("{s:s, s:s}", "kind", "flow", "level", "event"), &answer,
                   &ignored) < 0) {
        json_decref(events);
        return;
    }
    const json_t *data = json_object_get(answer, "data");
    size_t i;
    json_array_foreach(json_object_get(data, "nodes"), i, node) if (i < EVENTS_SHOWN)
        json_array_append(events, node);
    json_object_set_new(view, "findings", json_true());
    json_object_set_new(view, "events", events);
    json_object_set_new(view, "explore", json_string("/explore/flow?range=all"));
    json_object_set_new(view, "chart", draw_map(request, data));
    put_summary(request, json_object_get(answer, "meta"), view);
    json_decref(answer);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    json_t *import;
    int code = page_fetch(request, api_path(request, ""), &import, err);
    if (code < 0)
        return code;
    const char *state = json_string_value(json_object_get(import, "state"));
    const json_t *guess = json_object_get(import, "guess");
    json_t *view = json_object();
    if (state && strcmp(state, "proposed") == 0) {
        code = show_map(request, response, import, guess, json_object_get(guess, "map"), view, err);
        json_decref(import);
        return code;
    }
    if (json_number_value(json_object_get(import, "seconds")) < 0.5)
        json_object_del(import, "seconds");
    bool done = state && strcmp(state, "done") == 0;
    double kept = json_number_value(json_object_get(import, "accepted")) +
                  json_number_value(json_object_get(import, "duplicates"));
    if (done && kept > 0)
        add_findings(request, view);
    json_object_set_new(view, "import", import);
    return page_render(request, response, &run_page, view, err);
}

static int cancel(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_POST, api_path(request, "/cancel"), NULL, NULL, err);
    if (code < 0)
        return code;
    return page_redirect(request, response,
                         arena_format(request->arena, "/import/%s", request->params[0]), NULL);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/import",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_IMPORT,
     .handle = show_start},
    {.methods = METHOD_POST,
     .pattern = "/import",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_IMPORT,
     .body_limit = UPLOAD_MAX_BYTES,
     .handle = upload},
    {.methods = METHOD_GET,
     .pattern = "/import/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_IMPORT,
     .handle = show_one},
    {.methods = METHOD_POST,
     .pattern = "/import/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_IMPORT,
     .body_limit = 1 << 20,
     .handle = change_map},
    {.methods = METHOD_POST,
     .pattern = "/import/{id}/cancel",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_IMPORT,
     .handle = cancel},
};
const struct route_table page_import_routes = ROUTE_TABLE(routes);
