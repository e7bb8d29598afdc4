/* module: mail
 *
 * Fuzz target: messages that mail servers send back. Whatever comes in: no crash, an answer, its texts bounded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/bounce.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    struct arena arena;
    struct mail_report report;
    arena_init(&arena);
    mail_report_read((struct slice){(const char *)bytes, n}, &arena, &report);
    must(report.kind >= RETURN_NONE && report.kind < MAIL_RETURNS_N &&
         mail_return_word(report.kind)[0]);
    must(strlen(report.status) < 12 && strlen(report.token) < BOUNCE_TOKEN_BYTES);
    must(report.n_addresses <= BOUNCE_ADDRESSES);
    for (size_t i = 0; i < report.n_addresses; i++)
        must(strchr(report.addresses[i], '@') != NULL);
    arena_release(&arena);
    return 0;
}
