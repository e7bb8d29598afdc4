/*
 * Rules of touchpoints: what they match, explicit ones, changes that reach into the past.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline_world.h"

#include "base/time.h"

static void patterns(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } CASES[] = {
        {"/checkout*", "/checkout", true},
        {"/checkout*", "/checkout/pay", true},
        {"/checkout*", "/check", false},
        {"/checkout", "/checkout/", false},
        {"*", "", true},
        {"", "", true},
        {"", "a", false},
        {"*/help/*", "/es/help/sim", true},
        {"*/help/*", "/es/help", false},
        {"/a?c", "/abc", true},
        {"/a?c", "/ac", false},
        {"*.html", "/x.html", true},
        {"*.html", "/x.html?y", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"**", "x", true},
        {"*ab", "aab", true},
        {"/\xc3\xb1*", "/\xc3\xb1u", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        if (touchpoint_glob(CASES[i].pattern, slice_of(CASES[i].text)) != CASES[i].matches)
            fail_msg("%s on %s", CASES[i].pattern, CASES[i].text);
}

static void faulty_rules_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        struct touchpoint_rule rule;
        const char *pointer;
    } CASES[] = {
        {{.event = "buy"}, "/1"},
        {{.touchpoint = "shop"}, "/1"},
        {{.touchpoint = "", .event = "buy"}, "/1/touchpoint"},
        {{.touchpoint = "shop", .event = ""}, "/1/event"},
        {{.touchpoint = "shop", .property = "plan"}, "/1"},
        {{.touchpoint = "shop", .event = "buy", .value = "x"}, "/1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct touchpoint_rule rules[] = {{.touchpoint = "shop", .event = "buy"}, CASES[i].rule};
        struct err err = {0};
        assert_int_equal(touchpoint_rules_check(rules, 2, &err), E_INVALID);
        assert_string_equal(err.pointer, CASES[i].pointer);
        assert_int_equal(touchpoint_rules_check(rules, 1, &err), 0);
    }
}

/* The obvious way, from the row itself. */
static uint16_t expected(const struct world *world, const struct row *row,
                         const struct touchpoint_rule *rules, size_t n) {
    struct value by_code[7] = {0};
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    while (property_next(&cursor, &code, &value))
        by_code[code] = value;
    if (by_code[1].type == VALUE_TEXT) {
        uint16_t explicit =
            dictionary_find(world->dictionary, DICTIONARY_TOUCHPOINT, by_code[1].text);
        if (explicit)
            return explicit;
    }
    for (size_t i = 0; i < n; i++) {
        const struct touchpoint_rule *rule = &rules[i];
        if (rule->event &&
            !slice_is(dictionary_name(world->dictionary, DICTIONARY_EVENT, row->event),
                      rule->event))
            continue;
        if (rule->channel &&
            (!row->channel ||
             !slice_is(dictionary_name(world->dictionary, DICTIONARY_CHANNEL, row->channel),
                       rule->channel)))
            continue;
        const struct value *path = by_code[2].type ? &by_code[2] : &by_code[3];
        if (rule->path && (path->type != VALUE_TEXT || !touchpoint_glob(rule->path, path->text)))
            continue;
        if (rule->property) {
            code =
                dictionary_find(world->dictionary, DICTIONARY_PROPERTY, slice_of(rule->property));
            const struct value *v = &by_code[code];
            char text[64] = "";
            if (v->type == VALUE_INT)
                snprintf(text, sizeof text, "%lld", (long long)v->integer);
            else if (v->type == VALUE_NUMBER)
                snprintf(text, sizeof text, "%g", v->number);
            else if (v->type == VALUE_TEXT)
                snprintf(text, sizeof text, "%.*s", SLICE_ARGS(v->text));
            else if (v->type)
                snprintf(text, sizeof text, "%s", v->type == VALUE_TRUE ? "true" : "false");
            if (!v->type || strcmp(text, rule->value) != 0)
                continue;
        }
        return dictionary_find(world->dictionary, DICTIONARY_TOUCHPOINT,
                               slice_of(rule->touchpoint));
    }
    return CODE_NONE;
}

static uint32_t assert_rules(const struct world *world, const struct snapshot *snapshot,
                             const struct touchpoint_rule *rules, size_t n) {
    struct arena arena;
    arena_init(&arena);
    const struct part *const *parts;
    uint32_t given = 0;
    size_t n_parts =
        snapshot_parts(snapshot, PART_INTERACTIONS, INT64_MIN, INT64_MAX, &parts, &arena);
    for (size_t p = 0; p < n_parts; p++) {
        struct err err;
        assert_int_equal(part_touch(parts[p], COLUMN_TOUCHPOINT | COLUMN_SEQ, NULL, 0, &err), 0);
        for (uint32_t i = 0; i < parts[p]->n_rows; i++) {
            const struct row *row = &world->rows[parts[p]->seq_base + parts[p]->seq[i] - 1];
            assert_int_equal(parts[p]->touchpoint[i], expected(world, row, rules, n));
            given += parts[p]->touchpoint[i] != 0;
        }
    }
    arena_release(&arena);
    return given;
}

static struct snapshot *snapshot_of(const struct world *world) {
    struct snapshot *snapshot = NULL;
    struct err err;
    world_check(timeline_snapshot(world->timeline, &snapshot, &err), &err);
    return snapshot;
}

static struct touchpoint_rule random_rule(uint32_t i) {
    static const char *const names[] = {"shop", "web", "call centre", "help", "app"};
    static const char *const events[] = {"buy", "view", "click", "unknown event"};
    static const char *const paths[] = {"value-1*", "*longer*", "value-2", "*"};
    static const char *const properties[] = {"plan", "amount", "step", "amount"};
    static const char *const values[] = {"value-1", "-3", "true", "-0.25"};
    struct touchpoint_rule rule = {.touchpoint = names[fixture_below(5)]};
    if (i % 2 || fixture_below(2))
        rule.event = events[fixture_below(4)];
    if (fixture_below(3) == 0)
        rule.channel = fixture_below(2) ? "web" : "app";
    if (!rule.event || fixture_below(3) == 0)
        rule.path = paths[fixture_below(4)];
    if (fixture_below(3) == 0) {
        uint32_t which = fixture_below(4);
        rule.property = properties[which];
        rule.value = values[which];
    }
    return rule;
}

static void rules_reach_past_and_future(void **state) {
    (void)state;
    struct world *world = world_new();
    struct fixture_shape shape = {.customers = 80,
                                  .from_ms = world_now_ms - INT64_C(700) * DAY_MS,
                                  .to_ms = world_now_ms,
                                  .properties = 6,
                                  .distinct = 9};
    world_append_random(world, 4000, shape);
    world_maintain(world, true);
    world_append_random(world, 12000, shape);
    world_maintain(world, false);
    world_append_random(world, 500, shape);
    struct touchpoint_rule rules[130];
    size_t n = 0, n_before;
    uint32_t given = 0;
    struct err err = {0};
    for (uint32_t round = 0; round < 12; round++) {
        struct touchpoint_rule before[130];
        memcpy(before, rules, sizeof rules);
        n_before = n;
        struct snapshot *old = snapshot_of(world);
        n = round == 5 ? 0 : 1 + fixture_below(round % 4 == 3 ? 129 : 8); /* beyond one word, too */
        for (uint32_t i = 0; i < n; i++)
            rules[i] = random_rule(i);
        world_check(timeline_set_rules(world->timeline, rules, n, &err), &err);
        world_append_random(world, 300, shape);
        struct snapshot *now = snapshot_of(world);
        given += assert_rules(world, now, rules, n);
        assert_rules(world, old, before, n_before); /* a question keeps its rules */
        assert_true(snapshot_version(now) > snapshot_version(old));
        snapshot_release(now);
        snapshot_release(old);
        if (round % 3 == 0)
            world_maintain(world, true);
        if (round % 4 == 1) {
            world_close(world);
            world_open(world);
        }
        now = snapshot_of(world);
        assert_rules(world, now, rules, n);
        snapshot_release(now);
        world_assert_verified(world);
    }
    assert_true(given > 10000);
    struct arena arena;
    arena_init(&arena);
    struct touchpoint_rule *stored;
    size_t n_stored;
    world_check(timeline_get_rules(world->timeline, &arena, &stored, &n_stored, &err), &err);
    assert_int_equal(n_stored, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(stored[i].touchpoint, rules[i].touchpoint);
        assert_true(!stored[i].event == !rules[i].event && !stored[i].path == !rules[i].path);
    }
    arena_release(&arena);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(faulty_rules_are_refused_with_their_place),
        cmocka_unit_test(rules_reach_past_and_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
