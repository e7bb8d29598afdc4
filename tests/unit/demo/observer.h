/*
 * Watches the demo's events go by and keeps, for each person, what the planted facts need: plain counting with no help
 * from the simulator, so that a fact that was not planted is not found.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TEST_DEMO_OBSERVER_H
#define SENDA_TEST_DEMO_OBSERVER_H

#include <stdlib.h>

#include "base/map.h"
#include "demo/demo.h"

/* Yes of all. */
struct share {
    double yes, all;
};
static inline double share_of(struct share share) {
    return share.all > 0 ? share.yes / share.all : -1;
}
static inline void share_add(struct share *share, bool yes) {
    share->yes += yes;
    share->all += 1;
}

struct nps {
    double sum, n;
};
static inline double nps_of(struct nps nps) { return nps.n > 0 ? 100 * nps.sum / nps.n : -1000; }
static inline void nps_add(struct nps *nps, int64_t score) {
    nps->sum += score >= 9 ? 1 : score <= 6 ? -1 : 0;
    nps->n += 1;
}

struct life { /* of one identifier */
    int64_t step_ms, invoice_ms, install_ms, cut_ms, call_ms;
    bool senior, gamer, release, mobile, excess, told_before, invoice_call, lost, rural, warned,
        cut_call, sur;
    bool esim, roaming, tablet;
};

enum { MONTHS = 26, WAITS = 128 };

struct observer {
    struct demo_dates dates;
    int64_t now_ms;
    struct text_map ids, names, channels; /* names, channels: how often */
    struct life *lives;
    uint32_t n, capacity;
    uint64_t events, signups, losses;
    int64_t newest_ms, oldest_ms;
    struct share paid_usual, paid_release, paid_mobile; /* 1 */
    struct share excess_store, excess_web;              /* 2 */
    struct share in_48h, rural_in_48h;                  /* 4 */
    struct nps own, sur;                                /* 5 */
    double own_s, sur_s, own_calls, sur_calls;
    struct share own_solved, sur_solved;
    double waits[WAITS], saturday_turns; /* 6 */
    struct share estimate_15;
    struct share burgos[2], others[2];      /* 7: before, after */
    struct share begged, at_close;          /* 8 */
    struct nps soria;                       /* 9 */
    struct share gamer_ideas, senior_voice; /* 10 */
    double esim, roaming;                   /* 11 */
    struct nps cut[2];                      /* 12: unwarned, warned */
    struct share prescribed;                /* 13 */
    struct share dear;                      /* 14 */
    double lost_in_month[MONTHS];
    struct share chat_5, chat_7; /* 15 */
    double tablet;               /* 16 */
    struct slice carmen;
    uint32_t carmen_events;
};

static inline struct slice text_of(const struct event *event, const char *name) {
    for (size_t i = 0; i < event->n_properties; i++)
        if (slice_is(event->properties[i].name, name) &&
            event->properties[i].value.type == VALUE_TEXT)
            return event->properties[i].value.text;
    return (struct slice){NULL, 0};
}

static inline int64_t int_of(const struct event *event, const char *name) {
    for (size_t i = 0; i < event->n_properties; i++)
        if (slice_is(event->properties[i].name, name) &&
            event->properties[i].value.type == VALUE_INT)
            return event->properties[i].value.integer;
    return INT64_MIN;
}

static inline bool has(const struct event *event, const char *name, const char *text) {
    return slice_is(text_of(event, name), text);
}

static inline void count_text(struct text_map *map, struct slice text) {
    uint32_t n = text_map_get(map, text);
    text_map_put(map, text, n == MAP_NONE ? 1 : n + 1);
}

static inline double counted(const struct text_map *map, const char *text) {
    uint32_t n = text_map_get(map, slice_of(text));
    return n == MAP_NONE ? 0 : n;
}

static inline struct life *observer_life(struct observer *observer, struct slice id) {
    uint32_t at = text_map_get(&observer->ids, id);
    if (at == MAP_NONE) {
        if (observer->n == observer->capacity) {
            observer->capacity = observer->capacity ? observer->capacity * 2 : 4096;
            observer->lives =
                realloc(observer->lives, observer->capacity * sizeof *observer->lives);
            if (!observer->lives)
                abort();
        }
        at = observer->n++;
        observer->lives[at] = (struct life){0};
        text_map_put(&observer->ids, id, at);
    }
    return &observer->lives[at];
}

/* ---- by family of events ---- */

static inline void watch_checkout(struct observer *observer, struct life *life,
                                  const struct event *event) {
    if (slice_is(event->name, "Checkout Step Viewed")) {
        life->step_ms = event->time_ms;
        life->mobile = has(event, "device", "móvil");
        life->release = event->time_ms >= observer->dates.release_from_ms &&
                        event->time_ms < observer->dates.release_to_ms;
        struct share *share = life->release ? &observer->paid_release : &observer->paid_usual;
        share->all += 1;
        if (life->release && life->mobile)
            observer->paid_mobile.all += 1;
    } else if (slice_is(event->name, "Order Completed") && life->step_ms) {
        (life->release ? &observer->paid_release : &observer->paid_usual)->yes += 1;
        if (life->release && life->mobile)
            observer->paid_mobile.yes += 1;
    }
}

static inline void watch_contract(struct observer *observer, struct life *life,
                                  const struct event *event) {
    if (slice_is(event->name, "Contract Signed")) {
        observer->signups++;
    } else if (slice_is(event->name, "First Invoice Issued")) {
        life->invoice_ms = event->time_ms;
        life->excess = int_of(event, "excess_pct") >= 20;
        if (has(event, "portability", "sí") && has(event, "signup_channel", "tienda"))
            share_add(&observer->excess_store, life->excess);
        if (has(event, "portability", "sí") && has(event, "signup_channel", "web"))
            share_add(&observer->excess_web, life->excess);
    } else if (slice_is(event->name, "Notice Sent")) {
        if (life->cut_ms && event->time_ms - life->cut_ms < 1200000)
            life->warned = true;
        else
            life->told_before = life->invoice_ms == 0;
    } else if (slice_is(event->name, "Installation Requested")) {
        life->install_ms = event->time_ms;
    } else if (slice_is(event->name, "Installation Completed")) {
        bool in_time = event->time_ms - life->install_ms <= INT64_C(2) * DAY_MS;
        share_add(&observer->in_48h, in_time);
        if (life->rural)
            share_add(&observer->rural_in_48h, in_time);
    } else if (slice_is(event->name, "Service Interrupted")) {
        life->cut_ms = event->time_ms;
    } else if (slice_is(event->name, "Contract Renewed")) {
        share_add(&observer->dear, int_of(event, "discount_pct") >= 20);
    } else if (slice_is(event->name, "Contract Cancelled")) {
        observer->losses++;
        int64_t month = int_of(event, "month_of_contract");
        if (month >= 0 && month < MONTHS)
            observer->lost_in_month[month] += 1;
        if (life->invoice_ms && event->time_ms - life->invoice_ms <= INT64_C(90) * DAY_MS)
            life->lost = true;
    } else if (slice_is(event->name, "Referral Accepted")) {
        share_add(&observer->prescribed, has(event, "prescriber", "administrador de fincas"));
    }
}

static inline void watch_call(struct observer *observer, struct life *life,
                              const struct event *event) {
    bool sur = slice_is(event->unit, "Proveedor Sur");
    int64_t t = event->time_ms, week = INT64_C(7) * DAY_MS;
    if (life->call_ms) {
        share_add(life->sur ? &observer->sur_solved : &observer->own_solved,
                  t - life->call_ms > week);
    }
    if (life->invoice_ms && t - life->invoice_ms <= INT64_C(10) * DAY_MS)
        life->invoice_call = true;
    if (life->cut_ms && t - life->cut_ms <= DAY_MS)
        life->cut_call = true;
    life->call_ms = t;
    life->sur = sur;
    *(sur ? &observer->sur_calls : &observer->own_calls) += 1;
    *(sur ? &observer->sur_s : &observer->own_s) += (double)int_of(event, "duration_s");
}

static inline void watch_shop(struct observer *observer, const struct event *event) {
    bool after = event->time_ms >= observer->dates.comfort_ms;
    if (slice_is(event->name, "Queue Served")) {
        static const char *const crowded[] = {"Tienda León Ordoño", "Tienda Gamonal",
                                              "Tienda Ourense", "Tienda Huesca"};
        int64_t hour = int_of(event, "hour"), wait = int_of(event, "wait_min");
        for (size_t i = 0; i < 4; i++)
            if (slice_is(event->unit, crowded[i]) && has(event, "weekday", "sábado") &&
                (hour == 11 || hour == 12)) {
                observer->waits[wait < WAITS ? wait : WAITS - 1] += 1;
                observer->saturday_turns += 1;
                share_add(&observer->estimate_15, int_of(event, "estimate_min") == 15);
            }
        return;
    }
    if (!slice_is(event->name, "Kiosk Tapped"))
        return;
    bool happy = has(event, "face", "contento");
    if (slice_is(event->unit, "Tienda Ponferrada")) {
        share_add(&observer->begged, happy);
        share_add(&observer->at_close, has(event, "before_closing", "últimos 20 min"));
    } else if (slice_is(event->unit, "Tienda Burgos")) {
        share_add(&observer->burgos[after], happy);
    } else {
        share_add(&observer->others[after], happy);
    }
}

static inline void watch_voice(struct observer *observer, const struct life *life,
                               const struct event *event) {
    int64_t score = int_of(event, "score");
    if (slice_is(event->name, "Idea Submitted"))
        share_add(&observer->gamer_ideas, life->gamer);
    if (!slice_is(event->name, "Survey Responded")) {
        share_add(&observer->senior_voice, life->senior);
        return;
    }
    if (has(event, "survey", "tras-llamada"))
        nps_add(slice_is(event->unit, "Proveedor Sur") ? &observer->sur : &observer->own, score);
    if (has(event, "survey", "tras-el-corte"))
        nps_add(&observer->cut[life->warned], score);
    if (has(event, "survey", "tras-tienda") && slice_is(event->unit, "Tienda Soria"))
        nps_add(&observer->soria, score);
    if (has(event, "survey", "Chat")) {
        bool seven = int_of(event, "version") == 2;
        share_add(seven ? &observer->chat_7 : &observer->chat_5, score >= (seven ? 5 : 4));
    }
}

static inline void watch_search(struct observer *observer, struct life *life,
                                const struct event *event) {
    if (event->time_ms < observer->now_ms - INT64_C(91) * DAY_MS || int_of(event, "results") != 0)
        return;
    if (has(event, "query", "esim") && !life->esim)
        observer->esim += life->esim = true;
    if (has(event, "query", "roaming marruecos") && !life->roaming)
        observer->roaming += life->roaming = true;
}

static inline void watch_traits(struct observer *observer, struct life *life,
                                const struct event *event) {
    if (has(event, "segmento", "Mayores 65+"))
        life->senior = true;
    if (has(event, "segmento", "Rural"))
        life->rural = true;
    if (has(event, "comunidad", "gamers"))
        life->gamer = true;
    if (has(event, "name", "Carmen Ibáñez León"))
        observer->carmen =
            (struct slice){strndup(event->user_id.p, event->user_id.n), event->user_id.n};
}

static inline int observer_emit(void *context, enum demo_source source, const struct event *events,
                                size_t n) {
    struct observer *observer = context;
    (void)source;
    for (size_t i = 0; i < n; i++) {
        const struct event *event = &events[i];
        struct life *life =
            observer_life(observer, event->user_id.p ? event->user_id : event->anonymous_id);
        observer->events++;
        if (event->time_ms > observer->newest_ms)
            observer->newest_ms = event->time_ms;
        if (!observer->oldest_ms || event->time_ms < observer->oldest_ms)
            observer->oldest_ms = event->time_ms;
        if (event->type == EVENT_IDENTIFY) {
            watch_traits(observer, life, event);
            continue;
        }
        count_text(&observer->channels, event->channel);
        count_text(&observer->names, event->name);
        if (observer->carmen.p && slice_equal(event->user_id, observer->carmen))
            observer->carmen_events++;
        if (slice_is(event->anonymous_id, "tableta-gamonal-1") && !life->tablet)
            observer->tablet += life->tablet = true;
        if (slice_is(event->name, "Call Ended"))
            watch_call(observer, life, event);
        else if (slice_is(event->name, "Products Searched"))
            watch_search(observer, life, event);
        else if (slice_is(event->channel, "store") || slice_is(event->channel, "kiosk"))
            watch_shop(observer, event);
        else if (slice_is(event->name, "Survey Responded") ||
                 slice_is(event->name, "Idea Submitted") || slice_is(event->channel, "review") ||
                 slice_is(event->channel, "social"))
            watch_voice(observer, life, event);
        else if (slice_is(event->channel, "web") && event->type == EVENT_TRACK)
            watch_checkout(observer, life, event);
        if (slice_is(event->channel, "backoffice") || slice_is(event->channel, "sms") ||
            slice_is(event->channel, "field") || slice_is(event->name, "Referral Accepted"))
            watch_contract(observer, life, event);
    }
    return 0;
}

static inline void observer_init(struct observer *observer, const struct demo_options *options) {
    *observer = (struct observer){.now_ms = options->now_ms};
    demo_dates_of(options, &observer->dates);
    text_map_init(&observer->ids);
    text_map_init(&observer->names);
    text_map_init(&observer->channels);
}

static inline void observer_release(struct observer *observer) {
    text_map_release(&observer->ids);
    text_map_release(&observer->names);
    text_map_release(&observer->channels);
    free((void *)(uintptr_t)observer->carmen.p);
    free(observer->lives);
}

/* Of the first invoices at least `days` old: calls within 10 days (told: 0 no notice before, 1 with, -1 all), losses
 * within 90. */
static inline struct share after_invoice(const struct observer *observer, bool excess, int told,
                                         bool calls, int days) {
    struct share share = {0};
    for (uint32_t i = 0; i < observer->n; i++) {
        const struct life *life = &observer->lives[i];
        if (!life->invoice_ms || life->invoice_ms > observer->now_ms - (int64_t)days * DAY_MS)
            continue;
        if (life->excess != excess || (told >= 0 && life->told_before != told))
            continue;
        share_add(&share, calls ? life->invoice_call : life->lost);
    }
    return share;
}

static inline struct share cut_calls(const struct observer *observer, bool warned) {
    struct share share = {0};
    for (uint32_t i = 0; i < observer->n; i++) {
        const struct life *life = &observer->lives[i];
        if (life->cut_ms && life->warned == warned)
            share_add(&share, life->cut_call);
    }
    return share;
}

#endif
