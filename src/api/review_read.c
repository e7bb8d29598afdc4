/*
 * Reviews and figures as JSON: see review_read.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/review_read.h"

#include <math.h>

#include "timeline/timeline.h"

static json_t *text_or_null(const char *text) {
    return text && text[0] ? json_string(text) : json_null();
}

static json_t *number_or_null(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *timely_json(const struct review *review) {
    return review->experience_ms ? json_boolean(review_is_timely(review)) : json_null();
}

json_t *review_public_json(const struct review *review) {
    json_t *reply = review->reply[0] ? json_pack("{s:s, s:o}", "text", review->reply, "time",
                                                 api_instant(review->replied_ms))
                                     : json_null();
    return json_pack("{s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:i, s:I, s:I, s:o}", "id",
                     json_sprintf("%llu", (unsigned long long)review->id), "stars", review->stars,
                     "title", text_or_null(review->title), "text", text_or_null(review->text),
                     "author", text_or_null(review->author), "language",
                     text_or_null(review->language), "time", api_instant(review->created_ms),
                     "verified", review->verified, "invited", review->invited_ms > 0,
                     "within_30_days", timely_json(review), "months", (int)review->months,
                     "helpful", (json_int_t)review->helpful, "unhelpful",
                     (json_int_t)review->unhelpful, "reply", reply);
}

static json_t *signals_json(unsigned signals) {
    json_t *list = json_array();
    for (unsigned bit = 0; review_signal_name(bit); bit++)
        if (signals & (1U << bit))
            json_array_append_new(list, json_string(review_signal_name(bit)));
    return list;
}

static json_t *customer_json(struct folder *folder, uint32_t profile) {
    char id[CUSTOMER_ID_BYTES];
    uint32_t owner = profile;
    struct err ignored = {0};
    if (!profile)
        return json_null();
    customer_id_format(profile, id);
    if (customers_find(folder->customers, slice_of(id), &owner, &ignored) == 0)
        customer_id_format(owner, id);
    return json_string(id);
}

json_t *review_json(struct folder *folder, const struct review *review, const char *subject) {
    struct slice unit = dictionary_name(folder->dictionary, DICTIONARY_UNIT, review->unit);
    bool held = review->held && review->state == REVIEW_WAITS;
    json_t *json = review_public_json(review);
    json_t *more = json_pack(
        "{s:s, s:o, s:s, s:b, s:b, s:b, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, "
        "s:f, "
        "s:o, s:b}",
        "subject", review->subject, "subject_title", text_or_null(subject), "state",
        review_state_name(review->state), "held", held, "counted",
        review->state != REVIEW_REFUSED && !held && !review->site[0], "forgotten",
        review->forgotten, "experience_at", api_instant(review->experience_ms), "invited_at",
        api_instant(review->invited_ms), "origin", review->origin, "site",
        text_or_null(review->site), "unit", unit.n ? json_stringn(unit.p, unit.n) : json_null(),
        "customer", customer_json(folder, review->customer), "arrived_at",
        api_instant(review->arrived_ms), "moderated_at", api_instant(review->moderated_ms),
        "moderated_by", text_or_null(review->moderated_by), "reason", text_or_null(review->reason),
        "can_undo", review->can_undo, "suspicion", review->suspicion, "signals",
        signals_json(review->signals), "suspicious", review->held);
    json_object_set_new(more, "note", text_or_null(review->note));
    json_object_set_new(more, "helpful_low",
                        review->helpful_low >= 0 ? json_real(review->helpful_low) : json_null());
    if (review->reply[0])
        json_object_set_new(json_object_get(json, "reply"), "by", text_or_null(review->replied_by));
    json_object_update(json, more);
    json_decref(more);
    return json;
}

json_t *review_figures_json(const struct review_figures *figures, const uint64_t *refusals,
                            bool open) {
    const struct review_subject *subject = &figures->subject;
    json_t *distribution = json_array();
    for (int stars = 5; stars >= 1; stars--)
        json_array_append_new(
            distribution, json_pack("{s:i, s:I, s:f}", "stars", stars, "n",
                                    (json_int_t)figures->counts[stars - 1], "share",
                                    figures->n > 0 ? figures->counts[stars - 1] / figures->n : 0));
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
        subject->name, "kind", subject_kind_name(subject->kind), "title", subject->title, "url",
        text_or_null(subject->url), "n", (json_int_t)figures->n, "average",
        number_or_null(figures->mean), "low", number_or_null(figures->interval.low), "high",
        number_or_null(figures->interval.high), "distribution", distribution, "verified",
        (json_int_t)figures->verified, "invited", (json_int_t)figures->invited, "written",
        (json_int_t)figures->written, "replied", (json_int_t)figures->replied, "refused",
        (json_int_t)figures->refused, "held", (json_int_t)figures->held);
    json_object_set_new(json, "newest", api_instant(figures->newest_ms));
    if (refusals) {
        json_t *reasons = json_object();
        for (size_t i = 0; review_reasons()[i]; i++)
            if (refusals[i])
                json_object_set_new(reasons, review_reasons()[i],
                                    json_integer((json_int_t)refusals[i]));
        json_object_set_new(json, "refusals", reasons);
    }
    if (open)
        return json;
    json_t *more = json_pack(
        "{s:s, s:f, s:f, s:o, s:I, s:I, s:I, s:o, s:b}", "experience", subject->experience, "bayes",
        figures->bayes, "lower_bound", figures->lower, "average_with_held",
        number_or_null(figures->with_held), "waiting", (json_int_t)figures->waiting, "published",
        (json_int_t)figures->published, "external", (json_int_t)figures->external,
        "external_average", number_or_null(figures->external_mean), "new", !(figures->n > 0));
    json_object_update(json, more);
    json_decref(more);
    return json;
}

int review_subject_of(struct request *request, const char *name, struct review_subject *subject,
                      struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct err none = {0};
    struct unit *units;
    size_t n = 0;
    int code = subject_find(folder, name, request->arena, subject, &none);
    if (code == E_NOT_FOUND &&
        !unit_list(app_accounts(request->app), request->arena, &units, &n, err))
        for (size_t i = 0; i < n; i++) {
            const struct unit *unit = &units[i];
            if (strcmp(unit->name, name) != 0)
                continue;
            *subject = (struct review_subject){.name = unit->name,
                                               .title = unit->title && unit->title[0] ? unit->title
                                                                                      : unit->name,
                                               .url = "",
                                               .experience = "",
                                               .kind = SUBJECT_UNIT};
            return subject_put(folder, subject, err);
        }
    if (code)
        *err = none;
    return code;
}

int review_source(struct app *app, struct source *source, struct err *err) {
    bool spanish = strcmp(app_folder(app)->language, "es") == 0;
    return sources_ensure(app_sources(app), spanish ? "Reseñas" : "Reviews", "reviews", "review",
                          source, err);
}
