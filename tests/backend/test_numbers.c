/*
 * Estimates of customers: kept over a restart, replaced while somebody reads, refused when damaged; rules over them mean the same to
 * both backends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "world.h"

#include <fcntl.h>
#include <unistd.h>

#include "number/number.h"

static struct world world;

static int open_world(void **state) {
    (void)state;
    world_open(&world, "UTC");
    world_track(&world, "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u1\"}\n"
                        "{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u2\"}\n"
                        "{\"type\":\"track\",\"event\":\"B\",\"userId\":\"u3\"}\n"
                        "{\"type\":\"track\",\"event\":\"B\",\"userId\":\"u4\"}\n");
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

/* u1 … u3 are worth these; of u4 nothing is known. */
static void put(float first, float second, float third) {
    float clv[] = {NAN, first, second, third, NAN}, churn[] = {NAN, 0.5F, NAN, NAN, NAN};
    struct numbers_draft draft = {.n = 5, .made_ms = 1000, .report = slice_of("{\"n\":3}")};
    struct err err = {0};
    draft.columns[NUMBER_CLV] = clv;
    draft.columns[NUMBER_CHURN] = churn;
    assert_int_equal(numbers_replace(world.folder, &draft, &err), 0);
}

static void reopen(void) {
    struct err err = {0};
    folder_close(world.folder);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
}

static void kept_and_replaced(void **state) {
    (void)state;
    struct numbers *before, *after;
    struct err err = {0};
    assert_int_equal(numbers_get(world.folder, &before, &err), 0);
    assert_null(before);
    put(1, 2, 3);
    assert_int_equal(numbers_get(world.folder, &before, &err), 0);
    put(4, 5, 6);
    assert_int_equal(numbers_get(world.folder, &after, &err), 0);
    assert_true(numbers_of(before, NUMBER_CLV, 2) == 2); /* who reads keeps reading the same */
    assert_true(numbers_of(after, NUMBER_CLV, 2) == 5);
    numbers_put(before);
    numbers_put(after);
    reopen();
    assert_int_equal(numbers_get(world.folder, &after, &err), 0);
    assert_true(numbers_of(after, NUMBER_CLV, 3) == 6);
    assert_true(isnan(numbers_of(after, NUMBER_CLV, 4)));
    assert_true(isnan(numbers_of(after, NUMBER_CLV, 5000)));
    assert_true(isnan(numbers_of(after, NUMBER_HEALTH, 1)));
    assert_true(slice_is(numbers_report(after), "{\"n\":3}"));
    assert_int_equal(numbers_made_ms(after), 1000);
    numbers_put(after);
}

/* A damaged file is as none: the next run makes it again. */
static void damage_is_noticed(void **state) {
    (void)state;
    struct numbers *numbers;
    struct err err = {0};
    char path[512];
    put(1, 2, 3);
    snprintf(path, sizeof path, "%s/numbers.bin", world.dir);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 100), 1);
    close(fd);
    reopen();
    assert_int_equal(numbers_get(world.folder, &numbers, &err), 0);
    assert_null(numbers);
    put(1, 2, 3);
    assert_int_equal(numbers_get(world.folder, &numbers, &err), 0);
    assert_non_null(numbers);
    numbers_put(numbers);
}

static size_t faults_found(bool repair) {
    struct buf findings;
    buf_init(&findings, 1000);
    numbers_verify(world.folder, repair, &findings);
    size_t n = findings.n;
    buf_release(&findings);
    return n;
}

/* A byte that changed while the file is in use is found by verifying, and not used from then on. */
static void verifying_finds_damage(void **state) {
    (void)state;
    struct numbers *numbers;
    struct err err = {0};
    char path[512];
    put(1, 2, 3);
    assert_int_equal(faults_found(false), 0);
    snprintf(path, sizeof path, "%s/numbers.bin", world.dir);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 100), 1);
    close(fd);
    assert_true(faults_found(false) > 0);
    assert_int_equal(numbers_get(world.folder, &numbers, &err), 0);
    assert_null(numbers);
    assert_true(faults_found(true) > 0);
    assert_int_equal(faults_found(false), 0);
    assert_int_equal(access(path, F_OK), -1);
    put(1, 2, 3);
    assert_int_equal(numbers_get(world.folder, &numbers, &err), 0);
    assert_non_null(numbers);
    numbers_put(numbers);
}

static long long count_of(const char *rule, enum backend backend) {
    char query[512];
    struct err err = {0};
    json_t *answer;
    const struct principal owner = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    snprintf(query, sizeof query, "{\"kind\":\"customers\",\"of\":%s}", rule);
    json_t *json = json_loads(query, 0, NULL);
    if (query_run(world.folder, backend, json, &owner, NULL, &answer, &err))
        fail_msg("%s: %s %s", query, err.pointer, err.message);
    long long count = int_at(answer, "data.count");
    json_decref(answer);
    json_decref(json);
    return count;
}

static void rules_over_estimates(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        long long count;
    } cases[] = {
        {"{\"value\":{\"of\":\"clv\",\"op\":\">=\",\"value\":20}}", 2},
        {"{\"value\":{\"of\":\"clv\",\"op\":\"<\",\"value\":20}}", 1},
        {"{\"value\":{\"of\":\"clv\",\"op\":\"!=\",\"value\":10}}", 2},
        {"{\"value\":{\"of\":\"clv\",\"op\":\"in\",\"value\":[10,30]}}", 2},
        {"{\"value\":{\"of\":\"clv\",\"op\":\"absent\"}}", 1},
        {"{\"value\":{\"of\":\"clv\",\"op\":\"exists\"}}", 3},
        {"{\"value\":{\"of\":\"health\",\"op\":\"absent\"}}", 4},
        {"{\"not\":{\"value\":{\"of\":\"churn\",\"op\":\">\",\"value\":0.4}}}", 3},
        {"{\"all\":[{\"did\":{\"event\":\"B\"}},{\"value\":{\"of\":\"clv\",\"op\":\">\","
         "\"value\":1}}]}",
         1},
        {"{\"any\":[{\"did\":{\"event\":\"B\"}},{\"value\":{\"of\":\"clv\",\"op\":\">\","
         "\"value\":15}}]}",
         3},
    };
    assert_int_equal(count_of(cases[0].rule, BACKEND_LOCAL), 0); /* nothing was estimated yet */
    assert_int_equal(count_of(cases[0].rule, BACKEND_REFERENCE), 0);
    put(10, 20, 30);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int backend = BACKEND_LOCAL; backend <= BACKEND_REFERENCE; backend++)
            if (count_of(cases[i].rule, (enum backend)backend) != cases[i].count)
                fail_msg("%s by backend %d", cases[i].rule, backend);
}

static void refused(const char *rule, const struct principal *principal, int code,
                    const char *pointer) {
    char query[512];
    struct err err = {0};
    json_t *answer;
    snprintf(query, sizeof query, "{\"kind\":\"customers\",\"of\":%s}", rule);
    assert_int_equal(world_try(&world, query, principal, &answer, &err), code);
    assert_string_equal(err.pointer, pointer);
}

static void rules_that_cannot_be(void **state) {
    (void)state;
    refused("{\"value\":\"clv\",\"op\":\">\"}", NULL, E_INVALID, "/of/value");
    refused("{\"value\":{\"of\":\"wealth\",\"op\":\">\",\"value\":1}}", NULL, E_INVALID,
            "/of/value/of");
    refused("{\"value\":{\"of\":\"clv\",\"op\":\">\",\"value\":\"much\"}}", NULL, E_INVALID,
            "/of/value/value");
    refused("{\"value\":{\"op\":\">\",\"value\":1}}", NULL, E_INVALID, "/of/value");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_and_replaced, open_world, close_world),
        cmocka_unit_test_setup_teardown(damage_is_noticed, open_world, close_world),
        cmocka_unit_test_setup_teardown(verifying_finds_damage, open_world, close_world),
        cmocka_unit_test_setup_teardown(rules_over_estimates, open_world, close_world),
        cmocka_unit_test_setup_teardown(rules_that_cannot_be, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
