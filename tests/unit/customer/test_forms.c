/*
 * Normal forms of identifiers: addresses, phones of several countries in several writings, Spanish national ids.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "customer/forms.h"

static void is(enum form form, const char *country, const char *text, const char *normal) {
    char out[FORM_BYTES + 1];
    size_t n = form_normal(form, slice_of(text), country, out);
    out[n] = 0;
    if (strcmp(out, normal) != 0)
        print_message("%s in %s: \"%s\", not \"%s\"\n", text, country, out, normal);
    assert_string_equal(out, normal);
}

static void test_phones(void **state) {
    (void)state;
    static const struct {
        const char *country, *text, *normal;
    } rows[] = {
        {"ES", "612 34 56 78", "+34612345678"},
        {"ES", "+34 612-345-678", "+34612345678"},
        {"ES", "0034612345678", "+34612345678"},
        {"ES", "34612345678", "+34612345678"},
        {"ES", " (91) 234.56.78 ", "+34912345678"},
        {"ES", "+44 (0)20 7946 0958", "+442079460958"},
        {"ES", "(+34) 612 345 678", "+34612345678"},
        {"ES", "tel:+34-612-345-678", "+34612345678"},
        {"ES", "+34\u00a0612\u2009345\u2011678", "+34612345678"},
        {"ES", "tel:", ""},
        {"ES", "+34\u20ac612345678", ""},
        {"ES", "61234567", ""},
        {"ES", "6123456789", ""},
        {"ES", "612 34 56 78 ext", ""},
        {"ES", "+0612345678", ""},
        {"ES", "", ""},
        {"MX", "55 1234 5678", "+525512345678"},
        {"AR", "011 4123 4567", "+541141234567"},
        {"GB", "020 7946 0958", "+442079460958"},
        {"US", "(212) 555-0123", "+12125550123"},
        {"US", "1 212 555 0123", "+12125550123"},
        {"PE", "0 1 234 5678", "+5112345678"},
        {"ZZ", "612345678", ""},
        {"ZZ", "+34612345678", "+34612345678"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is(FORM_PHONE, rows[i].country, rows[i].text, rows[i].normal);
}

static void test_addresses(void **state) {
    (void)state;
    is(FORM_EMAIL, "ES", " Ana.Lopez@Correo.EXAMPLE ", "ana.lopez@correo.example");
    is(FORM_EMAIL, "ES", "ÑANDÚ@Correo.example", "ñandú@correo.example");
    is(FORM_EMAIL, "ES", "ana@correo", "");
    is(FORM_EMAIL, "ES", "@correo.example", "");
    is(FORM_EMAIL, "ES", "ana@@correo.example", "");
    is(FORM_EMAIL, "ES", "ana lopez@correo.example", "");
    is(FORM_EMAIL, "ES", "ana@.example.", "");
}

static void test_national_ids(void **state) {
    (void)state;
    is(FORM_NATIONAL_ID, "ES", "12345678-z", "12345678Z");
    is(FORM_NATIONAL_ID, "ES", "12.345.678 Z", "12345678Z");
    is(FORM_NATIONAL_ID, "ES", "1234567L", "01234567L");
    is(FORM_NATIONAL_ID, "ES", "X1234567L", "X1234567L");
    is(FORM_NATIONAL_ID, "ES", "12345678A", "");
    is(FORM_NATIONAL_ID, "ES", "A58818501", "A58818501"); /* a legal person, control digit */
    is(FORM_NATIONAL_ID, "ES", "A58818502", "");
    is(FORM_NATIONAL_ID, "ES", "P0801900B", "P0801900B"); /* control letter */
    is(FORM_NATIONAL_ID, "ES", "12345", "");
    is(FORM_NATIONAL_ID, "CL", "12.345.678-5", "123456785");
}

static void test_names(void **state) {
    (void)state;
    enum form form = FORM_TEXT;
    assert_true(form_find("phone", &form));
    assert_int_equal(form, FORM_PHONE);
    assert_false(form_find("fax", &form));
    is(FORM_TEXT, "ES", " L-77 ", "L-77");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phones), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_national_ids), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
