/*
 * Plans: what a document says, checked.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "invite/internal.h"

enum {
    NAME_MAX_BYTES = 120,
    SUBJECT_MAX = 200,
    TEXT_MAX = 4000,
    REMINDERS_MAX = 3,
    SHARE_STEPS = 1 << 24
};

static const char *const members[] = {
    "name",     "survey", "review",  "after",    "calendar", "segment", "delay", "share",
    "channels", "hours",  "purpose", "reminder", "expires",  "subject", "text",  "quarantine_days"};

static bool is_said(const json_t *value) { return value && !json_is_null(value); }

int plan_members(const json_t *object, const char *const *names, size_t n, const char *below,
                 struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        char pointer[120];
        while (i < n && strcmp(names[i], name) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "%s/%.60s", below, name);
        if (i == n)
            return err_at(err, E_INVALID, pointer, "unknown member");
    }
    return 0;
}

static int read_text(const json_t *object, const char *name, const char *pointer, bool needed,
                     const char **text, struct err *err) {
    const json_t *value = json_object_get(object, name);
    *text = "";
    if (!is_said(value) && !needed)
        return 0;
    if (!json_is_string(value) || (needed && !json_string_length(value)) ||
        json_string_length(value) > NAME_MAX_BYTES)
        return err_at(err, E_INVALID, pointer, "must be a text of at most %d bytes",
                      NAME_MAX_BYTES);
    *text = json_string_value(value);
    return 0;
}

static int read_time(const json_t *object, const char *name, const char *pointer, int64_t standard,
                     int64_t *ms, struct err *err) {
    const json_t *value = json_object_get(object, name);
    *ms = standard;
    if (!is_said(value))
        return 0;
    struct slice text = slice_of(json_is_string(value) ? json_string_value(value) : "");
    return time_parse_duration(text, ms)
               ? err_at(err, E_INVALID, pointer, "must be a duration as \"2h\" or \"3d\"")
               : 0;
}

/* Of a review: what, and (again) after how many months of use. */
static int read_review(const json_t *document, struct invite_plan *plan, struct err *err) {
    static const char *const names[] = {"subject", "again"};
    const json_t *review = json_object_get(document, "review"),
                 *again = json_object_get(review, "again"), *one;
    size_t i;
    plan->subject_name = "";
    if (!is_said(review))
        return 0;
    plan->review = true;
    int code = json_is_object(review) ? plan_members(review, names, 2, "/review", err)
                                      : err_at(err, E_INVALID, "/review", "must be an object");
    if (!code)
        code = read_text(review, "subject", "/review/subject", false, &plan->subject_name, err);
    if (code || !is_said(again))
        return code;
    plan->again = true;
    json_array_foreach((json_t *)(uintptr_t)again, i, one) {
        json_int_t months = json_integer_value(one);
        if ((months != 6 && months != 12) || plan->n_months == PLAN_MONTHS)
            return err_at(err, E_INVALID, "/review/again", "months of use are 6 and 12");
        plan->months[plan->n_months++] = (unsigned)months;
    }
    return plan->n_months ? 0
                          : err_at(err, E_INVALID, "/review/again", "months of use are 6 and 12");
}

/* What is asked, and what makes it be asked. */
static int check_kind(const json_t *document, const struct invite_plan *plan, struct err *err) {
    bool survey = is_said(json_object_get(document, "survey"));
    if (plan->review == survey)
        return err_at(err, E_INVALID, plan->review ? "/review" : "/survey",
                      "a plan asks for a survey or for a review");
    if (plan->again && (plan->after || plan->by_calendar))
        return err_at(err, E_INVALID, plan->after ? "/after" : "/calendar",
                      "opinions that are asked for again follow the first ones");
    if (plan->by_calendar && (plan->after || plan->review))
        return err_at(err, E_INVALID, plan->after ? "/after" : "/calendar",
                      plan->after ? "a plan invites after an interaction or by calendar, not both"
                                  : "a review is asked for after an interaction");
    if (plan->by_calendar && !plan->segment[0])
        return err_at(err, E_INVALID, "/segment", "a plan by calendar needs a segment");
    if (plan->review && plan->delay_ms >= REVIEW_DAYS * DAY_MS_64)
        return err_at(err, E_INVALID, "/delay",
                      "a review is asked for within 30 days of the experience");
    return plan->after || plan->by_calendar || plan->again
               ? 0
               : err_at(err, E_INVALID, "/after", "must say after which interaction");
}

static int read_after(const json_t *document, struct invite_plan *plan, struct err *err) {
    static const char *const names[] = {"event", "touchpoint", "channel"};
    const json_t *after = json_object_get(document, "after"),
                 *event = json_object_get(after, "event"), *one;
    size_t i;
    plan->touchpoint = plan->channel = "";
    if (!is_said(after))
        return 0;
    plan->after = true;
    if (!json_is_object(after))
        return err_at(err, E_INVALID, "/after", "must say after which interaction");
    int code = plan_members(after, names, 3, "/after", err);
    if (!code)
        code = read_text(after, "touchpoint", "/after/touchpoint", false, &plan->touchpoint, err);
    if (!code)
        code = read_text(after, "channel", "/after/channel", false, &plan->channel, err);
    if (code)
        return code;
    if (json_is_string(event) && json_string_length(event))
        plan->events[plan->n_events++] = json_string_value(event);
    json_array_foreach((json_t *)(uintptr_t)event, i,
                       one) if (plan->n_events < PLAN_EVENTS && json_is_string(one))
        plan->events[plan->n_events++] = json_string_value(one);
    if (is_said(event) &&
        (!plan->n_events || (json_is_array(event) && json_array_size(event) != plan->n_events)))
        return err_at(err, E_INVALID, "/after/event", "must be a name, or a list of at most %d",
                      PLAN_EVENTS);
    return plan->n_events || plan->touchpoint[0]
               ? 0
               : err_at(err, E_INVALID, "/after", "must say after which interaction");
}

bool clock_parse(const json_t *text, int *seconds) {
    int hour, minute, end = 0;
    const char *value = json_is_string(text) ? json_string_value(text) : "";
    bool read = sscanf(value, "%2d:%2d%n", &hour, &minute, &end) == 2 && !value[end];
    *seconds = read ? hour * 3600 + minute * 60 : -1;
    return read && hour >= 0 && minute >= 0 && minute < 60 && *seconds <= DAY_S;
}

static int read_hours(const json_t *document, struct invite_plan *plan, struct err *err) {
    static const char *const names[] = {"from", "to", "days"};
    const json_t *hours = json_object_get(document, "hours"),
                 *days = json_object_get(hours, "days"), *day;
    size_t i;
    plan->hours = (struct hours){.from_s = 0, .to_s = DAY_S, .days = 0xFE};
    if (!is_said(hours))
        return 0;
    int code = json_is_object(hours) ? plan_members(hours, names, 3, "/hours", err)
                                     : err_at(err, E_INVALID, "/hours", "must be an object");
    if (code)
        return code;
    plan->hours.limited = true;
    if (is_said(json_object_get(hours, "from")) &&
        !clock_parse(json_object_get(hours, "from"), &plan->hours.from_s))
        return err_at(err, E_INVALID, "/hours/from", "must be a time as \"09:00\"");
    if (is_said(json_object_get(hours, "to")) &&
        !clock_parse(json_object_get(hours, "to"), &plan->hours.to_s))
        return err_at(err, E_INVALID, "/hours/to", "must be a time as \"20:00\"");
    if (plan->hours.from_s >= plan->hours.to_s)
        return err_at(err, E_INVALID, "/hours/to", "must be later than the beginning");
    if (!is_said(days))
        return 0;
    plan->hours.days = 0;
    json_array_foreach((json_t *)(uintptr_t)days, i, day) {
        json_int_t number = json_is_integer(day) ? json_integer_value(day) : 0;
        if (number < 1 || number > 7)
            return err_at(err, E_INVALID, "/hours/days", "days are numbers from 1 (Monday) to 7");
        plan->hours.days |= 1u << number;
    }
    return plan->hours.days
               ? 0
               : err_at(err, E_INVALID, "/hours/days", "days are numbers from 1 (Monday) to 7");
}

static int read_channels(const json_t *document, struct invite_plan *plan, struct err *err) {
    static const char *const known[] = {"email", "sms", "whatsapp"};
    const json_t *channels = json_object_get(document, "channels"), *one;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)channels, i, one) {
        size_t k = 0;
        while (k < 3 && !(json_is_string(one) && strcmp(json_string_value(one), known[k]) == 0))
            k++;
        if (k == 3 || plan->n_channels == PLAN_CHANNELS)
            return err_at(err, E_INVALID, "/channels", "channels are email, sms, whatsapp");
        plan->channels[plan->n_channels++] = known[k];
    }
    if (is_said(channels) && !plan->n_channels)
        return err_at(err, E_INVALID, "/channels", "channels are email, sms, whatsapp");
    if (!plan->n_channels)
        plan->channels[plan->n_channels++] = known[0];
    return 0;
}

static int read_texts(const json_t *document, const char *name, size_t most,
                      struct plan_text *texts, struct err *err) {
    const json_t *by = json_object_get(document, name);
    const char *language;
    json_t *text;
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/%s", name);
    texts->by_language = NULL;
    if (!is_said(by))
        return 0;
    if (!json_is_object(by) || !json_object_size(by))
        return err_at(err, E_INVALID, pointer, "must be texts by language: {\"es\": …}");
    json_object_foreach(
        (json_t *)(uintptr_t)by, language,
        text) if (!json_is_string(text) || !json_string_length(text) ||
                  json_string_length(text) > most ||
                  strlen(language) >
                      10) return err_at(err, E_INVALID, pointer,
                                        "must be texts of at most %zu bytes by language", most);
    texts->by_language = by;
    return 0;
}

static int read_numbers(const json_t *document, struct invite_plan *plan, struct err *err) {
    const json_t *share = json_object_get(document, "share"),
                 *days = json_object_get(document, "quarantine_days"),
                 *reminder = json_object_get(document, "reminder"),
                 *times = json_object_get(reminder, "times");
    plan->share = is_said(share) ? json_number_value(share) : 1;
    if (is_said(share) && (!json_is_number(share) || !(plan->share > 0 && plan->share <= 1)))
        return err_at(err, E_INVALID, "/share", "must be a share above 0 and up to 1");
    plan->quarantine_days = is_said(days) ? (int)json_integer_value(days) : -1;
    if (is_said(days) &&
        (!json_is_integer(days) || json_integer_value(days) < 0 || json_integer_value(days) > 3650))
        return err_at(err, E_INVALID, "/quarantine_days", "must be a number of days up to 3650");
    int code = read_time(document, "delay", "/delay", 0, &plan->delay_ms, err);
    if (!code)
        code = read_time(document, "expires", "/expires", 14 * DAY_MS_64, &plan->expires_ms, err);
    if (code || !is_said(reminder))
        return code;
    plan->reminders = is_said(times) ? (int)json_integer_value(times) : 1;
    if (!json_is_object(reminder) || plan->reminders < 1 || plan->reminders > REMINDERS_MAX)
        return err_at(err, E_INVALID, "/reminder", "at most %d reminders", REMINDERS_MAX);
    code = read_time(reminder, "after", "/reminder/after", 3 * DAY_MS_64, &plan->reminder_ms, err);
    return !code && plan->reminder_ms < HOUR_MS
               ? err_at(err, E_INVALID, "/reminder/after", "at least an hour")
               : code;
}

int plan_parse(uint64_t id, json_t *document, struct invite_plan *plan, struct err *err) {
    *plan = (struct invite_plan){.id = id};
    if (!json_is_object(document))
        return err_at(err, E_MALFORMED, "", "a plan is a JSON object");
    int code = plan_members(document, members, sizeof members / sizeof *members, "", err);
    if (!code)
        code = read_text(document, "name", "/name", true, &plan->name, err);
    if (!code)
        code = read_text(document, "survey", "/survey",
                         is_said(json_object_get(document, "survey")), &plan->survey, err);
    if (!code)
        code = read_text(document, "purpose", "/purpose", false, &plan->purpose, err);
    if (!code)
        code = read_after(document, plan, err);
    if (!code)
        code = read_numbers(document, plan, err);
    if (!code)
        code = read_hours(document, plan, err);
    if (!code)
        code = read_channels(document, plan, err);
    if (!code)
        code = read_texts(document, "subject", SUBJECT_MAX, &plan->subject, err);
    if (!code)
        code = read_texts(document, "text", TEXT_MAX, &plan->text, err);
    if (!code)
        code = read_text(document, "segment", "/segment", false, &plan->segment, err);
    if (!code)
        code = read_review(document, plan, err);
    plan->by_calendar = is_said(json_object_get(document, "calendar"));
    if (!code && plan->by_calendar)
        code = calendar_parse(json_object_get(document, "calendar"), &plan->calendar, err);
    if (!code)
        code = check_kind(document, plan, err);
    if (!code)
        plan->document = json_incref(document);
    return code;
}

void plan_release(struct invite_plan *plan) {
    json_decref(plan->document);
    *plan = (struct invite_plan){0};
}

uint64_t plan_draw(const struct folder *folder, const struct invite_plan *plan, uint64_t seq,
                   uint64_t customer) {
    uint64_t numbers[3] = {plan->id, seq, customer};
    /* Of an interaction the seq alone, which is its person's. */
    struct slice part = {(const char *)numbers, customer ? sizeof numbers : 2 * sizeof *numbers};
    return hash_keyed(vault_token_key(folder->vault), &part, 1).a;
}

bool plan_draws(const struct folder *folder, const struct invite_plan *plan, uint64_t seq,
                uint64_t customer) {
    uint64_t drawn = plan_draw(folder, plan, seq, customer) % SHARE_STEPS;
    return (double)drawn < plan->share * SHARE_STEPS;
}

int64_t hours_next(const struct hours *hours, const struct zone *zone, int64_t time_ms) {
    int64_t now_s = time_ms / 1000, local_s = now_s + zone_offset_s(zone, now_s);
    if (!hours->limited)
        return time_ms;
    for (int i = 0; i <= 8; i++) {
        int64_t day = local_s / DAY_S + i, second = i ? 0 : local_s % DAY_S;
        unsigned weekday = (unsigned)((day + 3) % 7) + 1; /* 1970-01-01 was a Thursday */
        if (!(hours->days >> weekday & 1) || second >= hours->to_s)
            continue;
        if (!i && second >= hours->from_s)
            return time_ms;
        return zone_to_utc_s(zone, day * DAY_S + hours->from_s) * 1000;
    }
    return time_ms;
}
