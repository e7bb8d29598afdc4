/*
 * Messages that came back, as servers of all kinds write them (tests/fuzz/corpus/fuzz_bounce).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mail/bounce.h"

static char bytes[BOUNCE_BYTES];

static struct slice file(const char *name) {
    char path[500];
    snprintf(path, sizeof path, SOURCE_DIR "/tests/fuzz/corpus/fuzz_bounce/%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t n = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    return (struct slice){bytes, n};
}

static void check(const char *name, const char *kind, const char *status, const char *token,
                  const char *address) {
    struct arena arena;
    struct mail_report report;
    arena_init(&arena);
    mail_report_read(file(name), &arena, &report);
    assert_string_equal(mail_return_word(report.kind), kind);
    assert_string_equal(report.status, status);
    assert_string_equal(report.token, token);
    assert_string_equal(report.n_addresses ? report.addresses[0] : "", address);
    arena_release(&arena);
}

static void test_servers(void **state) {
    (void)state;
    check("postfix_failed", "failed", "5.1.1", "12-00112233445566ff", "gone@example.org");
    check("postfix_delayed", "delayed", "4.4.1", "13-aabbccddeeff0011", "slow@example.org");
    check("exchange_spanish", "failed", "5.1.10", "14-0102030405060708", "nadie@empresa.example");
    check("gmail_full", "soft", "5.2.2", "15-1111111111111111", "llena@gmail.example");
    check("qmail_text", "failed", "5.1.1", "16-2222222222222222", "");
    check("holidays", "no_bounce", "", "17-3333333333333333", "");
}

static enum mail_return of_fields(const char *action, const char *status, const char *diagnostic) {
    char text[1000];
    struct arena arena;
    struct mail_report report;
    arena_init(&arena);
    int n = snprintf(text, sizeof text,
                     "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n"
                     "Final-Recipient: rfc822; a@b.example\r\nAction: %s\r\nStatus: %s\r\n"
                     "Diagnostic-Code: smtp; %s\r\n",
                     action, status, diagnostic);
    mail_report_read((struct slice){text, (size_t)n}, &arena, &report);
    arena_release(&arena);
    return report.kind;
}

static void test_judgement(void **state) {
    (void)state;
    assert_int_equal(of_fields("failed", "5.1.1", ""), RETURN_FIRM);
    assert_int_equal(of_fields("FAILED", "5.0.0", "550 User unknown"), RETURN_FIRM);
    assert_int_equal(of_fields("failed", "5.0.0", "554 5.7.1 rejected as spam"), RETURN_SOFT);
    assert_int_equal(of_fields("failed", "5.7.1", "550 5.7.1 policy"), RETURN_SOFT);
    assert_int_equal(of_fields("failed", "5.1.8", "550 5.1.8 bad sender"), RETURN_SOFT);
    assert_int_equal(of_fields("failed", "5.4.1", "550 5.4.1 Recipient address rejected"),
                     RETURN_FIRM);
    assert_int_equal(of_fields("failed", "4.4.7", "queue expired"), RETURN_SOFT);
    assert_int_equal(of_fields("delayed", "4.4.1", ""), RETURN_DELAYED);
    assert_int_equal(of_fields("delivered", "2.1.5", ""), RETURN_DELIVERED);
    assert_int_equal(of_fields("", "", ""), RETURN_NONE);
}

static void test_paths(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_string_equal(mail_report_token(slice_of("<b+7-AB@x.example>"), &arena), "7-ab");
    assert_string_equal(mail_report_token(slice_of("b+a+7-ab@x.example"), &arena), "7-ab");
    static const char *const none[] = {"",        "b@x.example", "b+7@x.example",
                                       "b+-ab@x", "b+7-xy@x",    "b+7-@x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_string_equal(mail_report_token(slice_of(none[i]), &arena), "");
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_servers),
                                       cmocka_unit_test(test_judgement),
                                       cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
