/*
 * A persistent map from 128-bit keyed hashes to u32, for what is looked up once per event: message
 * keys (exactly once) and identifiers (who is it).
 *
 * Fresh entries live in a memory table; beyond KEYS_FRESH_MAX the table is frozen, a new one begins, and keys_flush
 * writes the frozen one, sorted, to an immutable file with a Bloom filter (12 bits a key) in front; four neighbours of
 * similar size are merged (newest wins). Files are mapped.
 *
 * COST  Memory 29 to 58 bytes a fresh key, at most KEYS_FRESH_MAX frozen and twice as many fresh ones; disk 11.6 bytes a key (15.6 with a value),
 * written about log4(keys / KEYS_FRESH_MAX) times. A probe of an absent key: one line of memory for each table and file.
 *
 * INVARIANTS
 *  1. Files are derived: `covered` of a set is the last seq (or record id) whose entries are in files; the owner
 *     puts again everything newer at start.
 *  2. A file is listed in the records in the transaction that makes it visible, after fsync of file and folder.
 *  3. A later put of the same key hides the earlier one.
 *
 *  4. Nothing that rests on a file that somebody cut or wrote to meanwhile is committed: the transaction fails with
 *     E_BUSY, and so does what comes after until keys_mend has looked at the file.
 *
 * THREADS  put, get, commit and rollback from the writer thread; find, flush and merge from any other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_KEYS_H
#define SENDA_TIMELINE_KEYS_H

#include "base/map.h"
#include "store/store.h"

enum { KEYS_FRESH_MAX = 360000 };

struct keys;

/* name: "message" or "identity"; files are DIR/keys/NAME-NNNNNN.keys. A missing or damaged file is no error: keys_mend. */
must_use int keys_open(struct keys **keys, struct store *store, const char *dir, const char *name,
                       struct err *err);
void keys_close(struct keys *keys);

/* Last position whose entries are already in files. */
uint64_t keys_covered(const struct keys *keys);
/* MAP_NONE if absent. */
uint32_t keys_get(struct keys *keys, struct key128 key);
/* Brings what keys_get will read closer: call it some events ahead. */
void keys_prefetch(const struct keys *keys, struct key128 key);
/* keys_get for other threads; may see puts that are not committed yet. */
uint32_t keys_find(struct keys *keys, struct key128 key);
/* The writer, around many puts: takes the lock once instead of for each. */
void keys_hold(struct keys *keys);
void keys_let(struct keys *keys);
/* position: seq or record id of the entry, never falling. */
void keys_put(struct keys *keys, struct key128 key, uint32_t value, uint64_t position);
/* Takes back every put since the last keys_commit (rolled back transaction). */
void keys_rollback(struct keys *keys);
void keys_commit(struct keys *keys);

/* More waits to be written than memory should hold: callers wait for keys_flush. */
bool keys_pressed(const struct keys *keys);
/* A file was cut or written to since it was opened: "absent" means nothing until keys_mend was called. Looks at the files. */
bool keys_hurt(struct keys *keys);
/* The same as far as it is known. */
bool keys_known_hurt(const struct keys *keys);
/* Any thread: writes a frozen table out, then the fresh one if it has at least `least` entries (KEYS_FRESH_MAX: a full
 * one; 1: whatever there is). */
must_use int keys_flush(struct keys *keys, size_t least, struct err *err);
/* Any thread: merges four or more files of similar size when there are. Returns 1 if it did. */
must_use int keys_merge(struct keys *keys, struct err *err);
/* Checks order and checksum of each file. */
must_use int keys_verify(struct keys *keys, struct err *err);

/* Gives the entries of positions after < p <= to again, in their first order, with keys_mend_put. */
struct keys_mending;
typedef int keys_replay(void *context, uint64_t after, uint64_t to, struct keys_mending *mending,
                        struct err *err);
must_use int keys_mend_put(struct keys_mending *mending, struct key128 key, uint32_t value,
                           struct err *err);
/* What is known beside the file that is rebuilt, and what was put since; MAP_NONE if absent. */
uint32_t keys_mend_get(const struct keys_mending *mending, struct key128 key);
/* Any thread, also while the writer works: rebuilds files that keys_open found missing or damaged, or that are hurt, and,
 * with `read`, those that keys_verify would complain of. *mended grows by their number. Until then they answer "absent": call it before the
 * first lookup. What the replay cannot give any more (no record holds it) is forgotten. */
must_use int keys_mend(struct keys *keys, bool read, keys_replay *replay, void *context,
                       unsigned *mended, struct err *err);

#endif
