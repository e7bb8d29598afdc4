/*
 * Between the files of invitations.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_INVITE_INTERNAL_H
#define SENDA_INVITE_INTERNAL_H

#include "base/arena.h"
#include "invite/invite.h"
#include "mail/mail.h"
#include "survey/survey.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS_64 (24 * HOUR_MS)

enum { INVITE_ID_BYTES = 32, PLAN_EVENTS = 20, PLAN_CHANNELS = 3, LATE_DAYS = 7 };
/* A review is invited within 30 days of the experience (Spanish law); opinions are asked for again after so many months. */
enum { REVIEW_DAYS = 30, PLAN_MONTHS = 2 };

/* ---- a plan, read ---- */

struct hours {
    bool limited;
    int from_s, to_s; /* of the local day */
    unsigned days;    /* bit 1: Monday … bit 7: Sunday */
};
struct plan_text {
    const json_t *by_language; /* object, or NULL */
};
enum calendar_every { EVERY_WEEK, EVERY_MONTH, EVERY_QUARTER, EVERY_YEAR };
/* When a plan runs by calendar (calendar.c); local days of the organisation. */
struct calendar {
    enum calendar_every every;
    int day; /* of a week: 1 Monday … 7; else of the month, 1 … 31: a shorter month has its last one */
    int month; /* of a quarter: 1 … 3; of a year: 1 … 12 */
    int at_s;  /* of the local day */
    int most;  /* people of a round, drawn at random; 0: as `share` says */
};
struct invite_plan {
    uint64_t id, since_seq; /* invites after records behind this one */
    int64_t since_ms;       /* of a calendar: rounds after this instant */
    json_t *document;       /* owner of all texts here */
    const char *name, *survey, *touchpoint, *channel, *purpose, *segment; /* "": none */
    bool after, by_calendar, review, again; /* what makes it invite; again: opinions that are due */
    struct calendar calendar;
    const char *subject_name;     /* of a review, "": what the interaction names */
    unsigned months[PLAN_MONTHS]; /* of use, after which it asks again */
    size_t n_months;
    const char *events[PLAN_EVENTS];
    size_t n_events;
    int64_t delay_ms, expires_ms, reminder_ms; /* reminder_ms 0: none */
    int reminders;
    double share;
    int quarantine_days; /* -1: as the outlets say */
    struct hours hours;
    const char *channels[PLAN_CHANNELS];
    size_t n_channels;
    struct plan_text subject, text;
};
/* Keeps a reference. E_INVALID with the pointer. */
must_use int plan_parse(uint64_t id, json_t *document, struct invite_plan *plan, struct err *err);
void plan_release(struct invite_plan *plan);
must_use int plan_load(struct folder *folder, uint64_t id, struct invite_plan *plan,
                       struct err *err);
/* Those that run; plans_free. */
must_use int plans_running(struct folder *folder, struct invite_plan **plans, size_t *n,
                           struct err *err);
void plans_free(struct invite_plan *plans, size_t n);
/* The calendar of a document: {"every","day","month","at","most"}. E_INVALID with the pointer. */
must_use int calendar_parse(const json_t *json, struct calendar *calendar, struct err *err);
/* The last instant <= time_ms at which it is time, and the first after it. */
int64_t calendar_last(const struct calendar *calendar, const struct zone *zone, int64_t time_ms);
int64_t calendar_next(const struct calendar *calendar, const struct zone *zone, int64_t time_ms);
/* "09:30" as seconds of the day; "24:00" is its end. */
bool clock_parse(const json_t *text, int *seconds);
/* Of an object: no member but these. E_INVALID with the pointer. */
must_use int plan_members(const json_t *object, const char *const *names, size_t n,
                          const char *below, struct err *err);
/* Drawn by a keyed hash: the same interaction (or round and person) is always in or always out of a plan's share. */
uint64_t plan_draw(const struct folder *folder, const struct invite_plan *plan, uint64_t seq,
                   uint64_t customer);
bool plan_draws(const struct folder *folder, const struct invite_plan *plan, uint64_t seq,
                uint64_t customer);
/* The first instant >= time_ms within the hours. */
int64_t hours_next(const struct hours *hours, const struct zone *zone, int64_t time_ms);

/* ---- an invitation that begins ---- */

struct beginning {
    uint64_t plan, seq; /* seq 0: chosen by hand; else once for each plan, seq and customer */
    uint32_t customer;
    int64_t event_ms, due_ms, now_ms;
    struct slice touchpoint, unit, subject;
    unsigned months;
    enum invite_reason reason; /* INVITE_NONE: it waits */
};
/* In the writer's transaction. */
must_use int invitation_begin(sqlite3 *db, const struct beginning *beginning, struct err *err);

/* ---- who ---- */

struct contact {
    uint32_t owner;
    const char *email, *phone, *name, *language; /* "": not known; in the arena */
};
must_use int contact_read(struct folder *folder, uint32_t profile, struct arena *arena,
                          struct contact *contact, struct err *err);
/* Keyed hash of an address, capitals and blanks aside. */
struct key128 address_hash(struct folder *folder, const char *address);
/* INVITE_NONE, INVITE_UNSUBSCRIBED or INVITE_BOUNCED. */
must_use int address_refused(struct folder *folder, const char *address, enum invite_reason *reason,
                             struct err *err);
/* Writer's transaction: nobody is asked there again. */
must_use int address_stop(sqlite3 *db, struct key128 address, bool bounced, int64_t now_ms,
                          struct err *err);
/* Whom an invitation is of. E_NOT_FOUND. */
must_use int invitation_customer(struct folder *folder, uint64_t invitation, uint32_t *customer,
                                 struct err *err);
/* May the customer be asked for this purpose (collect/consent.h)? */
must_use int purpose_allowed(struct folder *folder, uint32_t owner, const char *purpose,
                             bool *allowed, struct err *err);
/* The last time that any of the owner's profiles was asked; 0: never. */
must_use int asked_last(struct folder *folder, uint32_t owner, int64_t *asked_ms, struct err *err);

/* ---- messages ---- */

struct letter {
    const char *subject, *text, *html; /* in the arena */
    const char *unsubscribe;
};
struct letter_of {
    const struct invite_plan *plan;
    const struct survey *survey; /* or, of a review, NULL and */
    const char *subject;         /* what is reviewed, as people read it */
    const struct contact *contact;
    const char *link, *unsubscribe; /* addresses */
    const char *channel;            /* "email" gets HTML */
};
void letter_write(struct folder *folder, const struct letter_of *of, struct arena *arena,
                  struct letter *letter);
const char *unsubscribe_token(struct folder *folder, uint64_t invitation, struct arena *arena);
/* What a returned message is known by: "ID-TAG", the tag a keyed hash of invitation and address, so that nobody can stop an address
 * that we did not write to. */
const char *bounce_token(struct folder *folder, uint64_t invitation, const char *address,
                         struct arena *arena);

/* ---- outlets ---- */

enum way { WAY_MAIL, WAY_GATEWAY, WAYS };
enum way way_of(const char *channel);

struct outlets {
    const char *base_url;
    int quarantine_days;
    bool has_mail, has_gateway;
    struct mail_relay mail;
    const char *gateway_url, *gateway_secret;
    int per_minute[WAYS]; /* of each way */
    const char
        *bounces; /* address of return paths, NAME+TOKEN@…; "": without, they come to mail.from */
    struct mail_line *line; /* to the relay, while a run of messages lasts, or NULL */
};
/* Texts in the arena, secrets unsealed. */
must_use int outlets_read(struct folder *folder, struct arena *arena, struct outlets *outlets,
                          struct err *err);
bool outlets_has(const struct outlets *outlets, const char *channel);
/* A text message through the gateway: a signed request (docs/surveys.md). Errors as mail_send. */
must_use int gateway_send(const struct outlets *outlets, const char *channel, const char *id,
                          const char *to, const char *text, struct err *err);

/* ---- deliveries ---- */

/* How many messages each way may still take now: a bucket that fills with time. */
struct pace {
    double left[WAYS];
    int64_t filled_ms;
};

/* Fills it with what time has passed since the last call. */
must_use int pace_fill(struct folder *folder, const struct outlets *outlets, struct pace **pace,
                       struct err *err);
/* Can none of the ways of a plan take a message now? */
bool pace_is_spent(const struct pace *pace, const struct invite_plan *plan);

/* An invitation whose turn it is. */
struct due {
    uint64_t id, plan, seq;
    uint32_t customer;
    int64_t event_ms, due_ms, sent_ms;
    const char *touchpoint, *unit, *channel, *subject;
    unsigned months;
    int state, attempts, reminders;
};

struct delivering {
    struct folder *folder;
    struct arena *arena; /* of one invitation */
    const struct invite_plan *plan;
    struct survey *survey;
    const char *subject; /* of a review, as people read it; NULL: it is gone */
    const struct outlets *outlets;
    const struct pace *pace;
    int64_t now_ms;
};

/* The questions, in the order of INVITE_REASONS: INVITE_NONE and a channel, or why not; *until_ms: the end of a quarantine. A reminder
 * minds neither quarantine nor lateness: its first message did. */
must_use int invite_ask(const struct delivering *delivering, const struct due *due,
                        const struct contact *contact, const char **channel,
                        enum invite_reason *reason, int64_t *until_ms, struct err *err);

#endif
