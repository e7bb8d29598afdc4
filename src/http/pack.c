/*
 * Answers made on the spot, compressed for whom accepts gzip: texts between PACK_LEAST and PACK_MOST bytes.
 *
 * Level 4 packs a page of 60 KB into a tenth in about a millisecond. What is larger is left as it is, so that nobody waits
 * behind it in the thread of the network. The ETag becomes a weak one: the bytes differ from those of the plain answer.
 *
 * SECURITY  A page holds the form token beside text that the address may bring along, so its compressed length could betray
 *           the token letter by letter (BREACH). The gzip header therefore carries a file name of random length, which
 *           hides differences of a few bytes; the token besides belongs to one session only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <strings.h>
#include <zlib.h>

#include "http/internal.h"

enum {
    PACK_LEAST = 1024,
    PACK_MOST = 1024 * 1024,
    PACK_LEVEL = 4,
    NAME_MAX_BYTES = 100,
    GZIP_WINDOW = 15 + 16,
    GZIP_MEMORY = 8
};

bool request_accepts_coding(const struct request *request, const char *coding) {
    const char *list = request_header(request, "Accept-Encoding");
    size_t n = strlen(coding);
    while (list && *list) {
        list += strspn(list, " ,");
        size_t part = strcspn(list, ",");
        if (strncasecmp(list, coding, n) == 0 &&
            !strchr("abcdefghijklmnopqrstuvwxyz-", list[n] ? list[n] : '.')) {
            const char *quality = memmem(list, part, "q=0", 3);
            return !quality || strspn(quality + 2, "0.") != (size_t)(list + part - quality - 2);
        }
        list += part;
    }
    return false;
}

static bool is_text(const char *type) {
    static const char *const TYPES[] = {"text/", "application/json", "application/problem+json",
                                        "image/svg+xml"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strncmp(type, TYPES[i], strlen(TYPES[i])) == 0)
            return true;
    return false;
}

static bool pack(const struct buf *plain, struct buf *packed) {
    z_stream stream = {0};
    unsigned char name[NAME_MAX_BYTES + 1];
    gz_header header = {.name = name, .os = 255};
    size_t name_n = 1 + randombytes_uniform(NAME_MAX_BYTES);
    memset(name, 'a', name_n);
    name[name_n] = 0;
    if (deflateInit2(&stream, PACK_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&stream, plain->n) + NAME_MAX_BYTES;
    buf_init(packed, room + 1);
    stream.next_in = (Bytef *)plain->p;
    stream.avail_in = (uInt)plain->n;
    stream.next_out = buf_reserve(packed, room);
    stream.avail_out = (uInt)room;
    bool done = stream.next_out && deflateSetHeader(&stream, &header) == Z_OK &&
                deflate(&stream, Z_FINISH) == Z_STREAM_END;
    packed->n = stream.total_out;
    deflateEnd(&stream);
    if (!done || packed->n >= plain->n) {
        buf_release(packed);
        return false;
    }
    return true;
}

static void weaken_etag(struct request *request, struct response *response) {
    for (size_t i = 0; i < response->n_headers; i++) {
        struct response_header *header = &response->headers[i];
        if (strcasecmp(header->name, "ETag") == 0 && header->value[0] == '"')
            header->value = arena_format(request->arena, "W/%s", header->value);
    }
}

void response_pack(struct request *request, struct response *response) {
    struct buf packed;
    size_t n = response->body.n;
    bool coded = false;
    for (size_t i = 0; i < response->n_headers; i++)
        coded |= strcasecmp(response->headers[i].name, "Content-Encoding") == 0;
    if (coded || response->stream || response->static_body.p || n < PACK_LEAST || n > PACK_MOST ||
        !is_text(response->type))
        return;
    response_header(request, response, "Vary", "Accept-Encoding");
    if (!request_accepts_coding(request, "gzip") || !pack(&response->body, &packed))
        return;
    buf_release(&response->body);
    response->body = packed;
    response_header(request, response, "Content-Encoding", "gzip");
    weaken_etag(request, response);
}
