/*
 * The log: every accepted event, in arrival order, whole and durable. The truth of interactions.
 *
 * Each commit appends one `fresh(seq_first, count, batch)` row to the records; folding moves fresh batches into
 * immutable log files DIR/log/NNNNNN.log of frames (<= 64 KB raw, zstd, checksum), fsyncs file and folder, lists the
 * file and deletes the rows in one transaction. seq is dense from 1.
 *
 * FORMAT of a record: see log.c.
 *
 * THREADS  append in the writer's transaction; read from anywhere; fold by the maintenance thread.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_LOG_H
#define SENDA_TIMELINE_LOG_H

#include "base/arena.h"
#include "base/hash.h"
#include "store/store.h"
#include "timeline/row.h"

struct log;

must_use int log_open(struct log **log, struct store *store, const char *dir, struct err *err);
void log_close(struct log *log);

/* Last durable seq; 0 when empty. */
uint64_t log_last(const struct log *log);

/* Writer thread: adds one event to the batch of the current transaction and sets row->seq. message_id may be absent;
 * `key` is the de-duplication key, {0,0} for an event that is never a duplicate; received_ms is kept. */
must_use int log_add(struct log *log, struct row *row, struct slice message_id, struct key128 key,
                     int64_t received_ms, struct err *err);
/* Writer thread, last thing before the commit: writes the batch row. The store calls it through a hook of log.c. */
must_use int log_flush(struct log *log, sqlite3 *db, struct err *err);

/* What a record holds besides its row. */
struct log_record {
    struct row row;
    struct slice message_id;
    struct key128 key;
    int64_t received_ms;
};

/* Reads records with seq in [from, to) in order, holding no read transaction longer than a second. visit returns
 * non-zero to stop (returned). Slices are valid during the call only. */
must_use int log_read(struct log *log, uint64_t from, uint64_t to,
                      int (*visit)(void *context, const struct log_record *record), void *context,
                      struct err *err);
/* Records of chosen seqs (ascending): each frame is decompressed once. */
must_use int log_fetch(struct log *log, const uint64_t *seqs, size_t n,
                       int (*visit)(void *context, const struct log_record *record), void *context,
                       struct err *err);

/* Maintenance: folds fresh batches into files when enough wait (or force). */
must_use int log_fold(struct log *log, bool force, struct err *err);
/* Reads everything back: frames, checksums, dense seq. */
must_use int log_verify(struct log *log, struct err *err);

#endif
