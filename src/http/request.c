/*
 * What a handler may ask of its request: headers, query string, cookies, JSON body.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/internal.h"

enum { ARGS_MAX = 200 };

static const struct {
    const char *name;
    enum method method;
} methods[] = {
    {"GET", METHOD_GET},         {"HEAD", METHOD_HEAD},   {"POST", METHOD_POST},
    {"PUT", METHOD_PUT},         {"PATCH", METHOD_PATCH}, {"DELETE", METHOD_DELETE},
    {"OPTIONS", METHOD_OPTIONS},
};
enum { METHODS = sizeof methods / sizeof *methods };

const char *method_name(enum method method) {
    for (size_t i = 0; i < METHODS; i++)
        if (methods[i].method == method)
            return methods[i].name;
    return "";
}

enum method method_of(const char *name) {
    for (size_t i = 0; i < METHODS; i++)
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    return 0;
}

void request_init(struct request *request, struct request_private *private, struct app *app) {
    request->private = private;
    request->arena = &private->arena;
    request->app = app;
    request->cancelled = &private->cancelled;
    request->peer = "";
    request->path = request->target = "/";
    request->body = SLICE_LITERAL("");
    request->received_ms = clock_now_ms();
    private->began_us = clock_monotonic_us();
    private->query = "";
}

struct request *request_new(struct app *app, const char *method, const char *target, bool local) {
    struct memory {
        struct request request;
        struct request_private private;
    } *memory = calloc(1, sizeof *memory);
    if (!memory)
        abort();
    request_init(&memory->request, &memory->private, app);
    memory->private.local = local;
    request_begin(&memory->request, method, target);
    return &memory->request;
}

void request_add_header(struct request *request, const char *name, const char *value) {
    struct request_private *private = request->private;
    if (private->n_headers == REQUEST_HEADERS)
        return;
    private->headers[private->n_headers++] =
        (struct request_pair){.name = arena_text(request->arena, slice_of(name)),
                              .value = arena_text(request->arena, slice_of(value))};
}

void request_set_body(struct request *request, struct slice body) { request->body = body; }

void request_inherit(struct request *request, const struct request *outer) {
    request->private->inherited = true;
    request->private->auth = outer->private->auth;
    request->private->https = outer->private->https;
    request->private->session = outer->private->session;
    request->principal = outer->principal;
    request->language = outer->language;
    request->private->language_asked = outer->language != NULL;
    request->csrf = outer->csrf;
    request->peer = outer->peer;
    request->cancelled = outer->cancelled;
}

void request_free(struct request *request) {
    response_release(&request->private->response);
    arena_release(&request->private->arena);
    free(request); /* request is the first member of its memory */
}

static const char *find_pair(const struct request_pair *pairs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return pairs[i].value;
    return NULL;
}

const char *request_header(const struct request *request, const char *name) {
    const struct request_private *private = request->private;
    for (size_t i = 0; i < private->n_headers; i++)
        if (strcasecmp(private->headers[i].name, name) == 0)
            return private->headers[i].value;
    return NULL;
}

/* Pairs of a query string or form; undecodable ones are left out. */
static struct request_pair *read_pairs(struct slice text, struct arena *arena, size_t *n) {
    struct request_pair *pairs = ARENA_ARRAY(arena, struct request_pair, ARGS_MAX);
    *n = 0;
    while (text.n && *n < ARGS_MAX) {
        const char *amp = memchr(text.p, '&', text.n);
        struct slice pair = {text.p, amp ? (size_t)(amp - text.p) : text.n};
        text = amp ? (struct slice){amp + 1, text.n - pair.n - 1} : (struct slice){"", 0};
        const char *equals = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
        struct slice name = {pair.p, equals ? (size_t)(equals - pair.p) : pair.n};
        struct slice value =
            equals ? (struct slice){equals + 1, pair.n - name.n - 1} : (struct slice){"", 0};
        if (!pair.n || !url_decode(name, true, arena, &name) ||
            !url_decode(value, true, arena, &value))
            continue;
        pairs[(*n)++] = (struct request_pair){.name = name.p, .value = value.p, .bytes = value};
    }
    return pairs;
}

const char *request_query(const struct request *request, const char *name) {
    struct request_private *private = request->private;
    if (!private->args_read) {
        private->args_read = true;
        if (private->query[0])
        private->args = read_pairs(slice_of(private->query), request->arena, &private->n_args);
    }
    return find_pair(private->args, private->n_args, name);
}

static void read_cookies(struct request_private *private) {
    private->cookies_read = true;
    private->cookies = ARENA_ARRAY(&private->arena, struct request_pair, ARGS_MAX);
    for (size_t i = 0; i < private->n_headers; i++) {
        if (strcasecmp(private->headers[i].name, "Cookie") != 0)
            continue;
        char *text = arena_text(&private->arena, slice_of(private->headers[i].value)), *rest = NULL;
        for (char *part = strtok_r(text, ";", &rest); part; part = strtok_r(NULL, ";", &rest)) {
            while (*part == ' ')
                part++;
            char *equals = strchr(part, '=');
            if (!equals || private->n_cookies == ARGS_MAX)
                continue;
            *equals = 0;
            private->cookies[private->n_cookies++] =
                (struct request_pair){.name = part, .value = equals + 1};
        }
    }
}

const char *request_cookie(const struct request *request, const char *name) {
    struct request_private *private = request->private;
    if (!private->cookies_read)
        read_cookies(private);
    return find_pair(private->cookies, private->n_cookies, name);
}

/* Parts of a multipart/form-data body between its boundaries. */
static void read_multipart(struct request *request, const char *type) {
    struct request_private *private = request->private;
    const char *at = strcasestr(type, "boundary=");
    if (!at)
        return;
    at += strlen("boundary=");
    size_t n = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; ");
    if (n == 0 || n > 70)
        return;
    const char *mark = arena_format(request->arena, "--%.*s", (int)n, at);
    size_t mark_n = n + 2;
    private->form = ARENA_ARRAY(request->arena, struct request_pair, ARGS_MAX);
    const char *p = request->body.p, *end = p + request->body.n;
    p = memmem(p, (size_t)(end - p), mark, mark_n);
    while (p && private->n_form < ARGS_MAX) {
        p += mark_n;
        if (end - p < 2 || memcmp(p, "\r\n", 2) != 0)
            return; /* "--": the end */
        const char *head = p + 2, *body = memmem(head, (size_t)(end - head), "\r\n\r\n", 4);
        if (!body)
            return;
        struct slice heads = {head, (size_t)(body - head)};
        body += 4;
        const char *until = memmem(body, (size_t)(end - body),
                                   arena_format(request->arena, "\r\n%s", mark), mark_n + 2);
        if (!until)
            return;
        const char *text = arena_text(request->arena, heads), *name = strcasestr(text, " name=\"");
        const char *file = strcasestr(text, "filename=\"");
        if (name) {
            name += 7;
            struct slice content = {body, (size_t)(until - body)};
            struct request_pair *pair = &private->form[private->n_form++];
            pair->name = arena_text(request->arena, (struct slice){name, strcspn(name, "\"")});
            pair->bytes = content;
            pair->filename = file ? arena_text(request->arena,
                                               (struct slice){file + 10, strcspn(file + 10, "\"")})
                                  : NULL;
            pair->value =
                file || content.n > LIMIT_EVENT_BYTES ? "" : arena_text(request->arena, content);
        }
        p = until + 2;
    }
}

static void read_form(struct request *request) {
    struct request_private *private = request->private;
    if (private->form_read)
        return;
    private->form_read = true;
    const char *type = request_header(request, "Content-Type");
    if (!type)
        return;
    if (strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0)
    private->form = read_pairs(request->body, request->arena, &private->n_form);
    else if (strncasecmp(type, "multipart/form-data", 19) == 0) read_multipart(request, type);
}

const char *request_form(struct request *request, const char *name) {
    read_form(request);
    return find_pair(request->private->form, request->private->n_form, name);
}

int request_upload(struct request *request, const char *field, struct slice *bytes,
                   struct slice *filename, struct err *err) {
    read_form(request);
    for (size_t i = 0; i < request->private->n_form; i++) {
        const struct request_pair *pair = &request->private->form[i];
        if (!pair->filename || strcmp(pair->name, field) != 0)
            continue;
        *bytes = pair->bytes;
        *filename = slice_of(pair->filename);
        return 0;
    }
    return err_set(err, E_NOT_FOUND, "no file in the field %s", field);
}

int request_says_json(const struct request *request, struct err *err) {
    static const char *const labels[] = {"json", "text/plain", "application/x-www-form-urlencoded",
                                         "application/octet-stream", NULL};
    const char *type = request_header(request, "Content-Type");
    for (const char *const *label = labels; type && *label; label++)
        if (strcasestr(type, *label))
            return 0;
    if (!type || !*type)
        return 0;
    err_set(err, E_MEDIA, "the body must be JSON, and its Content-Type says %s", type);
    return err_hint(err, "Send Content-Type: application/json.");
}

int request_json(struct request *request, json_t **json, struct err *err) {
    json_error_t error;
    int code = request_says_json(request, err);
    if (code)
        return code;
    *json = json_loadb(request->body.p ? request->body.p : "", request->body.n,
                       JSON_REJECT_DUPLICATES, &error);
    if (!*json)
        return err_set(err, E_MALFORMED, "the body is not valid JSON: line %d column %d: %s",
                       error.line, error.column, error.text);
    if (json_is_object(*json))
        return 0;
    json_decref(*json);
    *json = NULL;
    return err_set(err, E_MALFORMED, "the body must be a JSON object");
}

int request_query_int(struct request *request, const char *name, int64_t standard, int64_t low,
                      int64_t high, int64_t *value, struct err *err) {
    const char *text = request_query(request, name);
    *value = standard;
    if (!text)
        return 0;
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || number < low || number > high)
        return err_at(err, E_INVALID, arena_format(request->arena, "/%.100s", name),
                      "%s must be a whole number from %lld to %lld", name, (long long)low,
                      (long long)high);
    *value = number;
    return 0;
}

const char *request_base_url(struct request *request) {
    const char *public_url = app_options(request->app)->public_url;
    if (public_url)
        return public_url;
    const char *host = request_header(request, "Host");
    if (!host || strcspn(host, " <>\"'\\/") != strlen(host))
        host = "localhost";
    return arena_format(request->arena, "%s://%s", request->private->https ? "https" : "http",
                        host);
}

void request_watch(struct request *request, atomic_bool *flag) {
    atomic_store(&request->private->watched_flag, flag);
    if (atomic_load(request->cancelled))
        atomic_store(flag, true);
}

bool request_accepts(const struct request *request, const char *type) {
    const char *accept = request_header(request, "Accept");
    return accept && strcasestr(accept, type) != NULL;
}
