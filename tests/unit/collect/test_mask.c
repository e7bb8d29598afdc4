/*
 * Masking of free texts: what goes, what stays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/mask.h"

static void masked_as(const char *name, const char *text, const char *expected, unsigned places) {
    struct arena arena;
    arena_init(&arena);
    struct slice masked = slice_of(text);
    assert_int_equal(mask_property(slice_of(name), &masked, &arena), places);
    assert_string_equal(arena_text(&arena, masked), expected);
    arena_release(&arena);
}

static void stays(const char *name, const char *text) { masked_as(name, text, text, 0); }

static void test_emails(void **state) {
    (void)state;
    masked_as("comment", "escríbanme a Ana.Gil+web@correo.example.es.", "escríbanme a [email].", 1);
    masked_as("context.page.url", "https://s.test/?m=a@b.com&x=1", "https://s.test/?m=[email]&x=1",
              1);
    masked_as("comment", "a_b@x.io, c@y.org", "[email], [email]", 2);
    stays("comment", "quedamos @ las cinco");
    stays("comment", "usuario@localhost y @senda");
}

/* Numbers that card networks publish for tests. */
static void test_cards(void **state) {
    (void)state;
    masked_as("comment", "mi tarjeta 4111 1111 1111 1111 no va", "mi tarjeta [card] no va", 1);
    masked_as("comment", "5555-5555-5555-4444", "[card]", 1);
    masked_as("comment", "con la 378282246310005", "con la [card]", 1);
    stays("comment", "mi pedido 4111 1111 1111 1112 no llega");
    stays("comment", "el 1234567812345670 es otra cosa"); /* Luhn, but no card begins with 1 */
}

static void test_accounts(void **state) {
    (void)state;
    masked_as("comment", "ES91 2100 0418 4502 0005 1332 es mi cuenta", "[iban] es mi cuenta", 1);
    masked_as("comment", "cuenta GB82WEST12345698765432", "cuenta [iban]", 1);
    stays("comment", "ES91 2100 0418 4502 0005 1333 es un error");
}

static void test_phones_and_ids(void **state) {
    (void)state;
    masked_as("comment", "llamen al 612 345 678 por favor", "llamen al [phone] por favor", 1);
    masked_as("comment", "o al +34 612-34-56-78", "o al [phone]", 1);
    masked_as("comment", "dni 12345678Z, nie X1234567L", "dni [nif], nie [nif]", 2);
    stays("comment", "dni 12345678A");
    stays("comment", "desde el 2026-01-15 a las 10:30 espero 30 minutos");
    stays("shelf", "612345678"); /* a code, not what somebody wrote */
}

static void test_identifiers_are_spared(void **state) {
    (void)state;
    stays("order_id", "4111111111111111");
    stays("orderId", "4111111111111111");
    stays("email", "ana@example.es");
    stays("contact.phone", "+34 612 345 678");
    masked_as("identity", "4111111111111111", "[card]", 1); /* a word of its own, not part of one */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emails),
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_phones_and_ids),
        cmocka_unit_test(test_identifiers_are_spared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
