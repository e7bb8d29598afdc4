/*
 * Settings, privacy: who was erased, with the proof.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *erasures, *row;
    size_t i;
    int code = settings_rows(request, "/api/v1/erasures?limit=100", &erasures, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(erasures, i, row) {
        const char *state = json_string_value(json_object_get(row, "state"));
        json_object_set_new(row, "failed", json_boolean(state && strcmp(state, "failed") == 0));
        json_object_set_new(row, "done", json_boolean(state && strcmp(state, "done") == 0));
    }
    json_object_set_new(view, "erasures", erasures);
    return settings_render(request, response, "privacy", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/privacy",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
};
const struct route_table page_privacy_routes = ROUTE_TABLE(routes);
