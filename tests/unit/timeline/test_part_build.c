/*
 * Parts built from rows: the same rows in the plain order, whatever the shape of the data.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "part_fixture.h"

#include <dirent.h>

#include "base/limits.h"
#include "timeline/part_file.h"
#include "timeline/part_internal.h"

static void build_and_compare(uint32_t n, struct fixture_shape shape) {
    struct fixture fixture = fixture_new(n, shape);
    for (uint32_t i = n; i > 1; i--) { /* rows come in any order */
        uint32_t j = fixture_below(i);
        struct row row = fixture.rows[j];
        fixture.rows[j] = fixture.rows[i - 1];
        fixture.rows[i - 1] = row;
    }
    struct part *part;
    struct err err;
    assert_int_equal(part_build(&part, PART_INTERACTIONS, fixture.rows, n, &err), 0);
    fixture_assert_part(part, fixture.rows, n);
    assert_int_equal(part_touch(part, COLUMN_ALL, NULL, 0, &err), 0);
    part_free(part);
    fixture_release(&fixture);
}

static void random_histories(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        fixture_state = round;
        struct fixture_shape shape = {.customers = 1 + fixture_below(300),
                                      .from_ms = (int64_t)fixture_below(1000000) * 1000,
                                      .properties = fixture_below(6),
                                      .distinct = 1 + fixture_below(round % 2 ? 600 : 20),
                                      .equal_instants = round % 3 == 0,
                                      .first_seq = 1 + fixture_random() % 1000000000000};
        shape.to_ms =
            shape.from_ms + 1000 + (int64_t)fixture_below(UINT32_MAX) * (round % 5 ? 1 : 100);
        build_and_compare(fixture_below(3000), shape);
    }
}

static void widest_spans(void **state) {
    (void)state;
    build_and_compare(2000, (struct fixture_shape){.customers = UINT32_MAX - 1,
                                                   .to_ms = INT64_C(4294967295) * 1000,
                                                   .first_seq = 1});
}

static void nothing(void **state) {
    (void)state;
    build_and_compare(0, (struct fixture_shape){.customers = 1, .to_ms = 1000});
    struct part *part;
    struct err err;
    assert_int_equal(part_build(&part, PART_TRAITS, NULL, 0, &err), 0);
    assert_int_equal(part_customer_find(part, 1), 0);
    part_free(part);
}

static void one_customer_with_100_000(void **state) {
    (void)state;
    build_and_compare(100000, (struct fixture_shape){.customers = 1,
                                                     .to_ms = 50000, /* many equal instants */
                                                     .properties = 2,
                                                     .distinct = 10,
                                                     .first_seq = 1});
}

static void a_million_customers_with_one(void **state) {
    (void)state;
    enum { N = 1000000 };
    struct row *rows = calloc(N, sizeof *rows);
    for (uint32_t i = 0; i < N; i++)
        rows[i] = (struct row){
            .seq = i + 1, .time_ms = 1000 + i, .customer = N - i, .event = (uint16_t)(i % 7 + 1)};
    struct part *part;
    struct err err;
    assert_int_equal(part_build(&part, PART_INTERACTIONS, rows, N, &err), 0);
    assert_int_equal(part->n_customers, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(part->customer[i], i + 1);
        assert_int_equal(part->start[i], i);
        assert_int_equal(part->seq_base + part->seq[i], N - i);
    }
    part_free(part);
    free(rows);
}

static void kinds_live_apart(void **state) {
    (void)state;
    struct fixture fixture = fixture_new(1000, (struct fixture_shape){.customers = 40,
                                                                      .to_ms = 1000000,
                                                                      .properties = 3,
                                                                      .distinct = 9,
                                                                      .traits = true,
                                                                      .first_seq = 1});
    for (int kind = PART_INTERACTIONS; kind <= PART_TRAITS; kind++) {
        struct row rows[1000];
        uint32_t n = 0;
        for (uint32_t i = 0; i < fixture.n; i++)
            if (row_is_interaction(fixture.rows[i].type) == (kind == PART_INTERACTIONS))
                rows[n++] = fixture.rows[i];
        assert_true(n > 100 && n < 900);
        struct part *part;
        struct err err;
        assert_int_equal(part_build(&part, (enum part_kind)kind, fixture.rows, fixture.n, &err), 0);
        fixture_assert_part(part, rows, n);
        part_free(part);
    }
    fixture_release(&fixture);
}

/* Rows that each bear one property of their own value. */
static struct part *distinct_values(uint32_t n, struct buf *bytes) {
    struct row *rows = calloc(n, sizeof *rows);
    size_t *at = calloc(n + 1, sizeof *at);
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof text, "session-%08x", i * 2654435761u);
        struct value value = {.type = VALUE_TEXT, .text = slice_of(text)};
        property_add(bytes, 5, &value);
        at[i + 1] = bytes->n;
    }
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct row){.seq = i + 1,
                               .time_ms = 5,
                               .customer = i / 3 + 1,
                               .properties = {bytes->p + at[i], at[i + 1] - at[i]}};
    struct part *part;
    struct err err;
    assert_int_equal(part_build(&part, PART_INTERACTIONS, rows, n, &err), 0);
    for (uint32_t i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof text, "session-%08x", i * 2654435761u);
        struct value value = part_value(part, i, 5);
        assert_int_equal(value.type, VALUE_TEXT);
        assert_true(slice_is(value.text, text));
    }
    free(rows);
    free(at);
    return part;
}

static void dictionary_ends_at_64k_values(void **state) {
    (void)state;
    const uint32_t counts[] = {255, 256, 257, LIMIT_COLUMN_CODES, LIMIT_COLUMN_CODES + 1, 80000};
    const uint8_t code_bytes[] = {1, 1, 2, 2, 0, 0};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct buf bytes;
        buf_init(&bytes, SIZE_MAX / 2);
        struct part *part = distinct_values(counts[i], &bytes);
        assert_int_equal(part->n_columns, 1);
        assert_int_equal(part->columns[0].code_bytes, code_bytes[i]);
        assert_int_equal(part->columns[0].n_values, code_bytes[i] ? counts[i] : 0);
        part_free(part);
        buf_release(&bytes);
    }
}

static void presence_is_found_by_rank(void **state) {
    (void)state;
    for (uint32_t every = 1; every < 200; every = every * 2 + 1) { /* dense and sparse */
        enum { N = 5000 };
        struct row rows[N];
        struct buf bytes;
        buf_init(&bytes, 1000);
        struct value value = {.type = VALUE_INT, .integer = 3};
        property_add(&bytes, 2, &value);
        for (uint32_t i = 0; i < N; i++)
            rows[i] = (struct row){.seq = i + 1,
                                   .customer = 1,
                                   .time_ms = i,
                                   .properties = {bytes.p, i % every == 0 ? bytes.n : 0}};
        struct part *part;
        struct err err;
        assert_int_equal(part_build(&part, PART_INTERACTIONS, rows, N, &err), 0);
        const struct part_column *column = part_column_find(part, 2);
        assert_int_equal(column->bitmap != NULL, every < 29);
        for (uint32_t row = 0; row <= N; row++)
            assert_int_equal(part_column_rank(column, row), (row + every - 1) / every);
        assert_null(part_column_find(part, 1));
        assert_null(part_column_find(part, 3));
        part_free(part);
        buf_release(&bytes);
    }
}

static void twice_in_a_row_the_last_wins(void **state) {
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 1000);
    struct value one = {.type = VALUE_INT, .integer = 1}, two = {.type = VALUE_INT, .integer = 2};
    struct value nested = {.type = VALUE_JSON, .text = SLICE_LITERAL("[1]")};
    property_add(&bytes, 4, &one);
    property_add(&bytes, 4, &two);
    property_add(&bytes, 5, &nested);
    struct row row = {.seq = 9, .customer = 2, .time_ms = 7, .properties = buf_slice(&bytes)};
    struct part *part;
    struct err err;
    assert_int_equal(part_build(&part, PART_INTERACTIONS, &row, 1, &err), 0);
    assert_int_equal(part_value(part, 0, 4).integer, 2);
    assert_int_equal(part_value(part, 0, 5).type, VALUE_ABSENT);
    part_free(part);
    row.type = ROW_TRAITS; /* of a trait it is known that it is nested now */
    assert_int_equal(part_build(&part, PART_TRAITS, &row, 1, &err), 0);
    assert_int_equal(part_value(part, 0, 5).type, VALUE_JSON);
    part_free(part);
    buf_release(&bytes);
}

static void damaged_properties_are_refused(void **state) {
    (void)state;
    struct row row = {.seq = 1, .customer = 1, .properties = SLICE_LITERAL("\x01\x06\x7f")};
    struct part *part = NULL;
    struct err err;
    assert_int_equal(part_build(&part, PART_INTERACTIONS, &row, 1, &err), E_CORRUPT);
    assert_null(part);
}

/* Parts of an older format would be refused at the first byte, and the fuzzer would look at nothing. */
static void the_fuzzers_parts_are_of_this_format(void **state) {
    (void)state;
    static const char folder[] = SOURCE_DIR "/tests/fuzz/corpus/fuzz_part";
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[sizeof folder + sizeof entry->d_name + 1];
        static _Alignas(PART_ALIGN) char bytes[1 << 16];
        struct err err;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        struct part_image image = {.base = bytes, .registered = -1, .fd = -1};
        assert_int_not_equal(fgetc(file), EOF); /* what the target is to do */
        image.bytes = fread(image.base, 1, sizeof bytes, file);
        fclose(file);
        if (image_bind(&image, &err))
            fail_msg("%s: %s", entry->d_name, err.message);
        assert_int_equal(image_check_header(&image, &err), 0);
        image.checked = calloc(image_arrays(image.header->n_columns), 1);
        struct part_body *body = part_over(&image);
        assert_int_equal(part_touch(&body->part, COLUMN_ALL, NULL, 0, &err), 0);
        free(body);
        free((void *)(uintptr_t)image.checked);
        free(image.columns);
        n++;
    }
    closedir(dir);
    assert_true(n >= 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories),
        cmocka_unit_test(widest_spans),
        cmocka_unit_test(nothing),
        cmocka_unit_test(one_customer_with_100_000),
        cmocka_unit_test(a_million_customers_with_one),
        cmocka_unit_test(kinds_live_apart),
        cmocka_unit_test(dictionary_ends_at_64k_values),
        cmocka_unit_test(presence_is_found_by_rank),
        cmocka_unit_test(twice_in_a_row_the_last_wins),
        cmocka_unit_test(damaged_properties_are_refused),
        cmocka_unit_test(the_fuzzers_parts_are_of_this_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
