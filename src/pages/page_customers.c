/*
 * Customers: found by any identifier, listed, and one with the path walked, in words: by day, with the silence between.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/limits.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/text.h"
#include "pages/words.h"

enum { GAP_DAYS = 3 }; /* a silence that is worth a line */

static void add_query(struct buf *address, const char *name, const char *value) {
    if (!value || !*value)
        return;
    buf_add_char(address, memchr(address->p ? address->p : "", '?', address->n) ? '&' : '?');
    buf_add_text(address, name);
    buf_add_char(address, '=');
    url_encode(slice_of(value), address);
}

static const char *address_of(struct request *request, const char *path, const char *const names[],
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
            json_object_set_new(column, "href",
                                json_string(address_of(request, "/customers", names, values, 1)));
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
static void put_name(struct request *request, json_t *customer) {
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
    int code = page_fetch(request, address_of(request, "/api/v1/customers", names, values, 4),
                          &answer, err);
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
    json_array_foreach(rows, i, row) put_name(request, row);
    const char *next = json_string_value(json_object_get(answer, "next"));
    const char *page_names[] = {"q", "sort", "cursor"}, *page_values[] = {q, order, next};
    const char *first_names[] = {"q", "sort"}, *first_values[] = {q, order};
    json_t *pager = json_object();
    if (next)
        json_object_set_new(
            pager, "next",
            json_string(address_of(request, "/customers", page_names, page_values, 3)));
    if (cursor && *cursor)
        json_object_set_new(
            pager, "first",
            json_string(address_of(request, "/customers", first_names, first_values, 2)));
    json_t *view =
        json_pack("{s:O, s:s, s:s, s:o, s:o}", "customers", rows, "q", q ? q : "", "sort", order,
                  "columns", columns_json(request, order), "pager", pager);
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

/* ---- one ---- */

struct telling {
    struct request *request;
    const struct format *format;
    const struct zone *zone;
    json_t *days, *contacts; /* of the newest day under way */
    int64_t day_ms;
};

static json_t *contact_json(struct telling *telling, const json_t *row) {
    json_t *main, *more;
    const char *event = json_string_value(json_object_get(row, "event"));
    words_properties(telling->format, json_object_get(row, "properties"),
                     app_folder(telling->request->app)->currency, telling->request->arena, &main,
                     &more);
    json_int_t more_count = (json_int_t)json_array_size(more);
    const char *words = words_event(telling->format, event ? event : "");
    json_t *touchpoint = json_object_get(row, "touchpoint");
    if (json_is_string(touchpoint) && strcmp(json_string_value(touchpoint), words) == 0)
        touchpoint = NULL; /* said already */
    return json_pack("{s:s, s:O, s:O?, s:O?, s:O?, s:o, s:o, s:I}", "event", words, "time",
                     json_object_get(row, "time"), "channel", json_object_get(row, "channel"),
                     "touchpoint", touchpoint, "unit", json_object_get(row, "unit"), "main", main,
                     "more", more, "more_count", more_count);
}

static void end_day(struct telling *telling) {
    if (!telling->contacts)
        return;
    json_t *day = json_array_get(telling->days, json_array_size(telling->days) - 1);
    json_object_set_new(day, "count", json_integer((json_int_t)json_array_size(telling->contacts)));
    json_object_set_new(day, "contacts", telling->contacts);
    telling->contacts = NULL;
}

static void begin_day(struct telling *telling, int64_t day_ms, const char *time) {
    end_day(telling);
    char date[16];
    int year, month, number;
    time_civil_from_days((day_ms / 1000 + zone_offset_s(telling->zone, day_ms / 1000)) / DAY_S,
                         &year, &month, &number);
    snprintf(date, sizeof date, "%04d-%02d-%02d", year, month, number);
    json_t *day = json_pack("{s:s, s:s}", "date", date, "time", time);
    int64_t silent_days =
        telling->day_ms ? (telling->day_ms - day_ms + DAY_MS / 2) / DAY_MS - 1 : 0;
    if (silent_days >= GAP_DAYS)
        json_object_set_new(day, "gap", json_integer(silent_days));
    json_array_append_new(telling->days, day);
    telling->contacts = json_array();
    telling->day_ms = day_ms;
}

static json_t *days_json(struct request *request, const json_t *rows) {
    struct telling telling = {.request = request,
                              .format = page_format(request),
                              .zone = app_folder(request->app)->zone,
                              .days = json_array()};
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *time = json_string_value(json_object_get(row, "time"));
        int64_t utc_ms;
        if (!time || time_parse(slice_of(time), NULL, &utc_ms) < 0)
            continue;
        int64_t day_ms = zone_bucket_start_ms(telling.zone, BUCKET_DAY, utc_ms);
        if (!telling.contacts || day_ms != telling.day_ms)
            begin_day(&telling, day_ms, time);
        json_array_append_new(telling.contacts, contact_json(&telling, row));
    }
    end_day(&telling);
    return telling.days;
}

/* Names and values of traits in words; the main channel is marked. */
static void put_words(struct request *request, json_t *customer, const char *channel) {
    const struct format *format = page_format(request);
    const char *currency = app_folder(request->app)->currency;
    size_t i, k;
    json_t *trait, *older, *row;
    json_array_foreach(json_object_get(customer, "traits"), i, trait) {
        const char *name = json_string_value(json_object_get(trait, "name"));
        if (!name)
            continue;
        json_array_foreach(json_object_get(trait, "history"), k, older) json_object_set_new(
            older, "value",
            json_string(words_value(format, name, json_object_get(older, "value"), currency,
                                    request->arena)));
        const char *value =
            words_value(format, name, json_object_get(trait, "value"), currency, request->arena);
        json_object_set_new(trait, "value", json_string(value));
        json_object_set_new(trait, "name",
                            json_string(words_property(format, name, request->arena)));
    }
    put_name(request, customer);
    json_array_foreach(json_object_get(customer, "channels"), i, row) {
        const char *name = json_string_value(json_object_get(row, "channel"));
        json_object_set_new(row, "first", json_boolean(i == 0));
        json_object_set_new(row, "selected",
                            json_boolean(channel && name && strcmp(channel, name) == 0));
    }
    bool manages = (request->principal.scopes & SCOPE_MANAGE) != 0;
    json_array_foreach(json_object_get(customer, "identifiers"), i, row) {
        const char *type = json_string_value(json_object_get(row, "type"));
        json_object_set(row, "shown", json_object_get(row, type ? "type" : "kind"));
        json_object_set_new(
            row, "can_separate",
            json_boolean(manages && json_is_true(json_object_get(row, "attached"))));
    }
}

/* Why the identities are one; who may manage can take each merge back. */
static int put_merges(struct request *request, const char *own, json_t *customer, struct err *err) {
    json_t *merges, *merge;
    size_t i;
    int code =
        page_fetch(request, arena_format(request->arena, "/api/v1%s/merges", own), &merges, err);
    if (code < 0)
        return code;
    bool manages = (request->principal.scopes & SCOPE_MANAGE) != 0;
    json_array_foreach(json_object_get(merges, "data"), i, merge) json_object_set_new(
        merge, "can_separate",
        json_boolean(manages && json_is_null(json_object_get(merge, "separated_at"))));
    json_object_set(customer, "merges", json_object_get(merges, "data"));
    json_decref(merges);
    return 0;
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "customer", .section = "customers"};
    const char *channel = request_query(request, "channel"),
               *before = request_query(request, "before");
    const char *own = page_path(request, "/customers/", request->params[0]);
    json_t *customer, *timeline;
    int code = page_fetch(request, arena_format(request->arena, "/api/v1%s", own), &customer, err);
    if (code < 0)
        return code;
    const char *names[] = {"limit", "channel", "before"};
    const char *values[] = {"60", channel, before};
    code = page_fetch(request,
                      address_of(request, arena_format(request->arena, "/api/v1%s/timeline", own),
                                 names, values, 3),
                      &timeline, err);
    if (code < 0) {
        json_decref(customer);
        return code;
    }
    code = put_merges(request, own, customer, err);
    if (code < 0) {
        json_decref(customer);
        json_decref(timeline);
        return code;
    }
    put_words(request, customer, channel);
    json_object_set_new(customer, "days", days_json(request, json_object_get(timeline, "data")));
    const char *next = json_string_value(json_object_get(timeline, "next"));
    const char *older_names[] = {"channel", "before"}, *older_values[] = {channel, next};
    if (next)
        json_object_set_new(customer, "older",
                            json_string(address_of(request, own, older_names, older_values, 2)));
    json_decref(timeline);
    json_t *view =
        json_pack("{s:o, s:O}", "customer", customer, "title", json_object_get(customer, "name"));
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_list},
    {.methods = METHOD_GET,
     .pattern = "/customers/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_one},
};
const struct route_table page_customer_routes = ROUTE_TABLE(routes);
