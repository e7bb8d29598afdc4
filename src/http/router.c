/*
 * What happens to a request between the network and its handler, and to the answer on its way back.
 *
 * The checks, in order: target and method → access → rate → CSRF → remembered answer → handler.
 *
 * CSRF  A session's unsafe request must come from our own origin (Origin, else Sec-Fetch-Site) and bear the
 * session's token in X-CSRF-Token or the form field "csrf". Public forms (sign-in) are checked for their origin only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "http/internal.h"

enum { BODY_STANDARD_BYTES = 64 * 1024, SAFE = METHOD_GET | METHOD_HEAD | METHOD_OPTIONS };

static const char page_policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                                  "img-src 'self' data:; font-src 'self'; "
                                  "connect-src 'self'; manifest-src 'self'; form-action 'self'; "
                                  "base-uri 'none'; frame-ancestors 'none'";
static const char plain_policy[] = "default-src 'none'; frame-ancestors 'none'";

static bool route_is_cross_origin(const struct route *route) {
    return route && (route->cross_origin || route->access == ACCESS_WRITE_KEY);
}

void request_begin(struct request *request, const char *method, const char *target) {
    struct request_private *private = request->private;
    size_t n = strlen(target), path_n = strcspn(target, "?#");
    request->method = method_of(method);
    if (target[0] != '/' || n > LIMIT_URL_BYTES) {
        err_set(&private->refusal, E_MALFORMED,
                "the address must begin with / and have at most %d bytes", LIMIT_URL_BYTES);
        return;
    }
    request->target = arena_text(request->arena, (struct slice){target, n});
    private->query = target[path_n] == '?' ? request->target + path_n + 1 : "";
    struct slice path, query;
    if (!url_decode(slice_of(private->query), true, request->arena, &query) ||
        !url_decode((struct slice){request->target, path_n}, false, request->arena, &path)) {
        err_set(&private->refusal, E_MALFORMED, "the address is not properly encoded");
        return;
    }
    request->path = path.p;
    struct route_match match;
    routes_match(app_routes(request->app), request->method, request->target, path_n, &match);
    request->route = match.route;
    private->known = match.known;
    private->allowed = match.allowed;
    for (size_t i = 0; i < REQUEST_PARAMS && match.params[i].p; i++) {
        struct slice param;
        request->params[i] =
            url_decode(match.params[i], false, request->arena, &param) ? param.p : "";
    }
    if (request->route || (match.known && request->method == METHOD_OPTIONS))
        return;
    if (match.known)
        err_set(&private->refusal, E_METHOD, "this address does not take %.20s", method);
    else
        err_set(&private->refusal, E_NOT_FOUND, "nothing is at this address");
}

size_t router_body_limit(const struct request *request) {
    const struct route *route = request->route;
    return route && route->body_limit ? route->body_limit : BODY_STANDARD_BYTES;
}

/* "GET, HEAD, POST, OPTIONS" */
static const char *allow_text(const struct request *request) {
    unsigned methods = request->private->allowed | METHOD_OPTIONS;
    if (methods & METHOD_GET)
        methods |= METHOD_HEAD;
    struct buf text;
    buf_init(&text, 256);
    for (unsigned bit = 1; bit <= METHOD_OPTIONS; bit <<= 1)
        if (methods & bit)
            buf_add_format(&text, "%s%s", text.n ? ", " : "", method_name((enum method)bit));
    const char *copy = arena_text(request->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

static void answer_options(struct request *request, struct response *response) {
    response->status = 204;
    const char *allow = allow_text(request);
    response_header(request, response, "Allow", allow);
    if (!route_is_cross_origin(request->private->known))
        return;
    response_header(request, response, "Access-Control-Allow-Methods", allow);
    const char *asked = request_header(request, "Access-Control-Request-Headers");
    if (asked)
        response_header(request, response, "Access-Control-Allow-Headers", asked);
    if (request_header(request, "Access-Control-Request-Private-Network"))
        response_header(request, response, "Access-Control-Allow-Private-Network", "true");
    response_header(request, response, "Access-Control-Max-Age", "86400");
}

/* Does the browser say that the request comes from a page of ours? Without any word of it: yes. */
static bool is_same_origin(struct request *request) {
    const char *origin = request_header(request, "Origin"),
               *site = request_header(request, "Sec-Fetch-Site");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (!origin)
        return true;
    const char *base = request_base_url(request);
    size_t n = strlen(base);
    while (n && base[n - 1] == '/')
        n--;
    if (strlen(origin) == n && strncasecmp(origin, base, n) == 0)
        return true;
    /* Behind a proxy that ends TLS the scheme may differ; the host must not. */
    const char *host = request_header(request, "Host"), *at = strstr(origin, "://");
    return host && at && strcasecmp(at + 3, host) == 0;
}

static int check_csrf(struct request *request, struct err *err) {
    struct request_private *private = request->private;
    if ((request->method & SAFE) || private->auth == AUTH_KEY || private->auth == AUTH_LOCAL)
        return 0;
    /* What other sites' pages may send has no use for a session. */
    if (request->route->access == ACCESS_PUBLIC && request->route->cross_origin)
        return 0;
    if (!is_same_origin(request))
        return err_set(err, E_FORBIDDEN, "the request comes from another site");
    if (private->auth != AUTH_SESSION || request->route->access == ACCESS_PUBLIC)
        return 0;
    const char *token = request_header(request, "X-CSRF-Token");
    if (!token)
        token = request_form(request, "csrf");
    if (!token || !request->csrf || strlen(token) != strlen(request->csrf))
        return err_set(err, E_FORBIDDEN, "the form's token is missing or wrong");
    unsigned char differs = 0;
    for (size_t i = 0; token[i]; i++)
        differs |= (unsigned char)(token[i] ^ request->csrf[i]);
    return differs ? err_set(err, E_FORBIDDEN, "the form's token is missing or wrong") : 0;
}

static int check_rights(const struct request *request, struct err *err) {
    const struct route *route = request->route;
    const struct principal *principal = &request->principal;
    if (request->private->auth == AUTH_LOCAL)
        return 0;
    if ((principal->scopes & route->scopes) != route->scopes)
        return err_set(err, E_FORBIDDEN, "%s lacks the right to do this",
                       request->private->auth == AUTH_KEY ? ERR_WORDS("the API key")
                                                          : ERR_WORDS("your role"));
    if (request->private->auth == AUTH_SESSION && principal->role < route->role)
        return err_set(err, E_FORBIDDEN, "your role lacks the right to do this");
    if (request->private->auth == AUTH_KEY && route->role >= ROLE_ADMIN &&
        !(principal->scopes & SCOPE_ADMIN))
        return err_set(err, E_FORBIDDEN, "the API key lacks the right to do this");
    return 0;
}

/* Somebody without a session asks for a page: to the sign-in, and back afterwards. */
static bool send_to_sign_in(struct request *request, struct response *response) {
    const struct route *route = request->route;
    bool page = route->access == ACCESS_SESSION && !route->summary; /* the API answers 401 */
    if (!page || !(request->method & (METHOD_GET | METHOD_HEAD)))
        return false;
    if (accounts_need_setup(app_accounts(request->app))) {
        response_redirect(request, response, "/setup");
        return true;
    }
    struct buf to;
    buf_init(&to, (size_t)4 * LIMIT_URL_BYTES);
    buf_add_text(&to, "/sign-in");
    if (strcmp(request->target, "/") != 0) {
        buf_add_text(&to, "?next=");
        url_encode(slice_of(request->target), &to);
    }
    response_redirect(request, response, to.p);
    buf_release(&to);
    return true;
}

int router_check_early(struct request *request, struct err *err) {
    const struct route *route = request->route;
    if (!route || (route->access != ACCESS_API && route->access != ACCESS_SESSION))
        return 0;
    int code = accounts_identify(request, err);
    if (!code && request->private->auth == AUTH_NONE)
        code = err_set(err, E_UNAUTHORIZED, "sign in, or give an API key");
    return code ? code : check_rights(request, err);
}

static int check_rate(struct request *request, struct response *response, struct err *err) {
    const struct principal *principal = &request->principal;
    struct throttle *throttle = app_throttle(request->app);
    if (!throttle || (!principal->user && !principal->key))
        return 0;
    char key[48];
    snprintf(key, sizeof key, "%c%llu", principal->key ? 'k' : 'u',
             (unsigned long long)(principal->key ? principal->key : principal->user));
    int retry_s = 0;
    if (throttle_take(throttle, key, request->received_ms, &retry_s))
        return 0;
    response_header(request, response, "Retry-After", arena_format(request->arena, "%d", retry_s));
    return err_set(err, E_RATE, "too many requests");
}

/* Their role needs a second factor: to the page where they get one. */
static int refuse_unenrolled(struct request *request, struct response *response, bool *answered,
                             struct err *err) {
    *answered = !request->route->summary && (request->method & (METHOD_GET | METHOD_HEAD));
    if (*answered)
        response_redirect(request, response, "/settings/me/second-factor");
    return *answered ? 0
                     : err_set(err, E_FORBIDDEN, "your role needs a second factor: enrol it first");
}

static int check_access(struct request *request, struct response *response, bool *answered,
                        struct err *err) {
    const struct request_private *private = request->private;
    const struct route *route = request->route;
    *answered = false;
    if (route->access == ACCESS_WRITE_KEY ||
        (route->access == ACCESS_PUBLIC && route->inline_handler))
        return 0;
    int code = private->inherited ? 0 : accounts_identify(request, err);
    if (code && route->access == ACCESS_PUBLIC)
        code = 0;
    if (code)
        return code;
    if (route->access == ACCESS_LOCAL) {
        bool allowed = private->local || private->loopback ||
                       (request->principal.scopes & (SCOPE_METRICS | SCOPE_ADMIN));
        return allowed ? 0
                       : err_set(err, E_FORBIDDEN, "only from this machine or with a key for it");
    }
    if (route->access != ACCESS_PUBLIC) {
        bool known = private->auth != AUTH_NONE &&
                     !(route->access == ACCESS_SESSION && private->auth == AUTH_KEY);
        if (!known) {
            *answered = send_to_sign_in(request, response);
            if (*answered)
                return 0;
            response_header(request, response, "WWW-Authenticate", "Bearer realm=\"senda\"");
            return err_set(err, E_UNAUTHORIZED, "sign in, or give an API key");
        }
        if (private->unenrolled && !route->unenrolled && !private->inherited)
            return refuse_unenrolled(request, response, answered, err);
        code = check_rights(request, err);
        if (!code && !private->inherited)
            code = check_rate(request, response, err);
        if (code)
            return code;
    }
    return private->inherited ? 0 : check_csrf(request, err);
}

static int run(struct request *request, struct response *response, struct err *err) {
    struct request_private *private = request->private;
    if (private->refusal.code) {
        *err = private->refusal;
        if (err->code == E_METHOD)
            response_header(request, response, "Allow", allow_text(request));
        return err->code;
    }
    if (!request->route ||
        (request->method == METHOD_OPTIONS && !(request->route->methods & METHOD_OPTIONS))) {
        answer_options(request, response);
        return HANDLED;
    }
    bool answered;
    int code = check_access(request, response, &answered, err);
    if (code || answered)
        return code;
    bool keeps = request->method == METHOD_POST && request->route->access == ACCESS_API &&
                 request->route->scopes != SCOPE_QUERY;
    if (keeps) {
        code = idempotency_begin(request, response, &answered, err);
        if (code || answered)
            return code;
    }
    code = request->route->handle(request, response, err);
    if (private->idempotency && code != SUSPENDED)
        idempotency_end(request, response, code != HANDLED);
    return code;
}

int router_run(struct request *request, struct response *response) {
    struct err err = {0};
    int code = run(request, response, &err);
    if (code == SUSPENDED)
        return SUSPENDED;
    if (code == HANDLED)
        return HANDLED;
    if (!err.code)
        err.code = code;
    response_problem(request, response, &err);
    int (*error_page)(struct request *, struct response *, const struct err *) =
        app_options(request->app)->error_page;
    bool page = request->private->known ? request->private->known->access == ACCESS_SESSION ||
                                              (request->private->known->access == ACCESS_PUBLIC &&
                                               !request->private->known->summary)
                                        : true;
    if (error_page && page && request_accepts(request, "text/html") &&
        !request_accepts(request, "problem+json"))
        (void)error_page(request, response, &err);
    return HANDLED;
}

static bool has_header(const struct response *response, const char *name) {
    for (size_t i = 0; i < response->n_headers; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return true;
    return false;
}

/* Its own policy says that any page may frame it. */
static bool allows_frames(const struct response *response) {
    for (size_t i = 0; i < response->n_headers; i++)
        if (strcasecmp(response->headers[i].name, "Content-Security-Policy") == 0)
            return strstr(response->headers[i].value, "frame-ancestors *") != NULL;
    return false;
}

static void add_static(struct response *response, const char *name, const char *value) {
    if (response->n_headers < sizeof response->headers / sizeof *response->headers)
        response->headers[response->n_headers++] = (struct response_header){name, value};
}

static void add_cross_origin(struct request *request, struct response *response) {
    const char *origin = request_header(request, "Origin");
    add_static(response, "Cross-Origin-Resource-Policy", "cross-origin");
    if (!origin)
        return;
    response_header(request, response, "Access-Control-Allow-Origin", origin);
    add_static(response, "Access-Control-Allow-Credentials", "true");
    add_static(response, "Access-Control-Expose-Headers", "Retry-After");
    add_static(response, "Vary", "Origin");
}

/* An ETag over a JSON answer, and 304 to whom has it already. */
static void add_etag(struct request *request, struct response *response) {
    bool get = request->method & (METHOD_GET | METHOD_HEAD);
    if (!get || response->status != 200 || response->stream || !response->body.n ||
        !request->route || request->route->access != ACCESS_API || has_header(response, "ETag"))
        return;
    char *etag = arena_format(request->arena, "\"%016llx\"",
                              (unsigned long long)hash_bytes(response->body.p, response->body.n));
    add_static(response, "ETag", etag);
    const char *known = request_header(request, "If-None-Match");
    if (!known || (strcmp(known, "*") != 0 && !strstr(known, etag)))
        return;
    response->status = 304;
    buf_clear(&response->body);
}

void router_finish(struct request *request, struct response *response) {
    const struct route *route = request->route ? request->route : request->private->known;
    if (!response->status)
        response->status = 200;
    if (!response->type)
        response->type = "application/json";
    add_static(response, "X-Content-Type-Options", "nosniff");
    if (route_is_cross_origin(route))
        add_cross_origin(request, response);
    if (route && route->access == ACCESS_WRITE_KEY)
        return;
    add_etag(request, response);
    bool html = strncmp(response->type, "text/html", 9) == 0;
    if (!has_header(response, "Content-Security-Policy"))
        add_static(response, "Content-Security-Policy", html ? page_policy : plain_policy);
    add_static(response, "Referrer-Policy", "same-origin");
    if (!route_is_cross_origin(route))
        add_static(response, "Cross-Origin-Resource-Policy", "same-origin");
    if (html) {
        if (!route_is_cross_origin(route) && !allows_frames(response))
            add_static(response, "X-Frame-Options", "DENY");
        add_static(response, "Cross-Origin-Opener-Policy", "same-origin");
        add_static(response, "Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    }
    if (!has_header(response, "Cache-Control"))
        add_static(response, "Cache-Control", "no-store");
    if (request->private->https)
        add_static(response, "Strict-Transport-Security", "max-age=31536000");
}

/* Dispatch without a network: a suspended handler is waited for. */
struct latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void open_latch(struct request *request) {
    struct latch *latch = request->private->transport;
    pthread_mutex_lock(&latch->lock);
    latch->done = true;
    pthread_cond_signal(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

void request_complete(struct request *request, struct response *response) {
    request->private->response = *response;
    *response = (struct response){0};
    request->private->completed(request);
}

void router_dispatch(struct app *app, struct request *request, struct response *response) {
    (void)app;
    struct latch latch = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    request->private->transport = &latch;
    request->private->completed = open_latch;
    *response = (struct response){0};
    if (router_run(request, response) == SUSPENDED) {
        pthread_mutex_lock(&latch.lock);
        while (!latch.done)
            pthread_cond_wait(&latch.changed, &latch.lock);
        pthread_mutex_unlock(&latch.lock);
        *response = request->private->response;
        request->private->response = (struct response){0};
    }
    router_finish(request, response);
}
