/*
 * /api/v1/merge-proposals: customers who may be one person (duplicate/duplicate.h), with a preview; a person merges or rejects.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "duplicate/duplicate.h"

#include <stdio.h>

#include "api/merges.h"
#include "base/limits.h"

enum { LIST_STANDARD = 50, LIST_MAX = 500, WHY_MAX = 500 };

static const char *asker(const struct request *request) {
    return request->principal.name ? request->principal.name : "";
}

/* ---- answers ---- */

static const char *id_of(struct request *request, uint32_t profile) {
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(profile, id);
    return arena_text(request->arena, slice_of(id));
}

static json_t *reasons_json(unsigned reasons) {
    json_t *list = json_array();
    for (unsigned reason = 0; reason < DUPLICATE_REASON_COUNT; reason++)
        if (reasons >> reason & 1)
            json_array_append_new(
                list, json_string(duplicate_reason_name((enum duplicate_reason)reason)));
    return list;
}

static json_t *side_json(struct request *request, uint32_t profile, struct slice name,
                         struct slice user_id, const struct customer_summary *summary) {
    return json_pack("{s:s, s:o, s:o, s:I, s:o}", "id", id_of(request, profile), "name",
                     name.n ? json_stringn(name.p, name.n) : json_null(), "user_id",
                     user_id.n ? json_stringn(user_id.p, user_id.n) : json_null(), "interactions",
                     (json_int_t)summary->interactions, "last_seen",
                     summary->interactions ? api_instant(summary->last_ms) : json_null());
}

static json_t *proposal_json(const struct duplicate *duplicate, json_t *customers) {
    return json_pack("{s:I, s:f, s:o, s:s, s:o, s:o, s:o, s:o}", "number",
                     (json_int_t)duplicate->number, "score", duplicate->score / 100.0, "reasons",
                     reasons_json(duplicate->reasons), "state", duplicate->state, "found_at",
                     api_instant(duplicate->found_ms), "decided_at",
                     api_instant(duplicate->decided_ms), "decided_by",
                     duplicate->decided_by[0] ? json_string(duplicate->decided_by) : json_null(),
                     "customers", customers);
}

static int list_json(struct request *request, const struct duplicate *list, size_t n, json_t **rows,
                     struct err *err) {
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, 2 * n + 1);
    struct slice *names = ARENA_ARRAY(request->arena, struct slice, 2 * n + 1);
    struct slice *user_ids = ARENA_ARRAY(request->arena, struct slice, 2 * n + 1);
    struct customer_summary *summaries =
        ARENA_ARRAY(request->arena, struct customer_summary, 2 * n + 1);
    struct reader *reader;
    for (size_t i = 0; i < n; i++) {
        owners[2 * i] = list[i].one;
        owners[2 * i + 1] = list[i].other;
    }
    int code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = reader_summaries(reader, owners, 2 * n, summaries, err);
    reader_close(reader);
    if (!code)
        code = customer_names(request, owners, 2 * n, names, err);
    if (!code)
        code = customer_user_ids(request, owners, 2 * n, user_ids, err);
    *rows = json_array();
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(
            *rows, proposal_json(&list[i],
                                 json_pack("[o, o]",
                                           side_json(request, owners[2 * i], names[2 * i],
                                                     user_ids[2 * i], &summaries[2 * i]),
                                           side_json(request, owners[2 * i + 1], names[2 * i + 1],
                                                     user_ids[2 * i + 1], &summaries[2 * i + 1]))));
    return code;
}

static int list(struct request *request, struct response *response, struct err *err) {
    const char *state = request_query(request, "state");
    struct duplicate *found;
    json_t *rows = NULL;
    int64_t limit, skip;
    char next[24];
    if (!state || !state[0])
        state = "open";
    int code = request_query_int(request, "limit", LIST_STANDARD, 1, LIST_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT32_MAX, &skip, err);
    if (!code && strcmp(state, "open") != 0 && strcmp(state, "merged") != 0 &&
        strcmp(state, "rejected") != 0)
        code = err_at(err, E_INVALID, "/state", "state is open, merged or rejected");
    size_t n = code ? 0 : (size_t)limit;
    if (!code)
        code = duplicate_list(app_folder(request->app), state, (size_t)skip, request->arena, &found,
                              &n, err);
    if (!code)
        code = list_json(request, found, n, &rows, err);
    if (code) {
        json_decref(rows);
        return code;
    }
    snprintf(next, sizeof next, "%llu", (unsigned long long)skip + n);
    audit_note(request, "customer.list", "", arena_format(request->arena, "%zu", 2 * n));
    response_list(response, rows, n == (size_t)limit ? next : NULL);
    return HANDLED;
}

static int find(struct request *request, struct duplicate *duplicate, struct err *err) {
    uint64_t number;
    int code = api_number(request->params[0], &number, err);
    return code ? code
                : duplicate_find(app_folder(request->app), number, request->arena, duplicate, err);
}

/* With both customers whole, as the preview of a merge shows them; decided ones without. */
static int get(struct request *request, struct response *response, struct err *err) {
    struct duplicate duplicate;
    json_t *preview = NULL;
    struct err refusal = {0};
    int code = find(request, &duplicate, err);
    if (code)
        return code;
    code = merge_preview(request, id_of(request, duplicate.one), id_of(request, duplicate.other),
                         &preview, &refusal);
    if (code && code != E_CONFLICT) {
        *err = refusal;
        return code;
    }
    json_t *json = proposal_json(&duplicate, json_array());
    if (preview)
        json_object_update(json, preview);
    json_decref(preview);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- decisions ---- */

static int read_body(struct request *request, struct duplicate *duplicate, const char **into,
                     const char **why, json_t **body, struct err *err) {
    static const char *const known[] = {"into", "why", NULL};
    *body = NULL;
    int code = find(request, duplicate, err);
    if (!code && strcmp(duplicate->state, "open") != 0)
        code = err_set(err, E_CONFLICT, "this proposal is decided");
    if (!code && request->body.n)
        code = request_json(request, body, err);
    if (!code && *body)
        code = api_known(*body, known, err);
    *into = *why = "";
    if (!code && *body)
        code = api_text(*body, "into", "", LIMIT_ID_BYTES, into, err);
    return code || !*body ? code : api_text(*body, "why", "", WHY_MAX, why, err);
}

/* {"into"}: which of the two stays the owner; else the one with more interactions came first in number. */
static int accept(struct request *request, struct response *response, struct err *err) {
    struct duplicate duplicate;
    const char *into, *why;
    json_t *body, *json = NULL;
    int code = read_body(request, &duplicate, &into, &why, &body, err);
    if (!code) {
        const char *one = id_of(request, duplicate.one), *other = id_of(request, duplicate.other);
        bool swapped = strcmp(into, other) == 0;
        if (into[0] && !swapped && strcmp(into, one) != 0)
            code = err_at(err, E_INVALID, "/into", "must be one of the two");
        if (!code)
            code =
                merge_unite(request, swapped ? one : other, swapped ? other : one, why, &json, err);
    }
    if (!code)
        code = duplicate_decide(app_folder(request->app), duplicate.number, "merged",
                                asker(request), err);
    json_decref(body);
    if (!code)
        response_json(response, 200, json);
    json_decref(json);
    return code ? code : HANDLED;
}

static int reject(struct request *request, struct response *response, struct err *err) {
    struct duplicate duplicate;
    const char *into, *why;
    json_t *body;
    int code = read_body(request, &duplicate, &into, &why, &body, err);
    if (!code)
        code = duplicate_decide(app_folder(request->app), duplicate.number, "rejected",
                                asker(request), err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "customer.not_duplicate", id_of(request, duplicate.one),
              id_of(request, duplicate.other));
    code = find(request, &duplicate, err);
    if (code)
        return code;
    json_t *json = proposal_json(&duplicate, json_array());
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/merge-proposals", ACCESS_API, SCOPE_MANAGE, .handle = list,
     .summary = "Customers who may be one person, likeliest first; ?state=open, merged, rejected. "
                "The job customer.duplicates finds them"},
    {METHOD_GET, "/api/v1/merge-proposals/{number}", ACCESS_API, SCOPE_MANAGE, .handle = get,
     .summary = "One proposal: reasons, both customers, where they differ"},
    {METHOD_POST, "/api/v1/merge-proposals/{number}/merge", ACCESS_API, SCOPE_MANAGE,
     .handle = accept, .summary = "They are one: {\"into\"} says which stays, {\"why\"}"},
    {METHOD_POST, "/api/v1/merge-proposals/{number}/reject", ACCESS_API, SCOPE_MANAGE,
     .handle = reject, .summary = "They are two, and are not proposed again"},
};
const struct route_table api_duplicate_routes = ROUTE_TABLE(routes);
