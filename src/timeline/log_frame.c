/*
 * Frames: see log_frame.h for the format.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/log_frame.h"

#include <sodium.h>
#include <stdlib.h>
#include <xxhash.h>

enum { CODEC_RAW = 0, CODEC_ZSTD = 1 };
enum { HAS_CHANNEL = 8, HAS_UNIT = 16, TYPE_MASK = 7 };
enum { SHAPE_KEY = 1, SHAPE_TEXT = 2, SHAPE_UUID = 4 };
enum { KEPT_KEY_BYTES = 12, UUID_TEXT = 36, UUID_BYTES = 16, FIXED_BYTES = 96, AAD_BYTES = 8 + 44 };
enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES
};

/* ---- writing ---- */

static void *get(size_t n) {
    void *memory = malloc(n);
    if (!memory)
        abort();
    return memory;
}

void frame_builder_init(struct frame_builder *builder) {
    *builder = (struct frame_builder){.records = get(FRAME_RAW_BYTES), .ids = get(FRAME_RAW_BYTES)};
}

void frame_builder_release(struct frame_builder *builder) {
    free(builder->records);
    free(builder->ids);
}

void frame_builder_clear(struct frame_builder *builder) {
    *builder = (struct frame_builder){.records = builder->records, .ids = builder->ids};
}

static inline char *put_varint(char *p, uint64_t value) {
    while (value > 127) {
        *p++ = (char)(unsigned char)(value | 128);
        value >>= 7;
    }
    *p++ = (char)(unsigned char)value;
    return p;
}

static inline char *put_zigzag(char *p, int64_t value) {
    return put_varint(p, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static inline int hex_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 36 characters as 16 bytes; false unless they are a lower-case UUID. */
static bool uuid_pack(const char *text, unsigned char bytes[UUID_BYTES]) {
    for (int i = 0, at = 0; i < UUID_BYTES; i++) {
        if (at == 8 || at == 13 || at == 18 || at == 23)
            if (text[at++] != '-')
                return false;
        int high = hex_of(text[at]), low = hex_of(text[at + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (unsigned char)(high << 4 | low);
        at += 2;
    }
    return true;
}

static void uuid_unpack(const unsigned char bytes[UUID_BYTES], char *text) {
    static const char HEX[] = "0123456789abcdef";
    for (int i = 0, at = 0; i < UUID_BYTES; i++) {
        if (at == 8 || at == 13 || at == 18 || at == 23)
            text[at++] = '-';
        text[at++] = HEX[bytes[i] >> 4];
        text[at++] = HEX[bytes[i] & 15];
    }
}

size_t frame_need(const struct log_record *record) {
    return FIXED_BYTES + record->row.properties.n + record->message_id.n;
}

static uint8_t put_ids(struct frame_builder *builder, const struct log_record *record) {
    char *start = builder->ids + builder->n_ids, *p = start;
    uint8_t shape = 0;
    if (record->key.a || record->key.b) {
        uint32_t b = (uint32_t)(record->key.b >> 32);
        memcpy(p, &record->key.a, 8);
        memcpy(p + 8, &b, 4);
        p += KEPT_KEY_BYTES;
        shape |= SHAPE_KEY;
    }
    struct slice id = record->message_id;
    unsigned char uuid[UUID_BYTES];
    if (id.p && id.n >= UUID_TEXT && uuid_pack(id.p + id.n - UUID_TEXT, uuid)) {
        p = put_varint(p, id.n - UUID_TEXT);
        memcpy(p, id.p, id.n - UUID_TEXT);
        p += id.n - UUID_TEXT;
        memcpy(p, uuid, UUID_BYTES);
        p += UUID_BYTES;
        shape |= SHAPE_UUID;
    } else if (id.p) {
        p = put_varint(p, id.n);
        if (id.n)
            memcpy(p, id.p, id.n);
        p += id.n;
        shape |= SHAPE_TEXT;
    }
    builder->n_ids += (uint32_t)(p - start);
    return shape;
}

bool frame_add(struct frame_builder *builder, const struct log_record *record,
               const char **properties) {
    const struct row *row = &record->row;
    if (builder->n_records + builder->n_ids + frame_need(record) > FRAME_RAW_BYTES)
        return false;
    if (!builder->count) {
        builder->first = row->seq;
        builder->time_ms = builder->last_ms = row->time_ms;
        builder->received_ms = builder->last_received_ms = record->received_ms;
    }
    char *p = builder->records + builder->n_records;
    *p++ = (char)(row->type | (row->channel ? HAS_CHANNEL : 0) | (row->unit ? HAS_UNIT : 0));
    *p++ = (char)put_ids(builder, record);
    p = put_varint(p, row->customer);
    p = put_zigzag(p, row->time_ms - builder->last_ms);
    p = put_zigzag(p, record->received_ms - builder->last_received_ms);
    p = put_varint(p, row->event);
    if (row->channel)
        p = put_varint(p, row->channel);
    if (row->unit)
        p = put_varint(p, row->unit);
    p = put_varint(p, row->source);
    p = put_varint(p, row->properties.n);
    if (row->properties.n)
        memcpy(p, row->properties.p, row->properties.n);
    *properties = p;
    builder->n_records = (uint32_t)(p + row->properties.n - builder->records);
    builder->last_ms = row->time_ms;
    builder->last_received_ms = record->received_ms;
    builder->count++;
    return true;
}

/* Bytes 0 … 7 and 12 … 55 of the head: what stays when the stored size is not known yet. */
static void aad_of(const struct frame_head *head, unsigned char aad[AAD_BYTES]) {
    const unsigned char *bytes = (const unsigned char *)head;
    memcpy(aad, bytes, 8);
    memcpy(aad + 8, bytes + 12, 44);
}

static uint64_t sum_of(const struct frame_head *head, const char *payload) {
    uint64_t seed = hash_bytes(head, offsetof(struct frame_head, sum));
    return XXH3_64bits_withSeed(payload, head->stored, seed);
}

/* Records and ids behind each other, compressed if that helps: into `to`, returns bytes. */
static size_t compress(const struct frame_builder *builder, ZSTD_CCtx *zstd, int level, char *to,
                       size_t room, uint8_t *codec) {
    static _Thread_local char raw[FRAME_RAW_BYTES];
    size_t n = builder->n_records + builder->n_ids;
    memcpy(raw, builder->records, builder->n_records);
    memcpy(raw + builder->n_records, builder->ids, builder->n_ids);
    size_t packed = ZSTD_compressCCtx(zstd, to, room, raw, n, level);
    *codec = CODEC_ZSTD;
    if (ZSTD_isError(packed) || packed >= n) {
        memcpy(to, raw, n);
        *codec = CODEC_RAW;
        packed = n;
    }
    return packed;
}

void frame_seal(const struct frame_builder *builder, ZSTD_CCtx *zstd, int level,
                const struct frame_keys *keys, struct buf *out) {
    struct frame_head head = {
        .magic = {'S', 'F', 'R', 'M'},
        .key_id = keys->current,
        .head_bytes = FRAME_HEAD_BYTES,
        .records_bytes = builder->n_records,
        .ids_bytes = builder->n_ids,
        .count = builder->count,
        .first = builder->first,
        .time_ms = builder->time_ms,
        .received_ms = builder->received_ms,
    };
    size_t room = ZSTD_COMPRESSBOUND(FRAME_RAW_BYTES);
    char *at = buf_reserve(out, FRAME_HEAD_BYTES + room + NONCE_BYTES + TAG_BYTES);
    if (!at)
        return;
    char *payload = at + FRAME_HEAD_BYTES;
    char *text = payload + (head.key_id ? NONCE_BYTES : 0);
    size_t n = compress(builder, zstd, level, text, room, &head.codec);
    head.stored = (uint32_t)n;
    if (head.key_id) {
        unsigned char aad[AAD_BYTES];
        aad_of(&head, aad);
        randombytes_buf(payload, NONCE_BYTES);
        crypto_aead_xchacha20poly1305_ietf_encrypt(
            (unsigned char *)text, NULL, (const unsigned char *)text, n, aad, sizeof aad, NULL,
            (const unsigned char *)payload, keys->key[head.key_id]);
        head.stored = (uint32_t)(n + NONCE_BYTES + TAG_BYTES);
    }
    head.sum = sum_of(&head, payload);
    memcpy(at, &head, sizeof head);
    out->n += FRAME_HEAD_BYTES + head.stored;
}

/* ---- reading ---- */

static int damaged(struct err *err) {
    return err_set(err, E_CORRUPT, "a frame of the log is damaged");
}

int frame_head_read(const char *p, size_t n, struct frame_head *head, struct err *err) {
    if (n < FRAME_HEAD_BYTES)
        return damaged(err);
    memcpy(head, p, sizeof *head);
    if (memcmp(head->magic, "SFRM", 4) != 0 || head->head_bytes != FRAME_HEAD_BYTES ||
        head->codec > CODEC_ZSTD || head->stored > n - FRAME_HEAD_BYTES || !head->count ||
        head->records_bytes > FRAME_RAW_BYTES || head->ids_bytes > FRAME_RAW_BYTES ||
        head->records_bytes + head->ids_bytes > FRAME_RAW_BYTES ||
        head->stored > ZSTD_COMPRESSBOUND(FRAME_RAW_BYTES) + NONCE_BYTES + TAG_BYTES)
        return damaged(err);
    return 0;
}

void frame_reader_init(struct frame_reader *reader, const struct frame_keys *keys) {
    *reader = (struct frame_reader){
        .zstd = ZSTD_createDCtx(),
        .plain = get(ZSTD_COMPRESSBOUND(FRAME_RAW_BYTES)),
        .raw = get(FRAME_RAW_BYTES),
        .keys = keys,
    };
    if (!reader->zstd)
        abort();
}

void frame_reader_release(struct frame_reader *reader) {
    ZSTD_freeDCtx(reader->zstd);
    free(reader->plain);
    free(reader->raw);
}

static int unpack(struct frame_reader *reader, const struct frame_head *head, const char *payload,
                  struct err *err) {
    const char *text = payload;
    size_t n = head->stored, raw = head->records_bytes + head->ids_bytes;
    if (head->key_id) {
        if (!reader->keys->known[head->key_id])
            return err_set(err, E_CORRUPT, "the log is encrypted with a key that is missing");
        if (n < NONCE_BYTES + TAG_BYTES)
            return damaged(err);
        unsigned char aad[AAD_BYTES];
        aad_of(head, aad);
        n -= NONCE_BYTES;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                (unsigned char *)reader->plain, NULL, NULL,
                (const unsigned char *)payload + NONCE_BYTES, n, aad, sizeof aad,
                (const unsigned char *)payload, reader->keys->key[head->key_id]))
            return damaged(err);
        n -= TAG_BYTES;
        text = reader->plain;
    }
    if (head->codec == CODEC_RAW) {
        if (n != raw)
            return damaged(err);
        memcpy(reader->raw, text, n);
        return 0;
    }
    size_t got = ZSTD_decompressDCtx(reader->zstd, reader->raw, FRAME_RAW_BYTES, text, n);
    return ZSTD_isError(got) || got != raw ? damaged(err) : 0;
}

struct cursor {
    const char *p, *end;
    bool bad;
};

static inline uint64_t take_varint(struct cursor *cursor) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->p < cursor->end; shift += 7) {
        unsigned char byte = (unsigned char)*cursor->p++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    cursor->bad = true;
    return 0;
}

static inline int64_t take_zigzag(struct cursor *cursor) {
    uint64_t bits = take_varint(cursor);
    return (int64_t)(bits >> 1 ^ (bits & 1 ? UINT64_MAX : 0));
}

static inline uint8_t take_byte(struct cursor *cursor) {
    if (cursor->p >= cursor->end) {
        cursor->bad = true;
        return 0;
    }
    return (uint8_t)*cursor->p++;
}

static inline struct slice take_bytes(struct cursor *cursor, uint64_t n) {
    if (n > (uint64_t)(cursor->end - cursor->p)) {
        cursor->bad = true;
        return (struct slice){"", 0};
    }
    struct slice bytes = {cursor->p, n};
    cursor->p += n;
    return bytes;
}

/* text: >= 36 bytes more than the longest message id. */
static void take_ids(struct cursor *ids, uint8_t shape, struct log_record *record, char *text,
                     size_t room) {
    record->message_id = (struct slice){0};
    record->key = (struct key128){0};
    if (shape & SHAPE_KEY) {
        struct slice bytes = take_bytes(ids, KEPT_KEY_BYTES);
        uint32_t b = 0;
        if (bytes.n) {
            memcpy(&record->key.a, bytes.p, 8);
            memcpy(&b, bytes.p + 8, 4);
        }
        record->key.b = (uint64_t)b << 32;
    }
    if (shape & SHAPE_TEXT)
        record->message_id = take_bytes(ids, take_varint(ids));
    if (shape & SHAPE_UUID) {
        struct slice before = take_bytes(ids, take_varint(ids));
        struct slice uuid = take_bytes(ids, UUID_BYTES);
        if (ids->bad || before.n + UUID_TEXT > room) {
            ids->bad = true;
            return;
        }
        memcpy(text, before.p, before.n);
        uuid_unpack((const unsigned char *)uuid.p, text + before.n);
        record->message_id = (struct slice){text, before.n + UUID_TEXT};
    }
}

static void take_record(struct cursor *records, struct cursor *ids, struct log_record *record,
                        char *text, size_t room) {
    struct row *row = &record->row;
    uint8_t flags = take_byte(records), shape = take_byte(records);
    row->type = flags & TYPE_MASK;
    row->customer = (uint32_t)take_varint(records);
    row->time_ms += take_zigzag(records);
    record->received_ms += take_zigzag(records);
    row->event = (uint16_t)take_varint(records);
    row->channel = flags & HAS_CHANNEL ? (uint16_t)take_varint(records) : CODE_NONE;
    row->unit = flags & HAS_UNIT ? (uint16_t)take_varint(records) : CODE_NONE;
    row->source = (uint16_t)take_varint(records);
    row->properties = take_bytes(records, take_varint(records));
    take_ids(ids, shape, record, text, room);
}

int frame_read(struct frame_reader *reader, const char *frame, size_t n, uint64_t from, uint64_t to,
               int (*visit)(void *context, const struct log_record *record), void *context,
               struct err *err) {
    struct frame_head head = {0};
    int code = frame_head_read(frame, n, &head, err);
    if (code)
        return code;
    const char *payload = frame + FRAME_HEAD_BYTES;
    if (sum_of(&head, payload) != head.sum)
        return damaged(err);
    code = unpack(reader, &head, payload, err);
    if (code)
        return code;
    struct cursor records = {reader->raw, reader->raw + head.records_bytes, false};
    struct cursor ids = {records.end, records.end + head.ids_bytes, false};
    struct log_record record = {.row.time_ms = head.time_ms, .received_ms = head.received_ms};
    char text[FRAME_RAW_BYTES / 64];
    for (uint32_t i = 0; i < head.count; i++) {
        record.row.seq = head.first + i;
        if (record.row.seq >= to)
            return 0;
        take_record(&records, &ids, &record, text, sizeof text);
        if (records.bad || ids.bad)
            return damaged(err);
        if (record.row.seq >= from && (code = visit(context, &record)) != 0)
            return code;
    }
    return 0;
}
