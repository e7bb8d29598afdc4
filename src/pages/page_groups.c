/*
 * Groups of customers: contracts, households, companies. The list with its search, one with its members, and the form. Members are
 * taken in and out one by one, so that a large company is never sent whole.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "pages/customers.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/words.h"

enum { ROWS_SHOWN = 50, MEMBERS_IN_LIST = 3, FREE_ROWS = 3, ROWS_MAX = 60 };

/* Attributes with a field of their own; the others are rows of name and value. */
static const char *const own_fields[] = {"line", "address"};
static const char *const kinds[] = {"contract", "household", "company", "group"};
static const char *const roles[] = {"holder", "user", "payer", "member", "employee"};

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

static const char *api_path(struct request *request, const char *tail) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/groups/", request->params[0]), tail);
}

static const char *own_path(struct request *request) {
    return page_path(request, "/groups/", request->params[0]);
}

static json_t *choices(const char *const *names, size_t n, const char *chosen) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "value", names[i], "chosen",
                                              chosen && strcmp(chosen, names[i]) == 0));
    return list;
}

static json_t *kind_choices(const char *chosen) {
    return choices(kinds, sizeof kinds / sizeof *kinds, chosen);
}

static json_t *role_choices(const char *chosen) {
    return choices(roles, sizeof roles / sizeof *roles, chosen);
}

/* ---- the list ---- */

/* The first few members by name, and how many others there are. */
static void shorten_members(json_t *group) {
    json_t *members = json_object_get(group, "members");
    json_int_t size = json_integer_value(json_object_get(group, "size"));
    while (json_array_size(members) > MEMBERS_IN_LIST)
        json_array_remove(members, json_array_size(members) - 1);
    json_object_set_new(group, "others", json_integer(size - (json_int_t)json_array_size(members)));
}

static json_t *pager_of(struct request *request, const json_t *answer) {
    const char *q = request_query(request, "q"), *kind = request_query(request, "kind"),
               *cursor = request_query(request, "cursor"),
               *next = json_string_value(json_object_get(answer, "next"));
    const char *names[] = {"q", "kind", "cursor"}, *values[] = {q, kind, next};
    json_t *pager = json_object();
    if (next)
        json_object_set_new(pager, "next",
                            json_string(customers_address(request, "/groups", names, values, 3)));
    if (cursor && *cursor)
        json_object_set_new(pager, "first",
                            json_string(customers_address(request, "/groups", names, values, 2)));
    return pager;
}

static json_t *kind_tabs(struct request *request) {
    const char *chosen = request_query(request, "kind"), *q = request_query(request, "q");
    json_t *tabs = kind_choices(chosen), *tab;
    size_t i;
    json_array_insert_new(tabs, 0,
                          json_pack("{s:s, s:b}", "value", "", "chosen", !chosen || !*chosen));
    json_array_foreach(tabs, i, tab) {
        const char *names[] = {"q", "kind"},
                   *values[] = {q, json_string_value(json_object_get(tab, "value"))};
        json_object_set_new(tab, "href",
                            json_string(customers_address(request, "/groups", names, values, 2)));
    }
    return tabs;
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "groups", .section = "groups", .title = "nav.groups"};
    const char *q = request_query(request, "q"), *kind = request_query(request, "kind"),
               *limit = arena_format(request->arena, "%d", ROWS_SHOWN);
    const char *names[] = {"limit", "q", "kind", "cursor"},
               *values[] = {limit, q, kind, request_query(request, "cursor")};
    json_t *answer, *group;
    size_t i;
    int code = page_fetch(request, customers_address(request, "/api/v1/groups", names, values, 4),
                          &answer, err);
    if (code < 0)
        return code;
    json_array_foreach(json_object_get(answer, "data"), i, group) shorten_members(group);
    json_t *view =
        json_pack("{s:O, s:s, s:s, s:b, s:o, s:o}", "groups", json_object_get(answer, "data"), "q",
                  q ? q : "", "kind", kind ? kind : "", "filtered", (q && *q) || (kind && *kind),
                  "tabs", kind_tabs(request), "pager", pager_of(request, answer));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

/* ---- the form ---- */

static bool is_own_field(const char *name) {
    for (size_t i = 0; i < sizeof own_fields / sizeof *own_fields; i++)
        if (strcmp(own_fields[i], name) == 0)
            return true;
    return false;
}

/* A value as it is typed; NULL for what no field can hold. */
static const char *typed_value(struct request *request, const json_t *value) {
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_object(value) || json_is_array(value) || json_is_null(value))
        return NULL;
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    const char *kept = arena_text(request->arena, slice_of(text ? text : ""));
    free(text);
    return kept;
}

static void add_row(json_t *rows, const char *name, const char *value) {
    json_array_append_new(rows, json_pack("{s:I, s:s, s:s}", "i", (json_int_t)json_array_size(rows),
                                          "name", name, "value", value));
}

/* What is stored, as fields; `group` NULL: nothing yet. */
static json_t *form_of(struct request *request, const json_t *group) {
    json_t *form = json_object(), *rows = json_array(), *value;
    const char *name, *kind = json_string_value(json_object_get(group, "kind")), *text;
    json_object_foreach(json_object_get((json_t *)(uintptr_t)group, "attributes"), name, value) {
        text = typed_value(request, value);
        if (text && is_own_field(name))
            json_object_set_new(form, name, json_string(text));
        else if (text && json_array_size(rows) < ROWS_MAX)
            add_row(rows, name, text);
    }
    for (int i = 0; i < FREE_ROWS; i++)
        add_row(rows, "", "");
    json_object_set(form, "name", json_object_get(group, "name"));
    json_object_set_new(form, "kinds", kind_choices(kind ? kind : request_query(request, "kind")));
    json_object_set_new(form, "rows", rows);
    return form;
}

static const char *numbered(struct request *request, const char *prefix, int i) {
    return field(request, arena_format(request->arena, "%s%d", prefix, i));
}

/* What was typed, back into the form. */
static json_t *form_typed(struct request *request) {
    static const char *const names[] = {"id", "name", "line", "address", "member"};
    json_t *form = json_object(), *rows = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(form, names[i], json_string(field(request, names[i])));
    for (int i = 0; i < ROWS_MAX + FREE_ROWS &&
                    request_form(request, arena_format(request->arena, "name_%d", i));
         i++)
        add_row(rows, numbered(request, "name_", i), numbered(request, "value_", i));
    json_object_set_new(form, "kinds", kind_choices(field(request, "kind")));
    json_object_set_new(form, "roles", role_choices(field(request, "role")));
    json_object_set_new(form, "rows", rows);
    return form;
}

/* A typed value keeps its kind (a number, true) where it still reads as what is stored. */
static void put_typed(struct request *request, json_t *attributes, const json_t *stored,
                      const char *name, const char *value) {
    json_t *before = json_object_get(stored, name);
    const char *was = before ? typed_value(request, before) : NULL;
    if (!name[0] || !value[0])
        return;
    if (was && strcmp(was, value) == 0)
        json_object_set(attributes, name, before);
    else
        json_object_set_new(attributes, name, json_string(value));
}

/* The fields as the API takes them. What no field can hold stays as it is stored. */
static json_t *document_of(struct request *request, const json_t *stored) {
    json_t *attributes = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)stored, name, value) if (!typed_value(request, value))
        json_object_set(attributes, name, value);
    for (size_t i = 0; i < sizeof own_fields / sizeof *own_fields; i++)
        put_typed(request, attributes, stored, own_fields[i], field(request, own_fields[i]));
    for (int i = 0; i < ROWS_MAX + FREE_ROWS; i++)
        put_typed(request, attributes, stored, numbered(request, "name_", i),
                  numbered(request, "value_", i));
    return json_pack("{s:s, s:s, s:o}", "kind", field(request, "kind"), "name",
                     field(request, "name"), "attributes", attributes);
}

/* A refusal that its form can show: the answer's status is set and the refusal in the view. */
static bool shows_again(struct request *request, struct response *response, json_t *view,
                        const struct err *refusal) {
    if (refusal->code != E_INVALID && refusal->code != E_CONFLICT && refusal->code != E_REFUSED &&
        refusal->code != E_NOT_FOUND)
        return false;
    page_form_error(request, view, refusal);
    response->status = refusal->code == E_CONFLICT ? 409 : 422;
    return true;
}

/* ---- a new one ---- */

static int render_new(struct request *request, struct response *response, json_t *view,
                      struct err *err) {
    static const struct page page = {
        .template = "group_new", .section = "groups", .title = "groups.new"};
    return page_render(request, response, &page, view, err);
}

static int show_new(struct request *request, struct response *response, struct err *err) {
    const char *member = request_query(request, "member");
    json_t *form = form_of(request, NULL);
    json_object_set_new(form, "member", json_string(member ? member : ""));
    json_object_set_new(form, "roles", role_choices(NULL));
    return render_new(request, response, json_pack("{s:o}", "form", form), err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    json_t *document = document_of(request, NULL), *answer = NULL;
    struct err refusal = {0};
    if (field(request, "id")[0])
        json_object_set_new(document, "id", json_string(field(request, "id")));
    if (field(request, "member")[0])
        json_object_set_new(document, "members",
                            json_pack("[{s:s, s:s}]", "customer", field(request, "member"), "role",
                                      field(request, "role")));
    int code = page_send(request, METHOD_POST, "/api/v1/groups", document, &answer, &refusal);
    if (code >= 0) {
        const char *id = json_string_value(json_object_get(answer, "id"));
        code = page_redirect(request, response, page_path(request, "/groups/", id), "saved");
        json_decref(answer);
        return code;
    }
    json_t *view = json_pack("{s:o}", "form", form_typed(request));
    if (shows_again(request, response, view, &refusal))
        return render_new(request, response, view, err);
    json_decref(view);
    *err = refusal;
    return code;
}

/* ---- one ---- */

static void put_pairs(struct request *request, json_t *group) {
    const struct format *format = page_format(request);
    const char *currency = app_folder(request->app)->currency, *name;
    json_t *pairs = json_array(), *value;
    json_object_foreach(json_object_get(group, "attributes"), name, value) json_array_append_new(
        pairs, json_pack("{s:s, s:s}", "name", words_property(format, name, request->arena),
                         "value", words_value(format, name, value, currency, request->arena)));
    json_object_set_new(group, "pairs", pairs);
}

/* view: what a refused form brings; taken over. */
static int render_one(struct request *request, struct response *response, json_t *view,
                      struct err *err) {
    static const struct page page = {.template = "group", .section = "groups"};
    json_t *group;
    int code = page_fetch(request, api_path(request, ""), &group, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_t *name = json_object_get(group, "name");
    const char *kind = json_string_value(json_object_get(group, "kind"));
    put_pairs(request, group);
    json_object_set(view, "title", json_is_string(name) ? name : json_object_get(group, "id"));
    if (!json_object_get(view, "form"))
        json_object_set_new(view, "form", form_of(request, group));
    json_object_set_new(view, "roles",
                        role_choices(request_form(request, "role") ? field(request, "role")
                                     : kind && strcmp(kind, "contract") == 0 ? "user"
                                     : kind && strcmp(kind, "company") == 0  ? "employee"
                                                                             : "member"));
    json_object_set_new(view, "one", group); /* "group" is the navigation's word */
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return render_one(request, response, json_object(), err);
}

/* Back to the group with a notice; what is refused is said on it. view: taken over. */
static int finish(struct request *request, struct response *response, json_t *view, int code,
                  const struct err *refusal, struct err *err) {
    if (code < 0 && shows_again(request, response, view, refusal))
        return render_one(request, response, view, err);
    json_decref(view);
    *err = *refusal;
    return code < 0 ? code : page_redirect(request, response, own_path(request), "saved");
}

static int change(struct request *request, struct response *response, struct err *err) {
    json_t *group;
    struct err refusal = {0};
    int code = page_fetch(request, api_path(request, ""), &group, err);
    if (code < 0)
        return code;
    code = page_send(request, METHOD_PUT, api_path(request, ""),
                     document_of(request, json_object_get(group, "attributes")), NULL, &refusal);
    json_decref(group);
    return finish(request, response,
                  json_pack("{s:o, s:b}", "form", form_typed(request), "editing", 1), code,
                  &refusal, err);
}

static int take_in(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code = page_send(request, METHOD_POST, api_path(request, "/members"),
                         json_pack("{s:s, s:s}", "customer", field(request, "member"), "role",
                                   field(request, "role")),
                         NULL, &refusal);
    return finish(request, response, json_pack("{s:s}", "member", field(request, "member")), code,
                  &refusal, err);
}

static int take_out(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *names[] = {"role"}, *values[] = {field(request, "role")};
    const char *path = arena_format(request->arena, "%s/members/%s", api_path(request, ""),
                                    page_path(request, "", field(request, "member")));
    int code = page_send(request, METHOD_DELETE, customers_address(request, path, names, values, 1),
                         NULL, NULL, &refusal);
    return finish(request, response, json_object(), code, &refusal, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_DELETE, api_path(request, ""), NULL, NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/groups", "removed");
}

static const struct route routes[] = {
    {METHOD_GET, "/groups", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_AGENT, .handle = show_list},
    {METHOD_GET, "/groups/new", ACCESS_SESSION, SCOPE_MANAGE, .handle = show_new},
    {METHOD_POST, "/groups/new", ACCESS_SESSION, SCOPE_MANAGE, .handle = add},
    {METHOD_GET, "/groups/{id}", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = show_one},
    {METHOD_POST, "/groups/{id}", ACCESS_SESSION, SCOPE_MANAGE, .handle = change},
    {METHOD_POST, "/groups/{id}/members", ACCESS_SESSION, SCOPE_MANAGE, .handle = take_in},
    {METHOD_POST, "/groups/{id}/members/remove", ACCESS_SESSION, SCOPE_MANAGE, .handle = take_out},
    {METHOD_POST, "/groups/{id}/remove", ACCESS_SESSION, SCOPE_MANAGE, .handle = drop},
};
const struct route_table page_group_routes = ROUTE_TABLE(routes);
