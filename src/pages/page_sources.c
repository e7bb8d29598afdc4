/*
 * Sources: the list, a new one, and one with its key, what to paste where, arrivals, refusals.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/folder.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/regions.h"
#include "pages/words.h"

static const struct page list_page = {
    .template = "sources", .section = "sources", .title = "nav.sources"};
static const struct page new_page = {
    .template = "source_new", .section = "sources", .title = "sources.new", .narrow = true};
static const struct page one_page = {.template = "source", .section = "sources"};

static int show_list(struct request *request, struct response *response, struct err *err) {
    json_t *sources;
    int code = page_fetch(request, "/api/v1/sources", &sources, err);
    if (code < 0)
        return code;
    return page_render(request, response, &list_page, json_pack("{s:o}", "sources", sources), err);
}

/* ---- a new one ---- */

static const char *const kinds[][2] = {{"web", "ch-web"},           {"app", "ch-app"},
                                       {"server", "ch-backoffice"}, {"store", "ch-store"},
                                       {"phone", "ch-phone"},       {"other", "plug"}};

static json_t *new_view(struct request *request, const char *kind, const char *name,
                        const char *channel) {
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b}", "kind", kinds[i][0], "icon", kinds[i][1],
                                        "selected", strcmp(kind, kinds[i][0]) == 0));
    return json_pack("{s:o, s:o, s:{s:s}}", "kinds", list, "channels",
                     channels_json(request, channel), "form", "name", name);
}

static int show_new(struct request *request, struct response *response, struct err *err) {
    return page_render(request, response, &new_page, new_view(request, "web", "", ""), err);
}

static const char *form(struct request *request, const char *name) {
    const char *value = request_form(request, name);
    return value ? value : "";
}

/* The channel that goes without saying. */
static const char *channel_of_kind(const char *kind) {
    static const char *const plain[] = {"web", "app", "store", "phone"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(kind, plain[i]) == 0)
            return kind;
    return "";
}

static int create(struct request *request, struct response *response, struct err *err) {
    const char *kind = form(request, "kind"), *name = form(request, "name"),
               *channel = form(request, "channel");
    json_t *answer = NULL;
    struct err refusal = {0};
    json_t *body = json_pack("{s:s, s:s, s:s}", "name", name, "kind", kind, "channel",
                             *channel ? channel : channel_of_kind(kind));
    int code = page_send(request, METHOD_POST, "/api/v1/sources", body, &answer, &refusal);
    if (code == E_INVALID || code == E_CONFLICT) {
        response->status = err_status(code);
        json_t *view = new_view(request, kind, name, channel);
        page_form_error(request, view, &refusal);
        return page_render(request, response, &new_page, view, err);
    }
    if (code < 0) {
        *err = refusal;
        return code;
    }
    const char *id = json_string_value(json_object_get(answer, "id"));
    const char *location = arena_format(request->arena, "/sources/%s", id ? id : "");
    json_decref(answer);
    return page_redirect(request, response, location, "created");
}

/* ---- one ---- */

static const char *api_path(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/sources/", request->params[0]), rest);
}

/* The tag with a queue, for pages that call senda() before it has loaded. */
static const char *loader_code(struct request *request, const char *key) {
    return arena_format(request->arena,
                        "<script>\n!function(w,d,n,u,k){var "
                        "s=w[n]=w[n]||function(){s.q.push(arguments)};s.q=s.q||[];\n"
                        "[\"page\",\"track\",\"identify\",\"group\",\"alias\",\"consent\","
                        "\"reset\"].forEach(function(m){\n"
                        "s[m]=function(){s.q.push([m].concat([].slice.call(arguments)))}});\n"
                        "var "
                        "e=d.createElement(\"script\");e.async=1;e.src=u+\"/"
                        "senda.js\";e.dataset.key=k;d.head.appendChild(e)\n"
                        "}(window,document,\"senda\",\"%s\",\"%s\")\n</script>",
                        request_base_url(request), key);
}

static void add_ways(struct request *request, json_t *source) {
    json_t *snippet, *way;
    struct err ignored = {0};
    if (page_fetch(request, api_path(request, "/snippet"), &snippet, &ignored) < 0)
        return;
    json_t *ways = json_incref(json_object_get(snippet, "ways"));
    const char *key = json_string_value(json_object_get(source, "write_key"));
    if (key)
        json_array_insert_new(
            ways, 1, json_pack("{s:s, s:s}", "way", "queue", "code", loader_code(request, key)));
    const char *kind = json_string_value(json_object_get(source, "kind"));
    bool web = kind && strcmp(kind, "web") == 0;
    size_t i;
    json_array_foreach(ways, i, way) {
        const char *name = json_string_value(json_object_get(way, "way"));
        bool first = name && strcmp(name, web ? "web" : "http") == 0;
        json_object_set_new(way, "first", json_boolean(first));
    }
    json_object_set_new(source, "ways", ways);
    json_decref(snippet);
}

static void add_refusals(struct request *request, json_t *source) {
    json_t *answer;
    struct err ignored = {0};
    if (page_fetch(request, api_path(request, "/refusals?limit=50"), &answer, &ignored) < 0)
        return;
    json_object_set(source, "refusals", json_object_get(answer, "data"));
    const json_t *reasons = json_object_get(answer, "reasons");
    if (json_array_size(reasons) > 0)
        json_object_set_new(source, "reasons", json_pack("{s:O}", "list", reasons));
    json_decref(answer);
}

/* What its events may serve, and what becomes of addresses. */
static void put_purposes(struct request *request, json_t *source) {
    static const char *const ways[] = {"short", "none", "full"};
    const char *purpose = json_string_value(json_object_get(source, "purpose"));
    const char *ip = json_string_value(json_object_get(source, "ip"));
    json_t *answer, *row, *list = json_array();
    size_t i;
    struct err ignored = {0};
    for (i = 0; i < sizeof ways / sizeof *ways; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "ip", ways[i], "selected",
                                              ip && strcmp(ip, ways[i]) == 0));
    json_object_set_new(source, "addresses", list);
    if (page_fetch(request, "/api/v1/purposes", &answer, &ignored) < 0)
        return;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        json_object_set(row, "title",
                        json_object_get(json_object_get(row, "title"), request->language));
        json_object_set_new(row, "selected",
                            json_boolean(purpose && name && strcmp(purpose, name) == 0));
    }
    json_object_set(source, "purposes", json_object_get(answer, "data"));
    json_decref(answer);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    json_t *source;
    int code = page_fetch(request, api_path(request, ""), &source, err);
    if (code < 0)
        return code;
    add_ways(request, source);
    add_refusals(request, source);
    json_t *arrivals;
    struct err ignored = {0};
    if (page_fetch(request, api_path(request, "/arrivals?limit=8"), &arrivals, &ignored) >= 0) {
        json_object_set(source, "arrivals", json_object_get(arrivals, "data"));
        json_decref(arrivals);
    }
    json_object_set_new(source, "names",
                        words_names(page_format(request), app_folder(request->app)->dictionary));
    json_t *units;
    if (page_fetch(request, "/api/v1/units", &units, &ignored) >= 0) {
        json_object_set(source, "units", json_object_get(units, "data"));
        json_decref(units);
    }
    put_purposes(request, source);
    json_object_set_new(
        source, "channels",
        channels_json(request, json_string_value(json_object_get(source, "channel"))));
    return page_render(
        request, response, &one_page,
        json_pack("{s:o, s:O}", "source", source, "title", json_object_get(source, "name")), err);
}

static int back(struct request *request, struct response *response, const char *notice) {
    return page_redirect(request, response,
                         arena_format(request->arena, "/sources/%s", request->params[0]), notice);
}

static int change(struct request *request, struct response *response, struct err *err) {
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", form(request, "name"), "channel",
                             form(request, "channel"), "unit", form(request, "unit"), "purpose",
                             form(request, "purpose"), "ip", form(request, "ip"));
    int code = page_send(request, METHOD_PATCH, api_path(request, ""), body, NULL, err);
    return code < 0 ? code : back(request, response, "saved");
}

static int set_state(struct request *request, struct response *response, struct err *err) {
    bool disabled = strcmp(form(request, "disabled"), "1") == 0;
    int code = page_send(request, METHOD_PATCH, api_path(request, ""),
                         json_pack("{s:b}", "disabled", disabled), NULL, err);
    return code < 0 ? code : back(request, response, disabled ? "stopped" : "resumed");
}

static int rotate(struct request *request, struct response *response, struct err *err) {
    int code =
        page_send(request, METHOD_POST, api_path(request, "/rotate"), json_object(), NULL, err);
    return code < 0 ? code : back(request, response, "rotated");
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/sources",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_list},
    {.methods = METHOD_POST,
     .pattern = "/sources",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = create},
    {.methods = METHOD_GET,
     .pattern = "/sources/new",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_new},
    {.methods = METHOD_GET,
     .pattern = "/sources/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_one},
    {.methods = METHOD_POST,
     .pattern = "/sources/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change},
    {.methods = METHOD_POST,
     .pattern = "/sources/{id}/state",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = set_state},
    {.methods = METHOD_POST,
     .pattern = "/sources/{id}/rotate",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = rotate},
};
const struct route_table page_source_routes = ROUTE_TABLE(routes);
