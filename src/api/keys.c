/*
 * /api/v1/keys: API keys of programs. The secret is answered once, when the key is made.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "api/api.h"
#include "base/time.h"

static json_t *key_json(const struct api_key *key) {
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)key->id);
    json_t *scopes = json_array();
    for (unsigned bit = 1; bit <= SCOPE_METRICS; bit <<= 1)
        if (key->scopes & bit)
            json_array_append_new(scopes, json_string(scope_name((enum scope)bit)));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", id, "name", key->name,
                     "hint", key->hint ? key->hint : "", "scopes", scopes, "units",
                     api_text_list(key->units, key->n_units), "created_at",
                     api_instant(key->created_ms), "used_at", api_instant(key->used_ms),
                     "expires_at", api_instant(key->expires_ms));
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct api_key *keys;
    size_t n;
    int code = api_key_list(app_accounts(request->app), request->arena, &keys, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, key_json(&keys[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int read_scopes(struct request *request, const json_t *body, unsigned *scopes,
                       struct err *err) {
    const char **names;
    size_t n;
    int code = api_texts(body, "scopes", request->arena, &names, &n, err);
    *scopes = 0;
    for (size_t i = 0; !code && i < n; i++) {
        unsigned scope = scope_of(names[i]);
        if (!scope)
            code = err_at(err, E_INVALID, arena_format(request->arena, "/scopes/%zu", i),
                          "unknown scope");
        *scopes |= scope;
    }
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct api_key key = {0};
    char secret[TOKEN_TEXT_BYTES];
    json_t *body;
    const char *expires = NULL;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code =
        api_known(body, (const char *const[]){"name", "scopes", "units", "expires_at", NULL}, err);
    if (!code)
        code = api_text(body, "name", NULL, 120, &key.name, err);
    if (!code)
        code = read_scopes(request, body, &key.scopes, err);
    if (!code)
        code = api_texts(body, "units", request->arena, &key.units, &key.n_units, err);
    if (!code)
        code = api_text(body, "expires_at", "", 40, &expires, err);
    if (!code && expires[0] && time_parse(slice_of(expires), NULL, &key.expires_ms))
        code = err_at(err, E_INVALID, "/expires_at", "not an instant");
    if (!code && request->principal.units && !key.units)
        code = err_at(err, E_FORBIDDEN, "/units", "a key cannot see more than who makes it");
    if (!code)
        code = api_key_add(app_accounts(request->app), &request->principal, &key, secret, err);
    if (!code) {
        key.hint = secret + strlen(secret) - 4;
        json_t *json = key_json(&key);
        json_object_set_new(json, "secret", json_string(secret));
        response_json(response, 201, json);
        json_decref(json);
    }
    json_decref(body);
    return code;
}

/* The key with a new secret, shown this once. */
static int rotate(struct request *request, struct response *response, struct err *err) {
    char secret[TOKEN_TEXT_BYTES];
    struct api_key *keys;
    uint64_t id;
    size_t n;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = api_key_list(app_accounts(request->app), request->arena, &keys, &n, err);
    const struct api_key *key = NULL;
    for (size_t i = 0; !code && i < n; i++)
        if (keys[i].id == id)
            key = &keys[i];
    if (code || !key)
        return code ? code : err_set(err, E_NOT_FOUND, "no such API key");
    if ((key->scopes & ~(request->principal.scopes | SCOPE_COLLECT | SCOPE_METRICS)))
        return err_set(err, E_FORBIDDEN, "a key cannot do more than who makes it");
    code = api_key_rotate(app_accounts(request->app), &request->principal, id, secret, err);
    if (code)
        return code;
    json_t *json = key_json(key);
    json_object_set_new(json, "hint", json_string(secret + strlen(secret) - 4));
    json_object_set_new(json, "used_at", json_null());
    json_object_set_new(json, "secret", json_string(secret));
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    response->status = 204;
    return code ? code : api_key_remove(app_accounts(request->app), &request->principal, id, err);
}

#define KEY "{\"$ref\":\"#/components/schemas/Key\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/keys", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = list,
     .summary = "All API keys"},
    {METHOD_POST, "/api/v1/keys", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = add,
     .summary = "Makes an API key; its secret is shown this once", .request_schema = KEY,
     .response_schema = KEY},
    {METHOD_POST, "/api/v1/keys/{id}/rotate", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = rotate, .summary = "A new secret in place of the present one, shown this once",
     .response_schema = KEY},
    {METHOD_DELETE, "/api/v1/keys/{id}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = drop, .summary = "Removes an API key"},
};
const struct route_table api_key_routes = ROUTE_TABLE(routes);
