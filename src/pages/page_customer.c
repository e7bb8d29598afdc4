/*
 * One customer, for who has them on the phone: how they are, what is open, how they felt and what they are worth in one look; then
 * the path walked, in words: by day, with the silence between; what is known, notes, related people, colleagues.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/customer_path.h"
#include "pages/customers.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/value_view.h"
#include "pages/words.h"

enum { INVITATIONS = 6 };
enum { EVENTS_OFFERED = 200, MERGES_SHOWN = 50, PROMISE_DAYS = 90 };

/* ---- at a glance ---- */

/* Names and values of traits in words. */
static void put_traits(struct request *request, json_t *customer) {
    const struct format *format = page_format(request);
    const char *currency = app_folder(request->app)->currency;
    size_t i, k;
    json_t *trait, *older;
    json_array_foreach(json_object_get(customer, "traits"), i, trait) {
        const char *name = json_string_value(json_object_get(trait, "name"));
        if (!name)
            continue;
        words_hidden(format, trait);
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
}

/* An event of each row in words. */
static void put_events(struct request *request, json_t *rows) {
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *event = json_string_value(json_object_get(row, "event"));
        if (event)
            json_object_set_new(row, "event",
                                json_string(words_event(page_format(request), event)));
    }
}

static void put_channels(json_t *customer, const char *channel) {
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(customer, "channels"), i, row) {
        const char *name = json_string_value(json_object_get(row, "channel"));
        json_object_set_new(row, "selected",
                            json_boolean(channel && name && strcmp(channel, name) == 0));
    }
}

static void put_identifiers(struct request *request, json_t *customer) {
    bool manages = (request->principal.scopes & SCOPE_MANAGE) != 0;
    size_t i;
    json_t *row;
    size_t shown = json_array_size(json_object_get(customer, "identifiers"));
    if (json_integer_value(json_object_get(customer, "identifiers_total")) > (json_int_t)shown)
        json_object_set_new(customer, "identifiers_shown", json_integer((json_int_t)shown));
    json_array_foreach(json_object_get(customer, "identifiers"), i, row) {
        const char *type = json_string_value(json_object_get(row, "type"));
        json_object_set(row, "shown", json_object_get(row, type ? "type" : "kind"));
        json_object_set_new(row, "can_separate",
                            json_boolean(manages &&
                                         json_is_true(json_object_get(row, "attached")) &&
                                         !json_object_get(row, "hidden")));
        words_hidden(page_format(request), row);
    }
}

/* Sums of money, in the words of a property that is one. */
static void put_worth(struct request *request, json_t *customer) {
    static const char *const sums[] = {"spent", "clv", "potential"};
    json_t *worth = json_object_get(customer, "worth");
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        const json_t *sum = json_object_get(worth, sums[i]);
        if (!json_is_number(sum))
            continue;
        json_t *whole = json_integer((json_int_t)llround(json_number_value(sum)));
        const char *words =
            words_value(page_format(request), "total", whole,
                        json_string_value(json_object_get(worth, "currency")), request->arena);
        json_object_set_new(worth, sums[i], json_string(words));
        json_decref(whole);
    }
}

/* Attributes of contracts and groups as pairs. */
static void put_attributes(struct request *request, json_t *groups) {
    const struct format *format = page_format(request);
    const char *currency = app_folder(request->app)->currency, *name;
    size_t i;
    json_t *group, *value;
    json_array_foreach(groups, i, group) {
        json_t *pairs = json_array();
        words_hidden(format, group);
        json_object_foreach(json_object_get(group, "attributes"), name, value)
            json_array_append_new(
                pairs,
                json_pack("{s:s, s:s}", "name", words_property(format, name, request->arena),
                          "value", words_value(format, name, value, currency, request->arena)));
        json_object_set_new(group, "pairs", pairs);
    }
}

/* What may still be mended: promises at risk, and those broken in the last months. */
static void keep_recent_promises(struct request *request, json_t *promises) {
    for (size_t i = json_array_size(promises); i-- > 0;) {
        const json_t *promise = json_array_get(promises, i);
        const char *state = json_string_value(json_object_get(promise, "state")),
                   *due = json_string_value(json_object_get(promise, "due"));
        int64_t due_ms = request->received_ms;
        if (due && time_parse(slice_of(due), NULL, &due_ms) < 0)
            due_ms = request->received_ms;
        if (state && strcmp(state, "broken") == 0 &&
            request->received_ms - due_ms > PROMISE_DAYS * (int64_t)DAY_MS)
            json_array_remove(promises, i);
    }
}

/* "4 of 10". */
static void put_scales(json_t *opinions) {
    size_t i;
    json_t *opinion;
    json_array_foreach(opinions, i, opinion) {
        json_t *high = json_array_get(json_object_get(opinion, "scale"), 1);
        if (high)
            json_object_set(opinion, "of", high);
    }
}

static void put_glance(struct request *request, json_t *customer) {
    const json_t *channels = json_object_get(customer, "channels");
    json_t *newest = NULL, *row;
    size_t i;
    json_array_foreach(channels, i, row) {
        const char *last = json_string_value(json_object_get(row, "last")),
                   *best = json_string_value(json_object_get(newest, "last"));
        if (last && (!best || strcmp(last, best) > 0))
            newest = row;
    }
    if (newest)
        json_object_set_new(customer, "last_contact", json_copy(newest));
    keep_recent_promises(request, json_object_get(customer, "promises"));
    put_scales(json_object_get(customer, "opinions"));
    size_t waiting = json_array_size(json_object_get(customer, "open")) +
                     json_array_size(json_object_get(customer, "promises"));
    json_object_set_new(customer, "waiting", json_integer((json_int_t)waiting));
    put_events(request, json_object_get(customer, "channels"));
    put_events(request, json_object_get(customer, "open"));
    put_events(request, json_object_get(customer, "opinions"));
    json_t *last = json_object_get(customer, "last_contact");
    const char *event = json_string_value(json_object_get(last, "event"));
    if (event)
        json_object_set_new(last, "event", json_string(words_event(page_format(request), event)));
    put_worth(request, customer);
    value_say_reasons(json_object_get(customer, "health"));
    put_attributes(request, json_object_get(customer, "contracts"));
    put_attributes(request, json_object_get(customer, "groups"));
}

/* Why the identities are one; who may manage can take each merge back. */
static int put_merges(struct request *request, const char *own, json_t *customer, struct err *err) {
    json_t *merges, *merge;
    size_t i;
    int code = page_fetch(
        request, arena_format(request->arena, "/api/v1%s/merges?limit=%d", own, MERGES_SHOWN),
        &merges, err);
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

/* ---- the timeline's filters ---- */

enum { FILTERS = 5 };
static const char *const filter_names[FILTERS] = {"channel", "event", "period", "only", "before"};

/* Since when, of a period in days ("30"); NULL: always. */
static const char *since(struct request *request, const char *period) {
    long days = period ? strtol(period, NULL, 10) : 0;
    if (days < 1 || days > 36500)
        return NULL;
    char text[TIME_TEXT_BYTES];
    time_format(request->received_ms - days * (int64_t)DAY_MS, text);
    return arena_text(request->arena, slice_of(text));
}

static json_t *periods_json(const char *chosen) {
    static const char *const periods[] = {"7", "30", "90", "365"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "days", periods[i], "selected",
                                              chosen && strcmp(chosen, periods[i]) == 0));
    return list;
}

/* Events that the organisation knows, in words. */
static json_t *events_json(struct request *request, const char *chosen) {
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    uint16_t n = dictionary_count(dictionary, DICTIONARY_EVENT);
    json_t *list = json_array();
    for (uint16_t code = 1; code <= n && code <= EVENTS_OFFERED; code++) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_EVENT, code);
        const char *text = arena_text(request->arena, name);
        if (name.n && !strchr(text, ','))
            json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "event", text, "name",
                                                  words_event(page_format(request), text),
                                                  "selected", chosen && strcmp(chosen, text) == 0));
    }
    return list;
}

static int fetch_timeline(struct request *request, const char *own, const char *const *filters,
                          json_t **timeline, struct err *err) {
    const char *names[] = {"limit", "channel", "event", "from", "only", "before"};
    const char *values[] = {"60",       filters[0], filters[1], since(request, filters[2]),
                            filters[3], filters[4]};
    return page_fetch(request,
                      customers_address(request,
                                        arena_format(request->arena, "/api/v1%s/timeline", own),
                                        names, values, 6),
                      timeline, err);
}

static void put_timeline(struct request *request, const char *own, const char **filters,
                         const json_t *timeline, json_t *customer) {
    json_object_set_new(customer, "days",
                        customer_path(request, json_object_get(timeline, "data")));
    json_object_set_new(customer, "filtered",
                        json_boolean((filters[0] && *filters[0]) || (filters[1] && *filters[1]) ||
                                     (filters[2] && *filters[2]) || (filters[3] && *filters[3])));
    json_object_set_new(customer, "only_opinions", json_boolean(filters[3] && *filters[3]));
    json_object_set_new(customer, "periods", periods_json(filters[2]));
    json_object_set_new(customer, "events", events_json(request, filters[1]));
    filters[4] = json_string_value(json_object_get(timeline, "next"));
    if (filters[4])
        json_object_set_new(
            customer, "older",
            json_string(customers_address(request, own, filter_names, filters, FILTERS)));
}

/* They have a card of their own. */
static void drop_consent_traits(json_t *customer) {
    json_t *traits = json_object_get(customer, "traits");
    for (size_t i = json_array_size(traits); i-- > 0;) {
        const char *name = json_string_value(json_object_get(json_array_get(traits, i), "name"));
        if (name && strncmp(name, "consent.", 8) == 0)
            json_array_remove(traits, i);
    }
}

/* What the person said about each purpose. */
static void put_consents(struct request *request, const char *own, json_t *customer) {
    json_t *consents, *row;
    size_t i;
    struct err none = {0};
    if (page_fetch(request, arena_format(request->arena, "/api/v1%s/consents", own), &consents,
                   &none) < 0)
        return;
    json_array_foreach(json_object_get(consents, "data"), i, row) {
        json_t *title = json_object_get(json_object_get(row, "title"), request->language);
        json_object_set(row, "title", title);
    }
    json_object_set(customer, "consents", json_object_get(consents, "data"));
    json_decref(consents);
}

/* What they were invited to lately, or why not. */
static void put_invitations(struct request *request, const char *own, json_t *customer) {
    json_t *answer, *shown = json_array();
    struct err none = {0};
    json_object_set_new(customer, "invitations", shown);
    if (page_fetch(request, arena_format(request->arena, "/api/v1%s/invitations", own), &answer,
                   &none) < 0)
        return;
    const json_t *rows = json_object_get(answer, "data");
    for (size_t i = 0; i < INVITATIONS && i < json_array_size(rows); i++)
        json_array_append(shown, json_array_get(rows, i));
    json_decref(answer);
}

static int show(struct request *request, struct response *response, const struct err *refusal,
                struct err *err) {
    static const struct page page = {.template = "customer", .section = "customers"};
    const char *filters[FILTERS];
    for (size_t i = 0; i < FILTERS; i++)
        filters[i] = request_query(request, filter_names[i]);
    const char *own = page_path(request, "/customers/", request->params[0]);
    json_t *customer, *timeline = NULL;
    int code = page_fetch(request, arena_format(request->arena, "/api/v1%s/overview", own),
                          &customer, err);
    if (code < 0)
        return code;
    code = fetch_timeline(request, own, filters, &timeline, err);
    if (code >= 0)
        code = put_merges(request, own, customer, err);
    if (code < 0) {
        json_decref(customer);
        json_decref(timeline);
        return code;
    }
    put_consents(request, own, customer);
    put_invitations(request, own, customer);
    drop_consent_traits(customer);
    put_traits(request, customer);
    customers_put_name(request, customer);
    put_channels(customer, filters[0]);
    put_identifiers(request, customer);
    put_glance(request, customer);
    put_timeline(request, own, filters, timeline, customer);
    json_decref(timeline);
    json_t *view =
        json_pack("{s:o, s:O}", "customer", customer, "title", json_object_get(customer, "name"));
    if (refusal)
        page_form_error(request, view, refusal);
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return show(request, response, NULL, err);
}

/* ---- notes ---- */

/* A new note, one's own changed, or one deleted. */
static int write_note(struct request *request, struct response *response, struct err *err) {
    const char *remove = request_form(request, "remove"), *number = request_form(request, "number"),
               *text = request_form(request, "text");
    const char *own = page_path(request, "/customers/", request->params[0]);
    const char *notes = arena_format(request->arena, "/api/v1%s/notes", own);
    const char *one = remove ? remove : number;
    const char *target =
        one ? page_path(request, arena_format(request->arena, "%s/", notes), one) : notes;
    struct err refusal = {0};
    int code = page_send(request,
                         remove   ? METHOD_DELETE
                         : number ? METHOD_PATCH
                                  : METHOD_POST,
                         target, remove ? NULL : json_pack("{s:s}", "text", text ? text : ""), NULL,
                         &refusal);
    if (code == E_INVALID) {
        response->status = err_status(code);
        return show(request, response, &refusal, err);
    }
    if (code < 0) {
        *err = refusal;
        return code;
    }
    return page_redirect(request, response, own, remove ? "note_removed" : "note_saved");
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_one},
    {.methods = METHOD_POST,
     .pattern = "/customers/{id}/notes",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = write_note},
};
const struct route_table page_one_customer_routes = ROUTE_TABLE(routes);
