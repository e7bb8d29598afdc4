/*
 * /api/v1/customers: who is known, found by any identifier, with their timeline.
 *
 * An asker limited to units sees customers with an interaction in them, and only those interactions.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/customer_read.h"
#include "backend/backend.h"
#include "base/limits.h"
#include "customer/full.h"
#include "privacy/privacy.h"
#include "query/sight.h"
#include "search/search.h"

enum { PAGE_MAX = 1000, PAGE_STANDARD = 50, HISTORY_MAX = 20 };

static const char *const name_traits[] = {"name",      "nombre",   "firstName", "first_name",
                                          "apellidos", "lastName", "last_name", "email",
                                          "phone",     "telefono", "correo"};
enum { NAME_TRAITS = sizeof name_traits / sizeof *name_traits };

/* ---- pieces ---- */

static json_t *value_json(const struct value *value) {
    json_t *json = NULL;
    switch (value->type) {
    case VALUE_FALSE: return json_false();
    case VALUE_TRUE: return json_true();
    case VALUE_INT: return json_integer(value->integer);
    case VALUE_NUMBER: json = json_real(value->number); break;
    case VALUE_TEXT: json = json_stringn(value->text.p, value->text.n); break;
    case VALUE_JSON: json = json_loadb(value->text.p, value->text.n, JSON_DECODE_ANY, NULL); break;
    default: break;
    }
    return json ? json : json_null();
}

static json_t *code_json(const struct folder *folder, enum dictionary_kind kind, uint16_t code) {
    struct slice name = dictionary_name(folder->dictionary, kind, code);
    json_t *json = name.n ? json_stringn(name.p, name.n) : NULL;
    return json ? json : json_null();
}

/* Of those that the asker is shown. */
static size_t name_codes(struct request *request, uint32_t codes[NAME_TRAITS]) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    size_t n = 0;
    for (size_t i = 0; i < NAME_TRAITS; i++) {
        uint16_t code = dictionary_find(app_folder(request->app)->dictionary, DICTIONARY_PROPERTY,
                                        slice_of(name_traits[i]));
        if (code != CODE_NONE && !sight_hides(&sight, code))
            codes[n++] = code;
    }
    return n;
}

/* The last value of a trait by name, absent if it is none or no text. */
static struct slice last_text(struct request *request, const struct trait *traits, size_t n,
                              const char *name) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    uint16_t code =
        dictionary_find(app_folder(request->app)->dictionary, DICTIONARY_PROPERTY, slice_of(name));
    struct slice text = {NULL, 0};
    for (size_t i = 0; code != CODE_NONE && !sight_hides(&sight, code) && i < n; i++)
        if (traits[i].code == code)
            text =
                traits[i].value.type == VALUE_TEXT ? traits[i].value.text : (struct slice){NULL, 0};
    return text;
}

/* The first of several traits that is there. */
static struct slice first_text(struct request *request, const struct trait *traits, size_t n,
                               const char *const names[], size_t n_names) {
    struct slice text = {NULL, 0};
    for (size_t i = 0; i < n_names && !text.n; i++)
        text = last_text(request, traits, n, names[i]);
    return text;
}

/* What people call this customer, by its traits; absent if they do not say. */
static struct slice name_of(struct request *request, const struct trait *traits, size_t n) {
    static const char *const FIRST[] = {"firstName", "first_name", "nombre"}, *const LAST[] = {
                                                                                  "lastName",
                                                                                  "last_name",
                                                                                  "apellidos"};
    struct slice name = last_text(request, traits, n, "name");
    if (name.n)
        return name;
    struct slice first = first_text(request, traits, n, FIRST, 3),
                 last = first_text(request, traits, n, LAST, 3);
    if (!first.n || !last.n)
        return first.n ? first : last;
    return slice_of(arena_format(request->arena, "%.*s %.*s", SLICE_ARGS(first), SLICE_ARGS(last)));
}

int customer_names(struct request *request, const uint32_t *owners, size_t n, struct slice *names,
                   struct err *err) {
    struct reader *reader;
    uint32_t codes[NAME_TRAITS];
    size_t n_codes = name_codes(request, codes);
    memset(names, 0, n * sizeof *names);
    if (!n || !n_codes)
        return 0;
    int code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    for (size_t i = 0; !code && i < n; i++) {
        struct trait *traits;
        size_t n_traits;
        code = reader_traits(reader, owners[i], codes, n_codes, &traits, &n_traits, err);
        if (!code)
            names[i] = name_of(request, traits, n_traits);
    }
    reader_close(reader);
    return code;
}

/* What people call this customer, and the identifier beside it. */
static void put_names(struct request *request, json_t *json, struct slice user_id,
                      const struct trait *traits, size_t n) {
    struct slice name = name_of(request, traits, n), email = last_text(request, traits, n, "email");
    const char *id = json_string_value(json_object_get(json, "id"));
    struct slice identifier = user_id.n ? user_id : email;
    bool named = name.n != 0;
    if (!named)
        name = identifier.n ? identifier : slice_of(id);
    if (!identifier.n)
        identifier = slice_of(id);
    json_object_set_new(json, "user_id",
                        user_id.n ? json_stringn(user_id.p, user_id.n) : json_null());
    json_object_set_new(json, "name", json_stringn(name.p, name.n));
    json_object_set_new(json, "identifier",
                        slice_equal(name, identifier) && !named && slice_is(identifier, id)
                            ? json_null()
                            : json_stringn(identifier.p, identifier.n));
}

static json_t *summary_json(const struct customer_summary *summary) {
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(summary->owner, id);
    return json_pack(
        "{s:s, s:I, s:o, s:o}", "id", id, "interactions", (json_int_t)summary->interactions,
        "first_seen", summary->interactions ? api_instant(summary->first_ms) : json_null(),
        "last_seen", summary->interactions ? api_instant(summary->last_ms) : json_null());
}

/* ---- lists ---- */

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int customer_user_ids(struct request *request, const uint32_t *owners, size_t n,
                      struct slice *user_ids, struct err *err) {
    uint32_t *sorted = ARENA_ARRAY(request->arena, uint32_t, n + 1);
    struct slice *found = ARENA_ARRAY(request->arena, struct slice, n + 1);
    memcpy(sorted, owners, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_u32);
    int code = n ? customers_user_ids(app_folder(request->app)->customers, sorted, n,
                                      request->arena, found, err)
                 : 0;
    for (size_t i = 0; !code && i < n; i++) {
        const uint32_t *at = bsearch(&owners[i], sorted, n, sizeof *sorted, compare_u32);
        user_ids[i] = at ? found[at - sorted] : (struct slice){NULL, 0};
    }
    return code;
}

static int rows_json(struct request *request, struct reader *reader, const uint32_t *owners,
                     size_t n, json_t **rows, struct err *err) {
    struct customer_summary *summaries =
        ARENA_ARRAY(request->arena, struct customer_summary, n + 1);
    struct slice *user_ids = ARENA_ARRAY(request->arena, struct slice, n + 1);
    uint32_t codes[NAME_TRAITS];
    size_t n_codes = name_codes(request, codes);
    int code = reader_summaries(reader, owners, n, summaries, err);
    if (!code)
        code = customer_user_ids(request, owners, n, user_ids, err);
    *rows = json_array();
    for (size_t i = 0; !code && i < n; i++) {
        struct trait *traits;
        size_t n_traits;
        if (request->principal.units && !summaries[i].interactions)
            continue;
        code = reader_traits(reader, owners[i], codes, n_codes, &traits, &n_traits, err);
        if (code)
            break;
        json_t *row = summary_json(&summaries[i]), *channels = json_array();
        for (size_t c = 0; c < summaries[i].n_channels; c++)
            json_array_append_new(channels, code_json(app_folder(request->app), DICTIONARY_CHANNEL,
                                                      summaries[i].channels[c].channel));
        json_object_set_new(row, "channels", channels);
        put_names(request, row, user_ids[i], traits, n_traits);
        json_array_append_new(*rows, row);
    }
    if (code)
        json_decref(*rows);
    return code;
}

static int read_order(struct request *request, enum customer_order *order, bool *falling,
                      struct err *err) {
    static const char *const names[] = {"id", "last_seen", "first_seen", "interactions"};
    const char *text = request_query(request, "order");
    *order = ORDER_ID;
    *falling = text && text[0] == '-';
    if (!text || !text[0])
        return 0;
    for (size_t i = 0; i < 4; i++)
        if (strcmp(text + *falling, names[i]) == 0) {
            *order = (enum customer_order)i;
            if (*order == ORDER_ID)
                *falling = false;
            return 0;
        }
    return err_at(err, E_INVALID, "/order",
                  "order is id, last_seen, first_seen or interactions, with - before it falling");
}

/* Whose whole identifier it is stands first, then whoever has the text as a fragment (search/search.h). skip: so many have been
 * given already. */
static int search(struct request *request, struct reader *reader, const char *text, size_t skip,
                  uint32_t *owners, size_t *n, bool *more, struct err *err) {
    struct search_ask ask = {.text = slice_of(text),
                             .skip = skip,
                             .sight = sight_of(app_folder(request->app), &request->principal)};
    struct err none = {0};
    size_t first = 0;
    int code = request->principal.units ? reader_visible(reader, &ask.visible, err) : 0;
    if (code)
        return code;
    code = customers_find(app_folder(request->app)->customers, ask.text, &ask.without, &none);
    if (code && code != E_NOT_FOUND) {
        *err = none;
        return code;
    }
    ask.visible_last = reader_profiles(reader); /* who came since is not in the set */
    bool known = !ask.visible || ask.without <= ask.visible_last;
    bool whole = !code && known &&
                 (!ask.visible || (ask.visible[ask.without >> 6] >> (ask.without & 63) & 1));
    if (whole && !skip)
        owners[first++] = ask.without;
    else if (whole)
        ask.skip--;
    size_t rest = *n - first;
    code = search_customers(app_folder(request->app), &ask, owners + first, &rest, more, err);
    *n = first + rest;
    return code;
}

static int list(struct request *request, struct response *response, struct err *err) {
    int64_t limit, cursor;
    enum customer_order order;
    bool falling;
    struct reader *reader = NULL;
    json_t *rows = NULL;
    char next[24];
    const char *q = request_query(request, "q");
    int code = request_query_int(request, "limit", PAGE_STANDARD, 1, PAGE_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, UINT32_MAX, &cursor, err);
    if (!code)
        code = read_order(request, &order, &falling, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    size_t n = (size_t)limit;
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, n);
    bool asked = q && q[0], more = false;
    if (asked) {
        code = search(request, reader, q, (size_t)cursor, owners, &n, &more, err);
    } else {
        code = reader_page(reader, order, falling, (size_t)cursor, owners, &n, err);
        more = n == (size_t)limit;
    }
    if (!code)
        code = rows_json(request, reader, owners, n, &rows, err);
    if (!code) {
        audit_note(request, "customer.list", "",
                   arena_format(request->arena, "%zu", json_array_size(rows)));
        if (more)
            snprintf(next, sizeof next, "%llu",
                     order == ORDER_ID && !asked ? (unsigned long long)owners[n - 1]
                                                 : (unsigned long long)cursor + n);
        bool incomplete = asked && !search_is_whole(app_folder(request->app));
        json_t *list = json_pack("{s:o, s:o, s:b}", "data", rows, "next",
                                 more ? json_string(next) : json_null(), "incomplete", incomplete);
        response_json(response, 200, list);
        json_decref(list);
    }
    reader_close(reader);
    return code;
}

/* ---- one ---- */

static json_t *identifier_json(const struct sight *sight, const struct known_identity *known) {
    static const char *const kinds[] = {"", "user", "anonymous", "external"};
    const struct identity *identity = &known->identity;
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(known->profile, id);
    json_t *row = json_pack("{s:s, s:o, s:s, s:b, s:b, s:b, s:o}", "kind", kinds[identity->kind],
                            "value", json_stringn(identity->value.p, identity->value.n), "customer",
                            id, "attached", known->attached, "current", known->leads_here,
                            "dropped", known->dropped, "since", api_instant(known->attached_ms));
    if (row && identity->external_type.n)
        json_object_set_new(row, "type",
                            json_stringn(identity->external_type.p, identity->external_type.n));
    if (row && identity->external_type.n && sight_hides_kind(sight, identity->external_type)) {
        json_object_set_new(row, "value", json_null());
        json_object_set_new(row, "hidden", json_true());
    }
    return row;
}

/* Kinds of which the customer has as many values as one may. */
static int add_full_kinds(struct request *request, uint32_t owner,
                          const struct known_identity *identities, size_t n_identities,
                          json_t *json, struct err *err) {
    struct full_kind *full;
    size_t n;
    int code = customers_full_kinds(app_folder(request->app)->customers, owner, identities,
                                    n_identities, request->arena, &full, &n, err);
    if (code)
        return code;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:o}", "kind", full[i].kind,
                                              "values", (json_int_t)full[i].values, "limit",
                                              (json_int_t)full[i].limit, "since",
                                              api_instant(full[i].since_ms)));
    json_object_set_new(json, "full_kinds", list);
    return 0;
}

static int add_identifiers(struct request *request, uint32_t owner, size_t most, json_t *json,
                           struct slice *user_id, struct err *err) {
    struct known_identity *identities;
    size_t n;
    int code = customers_known_identities(app_folder(request->app)->customers, owner,
                                          request->arena, &identities, &n, err);
    if (code)
        return code;
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        if (identities[i].identity.kind == IDENTITY_USER && !user_id->n)
            *user_id = identities[i].identity.value;
        json_t *row = json_array_size(list) < most ? identifier_json(&sight, &identities[i]) : NULL;
        if (row)
            json_array_append_new(list, row);
    }
    json_object_set_new(json, "identifiers", list);
    json_object_set_new(json, "identifiers_total", json_integer((json_int_t)n));
    return add_full_kinds(request, owner, identities, n, json, err);
}

/* A trait that the asker is not shown: that it is there, and since when. */
static json_t *hidden_trait(struct request *request, const struct trait *last) {
    return json_pack("{s:o, s:n, s:b, s:o, s:[]}", "name",
                     code_json(app_folder(request->app), DICTIONARY_PROPERTY, (uint16_t)last->code),
                     "value", "hidden", 1, "time", api_instant(last->time_ms), "history");
}

static json_t *traits_json(struct request *request, const struct trait *traits, size_t n) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    json_t *list = json_array();
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && traits[end].code == traits[i].code)
            end++;
        const struct trait *last = &traits[end - 1];
        if (sight_hides(&sight, last->code)) {
            json_array_append_new(list, hidden_trait(request, last));
            i = end;
            continue;
        }
        json_t *history = json_array();
        for (size_t k = end - 1; k > i && json_array_size(history) < HISTORY_MAX; k--) {
            json_t *older = value_json(&traits[k - 1].value), *newer = value_json(&traits[k].value);
            if (!json_equal(older, newer))
                json_array_append_new(history, json_pack("{s:O, s:o}", "value", older, "time",
                                                         api_instant(traits[k - 1].time_ms)));
            json_decref(older);
            json_decref(newer);
        }
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "name",
                                              code_json(app_folder(request->app),
                                                        DICTIONARY_PROPERTY, (uint16_t)last->code),
                                              "value", value_json(&last->value), "time",
                                              api_instant(last->time_ms), "history", history));
        i = end;
    }
    return list;
}

static json_t *channels_json(struct request *request, const struct customer_summary *summary) {
    json_t *list = json_array();
    for (size_t i = 0; i < summary->n_channels; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:I, s:f}", "channel",
                            code_json(app_folder(request->app), DICTIONARY_CHANNEL,
                                      summary->channels[i].channel),
                            "count", (json_int_t)summary->channels[i].n, "share",
                            (double)summary->channels[i].n / (double)summary->interactions));
    return list;
}

int customer_read(struct request *request, struct reader *reader, uint32_t owner,
                  size_t identifiers_most, json_t **out, struct err *err) {
    struct customer_summary summary;
    struct trait *traits;
    size_t n;
    struct slice user_id = {NULL, 0};
    int code = reader_summaries(reader, &owner, 1, &summary, err);
    if (code)
        return code;
    if (request->principal.units && !summary.interactions)
        return err_set(err, E_NOT_FOUND, "no such customer");
    code = reader_traits(reader, owner, NULL, 0, &traits, &n, err);
    if (code)
        return code;
    json_t *json = summary_json(&summary);
    code = add_identifiers(request, owner, identifiers_most, json, &user_id, err);
    if (code) {
        json_decref(json);
        return code;
    }
    put_names(request, json, user_id, traits, n);
    json_object_set_new(json, "channels", channels_json(request, &summary));
    json_object_set_new(json, "traits", traits_json(request, traits, n));
    uint64_t erasure = 0;
    code = erasure_of(app_folder(request->app), owner, &erasure, err);
    if (code) {
        json_decref(json);
        return code;
    }
    json_object_set_new(json, "erasure", erasure ? json_integer((json_int_t)erasure) : json_null());
    *out = json;
    return 0;
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    struct reader *reader;
    json_t *json = NULL;
    int code = customers_find(app_folder(request->app)->customers, slice_of(request->params[0]),
                              &owner, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = customer_read(request, reader, owner, SIZE_MAX, &json, err);
    reader_close(reader);
    if (code)
        return code;
    audit_note(request, "customer.read", json_string_value(json_object_get(json, "id")), "");
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* Names of a comma-separated parameter that the organisation knows; NULL: it was not given. */
static json_t *known_events(struct request *request, const char *names) {
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    while (*names) {
        size_t n = strcspn(names, ",");
        struct slice name = {names, n};
        if (n && dictionary_find(dictionary, DICTIONARY_EVENT, name))
            json_array_append_new(list, json_stringn(name.p, name.n));
        names += n + (names[n] == ',');
    }
    return list;
}

/* ?event= (several with commas), ?only=opinions, ?channel=, ?from=, ?to= as members of the question; *none: nobody has such. */
static void add_filters(struct request *request, json_t *question, bool *none) {
    const char *channel = request_query(request, "channel"),
               *event = request_query(request, "event"), *only = request_query(request, "only"),
               *from = request_query(request, "from"), *to = request_query(request, "to");
    if (only && strcmp(only, "opinions") == 0)
        event = CUSTOMER_OPINIONS;
    if (channel && channel[0])
        json_object_set_new(question, "channel", json_pack("[s]", channel));
    if ((from && from[0]) || (to && to[0]))
        json_object_set_new(question, "range",
                            json_pack("{s:s?, s:s?}", "from", from && from[0] ? from : NULL, "to",
                                      to && to[0] ? to : NULL));
    json_t *range = json_object_get(question, "range");
    if (json_is_null(json_object_get(range, "from")))
        json_object_del(range, "from");
    if (json_is_null(json_object_get(range, "to")))
        json_object_del(range, "to");
    *none = false;
    if (!event || !event[0])
        return;
    json_t *events = known_events(request, event);
    *none = json_array_size(events) == 0;
    json_object_set_new(question, "of", json_pack("{s:o}", "event", events));
}

/* ?limit= &before= as in the question of kind timeline; next is the `before` of the following page. */
static int timeline(struct request *request, struct response *response, struct err *err) {
    int64_t limit;
    const char *before = request_query(request, "before"), *only = request_query(request, "only");
    bool none;
    int code = request_query_int(request, "limit", 100, 1, 10000, &limit, err);
    if (!code && only && only[0] && strcmp(only, "opinions") != 0)
        code = err_at(err, E_INVALID, "/only", "only is opinions");
    if (code)
        return code;
    if (!before)
        before = request_query(request, "cursor");
    json_t *answer = NULL;
    json_t *question = json_pack("{s:s, s:s, s:I}", "kind", "timeline", "customer",
                                 request->params[0], "limit", (json_int_t)limit);
    if (before && before[0])
        json_object_set_new(question, "before", json_string(before));
    add_filters(request, question, &none);
    if (none) /* asked without it, for whether there is such a customer */
        json_object_del(question, "of");
    code = query_run(app_folder(request->app), BACKEND_LOCAL, question, &request->principal, NULL,
                     &answer, err);
    json_decref(question);
    if (code)
        return code;
    if (none)
        json_array_clear(json_object_get(answer, "data"));
    json_t *rows = json_incref(json_object_get(answer, "data"));
    const char *next = json_string_value(json_object_get(json_object_get(answer, "meta"), "next"));
    response_list(response, rows, none ? NULL : next);
    json_decref(answer);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/customers", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = list,
     .summary =
         "Customers, by id or ?order=-last_seen; ?q= finds by any fragment of what identifies "
         "them, accents and typos forgiven, the nearest first"},
    {METHOD_GET, "/api/v1/customers/{id}", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get, .summary = "One customer: identifiers, traits with history, channels",
     .response_schema = "{\"$ref\":\"#/components/schemas/Customer\"}"},
    {METHOD_GET, "/api/v1/customers/{id}/timeline", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = timeline,
     .summary = "Interactions of one customer, newest first; ?channel=, ?event= (several with "
                "commas), ?from=, ?to=, ?only=opinions"},
};
const struct route_table api_customer_routes = ROUTE_TABLE(routes);
