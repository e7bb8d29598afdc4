/*
 * Taking a batch: the signature, the chain, the clock, then each tap as an interaction through the ordinary pipeline.
 *
 * CLOCK  A tap of the same start of the device as the batch (boot) is as old as its counter says (mono), whatever happened to the
 * device's clock since. One of an earlier start bears the device's clock, repaired by how much that clock is off now. No tap
 * lies in the future, and none before the kiosk was made: it then takes the instant of the tap before it.
 * What has no credible instant is no misuse for being close to another.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <sodium.h>
#include <stdio.h>

#include "base/json_out.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/mask.h"
#include "kiosk/internal.h"

enum {
    ID_BYTES = 64,
    PROPERTIES = 12,
    ANSWERS_BYTES = 8192,
    EARLY_MS = 86400000,
    SLACK_MS = 2000,
    DAYS_MAX = KIOSK_TAPS_MAX,
    EVENTS_OF_TAP = 3
};

struct tap {
    const char *id, *text, *language, *misuse;
    int64_t seq, at_ms, mono_ms, revision, value, faces, extra, time_ms;
    bool same_boot, has_mono;
    const json_t *choices, *answers; /* answers: of a terminal, else NULL */
    int64_t survey_version;
    const struct survey *survey;
    bool partial;
    size_t telling; /* which of the batch's events says what came of it */
    struct slice raw;
    const char *fault; /* why it is refused, or NULL */
};

struct taking {
    struct folder *folder;
    const char *address;
    struct kiosk_signer signer;
    struct arena arena;
    json_t *body, *parsed; /* parsed: its taps, whose texts are viewed */
    json_t *documents;     /* by revision */
    int64_t received_ms, skew_ms, mono_ms, newest;
    const char *chain, *boot;
    struct tap *taps;
    struct survey **surveys; /* [n] kept as long as events view them */
    size_t n, n_surveys;
    struct event *events;
    size_t n_events;
    struct event_result *results;
};

static const char *text_of_member(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static int64_t int_of(const json_t *json, const char *name) {
    return json_integer_value(json_object_get(json, name));
}

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
    taking->chain = text_of_member(body, "chain");
    taking->boot = text_of_member(body, "boot");
    if (!taking->chain[0] || strlen(taking->chain) > ID_BYTES)
        return err_at(err, E_INVALID, "/chain", "must be a text of 1 to %d bytes", ID_BYTES);
    if (time_parse(slice_of(text_of_member(body, "sent_at")), NULL, &sent_ms))
        return err_at(err, E_INVALID, "/sent_at", "must be an instant");
    if (!json_is_array(json_object_get(body, "taps")))
        return err_at(err, E_INVALID, "/taps", "must be a list");
    taking->n = json_array_size(json_object_get(body, "taps"));
    if (taking->n > KIOSK_TAPS_MAX)
        return err_at(err, E_INVALID, "/taps", "a batch has at most %d taps", KIOSK_TAPS_MAX);
    taking->skew_ms = taking->received_ms - sent_ms;
    taking->mono_ms = int_of(body, "mono");
    return 0;
}

/* Each mac follows from the one before it: nothing was changed, left out or put between. */
static int check_chain(struct taking *taking, struct err *err) {
    const json_t *list = json_object_get(taking->body, "taps");
    const char *before = text_of_member(taking->body, "after");
    for (size_t i = 0; i < taking->n; i++) {
        const json_t *link = json_array_get(list, i), *tap = json_object_get(link, "tap");
        const char *said = text_of_member(link, "mac");
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

/* ---- one tap ---- */

static const json_t *document_of(struct taking *taking, int64_t revision) {
    char name[24];
    struct err ignored = {0};
    snprintf(name, sizeof name, "%lld", (long long)revision);
    json_t *document = json_object_get(taking->documents, name);
    if (document || kiosk_document(taking->folder, taking->signer.id, revision, &document,
                                   &taking->newest, &ignored))
        return document;
    json_object_set_new(taking->documents, name, document);
    return document;
}

static const json_t *follow_up(const json_t *document, int64_t face, const char *kind) {
    const json_t *list = json_object_get(document, "follow_ups");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *faces = json_object_get(one, "faces");
        for (size_t k = 0; k < json_array_size(faces); k++)
            if (strcmp(text_of_member(one, "kind"), kind) == 0 &&
                json_integer_value(json_array_get(faces, k)) == face)
                return one;
    }
    return NULL;
}

/* The text in the screen's first language: answers are compared across languages. */
static const char *first_text(const json_t *document, const json_t *texts) {
    const char *language =
        json_string_value(json_array_get(json_object_get(document, "languages"), 0));
    return language ? text_of_member(texts, language) : "";
}

static const char *survey_of(const json_t *document) {
    return json_string_value(json_object_get(document, "survey"));
}

static const char *fault_of(struct taking *taking, struct tap *tap) {
    const json_t *document = document_of(taking, tap->revision);
    size_t id = strlen(tap->id);
    if (!id || id > ID_BYTES)
        return "id must be a text of 1 to 64 bytes";
    if (tap->seq < 1)
        return "seq must be a whole number from 1";
    const char *kind = text_of_member(document, "kind");
    if (strcmp(kind, tap->answers ? "terminal" : "faces") != 0)
        return "this screen asks otherwise";
    if (tap->answers)
        return json_is_object(tap->answers) && survey_of(document) ? NULL
                                                                   : "this screen shows no survey";
    if (tap->faces < 3 || tap->faces > 5 || tap->value < 1 || tap->value > tap->faces)
        return "value must be a face, 1 to faces, and faces 3 to 5";
    if (strlen(tap->text) > KIOSK_TEXT_BYTES)
        return "text is too long";
    if (!document)
        return "this screen has no such revision";
    if (tap->text[0] && !follow_up(document, tap->value, "text"))
        return "no text is asked after this face";
    const json_t *options = json_object_get(follow_up(document, tap->value, "choice"), "options");
    for (size_t i = 0; i < json_array_size(tap->choices); i++) {
        const json_t *choice = json_array_get(tap->choices, i);
        if (!json_is_integer(choice) || json_integer_value(choice) < 0 ||
            (size_t)json_integer_value(choice) >= json_array_size(options))
            return "choices must be numbers of options after this face";
    }
    return json_array_size(tap->choices) > KIOSK_OPTIONS ? "too many choices" : NULL;
}

static void read_tap(struct taking *taking, struct tap *tap) {
    json_t *json = json_loadb(tap->raw.p, tap->raw.n, JSON_REJECT_DUPLICATES, NULL);
    json_array_append_new(taking->parsed, json);
    tap->id = text_of_member(json, "id");
    tap->text = text_of_member(json, "text");
    tap->language = text_of_member(json, "language");
    tap->seq = int_of(json, "seq");
    tap->revision = int_of(json, "revision");
    tap->value = int_of(json, "value");
    tap->faces = int_of(json, "faces");
    tap->extra = int_of(json, "extra");
    tap->choices = json_object_get(json, "choices");
    tap->answers = json_object_get(json, "answers");
    tap->survey_version = int_of(json, "survey_version");
    tap->partial = json_is_true(json_object_get(json, "partial"));
    tap->has_mono = json_is_integer(json_object_get(json, "mono"));
    tap->mono_ms = int_of(json, "mono");
    tap->same_boot = taking->boot[0] && strcmp(text_of_member(json, "boot"), taking->boot) == 0;
    if (!json_is_object(json))
        tap->fault = "tap must be a JSON object";
    else if (time_parse(slice_of(text_of_member(json, "at")), NULL, &tap->at_ms))
        tap->fault = "at must be an instant";
    else
        tap->fault = fault_of(taking, tap);
}

/* When it happened: see CLOCK. before_ms: the tap before it, 0: none. False if its clock told nothing credible. */
static bool date_tap(const struct taking *taking, struct tap *tap, int64_t before_ms) {
    int64_t earliest_ms = taking->signer.created_ms - EARLY_MS;
    if (tap->same_boot && tap->has_mono && tap->mono_ms <= taking->mono_ms)
        tap->time_ms = taking->received_ms - (taking->mono_ms - tap->mono_ms);
    else
        tap->time_ms = tap->at_ms + taking->skew_ms;
    bool credible = tap->time_ms >= earliest_ms && tap->time_ms <= taking->received_ms + SLACK_MS;
    if (tap->time_ms > taking->received_ms)
        tap->time_ms = taking->received_ms;
    else if (tap->time_ms < earliest_ms)
        tap->time_ms = before_ms >= earliest_ms ? before_ms : taking->signer.created_ms;
    return credible;
}

/* ---- a tap as an interaction ---- */

static void add_property(struct event *event, const char *name, struct value value) {
    event->properties[event->n_properties++] =
        (struct event_property){.name = slice_of(name), .value = value};
}

static void add_text(struct event *event, const char *name, const char *text) {
    if (text && text[0])
        add_property(event, name, (struct value){.type = VALUE_TEXT, .text = slice_of(text)});
}

static void add_int(struct event *event, const char *name, int64_t number) {
    add_property(event, name, (struct value){.type = VALUE_INT, .integer = number});
}

static const char *face_name(int64_t value, int64_t faces) {
    static const char *const names[3][5] = {
        {"unhappy", "neutral", "happy"},
        {"very_unhappy", "unhappy", "happy", "very_happy"},
        {"very_unhappy", "unhappy", "neutral", "happy", "very_happy"}};
    return names[faces - 3][value - 1];
}

static void begin_answer(struct buf *json, const char *question, const char *metric) {
    buf_add_text(json, json->n > 1 ? ",{" : "{");
    json_add_name(json, "question");
    json_add_text(json, slice_of(question));
    json_add_name(json, "metric");
    json_add_text(json, slice_of(metric));
    json_add_name(json, "value");
}

/* The face, what was chosen and what was written, as answers (collect/answers.h). */
static struct slice answers_of_tap(struct taking *taking, const struct tap *tap,
                                   const json_t *document, struct slice comment,
                                   const char **reason) {
    const json_t *choice = follow_up(document, tap->value, "choice"),
                 *text = follow_up(document, tap->value, "text"),
                 *options = json_object_get(choice, "options");
    size_t chosen = json_array_size(tap->choices);
    struct buf json;
    buf_init(&json, ANSWERS_BYTES);
    buf_add_char(&json, '[');
    begin_answer(&json, first_text(document, json_object_get(document, "question")), "csat");
    buf_add_format(&json, "%lld,\"scale\":[1,%lld]}", (long long)tap->value, (long long)tap->faces);
    for (size_t i = 0; i < chosen; i++) {
        size_t at = (size_t)json_integer_value(json_array_get(tap->choices, i));
        const char *label = first_text(document, json_array_get(options, at));
        begin_answer(&json, first_text(document, json_object_get(choice, "question")), "choice");
        json_add_text(&json, slice_of(label));
        buf_add_char(&json, '}');
        *reason = i ? *reason : label;
    }
    if (comment.n) {
        begin_answer(&json, first_text(document, json_object_get(text, "question")), "text");
        json_add_text(&json, comment);
        buf_add_char(&json, '}');
    }
    buf_add_char(&json, ']');
    struct slice copy = chosen || comment.n ? arena_copy(&taking->arena, buf_slice(&json))
                                            : (struct slice){NULL, 0};
    buf_release(&json);
    return copy;
}

static void make_event(struct taking *taking, const struct tap *tap, struct event *event) {
    struct arena *arena = &taking->arena;
    const json_t *document = document_of(taking, tap->revision);
    const char *reason = NULL;
    struct slice comment = utf8_trim(slice_of(tap->text));
    mask_property(SLICE_LITERAL("comment"), &comment, arena);
    struct slice answers = answers_of_tap(taking, tap, document, comment, &reason);
    *event = (struct event){
        .type = EVENT_TRACK,
        .name = SLICE_LITERAL("Kiosk Tapped"),
        .anonymous_id = slice_of(arena_format(arena, "kiosk-%s-%s", taking->address, tap->id)),
        .message_id = slice_of(arena_format(arena, "kiosk:%s:%s", taking->address, tap->id)),
        .channel = SLICE_LITERAL("kiosk"),
        .touchpoint = slice_of(json_string_value(json_object_get(document, "touchpoint"))),
        .unit = slice_of(json_string_value(json_object_get(document, "unit"))),
        .time_ms = tap->time_ms,
        .stated_ms = tap->time_ms,
        .has_time = true,
        .properties = ARENA_ARRAY(arena, struct event_property, PROPERTIES),
        .raw = tap->raw};
    add_text(event, "kiosk", json_string_value(json_object_get(document, "name")));
    add_text(event, "question", first_text(document, json_object_get(document, "question")));
    add_text(event, "face", face_name(tap->value, tap->faces));
    add_int(event, "value", tap->value);
    add_int(event, "scale_max", tap->faces);
    add_int(event, "version", tap->revision);
    add_text(event, "language", tap->language);
    add_text(event, "reason", reason);
    if (comment.n)
        add_property(event, "comment", (struct value){.type = VALUE_TEXT, .text = comment});
    add_text(event, "misuse", tap->misuse);
    if (answers.n)
        add_property(event, "answers", (struct value){.type = VALUE_JSON, .text = answers});
}

/* A terminal's visit: its answers, checked against the version that it was shown. */
static void make_survey_events(struct taking *taking, struct tap *tap) {
    const json_t *document = document_of(taking, tap->revision);
    struct survey *survey;
    struct event *events;
    struct err fault = {0};
    size_t n = 0;
    if (tap->survey_version < 1 || tap->survey_version > UINT32_MAX ||
        survey_find_version(taking->folder, slice_of(survey_of(document)),
                            (uint32_t)tap->survey_version, &survey, &fault)) {
        tap->fault = "the survey has no such version";
        return;
    }
    taking->surveys[taking->n_surveys++] = survey;
    tap->survey = survey;
    struct event extra = {.properties = ARENA_ARRAY(&taking->arena, struct event_property, 2)};
    add_text(&extra, "kiosk", json_string_value(json_object_get(document, "name")));
    add_text(&extra, "misuse", tap->misuse);
    struct survey_context context = {
        .submission = slice_of(tap->id),
        .channel = SLICE_LITERAL("kiosk"),
        .touchpoint = slice_of(json_string_value(json_object_get(document, "touchpoint"))),
        .unit = slice_of(json_string_value(json_object_get(document, "unit"))),
        .language = survey_language(survey, tap->language),
        .time_ms = tap->time_ms,
        .received_ms = taking->received_ms,
        .extra = extra.properties,
        .n_extra = extra.n_properties,
        .partial = tap->partial};
    if (survey_events(taking->folder, survey, tap->answers, &context, &taking->arena, &events, &n,
                      &fault) ||
        !n || n > EVENTS_OF_TAP) {
        tap->fault = arena_format(&taking->arena, "%s: %s", fault.pointer, fault.message);
        return;
    }
    memcpy(&taking->events[taking->n_events], events, n * sizeof *events);
    taking->n_events += n;
}

/* Taps in their order: those that the chain has not brought yet are judged. */
static void make_events(struct taking *taking, struct kiosk_news *news, int64_t known_seq) {
    int64_t before_ms = news->memory.last_ms[0];
    for (size_t i = 0; i < taking->n; i++) {
        struct tap *tap = &taking->taps[i];
        read_tap(taking, tap);
        news->lost += news->seq && tap->seq > news->seq + 1 ? tap->seq - news->seq - 1 : 0;
        news->seq = tap->seq > news->seq ? tap->seq : news->seq;
        if (tap->fault)
            continue;
        bool dated = date_tap(taking, tap, before_ms);
        if (tap->seq > known_seq) {
            struct misuse_memory none = {0};
            tap->misuse = misuse_of(dated ? &news->memory : &none, tap->time_ms, tap->extra);
            before_ms = tap->time_ms;
        }
        if (tap->answers)
            make_survey_events(taking, tap);
        else
            make_event(taking, tap, &taking->events[taking->n_events++]);
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

/* Of the survey that the screen shows now, 0: none. */
static int64_t shown_version(struct taking *taking) {
    const char *id = survey_of(document_of(taking, 0));
    struct survey *survey;
    struct err ignored = {0};
    if (!id || survey_find(taking->folder, slice_of(id), &survey, &ignored))
        return 0;
    int64_t version = survey->version;
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
    time_format(taking->received_ms, received);
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "received_at", received, "revision",
        (json_int_t)taking->newest, "survey_version", (json_int_t)shown_version(taking), "accepted",
        (json_int_t)counts[OUTCOME_ACCEPTED], "duplicates", (json_int_t)counts[OUTCOME_DUPLICATE],
        "rejected", (json_int_t)counts[OUTCOME_REJECTED], "results", results);
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
    int64_t waiting = int_of(taking->body, "waiting");
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
    size_t events = EVENTS_OF_TAP * taking->n + 1;
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
    if (!code && !document_of(&taking, 0))
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
