/*
 * Tar through zstd: see archive.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"

enum { BLOCK = 512, LEVEL = 1, SUM_AT = 148 };

struct header {
    char name[ARCHIVE_NAME_BYTES], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
    char link[100], magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155];
    char rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header");

static const char WHAT[] = "the backup";

static unsigned sum_of(const struct header *header) {
    const unsigned char *bytes = (const unsigned char *)header;
    unsigned sum = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= SUM_AT && i < SUM_AT + 8 ? ' ' : bytes[i];
    return sum;
}

/* ---- writing ---- */

int archive_writer_open(struct archive_writer *writer, const char *path, struct err *err) {
    *writer = (struct archive_writer){.fd = -1};
    writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return errno == EEXIST ? err_set(err, E_CONFLICT, "the file exists already")
                               : file_fail(WHAT, err);
    writer->zstd = ZSTD_createCCtx();
    writer->out_bytes = ZSTD_CStreamOutSize();
    writer->out = malloc(writer->out_bytes);
    if (!writer->zstd || !writer->out)
        abort();
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    return 0;
}

static int compress(struct archive_writer *writer, const void *bytes, size_t n,
                    ZSTD_EndDirective directive, struct err *err) {
    ZSTD_inBuffer in = {bytes, n, 0};
    for (;;) {
        ZSTD_outBuffer out = {writer->out, writer->out_bytes, 0};
        size_t left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
        if (ZSTD_isError(left))
            return err_set(err, E_INTERNAL, "the backup could not be compressed");
        int code = file_write(writer->fd, writer->out, out.pos, WHAT, err);
        if (code)
            return code;
        if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size)
            return 0;
    }
}

int archive_write(struct archive_writer *writer, const void *bytes, size_t n, struct err *err) {
    return compress(writer, bytes, n, ZSTD_e_continue, err);
}

static void put_octal(char *field, size_t n, uint64_t value) {
    for (size_t i = n - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
}

int archive_begin(struct archive_writer *writer, const char *name, uint64_t bytes,
                  struct err *err) {
    struct header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    size_t n = strlen(name);
    if (n >= sizeof header.name)
        return err_set(err, E_INTERNAL, "a name is too long for the backup");
    memcpy(header.name, name, n);
    put_octal(header.mode, sizeof header.mode, 0600);
    put_octal(header.uid, sizeof header.uid, 0);
    put_octal(header.gid, sizeof header.gid, 0);
    put_octal(header.mtime, sizeof header.mtime, 0);
    if (bytes < UINT64_C(1) << 33) {
        put_octal(header.size, sizeof header.size, bytes);
    } else {
        header.size[0] = (char)0x80;
        for (int i = 0; i < 8; i++)
            header.size[11 - i] = (char)(bytes >> (8 * i) & 255);
    }
    char sum[16];
    snprintf(sum, sizeof sum, "%06o", sum_of(&header));
    memcpy(header.sum, sum, 6);
    header.sum[7] = ' ';
    return archive_write(writer, &header, sizeof header, err);
}

int archive_end(struct archive_writer *writer, uint64_t bytes, struct err *err) {
    static const char zeros[BLOCK];
    return archive_write(writer, zeros, (BLOCK - bytes % BLOCK) % BLOCK, err);
}

int archive_finish(struct archive_writer *writer, struct err *err) {
    static const char zeros[2 * BLOCK];
    int code = compress(writer, zeros, sizeof zeros, ZSTD_e_end, err);
    if (!code && fsync(writer->fd))
        code = file_fail(WHAT, err);
    return code;
}

void archive_writer_close(struct archive_writer *writer) {
    if (writer->fd >= 0)
        close(writer->fd);
    ZSTD_freeCCtx(writer->zstd);
    free(writer->out);
}

/* ---- reading ---- */

static int damaged(struct err *err) { return err_set(err, E_CORRUPT, "the backup is damaged"); }

int archive_reader_open(struct archive_reader *reader, const char *path, struct err *err) {
    *reader = (struct archive_reader){.fd = -1};
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return errno == ENOENT ? err_set(err, E_NOT_FOUND, "there is no such backup")
                               : file_fail(WHAT, err);
    reader->zstd = ZSTD_createDCtx();
    reader->in_bytes = ZSTD_DStreamInSize();
    reader->in = malloc(reader->in_bytes);
    reader->out = malloc(ZSTD_DStreamOutSize());
    if (!reader->zstd || !reader->in || !reader->out)
        abort();
    reader->input = (ZSTD_inBuffer){reader->in, 0, 0};
    return 0;
}

/* More bytes into out; reader->n is 0 at the end. */
static int refill(struct archive_reader *reader, struct err *err) {
    reader->at = reader->n = 0;
    while (!reader->n && !reader->end) {
        if (reader->input.pos == reader->input.size) {
            ssize_t got = read(reader->fd, reader->in, reader->in_bytes);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return file_fail(WHAT, err);
            if (got == 0)
                return damaged(err); /* a frame without its end */
            reader->consumed += (uint64_t)got;
            reader->input = (ZSTD_inBuffer){reader->in, (size_t)got, 0};
        }
        ZSTD_outBuffer out = {reader->out, ZSTD_DStreamOutSize(), 0};
        size_t left = ZSTD_decompressStream(reader->zstd, &out, &reader->input);
        if (ZSTD_isError(left))
            return damaged(err);
        reader->end = left == 0;
        reader->n = out.pos;
    }
    return 0;
}

int archive_read(struct archive_reader *reader, void *bytes, size_t n, struct err *err) {
    char *to = bytes;
    while (n) {
        if (reader->at == reader->n) {
            int code = refill(reader, err);
            if (code)
                return code;
            if (!reader->n)
                return damaged(err);
        }
        size_t piece = reader->n - reader->at < n ? reader->n - reader->at : n;
        memcpy(to, reader->out + reader->at, piece);
        reader->at += piece;
        to += piece;
        n -= piece;
    }
    return 0;
}

int archive_skip_padding(struct archive_reader *reader, uint64_t bytes, struct err *err) {
    char padding[BLOCK];
    return archive_read(reader, padding, (BLOCK - bytes % BLOCK) % BLOCK, err);
}

static bool size_read(const struct header *header, uint64_t *bytes) {
    *bytes = 0;
    if ((unsigned char)header->size[0] == 0x80) {
        for (int i = 4; i < 12; i++)
            *bytes = *bytes << 8 | (unsigned char)header->size[i];
        return true;
    }
    for (int i = 0; i < 11; i++) {
        if (header->size[i] < '0' || header->size[i] > '7')
            return false;
        *bytes = *bytes << 3 | (uint64_t)(header->size[i] - '0');
    }
    return true;
}

int archive_next(struct archive_reader *reader, char name[ARCHIVE_NAME_BYTES + 1], uint64_t *bytes,
                 struct err *err) {
    struct header header = {0};
    int code = archive_read(reader, &header, sizeof header, err);
    if (code)
        return code;
    if (!header.name[0])
        return 0;
    char sum[16];
    snprintf(sum, sizeof sum, "%06o", sum_of(&header));
    if (memcmp(header.magic, "ustar", 5) != 0 || memcmp(header.sum, sum, 6) != 0 ||
        header.type != '0' || !size_read(&header, bytes))
        return damaged(err);
    memcpy(name, header.name, ARCHIVE_NAME_BYTES);
    name[ARCHIVE_NAME_BYTES] = 0;
    return 1;
}

void archive_reader_close(struct archive_reader *reader) {
    if (reader->fd >= 0)
        close(reader->fd);
    ZSTD_freeDCtx(reader->zstd);
    free(reader->in);
    free(reader->out);
}
