/*
 * Widgets of reviews as pages: a frame with figures and reviews, the stars alone, a fragment for servers, the script that
 * builds them inside other sites' pages; and the form by which anybody writes a review.
 *
 * A widget may stand in a frame of any site; it runs no script and its forms come back to us. What the script needs it gets
 * from /w/reviews/{subject}/data (api/review_widgets.c), so nothing here is needed to show reviews.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdlib.h>

#include "api/review_read.h"
#include "http/router.h"
#include "http/static.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/review_view.h"
#include "pages/text.h"
#include "voice/review.h"

enum { FORM_BYTES = 64 * 1024, KEPT = 64, KEPT_BYTES = 256 * 1024, KEPT_MS = 60000 };

static const char frame_policy[] =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri "
    "'none'; frame-ancestors *";

/* ---- answers that are kept for a minute ---- */

struct kept_pages {
    pthread_mutex_t lock;
    struct kept_page {
        char *key;
        struct buf body;
        uint64_t version;
        int64_t made_ms;
    } pages[KEPT];
};

static void *kept_new(struct app *app) {
    struct kept_pages *kept = calloc(1, sizeof *kept);
    (void)app;
    if (!kept)
        abort();
    pthread_mutex_init(&kept->lock, NULL);
    return kept;
}

static void kept_free(void *value) {
    struct kept_pages *kept = value;
    for (size_t i = 0; i < KEPT; i++) {
        free(kept->pages[i].key);
        buf_release(&kept->pages[i].body);
    }
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

static struct kept_pages *kept_of(struct app *app) {
    static const char key[] = "widget pages";
    return app_keep(app, key, kept_new, kept_free);
}

static const char *kept_key(const struct request *request) {
    return arena_format(request->arena, "%s %s %s", request->language, request->target,
                        request_base_url((struct request *)(uintptr_t)request));
}

static bool kept_get(struct request *request, struct buf *body) {
    struct kept_pages *kept = kept_of(request->app);
    const char *key = kept_key(request);
    struct kept_page *page = &kept->pages[hash_bytes(key, strlen(key)) % KEPT];
    uint64_t version = review_version(app_folder(request->app));
    pthread_mutex_lock(&kept->lock);
    bool found = page->key && strcmp(page->key, key) == 0 && page->version == version &&
                 request->received_ms - page->made_ms < KEPT_MS;
    if (found)
        buf_add_slice(body, buf_slice(&page->body));
    pthread_mutex_unlock(&kept->lock);
    return found;
}

static void kept_put(struct request *request, uint64_t version, const struct buf *body) {
    struct kept_pages *kept = kept_of(request->app);
    const char *key = kept_key(request);
    struct kept_page *page = &kept->pages[hash_bytes(key, strlen(key)) % KEPT];
    if (body->n > KEPT_BYTES)
        return;
    pthread_mutex_lock(&kept->lock);
    free(page->key);
    buf_release(&page->body);
    buf_init(&page->body, KEPT_BYTES);
    buf_add_slice(&page->body, buf_slice(body));
    page->key = strdup(key);
    page->version = version;
    page->made_ms = request->received_ms;
    pthread_mutex_unlock(&kept->lock);
}

/* ---- widgets ---- */

static void choose_language(struct request *request) {
    const char *wanted = request_query(request, "lang");
    if (wanted && (strcmp(wanted, "es") == 0 || strcmp(wanted, "en") == 0))
        request->language = wanted[1] == 's' ? "es" : "en";
}

static int render(struct request *request, struct response *response, const char *template,
                  json_t *view, struct err *err) {
    struct template_world world = {
        .format = page_format(request), .now_ms = request->received_ms, .arena = request->arena};
    const char *theme = request_query(request, "theme");
    json_object_set_new(view, "language", json_string(request->language));
    json_object_set_new(view, "organisation", json_string(app_folder(request->app)->name));
    if (theme && (strcmp(theme, "dark") == 0 || strcmp(theme, "light") == 0))
        json_object_set_new(view, "theme", json_string(theme));
    if (!response->body.max)
        buf_init(&response->body, TEMPLATE_MAX_BYTES);
    int code = template_render(template, view, &world, &response->body, err);
    json_decref(view);
    response->type = "text/html; charset=utf-8";
    return code < 0 ? code : HANDLED;
}

static const char *data_path(struct request *request, const char *more) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/w/reviews/", request->params[0]), more);
}

static json_t *jsonld_text(struct request *request, struct err *err) {
    json_t *ld, *text = NULL;
    if (page_fetch(request, data_path(request, "/jsonld"), &ld, err) < 0)
        return NULL;
    struct buf safe;
    buf_init(&safe, TEMPLATE_MAX_BYTES);
    json_print_in_script(ld, &safe);
    text = json_stringn(safe.p ? safe.p : "", safe.n);
    buf_release(&safe);
    json_decref(ld);
    return text;
}

static int show(struct request *request, struct response *response, const char *template,
                bool with_ld, struct err *err) {
    json_t *view;
    choose_language(request);
    int code = request_slow_down(request, response, "widget", 0.2, err);
    if (code)
        return code;
    response_header(request, response, "Content-Security-Policy", frame_policy);
    response_header(request, response, "Cache-Control", "public, max-age=60");
    response->type = "text/html; charset=utf-8";
    buf_init(&response->body, TEMPLATE_MAX_BYTES);
    if (kept_get(request, &response->body))
        return HANDLED;
    uint64_t version = review_version(app_folder(request->app));
    const char *query = strchr(request->target, '?');
    code = page_fetch(
        request, data_path(request, arena_format(request->arena, "/data%s", query ? query : "")),
        &view, err);
    if (code < 0)
        return code;
    review_widget_view(request, view);
    json_t *ld = with_ld ? jsonld_text(request, err) : NULL;
    if (ld)
        json_object_set_new(view, "jsonld", ld);
    code = render(request, response, template, view, err);
    if (code == HANDLED)
        kept_put(request, version, &response->body);
    return code;
}

static int show_reviews(struct request *request, struct response *response, struct err *err) {
    return show(request, response, "widget_reviews", true, err);
}

static int show_stars(struct request *request, struct response *response, struct err *err) {
    return show(request, response, "widget_stars", false, err);
}

static int show_fragment(struct request *request, struct response *response, struct err *err) {
    return show(request, response, "widget_reviews_body", false, err);
}

static int script(struct request *request, struct response *response, struct err *err) {
    return static_serve(request, response, "js/reviews.js", "public, max-age=3600", err);
}

static int style(struct request *request, struct response *response, struct err *err) {
    return static_serve(request, response, "css/widget.css", "public, max-age=3600", err);
}

/* The words of the script, in the language of the page that it stands in. */
static int words(struct request *request, struct response *response, struct err *err) {
    static const char *const keys[] = {"verified",    "unverified",       "invited",   "invited_30",
                                       "not_invited", "helpful_question", "yes",       "no",
                                       "thanks",      "reply_from",       "more",      "write",
                                       "none",        "refused_note",     "held_note", "policy",
                                       "reviews_n",   "out_of",           "sort",      "of_use"};
    (void)err;
    choose_language(request);
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = text_of_value(request->language, "review.widget", keys[i]);
        json_object_set_new(json, keys[i], json_string(text ? text : keys[i]));
    }
    json_object_set_new(json, "anonymous", json_string(page_text(request, "review.anonymous")));
    json_object_set_new(json, "reply",
                        json_sprintf("%s %s", page_text(request, "review.widget.reply_from"),
                                     app_folder(request->app)->name));
    for (int order = 0; order < REVIEWS_SUSPICIOUS; order++) {
        const char *name = review_order_name((enum review_order)order);
        const char *text = text_of_value(request->language, "review.order", name);
        json_object_set_new(json, arena_format(request->arena, "order_%s", name),
                            json_string(text ? text : name));
    }
    response_header(request, response, "Cache-Control", "public, max-age=3600");
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- the form ---- */

static const char *field(struct request *request, const char *name) {
    const char *value = request_form(request, name);
    return value ? value : "";
}

static int read_link(struct request *request, struct review_link *link, bool *has,
                     struct err *err) {
    const char *token = request_query(request, "link");
    *has = token && token[0];
    if (!*has)
        return 0;
    int code = review_link_open(app_folder(request->app), token, request->received_ms,
                                request->arena, link, err);
    if (!code && strcmp(link->subject, request->params[0]) != 0) {
        code = err_at(err, E_INVALID, "/link", "this link is not valid");
        err_hint(err, "Copy the whole address, or ask for another link.");
    }
    return code;
}

static int form_page(struct request *request, struct response *response, const struct err *refusal,
                     struct err *err) {
    struct review_subject subject;
    struct review_link link;
    struct err wrong = {0};
    bool has_link;
    int code =
        subject_find(app_folder(request->app), request->params[0], request->arena, &subject, err);
    if (code)
        return code;
    const char *token = request_query(request, "link");
    json_t *view = json_pack("{s:s, s:s, s:s, s:b}", "name", subject.name, "subject", subject.title,
                             "url", subject.url, "done", request_query(request, "done") != NULL);
    if (!refusal && read_link(request, &link, &has_link, &wrong) != 0) {
        response->status = err_status(wrong.code);
        json_object_set_new(view, "closed", json_string(page_message(request, &wrong)));
    } else if (!refusal) {
        json_object_set_new(view, "by_link", json_boolean(has_link));
        json_object_set_new(view, "months", json_integer(has_link ? (json_int_t)link.months : 0));
    }
    if (token && token[0])
        json_object_set_new(view, "link", json_string(token));
    const char *stars =
        request->method == METHOD_POST ? field(request, "stars") : request_query(request, "stars");
    json_t *choices = json_array();
    for (int i = 5; i >= 1; i--)
        json_array_append_new(
            choices, json_pack("{s:i, s:o, s:b}", "value", i, "label",
                               json_string(page_text(
                                   request, arena_format(request->arena, "review.stars_%d", i))),
                               "chosen", stars && stars[0] == '0' + i && !stars[1]));
    json_object_set_new(view, "choices", choices);
    if (refusal) {
        page_form_error(request, view, refusal);
        json_object_set_new(view, "form",
                            json_pack("{s:s, s:s, s:s}", "title", field(request, "title"), "text",
                                      field(request, "text"), "author", field(request, "author")));
        json_object_set_new(view, "by_link", json_boolean(token && token[0]));
    }
    response_header(request, response, "Cache-Control", "no-store");
    return render(request, response, "review_form", view, err);
}

static int show_form(struct request *request, struct response *response, struct err *err) {
    choose_language(request);
    return form_page(request, response, NULL, err);
}

static int send(struct request *request, struct err *err) {
    struct review_link link;
    struct source source;
    bool has_link;
    uint64_t id;
    const char *stars = field(request, "stars");
    struct review_draft draft = {
        .subject = request->params[0],
        .title = field(request, "title"),
        .text = field(request, "text"),
        .author = field(request, "author"),
        .language = request->language,
        .origin = "form",
        .channel = "web",
        .created_ms = request->received_ms,
        .stars = stars[0] >= '1' && stars[0] <= '5' && !stars[1] ? stars[0] - '0' : 0,
        .has_device = true};
    if (field(request, "website")[0]) /* nobody sees this field */
        return err_set(err, E_INVALID, "this form was filled in by a machine");
    int code = read_link(request, &link, &has_link, err);
    if (code)
        return code;
    if (has_link) {
        draft.origin = "link";
        draft.customer = link.customer;
        draft.invited_ms = link.invited_ms;
        draft.months = link.months;
        draft.has_link = true;
        memcpy(draft.link, link.id, sizeof draft.link);
    }
    review_visitor(app_folder(request->app), 0, request->peer,
                   request_header(request, "User-Agent"), draft.device);
    code = review_source(request->app, &source, err);
    return code ? code : review_submit(app_folder(request->app), source, &draft, &id, err);
}

static int take_form(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    choose_language(request);
    int code = request_slow_down(request, response, "review", 10, err);
    if (code)
        return code;
    code = send(request, &refusal);
    if (code == E_INVALID || code == E_CONFLICT) {
        response->status = err_status(code);
        return form_page(request, response, &refusal, err);
    }
    if (code) {
        *err = refusal;
        return code;
    }
    response_redirect(request, response,
                      arena_format(request->arena, "%s?done=1&lang=%s",
                                   page_path(request, "/w/review/", request->params[0]),
                                   request->language));
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/w/reviews.js", .inline_handler = true, .handle = script, .cross_origin = true},
    {METHOD_GET, "/w/widget.css", .inline_handler = true, .handle = style, .cross_origin = true},
    {METHOD_GET, "/w/words", .handle = words, .cross_origin = true},
    {METHOD_GET, "/w/reviews/{subject}", .handle = show_reviews, .cross_origin = true},
    {METHOD_GET, "/w/reviews/{subject}/stars", .handle = show_stars, .cross_origin = true},
    {METHOD_GET, "/w/reviews/{subject}/fragment", .handle = show_fragment, .cross_origin = true},
    {METHOD_GET, "/w/review/{subject}", .handle = show_form},
    {METHOD_POST, "/w/review/{subject}", .handle = take_form, .body_limit = FORM_BYTES},
};
const struct route_table page_review_widget_routes = ROUTE_TABLE(routes);
