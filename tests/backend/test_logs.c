/*
 * Real event logs against answers that two independent programs computed (shared/data/pm4py_logs, shared/reference/m07_*):
 * cases, variants, directly-follows counts and times, start and end activities, lengths of cases.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "world.h"

#define LOGS SHARED_DIR "/data/pm4py_logs/"
#define CSV_MAP                                                                                    \
    "{\"customer\":\"case:concept:name\",\"time\":\"time:timestamp\",\"event\":\"concept:name\","  \
    "\"properties\":\"*\"}"

static json_t *expected_logs(void) {
    json_t *expected = json_load_file(LOGS "expected_pm4py_2.7.11.json", 0, NULL);
    if (!expected) {
        print_message("shared/data is absent: logs skipped\n");
        skip();
    }
    return expected;
}

static void close_to(double actual, double expected, const char *what) {
    if (fabs(actual - expected) > 1e-3)
        fail_msg("%s: %.6f, not %.6f", what, actual, expected);
}

static void check_ends(const json_t *flow, const json_t *expected, const char *member) {
    const json_t *nodes = at(flow, "data.nodes");
    size_t with = 0;
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);
        long long n = int_at(node, member);
        const json_t *wanted =
            json_object_get(expected, json_string_value(json_object_get(node, "name")));
        assert_int_equal(n, wanted ? json_integer_value(wanted) : 0);
        with += n > 0;
    }
    assert_int_equal(with, json_object_size(expected));
}

static void check_lengths(const json_t *variants, const json_t *expected) {
    static const char *const members[] = {"mean", "median", "min", "max"};
    for (size_t i = 0; i < 4; i++) {
        char ours[64];
        snprintf(ours, sizeof ours, "data.%s_s", members[i]);
        close_to(number_at(variants, ours), number_at(expected, members[i]), members[i]);
    }
}

/* lengths: whether the table's lengths of cases are elapsed time; else it took wall clocks across a change to summer. */
static void check_log(const json_t *all, const char *name, const char *map, bool lengths) {
    char path[512];
    const json_t *expected = json_object_get(all, name);
    struct world world;
    assert_non_null(expected);
    world_open(&world, "UTC");
    snprintf(path, sizeof path, LOGS "%s", name);
    assert_int_equal(world_import(&world, path, map), int_at(expected, "events"));
    assert_int_equal(world_import(&world, path, map), 0); /* importing again adds nothing */
    json_t *flow = world_ask(&world, "{\"kind\":\"flow\"}");
    json_t *variants = world_ask(&world, "{\"kind\":\"variants\",\"top\":3}");
    assert_int_equal(int_at(flow, "meta.cases"), int_at(expected, "cases"));
    assert_int_equal(int_at(flow, "meta.interactions"), int_at(expected, "events"));
    assert_int_equal(json_array_size(at(flow, "data.nodes")), int_at(expected, "activities"));
    assert_int_equal(json_array_size(at(flow, "data.edges")), int_at(expected, "dfg_edges"));
    long long total = 0;
    for (size_t i = 0; i < json_array_size(at(flow, "data.edges")); i++)
        total += int_at(json_array_get(at(flow, "data.edges"), i), "count");
    assert_int_equal(total, int_at(expected, "dfg_total"));
    check_ends(flow, json_object_get(expected, "start"), "starts");
    check_ends(flow, json_object_get(expected, "end"), "ends");
    assert_int_equal(int_at(variants, "data.total"), int_at(expected, "variants"));
    assert_int_equal(json_array_size(at(variants, "data.variants")), 3);
    if (lengths)
        check_lengths(variants, json_object_get(expected, "case_duration_s"));
    json_decref(flow);
    json_decref(variants);
    world_close(&world);
}

static void logs_have_their_known_answers(void **state) {
    (void)state;
    json_t *expected = expected_logs();
    check_log(expected, "running-example.xes", NULL, true);
    check_log(expected, "roadtraffic100traces.xes", NULL, false);
    check_log(expected, "06_bpic2013_closed.xes.gz", NULL, false);
    check_log(expected, "03_repairExample.xes.gz", NULL, true);
    check_log(expected, "receipt.csv", CSV_MAP, true);
    json_decref(expected);
}

/* The edge of a flow's answer, or NULL. */
static const json_t *edge_of(const json_t *flow, const char *from, const char *to) {
    const json_t *edges = at(flow, "data.edges");
    for (size_t i = 0; i < json_array_size(edges); i++) {
        const json_t *edge = json_array_get(edges, i);
        if (strcmp(json_string_value(at(edge, "from")), from) == 0 &&
            strcmp(json_string_value(at(edge, "to")), to) == 0)
            return edge;
    }
    return NULL;
}

static FILE *open_table(const char *name, char *line, int size) {
    char path[512];
    snprintf(path, sizeof path, SHARED_DIR "/reference/%s", name);
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("shared/reference is absent: %s skipped\n", name);
        skip();
    }
    assert_non_null(fgets(line, size, file));
    return file;
}

/* from,to,count and from,to,mean,median,… */
static void check_edges(const json_t *flow, const char *counts, const char *times) {
    char line[1024];
    FILE *file = open_table(counts, line, sizeof line);
    int n = 0;
    for (; fgets(line, sizeof line, file); n++) {
        char *rest = line, *from = strsep(&rest, ","), *to = strsep(&rest, ",");
        const json_t *edge = edge_of(flow, from, to);
        assert_non_null(edge);
        assert_int_equal(int_at(edge, "count"), strtoll(rest, NULL, 10));
    }
    fclose(file);
    assert_int_equal(n, json_array_size(at(flow, "data.edges")));
    if (!times)
        return;
    file = open_table(times, line, sizeof line);
    while (fgets(line, sizeof line, file)) {
        char *rest = line, *from = strsep(&rest, ","), *to = strsep(&rest, ","),
             *mean = strsep(&rest, ",");
        const json_t *edge = edge_of(flow, from, to);
        assert_non_null(edge);
        close_to(number_at(edge, "mean_s"), strtod(mean, NULL), "mean");
        close_to(number_at(edge, "median_s"), strtod(rest, NULL), "median");
    }
    fclose(file);
}

static void edges_have_their_known_counts_and_times(void **state) {
    (void)state;
    json_decref(expected_logs());
    struct world world;
    world_open(&world, "UTC");
    world_import(&world, LOGS "running-example.xes", NULL);
    json_t *flow = world_ask(&world, "{\"kind\":\"flow\"}");
    check_edges(flow, "m07_01_running-example_dfg.csv", "m07_01_running-example_perf.csv");
    json_decref(flow);
    world_close(&world);
    world_open(&world, "UTC");
    world_import(&world, LOGS "receipt.csv", CSV_MAP);
    flow = world_ask(&world, "{\"kind\":\"flow\"}");
    check_edges(flow, "m07_08_receipt_dfg.csv",
                NULL); /* its times are of another export of the log */
    json_decref(flow);
    json_t *variants = world_ask(&world, "{\"kind\":\"variants\"}");
    static const long long top[] = {713, 123, 116, 115, 75, 40, 28, 25};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(int_at(json_array_get(at(variants, "data.variants"), i), "cases"), top[i]);
    json_decref(variants);
    world_close(&world);
}

/* The same log with the resource as customer: cases by property give the same graph. */
static void cases_by_property_cross_customers(void **state) {
    (void)state;
    json_decref(expected_logs());
    struct world world;
    world_open(&world, "UTC");
    world_import(&world, LOGS "receipt.csv",
                 "{\"customer\":\"org:resource\",\"time\":\"time:timestamp\",\"event\":\"concept:"
                 "name\",\"properties\":\"*\"}");
    json_t *flow =
        world_ask(&world, "{\"kind\":\"flow\",\"case\":{\"property\":\"case:concept:name\"}}");
    assert_int_equal(int_at(flow, "meta.cases"), 1434);
    assert_int_equal(json_array_size(at(flow, "data.nodes")), 27);
    json_decref(flow);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_have_their_known_answers),
        cmocka_unit_test(edges_have_their_known_counts_and_times),
        cmocka_unit_test(cases_by_property_cross_customers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
