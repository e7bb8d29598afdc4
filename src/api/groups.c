/*
 * /api/v1/groups: households, companies and contracts (customer/groups.h). A contract's members are its holder, users and payer; its line and
 * address are attributes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/groups.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "query/sight.h"
#include "search/search.h"

enum {
    LIST_STANDARD = 50,
    LIST_MAX = 500,
    LOOKS_MAX = 20,
    ROLE_MAX_BYTES = 64,
    PEOPLE_LOOKED_FOR = 10
};

static struct customers *customers_here(struct request *request) {
    return app_folder(request->app)->customers;
}

/* ---- answers ---- */

/* The members that the asker may see; 0 after a failure, which hides rather than shows. */
static size_t visible_members(struct request *request, struct reader *reader,
                              const struct group *group, struct group_member *members) {
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, group->n_members + 1);
    struct customer_summary *summaries = NULL;
    struct err none = {0};
    size_t n = 0;
    for (size_t i = 0; i < group->n_members; i++)
        owners[i] = group->members[i].owner;
    if (request->principal.units) {
        summaries = ARENA_ARRAY(request->arena, struct customer_summary, group->n_members + 1);
        if (reader_summaries(reader, owners, group->n_members, summaries, &none))
            return 0;
    }
    for (size_t i = 0; i < group->n_members; i++)
        if (!summaries || summaries[i].interactions)
            members[n++] = group->members[i];
    return n;
}

static json_t *members_json(struct request *request, const struct group_member *members, size_t n) {
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, n + 1);
    struct slice *names = ARENA_ARRAY(request->arena, struct slice, n + 1);
    struct err none = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        owners[i] = members[i].owner;
    if (customer_names(request, owners, n, names, &none))
        return list;
    for (size_t i = 0; i < n; i++) {
        char id[CUSTOMER_ID_BYTES];
        customer_id_format(owners[i], id);
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:s, s:o}", "id", id, "name",
                            names[i].n ? json_stringn(names[i].p, names[i].n) : json_null(), "role",
                            members[i].role, "since", api_instant(members[i].since_ms)));
    }
    return list;
}

/* Attributes that the asker is not shown become null; their names, or NULL. */
static json_t *hide_attributes(struct request *request, json_t *attributes) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    json_t *hidden = NULL, *value;
    const char *name;
    void *next;
    json_object_foreach_safe(attributes, next, name, value) {
        if (!sight_hides_name(&sight, slice_of(name)))
            continue;
        hidden = hidden ? hidden : json_array();
        json_array_append_new(hidden, json_string(name));
        json_object_set_new(attributes, name, json_null());
    }
    return hidden;
}

json_t *group_json(struct request *request, struct reader *reader, const struct group *group,
                   size_t named, uint32_t owner) {
    struct group_member *members =
        ARENA_ARRAY(request->arena, struct group_member, group->n_members + 1);
    size_t n = visible_members(request, reader, group, members);
    json_t *document = json_loads(group->document, 0, NULL), *roles = json_array();
    if (!document)
        document = json_object();
    json_t *id = json_incref(json_object_get(document, "id")),
           *name = json_incref(json_object_get(document, "name"));
    json_object_del(document, "id");
    json_object_del(document, "name");
    json_t *hidden = hide_attributes(request, document);
    for (size_t i = 0; owner && i < group->n_members; i++)
        if (group->members[i].owner == owner)
            json_array_append_new(roles, json_string(group->members[i].role));
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o*}", "id", id ? id : json_null(), "kind",
        group_kind_name(group->kind), "name", name ? name : json_null(), "attributes", document,
        "members", members_json(request, members, n < named ? n : named), "size", (json_int_t)n,
        "roles", roles, "changed_at", api_instant(group->changed_ms), "hidden", hidden);
}

/* Adds those that the asker may see. owner: whose roles are told; 0: nobody's. */
static void add_rows(struct request *request, struct reader *reader, const struct group *groups,
                     size_t n, uint32_t owner, json_t *rows) {
    for (size_t i = 0; i < n; i++) {
        json_t *row = group_json(request, reader, &groups[i], GROUP_MEMBERS_NAMED, owner);
        if (!request->principal.units || json_array_size(json_object_get(row, "members")))
            json_array_append_new(rows, row);
        else
            json_decref(row);
    }
}

/* ---- the list ---- */

/* What is looked for: a fragment of what a group says, or somebody in it. */
struct sought {
    char text[SEARCH_TEXT_BYTES];
    size_t n;
    uint64_t of_people[PEOPLE_LOOKED_FOR * GROUPS_MAX]; /* numbers of groups */
    size_t n_of_people;
    struct sight sight;
};

static bool says(const char *name, const json_t *value, const struct sought *sought) {
    char folded[SEARCH_TEXT_BYTES];
    if (!json_is_string(value) || sight_hides_name(&sought->sight, slice_of(name)))
        return false;
    size_t n =
        search_fold((struct slice){json_string_value(value), json_string_length(value)}, folded);
    return memmem(folded, n, sought->text, sought->n) != NULL;
}

static bool is_sought(void *context, uint64_t number, const char *document) {
    const struct sought *sought = context;
    for (size_t i = 0; i < sought->n_of_people; i++)
        if (sought->of_people[i] == number)
            return true;
    json_t *object = json_loads(document, 0, NULL), *value;
    const char *name;
    bool found = false;
    json_object_foreach(object, name, value) found |= says(name, value, sought);
    json_decref(object);
    return found;
}

/* Groups of the people whom the text finds. */
static int find_people(struct request *request, struct reader *reader, const char *text,
                       struct sought *sought, struct err *err) {
    struct search_ask ask = {
        .text = slice_of(text), .visible_last = reader_profiles(reader), .sight = sought->sight};
    uint32_t owners[PEOPLE_LOOKED_FOR];
    size_t n = PEOPLE_LOOKED_FOR;
    bool more;
    int code = request->principal.units ? reader_visible(reader, &ask.visible, err) : 0;
    if (!code)
        code = search_customers(app_folder(request->app), &ask, owners, &n, &more, err);
    for (size_t i = 0; !code && i < n; i++) {
        struct group *groups;
        size_t n_groups;
        code =
            groups_of(customers_here(request), owners[i], request->arena, &groups, &n_groups, err);
        for (size_t g = 0; !code && g < n_groups; g++)
            sought->of_people[sought->n_of_people++] = groups[g].number;
    }
    return code;
}

/* Pages of who sees some units only are filled from several looks, so that they are not empty for groups of others. */
static int fill(struct request *request, struct reader *reader, struct groups_ask *filter,
                size_t limit, json_t *rows, struct err *err) {
    uint64_t next = 0;
    int code = 0;
    for (int look = 0; !code && look < LOOKS_MAX; look++) {
        struct group *groups;
        size_t wanted = limit - json_array_size(rows), n = wanted;
        code =
            groups_list(customers_here(request), filter, request->arena, &groups, &n, &next, err);
        if (!code)
            add_rows(request, reader, groups, n, 0, rows);
        filter->before = next;
        if (!next || json_array_size(rows) == limit || n < wanted)
            break;
    }
    return code;
}

static int read_filter(struct request *request, struct reader *reader, struct groups_ask *filter,
                       struct sought *sought, struct err *err) {
    const char *kind = request_query(request, "kind"), *text = request_query(request, "q");
    int64_t before;
    int code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (code)
        return code;
    *filter = (struct groups_ask){.kind = GROUP_KINDS, .before = (uint64_t)before};
    if (kind && kind[0] && !group_kind_find(slice_of(kind), &filter->kind))
        return err_at(err, E_INVALID, "/kind", "kind is group, household, company or contract");
    sought->sight = sight_of(app_folder(request->app), &request->principal);
    sought->n = search_fold(slice_of(text ? text : ""), sought->text);
    if (!sought->n)
        return 0;
    filter->matches = is_sought;
    filter->context = sought;
    return find_people(request, reader, text, sought, err);
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct reader *reader;
    struct groups_ask filter;
    struct sought *sought = ARENA_ARRAY(request->arena, struct sought, 1);
    int64_t limit;
    char next[24];
    int code = request_query_int(request, "limit", LIST_STANDARD, 1, LIST_MAX, &limit, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    json_t *rows = json_array();
    sought->n_of_people = 0;
    code = read_filter(request, reader, &filter, sought, err);
    if (!code)
        code = fill(request, reader, &filter, (size_t)limit, rows, err);
    reader_close(reader);
    if (code) {
        json_decref(rows);
        return code;
    }
    snprintf(next, sizeof next, "%llu", (unsigned long long)filter.before);
    audit_note(request, "group.list", "", "");
    response_list(response, rows, filter.before ? next : NULL);
    return HANDLED;
}

/* ---- one ---- */

static int answer_group(struct request *request, struct response *response, int status,
                        struct slice id, struct err *err) {
    struct group group;
    struct reader *reader;
    int code = groups_find(customers_here(request), id, request->arena, &group, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    json_t *json = group_json(request, reader, &group, GROUP_MEMBERS_MAX, 0);
    reader_close(reader);
    if (request->principal.units && !json_array_size(json_object_get(json, "members")))
        code = err_set(err, E_NOT_FOUND, "no such group");
    else
        response_json(response, status, json);
    json_decref(json);
    return code ? code : HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    audit_note(request, "group.read", "", "");
    return answer_group(request, response, 200, slice_of(request->params[0]), err);
}

static int of_customer(struct request *request, struct response *response, struct err *err) {
    struct group *groups;
    struct reader *reader;
    size_t n;
    uint32_t owner;
    int code = customer_find_visible(request, request->params[0], &owner, err);
    if (!code)
        code = groups_of(customers_here(request), owner, request->arena, &groups, &n, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    json_t *rows = json_array();
    add_rows(request, reader, groups, n, owner, rows);
    reader_close(reader);
    response_list(response, rows, NULL);
    return HANDLED;
}

/* ---- changes ---- */

/* {"customer","role"}; role "member" where absent. */
static int read_member_fields(struct request *request, json_t *row, struct group_member *member,
                              struct err *err) {
    static const char *const known[] = {"customer", "role", NULL};
    const char *customer = NULL;
    int code = api_known(row, known, err);
    if (!code)
        code = api_text(row, "customer", NULL, LIMIT_ID_BYTES, &customer, err);
    if (!code)
        code = api_text(row, "role", "member", ROLE_MAX_BYTES, &member->role, err);
    if (!code && !member->role[0])
        code = err_at(err, E_INVALID, "/role", "a role is a text");
    if (code)
        return code;
    member->role = arena_text(request->arena, slice_of(member->role)); /* outlives the body */
    code = customers_find(customers_here(request), slice_of(customer), &member->owner, err);
    if (code == E_NOT_FOUND) {
        *err = (struct err){0};
        code = err_at(err, E_INVALID, "/customer", "no such customer");
    }
    return code;
}

static int read_member(struct request *request, json_t *row, size_t i, struct group_member *member,
                       struct err *err) {
    struct err refusal = {0};
    int code = read_member_fields(request, row, member, &refusal);
    return code ? err_repeat(err, code,
                             arena_format(request->arena, "/members/%zu%s", i, refusal.pointer),
                             &refusal)
                : 0;
}

/* What the asker is not shown stays as it is stored. */
static void keep_hidden(struct request *request, const char *id, json_t *document) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    struct group stored;
    struct err none = {0};
    const char *name;
    json_t *value;
    if (!sight.hidden ||
        groups_find(customers_here(request), slice_of(id), request->arena, &stored, &none))
        return;
    json_t *before = json_loads(stored.document, 0, NULL);
    json_object_foreach(before, name, value) {
        if (sight_hides_name(&sight, slice_of(name)))
            json_object_set(document, name, value);
    }
    json_decref(before);
}

/* What the organisation calls it and knows of it, as it is stored. */
static int read_document(struct request *request, const char *id, const char *name,
                         const json_t *attributes, struct group *group, struct err *err) {
    json_t *document = attributes ? json_copy((json_t *)(uintptr_t)attributes) : json_object();
    keep_hidden(request, id, document);
    json_object_set_new(document, "id", json_string(id));
    if (name[0])
        json_object_set_new(document, "name", json_string(name));
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    bool fits = text && strlen(text) <= GROUP_MAX_BYTES;
    if (fits)
        group->document = arena_text(request->arena, slice_of(text));
    free(text);
    return fits ? 0 : err_at(err, E_INVALID, "/attributes", "at most %d bytes", GROUP_MAX_BYTES);
}

/* {"kind","name","attributes":{…},"members":[{"customer","role"}]} */
static int read_group(struct request *request, json_t *body, const char *id, struct group *group,
                      struct err *err) {
    static const char *const known[] = {"id", "kind", "name", "attributes", "members", NULL};
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
    if (!code)
        code = read_document(request, id, name, attributes, group, err);
    if (code)
        return code;
    group->n_members = json_array_size(members);
    group->members = ARENA_ARRAY(request->arena, struct group_member, group->n_members + 1);
    json_array_foreach(members, i, row) if (!code) code =
        read_member(request, row, i, &group->members[i], err);
    return code;
}

static int store(struct request *request, struct response *response, json_t *body, const char *id,
                 enum group_put how, struct err *err) {
    struct group group = {0};
    int code = read_group(request, body, id, &group, err);
    if (!code)
        code = groups_put(customers_here(request), slice_of(id), &group, how, err);
    if (code)
        return code;
    audit_act(request, "group.change", group_kind_name(group.kind), "");
    return answer_group(request, response, how == GROUP_NEW_WHOLE ? 201 : 200, slice_of(id), err);
}

/* The id in the address, where the body names one, too. */
static int put(struct request *request, struct response *response, struct err *err) {
    const char *id = request->params[0], *said;
    size_t n = strlen(id);
    json_t *body;
    int code = n && n <= LIMIT_ID_BYTES ? 0 : err_at(err, E_INVALID, "/id", "the id is too long");
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "id", id, LIMIT_ID_BYTES, &said, err);
    if (!code && strcmp(said, id) != 0)
        code = err_at(err, E_INVALID, "/id", "an id never changes");
    if (!code)
        code = store(request, response, body, id,
                     json_object_get(body, "members") ? GROUP_WHOLE : GROUP_WORDS, err);
    json_decref(body);
    return code;
}

/* Nobody has to invent numbers for households. */
static const char *new_id(struct request *request) {
    uint64_t number;
    randombytes_buf(&number, sizeof number);
    return arena_format(request->arena, "g-%012llx", (unsigned long long)(number >> 16));
}

static int add(struct request *request, struct response *response, struct err *err) {
    const char *id;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "id", "", LIMIT_ID_BYTES, &id, err);
    if (!code)
        code = store(request, response, body, id[0] ? id : new_id(request), GROUP_NEW_WHOLE, err);
    json_decref(body);
    return code;
}

static int take_away(struct request *request, struct response *response, struct err *err) {
    int code = groups_remove(customers_here(request), slice_of(request->params[0]), err);
    if (code)
        return code;
    audit_act(request, "group.remove", "", "");
    response->status = 204;
    return HANDLED;
}

/* ---- one member ---- */

static void note_member(struct request *request, uint32_t owner) {
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(owner, id);
    audit_act(request, "group.member", arena_text(request->arena, slice_of(id)), "");
}

static int add_member(struct request *request, struct response *response, struct err *err) {
    struct group_member member;
    struct err refusal = {0};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = read_member_fields(request, body, &member, &refusal);
    if (code)
        *err = refusal;
    else
        code = groups_add_member(customers_here(request), slice_of(request->params[0]),
                                 member.owner, member.role, err);
    json_decref(body);
    if (code)
        return code;
    note_member(request, member.owner);
    return answer_group(request, response, 200, slice_of(request->params[0]), err);
}

static int drop_member(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    int code = customers_find(customers_here(request), slice_of(request->params[1]), &owner, err);
    if (!code)
        code = groups_drop_member(customers_here(request), slice_of(request->params[0]), owner,
                                  request_query(request, "role"), err);
    if (code)
        return code;
    note_member(request, owner);
    response->status = 204;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/groups", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = list,
     .summary = "Households, companies, contracts (?kind=) with their members and roles; ?q= of "
                "what they say or who is in them"},
    {METHOD_POST, "/api/v1/groups", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes one: as PUT, with \"id\" where the organisation has a number for it"},
    {METHOD_GET, "/api/v1/groups/{id}", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = get,
     .summary = "One group: attributes (of a contract line, address, product …) and members"},
    {METHOD_PUT, "/api/v1/groups/{id}", ACCESS_API, SCOPE_MANAGE, .handle = put,
     .summary = "Makes or replaces it: {\"kind\",\"name\",\"attributes\",\"members\":"
                "[{\"customer\",\"role\"}]}; roles of a contract are holder, user, payer; "
                "without members they stay"},
    {METHOD_POST, "/api/v1/groups/{id}/members", ACCESS_API, SCOPE_MANAGE, .handle = add_member,
     .summary = "Takes a customer in: {\"customer\",\"role\"}"},
    {METHOD_DELETE, "/api/v1/groups/{id}/members/{customer}", ACCESS_API, SCOPE_MANAGE,
     .handle = drop_member, .summary = "Takes a customer out, of one role (?role=) or of all"},
    {METHOD_DELETE, "/api/v1/groups/{id}", ACCESS_API, SCOPE_MANAGE, .handle = take_away,
     .summary = "Removes a group; its members stay"},
    {METHOD_GET, "/api/v1/customers/{id}/groups", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = of_customer, .summary = "Groups that a customer belongs to"},
};
const struct route_table api_group_routes = ROUTE_TABLE(routes);
