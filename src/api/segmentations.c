/*
 * /api/v1/segmentations: every customer in one class; versions, sizes, members of a class, the class of a customer.
 *
 * Sizes and members are decided when they are asked for, of the customers whom the asker may know of.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/segmentation.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/segment_members.h"
#include "backend/backend.h"
#include "backend/floor.h"
#include "backend/members.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/time.h"
#include "jobs/jobs.h"
#include "segment/class_sizes.h"

enum { HISTORY_DAYS = 400 };

/* ---- documents ---- */

static int list(struct request *request, struct response *response, struct err *err) {
    json_t *rows;
    int code = segmentation_list(app_folder(request->app), &rows, err);
    if (code)
        return code;
    response_list(response, rows, NULL);
    return HANDLED;
}

static int answer(struct request *request, struct response *response, const char *name, int status,
                  struct err *err) {
    json_t *segmentation;
    int code = segmentation_find(app_folder(request->app), name, &segmentation, err);
    if (code)
        return code;
    response_json(response, status, segmentation);
    json_decref(segmentation);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    return answer(request, response, request->params[0], 200, err);
}

/* Rules of classes that ask by what is hidden from the asker. */
static int check_rules(struct request *request, const json_t *body, struct err *err) {
    const json_t *classes = json_object_get(body, "classes"), *class;
    size_t i;
    int code = 0;
    json_array_foreach(classes, i, class) {
        if (!code)
            code = api_check_rule(request, json_object_get(class, "rule"),
                                  arena_format(request->arena, "/classes/%zu/rule", i), err);
    }
    return code;
}

static int keep(struct request *request, struct response *response, const char *current,
                struct err *err) {
    char name[SEGMENT_NAME_BYTES];
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = check_rules(request, body, err);
    if (!code)
        code = segmentation_put(app_folder(request->app), current, body, request->principal.name,
                                name, err);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "segmentation.put", name, "");
    struct err outcome = {0};
    if (jobs_request(app_jobs(request->app), job_class_sizes.name, &outcome))
        log_warn("segment", "classes were not counted: %s", outcome.message);
    return answer(request, response, name, current ? 200 : 201, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, NULL, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    json_t *now = NULL;
    int code = segmentation_find(app_folder(request->app), request->params[0], &now, err);
    if (!code)
        code = api_if_match(request, now, err);
    json_decref(now);
    return code ? code : keep(request, response, request->params[0], err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = segmentation_remove(app_folder(request->app), request->params[0], err);
    if (!code)
        audit_act(request, "segmentation.remove", request->params[0], "");
    response->status = 204;
    return code;
}

static int versions(struct request *request, struct response *response, struct err *err) {
    json_t *rows;
    int code = segmentation_versions(app_folder(request->app), request->params[0], &rows, err);
    if (code)
        return code;
    response_list(response, rows, NULL);
    return HANDLED;
}

/* ---- sizes ---- */

/* Members of classes by their stored names, of whom the asker may know. sets: the caller's, with member_sets_free. */
static int find_sets(struct request *request, const char *const *names, size_t n,
                     const roaring_bitmap_t *only, struct member_sets *sets, uint64_t *known,
                     struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct snapshot *snapshot;
    roaring_bitmap_t *seen = NULL;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    code = members_seen(snapshot, &request->principal, &seen, err);
    *known = seen ? roaring_bitmap_get_cardinality(seen)
                  : snapshot_profiles(snapshot) - snapshot_overlay(snapshot)->n;
    if (!code)
        code = members_find(folder, snapshot, clock_now_ms(), names, n, only, NULL, sets, err);
    for (size_t i = 0; !code && seen && i < n; i++)
        roaring_bitmap_and_inplace(sets->sets[i], seen);
    if (seen)
        roaring_bitmap_free(seen);
    snapshot_release(snapshot);
    return code;
}

static const char **class_names(struct request *request, const char *segmentation,
                                const json_t *classes) {
    size_t n = json_array_size(classes);
    const char **names = ARENA_ARRAY(request->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] =
            arena_format(request->arena, "%s/%s", segmentation,
                         json_string_value(json_object_get(json_array_get(classes, i), "name")));
    return names;
}

static void put_count(bool few, json_t *row, uint64_t count, uint64_t known) {
    json_object_set_new(row, "size", few ? json_null() : json_integer((json_int_t)count));
    json_object_set_new(row, "share",
                        known && !few ? json_real((double)count / (double)known) : json_null());
}

static int results(struct request *request, struct response *response, struct err *err) {
    const char *name = request->params[0];
    json_t *segmentation, *classes, *row;
    struct member_sets sets;
    uint64_t known = 0;
    size_t i;
    int code = segmentation_find(app_folder(request->app), name, &segmentation, err);
    if (code)
        return code;
    classes = segmentation_classes(segmentation);
    code = find_sets(request, class_names(request, name, classes), json_array_size(classes), NULL,
                     &sets, &known, err);
    if (!code) {
        size_t n = json_array_size(classes);
        uint64_t *sizes = ARENA_ARRAY(request->arena, uint64_t, n + 1);
        bool *hidden = ARENA_ARRAY(request->arena, bool, n + 1);
        for (i = 0; i < n; i++)
            sizes[i] = roaring_bitmap_get_cardinality(sets.sets[i]);
        floor_counts(request->principal.floor, sizes, n, hidden);
        json_array_foreach(classes, i, row) put_count(hidden[i], row, sizes[i], known);
        member_sets_free(&sets);
        json_t *out =
            json_pack("{s:O, s:n, s:{s:I, s:O}}", "data", classes, "next", "meta", "customers",
                      (json_int_t)known, "version", json_object_get(segmentation, "version"));
        response_json(response, 200, out);
        json_decref(out);
    }
    json_decref(classes);
    json_decref(segmentation);
    return code ? code : HANDLED;
}

/* Classes exclude each other and leave nobody out, so that those of a few go with another one. */
static void floor_sizes(struct request *request, json_t *sizes) {
    size_t n = json_object_size(sizes), i = 0;
    uint64_t *counts = ARENA_ARRAY(request->arena, uint64_t, n + 1);
    bool *hidden = ARENA_ARRAY(request->arena, bool, n + 1);
    const char *class;
    json_t *size;
    void *safe;
    json_object_foreach(sizes, class, size) counts[i++] = (uint64_t)json_integer_value(size);
    floor_counts(request->principal.floor, counts, n, hidden);
    i = 0;
    json_object_foreach_safe(sizes, safe, class, size) if (hidden[i++])
        json_object_set_new(sizes, class, json_null());
}

/* Sizes are of everybody, so who is limited to units gets none. */
static int history(struct request *request, struct response *response, struct err *err) {
    json_t *days, *day;
    int64_t from_ms = request->received_ms - HISTORY_DAYS * (int64_t)DAY_MS;
    size_t i;
    int code = class_sizes_history(app_folder(request->app), request->params[0], from_ms,
                                   request->received_ms, &days, err);
    if (code)
        return code;
    if (request->principal.units)
        json_array_clear(days);
    json_array_foreach(days, i, day) floor_sizes(request, json_object_get(day, "sizes"));
    response_list(response, days, NULL);
    return HANDLED;
}

/* While it is being written: the size of each class by the rules alone. */
static int preview(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"classes", NULL};
    json_t *body, *rows = json_array();
    json_int_t known = 0;
    int code = request_json(request, &body, err);
    if (!code)
        code = api_known(body, members, err);
    size_t n = json_array_size(json_object_get(body, "classes"));
    if (!code && (!n || n > CLASSES_MAX))
        code = err_at(err, E_INVALID, "/classes", "must be a list of 1 to %d classes", CLASSES_MAX);
    for (size_t k = 0; k <= n && !code; k++) {
        struct err refusal = {0};
        json_t *result = NULL, *rule = segmentation_rule(body, k);
        json_t *query = json_pack("{s:s, s:o, s:i}", "kind", "customers", "of",
                                  rule ? rule : json_object(), "limit", 1);
        code = query_run(app_folder(request->app), BACKEND_LOCAL, query, &request->principal, NULL,
                         &result, &refusal);
        json_decref(query);
        if (code)
            err_repeat(err, code,
                       arena_format(request->arena, "/classes/%zu/rule%s", k,
                                    strncmp(refusal.pointer, "/of/all/0", 9) == 0
                                        ? refusal.pointer + 9
                                        : ""),
                       &refusal);
        json_array_append(rows, json_object_get(json_object_get(result, "data"), "count"));
        known = json_integer_value(json_object_get(json_object_get(result, "meta"), "customers"));
        json_decref(result);
    }
    if (!code) {
        json_t *out = json_pack("{s:O, s:I}", "sizes", rows, "customers", known);
        response_json(response, 200, out);
        json_decref(out);
    }
    json_decref(body);
    json_decref(rows);
    return code ? code : HANDLED;
}

/* ---- customers ---- */

static int members(struct request *request, struct response *response, struct err *err) {
    const char *class = request_query(request, "class"), *names[1];
    struct member_sets sets;
    uint64_t known;
    json_t *segmentation, *classes, *row;
    size_t i;
    if (!class)
        return err_at(err, E_INVALID, "/class", "needs the name of a class");
    int code = segmentation_find(app_folder(request->app), request->params[0], &segmentation, err);
    if (code)
        return code;
    classes = segmentation_classes(segmentation);
    json_decref(segmentation);
    bool there = false;
    json_array_foreach(classes, i, row) there |=
        strcmp(json_string_value(json_object_get(row, "name")), class) == 0;
    json_decref(classes);
    if (!there)
        return err_set(err, E_NOT_FOUND, "no class is called \"%.80s\"", class);
    names[0] = arena_format(request->arena, "%s/%s", request->params[0], class);
    code = find_sets(request, names, 1, NULL, &sets, &known, err);
    if (code)
        return code;
    code = segment_members_answer(request, response, sets.sets[0], names[0], err);
    member_sets_free(&sets);
    return code;
}

/* The class of one customer: the only one whose set holds them. */
static int class_of(struct request *request, const json_t *segmentation, uint32_t owner,
                    json_t *rows, struct err *err) {
    const char *name = json_string_value(json_object_get(segmentation, "name"));
    json_t *classes = segmentation_classes(segmentation), *class;
    roaring_bitmap_t *only = roaring_bitmap_of(1, owner);
    struct member_sets sets;
    uint64_t known;
    size_t i;
    int code = find_sets(request, class_names(request, name, classes), json_array_size(classes),
                         only, &sets, &known, err);
    json_array_foreach(classes, i, class) {
        if (code || !roaring_bitmap_contains(sets.sets[i], owner))
            continue;
        json_t *row = json_pack("{s:s, s:O, s:O, s:O}", "segmentation", name, "title",
                                json_object_get(segmentation, "title"), "class",
                                json_object_get(class, "name"), "class_title",
                                json_object_get(class, "title"));
        json_t *persona = json_object_get(class, "persona");
        json_object_set_new(row, "persona", persona ? json_incref(persona) : json_null());
        json_array_append_new(rows, row);
    }
    if (!code)
        member_sets_free(&sets);
    roaring_bitmap_free(only);
    json_decref(classes);
    return code;
}

static int of_customer(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    char id[CUSTOMER_ID_BYTES];
    uint32_t owner;
    json_t *all = NULL, *rows = json_array(), *segmentation;
    size_t i;
    int code = customers_find(folder->customers, slice_of(request->params[0]), &owner, err);
    if (!code)
        code = segment_may_know(request, owner, err);
    if (!code)
        code = segmentation_list(folder, &all, err);
    json_array_foreach(all, i, segmentation) {
        if (!code)
            code = class_of(request, segmentation, owner, rows, err);
    }
    json_decref(all);
    if (code) {
        json_decref(rows);
        return code;
    }
    customer_id_format(owner, id);
    audit_note(request, "customer.read", id, "segmentations");
    response_list(response, rows, NULL);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/segmentations", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Segmentations: exclusive, exhaustive classes in order, with personas"},
    {METHOD_POST, "/api/v1/segmentations", ACCESS_API, SCOPE_MANAGE, .body_limit = 1 << 18,
     .handle = add,
     .summary = "Makes one: {\"name\",\"title\",\"classes\":[{\"name\",\"title\",\"rule\","
                "\"persona\"}],\"rest\"}"},
    {METHOD_POST, "/api/v1/segmentations/preview", ACCESS_API, SCOPE_MANAGE, .body_limit = 1 << 18,
     .handle = preview,
     .summary = "The size of each class and of the rest, of rules as they stand: {\"classes\"}"},
    {METHOD_GET, "/api/v1/segmentations/{name}", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "One segmentation in its newest version"},
    {METHOD_PUT, "/api/v1/segmentations/{name}", ACCESS_API, SCOPE_MANAGE, .body_limit = 1 << 18,
     .handle = change, .summary = "The next version of a segmentation"},
    {METHOD_DELETE, "/api/v1/segmentations/{name}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a segmentation on whose classes no segment is built"},
    {METHOD_GET, "/api/v1/segmentations/{name}/versions", ACCESS_API, SCOPE_QUERY,
     .handle = versions, .summary = "Every version, the newest first"},
    {METHOD_GET, "/api/v1/segmentations/{name}/results", ACCESS_API, SCOPE_QUERY, .handle = results,
     .summary = "The size of each class now; they add up to all customers"},
    {METHOD_GET, "/api/v1/segmentations/{name}/history", ACCESS_API, SCOPE_QUERY, .handle = history,
     .summary = "The size of each class by day: {\"day\",\"sizes\":{class: n}}"},
    {METHOD_GET, "/api/v1/segmentations/{name}/members", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_AGENT, .handle = members,
     .summary = "Who is in a class (?class=, ?limit=, ?cursor=)"},
    {METHOD_GET, "/api/v1/customers/{id}/segmentations", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_AGENT, .handle = of_customer, .summary = "The class of this customer in each"},
};
const struct route_table api_segmentation_routes = ROUTE_TABLE(routes);
