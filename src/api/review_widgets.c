/*
 * /w/reviews/{subject}/…: what the organisation's own pages show of a subject's reviews, for anybody and from any site.
 *
 * data    figures, a page of published reviews, how many were refused and why, the words to show them with
 * jsonld  schema.org: Product, Service, LocalBusiness or Organization with AggregateRating and Review
 * vote    a visitor finds a review helpful or not; visitors are told apart by address and browser, kept as a hash
 *
 * SOURCES  https://schema.org/AggregateRating, https://schema.org/Review; Directive (EU) 2019/2161 (say whether and how
 * reviews are checked); reviews published elsewhere are no part of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "api/review_read.h"

enum { SHOWN = 10, SHOWN_MAX = 50, LD_REVIEWS = 20, LD_BYTES = 1 << 20 };

static const char CACHE[] = "public, max-age=60";

/* ---- what is shown ---- */

struct shown {
    struct review_figures *figures;
    uint64_t *refusals;
    struct review *reviews;
    size_t n;
    const char *next;
};

static int read_filter(struct request *request, struct review_filter *filter, struct err *err) {
    int64_t limit, stars;
    const char *sort = request_query(request, "sort");
    *filter = REVIEW_FILTER_ALL;
    filter->subject = request->params[0];
    filter->state = REVIEW_PUBLISHED;
    filter->own = 1;
    filter->order = sort && sort[0] ? review_order_of(sort) : REVIEWS_HELPFUL;
    filter->cursor = request_query(request, "cursor");
    if (filter->order == REVIEW_ORDERS || filter->order == REVIEWS_SUSPICIOUS)
        return err_at(err, E_INVALID, "/sort",
                      "sort is helpful, newest, oldest, highest or lowest");
    int code = request_query_int(request, "limit", SHOWN, 1, SHOWN_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "stars", 0, 0, 5, &stars, err);
    if (code)
        return code;
    filter->limit = (size_t)limit;
    filter->stars = (int)stars;
    return 0;
}

static int read_shown(struct request *request, const struct review_filter *filter,
                      struct shown *shown, struct err *err) {
    struct folder *folder = app_folder(request->app);
    const char *name = filter->subject;
    int code = review_figures_open(folder, name, request->arena, &shown->figures, err);
    if (!code)
        code = review_refusals(folder, name, request->arena, &shown->refusals, err);
    if (!code)
        code = review_list(folder, filter, request->arena, &shown->reviews, &shown->n, &shown->next,
                           err);
    return code;
}

static int data(struct request *request, struct response *response, struct err *err) {
    struct review_filter filter;
    struct shown shown;
    int code = request_slow_down(request, response, "widget", 0.2, err);
    if (!code)
        code = read_filter(request, &filter, err);
    if (!code)
        code = read_shown(request, &filter, &shown, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < shown.n; i++)
        json_array_append_new(rows, review_public_json(&shown.reviews[i]));
    json_t *json = json_pack("{s:o, s:o, s:o, s:s, s:i}", "subject",
                             review_figures_json(shown.figures, shown.refusals, true), "data", rows,
                             "next", shown.next ? json_string(shown.next) : json_null(), "sort",
                             review_order_name(filter.order), "stars", filter.stars);
    response_header(request, response, "Cache-Control", CACHE);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- schema.org ---- */

static const char *const types[SUBJECT_KINDS] = {[SUBJECT_PRODUCT] = "Product",
                                                 [SUBJECT_SERVICE] = "Service",
                                                 [SUBJECT_UNIT] = "LocalBusiness",
                                                 [SUBJECT_ORGANISATION] = "Organization"};

/* "4.3": at most two decimals, whatever the language. */
static json_t *rating_value(double value) { return json_real(round(value * 100) / 100); }

static json_t *ld_review(const struct review *review, const char *nobody) {
    json_t *json = json_pack(
        "{s:s, s:{s:s, s:s}, s:o, s:{s:s, s:o, s:i, s:i}}", "@type", "Review", "author", "@type",
        "Person", "name", review->author[0] ? review->author : nobody, "datePublished",
        api_instant(review->created_ms), "reviewRating", "@type", "Rating", "ratingValue",
        rating_value(review->stars), "bestRating", 5, "worstRating", 1);
    if (review->title[0])
        json_object_set_new(json, "name", json_string(review->title));
    if (review->text[0])
        json_object_set_new(json, "reviewBody", json_string(review->text));
    if (review->language[0])
        json_object_set_new(json, "inLanguage", json_string(review->language));
    return json;
}

static json_t *ld_of(const struct request *request, const struct shown *shown) {
    const struct review_figures *figures = shown->figures;
    const char *nobody = strcmp(request->language, "es") == 0 ? "Anónimo" : "Anonymous";
    json_t *json = json_pack("{s:s, s:s, s:s}", "@context", "https://schema.org", "@type",
                             types[figures->subject.kind], "name", figures->subject.title);
    if (figures->subject.kind == SUBJECT_PRODUCT)
        json_object_set_new(json, "sku", json_string(figures->subject.name));
    if (figures->subject.url[0])
        json_object_set_new(json, "url", json_string(figures->subject.url));
    if (figures->n > 0)
        json_object_set_new(json, "aggregateRating",
                            json_pack("{s:s, s:o, s:i, s:i, s:I, s:I}", "@type", "AggregateRating",
                                      "ratingValue", rating_value(figures->mean), "bestRating", 5,
                                      "worstRating", 1, "ratingCount", (json_int_t)figures->n,
                                      "reviewCount", (json_int_t)figures->n));
    json_t *list = json_array();
    for (size_t i = 0; i < shown->n; i++)
        json_array_append_new(list, ld_review(&shown->reviews[i], nobody));
    if (shown->n)
        json_object_set(json, "review", list);
    json_decref(list);
    return json;
}

/* Servers put it into their pages as it is. */
static int jsonld(struct request *request, struct response *response, struct err *err) {
    struct review_filter filter = REVIEW_FILTER_ALL;
    struct shown shown;
    filter.subject = request->params[0];
    filter.state = REVIEW_PUBLISHED;
    filter.own = 1;
    filter.order = REVIEWS_HELPFUL;
    filter.limit = LD_REVIEWS;
    int code = request_slow_down(request, response, "widget", 0.2, err);
    if (!code)
        code = read_shown(request, &filter, &shown, err);
    if (code)
        return code;
    json_t *json = ld_of(request, &shown);
    response_header(request, response, "Cache-Control", CACHE);
    response->type = "application/ld+json";
    buf_init(&response->body, LD_BYTES);
    json_print_in_script(json, &response->body);
    json_decref(json);
    return HANDLED;
}

/* ---- votes ---- */

/* {"helpful": true, false or null}, or the field `helpful` of a form: 1, 0 or empty. */
static int read_vote(struct request *request, bool *form, int *vote, struct err *err) {
    const char *field = request_form(request, "helpful");
    json_t *body;
    *form = field != NULL;
    if (field) {
        *vote = field[0] == '1' ? 1 : field[0] == '0' ? 0 : -1;
        return 0;
    }
    int code = request_json(request, &body, err);
    if (code)
        return code;
    const json_t *helpful = json_object_get(body, "helpful");
    if (!json_is_boolean(helpful) && !json_is_null(helpful))
        code = err_at(err, E_INVALID, "/helpful", "helpful is true, false or null");
    *vote = json_is_null(helpful) ? -1 : json_is_true(helpful);
    json_decref(body);
    return code;
}

static int vote(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    unsigned char visitor[REVIEW_DEVICE_BYTES];
    struct review review;
    bool changed, form;
    int helpful;
    uint64_t id;
    int code = api_number(request->params[1], &id, err);
    if (!code)
        code = request_slow_down(request, response, "vote", 2, err);
    if (!code)
        code = read_vote(request, &form, &helpful, err);
    if (!code)
        code = review_find(folder, id, request->arena, &review, err);
    if (!code && strcmp(review.subject, request->params[0]) != 0)
        code = err_set(err, E_NOT_FOUND, "no such review");
    if (code)
        return code;
    review_visitor(folder, id, request->peer, request_header(request, "User-Agent"), visitor);
    code = review_vote(folder, id, (struct slice){(const char *)visitor, sizeof visitor}, helpful,
                       &changed, err);
    if (!code)
        code = review_find(folder, id, request->arena, &review, err);
    if (code)
        return code;
    if (form) {
        const char *path = request->target;
        size_t n = strlen(path) - strlen(strrchr(path, '/')); /* without /vote */
        while (n && path[n - 1] != '/')
            n--; /* without the id */
        response_redirect(
            request, response,
            arena_format(request->arena, "%.*s#r%llu", (int)n - 1, path, (unsigned long long)id));
        return HANDLED;
    }
    json_t *json = json_pack("{s:I, s:I, s:b}", "helpful", (json_int_t)review.helpful, "unhelpful",
                             (json_int_t)review.unhelpful, "changed", changed);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/w/reviews/{subject}/data", .handle = data, .cross_origin = true,
     .summary = "Published reviews of a subject with its figures, for anybody: ?sort= &stars= "
                "&limit= &cursor="},
    {METHOD_GET, "/w/reviews/{subject}/jsonld", .handle = jsonld, .cross_origin = true,
     .summary = "The same as schema.org JSON-LD"},
    {METHOD_POST, "/w/reviews/{subject}/{id}/vote", .handle = vote, .cross_origin = true,
     .summary = "A visitor's vote: {\"helpful\": true, false or null}"},
};
const struct route_table api_review_widget_routes = ROUTE_TABLE(routes);
