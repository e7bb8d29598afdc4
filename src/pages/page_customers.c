/*
 * Customers: listed, and found by any fragment of what identifies them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/limits.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/customers.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/text.h"
#include "pages/words.h"

static void add_query(struct buf *address, const char *name, const char *value) {
    if (!value || !*value)
        return;
    buf_add_char(address, memchr(address->p ? address->p : "", '?', address->n) ? '&' : '?');
    buf_add_text(address, name);
    buf_add_char(address, '=');
    url_encode(slice_of(value), address);
}

const char *customers_address(struct request *request, const char *path, const char *const names[],
                              const char *const values[], size_t n) {
    struct buf address;
    buf_init(&address, LIMIT_URL_BYTES);
    buf_add_text(&address, path);
    for (size_t i = 0; i < n; i++)
        add_query(&address, names[i], values[i]);
    const char *text = arena_text(request->arena, buf_slice(&address));
    buf_release(&address);
    return text;
}

/* ---- the list ---- */

static json_t *columns_json(struct request *request, const char *order) {
    static const struct {
        const char *name, *order, *class;
    } columns[] = {{"channels", NULL, "wide-only"},
                   {"interactions", "interactions", "num"},
                   {"first", "first_seen", "end middle-off"},
                   {"last", "last_seen", "end"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        json_t *column =
            json_pack("{s:s, s:s}", "name", columns[i].name, "class", columns[i].class);
        if (columns[i].order) {
            bool falling = order[0] == '-';
            bool current = strcmp(order + falling, columns[i].order) == 0;
            const char *next = arena_format(request->arena, "%s%s", current && falling ? "" : "-",
                                            columns[i].order);
            const char *names[] = {"sort"}, *values[] = {next};
            json_object_set_new(
                column, "href",
                json_string(customers_address(request, "/customers", names, values, 1)));
            json_object_set_new(column, "order",
                                json_string(!current  ? "none"
                                            : falling ? "descending"
                                                      : "ascending"));
        }
        json_array_append_new(list, column);
    }
    return list;
}

/* Who has only an id of Senda is a visitor; what is written as name is not repeated below. */
void customers_put_name(struct request *request, json_t *customer) {
    json_t *identifier = json_object_get(customer, "identifier");
    if (!json_is_string(identifier)) {
        json_object_set(customer, "identifier", json_object_get(customer, "id"));
        json_object_set_new(customer, "name",
                            json_string(page_text(request, "customers.anonymous")));
        json_object_set_new(customer, "anonymous", json_true());
    } else if (json_equal(json_object_get(customer, "name"), identifier)) {
        json_object_del(customer, "identifier");
    }
}

static const char *known_order(const char *asked) {
    static const char *const orders[] = {"-last_seen", "last_seen",     "-first_seen",
                                         "first_seen", "-interactions", "interactions"};
    for (size_t i = 0; asked && i < sizeof orders / sizeof *orders; i++)
        if (strcmp(asked, orders[i]) == 0)
            return orders[i];
    return orders[0];
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "customers", .section = "customers", .title = "nav.customers"};
    const char *q = request_query(request, "q"), *cursor = request_query(request, "cursor");
    const char *order = known_order(request_query(request, "sort"));
    const char *names[] = {"limit", "q", "order", "cursor"}, *values[] = {"50", q, order, cursor};
    json_t *answer;
    int code = page_fetch(
        request, customers_address(request, "/api/v1/customers", names, values, 4), &answer, err);
    if (code < 0)
        return code;
    json_t *rows = json_object_get(answer, "data");
    if (q && *q && !(cursor && *cursor) &&
        json_array_size(rows) == 1) { /* the one who was looked for */
        const char *id = json_string_value(json_object_get(json_array_get(rows, 0), "id"));
        code = page_redirect(request, response, arena_format(request->arena, "/customers/%s", id),
                             NULL);
        json_decref(answer);
        return code;
    }
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) customers_put_name(request, row);
    const char *next = json_string_value(json_object_get(answer, "next"));
    const char *page_names[] = {"q", "sort", "cursor"}, *page_values[] = {q, order, next};
    const char *first_names[] = {"q", "sort"}, *first_values[] = {q, order};
    json_t *pager = json_object();
    if (next)
        json_object_set_new(
            pager, "next",
            json_string(customers_address(request, "/customers", page_names, page_values, 3)));
    if (cursor && *cursor)
        json_object_set_new(
            pager, "first",
            json_string(customers_address(request, "/customers", first_names, first_values, 2)));
    json_t *view =
        json_pack("{s:O, s:s, s:s, s:o, s:o}", "customers", rows, "q", q ? q : "", "sort", order,
                  "columns", columns_json(request, order), "pager", pager);
    json_object_set(view, "incomplete", json_object_get(answer, "incomplete"));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_list},
};
const struct route_table page_customer_routes = ROUTE_TABLE(routes);
