/*
 * GET /api/v1/stream: server-sent events of what happens now.
 *
 *   event: arrival   one accepted interaction, as in /api/v1/sources/{id}/arrivals, of units that the asker may see (not for viewers)
 *   event: source    {"source","accepted","duplicates","rejected","last_at"} of ?source=, when it changed
 *   event: counters  {"interactions","accepted","duplicates","rejected"} of everything, when it changed
 *   event: kiosk     with ?kiosks=1, {"id","name","unit","state"} of each opinion screen one sees, when any of them changed
 *
 * At most BURST arrivals a time: a live view is for people, not for copying the log.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/arrival.h"
#include "base/clock.h"
#include "http/account.h"
#include "kiosk/kiosk.h"

enum { BURST = 20, COUNTERS_MS = 1000, KIOSKS_MS = 60000 };

struct live {
    struct request *request;
    struct arena arena; /* of one round */
    int source;
    uint64_t last, interactions;
    int64_t counted_ms;
    uint64_t accepted, rejected, duplicates;
    bool begun, kiosks;
    uint64_t kiosk_changes;
    int64_t kiosks_ms;
};

static void say(struct buf *chunk, const char *event, const json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    if (text)
        buf_add_format(chunk, "event: %s\ndata: %s\n\n", event, text);
    free(text);
}

static void say_arrivals(struct live *live, struct buf *chunk) {
    /* A round of its own memory: the request lives as long as the stream. */
    struct request round = *live->request;
    round.arena = &live->arena;
    json_t *rows = NULL;
    struct err err = {0};
    if (live->request->principal.floor || /* each is somebody */
        arrivals_json(&round, live->source, BURST, live->last, &rows, &live->last, &err))
        return;
    for (size_t i = json_array_size(rows); i--;)
        say(chunk, "arrival", json_array_get(rows, i));
    json_decref(rows);
}

static void say_source(struct live *live, struct buf *chunk) {
    struct ingest_counters counters;
    struct err err = {0};
    if (ingest_counters(app_folder(live->request->app)->ingest, (uint16_t)live->source, &counters,
                        &err))
        return;
    if (live->begun && counters.accepted == live->accepted && counters.rejected == live->rejected &&
        counters.duplicates == live->duplicates)
        return;
    live->accepted = counters.accepted, live->rejected = counters.rejected,
    live->duplicates = counters.duplicates;
    json_t *json = json_pack(
        "{s:o, s:I, s:I, s:I, s:o}", "source", json_sprintf("%d", live->source), "accepted",
        (json_int_t)counters.accepted, "duplicates", (json_int_t)counters.duplicates, "rejected",
        (json_int_t)counters.rejected, "last_at", api_instant(counters.last_ms));
    say(chunk, "source", json);
    json_decref(json);
}

static void say_counters(struct live *live, struct buf *chunk) {
    struct app_metrics *metrics = app_metrics(live->request->app);
    struct timeline_stats stats;
    timeline_stats(app_folder(live->request->app)->timeline, &stats);
    if (live->begun && stats.rows == live->interactions)
        return;
    live->interactions = stats.rows;
    json_t *json = json_pack("{s:I, s:I, s:I, s:I}", "interactions", (json_int_t)stats.rows,
                             "accepted", (json_int_t)atomic_load(&metrics->events_accepted),
                             "duplicates", (json_int_t)atomic_load(&metrics->events_duplicate),
                             "rejected", (json_int_t)atomic_load(&metrics->events_rejected));
    say(chunk, "counters", json);
    json_decref(json);
}

/* Also every minute: a screen that is silent changes nothing. */
static void say_kiosks(struct live *live, struct buf *chunk, int64_t now_ms) {
    struct folder *folder = app_folder(live->request->app);
    uint64_t changes = kiosk_changes(folder);
    json_t *list, *kiosk;
    struct err err = {0};
    size_t i;
    if (live->kiosks_ms && changes == live->kiosk_changes && now_ms - live->kiosks_ms < KIOSKS_MS)
        return;
    live->kiosk_changes = changes;
    live->kiosks_ms = now_ms;
    if (kiosk_list(folder, &live->request->principal, now_ms, &list, &err))
        return;
    json_array_foreach(list, i, kiosk) {
        json_t *told =
            json_pack("{s:O, s:O, s:O*, s:O}", "id", json_object_get(kiosk, "id"), "name",
                      json_object_get(kiosk, "name"), "unit", json_object_get(kiosk, "unit"),
                      "state", json_object_get(kiosk, "state"));
        say(chunk, "kiosk", told);
        json_decref(told);
    }
    json_decref(list);
}

/* Who asked is asked again: a session that ended, a key removed or other rights end the stream; a browser connects anew. */
static bool still_may(struct live *live) {
    const struct principal *then = &live->request->principal;
    struct request again = *live->request;
    struct err err = {0};
    again.arena = &live->arena;
    again.received_ms = clock_now_ms();
    again.principal = (struct principal){0};
    if (accounts_identify(&again, &err) < 0)
        return false;
    const struct principal *now = &again.principal;
    return now->user == then->user && now->key == then->key && now->role == then->role &&
           now->scopes == then->scopes && !now->units == !then->units &&
           now->n_units == then->n_units &&
           (!now->units || memcmp(now->units, then->units, now->n_units * sizeof *now->units) == 0);
}

static int next(void *context, struct buf *chunk) {
    struct live *live = context;
    int64_t now_ms = clock_now_ms();
    if (now_ms - live->counted_ms >= COUNTERS_MS && live->begun && !still_may(live)) {
        arena_clear(&live->arena);
        return 0;
    }
    say_arrivals(live, chunk);
    if (now_ms - live->counted_ms >= COUNTERS_MS || !live->begun) {
        live->counted_ms = now_ms;
        if (live->source >= 0 && (live->request->principal.scopes & SCOPE_MANAGE))
            say_source(live, chunk);
        else if (!live->request->principal.units)
            say_counters(live, chunk);
        if (live->kiosks)
            say_kiosks(live, chunk, now_ms);
        live->begun = true;
    }
    arena_clear(&live->arena);
    return 2;
}

static void end(void *context) {
    struct live *live = context;
    arena_release(&live->arena);
    free(live);
}

static int open_stream(struct request *request, struct response *response, struct err *err) {
    int64_t source;
    int code = request_query_int(request, "source", -1, 0, UINT16_MAX, &source, err);
    if (code)
        return code;
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        abort();
    struct arrival newest;
    live->request = request;
    live->source = (int)source;
    live->kiosks = request_query(request, "kiosks") != NULL;
    arena_init(&live->arena);
    /* Only what comes from now on. */
    if (ingest_arrivals(app_folder(request->app)->ingest, live->source, &newest, 1))
        live->last = newest.seq;
    response->type = "text/event-stream";
    response_header(request, response, "Cache-Control", "no-store");
    response_header(request, response, "X-Accel-Buffering", "no");
    buf_init(&response->body, 1 << 20);
    buf_add_text(&response->body, "retry: 3000\n\n");
    response->stream = next;
    response->stream_done = end;
    response->stream_context = live;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/stream", ACCESS_API, SCOPE_QUERY, .handle = open_stream,
     .summary = "Server-sent events: arrivals and counters, live"},
};
const struct route_table api_stream_routes = ROUTE_TABLE(routes);
