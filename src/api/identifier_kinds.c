/*
 * /api/v1/identifier-kinds: limits, priority, normal form and blocked values of each kind of identifier (customer/kinds.h);
 * /api/v1/dropped-identifiers: values that went over their kind's limit, and admitting one again;
 * /api/v1/full-identifier-kinds: customers who have as many values of a kind as they may (customer/full.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/kinds.h"

#include <stdio.h>

#include "api/api.h"
#include "customer/dropped.h"
#include "customer/full.h"

enum { NAME_MAX_BYTES = 64, DROPPED_STANDARD = 100, DROPPED_MAX = 1000 };

static struct customers *customers_here(struct request *request) {
    return app_folder(request->app)->customers;
}

static json_t *texts_json(const char *const *texts) {
    json_t *list = json_array();
    for (; *texts; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

static json_t *kind_json(const struct identifier_kind *kind) {
    return json_pack("{s:s, s:o, s:o, s:I, s:b, s:s, s:o, s:o, s:b, s:b}", "name", kind->name,
                     "limit", kind->limit ? json_integer(kind->limit) : json_null(), "max_values",
                     kind->values ? json_integer(kind->values) : json_null(), "priority",
                     (json_int_t)kind->priority, "joins", kind->joins, "form",
                     form_name(kind->form), "traits", texts_json(kind->traits), "blocked",
                     texts_json(kind->blocked), "standard", kind->standard, "changed",
                     kind->changed);
}

static int list(struct request *request, struct response *response, struct err *err) {
    (void)err;
    const struct identifier_kinds *kinds = kinds_of(customers_here(request));
    json_t *rows = json_array();
    for (size_t i = 0; i < kinds->n; i++)
        json_array_append_new(rows, kind_json(&kinds->kinds[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    const struct identifier_kind *kind =
        kind_find(kinds_of(customers_here(request)), slice_of(request->params[0]));
    if (!kind)
        return err_set(err, E_NOT_FOUND, "no such kind of identifier");
    json_t *json = kind_json(kind);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- changing ---- */

static int read_number(const json_t *body, const char *name, unsigned least, unsigned most,
                       unsigned *number, struct err *err) {
    const json_t *member = json_object_get(body, name);
    char pointer[32];
    if (!member)
        return 0;
    snprintf(pointer, sizeof pointer, "/%s", name);
    json_int_t value = json_is_null(member) && !least ? 0 : json_integer_value(member);
    if ((!json_is_integer(member) && !(json_is_null(member) && !least)) ||
        value < (json_int_t)least || value > (json_int_t)most)
        return err_at(err, E_INVALID, pointer, "must be a whole number from %u to %u", least, most);
    *number = (unsigned)value;
    return 0;
}

static int read_texts(struct request *request, const json_t *body, const char *name,
                      const char *const **texts, struct err *err) {
    const char **list, pointer_of[] = "/";
    size_t n;
    if (!json_object_get(body, name))
        return 0;
    int code = api_texts(body, name, request->arena, &list, &n, err);
    if (code)
        return code;
    const char *pointer = arena_format(request->arena, "%s%s", pointer_of, name);
    if (n > KIND_TEXTS_MAX)
        return err_at(err, E_INVALID, pointer, "at most %d texts", KIND_TEXTS_MAX);
    const char **copy = ARENA_ARRAY(request->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (!list[i][0] || strlen(list[i]) >= FORM_BYTES || strpbrk(list[i], "\r\n"))
            return err_at(err, E_INVALID, arena_format(request->arena, "%s/%zu", pointer, i),
                          "must be a text of one line, at most %d bytes", FORM_BYTES - 1);
        copy[i] = list[i];
    }
    copy[n] = NULL;
    *texts = copy;
    return 0;
}

/* What is not said stays as it is. */
static int read_kind(struct request *request, json_t *body, struct identifier_kind *kind,
                     struct err *err) {
    static const char *const known[] = {"limit", "max_values", "priority", "joins",
                                        "form",  "traits",     "blocked",  NULL};
    const json_t *joins = json_object_get(body, "joins");
    const char *form;
    bool fixed = strcmp(kind->name, "user_id") == 0 || strcmp(kind->name, "anonymous_id") == 0 ||
                 strcmp(kind->name, "other") == 0;
    int code = api_known(body, known, err);
    if (!code)
        code = read_number(body, "limit", 0, KIND_LIMIT_MAX, &kind->limit, err);
    if (!code)
        code = read_number(body, "max_values", 0, KIND_LIMIT_MAX, &kind->values, err);
    if (!code)
        code = read_number(body, "priority", 1, KIND_PRIORITY_MAX, &kind->priority, err);
    if (!code && joins && !json_is_boolean(joins))
        code = err_at(err, E_INVALID, "/joins", "must be true or false");
    bool own = strcmp(kind->name, "user_id") == 0 || strcmp(kind->name, "anonymous_id") == 0;
    if (!code && joins)
        kind->joins = json_is_true(joins);
    if (!code && own && !kind->joins)
        code = err_at(err, E_INVALID, "/joins", "of this kind it is true");
    if (!code && strcmp(kind->name, "user_id") == 0 && kind->limit)
        code = err_at(err, E_INVALID, "/limit", "a userId is one customer's");
    if (!code)
        code = api_text(body, "form", form_name(kind->form), NAME_MAX_BYTES, &form, err);
    if (!code && !form_find(form, &kind->form))
        code = err_at(err, E_INVALID, "/form", "must be text, email, phone or national_id");
    if (!code && fixed && kind->form != FORM_TEXT)
        code = err_at(err, E_INVALID, "/form", "of this kind it is text");
    if (!code)
        code = read_texts(request, body, "traits", &kind->traits, err);
    if (!code && fixed && kind->traits[0])
        code = err_at(err, E_INVALID, "/traits", "no trait carries this kind");
    return code ? code : read_texts(request, body, "blocked", &kind->blocked, err);
}

static int put(struct request *request, struct response *response, struct err *err) {
    const char *name = request->params[0];
    const struct identifier_kinds *kinds = kinds_of(customers_here(request));
    const struct identifier_kind *there = kind_find(kinds, slice_of(name));
    struct identifier_kind kind;
    json_t *body;
    if (!name[0] || strlen(name) > NAME_MAX_BYTES ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") !=
            strlen(name))
        return err_at(err, E_INVALID, "/name",
                      "a name is made of letters, digits, points, - and _, at most %d",
                      NAME_MAX_BYTES);
    kind = there ? *there : kinds->kinds[KIND_OTHER];
    kind.name = name;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = read_kind(request, body, &kind, err);
    if (!code)
        code = kinds_put(customers_here(request), &kind, err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "identifier_kind.change", name, "");
    return get(request, response, err);
}

static int reset(struct request *request, struct response *response, struct err *err) {
    int code = kinds_reset(customers_here(request), request->params[0], err);
    if (code)
        return code;
    audit_act(request, "identifier_kind.reset", request->params[0], "");
    response->status = 204;
    return HANDLED;
}

/* ---- what dropped out ---- */

static int list_dropped(struct request *request, struct response *response, struct err *err) {
    static const char *const names[] = {"", "user_id", "anonymous_id", ""};
    struct dropped_identifier *dropped;
    int64_t limit, before;
    char next[24];
    int code = request_query_int(request, "limit", DROPPED_STANDARD, 1, DROPPED_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    size_t n = code ? 0 : (size_t)limit;
    if (!code)
        code = customers_dropped(customers_here(request), (uint64_t)before, request->arena,
                                 &dropped, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct identity *identity = &dropped[i].identity;
        struct slice kind = identity->kind == IDENTITY_EXTERNAL ? identity->external_type
                                                                : slice_of(names[identity->kind]);
        json_array_append_new(rows, json_pack("{s:I, s:o, s:o, s:I, s:o}", "number",
                                              (json_int_t)dropped[i].number, "kind",
                                              json_stringn(kind.p, kind.n), "value",
                                              json_stringn(identity->value.p, identity->value.n),
                                              "customers", (json_int_t)dropped[i].customers, "time",
                                              api_instant(dropped[i].dropped_ms)));
    }
    if (n)
        snprintf(next, sizeof next, "%llu", (unsigned long long)dropped[n - 1].number);
    response_list(response, rows, n && n == (size_t)limit ? next : NULL);
    return HANDLED;
}

/* ---- who is full ---- */

static int list_full(struct request *request, struct response *response, struct err *err) {
    struct full_kind *full;
    int64_t limit, before;
    uint64_t next;
    char text[24], id[CUSTOMER_ID_BYTES];
    int code = request_query_int(request, "limit", DROPPED_STANDARD, 1, DROPPED_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    size_t n = code ? 0 : (size_t)limit;
    if (!code)
        code = customers_full(customers_here(request), (uint64_t)before, request->arena, &full, &n,
                              &next, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        customer_id_format(full[i].owner, id);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:I, s:I, s:o}", "customer", id, "kind",
                                              full[i].kind, "values", (json_int_t)full[i].values,
                                              "limit", (json_int_t)full[i].limit, "since",
                                              api_instant(full[i].since_ms)));
    }
    snprintf(text, sizeof text, "%llu", (unsigned long long)next);
    response_list(response, rows, next ? text : NULL);
    return HANDLED;
}

static int admit(struct request *request, struct response *response, struct err *err) {
    uint64_t number;
    int code = api_number(request->params[0], &number, err);
    if (!code)
        code = customers_admit(customers_here(request), number, err);
    if (code)
        return code;
    audit_act(request, "identifier.admit", request->params[0], "");
    response->status = 204;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/identifier-kinds", ACCESS_API, SCOPE_MANAGE, .handle = list,
     .summary =
         "Kinds of identifiers: limit of customers a value, of values a customer, priority, normal "
         "form, traits, blocked values"},
    {METHOD_GET, "/api/v1/identifier-kinds/{name}", ACCESS_API, SCOPE_MANAGE, .handle = get,
     .summary = "One kind of identifier"},
    {METHOD_PUT, "/api/v1/identifier-kinds/{name}", ACCESS_API, SCOPE_MANAGE, .handle = put,
     .summary = "Changes a kind or adds one (the type of external ids); what is left out stays; "
                "for what is collected from now on"},
    {METHOD_DELETE, "/api/v1/identifier-kinds/{name}", ACCESS_API, SCOPE_MANAGE, .handle = reset,
     .summary = "Back to the standard; an added kind is taken away"},
    {METHOD_GET, "/api/v1/dropped-identifiers", ACCESS_API, SCOPE_MANAGE, .handle = list_dropped,
     .summary = "Values that more customers shared than their kind allows, newest first"},
    {METHOD_GET, "/api/v1/full-identifier-kinds", ACCESS_API, SCOPE_MANAGE, .handle = list_full,
     .summary = "Customers who have as many values of a kind as one may, and turned away more, "
                "newest first"},
    {METHOD_DELETE, "/api/v1/dropped-identifiers/{number}", ACCESS_API, SCOPE_MANAGE,
     .handle = admit, .summary = "Admits such a value again"},
};
const struct route_table api_identifier_kind_routes = ROUTE_TABLE(routes);
