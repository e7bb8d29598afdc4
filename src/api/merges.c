/*
 * /api/v1/customers/{id}/merge, /merges, /unmerge: making customers one, why they are, and taking that back exactly.
 *
 * A merge joins two profiles; which rows are whose never changes (customer/merging.c), so what is taken back is as it was,
 * with what has arrived since at the profile that it came to.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/merges.h"

#include <stdio.h>

#include "base/limits.h"
#include "collect/mask.h"
#include "privacy/privacy.h"
#include "search/search.h"

enum { WHY_MAX = 500, MERGES_MAX = 1000 };

/* ---- pieces ---- */

static struct customers *customers_here(struct request *request) {
    return app_folder(request->app)->customers;
}

static const char *asker(const struct request *request) {
    return request->principal.name ? request->principal.name : "";
}

static json_t *text_or_null(const char *text) { return text[0] ? json_string(text) : json_null(); }

static json_t *merge_json(const struct merge *merge) {
    static const char *const reasons[] = {"", "identified", "alias", "by_hand"};
    char from[CUSTOMER_ID_BYTES], into[CUSTOMER_ID_BYTES];
    customer_id_format(merge->profile, from);
    customer_id_format(merge->target, into);
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "number",
                     (json_int_t)merge->number, "customer", from, "into", into, "reason",
                     reasons[merge->reason], "time", api_instant(merge->at_ms), "by",
                     text_or_null(merge->who), "why", text_or_null(merge->why), "separated_at",
                     api_instant(merge->separated_ms), "separated_by",
                     text_or_null(merge->separated_by));
}

static void note(struct request *request, const char *what, const struct merge *merge) {
    char from[CUSTOMER_ID_BYTES], into[CUSTOMER_ID_BYTES];
    customer_id_format(merge->profile, from);
    customer_id_format(merge->target, into);
    audit_act(request, what, from, into);
}

/* The customer of an id as GET gives it. */
static int read_one(struct request *request, const char *id, json_t **json, struct err *err) {
    uint32_t owner;
    struct reader *reader;
    int code = customers_find(customers_here(request), slice_of(id), &owner, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = customer_read(request, reader, owner, IDENTIFIERS_SHOWN, json, err);
    reader_close(reader);
    return code;
}

/* ---- merge ---- */

static json_t *trait_named(const json_t *traits, const char *name) {
    size_t i;
    json_t *trait;
    json_array_foreach(traits, i, trait) {
        const char *other = json_string_value(json_object_get(trait, "name"));
        if (other && strcmp(other, name) == 0)
            return json_object_get(trait, "value");
    }
    return NULL;
}

/* Traits that both have, with different values: what makes a person doubt. */
/* Who was erased is nobody: there is nothing that could be the same person. */
static int refuse_erased(struct request *request, uint32_t profile, struct err *err) {
    uint32_t *members;
    uint64_t erasure = 0;
    struct folder *folder = app_folder(request->app);
    size_t n = customers_family(folder->customers, profile, request->arena, &members);
    int code = n ? erasure_of(folder, members[0], &erasure, err) : 0;
    return !code && erasure ? err_set(err, E_CONFLICT, "this customer was erased") : code;
}

static json_t *differing(const json_t *one, const json_t *other) {
    json_t *list = json_array(), *trait;
    size_t i;
    json_array_foreach(json_object_get(one, "traits"), i, trait) {
        const char *name = json_string_value(json_object_get(trait, "name"));
        json_t *here = json_object_get(trait, "value");
        json_t *there = name ? trait_named(json_object_get(other, "traits"), name) : NULL;
        if (there && !json_equal(here, there))
            json_array_append_new(
                list, json_pack("{s:s, s:[O, O]}", "name", name, "values", here, there));
    }
    return list;
}

int merge_preview(struct request *request, const char *id, const char *into, json_t **out,
                  struct err *err) {
    json_t *one = NULL, *other = NULL;
    int code = read_one(request, id, &one, err);
    if (!code)
        code = read_one(request, into, &other, err);
    if (!code && json_equal(json_object_get(one, "id"), json_object_get(other, "id")))
        code = err_set(err, E_CONFLICT, "they are one customer already");
    if (!code) {
        json_int_t n = json_integer_value(json_object_get(one, "interactions")) +
                       json_integer_value(json_object_get(other, "interactions"));
        *out = json_pack("{s:b, s:I, s:o, s:[O, O]}", "preview", 1, "interactions", n, "differing",
                         differing(one, other), "customers", one, other);
    }
    json_decref(one);
    json_decref(other);
    return code;
}

int merge_unite(struct request *request, const char *id, const char *into, const char *why,
                json_t **out, struct err *err) {
    struct customers *customers = customers_here(request);
    uint32_t profile, target;
    struct merge merge;
    int code = customers_find_profile(customers, slice_of(id), &profile, err);
    if (!code)
        code = customers_find_profile(customers, slice_of(into), &target, err);
    if (!code)
        code = refuse_erased(request, profile, err);
    if (!code)
        code = refuse_erased(request, target, err);
    if (!code)
        code = customers_unite(customers, profile, target, asker(request),
                               mask_text(why, request->arena), &merge, err);
    if (code)
        return code;
    note(request, "customer.merge", &merge);
    code = read_one(request, into, out, err);
    if (!code)
        json_object_set_new(*out, "merge", merge_json(&merge));
    return code;
}

static int merge(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"into", "why", "preview", NULL};
    const char *into = NULL, *why = NULL;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "into", NULL, LIMIT_ID_BYTES, &into, err);
    if (!code)
        code = api_text(body, "why", "", WHY_MAX, &why, err);
    const json_t *flag = json_object_get(body, "preview");
    if (!code && flag && !json_is_boolean(flag))
        code = err_at(err, E_INVALID, "/preview", "must be true or false");
    json_t *json = NULL;
    if (!code)
        code = json_is_true(flag) ? merge_preview(request, request->params[0], into, &json, err)
                                  : merge_unite(request, request->params[0], into, why, &json, err);
    json_decref(body);
    if (code)
        return code;
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- what holds them together, and taking it back ---- */

static int merges(struct request *request, struct response *response, struct err *err) {
    struct merge *found;
    int64_t limit, before;
    uint32_t owner;
    char next[24];
    json_t *customer = NULL, *list = json_array();
    int code = request_query_int(request, "limit", 100, 1, MERGES_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (!code) /* whom the asker may see */
        code = read_one(request, request->params[0], &customer, err);
    json_decref(customer);
    size_t n = code ? 0 : (size_t)limit;
    if (!code)
        code = customers_find(customers_here(request), slice_of(request->params[0]), &owner, err);
    if (!code)
        code = customers_merges(customers_here(request), owner, (uint64_t)before, request->arena,
                                &found, &n, err);
    if (code) {
        json_decref(list);
        return code;
    }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, merge_json(&found[i]));
    if (n)
        snprintf(next, sizeof next, "%llu", (unsigned long long)found[n - 1].number);
    response_list(response, list, n && n == (size_t)limit ? next : NULL);
    return HANDLED;
}

/* {"kind": "user" | "anonymous" | "external", "type", "value"}, as GET of a customer gives it. */
static int read_identity(const json_t *body, struct identity *identity, struct err *err) {
    static const char *const kinds[] = {"", "user", "anonymous", "external"};
    const json_t *json = json_object_get(body, "identifier");
    const char *kind = json_string_value(json_object_get(json, "kind")),
               *type = json_string_value(json_object_get(json, "type")),
               *value = json_string_value(json_object_get(json, "value"));
    *identity = (struct identity){.value = slice_of(value ? value : "")};
    for (int k = IDENTITY_USER; kind && k <= IDENTITY_EXTERNAL; k++)
        if (strcmp(kind, kinds[k]) == 0)
            identity->kind = (enum identity_kind)k;
    if (!identity->kind)
        return err_at(err, E_INVALID, "/identifier/kind", "must be user, anonymous or external");
    if (!identity->value.n)
        return err_at(err, E_INVALID, "/identifier/value", "must be a text");
    if (identity->kind != IDENTITY_EXTERNAL)
        return 0;
    if (!type)
        return err_at(err, E_INVALID, "/identifier/type", "an external identifier needs its type");
    identity->external_type = slice_of(type);
    return 0;
}

static int take_back(struct request *request, const json_t *body, struct merge *merge,
                     struct err *err) {
    struct customers *customers = customers_here(request);
    const json_t *number = json_object_get(body, "merge"),
                 *identifier = json_object_get(body, "identifier");
    struct identity identity;
    uint32_t profile;
    bool numbered = number && !json_is_null(number),
         named = identifier && !json_is_null(identifier);
    if (numbered && json_integer_value(number) < 1)
        return err_at(err, E_INVALID, "/merge", "must be the number of a merge");
    if (numbered && named)
        return err_at(err, E_INVALID, "/identifier", "a merge or an identifier, not both");
    int code = named ? read_identity(body, &identity, err) : 0;
    if (!code)
        code = customers_find_profile(customers, slice_of(request->params[0]), &profile, err);
    if (code)
        return code;
    if (!named)
        return customers_separate(customers, profile, (uint64_t)json_integer_value(number),
                                  asker(request), request->arena, merge, err);
    code = customers_separate_identity(customers, profile, &identity, asker(request),
                                       request->arena, merge, err);
    if (!code) /* it stands with both */
        search_forget(app_folder(request->app));
    return code;
}

static int separate(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"merge", "identifier", NULL};
    struct merge merge;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = take_back(request, body, &merge, err);
    json_decref(body);
    if (code)
        return code;
    note(request, "customer.unmerge", &merge);
    char from[CUSTOMER_ID_BYTES], into[CUSTOMER_ID_BYTES];
    customer_id_format(merge.profile, from);
    customer_id_format(merge.target, into);
    json_t *one = NULL, *other = NULL;
    code = read_one(request, from, &one, err);
    if (!code)
        code = read_one(request, into, &other, err);
    if (!code) {
        json_t *json =
            json_pack("{s:o, s:[O, O]}", "merge", merge_json(&merge), "customers", one, other);
        response_json(response, 200, json);
        json_decref(json);
    }
    json_decref(one);
    json_decref(other);
    return code ? code : HANDLED;
}

static const struct route routes[] = {
    {METHOD_POST, "/api/v1/customers/{id}/merge", ACCESS_API, SCOPE_MANAGE, .handle = merge,
     .summary =
         "Makes this customer one with that of {\"into\"}, any identifier; \"preview\": true "
         "shows both and changes nothing"},
    {METHOD_GET, "/api/v1/customers/{id}/merges", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = merges, .summary = "Why these identities are one, and what was separated"},
    {METHOD_POST, "/api/v1/customers/{id}/unmerge", ACCESS_API, SCOPE_MANAGE, .handle = separate,
     .summary = "Takes a merge back: that of number {\"merge\"}, that by which an {\"identifier\"} "
                "came, else the last one"},
};
const struct route_table api_merge_routes = ROUTE_TABLE(routes);
