/*
 * Invitations that no interaction makes: rounds by calendar, and opinions that are due again (voice/review.h).
 *
 * A round is made in batches of its segment's members, in order of their numbers; an invitation is
 * once for each plan, round and person and the last batch marks the round as made, so one that was cut short is made again without harm. Who
 * was not drawn has that reason recorded. A round that was missed for more than LATE_DAYS is left out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "invite/internal.h"
#include "invite/job.h"
#include "segment/segment.h"
#include "voice/review.h"

enum { BATCH = 5000, DUE_AT_ONCE = 500, ROUNDS_MS = 5000 };

int invitation_begin(sqlite3 *db, const struct beginning *beginning, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT OR IGNORE INTO invitation(plan, customer, seq, event_ms, touchpoint, unit, "
        "channel, state, reason, due_ms, attempts, reminders, sent_ms, shown_ms, answered_ms, "
        "created_ms, subject, months) VALUES(?, ?, ?, ?, ?, ?, '', ?, ?, ?, 0, 0, 0, 0, 0, ?, ?, "
        "?)",
        err);
    if (!statement)
        return E_IO;
    const struct slice texts[] = {beginning->touchpoint, beginning->unit, beginning->subject};
    static const int columns[] = {5, 6, 11};
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)beginning->plan);
    sqlite3_bind_int64(statement, 2, beginning->customer);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)beginning->seq);
    sqlite3_bind_int64(statement, 4, beginning->event_ms);
    for (size_t i = 0; i < 3; i++)
        sqlite3_bind_text(statement, columns[i], texts[i].p ? texts[i].p : "", (int)texts[i].n,
                          SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 7, beginning->reason ? INVITE_NOT_INVITED : INVITE_WAITING);
    sqlite3_bind_int(statement, 8, (int)beginning->reason);
    sqlite3_bind_int64(statement, 9, beginning->due_ms);
    sqlite3_bind_int64(statement, 10, beginning->now_ms);
    sqlite3_bind_int(statement, 12, (int)beginning->months);
    return store_run(statement, err);
}

/* ---- rounds ---- */

struct batch {
    const struct folder *folder;
    const struct invite_plan *plan;
    const uint32_t *customers;
    size_t n;
    uint64_t limit; /* drawn: below it */
    int64_t round_ms, now_ms;
    bool last; /* of the round */
};

static int write_batch(void *context, sqlite3 *db, struct err *err) {
    const struct batch *batch = context;
    const struct invite_plan *plan = batch->plan;
    int code = 0;
    for (size_t i = 0; !code && i < batch->n; i++) {
        uint64_t round = (uint64_t)batch->round_ms;
        bool drawn = plan_draws(batch->folder, plan, round, batch->customers[i]) &&
                     plan_draw(batch->folder, plan, round, batch->customers[i]) < batch->limit;
        code = invitation_begin(db,
                                &(struct beginning){.plan = plan->id,
                                                    .seq = round,
                                                    .customer = batch->customers[i],
                                                    .event_ms = batch->round_ms,
                                                    .due_ms = batch->round_ms + plan->delay_ms,
                                                    .now_ms = batch->now_ms,
                                                    .reason = drawn ? INVITE_NONE : INVITE_SAMPLE},
                                err);
    }
    if (code || !batch->last)
        return code;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE invitation_plan SET since_ms = ?1 WHERE id = ?2", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, batch->round_ms);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)plan->id);
    return store_run(statement, err);
}

static int by_value(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Below which draw somebody is among the `most` of a round. */
static uint64_t limit_of(const struct folder *folder, const struct invite_plan *plan,
                         uint64_t round, const uint32_t *customers, size_t n) {
    size_t most = (size_t)plan->calendar.most, drawn = 0;
    if (!most || n <= most)
        return UINT64_MAX;
    uint64_t *draws = malloc((n + 1) * sizeof *draws);
    if (!draws)
        abort();
    for (size_t i = 0; i < n; i++)
        if (plan_draws(folder, plan, round, customers[i]))
            draws[drawn++] = plan_draw(folder, plan, round, customers[i]);
    qsort(draws, drawn, sizeof *draws, by_value);
    uint64_t limit = drawn > most ? draws[most] : UINT64_MAX;
    free(draws);
    return limit;
}

/* The segment's members, free() them. A segment that is gone has none. */
static int members_of(struct folder *folder, const char *segment, uint32_t **members, size_t *n,
                      struct err *err) {
    roaring_bitmap_t *set = NULL;
    struct err none = {0};
    int code = segment_members(folder, segment, &set, &none);
    *n = code ? 0 : roaring_bitmap_get_cardinality(set);
    *members = malloc((*n + 1) * sizeof **members);
    if (!*members)
        abort();
    if (*n)
        roaring_bitmap_to_uint32_array(set, *members);
    if (set)
        roaring_bitmap_free(set);
    if (code && code != E_NOT_FOUND)
        *err = none;
    return code == E_NOT_FOUND ? 0 : code;
}

static int make_round(struct job_run *run, const struct invite_plan *plan, int64_t round_ms,
                      struct err *err) {
    struct folder *folder = job_folder(run);
    uint32_t *members;
    size_t n;
    int code = members_of(folder, plan->segment, &members, &n, err);
    uint64_t limit = code ? 0 : limit_of(folder, plan, (uint64_t)round_ms, members, n);
    size_t done = 0;
    do {
        size_t some = n - done < BATCH ? n - done : BATCH;
        struct batch batch = {.folder = folder,
                              .plan = plan,
                              .customers = members + done,
                              .n = some,
                              .limit = limit,
                              .round_ms = round_ms,
                              .now_ms = clock_now_ms(),
                              .last = done + some == n};
        if (!code)
            code = store_write(folder->store, write_batch, &batch, err);
        done += some;
        job_progress(run, done, n);
    } while (!code && done < n && !job_cancelled(run));
    free(members);
    return code;
}

static int make_rounds(struct job_run *run, const struct invite_plan *plans, size_t n,
                       struct err *err) {
    const struct zone *zone = job_folder(run)->zone;
    int64_t now_ms = clock_now_ms();
    int code = 0;
    for (size_t i = 0; !code && i < n && !job_cancelled(run); i++) {
        if (!plans[i].by_calendar)
            continue;
        int64_t round_ms = calendar_last(&plans[i].calendar, zone, now_ms);
        if (round_ms > plans[i].since_ms && round_ms > now_ms - LATE_DAYS * DAY_MS_64)
            code = make_round(run, &plans[i], round_ms, err);
    }
    return code;
}

/* ---- opinions again ---- */

static bool asks_again(const struct invite_plan *plan, const struct review_due *due) {
    bool months = false;
    for (size_t i = 0; i < plan->n_months; i++)
        months |= plan->months[i] == due->months;
    return plan->again && months &&
           (!plan->subject_name[0] ||
            slice_equal(slice_of(plan->subject_name), slice_of(due->subject)));
}

static int write_again(void *context, sqlite3 *db, struct err *err) {
    return invitation_begin(db, context, err);
}

/* One that is handed over is due no longer: send.c says what came of it. */
static int hand_over(struct folder *folder, const struct invite_plan *plan,
                     const struct review_due *due, struct err *err) {
    int64_t now_ms = clock_now_ms();
    struct beginning beginning = {.plan = plan->id,
                                  .seq = due->review * 100 + due->months,
                                  .customer = due->customer,
                                  .event_ms = due->due_ms,
                                  .due_ms = now_ms + plan->delay_ms,
                                  .now_ms = now_ms,
                                  .subject = slice_of(due->subject),
                                  .months = due->months};
    int code = store_write(folder->store, write_again, &beginning, err);
    return code ? code : review_due_set(folder, due->review, due->months, REVIEW_ASKED, err);
}

static int ask_again(struct folder *folder, const struct invite_plan *plans, size_t n_plans,
                     struct err *err) {
    struct arena arena;
    size_t n;
    bool any = false;
    for (size_t p = 0; p < n_plans; p++)
        any |= plans[p].again;
    if (!any)
        return 0;
    arena_init(&arena);
    struct review_due *due = ARENA_ARRAY(&arena, struct review_due, DUE_AT_ONCE);
    int code = review_due_list(folder, &arena, due, DUE_AT_ONCE, &n, err);
    for (size_t i = 0; !code && i < n; i++)
        for (size_t p = 0; p < n_plans; p++)
            if (asks_again(&plans[p], &due[i])) {
                code = hand_over(folder, &plans[p], &due[i], err);
                break;
            }
    arena_release(&arena);
    return code;
}

static int run(struct job_run *run, struct err *err) {
    struct invite_plan *plans;
    size_t n;
    int code = plans_running(job_folder(run), &plans, &n, err);
    if (!code)
        code = make_rounds(run, plans, n, err);
    if (!code)
        code = ask_again(job_folder(run), plans, n, err);
    plans_free(plans, n);
    return code;
}

const struct job job_invite_rounds = {
    .name = "invite.rounds",
    .summary = "makes the invitations of plans by calendar, and asks for opinions again",
    .lane = JOB_DELIVERY,
    .every_ms = ROUNDS_MS,
    .run = run};
