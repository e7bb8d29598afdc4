/*
 * The network: framing that is refused, bodies that are too large, deadlines, clients that leave, streams, compression,
 * the Unix socket, an orderly stop.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http_world.h"
#include <errno.h>

#include <pthread.h>
#include <sys/un.h>
#include <time.h>
#include <zlib.h>

static atomic_bool saw_cancel;

static int hello(struct request *request, struct response *response, struct err *err) {
    (void)err;
    json_t *json = json_pack("{s:i, s:s, s:b}", "bytes", (int)request->body.n, "peer",
                             request->peer, "local", request->principal.role == ROLE_OWNER);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

enum { LONG_BYTES = 20000 };

/* A text that is worth packing. */
static int long_text(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)err;
    response->type = "text/plain; charset=utf-8";
    buf_init(&response->body, LONG_BYTES + 1);
    for (int i = 0; i < LONG_BYTES; i++)
        buf_add_char(&response->body, (char)('a' + i % 26));
    return HANDLED;
}

/* Waits until its client leaves. */
static int wait_for_leave(struct request *request, struct response *response, struct err *err) {
    (void)response;
    for (int i = 0; i < 500 && !atomic_load(request->cancelled); i++)
        usleep(10000);
    atomic_store(&saw_cancel, atomic_load(request->cancelled));
    return err_set(err, E_CANCELLED, "the asker left");
}

static int three(void *context, struct buf *chunk) {
    int *n = context;
    buf_add_format(chunk, "line %d\n", ++*n);
    return *n < 3 ? 1 : 0;
}

static int stream(struct request *request, struct response *response, struct err *err) {
    (void)err;
    response->type = "text/plain";
    response->stream = three;
    response->stream_context = arena_zero(request->arena, sizeof(int));
    return HANDLED;
}

static int nothing(void *context, struct buf *chunk) {
    (void)context, (void)chunk;
    return 2;
}

static int events(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)err;
    response->type = "text/event-stream";
    buf_init(&response->body, 100);
    buf_add_text(&response->body, "retry: 1\n\n");
    response->stream = nothing;
    return HANDLED;
}

static pthread_t later;
static void *complete_later(void *context) {
    struct response response = {0};
    usleep(20000);
    response_json(&response, 200, json_true());
    request_complete(context, &response);
    return NULL;
}

static int suspended(struct request *request, struct response *response, struct err *err) {
    (void)response, (void)err;
    pthread_create(&later, NULL, complete_later, request);
    pthread_detach(later);
    return SUSPENDED;
}

static const struct route routes[] = {
    {METHOD_GET | METHOD_POST, "/hello", .handle = hello},
    {METHOD_POST, "/collect", ACCESS_WRITE_KEY, .inline_handler = true, .handle = hello,
     .body_limit = 100000},
    {METHOD_POST, "/large", .handle = hello, .body_limit = 64 * 1024 * 1024},
    {METHOD_GET, "/long", .handle = long_text},
    {METHOD_GET, "/wait", .handle = wait_for_leave},
    {METHOD_GET, "/stream", .handle = stream},
    {METHOD_GET, "/events", .handle = events},
    {METHOD_POST, "/suspended", ACCESS_WRITE_KEY, .inline_handler = true, .handle = suspended},
    {METHOD_GET, "/local", ACCESS_API, .handle = hello},
};
static const struct route_table table = ROUTE_TABLE(routes);
static const struct route_table *const tables[] = {&table};
static struct http_world world;
static char socket_path[4096];

static int open_world(void **state) {
    (void)state;
    world_open(&world, tables, 1);
    snprintf(socket_path, sizeof socket_path, "%s/senda.sock", world.dir);
    world_serve(&world, &(struct server_options){.listen = "127.0.0.1:0",
                                                 .socket_path = socket_path,
                                                 .request_s = 2,
                                                 .trusted_proxy = "127.0.0.9"});
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

static void check_status(const char *request, int status) {
    char *answer = world_ask(&world, request);
    if (status_of(answer) != status)
        fail_msg("%.60s… answered %.80s, not %d", request, answer, status);
    free(answer);
}

#define CHUNKED "5\r\nhello\r\n0\r\n\r\n"

static void refuses_doubtful_framing(void **state) {
    (void)state;
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
        {"Content-Length: 5\r\nContent-Length: 3\r\n", 400},
        {"Content-Length: 5, 5\r\n", 400},
        {"Content-Length: +5\r\n", 400},
        {"Content-Length: -5\r\n", 400},
        {"Content-Length: 0x5\r\n", 400},
        {"Content-Length : 5\r\n", 400},
        {"Content-Length:\r\n 5\r\n", 400},
        {"Content-Length: 0\r\n 5\r\n", 400},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
        {"Transfer-Encoding:\r\n chunked\r\n", 400},
        {"Transfer-Encoding: chun\r\n ked\r\n", 400},
        {"Transfer-Encoding: gzip, chunked\r\n", 501},
        {"Transfer-Encoding: identity\r\n", 501},
        {"Transfer-Encoding: xchunked\r\n", 501},
        {"Transfer-Encoding: chunked\x0b\r\n", 501},
        {"Host: two\r\nContent-Length: 5\r\n", 400},
        {" Content-Length: 5\r\n", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[1024];
        snprintf(request, sizeof request, "POST /collect HTTP/1.1\r\nHost: x\r\n%s\r\n%s",
                 cases[i].head, CHUNKED);
        check_status(request,
                     cases[i].status); /* world_ask returns only when the connection is closed */
    }
    check_status("POST /collect HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400);
    check_status(
        "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400);
    check_status(
        "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400);
    check_status("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: "
                 "close\r\n\r\n" CHUNKED,
                 200);
    check_status("POST /collect HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", 200);
}

static void check_problem(const char *request, int status, const char *detail) {
    char *answer = world_ask(&world, request);
    if (status_of(answer) != status)
        fail_msg("%.60s\nwanted %d, got %.200s", request, status, answer);
    assert_non_null(strstr(answer, "Content-Type: application/problem+json\r\n"));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    if (!strstr(answer, detail))
        fail_msg("%.60s\nwanted \"%s\" in %s", request, detail, answer);
    assert_null(strstr(answer, "<html"));
    free(answer);
}

/* What the library's parser refuses before it asks us. */
static void refuses_in_its_own_words(void **state) {
    (void)state;
    static char lines[80000];
    snprintf(lines, sizeof lines, "GET /%070000d HTTP/1.1\r\nHost: x\r\n\r\n", 7);
    check_problem(lines, 414, "the address and its parameters are over 32768 bytes");
    snprintf(lines, sizeof lines, "GET /hello HTTP/1.1\r\nHost: x\r\nX: %070000d\r\n\r\n", 7);
    check_problem(lines, 431, "the header fields are over 32768 bytes");
    check_problem("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello", 400,
                  "Content-Length is not a number");
    check_problem("POST /collect HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 99999999999999999999999\r\n\r\nhello",
                  413, "too large");
    check_problem("POST /collect HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", 400,
                  "exactly one Host is needed");
    check_problem("GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505, "only HTTP/1.1 and HTTP/1.0");
    check_problem("GET /hello HTTP/9.1\r\nHost: x\r\n\r\n", 505, "only HTTP/1.1 and HTTP/1.0");
    check_problem("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                  400, "the chunks of the body are malformed");
    check_problem("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabcdef\r\n0\r\n\r\n",
                  400, "the chunks of the body are malformed");
    check_status("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200);
}

static void refuses_without_leaking_into_the_next(void **state) {
    (void)state;
    /* What stands behind a refused request is not read as another. */
    char *answer = world_ask(
        &world,
        "POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"
        "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(answer), 400);
    assert_null(strstr(answer + 9, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "application/problem+json"));
    free(answer);
}

/* Sends until the other side has said something or everything is sent. */
static char *send_much(const char *head, const char *piece, size_t piece_n, size_t total) {
    int fd = world_connect(&world);
    world_send(fd, head, strlen(head));
    for (size_t sent = 0; sent < total; sent += piece_n)
        if (send(fd, piece, piece_n, MSG_NOSIGNAL) < 0)
            break;
    char *answer = world_read(fd);
    close(fd);
    return answer;
}

static void delivers_413_while_the_client_sends(void **state) {
    (void)state;
    char piece[65536];
    memset(piece, 'x', sizeof piece);
    char *answer = send_much("POST /collect HTTP/1.1\r\nHost: x\r\nOrigin: "
                             "http://a.b\r\nContent-Length: 30000000\r\n\r\n",
                             piece, 65536, 30000000);
    assert_int_equal(status_of(answer), 413);
    assert_non_null(strstr(answer, "Access-Control-Allow-Origin: http://a.b"));
    free(answer);
    char whole[7 + 65536 + 2];
    memcpy(whole, "10000\r\n", 7);
    memset(whole + 7, 'x', 65536);
    memcpy(whole + 7 + 65536, "\r\n", 2);
    answer = send_much("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                       whole, sizeof whole, 30000000);
    assert_int_equal(status_of(answer), 413);
    free(answer);
    check_status("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n", 404);
}

static char *post_bytes(const char *path, const char *headers, const void *bytes, size_t n) {
    char head[512];
    int fd = world_connect(&world);
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\nContent-Length: %zu\r\n\r\n",
             path, headers, n);
    world_send(fd, head, strlen(head));
    world_send(fd, bytes, n);
    char *answer = world_read(fd);
    close(fd);
    return answer;
}

static size_t pack(const void *bytes, size_t n, unsigned char *out, size_t size) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)bytes, z.avail_in = (unsigned)n;
    z.next_out = out, z.avail_out = (unsigned)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void inflates_with_a_cap(void **state) {
    (void)state;
    static char plain[20 * 1000 * 1000];
    static unsigned char packed[100 * 1000];
    size_t n = pack(plain, 90000, packed, sizeof packed);
    char *answer = post_bytes("/collect", "Content-Encoding: gzip\r\n", packed, n);
    assert_non_null(strstr(answer, "\"bytes\":90000"));
    free(answer);
    answer = post_bytes("/collect", "", packed, n); /* sniffed */
    assert_non_null(strstr(answer, "\"bytes\":90000"));
    free(answer);
    answer = post_bytes("/hello", "", packed, n); /* not on other paths */
    assert_null(strstr(answer, "\"bytes\":90000"));
    free(answer);
    answer = post_bytes("/collect", "Content-Encoding: gzip\r\n", packed, n - 4);
    assert_int_equal(status_of(answer), 400);
    free(answer);
    answer = post_bytes("/collect", "Content-Encoding: gzip\r\n", "hello", 5);
    assert_int_equal(status_of(answer), 400);
    free(answer);
    answer = post_bytes("/collect", "Content-Encoding: br\r\n", "hello", 5);
    assert_int_equal(status_of(answer), 415);
    free(answer);
    n = pack(plain, sizeof plain, packed, sizeof packed); /* 20 MB in 20 KB */
    answer = post_bytes("/collect", "Content-Encoding: gzip\r\n", packed, n);
    assert_int_equal(status_of(answer), 413);
    free(answer);
}

static void packs_texts_for_whom_accepts_it(void **state) {
    (void)state;
    static char plain[LONG_BYTES + 1];
    char *answer = world_ask(&world, "GET /long HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, "
                                     "br\r\nConnection: close\r\n\r\n");
    const char *length = strstr(answer, "Content-Length: "), *body = strstr(answer, "\r\n\r\n");
    assert_non_null(strstr(answer, "Content-Encoding: gzip\r\n"));
    assert_non_null(strstr(answer, "Vary: Accept-Encoding\r\n"));
    assert_non_null(length);
    assert_non_null(body);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)(body + 4),
                  .avail_in = (unsigned)strtoul(length + 16, NULL, 10),
                  .next_out = (unsigned char *)plain,
                  .avail_out = sizeof plain};
    assert_true(z.avail_in < LONG_BYTES / 10);
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    assert_int_equal(z.total_out, LONG_BYTES);
    for (int i = 0; i < LONG_BYTES; i++)
        assert_int_equal(plain[i], 'a' + i % 26);
    free(answer);
    answer = world_ask(&world, "GET /long HTTP/1.1\r\nHost: x\r\nAccept-Encoding: "
                               "gzip;q=0\r\nConnection: close\r\n\r\n");
    assert_null(strstr(answer, "Content-Encoding"));
    assert_non_null(strstr(answer, "Vary: Accept-Encoding\r\n"));
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), LONG_BYTES);
    free(answer);
    answer = world_ask(&world, "GET /hello HTTP/1.1\r\nHost: x\r\nAccept-Encoding: "
                               "gzip\r\nConnection: close\r\n\r\n");
    assert_null(strstr(answer, "Content-Encoding"));
    free(answer);
}

static void spools_large_bodies(void **state) {
    (void)state;
    size_t n = 20 * 1024 * 1024;
    char *bytes = calloc(1, n), *answer = post_bytes("/large", "", bytes, n);
    assert_non_null(strstr(answer, "\"bytes\":20971520"));
    free(answer);
    free(bytes);
}

static void shuts_drips_down(void **state) {
    (void)state;
    time_t began = time(NULL);
    int fd = world_connect(&world);
    const char *head = "GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    world_send(fd, head, strlen(head));
    char byte;
    ssize_t got = -1;
    struct timeval limit = {.tv_usec = 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (int i = 0; i < 40 && got < 0; i++) {
        if (send(fd, "a", 1, MSG_NOSIGNAL) < 0)
            break;
        got = recv(fd, &byte, 1, 0);
    }
    close(fd);
    assert_true(time(NULL) - began <= 6);
}

static void cancels_when_the_client_leaves(void **state) {
    (void)state;
    int fd = world_connect(&world);
    const char *request = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";
    world_send(fd, request, strlen(request));
    usleep(100000);
    close(fd);
    for (int i = 0; i < 300 && !atomic_load(&saw_cancel); i++)
        usleep(10000);
    assert_true(atomic_load(&saw_cancel));
}

static void streams(void **state) {
    (void)state;
    char *answer =
        world_ask(&world, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "line 1\nline 2\nline 3\n"));
    free(answer);
    answer = world_ask(&world, "HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_null(strstr(answer, "line"));
    free(answer);
    int fd = world_connect(&world);
    const char *request = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    world_send(fd, request, strlen(request));
    char text[2048] = "";
    size_t n = 0;
    ssize_t got;
    while (!strstr(text, "retry: 1") && (got = recv(fd, text + n, sizeof text - n - 1, 0)) > 0)
        n += (size_t)got;
    assert_non_null(strstr(text, "retry: 1"));
    close(fd);
}

static void completes_later(void **state) {
    (void)state;
    char *answer = post_bytes("/suspended", "", "", 0);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\r\n\r\ntrue"));
    free(answer);
}

static void keeps_connections(void **state) {
    (void)state;
    char *answer = world_ask(&world, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nPOST /collect "
                                     "HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                                     "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    int answers = 0;
    for (const char *p = answer; (p = strstr(p, "HTTP/1.1 200")); p++)
        answers++;
    assert_int_equal(answers, 3);
    free(answer);
}

static void answers_head_and_unknown(void **state) {
    (void)state;
    char *answer =
        world_ask(&world, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    answer = world_ask(&world, "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(answer), 404);
    assert_non_null(strstr(answer, "application/problem+json"));
    assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(answer, "Content-Security-Policy: default-src 'none'"));
    free(answer);
}

static void believes_no_stranger(void **state) {
    (void)state;
    char *answer = world_ask(
        &world,
        "GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "\"peer\":\"127.0.0.1\""));
    free(answer);
    /* 127.0.0.9 is the proxy: bind to it. */
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.9")},
                       to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)server_port(world.server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    const char *request = "GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, "
                          "9.9.9.9\r\nConnection: close\r\n\r\n";
    world_send(fd, request, strlen(request));
    answer = world_read(fd);
    assert_non_null(strstr(answer, "\"peer\":\"9.9.9.9\""));
    free(answer);
    close(fd);
}

static void owns_the_local_socket(void **state) {
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    const char *request = "GET /local HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    world_send(fd, request, strlen(request));
    char *answer = world_read(fd);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer, "\"local\":true"));
    free(answer);
    close(fd);
    check_status("GET /local HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401);
}

static void stops_in_order(void **state) {
    (void)state;
    struct http_world other = {0};
    world_open(&other, tables, 1);
    world_serve(&other, &(struct server_options){.listen = "127.0.0.1:0"});
    int idle = world_connect(&other), events_fd = world_connect(&other);
    const char *request = "GET /events HTTP/1.1\r\nHost: x\r\n\r\n";
    world_send(events_fd, request, strlen(request));
    usleep(50000);
    time_t began = time(NULL);
    world_close(&other);
    assert_true(time(NULL) - began < 10);
    char byte; /* the end, or a reset where the connection still waited to be accepted */
    ssize_t got = recv(idle, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    close(idle);
    close(events_fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_doubtful_framing),
        cmocka_unit_test(refuses_in_its_own_words),
        cmocka_unit_test(refuses_without_leaking_into_the_next),
        cmocka_unit_test(delivers_413_while_the_client_sends),
        cmocka_unit_test(inflates_with_a_cap),
        cmocka_unit_test(packs_texts_for_whom_accepts_it),
        cmocka_unit_test(spools_large_bodies),
        cmocka_unit_test(shuts_drips_down),
        cmocka_unit_test(cancels_when_the_client_leaves),
        cmocka_unit_test(streams),
        cmocka_unit_test(completes_later),
        cmocka_unit_test(keeps_connections),
        cmocka_unit_test(answers_head_and_unknown),
        cmocka_unit_test(believes_no_stranger),
        cmocka_unit_test(owns_the_local_socket),
        cmocka_unit_test(stops_in_order),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
