/*
 * Two customers as one: both beside each other first, then the merge; and a merge taken back from the customer's page.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "pages/customers.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/words.h"

static const char *api_path(struct request *request, const char *tail) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/customers/", request->params[0]), tail);
}

void customers_put_differing(struct request *request, json_t *preview) {
    const struct format *format = page_format(request);
    const char *currency = app_folder(request->app)->currency;
    size_t i, k;
    json_t *trait, *value;
    json_array_foreach(json_object_get(preview, "differing"), i, trait) {
        const char *name = json_string_value(json_object_get(trait, "name"));
        json_t *words = json_array();
        json_array_foreach(json_object_get(trait, "values"), k, value) json_array_append_new(
            words, json_string(words_value(format, name, value, currency, request->arena)));
        json_object_set_new(trait, "values", words);
        json_object_set_new(trait, "name",
                            json_string(words_property(format, name, request->arena)));
    }
}

/* The two, and what they would be; without `into`, or where it leads nowhere, the question alone. */
static int compare(struct request *request, struct response *response, const struct err *refusal,
                   struct err *err) {
    static const struct page page = {
        .template = "customer_merge", .section = "customers", .title = "merge.title"};
    const char *into = request_query(request, "into");
    json_t *customer, *preview = NULL;
    struct err wrong = {0};
    int code = page_fetch(request, api_path(request, ""), &customer, err);
    if (code < 0)
        return code;
    if (!into)
        into = request_form(request, "into");
    if (into && *into && !refusal) {
        code = page_send(request, METHOD_POST, api_path(request, "/merge"),
                         json_pack("{s:s, s:b}", "into", into, "preview", 1), &preview, &wrong);
        if (code < 0)
            refusal = &wrong;
        else
            customers_put_differing(request, preview);
    }
    json_t *view = json_pack("{s:o, s:s, s:o?}", "customer", customer, "into", into ? into : "",
                             "preview", preview);
    if (refusal)
        page_form_error(request, view, refusal);
    return page_render(request, response, &page, view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return compare(request, response, NULL, err);
}

static int unite(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *into = request_form(request, "into"), *why = request_form(request, "why");
    int code = page_send(request, METHOD_POST, api_path(request, "/merge"),
                         json_pack("{s:s, s:s}", "into", into ? into : "", "why", why ? why : ""),
                         NULL, &refusal);
    return code < 0 ? compare(request, response, &refusal, err)
                    : page_redirect(request, response, page_path(request, "/customers/", into),
                                    "merged");
}

static int separate(struct request *request, struct response *response, struct err *err) {
    const char *number = request_form(request, "merge"), *type = request_form(request, "type"),
               *value = request_form(request, "value");
    json_t *body = NULL;
    if (value)
        body =
            json_pack("{s:{s:s?, s:s?, s:s}}", "identifier", "kind", request_form(request, "kind"),
                      "type", type && *type ? type : NULL, "value", value);
    else
        body = json_pack("{s:I}", "merge", (json_int_t)strtoll(number ? number : "", NULL, 10));
    int code = page_send(request, METHOD_POST, api_path(request, "/unmerge"), body, NULL, err);
    return code < 0
               ? code
               : page_redirect(request, response,
                               page_path(request, "/customers/", request->params[0]), "separated");
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers/{id}/merge",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/customers/{id}/merge",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = unite},
    {.methods = METHOD_POST,
     .pattern = "/customers/{id}/unmerge",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = separate},
};
const struct route_table page_merge_routes = ROUTE_TABLE(routes);
