/*
 * Refusals while a request still arrives, and what libmicrohttpd refuses by itself.
 *
 * Doubtful framing and bodies that are too large are answered at once, by our own bytes on the socket, whatever the client
 * still sends; then the connection is closed in our direction and drained (linger). libmicrohttpd cannot answer in the
 * middle of a body, and closing with unread bytes would reset the refusal away.
 *
 * Its parser refuses before we are asked (a request line or head that is too long, another version, a Content-Length that
 * is none or too large, a broken chunk), with pages of its own, and offers no way to have others. It queues them with
 * MHD_queue_response as anybody would, through the table of the dynamic linker: the function of that name here takes its
 * place, and answers with the problem document. Our own answers go to the library's by response_queue.
 * docs/decisions/0023-refusals-of-the-library.md tells what else was looked at.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "http/network.h"

static void add_field(struct buf *head, const char *name, const char *value) {
    buf_add_format(head, "%s: %s\r\n", name, value);
}

enum MHD_Result exchange_refuse(struct exchange *exchange, const struct err *err) {
    struct request *request = &exchange->request;
    struct response response = {0};
    struct buf bytes;
    if (!request->private->refusal.code)
        request->private->refusal = *err; /* no such path: that first */
    router_run(request, &response);
    router_finish(request, &response);
    buf_init(&bytes, 1 << 16);
    buf_add_format(&bytes, "HTTP/1.1 %d %s\r\n", response.status,
                   err_title(request->private->refusal.code));
    add_field(&bytes, "Content-Type", response.type);
    for (size_t i = 0; i < response.n_headers; i++)
        add_field(&bytes, response.headers[i].name, response.headers[i].value);
    buf_add_format(&bytes, "Connection: close\r\nContent-Length: %zu\r\n\r\n", response.body.n);
    if (request->method != METHOD_HEAD)
        buf_add_slice(&bytes, buf_slice(&response.body));
    ssize_t sent = send(exchange->peer->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a new answer fits into the socket's buffer, or the client does not read at all */
    linger(exchange->server, exchange->peer->fd);
    exchange->private.response.status = response.status;
    response_release(&response);
    buf_release(&bytes);
    return MHD_NO;
}

/* ---- what libmicrohttpd refuses ---- */

typedef enum MHD_Result queue_function(struct MHD_Connection *connection, unsigned status,
                                       struct MHD_Response *response);

static queue_function *library_queue;

static void find_library_queue(void) {
    void *found = dlsym(RTLD_NEXT, "MHD_queue_response");
    memcpy(&library_queue, &found, sizeof found);
}

enum MHD_Result response_queue(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_library_queue);
    return library_queue(connection, status, response);
}

/* Why the library refused: in our own words as far as its head is known. */
static void reason_of(const struct exchange *exchange, const struct head *head, unsigned status,
                      struct err *err) {
    switch (status) {
    case MHD_HTTP_URI_TOO_LONG:
        err_set(err, E_URI, "the address and its parameters are over %d bytes", LIMIT_HEADER_BYTES);
        return;
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        err_set(err, E_HEADERS, "the header fields are over %d bytes", LIMIT_HEADER_BYTES);
        return;
    case MHD_HTTP_CONTENT_TOO_LARGE: err_set(err, E_TOO_LARGE, "the body is too large"); return;
    case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
        err_set(err, E_VERSION, "only HTTP/1.1 and HTTP/1.0 are understood");
        return;
    case MHD_HTTP_BAD_REQUEST:
        if (exchange->begun)
            err_set(err, E_MALFORMED, "the chunks of the body are malformed");
        else if (!head_check(head, MHD_HTTP_VERSION_1_1, err))
            err_set(err, E_MALFORMED, "this is no HTTP request");
        return;
    default: err_set(err, E_INTERNAL, "the request could not be answered");
    }
}

static enum MHD_Result refuse_for_library(struct connection *peer,
                                          struct MHD_Connection *connection, unsigned status) {
    bool own = !peer->exchange; /* nothing of it was understood yet */
    struct exchange *exchange =
        own ? exchange_new(peer->listener, connection, peer) : peer->exchange;
    struct err err = {0};
    struct head head;
    head_take(&head, exchange);
    reason_of(exchange, &head, status, &err);
    if (!exchange->begun)
        request_begin(&exchange->request, "GET", exchange->uri);
    exchange->begun = true;
    exchange->private.refusal = err;
    enum MHD_Result result = exchange_refuse(exchange, &err);
    if (own) {
        void *context = exchange;
        exchange_end(NULL, connection, &context, MHD_REQUEST_TERMINATED_WITH_ERROR);
    }
    return result;
}

/* Called by the library alone. MHD_NO: it closes the connection. */
enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info && info->socket_context
               ? refuse_for_library(info->socket_context, connection, status)
               : response_queue(connection, status, response);
}
