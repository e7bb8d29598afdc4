/*
 * Configuration documents that clients of others ask for before they send: nothing is switched on but sending here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"

static int check_key(struct request *request, const char *key, struct err *err) {
    struct source source;
    bool disabled;
    if (key && key[0] &&
        sources_find(app_sources(request->app), slice_of(key), &source, &disabled) == 0)
        return 0;
    return err_set(err, E_NOT_FOUND, "unknown write key");
}

static int send(struct response *response, json_t *json, struct err *err) {
    if (!json)
        return err_set(err, E_INTERNAL, "cannot write the configuration");
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* analytics.js of Segment: GET /v1/projects/{key}/settings. */
static int segment_settings(struct request *request, struct response *response, struct err *err) {
    const char *key = request->params[0], *base = request_base_url(request);
    int code = check_key(request, key, err);
    if (code)
        return code;
    const char *host = strstr(base, "://");
    bool https = strncmp(base, "https", 5) == 0;
    response_header(request, response, "Cache-Control", "public, max-age=300");
    return send(
        response,
        json_pack(
            "{s:{s:{s:s, s:o, s:s, s:[], s:s, s:{s:s}}}, s:{s:{s:{s:b}}, s:{s:{s:b}}, s:{s:{s:b}}},"
            " s:{}, s:{}, s:{}, s:{s:i}, s:b, s:[]}",
            "integrations", "Segment.io", "apiKey", key, "apiHost",
            json_sprintf("%s/v1", host ? host + 3 : base), "protocol", https ? "https" : "http",
            "unbundledIntegrations", "type", "server", "versionSettings", "version", "4.4.7",
            "plan", "track", "__default", "enabled", 1, "identify", "__default", "enabled", 1,
            "group", "__default", "enabled", 1, "edgeFunction", "middlewareSettings",
            "enabledMiddleware", "metrics", "sampleRate", 0, "legacyVideoPluginsEnabled", 0,
            "remotePlugins"),
        err);
}

/* RudderStack: GET /sourceConfig/?writeKey= (in a browser the key comes as Basic user as well). */
static int rudder_config(struct request *request, struct response *response, struct err *err) {
    const char *key = request_query(request, "writeKey");
    int code = check_key(request, key, err);
    if (code)
        return code;
    return send(response,
                json_pack("{s:{s:s, s:s, s:s, s:b, s:{s:{s:{s:b}, s:{s:b}}}, s:[], s:s}, s:s}",
                          "source", "id", key, "name", "senda", "writeKey", key, "enabled", 1,
                          "config", "statsCollection", "errors", "enabled", 0, "metrics", "enabled",
                          0, "destinations", "updatedAt", "2026-01-01T00:00:00.000Z", "updatedAt",
                          "2026-01-01T00:00:00.000Z"),
                err);
}

static const struct route routes[] = {
    {METHOD_GET, "/v1/projects/{key}/settings", ACCESS_WRITE_KEY, .inline_handler = true,
     .handle = segment_settings},
    {METHOD_GET, "/sourceConfig", ACCESS_WRITE_KEY, .inline_handler = true,
     .handle = rudder_config},
    {METHOD_GET, "/sourceConfig/", ACCESS_WRITE_KEY, .inline_handler = true,
     .handle = rudder_config},
};
const struct route_table api_client_routes = ROUTE_TABLE(routes);
