/*
 * /api/v1/customers/{id}/overview: what somebody who has the customer on the phone needs at a glance, in one call.
 *
 * Who they are, since when, what they are worth, health, the last contact through each channel, how they felt, what is open, promises
 * at risk, contracts, related people, units, notes, and what colleagues did. An asker limited to units gets
 * the estimates of their customers, as in the value list, with what was spent there; related people whom they may not see are left out.
 *
 * COST  Binary searches in each part and the customer's own rows; nothing that grows with the organisation.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "api/consents.h"
#include "api/groups.h"
#include "api/notes.h"
#include "api/overview_rows.h"
#include "duplicate/duplicate.h"
#include "number/number.h"
#include "promise/promise.h"
#include "segment/segment.h"
#include "value/value.h"

enum {
    NOTES_SHOWN = 5,
    ACTIVITY_READ = 40,
    ACTIVITY_SHOWN = 8,
    RELATED_SHOWN = 20,
    RELATED_READ = 2000
};

/* ---- worth and health ---- */

/* The band and the signs that weigh most, as value/ tells them. */
static int add_reasons(struct folder *folder, uint32_t owner, json_t *health, struct err *err) {
    json_t *told = NULL;
    int code = value_of_owner(folder, owner, &told, err);
    static const char *const names[] = {"band", "reasons"};
    for (size_t i = 0; !code && i < sizeof names / sizeof *names; i++)
        if (json_object_get(told, names[i]))
            json_object_set(health, names[i], json_object_get(told, names[i]));
    json_decref(told);
    return code;
}

static json_t *number_json(const struct numbers *numbers, enum number number, uint32_t owner) {
    double value = numbers_of(numbers, number, owner);
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *member_of(const json_t *row, const char *name) {
    json_t *value = json_object_get(row, name);
    return value ? json_incref(value) : json_null();
}

/* What was spent, for whoever sees some units only: there. */
static int limit_spent(struct request *request, uint32_t owner, json_t *worth, struct err *err) {
    json_t *row = NULL;
    int code =
        !json_is_object(worth) || !request->principal.units
            ? 0
            : value_of_purchases(app_folder(request->app), &request->principal, owner, &row, err);
    if (!code && json_is_object(worth) && request->principal.units) {
        json_object_set_new(worth, "spent", member_of(row, "spend"));
        json_object_set_new(worth, "purchases", member_of(row, "purchase_days"));
    }
    json_decref(row);
    return code;
}

static int add_estimates(struct request *request, uint32_t owner, json_t *answer, struct err *err) {
    struct numbers *numbers = NULL;
    json_t *worth = json_null(), *health = json_null();
    int code = numbers_get(app_folder(request->app), &numbers, err);
    if (code)
        return code;
    if (!isnan(numbers_of(numbers, NUMBER_MONETARY, owner)) ||
        !isnan(numbers_of(numbers, NUMBER_CLV, owner)))
        worth = json_pack(
            "{s:o, s:o, s:o, s:o, s:o, s:o, s:[o, o, o], s:s}", "spent",
            number_json(numbers, NUMBER_MONETARY, owner), "clv",
            number_json(numbers, NUMBER_CLV, owner), "p_alive",
            number_json(numbers, NUMBER_ALIVE, owner), "purchases",
            number_json(numbers, NUMBER_FREQUENCY, owner), "potential",
            number_json(numbers, NUMBER_POTENTIAL, owner), "as_of",
            api_instant(numbers_made_ms(numbers)), "rfm", number_json(numbers, NUMBER_RFM_R, owner),
            number_json(numbers, NUMBER_RFM_F, owner), number_json(numbers, NUMBER_RFM_M, owner),
            "currency", app_folder(request->app)->currency);
    if (!isnan(numbers_of(numbers, NUMBER_HEALTH, owner)) ||
        !isnan(numbers_of(numbers, NUMBER_CHURN, owner)))
        health = json_pack("{s:o, s:o}", "health", number_json(numbers, NUMBER_HEALTH, owner),
                           "churn", number_json(numbers, NUMBER_CHURN, owner));
    numbers_put(numbers);
    json_object_set_new(answer, "worth", worth);
    json_object_set_new(answer, "health", health);
    code = limit_spent(request, owner, worth, err);
    return !code && json_is_object(health)
               ? add_reasons(app_folder(request->app), owner, health, err)
               : code;
}

/* ---- how to reach them ---- */

/* Value of the first of the traits that is there. */
static json_t *trait_of(const json_t *customer, const char *const names[]) {
    size_t i;
    json_t *trait;
    for (; *names; names++)
        json_array_foreach(json_object_get(customer, "traits"), i, trait) {
            const char *name = json_string_value(json_object_get(trait, "name"));
            json_t *value = json_object_get(trait, "value");
            if (name && strcmp(name, *names) == 0 && !json_is_null(value))
                return json_incref(value);
        }
    return json_null();
}

static void add_who(const json_t *customer, json_t *answer) {
    static const char *const copied[] = {"id",         "user_id",   "name",         "identifier",
                                         "first_seen", "last_seen", "interactions", "erasure"};
    static const char *const emails[] = {"email", "correo", "mail", NULL}, *const phones[] = {
                                                                               "phone", "telefono",
                                                                               "movil", "mobile",
                                                                               NULL};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        json_object_set(answer, copied[i], json_object_get(customer, copied[i]));
    json_object_set_new(answer, "email", trait_of(customer, emails));
    json_object_set_new(answer, "phone", trait_of(customer, phones));
    json_object_set(answer, "identifiers", json_object_get(customer, "identifiers"));
    json_object_set(answer, "identifiers_total", json_object_get(customer, "identifiers_total"));
    json_object_set(answer, "full_kinds", json_object_get(customer, "full_kinds"));
    json_object_set(answer, "traits", json_object_get(customer, "traits"));
}

/* ---- related people ---- */

struct relation {
    uint32_t owner;
    const struct group *group;
    const char *role;
};

static json_t *relation_json(const struct relation *relation, struct slice name) {
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(relation->owner, id);
    json_t *document = json_loads(relation->group->document, 0, NULL);
    json_t *title = json_object_get(document, "name");
    json_t *json = json_pack("{s:s, s:o, s:s, s:s, s:O?, s:O?}", "id", id, "name",
                             name.n ? json_stringn(name.p, name.n) : json_null(), "role",
                             relation->role, "kind", group_kind_name(relation->group->kind),
                             "group", json_object_get(document, "id"), "group_name", title);
    json_decref(document);
    return json;
}

/* The first RELATED_SHOWN of whom the asker may know. */
static int keep_visible(struct request *request, struct reader *reader, struct relation *relations,
                        size_t *n, struct err *err) {
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, *n + 1);
    struct customer_summary *summaries =
        ARENA_ARRAY(request->arena, struct customer_summary, *n + 1);
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        owners[i] = relations[i].owner;
    int code = reader_summaries(reader, owners, *n, summaries, err);
    for (size_t i = 0; !code && i < *n && kept < RELATED_SHOWN; i++)
        if (!request->principal.units || summaries[i].interactions)
            relations[kept++] = relations[i];
    *n = kept;
    return code;
}

static int add_related(struct request *request, struct reader *reader, uint32_t owner,
                       json_t *answer, struct err *err) {
    struct group *groups;
    size_t n_groups, n = 0;
    int code = groups_of(app_folder(request->app)->customers, owner, request->arena, &groups,
                         &n_groups, err);
    if (code)
        return code;
    struct relation *relations = ARENA_ARRAY(request->arena, struct relation, RELATED_READ);
    size_t most = request->principal.units ? RELATED_READ : RELATED_SHOWN;
    for (size_t g = 0; g < n_groups; g++)
        for (size_t m = 0; m < groups[g].n_members && n < most; m++)
            if (groups[g].members[m].owner != owner)
                relations[n++] = (struct relation){groups[g].members[m].owner, &groups[g],
                                                   groups[g].members[m].role};
    code = keep_visible(request, reader, relations, &n, err);
    uint32_t owners[RELATED_SHOWN];
    struct slice names[RELATED_SHOWN];
    for (size_t i = 0; i < n; i++)
        owners[i] = relations[i].owner;
    if (!code)
        code = customer_names(request, owners, n, names, err);
    json_t *related = json_array(), *contracts = json_array(), *list = json_array();
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(related, relation_json(&relations[i], names[i]));
    for (size_t g = 0; !code && g < n_groups; g++)
        json_array_append_new(groups[g].kind == GROUP_CONTRACT ? contracts : list,
                              group_json(request, reader, &groups[g], GROUP_MEMBERS_NAMED, owner));
    json_object_set_new(answer, "related", related);
    json_object_set_new(answer, "contracts", contracts);
    json_object_set_new(answer, "groups", list);
    return code;
}

/* ---- colleagues ---- */

static bool same_act(const json_t *row, const struct audit_entry *entry) {
    return strcmp(json_string_value(json_object_get(row, "who")), entry->who) == 0 &&
           strcmp(json_string_value(json_object_get(row, "what")), entry->what) == 0;
}

/* Each who and what once, newest first. */
static int add_activity(struct request *request, const char *id, json_t *answer, struct err *err) {
    struct audit_entry *entries;
    size_t n, k;
    json_t *list = json_array(), *row;
    int code = audit_about(app_accounts(request->app), id, ACTIVITY_READ, request->arena, &entries,
                           &n, err);
    for (size_t i = 0; !code && i < n && json_array_size(list) < ACTIVITY_SHOWN; i++) {
        bool told = false;
        json_array_foreach(list, k, row) told = told || same_act(row, &entries[i]);
        if (!told)
            json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "who", entries[i].who, "what",
                                                  entries[i].what, "time",
                                                  api_instant(entries[i].time_ms)));
    }
    json_object_set_new(answer, "activity", list);
    return code;
}

static int add_notes(struct request *request, uint32_t owner, json_t *answer, struct err *err) {
    struct note *notes;
    size_t n = NOTES_SHOWN;
    json_t *list = json_array();
    int code =
        notes_list(app_folder(request->app)->customers, owner, 0, request->arena, &notes, &n, err);
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(list, note_json(request, &notes[i]));
    json_object_set_new(answer, "notes", list);
    return code;
}

static int add_promises(struct request *request, const char *id, json_t *answer, struct err *err) {
    json_t *list = NULL;
    int code = promise_of_customer(app_folder(request->app), &request->principal, id, &list, err);
    if (!code)
        json_object_set_new(answer, "promises", list);
    return code;
}

/* Who may be the same person, for who may decide it. */
static int add_duplicates(struct request *request, uint32_t owner, json_t *answer,
                          struct err *err) {
    struct duplicate *found;
    size_t n = 0;
    json_t *list = json_array();
    int code = request->principal.scopes & SCOPE_MANAGE
                   ? duplicate_of(app_folder(request->app), owner, request->arena, &found, &n, err)
                   : 0;
    for (size_t i = 0; !code && i < n; i++) {
        char id[CUSTOMER_ID_BYTES];
        customer_id_format(found[i].one == owner ? found[i].other : found[i].one, id);
        json_array_append_new(list,
                              json_pack("{s:I, s:s, s:f}", "number", (json_int_t)found[i].number,
                                        "customer", id, "score", found[i].score / 100.0));
    }
    json_object_set_new(answer, "proposals", list);
    return code;
}

/* Memberships are of everything that a customer did, so who sees some units only is not told. */
static int add_segments(struct request *request, uint32_t owner, json_t *answer, struct err *err) {
    json_t *list = NULL;
    int code = request->principal.units
                   ? 0
                   : segments_of_customer(app_folder(request->app), owner, &list, err);
    if (!code)
        json_object_set_new(answer, "segments", list ? list : json_array());
    return code;
}

static int add_consents(struct request *request, uint32_t owner, json_t *answer, struct err *err) {
    json_t *list = NULL;
    int code = consents_read(request, owner, &list, err);
    if (!code)
        json_object_set_new(answer, "consents", list);
    return code;
}

static int read_all(struct request *request, struct reader *reader, uint32_t owner, json_t *answer,
                    struct err *err) {
    json_t *customer = NULL;
    int code = customer_read(request, reader, owner, IDENTIFIERS_SHOWN, &customer, err);
    if (code)
        return code;
    add_who(customer, answer);
    json_decref(customer);
    const char *id = json_string_value(json_object_get(answer, "id"));
    code = overview_contacts(request, reader, owner, answer, err);
    if (!code)
        code = overview_opinions(request, reader, owner, answer, err);
    if (!code)
        code = add_estimates(request, owner, answer, err);
    if (!code)
        code = add_promises(request, id, answer, err);
    if (!code)
        code = add_related(request, reader, owner, answer, err);
    if (!code)
        code = add_notes(request, owner, answer, err);
    if (!code)
        code = add_segments(request, owner, answer, err);
    if (!code)
        code = add_consents(request, owner, answer, err);
    if (!code)
        code = add_duplicates(request, owner, answer, err);
    return code ? code : add_activity(request, id, answer, err);
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    struct reader *reader;
    int code = customers_find(app_folder(request->app)->customers, slice_of(request->params[0]),
                              &owner, err);
    if (!code)
        code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    json_t *answer = json_object();
    code = read_all(request, reader, owner, answer, err);
    reader_close(reader);
    if (!code) {
        audit_note(request, "customer.read", json_string_value(json_object_get(answer, "id")), "");
        response_json(response, 200, answer);
    }
    json_decref(answer);
    return code ? code : HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/customers/{id}/overview", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get,
     .summary = "One customer at a glance: who, worth, health, last contacts, opinions, open "
                "matters, promises at risk, contracts, related people, notes, who did what"},
};
const struct route_table api_overview_routes = ROUTE_TABLE(routes);
