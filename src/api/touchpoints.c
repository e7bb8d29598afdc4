/*
 * /api/v1/touchpoints: the ordered rules that give interactions their touchpoint. A change applies to the past too.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "base/limits.h"
#include "query/sight.h"

enum { RULES_MAX = 1000 };

static void put(json_t *json, const char *name, const char *text) {
    if (text)
        json_object_set_new(json, name, json_string(text));
}

static int rules_json(struct request *request, json_t **json, struct err *err) {
    struct touchpoint_rule *rules;
    size_t n;
    int code =
        timeline_get_rules(app_folder(request->app)->timeline, request->arena, &rules, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_pack("{s:s}", "touchpoint", rules[i].touchpoint);
        put(row, "event", rules[i].event);
        put(row, "channel", rules[i].channel);
        put(row, "path", rules[i].path);
        put(row, "property", rules[i].property);
        put(row, "value", rules[i].value);
        json_array_append_new(rows, row);
    }
    *json = json_pack("{s:o}", "rules", rows);
    return 0;
}

static int get(struct request *request, struct response *response, struct err *err) {
    json_t *json;
    int code = rules_json(request, &json, err);
    if (code)
        return code;
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* A member that may be absent; "" counts as absent. */
static int read_member(struct request *request, const json_t *row, size_t i, const char *name,
                       const char **text, struct err *err) {
    const json_t *member = json_object_get(row, name);
    *text = NULL;
    if (!member || json_is_null(member))
        return 0;
    const char *value = json_string_value(member);
    if (!value || strlen(value) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, arena_format(request->arena, "/rules/%zu/%s", i, name),
                      "must be a text of at most %d bytes", LIMIT_NAME_BYTES);
    *text = value[0] ? value : NULL;
    return 0;
}

static int check_members(struct request *request, json_t *row, size_t i, struct err *err) {
    static const char *const known[] = {"touchpoint", "event", "channel", "path",
                                        "property",   "value", NULL};
    struct err unknown = {0};
    if (!api_known(row, known, &unknown))
        return 0;
    return err_repeat(err, E_INVALID,
                      arena_format(request->arena, "/rules/%zu%s", i, unknown.pointer), &unknown);
}

static int read_rule(struct request *request, json_t *row, size_t i, struct touchpoint_rule *rule,
                     struct err *err) {
    int code = check_members(request, row, i, err);
    if (!code)
        code = read_member(request, row, i, "touchpoint", &rule->touchpoint, err);
    if (!code)
        code = read_member(request, row, i, "event", &rule->event, err);
    if (!code)
        code = read_member(request, row, i, "channel", &rule->channel, err);
    if (!code)
        code = read_member(request, row, i, "path", &rule->path, err);
    if (!code)
        code = read_member(request, row, i, "property", &rule->property, err);
    if (!code)
        code = read_member(request, row, i, "value", &rule->value, err);
    if (code)
        return code;
    const char *at = arena_format(request->arena, "/rules/%zu", i);
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    if (rule->property)
        code = sight_check(&sight, slice_of(rule->property),
                           arena_format(request->arena, "%s/property", at), err);
    if (code)
        return code;
    if (!rule->touchpoint)
        return err_at(err, E_INVALID, at, "a rule needs the name of its touchpoint");
    if (!rule->event && !rule->channel && !rule->path && !rule->property)
        return err_at(err, E_INVALID, at, "a rule needs an event, a channel, a path or a property");
    if (!rule->property != !rule->value)
        return err_at(err, E_INVALID, at, "a property and its value go together");
    return 0;
}

static int replace(struct request *request, struct response *response, struct err *err) {
    json_t *body = NULL, *before = NULL;
    int code = rules_json(request, &before, err);
    if (!code)
        code = api_if_match(request, before, err);
    json_decref(before);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    const json_t *rows = json_object_get(body, "rules");
    size_t n = json_array_size(rows);
    if (!json_is_array(rows) || n > RULES_MAX)
        code = err_at(err, E_INVALID, "/rules", "rules must be a list of at most %d", RULES_MAX);
    struct touchpoint_rule *rules = ARENA_ARRAY(request->arena, struct touchpoint_rule, n + 1);
    for (size_t i = 0; !code && i < n; i++)
        code = read_rule(request, json_array_get(rows, i), i, &rules[i], err);
    if (!code)
        code = timeline_set_rules(app_folder(request->app)->timeline, rules, n, err);
    if (!code) {
        audit_act(request, "touchpoints.change", arena_format(request->arena, "%zu", n), "");
        code = get(request, response, err);
    }
    json_decref(body);
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/touchpoints", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "The rules of touchpoints, tried in order"},
    {METHOD_PUT, "/api/v1/touchpoints", ACCESS_API, SCOPE_MANAGE, .handle = replace,
     .body_limit = 1 << 20, .summary = "Replaces the rules; past and future interactions follow"},
};
const struct route_table api_touchpoint_routes = ROUTE_TABLE(routes);
