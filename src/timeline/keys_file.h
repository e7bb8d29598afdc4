/*
 * One immutable file of a key set: sorted entries behind a Bloom filter, mapped.
 *
 * FORMAT (little endian but for the entries)
 *   0    8  "SENDAKEY"
 *   8    4  version, 1
 *  12    4  value bytes: 0 or 4
 *  16    8  entries n
 *  24    8  blocks of the filter, 64 bytes each
 *  32    4  d: leading bytes that entries leave out (1 … 3), as the directory says them
 *  36    4  0
 *  40    8  XXH3 of the filter   48  8  of the directory   56  8  of the entries   64  8  of bytes 0 … 63
 * 128       filter: per key one block and in each of its eight words one bit (12 bits a key, 0.6 % false answers)
 *           directory: 256^d + 1 u32, entries with leading bytes p are directory[p] … directory[p + 1] - 1
 *           entries: the other 12 - d bytes of the key, big endian so that memcmp orders them, and the value
 *
 * Of the 128 bits of a key 96 are kept: among 10^9 keys the chance that any two meet is 6 in 10^12.
 *
 * DAMAGE under our feet: a file that is cut or written to while it is mapped raises no signal that is not caught
 * (timeline/guard.h), but what it answered is worth nothing. keys_file_sound tells, afterwards.
 *
 * COST  A probe for an absent key touches one line of the filter; a hit, the directory and about eight entries.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_KEYS_FILE_H
#define SENDA_TIMELINE_KEYS_FILE_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/map.h"
#include "store/file.h"

struct keys_entry {
    uint64_t a;
    uint32_t b, value;
};

struct keys_file {
    uint32_t number;
    uint64_t age, covered, n, bytes;
    uint64_t blocks;
    unsigned dropped, value_bytes;
    bool lost; /* a stand-in: holds nothing */
    const char *map;
    const uint64_t *filter;
    const uint32_t *directory;
    const unsigned char *entries;
    int fd, guarded; /* of the mapping */
    struct file_stamp stamp;
    atomic_bool damaged; /* pages could not be read: it knows no key any more */
};

/* The 96 bits that are kept. */
static inline struct keys_entry keys_entry_of(struct key128 key, uint32_t value) {
    return (struct keys_entry){key.a, (uint32_t)(key.b >> 32), value};
}

/* Maps a file of `bytes` bytes; the struct stays where it is until keys_file_close. E_CORRUPT if size, head or places do
 * not fit; contents are not read. */
must_use int keys_file_open(struct keys_file *file, const char *path, uint64_t bytes,
                            struct err *err);
void keys_file_close(struct keys_file *file);
/* In place of a file that cannot be opened: knows no key. */
void keys_file_stand_in(struct keys_file *file, unsigned value_bytes);

static inline const uint64_t *keys_file_block(const struct keys_file *file, struct keys_entry key) {
    return file->filter + ((uint64_t)(uint32_t)key.a * file->blocks >> 32) * 8;
}
/* MAP_NONE if absent; 0 for a file without values. */
uint32_t keys_file_get(const struct keys_file *file, struct keys_entry key);

/* Entries in order, of a file or of a sorted array. */
struct keys_cursor {
    const struct keys_file *file;
    const struct keys_entry *array;
    uint64_t n, at;
    uint32_t bucket;
    struct keys_entry entry; /* the current one */
    bool end;
};
void keys_cursor_file(struct keys_cursor *cursor, const struct keys_file *file);
void keys_cursor_array(struct keys_cursor *cursor, const struct keys_entry *entries, size_t n);

/* Writes the union of cursors (of equal keys the one of the later cursor) to path, synced. */
must_use int keys_file_write(const char *path, struct keys_cursor *cursors, size_t n,
                             unsigned value_bytes, uint64_t *keys, uint64_t *bytes,
                             struct err *err);
/* Nobody cut it or wrote to it since it was opened (or looked at whole): what it answered until now was right. */
bool keys_file_sound(const struct keys_file *file);
/* The checksums of what is read from it fit. */
bool keys_file_summed(const struct keys_file *file);
/* Reads everything: checksums, order, filter. */
must_use int keys_file_verify(const struct keys_file *file, struct err *err);

int keys_entry_compare(const void *a, const void *b);

#endif
