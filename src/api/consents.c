/*
 * /api/v1/purposes and /api/v1/customers/{id}/consents: what data are used for, and what people said about it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/consents.h"
#include "api/customer_read.h"
#include "base/time.h"
#include "privacy/privacy.h"

enum { DAY_MILLISECONDS = 86400000 };

static struct consents *consents_here(struct request *request) {
    return ingest_consents(app_folder(request->app)->ingest);
}

/* ---- purposes ---- */

static json_t *both(const char *es, const char *en) {
    return json_pack("{s:s, s:s}", "es", es, "en", en);
}

static json_t *purpose_json(const struct purpose *purpose) {
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:I}", "name", purpose->name, "basis", PURPOSE_BASES[purpose->basis],
        "title", both(purpose->title_es, purpose->title_en), "text",
        both(purpose->text_es, purpose->text_en), "wording", (json_int_t)purpose->wording);
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct purpose *purposes;
    size_t n;
    (void)err;
    purposes_list(consents_here(request), request->arena, &purposes, &n);
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, purpose_json(&purposes[i]));
    response_list(response, rows, NULL);
    return HANDLED;
}

/* A text in both languages, or one text for both. */
static int read_both(struct request *request, const json_t *body, const char *name, size_t max,
                     const char **es, const char **en, struct err *err) {
    json_t *value = json_object_get(body, name);
    static const char *const languages[] = {"es", "en"};
    const char **texts[] = {es, en};
    for (int i = 0; i < 2; i++) {
        const json_t *part = json_is_object(value) ? json_object_get(value, languages[i]) : value;
        const char *text = json_string_value(part);
        if (!value && *texts[i])
            continue;
        if (!text || !text[0] || strlen(text) > max)
            return err_at(err, E_INVALID,
                          json_is_object(value)
                              ? arena_format(request->arena, "/%s/%s", name, languages[i])
                              : arena_format(request->arena, "/%s", name),
                          "must be a text of at most %zu bytes, in es and en", max);
        *texts[i] = arena_text(request->arena, slice_of(text));
    }
    return 0;
}

static int read_basis(const json_t *body, struct purpose *purpose, struct err *err) {
    const char *basis = json_string_value(json_object_get(body, "basis"));
    if (!json_object_get(body, "basis"))
        return 0;
    for (int i = 0; basis && i < BASES; i++)
        if (strcmp(basis, PURPOSE_BASES[i]) == 0) {
            purpose->basis = (enum purpose_basis)i;
            return 0;
        }
    return err_at(err, E_INVALID, "/basis", "basis is consent, interest or contract");
}

static int put(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"basis", "title", "text", NULL};
    struct purpose purpose = {.name = request->params[0]};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    bool there = purpose_find(consents_here(request), slice_of(request->params[0]), &purpose);
    code = api_known(body, known, err);
    if (!code)
        code = read_basis(body, &purpose, err);
    if (!code)
        code = read_both(request, body, "title", PURPOSE_TITLE_BYTES, &purpose.title_es,
                         &purpose.title_en, err);
    if (!code)
        code = read_both(request, body, "text", PURPOSE_TEXT_BYTES, &purpose.text_es,
                         &purpose.text_en, err);
    json_decref(body);
    if (!code)
        code = purpose_put(consents_here(request), &purpose, err);
    if (code)
        return code;
    audit_act(request, "purpose.change", purpose.name, "");
    json_t *json = purpose_json(&purpose);
    response_json(response, there ? 200 : 201, json);
    json_decref(json);
    return HANDLED;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = purpose_remove(consents_here(request), request->params[0], err);
    if (code)
        return code;
    audit_act(request, "purpose.remove", request->params[0], "");
    response->status = 204;
    return HANDLED;
}

/* ---- what somebody said ---- */

static json_t *word_json(struct request *request, const struct consent *consent) {
    struct source_record source;
    struct err none = {0};
    const char *who = consent->who;
    if (strcmp(consent->via, "event") == 0 &&
        sources_get(app_sources(request->app), (uint16_t)strtoul(who, NULL, 10), request->arena,
                    &source, &none) == 0)
        who = source.name;
    return json_pack("{s:s, s:b, s:o, s:s, s:o, s:I}", "purpose", consent->purpose, "granted",
                     consent->granted, "time", api_instant(consent->at_ms), "via", consent->via,
                     "source", who[0] ? json_string(who) : json_null(), "wording",
                     (json_int_t)consent->wording);
}

/* A purpose, the word that counts, whether the data may be used for it, and what was said before. */
static json_t *standing_json(struct request *request, const struct purpose *purpose,
                             const struct consent *words, size_t n) {
    json_t *json = purpose_json(purpose), *history = json_array();
    const struct consent *newest = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i].purpose, purpose->name) == 0) {
            newest = newest ? newest : &words[i];
            json_array_append_new(history, word_json(request, &words[i]));
        }
    bool allowed = purpose->basis == BASIS_CONTRACT ||
                   (newest ? newest->granted : purpose->basis == BASIS_INTEREST);
    json_t *name = json_object_get(json, "name");
    json_object_set(json, "purpose", name);
    json_object_del(json, "name");
    json_object_set_new(json, "granted", newest ? json_boolean(newest->granted) : json_null());
    json_object_set_new(json, "allowed", json_boolean(allowed));
    json_object_set_new(json, "time", newest ? api_instant(newest->at_ms) : json_null());
    json_object_set_new(json, "history", history);
    return json;
}

int consents_read(struct request *request, uint32_t profile, json_t **rows, struct err *err) {
    struct folder *folder = app_folder(request->app);
    uint32_t *members;
    struct purpose *purposes;
    struct consent *words;
    size_t n, n_words;
    size_t n_members = customers_family(folder->customers, profile, request->arena, &members);
    purposes_list(consents_here(request), request->arena, &purposes, &n);
    int code =
        consents_history(folder->store, members, n_members, request->arena, &words, &n_words, err);
    if (code)
        return code;
    *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(*rows, standing_json(request, &purposes[i], words, n_words));
    return 0;
}

/* The customer, if the asker may see it. */
static int find(struct request *request, uint32_t *owner, struct err *err) {
    struct customer_summary summary;
    struct reader *reader;
    int code = customers_find(app_folder(request->app)->customers, slice_of(request->params[0]),
                              owner, err);
    if (code || !request->principal.units)
        return code;
    code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = reader_summaries(reader, owner, 1, &summary, err);
    reader_close(reader);
    return !code && !summary.interactions ? err_set(err, E_NOT_FOUND, "no such customer") : code;
}

static int show(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    json_t *rows;
    int code = find(request, &owner, err);
    if (!code)
        code = consents_read(request, owner, &rows, err);
    if (!code)
        response_list(response, rows, NULL);
    return code ? code : HANDLED;
}

int consent_say(struct request *request, uint32_t profile, const char *name, bool granted,
                int64_t at_ms, const char *via, const char *who, bool *written, struct err *err) {
    struct purpose purpose;
    if (!purpose_find(consents_here(request), slice_of(name), &purpose))
        return err_set(err, E_NOT_FOUND, "no such purpose");
    struct consent consent = {.purpose = purpose.name,
                              .granted = granted,
                              .at_ms = at_ms,
                              .via = via,
                              .who = who,
                              .wording = purpose.wording};
    return ingest_consent(app_folder(request->app)->ingest, profile, &consent, written, err);
}

static int read_time(const json_t *body, int64_t now_ms, int64_t *at_ms, struct err *err) {
    const json_t *time = json_object_get(body, "time");
    *at_ms = now_ms;
    if (!time)
        return 0;
    const char *text = json_string_value(time);
    if (!text || time_parse(slice_of(text), NULL, at_ms) < 0 || *at_ms > now_ms)
        return err_at(err, E_INVALID, "/time", "time is an instant that has passed");
    return 0;
}

static int say(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"granted", "time", NULL};
    uint32_t owner;
    int64_t at_ms;
    bool written;
    json_t *body, *rows;
    uint64_t erasure = 0;
    int code = find(request, &owner, err);
    if (!code)
        code = erasure_of(app_folder(request->app), owner, &erasure, err);
    if (!code && erasure)
        code = err_set(err, E_CONFLICT, "this customer was erased");
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    const json_t *granted = json_object_get(body, "granted");
    code = api_known(body, known, err);
    if (!code && !json_is_boolean(granted))
        code = err_at(err, E_INVALID, "/granted", "must be true or false");
    if (!code)
        code = read_time(body, request->received_ms, &at_ms, err);
    if (!code)
        code =
            consent_say(request, owner, request->params[1], json_is_true(granted), at_ms, "staff",
                        request->principal.name ? request->principal.name : "", &written, err);
    json_decref(body);
    if (!code)
        code = consents_read(request, owner, &rows, err);
    if (code)
        return code;
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(owner, id);
    audit_act(request, "consent.change", id, request->params[1]);
    response_list(response, rows, NULL);
    return HANDLED;
}

static int make_link(struct request *request, struct response *response, struct err *err) {
    uint32_t owner;
    int64_t days = CONSENT_LINK_DAYS;
    char token[CONSENT_LINK_BYTES], id[CUSTOMER_ID_BYTES];
    json_t *body = NULL;
    int code = find(request, &owner, err);
    if (!code && request->body.n)
        code = request_json(request, &body, err);
    const json_t *value = json_object_get(body, "days");
    if (!code && value) {
        days = json_is_integer(value) ? json_integer_value(value) : 0;
        if (days < 1 || days > 366)
            code = err_at(err, E_INVALID, "/days", "days is a number from 1 to 366");
    }
    json_decref(body);
    if (code)
        return code;
    int64_t expires_ms = request->received_ms + days * DAY_MILLISECONDS;
    consent_link_make(app_folder(request->app), owner, expires_ms, token);
    customer_id_format(owner, id);
    audit_act(request, "consent.link", id, "");
    json_t *json =
        json_pack("{s:o, s:o}", "url", json_sprintf("%s/c/%s", request_base_url(request), token),
                  "expires_at", api_instant(expires_ms));
    response_json(response, 201, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/purposes", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = list,
     .summary = "What data are used for, with basis (consent, interest, contract) and wording"},
    {METHOD_PUT, "/api/v1/purposes/{name}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = put,
     .summary = "Adds or changes a purpose: {\"basis\", \"title\", \"text\"}, texts as "
                "{\"es\",\"en\"}; other texts are a new wording"},
    {METHOD_DELETE, "/api/v1/purposes/{name}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = drop, .summary = "Takes a purpose away; what was said about it stays"},
    {METHOD_GET, "/api/v1/customers/{id}/consents", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = show,
     .summary = "What a customer said about each purpose, with history: time, source, wording"},
    {METHOD_PUT, "/api/v1/customers/{id}/consents/{purpose}", ACCESS_API, SCOPE_MANAGE,
     .handle = say, .summary = "Writes down what a customer said: {\"granted\", \"time\"}"},
    {METHOD_POST, "/api/v1/customers/{id}/consent-link", ACCESS_API, SCOPE_MANAGE,
     .handle = make_link,
     .summary = "A signed link to the customer's own page of consents; {\"days\"}, 30 by default"},
};
const struct route_table api_consent_routes = ROUTE_TABLE(routes);
