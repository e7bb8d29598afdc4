/*
 * Everything about one person on one page that can be read, printed and handed over; the same as a file for machines.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/words.h"

enum { SHOWN_MOST = 2000 };

/* Names and values in words: [{"name","value"}]. */
static json_t *pairs_of(struct request *request, const json_t *properties) {
    const struct format *format = page_format(request);
    const char *currency = app_folder(request->app)->currency;
    json_t *main, *more, *pair;
    size_t i;
    words_properties(format, properties, currency, request->arena, &main, &more);
    json_array_foreach(more, i, pair) json_array_append(main, pair);
    json_decref(more);
    return main;
}

static void put_timeline(struct request *request, json_t *data) {
    json_t *rows = json_object_get(data, "timeline"), *row;
    size_t i, n = json_array_size(rows);
    json_object_set_new(data, "timeline_n", json_integer((json_int_t)n));
    json_object_set_new(data, "cut", json_boolean(n > SHOWN_MOST));
    while (json_array_size(rows) > SHOWN_MOST)
        json_array_remove(rows, json_array_size(rows) - 1);
    json_array_foreach(rows, i, row) {
        const char *event = json_string_value(json_object_get(row, "event"));
        words_hidden(page_format(request), row);
        json_object_set_new(row, "pairs", pairs_of(request, json_object_get(row, "properties")));
        json_object_set_new(row, "event",
                            json_string(words_event(page_format(request), event ? event : "")));
    }
}

static void put_traits(struct request *request, json_t *customer) {
    const struct format *format = page_format(request);
    json_t *trait;
    size_t i;
    json_array_foreach(json_object_get(customer, "identifiers"), i, trait)
        words_hidden(format, trait);
    json_array_foreach(json_object_get(customer, "traits"), i, trait) {
        const char *name = json_string_value(json_object_get(trait, "name"));
        words_hidden(format, trait);
        const char *value = words_value(format, name, json_object_get(trait, "value"),
                                        app_folder(request->app)->currency, request->arena);
        json_object_set_new(trait, "value", json_string(value));
        json_object_set_new(trait, "name",
                            json_string(words_property(format, name, request->arena)));
    }
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "person_export", .section = "customers", .title = "person_export.title"};
    json_t *data, *row;
    size_t i;
    int code =
        page_fetch(request,
                   arena_format(request->arena, "%s/export",
                                page_path(request, "/api/v1/customers/", request->params[0])),
                   &data, err);
    if (code < 0)
        return code;
    put_traits(request, json_object_get(data, "customer"));
    put_timeline(request, data);
    json_array_foreach(json_object_get(data, "consents"), i, row) json_object_set(
        row, "title", json_object_get(json_object_get(row, "title"), request->language));
    return page_render(request, response, &page, json_pack("{s:o}", "person_data", data), err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers/{id}/export",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_UNIT_MANAGER,
     .handle = show},
};
const struct route_table page_person_export_routes = ROUTE_TABLE(routes);
