/*
 * What the files of http/ share about a request in progress.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_INTERNAL_H
#define SENDA_HTTP_INTERNAL_H

#include "http/app.h"
#include "http/router.h"

struct request_pair {
    const char *name, *value;
    struct slice bytes;   /* of a multipart part: its content */
    const char *filename; /* of a multipart part, or NULL */
};

enum auth { AUTH_NONE, AUTH_LOCAL, AUTH_KEY, AUTH_SESSION };

struct request_private {
    struct arena arena;
    struct request_pair headers[REQUEST_HEADERS];
    size_t n_headers;
    const char *query; /* encoded, "" if none */
    struct request_pair *args, *form, *cookies;
    size_t n_args, n_form, n_cookies;
    bool args_read, form_read, cookies_read;

    bool inherited;      /* rights are another request's */
    bool local;          /* came over the Unix socket, or is a command's own */
    bool loopback;       /* peer is this machine and no proxy spoke for somebody else */
    bool https;          /* as far as a trusted proxy says */
    bool language_asked; /* request->language is the asker's own choice, not the organisation's */
    enum auth auth;
    bool unenrolled;  /* the role needs a second factor, and the person has none yet */
    uint64_t session; /* its number */
    atomic_bool cancelled;
    _Atomic(atomic_bool *) watched_flag; /* set with it */

    struct err
        refusal;      /* code != 0: known before the body: bad target, unknown path, wrong method */
    unsigned allowed; /* METHOD_… of the path, for Allow */
    const struct route *known; /* a route of the path, also when none takes the method */
    int64_t began_us;
    struct response response;
    void (*completed)(struct request *request); /* request_complete calls it */
    void *transport;                            /* the server's */
    const char *idempotency;                    /* key of the answer to remember, or NULL */
};

/* Readies a request whose memory is cleared; its arena is request->private->arena. */
void request_init(struct request *request, struct request_private *private, struct app *app);
/* The cookie's, else Accept-Language's, else the organisation's; accounts_identify goes on to the person's setting. */
void request_choose_language(struct request *request);
/* Splits and decodes the target, finds the route or the refusal. */
void request_begin(struct request *request, const char *method, const char *target);

/* Runs the handler with all checks; HANDLED (response is filled) or SUSPENDED. */
int router_run(struct request *request, struct response *response);
/* Adds what every answer bears: security, CORS, caching; 304 where it applies. */
void router_finish(struct request *request, struct response *response);
/* Compresses the body for whom accepts it (pack.c); the last step before it is sent. */
void response_pack(struct request *request, struct response *response);
/* "br" among "gzip, deflate, br;q=0.9"; a quality of 0 says no. */
bool request_accepts_coding(const struct request *request, const char *coding);
/* Before a large body is read: may this asker call the route at all? */
must_use int router_check_early(struct request *request, struct err *err);
size_t router_body_limit(const struct request *request);

/* All routes of the app, indexed. */
struct routes;
struct routes *routes_new(const struct route_table *const *tables, size_t n);
void routes_free(struct routes *routes);
struct route_match {
    const struct route *route; /* NULL: no such path (allowed 0), or not with this method */
    const struct route *known; /* any route of the path, NULL if there is none */
    unsigned allowed;          /* METHOD_… of the path */
    struct slice params[REQUEST_PARAMS]; /* encoded */
};
/* Matches the segments of an encoded path. */
void routes_match(const struct routes *routes, enum method method, const char *path, size_t n,
                  struct route_match *match);

const struct routes *app_routes(const struct app *app);

/* Answers remembered by Idempotency-Key (idempotency.c). */
must_use int idempotency_begin(struct request *request, struct response *response, bool *answered,
                               struct err *err);
/* failed: the handler refused or failed; the key may be used again. */
void idempotency_end(struct request *request, const struct response *response, bool failed);

/* A token bucket per text key, for sign-in and API requests; false: too fast, *retry_s says when. */
struct throttle;
struct throttle *throttle_new(double per_second, double burst);
void throttle_free(struct throttle *throttle);
bool throttle_take(struct throttle *throttle, const char *key, int64_t now_ms, int *retry_s);
struct throttle *app_throttle(struct app *app);
struct throttle *app_public_throttle(struct app *app); /* of request_slow_down; NULL: none */

#endif
