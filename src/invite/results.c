/*
 * What came of invitations: lists, why not, rates.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/floor.h"
#include "base/clock.h"
#include "base/time.h"
#include "invite/internal.h"
#include "stats/interval.h"
#include "voice/review.h"

static const char *const reasons[] = {
#define X(name, word) word,
    INVITE_REASONS(X)
#undef X
};
static const char *const states[] = {"waiting", "sent", "answered", "not_invited"};

const char *invite_state_word(enum invite_state state) { return states[state]; }

/* Place of a word; -1: any (NULL or ""), n: unknown. */
static int place_of(const char *word, const char *const *words, int n) {
    int i = 0;
    if (!word || !word[0])
        return -1;
    while (i < n && strcmp(words[i], word) != 0)
        i++;
    return i;
}

/* Names of the units that the asker sees, as JSON; NULL: all. free() it. */
static char *units_of(const struct folder *folder, const struct principal *asker) {
    if (!asker || !asker->units)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < asker->n_units; i++) {
        struct slice name = dictionary_name(folder->dictionary, DICTIONARY_UNIT, asker->units[i]);
        if (name.n)
            json_array_append_new(list, json_stringn(name.p, name.n));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!text)
        abort();
    return text;
}

static json_t *instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    if (!ms || ms == INT64_MAX)
        return json_null();
    time_format(ms, text);
    return json_string(text);
}

static json_t *text_or_null(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text && text[0] ? json_string(text) : json_null();
}

static json_t *row_json(sqlite3_stmt *statement) {
    char customer[CUSTOMER_ID_BYTES];
    int state = sqlite3_column_int(statement, 3), reason = sqlite3_column_int(statement, 4);
    customer_id_format((uint32_t)sqlite3_column_int64(statement, 2), customer);
    bool known = state >= 0 && state < 4 && reason >= 0 && reason < INVITE_REASONS_N;
    return json_pack(
        "{s:o, s:o, s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o, s:o, "
        "s:o, s:o, s:i, s:o}",
        "id", json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)), "plan",
        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 1)), "customer", customer,
        "state", known ? states[state] : "", "reason",
        known && reason ? json_string(reasons[reason]) : json_null(), "picked",
        sqlite3_column_int64(statement, 5) == 0, "channel", text_or_null(statement, 6),
        "touchpoint", text_or_null(statement, 7), "unit", text_or_null(statement, 8),
        "interaction_at", instant(sqlite3_column_int64(statement, 9)), "due_at",
        instant(state < INVITE_ANSWERED ? sqlite3_column_int64(statement, 10) : 0), "sent_at",
        instant(sqlite3_column_int64(statement, 11)), "reminders",
        sqlite3_column_int(statement, 12), "shown_at", instant(sqlite3_column_int64(statement, 13)),
        "answered_at", instant(sqlite3_column_int64(statement, 14)), "bounced_at",
        instant(sqlite3_column_int64(statement, 15)), "subject", text_or_null(statement, 16),
        "months", sqlite3_column_int(statement, 17), "plan_name", text_or_null(statement, 18));
}

/* The owner's profiles as JSON for json_each: what was kept before a merge counts, too. free() it. */
static int profiles_of(struct folder *folder, uint32_t owner, char **text, struct err *err) {
    struct snapshot *snapshot;
    const uint32_t *members;
    *text = NULL;
    if (!owner)
        return 0;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    size_t n = overlay_members(snapshot_overlay(snapshot), owner, &owner, &members);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_integer(members[i]));
    snapshot_release(snapshot);
    *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!*text)
        abort();
    return 0;
}

int invite_list(struct folder *folder, const struct invite_filter *filter, json_t **rows,
                struct err *err) {
    int state = place_of(filter->state, states, 4),
        reason = place_of(filter->reason, reasons, INVITE_REASONS_N);
    char *profiles;
    *rows = NULL;
    if (state == 4)
        return err_at(err, E_INVALID, "/state", "unknown state of an invitation");
    if (reason == INVITE_REASONS_N)
        return err_at(err, E_INVALID, "/reason", "unknown reason");
    int code = profiles_of(folder, filter->customer, &profiles, err);
    if (code)
        return code;
    char *units = units_of(folder, filter->asker);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, plan, customer, state, reason, seq, channel, touchpoint, unit, event_ms, "
        "due_ms, sent_ms, reminders, shown_ms, answered_ms, bounced_ms, subject, months, (SELECT "
        "json_extract(opened(document), '$.name') FROM invitation_plan p WHERE p.id = plan) FROM "
        "invitation "
        "WHERE (?1 = 0 OR plan "
        "= ?1) AND (?2 IS NULL OR customer IN (SELECT value FROM json_each(?2))) AND (?3 < 0 OR "
        "state = ?3) AND (?4 < 0 OR reason = ?4) AND (?5 = 0 OR id < ?5) AND (?6 IS NULL OR unit "
        "IN (SELECT value FROM json_each(?6))) ORDER BY id DESC LIMIT ?7",
        err);
    code = statement ? 0 : E_IO;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)filter->plan);
        sqlite3_bind_text(statement, 2, profiles, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(statement, 3, state);
        sqlite3_bind_int(statement, 4, reason);
        sqlite3_bind_int64(statement, 5, (sqlite3_int64)filter->before);
        sqlite3_bind_text(statement, 6, units, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(statement, 7, INVITE_PAGE);
    }
    *rows = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        json_array_append_new(*rows, row_json(statement));
        code = 0;
    }
    store_reader_put(folder->store, db);
    free(profiles);
    free(units);
    if (code) {
        json_decref(*rows);
        *rows = NULL;
    }
    return code;
}

/* ---- rates ---- */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *rate_json(int64_t answered, int64_t sent) {
    struct estimate share = share_estimate((double)answered, (double)sent, CONFIDENCE_95);
    return json_pack("{s:o, s:o, s:o}", "value", number(share.value), "low", number(share.low),
                     "high", number(share.high));
}

/* Rows of (name, sent, shown, answered). */
static int read_groups(sqlite3_stmt *statement, json_t *rows, struct err *err) {
    int code = statement ? 0 : E_IO;
    while (!code && (code = store_step(statement, err)) == 1) {
        int64_t sent = sqlite3_column_int64(statement, 1),
                answered = sqlite3_column_int64(statement, 3);
        json_array_append_new(
            rows,
            json_pack("{s:o, s:I, s:I, s:I, s:o}", "name", text_or_null(statement, 0), "sent",
                      (json_int_t)sent, "shown", (json_int_t)sqlite3_column_int64(statement, 2),
                      "answered", (json_int_t)answered, "rate", rate_json(answered, sent)));
        code = 0;
    }
    return code;
}

#define OF_PLAN "WHERE plan = ?1 AND (?2 IS NULL OR unit IN (SELECT value FROM json_each(?2)))"
#define GROUPS(column)                                                                             \
    "SELECT " column ", count(*) FILTER (WHERE sent_ms > 0), count(*) FILTER (WHERE sent_ms > 0 "  \
    "AND shown_ms > 0), count(*) FILTER (WHERE answered_ms > 0) FROM invitation " OF_PLAN          \
    " AND sent_ms > 0 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100"

static void bind(sqlite3_stmt *statement, uint64_t plan, const char *units) {
    if (!statement)
        return;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)plan);
    sqlite3_bind_text(statement, 2, units, -1, SQLITE_TRANSIENT);
}

/* Rows of (state, reason, n, sent, shown, bounced, due now). */
static int read_totals(sqlite3_stmt *statement, json_t *results, struct err *err) {
    int64_t n[4] = {0}, sent = 0, shown = 0, all = 0, bounced = 0, due = 0;
    json_t *why = json_object();
    int code = statement ? 0 : E_IO;
    while (!code && (code = store_step(statement, err)) == 1) {
        int state = sqlite3_column_int(statement, 0), reason = sqlite3_column_int(statement, 1);
        int64_t count = sqlite3_column_int64(statement, 2);
        all += count;
        sent += sqlite3_column_int64(statement, 3);
        shown += sqlite3_column_int64(statement, 4);
        bounced += sqlite3_column_int64(statement, 5);
        due += sqlite3_column_int64(statement, 6);
        if (state >= 0 && state < 4)
            n[state] += count;
        if (reason > 0 && reason < INVITE_REASONS_N)
            json_object_set_new(why, reasons[reason], json_integer((json_int_t)count));
        code = 0;
    }
    json_object_set_new(results, "invitations", json_integer((json_int_t)all));
    json_object_set_new(results, "waiting", json_integer((json_int_t)n[INVITE_WAITING]));
    json_object_set_new(results, "due_now", json_integer((json_int_t)due));
    json_object_set_new(results, "bounced", json_integer((json_int_t)bounced));
    json_object_set_new(results, "sent", json_integer((json_int_t)sent));
    json_object_set_new(results, "shown", json_integer((json_int_t)shown));
    json_object_set_new(results, "answered", json_integer((json_int_t)n[INVITE_ANSWERED]));
    json_object_set_new(results, "not_invited", json_integer((json_int_t)n[INVITE_NOT_INVITED]));
    json_object_set_new(results, "rate", rate_json(n[INVITE_ANSWERED], sent));
    json_object_set_new(results, "reasons", why);
    return code;
}

/* ---- for who sees aggregates only (backend/floor.h) ---- */

/* Counts of rows that make up a total: the few, and what the others would tell of them, are null. */
static void hide_few(unsigned floor, json_t **counts, const char *const *names, json_t *of,
                     size_t n) {
    uint64_t numbers[INVITE_REASONS_N + 4] = {0};
    bool hidden[INVITE_REASONS_N + 4] = {0};
    for (size_t i = 0; i < n; i++)
        numbers[i] = (uint64_t)json_integer_value(counts[i]);
    floor_counts(floor, numbers, n, hidden);
    for (size_t i = 0; i < n; i++)
        if (hidden[i])
            json_object_set_new(of, names[i], json_null());
}

/* Each number by itself, and those that are differences of two that are told: who did not answer, who was not shown it. */
static void floor_row(unsigned floor, json_t *row, const char *const *names) {
    bool gone = false;
    for (; *names; names++) {
        json_int_t n = json_integer_value(json_object_get(row, *names)),
                   rest = json_integer_value(json_object_get(row, "sent")) - n;
        bool few = (n > 0 && n < floor) || (rest > 0 && rest < floor);
        gone |= few;
        if (few)
            json_object_set_new(row, *names, json_null());
    }
    if (gone)
        json_object_set_new(row, "rate", json_pack("{s:n, s:n, s:n}", "value", "low", "high"));
}

static void keep_floor(unsigned floor, json_t *results) {
    static const char *const seen[] = {"bounced", "shown", "answered", NULL},
                             *const of_group[] = {"shown", "answered", NULL},
                             *const parts[] = {"waiting", "not_invited", "due_now"};
    json_t *why = json_object_get(results, "reasons"), *counts[INVITE_REASONS_N], *count;
    const char *names[INVITE_REASONS_N], *name;
    size_t n = 0;
    for (size_t which = 0; which < 2; which++) {
        json_t *rows = json_object_get(results, which ? "channels" : "touchpoints");
        for (size_t i = json_array_size(rows); i-- > 0;) {
            json_t *row = json_array_get(rows, i);
            if (json_integer_value(json_object_get(row, "sent")) < floor)
                json_array_remove(rows, i);
            else
                floor_row(floor, row, of_group);
        }
    }
    json_object_foreach(why, name, count) if (n < INVITE_REASONS_N) {
        names[n] = name;
        counts[n++] = count;
    }
    hide_few(floor, counts, names, why, n);
    floor_row(floor, results, seen);
    json_t *all[] = {json_object_get(results, parts[0]), json_object_get(results, parts[1]),
                     json_object_get(results, parts[2])};
    hide_few(floor, all, parts, results, 3);
    json_int_t sent = json_integer_value(json_object_get(results, "sent"));
    if (sent > 0 && sent < floor)
        json_object_set_new(results, "sent", json_null());
}

int invite_results(struct folder *folder, uint64_t plan, const struct principal *asker,
                   json_t **results, struct err *err) {
    json_t *channels = json_array(), *touchpoints = json_array();
    char *units = units_of(folder, asker);
    sqlite3 *db = store_reader_get(folder->store);
    *results = json_object();
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT state, reason, count(*), count(*) FILTER (WHERE sent_ms > 0), "
        "count(*) FILTER (WHERE sent_ms > 0 AND shown_ms > 0), count(*) FILTER (WHERE bounced_ms > "
        "0), count(*) FILTER (WHERE state = 0 AND due_ms <= ?3) FROM invitation " OF_PLAN
        " GROUP BY 1, 2",
        err);
    bind(statement, plan, units);
    if (statement)
        sqlite3_bind_int64(statement, 3, clock_now_ms());
    int code = read_totals(statement, *results, err);
    if (!code) {
        statement = STORE_PREPARE(db, GROUPS("channel"), err);
        bind(statement, plan, units);
        code = read_groups(statement, channels, err);
    }
    if (!code) {
        statement = STORE_PREPARE(db, GROUPS("touchpoint"), err);
        bind(statement, plan, units);
        code = read_groups(statement, touchpoints, err);
    }
    store_reader_put(folder->store, db);
    free(units);
    json_object_set_new(*results, "channels", channels);
    json_object_set_new(*results, "touchpoints", touchpoints);
    if (!code && asker->floor)
        keep_floor(asker->floor, *results);
    if (code) {
        json_decref(*results);
        *results = NULL;
    }
    return code;
}

/* ---- by hand ---- */

struct picking {
    uint64_t plan;
    const char *subject;
    const uint32_t *customers;
    size_t n;
    int64_t now_ms;
};

static int write_picked(void *context, sqlite3 *db, struct err *err) {
    const struct picking *picking = context;
    int code = 0;
    for (size_t i = 0; !code && i < picking->n; i++) {
        code = invitation_begin(db,
                                &(struct beginning){.plan = picking->plan,
                                                    .customer = picking->customers[i],
                                                    .event_ms = picking->now_ms,
                                                    .due_ms = picking->now_ms,
                                                    .now_ms = picking->now_ms,
                                                    .subject = slice_of(picking->subject)},
                                err);
    }
    return code;
}

int invite_by_hand(struct folder *folder, uint64_t plan, const uint32_t *customers, size_t n,
                   struct err *err) {
    json_t *found;
    if (n > INVITE_BY_HAND_MAX)
        return err_at(err, E_INVALID, "/customers", "at most %d customers at once",
                      INVITE_BY_HAND_MAX);
    int code = invite_plan(folder, plan, &found, err);
    if (code)
        return code;
    bool running = json_is_true(json_object_get(found, "running"));
    const json_t *review = json_object_get(found, "review");
    const char *subject = json_string_value(json_object_get(review, "subject"));
    struct picking picking = {.plan = plan,
                              .subject = subject ? subject : "",
                              .customers = customers,
                              .n = n,
                              .now_ms = clock_now_ms()};
    if (!running)
        code = err_set(err, E_CONFLICT, "this plan does not run: start it first");
    else if (review && !subject)
        code =
            err_set(err, E_CONFLICT,
                    "what is reviewed follows from an interaction: nobody can be chosen by hand");
    else
        code = store_write(folder->store, write_picked, &picking, err);
    json_decref(found);
    return code;
}

/* ---- as a customer would get it ---- */

/* What is shown where no invitation says what is reviewed. */
static const char *example_subject(struct folder *folder, const struct invite_plan *plan,
                                   struct arena *arena) {
    struct review_subject subject;
    struct err none = {0};
    if (plan->subject_name[0] &&
        subject_find(folder, plan->subject_name, arena, &subject, &none) == 0)
        return subject.title;
    return "…";
}

/* The message to somebody, its links leading nowhere. */
static int example(struct folder *folder, uint64_t id, struct contact *contact, struct arena *arena,
                   struct invite_plan *plan, struct letter *letter, struct err *err) {
    struct survey *survey = NULL;
    int code = plan_load(folder, id, plan, err);
    if (code)
        return code;
    code = plan->review ? 0 : survey_find(folder, slice_of(plan->survey), &survey, err);
    if (code == E_NOT_FOUND)
        code = err_set(err, E_CONFLICT, "the survey is not open: publish it first");
    if (!code)
        letter_write(folder,
                     &(struct letter_of){.plan = plan,
                                         .survey = survey,
                                         .subject = example_subject(folder, plan, arena),
                                         .contact = contact,
                                         .link = survey
                                                     ? arena_format(arena, "/s/%s?t=", survey->id)
                                                     : "/w/review/?link=",
                                         .unsubscribe = "/u/",
                                         .channel = plan->channels[0]},
                     arena, letter);
    survey_release(survey);
    return code;
}

int invite_preview(struct folder *folder, uint64_t id, const char *language, json_t **message,
                   struct err *err) {
    struct invite_plan plan = {0};
    struct letter letter;
    struct arena arena;
    struct contact contact = {.email = "", .phone = "", .name = "Ana", .language = language};
    arena_init(&arena);
    int code = example(folder, id, &contact, &arena, &plan, &letter, err);
    if (!code)
        *message = json_pack("{s:s, s:s, s:s?, s:s}", "subject", letter.subject, "text",
                             letter.text, "html", letter.html, "channel", plan.channels[0]);
    arena_release(&arena);
    plan_release(&plan);
    return code;
}

int invite_try(struct folder *folder, uint64_t id, const char *to, const char *language,
               struct err *err) {
    struct invite_plan plan = {0};
    struct letter letter;
    struct outlets outlets;
    struct arena arena;
    struct err refusal = {0};
    struct contact contact = {.email = "", .phone = "", .name = "Ana", .language = language};
    arena_init(&arena);
    int code = example(folder, id, &contact, &arena, &plan, &letter, err);
    if (!code)
        code = outlets_read(folder, &arena, &outlets, err);
    if (!code && !outlets_has(&outlets, plan.channels[0]))
        code = err_set(err, E_CONFLICT, "there is no way to send: set a relay or a gateway first");
    const char *message_id = arena_format(&arena, "try-%lld", (long long)clock_now_ms());
    if (!code && way_of(plan.channels[0]) == WAY_GATEWAY)
        code = gateway_send(&outlets, plan.channels[0], message_id, to, letter.text, &refusal);
    else if (!code)
        code = mail_send(&outlets.mail,
                         &(struct mail_message){.to = to,
                                                .subject = letter.subject,
                                                .text = letter.text,
                                                .html = letter.html,
                                                .id = message_id},
                         &refusal);
    if (code && refusal.code)
        code = err_repeat(err, E_REFUSED, "", &refusal);
    arena_release(&arena);
    plan_release(&plan);
    return code;
}
