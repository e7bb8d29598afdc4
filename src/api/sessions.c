/*
 * /api/v1/sessions: where one is signed in; signing in and out for programs that act for a person.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "api/api.h"

int api_sessions(struct request *request, struct response *response, uint64_t user,
                 struct err *err) {
    struct session *sessions;
    size_t n;
    int code = session_list(request, user, &sessions, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        char id[24];
        snprintf(id, sizeof id, "%llu", (unsigned long long)sessions[i].id);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "id", id, "address",
                                              sessions[i].address, "agent", sessions[i].agent,
                                              "created_at", api_instant(sessions[i].created_ms),
                                              "seen_at", api_instant(sessions[i].seen_ms),
                                              "current", sessions[i].current));
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

static int list(struct request *request, struct response *response, struct err *err) {
    return api_sessions(request, response, request->principal.user, err);
}

static int begin(struct request *request, struct response *response, struct err *err) {
    const char *email, *password, *second, *pending;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "email", NULL, 254, &email, err);
    if (!code)
        code = api_text(body, "password", NULL, PASSWORD_MAX, &password, err);
    if (!code)
        code = api_text(body, "code", "", 32, &second, err);
    if (!code)
        code = session_sign_in(request, response, email, password, second, &pending, err);
    if (!code) {
        json_t *json = json_pack("{s:s}", "csrf", request->csrf);
        response_json(response, 201, json);
        json_decref(json);
    }
    json_decref(body);
    return code;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    response->status = 204;
    return code ? code
                : session_revoke(app_accounts(request->app), request->principal.user, id, err);
}

/* All but this one. */
static int drop_others(struct request *request, struct response *response, struct err *err) {
    struct user self = {.id = request->principal.user, .email = request->principal.name};
    response->status = 204;
    return session_revoke_all(app_accounts(request->app), &request->principal, &self,
                              session_of(request), err);
}

static int end(struct request *request, struct response *response, struct err *err) {
    response->status = 204;
    return session_sign_out(request, response, err);
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/sessions", ACCESS_SESSION, .handle = list,
     .summary = "Where one is signed in"},
    {METHOD_POST, "/api/v1/sessions", ACCESS_PUBLIC, .handle = begin,
     .summary =
         "Signs in: {\"email\",\"password\",\"code\"} (code of the second factor); answers the "
         "cookie and the token for changes"},
    {METHOD_DELETE, "/api/v1/sessions", ACCESS_SESSION, .handle = drop_others,
     .summary = "Ends all of one's sessions but this one"},
    {METHOD_DELETE, "/api/v1/sessions/current", ACCESS_SESSION, .unenrolled = true, .handle = end,
     .summary = "Signs out"},
    {METHOD_DELETE, "/api/v1/sessions/{id}", ACCESS_SESSION, .handle = drop,
     .summary = "Ends one of one's sessions"},
};
const struct route_table api_session_routes = ROUTE_TABLE(routes);
