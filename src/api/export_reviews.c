/*
 * The export of reviews: a page of numbers at a time, the oldest first. range: when they were written.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/export_rows.h"
#include "voice/review.h"

enum { PAGE_REVIEWS = 500, JSON_BYTES = 1024 };

enum {
    R_ID,
    R_SUBJECT,
    R_STARS,
    R_TITLE,
    R_TEXT,
    R_AUTHOR,
    R_TIME,
    R_STATE,
    R_REASON,
    R_VERIFIED,
    R_EXPERIENCE,
    R_INVITED,
    R_TIMELY,
    R_MONTHS,
    R_CUSTOMER,
    R_UNIT,
    R_ORIGIN,
    R_SITE,
    R_SUSPICION,
    R_SIGNALS,
    R_REPLY,
    R_HELPFUL,
    R_UNHELPFUL,
    R_COLUMNS
};

static struct slice signals_text(unsigned signals, struct arena *arena) {
    struct buf text;
    buf_init(&text, JSON_BYTES);
    for (unsigned bit = 0; review_signal_name(bit); bit++)
        if (signals & (1U << bit))
            buf_add_format(&text, "%s%s", text.n ? " " : "", review_signal_name(bit));
    struct slice copy = arena_copy(arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

static struct slice yes_no(bool yes) {
    return yes ? SLICE_LITERAL("true") : SLICE_LITERAL("false");
}

static double instant_or_none(int64_t ms) { return ms ? (double)ms : -1; }

static void put(struct export_source *source, const struct review *review,
                struct export_cell *cells, struct arena *arena) {
    struct folder *folder = app_folder(source->request->app);
    char *customer = arena_get(arena, CUSTOMER_ID_BYTES);
    customer_id_format(review->customer, customer);
    memset(cells, 0, R_COLUMNS * sizeof *cells);
    cells[R_ID].number = (double)review->id;
    cells[R_SUBJECT].text = slice_of(review->subject);
    cells[R_STARS].number = review->stars;
    cells[R_TITLE].text = slice_of(review->title);
    cells[R_TEXT].text = slice_of(review->text);
    cells[R_AUTHOR].text = slice_of(review->author);
    cells[R_TIME].number = (double)review->created_ms;
    cells[R_STATE].text = slice_of(review_state_name(review->state));
    cells[R_REASON].text = slice_of(review->reason);
    cells[R_VERIFIED].text = yes_no(review->verified);
    cells[R_EXPERIENCE].number = instant_or_none(review->experience_ms);
    cells[R_INVITED].number = instant_or_none(review->invited_ms);
    if (review->experience_ms)
        cells[R_TIMELY].text = yes_no(review_is_timely(review));
    cells[R_MONTHS].number = review->months;
    if (review->customer)
        cells[R_CUSTOMER].text = slice_of(customer);
    cells[R_UNIT].text = dictionary_name(folder->dictionary, DICTIONARY_UNIT, review->unit);
    cells[R_ORIGIN].text = slice_of(review->origin);
    cells[R_SITE].text = slice_of(review->site);
    cells[R_SUSPICION].number = review->suspicion;
    cells[R_SIGNALS].text = signals_text(review->signals, arena);
    cells[R_REPLY].text = slice_of(review->reply);
    cells[R_HELPFUL].number = (double)review->helpful;
    cells[R_UNHELPFUL].number = (double)review->unhelpful;
}

static int next_reviews(struct export_source *source, struct export_page *page, struct err *err) {
    struct review_filter filter = REVIEW_FILTER_ALL;
    struct review *reviews;
    const char *next;
    filter.principal = &source->request->principal;
    filter.from_ms = source->from_ms;
    filter.to_ms = source->to_ms;
    filter.limit = PAGE_REVIEWS;
    filter.order = REVIEWS_BY_NUMBER;
    filter.cursor = source->position ? arena_format(page->arena, "-%llu_%llu",
                                                    (unsigned long long)source->position,
                                                    (unsigned long long)source->position)
                                     : NULL;
    page->n = 0;
    int more = source->position ? 0 : 1;
    while (more > 0)
        more = review_catch_up(app_folder(source->request->app), err);
    if (more < 0)
        return more;
    int code = review_list(app_folder(source->request->app), &filter, page->arena, &reviews,
                           &page->n, &next, err);
    if (code)
        return code;
    page->cells = ARENA_ARRAY(page->arena, struct export_cell, page->n * R_COLUMNS + 1);
    for (size_t i = 0; i < page->n; i++)
        put(source, &reviews[i], &page->cells[i * R_COLUMNS], page->arena);
    if (page->n)
        source->position = reviews[page->n - 1].id;
    return 0;
}

const struct export_kind export_reviews = {
    .name = "reviews",
    .n_columns = R_COLUMNS,
    .columns =
        {{"id", CELL_NUMBER},           {"subject", CELL_TEXT},       {"stars", CELL_NUMBER},
         {"title", CELL_TEXT},          {"text", CELL_TEXT},          {"author", CELL_TEXT},
         {"time", CELL_TIME},           {"state", CELL_TEXT},         {"reason", CELL_TEXT},
         {"verified", CELL_TEXT},       {"experience_at", CELL_TIME}, {"invited_at", CELL_TIME},
         {"within_30_days", CELL_TEXT}, {"months", CELL_NUMBER},      {"customer", CELL_TEXT},
         {"unit", CELL_TEXT},           {"origin", CELL_TEXT},        {"site", CELL_TEXT},
         {"suspicion", CELL_NUMBER},    {"signals", CELL_TEXT},       {"reply", CELL_TEXT},
         {"helpful", CELL_NUMBER},      {"unhelpful", CELL_NUMBER}},
    .next = next_reviews,
};
