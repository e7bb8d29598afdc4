/*
 * The generator as a generator: same seed same bytes, a later instant only adds, every event passes the collector's own
 * parser and means the same there, dates of facts for other days of the demo.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/time.h"
#include "demo/demo.h"

static int64_t instant(const char *text) {
    int64_t ms = 0;
    assert_int_equal(time_parse(slice_of(text), NULL, &ms), 0);
    return ms;
}

struct digest {
    uint64_t sum, n; /* order between sources does not matter: sum of the lines' hashes */
    struct buf line;
};

static int digest_emit(void *context, enum demo_source source, const struct event *events,
                       size_t n) {
    struct digest *digest = context;
    for (size_t i = 0; i < n; i++) {
        buf_clear(&digest->line);
        demo_write_json(&events[i], &digest->line);
        digest->sum += hash_bytes(digest->line.p, digest->line.n) * (2 * (uint64_t)source + 1);
        digest->n++;
    }
    return 0;
}

static struct digest digest_of(uint64_t seed, const char *now, size_t batch) {
    struct err err = {0};
    struct digest digest = {0};
    buf_init(&digest.line, 1 << 16);
    struct demo_options options = {.seed = seed, .scale = 0.02, .now_ms = instant(now)};
    struct demo_sink sink = {.emit = digest_emit, .context = &digest, .batch = batch};
    assert_int_equal(demo_generate(&options, &sink, &err), 0);
    buf_release(&digest.line);
    return digest;
}

static void test_same_seed_same_events(void **state) {
    (void)state;
    struct digest one = digest_of(7, "2026-11-21T12:00:00Z", 0),
                  two = digest_of(7, "2026-11-21T12:00:00Z", 100);
    assert_true(one.n > 40000);
    /* the same from every compiler: see internal.h; it changes when the demonstration does */
    if (one.sum != UINT64_C(0xe6dba64d4cc18942))
        fail_msg("the demonstration is another one: 0x%llx", (unsigned long long)one.sum);
    assert_int_equal(one.n, two.n);
    assert_true(one.sum == two.sum);
    struct digest other = digest_of(8, "2026-11-21T12:00:00Z", 0);
    assert_true(other.sum != one.sum);
    struct digest later = digest_of(7, "2026-11-21T20:00:00Z", 0);
    assert_true(later.n > one.n && later.n < one.n + 200);
}

struct check {
    struct arena arena;
    struct buf line;
    uint64_t n, wrong;
};

static bool same_properties(const struct event *a, const struct event *b) {
    if (a->n_properties != b->n_properties)
        return false;
    for (size_t i = 0; i < a->n_properties; i++) {
        const struct event_property *p = &a->properties[i];
        bool found = false;
        for (size_t k = 0; k < b->n_properties && !found; k++) {
            const struct event_property *q = &b->properties[k];
            if (!slice_equal(p->name, q->name) || p->value.type != q->value.type)
                continue;
            found = p->value.type == VALUE_TEXT     ? slice_equal(p->value.text, q->value.text)
                    : p->value.type == VALUE_INT    ? p->value.integer == q->value.integer
                    : p->value.type == VALUE_NUMBER ? p->value.number == q->value.number
                                                    : true;
        }
        if (!found)
            return false;
    }
    return true;
}

static int check_emit(void *context, enum demo_source source, const struct event *events,
                      size_t n) {
    struct check *check = context;
    (void)source;
    for (size_t i = 0; i < n; i++) {
        const struct event *event = &events[i];
        buf_clear(&check->line);
        demo_write_json(event, &check->line);
        struct event parsed;
        char message[160] = "";
        enum refusal refusal =
            event_parse((struct slice){check->line.p, check->line.n - 1}, -1, INT64_MIN,
                        event->time_ms, &check->arena, &parsed, message);
        bool same = refusal == REFUSAL_NONE && parsed.type == event->type &&
                    parsed.time_ms == event->time_ms &&
                    slice_equal(parsed.user_id, event->user_id) &&
                    slice_equal(parsed.anonymous_id, event->anonymous_id) &&
                    slice_equal(parsed.message_id, event->message_id) &&
                    slice_equal(parsed.channel, event->channel) &&
                    slice_equal(parsed.touchpoint, event->touchpoint) &&
                    slice_equal(parsed.unit, event->unit) &&
                    parsed.n_external == event->n_external && same_properties(event, &parsed) &&
                    (event->type == EVENT_IDENTIFY || slice_equal(parsed.name, event->name));
        if (!same && !check->wrong++)
            print_error("%s %.*s\n", message, (int)check->line.n, check->line.p);
        check->n++;
    }
    arena_clear(&check->arena);
    return 0;
}

static void test_json_means_the_same(void **state) {
    (void)state;
    struct err err = {0};
    struct check check = {0};
    arena_init(&check.arena);
    buf_init(&check.line, 1 << 16);
    struct demo_options options = {.scale = 0.01, .now_ms = instant("2026-11-21T12:00:00Z")};
    struct demo_sink sink = {.emit = check_emit, .context = &check};
    assert_int_equal(demo_generate(&options, &sink, &err), 0);
    assert_true(check.n > 20000);
    assert_int_equal(check.wrong, 0);
    buf_release(&check.line);
    arena_release(&check.arena);
}

/* Whatever the day of the demo, every dated fact lies inside the two years with its consequences. */
static void test_dates_of_other_days(void **state) {
    (void)state;
    for (int64_t day = 0; day < 800; day += 3) {
        struct demo_options options = {.scale = 1,
                                       .now_ms = instant("2026-01-01T10:00:00Z") + day * DAY_MS};
        struct demo_dates dates;
        demo_dates_of(&options, &dates);
        const int64_t at[] = {dates.release_from_ms, dates.bill_notice_ms, dates.comfort_ms,
                              dates.article_ms,      dates.cut_ms,         dates.chat_scale_ms};
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            assert_true(at[i] > dates.first_ms + INT64_C(90) * DAY_MS);
            assert_true(at[i] < options.now_ms - INT64_C(40) * DAY_MS);
        }
        assert_true(dates.release_to_ms <= options.now_ms);
        char text[TIME_TEXT_BYTES];
        time_format(dates.release_from_ms, text);
        assert_memory_equal(text + 5, "10-06", 5);
        time_format(dates.cut_ms, text);
        assert_memory_equal(text + 5, "02-03T16:20", 11);
    }
}

static void test_bad_scale(void **state) {
    (void)state;
    struct err err = {0};
    struct demo_options options = {.scale = 40, .now_ms = instant("2026-11-21T12:00:00Z")};
    struct demo_sink sink = {.emit = digest_emit};
    assert_int_equal(demo_generate(&options, &sink, &err), E_INVALID);
    assert_string_equal(err.pointer, "/scale");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_events), cmocka_unit_test(test_json_means_the_same),
        cmocka_unit_test(test_dates_of_other_days), cmocka_unit_test(test_bad_scale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
