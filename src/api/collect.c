/*
 * Collection: /v1/track and its sisters, as the clients of Segment, RudderStack and Jitsu call them.
 *
 * The parser is chosen by the path, never by the content type (JSON arrives as text/plain and form-urlencoded). The
 * write key comes as Basic user, Bearer, x-write-key ("key:secret" of Jitsu), ?writeKey= or in the body.
 *
 * A handler runs in the connection's thread: it parses, hands what is good to the writer and leaves; the answer is
 * given by collected(), in the writer's thread, once everything is durable. Where there is no room, it waits meanwhile.
 *
 * A body that is not JSON is refused whole (400). In a batch any other fault concerns its event only; a single event
 * that is refused is the request's refusal.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "collect/ingest.h"

enum { KEY_MAX = 200, ANSWER_MAX_BYTES = 2 * 1024 * 1024, PER_EVENT_BYTES = 512 };

struct rejected {
    uint32_t index;
    enum refusal refusal;
    const char *message;
};

struct collecting {
    struct ingest_batch batch;
    struct request *request;
    bool single;
    struct slice *raw; /* [n] of the request */
    uint32_t *index;   /* [batch.n] of an accepted event in the request */
    struct rejected *rejected;
    size_t n_rejected;
};

/* ---- the write key ---- */

static struct slice basic_user(struct request *request, const char *encoded) {
    char *text = arena_get(request->arena, KEY_MAX + 1);
    size_t n = 0;
    if (sodium_base642bin((unsigned char *)text, KEY_MAX, encoded, strlen(encoded), " ", &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return (struct slice){NULL, 0};
    text[n] = 0;
    return (struct slice){text, strcspn(text, ":")};
}

/* From the head or the address; absent if it is only in the body. */
static struct slice said_key(struct request *request) {
    const char *authorization = request_header(request, "Authorization");
    struct slice key = {NULL, 0};
    if (authorization && strncasecmp(authorization, "Basic ", 6) == 0)
        key = basic_user(request, authorization + 6);
    else if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
        key = slice_of(authorization + 7);
    if (!key.n)
        key = slice_of(request_header(request, "x-write-key"));
    if (!key.n)
        key = slice_of(request_query(request, "writeKey"));
    return key;
}

static int find_source(struct request *request, struct slice key, struct source *source,
                       struct err *err) {
    bool disabled = false;
    const char *colon = key.n ? memchr(key.p, ':', key.n) : NULL;
    if (colon)
        key.n = (size_t)(colon - key.p);
    if (!key.n)
        return err_set(err, E_UNAUTHORIZED, "the write key is missing");
    if (sources_find(app_sources(request->app), key, source, &disabled))
        return err_set(err, E_UNAUTHORIZED, "unknown write key");
    if (!disabled)
        return 0;
    ingest_refuse(app_folder(request->app)->ingest, *source, REFUSAL_BLOCKED,
                  refusal_text(REFUSAL_BLOCKED), (struct slice){"", 0}, request->received_ms);
    return err_set(err, E_FORBIDDEN, "this source is switched off");
}

/* ---- answers ---- */

static int refusal_status(enum refusal refusal) {
    switch (refusal) {
    case REFUSAL_MALFORMED:
    case REFUSAL_TOO_DEEP:
    case REFUSAL_NOT_UTF8:
    case REFUSAL_DUPLICATE_KEY: return E_MALFORMED;
    case REFUSAL_TOO_LARGE: return E_TOO_LARGE;
    case REFUSAL_BLOCKED: return E_FORBIDDEN;
    default: return E_INVALID;
    }
}

/* The member at fault, where it is one; "": the event as a whole. */
static const char *refusal_pointer(enum refusal refusal) {
    switch (refusal) {
    case REFUSAL_UNKNOWN_TYPE: return "/type";
    case REFUSAL_NO_NAME: return "/event";
    case REFUSAL_NO_IDENTITY:
    case REFUSAL_NOBODY: return "/userId";
    case REFUSAL_BAD_TIME:
    case REFUSAL_TIME_OUT_OF_RANGE: return "/timestamp";
    case REFUSAL_TOO_MANY_PROPERTIES: return "/properties";
    default: return "";
    }
}

/* A single event that is refused is the request's refusal. */
static int refuse_single(const struct collecting *collecting, struct err *err) {
    const struct rejected *rejected = &collecting->rejected[0];
    return err_at(err, refusal_status(rejected->refusal), refusal_pointer(rejected->refusal), "%s",
                  rejected->message);
}

static void answer_results(const struct collecting *collecting, struct response *response) {
    const struct ingest_batch *batch = &collecting->batch;
    struct buf *body = &response->body;
    buf_init(body, ANSWER_MAX_BYTES);
    buf_add_format(body, "{\"success\":true,\"accepted\":%zu,\"duplicates\":%zu,\"rejected\":[",
                   batch->accepted, batch->duplicates);
    for (size_t i = 0; i < collecting->n_rejected; i++) {
        const struct rejected *rejected = &collecting->rejected[i];
        buf_add_format(body, "%s{\"index\":%u,\"code\":\"%s\",\"message\":", i ? "," : "",
                       rejected->index, refusal_code(rejected->refusal));
        json_add_text(body, slice_of(rejected->message));
        buf_add_char(body, '}');
    }
    buf_add_text(body, "]}");
    response->status = 200;
}

static int by_index(const void *a, const void *b) {
    const struct rejected *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* What the writer refused joins what was refused before it. */
static void take_results(struct collecting *collecting) {
    const struct ingest_batch *batch = &collecting->batch;
    if (!batch->rejected)
        return;
    for (size_t i = 0; i < batch->n; i++) {
        enum refusal refusal = (enum refusal)batch->results[i].refusal;
        if (batch->results[i].outcome == OUTCOME_REJECTED)
            collecting->rejected[collecting->n_rejected++] =
                (struct rejected){collecting->index[i], refusal, refusal_text(refusal)};
    }
    qsort(collecting->rejected, collecting->n_rejected, sizeof *collecting->rejected, by_index);
}

/* In the writer's thread: the events are durable, or the commit failed. */
static void collected(struct ingest_batch *batch, int code, const struct err *failure) {
    struct collecting *collecting = batch->context;
    struct request *request = collecting->request;
    struct app_metrics *metrics = app_metrics(request->app);
    struct response response = {0};
    struct err err = {0};
    if (code) {
        err = *failure;
        if (!err.code)
            err.code = code;
        response_problem(request, &response, &err);
        request_complete(request, &response);
        return;
    }
    take_results(collecting);
    atomic_fetch_add_explicit(&metrics->events_accepted, batch->accepted, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->events_duplicate, batch->duplicates, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->events_rejected, collecting->n_rejected,
                              memory_order_relaxed);
    if (collecting->single && collecting->n_rejected) {
        (void)refuse_single(collecting, &err);
        response_problem(request, &response, &err);
    } else {
        answer_results(collecting, &response);
    }
    request_complete(request, &response);
}

/* ---- the pipeline up to the writer ---- */

static void refuse_event(struct collecting *collecting, size_t i, enum refusal refusal,
                         const char *message) {
    struct request *request = collecting->request;
    const char *text =
        arena_text(request->arena, slice_of(message[0] ? message : refusal_text(refusal)));
    collecting->rejected[collecting->n_rejected++] = (struct rejected){(uint32_t)i, refusal, text};
    ingest_refuse(app_folder(request->app)->ingest, collecting->batch.source, refusal, text,
                  collecting->raw[i], request->received_ms);
}

/* Parses all events; the good ones stand one after the other in *events. */
static int parse_events(struct collecting *collecting, const struct event_batch *body, int type,
                        struct event *events, struct err *err) {
    struct request *request = collecting->request;
    char message[EVENT_MESSAGE_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < body->n; i++) {
        message[0] = 0;
        enum refusal refusal =
            event_parse(body->events[i], type, body->sent_ms, request->received_ms, request->arena,
                        &events[n], message);
        if (!refusal && body->context.p)
            refusal = event_add_context(body->context, request->arena, &events[n], message);
        if (refusal == REFUSAL_MALFORMED && !collecting->single)
            return err_at(err, E_MALFORMED, arena_format(request->arena, "/batch/%zu", i),
                          "event %zu of the batch is not valid JSON", i);
        if (refusal) {
            refuse_event(collecting, i, refusal, message);
            continue;
        }
        collecting->index[n++] = (uint32_t)i;
    }
    collecting->batch.n = n;
    return 0;
}

static int submit(struct collecting *collecting, struct response *response, struct err *err) {
    struct request *request = collecting->request;
    if (collecting->single && collecting->n_rejected) {
        atomic_fetch_add_explicit(&app_metrics(request->app)->events_rejected, 1,
                                  memory_order_relaxed);
        return refuse_single(collecting, err);
    }
    if (!collecting->batch.n) {
        atomic_fetch_add_explicit(&app_metrics(request->app)->events_rejected,
                                  collecting->n_rejected, memory_order_relaxed);
        answer_results(collecting, response);
        return HANDLED;
    }
    int code = ingest_collect(app_folder(request->app)->ingest, &collecting->batch, err);
    return code ? code : SUSPENDED;
}

/* A browser names itself in every request it makes with a body: by Origin, or by how its User-Agent begins. What it
   sends happened on the web, unless the event or the source says another channel. */
static bool from_browser(const struct request *request) {
    const char *agent = request_header(request, "User-Agent");
    return request_header(request, "Origin") ||
           (agent && strncmp(agent, "Mozilla/", strlen("Mozilla/")) == 0);
}

static int collect(struct request *request, struct response *response, int type, bool single,
                   struct err *err) {
    struct source source = {0};
    struct event_batch body = {0};
    struct slice key = said_key(request);
    int code = request_says_json(request, err);
    if (!code && key.n)
        code = find_source(request, key, &source, err);
    if (!code)
        code = event_batch_split(request->body, single, request->arena, &body, err);
    if (!code && !key.n)
        code = find_source(request, body.write_key, &source, err);
    if (code)
        return code;
    if (body.n && single && body.events[0].n == 0)
        return err_set(err, E_MALFORMED, "the body is empty");
    if (!source.channel.n && from_browser(request))
        source.channel = slice_of("web");
    struct collecting *collecting = ARENA_ARRAY(request->arena, struct collecting, 1);
    struct event *events = arena_get(request->arena, (body.n + 1) * sizeof *events);
    collecting->request = request;
    collecting->single = single;
    collecting->raw = body.events;
    collecting->index = arena_get(request->arena, (body.n + 1) * sizeof *collecting->index);
    collecting->rejected = arena_get(request->arena, (body.n + 1) * sizeof *collecting->rejected);
    collecting->batch = (struct ingest_batch){
        .source = source,
        .events = events,
        .bytes = request->body.n + body.n * PER_EVENT_BYTES,
        .received_ms = request->received_ms,
        .done = collected,
        .context = collecting,
        .results = ARENA_ARRAY(request->arena, struct event_result, body.n + 1)};
    code = parse_events(collecting, &body, type, events, err);
    return code ? code : submit(collecting, response, err);
}

#define SINGLE(name, type)                                                                         \
    static int name(struct request *request, struct response *response, struct err *err) {         \
        return collect(request, response, type, true, err);                                        \
    }
SINGLE(track, EVENT_TRACK)
SINGLE(identify, EVENT_IDENTIFY)
SINGLE(page, EVENT_PAGE)
SINGLE(screen, EVENT_SCREEN)
SINGLE(group, EVENT_GROUP)
SINGLE(alias, EVENT_ALIAS)
SINGLE(any_type, -1)

static int batch(struct request *request, struct response *response, struct err *err) {
    return collect(request, response, -1, false, err);
}

/* Measurements that a client takes of itself: read and forgotten. */
static int forget(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)err;
    response->status = 204;
    return HANDLED;
}

#define EVENT_REQUEST "{\"$ref\":\"#/components/schemas/Event\"}"
#define BATCH_REQUEST                                                                              \
    "{\"type\":\"object\",\"required\":[\"batch\"],\"properties\":{\"batch\":{\"type\":\"array\"," \
    "\"maxItems\":2500,"                                                                           \
    "\"items\":{\"$ref\":\"#/components/schemas/"                                                  \
    "Event\"}},\"sentAt\":{\"type\":\"string\",\"format\":\"date-time\"},"                         \
    "\"writeKey\":{\"type\":\"string\"}}}"
#define RESULT "{\"$ref\":\"#/components/schemas/Collected\"}"
#define ONE(path, handler, text)                                                                   \
    {                                                                                              \
        METHOD_POST, path, ACCESS_WRITE_KEY, .inline_handler = true, .handle = handler,            \
                                             .summary = text, .request_schema = EVENT_REQUEST,     \
                                             .response_schema = RESULT                             \
    }
#define MANY(path, text)                                                                           \
    {                                                                                              \
        METHOD_POST, path, ACCESS_WRITE_KEY, .inline_handler = true, .handle = batch,              \
                                             .summary = text, .body_limit = LIMIT_BATCH_BYTES,     \
                                             .request_schema = BATCH_REQUEST,                      \
                                             .response_schema = RESULT                             \
    }

static const struct route routes[] = {
    ONE("/v1/track", track, "One interaction"),
    ONE("/v1/identify", identify, "Who a customer is"),
    ONE("/v1/page", page, "A page was viewed"),
    ONE("/v1/screen", screen, "A screen of an app was viewed"),
    ONE("/v1/group", group, "What a customer belongs to"),
    ONE("/v1/alias", alias, "Two ids are one customer"),
    MANY("/v1/batch", "Up to 2,500 events, with a result for each that is refused"),
    MANY("/v1/import", "As batch, for history"),
    /* Short names of analytics.js. */
    ONE("/v1/t", track, NULL),
    ONE("/v1/i", identify, NULL),
    ONE("/v1/p", page, NULL),
    ONE("/v1/s", screen, NULL),
    ONE("/v1/g", group, NULL),
    ONE("/v1/a", alias, NULL),
    MANY("/v1/b", NULL),
    {METHOD_POST, "/v1/m", ACCESS_WRITE_KEY, .inline_handler = true, .handle = forget},
    /* RudderStack in a page that closes. */
    MANY("/beacon/v1/batch", NULL),
    /* Jitsu. */
    ONE("/api/s/track", track, NULL),
    ONE("/api/s/identify", identify, NULL),
    ONE("/api/s/page", page, NULL),
    ONE("/api/s/screen", screen, NULL),
    ONE("/api/s/group", group, NULL),
    ONE("/api/s/alias", alias, NULL),
    ONE("/api/s/event", any_type, NULL),
    MANY("/api/s/batch", NULL),
    ONE("/api/s/s2s/track", track, NULL),
    ONE("/api/s/s2s/identify", identify, NULL),
    ONE("/api/s/s2s/page", page, NULL),
    ONE("/api/s/s2s/screen", screen, NULL),
    ONE("/api/s/s2s/group", group, NULL),
    ONE("/api/s/s2s/alias", alias, NULL),
    MANY("/api/s/s2s/batch", NULL),
};
const struct route_table api_collect_routes = ROUTE_TABLE(routes);
