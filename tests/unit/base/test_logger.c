/*
 * The log: one JSON object a line; the same trouble is not told again and again.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/logger.h"

/* What `tell` writes to stderr. */
static void told(void (*tell)(void), char *text, size_t size) {
    FILE *file = tmpfile();
    assert_non_null(file);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    tell();
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
}

static unsigned lines(const char *text) {
    unsigned n = 0;
    while ((text = strchr(text, '\n'))) {
        text++;
        n++;
    }
    return n;
}

static void tell_trouble(void) {
    for (int i = 0; i < 1000; i++)
        log_warn("store", "the disk is full");
    log_warn("store", "something else");
}

static void tell_news(void) {
    for (int i = 0; i < 3; i++)
        log_info("serve", "a \"quoted\"\nmessage");
}

static void the_same_trouble_once(void **state) {
    (void)state;
    char text[4096];
    told(tell_trouble, text, sizeof text);
    assert_int_equal(lines(text), 2);
    assert_non_null(
        strstr(text, "\"level\":\"warn\",\"area\":\"store\",\"message\":\"the disk is full\"}"));
    assert_non_null(strstr(text, "something else"));
    told(tell_trouble, text, sizeof text);
    assert_int_equal(lines(text), 0);
}

static void news_always(void **state) {
    (void)state;
    char text[4096];
    told(tell_news, text, sizeof text);
    assert_int_equal(lines(text), 3);
    assert_non_null(strstr(text, "\"message\":\"a \\\"quoted\\\"\\nmessage\"}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_trouble_once),
        cmocka_unit_test(news_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
