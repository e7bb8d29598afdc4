/*
 * Bodies of requests: what is received in pieces is what is given; a large one is in a file in which nothing can be read.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/network.h"

static const char LINE[] = "ana.perez@correo.example;+34611223344\n";
enum { LINES = 200000, STEPS = 4 }; /* 7.6 MB */

static void test_spool_tells_nothing(void **state) {
    (void)state;
    static const size_t steps[STEPS] = {1, 63, 1000, 70001};
    struct body body = {0};
    struct slice whole;
    struct err err = {0};
    struct buf sent;
    buf_init(&sent, 16 << 20);
    buf_init(&body.bytes, 16 << 20);
    for (int i = 0; i < LINES; i++)
        buf_add(&sent, LINE, sizeof LINE - 1);
    body_begin(&body, 16 << 20, 0, false, false);
    size_t at = 0;
    for (int i = 0; at < sent.n; i++) {
        size_t n = steps[i % STEPS] < sent.n - at ? steps[i % STEPS] : sent.n - at;
        assert_int_equal(body_add(&body, "/tmp", sent.p + at, n, &err), 0);
        at += n;
    }
    assert_true(body.fd >= 0);
    char *written = malloc(sent.n);
    assert_non_null(written);
    assert_int_equal(pread(body.fd, written, sent.n, 0), (ssize_t)sent.n);
    assert_null(memmem(written, sent.n, "correo", 6));
    assert_null(memmem(written, sent.n, "+346112", 7));
    assert_int_equal(body_finish(&body, &whole, &err), 0);
    assert_int_equal(whole.n, sent.n);
    assert_memory_equal(whole.p, sent.p, sent.n);
    free(written);
    body_release(&body);
    buf_release(&body.bytes);
    buf_release(&sent);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_spool_tells_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
