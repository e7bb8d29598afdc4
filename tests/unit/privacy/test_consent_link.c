/*
 * Signed links to a person's consents: until they expire, and not after; nobody makes one, or makes one last longer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../scratch.h"
#include "privacy/privacy.h"

static struct folder *folder, *other;
static char *dirs[2];

static struct folder *open_one(char **dir) {
    struct err err = {0};
    struct folder *opened = NULL;
    *dir = scratch_make("senda-consents");
    if (folder_create(*dir, NULL, &err) || folder_open(&opened, *dir, &err))
        fail_msg("%s", err.message);
    return opened;
}

static int read_at(struct folder *by, const char *token, int64_t now_ms, const char **said) {
    static struct err err;
    uint32_t profile;
    int64_t expires_ms;
    err = (struct err){0};
    int code = consent_link_read(by, token, now_ms, &profile, &expires_ms, &err);
    *said = err.message;
    return code;
}

static void links_expire(void **state) {
    (void)state;
    char token[CONSENT_LINK_BYTES];
    const char *said;
    consent_link_make(folder, 7, 1000, token);
    assert_int_equal(read_at(folder, token, 999, &said), E_NOT_FOUND); /* nobody has number 7 */
    assert_string_equal(said, "this link leads to nobody any more");
    assert_int_equal(read_at(folder, token, 1000, &said), E_NOT_FOUND);
    assert_string_equal(said, "this link has expired");
}

/* Every character of it: the person, until when, and the signature. */
static void nobody_alters_a_link(void **state) {
    (void)state;
    char token[CONSENT_LINK_BYTES];
    const char *said;
    consent_link_make(folder, 7, 1000, token);
    for (size_t i = 0; i < strlen(token); i++) {
        char was = token[i];
        token[i] = was == 'g' ? 'h' : 'g';
        assert_int_equal(read_at(folder, token, 1, &said), E_NOT_FOUND);
        assert_string_equal(said, "this link is not complete: copy all of it");
        token[i] = was;
    }
    assert_int_equal(read_at(other, token, 1, &said), E_NOT_FOUND); /* another organisation's */
    assert_string_equal(said, "this link is not complete: copy all of it");
    token[strlen(token) - 1] = 0;
    assert_int_equal(read_at(folder, token, 1, &said), E_NOT_FOUND);
    assert_int_equal(read_at(folder, "", 1, &said), E_NOT_FOUND);
}

static int open_folders(void **state) {
    (void)state;
    folder = open_one(&dirs[0]);
    other = open_one(&dirs[1]);
    return 0;
}

static int close_folders(void **state) {
    (void)state;
    folder_close(folder);
    folder_close(other);
    for (int i = 0; i < 2; i++) {
        scratch_remove(dirs[i]);
        free(dirs[i]);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_expire),
        cmocka_unit_test(nobody_alters_a_link),
    };
    return cmocka_run_group_tests(tests, open_folders, close_folders);
}
