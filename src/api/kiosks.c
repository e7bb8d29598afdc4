/*
 * /api/v1/kiosks: opinion screens, terminals and posters; POST /k/{kiosk}/taps: what the screens send.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "kiosk/kiosk.h"

/* What is read besides the document itself. */
static const char *const derived[] = {"id",         "address", "revision", "author", "changed_at",
                                      "created_at", "hint",    "state",    "url"};

static void strip(json_t *kiosk) {
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        json_object_del(kiosk, derived[i]);
}

static void add_url(struct request *request, json_t *kiosk) {
    json_object_set_new(kiosk, "url",
                        json_sprintf("%s/k/%s", request_base_url(request),
                                     json_string_value(json_object_get(kiosk, "address"))));
}

/* With what only those who manage may read. */
static int complete(struct request *request, json_t *kiosk, uint64_t id, struct err *err) {
    const char *exit = "";
    add_url(request, kiosk);
    if (!(request->principal.scopes & SCOPE_MANAGE))
        return 0;
    int code = kiosk_exit_code(app_folder(request->app), id, request->arena, &exit, err);
    if (!code)
        json_object_set_new(kiosk, "exit_code", json_string(exit));
    return code;
}

static int find(struct request *request, uint64_t *id, json_t **kiosk, struct err *err) {
    int code = api_number(request->params[0], id, err);
    if (!code)
        code = kiosk_find(app_folder(request->app), &request->principal, *id, request->received_ms,
                          kiosk, err);
    if (code)
        return code;
    code = complete(request, *kiosk, *id, err);
    if (code) {
        json_decref(*kiosk);
        *kiosk = NULL;
    }
    return code;
}

/* The state changes by itself: the ETag is that of the rest. */
static const char *etag_of(struct request *request, json_t *kiosk) {
    json_t *rest = json_copy(kiosk);
    json_object_del(rest, "state");
    const char *etag = api_etag(request, rest);
    json_decref(rest);
    return etag;
}

/* key: shown this once, or NULL. */
static int answer(struct request *request, struct response *response, uint64_t id, int status,
                  const char *key, struct err *err) {
    json_t *kiosk;
    int code = kiosk_find(app_folder(request->app), &request->principal, id, request->received_ms,
                          &kiosk, err);
    if (!code)
        code = complete(request, kiosk, id, err);
    if (code)
        return code;
    response_header(request, response, "ETag", etag_of(request, kiosk));
    if (key) {
        json_object_set_new(kiosk, "key", json_string(key));
        json_object_set_new(
            kiosk, "pairing_url",
            json_sprintf("%s#key=%s", json_string_value(json_object_get(kiosk, "url")), key));
    }
    response_json(response, status, kiosk);
    json_decref(kiosk);
    return HANDLED;
}

static bool passes(const struct request *request, const json_t *kiosk) {
    const char *state = request_query(request, "state"), *unit = request_query(request, "unit"),
               *kind = request_query(request, "kind");
    const char *is = json_string_value(json_object_get(json_object_get(kiosk, "state"), "is"));
    const char *at = json_string_value(json_object_get(kiosk, "unit"));
    const char *what = json_string_value(json_object_get(kiosk, "kind"));
    return (!state || !*state || (is && strcmp(is, state) == 0)) &&
           (!unit || !*unit || (at && strcmp(at, unit) == 0)) &&
           (!kind || !*kind || (what && strcmp(what, kind) == 0));
}

static int list(struct request *request, struct response *response, struct err *err) {
    json_t *all, *kiosk, *rows = json_array();
    size_t i;
    int code =
        kiosk_list(app_folder(request->app), &request->principal, request->received_ms, &all, err);
    if (code) {
        json_decref(rows);
        return code;
    }
    json_array_foreach(all, i, kiosk) {
        add_url(request, kiosk);
        if (passes(request, kiosk))
            json_array_append(rows, kiosk);
    }
    json_decref(all);
    response_list(response, rows, NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    return code ? code : answer(request, response, id, 200, NULL, err);
}

static int keep(struct request *request, uint64_t *id, json_t *document, char *key,
                struct err *err) {
    struct folder *folder = app_folder(request->app);
    const char *name = json_string_value(json_object_get(document, "name"));
    const char *what = *id ? "kiosk.change" : "kiosk.add";
    int code = kiosk_check(folder, &request->principal, document, err);
    if (!code)
        code = kiosk_put(folder, id, document, request->principal.name, key, err);
    if (!code)
        audit_act(request, what, name, "");
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    char key[KIOSK_KEY_BYTES];
    uint64_t id = 0;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = keep(request, &id, body, key, err);
    json_decref(body);
    if (code)
        return code;
    response_header(request, response, "Location",
                    arena_format(request->arena, "/api/v1/kiosks/%llu", (unsigned long long)id));
    return answer(request, response, id, 201, key, err);
}

static void merge(json_t *kiosk, json_t *body) {
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value) {
        if (json_is_null(value))
            json_object_del(kiosk, name);
        else
            json_object_set(kiosk, name, value);
    }
}

/* Members of the body over those that are; null takes one away. */
static int change(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *kiosk = NULL, *body = NULL;
    int code = find(request, &id, &kiosk, err);
    if (code)
        return code;
    json_t *now = json_copy(kiosk);
    json_object_del(now, "state");
    code = api_if_match(request, now, err);
    json_decref(now);
    if (!code)
        code = request_json(request, &body, err);
    if (!code) {
        strip(kiosk);
        strip(body);
        json_object_del(kiosk, "exit_code"); /* stays unless it is said */
        merge(kiosk, body);
        code = keep(request, &id, kiosk, NULL, err);
    }
    json_decref(body);
    json_decref(kiosk);
    return code ? code : answer(request, response, id, 200, NULL, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *kiosk = NULL;
    int code = find(request, &id, &kiosk, err);
    if (!code)
        code = kiosk_remove(app_folder(request->app), id, err);
    if (!code)
        audit_act(request, "kiosk.remove", json_string_value(json_object_get(kiosk, "name")), "");
    json_decref(kiosk);
    response->status = 204;
    return code;
}

static int rekey(struct request *request, struct response *response, struct err *err) {
    char key[KIOSK_KEY_BYTES];
    uint64_t id;
    json_t *kiosk = NULL;
    int code = find(request, &id, &kiosk, err);
    if (!code)
        code = kiosk_rekey(app_folder(request->app), id, key, err);
    if (!code) {
        audit_act(request, "kiosk.key", json_string_value(json_object_get(kiosk, "name")), "");
        code = answer(request, response, id, 201, key, err);
    }
    json_decref(kiosk);
    return code;
}

/* ---- what screens send ---- */

static int take(struct request *request, struct response *response, struct err *err) {
    json_t *json;
    int code = kiosk_take(app_folder(request->app), app_sources(request->app), request->params[0],
                          request->body, request_header(request, "Senda-Signature"),
                          request->received_ms, &json, err);
    if (code)
        return code;
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

#define KIOSK "{\"type\":\"object\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/kiosks", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Opinion screens of the units one sees, with last contact and taps of today; "
                "?state= new, ok or silent, ?unit=, ?kind=",
     .response_schema = KIOSK},
    {METHOD_POST, "/api/v1/kiosks", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST, .handle = add,
     .summary = "A new opinion screen; \"key\" and \"pairing_url\" are shown this once",
     .request_schema = KIOSK, .response_schema = KIOSK},
    {METHOD_GET, "/api/v1/kiosks/{id}", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "One opinion screen with its state", .response_schema = KIOSK},
    {METHOD_PATCH, "/api/v1/kiosks/{id}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = change, .summary = "Changes what a screen asks and where it stands",
     .request_schema = KIOSK, .response_schema = KIOSK},
    {METHOD_DELETE, "/api/v1/kiosks/{id}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = drop, .summary = "Removes a screen; its opinions stay"},
    {METHOD_POST, "/api/v1/kiosks/{id}/key", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = rekey, .summary = "A new key, shown once; devices with the old one stop",
     .response_schema = KIOSK},
    {METHOD_POST, "/k/{kiosk}/taps", ACCESS_PUBLIC, .handle = take, .body_limit = KIOSK_BATCH_BYTES,
     .summary = "A signed batch of taps, once each; an empty one says that the screen lives",
     .request_schema = KIOSK, .response_schema = KIOSK},
};
const struct route_table api_kiosk_routes = ROUTE_TABLE(routes);
