/*
 * Vereda Telecom, the demonstration organisation: an invented telecom's two years of interactions.
 *
 * IN:  a seed, a scale, an instant ("now")
 * OUT: batches of events, one batch a source, in the order of time (within windows of some thousand events)
 *
 * THE SIMULATED YEARS  731 local days: day 730 is the day of `now_ms`, cut off at that instant; year 2 is the 365 days that
 * end there. Facts with a calendar date ("6 Oct – 16 Nov", "3 February", "since 1 March", "since April", "4 May") take
 * the latest such date that lies far enough before the end for its consequences to have been lived (facts.c says how
 * many days each needs). So a demo made in late November shows them under the very dates of the current year, and one
 * made in any other month shows each inside its two years. facts_dates_of() tells them.
 *
 * DETERMINISM  The same (seed, scale, local date, zone) gives the same events byte for byte; a later instant of the same day
 * only adds events. Each purpose has its own stream of random numbers (random.c) and planted rates are drawn evenly
 * (struct even), so that a fact is as sharp at scale 0.1 as at 1.
 *
 * VOCABULARY  Event names are those of the interface, in English; names of places and values are Spanish.
 *
 * THREADS  one call, one thread. MEMORY  about 45 bytes an event while it runs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_DEMO_DEMO_H
#define SENDA_DEMO_DEMO_H

#include "base/zone.h"
#include "collect/event.h"

/* Where the demo's events come from: X(name in code, name of the source on screen, its default channel). */
#define DEMO_SOURCE_TABLE(X)                                                                       \
    X(WEB, "Web y área de cliente", "web")                                                         \
    X(APP, "App Mi Vereda", "app")                                                                 \
    X(STORE, "Tiendas: turnos y caja", "store")                                                    \
    X(KIOSK, "Pantallas de opinión", "kiosk")                                                      \
    X(PHONE, "Centralita telefónica", "phone")                                                     \
    X(CHAT, "Chat y WhatsApp", "chat")                                                             \
    X(FIELD, "Partes de técnicos", "field")                                                        \
    X(OFFICE, "CRM y facturación", "backoffice")                                                   \
    X(SURVEY, "Encuestas", "email")                                                                \
    X(PUBLIC, "Reseñas y redes", "review")

enum demo_source {
#define X(name, title, channel) DEMO_##name,
    DEMO_SOURCE_TABLE(X)
#undef X
        DEMO_SOURCES
};
const char *demo_source_title(enum demo_source source);
const char *demo_source_channel(enum demo_source source);

struct demo_options {
    uint64_t seed;           /* 0: the ordinary one */
    double scale;            /* 1: 62,400 contracts, about 2.7 M events; 0.005 … 4 */
    int64_t now_ms;          /* the demo ends here */
    const struct zone *zone; /* of the organisation; NULL: UTC */
};

/* Takes a batch (views: valid during the call only). Non-zero stops the generation and is returned. */
typedef int demo_emit(void *context, enum demo_source source, const struct event *events, size_t n);
/* done of total events, a few hundred times. */
typedef void demo_progress(void *context, uint64_t done, uint64_t total);

struct demo_sink {
    demo_emit *emit;
    demo_progress *progress; /* NULL: none */
    void *context;
    size_t
        batch; /* most events of a call; 0: 2,000; 1: strictly in the order of time over all sources */
};

/* Errors: E_INVALID for a scale out of its range; whatever emit returned. */
must_use int demo_generate(const struct demo_options *options, const struct demo_sink *sink,
                           struct err *err);

/* The organisation's units, children after their parents. parent: NULL for the root's children. */
struct demo_unit {
    const char *name, *parent, *kind; /* kind: "province" "shop" "call_centre" "field" */
};
size_t demo_units(const struct demo_unit **units);

/* Rules of touchpoints for the web's paths; the other sources name theirs. */
struct touchpoint_rule;
size_t demo_touchpoint_rules(const struct touchpoint_rule **rules);

/* When the dated facts happen, as instants (UTC ms) of local midnight. */
struct demo_dates {
    int64_t first_ms, year2_ms;             /* first day; first day of year 2 */
    int64_t release_from_ms, release_to_ms; /* fact 1, half-open */
    int64_t bill_notice_ms;                 /* 3 */
    int64_t comfort_ms;                     /* 7 */
    int64_t article_ms;                     /* 11 */
    int64_t cut_ms;                         /* 12: the instant of the fibre cut */
    int64_t chat_scale_ms;                  /* 15 */
};
void demo_dates_of(const struct demo_options *options, struct demo_dates *dates);

/* One event as a line of JSON in the shape of /v1/batch items, with a newline. */
void demo_write_json(const struct event *event, struct buf *line);

#endif
