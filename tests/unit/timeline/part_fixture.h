/*
 * Rows of random histories for tests of the timeline, and a plain model to compare parts with.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_TIMELINE_PART_FIXTURE_H
#define SENDA_TESTS_TIMELINE_PART_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "timeline/timeline.h"

static uint64_t fixture_state = 1;

static inline uint64_t fixture_random(void) {
    uint64_t z = (fixture_state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint32_t fixture_below(uint32_t n) { return (uint32_t)(fixture_random() % n); }

struct fixture_shape {
    uint32_t customers;
    int64_t from_ms, to_ms;
    uint32_t properties; /* codes 1 … this; 0 none */
    uint32_t distinct;   /* values a property takes */
    bool traits;         /* some rows are traits */
    bool equal_instants; /* few distinct times */
    uint64_t first_seq;
};

struct fixture {
    struct row *rows;
    uint32_t n;
    struct buf bytes;
};

static inline struct value fixture_value(uint32_t code, uint32_t distinct, char text[40]) {
    uint32_t which = fixture_below(distinct ? distinct : 1);
    switch ((code + which) % 5) {
    case 0: return (struct value){.type = VALUE_INT, .integer = (int64_t)which - 7};
    case 1: return (struct value){.type = VALUE_NUMBER, .number = which * -0.25};
    case 2: return (struct value){.type = which & 1 ? VALUE_TRUE : VALUE_FALSE};
    default:
        snprintf(text, 40, "value-%u%s", which, which % 7 == 3 ? "-and-a-longer-tail" : "");
        if (which % 11 == 5)
            text[0] = 0;
        return (struct value){.type = VALUE_TEXT, .text = slice_of(text)};
    }
}

static inline struct fixture fixture_new(uint32_t n, struct fixture_shape shape) {
    struct fixture fixture = {.rows = calloc(n ? n : 1, sizeof(struct row)), .n = n};
    size_t *at = calloc(n + 1, sizeof *at);
    buf_init(&fixture.bytes, SIZE_MAX / 2);
    for (uint32_t i = 0; i < n; i++) {
        struct row *row = &fixture.rows[i];
        uint64_t span = (uint64_t)(shape.to_ms - shape.from_ms);
        *row = (struct row){
            .seq = shape.first_seq + i,
            .time_ms =
                shape.from_ms + (int64_t)(shape.equal_instants ? fixture_below(4) * (span / 5)
                                                               : fixture_random() % span),
            .customer = 1 + fixture_below(shape.customers),
            .event = (uint16_t)(1 + fixture_below(9)),
            .channel = (uint16_t)fixture_below(4),
            .source = (uint16_t)fixture_below(3),
            .type = (uint8_t)(shape.traits && fixture_below(3) == 0 ? ROW_TRAITS + fixture_below(2)
                                                                    : fixture_below(3)),
        };
        for (uint32_t code = 1; code <= shape.properties; code++) {
            char text[40];
            if (fixture_below(code * 2) != 0)
                continue;
            struct value value = fixture_value(code, shape.distinct, text);
            property_add(&fixture.bytes, code, &value);
        }
        at[i + 1] = fixture.bytes.n;
    }
    for (uint32_t i = 0; i < n; i++)
        fixture.rows[i].properties =
            (struct slice){buf_slice(&fixture.bytes).p + at[i], at[i + 1] - at[i]};
    free(at);
    return fixture;
}

static inline void fixture_release(struct fixture *fixture) {
    free(fixture->rows);
    buf_release(&fixture->bytes);
}

static inline int fixture_compare(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->customer != y->customer)
        return x->customer < y->customer ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static inline bool fixture_value_equal(const struct value *a, const struct value *b) {
    if (a->type != b->type)
        return false;
    if (a->type == VALUE_TEXT)
        return slice_equal(a->text, b->text);
    if (a->type == VALUE_INT)
        return a->integer == b->integer;
    return a->type != VALUE_NUMBER || memcmp(&a->number, &b->number, sizeof a->number) == 0;
}

/* Row `at` of the part says exactly what `row` says. */
static inline void fixture_assert_row(const struct part *part, uint32_t at, const struct row *row) {
    assert_int_equal(part->sec[at], row->time_ms / 1000);
    assert_int_equal(part->ms[at], row->time_ms % 1000);
    assert_int_equal(part->seq_base + part->seq[at], row->seq);
    assert_int_equal(part->event[at], row->event);
    assert_int_equal(part->channel[at], row->channel);
    assert_int_equal(part->unit[at], row->unit);
    assert_int_equal(part->source[at], row->source);
    assert_int_equal(part->type[at], row->type);
    struct property_cursor cursor = property_cursor(row);
    struct value wanted;
    uint32_t code, found = 0, present = 0;
    while (property_next(&cursor, &code, &wanted)) {
        struct value value = part_value(part, at, code);
        assert_true(fixture_value_equal(&value, &wanted));
        found++;
    }
    for (uint32_t i = 0; i < part->n_columns; i++)
        present += part_value(part, at, part->columns[i].code).type != VALUE_ABSENT;
    assert_int_equal(found, present);
}

/* The part holds exactly these rows (sorted here) in order. */
static inline void fixture_assert_part(const struct part *part, struct row *rows, uint32_t n) {
    qsort(rows, n, sizeof *rows, fixture_compare);
    assert_int_equal(part->n_rows, n);
    uint32_t customers = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || rows[i].customer != rows[i - 1].customer) {
            assert_int_equal(part->customer[customers], rows[i].customer);
            assert_int_equal(part->start[customers], i);
            customers++;
        }
        fixture_assert_row(part, i, &rows[i]);
        assert_in_range(rows[i].time_ms, part->min_ms, part->max_ms);
        assert_in_range(rows[i].seq, part->min_seq, part->max_seq);
    }
    assert_int_equal(part->n_customers, customers);
    assert_int_equal(part->start[customers], n);
}

#endif
