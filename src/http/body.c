/*
 * The body of a request: bounded before it is believed, spooled to an unlinked file where a route takes large uploads,
 * inflated with a cap.
 *
 * SPOOL  Each byte is XORed with XChaCha20 under a key that is made for this body and never leaves memory, before it is written: what
 * remains on the disk of a file that lost its last reader, or of a machine that stopped meanwhile, tells nothing. It is read back
 * into private memory.
 *
 * Collection paths sniff gzip (1f 8b) as well, because some clients forget to say it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "http/network.h"

enum {
    SPOOL_FROM_BYTES = 4 * 1024 * 1024,
    INFLATE_STEP_BYTES = 64 * 1024,
    INFLATED_MAX = 64 * 1024 * 1024,
    COVER_STEP_BYTES = 64 * 1024,
    BLOCK_BYTES = 64 /* of XChaCha20 */
};

void body_begin(struct body *body, size_t limit, size_t declared, bool gzip, bool sniff) {
    struct buf bytes = body->bytes;
    *body = (struct body){.bytes = bytes,
                          .limit = limit,
                          .declared = declared,
                          .gzip = gzip,
                          .sniff = sniff,
                          .fd = -1};
    body->bytes.max = limit < SPOOL_FROM_BYTES ? limit : SPOOL_FROM_BYTES;
    if (body->bytes.max < KEPT_BYTES)
        body->bytes.max = KEPT_BYTES;
    buf_clear(&body->bytes);
}

static int write_all(int fd, const char *bytes, size_t n, struct err *err) {
    while (n) {
        ssize_t written = write(fd, bytes, n);
        if (written <= 0)
            return err_set(err, E_NOSPACE, "no room for the upload");
        bytes += written;
        n -= (size_t)written;
    }
    return 0;
}

/* Covers, or uncovers, n bytes that stand at a place of the spool. */
static void cover(const struct body *body, uint64_t at, unsigned char *bytes, size_t n) {
    static const unsigned char nonce[crypto_stream_xchacha20_NONCEBYTES]; /* a key is used once */
    while (n) {
        size_t skip = at % BLOCK_BYTES, step = n - n % BLOCK_BYTES;
        if (skip || !step) { /* part of a block */
            unsigned char block[BLOCK_BYTES] = {0};
            step = n < BLOCK_BYTES - skip ? n : BLOCK_BYTES - skip;
            memcpy(block + skip, bytes, step);
            crypto_stream_xchacha20_xor_ic(block, block, sizeof block, nonce, at / BLOCK_BYTES,
                                           body->key);
            memcpy(bytes, block + skip, step);
        } else {
            crypto_stream_xchacha20_xor_ic(bytes, bytes, step, nonce, at / BLOCK_BYTES, body->key);
        }
        bytes += step;
        at += step;
        n -= step;
    }
}

static int spool(struct body *body, const char *bytes, size_t n, struct err *err) {
    unsigned char covered[COVER_STEP_BYTES];
    int code = 0;
    while (n && !code) {
        size_t step = n < sizeof covered ? n : sizeof covered;
        memcpy(covered, bytes, step);
        cover(body, body->spooled, covered, step);
        code = write_all(body->fd, (const char *)covered, step, err);
        body->spooled += step;
        bytes += step;
        n -= step;
    }
    return code;
}

/* Moves what is in memory to a file that has no name. */
static int begin_spool(struct body *body, const char *dir, struct err *err) {
    body->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (body->fd < 0)
        return err_set(err, E_NOSPACE, "no room for the upload");
    randombytes_buf(body->key, sizeof body->key);
    int code = spool(body, body->bytes.p, body->bytes.n, err);
    buf_release(&body->bytes);
    return code;
}

int body_add(struct body *body, const char *dir, const char *bytes, size_t n, struct err *err) {
    size_t have = body->fd >= 0 ? body->spooled : body->bytes.n;
    if (n > body->limit || have > body->limit - n)
        return err_set(err, E_TOO_LARGE, "the body is over %zu bytes", body->limit);
    if (body->fd < 0 && have + n > SPOOL_FROM_BYTES) {
        int code = begin_spool(body, dir, err);
        if (code)
            return code;
    }
    if (body->fd >= 0)
        return spool(body, bytes, n, err);
    if (body->bytes.n == 0 && body->declared > n && body->declared <= body->bytes.max)
        (void)buf_reserve(&body->bytes, body->declared);
    buf_add(&body->bytes, bytes, n);
    return body->bytes.full ? err_set(err, E_TOO_LARGE, "the body is over %zu bytes", body->limit)
                            : 0;
}

static int inflate_all(struct slice packed, size_t limit, struct buf *plain, struct err *err) {
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return err_set(err, E_INTERNAL, "cannot inflate");
    size_t left = packed.n;
    const unsigned char *from = (const unsigned char *)packed.p;
    int code = 0, state = Z_OK;
    while (state != Z_STREAM_END && !code) {
        if (!stream.avail_in && left) {
            stream.avail_in = left > 1 << 30 ? 1 << 30 : (unsigned)left;
            stream.next_in = (unsigned char *)(uintptr_t)from;
            from += stream.avail_in;
            left -= stream.avail_in;
        }
        size_t room = limit + 1 - plain->n;
        if (room > INFLATE_STEP_BYTES)
            room = INFLATE_STEP_BYTES;
        char *to = buf_reserve(plain, room);
        if (!to)
            abort();
        stream.next_out = (unsigned char *)to;
        stream.avail_out = (unsigned)room;
        state = inflate(&stream, Z_NO_FLUSH);
        plain->n += room - stream.avail_out;
        if (state != Z_OK && state != Z_STREAM_END)
            code = err_set(err, E_MALFORMED, "the body is not valid gzip");
        else if (plain->n > limit)
            code = err_set(err, E_TOO_LARGE, "the body is over %zu bytes after inflation", limit);
        else if (state == Z_STREAM_END && (stream.avail_in || left)) {
            /* A file of several members goes on. */
            if (stream.avail_in >= 2 && stream.next_in[0] == 0x1f) {
                inflateReset(&stream);
                state = Z_OK;
            } else {
                code = err_set(err, E_MALFORMED, "there is something after the gzip body");
            }
        }
    }
    inflateEnd(&stream);
    return code;
}

int body_finish(struct body *body, struct slice *whole, struct err *err) {
    if (body->fd >= 0) {
        void *mapped = mmap(NULL, body->spooled, PROT_READ | PROT_WRITE, MAP_PRIVATE, body->fd, 0);
        if (mapped == MAP_FAILED)
            return err_set(err, E_IO, "cannot read the upload");
        body->mapped = mapped;
        cover(body, 0, mapped, body->spooled);
        *whole = (struct slice){mapped, body->spooled};
    } else {
        *whole = body->bytes.n ? buf_slice(&body->bytes) : (struct slice){"", 0};
    }
    bool packed =
        whole->n >= 2 && (unsigned char)whole->p[0] == 0x1f && (unsigned char)whole->p[1] == 0x8b;
    if (!packed && body->gzip && whole->n)
        return err_set(err, E_MALFORMED, "the body is not valid gzip");
    if (!packed || !(body->gzip || body->sniff))
        return 0;
    struct buf plain;
    size_t limit = body->limit < INFLATED_MAX ? body->limit : INFLATED_MAX;
    buf_init(&plain, limit + 1);
    int code = inflate_all(*whole, limit, &plain, err);
    body_release(body);
    buf_release(&body->bytes);
    if (code) {
        buf_release(&plain);
        return code;
    }
    plain.max = limit + 1;
    body->bytes = plain;
    *whole = plain.n ? buf_slice(&plain) : (struct slice){"", 0};
    return 0;
}

void body_release(struct body *body) {
    if (body->mapped)
        munmap(body->mapped, body->spooled);
    if (body->fd >= 0)
        close(body->fd);
    sodium_memzero(body->key, sizeof body->key);
    body->mapped = NULL;
    body->fd = -1;
    if (body->bytes.capacity > KEPT_BYTES)
        buf_release(&body->bytes);
    else
        buf_clear(&body->bytes);
}
