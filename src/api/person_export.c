/*
 * /api/v1/customers/{id}/export: everything about one person, as the law lets them ask: who they are to us, what they agreed to, why
 * their identities are one, what colleagues wrote, each interaction with the answers that it brought, and who looked at them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/consents.h"
#include "api/customer_read.h"
#include "backend/backend.h"
#include "customer/notes.h"

enum {
    MERGES_MOST = 10000,
    NOTES_MOST = 10000,
    SEEN_MOST = 10000,
    PAGE_ROWS = 10000,
    MEMBERS_LOOKED_AT = 100
};

static json_t *text_or_null(const char *text) { return text[0] ? json_string(text) : json_null(); }

static int put_customer(struct request *request, uint32_t owner, json_t *json, struct err *err) {
    struct reader *reader;
    json_t *customer = NULL;
    int code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = customer_read(request, reader, owner, SIZE_MAX, &customer, err);
    reader_close(reader);
    if (!code)
        json_object_set_new(json, "customer", customer);
    return code;
}

static int put_merges(struct request *request, uint32_t owner, json_t *json, struct err *err) {
    static const char *const reasons[] = {"", "identified", "alias", "by_hand"};
    struct merge *merges;
    size_t n = MERGES_MOST;
    int code = customers_merges(app_folder(request->app)->customers, owner, 0, request->arena,
                                &merges, &n, err);
    json_t *list = json_array();
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(
            list,
            json_pack("{s:I, s:s, s:o, s:o, s:o, s:o}", "number", (json_int_t)merges[i].number,
                      "reason", reasons[merges[i].reason], "time", api_instant(merges[i].at_ms),
                      "by", text_or_null(merges[i].who), "why", text_or_null(merges[i].why),
                      "separated_at", api_instant(merges[i].separated_ms)));
    json_object_set_new(json, "merges", list);
    return code;
}

static int put_notes(struct request *request, uint32_t owner, json_t *json, struct err *err) {
    struct note *notes;
    size_t n = NOTES_MOST;
    int code =
        notes_list(app_folder(request->app)->customers, owner, 0, request->arena, &notes, &n, err);
    json_t *list = json_array();
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o}", "text", notes[i].text, "author",
                                        notes[i].author, "time", api_instant(notes[i].created_ms)));
    json_object_set_new(json, "notes", list);
    return code;
}

/* A page of the timeline onto the list; *before becomes where the next one begins, NULL at the end. */
static int add_page(struct request *request, json_t *list, const char **before, struct err *err) {
    json_t *answer = NULL;
    json_t *question = json_pack("{s:s, s:s, s:i, s:s*}", "kind", "timeline", "customer",
                                 request->params[0], "limit", PAGE_ROWS, "before", *before);
    int code = query_run(app_folder(request->app), BACKEND_LOCAL, question, &request->principal,
                         NULL, &answer, err);
    json_decref(question);
    if (!code) {
        const char *next =
            json_string_value(json_object_get(json_object_get(answer, "meta"), "next"));
        json_array_extend(list, json_object_get(answer, "data"));
        *before = next ? arena_text(request->arena, slice_of(next)) : NULL;
    }
    json_decref(answer);
    return code;
}

static int put_timeline(struct request *request, json_t *json, struct err *err) {
    json_t *list = json_array();
    const char *before = NULL;
    int code;
    json_object_set_new(json, "timeline", list);
    do
        code = add_page(request, list, &before, err);
    while (!code && before);
    return code;
}

static int add_seen(struct request *request, uint32_t profile, json_t *list, struct err *err) {
    char id[CUSTOMER_ID_BYTES];
    struct audit_filter filter = {.who = "", .what = "", .about = id};
    struct audit_entry *entries;
    size_t n;
    customer_id_format(profile, id);
    int code = audit_list(app_accounts(request->app), &filter, SEEN_MOST, request->arena, &entries,
                          &n, err);
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:s, s:s}", "time", api_instant(entries[i].time_ms),
                                        "who", entries[i].who, "what", entries[i].what));
    return code;
}

/* Who saw or changed what of the person, when; of merged ones too. Without addresses of colleagues. */
static int put_seen(struct request *request, uint32_t owner, json_t *json, struct err *err) {
    uint32_t *members;
    json_t *list = json_array();
    int code = 0;
    size_t n =
        customers_family(app_folder(request->app)->customers, owner, request->arena, &members);
    json_object_set_new(json, "seen_by", list);
    for (size_t i = 0; !code && i < n && i < MEMBERS_LOOKED_AT; i++)
        code = add_seen(request, members[i], list, err);
    return code;
}

static int export_one(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    char id[CUSTOMER_ID_BYTES];
    json_t *consents = NULL;
    int code = customers_find(app_folder(request->app)->customers, slice_of(request->params[0]),
                              &owner, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:o}", "exported", api_instant(request->received_ms));
    customer_id_format(owner, id);
    code = put_customer(request, owner, json, err); /* whom the asker may see */
    if (!code)
        code = consents_read(request, owner, &consents, err);
    if (!code)
        json_object_set_new(json, "consents", consents);
    if (!code)
        code = put_merges(request, owner, json, err);
    if (!code)
        code = put_notes(request, owner, json, err);
    if (!code)
        code = put_timeline(request, json, err);
    if (!code)
        code = put_seen(request, owner, json, err);
    if (!code) {
        audit_note(request, "customer.export", id, "");
        if (request_query(request, "download"))
            response_header(request, response, "Content-Disposition",
                            arena_format(request->arena, "attachment; filename=\"%s.json\"", id));
        response_json(response, 200, json);
    }
    json_decref(json);
    return code ? code : HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/customers/{id}/export", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_UNIT_MANAGER, .handle = export_one,
     .summary = "Everything about one person: identities, traits, consents, merges, notes, every "
                "interaction with its answers, who looked; ?download=1 as a file"},
};
const struct route_table api_person_export_routes = ROUTE_TABLE(routes);
