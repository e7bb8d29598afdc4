/*
 * Questions of Explore that have a name: the list, keeping one, removing one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"
#include "pages/pages.h"

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "explore_saved", .section = "explore", .title = "explore.saved"};
    json_t *answer;
    int code = page_fetch(request, "/api/v1/questions", &answer, err);
    if (code < 0)
        return code;
    json_t *view = json_pack("{s:O}", "questions", json_object_get(answer, "data"));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static int keep(struct request *request, struct response *response, struct err *err) {
    const char *name = request_form(request, "name"), *address = request_form(request, "address");
    json_t *body =
        json_pack("{s:s, s:s}", "name", name ? name : "", "address", address ? address : "");
    int code = page_send(request, METHOD_POST, "/api/v1/questions", body, NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/explore/saved", "saved");
}

static int drop(struct request *request, struct response *response, struct err *err) {
    const char *target = page_path(request, "/api/v1/questions/", request->params[0]);
    int code = page_send(request, METHOD_DELETE, target, NULL, NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/explore/saved", "removed");
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/explore/saved",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/explore/saved",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = keep},
    {.methods = METHOD_POST,
     .pattern = "/explore/saved/{id}/remove",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = drop},
};
const struct route_table page_question_routes = ROUTE_TABLE(routes);
