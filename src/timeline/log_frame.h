/*
 * A frame: some hundred records of the log, compressed together.
 *
 * FORMAT (little endian)
 *   0   4  "SFRM"
 *   4   1  codec: 0 as is, 1 zstd
 *   5   1  id of the key that encrypts the payload; 0: not encrypted
 *   6   2  64, bytes of this head
 *   8   4  bytes of the payload as stored
 *  12   4  bytes of the records, raw      16   4  bytes of the ids, raw (together <= 64 KB)
 *  20   4  records
 *  24   8  seq of the first record
 *  32   8  time of the first record, ms   40   8  its time of arrival, ms
 *  48   8  0
 *  56   8  XXH3 of the payload, seeded with the XXH3 of bytes 0 … 55
 *  64      payload: records then ids, compressed; then encrypted: nonce (24), ciphertext, tag (16), XChaCha20-Poly1305 with
 *          bytes 0 … 7 and 12 … 55 as additional data
 *
 * A record: u8 type, 8 if it has a channel, 16 if it has a unit; u8 shape of its ids; varint customer; zigzag varint ms
 * since the record before, the same for arrival; varint event, [channel], [unit], source; varint bytes and properties.
 * Its ids, apart because they do not compress: shape 1 KEY: 12 bytes; 2 TEXT: varint length and message id; 4 UUID: varint
 * length and text before, then the last 36 characters of the message id packed into 16 bytes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_LOG_FRAME_H
#define SENDA_TIMELINE_LOG_FRAME_H

#include <zstd.h>

#include "timeline/log.h"

enum { FRAME_HEAD_BYTES = 64, FRAME_RAW_BYTES = 64 * 1024 };

/* Keys by id; id 0 is "not encrypted". */
struct frame_keys {
    uint8_t current;
    bool known[256];
    unsigned char key[256][LOG_KEY_BYTES];
};

/* Those of a log (log.c), for whatever else is sealed with them; they live as long as it does. */
const struct frame_keys *log_keys(const struct log *log);

struct frame_head {
    char magic[4];
    uint8_t codec, key_id;
    uint16_t head_bytes;
    uint32_t stored, records_bytes, ids_bytes, count;
    uint64_t first;
    int64_t time_ms, received_ms;
    uint64_t zero, sum;
};
_Static_assert(sizeof(struct frame_head) == FRAME_HEAD_BYTES, "head of a frame");

/* A frame being filled. Its bytes do not move. */
struct frame_builder {
    uint64_t first;
    uint32_t count;
    int64_t time_ms, received_ms, last_ms, last_received_ms;
    uint32_t n_records, n_ids; /* bytes */
    char *records;             /* FRAME_RAW_BYTES each; memory that is not used is not touched */
    char *ids;
};
void frame_builder_init(struct frame_builder *builder);
void frame_builder_release(struct frame_builder *builder);
void frame_builder_clear(struct frame_builder *builder);
/* False if it does not fit; *properties is then where they lie in the builder. record->row.seq is the next one. */
bool frame_add(struct frame_builder *builder, const struct log_record *record,
               const char **properties);
/* Bytes that a record takes at most. */
size_t frame_need(const struct log_record *record);
/* Appends head and payload to out. zstd: level >= 1. */
void frame_seal(const struct frame_builder *builder, ZSTD_CCtx *zstd, int level,
                const struct frame_keys *keys, struct buf *out);

/* Reads the head at p (n bytes left). E_CORRUPT if it does not fit. Checks no checksum. */
must_use int frame_head_read(const char *p, size_t n, struct frame_head *head, struct err *err);

/* What reading needs, made once per reader. */
struct frame_reader {
    ZSTD_DCtx *zstd;
    char *plain, *raw; /* decrypted payload; records and ids */
    const struct frame_keys *keys;
};
void frame_reader_init(struct frame_reader *reader, const struct frame_keys *keys);
void frame_reader_release(struct frame_reader *reader);
/* Checks, decrypts and decompresses a whole frame and gives its records with seq in [from, to) to visit, which stops the
 * reading by returning non-zero (returned). */
must_use int frame_read(struct frame_reader *reader, const char *frame, size_t n, uint64_t from,
                        uint64_t to, int (*visit)(void *context, const struct log_record *record),
                        void *context, struct err *err);

#endif
