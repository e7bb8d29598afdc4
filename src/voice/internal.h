/*
 * Shared inside voice/: a review on its way into the records, and what the module keeps in memory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_VOICE_INTERNAL_H
#define SENDA_VOICE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "voice/review.h"

/* One per open folder (folder_keep). */
struct reviews {
    struct folder *folder;
    pthread_mutex_t lock; /* one reader of the log at a time; of read_seq */
    uint64_t read_seq;    /* last seq read */
    uint64_t kept_seq;    /* the one in the records */
    atomic_uint_least64_t version;
};
must_use int reviews_of(struct folder *folder, struct reviews **reviews, struct err *err);
/* Something changed. */
void reviews_changed(struct folder *folder);

/* A review before it is a record. Texts are never NULL. */
struct incoming {
    const char *key, *subject, *subject_title, *title, *text, *author, *language, *origin, *site;
    const char *unit_name;
    enum subject_kind kind;
    uint32_t customer;
    uint16_t unit;
    double stars;
    int64_t created_ms, invited_ms, ordered_ms;
    unsigned months;
    bool masked;                        /* something was masked in its words */
    bool published;                     /* its sender is trusted and says so */
    const unsigned char *device, *link; /* NULL: none */
    bool verified;                      /* found by incoming_verify */
    int64_t experience_ms;
    int64_t known_since_ms; /* first interaction of its customer besides reviews, 0: none */
};
/* Masks title, text and author. */
void incoming_mask(struct incoming *incoming, struct arena *arena);

/* ---- review_verify.c ---- */

/* What the timeline of the customer holds up to created_ms: verified, experience_ms, known_since_ms. subject may be NULL
 * (one that is yet unknown). */
must_use int incoming_verify(struct folder *folder, struct incoming *incoming,
                             const struct review_subject *subject, struct err *err);

/* ---- review_record.c: in the writer's transaction ---- */

/* E_CONFLICT: a review was written by the link of REVIEW_LINK_BYTES already. */
must_use int review_link_check_unused(struct folder *folder, const unsigned char *id,
                                      struct err *err);
/* Adds it with its signals; *id 0: it is there already. Makes its subject where there is none. E_CONFLICT: the link was
 * used. */
must_use int record_add(sqlite3 *db, const struct incoming *incoming, const char *organisation,
                        int64_t now_ms, uint64_t *id, struct err *err);
/* "id, subject, …" in the order of record_read. */
#define RECORD_COLUMNS                                                                             \
    "review.id, review.subject, opened(review.title), opened(review.text), "                       \
    "opened(review.author), review.language, "                                                     \
    "review.origin, review.site, review.reason, opened(review.note), "                             \
    "opened(review.moderated_by), "                                                                \
    "opened(review.reply), "                                                                       \
    "opened(review.replied_by), review.customer, review.unit, review.stars, review.suspicion, "    \
    "review.helpful_low, review.state, review.verified, review.held, review.forgotten, "           \
    "review.before, review.signals, review.months, review.experience_ms, review.invited_ms, "      \
    "review.created_ms, review.arrived_ms, review.moderated_ms, review.replied_ms, "               \
    "review.helpful, review.unhelpful"
enum { RECORD_COLUMNS_N = 33 };
void record_read(sqlite3_stmt *statement, struct arena *arena, struct review *review);

/* ---- review_signals.c: in the writer's transaction ---- */

struct judgement {
    unsigned signals; /* bits of REVIEW_SIGNAL_TABLE */
    double suspicion;
    bool held;
};
/* Of a record: looks at its neighbours in time, text and device. */
must_use int signals_judge(sqlite3 *db, uint64_t id, const struct incoming *incoming,
                           struct judgement *judgement, struct err *err);
/* Keeps the bands of a text, so that later ones are compared with it. */
must_use int signals_keep_text(sqlite3 *db, uint64_t id, const char *text, struct err *err);
/* What the bits say together. */
double signals_suspicion(unsigned signals);

/* ---- small things ---- */

void voice_bind(sqlite3_stmt *statement, int column, const char *text);
const char *voice_text(sqlite3_stmt *statement, int column, struct arena *arena);
/* A list of numbers as JSON, for json_each. NULL where codes is. */
const char *numbers_json(const uint16_t *codes, size_t n, struct arena *arena);

#endif
