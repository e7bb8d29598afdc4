/*
 * /api/v1/groups: households, companies and contracts (customer/groups.h). A contract's members are its holder, users and payer; its line and
 * address are attributes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/groups.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

enum { LIST_STANDARD = 50, LIST_MAX = 500, ROLE_MAX_BYTES = 64, MEMBERS_NAMED = 100 };

static struct customers *customers_here(struct request *request) {
    return app_folder(request->app)->customers;
}

/* ---- answers ---- */

static json_t *members_json(struct request *request, struct reader *reader,
                            const struct group *group) {
    size_t n = group->n_members < MEMBERS_NAMED ? group->n_members : MEMBERS_NAMED;
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, n + 1);
    struct slice *names = ARENA_ARRAY(request->arena, struct slice, n + 1);
    struct customer_summary *summaries =
        ARENA_ARRAY(request->arena, struct customer_summary, n + 1);
    struct err none = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        owners[i] = group->members[i].owner;
    if (reader_summaries(reader, owners, n, summaries, &none) ||
        customer_names(request, owners, n, names, &none))
        return list;
    for (size_t i = 0; i < n; i++) {
        char id[CUSTOMER_ID_BYTES];
        if (request->principal.units && !summaries[i].interactions)
            continue;
        customer_id_format(owners[i], id);
        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:s, s:o}", "id", id, "name",
                      names[i].n ? json_stringn(names[i].p, names[i].n) : json_null(), "role",
                      group->members[i].role, "since", api_instant(group->members[i].since_ms)));
    }
    return list;
}

json_t *group_json(struct request *request, struct reader *reader, const struct group *group,
                   uint32_t owner) {
    json_t *document = json_loads(group->document, 0, NULL), *roles = json_array();
    if (!document)
        document = json_object();
    json_t *id = json_incref(json_object_get(document, "id")),
           *name = json_incref(json_object_get(document, "name"));
    json_object_del(document, "id");
    json_object_del(document, "name");
    for (size_t i = 0; owner && i < group->n_members; i++)
        if (group->members[i].owner == owner)
            json_array_append_new(roles, json_string(group->members[i].role));
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o}", "id", id ? id : json_null(),
                     "kind", group_kind_name(group->kind), "name", name ? name : json_null(),
                     "attributes", document, "members", members_json(request, reader, group),
                     "size", (json_int_t)group->n_members, "roles", roles, "changed_at",
                     api_instant(group->changed_ms));
}

/* owner: whose roles are told; 0: nobody's. */
static int answer_groups(struct request *request, struct response *response,
                         const struct group *groups, size_t n, uint32_t owner, const char *next,
                         struct err *err) {
    struct reader *reader;
    int code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = group_json(request, reader, &groups[i], owner);
        bool seen = !request->principal.units || json_array_size(json_object_get(row, "members"));
        if (seen)
            json_array_append_new(rows, row);
        else
            json_decref(row);
    }
    reader_close(reader);
    response_list(response, rows, next);
    return HANDLED;
}

static int list(struct request *request, struct response *response, struct err *err) {
    const char *kind_name = request_query(request, "kind");
    enum group_kind kind = GROUP_KINDS;
    struct group *groups;
    int64_t limit, before;
    char next[24];
    int code = request_query_int(request, "limit", LIST_STANDARD, 1, LIST_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (!code && kind_name && kind_name[0] && !group_kind_find(slice_of(kind_name), &kind))
        code = err_at(err, E_INVALID, "/kind", "kind is group, household, company or contract");
    size_t n = code ? 0 : (size_t)limit;
    if (!code)
        code = groups_list(customers_here(request), kind, (uint64_t)before, request->arena, &groups,
                           &n, err);
    if (code)
        return code;
    if (n)
        snprintf(next, sizeof next, "%llu", (unsigned long long)groups[n - 1].number);
    audit_note(request, "group.list", "", "");
    return answer_groups(request, response, groups, n, 0, n && n == (size_t)limit ? next : NULL,
                         err);
}

static int get(struct request *request, struct response *response, struct err *err) {
    struct group group;
    struct reader *reader;
    int code = groups_find(customers_here(request), slice_of(request->params[0]), request->arena,
                           &group, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    json_t *json = group_json(request, reader, &group, 0);
    reader_close(reader);
    if (request->principal.units && !json_array_size(json_object_get(json, "members")))
        code = err_set(err, E_NOT_FOUND, "no such group");
    else
        response_json(response, 200, json);
    json_decref(json);
    return code ? code : HANDLED;
}

static int of_customer(struct request *request, struct response *response, struct err *err) {
    struct group *groups;
    size_t n;
    uint32_t owner;
    int code = customers_find(customers_here(request), slice_of(request->params[0]), &owner, err);
    if (!code)
        code = groups_of(customers_here(request), owner, request->arena, &groups, &n, err);
    if (code)
        return code;
    return answer_groups(request, response, groups, n, owner, NULL, err);
}

/* ---- changes ---- */

static int read_member(struct request *request, json_t *row, size_t i, struct group_member *member,
                       struct err *err) {
    static const char *const known[] = {"customer", "role", NULL};
    const char *customer = NULL;
    struct err refusal = {0};
    int code = api_known(row, known, &refusal);
    if (!code)
        code = api_text(row, "customer", NULL, LIMIT_ID_BYTES, &customer, &refusal);
    if (!code)
        code = api_text(row, "role", "member", ROLE_MAX_BYTES, &member->role, &refusal);
    if (!code && !member->role[0])
        code = err_at(&refusal, E_INVALID, "/role", "a role is a text");
    if (!code)
        code =
            customers_find(customers_here(request), slice_of(customer), &member->owner, &refusal);
    if (code == E_NOT_FOUND) {
        refusal = (struct err){0};
        code = err_at(&refusal, E_INVALID, "/customer", "no such customer");
    }
    return code ? err_at(err, code,
                         arena_format(request->arena, "/members/%zu%s", i, refusal.pointer), "%s",
                         refusal.message)
                : 0;
}

/* {"kind","name","attributes":{…},"members":[{"customer","role"}]} */
static int read_group(struct request *request, json_t *body, struct group *group, struct err *err) {
    static const char *const known[] = {"kind", "name", "attributes", "members", NULL};
    const char *kind, *name;
    json_t *attributes = json_object_get(body, "attributes"),
           *members = json_object_get(body, "members"), *row;
    size_t i;
    int code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "kind", "group", ROLE_MAX_BYTES, &kind, err);
    if (!code && !group_kind_find(slice_of(kind), &group->kind))
        code = err_at(err, E_INVALID, "/kind", "must be group, household, company or contract");
    if (!code)
        code = api_text(body, "name", "", LIMIT_NAME_BYTES, &name, err);
    if (!code && attributes && !json_is_object(attributes))
        code = err_at(err, E_INVALID, "/attributes", "must be an object");
    if (!code && members &&
        (!json_is_array(members) || json_array_size(members) > GROUP_MEMBERS_MAX))
        code =
            err_at(err, E_INVALID, "/members", "must be a list of at most %d", GROUP_MEMBERS_MAX);
    if (code)
        return code;
    json_t *document = attributes ? json_copy(attributes) : json_object();
    json_object_set_new(document, "id", json_string(request->params[0]));
    if (name[0])
        json_object_set_new(document, "name", json_string(name));
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (!text || strlen(text) > GROUP_MAX_BYTES)
        code = err_at(err, E_INVALID, "/attributes", "at most %d bytes", GROUP_MAX_BYTES);
    else
        group->document = arena_text(request->arena, slice_of(text));
    free(text);
    group->n_members = json_array_size(members);
    group->members = ARENA_ARRAY(request->arena, struct group_member, group->n_members + 1);
    json_array_foreach(members, i, row) if (!code) code =
        read_member(request, row, i, &group->members[i], err);
    return code;
}

static int put(struct request *request, struct response *response, struct err *err) {
    struct group group = {0};
    json_t *body;
    size_t n = strlen(request->params[0]);
    int code = n && n <= LIMIT_ID_BYTES ? 0 : err_at(err, E_INVALID, "/id", "the id is too long");
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = read_group(request, body, &group, err);
    if (!code)
        code = groups_put(customers_here(request), slice_of(request->params[0]), &group, err);
    json_decref(body);
    if (code)
        return code;
    audit_write(app_accounts(request->app), &request->principal, request->peer, "group.change",
                group_kind_name(group.kind), "");
    return get(request, response, err);
}

static int take_away(struct request *request, struct response *response, struct err *err) {
    int code = groups_remove(customers_here(request), slice_of(request->params[0]), err);
    if (code)
        return code;
    audit_write(app_accounts(request->app), &request->principal, request->peer, "group.remove", "",
                "");
    response->status = 204;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/groups", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = list,
     .summary = "Households, companies, contracts (?kind=) with their members and roles"},
    {METHOD_GET, "/api/v1/groups/{id}", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = get,
     .summary = "One group: attributes (of a contract line, address, product …) and members"},
    {METHOD_PUT, "/api/v1/groups/{id}", ACCESS_API, SCOPE_MANAGE, .handle = put,
     .summary = "Makes or replaces it: {\"kind\",\"name\",\"attributes\",\"members\":"
                "[{\"customer\",\"role\"}]}; roles of a contract are holder, user, payer"},
    {METHOD_DELETE, "/api/v1/groups/{id}", ACCESS_API, SCOPE_MANAGE, .handle = take_away,
     .summary = "Removes a group; its members stay"},
    {METHOD_GET, "/api/v1/customers/{id}/groups", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = of_customer, .summary = "Groups that a customer belongs to"},
};
const struct route_table api_group_routes = ROUTE_TABLE(routes);
