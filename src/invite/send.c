/*
 * Deliveries: what is due is asked the questions of INVITE_REASONS, then sent, put off, or recorded as not invited.
 *
 * A message that fails for now is tried again after RETRIES; one that the relay or gateway will never take is not. What was
 * sent is written right after; a crash between the two sends it again with the same Message-ID.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "collect/derived.h"
#include "invite/internal.h"
#include "invite/job.h"
#include "segment/segment.h"

enum { ROUND = 200, MINUTE = 60000 };
static const int64_t RETRIES[] = {MINUTE_MS,   5 * MINUTE_MS, 30 * MINUTE_MS,
                                  2 * HOUR_MS, 6 * HOUR_MS,   DAY_MS_64};
enum { TRIES = sizeof RETRIES / sizeof *RETRIES };

struct due {
    uint64_t id, plan, seq;
    uint32_t customer;
    int64_t event_ms, due_ms, sent_ms;
    const char *touchpoint, *unit, *channel;
    int state, attempts, reminders;
};

/* What becomes of it. */
struct verdict {
    enum { PUT_OFF, SENT, NOT_INVITED, NOTHING } what;
    enum invite_reason reason;
    int64_t due_ms;
    const char *channel;
    int attempts;
};

struct delivering {
    struct folder *folder;
    struct arena *arena; /* of one invitation */
    const struct invite_plan *plan;
    struct survey *survey;
    const struct outlets *outlets;
    int64_t now_ms;
};

/* ---- the questions ---- */

static int in_segment(const struct delivering *delivering, uint32_t owner, bool *in,
                      struct err *err) {
    roaring_bitmap_t *members;
    struct err none = {0};
    *in = true;
    if (!delivering->plan->segment[0])
        return 0;
    int code = segment_members(delivering->folder, delivering->plan->segment, &members, &none);
    *in = !code && roaring_bitmap_contains(members, owner);
    if (!code)
        roaring_bitmap_free(members);
    if (code && code != E_NOT_FOUND) /* a segment that is gone has no members */
        *err = none;
    return code == E_NOT_FOUND ? 0 : code;
}

static const char *address_of(const struct contact *contact, const char *channel) {
    if (strcmp(channel, "email") == 0)
        return mail_is_address(contact->email) ? contact->email : "";
    return contact->phone;
}

/* The first way out that is set and for which there is an address that wants it; else why not. */
static int choose_channel(const struct delivering *delivering, const struct contact *contact,
                          const char **channel, enum invite_reason *reason, struct err *err) {
    const struct invite_plan *plan = delivering->plan;
    *channel = NULL;
    *reason = INVITE_ADDRESS;
    for (size_t i = 0; i < plan->n_channels; i++) {
        const char *address = address_of(contact, plan->channels[i]);
        enum invite_reason refused;
        if (!address[0] || !outlets_has(delivering->outlets, plan->channels[i]))
            continue;
        int code = address_refused(delivering->folder, address, &refused, err);
        if (code)
            return code;
        if (!refused) {
            *channel = plan->channels[i];
            *reason = INVITE_NONE;
            return 0;
        }
        *reason = refused;
    }
    return 0;
}

static int in_quarantine(const struct delivering *delivering, const struct contact *contact,
                         bool *quarantined, struct err *err) {
    int days = delivering->plan->quarantine_days >= 0 ? delivering->plan->quarantine_days
                                                      : delivering->outlets->quarantine_days;
    int64_t asked_ms;
    int code = asked_last(delivering->folder, contact->owner, &asked_ms, err);
    *quarantined = asked_ms && asked_ms + days * DAY_MS_64 > delivering->now_ms;
    return code;
}

/* INVITE_NONE and a channel, or why not. A reminder minds neither quarantine nor lateness: its first message did. */
static int ask(const struct delivering *delivering, const struct due *due,
               const struct contact *contact, const char **channel, enum invite_reason *reason,
               struct err *err) {
    struct err closed = {0};
    bool in, quarantined, allowed = true, reminder = due->state == INVITE_SENT;
    *reason = INVITE_NONE;
    if (!reminder &&
        due->event_ms + delivering->plan->delay_ms < delivering->now_ms - LATE_DAYS * DAY_MS_64)
        *reason = INVITE_LATE;
    else if (!delivering->survey ||
             survey_check_open(delivering->folder, delivering->survey, delivering->now_ms, &closed))
        *reason = INVITE_CLOSED;
    if (*reason)
        return 0;
    int code = due->seq ? in_segment(delivering, contact->owner, &in, err) : 0;
    if (code)
        return code;
    if (due->seq && !in) {
        *reason = INVITE_SEGMENT;
        return 0;
    }
    code = choose_channel(delivering, contact, channel, reason, err);
    if (code || *reason)
        return code;
    if (delivering->plan->purpose[0])
        code = purpose_allowed(delivering->folder, contact->owner, delivering->plan->purpose,
                               &allowed, err);
    if (!code && !allowed)
        *reason = INVITE_CONSENT;
    if (code || *reason || reminder)
        return code;
    code = in_quarantine(delivering, contact, &quarantined, err);
    if (!code && quarantined)
        *reason = INVITE_QUARANTINE;
    return code;
}

/* ---- sending ---- */

static int send(const struct delivering *delivering, const struct due *due,
                const struct contact *contact, const char *channel, struct err *err) {
    struct arena *arena = delivering->arena;
    const struct outlets *outlets = delivering->outlets;
    const char *id =
        arena_format(arena, "%s%llu", due->seq ? "" : "h", (unsigned long long)due->id);
    struct survey_link link = {.survey = delivering->survey->number,
                               .customer = contact->owner,
                               .expires_ms = delivering->now_ms + delivering->plan->expires_ms,
                               .invitation = id,
                               .channel = channel,
                               .touchpoint = due->touchpoint,
                               .unit = due->unit};
    struct letter letter;
    struct letter_of of = {
        .plan = delivering->plan,
        .survey = delivering->survey,
        .contact = contact,
        .link = arena_format(arena, "%s/s/%s?t=%s", outlets->base_url, delivering->survey->id,
                             survey_link_make(delivering->folder, &link, arena)),
        .unsubscribe = arena_format(arena, "%s/u/%s", outlets->base_url,
                                    unsubscribe_token(delivering->folder, due->id, arena)),
        .channel = channel};
    letter_write(delivering->folder, &of, arena, &letter);
    const char *message_id = arena_format(arena, "senda-%s-%d", id, due->reminders);
    if (strcmp(channel, "email") != 0)
        return gateway_send(outlets, channel, message_id, contact->phone, letter.text, err);
    struct mail_message message = {.to = contact->email,
                                   .subject = letter.subject,
                                   .text = letter.text,
                                   .html = letter.html,
                                   .id = message_id,
                                   .unsubscribe = letter.unsubscribe};
    return mail_send(&outlets->mail, &message, err);
}

static int64_t reminder_due(const struct delivering *delivering, int reminders) {
    return reminders < delivering->plan->reminders
               ? delivering->now_ms + delivering->plan->reminder_ms
               : INT64_MAX;
}

static struct verdict not_now(const struct due *due, int64_t now_ms) {
    if (due->attempts >= TRIES)
        return (struct verdict){.what = NOT_INVITED, .reason = INVITE_UNDELIVERED};
    return (struct verdict){
        .what = PUT_OFF, .due_ms = now_ms + RETRIES[due->attempts], .attempts = due->attempts + 1};
}

static int deliver(const struct delivering *delivering, const struct due *due,
                   struct verdict *verdict, struct err *err) {
    struct contact contact;
    enum invite_reason reason;
    const char *channel = NULL;
    struct err refusal = {0};
    int64_t open_ms =
        hours_next(&delivering->plan->hours, delivering->folder->zone, delivering->now_ms);
    if (open_ms > delivering->now_ms) {
        *verdict = (struct verdict){.what = PUT_OFF, .due_ms = open_ms, .attempts = due->attempts};
        return 0;
    }
    int code = contact_read(delivering->folder, due->customer, delivering->arena, &contact, err);
    if (!code)
        code = ask(delivering, due, &contact, &channel, &reason, err);
    if (code)
        return code;
    if (reason) {
        *verdict = (struct verdict){.what = NOT_INVITED, .reason = reason};
        return 0;
    }
    code = send(delivering, due, &contact, channel, &refusal);
    if (code == E_REFUSED) {
        *verdict = (struct verdict){.what = NOT_INVITED, .reason = INVITE_REFUSED};
        return strcmp(channel, "email") == 0 ? invite_bounce(delivering->folder, contact.email, err)
                                             : 0;
    }
    if (code) {
        *verdict = not_now(due, delivering->now_ms);
        return 0;
    }
    int reminders = due->reminders + (due->state == INVITE_SENT);
    *verdict = (struct verdict){
        .what = SENT, .channel = channel, .due_ms = reminder_due(delivering, reminders)};
    return 0;
}

/* ---- the records ---- */

struct writing {
    const struct due *due;
    const struct verdict *verdict;
    uint32_t owner;
    int64_t now_ms;
};

static int write_sent(const struct writing *writing, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE invitation SET reminders = reminders + (state = 1), state = 1, channel = ?1, "
        "sent_ms = iif(sent_ms = 0, ?2, sent_ms), due_ms = ?3, attempts = 0 WHERE id = ?4 AND "
        "state < 2",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, writing->verdict->channel, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, writing->now_ms);
    sqlite3_bind_int64(statement, 3, writing->verdict->due_ms);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)writing->due->id);
    int code = store_run(statement, err);
    statement = code ? NULL
                     : STORE_PREPARE(db,
                                     "INSERT INTO invitation_asked VALUES(?1, ?2) ON "
                                     "CONFLICT(customer) DO UPDATE SET asked_ms = max(asked_ms, "
                                     "excluded.asked_ms)",
                                     err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, writing->owner);
    sqlite3_bind_int64(statement, 2, writing->now_ms);
    return store_run(statement, err);
}

/* A reminder that is not sent leaves the invitation as it was, with nothing more to come. */
static int write_other(const struct writing *writing, sqlite3 *db, struct err *err) {
    const struct verdict *verdict = writing->verdict;
    sqlite3_stmt *statement =
        verdict->what == PUT_OFF
            ? STORE_PREPARE(db, "UPDATE invitation SET due_ms = ?1, attempts = ?2 WHERE id = ?3",
                            err)
        : writing->due->state == INVITE_SENT
            ? STORE_PREPARE(db, "UPDATE invitation SET due_ms = 9223372036854775807 WHERE id = ?3",
                            err)
            : STORE_PREPARE(db, "UPDATE invitation SET state = 3, reason = ?4 WHERE id = ?3", err);
    if (!statement)
        return E_IO;
    if (verdict->what == PUT_OFF) {
        sqlite3_bind_int64(statement, 1, verdict->due_ms);
        sqlite3_bind_int(statement, 2, verdict->attempts);
    } else if (writing->due->state != INVITE_SENT) {
        sqlite3_bind_int(statement, 4, (int)verdict->reason);
    }
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)writing->due->id);
    return store_run(statement, err);
}

static int write_verdict(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    return writing->verdict->what == SENT ? write_sent(writing, db, err)
                                          : write_other(writing, db, err);
}

static const char *copied(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return arena_text(arena, slice_of(text ? text : ""));
}

/* The first message is an interaction of its own (`Survey Invited`), in one transaction with the record that it was sent: so
 * response rates count who was asked. Reminders belong to it. */
static int keep_invited(const struct delivering *delivering, struct writing *writing,
                        struct err *err) {
    const struct due *due = writing->due;
    const char *id =
        arena_format(delivering->arena, "%s%llu", due->seq ? "" : "h", (unsigned long long)due->id);
    struct event_property properties[] = {
        {.name = SLICE_LITERAL("survey"),
         .value = {.type = VALUE_TEXT, .text = slice_of(delivering->survey->id)}},
        {.name = SLICE_LITERAL("invitation"), .value = {.type = VALUE_TEXT, .text = slice_of(id)}},
        {.name = SLICE_LITERAL("by"),
         .value = {.type = VALUE_TEXT, .text = slice_of(writing->verdict->channel)}},
    };
    struct derived_event event = {.customer = due->customer,
                                  .time_ms = writing->now_ms,
                                  .event = SLICE_LITERAL("Survey Invited"),
                                  .properties = properties,
                                  .n_properties = sizeof properties / sizeof *properties};
    return ingest_derive(delivering->folder->ingest, &event, 1, write_verdict, writing, err);
}

/* Those of running plans, the longest due first. */
static int read_due(struct folder *folder, int64_t now_ms, struct arena *arena, struct due *due,
                    size_t *n, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT i.id, plan, seq, customer, event_ms, due_ms, sent_ms, touchpoint, unit, channel, "
        "state, attempts, reminders FROM invitation i JOIN invitation_plan p ON p.id = plan WHERE "
        "state < 2 AND due_ms <= ?1 AND p.running AND NOT p.removed ORDER BY due_ms LIMIT ?2",
        err);
    int code = statement ? 0 : E_IO;
    *n = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, now_ms);
        sqlite3_bind_int(statement, 2, ROUND);
    }
    while (!code && (code = store_step(statement, err)) == 1) {
        code = 0;
        if (*n < ROUND)
            due[(*n)++] = (struct due){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                       .plan = (uint64_t)sqlite3_column_int64(statement, 1),
                                       .seq = (uint64_t)sqlite3_column_int64(statement, 2),
                                       .customer = (uint32_t)sqlite3_column_int64(statement, 3),
                                       .event_ms = sqlite3_column_int64(statement, 4),
                                       .due_ms = sqlite3_column_int64(statement, 5),
                                       .sent_ms = sqlite3_column_int64(statement, 6),
                                       .touchpoint = copied(statement, 7, arena),
                                       .unit = copied(statement, 8, arena),
                                       .channel = copied(statement, 9, arena),
                                       .state = sqlite3_column_int(statement, 10),
                                       .attempts = sqlite3_column_int(statement, 11),
                                       .reminders = sqlite3_column_int(statement, 12)};
    }
    store_reader_put(folder->store, db);
    return code;
}

/* Messages sent in the last minute: what is left of the pace of both ways out together. */
static int left_of_pace(struct folder *folder, const struct outlets *outlets, int64_t now_ms,
                        int *left, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT count(*) FROM invitation WHERE state IN (1, 2) AND sent_ms > ?", err);
    int code = E_IO, sent = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, now_ms - MINUTE);
        code = store_step(statement, err);
    }
    if (code == 1) {
        sent = sqlite3_column_int(statement, 0);
        sqlite3_reset(statement);
        code = 0;
    }
    store_reader_put(folder->store, db);
    int pace =
        outlets->has_mail && outlets->has_gateway
            ? (outlets->mail_per_minute < outlets->gateway_per_minute ? outlets->mail_per_minute
                                                                      : outlets->gateway_per_minute)
        : outlets->has_mail ? outlets->mail_per_minute
                            : outlets->gateway_per_minute;
    *left = pace > sent ? pace - sent : 0;
    return code;
}

static int settle(struct folder *folder, const struct due *due, const struct outlets *outlets,
                  bool *sent, struct err *err) {
    struct invite_plan plan;
    struct arena arena;
    struct err ignored = {0};
    struct verdict verdict = {.what = NOTHING};
    int code = plan_load(folder, due->plan, &plan, err);
    if (code)
        return code;
    arena_init(&arena);
    struct delivering delivering = {.folder = folder,
                                    .arena = &arena,
                                    .plan = &plan,
                                    .outlets = outlets,
                                    .now_ms = clock_now_ms()};
    if (survey_find(folder, slice_of(plan.survey), &delivering.survey, &ignored))
        delivering.survey = NULL;
    code = deliver(&delivering, due, &verdict, err);
    struct writing writing = {
        .due = due, .verdict = &verdict, .owner = due->customer, .now_ms = delivering.now_ms};
    if (!code && delivering.survey && verdict.what == SENT && due->state == INVITE_WAITING)
        code = keep_invited(&delivering, &writing, err);
    else if (!code && verdict.what != NOTHING)
        code = store_write(folder->store, write_verdict, &writing, err);
    *sent = verdict.what == SENT;
    survey_release(delivering.survey);
    arena_release(&arena);
    plan_release(&plan);
    return code;
}

static int run(struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct arena arena;
    struct outlets outlets;
    size_t n = 0, i;
    int left = 0, n_sent = 0;
    int64_t now_ms = clock_now_ms();
    arena_init(&arena);
    struct due *due = ARENA_ARRAY(&arena, struct due, ROUND);
    int code = read_due(folder, now_ms, &arena, due, &n, err);
    if (!code && n)
        code = outlets_read(folder, &arena, &outlets, err);
    if (!code && n)
        code = left_of_pace(folder, &outlets, now_ms, &left, err);
    for (i = 0; !code && i < n && n_sent < left && !job_cancelled(run); i++) {
        bool sent = false;
        code = settle(folder, &due[i], &outlets, &sent, err);
        n_sent += sent;
        job_progress(run, i + 1, n);
    }
    if (n)
        job_result(run, json_pack("{s:i}", "sent", n_sent));
    arena_release(&arena);
    return code;
}

const struct job job_invite_send = {.name = "invite.send",
                                    .summary = "sends the invitations and reminders that are due",
                                    .lane = JOB_DELIVERY,
                                    .every_ms = 1000,
                                    .run = run};
