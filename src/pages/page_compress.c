/*
 * Pages leave gzipped where the browser takes it: a page of 60 KB becomes 8.
 *
 * SECURITY  A page holds the form token beside text that the address may bring along, so its compressed length could betray the
 *           token letter by letter (BREACH). The gzip header therefore carries a file name of random length, as Django
 *           does, which hides differences of a few bytes; the token besides belongs to one session only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <string.h>
#include <zlib.h>

#include "pages/page.h"

enum { LEVEL = 5, WORTH_BYTES = 1024, NAME_MAX_BYTES = 100, GZIP_BITS = 15 + 16 };

static bool takes_gzip(const struct request *request) {
    const char *accepted = request_header(request, "accept-encoding");
    const char *found = accepted ? strstr(accepted, "gzip") : NULL;
    return found && strncmp(found, "gzip;q=0", 8) != 0;
}

void page_compress(struct request *request, struct response *response) {
    struct buf *body = &response->body;
    if (body->n < WORTH_BYTES || !takes_gzip(request))
        return;
    unsigned char name[NAME_MAX_BYTES + 1];
    size_t n = 1 + randombytes_uniform(NAME_MAX_BYTES);
    memset(name, 'a', n);
    name[n] = 0;
    z_stream stream = {0};
    gz_header header = {.name = name, .os = 255};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_BITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    struct buf packed;
    buf_init(&packed, body->max);
    size_t room = deflateBound(&stream, body->n) + NAME_MAX_BYTES;
    void *place = buf_reserve(&packed, room);
    if (place && deflateSetHeader(&stream, &header) == Z_OK) {
        stream.next_in = (unsigned char *)body->p;
        stream.avail_in = (unsigned)body->n;
        stream.next_out = place;
        stream.avail_out = (unsigned)room;
        if (deflate(&stream, Z_FINISH) == Z_STREAM_END) {
            packed.n = stream.total_out;
            struct buf whole = *body;
            *body = packed;
            packed = whole;
            response_header(request, response, "Content-Encoding", "gzip");
            response_header(request, response, "Vary", "Accept-Encoding");
        }
    }
    deflateEnd(&stream);
    buf_release(&packed);
}
