/*
 * Forms: what was asked, as far as answers tell it: the survey, its version, the question's words, the ends of the scale. Where a
 * survey's form changes, its trend breaks: answers on 5 points and on 7, or to other words, are not one series.
 *
 * A survey breaks in a bucket where a form of it, that at least one answer in 20 of its answers there bears, was in none of its
 * buckets before:
 *   scale    its question was asked with other ends of the scale
 *   wording  its question was not asked
 *   version  only the version is another; changes are still compared
 * A bucket in which both the old and the new form were answered is mixed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_FORMS_H
#define SENDA_JOURNEY_FORMS_H

#include "base/map.h"

enum { FORM_SCALE = 1, FORM_WORDING = 2, FORM_VERSION = 4, FORM_MIXED = 8 };

/* Numbers of the values in their tables, 0: none. */
struct form {
    uint32_t bucket, survey, question, version, low, high;
    uint64_t n;
};

struct forms {
    struct form *forms;
    size_t n, capacity;
    struct key_map places;
};
void forms_init(struct forms *forms);
void forms_release(struct forms *forms);
void forms_add(struct forms *forms, struct form form, uint64_t n);
void forms_merge(struct forms *into, const struct forms *from);
/* breaks[buckets]: FORM_… of each. */
void forms_breaks(struct forms *forms, uint8_t *breaks, uint32_t buckets);

#endif
