/*
 * A load generator for collection over HTTP: keep-alive connections, each with one request under way, events with
 * their own messageId, customer and instant, patched in place so that it costs little beside the server.
 *
 *     load PORT WRITE_KEY CONNECTIONS EVENTS_PER_REQUEST SECONDS [IDENTIFY_PERCENT CUSTOMERS]
 *
 * So many of a hundred events say who the customer is, with e-mail and phone.
 *
 * One thread with epoll. Prints requests, events a second, latency percentiles, and what was not answered 200.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LATENCY_MAX_US = 2000000, ANSWER_BYTES = 1 << 20 };

static const char EVENT[] =
    "{\"type\":\"track\",\"event\":\"Product Viewed\",\"userId\":\"u0000000\",\"messageId\":"
    "\"00000000-0000-4000-8000-000000000000\",\"timestamp\":\"2026-06-01T00:00:00.000Z\","
    "\"properties\":{"
    "\"product_id\":\"p-1234\",\"price\":12.5,\"currency\":\"EUR\",\"category\":\"fibra\"},"
    "\"context\":{"
    "\"channel\":\"web\"}}";

static const char IDENTIFY[] =
    "{\"type\":\"identify\",\"userId\":\"u0000000\",\"messageId\":"
    "\"00000000-0000-4000-8000-000000000000\",\"timestamp\":\"2026-06-01T00:00:00.000Z\","
    "\"traits\":{\"email\":\"x0000000@example.org\",\"phone\":\"+34600000000\",\"plan\":\"fibra\"},"
    "\"context\":{\"channel\":\"web\"}}";

static unsigned identify_percent, customers = 100000;

/* A kind of event, and where it is patched. */
struct shape {
    const char *text;
    size_t n, user, message, time, email, phone; /* 0: it has none */
};
static struct shape shapes[2];

static struct shape shape_of(const char *text) {
    const char *email = strstr(text, "x0000000@"), *phone = strstr(text, "+34600000000");
    return (struct shape){
        .text = text,
        .n = strlen(text),
        .user = (size_t)(strstr(text, "u0000000") + 1 - text),
        .message = (size_t)(strstr(text, "00000000-0000") - text),
        .time = (size_t)(strstr(text, "2026-06") - text),
        .email = email ? (size_t)(email + 1 - text) : 0,
        .phone = phone ? (size_t)(phone + 5 - text) : 0,
    };
}

static const struct shape *shape_at(int i) {
    return &shapes[(unsigned)i * 37 % 100 < identify_percent];
}

struct connection {
    int fd;
    char *request;
    size_t n, sent, got;
    char *body;
    char answer[4096];
    int64_t started_us;
};

static uint64_t state = 88172645463325252ULL;
static uint64_t random_u64(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void digits(char *to, uint64_t value, int n, unsigned base) {
    for (int i = n - 1; i >= 0; i--, value /= base)
        to[i] = "0123456789abcdef"[value % base];
}

/* Gives one event of the body a customer, a message id and an instant of its own. */
static void patch(char *event, const struct shape *shape) {
    uint64_t r = random_u64(), customer = r % customers;
    digits(event + shape->user, customer, 7, 10);
    digits(event + shape->message, r, 8, 16);
    digits(event + shape->message + 24, random_u64(), 12, 16);
    digits(event + shape->time + 8, 1 + (r >> 20) % 28, 2, 10);
    digits(event + shape->time + 11, (r >> 30) % 24, 2, 10);
    digits(event + shape->time + 14, (r >> 40) % 60, 2, 10);
    digits(event + shape->time + 17, (r >> 50) % 60, 2, 10);
    if (shape->email)
        digits(event + shape->email, customer, 7, 10);
    if (shape->phone)
        digits(event + shape->phone, customer, 7, 10);
}

static void prepare(struct connection *c, const char *key, int events) {
    size_t body = 0;
    for (int i = 0; i < events; i++)
        body += shape_at(i)->n + (events > 1);
    c->request = malloc(body + 512);
    if (!c->request)
        abort();
    if (events > 1)
        body += 10 - 1 + 2;
    int head =
        snprintf(c->request, 512,
                 "POST /v1/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                 "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
                 events == 1 ? "track" : "batch", key, body);
    char *p = c->request + head;
    if (events > 1)
        p = (char *)memcpy(p, "{\"batch\":[", 10) + 10;
    c->body = p;
    for (int i = 0; i < events; i++) {
        const struct shape *shape = shape_at(i);
        memcpy(p, shape->text, shape->n);
        p[shape->n] = ',';
        p += shape->n + 1;
    }
    if (events > 1)
        memcpy(p - 1, "]}", 2);
    c->n = (size_t)head + body;
}

static void begin(struct connection *c, int events) {
    char *event = c->body;
    for (int i = 0; i < events; event += shape_at(i++)->n + 1)
        patch(event, shape_at(i));
    c->sent = c->got = 0;
    c->started_us = now_us();
}

static void push(struct connection *c) {
    while (c->sent < c->n) {
        ssize_t n = send(c->fd, c->request + c->sent, c->n - c->sent, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        c->sent += (size_t)n;
    }
}

/* 1 when an answer is complete, -1 when the connection ended. */
static int pull(struct connection *c, int *status) {
    ssize_t n = recv(c->fd, c->answer + c->got, sizeof c->answer - 1 - c->got, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN ? 0 : -1;
    c->got += (size_t)n;
    c->answer[c->got] = 0;
    char *end = strstr(c->answer, "\r\n\r\n");
    if (!end)
        return 0;
    char *length = strcasestr(c->answer, "content-length:");
    size_t body = length ? strtoul(length + 15, NULL, 10) : 0;
    *status = (int)strtol(c->answer + 9, NULL, 10);
    return c->got >= (size_t)(end + 4 - c->answer) + body;
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: load PORT WRITE_KEY CONNECTIONS EVENTS_PER_REQUEST SECONDS "
                        "[IDENTIFY_PERCENT CUSTOMERS]\n");
        return 2;
    }
    int port = (int)strtol(argv[1], NULL, 10), n = (int)strtol(argv[3], NULL, 10);
    int events = (int)strtol(argv[4], NULL, 10);
    double seconds = strtod(argv[5], NULL);
    if (argc > 7) {
        identify_percent = (unsigned)strtoul(argv[6], NULL, 10);
        customers = (unsigned)strtoul(argv[7], NULL, 10);
    }
    shapes[0] = shape_of(EVENT);
    shapes[1] = shape_of(IDENTIFY);
    state ^= (uint64_t)now_us() << 20;

    int epoll = epoll_create1(0);
    struct connection *all = calloc((size_t)n, sizeof *all);
    uint32_t *latency = malloc(sizeof *latency * 20000000);
    if (!all || !latency)
        abort();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < n; i++) {
        struct connection *c = all + i;
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) {
            perror("connect");
            return 1;
        }
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        prepare(c, argv[2], events);
        begin(c, events);
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd,
                  &(struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c});
    }
    int64_t start = now_us(), end = start + (int64_t)(seconds * 1e6);
    size_t done = 0, bad = 0;
    while (now_us() < end) {
        struct epoll_event ready[256];
        int k = epoll_wait(epoll, ready, 256, 100);
        for (int i = 0; i < k; i++) {
            struct connection *c = ready[i].data.ptr;
            int status = 0, got = pull(c, &status);
            if (got < 0) {
                fprintf(stderr, "a connection was closed\n");
                return 1;
            }
            if (got) {
                latency[done++] = (uint32_t)(now_us() - c->started_us);
                bad += status != 200;
                begin(c, events);
            }
            push(c);
        }
    }
    double took = (double)(now_us() - start) / 1e6;
    qsort(latency, done, sizeof *latency, compare);
    printf("%d connections, %d events a request: %.0f requests/s, %.0f events/s, p50 %.2f ms, p99 "
           "%.2f ms, max "
           "%.2f ms, not 200: %zu\n",
           n, events, (double)done / took, (double)(done - bad) * events / took,
           latency[done / 2] / 1e3, latency[done * 99 / 100] / 1e3,
           latency[done ? done - 1 : 0] / 1e3, bad);
    return 0;
}
