/*
 * Signatures of Standard Webhooks. SOURCE: the example of standardwebhooks.com's reference libraries.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/signed.h"

static void test_example(void **state) {
    (void)state;
    char text[SIGNED_BYTES];
    signed_make("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1614265330, "{\"test\": 2432232314}", text);
    assert_string_equal(text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void test_secrets(void **state) {
    (void)state;
    char first[SIGNED_SECRET_BYTES], second[SIGNED_SECRET_BYTES];
    static const char *const bad[] = {"", "whsec_",
                                      "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                      "whsec_not base64, not at all, no"};
    signed_secret_make(first);
    signed_secret_make(second);
    assert_true(signed_secret_is_good(first) && signed_secret_is_good(second));
    assert_string_not_equal(first, second);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(signed_secret_is_good(bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_example),
                                       cmocka_unit_test(test_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
