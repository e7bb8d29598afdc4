/*
 * /api/v1/users: people and their roles; /api/v1/me: oneself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "api/api.h"

static json_t *user_json(const struct user *user) {
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)user->id);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:b, s:b, s:b, s:o, s:o}", "id", id, "email",
        user->email, "name", user->name, "role", role_name(user->role), "units",
        api_text_list(user->units, user->n_units), "language",
        user->language && user->language[0] ? json_string(user->language) : json_null(), "disabled",
        user->disabled, "invited", user->invited && !user->sso, "totp", user->totp,
        "single_sign_on", user->sso, "created_at", api_instant(user->created_ms), "signed_in_at",
        api_instant(user->signed_in_ms));
}

static int answer(struct response *response, const struct user *user, int status) {
    json_t *json = user_json(user);
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int find(struct request *request, struct user *user, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    return code ? code : user_get(app_accounts(request->app), id, request->arena, user, err);
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct user *users;
    size_t n;
    int code = user_list(app_accounts(request->app), request->arena, &users, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, user_json(&users[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code = find(request, &user, err);
    return code ? code : answer(response, &user, 200);
}

/* Members of the body over those of *user. */
static int read_user(struct request *request, json_t *body, struct user *user, struct err *err) {
    static const char *const known[] = {"email",   "name",     "role", "language",   "disabled",
                                        "units",   "password", "id",   "created_at", "signed_in_at",
                                        "invited", "totp",     NULL};
    const char *role = role_name(user->role);
    int code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "email", user->email, 254, &user->email, err);
    if (!code)
        code = api_text(body, "name", user->name, 120, &user->name, err);
    if (!code)
        code = api_text(body, "role", user->role ? role : NULL, 32, &role, err);
    if (!code)
        code = api_text(body, "language", user->language ? user->language : "", 8, &user->language,
                        err);
    if (code)
        return code;
    user->role = role_of(role);
    const json_t *disabled = json_object_get(body, "disabled");
    if (disabled)
        user->disabled = json_is_true(disabled);
    if (!json_object_get(body, "units"))
        return 0;
    return api_texts(body, "units", request->arena, &user->units, &user->n_units, err);
}

/* Answers the link that the person needs: {"url","expires_at"}. It is shown this once. */
static int send_link(struct request *request, struct response *response, const struct user *user,
                     json_t *json, int status, struct err *err) {
    char token[TOKEN_TEXT_BYTES];
    int64_t expires_ms = 0;
    int code =
        link_make(app_accounts(request->app), &request->principal, user, token, &expires_ms, err);
    if (!code) {
        json_object_set_new(json, "url",
                            json_sprintf("%s/welcome?token=%s", request_base_url(request), token));
        json_object_set_new(json, "expires_at", api_instant(expires_ms));
        response_json(response, status, json);
    }
    json_decref(json);
    return code;
}

/* Without a password: an invitation, whose link is in the answer. */
static int add(struct request *request, struct response *response, struct err *err) {
    struct user user = {0};
    const char *password = NULL;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = read_user(request, body, &user, err);
    if (!code)
        code = api_text(body, "password", "", PASSWORD_MAX, &password, err);
    if (!code)
        code = user_add(app_accounts(request->app), &request->principal, &user,
                        json_object_get(body, "password") ? password : NULL, err);
    if (!code)
        code = user_get(app_accounts(request->app), user.id, request->arena, &user, err);
    if (!code && user.invited)
        code = send_link(request, response, &user, user_json(&user), 201, err);
    else if (!code)
        code = answer(response, &user, 201);
    json_decref(body);
    return code;
}

static int check_unchanged(struct request *request, const struct user *user, struct err *err) {
    json_t *json = user_json(user);
    int code = api_if_match(request, json, err);
    json_decref(json);
    return code;
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct user user;
    json_t *body = NULL;
    int code = find(request, &user, err);
    if (!code)
        code = check_unchanged(request, &user, err);
    if (!code)
        code = request_json(request, &body, err);
    if (!code)
        code = read_user(request, body, &user, err);
    if (!code)
        code = user_change(app_accounts(request->app), &request->principal, &user, err);
    const char *password = json_string_value(json_object_get(body, "password"));
    if (!code && password)
        code = user_set_password(app_accounts(request->app), &request->principal, user.id, password,
                                 0, err);
    if (!code)
        code = answer(response, &user, 200);
    json_decref(body);
    return code;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    response->status = 204;
    return code ? code : user_remove(app_accounts(request->app), &request->principal, id, err);
}

static int make_link(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code = find(request, &user, err);
    return code ? code : send_link(request, response, &user, json_object(), 201, err);
}

static int list_sessions(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code = find(request, &user, err);
    return code ? code : api_sessions(request, response, user.id, err);
}

static int drop_totp(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code = find(request, &user, err);
    response->status = 204;
    return code ? code : totp_remove(app_accounts(request->app), &request->principal, &user, err);
}

static int drop_sessions(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code = find(request, &user, err);
    response->status = 204;
    return code
               ? code
               : session_revoke_all(app_accounts(request->app), &request->principal, &user, 0, err);
}

/* The password of a link: {"token","password"}. */
static int use_link(struct request *request, struct response *response, struct err *err) {
    const char *token, *password;
    struct user user;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "token", NULL, TOKEN_TEXT_BYTES, &token, err);
    if (!code)
        code = api_text(body, "password", NULL, PASSWORD_MAX, &password, err);
    if (!code)
        code = link_use(request, token, password, &user, err);
    response->status = 204;
    json_decref(body);
    return code;
}

/* ---- oneself ---- */

static int me(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code =
        user_get(app_accounts(request->app), request->principal.user, request->arena, &user, err);
    return code ? code : answer(response, &user, 200);
}

/* Name and language; a new password with the present one. */
static int change_me(struct request *request, struct response *response, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    struct user user;
    const char *current = NULL, *password;
    json_t *body = NULL;
    int code = user_get(accounts, request->principal.user, request->arena, &user, err);
    if (!code)
        code = request_json(request, &body, err);
    if (!code)
        code = api_text(body, "name", user.name, 120, &user.name, err);
    if (!code)
        code = api_text(body, "language", user.language, 8, &user.language, err);
    if (!code)
        code = user_change(accounts, &(struct principal){.name = user.email}, &user, err);
    password = json_string_value(json_object_get(body, "password"));
    if (!code && password) {
        code = api_text(body, "current", NULL, PASSWORD_MAX, &current, err);
        if (!code)
            code = user_check_password(accounts, user.id, current, err);
        if (code == E_UNAUTHORIZED) {
            *err = (struct err){0};
            code = err_at(err, E_INVALID, "/current", "this is not the present password");
        }
        if (!code)
            code = user_set_password(accounts, &request->principal, user.id, password,
                                     session_of(request), err);
    }
    if (!code)
        code = answer(response, &user, 200);
    json_decref(body);
    return code;
}

#define USER "{\"$ref\":\"#/components/schemas/User\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/users", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = list,
     .summary = "All people"},
    {METHOD_POST, "/api/v1/users", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = add,
     .summary = "Adds a person; without a password invites them: \"url\" is their link",
     .request_schema = USER, .response_schema = USER},
    {METHOD_GET, "/api/v1/users/{id}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = get,
     .summary = "One person", .response_schema = USER},
    {METHOD_PATCH, "/api/v1/users/{id}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = change, .summary = "Changes name, role, units, language, disabled, password",
     .request_schema = USER, .response_schema = USER},
    {METHOD_DELETE, "/api/v1/users/{id}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = drop, .summary = "Removes a person"},
    {METHOD_POST, "/api/v1/users/{id}/link", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = make_link,
     .summary = "A link for a new password, good once: {\"url\",\"expires_at\"}"},
    {METHOD_DELETE, "/api/v1/users/{id}/totp", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = drop_totp, .summary = "Takes away the second factor of who lost it"},
    {METHOD_GET, "/api/v1/users/{id}/sessions", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = list_sessions, .summary = "Where a person is signed in"},
    {METHOD_DELETE, "/api/v1/users/{id}/sessions", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = drop_sessions, .summary = "Signs a person out everywhere"},
    {METHOD_POST, "/api/v1/passwords", ACCESS_PUBLIC, .handle = use_link,
     .summary = "Sets the password of a link: {\"token\",\"password\"}"},
    {METHOD_GET, "/api/v1/me", ACCESS_SESSION, .unenrolled = true, .handle = me,
     .summary = "Who is signed in", .response_schema = USER},
    {METHOD_PATCH, "/api/v1/me", ACCESS_SESSION, .handle = change_me,
     .summary = "Changes one's name, language, or password (with \"current\")",
     .response_schema = USER},
};
const struct route_table api_user_routes = ROUTE_TABLE(routes);
