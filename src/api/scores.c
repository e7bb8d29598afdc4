/*
 * /api/v1/scores: what the organisation has settled about its scores. The scores themselves are questions (POST /api/v1/query,
 * kinds score, answers, conditions).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "metric/metric.h"

static int list_of(struct request *request, struct response *response,
                   int (*read)(struct folder *, json_t **, struct err *), struct err *err) {
    json_t *rows = NULL;
    int code = read(app_folder(request->app), &rows, err);
    if (code) {
        json_decref(rows);
        return code;
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

/* ---- surveys ---- */

static int list_surveys(struct request *request, struct response *response, struct err *err) {
    return list_of(request, response, metric_surveys, err);
}

static int put_survey(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"relation", NULL};
    const char *relation = "";
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, members, err);
    if (!code)
        code = api_text(body, "relation", NULL, 40, &relation, err);
    if (!code)
        code = metric_survey_put(app_folder(request->app), request->params[0], relation, err);
    if (!code) {
        json_t *row = json_pack("{s:s, s:s}", "survey", request->params[0], "relation", relation);
        audit_act(request, "score.survey", request->params[0], "");
        response_json(response, 200, row);
        json_decref(row);
    }
    json_decref(body);
    return code ? code : HANDLED;
}

static int drop_survey(struct request *request, struct response *response, struct err *err) {
    int code = metric_survey_put(app_folder(request->app), request->params[0], "", err);
    if (!code)
        audit_act(request, "score.survey", request->params[0], "");
    response->status = 204;
    return code;
}

/* ---- margins ---- */

static int list_margins(struct request *request, struct response *response, struct err *err) {
    return list_of(request, response, metric_margins, err);
}

static int answer_margins(struct request *request, struct response *response, struct err *err) {
    json_t *margins = NULL;
    int code = metric_margins_find(app_folder(request->app), request->params[0], &margins, err);
    if (code)
        return code;
    response_json(response, 200, margins);
    json_decref(margins);
    return HANDLED;
}

static int put_margins(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"margins", NULL};
    json_t *body, *now = NULL;
    struct folder *folder = app_folder(request->app);
    struct err none = {0};
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, members, err);
    if (!code && metric_margins_find(folder, request->params[0], &now, &none) == 0)
        code = api_if_match(request, now, err);
    if (!code)
        code = metric_margins_put(folder, request->params[0], json_object_get(body, "margins"),
                                  request->principal.name ? request->principal.name : "", err);
    json_decref(now);
    json_decref(body);
    if (code)
        return code;
    audit_act(request, "score.margins", request->params[0], "");
    return answer_margins(request, response, err);
}

static int drop_margins(struct request *request, struct response *response, struct err *err) {
    int code = metric_margins_remove(app_folder(request->app), request->params[0], err);
    if (!code)
        audit_act(request, "score.margins", request->params[0], "");
    response->status = 204;
    return code;
}

/* ---- settings ---- */

static int get_settings(struct request *request, struct response *response, struct err *err) {
    bool allowed = false;
    int code = metric_named_staff(app_folder(request->app), &allowed, err);
    if (code)
        return code;
    json_t *settings = json_pack("{s:b}", "named_staff", allowed);
    response_json(response, 200, settings);
    json_decref(settings);
    return HANDLED;
}

static int put_settings(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"named_staff", NULL};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    const json_t *allowed = json_object_get(body, "named_staff");
    code = api_known(body, members, err);
    if (!code && !json_is_boolean(allowed))
        code = err_at(err, E_INVALID, "/named_staff", "must be true or false");
    if (!code)
        code = metric_named_staff_put(app_folder(request->app), json_is_true(allowed), err);
    if (!code)
        audit_act(request, "score.named_staff", json_is_true(allowed) ? "allowed" : "not allowed",
                  "");
    json_decref(body);
    return code ? code : get_settings(request, response, err);
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/scores/surveys", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = list_surveys,
     .summary = "Which surveys are relational, transactional, or about rivals"},
    {METHOD_PUT, "/api/v1/scores/surveys/{name}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = put_survey, .summary = "Says what a survey is about: {\"relation\": …}"},
    {METHOD_DELETE, "/api/v1/scores/surveys/{name}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = drop_survey, .summary = "Takes that back"},
    {METHOD_GET, "/api/v1/scores/margins", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = list_margins, .summary = "Shares of the population that answers are weighted to"},
    {METHOD_GET, "/api/v1/scores/margins/{name}", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = answer_margins, .summary = "One set of them"},
    {METHOD_PUT, "/api/v1/scores/margins/{name}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = put_margins,
     .summary = "Keeps margins under a name: {\"margins\": [{\"by\", \"shares\"}]}"},
    {METHOD_DELETE, "/api/v1/scores/margins/{name}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = drop_margins, .summary = "Removes margins"},
    {METHOD_GET, "/api/v1/scores/settings", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = get_settings, .summary = "Whether scores of named staff may be asked for"},
    {METHOD_PUT, "/api/v1/scores/settings", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = put_settings, .summary = "Allows or forbids scores of named staff"},
};
const struct route_table api_score_routes = ROUTE_TABLE(routes);
