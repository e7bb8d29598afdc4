/*
 * Shared inside the pipeline: what a caller's thread prepares, and what happens in the writer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_INGEST_INTERNAL_H
#define SENDA_COLLECT_INGEST_INTERNAL_H

#include <pthread.h>

#include "collect/answers.h"
#include "collect/consent.h"
#include "collect/ingest.h"
#include "collect/keeping.h"
#include "collect/unit_rules.h"
#include "customer/groups.h"

enum { ARRIVALS = 1000, SOURCES_COUNTED = 10001 };

/* An event, prepared: hashes and, where every name is known already, codes and encoded properties. */
struct prepared {
    struct identifiers identifiers;
    struct key128 key; /* of de-duplication, {0,0} never a duplicate */
    bool derived;      /* the key is the hash of the message id */
    bool known;        /* codes and properties are complete; else the writer makes them */
    uint16_t event, channel, unit;
    uint32_t start, bytes; /* of its properties in submission.properties */
    uint32_t n_answers;
    enum refusal refusal;     /* found while reading its answers */
    struct answer *answers;   /* that it brings, in the arena */
    struct group_word *group; /* of a group event, in the arena; else NULL */
};

struct submission {
    struct store_job job; /* first: the store gives it back */
    struct ingest *ingest;
    struct ingest_batch *batch;
    const struct event *given; /* by the caller, while batch->events are `masked`; else NULL */
    struct event *masked;      /* copies, in the arena */
    struct prepared *prepared; /* [batch->n], in the arena */
    struct buf properties;
    struct arena arena;
    struct submission *next; /* while it waits for room */
    int64_t deadline_us;
};

struct counted {
    struct ingest_counters counters;
    bool dirty;
};

struct ingest {
    struct store *store;
    struct vault *vault;
    struct customers *customers;
    struct dictionary *dictionary;
    struct log *log;
    struct timeline *timeline;
    struct keys *keys; /* set "message" */
    struct unit_rules *unit_rules;
    struct consents *consents;
    struct keeping *keeping;

    /* the writer's */
    struct buf scratch; /* properties of an event with new names */
    struct buf behind;  /* properties of rows behind an interaction */
    uint64_t pending;   /* last seq of the open transaction; 0: it has none */
    bool keep_keys;     /* some are not in the log */

    pthread_mutex_t lock;     /* of what follows */
    struct counted **counted; /* [SOURCES_COUNTED] */
    struct arrival arrivals[ARRIVALS];
    uint64_t n_arrivals; /* since start; the newest is at (n - 1) % ARRIVALS */
    struct refused *refused;

    struct waiting_room *room;
};

/* Keys or the index wait to be written: nothing more is to be taken for now. */
bool ingest_pressed(const struct ingest *ingest);

/* ---- ingest_write.c: in the writer's thread ---- */
/* The run of a submission's job. */
must_use int ingest_write(struct store_job *job, sqlite3 *db, struct err *err);
struct consent_writing ingest_consent_writing(struct ingest *ingest, sqlite3 *db);

/* ---- ingest_wait.c ---- */
struct waiting_room *waiting_room_new(struct ingest *ingest);
bool waiting_room_empty(struct waiting_room *room);
/* A prepared submission: handed to the writer when there is room, or its done() gets E_BUSY. E_BUSY here: too many wait. */
must_use int waiting_room_enter(struct waiting_room *room, struct submission *submission,
                                struct err *err);
/* Sends home who still waits, and whoever comes. */
void waiting_room_close(struct waiting_room *room);
void waiting_room_free(struct waiting_room *room);

/* The unit of an event: its own, its source's, or by a rule; absent if none. */
struct slice ingest_unit(const struct submission *submission, const struct event *event);

/* Waits until keys and the index have room, writing them out in this thread. Not from the writer. */
must_use int ingest_make_room(struct ingest *ingest, struct err *err);

/* ---- ingest_group.c: in the caller's thread. What a group event says of the group; NULL: it names none. */
struct group_word *ingest_group(const struct event *event, struct arena *arena);

/* ---- ingest_prepare.c: in the caller's thread ---- */
void ingest_prepare(struct submission *submission);
/* Encodes an event's properties with codes from `code`; false when it gives none. */
bool ingest_encode(const struct event *event, struct buf *out,
                   uint16_t (*code)(void *context, struct slice name), void *context);

/* ---- ingest_counters.c ---- */
must_use int counters_load(struct ingest *ingest, struct err *err);
must_use int counters_store(struct ingest *ingest, struct err *err);
void counters_add(struct ingest *ingest, const struct ingest_batch *batch, int64_t now_ms);
void counters_release(struct ingest *ingest);

/* ---- ingest_refused.c: the last refusals, in memory and sealed in DIR/refused/ring ---- */
struct refused;
must_use int refused_open(struct refused **refused, const struct vault *vault, const char *dir,
                          struct err *err);
void refused_close(struct refused *refused);
void refused_add(struct refused *refused, const struct refused_event *event);
size_t refused_get(const struct refused *refused, int source, struct refused_event *events,
                   size_t n);
/* Takes texts with a needle away, in memory and, when the lock is let go, in the file. */
struct needles;
size_t refused_forget(struct refused *refused, const struct needles *needles);
size_t refused_forget_before(struct refused *refused, int64_t before_ms);
must_use int refused_rewrite(struct refused *refused, pthread_mutex_t *lock, struct err *err);
must_use int refused_store(struct refused *refused, pthread_mutex_t *lock, struct err *err);

#endif
