/*
 * Deliveries: what is due is asked the questions of INVITE_REASONS, then sent, put off, or recorded as not invited.
 *
 * A message that fails for now is tried again after RETRIES; one that the relay or gateway will never take is not. What was
 * sent is written right after; a crash between the two sends it again with the same Message-ID.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "collect/derived.h"
#include "invite/internal.h"
#include "invite/job.h"
#include "voice/review.h"

enum { ROUND = 2000, AGAIN_DAYS = 60 };
static const int64_t RETRIES[] = {MINUTE_MS,   5 * MINUTE_MS, 30 * MINUTE_MS,
                                  2 * HOUR_MS, 6 * HOUR_MS,   DAY_MS_64};
enum { TRIES = sizeof RETRIES / sizeof *RETRIES };

/* What becomes of it. */
struct verdict {
    enum { PUT_OFF, SENT, NOT_INVITED, NOTHING } what;
    enum invite_reason reason;
    int64_t due_ms;
    const char *channel; /* whose server was asked, or NULL */
    int attempts;
};

/* ---- sending ---- */

/* What the answer will say of its invitation. */
static const char *invitation_id(const struct due *due, struct arena *arena) {
    return due->seq ? arena_format(arena, "%llu", (unsigned long long)due->id)
                    : arena_format(arena, "%c%llu", SURVEY_PICKED, (unsigned long long)due->id);
}

/* Where the message leads: the survey, or the form of a review, as this customer. */
static int link_of(const struct delivering *delivering, const struct due *due,
                   const struct contact *contact, const char *channel, const char *id,
                   const char **address, struct err *err) {
    struct arena *arena = delivering->arena;
    const char *base = delivering->outlets->base_url;
    int64_t expires_ms = delivering->now_ms + delivering->plan->expires_ms;
    if (!delivering->plan->review) {
        struct survey_link link = {.survey = delivering->survey->number,
                                   .customer = contact->owner,
                                   .expires_ms = expires_ms,
                                   .invitation = id,
                                   .channel = channel,
                                   .touchpoint = due->touchpoint,
                                   .unit = due->unit};
        *address = arena_format(arena, "%s/s/%s?t=%s", base, delivering->survey->id,
                                survey_link_make(delivering->folder, &link, arena));
        return 0;
    }
    char customer[CUSTOMER_ID_BYTES];
    const char *token;
    customer_id_format(contact->owner, customer);
    struct review_link link = {.subject = due->subject,
                               .customer = customer,
                               .invited_ms = delivering->now_ms,
                               .expires_ms = expires_ms,
                               .months = due->months};
    int code = review_link_make(delivering->folder, &link, arena, &token, err);
    if (code)
        return code;
    char *name = curl_easy_escape(NULL, due->subject, 0);
    *address = arena_format(arena, "%s/w/review/%s?link=%s", base, name ? name : "", token);
    curl_free(name);
    return 0;
}

/* "bounces@example.org" as "bounces+TOKEN@example.org"; NULL: the sender's own. */
static const char *return_path(const struct delivering *delivering, const char *token) {
    const char *bounces = delivering->outlets->bounces, *at = strchr(bounces, '@');
    return at ? arena_format(delivering->arena, "%.*s+%s%s", (int)(at - bounces), bounces, token,
                             at)
              : NULL;
}

static int send_message(const struct delivering *delivering, const struct due *due,
                        const struct contact *contact, const char *channel, struct err *err) {
    struct arena *arena = delivering->arena;
    const struct outlets *outlets = delivering->outlets;
    const char *id = invitation_id(due, arena);
    const char *link;
    int code = link_of(delivering, due, contact, channel, id, &link, err);
    if (code)
        return code;
    struct letter letter;
    struct letter_of of = {.plan = delivering->plan,
                           .survey = delivering->survey,
                           .subject = delivering->subject,
                           .contact = contact,
                           .link = link,
                           .unsubscribe =
                               arena_format(arena, "%s/u/%s", outlets->base_url,
                                            unsubscribe_token(delivering->folder, due->id, arena)),
                           .channel = channel};
    letter_write(delivering->folder, &of, arena, &letter);
    /* A reminder is a message of its own: programs drop what bears an id that they have seen. */
    int nth = due->reminders + (due->state == INVITE_SENT);
    const char *message_id = arena_format(arena, "senda-%s-%d", id, nth);
    if (way_of(channel) == WAY_GATEWAY)
        return gateway_send(outlets, channel, message_id, contact->phone, letter.text, err);
    const char *token = bounce_token(delivering->folder, due->id, contact->email, arena);
    struct mail_message message = {.to = contact->email,
                                   .subject = letter.subject,
                                   .text = letter.text,
                                   .html = letter.html,
                                   .id = message_id,
                                   .unsubscribe = letter.unsubscribe,
                                   .bounces = return_path(delivering, token),
                                   .token = token};
    return mail_line_send(outlets->line, &message, err);
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
    int64_t until_ms, open_ms = hours_next(&delivering->plan->hours, delivering->folder->zone,
                                           delivering->now_ms);
    if (open_ms > delivering->now_ms) {
        *verdict = (struct verdict){.what = PUT_OFF, .due_ms = open_ms, .attempts = due->attempts};
        return 0;
    }
    int code = contact_read(delivering->folder, due->customer, delivering->arena, &contact, err);
    if (!code)
        code = invite_ask(delivering, due, &contact, &channel, &reason, &until_ms, err);
    if (code)
        return code;
    if (reason == INVITE_QUARANTINE && delivering->plan->again &&
        until_ms < due->event_ms + AGAIN_DAYS * DAY_MS_64) {
        *verdict = (struct verdict){.what = PUT_OFF, .due_ms = until_ms, .attempts = due->attempts};
        return 0; /* opinions of use can wait */
    }
    if (reason) {
        *verdict = (struct verdict){.what = NOT_INVITED, .reason = reason};
        return 0;
    }
    if (delivering->pace->left[way_of(channel)] < 1)
        return 0; /* its turn comes */
    code = send_message(delivering, due, &contact, channel, &refusal);
    if (code == E_REFUSED) {
        *verdict =
            (struct verdict){.what = NOT_INVITED, .reason = INVITE_REFUSED, .channel = channel};
        return way_of(channel) == WAY_MAIL && mail_line_says_gone(delivering->outlets->line)
                   ? invite_bounce(delivering->folder, contact.email, err)
                   : 0;
    }
    if (code) {
        *verdict = not_now(due, delivering->now_ms);
        verdict->channel = channel;
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

/* What stands on the invitation, else what the survey says of its answers. */
static struct slice place(const char *own, const char *of_survey) {
    return slice_of(*own ? own : of_survey);
}

/* The first message is an interaction of its own (`Survey Invited`, `Review Invited`), in one transaction with the record that it was
 * sent: so response rates count who was asked, by the channel, touchpoint and unit that an answer will bear. Reminders belong to it. */
static int keep_invited(const struct delivering *delivering, struct writing *writing,
                        struct err *err) {
    const struct due *due = writing->due;
    bool review = delivering->plan->review;
    const char *id = invitation_id(due, delivering->arena);
    struct event_property properties[] = {
        {.name = review ? SLICE_LITERAL("subject") : SLICE_LITERAL("survey"),
         .value = {.type = VALUE_TEXT,
                   .text = slice_of(review ? due->subject : delivering->survey->id)}},
        {.name = SLICE_LITERAL("invitation"), .value = {.type = VALUE_TEXT, .text = slice_of(id)}},
        {.name = SLICE_LITERAL("by"),
         .value = {.type = VALUE_TEXT, .text = slice_of(writing->verdict->channel)}},
    };
    const struct survey *survey = delivering->survey;
    struct derived_event event = {
        .customer = due->customer,
        .time_ms = writing->now_ms,
        .unit = dictionary_find(delivering->folder->dictionary, DICTIONARY_UNIT,
                                place(due->unit, survey ? survey->unit : "")),
        .channel = slice_of(writing->verdict->channel),
        .touchpoint = place(due->touchpoint, survey ? survey->touchpoint : ""),
        .event = review ? SLICE_LITERAL("Review Invited") : SLICE_LITERAL("Survey Invited"),
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
        "state, attempts, reminders, subject, months FROM invitation i JOIN invitation_plan p ON "
        "p.id = plan WHERE "
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
                                       .reminders = sqlite3_column_int(statement, 12),
                                       .subject = copied(statement, 13, arena),
                                       .months = (unsigned)sqlite3_column_int(statement, 14)};
    }
    store_reader_put(folder->store, db);
    return code;
}

/* ---- rounds ---- */

/* The plan and what it asks, kept from one invitation to the next of the same. */
struct asking {
    struct invite_plan plan;
    struct survey *survey;
};

static void asking_release(struct asking *asking) {
    survey_release(asking->survey);
    if (asking->plan.document)
        plan_release(&asking->plan);
    asking->survey = NULL;
}

static int asking_read(struct folder *folder, uint64_t plan, struct asking *asking,
                       struct err *err) {
    struct err ignored = {0};
    if (asking->plan.document && asking->plan.id == plan)
        return 0;
    asking_release(asking);
    int code = plan_load(folder, plan, &asking->plan, err);
    if (!code && survey_find(folder, slice_of(asking->plan.survey), &asking->survey, &ignored))
        asking->survey = NULL;
    return code;
}

/* What a first opinion hears of its being asked for again. */
static int settle_again(const struct delivering *delivering, const struct due *due,
                        const struct verdict *verdict, struct err *err) {
    struct err gone = {0};
    if (!delivering->plan->again || verdict->what != NOT_INVITED)
        return 0;
    int code = review_due_set(delivering->folder, due->seq / 100, due->months, REVIEW_LEFT, &gone);
    return code && code != E_NOT_FOUND ? err_repeat(err, code, "", &gone) : 0;
}

static int settle(struct folder *folder, const struct due *due, const struct outlets *outlets,
                  const struct asking *asking, struct pace *pace, bool *sent, struct err *err) {
    struct arena arena;
    struct err ignored = {0};
    struct review_subject subject;
    struct verdict verdict = {.what = NOTHING};
    arena_init(&arena);
    struct delivering delivering = {.folder = folder,
                                    .arena = &arena,
                                    .plan = &asking->plan,
                                    .survey = asking->survey,
                                    .outlets = outlets,
                                    .pace = pace,
                                    .now_ms = clock_now_ms()};
    if (due->subject[0] && subject_find(folder, due->subject, &arena, &subject, &ignored) == 0)
        delivering.subject = subject.title;
    int code = deliver(&delivering, due, &verdict, err);
    struct writing writing = {
        .due = due, .verdict = &verdict, .owner = due->customer, .now_ms = delivering.now_ms};
    *sent = !code && verdict.what == SENT;
    if (verdict.channel)
        pace->left[way_of(verdict.channel)] -= 1;
    if (*sent && due->state == INVITE_WAITING)
        code = keep_invited(&delivering, &writing, err);
    else if (!code && verdict.what != NOTHING)
        code = store_write(folder->store, write_verdict, &writing, err);
    if (!code)
        code = settle_again(&delivering, due, &verdict, err);
    arena_release(&arena);
    return code;
}

static int send_due(struct job_run *run, const struct due *due, size_t n,
                    const struct outlets *outlets, int *n_sent, struct err *err) {
    struct folder *folder = job_folder(run);
    struct asking asking = {0};
    struct pace *pace;
    int code = pace_fill(folder, outlets, &pace, err);
    for (size_t i = 0; !code && i < n && !job_cancelled(run); i++) {
        bool sent = false;
        code = asking_read(folder, due[i].plan, &asking, err);
        if (!code && !pace_is_spent(pace, &asking.plan))
            code = settle(folder, &due[i], outlets, &asking, pace, &sent, err);
        *n_sent += sent;
        job_progress(run, i + 1, n);
    }
    asking_release(&asking);
    return code;
}

static int run(struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct arena arena;
    struct outlets outlets;
    size_t n = 0;
    int n_sent = 0;
    arena_init(&arena);
    struct due *due = ARENA_ARRAY(&arena, struct due, ROUND);
    int code = read_due(folder, clock_now_ms(), &arena, due, &n, err);
    if (!code && n)
        code = outlets_read(folder, &arena, &outlets, err);
    if (!code && n) {
        outlets.line = mail_open(&outlets.mail);
        code = send_due(run, due, n, &outlets, &n_sent, err);
        mail_close(outlets.line);
        job_result(run, json_pack("{s:i}", "sent", n_sent));
    }
    arena_release(&arena);
    return code;
}

const struct job job_invite_send = {.name = "invite.send",
                                    .summary = "sends the invitations and reminders that are due",
                                    .lane = JOB_DELIVERY,
                                    .every_ms = 1000,
                                    .run = run};
