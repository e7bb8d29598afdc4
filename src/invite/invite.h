/*
 * ASK WHOM: who is invited to a survey after which interaction, by which way, and why everybody else was not.
 *
 * A plan is a JSON document:
 *   name        as people call it
 *   survey      id of a survey; or instead
 *   review      {"subject"?: name of what is reviewed; absent: what the interaction names, "again"?: [6, 12]}: an opinion, at most 30
 *               days after the experience; with `again` those that are due after so many months of use (voice/review.h)
 *   after       {"event": one or several, "touchpoint"?, "channel"?}: the interaction that invites; or instead, of a survey,
 *   calendar    {"every": "week" "month" "quarter" "year", "day", "month", "at": "10:00", "most"?}: the instants at which a sample of the
 *               segment is asked (calendar.c); its survey counts as relational
 *   segment     name of a stored segment: only its customers; absent: everybody (a calendar needs one)
 *   delay       "2h" from the interaction ("0s" if not said)
 *   share       of the interactions, drawn at random but always alike, 0 … 1 (1)
 *   quarantine_days  that nobody is asked anything again, in whatever way; absent: as the outlets say (30)
 *   hours       {"from": "09:00", "to": "20:00", "days": [1 … 7]} in the organisation's zone; absent: always
 *   channels    "email", "sms", "whatsapp": the first for which there is an address (["email"])
 *   purpose     of consent: only who has given it; absent: none is needed
 *   reminder    {"after": "3d", "times": 1 … 3}; absent: none
 *   expires     of the link ("14d")
 *   subject, text  by language: {"es": …, "en": …}; with {{name}}, {{organisation}}, {{subject}} (what is reviewed), and in messages without HTML {{link}}
 * As it is read: also id, running, author, created_at, changed_at, and of a calendar next_at.
 *
 * FLOW   A job reads the log behind a stored position (candidates.c): each interaction that a running plan names becomes a row
 *        of `invitation`, once; calendars and opinions that are due make theirs in rounds.c. Another (send.c) takes those that are due, asks the questions of INVITE_REASONS in order and sends
 *        or records why not. Both survive a crash: a message may then be sent twice with the same Message-ID, never lost.
 * ONCE   One row for each plan and interaction.
 * ASKED  Whatever asks a known person (another plan, a micro-survey, a terminal) counts for the quarantine: the reader sees
 *        `Survey Shown` and `Survey Responded` of every source.
 * OPENED Links carry who was asked (survey_link_make); nothing is recorded on GET.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_INVITE_INVITE_H
#define SENDA_INVITE_INVITE_H

#include <jansson.h>

#include "folder/folder.h"
#include "query/principal.h"

enum {
    INVITE_PLANS_MAX = 200,
    INVITE_BY_HAND_MAX = 1000,
    INVITE_QUARANTINE_DAYS = 30,
    INVITE_PAGE = 100
};

/* X(name, word): why somebody is not invited, in the order of asking. Closed: counted, shown, translated (po: invite.why.WORD). */
#define INVITE_REASONS(X)                                                                          \
    X(NONE, "")                                                                                    \
    X(SAMPLE, "sampled_out")                                                                       \
    X(LATE, "too_late")                                                                            \
    X(CLOSED, "survey_closed")                                                                     \
    X(SEGMENT, "not_in_segment")                                                                   \
    X(ADDRESS, "no_address")                                                                       \
    X(UNSUBSCRIBED, "unsubscribed")                                                                \
    X(BOUNCED, "bounced")                                                                          \
    X(CONSENT, "no_consent")                                                                       \
    X(QUARANTINE, "quarantine")                                                                    \
    X(REFUSED, "refused_by_relay")                                                                 \
    X(UNDELIVERED, "undelivered")                                                                  \
    X(ERASED, "erased")                                                                            \
    X(SUBJECT, "no_subject")                                                                       \
    X(REVIEWED, "already_reviewed")

enum invite_reason {
#define X(name, word) INVITE_##name,
    INVITE_REASONS(X)
#undef X
        INVITE_REASONS_N
};

enum invite_state { INVITE_WAITING, INVITE_SENT, INVITE_ANSWERED, INVITE_NOT_INVITED };
const char *
invite_state_word(enum invite_state state); /* "waiting" "sent" "answered" "not_invited" */

/* ---- plans ---- */

/* New references. */
must_use int invite_plans(struct folder *folder, json_t **list, struct err *err);
must_use int invite_plan(struct folder *folder, uint64_t id, json_t **plan, struct err *err);
/* Checks and keeps a document: a new plan (*id 0, set then; it does not run yet) or the present text of one. E_INVALID with the
 * pointer; E_NOT_FOUND; E_REFUSED beyond INVITE_PLANS_MAX. */
must_use int invite_plan_put(struct folder *folder, const struct principal *by, uint64_t *id,
                             const json_t *document, struct err *err);
/* From now on, or no more: what waits is sent when it runs again, unless it is too late. E_CONFLICT: the survey is not open, or
 * there is no way to send. */
must_use int invite_plan_run(struct folder *folder, uint64_t id, bool running, struct err *err);
/* Its invitations stay. */
must_use int invite_plan_remove(struct folder *folder, uint64_t id, struct err *err);

/* ---- invitations ---- */

struct invite_filter {
    uint64_t plan;                 /* 0: any */
    uint32_t customer;             /* owner, 0: any */
    const char *state, *reason;    /* words, NULL or "": any */
    uint64_t before;               /* ids below; 0: from the newest */
    const struct principal *asker; /* sees invitations of their units */
};
/* [{"id","plan","plan_name","customer","state","reason","channel","touchpoint","unit","interaction_at","due_at","sent_at","reminders",
 * "shown_at","answered_at","bounced_at","subject","months"}], newest first, at most INVITE_PAGE. New reference. */
must_use int invite_list(struct folder *folder, const struct invite_filter *filter, json_t **rows,
                         struct err *err);
/* {"invitations","sent","shown","answered","bounced","due_now","rate":{"value","low","high"},"waiting","reasons":{…},"channels":[…],
 * "touchpoints":[…]}: rates are answered of sent, with their 95 % interval (Wilson). New reference. */
must_use int invite_results(struct folder *folder, uint64_t plan, const struct principal *asker,
                            json_t **results, struct err *err);
/* Invites people whom somebody chose: the answer says so (`picked`), since such scores are not like others. customers: owners. */
must_use int invite_by_hand(struct folder *folder, uint64_t plan, const uint32_t *customers,
                            size_t n, struct err *err);

/* ---- ways out ---- */

/* The settings {"base_url","quarantine_days","mail":{"host","port","security","user","password_set","from","from_name",
 * "reply_to","per_minute","bounces"},"gateway":{"url","secret_set","per_minute"}}; mail and gateway null where there are none. New
 * reference. */
must_use int outlets_get(struct folder *folder, json_t **outlets, struct err *err);
/* Secrets that are absent stay. E_INVALID with the pointer. */
must_use int outlets_put(struct folder *folder, const json_t *document, struct err *err);
/* The mail relay, for messages to the organisation's own people; *has false: there is none. Texts in the arena. */
struct mail_relay;
must_use int outlets_relay(struct folder *folder, struct arena *arena, struct mail_relay *relay,
                           bool *has, struct err *err);
/* Sends a trial message, now. E_REFUSED with what the relay or gateway says. */
must_use int outlets_try(struct folder *folder, const char *channel, const char *to,
                         struct err *err);

/* As a customer would get it: {"subject","text","html"} in this language, its link leading nowhere. New reference. */
must_use int invite_preview(struct folder *folder, uint64_t plan, const char *language,
                            json_t **message, struct err *err);

/* Sends it to this address or number, now, by the plan's first way; links lead nowhere, nothing is recorded. E_REFUSED with what the
 * relay or gateway says; E_CONFLICT. */
must_use int invite_try(struct folder *folder, uint64_t plan, const char *to, const char *language,
                        struct err *err);

/* ---- who wants none ---- */

/* The token of an unsubscribe link names the invitation. E_NOT_FOUND: not ours. */
must_use int invite_unsubscribe_find(struct folder *folder, const char *token, uint64_t *invitation,
                                     struct err *err);
must_use int invite_unsubscribe(struct folder *folder, uint64_t invitation, struct err *err);
/* A relay's report that an address does not work: nobody is asked there again. */
must_use int invite_bounce(struct folder *folder, const char *address, struct err *err);
/* A message as a mail server sends it back (mail/bounce.h), to `recipient` ("" or NULL: as its header says). One of ours is known by the
 * signed token of its return path or of the header Senda-Invitation; an address that is no more is asked nothing again, one that did
 * not take INVITE_SOFT_BOUNCES messages neither. The same report counts once. {"result": "failed" "soft" "delayed" "delivered" "no_bounce"
 * "unknown" (not ours), "status", "invitation", "stopped", "repeated"}. New reference. E_INVALID: empty or too long. */
enum { INVITE_SOFT_BOUNCES = 5 };
must_use int invite_report(struct folder *folder, struct slice message, const char *recipient,
                           json_t **told, struct err *err);
/* The address may be used again. */
must_use int invite_allow(struct folder *folder, const char *address, struct err *err);

#endif
