/*
 * The shell around every page, requests of the API in this process, and errors as pages.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "http/app.h"
#include "http/assets.h"
#include "http/router.h"
#include "pages/message.h"
#include "pages/pages.h"
#include "pages/text.h"
#include "pages/unit_titles.h"

enum { PAGE_MAX_BYTES = 4 * 1024 * 1024 };

/* ---- what surrounds ---- */

static const struct {
    const char *name, *href, *icon, *group;
    bool tab; /* stands in the bar of a phone */
    unsigned scopes;
    enum role role; /* least */
} navigation[] = {
    {"home", "/", "home", NULL, true, 0, ROLE_NONE},
    {"explore", "/explore", "path", NULL, true, 0, ROLE_NONE},
    {"scores", "/scores", "scale", "listen", false, 0, ROLE_NONE},
    {"surveys", "/surveys", "ch-chat", NULL, false, SCOPE_QUERY, ROLE_NONE},
    {"invitations", "/invitations", "ch-email", NULL, false, SCOPE_QUERY, ROLE_NONE},
    {"kiosks", "/kiosks", "ch-kiosk", NULL, false, SCOPE_QUERY, ROLE_NONE},
    {"reviews", "/reviews", "ch-review", NULL, false, SCOPE_QUERY, ROLE_AGENT},
    {"customers", "/customers", "people", "know", true, 0, ROLE_AGENT},
    {"groups", "/groups", "building", NULL, false, SCOPE_QUERY, ROLE_AGENT},
    {"segments", "/segments", "filter", NULL, false, 0, ROLE_NONE},
    {"promises", "/promises", "check", NULL, false, 0, ROLE_NONE},
    {"value", "/value", "coin", NULL, false, SCOPE_QUERY, ROLE_AGENT},
    {"churn", "/churn", "heart", NULL, false, SCOPE_QUERY, ROLE_AGENT},
    {"import", "/import", "file", "data", true, SCOPE_IMPORT, ROLE_NONE},
    {"sources", "/sources", "plug", NULL, false, SCOPE_MANAGE, ROLE_NONE},
    {"settings", "/settings", "gear", NULL, false, 0, ROLE_NONE},
};

/* Pages of the whole organisation, which who sees some units only is refused. */
static bool is_of_whole(const char *name) {
    return strcmp(name, "value") == 0 || strcmp(name, "churn") == 0;
}

static json_t *navigation_json(const struct request *request, const char *section) {
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof navigation / sizeof *navigation; i++) {
        if ((request->principal.scopes & navigation[i].scopes) != navigation[i].scopes ||
            request->principal.role < navigation[i].role ||
            (request->principal.units && is_of_whole(navigation[i].name)))
            continue;
        json_t *entry =
            json_pack("{s:s, s:s, s:s, s:b, s:b}", "name", navigation[i].name, "href",
                      navigation[i].href, "icon", navigation[i].icon, "tab", navigation[i].tab,
                      "current", section && strcmp(section, navigation[i].name) == 0);
        if (navigation[i].group)
            json_object_set_new(entry, "group", json_string(navigation[i].group));
        json_array_append_new(list, entry);
    }
    return list;
}

void page_setting(const struct request *request, const char *name, char value[128]) {
    struct store *store = app_folder(request->app)->store;
    sqlite3 *db = store_reader_get(store);
    if (!db || store_setting_get(db, name, value, 128, NULL) < 0)
        value[0] = 0;
    if (db)
        store_reader_put(store, db);
}

static struct template_world world_of(const struct request *request) {
    char region[128];
    page_setting(request, "region", region);
    return (struct template_world){
        .format = format_get(request->language, region, app_folder(request->app)->zone),
        .now_ms = request->received_ms,
        .arena = request->arena,
    };
}

const struct format *page_format(const struct request *request) { return world_of(request).format; }

const char *page_text(const struct request *request, const char *key) {
    return text_of(request->language, key);
}

static void set_text(json_t *view, const char *name, const char *text) {
    if (text && *text && !json_object_get(view, name))
        json_object_set_new(view, name, json_string(text));
}

static void add_person(const struct request *request, json_t *view) {
    const struct principal *principal = &request->principal;
    bool signed_in = principal->role != ROLE_NONE;
    json_object_set_new(view, "signed_in", json_boolean(signed_in));
    if (!signed_in)
        return;
    struct user user;
    struct err ignored = {0};
    bool known = principal->user && user_get(app_accounts(request->app), principal->user,
                                             request->arena, &user, &ignored) >= 0;
    set_text(view, "person",
             known && user.name[0] ? user.name
             : principal->name     ? principal->name
                                   : "Senda");
    set_text(view, "role", role_name(principal->role));
    json_object_set_new(view, "can",
                        json_pack("{s:b, s:b, s:b, s:b}", "see_people", !principal->floor, "manage",
                                  principal->scopes & SCOPE_MANAGE, "admin",
                                  principal->scopes & SCOPE_ADMIN, "import",
                                  principal->scopes & SCOPE_IMPORT));
}

/* "Clientes · Vereda · Senda": the product's name stands once. */
static void add_title(const struct request *request, const char *organisation, json_t *view) {
    const char *title = json_string_value(json_object_get(view, "title"));
    bool named = *organisation && strcmp(organisation, "Senda") != 0;
    if (!title)
        title = "";
    if (named)
        title = arena_format(request->arena, "%s · %s", title, organisation);
    if (!strstr(title, "Senda"))
        title = arena_format(request->arena, "%s · Senda", title);
    set_text(view, "page_title", title);
}

/* What every template finds (page.h). */
/* "a b" as a list. */
static json_t *names_json(const char *names) {
    json_t *list = json_array();
    while (*names) {
        size_t n = strcspn(names, " ");
        json_array_append_new(list, json_stringn(names, n));
        names += n + strspn(names + n, " ");
    }
    return list;
}

static void add_common(const struct request *request, const struct page *page,
                       const struct template_world *world, json_t *view) {
    const struct folder *folder = app_folder(request->app);
    if (page->title)
        set_text(view, "title", page_text(request, page->title));
    set_text(view, "language", request->language);
    set_text(view, "region", format_locale(world->format));
    set_text(view, "organisation", folder->name);
    add_title(request, folder->name, view);
    set_text(view, "currency", folder->currency);
    set_text(view, "csrf", request->csrf);
    set_text(view, "here", request->path);
    set_text(view, "assets", assets_version());
    const char *theme = request_cookie(request, "theme");
    if (theme && (strcmp(theme, "dark") == 0 || strcmp(theme, "light") == 0))
        set_text(view, "theme", theme);
    set_text(view, "notice", request_query(request, "notice"));
    char demo[128];
    page_setting(request, "demo", demo);
    json_object_set_new(view, "demo", json_boolean(strcmp(demo, "1") == 0));
    add_person(request, view);
    json_object_set_new(view, "nav", navigation_json(request, page->section));
    if (page->script)
        json_object_set_new(view, "scripts", json_pack("[s]", page->script));
    if (page->style)
        json_object_set_new(view, "styles", names_json(page->style));
    json_object_set_new(view, "wide", json_boolean(page->wide));
    json_object_set_new(view, "narrow", json_boolean(page->narrow));
}

json_t *page_event_names(const struct request *request) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    for (uint32_t code = 1; code <= dictionary_count(names, DICTIONARY_EVENT); code++) {
        struct slice name = dictionary_name(names, DICTIONARY_EVENT, (uint16_t)code);
        json_array_append_new(list, json_stringn(name.p, name.n));
    }
    return list;
}

static void add_unit(json_t *list, const char *name, const char *title, const char *chosen) {
    json_t *row;
    size_t i;
    json_array_foreach(list, i, row) if (strcmp(json_string_value(json_object_get(row, "name")),
                                                name) == 0) return;
    json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "name", name, "title",
                                          title && *title ? title : name, "chosen",
                                          chosen && strcmp(chosen, name) == 0));
}

json_t *page_units(struct request *request, const char *chosen) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array(), *answer = NULL, *row;
    struct err ignored = {0};
    size_t i;
    if (page_fetch(request, "/api/v1/units", &answer, &ignored) == 0)
        json_array_foreach(json_object_get(answer, "data"), i, row)
            add_unit(list, json_string_value(json_object_get(row, "name")),
                     json_string_value(json_object_get(row, "title")), chosen);
    json_decref(answer);
    for (uint32_t code = 1; code <= dictionary_count(names, DICTIONARY_UNIT); code++)
        if (principal_sees(&request->principal, (uint16_t)code))
            add_unit(
                list,
                arena_text(request->arena, dictionary_name(names, DICTIONARY_UNIT, (uint16_t)code)),
                NULL, chosen);
    return list;
}

int page_render(struct request *request, struct response *response, const struct page *page,
                json_t *view, struct err *err) {
    struct template_world world = world_of(request);
    world.units = unit_titles_new(request);
    struct buf content;
    buf_init(&content, PAGE_MAX_BYTES);
    add_common(request, page, &world, view);
    int code = template_render(page->template, view, &world, &content, err);
    if (code < 0)
        goto out;
    json_object_set_new(view, "content", json_stringn(content.p ? content.p : "", content.n));
    if (!response->body.max)
        buf_init(&response->body, PAGE_MAX_BYTES);
    code = template_render("base", view, &world, &response->body, err);
    if (code < 0)
        goto out;
    response->type = "text/html; charset=utf-8";
    if (!response->status)
        response->status = 200;
    response_header(request, response, "Cache-Control", "no-store");
    code = HANDLED;
out:
    buf_release(&content);
    json_decref(view);
    return code;
}

int page_error(struct request *request, struct response *response, const struct err *err) {
    struct err ignored = {0};
    if (!request->language && accounts_identify(request, &ignored) < 0 && !request->language)
        request->language =
            app_folder(request->app)->language; /* refused before anybody asked who it is */
    int status = err_status(err->code);
    char kind[16];
    snprintf(kind, sizeof kind, "%d", status);
    bool known = text_of_value(request->language, "error.title", kind) != NULL;
    const char *key = known ? kind : "500";
    json_t *view = json_pack("{s:i, s:s, s:s}", "status", status, "kind", key, "title",
                             text_of_value(request->language, "error.title", key));
    struct err said = *err;
    message_translate(request->language, &said);
    if (said.message[0] && status < 500)
        json_object_set_new(view, "message", json_string(said.message));
    if (said.hint[0])
        json_object_set_new(view, "fix", json_string(said.hint));
    buf_clear(&response->body);
    response->status = status;
    static const struct page page = {.template = "error"};
    if (page_render(request, response, &page, view, NULL) < 0) {
        buf_clear(&response->body);
        if (!response->body.max)
            buf_init(&response->body, PAGE_MAX_BYTES);
        response->type = "text/plain; charset=utf-8";
        buf_add_text(&response->body, err_title(err->code));
    }
    return HANDLED;
}

int page_redirect(struct request *request, struct response *response, const char *location,
                  const char *notice) {
    if (notice)
        location = arena_format(request->arena, "%s%snotice=%s", location,
                                strchr(location, '?') ? "&" : "?", notice);
    response_redirect(request, response, location);
    return HANDLED;
}

const char *page_message(const struct request *request, const struct err *err) {
    struct err said = *err;
    message_translate(request->language, &said);
    return arena_text(request->arena, slice_of(said.message));
}

void page_form_error(const struct request *request, json_t *view, const struct err *refusal) {
    struct err said = *refusal;
    message_translate(request->language, &said);
    json_object_set_new(view, "error",
                        json_pack("{s:s, s:s, s:s}", "message", said.message, "hint", said.hint,
                                  "pointer", said.pointer));
}

/* ---- the API, from inside ---- */

/* The problem document of a refused call as an error. */
static int read_problem(const json_t *problem, int status, struct err *err) {
    static const struct {
        int status, code;
    } codes[] = {{400, E_MALFORMED}, {401, E_UNAUTHORIZED}, {403, E_FORBIDDEN}, {404, E_NOT_FOUND},
                 {409, E_CONFLICT},  {412, E_PRECONDITION}, {413, E_TOO_LARGE}, {415, E_MEDIA},
                 {422, E_INVALID},   {429, E_RATE},         {503, E_BUSY}};
    int code = E_INTERNAL;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            code = codes[i].code;
    const json_t *first = json_array_get(json_object_get(problem, "errors"), 0);
    const char *pointer = json_string_value(json_object_get(first, "pointer"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *message = json_string_value(json_object_get(first, "message"));
    const char *hint = json_string_value(json_object_get(problem, "hint"));
    err_at(err, code, pointer ? pointer : "", "%s",
           message  ? message
           : detail ? detail
                    : err_title(code));
    if (hint)
        err_hint(err, "%s", hint);
    return code;
}

struct call {
    enum method method;
    const char *target;
    struct slice body; /* absent: none */
    const char *type;
    bool as_owner;
};

static int run_call(struct request *request, const struct call *call, json_t **answer,
                    struct err *err) {
    struct request *inner =
        request_new(request->app, method_name(call->method), call->target, call->as_owner);
    if (!call->as_owner)
        request_inherit(inner, request);
    if (request->language)
        request_add_header(inner, "accept-language", request->language);
    const char *host = request_header(request, "host");
    if (host)
        request_add_header(inner, "host", host);
    request_add_header(inner, "accept", "application/json");
    if (call->body.p) {
        request_add_header(inner, "content-type", call->type);
        request_set_body(inner, call->body);
    }
    struct response response = {0};
    router_dispatch(request->app, inner, &response);
    json_t *json =
        json_loadb(response.body.p ? response.body.p : "", response.body.n, JSON_DECODE_ANY, NULL);
    int status = response.status ? response.status : 200, code = 0;
    if (status >= 400)
        code = read_problem(json, status, err);
    if (answer && code == 0)
        *answer = json ? json_incref(json) : json_object();
    json_decref(json);
    response_release(&response);
    request_free(inner);
    return code;
}

static int call_json(struct request *request, bool as_owner, enum method method, const char *target,
                     json_t *body, json_t **answer, struct err *err) {
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct call call = {method, target, slice_of(text), "application/json", as_owner};
    int code = run_call(request, &call, answer, err);
    free(text);
    json_decref(body);
    return code;
}

int page_forward(struct request *request, const char *target, json_t **answer, struct err *err) {
    struct call call = {METHOD_POST, target, request->body, request_header(request, "content-type"),
                        false};
    if (!call.type)
        call.type = "application/octet-stream";
    return run_call(request, &call, answer, err);
}

int page_fetch(struct request *request, const char *target, json_t **answer, struct err *err) {
    return call_json(request, false, METHOD_GET, target, NULL, answer, err);
}

int page_send(struct request *request, enum method method, const char *target, json_t *body,
              json_t **answer, struct err *err) {
    return call_json(request, false, method, target, body, answer, err);
}

int page_send_as_owner(struct request *request, enum method method, const char *target,
                       json_t *body, struct err *err) {
    return call_json(request, true, method, target, body, NULL, err);
}

int page_query(struct request *request, json_t *query, json_t **answer, struct err *err) {
    return call_json(request, false, METHOD_POST, "/api/v1/query", query, answer, err);
}

const char *page_path(struct request *request, const char *prefix, const char *id) {
    struct buf path;
    buf_init(&path, LIMIT_URL_BYTES);
    buf_add_text(&path, prefix);
    url_encode(slice_of(id), &path);
    const char *text = arena_text(request->arena, buf_slice(&path));
    buf_release(&path);
    return text;
}
