/*
 * What a comparison of a property means. The table in docs/metrics.md is generated from the tests of this file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/plan.h"

#include <math.h>

static bool present(const struct value *value) {
    return value->type != VALUE_ABSENT && value->type != VALUE_NULL && value->type != VALUE_JSON;
}

/* Integers beyond 2^53 never get here (row.h), so comparing a mixed pair as doubles is exact. */
static int compare_numbers(const struct value *a, const struct value *b) {
    if (a->type == VALUE_INT && b->type == VALUE_INT)
        return (a->integer > b->integer) - (a->integer < b->integer);
    double x = a->type == VALUE_INT ? (double)a->integer : a->number;
    double y = b->type == VALUE_INT ? (double)b->integer : b->number;
    return (x > y) - (x < y);
}

static bool is_number(const struct value *value) {
    return value->type == VALUE_INT || value->type == VALUE_NUMBER;
}

/* Sets *order; false if the types do not compare. */
static bool compare(const struct value *a, const struct value *b, int *order) {
    if (is_number(a) && is_number(b))
        *order = compare_numbers(a, b);
    else if (a->type == VALUE_TEXT && b->type == VALUE_TEXT)
        *order = slice_compare(a->text, b->text);
    else if ((a->type == VALUE_TRUE || a->type == VALUE_FALSE) &&
             (b->type == VALUE_TRUE || b->type == VALUE_FALSE))
        *order = (int)a->type - (int)b->type;
    else
        return false;
    return true;
}

static bool contains(const struct value *value, const struct value *wanted) {
    return value->type == VALUE_TEXT && wanted->type == VALUE_TEXT &&
           (wanted->text.n == 0 ||
            memmem(value->text.p, value->text.n, wanted->text.p, wanted->text.n) != NULL);
}

bool predicate_matches(const struct predicate *predicate, const struct value *value) {
    if (!present(value))
        return predicate->op == OP_ABSENT;
    int order = 0;
    switch (predicate->op) {
    case OP_EXISTS: return true;
    case OP_ABSENT: return false;
    case OP_CONTAINS: return contains(value, predicate->values);
    case OP_IN:
        for (uint32_t i = 0; i < predicate->n_values; i++)
            if (compare(value, &predicate->values[i], &order) && order == 0)
                return true;
        return false;
    case OP_NE: return !compare(value, predicate->values, &order) || order != 0;
    case OP_EQ: return compare(value, predicate->values, &order) && order == 0;
    case OP_LT: return compare(value, predicate->values, &order) && order < 0;
    case OP_LE: return compare(value, predicate->values, &order) && order <= 0;
    case OP_GT: return compare(value, predicate->values, &order) && order > 0;
    case OP_GE: return compare(value, predicate->values, &order) && order >= 0;
    default: return false;
    }
}

bool matcher_is_open(const struct matcher *matcher) {
    return !matcher->n_events && !matcher->n_touchpoints && !matcher->n_channels &&
           !matcher->n_units && !matcher->n_where;
}

bool matcher_takes_all(const struct matcher *matcher) {
    return matcher_is_open(matcher) && !matcher->skips_system;
}

struct value number_value(double number) {
    if (isnan(number))
        return (struct value){.type = VALUE_ABSENT};
    return (struct value){.type = VALUE_NUMBER, .number = number};
}

bool week_hours_hold(const struct week_hours *when, const struct zone *zone, int64_t utc_s) {
    if (!when->wanted)
        return true;
    int64_t local_s = utc_s + zone_offset_s(zone, utc_s),
            second = (local_s % DAY_S + DAY_S) % DAY_S;
    int64_t weekday = (((local_s - second) / DAY_S + 3) % 7 + 7) % 7; /* 1970 began on a Thursday */
    return (when->weekdays >> weekday & 1) && (when->hours >> (second / 3600) & 1);
}
