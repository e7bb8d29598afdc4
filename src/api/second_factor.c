/*
 * /api/v1/me/totp: one's own second factor.
 *
 * Enrolling takes two calls: POST gives the secret (as text, and as otpauth:// for a QR code) with a token, PUT takes the token back
 * with a code of the authenticator. Beginning, ending and new recovery codes need the present password of who has one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"

static int state(struct request *request, struct response *response, struct err *err) {
    struct totp_state state;
    int code = totp_state(app_accounts(request->app), request->principal.user, &state, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:b, s:b, s:i}", "enabled", state.enabled, "required",
                             state.required, "recovery_left", (int)state.recovery_left);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* Who takes over an open session must not be able to change this. */
static int check_present(struct request *request, struct user *user, struct err *err) {
    const char *password;
    json_t *body;
    int code =
        user_get(app_accounts(request->app), request->principal.user, request->arena, user, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "password", "", PASSWORD_MAX, &password, err);
    if (!code && !user->invited)
        code = user_check_password(app_accounts(request->app), user->id, password, err);
    if (code == E_UNAUTHORIZED) {
        *err = (struct err){0};
        code = err_at(err, E_INVALID, "/password", "this is not the present password");
    }
    json_decref(body);
    return code;
}

static int begin(struct request *request, struct response *response, struct err *err) {
    struct totp_enrolment enrolment;
    struct user user;
    int code = check_present(request, &user, err);
    if (!code && user.totp)
        code = err_set(err, E_REFUSED, "there is a second factor already");
    if (!code)
        code = totp_begin(app_accounts(request->app), &user, request->received_ms, request->arena,
                          &enrolment, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:s, s:s, s:s}", "secret", enrolment.secret, "uri", enrolment.uri,
                             "pending", enrolment.pending);
    response_header(request, response, "Cache-Control", "no-store");
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static void answer_codes(struct request *request, struct response *response,
                         char codes[RECOVERY_CODES][RECOVERY_BYTES]) {
    json_t *list = json_array();
    for (size_t i = 0; i < RECOVERY_CODES; i++)
        json_array_append_new(list, json_string(codes[i]));
    json_t *json = json_pack("{s:o}", "recovery_codes", list);
    response_header(request, response, "Cache-Control", "no-store");
    response_json(response, 200, json);
    json_decref(json);
}

static int confirm(struct request *request, struct response *response, struct err *err) {
    char codes[RECOVERY_CODES][RECOVERY_BYTES];
    const char *pending, *second;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "pending", NULL, 1024, &pending, err);
    if (!code)
        code = api_text(body, "code", NULL, 32, &second, err);
    if (!code)
        code = totp_confirm(app_accounts(request->app), &request->principal, pending, second,
                            request->received_ms, codes, err);
    if (!code)
        answer_codes(request, response, codes);
    json_decref(body);
    return code;
}

static int renew(struct request *request, struct response *response, struct err *err) {
    char codes[RECOVERY_CODES][RECOVERY_BYTES];
    struct user user;
    int code = check_present(request, &user, err);
    if (!code)
        code = totp_renew_codes(app_accounts(request->app), &request->principal, codes, err);
    if (!code)
        answer_codes(request, response, codes);
    return code;
}

static int end(struct request *request, struct response *response, struct err *err) {
    struct user user;
    int code = check_present(request, &user, err);
    response->status = 204;
    return code ? code : totp_remove(app_accounts(request->app), &request->principal, &user, err);
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/me/totp", ACCESS_SESSION, .unenrolled = true, .handle = state,
     .summary = "One's second factor: {\"enabled\",\"required\",\"recovery_left\"}"},
    {METHOD_POST, "/api/v1/me/totp", ACCESS_SESSION, .unenrolled = true, .handle = begin,
     .summary = "Begins a second factor: {\"password\"} gives {\"secret\",\"uri\",\"pending\"}"},
    {METHOD_PUT, "/api/v1/me/totp", ACCESS_SESSION, .unenrolled = true, .handle = confirm,
     .summary = "Has it: {\"pending\",\"code\"} gives {\"recovery_codes\"}, this once"},
    {METHOD_DELETE, "/api/v1/me/totp", ACCESS_SESSION, .handle = end,
     .summary = "Ends one's second factor: {\"password\"}"},
    {METHOD_POST, "/api/v1/me/totp/codes", ACCESS_SESSION, .handle = renew,
     .summary = "New recovery codes in place of the old: {\"password\"}"},
};
const struct route_table api_second_factor_routes = ROUTE_TABLE(routes);
