/*
 * The log: every accepted event, in arrival order, whole and durable. The truth of interactions.
 *
 * Each commit appends its records to the records' table `fresh` as frames (<= 64 KB raw, zstd, encrypted, checksum);
 * folding moves them into immutable log files DIR/log/NNNNNN.log of the same frames, fsyncs file and folder, lists the
 * file in one transaction, then deletes the rows piece by piece (rows that a listed file covers do not count). seq is
 * dense from 1.
 *
 * FORMAT of a frame and its records: log_frame.h; of a file: log_file.c.
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

/* From now on frames are encrypted with this key; frames of other key ids need their key, too. Before any traffic. */
enum { LOG_KEY_BYTES = 32 };
void log_set_key(struct log *log, uint8_t id, const unsigned char key[LOG_KEY_BYTES]);

/* Last durable seq; 0 when empty. */
uint64_t log_last(const struct log *log);

/* Writer thread: adds one event to the batch of the current transaction and sets row->seq. message_id may be absent;
 * `key` is the de-duplication key: {0,0} with a message id when it is the hash of that (not stored then), {0,0} without
 * one for an event that is never a duplicate; 96 bits of it are kept. E_TOO_LARGE: does not fit a frame. */
must_use int log_add(struct log *log, struct row *row, struct slice message_id, struct key128 key,
                     int64_t received_ms, struct err *err);

/* Writer thread, in a commit hook registered after log_open: the rows of the transaction that was just committed, in
 * order of seq. Valid until the hook returns. */
const struct row *log_committed(const struct log *log, size_t *n);

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

/* Maintenance: folds fresh batches into files when enough wait (or force). Returns 1 if more is due. */
must_use int log_fold(struct log *log, bool force, struct err *err);
/* Changes a record while it stays in its place: its properties (bytes that live until the next call), message id and key,
 * nothing else. 1: changed, 0: as it was, or an error. Called before, perhaps more than once, with final false. */
typedef int log_edit(void *context, struct log_record *record, bool final);
/* Folds everything, then writes the files anew that hold a record which `edit` changes; readers never wait. *files: how
 * many. Interrupted, each file is either the old or the new one: done again, the rest follows. */
must_use int log_rewrite(struct log *log, log_edit *edit, void *context, unsigned *files,
                         struct err *err);
struct log_stats {
    uint64_t records, file_bytes, fresh_bytes;
    uint32_t files;
};
void log_stats(struct log *log, struct log_stats *stats);

#endif
