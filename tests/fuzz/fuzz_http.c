/* module: http
 *
 * Fuzz target: the target of a request (path and query string), cookies, forms and multipart bodies.
 *
 * INVARIANTS checked: what decodes encodes back to something that decodes to the same; nothing crashes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct routes *routes;

static int handle(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)response, (void)err;
    return HANDLED;
}

static const struct route table_rows[] = {
    {METHOD_GET, "/", .handle = handle},
    {METHOD_GET, "/api/v1/customers/{id}/timeline", .handle = handle},
    {METHOD_GET, "/assets/*", .handle = handle},
    {METHOD_POST, "/{any}", .handle = handle},
};
static const struct route_table table = ROUTE_TABLE(table_rows);

static void check_decoding(struct slice text, struct arena *arena) {
    struct slice decoded, again;
    struct buf encoded;
    if (!url_decode(text, true, arena, &decoded))
        return;
    buf_init(&encoded, 4 * text.n + 16);
    url_encode(decoded, &encoded);
    if (!url_decode(buf_slice(&encoded), false, arena, &again)) {
        /* Lines and tabs may stand in forms, not in paths. */
        if (!memchr(decoded.p, '\n', decoded.n) && !memchr(decoded.p, '\r', decoded.n) &&
            !memchr(decoded.p, '\t', decoded.n))
            abort();
    } else if (!slice_equal(decoded, again)) {
        abort();
    }
    buf_release(&encoded);
}

/* A request as the exchange makes it, without an app: what handlers may ask of it. */
static void check_request(const uint8_t *data, size_t size) {
    struct request request = {0};
    struct request_private *private = calloc(1, sizeof *private);
    struct slice bytes, name;
    if (!private)
        abort();
    request.private = private;
    request.arena = &private->arena;
    char *text = arena_text(request.arena, (struct slice){(const char *)data, size});
    private->query = text;
    private->headers[0] = (struct request_pair){.name = "Cookie", .value = text};
    private->headers[1] =
        (struct request_pair){.name = "Content-Type",
                              .value = size && data[0] & 1 ? "multipart/form-data; boundary=b"
                                                           : "application/x-www-form-urlencoded"};
    private->n_headers = 2;
    request.body = (struct slice){text, size};
    (void)request_query(&request, "q");
    (void)request_cookie(&request, "senda_session");
    (void)request_form(&request, "csrf");
    if (request_upload(&request, "file", &bytes, &name, NULL) == 0 &&
        (bytes.p < text || bytes.p + bytes.n > text + size))
        abort();
    arena_release(&private->arena);
    free(private);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct route_table *const tables[] = {&table};
    if (!routes)
        routes = routes_new(tables, 1);
    struct arena arena;
    struct route_match match;
    arena_init(&arena);
    struct slice text = {(const char *)data, size};
    check_decoding(text, &arena);
    char *path =
        arena_format(&arena, "/%.*s", (int)(size < 8000 ? size : 8000), (const char *)data);
    routes_match(routes, size && data[0] & 2 ? METHOD_POST : METHOD_GET, path, strlen(path),
                 &match);
    check_request(data, size);
    arena_release(&arena);
    return 0;
}
