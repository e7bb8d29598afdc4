/*
 * GET /api/v1/openapi.json: OpenAPI 3.1, written from the route tables.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/api.h"
#include "http/router.h"

static const char schemas[] =
    "{\"Problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\","
    "\"status\"],\"properties\":{\"type\":{\"type\":"
    "\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":"
    "\"integer\"},\"code\":{\"type\":\"string\"},"
    "\"detail\":{\"type\":\"string\"},\"hint\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\",\"properties\":{\"pointer\":{\"type\":\"string\"},"
    "\"code\":{\"type\":\"string\"},\"message\":{\"type\":"
    "\"string\"}}}}}},"
    "\"Event\":{\"type\":\"object\",\"properties\":{\"type\":{\"enum\":["
    "\"track\",\"page\",\"screen\",\"identify\","
    "\"group\",\"alias\"]},\"event\":{\"type\":\"string\"},\"name\":{"
    "\"type\":\"string\"},\"userId\":{\"type\":\"string\"},"
    "\"anonymousId\":{\"type\":\"string\"},\"previousId\":{\"type\":"
    "\"string\"},\"groupId\":{\"type\":\"string\"},"
    "\"messageId\":{\"type\":\"string\",\"maxLength\":100},\"timestamp\":"
    "{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"sentAt\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"properties\":{\"type\":\"object\"},\"traits\":{\"type\":"
    "\"object\"},\"context\":{\"type\":\"object\"}}},"
    "\"Collected\":{\"type\":\"object\",\"properties\":{\"success\":{"
    "\"type\":\"boolean\"},\"accepted\":{\"type\":"
    "\"integer\"},\"duplicates\":{\"type\":\"integer\"},\"rejected\":{"
    "\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"index\":{\"type\":\"integer\"},\"code\":{\"type\":"
    "\"string\"},\"message\":{\"type\":\"string\"}}}}}},"
    "\"Query\":{\"type\":\"object\",\"required\":[\"kind\"],"
    "\"properties\":{\"kind\":{\"enum\":[\"timeline\",\"trend\","
    "\"funnel\",\"flow\",\"variants\",\"paths\",\"retention\","
    "\"customers\",\"drop_off\",\"score\",\"answers\","
    "\"conditions\",\"promise\",\"value\"]},\"range\":{\"type\":\"object\"},"
    "\"where\":{\"type\":\"array\"},\"segment\":{},\"unit\":{},"
    "\"channel\":{},\"by\":{},\"limit\":{\"type\":\"integer\"}}},"
    "\"Answer\":{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":"
    "\"string\"},\"data\":{},\"meta\":{\"type\":"
    "\"object\",\"properties\":{\"customers\":{\"type\":\"integer\"},"
    "\"interactions\":{\"type\":\"integer\"},"
    "\"elapsed_ms\":{\"type\":\"number\"},\"as_of\":{\"type\":\"string\"}"
    ",\"incomplete\":{\"type\":\"boolean\"}}}}},"
    "\"Source\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":"
    "\"string\"},\"name\":{\"type\":\"string\"},\"kind\":"
    "{\"type\":\"string\"},\"channel\":{\"type\":[\"string\",\"null\"]},"
    "\"unit\":{\"type\":[\"string\",\"null\"]},"
    "\"write_key\":{\"type\":\"string\"},\"disabled\":"
    "{\"type\":\"boolean\"},\"created_at\":{\"type\":\"string\"},"
    "\"accepted\":{\"type\":\"integer\"},\"duplicates\":"
    "{\"type\":\"integer\"},\"rejected\":{\"type\":\"integer\"},\"last_"
    "at\":{\"type\":[\"string\",\"null\"]}}},"
    "\"Customer\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":"
    "\"string\"},\"user_id\":{\"type\":[\"string\","
    "\"null\"]},\"name\":{\"type\":\"string\"},\"identifiers\":{\"type\":"
    "\"array\"},\"traits\":{\"type\":\"array\"},"
    "\"interactions\":{\"type\":\"integer\"},\"first_seen\":{\"type\":["
    "\"string\",\"null\"]},\"last_seen\":{\"type\":"
    "[\"string\",\"null\"]},\"channels\":{\"type\":\"array\"}}},"
    "\"Unit\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":"
    "\"string\"},\"title\":{\"type\":\"string\"},"
    "\"parent\":{\"type\":[\"string\",\"null\"]},"
    "\"parents\":{\"type\":\"object\",\"additionalProperties\":"
    "{\"type\":[\"string\",\"null\"]}}}},"
    "\"User\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":"
    "\"string\"},\"email\":{\"type\":\"string\"},\"name\":"
    "{\"type\":\"string\"},\"role\":{\"enum\":[\"owner\","
    "\"administrator\",\"analyst\",\"unit_manager\",\"agent\","
    "\"viewer\"]},\"units\":{\"type\":[\"array\",\"null\"],\"items\":{"
    "\"type\":\"string\"}},\"language\":{\"type\":"
    "[\"string\",\"null\"]},\"disabled\":{\"type\":\"boolean\"},"
    "\"password\":{\"type\":\"string\",\"writeOnly\":true}}},"
    "\"Key\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":"
    "\"string\"},\"name\":{\"type\":\"string\"},\"scopes\":"
    "{\"type\":\"array\",\"items\":{\"enum\":[\"collect\",\"query\","
    "\"import\",\"manage\",\"admin\",\"metrics\"]}},"
    "\"units\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":"
    "\"string\"}},\"expires_at\":{\"type\":[\"string\","
    "\"null\"]},\"secret\":{\"type\":\"string\",\"readOnly\":true}}}}";

static json_t *parameters_json(const char *pattern) {
    json_t *list = json_array();
    for (const char *p = strchr(pattern, '{'); p; p = strchr(p + 1, '{')) {
        size_t n = strcspn(p + 1, "}");
        json_array_append_new(list,
                              json_pack("{s:s#, s:s, s:b, s:{s:s}}", "name", p + 1, (int)n, "in",
                                        "path", "required", 1, "schema", "type", "string"));
    }
    return list;
}

static json_t *security_json(enum access access) {
    switch (access) {
    case ACCESS_WRITE_KEY: return json_pack("[{s:[]}, {s:[]}]", "write_key", "write_key_header");
    case ACCESS_API: return json_pack("[{s:[]}, {s:[]}]", "api_key", "session");
    case ACCESS_SESSION: return json_pack("[{s:[]}]", "session");
    default: return json_array();
    }
}

static json_t *content_json(const char *schema) {
    json_t *json = schema ? json_loads(schema, 0, NULL) : NULL;
    return json_pack("{s:{s:o}}", "application/json", "schema", json ? json : json_object());
}

static json_t *operation_json(const struct route *route, enum method method) {
    const char *success = method == METHOD_DELETE ? "204" : "200";
    json_t *answers =
        json_pack("{s:{s:s}, s:{s:s, s:{s:{s:{s:s}}}}}", success, "description", "Done", "default",
                  "description", "A problem", "content", "application/problem+json", "schema",
                  "$ref", "#/components/schemas/Problem");
    if (method != METHOD_DELETE)
        json_object_set_new(json_object_get(answers, success), "content",
                            content_json(route->response_schema));
    json_t *operation = json_pack("{s:s, s:o, s:o, s:o}", "summary", route->summary, "parameters",
                                  parameters_json(route->pattern), "security",
                                  security_json(route->access), "responses", answers);
    if (method & (METHOD_POST | METHOD_PUT | METHOD_PATCH))
        json_object_set_new(operation, "requestBody",
                            json_pack("{s:o}", "content", content_json(route->request_schema)));
    return operation;
}

static void add_route(json_t *paths, const struct route *route) {
    static const enum method methods[] = {METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH,
                                          METHOD_DELETE};
    static const char *const names[] = {"get", "post", "put", "patch", "delete"};
    if (!route->summary)
        return;
    json_t *path = json_object_get(paths, route->pattern);
    if (!path) {
        path = json_object();
        json_object_set_new(paths, route->pattern, path);
    }
    for (size_t i = 0; i < 5; i++)
        if (route->methods & methods[i])
            json_object_set_new(path, names[i], operation_json(route, methods[i]));
}

static int get(struct request *request, struct response *response, struct err *err) {
    const struct app_options *options = app_options(request->app);
    json_t *paths = json_object(), *components = json_loads(schemas, 0, NULL);
    if (!components) {
        json_decref(paths);
        return err_set(err, E_INTERNAL, "the schemas are damaged");
    }
    for (size_t t = 0; t < options->n_tables; t++)
        for (size_t i = 0; i < options->tables[t]->n; i++)
            add_route(paths, &options->tables[t]->routes[i]);
    json_t *json =
        json_pack("{s:s, s:{s:s, s:s, s:{s:s}}, s:[{s:s}], s:o, s:{s:o, s:{s:{s:s, s:s}, s:{s:s, "
                  "s:s, s:s}, s:{s:s, s:s},"
                  " s:{s:s, s:s, s:s}}}}",
                  "openapi", "3.1.0", "info", "title", "Senda", "version", "1", "license", "name",
                  "GPL-3.0-or-later", "servers", "url", request_base_url(request), "paths", paths,
                  "components", "schemas", components, "securitySchemes", "write_key", "type",
                  "http", "scheme", "basic", "write_key_header", "type", "apiKey", "in", "header",
                  "name", "x-write-key", "api_key", "type", "http", "scheme", "bearer", "session",
                  "type", "apiKey", "in", "cookie", "name", SESSION_COOKIE);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/openapi.json", ACCESS_PUBLIC, .handle = get, .cross_origin = true,
     .summary = "This description"},
};
const struct route_table api_openapi_routes = ROUTE_TABLE(routes);
