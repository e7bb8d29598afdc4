/*
 * IN: the one pipeline that every interaction passes, whatever it came from.
 *
 * IN:  events (SDKs, files, surveys, screens)
 * OUT: rows in the log, durable, once each; per-event results
 *
 * The steps, in order: parse and bound (event_parse) → validate → repair the clock → find channel, touchpoint and
 * unit → [writer] de-duplicate → identify → encode → append → commit → answer.
 *
 * COST  of exactly once: 60 ns to hash an id, some 100 ns to look it up, 11.6 bytes on disk for each event for ever (29 bytes of
 * memory while fresh). An event without messageId and with a timestamp takes 12 bytes more in the log.
 *
 * EXACTLY ONCE  The key is the keyed 128-bit hash of messageId (organisation-wide, first wins), else of the content
 * without sentAt; an event with neither messageId nor timestamp is never a duplicate.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_INGEST_H
#define SENDA_COLLECT_INGEST_H

#include "collect/event.h"
#include "customer/vault.h"
#include "timeline/timeline.h"

struct ingest;

/* timeline may be NULL (tests): rows are then only in the log. Opened last, closed first: close writes what is still only
 * in memory. */
struct unit_rules;
must_use int ingest_open(struct ingest **ingest, struct store *store, struct vault *vault,
                         struct customers *customers, struct dictionary *dictionary,
                         struct log *log, struct timeline *timeline, const char *dir,
                         struct err *err);
/* Before the writer's queue is emptied for the last time: who waits for room gets E_BUSY. */
void ingest_stop(struct ingest *ingest);
void ingest_close(struct ingest *ingest);

/* The rules by which events without unit get one (collect/unit_rules.h). */
struct unit_rules *ingest_unit_rules(struct ingest *ingest);
/* How long interactions are kept (collect/keeping.h). */
struct keeping *ingest_keeping(struct ingest *ingest);

/* Purposes and what people said about them (collect/consent.h). */
struct consents;
struct consent;
struct consents *ingest_consents(struct ingest *ingest);
/* Waits for the commit: what somebody said outside events. *written: it was new. */
must_use int ingest_consent(struct ingest *ingest, uint32_t profile, const struct consent *consent,
                            bool *written, struct err *err);

/* What became of an event. */
enum outcome { OUTCOME_ACCEPTED, OUTCOME_DUPLICATE, OUTCOME_REJECTED };
struct event_result {
    uint8_t outcome;
    uint8_t refusal; /* enum refusal, when rejected */
};

struct ingest_batch {
    struct source source;
    const struct event *
        events; /* with their texts, must live until done(); what is stored of them is masked (mask.h) */
    size_t n;
    const struct key128 *keys; /* NULL: ingest computes them; imports give their own (ordinals) */
    bool bulk;
    size_t bytes;
    int64_t received_ms;
    /* filled before done() */
    struct event_result *results; /* [n], caller's memory */
    size_t accepted, duplicates, rejected;
    size_t masked; /* places in texts, of duplicates too */
    void (*done)(struct ingest_batch *batch, int code,
                 const struct err *err); /* in the writer thread */
    void *context;
    /* What is written with it, or NULL: in the same transaction, once its events are in, perhaps more than once. Its error fails this
     * batch alone. */
    int (*along)(struct ingest_batch *batch, sqlite3 *db, struct err *err);
    void *along_context;
};

/* Hashes, finds codes and encodes here, in the caller's thread, then hands the batch to the writer. E_BUSY when its queue
 * is full or keys wait for maintenance; done() is then not called. Else it is called once, when the batch is durable or
 * has failed (E_NOSPACE, E_IO: nothing of it is stored). A batch of no events is done at once, in this thread. */
must_use int ingest_submit(struct ingest *ingest, struct ingest_batch *batch, struct err *err);
/* For requests, whose senders are to be slowed down before they are turned away: where there is no room, the batch waits
 * for it in no thread (LIMIT_COLLECT_WAIT_MS at most, then done() gets E_BUSY). E_BUSY when too many wait. */
must_use int ingest_collect(struct ingest *ingest, struct ingest_batch *batch, struct err *err);
/* The same as ingest_submit, waiting for room and for the commit; maintains keys itself when they wait. done may be NULL. */
must_use int ingest_run(struct ingest *ingest, struct ingest_batch *batch, struct err *err);

/* A refusal before the writer: counted per source, the last 1,000 kept with reason and the first 500 bytes. */
void ingest_refuse(struct ingest *ingest, struct source source, enum refusal refusal,
                   const char *message, struct slice raw, int64_t now_ms);

struct ingest_counters {
    uint64_t accepted, duplicates, rejected, masked, refused_by_reason[REFUSAL_COUNT];
    int64_t last_ms;
};
/* Of one source since it exists (records + memory). */
must_use int ingest_counters(struct ingest *ingest, uint16_t source,
                             struct ingest_counters *counters, struct err *err);
struct refused_event {
    int64_t time_ms;
    uint16_t source;
    enum refusal refusal;
    char message[160];
    char raw[501];
};
/* Newest first, at most n; returns how many. */
size_t ingest_refusals(struct ingest *ingest, int source /* -1 all */, struct refused_event *events,
                       size_t n);
/* Takes the texts of those away in which a needle stands; how many. Written by the next ingest_maintain. */
struct needles;
must_use int ingest_forget(struct ingest *ingest, const struct needles *needles, size_t *n,
                           struct err *err);
/* The same of all that were refused before an instant. */
must_use int ingest_forget_before(struct ingest *ingest, int64_t before_ms, size_t *n,
                                  struct err *err);
/* The last accepted events, newest first, for live views: rows with texts copied to the arena. */
struct arrival {
    uint64_t seq;
    int64_t time_ms, received_ms;
    uint32_t customer;
    uint16_t event, channel, unit, source;
};
/* source < 0: of all senders, and not what Senda derives by itself. */
size_t ingest_arrivals(struct ingest *ingest, int source, struct arrival *arrivals, size_t n);

/* Writes full tables of keys (force: all fresh keys), counters and kept refusals. */
must_use int ingest_maintain(struct ingest *ingest, bool force, struct err *err);
/* Merges files of keys when due: long, in a thread that nobody waits for. Returns 1 if more is due. */
must_use int ingest_merge(struct ingest *ingest, struct err *err);
/* Every checksum of the files of keys. */
must_use int ingest_verify(struct ingest *ingest, struct err *err);
/* Rebuilds damaged files of keys from the log; *mended grows by their number. */
must_use int ingest_mend(struct ingest *ingest, unsigned *mended, struct err *err);
/* The record's key is known, so that it would be recognised if it came again. */
bool ingest_has(struct ingest *ingest, const struct log_record *record);
/* An event with this message id was taken, perhaps a moment ago and not committed yet. */
bool ingest_has_message(struct ingest *ingest, struct slice message_id);

#endif
