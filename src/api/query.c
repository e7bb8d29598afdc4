/*
 * POST /api/v1/query: one question, answered as JSON or CSV. A client that leaves cancels it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/api.h"
#include "backend/backend.h"
#include "base/limits.h"

enum { CSV_MAX_BYTES = 256 * 1024 * 1024 };

/* Somebody saw people, not only numbers: how many, and by which kind of question. */
static void note_people(const struct request *request, const json_t *answer) {
    const json_t *data = json_object_get(answer, "data");
    const char *kind = json_string_value(json_object_get(answer, "kind"));
    const json_t *people = json_object_get(data, "customers");
    bool timeline = kind && strcmp(kind, "timeline") == 0,
         answers = kind && strcmp(kind, "answers") == 0;
    if (json_is_array(people) || timeline || answers)
        audit_note(request, "query.people", kind,
                   arena_format(request->arena, "%zu",
                                timeline ? 1 : json_array_size(answers ? data : people)));
}

static int query(struct request *request, struct response *response, struct err *err) {
    json_t *question, *answer = NULL;
    int code = request_json(request, &question, err);
    if (code)
        return code;
    struct query_control *control = ARENA_ARRAY(request->arena, struct query_control, 1);
    request_watch(request, &control->cancelled);
    code = query_run(app_folder(request->app), BACKEND_LOCAL, question, &request->principal,
                     control, &answer, err);
    json_decref(question);
    if (code)
        return code;
    note_people(request, answer);
    if (request_accepts(request, "text/csv")) {
        response->type = "text/csv; charset=utf-8";
        buf_init(&response->body, CSV_MAX_BYTES);
        query_answer_csv(answer, &response->body);
        if (response->body.full)
            code = err_set(err, E_TOO_LARGE, "the answer is too large for CSV");
    } else {
        response_json(response, 200, answer);
    }
    json_decref(answer);
    return code;
}

static const struct route routes[] = {
    {METHOD_POST, "/api/v1/query", ACCESS_API, SCOPE_QUERY, .body_limit = LIMIT_QUERY_BYTES,
     .handle = query,
     .summary = "Asks a question: trend, funnel, flow, variants, paths, retention, timeline, "
                "customers, score, "
                "answers, conditions, promise, value",
     .request_schema = "{\"$ref\":\"#/components/schemas/Query\"}",
     .response_schema = "{\"$ref\":\"#/components/schemas/Answer\"}"},
};
const struct route_table api_query_routes = ROUTE_TABLE(routes);
