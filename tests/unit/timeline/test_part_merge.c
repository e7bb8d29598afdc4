/*
 * Merging: whatever the split of rows into parts and the order of merging, the result is the plain order.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "part_fixture.h"

#include "timeline/part_merge.h"

enum { MAX_PARTS = 12 };

/* Splits the rows at random over n parts. */
static void split(const struct fixture *fixture, struct part_body **parts, uint32_t n) {
    const struct row **rows = calloc(fixture->n + 1, sizeof *rows);
    uint8_t *where = calloc(fixture->n + 1, 1);
    for (uint32_t i = 0; i < fixture->n; i++)
        where[i] = (uint8_t)fixture_below(n);
    for (uint32_t p = 0; p < n; p++) {
        uint32_t m = 0;
        for (uint32_t i = 0; i < fixture->n; i++)
            if (where[i] == p)
                rows[m++] = &fixture->rows[i];
        struct err err;
        assert_int_equal(
            part_build_range(&parts[p], PART_INTERACTIONS, INT64_MIN, INT64_MAX, rows, m, &err), 0);
    }
    free(rows);
    free(where);
}

static struct part_body *merge(struct part_body **parts, uint32_t n, bool cut, int64_t from,
                               int64_t to) {
    struct part_body *part = NULL;
    struct err err;
    int code = merge_in_memory(&part, PART_INTERACTIONS, from, to, cut, parts, n, &err);
    if (code)
        print_error("%s\n", err.message);
    assert_int_equal(code, 0);
    return part;
}

static struct fixture_shape random_shape(uint32_t round) {
    struct fixture_shape shape = {.customers = 1 + fixture_below(round % 4 ? 200 : 3),
                                  .from_ms = (int64_t)fixture_below(1000000) * 1000,
                                  .properties = fixture_below(7),
                                  .distinct = 1 + fixture_below(round % 2 ? 600 : 20),
                                  .equal_instants = round % 3 == 0,
                                  .first_seq = 1 + fixture_random() % 1000000000000};
    shape.to_ms = shape.from_ms + 1000 + (int64_t)fixture_below(UINT32_MAX);
    return shape;
}

static void any_split_merges_to_the_plain_order(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 80; round++) {
        fixture_state = round;
        struct fixture fixture = fixture_new(fixture_below(4000), random_shape(round));
        struct part_body *parts[MAX_PARTS];
        uint32_t n = 1 + fixture_below(MAX_PARTS);
        split(&fixture, parts, n);
        struct part_body *all = merge(parts, n, false, INT64_MIN, INT64_MAX);
        fixture_assert_part(&all->part, fixture.rows, fixture.n);
        part_release(all);
        while (n > 1) { /* two at a time, in any order */
            uint32_t a = fixture_below(n), b = fixture_below(n - 1);
            b += b >= a;
            struct part_body *pair[] = {parts[a], parts[b]};
            struct part_body *merged = merge(pair, 2, false, INT64_MIN, INT64_MAX);
            part_release(parts[a]);
            part_release(parts[b]);
            parts[a] = merged;
            parts[b] = parts[--n];
            if (a == n)
                parts[b] = merged;
        }
        fixture_assert_part(&parts[0]->part, fixture.rows, fixture.n);
        part_release(parts[0]);
        fixture_release(&fixture);
    }
}

static void a_cut_takes_the_rows_of_its_range(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        fixture_state = 1000 + round;
        struct fixture_shape shape = random_shape(round);
        struct fixture fixture = fixture_new(fixture_below(4000), shape);
        struct part_body *parts[MAX_PARTS];
        uint32_t n = 1 + fixture_below(MAX_PARTS), kept = 0;
        split(&fixture, parts, n);
        uint64_t span = (uint64_t)(shape.to_ms - shape.from_ms);
        int64_t from = shape.from_ms + (int64_t)(fixture_random() % span);
        int64_t to = from + (int64_t)(fixture_random() % span);
        struct row *rows = calloc(fixture.n + 1, sizeof *rows);
        for (uint32_t i = 0; i < fixture.n; i++)
            if (fixture.rows[i].time_ms >= from && fixture.rows[i].time_ms < to)
                rows[kept++] = fixture.rows[i];
        struct part_body *part = merge(parts, n, true, from, to);
        fixture_assert_part(&part->part, rows, kept);
        part_release(part);
        for (uint32_t p = 0; p < n; p++)
            part_release(parts[p]);
        free(rows);
        fixture_release(&fixture);
    }
}

/* More rows than a chunk, one customer over several chunks, and rows cut away between. */
static void larger_than_a_chunk(void **state) {
    (void)state;
    for (int cut = 0; cut < 2; cut++)
        for (uint32_t customers = 1; customers < 100000; customers *= 300) {
            fixture_state = customers;
            struct fixture fixture =
                fixture_new(200000, (struct fixture_shape){.customers = customers,
                                                           .to_ms = INT64_C(1) << 40,
                                                           .properties = 3,
                                                           .distinct = 50,
                                                           .first_seq = 1});
            int64_t from = cut ? INT64_C(1) << 38 : 0,
                    to = cut ? INT64_C(1) << 39 : INT64_C(1) << 41;
            uint32_t kept = 0;
            struct part_body *parts[3];
            split(&fixture, parts, 3);
            for (uint32_t i = 0; i < fixture.n; i++)
                if (fixture.rows[i].time_ms >= from && fixture.rows[i].time_ms < to)
                    fixture.rows[kept++] = fixture.rows[i];
            struct part_body *part = merge(parts, 3, cut, from, to);
            assert_true(kept > 10000);
            fixture_assert_part(&part->part, fixture.rows, kept);
            part_release(part);
            for (int p = 0; p < 3; p++)
                part_release(parts[p]);
            fixture_release(&fixture);
        }
}

/* Dictionaries of disjoint values: 40 k each have one, their union of 80 k has none. */
static void union_beyond_64k_values(void **state) {
    (void)state;
    enum { N = 80000 };
    struct row *rows = calloc(N, sizeof *rows);
    struct buf bytes;
    buf_init(&bytes, SIZE_MAX / 2);
    size_t *at = calloc(N + 1, sizeof *at);
    for (uint32_t i = 0; i < N; i++) {
        char text[32];
        snprintf(text, sizeof text, "%u-%u", i % 77, i);
        struct value value = {.type = VALUE_TEXT, .text = slice_of(text)};
        if (i % 5 == 0)
            value = (struct value){.type = VALUE_INT, .integer = i};
        property_add(&bytes, 3, &value);
        at[i + 1] = bytes.n;
    }
    for (uint32_t i = 0; i < N; i++)
        rows[i] = (struct row){.seq = i + 1,
                               .time_ms = i,
                               .customer = i % 1000 + 1,
                               .properties = {bytes.p + at[i], at[i + 1] - at[i]}};
    struct fixture fixture = {.rows = rows, .n = N, .bytes = bytes};
    struct part_body *parts[3];
    split(&fixture, parts, 3);
    assert_int_equal(parts[0]->part.columns[0].code_bytes, 2);
    struct part_body *part = merge(parts, 3, false, INT64_MIN, INT64_MAX);
    assert_int_equal(part->part.columns[0].code_bytes, 0);
    fixture_assert_part(&part->part, rows, N);
    struct part_body *again[] = {part, parts[0]}; /* without and with a dictionary */
    struct part_body *mixed = merge(again, 2, false, INT64_MIN, INT64_MAX);
    assert_int_equal(mixed->part.n_rows, N + parts[0]->part.n_rows);
    part_release(mixed);
    part_release(part);
    for (int p = 0; p < 3; p++)
        part_release(parts[p]);
    free(at);
    fixture_release(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_merges_to_the_plain_order),
        cmocka_unit_test(a_cut_takes_the_rows_of_its_range),
        cmocka_unit_test(larger_than_a_chunk),
        cmocka_unit_test(union_beyond_64k_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
