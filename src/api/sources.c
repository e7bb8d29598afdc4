/*
 * /api/v1/sources: where events come from, their write keys, snippets, counters, refusals and arrivals.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/arrival.h"
#include "base/limits.h"
#include "collect/consent.h"
#include "query/sight.h"

static json_t *counters_json(struct request *request, uint16_t number, json_t *json,
                             struct err *err) {
    struct ingest_counters counters = {0};
    if (ingest_counters(app_folder(request->app)->ingest, number, &counters, err))
        return NULL;
    uint64_t rejected = counters.rejected;
    json_object_set_new(json, "accepted", json_integer((json_int_t)counters.accepted));
    json_object_set_new(json, "duplicates", json_integer((json_int_t)counters.duplicates));
    json_object_set_new(json, "masked", json_integer((json_int_t)counters.masked));
    json_object_set_new(json, "rejected", json_integer((json_int_t)rejected));
    json_object_set_new(json, "last_at", api_instant(counters.last_ms));
    return json;
}

static json_t *source_json(const struct source_record *record) {
    char id[8];
    snprintf(id, sizeof id, "%u", record->number);
    const char *channel = record->channel && record->channel[0] ? record->channel : NULL;
    const char *unit = record->unit && record->unit[0] ? record->unit : NULL;
    const char *purpose = record->purpose && record->purpose[0] ? record->purpose : NULL;
    return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s, s:s, s:b, s:o}", "id", id, "name",
                     record->name, "kind", record->kind, "channel", channel, "unit", unit,
                     "purpose", purpose, "ip", record->ip && record->ip[0] ? record->ip : "short",
                     "write_key", record->write_key, "disabled", record->disabled, "created_at",
                     api_instant(record->created_ms));
}

static int find(struct request *request, struct source_record *record, struct err *err) {
    uint64_t number;
    int code = api_number(request->params[0], &number, err);
    if (code)
        return code;
    if (number == 0 || number > UINT16_MAX)
        return err_set(err, E_NOT_FOUND, "no such source");
    return sources_get(app_sources(request->app), (uint16_t)number, request->arena, record, err);
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct source_record *records;
    size_t n;
    int code = sources_list(app_sources(request->app), request->arena, &records, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = source_json(&records[i]);
        if (!counters_json(request, records[i].number, row, err)) {
            json_decref(row);
            json_decref(rows);
            return err->code;
        }
        json_array_append_new(rows, row);
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

static int answer(struct request *request, struct response *response,
                  const struct source_record *record, int status, bool counted, struct err *err) {
    json_t *json = source_json(record);
    response_header(request, response, "ETag", api_etag(request, json));
    if (counted && !counters_json(request, record->number, json, err)) {
        json_decref(json);
        return err->code;
    }
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    int code = find(request, &record, err);
    return code ? code : answer(request, response, &record, 200, true, err);
}

/* The purpose that its events serve, and what becomes of addresses. */
static int read_privacy(struct request *request, const json_t *body, struct source_record *record,
                        struct err *err) {
    struct consents *consents = ingest_consents(app_folder(request->app)->ingest);
    struct purpose purpose;
    int code = 0;
    if (json_is_null(json_object_get(body, "purpose")))
        record->purpose = "";
    else
        code = api_text(body, "purpose", record->purpose ? record->purpose : "", LIMIT_NAME_BYTES,
                        &record->purpose, err);
    if (!code)
        code = api_text(body, "ip", record->ip ? record->ip : "short", LIMIT_NAME_BYTES,
                        &record->ip, err);
    if (!code && record->purpose[0] && json_object_get(body, "purpose") &&
        !purpose_find(consents, slice_of(record->purpose), &purpose))
        code = err_at(err, E_INVALID, "/purpose", "no such purpose");
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "name", NULL, LIMIT_NAME_BYTES, &record.name, err);
    if (!code)
        code = api_text(body, "kind", "server", LIMIT_NAME_BYTES, &record.kind, err);
    if (!code)
        code = api_text(body, "channel", "", LIMIT_NAME_BYTES, &record.channel, err);
    if (!code)
        code = api_text(body, "unit", "", LIMIT_NAME_BYTES, &record.unit, err);
    if (!code)
        code = read_privacy(request, body, &record, err);
    if (!code && !record.name[0])
        code = err_at(err, E_INVALID, "/name", "name is missing");
    if (!code)
        code = sources_add(app_sources(request->app), request->arena, &record, err);
    if (!code) {
        audit_act(request, "source.add", record.name, "");
        response_header(request, response, "Location",
                        arena_format(request->arena, "/api/v1/sources/%u", record.number));
        code = answer(request, response, &record, 201, false, err);
    }
    json_decref(body);
    return code;
}

static int unchanged(struct request *request, const struct source_record *record, struct err *err) {
    json_t *json = source_json(record);
    int code = api_if_match(request, json, err);
    json_decref(json);
    return code;
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    json_t *body;
    int code = find(request, &record, err);
    if (!code)
        code = unchanged(request, &record, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "name", record.name, LIMIT_NAME_BYTES, &record.name, err);
    if (!code)
        code = api_text(body, "kind", record.kind, LIMIT_NAME_BYTES, &record.kind, err);
    if (!code)
        code = api_text(body, "channel", record.channel, LIMIT_NAME_BYTES, &record.channel, err);
    if (!code && json_is_null(json_object_get(body, "unit")))
        record.unit = "";
    else if (!code)
        code = api_text(body, "unit", record.unit, LIMIT_NAME_BYTES, &record.unit, err);
    if (!code)
        code = read_privacy(request, body, &record, err);
    const json_t *disabled = json_object_get(body, "disabled");
    if (disabled)
        record.disabled = json_is_true(disabled);
    if (!code)
        code = sources_change(app_sources(request->app), &record, err);
    if (!code) {
        audit_act(request, "source.change", record.name, record.disabled ? "disabled" : "");
        code = answer(request, response, &record, 200, true, err);
    }
    json_decref(body);
    return code;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    int code = find(request, &record, err);
    if (!code)
        code = sources_remove(app_sources(request->app), record.number, err);
    if (code)
        return code;
    audit_act(request, "source.remove", record.name, "");
    response->status = 204;
    return HANDLED;
}

/* A new write key; the old one stops working. */
static int rotate(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    const char *key;
    int code = find(request, &record, err);
    if (!code)
        code = sources_rotate(app_sources(request->app), record.number, request->arena, &key, err);
    if (code)
        return code;
    record.write_key = key;
    audit_act(request, "source.rotate", record.name, "");
    return answer(request, response, &record, 200, true, err);
}

/* ---- what to paste where ---- */

static void add_way(json_t *ways, const char *way, const char *code) {
    json_array_append_new(ways, json_pack("{s:s, s:s}", "way", way, "code", code));
}

static int snippet(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    int code = find(request, &record, err);
    if (code)
        return code;
    const char *base = request_base_url(request), *key = record.write_key;
    json_t *ways = json_array();
    add_way(ways, "web",
            arena_format(request->arena,
                         "<script src=\"%s/senda.js\" data-key=\"%s\" defer></script>", base, key));
    add_way(ways, "node",
            arena_format(request->arena,
                         "import { Analytics } from '@segment/analytics-node'\n\n"
                         "const analytics = new Analytics({ writeKey: '%s', host: '%s' })\n"
                         "analytics.track({ userId: '42', event: 'Order Completed', properties: { "
                         "total: 12.5 } })",
                         key, base));
    add_way(ways, "http",
            arena_format(request->arena,
                         "curl -u '%s:' -H 'Content-Type: application/json' %s/v1/track \\\n"
                         "  -d '{\"userId\":\"42\",\"event\":\"Order "
                         "Completed\",\"properties\":{\"total\":12.5}}'",
                         key, base));
    json_t *json = json_pack("{s:s, s:s, s:o}", "write_key", key, "url", base, "ways", ways);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- what came, and what was refused: the latter belongs to no unit ---- */

struct reason {
    enum refusal refusal;
    uint64_t n;
};

static int by_count(const void *a, const void *b) {
    const struct reason *x = a, *y = b;
    return (y->n > x->n) - (y->n < x->n);
}

static json_t *reasons_json(const struct ingest_counters *counters) {
    struct reason counts[REFUSAL_COUNT];
    size_t n = 0;
    for (int i = 1; i < REFUSAL_COUNT; i++)
        if (counters->refused_by_reason[i])
            counts[n++] = (struct reason){(enum refusal)i, counters->refused_by_reason[i]};
    qsort(counts, n, sizeof *counts, by_count);
    json_t *reasons = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(reasons, json_pack("{s:s, s:s, s:I}", "reason",
                                                 refusal_code(counts[i].refusal), "message",
                                                 refusal_text(counts[i].refusal), "count",
                                                 (json_int_t)counts[i].n));
    return reasons;
}

/* Does what came name a property that the asker is not shown? The text may be cut, so it is not read as JSON. */
static bool names_hidden(const struct sight *sight, const struct property_note *notes, size_t n,
                         const char *raw) {
    for (size_t i = 0; i < n; i++)
        if (strstr(raw, notes[i].name) && sight_hides_name(sight, slice_of(notes[i].name)))
            return true;
    return false;
}

static json_t *refusal_json(const struct refused_event *event, bool hidden) {
    /* The bytes as they came may be no UTF-8. */
    struct buf raw;
    buf_init(&raw, 8 * sizeof event->raw);
    for (const char *c = event->raw; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte >= 0x7F)
            buf_add_format(&raw, byte >= 0x80 ? "\\x%02x" : " ", byte);
        else
            buf_add_char(&raw, *c);
    }
    json_t *text = hidden ? json_null() : json_string(event->raw);
    if (!text)
        text = json_string(raw.p ? raw.p : "");
    buf_release(&raw);
    json_t *message = json_string(event->message);
    return json_pack("{s:o, s:s, s:o, s:o, s:o*}", "time", api_instant(event->time_ms), "reason",
                     refusal_code(event->refusal), "message",
                     message ? message : json_string(refusal_text(event->refusal)), "raw", text,
                     "hidden", hidden ? json_true() : NULL);
}

static int refusals(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    struct ingest_counters counters = {0};
    int64_t limit;
    int code = find(request, &record, err);
    if (!code)
        code = request_query_int(request, "limit", 100, 1, LIMIT_REFUSALS_KEPT, &limit, err);
    struct ingest *ingest = app_folder(request->app)->ingest;
    if (!code)
        code = ingest_counters(ingest, record.number, &counters, err);
    if (code)
        return code;
    struct refused_event *events = ARENA_ARRAY(request->arena, struct refused_event, (size_t)limit);
    size_t n = request->principal.units
                   ? 0
                   : ingest_refusals(ingest, record.number, events, (size_t)limit);
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    struct property_note *notes = NULL;
    size_t n_notes = 0;
    if (sight.hidden)
        code = registry_list(app_folder(request->app), request->arena, &notes, &n_notes, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            rows, refusal_json(&events[i], names_hidden(&sight, notes, n_notes, events[i].raw)));
    json_t *reasons = reasons_json(&counters);
    api_say(request, rows, "message");
    api_say(request, reasons, "message");
    json_t *json = json_pack("{s:o, s:n, s:o}", "data", rows, "next", "reasons", reasons);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int arrivals(struct request *request, struct response *response, struct err *err) {
    struct source_record record = {.channel = ""};
    int64_t limit;
    int code = find(request, &record, err);
    if (!code)
        code = request_query_int(request, "limit", 20, 1, ARRIVALS_MAX, &limit, err);
    json_t *rows = NULL;
    if (!code)
        code = arrivals_json(request, record.number, (size_t)limit, 0, &rows, NULL, err);
    if (code)
        return code;
    response_list(response, rows, NULL);
    return HANDLED;
}

#define SOURCE "{\"$ref\":\"#/components/schemas/Source\"}"
static const struct route routes[] = {
    {METHOD_GET, "/api/v1/sources", ACCESS_API, SCOPE_MANAGE, .handle = list,
     .summary = "All sources with their counters"},
    {METHOD_POST, "/api/v1/sources", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes a source and its write key", .request_schema = SOURCE,
     .response_schema = SOURCE},
    {METHOD_GET, "/api/v1/sources/{id}", ACCESS_API, SCOPE_MANAGE, .handle = get,
     .summary = "One source", .response_schema = SOURCE},
    {METHOD_PATCH, "/api/v1/sources/{id}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .summary = "Changes name, kind, channel, unit, disabled", .request_schema = SOURCE,
     .response_schema = SOURCE},
    {METHOD_DELETE, "/api/v1/sources/{id}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a source: its key stops working, its interactions stay"},
    {METHOD_POST, "/api/v1/sources/{id}/rotate", ACCESS_API, SCOPE_MANAGE, .handle = rotate,
     .summary = "A new write key in place of the present one", .response_schema = SOURCE},
    {METHOD_GET, "/api/v1/sources/{id}/snippet", ACCESS_API, SCOPE_MANAGE, .handle = snippet,
     .summary = "What to paste where, to send events"},
    {METHOD_GET, "/api/v1/sources/{id}/refusals", ACCESS_API, SCOPE_MANAGE, .handle = refusals,
     .summary = "The last refused events with their reasons, and counts by reason"},
    {METHOD_GET, "/api/v1/sources/{id}/arrivals", ACCESS_API, SCOPE_MANAGE, .handle = arrivals,
     .summary = "The last accepted events"},
};
const struct route_table api_source_routes = ROUTE_TABLE(routes);
