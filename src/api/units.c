/*
 * /api/v1/units: the hierarchy of centres.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "base/limits.h"

static json_t *unit_json(const struct unit *unit) {
    return json_pack("{s:s, s:s, s:o}", "name", unit->name, "title", unit->title, "parent",
                     unit->parent[0] ? json_string(unit->parent) : json_null());
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct unit *units;
    size_t n;
    int code = unit_list(app_accounts(request->app), request->arena, &units, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, unit_json(&units[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int put(struct request *request, struct response *response, const char *name, int status,
               struct err *err) {
    struct unit unit = {.name = name};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    if (!name)
        code = api_text(body, "name", NULL, LIMIT_NAME_BYTES, &unit.name, err);
    if (!code)
        code = api_text(body, "title", "", LIMIT_NAME_BYTES, &unit.title, err);
    if (!code)
        code = api_text(body, "parent", "", LIMIT_NAME_BYTES, &unit.parent, err);
    if (!code)
        code = unit_put(app_accounts(request->app), &request->principal, &unit, err);
    if (!code) {
        if (!unit.title[0])
            unit.title = unit.name;
        json_t *json = unit_json(&unit);
        response_json(response, status, json);
        json_decref(json);
    }
    json_decref(body);
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    return put(request, response, NULL, 201, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    return put(request, response, request->params[0], 200, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    response->status = 204;
    return unit_remove(app_accounts(request->app), &request->principal, request->params[0], err);
}

#define UNIT "{\"$ref\":\"#/components/schemas/Unit\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/units", ACCESS_API, SCOPE_QUERY, .handle = list, .summary = "All units"},
    {METHOD_POST, "/api/v1/units", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes or changes a unit", .request_schema = UNIT, .response_schema = UNIT},
    {METHOD_PUT, "/api/v1/units/{name}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .summary = "Makes or changes a unit", .request_schema = UNIT, .response_schema = UNIT},
    {METHOD_DELETE, "/api/v1/units/{name}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a unit without units below; its interactions keep its name"},
};
const struct route_table api_unit_routes = ROUTE_TABLE(routes);
