/*
 * Three stages, each with its buffer: packed bytes, plain bytes, text. For plain UTF-8 the last two are one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unicode/ucnv.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/utf8.h"

enum { PACKED_BYTES = 256 * 1024, SNIFF_BYTES = 64 * 1024, STEP_BYTES = 256 * 1024 };
enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct window {
    char *p;
    size_t from, n, capacity; /* bytes [from, n) are there */
};

struct import_stream {
    int fd; /* -1: memory */
    struct slice memory;
    uint64_t position, size;
    struct window packed, plain, text;
    enum packing packing;
    bool packed_end, plain_end;
    bool frame_open; /* of zstd */
    z_stream gzip;
    ZSTD_DStream *zstd;
    UConverter *from, *to; /* both NULL: the text is UTF-8 */
    UChar pivot[4096];
    UChar *pivot_source, *pivot_target;
    bool convert_end;
    char encoding[32];
};

/* Room for n more bytes behind what is there; moves it to the front first. */
static char *window_room(struct window *window, size_t n) {
    if (window->from && window->capacity - window->n < n) {
        memmove(window->p, window->p + window->from, window->n - window->from);
        window->n -= window->from;
        window->from = 0;
    }
    if (window->capacity - window->n < n) {
        window->capacity = (window->n + n) * 2;
        window->p = realloc(window->p, window->capacity);
        if (!window->p)
            abort();
    }
    return window->p + window->n;
}

static size_t window_left(const struct window *window) { return window->n - window->from; }

static int read_packed(struct import_stream *stream, struct window *to, struct err *err) {
    char *room = window_room(to, PACKED_BYTES);
    size_t n = PACKED_BYTES;
    if (stream->fd < 0) {
        size_t left = stream->memory.n - (size_t)stream->position;
        n = n < left ? n : left;
        if (n)
            memcpy(room, stream->memory.p + stream->position, n);
    } else {
        ssize_t got;
        do
            got = read(stream->fd, room, n);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            return err_set(err, E_IO, "the file cannot be read");
        n = (size_t)got;
    }
    stream->position += n;
    to->n += n;
    if (!n)
        stream->packed_end = true;
    if (!n && stream->position < stream->size)
        return err_set(err, E_IO, "the file became shorter while it was read");
    return 0;
}

static int unpack_gzip(struct import_stream *stream, struct err *err) {
    struct window *packed = &stream->packed;
    char *room = window_room(&stream->plain, STEP_BYTES);
    stream->gzip.next_in = (unsigned char *)packed->p + packed->from;
    stream->gzip.avail_in = (unsigned)window_left(packed);
    stream->gzip.next_out = (unsigned char *)room;
    stream->gzip.avail_out = STEP_BYTES;
    int state = inflate(&stream->gzip, Z_NO_FLUSH);
    stream->plain.n += STEP_BYTES - stream->gzip.avail_out;
    packed->from = packed->n - stream->gzip.avail_in;
    if (state == Z_STREAM_END) { /* perhaps another member follows */
        int code = window_left(packed) || stream->packed_end ? 0 : read_packed(stream, packed, err);
        if (code)
            return code;
        if (window_left(packed) < 2 || (unsigned char)packed->p[packed->from] != 0x1f)
            stream->plain_end = true;
        else
            inflateReset(&stream->gzip);
        return 0;
    }
    if (state == Z_BUF_ERROR && stream->packed_end)
        return err_set(err, E_MALFORMED, "the compressed file is cut off");
    if (state != Z_OK && state != Z_BUF_ERROR)
        return err_set(err, E_MALFORMED, "the compressed file is damaged");
    return 0;
}

static int unpack_zstd(struct import_stream *stream, struct err *err) {
    struct window *packed = &stream->packed;
    ZSTD_outBuffer out = {window_room(&stream->plain, STEP_BYTES), STEP_BYTES, 0};
    ZSTD_inBuffer in = {packed->p + packed->from, window_left(packed), 0};
    size_t state = ZSTD_decompressStream(stream->zstd, &out, &in);
    if (ZSTD_isError(state))
        return err_set(err, E_MALFORMED, "the compressed file is damaged");
    stream->plain.n += out.pos;
    packed->from += in.pos;
    if (in.pos || out.pos) {
        stream->frame_open = state != 0;
    } else if (stream->packed_end) {
        if (stream->frame_open)
            return err_set(err, E_MALFORMED, "the compressed file is cut off");
        stream->plain_end = true;
    }
    return 0;
}

/* Adds plain bytes, or sets plain_end. */
static int fill_plain(struct import_stream *stream, struct err *err) {
    if (stream->packing == PACKING_NONE) {
        int code = read_packed(stream, &stream->plain, err);
        stream->plain_end = stream->packed_end;
        return code;
    }
    size_t left = window_left(&stream->plain);
    while (window_left(&stream->plain) == left && !stream->plain_end) {
        int code = 0;
        if (!window_left(&stream->packed) && !stream->packed_end)
            code = read_packed(stream, &stream->packed, err);
        if (!code)
            code = stream->packing == PACKING_GZIP ? unpack_gzip(stream, err)
                                                   : unpack_zstd(stream, err);
        if (code)
            return code;
    }
    return 0;
}

static int sniff_packing(struct import_stream *stream, struct err *err) {
    int code = read_packed(stream, &stream->packed, err);
    if (code)
        return code;
    const unsigned char *p = (const unsigned char *)stream->packed.p;
    size_t n = stream->packed.n;
    if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
        stream->packing = PACKING_GZIP;
        if (inflateInit2(&stream->gzip, 15 + 16) != Z_OK)
            abort();
    } else if (n >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd) {
        stream->packing = PACKING_ZSTD;
        if (!(stream->zstd = ZSTD_createDStream()))
            abort();
    } else {
        stream->plain = stream->packed; /* what was read is plain already */
        stream->packed = (struct window){0};
    }
    return 0;
}

int import_stream_open(struct import_stream **stream, const char *path, struct slice bytes,
                       struct err *err) {
    struct import_stream *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    opened->fd = -1;
    opened->memory = bytes;
    opened->size = bytes.n;
    opened->pivot_source = opened->pivot_target = opened->pivot;
    int code = 0;
    if (path) {
        struct stat stat;
        opened->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (opened->fd < 0)
            code = errno == ENOENT ? err_set(err, E_NOT_FOUND, "no such file")
                                   : err_set(err, E_IO, "the file cannot be opened");
        else if (fstat(opened->fd, &stat) != 0 || S_ISDIR(stat.st_mode))
            code = err_set(err, E_IO, "this is not a file");
        else
            opened->size = S_ISREG(stat.st_mode) ? (uint64_t)stat.st_size : 0;
    }
    if (!code)
        code = sniff_packing(opened, err);
    while (!code && !opened->plain_end && window_left(&opened->plain) < SNIFF_BYTES)
        code = fill_plain(opened, err);
    if (code) {
        import_stream_close(opened);
        return code;
    }
    *stream = opened;
    return 0;
}

void import_stream_close(struct import_stream *stream) {
    if (!stream)
        return;
    if (stream->fd >= 0)
        close(stream->fd);
    if (stream->packing == PACKING_GZIP)
        inflateEnd(&stream->gzip);
    ZSTD_freeDStream(stream->zstd);
    if (stream->from)
        ucnv_close(stream->from);
    if (stream->to)
        ucnv_close(stream->to);
    free(stream->packed.p);
    free(stream->plain.p);
    free(stream->text.p);
    free(stream);
}

bool import_stream_begins(struct import_stream *stream, const char *bytes, size_t n) {
    return window_left(&stream->plain) >= n &&
           memcmp(stream->plain.p + stream->plain.from, bytes, n) == 0;
}

/* Mostly ASCII in UTF-16 has a zero in every second byte. */
static const char *recognise(const unsigned char *p, size_t n, bool end) {
    if (n >= 2 && p[0] == 0xff && p[1] == 0xfe)
        return "UTF-16LE";
    if (n >= 2 && p[0] == 0xfe && p[1] == 0xff)
        return "UTF-16BE";
    size_t zeros[2] = {0, 0}, look = n < 4096 ? n : 4096;
    for (size_t i = 0; i < look; i++)
        zeros[i & 1] += p[i] == 0;
    if (look >= 4 && zeros[1] > look / 4 && zeros[0] < look / 16)
        return "UTF-16LE";
    if (look >= 4 && zeros[0] > look / 4 && zeros[1] < look / 16)
        return "UTF-16BE";
    struct slice text = {(const char *)p, n};
    if (!end) /* the last character may be cut */
        for (int i = 0; i < 3 && text.n && (p[text.n - 1] & 0x80); i++)
            text.n--;
    return utf8_valid(text) ? "UTF-8" : "windows-1252";
}

static bool is_utf8(const char *name) {
    return strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0;
}

int import_stream_decode(struct import_stream *stream, const char *encoding, struct err *err) {
    struct window *plain = &stream->plain;
    const unsigned char *p = (const unsigned char *)plain->p + plain->from;
    size_t n = window_left(plain);
    const char *name = encoding ? encoding : recognise(p, n, stream->plain_end);
    bool wide = n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff));
    if (wide && strncasecmp(name, "utf-16", 6) == 0) {
        name = p[0] == 0xff ? "UTF-16LE" : "UTF-16BE";
        plain->from += 2;
    }
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 && is_utf8(name))
        plain->from += 3;
    strncpy(stream->encoding, name, sizeof stream->encoding - 1);
    if (is_utf8(name))
        return 0;
    UErrorCode status = U_ZERO_ERROR;
    stream->from = ucnv_open(name, &status);
    stream->to = ucnv_open("UTF-8", &status);
    if (U_FAILURE(status) || ucnv_getType(stream->from) < 0)
        return err_at(err, E_INVALID, "/encoding", "unknown encoding %s", name);
    return 0;
}

const char *import_stream_encoding(const struct import_stream *stream) { return stream->encoding; }

static struct window *text_window(const struct import_stream *stream) {
    return (struct window *)(uintptr_t)(stream->from ? &stream->text : &stream->plain);
}

struct slice import_stream_text(const struct import_stream *stream) {
    const struct window *window = text_window(stream);
    return (struct slice){window->p ? window->p + window->from : "", window_left(window)};
}

void import_stream_take(struct import_stream *stream, size_t n) { text_window(stream)->from += n; }

static int convert(struct import_stream *stream, struct err *err) {
    struct window *plain = &stream->plain;
    const char *source = plain->p + plain->from, *source_end = plain->p + plain->n;
    char *target = window_room(&stream->text, STEP_BYTES), *start = target;
    UErrorCode status = U_ZERO_ERROR;
    ucnv_convertEx(stream->to, stream->from, &target, target + STEP_BYTES, &source, source_end,
                   stream->pivot, &stream->pivot_source, &stream->pivot_target,
                   stream->pivot + 4096, false, stream->plain_end, &status);
    plain->from = (size_t)(source - plain->p);
    stream->text.n += (size_t)(target - start);
    if (status == U_BUFFER_OVERFLOW_ERROR)
        return 0;
    if (U_FAILURE(status))
        return err_set(err, E_MALFORMED, "the text cannot be decoded as %s", stream->encoding);
    stream->convert_end = stream->plain_end;
    return 0;
}

int import_stream_fill(struct import_stream *stream, struct err *err) {
    size_t left = window_left(text_window(stream));
    if (left >= IMPORT_WINDOW_BYTES) {
        err_set(err, E_TOO_LARGE, "a row is over 4 MB");
        return err_hint(err, "Is a quotation mark opened that is never closed?");
    }
    if (!stream->from) {
        if (stream->plain_end)
            return 0;
        int code = fill_plain(stream, err);
        return code ? code : window_left(&stream->plain) > left;
    }
    while (window_left(&stream->text) == left && !stream->convert_end) {
        int code = 0;
        if (!window_left(&stream->plain) && !stream->plain_end)
            code = fill_plain(stream, err);
        if (!code)
            code = convert(stream, err);
        if (code)
            return code;
    }
    return window_left(&stream->text) > left;
}

uint64_t import_stream_position(const struct import_stream *stream) { return stream->position; }
uint64_t import_stream_size(const struct import_stream *stream) { return stream->size; }
