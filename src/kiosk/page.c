/*
 * Micro-surveys: what senda.js shows in the organisation's own pages, and what it tells of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "kiosk/internal.h"

/* So long what pages show may be old: a survey that was closed or published again. */
enum { PAGES_MS = 5000 };

static bool is_page(const json_t *kiosk) {
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    return kind && strcmp(kind, "page") == 0;
}

static struct slice text_of(const json_t *json, const char *name) {
    const json_t *text = json_object_get(json, name);
    return json_is_string(text) ? (struct slice){json_string_value(text), json_string_length(text)}
                                : (struct slice){NULL, 0};
}

/* One that can be shown now: a new reference, or NULL. */
static json_t *shown_json(struct folder *folder, const json_t *kiosk, int64_t now_ms) {
    struct survey *survey;
    struct err ignored = {0};
    if (!is_page(kiosk) || survey_find(folder, text_of(kiosk, "survey"), &survey, &ignored))
        return NULL;
    json_t *json = NULL;
    if (survey_check_open(folder, survey, now_ms, &ignored) == 0)
        json = json_pack("{s:O, s:O, s:o}", "address", json_object_get(kiosk, "address"), "rule",
                         json_object_get(kiosk, "rule"), "survey", kiosk_card_json(survey));
    survey_release(survey);
    return json;
}

static int read_pages(struct folder *folder, int64_t now_ms, json_t **list, struct err *err) {
    json_t *all, *kiosk;
    size_t i;
    int code = kiosk_list_pages(folder, &all, err);
    if (code)
        return code;
    *list = json_array();
    json_array_foreach(all, i, kiosk) {
        json_t *json = shown_json(folder, kiosk, now_ms);
        if (json)
            json_array_append_new(*list, json);
    }
    json_decref(all);
    return 0;
}

int kiosk_pages(struct folder *folder, int64_t now_ms, json_t **list, struct err *err) {
    struct kiosks *kiosks;
    int code = kiosks_get(folder, &kiosks, err);
    if (code)
        return code;
    pthread_mutex_lock(&kiosks->pages_lock);
    if (!kiosks->pages || now_ms - kiosks->pages_ms >= PAGES_MS) {
        json_decref(kiosks->pages);
        kiosks->pages = NULL;
        kiosks->pages_ms = now_ms;
        code = read_pages(folder, now_ms, &kiosks->pages, err);
    }
    *list = json_incref(kiosks->pages);
    pthread_mutex_unlock(&kiosks->pages_lock);
    return code;
}

int kiosk_page_survey(struct folder *folder, const char *address, struct survey **survey,
                      struct err *err) {
    json_t *kiosk;
    int code = kiosk_at(folder, address, &kiosk, err);
    if (code)
        return code;
    code = is_page(kiosk) ? survey_find(folder, text_of(kiosk, "survey"), survey, err)
                          : err_set(err, E_NOT_FOUND, "no such micro-survey");
    json_decref(kiosk);
    return code;
}

/* When it happened, by the browser's clock less what that is off at sending; never in the future. */
static int64_t time_of(const json_t *told, int64_t received_ms) {
    int64_t at_ms, sent_ms;
    if (time_parse(text_of(told, "at"), NULL, &at_ms) ||
        time_parse(text_of(told, "sentAt"), NULL, &sent_ms))
        return received_ms;
    at_ms += received_ms - sent_ms;
    return at_ms > received_ms || at_ms < TIME_MIN_MS ? received_ms : at_ms;
}

static int note(struct folder *folder, const json_t *kiosk, int64_t received_ms, bool answered,
                struct err *err) {
    struct kiosk_count day = {.day_ms = zone_bucket_start_ms(folder->zone, BUCKET_DAY, received_ms),
                              .taps = 1};
    struct kiosk_news news = {
        .kiosk = strtoull(json_string_value(json_object_get(kiosk, "id")), NULL, 10),
        .chain = "page",
        .now_ms = received_ms,
        .tap_ms = answered ? received_ms : 0,
        .days = &day,
        .n_days = answered};
    return kiosk_note(folder, &news, err);
}

static int record(struct folder *folder, const struct survey *survey, const json_t *told,
                  const struct survey_context *context, bool *duplicate, struct err *err) {
    struct slice what = text_of(told, "what");
    struct survey_result result = {0};
    const json_t *answers = json_object_get(told, "answers");
    if (slice_is(what, "shown") || slice_is(what, "dismissed"))
        return survey_seen(folder, survey, slice_is(what, "dismissed"), context, err);
    if (!slice_is(what, "answered"))
        return err_at(err, E_INVALID, "/what", "must be shown, dismissed or answered");
    if (!json_is_object(answers))
        return err_at(err, E_INVALID, "/answers", "answers are an object by question");
    int code = survey_submit(folder, survey, answers, context, &result, err);
    *duplicate = result.duplicate;
    return code;
}

static int take_page(struct folder *folder, const struct source *source, const json_t *kiosk,
                     const json_t *told, int64_t received_ms, bool *duplicate, struct err *err) {
    struct survey *survey;
    json_int_t version = json_integer_value(json_object_get(told, "version"));
    struct slice language = text_of(told, "language"), path = text_of(told, "path");
    struct event_property extra[2] = {
        {SLICE_LITERAL("place"), {.type = VALUE_TEXT, .text = text_of(kiosk, "name")}},
        {SLICE_LITERAL("context.page.path"), {.type = VALUE_TEXT, .text = path}}};
    if (version < 1 || version > UINT32_MAX)
        return err_at(err, E_INVALID, "/version", "must be the version that was shown");
    if (text_of(told, "anonymousId").n > LIMIT_ID_BYTES || path.n > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/anonymousId", "is too long");
    int code =
        survey_find_version(folder, text_of(kiosk, "survey"), (uint32_t)version, &survey, err);
    if (code)
        return code;
    struct survey_context context = {.submission = text_of(told, "submission"),
                                     .anonymous_id = text_of(told, "anonymousId"),
                                     .channel = SLICE_LITERAL("web"),
                                     .touchpoint = text_of(kiosk, "touchpoint"),
                                     .unit = text_of(kiosk, "unit"),
                                     .language =
                                         survey_language(survey, language.n ? language.p : ""),
                                     .time_ms = time_of(told, received_ms),
                                     .received_ms = received_ms,
                                     .source = *source,
                                     .partial = json_is_true(json_object_get(told, "partial")),
                                     .extra = extra,
                                     .n_extra = path.n ? 2 : 1};
    code = record(folder, survey, told, &context, duplicate, err);
    survey_release(survey);
    return code;
}

int kiosk_page_take(struct folder *folder, const struct source *source, const char *address,
                    const json_t *told, int64_t received_ms, bool *duplicate, struct err *err) {
    json_t *kiosk;
    *duplicate = false;
    int code = kiosk_at(folder, address, &kiosk, err);
    if (code)
        return code;
    if (!is_page(kiosk))
        code = err_set(err, E_NOT_FOUND, "no such micro-survey");
    if (!code)
        code = take_page(folder, source, kiosk, told, received_ms, duplicate, err);
    if (!code)
        code = note(folder, kiosk, received_ms,
                    slice_is(text_of(told, "what"), "answered") && !*duplicate, err);
    json_decref(kiosk);
    return code;
}
