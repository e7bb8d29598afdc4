/*
 * Settings, scheduled work: what Senda does by itself, when it did so last, what came of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *rows, *row;
    size_t i;
    int code = settings_rows(request, "/api/v1/jobs", &rows, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(rows, i, row) {
        const char *state = json_string_value(json_object_get(row, "state"));
        bool busy = strcmp(state, "running") == 0 || strcmp(state, "asked") == 0;
        json_object_set_new(row, "busy", json_boolean(busy));
        json_object_set_new(row, "failed", json_boolean(strcmp(state, "failed") == 0));
    }
    json_object_set_new(view, "jobs", rows);
    return settings_render(request, response, "jobs", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *run = settings_form(request, "run"), *cancel = settings_form(request, "cancel");
    const char *path = page_path(request, "/api/v1/jobs/", *run ? run : cancel);
    int code = page_send(request, METHOD_POST,
                         arena_format(request->arena, "%s/%s", path, *run ? "run" : "cancel"), NULL,
                         NULL, &refusal);
    return settings_done(request, response, "jobs", *run ? "job_asked" : "job_cancelled", code,
                         &refusal, show_view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/jobs",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/settings/jobs",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change},
};
const struct route_table page_job_routes = ROUTE_TABLE(routes);
