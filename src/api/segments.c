/*
 * /api/v1/segments: who belongs together, how many, who they are, how segments overlap and how they grew.
 *
 * Segments are the organisation's; sizes, members, overlap and exports are of the customers whom the asker may know of.
 * Sizes by day are of everybody, so whoever is limited to units gets none.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/segment.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/export_rows.h"
#include "api/segment_members.h"
#include "backend/backend.h"
#include "backend/members.h"
#include "base/time.h"

enum { OVERLAP_MAX = 30, SAMPLE = 5, HISTORY_DAYS = 400 };

/* ---- what the asker may know ---- */

static int seen_customers(struct request *request, roaring_bitmap_t **seen, struct err *err) {
    struct snapshot *snapshot;
    *seen = NULL;
    int code = timeline_snapshot(app_folder(request->app)->timeline, &snapshot, err);
    if (code)
        return code;
    code = members_seen(snapshot, &request->principal, seen, err);
    snapshot_release(snapshot);
    return code;
}

/* Members of whom the asker may know; the caller's. */
static int visible_members(struct request *request, const char *name, const roaring_bitmap_t *seen,
                           roaring_bitmap_t **members, struct err *err) {
    int code = segment_members(app_folder(request->app), name, members, err);
    if (!code && seen)
        roaring_bitmap_and_inplace(*members, seen);
    return code;
}

/* null where so few would be somebody. */
static json_t *count_json(const struct request *request, uint64_t count) {
    return count && count < request->principal.floor ? json_null()
                                                     : json_integer((json_int_t)count);
}

static uint64_t customers_known(struct request *request, const roaring_bitmap_t *seen) {
    struct snapshot *snapshot;
    struct err ignored = {0};
    if (seen)
        return roaring_bitmap_get_cardinality(seen);
    if (timeline_snapshot(app_folder(request->app)->timeline, &snapshot, &ignored))
        return 0;
    uint64_t n = snapshot_profiles(snapshot) - snapshot_overlay(snapshot)->n;
    snapshot_release(snapshot);
    return n;
}

static int put_size(struct request *request, const roaring_bitmap_t *seen, uint64_t known,
                    json_t *segment, struct err *err) {
    roaring_bitmap_t *members;
    int code = visible_members(request, json_string_value(json_object_get(segment, "name")), seen,
                               &members, err);
    if (code)
        return code;
    uint64_t size = roaring_bitmap_get_cardinality(members);
    bool few = size && size < request->principal.floor;
    json_object_set_new(segment, "size", count_json(request, size));
    json_object_set_new(segment, "share",
                        known && !few ? json_real((double)size / (double)known) : json_null());
    roaring_bitmap_free(members);
    return 0;
}

/* While those who are in from the beginning are told: how far that is. */
static int put_telling(struct request *request, json_t *segment, struct err *err) {
    uint64_t told, of;
    int code = segment_told(app_folder(request->app),
                            json_string_value(json_object_get(segment, "name")), &told, &of, err);
    if (code)
        return code;
    json_object_set_new(
        segment, "telling",
        of && !request->principal.units
            ? json_pack("{s:I, s:I}", "told", (json_int_t)told, "of", (json_int_t)of)
            : json_null());
    return 0;
}

/* ---- segments ---- */

static json_t *state_json(struct request *request, uint64_t known) {
    struct segments_state state = {0};
    struct err ignored = {0};
    if (segments_state(app_folder(request->app), &state, &ignored))
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:I}", "customers", (json_int_t)known, "as_of",
                     api_instant(state.as_of_ms), "lag_s", json_real((double)state.lag_ms / 1000.0),
                     "pending", (json_int_t)state.pending);
}

static int list(struct request *request, struct response *response, struct err *err) {
    json_t *rows = NULL, *segment;
    roaring_bitmap_t *seen = NULL;
    size_t i;
    int code = segment_list(app_folder(request->app), &rows, err);
    if (!code)
        code = seen_customers(request, &seen, err);
    uint64_t known = customers_known(request, seen);
    json_array_foreach(rows, i, segment) {
        if (!code)
            code = put_size(request, seen, known, segment, err);
    }
    if (seen)
        roaring_bitmap_free(seen);
    if (!code) {
        json_t *answer =
            json_pack("{s:O, s:n, s:o}", "data", rows, "next", "meta", state_json(request, known));
        response_json(response, 200, answer);
        json_decref(answer);
    }
    json_decref(rows);
    return code ? code : HANDLED;
}

/* "/of/all/0" -> "/rule/all/0" */
static void point_to_rule(struct request *request, json_t *warnings) {
    json_t *warning;
    size_t i;
    json_array_foreach(warnings, i, warning) {
        const char *pointer = json_string_value(json_object_get(warning, "pointer"));
        if (pointer && strncmp(pointer, "/of", 3) == 0)
            json_object_set_new(warning, "pointer",
                                json_string(arena_format(request->arena, "/rule%s", pointer + 3)));
    }
}

/* What the rule names and nothing that was collected bears yet. */
static int put_warnings(struct request *request, json_t *segment, struct err *err) {
    json_t *warnings = NULL, *query = json_pack("{s:s, s:O}", "kind", "customers", "of",
                                                json_object_get(segment, "rule"));
    int code = query_warnings(app_folder(request->app), query, &request->principal, &warnings, err);
    json_decref(query);
    if (code)
        return code;
    point_to_rule(request, warnings);
    json_object_set_new(segment, "warnings", warnings);
    return 0;
}

/* As GET answers it; its ETag is that of the document. */
static int answer(struct request *request, struct response *response, const char *name, int status,
                  struct err *err) {
    json_t *segment;
    roaring_bitmap_t *seen = NULL;
    int code = segment_find(app_folder(request->app), name, &segment, err);
    if (code)
        return code;
    response_header(request, response, "ETag", api_etag(request, segment));
    code = seen_customers(request, &seen, err);
    if (!code)
        code = put_size(request, seen, customers_known(request, seen), segment, err);
    if (seen)
        roaring_bitmap_free(seen);
    if (!code)
        code = put_telling(request, segment, err);
    if (!code)
        code = put_warnings(request, segment, err);
    if (!code)
        response_json(response, status, segment);
    json_decref(segment);
    return code ? code : HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    return answer(request, response, request->params[0], 200, err);
}

static int keep(struct request *request, struct response *response, const char *current,
                struct err *err) {
    char name[SEGMENT_NAME_BYTES];
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_check_rule(request, json_object_get(body, "rule"), "/rule", err);
    if (!code)
        code = segment_put(app_folder(request->app), current, body, request->principal.name, name,
                           err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "segment.put", name, "");
    return answer(request, response, name, current ? 200 : 201, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, NULL, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    json_t *now = NULL;
    int code = segment_find(app_folder(request->app), request->params[0], &now, err);
    if (!code)
        code = api_if_match(request, now, err);
    json_decref(now);
    return code ? code : keep(request, response, request->params[0], err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = segment_remove(app_folder(request->app), request->params[0], err);
    if (!code)
        audit_act(request, "segment.remove", request->params[0], "");
    response->status = 204;
    return code;
}

/* ---- while a rule is being written ---- */

static int preview(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"rule", NULL};
    json_t *body, *result = NULL;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, members, err);
    const json_t *rule = json_object_get(body, "rule");
    if (!code && !json_is_object(rule))
        code = err_at(err, E_INVALID, "/rule", "must say who belongs to it");
    if (!code) {
        struct err refusal = {0};
        json_t *query =
            json_pack("{s:s, s:O, s:i}", "kind", "customers", "of", rule, "limit", SAMPLE);
        code = query_run(app_folder(request->app), BACKEND_LOCAL, query, &request->principal, NULL,
                         &result, &refusal);
        json_decref(query);
        bool below = strncmp(refusal.pointer, "/of", 3) == 0;
        if (code)
            err_repeat(err, code,
                       below ? arena_format(request->arena, "/rule%s", refusal.pointer + 3)
                             : refusal.pointer,
                       &refusal);
    }
    json_decref(body);
    if (code)
        return code;
    const json_t *data = json_object_get(result, "data"), *meta = json_object_get(result, "meta");
    json_int_t count = json_integer_value(json_object_get(data, "count")),
               known = json_integer_value(json_object_get(meta, "customers"));
    json_t *out = json_pack("{s:I, s:I, s:o, s:O, s:O}", "count", count, "customers", known,
                            "share", known ? json_real((double)count / (double)known) : json_null(),
                            "sample", json_object_get(data, "customers"), "elapsed_ms",
                            json_object_get(meta, "elapsed_ms"));
    json_t *warnings = json_object_get(meta, "warnings");
    point_to_rule(request, warnings);
    json_object_set_new(out, "warnings", warnings ? json_incref(warnings) : json_array());
    audit_note(request, "query.people", "", "segment_preview");
    response_json(response, 200, out);
    json_decref(out);
    json_decref(result);
    return HANDLED;
}

/* ---- members ---- */

static int members(struct request *request, struct response *response, struct err *err) {
    roaring_bitmap_t *seen = NULL, *set = NULL;
    int code = seen_customers(request, &seen, err);
    if (!code)
        code = visible_members(request, request->params[0], seen, &set, err);
    if (seen)
        roaring_bitmap_free(seen);
    if (code)
        return code;
    code = segment_members_answer(request, response, set, request->params[0], err);
    roaring_bitmap_free(set);
    return code;
}

static int of_customer(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    char id[CUSTOMER_ID_BYTES];
    uint32_t owner;
    json_t *rows;
    int code = customers_find(folder->customers, slice_of(request->params[0]), &owner, err);
    if (!code)
        code = segment_may_know(request, owner, err);
    if (!code)
        code = segments_of_customer(folder, owner, &rows, err);
    if (code)
        return code;
    customer_id_format(owner, id);
    audit_note(request, "customer.read", id, "segments");
    response_list(response, rows, NULL);
    return HANDLED;
}

static int export(struct request *request, struct response *response, struct err *err) {
    return export_begin(request, response, &export_customers, request->params[0], err);
}

/* ---- overlap ---- */

/* The names asked for, else the first of all. */
static int overlap_names(struct request *request, json_t **segments, struct err *err) {
    const char *asked = request_query(request, "names");
    json_t *segment, *all;
    size_t i;
    int code = segment_list(app_folder(request->app), &all, err);
    if (code)
        return code;
    *segments = json_array();
    json_array_foreach(all, i, segment) {
        const char *name = json_string_value(json_object_get(segment, "name"));
        char *mark = arena_format(request->arena, ",%s,", name),
             *within = arena_format(request->arena, ",%s,", asked ? asked : "");
        if ((!asked || strstr(within, mark)) && json_array_size(*segments) < OVERLAP_MAX)
            json_array_append_new(*segments, json_pack("{s:s, s:O}", "name", name, "title",
                                                       json_object_get(segment, "title")));
    }
    json_decref(all);
    return 0;
}

/* How many are in both; null also where few of one of them are not. */
static json_t *both_json(const struct request *request, const roaring_bitmap_t *one,
                         const roaring_bitmap_t *other) {
    uint64_t both = roaring_bitmap_and_cardinality(one, other), floor = request->principal.floor;
    uint64_t first = roaring_bitmap_get_cardinality(one) - both,
             second = roaring_bitmap_get_cardinality(other) - both;
    bool few = (first && first < floor) || (second && second < floor);
    return few ? json_null() : count_json(request, both);
}

static int overlap(struct request *request, struct response *response, struct err *err) {
    json_t *segments = NULL, *both = json_array();
    roaring_bitmap_t *seen = NULL, *sets[OVERLAP_MAX] = {0};
    int code = overlap_names(request, &segments, err);
    size_t n = json_array_size(segments);
    if (!code)
        code = seen_customers(request, &seen, err);
    for (size_t i = 0; i < n && !code; i++)
        code = visible_members(
            request, json_string_value(json_object_get(json_array_get(segments, i), "name")), seen,
            &sets[i], err);
    for (size_t i = 0; i < n && !code; i++) {
        json_t *row = json_array();
        json_object_set_new(json_array_get(segments, i), "size",
                            count_json(request, roaring_bitmap_get_cardinality(sets[i])));
        for (size_t j = 0; j < n; j++)
            json_array_append_new(row, both_json(request, sets[i], sets[j]));
        json_array_append_new(both, row);
    }
    for (size_t i = 0; i < n; i++)
        if (sets[i])
            roaring_bitmap_free(sets[i]);
    if (seen)
        roaring_bitmap_free(seen);
    if (!code) {
        json_t *out = json_pack("{s:O, s:O}", "segments", segments, "both", both);
        response_json(response, 200, out);
        json_decref(out);
    }
    json_decref(segments);
    json_decref(both);
    return code ? code : HANDLED;
}

/* ---- sizes by day ---- */

static int read_day(struct request *request, const char *name, int64_t standard, int64_t *ms,
                    struct err *err) {
    const char *text = request_query(request, name);
    *ms = standard;
    if (text && time_parse(slice_of(text), app_folder(request->app)->zone, ms))
        return err_at(err, E_INVALID, arena_format(request->arena, "/%s", name),
                      "must be a date or an instant (RFC 3339)");
    return 0;
}

/* Who came is the difference that who left makes to the sizes, so where one is few both go. */
static void floor_day(const struct request *request, json_t *day) {
    static const char *const counts[] = {"size", "entered", "left"};
    bool few = false;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        json_t *count =
            count_json(request, (uint64_t)json_integer_value(json_object_get(day, counts[k])));
        few |= k && json_is_null(count);
        json_object_set_new(day, counts[k], count);
    }
    for (size_t k = 1; few && k < sizeof counts / sizeof *counts; k++)
        json_object_set_new(day, counts[k], json_null());
}

static int history(struct request *request, struct response *response, struct err *err) {
    int64_t from_ms, to_ms, now_ms = request->received_ms;
    json_t *days, *day;
    size_t i;
    int code = read_day(request, "from", now_ms - HISTORY_DAYS * (int64_t)DAY_MS, &from_ms, err);
    if (!code)
        code = read_day(request, "to", now_ms, &to_ms, err);
    if (!code)
        code = segment_history(app_folder(request->app), request->params[0], from_ms, to_ms, &days,
                               err);
    if (code)
        return code;
    if (request->principal.units) /* of everybody: not theirs */
        json_array_clear(days);
    json_array_foreach(days, i, day) floor_day(request, day);
    response_list(response, days, NULL);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/segments", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Segments with their size; meta: as_of, lag_s, pending, customers"},
    {METHOD_POST, "/api/v1/segments", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes a segment: {\"name\",\"title\",\"rule\",\"mission\",\"proposition\","
                "\"description\",\"colour\",\"owner\"}"},
    {METHOD_POST, "/api/v1/segments/preview", ACCESS_API, SCOPE_MANAGE, .handle = preview,
     .summary = "How many a rule holds for now, and some of them: {\"rule\"}; warnings: names "
                "never seen yet"},
    {METHOD_GET, "/api/v1/segments/overlap", ACCESS_API, SCOPE_QUERY, .handle = overlap,
     .summary = "How many customers two segments share, for each two (?names=a,b)"},
    {METHOD_GET, "/api/v1/segments/{name}", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "One segment with its size"},
    {METHOD_PUT, "/api/v1/segments/{name}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .summary = "Changes a segment; its name stays"},
    {METHOD_DELETE, "/api/v1/segments/{name}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a segment on which no other is built"},
    {METHOD_GET, "/api/v1/segments/{name}/members", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = members, .summary = "Who is in it now, by id (?limit=, ?cursor=)"},
    {METHOD_GET, "/api/v1/segments/{name}/history", ACCESS_API, SCOPE_QUERY, .handle = history,
     .summary = "Its size at the end of each day, who entered and left (?from=, ?to=)"},
    {METHOD_GET, "/api/v1/segments/{name}/export", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_UNIT_MANAGER, .handle = export,
     .summary = "Its members with identifiers and traits: ?format=csv|jsonl|xlsx"},
    {METHOD_GET, "/api/v1/customers/{id}/segments", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = of_customer, .summary = "Segments that this customer is in now"},
};
const struct route_table api_segment_routes = ROUTE_TABLE(routes);
