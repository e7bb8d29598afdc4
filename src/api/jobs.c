/*
 * Scheduled work: what runs by itself, when, and what came of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"

static json_t *job_json(struct request *request, const struct job_state *state) {
    const char *status = state->running     ? "running"
                         : state->asked     ? "asked"
                         : !state->ended_ms ? "never"
                         : state->code      ? "failed"
                                            : "done";
    json_t *result = state->result[0] ? json_loads(state->result, 0, NULL) : NULL;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s?, s:s?, s:o?}", "name", state->job->name,
                  "summary", state->job->summary, "state", status, "began",
                  api_instant(state->began_ms), "ended", api_instant(state->ended_ms), "next",
                  api_instant(state->next_ms), "error", state->code ? err_type(state->code) : NULL,
                  "message", state->code ? state->message : NULL, "result", result);
    api_say(request, json, "message");
    if (state->job->every_ms)
        json_object_set_new(json, "every_s", json_real(state->job->every_ms / 1000.0));
    else
        json_object_set_new(json, "daily_at",
                            json_sprintf("%02d:%02d", state->job->daily_minute / 60,
                                         state->job->daily_minute % 60));
    if (state->running && state->total)
        json_object_set_new(json, "progress",
                            json_real((double)state->done / (double)state->total));
    return json;
}

static int list(struct request *request, struct response *response, struct err *err) {
    (void)err;
    struct jobs *jobs = app_jobs(request->app);
    json_t *rows = json_array();
    for (size_t i = 0; i < jobs_count(jobs); i++) {
        struct job_state state;
        jobs_state(jobs, i, request->arena, &state);
        json_array_append_new(rows, job_json(request, &state));
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

json_t *api_job(struct request *request, const char *name) {
    struct jobs *jobs = app_jobs(request->app);
    for (size_t i = 0; i < jobs_count(jobs); i++) {
        struct job_state state;
        jobs_state(jobs, i, request->arena, &state);
        if (strcmp(state.job->name, name) == 0)
            return job_json(request, &state);
    }
    return json_null();
}

static int answer_state(struct request *request, struct response *response, const char *name) {
    json_t *json = api_job(request, name);
    response_json(response, 202, json);
    json_decref(json);
    return HANDLED;
}

/* A job's own failure is its outcome, not this request's. */
static int run(struct request *request, struct response *response, struct err *err) {
    const char *name = request->params[0];
    struct err outcome = {0};
    if (jobs_request(app_jobs(request->app), name, &outcome) == E_NOT_FOUND) {
        *err = outcome;
        return E_NOT_FOUND;
    }
    audit_act(request, "job.run", name, "");
    return answer_state(request, response, name);
}

static int cancel(struct request *request, struct response *response, struct err *err) {
    const char *name = request->params[0];
    int code = jobs_cancel(app_jobs(request->app), name, err);
    if (code)
        return code;
    audit_act(request, "job.cancel", name, "");
    return answer_state(request, response, name);
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/jobs", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = list,
     .summary = "Scheduled work: when it is due, what runs, what came of the last run"},
    {METHOD_POST, "/api/v1/jobs/{name}/run", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = run, .summary = "Runs a job soon"},
    {METHOD_POST, "/api/v1/jobs/{name}/cancel", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = cancel, .summary = "Ends a running job"},
};
const struct route_table api_job_routes = ROUTE_TABLE(routes);
