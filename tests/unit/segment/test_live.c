/*
 * Members kept current: what the sets hold is what a question answers at the same instant, after every batch of random
 * events, merges and steps of the clock; who entered and left is told once, across restarts too.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <unistd.h>

#include "../../backend/world.h"
#include "base/time.h"
#include "segment/class_sizes.h"
#include "segment/live.h"

static struct world world;
static int64_t now_ms;
static uint64_t state = 11;

#define BEGIN_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static int64_t the_clock(void) { return now_ms; }

static uint64_t draw(void) {
    uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
static int pick(int n) { return (int)(draw() % (uint64_t)n); }

static int set_up(void **unused) {
    (void)unused;
    now_ms = BEGIN_MS;
    clock_inject(the_clock);
    live_tuning = (struct live_tuning){.again_us = 0, .tell_us = 0, .tell_most = 250};
    world_open(&world, "Europe/Madrid");
    world_track(
        &world,
        "{\"type\":\"track\",\"userId\":\"u0\",\"event\":\"A\",\"properties\":{\"p\":1},"
        "\"timestamp\":\"2026-02-28T10:00:00Z\"}\n"
        "{\"type\":\"track\",\"userId\":\"u0\",\"event\":\"B\",\"timestamp\":"
        "\"2026-02-28T11:00:00Z\"}\n"
        "{\"type\":\"track\",\"userId\":\"u1\",\"event\":\"C\",\"timestamp\":"
        "\"2026-02-28T11:00:00Z\"}\n"
        "{\"type\":\"track\",\"userId\":\"u1\",\"event\":\"Survey Responded\",\"properties\":"
        "{\"survey\":\"s\",\"metric\":\"nps\",\"score\":3},\"timestamp\":"
        "\"2026-02-28T11:00:00Z\"}\n"
        "{\"type\":\"identify\",\"userId\":\"u1\",\"traits\":{\"plan\":\"gold\"},"
        "\"timestamp\":\"2026-02-28T10:00:00Z\"}\n");
    return 0;
}

static int tear_down(void **unused) {
    (void)unused;
    world_close(&world);
    clock_inject(NULL);
    return 0;
}

static void put(const char *current, const char *document) {
    struct err err = {0};
    char name[SEGMENT_NAME_BYTES];
    json_t *json = json_loads(document, 0, NULL);
    if (segment_put(world.folder, current, json, "tester", name, &err))
        fail_msg("%s: %s %s", document, err.pointer, err.message);
    json_decref(json);
}

static void keep_current(void) {
    struct err err = {0};
    if (segments_keep_current(world.folder, &err))
        fail_msg("round: %s", err.message);
}

static uint64_t size_of(const char *name) {
    struct err err = {0};
    roaring_bitmap_t *members;
    if (segment_members(world.folder, name, &members, &err))
        fail_msg("%s: %s", name, err.message);
    uint64_t n = roaring_bitmap_get_cardinality(members);
    roaring_bitmap_free(members);
    return n;
}

/* How often an event of this segment was told. */
static long long told(const char *event, const char *segment) {
    char query[300];
    if (!dictionary_find(world.folder->dictionary, DICTIONARY_EVENT, slice_of(event)))
        return 0;
    snprintf(query, sizeof query,
             "{\"kind\":\"trend\",\"every\":\"month\",\"of\":{\"event\":\"%s\",\"where\":[{"
             "\"property\":\"segment\",\"value\":\"%s\"}]}}",
             event, segment);
    json_t *answer = world_ask(&world, query);
    long long n = 0;
    for (size_t i = 0; i < json_array_size(at(answer, "data")); i++)
        n += int_at(json_array_get(at(answer, "data"), i), "value");
    json_decref(answer);
    return n;
}

static void track(const char *who, const char *event, int64_t ago_ms) {
    char line[300], time[TIME_TEXT_BYTES];
    time_format(now_ms - ago_ms, time);
    snprintf(line, sizeof line,
             "{\"type\":\"track\",\"userId\":\"%s\",\"event\":\"%s\",\"timestamp\":\"%s\"}\n", who,
             event, time);
    world_track(&world, line);
}

/* ---- tests ---- */

static void entering_and_leaving_are_told(void **unused) {
    (void)unused;
    struct err err = {0};
    put(NULL, "{\"name\":\"a\",\"rule\":{\"did\":{\"event\":\"A\"}}}");
    put(NULL, "{\"name\":\"no-c\",\"rule\":{\"did\":{\"event\":\"C\"},\"times\":\"=0\"}}");
    assert_int_equal(size_of("a"), 1);
    assert_int_equal(size_of("no-c"), 1);
    keep_current();
    keep_current();
    assert_int_equal(told(SEGMENT_ENTERED, "a"), 1); /* who was in when it was made, once */
    assert_int_equal(told(SEGMENT_ENTERED, "no-c"), 1);
    track("u1", "A", 0);
    track("u0", "C", 0);
    keep_current();
    assert_int_equal(size_of("a"), 2);
    assert_int_equal(size_of("no-c"), 0);
    assert_int_equal(told(SEGMENT_ENTERED, "a"), 2);
    assert_int_equal(told(SEGMENT_LEFT, "no-c"), 1);
    keep_current();
    keep_current();
    assert_int_equal(told(SEGMENT_ENTERED, "a"), 2);
    /* Left out of journeys unless they are named. */
    json_t *answer = world_ask(&world, "{\"kind\":\"flow\",\"level\":\"event\"}");
    char *text = json_dumps(answer, JSON_COMPACT);
    assert_null(strstr(text, SEGMENT_ENTERED));
    free(text);
    json_decref(answer);
    /* The day's size, and what came and went. */
    json_t *days;
    assert_int_equal(segment_history(world.folder, "a", BEGIN_MS, now_ms, &days, &err), 0);
    assert_int_equal(json_array_size(days), 1);
    assert_int_equal(int_at(days, "0.size"), 2);
    assert_int_equal(int_at(days, "0.entered"), 1);
    assert_int_equal(int_at(days, "0.left"), 0);
    assert_string_equal(json_string_value(at(days, "0.day")), "2026-03-01");
    json_decref(days);
    uint32_t owner;
    json_t *mine;
    assert_int_equal(customers_find(world.folder->customers, slice_of("u1"), &owner, &err), 0);
    assert_int_equal(segments_of_customer(world.folder, owner, &mine, &err), 0);
    assert_int_equal(json_array_size(mine), 1);
    assert_string_equal(json_string_value(at(mine, "0.name")), "a");
    json_decref(mine);
}

static void time_alone_ends_membership(void **unused) {
    (void)unused;
    put(NULL, "{\"name\":\"lately\",\"rule\":{\"did\":{\"event\":\"A\"},\"within\":\"2h\"}}");
    assert_int_equal(size_of("lately"), 0);
    track("u5", "A", 0);
    now_ms += 1000;
    keep_current();
    assert_int_equal(size_of("lately"), 1);
    now_ms += 2 * INT64_C(3600000) - 1000; /* [T - 2 h, T) still holds it */
    keep_current();
    assert_int_equal(size_of("lately"), 1);
    now_ms += 1;
    keep_current();
    assert_int_equal(size_of("lately"), 0);
    assert_int_equal(told(SEGMENT_LEFT, "lately"), 1);
}

static void a_restart_tells_what_was_missed(void **unused) {
    (void)unused;
    struct err err = {0};
    put(NULL, "{\"name\":\"a\",\"rule\":{\"did\":{\"event\":\"A\"}}}");
    put(NULL, "{\"name\":\"lately\",\"rule\":{\"did\":{\"event\":\"A\"},\"within\":\"2h\"}}");
    track("u7", "A", 0);
    now_ms += 10;
    keep_current();
    track("u8", "A", 0); /* nobody looks before the end */
    folder_close(world.folder);
    now_ms += 3 * INT64_C(3600000);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
    keep_current();
    keep_current();
    assert_int_equal(size_of("a"), 3);
    assert_int_equal(told(SEGMENT_ENTERED, "a"), 3);
    assert_int_equal(size_of("lately"), 0);
    assert_int_equal(told(SEGMENT_ENTERED, "lately"), 1);
    assert_int_equal(told(SEGMENT_LEFT, "lately"), 1);
}

static long long told_initial(const char *segment) {
    char query[300];
    snprintf(
        query, sizeof query,
        "{\"kind\":\"customers\",\"of\":{\"did\":{\"event\":\"Segment Entered\",\"where\":[{"
        "\"property\":\"segment\",\"value\":\"%s\"},{\"property\":\"initial\",\"value\":true}]},"
        "\"times\":\"=1\"}}",
        segment);
    json_t *answer = world_ask(&world, query);
    long long n = int_at(answer, "data.count");
    json_decref(answer);
    return n;
}

/* A thousand who are in from the beginning are told in some rounds, each once, also when it is closed in between; who left in the
 * meantime is not. */
static void who_is_in_from_the_beginning_is_told(void **unused) {
    (void)unused;
    struct err err = {0};
    struct buf lines;
    buf_init(&lines, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_add_format(&lines,
                       "{\"type\":\"track\",\"userId\":\"many-%d\",\"event\":\"D\",\"timestamp\":"
                       "\"2026-02-28T10:00:00Z\"}\n",
                       i);
    world_track(&world, lines.p);
    buf_release(&lines);
    put(NULL,
        "{\"name\":\"d\",\"rule\":{\"all\":[{\"did\":{\"event\":\"D\"}},{\"did\":{\"event\":\"C\"},"
        "\"times\":\"=0\"}]}}");
    assert_int_equal(size_of("d"), 1000);
    assert_in_range(told_initial("d"), 1, 999);
    uint64_t far, of;
    assert_int_equal(segment_told(world.folder, "d", &far, &of, &err), 0);
    assert_int_equal(far, told_initial("d"));
    assert_int_equal(of, 1000);
    track("many-999", "C", 0);
    keep_current();
    folder_close(world.folder);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
    for (int i = 0; i < 12; i++) {
        now_ms += 1000;
        keep_current();
    }
    assert_int_equal(told_initial("d"), 999);
    assert_int_equal(told(SEGMENT_ENTERED, "d"), 999);
    assert_int_equal(told(SEGMENT_LEFT, "d"), 1);
    assert_int_equal(segment_told(world.folder, "d", &far, &of, &err), 0);
    assert_int_equal(of, 0);
    json_t *days; /* nobody came that day */
    assert_int_equal(segment_history(world.folder, "d", BEGIN_MS, now_ms, &days, &err), 0);
    assert_int_equal(int_at(days, "0.entered"), 0);
    json_decref(days);
}

/* Being told makes a customer dirty only where a rule asks for it. */
static void a_rule_may_ask_for_what_is_told(void **unused) {
    (void)unused;
    put(NULL, "{\"name\":\"told\",\"rule\":{\"did\":{\"event\":\"Segment Entered\",\"where\":["
              "{\"property\":\"segment\",\"op\":\"=\",\"value\":\"a\"}]}}}");
    put(NULL, "{\"name\":\"a\",\"rule\":{\"did\":{\"event\":\"A\"}}}");
    for (int i = 0; i < 4; i++) {
        now_ms += 1000;
        keep_current();
    }
    assert_true(size_of("a") > 0);
    assert_int_equal(size_of("told"), size_of("a"));
    assert_int_equal(told(SEGMENT_ENTERED, "told"), size_of("a"));
}

static void classes_are_counted_by_day(void **unused) {
    (void)unused;
    struct err err = {0};
    char name[SEGMENT_NAME_BYTES];
    json_t *days,
        *document = json_loads("{\"title\":\"Use\",\"classes\":[{\"name\":\"a\",\"title\":\"A\","
                               "\"rule\":{\"did\":{\"event\":\"A\"}}}]}",
                               0, NULL);
    assert_int_equal(segmentation_put(world.folder, NULL, document, "tester", name, &err), 0);
    json_decref(document);
    assert_int_equal(class_sizes_count(world.folder, &err), 0);
    track("u1", "A", 0);
    assert_int_equal(class_sizes_count(world.folder, &err), 0); /* the last count of the day */
    now_ms += DAY_MS;
    track("u8", "A", 0);
    track("u9", "B", 0);
    assert_int_equal(class_sizes_count(world.folder, &err), 0);
    assert_int_equal(class_sizes_history(world.folder, "use", BEGIN_MS, now_ms, &days, &err), 0);
    assert_int_equal(json_array_size(days), 2);
    assert_string_equal(json_string_value(at(days, "0.day")), "2026-03-01");
    assert_int_equal(int_at(days, "0.sizes.a"), 2);
    assert_int_equal(int_at(days, "0.sizes.rest"), 0);
    assert_int_equal(int_at(days, "1.sizes.a"), 3);
    assert_int_equal(int_at(days, "1.sizes.rest"), 1);
    json_decref(days);
}

static void a_changed_rule_tells_nothing(void **unused) {
    (void)unused;
    put(NULL, "{\"name\":\"a\",\"rule\":{\"did\":{\"event\":\"A\"}}}");
    put(NULL, "{\"name\":\"not-a\",\"rule\":{\"not\":{\"in\":\"a\"}}}");
    assert_int_equal(size_of("not-a"), 1);
    for (int i = 0; i < 3; i++)
        keep_current();
    put("a", "{\"title\":\"A\",\"rule\":{\"did\":{\"event\":[\"A\",\"C\"]}}}");
    assert_int_equal(size_of("a"), 2);
    assert_int_equal(size_of("not-a"), 0);
    keep_current();
    keep_current();
    assert_int_equal(told(SEGMENT_ENTERED, "a"), 1);
    assert_int_equal(told(SEGMENT_LEFT, "not-a"), 0);
}

/* Being told of does not make anybody active: else who entered would leave at once. */
static void who_did_nothing_stays_in(void **unused) {
    (void)unused;
    put(NULL, "{\"name\":\"quiet\",\"rule\":{\"did\":{},\"times\":\"=0\",\"within\":\"2h\"}}");
    track("u5", "A", 0);
    now_ms += 1000;
    keep_current();
    uint64_t before = size_of("quiet");
    now_ms += 2 * INT64_C(3600000) - 2000;
    keep_current();
    now_ms += 1001;
    keep_current();
    assert_int_equal(size_of("quiet"), before + 1);
    for (int i = 0; i < 5; i++) {
        now_ms += 1000;
        keep_current();
    }
    assert_int_equal(size_of("quiet"), before + 1);
    assert_int_equal(told(SEGMENT_ENTERED, "quiet"), before + 1);
    assert_int_equal(told(SEGMENT_LEFT, "quiet"), 0);
}

/* ---- random histories ---- */

static const char *const RULES[] = {
    "{\"did\":{\"event\":\"A\"},\"times\":\">=2\",\"within\":\"6h\"}",
    "{\"did\":{\"event\":\"B\"},\"times\":\"=0\",\"within\":\"1d\"}",
    "{\"all\":[{\"did\":{\"event\":\"A\"},\"within\":\"2d\"},{\"not\":{\"in\":\"r0\"}}]}",
    "{\"trait\":\"plan\",\"value\":\"gold\"}",
    "{\"sequence\":[{\"event\":\"A\"},{\"event\":\"B\"}],\"within\":\"12h\"}",
    "{\"answered\":{\"metric\":\"nps\",\"op\":\"<\",\"value\":7,\"within\":\"1d\"}}",
    "{\"any\":[{\"in\":\"r3\"},{\"did\":{\"event\":\"C\"},\"times\":\"<2\"}]}",
    "{\"did\":{\"where\":[{\"property\":\"p\",\"op\":\">=\",\"value\":3}]}}",
    "{\"did\":{},\"times\":\">=3\",\"within\":\"90m\"}",
    "{\"did\":{\"event\":\"Segment Entered\"},\"within\":\"3h\"}",
};
enum { RULES_N = sizeof RULES / sizeof RULES[0], STEPS = 80, PEOPLE = 30 };

static void some_event(struct buf *lines) {
    static const char *const PLANS[] = {"gold", "iron", "wood"};
    char time[TIME_TEXT_BYTES];
    int who = pick(PEOPLE), kind = pick(20);
    /* Now, lately, long ago, and dated ahead. */
    int64_t off_ms = kind < 12 ? 0 : kind < 16 ? pick(7200000) : (int64_t)pick(3) * 86400000;
    time_format(now_ms - off_ms + (pick(20) == 0 ? 1800000 : 0), time);
    switch (pick(10)) {
    case 0:
        buf_add_format(lines,
                       "{\"type\":\"identify\",\"userId\":\"u%d\",\"traits\":{\"plan\":\"%s\"},"
                       "\"timestamp\":\"%s\"}\n",
                       who, PLANS[pick(3)], time);
        break;
    case 1:
        buf_add_format(lines,
                       "{\"type\":\"track\",\"userId\":\"u%d\",\"event\":\"Survey Responded\","
                       "\"properties\":{\"survey\":\"s\",\"metric\":\"nps\",\"score\":%d},"
                       "\"timestamp\":\"%s\",\"messageId\":\"m%llu\"}\n",
                       who, pick(11), time, (unsigned long long)draw());
        break;
    case 2:
        if (pick(3) == 0) {
            buf_add_format(lines,
                           "{\"type\":\"alias\",\"previousId\":\"u%d\",\"userId\":\"u%d\"}\n",
                           pick(PEOPLE), who);
            break;
        }
        __attribute__((fallthrough));
    default:
        buf_add_format(lines,
                       "{\"type\":\"track\",\"userId\":\"u%d\",\"event\":\"%c\",\"properties\":{"
                       "\"p\":%d},\"timestamp\":\"%s\",\"messageId\":\"m%llu\"}\n",
                       who, "ABC"[pick(3)], pick(6), time, (unsigned long long)draw());
    }
}

/* The set is what the question answers, number by number. */
static void compare(const char *name, int step) {
    char query[120], id[CUSTOMER_ID_BYTES];
    struct err err = {0};
    roaring_bitmap_t *members;
    snprintf(query, sizeof query, "{\"kind\":\"customers\",\"of\":{\"in\":\"%s\"}}", name);
    json_t *answer = world_ask(&world, query), *list = at(answer, "data.customers");
    assert_int_equal(segment_members(world.folder, name, &members, &err), 0);
    bool same = json_array_size(list) == roaring_bitmap_get_cardinality(members);
    for (size_t i = 0; same && i < json_array_size(list); i++) {
        uint32_t owner = 0;
        roaring_bitmap_select(members, (uint32_t)i, &owner);
        customer_id_format(owner, id);
        same = strcmp(id, json_string_value(at(json_array_get(list, i), "id"))) == 0;
    }
    if (!same)
        fail_msg("step %d: segment %s holds %llu, the question says %zu", step, name,
                 (unsigned long long)roaring_bitmap_get_cardinality(members),
                 json_array_size(list));
    roaring_bitmap_free(members);
    json_decref(answer);
}

/* Rounds until everything is decided and told. */
static void settle(struct live *live) {
    for (int i = 0; i < 3 || live->beside || live->follow.everybody; i++) {
        live->next_everybody_us = 0;
        keep_current();
        usleep(live->beside ? 200 : 0);
    }
}

/* As in a server, where everybody is decided beside: often, and mostly while something arrives. False: it is not over. */
static bool round_beside(void) {
    struct err err = {0};
    struct live *live;
    assert_int_equal(live_of(world.folder, &live, &err), 0);
    live->kept = true;
    live->next_everybody_us = 0;
    live->follow.everybody = live->follow.everybody || pick(3) == 0;
    keep_current();
    if (pick(3))
        return false;
    settle(live);
    return true;
}

static void compare_random(bool beside) {
    struct err err = {0};
    char document[400], name[8];
    track("u2", "A", 0);
    put(NULL, "{\"name\":\"any\",\"rule\":{\"did\":{\"event\":\"A\"}}}");
    keep_current();
    track("u3", "A", 0);
    keep_current(); /* so that Segment Entered is known as a name */
    for (int i = 0; i < RULES_N; i++) {
        snprintf(document, sizeof document, "{\"name\":\"r%d\",\"rule\":%s}", i, RULES[i]);
        put(NULL, document);
    }
    for (int step = 0; step < STEPS; step++) {
        struct buf lines;
        buf_init(&lines, 1 << 20);
        for (int i = pick(6); i > 0; i--)
            some_event(&lines);
        if (lines.n)
            world_track(&world, lines.p);
        buf_release(&lines);
        now_ms += pick(3) == 0 ? pick(3 * 3600000) : pick(600000);
        if (pick(8) == 0)
            assert_true(folder_maintain(world.folder, pick(2), &err) >= 0);
        if (pick(25) == 0) {
            folder_close(world.folder);
            assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
        }
        if (beside && !round_beside())
            continue;
        for (int i = 0; i < 3 && !beside; i++)
            keep_current(); /* what the first told may count for another segment */
        for (int i = 0; i < RULES_N; i++) {
            snprintf(name, sizeof name, "r%d", i);
            compare(name, step);
        }
    }
}

static void sets_are_what_questions_answer(void **unused) {
    (void)unused;
    compare_random(false);
}

static void everybody_is_decided_beside(void **unused) {
    (void)unused;
    compare_random(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entering_and_leaving_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_alone_ends_membership, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restart_tells_what_was_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_in_from_the_beginning_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rule_may_ask_for_what_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(classes_are_counted_by_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_did_nothing_stays_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_rule_tells_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sets_are_what_questions_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everybody_is_decided_beside, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
