/*
 * Whether somebody is asked, and by which way: the questions of INVITE_REASONS, just before a message would be sent.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "invite/internal.h"
#include "privacy/privacy.h"
#include "segment/segment.h"
#include "voice/review.h"

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

/* *until_ms: when it is over; 0: there is none. */
static int in_quarantine(const struct delivering *delivering, const struct contact *contact,
                         int64_t *until_ms, struct err *err) {
    int days = delivering->plan->quarantine_days >= 0 ? delivering->plan->quarantine_days
                                                      : delivering->outlets->quarantine_days;
    int64_t asked_ms;
    int code = asked_last(delivering->folder, contact->owner, &asked_ms, err);
    *until_ms = asked_ms && asked_ms + days * DAY_MS_64 > delivering->now_ms
                    ? asked_ms + days * DAY_MS_64
                    : 0;
    return code;
}

/* Has the customer given an opinion on it already? */
static int has_reviewed(const struct delivering *delivering, const struct due *due, uint32_t owner,
                        bool *reviewed, struct err *err) {
    struct review_filter filter = REVIEW_FILTER_ALL;
    struct review *reviews;
    const char *next;
    size_t n;
    filter.subject = due->subject;
    filter.customer = owner;
    filter.limit = 1;
    int code =
        review_list(delivering->folder, &filter, delivering->arena, &reviews, &n, &next, err);
    *reviewed = !code && n > 0;
    return code;
}

/* Why there is none: the person was erased, or never gave one. */
static int without_address(const struct delivering *delivering, uint32_t owner,
                           enum invite_reason *reason, struct err *err) {
    uint64_t erasure;
    int code = erasure_of(delivering->folder, owner, &erasure, err);
    if (!code && erasure)
        *reason = INVITE_ERASED;
    return code;
}

/* Whether it is too late, or what is asked is no more. */
static int ask_what(const struct delivering *delivering, const struct due *due, uint32_t owner,
                    enum invite_reason *reason, struct err *err) {
    const struct invite_plan *plan = delivering->plan;
    struct err closed = {0};
    bool reviewed = false, reminder = due->state == INVITE_SENT;
    int64_t late_ms = plan->again    ? due->due_ms + LATE_DAYS * DAY_MS_64
                      : plan->review ? due->event_ms + REVIEW_DAYS * DAY_MS_64
                                     : INT64_MAX;
    if ((!reminder && !plan->again &&
         due->event_ms + plan->delay_ms < delivering->now_ms - LATE_DAYS * DAY_MS_64) ||
        late_ms <= delivering->now_ms)
        *reason = INVITE_LATE;
    else if (plan->review && !delivering->subject)
        *reason = INVITE_SUBJECT;
    else if (!plan->review &&
             (!delivering->survey || survey_check_open(delivering->folder, delivering->survey,
                                                       delivering->now_ms, &closed)))
        *reason = INVITE_CLOSED;
    if (*reason || !plan->review || plan->again)
        return 0;
    int code = has_reviewed(delivering, due, owner, &reviewed, err);
    if (reviewed)
        *reason = INVITE_REVIEWED;
    return code;
}

int invite_ask(const struct delivering *delivering, const struct due *due,
               const struct contact *contact, const char **channel, enum invite_reason *reason,
               int64_t *until_ms, struct err *err) {
    bool in, allowed = true, reminder = due->state == INVITE_SENT;
    *reason = INVITE_NONE;
    *until_ms = 0;
    int code = ask_what(delivering, due, contact->owner, reason, err);
    if (code || *reason)
        return code;
    code = due->seq ? in_segment(delivering, contact->owner, &in, err) : 0;
    if (code)
        return code;
    if (due->seq && !in) {
        *reason = INVITE_SEGMENT;
        return 0;
    }
    code = choose_channel(delivering, contact, channel, reason, err);
    if (!code && *reason == INVITE_ADDRESS)
        code = without_address(delivering, contact->owner, reason, err);
    if (code || *reason)
        return code;
    if (delivering->plan->purpose[0])
        code = purpose_allowed(delivering->folder, contact->owner, delivering->plan->purpose,
                               &allowed, err);
    if (!code && !allowed)
        *reason = INVITE_CONSENT;
    if (code || *reason || reminder)
        return code;
    code = in_quarantine(delivering, contact, until_ms, err);
    if (!code && *until_ms)
        *reason = INVITE_QUARANTINE;
    return code;
}
