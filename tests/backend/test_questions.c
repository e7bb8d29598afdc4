/*
 * Questions on a small world whose answers can be counted by hand: refusals with their pointers, every kind, the customers
 * behind each number, rights by unit, text forms.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "world.h"

static const char HISTORY[] =
    "{\"type\":\"identify\",\"userId\":\"ana\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"traits\":{"
    "\"plan\":\"gold\"}}\n"
    "{\"type\":\"identify\",\"userId\":\"ana\",\"timestamp\":\"2026-01-02T00:00:00Z\",\"traits\":{"
    "\"plan\":\"basic\"}}\n"
    "{\"type\":\"identify\",\"userId\":\"bea\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"traits\":{"
    "\"plan\":\"gold\"}}\n"
    "{\"type\":\"identify\",\"userId\":\"eva\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"traits\":{"
    "\"age\":41}}\n"
    /* ana: search, cart, pay; on the web, in madrid */
    "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Search\",\"messageId\":\"m1\","
    "\"timestamp\":\"2026-01-05T10:00:00Z\",\"properties\":{\"query\":\"red "
    "shoes\",\"deep\":{\"a\":[1]}},\"context\":{\"channel\":\"web\",\"unit\":\"madrid\"}}\n"
    "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Cart\",\"timestamp\":\"2026-01-05T10:10:"
    "00Z\",\"properties\":{\"amount\":30},\"context\":{\"channel\":\"web\",\"unit\":\"madrid\"}}\n"
    "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Pay\",\"timestamp\":\"2026-01-05T10:30:"
    "00Z\",\"properties\":{\"amount\":30.5},\"context\":{\"channel\":\"app\",\"unit\":\"madrid\"}}"
    "\n"
    /* bea: search, cart; a second visit a week later */
    "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Search\",\"timestamp\":\"2026-01-06T10:00:"
    "00Z\",\"context\":{\"channel\":\"store\",\"unit\":\"lima\"}}\n"
    "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Cart\",\"timestamp\":\"2026-01-06T10:20:"
    "00Z\",\"properties\":{\"amount\":\"n/"
    "a\"},\"context\":{\"channel\":\"store\",\"unit\":\"lima\"}}\n"
    "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Search\",\"timestamp\":\"2026-01-13T10:00:"
    "00Z\",\"context\":{\"channel\":\"store\",\"unit\":\"lima\"}}\n"
    /* carl: only a search, without channel and unit; =cmd is what a formula looks like */
    "{\"type\":\"track\",\"userId\":\"carl\",\"event\":\"Search\",\"timestamp\":\"2026-01-07T10:00:"
    "00Z\",\"properties\":{\"query\":\"=cmd\"}}\n";

static struct world world;

static int64_t fixed_now(void) { return INT64_C(1769385600000); } /* 2026-01-26 */

static int open_world(void **state) {
    (void)state;
    clock_inject(fixed_now);
    world_open(&world, "UTC");
    world_track(&world, HISTORY);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    clock_inject(NULL);
    return 0;
}

/* ---- refusals ---- */

static void wrong_questions_get_their_pointer(void **state) {
    (void)state;
    static const struct {
        const char *query, *pointer;
        int code;
    } cases[] = {
        {"[]", "", E_MALFORMED},
        {"{}", "/kind", E_INVALID},
        {"{\"kind\":\"funel\"}", "/kind", E_INVALID},
        {"{\"kind\":\"score\"}", "/metric", E_INVALID},
        {"{\"kind\":\"score\",\"metric\":[\"nps\"]}", "/metric", E_INVALID},
        {"{\"kind\":\"score\",\"metric\":\"text\"}", "/metric", E_INVALID},
        {"{\"kind\":\"score\",\"metric\":\"nps\",\"when\":6}", "/when", E_INVALID},
        {"{\"kind\":\"score\",\"metric\":\"nps\",\"when\":{\"weekdays\":[1,8]}}",
         "/when/weekdays/1", E_INVALID},
        {"{\"kind\":\"answers\",\"metric\":\"nps\",\"when\":{\"hours\":[]}}", "/when/hours",
         E_INVALID},
        {"{\"kind\":\"score\",\"metric\":\"nps\",\"every\":\"year\"}", "/every", E_INVALID},
        {"{\"kind\":\"score\",\"metric\":\"nps\",\"survey\":[]}", "/survey", E_INVALID},
        {"{\"kind\":\"conformance\"}", "/kind", E_INVALID},
        {"{\"kind\":\"trend\",\"colour\":1}", "/colour", E_INVALID},
        {"{\"kind\":\"trend\",\"of\":{\"event\":\"Serch\"}}", "/of/event", E_INVALID},
        {"{\"kind\":\"trend\",\"channel\":[\"web\",\"fax\"]}", "/channel/1", E_INVALID},
        {"{\"kind\":\"trend\",\"unit\":\"atlantis\"}", "/unit", E_INVALID},
        {"{\"kind\":\"trend\",\"where\":[{\"property\":\"nope\",\"op\":\"exists\"}]}",
         "/where/0/property", E_INVALID},
        {"{\"kind\":\"trend\",\"where\":[{\"property\":\"amount\",\"op\":\"~\",\"value\":1}]}",
         "/where/0/op", E_INVALID},
        {"{\"kind\":\"trend\",\"where\":[{\"property\":\"amount\",\"op\":\">\",\"value\":true}]}",
         "/where/0/value", E_INVALID},
        {"{\"kind\":\"trend\",\"where\":[{\"property\":\"amount\",\"op\":\"=\"}]}", "/where/0",
         E_INVALID},
        {"{\"kind\":\"trend\",\"range\":{\"from\":\"2026-02-01\",\"to\":\"2026-01-01\"}}", "/range",
         E_INVALID},
        {"{\"kind\":\"trend\",\"range\":{\"from\":\"2026-13-01\"}}", "/range/from", E_INVALID},
        {"{\"kind\":\"trend\",\"range\":{\"from\":\"1066-01-01\"}}", "/range/from", E_INVALID},
        {"{\"kind\":\"trend\",\"measure\":\"sum\"}", "/measure", E_INVALID},
        {"{\"kind\":\"trend\",\"every\":\"fortnight\"}", "/every", E_INVALID},
        {"{\"kind\":\"trend\",\"segment\":\"vip\"}", "/segment", E_INVALID},
        {"{\"kind\":\"trend\",\"by\":\"segmnt\"}", "/by", E_INVALID},
        {"{\"kind\":\"trend\",\"every\":\"hour\",\"range\":{\"from\":\"1970-01-01\",\"to\":\"2100-"
         "01-01\"}}",
         "/every", E_INVALID},
        {"{\"kind\":\"funnel\"}", "/steps", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[]}", "/steps", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{\"event\":\"Cart\"}]}", "/steps", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{\"event\":\"Cart\"},{\"event\":[]}]}", "/steps/1/event",
         E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{\"station\":\"pay\"},{}]}", "/steps/0/station",
         E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{},{}],\"window\":\"0d\"}", "/window", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{},{}],\"window\":\"900000d\"}", "/window", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{},{}],\"window\":7}", "/window", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{},{}],\"exclude\":[{\"event\":\"Pay\",\"after_step\":2,"
         "\"before_step\":1}]}",
         "/exclude/0", E_INVALID},
        {"{\"kind\":\"funnel\",\"steps\":[{},{}],\"people\":{\"step\":3}}", "/people/step",
         E_INVALID},
        {"{\"kind\":\"flow\",\"level\":\"station\"}", "/level", E_INVALID},
        {"{\"kind\":\"flow\",\"case\":{\"journey\":\"x\"}}", "/case", E_INVALID},
        {"{\"kind\":\"flow\",\"min_share\":7}", "/min_share", E_INVALID},
        {"{\"kind\":\"flow\",\"by\":\"colour\"}", "/by", E_INVALID},
        {"{\"kind\":\"flow\",\"people\":{\"node\":\"Cart\",\"by\":\"web\"}}", "/people/by",
         E_INVALID},
        {"{\"kind\":\"variants\",\"by\":\"channel\",\"people\":{\"path\":[\"Search\"],\"by\":"
         "\"fax\"}}",
         "/people/by", E_INVALID},
        {"{\"kind\":\"paths\"}", "/start", E_INVALID},
        {"{\"kind\":\"retention\",\"every\":\"hour\"}", "/every", E_INVALID},
        {"{\"kind\":\"customers\"}", "/of", E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"did\":{},\"times\":\"often\"}}", "/of/times",
         E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"did\":{},\"within\":\"1d\",\"range\":{}}}", "/of/range",
         E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"all\":[]}}", "/of/all", E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"any\":[{\"in\":\"vip\"}]}}", "/of/any/0/in", E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"answered\":{}}}", "/of/answered", E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"answered\":{\"metric\":7}}}", "/of/answered/metric",
         E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"sequence\":[{}]}}", "/of/sequence", E_INVALID},
        {"{\"kind\":\"customers\",\"of\":{\"sequence\":[{},{}],\"never\":{}}}", "/of/never",
         E_INVALID},
        {"{\"kind\":\"timeline\",\"customer\":\"ana\",\"before\":\"soon\"}", "/before", E_INVALID},
        {"{\"kind\":\"timeline\",\"customer\":\"ana\",\"limit\":0}", "/limit", E_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        json_t *answer;
        int code = world_try(&world, cases[i].query, NULL, &answer, &err);
        if (code != cases[i].code || strcmp(err.pointer, cases[i].pointer) != 0 || !err.message[0])
            fail_msg("%s: %d at \"%s\" %s", cases[i].query, code, err.pointer, err.message);
    }
    struct err err = {0};
    json_t *answer;
    assert_int_equal(
        world_try(&world, "{\"kind\":\"trend\",\"of\":{\"event\":\"Serch\"}}", NULL, &answer, &err),
        E_INVALID);
    assert_string_equal(err.hint, "Did you mean \"Search\"?");
    assert_int_equal(
        world_try(&world, "{\"kind\":\"timeline\",\"customer\":\"nobody\"}", NULL, &answer, &err),
        E_NOT_FOUND);
}

/* ---- cases by a value ---- */

static void parts_of_the_cases_are_not_for_all(void **state) {
    (void)state;
    const struct principal viewer = {.user = 3, .scopes = SCOPE_QUERY, .floor = 2};
    struct err err = {0};
    json_t *answer = NULL;
    assert_int_equal(world_try(&world, "{\"kind\":\"flow\"}", &viewer, &answer, &err), 0);
    json_decref(answer);
    assert_int_equal(
        world_try(&world, "{\"kind\":\"flow\",\"by\":\"channel\"}", &viewer, &answer, &err),
        E_FORBIDDEN);
    assert_string_equal(err.pointer, "/by");
}

/* Fewer than the floor are not told, the floor itself is. */
static void the_floor_is_what_may_be_told(void **state) {
    (void)state;
    static const char QUERY[] =
        "{\"kind\":\"trend\",\"measure\":\"customers\",\"every\":\"month\"}";
    struct principal viewer = {.user = 3, .scopes = SCOPE_QUERY, .floor = 3};
    struct err err = {0};
    json_t *answer = NULL;
    assert_int_equal(world_try(&world, QUERY, &viewer, &answer, &err), 0);
    assert_int_equal(int_at(answer, "data.0.value"), 3);
    json_decref(answer);
    viewer.floor = 4;
    assert_int_equal(world_try(&world, QUERY, &viewer, &answer, &err), 0);
    assert_int_equal(json_array_size(at(answer, "data")), 0);
    assert_int_equal(int_at(answer, "meta.suppressed"), 1);
    json_decref(answer);
}

static const json_t *row_of(const json_t *rows, const char *by, const char *member,
                            const char *value) {
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        const char *text = json_string_value(json_object_get(row, "by"));
        bool same = by ? text && strcmp(text, by) == 0 : json_is_null(json_object_get(row, "by"));
        if (same &&
            (!member || strcmp(json_string_value(json_object_get(row, member)), value) == 0))
            return row;
    }
    return NULL;
}

/* A case is of the value that its first interaction bears: ana begins on the web and pays in the app. */
static void cases_are_told_apart_by_their_first_interaction(void **state) {
    (void)state;
    json_t *answer = world_ask(&world, "{\"kind\":\"flow\",\"by\":\"channel\"}");
    const json_t *nodes = at(answer, "data.nodes"), *groups = at(answer, "data.groups");
    assert_int_equal(json_array_size(groups), 3);
    assert_int_equal(int_at(row_of(nodes, "web", "name", "Pay"), "count"), 1);
    assert_null(row_of(nodes, "app", NULL, NULL));
    assert_int_equal(int_at(row_of(nodes, "store", "name", "Search"), "count"), 2);
    assert_int_equal(int_at(row_of(nodes, NULL, "name", "Search"), "count"), 1);
    assert_int_equal(int_at(row_of(groups, "store", NULL, NULL), "cases"), 1);
    assert_int_equal(int_at(answer, "meta.cases"), 3);
    const json_t *edge = row_of(at(answer, "data.edges"), "web", "to", "Pay");
    assert_int_equal(int_at(edge, "count"), 1);
    assert_true(number_at(edge, "median_s") == 1200);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"flow\",\"by\":\"channel\",\"limit\":1}");
    assert_int_equal(int_at(row_of(at(answer, "data.groups"), "(other)", NULL, NULL), "cases"), 2);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"variants\",\"by\":{\"trait\":\"plan\"},"
                               "\"case\":\"session\"}");
    assert_int_equal(int_at(answer, "data.total"), 4); /* gold has two, basic and null one each */
    const json_t *gold = row_of(at(answer, "data.groups"), "gold", NULL, NULL);
    assert_int_equal(int_at(gold, "cases"), 2);
    assert_int_equal(int_at(gold, "total"), 2);
    assert_true(number_at(row_of(at(answer, "data.variants"), "gold", NULL, NULL), "share") == 0.5);
    json_decref(answer);
}

/* ---- kinds ---- */

static void timeline_is_the_reverse_of_the_order(void **state) {
    (void)state;
    json_t *answer = world_ask(&world, "{\"kind\":\"timeline\",\"customer\":\"ana\",\"limit\":2}");
    assert_int_equal(json_array_size(at(answer, "data")), 2);
    assert_string_equal(json_string_value(at(answer, "data.0.event")), "Pay");
    assert_true(json_real_value(at(answer, "data.0.properties.amount")) == 30.5);
    assert_string_equal(json_string_value(at(answer, "data.0.unit")), "madrid");
    char query[256];
    snprintf(query, sizeof query, "{\"kind\":\"timeline\",\"customer\":\"ana\",\"before\":\"%s\"}",
             json_string_value(at(answer, "meta.next")));
    json_decref(answer);
    answer = world_ask(&world, query);
    assert_int_equal(json_array_size(at(answer, "data")), 1);
    assert_string_equal(json_string_value(at(answer, "data.0.time")), "2026-01-05T10:00:00.000Z");
    assert_string_equal(json_string_value(at(answer, "data.0.message_id")), "m1");
    assert_int_equal(int_at(answer, "data.0.properties.deep.a.0"), 1);
    assert_true(json_is_null(at(answer, "meta.next")));
    json_decref(answer);
}

static void trend_shows_empty_buckets_and_measures(void **state) {
    (void)state;
    json_t *answer =
        world_ask(&world, "{\"kind\":\"trend\",\"of\":{\"event\":\"Search\"},\"every\":\"week\","
                          "\"range\":{\"from\":\"2025-12-29\",\"to\":\"2026-01-26\"}}");
    static const long long weeks[] = {0, 3, 1, 0};
    assert_int_equal(json_array_size(at(answer, "data")), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(int_at(json_array_get(at(answer, "data"), i), "value"), weeks[i]);
    json_decref(answer);
    answer = world_ask(&world,
                       "{\"kind\":\"trend\",\"measure\":{\"sum\":\"amount\"},\"every\":\"month\"}");
    assert_true(number_at(answer, "data.0.value") == 60.5); /* texts are no numbers */
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"trend\",\"measure\":{\"mean\":\"amount\"},\"every\":"
                               "\"day\",\"by\":\"channel\",\"limit\":1}");
    assert_string_equal(json_string_value(at(answer, "data.0.by")), "store"); /* 3 interactions */
    assert_string_equal(json_string_value(at(answer, "data.1.by")), "(other)");
    assert_true(number_at(answer, "data.1.value") == 30.25);
    assert_true(json_is_null(at(answer, "data.0.value")));
    json_decref(answer);
}

static void funnel_by_trait_takes_the_current_one(void **state) {
    (void)state;
    json_t *answer = world_ask(&world, "{\"kind\":\"funnel\",\"steps\":[{\"event\":\"Search\"},{"
                                       "\"event\":\"Cart\"},{\"event\":\"Pay\"}],"
                                       "\"window\":\"1d\",\"by\":{\"trait\":\"plan\"}}");
    assert_int_equal(json_array_size(at(answer, "data")), 9);
    assert_true(json_is_null(at(answer, "data.0.by"))); /* carl */
    assert_string_equal(json_string_value(at(answer, "data.3.by")), "basic");
    assert_int_equal(int_at(answer, "data.5.customers"), 1);
    assert_true(number_at(answer, "data.5.median_s") == 1200);
    assert_string_equal(json_string_value(at(answer, "data.6.by")), "gold");
    assert_int_equal(int_at(answer, "data.8.customers"), 0);
    assert_int_equal(int_at(answer, "meta.immature"), 0);
    json_decref(answer);
}

/* bea began 14 hours before the range ends: she has not had her day. */
static void funnel_counts_who_may_still_come(void **state) {
    (void)state;
    json_t *answer = world_ask(&world, "{\"kind\":\"funnel\",\"steps\":[{\"event\":\"Search\"},{"
                                       "\"event\":\"Pay\"}],\"window\":\"1d\",\"range\":{\"from\":"
                                       "\"2026-01-05\",\"to\":\"2026-01-07\"}}");
    assert_int_equal(int_at(answer, "data.0.customers"), 2);
    assert_int_equal(int_at(answer, "meta.immature"), 1);
    json_decref(answer);
}

static void rolling_periods_end_to_the_millisecond(void **state) {
    (void)state;
    struct world own;
    world_open(&own, "UTC");
    world_track(&own, "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Begin\",\"timestamp\":"
                      "\"2026-01-05T10:00:00Z\"}\n"
                      "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Return\",\"timestamp\":"
                      "\"2026-01-12T09:59:59.999Z\"}\n"
                      "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Begin\",\"timestamp\":"
                      "\"2026-01-05T10:00:00Z\"}\n"
                      "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Return\",\"timestamp\":"
                      "\"2026-01-12T10:00:00Z\"}\n");
    json_t *answer = world_ask(&own, "{\"kind\":\"retention\",\"start\":{\"event\":\"Begin\"},"
                                     "\"return\":{\"event\":\"Return\"},\"every\":\"week\","
                                     "\"measure\":\"rolling\",\"periods\":2}");
    assert_int_equal(int_at(answer, "data.0.size"), 2);
    assert_int_equal(int_at(answer, "data.0.returned.0"), 1);
    assert_int_equal(int_at(answer, "data.0.returned.1"), 1);
    json_decref(answer);
    world_close(&own);
}

static void segments_split_or_filter(void **state) {
    (void)state;
    json_t *answer = world_ask(&world, "{\"kind\":\"trend\",\"every\":\"month\",\"measure\":"
                                       "\"customers\",\"segment\":{\"did\":{\"event\":\"Cart\"}}}");
    assert_int_equal(int_at(answer, "data.0.value"), 2);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"trend\",\"every\":\"month\",\"measure\":\"customers\","
                               "\"by\":\"segment\",\"segment\":{\"did\":{\"event\":\"Cart\"}}}");
    assert_int_equal(json_array_size(at(answer, "data")), 2);
    assert_string_equal(json_string_value(at(answer, "data.0.by")), "segment");
    assert_int_equal(int_at(answer, "data.0.value"), 2);
    assert_int_equal(int_at(answer, "data.1.value"), 1);
    json_decref(answer);
}

/* More of one thing than a lane of packed counts holds: counted all the same. */
static void rules_count_very_active_customers(void **state) {
    (void)state;
    enum { MANY = 70000 };
    struct world busy;
    struct buf lines;
    world_open(&busy, "UTC");
    buf_init(&lines, 16 << 20);
    for (int i = 0; i < MANY; i++)
        buf_add_format(&lines,
                       "{\"type\":\"track\",\"userId\":\"robot\",\"event\":\"Ping\",\"timestamp\":"
                       "\"2026-01-%02dT%02d:%02d:%02dZ\",\"messageId\":\"%d\"}\n",
                       1 + i / 86400, i / 3600 % 24, i / 60 % 60, i % 60, i);
    world_track(&busy, lines.p);
    buf_release(&lines);
    json_t *a = world_ask(&busy, "{\"kind\":\"customers\",\"of\":{\"did\":{\"event\":\"Ping\"},"
                                 "\"times\":\"=70000\"}}");
    assert_int_equal(int_at(a, "data.count"), 1);
    json_decref(a);
    a = world_ask(&busy, "{\"kind\":\"customers\",\"of\":{\"did\":{\"event\":\"Ping\"},"
                         "\"times\":\"=4464\"}}"); /* 70000 - 65536 */
    assert_int_equal(int_at(a, "data.count"), 0);
    json_decref(a);
    world_close(&busy);
}

static void rules_see_everybody(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        long long count;
    } cases[] = {
        {"{\"did\":{\"event\":\"Search\"},\"times\":\">=2\"}", 1},
        {"{\"did\":{\"event\":\"Cart\"},\"times\":\"=0\"}",
         2}, /* carl and eva, who did nothing at all */
        {"{\"did\":{\"event\":\"Search\"},\"within\":\"14d\"}", 1},
        {"{\"did\":{\"event\":\"Search\"},\"range\":{\"from\":\"2026-01-05\",\"to\":\"2026-01-07\"}"
         "}",
         2},
        {"{\"trait\":\"plan\",\"op\":\"=\",\"value\":\"gold\"}", 1},
        {"{\"trait\":\"plan\",\"op\":\"absent\"}", 2},
        {"{\"trait\":\"age\",\"op\":\">\",\"value\":40.5}", 1},
        {"{\"not\":{\"trait\":\"plan\",\"op\":\"exists\"}}", 2},
        {"{\"sequence\":[{\"event\":\"Search\"},{\"event\":\"Cart\"}]}", 2},
        {"{\"sequence\":[{\"event\":\"Search\"},{\"event\":\"Cart\"},{\"event\":\"Pay\"}]}", 1},
        {"{\"sequence\":[{\"event\":\"Cart\"},{\"event\":\"Search\"}]}", 1},
        {"{\"sequence\":[{\"event\":\"Search\"},{\"event\":\"Cart\"}],\"within\":\"15m\"}", 1},
        {"{\"not\":{\"sequence\":[{\"event\":\"Search\"},{\"event\":\"Pay\"}],\"never\":{\"event\":"
         "\"Cart\"}}}",
         4},
        {"{\"sequence\":[{\"event\":\"Search\"},{\"event\":\"Cart\"}],\"range\":{\"from\":\"2026-"
         "01-06\"}}",
         1},
        {"{\"all\":[{\"did\":{\"event\":\"Search\"},\"times\":\">=2\"},{\"sequence\":[{\"event\":"
         "\"Search\"},{\"event\":\"Cart\"}]}]}",
         1},
        {"{\"all\":[{\"did\":{\"event\":\"Cart\",\"where\":[{\"property\":\"amount\",\"op\":\">=\","
         "\"value\":30}]}},{\"not\":{\"did\":{\"event\":\"Pay\"},\"times\":\">5\"}}]}",
         1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char query[512];
        snprintf(query, sizeof query, "{\"kind\":\"customers\",\"of\":%s,\"limit\":1}",
                 cases[i].rule);
        json_t *answer = world_ask(&world, query);
        if (int_at(answer, "data.count") != cases[i].count)
            fail_msg("%s: %lld", query, int_at(answer, "data.count"));
        assert_int_equal(int_at(answer, "meta.customers"), 4);
        assert_int_equal(json_array_size(at(answer, "data.customers")), 1);
        json_decref(answer);
    }
}

/* A rule that nobody's answers can satisfy yet holds for nobody; afterwards both backends say the same. */
static void rules_over_answers(void **state) {
    (void)state;
    struct world asked;
    world_open(&asked, "UTC");
    json_t *a =
        world_ask(&asked, "{\"kind\":\"customers\",\"of\":{\"answered\":{\"metric\":\"nps\"}}}");
    assert_int_equal(int_at(a, "data.count"), 0);
    json_decref(a);
    world_track(&asked,
                "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Survey "
                "Responded\",\"timestamp\":\"2026-01-05T10:00:00Z\",\"properties\":{\"survey\":"
                "\"spring\",\"question\":\"recommend\",\"metric\":\"nps\",\"value\":3}}\n"
                "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Survey "
                "Responded\",\"timestamp\":\"2026-01-20T10:00:00Z\",\"properties\":{\"survey\":"
                "\"spring\",\"question\":\"shop\",\"metric\":\"csat\",\"value\":5}}\n"
                "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Survey "
                "Responded\",\"timestamp\":\"2026-01-06T10:00:00Z\",\"properties\":{\"survey\":"
                "\"spring\",\"question\":\"recommend\",\"metric\":\"nps\",\"value\":9}}\n"
                "{\"type\":\"track\",\"userId\":\"carl\",\"event\":\"Search\"}\n");
    static const struct {
        const char *rule;
        long long count;
    } cases[] = {
        {"{\"answered\":{\"metric\":\"nps\"}}", 2},
        {"{\"answered\":{\"metric\":\"nps\",\"op\":\"<=\",\"value\":6}}", 1},
        {"{\"answered\":{\"survey\":\"spring\",\"op\":\">=\",\"value\":5}}", 2},
        {"{\"answered\":{\"question\":\"shop\",\"op\":\">=\",\"value\":9}}", 0},
        {"{\"answered\":{\"metric\":[\"nps\",\"csat\"],\"within\":\"10d\"}}", 1},
        {"{\"not\":{\"answered\":{\"survey\":\"spring\"}}}", 1},
        {"{\"all\":[{\"answered\":{\"metric\":\"nps\"}},{\"answered\":{\"metric\":\"csat\"}}]}", 1},
    };
    struct principal all = {.name = "test", .scopes = SCOPE_QUERY};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int backend = BACKEND_LOCAL; backend <= BACKEND_REFERENCE; backend++) {
            json_t *query = json_pack("{s:s, s:o}", "kind", "customers", "of",
                                      json_loads(cases[i].rule, 0, NULL));
            json_t *answer = NULL;
            struct err err = {0};
            if (query_run(asked.folder, (enum backend)backend, query, &all, NULL, &answer, &err))
                fail_msg("%s: %s %s", cases[i].rule, err.pointer, err.message);
            if (int_at(answer, "data.count") != cases[i].count)
                fail_msg("%s, backend %d: %lld", cases[i].rule, backend,
                         int_at(answer, "data.count"));
            json_decref(answer);
            json_decref(query);
        }
    world_close(&asked);
}

static void lists_continue_at_their_cursor(void **state) {
    (void)state;
    const char *first =
        "{\"kind\":\"customers\",\"of\":{\"did\":{\"event\":\"Search\"}},\"limit\":2}";
    json_t *answer = world_ask(&world, first);
    assert_int_equal(int_at(answer, "data.count"), 3);
    char query[256];
    snprintf(query, sizeof query,
             "{\"kind\":\"customers\",\"of\":{\"did\":{\"event\":\"Search\"}},\"cursor\":\"%s\"}",
             json_string_value(at(answer, "meta.next")));
    json_decref(answer);
    answer = world_ask(&world, query);
    assert_int_equal(int_at(answer, "data.count"), 3);
    assert_int_equal(json_array_size(at(answer, "data.customers")), 1);
    assert_string_equal(json_string_value(at(answer, "data.customers.0.user_id")), "carl");
    assert_true(json_is_null(at(answer, "meta.next")));
    json_decref(answer);
}

static void paths_are_a_tree(void **state) {
    (void)state;
    json_t *answer =
        world_ask(&world, "{\"kind\":\"paths\",\"start\":{\"event\":\"Search\"},\"steps\":2}");
    assert_int_equal(int_at(answer, "data.count"), 3);
    assert_int_equal(int_at(answer, "data.stopped"), 1);
    assert_string_equal(json_string_value(at(answer, "data.children.0.name")), "Cart");
    assert_int_equal(int_at(answer, "data.children.0.count"), 2);
    assert_string_equal(json_string_value(at(answer, "data.children.0.children.0.name")), "Pay");
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"paths\",\"end\":{\"event\":\"Pay\"},\"steps\":3}");
    assert_string_equal(json_string_value(at(answer, "data.children.0.name")), "Cart");
    assert_string_equal(json_string_value(at(answer, "data.children.0.children.0.name")), "Search");
    json_decref(answer);
}

/* ---- people ---- */

static void behind_each_number_are_its_customers(void **state) {
    (void)state;
#define FUNNEL                                                                                     \
    "\"kind\":\"funnel\",\"steps\":[{\"event\":\"Search\"},{\"event\":\"Cart\"},{\"event\":"       \
    "\"Pay\"}],\"window\":\"1d\""
    static const struct {
        const char *query;
        long long count;
        const char *first; /* userId of the first */
    } cases[] = {
        {"{" FUNNEL ",\"people\":{\"step\":1}}", 3, "ana"},
        {"{" FUNNEL ",\"people\":{\"step\":2}}", 2, "ana"},
        {"{" FUNNEL ",\"people\":{\"step\":2,\"lost\":true}}", 1, "bea"},
        {"{" FUNNEL ",\"by\":\"channel\",\"people\":{\"step\":1,\"by\":null}}", 1, "carl"},
        {"{" FUNNEL ",\"by\":\"channel\",\"people\":{\"step\":1,\"by\":\"store\"}}", 1, "bea"},
        {"{\"kind\":\"trend\",\"people\":{}}", 3, "ana"},
        {"{\"kind\":\"trend\",\"of\":{\"event\":\"Search\"},\"people\":{\"time\":\"2026-01-07\"}}",
         1, "carl"},
        {"{\"kind\":\"trend\",\"by\":\"channel\",\"people\":{\"by\":\"web\"}}", 1, "ana"},
        {"{\"kind\":\"flow\",\"people\":{\"node\":\"Cart\"}}", 2, "ana"},
        {"{\"kind\":\"flow\",\"people\":{\"node\":\"Search\",\"ends\":true}}", 2, "bea"},
        {"{\"kind\":\"flow\",\"people\":{\"edge\":[\"Cart\",\"Search\"]}}", 1, "bea"},
        {"{\"kind\":\"variants\",\"people\":{\"path\":[\"Search\"]}}", 1, "carl"},
        {"{\"kind\":\"flow\",\"by\":\"channel\",\"people\":{\"node\":\"Cart\",\"by\":\"store\"}}",
         1, "bea"},
        {"{\"kind\":\"flow\",\"by\":\"channel\",\"people\":{\"node\":\"Search\",\"by\":null}}", 1,
         "carl"},
        {"{\"kind\":\"flow\",\"by\":\"channel\",\"people\":{\"node\":\"Cart\"}}", 2, "ana"},
        {"{\"kind\":\"variants\",\"by\":{\"trait\":\"plan\"},"
         "\"people\":{\"path\":[\"Search\",\"Cart\",\"Pay\"],\"by\":\"basic\"}}",
         1, "ana"},
        {"{\"kind\":\"paths\",\"start\":{\"event\":\"Search\"},\"people\":{\"path\":[\"Cart\","
         "\"Search\"]}}",
         1, "bea"},
        {"{\"kind\":\"retention\",\"people\":{\"cohort\":\"2026-01-05\"}}", 3, "ana"},
        {"{\"kind\":\"retention\",\"people\":{\"cohort\":\"2026-01-05\",\"period\":1}}", 1, "bea"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *answer = world_ask(&world, cases[i].query);
        if (int_at(answer, "data.count") != cases[i].count)
            fail_msg("%s: %lld", cases[i].query, int_at(answer, "data.count"));
        assert_string_equal(json_string_value(at(answer, "data.customers.0.user_id")),
                            cases[i].first);
        json_decref(answer);
    }
}

static void drop_off_tells_their_last_interactions(void **state) {
    (void)state;
    json_t *answer = world_ask(&world, "{\"kind\":\"drop_off\",\"steps\":[{\"event\":\"Search\"},{"
                                       "\"event\":\"Cart\"},{\"event\":\"Pay\"}],"
                                       "\"window\":\"1d\",\"step\":2}");
    assert_int_equal(int_at(answer, "data.count"), 1);
    assert_string_equal(json_string_value(at(answer, "data.customers.0.user_id")), "bea");
    assert_string_equal(json_string_value(at(answer, "data.customers.0.reached")),
                        "2026-01-06T10:20:00.000Z");
    assert_int_equal(json_array_size(at(answer, "data.customers.0.interactions")),
                     2); /* the later visit is outside */
    assert_string_equal(json_string_value(at(answer, "data.customers.0.interactions.0.event")),
                        "Cart");
    json_decref(answer);
}

/* ---- rights ---- */

static void rights_by_unit_hide_the_rest(void **state) {
    (void)state;
    uint16_t lima =
        dictionary_find(world.folder->dictionary, DICTIONARY_UNIT, SLICE_LITERAL("lima"));
    struct principal manager = {
        .user = 2, .role = ROLE_UNIT_MANAGER, .scopes = SCOPE_QUERY, .units = &lima, .n_units = 1};
    struct err err = {0};
    json_t *answer;
    assert_int_equal(
        world_try(&world, "{\"kind\":\"trend\",\"every\":\"month\"}", &manager, &answer, &err), 0);
    assert_int_equal(int_at(answer, "data.0.value"), 3);
    json_decref(answer);
    assert_int_equal(
        world_try(&world, "{\"kind\":\"trend\",\"unit\":\"madrid\"}", &manager, &answer, &err),
        E_FORBIDDEN);
    assert_int_equal(
        world_try(&world, "{\"kind\":\"customers\",\"of\":{\"not\":{\"did\":{\"event\":\"Pay\"}}}}",
                  &manager, &answer, &err),
        0);
    assert_int_equal(int_at(answer, "data.count"), 1); /* bea only: nobody else may be known */
    json_decref(answer);
    assert_int_equal(
        world_try(&world, "{\"kind\":\"timeline\",\"customer\":\"ana\"}", &manager, &answer, &err),
        E_NOT_FOUND);
    struct principal nobody = {
        .user = 3, .role = ROLE_VIEWER, .scopes = SCOPE_QUERY, .units = &lima, .n_units = 0};
    assert_int_equal(world_try(&world, "{\"kind\":\"flow\"}", &nobody, &answer, &err), 0);
    assert_int_equal(int_at(answer, "meta.interactions"), 0);
    json_decref(answer);
}

static int add_units(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    (void)err;
    return sqlite3_exec(
        db,
        "INSERT OR REPLACE INTO unit(name, title) VALUES ('spain', ''), "
        "('madrid', ''), ('lavapies', ''), ('loop', ''), ('chain', ''), ('world', '');"
        "INSERT OR REPLACE INTO unit_parent(hierarchy, unit, parent) VALUES "
        "('territory', 'madrid', 'spain'), ('territory', 'lavapies', 'madrid'), "
        "('territory', 'loop', 'loop'), ('operator', 'lima', 'chain'), "
        "('territory', 'chain', 'spain'), ('territory', 'spain', 'world'), "
        "('territory', 'lima', 'world')",
        NULL, NULL, NULL);
}

static void units_hold_those_below_them(void **state) {
    (void)state;
    struct err err = {0};
    assert_int_equal(store_write(world.folder->store, add_units, NULL, &err), 0);
    json_t *answer = world_ask(
        &world,
        "{\"kind\":\"trend\",\"every\":\"month\",\"unit\":\"spain\"}"); /* has none itself */
    assert_int_equal(int_at(answer, "data.0.value"), 3);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"flow\",\"unit\":[\"loop\",\"lavapies\"]}");
    assert_int_equal(int_at(answer, "meta.interactions"), 0);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"flow\",\"unit\":\"chain\"}"); /* operates lima */
    assert_int_equal(int_at(answer, "meta.interactions"), 3);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"flow\",\"unit\":[\"lima\",\"spain\"]}");
    assert_int_equal(int_at(answer, "meta.interactions"), 6);
    json_decref(answer);
    answer = world_ask(&world, "{\"kind\":\"flow\",\"unit\":\"world\"}");
    assert_int_equal(int_at(answer, "meta.interactions"), 6);
    json_decref(answer);
    uint16_t lima =
        dictionary_find(world.folder->dictionary, DICTIONARY_UNIT, SLICE_LITERAL("lima"));
    struct principal manager = {
        .user = 2, .role = ROLE_UNIT_MANAGER, .scopes = SCOPE_QUERY, .units = &lima, .n_units = 1};
    assert_int_equal(
        world_try(&world, "{\"kind\":\"flow\",\"unit\":\"world\"}", &manager, &answer, &err), 0);
    assert_int_equal(int_at(answer, "meta.interactions"), 3); /* of what is below, her own */
    json_decref(answer);
}

static void patience_ends(void **state) {
    (void)state;
    struct query_control control = {.limit_ms = 0};
    atomic_store(&control.cancelled, true);
    json_t *query = json_pack("{s:s}", "kind", "flow"), *answer = NULL;
    struct principal owner = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    struct err err = {0};
    assert_int_equal(query_run(world.folder, BACKEND_LOCAL, query, &owner, &control, &answer, &err),
                     E_CANCELLED);
    json_decref(query);
}

/* ---- text ---- */

static void csv_defuses_formulas(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    json_t *answer = world_ask(&world, "{\"kind\":\"trend\",\"of\":{\"event\":\"Search\"},"
                                       "\"every\":\"month\",\"by\":{\"property\":\"query\"}}");
    query_answer_csv(answer, &out);
    assert_string_equal(out.p, "time,by,value\r\n"
                               "2026-01-01T00:00:00.000Z,,2\r\n"
                               "2026-01-01T00:00:00.000Z,\"'=cmd\",1\r\n"
                               "2026-01-01T00:00:00.000Z,red shoes,1\r\n");
    json_decref(answer);
    buf_clear(&out);
    answer = world_ask(&world, "{\"kind\":\"variants\"}");
    query_answer_table(answer, &out);
    assert_non_null(strstr(out.p, "Search > Cart > Pay"));
    assert_non_null(strstr(out.p, "total: 3\n"));
    json_decref(answer);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_questions_get_their_pointer),
        cmocka_unit_test(cases_are_told_apart_by_their_first_interaction),
        cmocka_unit_test(parts_of_the_cases_are_not_for_all),
        cmocka_unit_test(the_floor_is_what_may_be_told),
        cmocka_unit_test(timeline_is_the_reverse_of_the_order),
        cmocka_unit_test(trend_shows_empty_buckets_and_measures),
        cmocka_unit_test(funnel_by_trait_takes_the_current_one),
        cmocka_unit_test(funnel_counts_who_may_still_come),
        cmocka_unit_test(rolling_periods_end_to_the_millisecond),
        cmocka_unit_test(segments_split_or_filter),
        cmocka_unit_test(rules_see_everybody),
        cmocka_unit_test(rules_over_answers),
        cmocka_unit_test(rules_count_very_active_customers),
        cmocka_unit_test(lists_continue_at_their_cursor),
        cmocka_unit_test(paths_are_a_tree),
        cmocka_unit_test(behind_each_number_are_its_customers),
        cmocka_unit_test(drop_off_tells_their_last_interactions),
        cmocka_unit_test(rights_by_unit_hide_the_rest),
        cmocka_unit_test(units_hold_those_below_them),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(csv_defuses_formulas),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
