/*
 * Taking a batch: the signature, the chain, then each tap as an interaction through the ordinary pipeline.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>

#include "base/time.h"
#include "kiosk/taking.h"

enum { DAYS_MAX = KIOSK_TAPS_MAX };

/* ---- the batch ---- */

static int check_signature(const struct taking *taking, struct slice body, const char *signature,
                           struct err *err) {
    char mac[MAC_TEXT_BYTES];
    kiosk_mac(taking->signer.secret, &body, 1, mac);
    if (kiosk_mac_is(mac, signature))
        return 0;
    err_set(err, E_UNAUTHORIZED,
            signature ? "the signature is not this screen's"
                      : "the header Senda-Signature is missing");
    return err_hint(err,
                    "Pair the device again: its key was replaced or belongs to another screen.");
}

static int read_head(struct taking *taking, struct err *err) {
    const json_t *body = taking->body;
    int64_t sent_ms;
    taking->chain = tap_text(body, "chain");
    taking->boot = tap_text(body, "boot");
    if (!taking->chain[0] || strlen(taking->chain) > TAP_ID_BYTES)
        return err_at(err, E_INVALID, "/chain", "must be a text of 1 to %d bytes", TAP_ID_BYTES);
    if (time_parse(slice_of(tap_text(body, "sent_at")), NULL, &sent_ms))
        return err_at(err, E_INVALID, "/sent_at", "must be an instant");
    if (!json_is_array(json_object_get(body, "taps")))
        return err_at(err, E_INVALID, "/taps", "must be a list");
    taking->n = json_array_size(json_object_get(body, "taps"));
    if (taking->n > KIOSK_TAPS_MAX)
        return err_at(err, E_INVALID, "/taps", "a batch has at most %d taps", KIOSK_TAPS_MAX);
    taking->skew_ms = taking->received_ms - sent_ms;
    taking->mono_ms = tap_int(body, "mono");
    return 0;
}

/* Each mac follows from the one before it: nothing was changed, left out or put between. */
static int check_chain(struct taking *taking, struct err *err) {
    const json_t *list = json_object_get(taking->body, "taps");
    const char *before = tap_text(taking->body, "after");
    for (size_t i = 0; i < taking->n; i++) {
        const json_t *link = json_array_get(list, i), *tap = json_object_get(link, "tap");
        const char *said = tap_text(link, "mac");
        char pointer[32], mac[MAC_TEXT_BYTES];
        struct slice text = {json_is_string(tap) ? json_string_value(tap) : "",
                             json_string_length(tap)};
        struct slice parts[3] = {slice_of(before), SLICE_LITERAL("\n"), text};
        kiosk_mac(taking->signer.secret, parts, 3, mac);
        snprintf(pointer, sizeof pointer, "/taps/%zu/mac", i);
        if (!kiosk_mac_is(mac, said))
            return err_at(err, E_UNAUTHORIZED, pointer, "the chain of taps is broken here");
        before = said;
        taking->taps[i].raw = text;
    }
    return 0;
}

/* Taps in their order: those that the chain has not brought yet are judged. */
static void make_events(struct taking *taking, struct kiosk_news *news, int64_t known_seq) {
    int64_t before_ms = news->memory.last_ms[0];
    for (size_t i = 0; i < taking->n; i++) {
        struct tap *tap = &taking->taps[i];
        tap_read(taking, tap);
        news->lost += news->seq && tap->seq > news->seq + 1 ? tap->seq - news->seq - 1 : 0;
        news->seq = tap->seq > news->seq ? tap->seq : news->seq;
        if (tap->fault)
            continue;
        bool dated = tap_date(taking, tap, before_ms);
        if (tap->seq > known_seq) {
            struct misuse_memory none = {0};
            tap->misuse = misuse_of(dated ? &news->memory : &none, tap->time_ms, tap->extra);
            before_ms = tap->time_ms;
        }
        if (tap->answers)
            tap_survey_events(taking, tap);
        else
            tap_event(taking, tap, &taking->events[taking->n_events++]);
        tap->telling = taking->n_events - !tap->fault;
    }
}

static int submit(struct taking *taking, const struct source *source, struct err *err) {
    if (!taking->n_events)
        return 0;
    struct ingest_batch batch = {.source = *source,
                                 .events = taking->events,
                                 .n = taking->n_events,
                                 .bytes = KIOSK_BATCH_BYTES,
                                 .received_ms = taking->received_ms,
                                 .results = taking->results};
    return ingest_run(taking->folder->ingest, &batch, err);
}

/* ---- what came of it ---- */

/* Accepted taps by local day, for the counters. */
static void count_days(const struct taking *taking, struct kiosk_count *days, size_t *n,
                       int64_t *tap_ms) {
    for (size_t i = 0; i < taking->n; i++) {
        const struct tap *tap = &taking->taps[i];
        if (tap->fault || taking->results[tap->telling].outcome != OUTCOME_ACCEPTED)
            continue;
        int64_t day_ms = zone_bucket_start_ms(taking->folder->zone, BUCKET_DAY, tap->time_ms);
        size_t d = 0;
        while (d < *n && days[d].day_ms != day_ms)
            d++;
        *n += d == *n;
        days[d].day_ms = day_ms;
        days[d].misuse += tap->misuse != NULL;
        days[d].taps += !tap->misuse;
        days[d].happy += !tap->misuse && !tap->answers && 2 * tap->value > 1 + tap->faces;
        *tap_ms = tap->time_ms > *tap_ms ? tap->time_ms : *tap_ms;
    }
}

/* For limits and quotas. */
static int count_surveys(struct taking *taking, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < taking->n && !code; i++) {
        const struct tap *tap = &taking->taps[i];
        struct survey_context context = {.submission = slice_of(tap->id),
                                         .time_ms = tap->time_ms,
                                         .received_ms = taking->received_ms};
        if (tap->survey && !tap->partial && !tap->fault &&
            taking->results[tap->telling].outcome == OUTCOME_ACCEPTED)
            code = survey_count(taking->folder, tap->survey, tap->answers, &context, err);
    }
    return code;
}

static json_t *result_json(const struct tap *tap, const struct event_result *result) {
    static const char *const outcomes[] = {"accepted", "duplicate", "rejected"};
    json_t *json = json_pack("{s:s, s:s}", "id", tap->id, "outcome",
                             tap->fault ? "rejected" : outcomes[result->outcome]);
    if (tap->fault) {
        json_object_set_new(json, "code", json_string("bad_field"));
        json_object_set_new(json, "message", json_string(tap->fault));
    } else if (result->outcome == OUTCOME_REJECTED) {
        enum refusal refusal = (enum refusal)result->refusal;
        json_object_set_new(json, "code", json_string(refusal_code(refusal)));
        json_object_set_new(json, "message", json_string(refusal_text(refusal)));
    } else if (tap->misuse && result->outcome == OUTCOME_ACCEPTED) {
        json_object_set_new(json, "misuse", json_string(tap->misuse));
    }
    return json;
}

/* Of the survey that the screen shows now, 0: none; whether it takes answers. */
static int64_t shown_version(struct taking *taking, bool *open) {
    const char *id = tap_survey(taking_document(taking, 0));
    struct survey *survey;
    struct err ignored = {0};
    *open = false;
    if (!id || survey_find(taking->folder, slice_of(id), &survey, &ignored))
        return 0;
    int64_t version = survey->version;
    *open = survey_check_open(taking->folder, survey, taking->received_ms, &ignored) == 0;
    survey_release(survey);
    return version;
}

static json_t *answer_json(struct taking *taking) {
    char received[TIME_TEXT_BYTES];
    int64_t counts[3] = {0};
    json_t *results = json_array();
    for (size_t i = 0; i < taking->n; i++) {
        const struct tap *tap = &taking->taps[i];
        const struct event_result *result = tap->fault ? NULL : &taking->results[tap->telling];
        json_array_append_new(results, result_json(tap, result));
        counts[result ? result->outcome : OUTCOME_REJECTED]++;
    }
    bool open;
    int64_t version = shown_version(taking, &open);
    time_format(taking->received_ms, received);
    return json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:o}", "received_at", received,
                     "revision", (json_int_t)taking->newest, "survey_version", (json_int_t)version,
                     "survey_open", open, "accepted", (json_int_t)counts[OUTCOME_ACCEPTED],
                     "duplicates", (json_int_t)counts[OUTCOME_DUPLICATE], "rejected",
                     (json_int_t)counts[OUTCOME_REJECTED], "results", results);
}

/* The kiosk's lock is held: misuse is judged in the order of the taps. */
static int take_locked(struct taking *taking, const struct source *source, json_t **answer,
                       struct err *err) {
    struct kiosk_news news = {.kiosk = taking->signer.id, .chain = taking->chain};
    int64_t known_seq;
    int code =
        kiosk_known(taking->folder, news.kiosk, taking->chain, &known_seq, &news.memory, err);
    if (code)
        return code;
    news.seq = known_seq;
    make_events(taking, &news, known_seq);
    code = submit(taking, source, err);
    if (!code)
        code = count_surveys(taking, err);
    if (code)
        return code;
    struct kiosk_count *days = ARENA_ARRAY(&taking->arena, struct kiosk_count, DAYS_MAX);
    count_days(taking, days, &news.n_days, &news.tap_ms);
    int64_t waiting = tap_int(taking->body, "waiting");
    news.days = days;
    news.now_ms = taking->received_ms;
    news.waiting = waiting > 0 ? waiting : 0;
    news.skew_ms = taking->skew_ms;
    code = kiosk_note(taking->folder, &news, err);
    if (!code)
        *answer = answer_json(taking);
    return code;
}

static int ensure_source(const struct folder *folder, struct sources *sources,
                         struct source *source, struct err *err) {
    bool spanish = strcmp(folder->language, "es") == 0;
    return sources_ensure(sources, spanish ? "Pantallas de opinión" : "Opinion screens", "kiosk",
                          "kiosk", source, err);
}

static int read_batch(struct taking *taking, struct slice body, const char *signature,
                      struct err *err) {
    json_error_t fault;
    int code = kiosk_signer(taking->folder, taking->address, &taking->signer, err);
    if (!code)
        code = check_signature(taking, body, signature, err);
    if (code)
        return code;
    taking->body = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_object(taking->body))
        return err_set(err, E_MALFORMED, "the body is not a JSON object");
    code = read_head(taking, err);
    if (code)
        return code;
    taking->taps = ARENA_ARRAY(&taking->arena, struct tap, taking->n + 1);
    size_t events = TAP_EVENTS * taking->n + 1;
    taking->surveys = ARENA_ARRAY(&taking->arena, struct survey *, taking->n + 1);
    taking->events = ARENA_ARRAY(&taking->arena, struct event, events);
    taking->results = ARENA_ARRAY(&taking->arena, struct event_result, events);
    return check_chain(taking, err);
}

int kiosk_take(struct folder *folder, struct sources *sources, const char *address,
               struct slice body, const char *signature, int64_t received_ms, json_t **answer,
               struct err *err) {
    struct taking taking = {.folder = folder,
                            .address = address,
                            .received_ms = received_ms,
                            .parsed = json_array(),
                            .documents = json_object()};
    struct kiosks *kiosks;
    struct source source;
    json_t *today = NULL;
    arena_init(&taking.arena);
    int code = read_batch(&taking, body, signature, err);
    if (!code)
        code = kiosks_get(folder, &kiosks, err);
    if (!code)
        code = ensure_source(folder, sources, &source, err);
    if (!code && !taking_document(&taking, 0))
        code = err_set(err, E_CORRUPT, "an opinion screen cannot be read");
    if (!code) {
        pthread_mutex_lock(&kiosks->lock);
        code = take_locked(&taking, &source, answer, err);
        pthread_mutex_unlock(&kiosks->lock);
    }
    if (!code && kiosk_today(folder, taking.signer.id, received_ms, &today, err) == 0)
        json_object_set_new(*answer, "today", today);
    for (size_t i = 0; i < taking.n_surveys; i++)
        survey_release(taking.surveys[i]);
    sodium_memzero(&taking.signer, sizeof taking.signer);
    json_decref(taking.body);
    json_decref(taking.parsed);
    json_decref(taking.documents);
    arena_release(&taking.arena);
    return code;
}
