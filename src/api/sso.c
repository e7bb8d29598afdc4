/*
 * /api/v1/single-sign-on: the OpenID Connect provider that people come in through.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/sso.h"
#include "api/api.h"

/* The client's secret is never told. */
static int get(struct request *request, struct response *response, struct err *err) {
    struct sso_settings settings;
    int code = sso_settings_get(app_accounts(request->app), request->arena, &settings, err);
    if (code)
        return code;
    json_t *json =
        json_pack("{s:s, s:s, s:b, s:s, s:o, s:s?, s:b, s:s}", "issuer", settings.issuer,
                  "client_id", settings.client_id, "secret_set", settings.secret[0] != 0, "label",
                  settings.label, "domains", api_text_list(settings.domains, settings.n_domains),
                  "role", settings.role == ROLE_NONE ? NULL : role_name(settings.role),
                  "trust_email", settings.trust_email, "return_url", sso_return_url(request));
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int read_role(const json_t *body, struct sso_settings *settings, struct err *err) {
    const json_t *role = json_object_get(body, "role");
    settings->role = ROLE_NONE;
    if (!role || json_is_null(role))
        return 0;
    settings->role = json_is_string(role) ? role_of(json_string_value(role)) : ROLE_NONE;
    return settings->role == ROLE_NONE ? err_at(err, E_INVALID, "/role", "unknown role") : 0;
}

/* The body over what there is: of all members only the secret stays where it is not said. */
static int read(struct request *request, const json_t *body, struct sso_settings *settings,
                struct err *err) {
    static const char *const members[] = {"issuer", "client_id", "client_secret", "label",
                                          "role",   "domains",   "trust_email",   NULL};
    struct err none = {0};
    struct sso_settings now = {.secret = ""};
    if (sso_settings_get(app_accounts(request->app), request->arena, &now, &none))
        now.secret = "";
    *settings = (struct sso_settings){.secret = now.secret};
    int code = api_known((json_t *)(uintptr_t)body, members, err);
    if (!code)
        code = api_text(body, "issuer", NULL, 300, &settings->issuer, err);
    if (!code)
        code = api_text(body, "client_id", NULL, 300, &settings->client_id, err);
    if (!code)
        code = api_text(body, "client_secret", now.secret, 500, &settings->secret, err);
    if (!code)
        code = api_text(body, "label", "", 60, &settings->label, err);
    if (!code)
        code = read_role(body, settings, err);
    if (!code)
        code = api_texts(body, "domains", request->arena, &settings->domains, &settings->n_domains,
                         err);
    settings->trust_email = json_is_true(json_object_get(body, "trust_email"));
    return code;
}

static int put(struct request *request, struct response *response, struct err *err) {
    struct sso_settings settings;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = read(request, body, &settings, err);
    if (!code)
        code = sso_settings_put(app_accounts(request->app), &request->principal, &settings, err);
    if (!code)
        code = get(request, response, err);
    json_decref(body);
    return code;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    response->status = 204;
    return sso_settings_remove(app_accounts(request->app), &request->principal, err);
}

static int check(struct request *request, struct response *response, struct err *err) {
    struct sso_settings settings;
    int code = sso_settings_get(app_accounts(request->app), request->arena, &settings, err);
    if (!code)
        code = sso_check(&settings, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:b}", "ok", 1);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/single-sign-on", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = get, .summary = "The OpenID Connect provider that people sign in through"},
    {METHOD_PUT, "/api/v1/single-sign-on", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = put,
     .summary = "Sets it: {\"issuer\",\"client_id\",\"client_secret\",\"label\",\"domains\","
                "\"role\" (of who is not there yet),\"trust_email\"}"},
    {METHOD_DELETE, "/api/v1/single-sign-on", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = drop, .summary = "Ends single sign-on; people stay, and set a password by a link"},
    {METHOD_POST, "/api/v1/single-sign-on/check", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = check, .summary = "Asks the provider for its description and keys"},
};
const struct route_table api_sso_routes = ROUTE_TABLE(routes);
