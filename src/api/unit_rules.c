/*
 * /api/v1/unit-rules: to which unit an interaction belongs that does not say (collect/unit_rules.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/unit_rules.h"

#include "api/api.h"
#include "base/limits.h"

static json_t *rules_json(struct request *request) {
    struct unit_rule *rules;
    size_t n;
    unit_rules_list(ingest_unit_rules(app_folder(request->app)->ingest), request->arena, &rules,
                    &n);
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "property", rules[i].property,
                                              "value", rules[i].value, "unit", rules[i].unit));
    return json_pack("{s:o}", "rules", rows);
}

static int get(struct request *request, struct response *response, struct err *err) {
    (void)err;
    json_t *json = rules_json(request);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int read_rule(struct request *request, json_t *row, size_t i, struct unit_rule *rule,
                     struct err *err) {
    static const char *const names[] = {"property", "value", "unit", NULL};
    const char **members[] = {&rule->property, &rule->value, &rule->unit};
    struct err refusal = {0};
    int code = api_known(row, names, &refusal);
    for (size_t k = 0; k < 3 && !code; k++) {
        code = api_text(row, names[k], NULL, LIMIT_NAME_BYTES, members[k], &refusal);
        if (!code && !*members[k][0])
            code = err_at(&refusal, E_INVALID, arena_format(request->arena, "/%s", names[k]),
                          "%s is missing", names[k]);
    }
    return code ? err_repeat(err, code,
                             arena_format(request->arena, "/rules/%zu%s", i, refusal.pointer),
                             &refusal)
                : 0;
}

static int replace(struct request *request, struct response *response, struct err *err) {
    struct unit_rules *rules = ingest_unit_rules(app_folder(request->app)->ingest);
    json_t *body = NULL, *before = rules_json(request);
    int code = api_if_match(request, before, err);
    json_decref(before);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    const json_t *rows = json_object_get(body, "rules");
    size_t n = json_array_size(rows);
    if (!json_is_array(rows) || n > UNIT_RULES_MAX)
        code =
            err_at(err, E_INVALID, "/rules", "rules must be a list of at most %d", UNIT_RULES_MAX);
    struct unit_rule *list = ARENA_ARRAY(request->arena, struct unit_rule, n + 1);
    for (size_t i = 0; i < n && !code; i++)
        code = read_rule(request, json_array_get(rows, i), i, &list[i], err);
    if (!code)
        code = unit_rules_replace(rules, list, n, err);
    if (!code) {
        audit_act(request, "unit_rules.change", arena_format(request->arena, "%zu", n), "");
        code = get(request, response, err);
    }
    json_decref(body);
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/unit-rules", ACCESS_API, SCOPE_MANAGE, .handle = get,
     .summary = "The rules that give a unit to events without one, tried in order"},
    {METHOD_PUT, "/api/v1/unit-rules", ACCESS_API, SCOPE_MANAGE, .handle = replace,
     .body_limit = 1 << 20,
     .summary = "Replaces them: {\"rules\":[{\"property\",\"value\",\"unit\"}]}; for what is "
                "collected from now on"},
};
const struct route_table api_unit_rule_routes = ROUTE_TABLE(routes);
