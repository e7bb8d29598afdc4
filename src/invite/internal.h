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

/* ---- a plan, read ---- */

struct hours {
    bool limited;
    int from_s, to_s; /* of the local day */
    unsigned days;    /* bit 1: Monday … bit 7: Sunday */
};
struct plan_text {
    const json_t *by_language; /* object, or NULL */
};
struct invite_plan {
    uint64_t id, since_seq; /* invites after records behind this one */
    json_t *document;       /* owner of all texts here */
    const char *name, *survey, *touchpoint, *channel, *purpose, *segment; /* "": none */
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
/* Those that run; free() each with plan_release, then the array. */
must_use int plans_running(struct folder *folder, struct invite_plan **plans, size_t *n,
                           struct err *err);
/* The first instant >= time_ms within the hours. */
int64_t hours_next(const struct hours *hours, const struct zone *zone, int64_t time_ms);

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
    const struct survey *survey;
    const struct contact *contact;
    const char *link, *unsubscribe; /* addresses */
    const char *channel;            /* "email" gets HTML */
};
void letter_write(struct folder *folder, const struct letter_of *of, struct arena *arena,
                  struct letter *letter);
/* The best language that the plan has texts in: the contact's, the organisation's, any. */
const char *plan_language(const struct folder *folder, const struct invite_plan *plan,
                          const char *wanted);
const char *unsubscribe_token(struct folder *folder, uint64_t invitation, struct arena *arena);

/* ---- outlets ---- */

struct outlets {
    const char *base_url;
    int quarantine_days;
    bool has_mail, has_gateway;
    struct mail_relay mail;
    const char *gateway_url, *gateway_secret;
    int mail_per_minute, gateway_per_minute;
};
/* Texts in the arena, secrets unsealed. */
must_use int outlets_read(struct folder *folder, struct arena *arena, struct outlets *outlets,
                          struct err *err);
bool outlets_has(const struct outlets *outlets, const char *channel);
/* A text message through the gateway: a signed request (docs/surveys.md). Errors as mail_send. */
must_use int gateway_send(const struct outlets *outlets, const char *channel, const char *id,
                          const char *to, const char *text, struct err *err);

#endif
