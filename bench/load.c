/*
 * A load generator for collection over HTTP: keep-alive connections, each with one request under way, events with
 * their own messageId, customer and instant, patched in place so that it costs little beside the server.
 *
 *     load PORT WRITE_KEY CONNECTIONS EVENTS_PER_REQUEST SECONDS
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

enum { CUSTOMERS = 100000, LATENCY_MAX_US = 2000000, ANSWER_BYTES = 1 << 20 };

static const char EVENT[] =
    "{\"type\":\"track\",\"event\":\"Product Viewed\",\"userId\":\"u0000000\",\"messageId\":"
    "\"00000000-0000-4000-8000-000000000000\",\"timestamp\":\"2026-06-01T00:00:00.000Z\","
    "\"properties\":{"
    "\"product_id\":\"p-1234\",\"price\":12.5,\"currency\":\"EUR\",\"category\":\"fibra\"},"
    "\"context\":{"
    "\"channel\":\"web\"}}";

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

static size_t at_user, at_message, at_time;

/* Gives one event of the body a customer, a message id and an instant of its own. */
static void patch(char *event) {
    uint64_t r = random_u64();
    digits(event + at_user, r % CUSTOMERS, 7, 10);
    digits(event + at_message, r, 8, 16);
    digits(event + at_message + 24, random_u64(), 12, 16);
    digits(event + at_time + 8, 1 + (r >> 20) % 28, 2, 10);
    digits(event + at_time + 11, (r >> 30) % 24, 2, 10);
    digits(event + at_time + 14, (r >> 40) % 60, 2, 10);
    digits(event + at_time + 17, (r >> 50) % 60, 2, 10);
}

static void prepare(struct connection *c, const char *key, int events) {
    size_t each = sizeof EVENT - 1, body = (size_t)events * (each + 1) + 12;
    c->request = malloc(body + 512);
    if (!c->request)
        abort();
    if (events == 1)
        body = each;
    else
        body = 10 + (size_t)events * (each + 1) - 1 + 2;
    int head =
        snprintf(c->request, 512,
                 "POST /v1/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                 "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
                 events == 1 ? "track" : "batch", key, body);
    char *p = c->request + head;
    if (events > 1)
        p = (char *)memcpy(p, "{\"batch\":[", 10) + 10;
    c->body = p;
    for (int i = 0; i < events; i++, p += each + 1) {
        memcpy(p, EVENT, each);
        p[each] = ',';
    }
    if (events > 1)
        memcpy(p - 1, "]}", 2);
    c->n = (size_t)head + body;
}

static void begin(struct connection *c, int events) {
    for (int i = 0; i < events; i++)
        patch(c->body + (size_t)i * sizeof EVENT);
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
        fprintf(stderr, "usage: load PORT WRITE_KEY CONNECTIONS EVENTS_PER_REQUEST SECONDS\n");
        return 2;
    }
    int port = (int)strtol(argv[1], NULL, 10), n = (int)strtol(argv[3], NULL, 10);
    int events = (int)strtol(argv[4], NULL, 10);
    double seconds = strtod(argv[5], NULL);
    at_user = (size_t)(strstr(EVENT, "u0000000") + 1 - EVENT);
    at_message = (size_t)(strstr(EVENT, "00000000-0000") - EVENT);
    at_time = (size_t)(strstr(EVENT, "2026-06") - EVENT);
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
