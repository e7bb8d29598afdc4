/*
 * When a screen is silent: by its last contact, its patience and the hours of its place.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../scratch.h"
#include "base/time.h"
#include "kiosk/kiosk.h"

static const struct principal EVERYBODY = {.name = "test"};
static struct folder *folder;
static char *dir;
static uint64_t screen;

static int64_t at(const char *text) {
    int64_t ms;
    assert_int_equal(time_parse(slice_of(text), NULL, &ms), 0);
    return ms;
}

static int open_world(void **state) {
    (void)state;
    struct err err = {0};
    char key[KIOSK_KEY_BYTES];
    dir = scratch_make("kiosk");
    if (folder_create(dir, NULL, &err) || folder_open(&folder, dir, &err))
        fail_msg("%s", err.message);
    json_t *document = json_pack("{s:s, s:s, s:i, s:{s:s, s:s, s:[i, i, i, i, i]}}", "name", "Caja",
                                 "question", "¿Qué tal?", "silent_min", 60, "hours", "from",
                                 "09:00", "to", "20:30", "days", 1, 2, 3, 4, 5);
    if (kiosk_check(folder, &EVERYBODY, document, &err) ||
        kiosk_put(folder, &screen, document, "test", key, &err))
        fail_msg("%s %s", err.pointer, err.message);
    json_decref(document);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    folder_close(folder);
    scratch_remove(dir);
    free(dir);
    return 0;
}

/* The state at an instant, as a text of the caller's buffer. */
static const char *state_at(const char *now, char is[16]) {
    struct err err = {0};
    json_t *kiosk;
    assert_int_equal(kiosk_find(folder, &EVERYBODY, screen, at(now), &kiosk, &err), 0);
    snprintf(is, 16, "%s",
             json_string_value(json_object_get(json_object_get(kiosk, "state"), "is")));
    json_decref(kiosk);
    return is;
}

/* The zone is Europe/Madrid: UTC+1 in winter. 27 November 2026 is a Friday. */
static void silence_counts_in_opening_hours(void **state) {
    (void)state;
    struct err err = {0};
    char is[16];
    assert_string_equal(state_at("2026-11-27T10:00:00Z", is), "new");
    assert_int_equal(kiosk_add_history(folder, screen, at("2026-11-27T10:00:00Z"), NULL, 0, &err),
                     0);
    assert_string_equal(state_at("2026-11-27T11:00:00Z", is), "ok");
    assert_string_equal(state_at("2026-11-27T11:01:00Z", is), "silent");
    assert_string_equal(state_at("2026-11-27T19:29:00Z", is), "silent");
    assert_string_equal(state_at("2026-11-27T19:30:00Z", is), "closed");
    assert_string_equal(state_at("2026-11-28T12:00:00Z", is), "closed"); /* Saturday */
    assert_string_equal(state_at("2026-11-30T07:59:00Z", is), "closed"); /* Monday, not open yet */
    assert_string_equal(state_at("2026-11-30T08:59:00Z", is), "ok");     /* open since an hour */
    assert_string_equal(state_at("2026-11-30T09:02:00Z", is), "silent");
}

static void hours_are_checked(void **state) {
    (void)state;
    static const char *const faults[] = {"{\"from\":\"9\",\"to\":\"20:00\"}",
                                         "{\"from\":\"20:00\",\"to\":\"09:00\"}",
                                         "{\"from\":\"09:00\",\"to\":\"25:00\"}",
                                         "{\"from\":\"09:00\",\"to\":\"20:00\",\"days\":[0]}",
                                         "{\"from\":\"09:00\",\"to\":\"20:00\",\"days\":[]}"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct err err = {0};
        json_t *document = json_pack("{s:s, s:s, s:o}", "name", "Caja", "question", "?", "hours",
                                     json_loads(faults[i], 0, NULL));
        assert_int_equal(kiosk_check(folder, &EVERYBODY, document, &err), E_INVALID);
        assert_non_null(strstr(err.pointer, "/hours"));
        json_decref(document);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_counts_in_opening_hours),
        cmocka_unit_test(hours_are_checked),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
