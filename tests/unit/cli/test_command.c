/*
 * Every text of every command's help is in Spanish, too.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/command.h"
#include "pages/message.h"

static void in_spanish(const struct command *command, const char *text) {
    if (text && !message_in_spanish(text))
        fail_msg("senda %s: not in Spanish: %s", command->name, text);
}

static void help(void **state) {
    (void)state;
    for (size_t i = 0; COMMANDS[i]; i++) {
        in_spanish(COMMANDS[i], COMMANDS[i]->summary);
        in_spanish(COMMANDS[i], COMMANDS[i]->more);
        for (size_t k = 0; k < COMMANDS[i]->n_options; k++)
            in_spanish(COMMANDS[i], COMMANDS[i]->options[k].help);
    }
}

/* LC_ALL before LC_MESSAGES before LANG; "est" is no Spanish. */
static void language(void **state) {
    (void)state;
    static const struct {
        const char *all, *messages, *lang;
        bool spanish;
    } cases[] = {{NULL, NULL, NULL, false},           {NULL, NULL, "es_ES.UTF-8", true},
                 {NULL, "es", "en_GB.UTF-8", true},   {"C.UTF-8", "es", "es", false},
                 {"es_MX", "en", "en", true},         {"", "", "es_CO.UTF-8", true},
                 {NULL, NULL, "est_EE.UTF-8", false}, {"C", NULL, "es", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
        const char *const values[] = {cases[i].all, cases[i].messages, cases[i].lang};
        for (size_t k = 0; k < 3; k++)
            values[k] ? setenv(names[k], values[k], 1) : unsetenv(names[k]);
        assert_int_equal(command_is_spanish(), cases[i].spanish);
        assert_string_equal(command_text("data folder"),
                            cases[i].spanish ? "carpeta de datos" : "data folder");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(help), cmocka_unit_test(language)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
