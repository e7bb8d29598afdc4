/*
 * The HTTP server: requests in, answers out. No libmicrohttpd type leaves this module.
 *
 * A request is complete (body read, bounded, inflated where asked) before its handler runs. Handlers marked INLINE
 * run in the connection's thread and must not block: they answer at once or suspend. All others run in
 * a pool of workers while the connection is suspended; if the client leaves, request->cancelled becomes true.
 *
 * Routes are tables (struct route), one per resource file in api/ and pages/; each row names who may call it.
 * router_dispatch runs a request without any socket: commands use it when no server runs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_HTTP_H
#define SENDA_HTTP_HTTP_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "folder/folder.h"
#include "query/principal.h"

enum method {
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_PUT = 8,
    METHOD_PATCH = 16,
    METHOD_DELETE = 32,
    METHOD_OPTIONS = 64
};

enum { REQUEST_PARAMS = 4, REQUEST_HEADERS = 64 };

struct app; /* server-wide state: folder, sessions, sources, caches; http/app.h */
struct folder *app_folder(struct app *app);
struct route;
struct request_private;
struct response;

struct request {
    enum method method;
    const char *path;   /* decoded, begins with '/' */
    const char *target; /* as sent: path and query, encoded */
    struct slice body;  /* inflated; {"", 0} if none */
    const char
        *params[REQUEST_PARAMS]; /* of the route's pattern, decoded: /api/v1/customers/{id}/value ->
                               params[0] */
    struct arena *arena;         /* lives until the answer is sent */
    struct app *app;
    struct principal principal; /* filled from key, session or socket before the handler runs */
    const struct route *route;  /* the one that matched */
    const char
        *language;    /* "es" or "en": the person's setting, else cookie, else Accept-Language */
    const char *csrf; /* token for forms of this session, or NULL */
    const char *peer; /* address (forwarded only from a trusted proxy) */
    int64_t received_ms;
    atomic_bool *cancelled;          /* never NULL in a handler */
    void *handler_state;             /* the handler's own, e.g. across SUSPENDED */
    struct request_private *private; /* http/'s */
};

/* NULL if absent. Header names without regard to case. */
const char *request_header(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name); /* ?name= (decoded) */
const char *request_cookie(const struct request *request, const char *name);
const char *request_form(struct request *request,
                         const char *name); /* application/x-www-form-urlencoded body */
/* A file of a multipart/form-data body: its bytes and name. E_NOT_FOUND if absent. */
must_use int request_upload(struct request *request, const char *field, struct slice *bytes,
                            struct slice *filename, struct err *err);
/* Whether the body may be JSON by its Content-Type: none, JSON, or one of the labels that browsers and clients put on it without
 * a preflight (text/plain, a form). E_MEDIA else. */
must_use int request_says_json(const struct request *request, struct err *err);
/* The body as a JSON object (new reference). E_MALFORMED with line and column; duplicate members are refused; E_MEDIA. */
must_use int request_json(struct request *request, json_t **json, struct err *err);
/* A whole number of the query string within [low, high]; `standard` if absent. E_INVALID else. */
must_use int request_query_int(struct request *request, const char *name, int64_t standard,
                               int64_t low, int64_t high, int64_t *value, struct err *err);
/* "https://host" under which the asker reached us: the public URL, else scheme and Host. */
const char *request_base_url(struct request *request);
/* *flag becomes true as well when the client leaves; it lives in the request's arena. */
void request_watch(struct request *request, atomic_bool *flag);
/* Asked from this machine, and no proxy spoke for somebody else. */
bool request_is_local(const struct request *request);
/* For what anybody may call: takes tokens of the asker's address for `what` (a word); 60 at once, one a second in the long
 * run. E_RATE with Retry-After. */
must_use int request_slow_down(struct request *request, struct response *response, const char *what,
                               double tokens, struct err *err);
bool request_accepts(const struct request *request, const char *type); /* type is named in Accept */

struct response {
    int status;       /* 200 by default */
    const char *type; /* media type; default application/json */
    struct buf body;
    struct slice
        static_body; /* bytes that outlive every answer (embedded files), sent in place of body */
    struct response_header {
        const char *name, *value;
    } headers[24];
    size_t n_headers;
    /* Streaming: when set, called until it returns 0; appends to `chunk`. body is sent first. */
    int (*stream)(
        void *context,
        struct buf *chunk); /* 1 more, 0 end, 2 nothing yet (server-sent events: polled) */
    void (*stream_done)(void *context);
    void *stream_context;
};
/* value is copied into the request's arena. */
void response_header(struct request *request, struct response *response, const char *name,
                     const char *value);
/* JSON as answers bear it: compact, numbers in their shortest form. */
void json_print(const json_t *json, struct buf *out);
/* The same as it may stand inside a script element. */
void json_print_in_script(const json_t *json, struct buf *out);
void response_json(struct response *response, int status, const json_t *json);
/* RFC 9457 problem document for an error; title, detail and hint are in the asker's language (Content-Language). */
void response_problem(struct request *request, struct response *response, const struct err *err);
/* What an error said once, or its title, in the language that the asker chose (their own setting, cookie or
 * Accept-Language); in English for whoever chose none. In the request's arena, or `english` itself. */
const char *request_said(struct request *request, const char *english);
void response_redirect(struct request *request, struct response *response,
                       const char *location); /* 303 */
/* {"data": rows, "next": cursor or null}; takes over rows. cursor NULL: last page. */
void response_list(struct response *response, json_t *rows, const char *cursor);
void response_release(struct response *response); /* for router_dispatch's callers */

enum {
    HANDLED = 0,
    SUSPENDED = 1
}; /* a handler returns HANDLED, SUSPENDED, or a negative error (-> problem) */
/* INLINE handlers that returned SUSPENDED call this once, from any thread; *response is taken over. */
void request_complete(struct request *request, struct response *response);

enum access {                   /* who may call a route: checked before the handler runs */
              ACCESS_PUBLIC,    /* anybody */
              ACCESS_WRITE_KEY, /* the handler checks the write key itself (it may be in the body) */
              ACCESS_API, /* API key or session (CSRF checked for sessions), with the route's scope */
              ACCESS_SESSION, /* a signed-in person; pages redirect to sign-in */
              ACCESS_LOCAL /* the Unix socket, loopback without a forwarded header, or a token with SCOPE_METRICS */
};

struct route {
    unsigned methods; /* METHOD_… bits */
    const char *
        pattern; /* "/api/v1/customers/{id}"; a trailing "*" matches the rest into the last param */
    enum access access;
    unsigned scopes; /* SCOPE_… needed */
    enum role role;  /* least role of a session, ROLE_NONE: any */
    bool inline_handler;
    bool unenrolled;   /* open to who must first enrol a second factor */
    bool cross_origin; /* answers scripts of other sites (CORS); ACCESS_WRITE_KEY always does */
    size_t body_limit; /* bytes after inflation; 0: 64 KB */
    int (*handle)(struct request *request, struct response *response, struct err *err);
    const char *summary; /* for OpenAPI, English, one line; NULL: not documented (pages) */
    const char *request_schema, *response_schema; /* JSON Schema fragments or NULL */
};

/* The routes of one file, which ends with `const struct route_table api_units_routes = ROUTE_TABLE(routes);`; its
 * module's facade declares it (api/api.h, pages/pages.h) and cli/tables.c lists it. */
struct route_table {
    const struct route *routes;
    size_t n;
};
#define ROUTE_TABLE(routes)                                                                        \
    { (routes), sizeof(routes) / sizeof((routes)[0]) }

/* Runs the matching route in this thread; suspended handlers are waited for; a stream is left to the caller to
 * read (response_release ends it). For commands without a server and for tests: see router.h for how to make such a request. */
void router_dispatch(struct app *app, struct request *request, struct response *response);

struct server_options {
    const char *listen; /* "127.0.0.1:8080", ":0" for any free port, NULL: only the Unix socket */
    const char *socket_path;   /* DIR/senda.sock, or NULL */
    const char *trusted_proxy; /* address whose X-Forwarded-For is believed, or NULL */
    unsigned threads;          /* of the network; 0: one per processor, at most 8 */
    int request_s;             /* total time for header and body; 0: LIMIT_REQUEST_S */
};
struct server;
must_use int server_start(struct server **server, struct app *app,
                          const struct server_options *options, struct err *err);
int server_port(const struct server *server); /* the one taken, for ":0" */
/* Stops accepting, finishes what is under way, closes. */
void server_stop(struct server *server);

#endif
