/*
 * Reviews as pages show them: stars as a width and a text, dates, badges; for the page of people and for the widgets.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_REVIEW_VIEW_H
#define SENDA_PAGES_REVIEW_VIEW_H

#include <jansson.h>

#include "http/http.h"

/* Adds to a review (as the API gives it): stars_width, stars_label. */
void review_row_view(const struct request *request, json_t *row);
/* Adds to figures: average_text, low_text, high_text, stars_width, stars_label, bars ({"stars","n","share","width"}),
 * refusal_list ({"reason","n"}). */
void review_figures_view(const struct request *request, json_t *figures);
/* The answer of /w/reviews/{subject}/data for the templates of widgets: the above, addresses and choices of order. */
void review_widget_view(struct request *request, json_t *view);
/* [{"order","current"}]; new reference. */
json_t *review_order_choices(const char *current, bool suspicious);
/* The tabs of the pages of reviews: view["tabs"]. tab: "list", "queue" or "subjects" (page_reviews.c). */
void review_tabs(const struct request *request, json_t *view, const char *tab);

#endif
