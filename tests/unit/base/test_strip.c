/*
 * What browsers get of scripts and styles: tools/strip.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../tools/strip.c"

static void gives(const char *text, bool css, const char *wanted) {
    char room[512] = "";
    strncpy(room, text, sizeof room - 1);
    room[strip(room, strlen(room), css)] = 0;
    assert_string_equal(room, wanted);
}

static void test_comments(void **state) {
    (void)state;
    gives("/*\n * What.\n * SPDX-License-Identifier: Apache-2.0\n */\n  a();   // why\n\n  /** "
          "@type {x} */ (b).c();\n",
          false, "/*SPDX-License-Identifier: Apache-2.0*/\na();\n(b).c();\n");
    gives("const n = /* two\nlines */ 2; // end", false, "const n = 2; ");
}

static void test_what_looks_like_comments(void **state) {
    (void)state;
    gives("a = \"/* no */ // no\" + '\\'// no';\n", false,
          "a = \"/* no */ // no\" + '\\'// no';\n");
    gives("a = /\\/\\*[/*]/.test(b) ? x / 2 / 3 : c; // yes\n", false,
          "a = /\\/\\*[/*]/.test(b) ? x / 2 / 3 : c;\n");
    gives("f(`https://x/${a ? `//${b /* gone */}` : {}.c}/*\n  kept`);\n", false,
          "f(`https://x/${a ? `//${b }` : {}.c}/*\n  kept`);\n");
    gives("return /'/.test(a) // yes\n", false, "return /'/.test(a)\n");
}

static void test_styles(void **state) {
    (void)state;
    gives("/* All. */\n.a > b, .c :hover { margin: 0 1px; content: \"{ /* }\"; }\n@media "
          "(min-width: 1rem) { a { b: c; } }\n",
          true,
          ".a > b,.c :hover{margin:0 1px;content:\"{ /* }\";}\n@media (min-width:1rem){a{b:c;}}\n");
}

static void test_faulty(void **state) {
    (void)state;
    gives("a /* never ends", false, "a ");
    gives("a = \"never ends", false, "a = \"never ends");
    gives("`${", false, "`${");
    gives("}}}", false, "}}}");
    gives("\\", false, "\\");
    gives("'\\", false, "'\\");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_what_looks_like_comments),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_faulty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
