/*
 * Filters of templates: what {{value|filter:word}} may do to a value. One row of a table each.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_TEMPLATE_FILTER_H
#define SENDA_PAGES_TEMPLATE_FILTER_H

#include "pages/template.h"

enum { TEMPLATE_VALUE_BYTES = 4096 };

/* A value of the view, or a text that a filter made of it. */
struct template_value {
    const json_t *json; /* NULL: absent */
    bool is_text;
    bool as_json; /* printed as JSON, however long */
    size_t text_n;
    char text[TEMPLATE_VALUE_BYTES]; /* cut beyond */
};

/* Applies "name" or "name:word"; an unknown filter leaves the value. */
void template_filter(const struct template_world *world, struct slice filter,
                     struct template_value *value);
/* Makes it text if it is none yet. */
void template_value_text(struct template_value *value);
double template_value_number(const struct template_value *value); /* 0 if it is none */

#endif
