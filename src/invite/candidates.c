/*
 * The reader of the log: interactions that running plans name become invitations that wait; surveys that were opened or
 * answered are noted, with when their person was asked last.
 *
 * The position and what came of the records before it are written in one transaction, so each record counts once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "invite/internal.h"
#include "invite/job.h"
#include "voice/review.h"

#define POSITION "invite.position"
enum { ROUND = 50000, SUBJECT_NAMES = 20 };

struct candidate {
    struct row row; /* properties in the arena */
    uint16_t touchpoint;
    const char *subject; /* of a review, "": it names none; in the arena */
};
struct feedback {
    uint32_t customer;
    uint64_t invitation; /* 0: none */
    int64_t time_ms;
    bool answered;
    struct slice subject; /* of a review; in the arena */
};
struct round {
    struct folder *folder;
    const struct invite_plan *plans;
    size_t n_plans;
    struct arena arena;
    struct candidate *candidates;
    size_t n_candidates, room;
    struct feedback *feedback;
    size_t n_feedback, feedback_room;
    uint16_t shown, responded, reviewed; /* codes of their events */
    uint32_t invitation;                 /* code of the property */
    bool reviews;                        /* some plan asks for them */
    uint64_t to;
    int64_t now_ms;
};

static void *grown(void *array, size_t n, size_t *room, size_t size) {
    if (n < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    array = realloc(array, *room * size);
    if (!array)
        abort();
    return array;
}

static struct slice name_of(const struct round *round, enum dictionary_kind kind, uint16_t code) {
    return code ? dictionary_name(round->folder->dictionary, kind, code) : (struct slice){"", 0};
}

static bool names_event(const struct invite_plan *plan, struct slice event) {
    for (size_t i = 0; i < plan->n_events; i++)
        if (slice_equal(event, slice_of(plan->events[i])))
            return true;
    return !plan->n_events;
}

/* All but the touchpoint, which is found later for those that are left. */
static bool may_invite(const struct round *round, const struct invite_plan *plan,
                       const struct row *row) {
    return plan->after && row->seq > plan->since_seq &&
           names_event(plan, name_of(round, DICTIONARY_EVENT, row->event)) &&
           (!plan->channel[0] ||
            slice_equal(name_of(round, DICTIONARY_CHANNEL, row->channel), slice_of(plan->channel)));
}

static uint64_t invitation_of(const struct round *round, const struct row *row) {
    struct property_cursor cursor = property_cursor(row);
    uint32_t code;
    struct value value;
    while (property_next(&cursor, &code, &value))
        if (code == round->invitation && value.type == VALUE_TEXT) {
            char text[INVITE_ID_BYTES];
            snprintf(text, sizeof text, "%.*s", (int)(value.text.n < 30 ? value.text.n : 30),
                     value.text.p);
            return strtoull(text[0] == SURVEY_PICKED ? text + 1 : text, NULL, 10);
        }
    return 0;
}

/* What a review is of: it is called as voice/review_read.c reads it. In the arena. */
static struct slice subject_said(struct round *round, const struct row *row) {
    static const char *const called[] = {"subject", "product_id", "sku", "service", "product"};
    enum { CALLED = sizeof called / sizeof *called };
    struct property_cursor cursor = property_cursor(row);
    struct slice said = {"", 0};
    uint32_t code;
    struct value value;
    size_t best = CALLED;
    while (property_next(&cursor, &code, &value)) {
        struct slice name =
            dictionary_name(round->folder->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        for (size_t i = 0; i < best; i++)
            if (value.type == VALUE_TEXT && slice_is(name, called[i])) {
                said = arena_copy(&round->arena, value.text);
                best = i;
            }
    }
    return said;
}

static void keep_feedback(struct round *round, const struct row *row) {
    bool review = row->event == round->reviewed;
    round->feedback =
        grown(round->feedback, round->n_feedback, &round->feedback_room, sizeof *round->feedback);
    round->feedback[round->n_feedback++] =
        (struct feedback){.customer = row->customer,
                          .invitation = review ? 0 : invitation_of(round, row),
                          .time_ms = row->time_ms,
                          .answered = row->event == round->responded,
                          .subject = review ? subject_said(round, row) : (struct slice){"", 0}};
}

static int visit(void *context, const struct log_record *record) {
    struct round *round = context;
    const struct row *row = &record->row;
    if (!row_is_interaction(row->type) || !row->customer)
        return 0;
    if (row->event == round->shown || row->event == round->responded ||
        row->event == round->reviewed)
        keep_feedback(round, row);
    bool wanted = false;
    for (size_t i = 0; i < round->n_plans && !wanted; i++)
        wanted = may_invite(round, &round->plans[i], row);
    if (!wanted)
        return 0;
    round->candidates =
        grown(round->candidates, round->n_candidates, &round->room, sizeof *round->candidates);
    struct candidate *candidate = &round->candidates[round->n_candidates++];
    *candidate = (struct candidate){.row = *row};
    candidate->row.properties = arena_copy(&round->arena, row->properties);
    return 0;
}

static int find_touchpoints(struct round *round, struct err *err) {
    struct snapshot *snapshot;
    size_t n = round->n_candidates;
    if (!n)
        return 0;
    int code = timeline_snapshot(round->folder->timeline, &snapshot, err);
    if (code)
        return code;
    struct row *rows = ARENA_ARRAY(&round->arena, struct row, n);
    uint16_t *codes = ARENA_ARRAY(&round->arena, uint16_t, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = round->candidates[i].row;
    code = snapshot_touchpoints(snapshot, rows, n, codes, err);
    for (size_t i = 0; !code && i < n; i++)
        round->candidates[i].touchpoint = codes[i];
    snapshot_release(snapshot);
    return code;
}

/* ---- what an interaction lets one review ---- */

static const char *const naming[] = {"product_id", "sku", "product", "name", "subject"};
enum { NAMING = sizeof naming / sizeof *naming };

static void add_named(const json_t *object, const char *names[], size_t *n) {
    for (size_t i = 0; i < NAMING && *n < SUBJECT_NAMES; i++) {
        const char *text = json_string_value(json_object_get(object, naming[i]));
        if (text)
            names[(*n)++] = text;
    }
}

/* Names of products in a list of objects, in the arena. */
static void add_list(struct round *round, struct slice text, const char *names[], size_t *n) {
    json_t *list = json_loadb(text.p, text.n, 0, NULL), *one;
    size_t i;
    json_array_foreach(list, i, one) add_named(one, names, n);
    for (i = 0; i < *n; i++)
        names[i] = arena_text(&round->arena, slice_of(names[i]));
    json_decref(list);
}

/* The first thing that is reviewed among what the interaction names, else its centre; "": none. */
static int find_subject(struct round *round, struct candidate *candidate, struct err *err) {
    struct property_cursor cursor = property_cursor(&candidate->row);
    const struct dictionary *dictionary = round->folder->dictionary;
    const char *names[SUBJECT_NAMES + 1];
    size_t n = 0;
    uint32_t code;
    struct value value;
    while (property_next(&cursor, &code, &value)) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        for (size_t i = 0; i < NAMING && n < SUBJECT_NAMES; i++)
            if (value.type == VALUE_TEXT && slice_equal(name, slice_of(naming[i])))
                names[n++] = arena_text(&round->arena, value.text);
        if (value.type == VALUE_JSON && (slice_is(name, "products") || slice_is(name, "items")))
            add_list(round, value.text, names, &n);
    }
    struct slice unit = name_of(round, DICTIONARY_UNIT, candidate->row.unit);
    if (unit.n)
        names[n++] = arena_text(&round->arena, unit);
    candidate->subject = "";
    for (size_t i = 0; i < n && !candidate->subject[0]; i++) {
        struct review_subject subject;
        struct err none = {0};
        int found = subject_find(round->folder, names[i], &round->arena, &subject, &none);
        if (found && found != E_NOT_FOUND)
            return err_repeat(err, found, "", &none);
        if (!found)
            candidate->subject = subject.name;
    }
    return 0;
}

static int find_subjects(struct round *round, struct err *err) {
    int code = 0;
    for (size_t i = 0; !code && round->reviews && i < round->n_candidates; i++)
        code = find_subject(round, &round->candidates[i], err);
    return code;
}

static int insert(const struct round *round, const struct invite_plan *plan,
                  const struct candidate *candidate, sqlite3 *db, struct err *err) {
    const struct row *row = &candidate->row;
    int64_t due_ms = row->time_ms + plan->delay_ms;
    if (due_ms < round->now_ms - LATE_DAYS * DAY_MS_64)
        return 0; /* an import of the past is no contact: nothing to tell of each */
    const char *subject = !plan->review           ? ""
                          : plan->subject_name[0] ? plan->subject_name
                                                  : candidate->subject;
    struct beginning beginning = {
        .plan = plan->id,
        .seq = row->seq,
        .customer = row->customer,
        .event_ms = row->time_ms,
        .due_ms = due_ms,
        .now_ms = round->now_ms,
        .touchpoint = name_of(round, DICTIONARY_TOUCHPOINT, candidate->touchpoint),
        .unit = name_of(round, DICTIONARY_UNIT, row->unit),
        .subject = slice_of(subject),
        .reason = !plan_draws(round->folder, plan, row->seq, 0) ? INVITE_SAMPLE
                  : plan->review && !subject[0]                 ? INVITE_SUBJECT
                                                                : INVITE_NONE};
    return invitation_begin(db, &beginning, err);
}

/* A review answers what asked its customer for it. */
static int write_reviewed(const struct feedback *feedback, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE invitation SET state = 2, answered_ms = ?1 WHERE customer = ?2 AND "
                      "subject = ?3 AND subject <> '' AND state < 2 AND sent_ms > 0",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, feedback->time_ms);
    sqlite3_bind_int64(statement, 2, feedback->customer);
    sqlite3_bind_text(statement, 3, feedback->subject.p, (int)feedback->subject.n,
                      SQLITE_TRANSIENT);
    return store_run(statement, err);
}

static int write_feedback(const struct feedback *feedback, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO invitation_asked VALUES(?1, ?2) ON CONFLICT(customer) DO UPDATE SET asked_ms "
        "= max(asked_ms, excluded.asked_ms)",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, feedback->customer);
    sqlite3_bind_int64(statement, 2, feedback->time_ms);
    int code = store_run(statement, err);
    if (code || !feedback->invitation)
        return code;
    statement = feedback->answered
                    ? STORE_PREPARE(db,
                                    "UPDATE invitation SET state = 2, answered_ms = ?1 WHERE id = "
                                    "?2 AND state < 2 AND sent_ms > 0",
                                    err)
                    : STORE_PREPARE(db,
                                    "UPDATE invitation SET shown_ms = ?1 WHERE id = ?2 AND "
                                    "shown_ms = 0 AND sent_ms > 0",
                                    err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, feedback->time_ms);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)feedback->invitation);
    return store_run(statement, err);
}

static int write_round(void *context, sqlite3 *db, struct err *err) {
    struct round *round = context;
    char position[24];
    int code = 0;
    for (size_t i = 0; !code && i < round->n_candidates; i++)
        for (size_t p = 0; !code && p < round->n_plans; p++) {
            const struct candidate *candidate = &round->candidates[i];
            const struct invite_plan *plan = &round->plans[p];
            struct slice touchpoint = name_of(round, DICTIONARY_TOUCHPOINT, candidate->touchpoint);
            if (may_invite(round, plan, &candidate->row) &&
                (!plan->touchpoint[0] || slice_equal(touchpoint, slice_of(plan->touchpoint))))
                code = insert(round, plan, candidate, db, err);
        }
    for (size_t i = 0; !code && i < round->n_feedback; i++)
        code = round->feedback[i].subject.n ? write_reviewed(&round->feedback[i], db, err)
                                            : write_feedback(&round->feedback[i], db, err);
    snprintf(position, sizeof position, "%llu", (unsigned long long)round->to);
    return code ? code : store_setting_put(db, POSITION, position, err);
}

static int read_position(struct folder *folder, bool *known, uint64_t *position, struct err *err) {
    char text[24] = "";
    sqlite3 *db = store_reader_get(folder->store);
    int code = store_setting_get(db, POSITION, text, sizeof text, err);
    store_reader_put(folder->store, db);
    *known = code == 0;
    *position = strtoull(text, NULL, 10);
    return code == E_NOT_FOUND ? 0 : code;
}

static int read_round(struct round *round, uint64_t from, struct err *err) {
    const struct dictionary *dictionary = round->folder->dictionary;
    arena_init(&round->arena);
    round->shown = dictionary_find(dictionary, DICTIONARY_EVENT, SLICE_LITERAL("Survey Shown"));
    round->responded =
        dictionary_find(dictionary, DICTIONARY_EVENT, SLICE_LITERAL("Survey Responded"));
    round->invitation =
        dictionary_find(dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("invitation"));
    round->reviewed = dictionary_find(dictionary, DICTIONARY_EVENT, SLICE_LITERAL(REVIEW_EVENT));
    for (size_t i = 0; i < round->n_plans; i++)
        round->reviews |= round->plans[i].review;
    if (!round->reviewed)
        round->reviewed = UINT16_MAX;
    if (!round->shown)
        round->shown = UINT16_MAX;
    if (!round->responded)
        round->responded = UINT16_MAX;
    int code = log_read(round->folder->log, from + 1, round->to + 1, visit, round, err);
    if (!code)
        code = find_touchpoints(round, err);
    if (!code)
        code = find_subjects(round, err);
    if (!code)
        code = store_write(round->folder->store, write_round, round, err);
    free(round->candidates);
    free(round->feedback);
    arena_release(&round->arena);
    return code;
}

/* Begins with what comes after the first run: the past invites nobody. */
static int run(struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct invite_plan *plans;
    size_t n;
    bool known;
    uint64_t from, last = log_last(folder->log);
    int code = read_position(folder, &known, &from, err);
    if (code || (known && from >= last))
        return code;
    code = plans_running(folder, &plans, &n, err);
    if (!known || !n)
        from = last; /* no plan: nothing to read, but the position moves on */
    while (!code && !job_cancelled(run)) {
        struct round round = {.folder = folder,
                              .plans = plans,
                              .n_plans = n,
                              .to = from + ROUND < last ? from + ROUND : last,
                              .now_ms = clock_now_ms()};
        code = read_round(&round, from, err);
        from = round.to;
        if (from >= last)
            break;
    }
    plans_free(plans, n);
    return code;
}

const struct job job_invite_candidates = {.name = "invite.candidates",
                                          .summary =
                                              "finds who is to be invited, and who has answered",
                                          .lane = JOB_QUICK,
                                          .every_ms = 1000,
                                          .run = run};
