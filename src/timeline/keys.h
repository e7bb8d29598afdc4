/*
 * A persistent map from 128-bit keyed hashes to u32, for what is looked up once per event: message
 * keys (exactly once) and identifiers (who is it).
 *
 * Fresh entries live in a memory table; beyond KEYS_FRESH_MAX they are written, sorted, to an immutable file with
 * a Bloom filter (12 bits a key) in front; files of similar size are merged (newest wins). Files are mapped.
 *
 * INVARIANTS
 *  1. Files are derived: `covered` of a set is the last seq (or record id) whose entries are in files; the owner
 *     puts again everything newer at start.
 *  2. A file is listed in the records in the transaction that makes it visible, after fsync of file and folder.
 *  3. A later put of the same key hides the earlier one.
 *
 * THREADS  put and get from the writer thread; merging of files from the maintenance thread.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_KEYS_H
#define SENDA_TIMELINE_KEYS_H

#include "base/map.h"
#include "store/store.h"

struct keys;

/* name: "message" or "identity"; files are DIR/keys/NAME-NNNNNN.keys. */
must_use int keys_open(struct keys **keys, struct store *store, const char *dir, const char *name,
                       struct err *err);
void keys_close(struct keys *keys);

/* Last position whose entries are already in files. */
uint64_t keys_covered(const struct keys *keys);
/* MAP_NONE if absent. */
uint32_t keys_get(struct keys *keys, struct key128 key);
/* position: seq or record id of the entry, never falling. */
void keys_put(struct keys *keys, struct key128 key, uint32_t value, uint64_t position);
/* Takes back every put since the last keys_commit (rolled back transaction). */
void keys_rollback(struct keys *keys);
void keys_commit(struct keys *keys);

/* Maintenance: writes fresh entries out and merges files when due. */
must_use int keys_maintain(struct keys *keys, bool force, struct err *err);
/* Checks order and checksum of each file. */
must_use int keys_verify(struct keys *keys, struct err *err);

#endif
