/*
 * People, keys, units, the setup token, throttles.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http_world.h"

#include <liboath/oath.h>

#include "base/clock.h"
#include "http/internal.h"

static struct http_world world;
static struct accounts *accounts;
static const struct principal shell = {.name = "shell", .role = ROLE_OWNER, .scopes = ~0U};

static int open_world(void **state) {
    (void)state;
    world_open(&world, NULL, 0);
    accounts = app_accounts(world.app);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

static uint64_t add(const char *email, enum role role, const char **units, size_t n_units) {
    struct err err = {0};
    struct user user = {.email = email,
                        .name = "A",
                        .language = "",
                        .role = role,
                        .units = units,
                        .n_units = n_units};
    if (user_add(accounts, &shell, &user, "a long password", &err))
        fail_msg("%s", err.message);
    return user.id;
}

static void sets_up_once(void **state) {
    (void)state;
    struct err err = {0};
    char tokens[3][TOKEN_TEXT_BYTES];
    assert_true(accounts_need_setup(accounts));
    assert_false(accounts_setup_token_valid(accounts, "guess"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(accounts_setup_token(accounts, tokens[i], &err), 0);
        assert_true(accounts_setup_token_valid(accounts, tokens[i]));
    }
    /* The first (of init) and the newest (of serve). */
    assert_true(accounts_setup_token_valid(accounts, tokens[0]));
    assert_false(accounts_setup_token_valid(accounts, tokens[1]));
    add("owner@example.org", ROLE_OWNER, NULL, 0);
    assert_false(accounts_need_setup(accounts));
    for (size_t i = 0; i < 3; i++)
        assert_false(accounts_setup_token_valid(accounts, tokens[i]));
}

static void keeps_an_owner(void **state) {
    (void)state;
    struct err err = {0};
    struct arena arena;
    struct user user;
    arena_init(&arena);
    assert_int_equal(user_find(accounts, "OWNER@example.org", &arena, &user, &err), 0);
    assert_int_equal(user_remove(accounts, &shell, user.id, &err), E_REFUSED);
    user.role = ROLE_ADMIN;
    assert_int_equal(user_change(accounts, &shell, &user, &err), E_REFUSED);
    user.role = ROLE_OWNER;
    user.disabled = true;
    assert_int_equal(user_change(accounts, &shell, &user, &err), E_REFUSED);
    uint64_t second = add("second@example.org", ROLE_OWNER, NULL, 0);
    assert_int_equal(user_remove(accounts, &shell, second, &err), 0);
    assert_int_equal(user_get(accounts, second, &arena, &user, &err), E_NOT_FOUND);
    arena_release(&arena);
}

static void only_owners_change_owners(void **state) {
    (void)state;
    struct err err = {0};
    struct principal admin = {.user = 99, .role = ROLE_ADMIN, .scopes = role_scopes(ROLE_ADMIN)};
    struct user user = {
        .email = "boss@example.org", .name = "B", .language = "", .role = ROLE_OWNER};
    assert_int_equal(user_add(accounts, &admin, &user, "a long password", &err), E_FORBIDDEN);
    user.role = ROLE_ADMIN;
    assert_int_equal(user_add(accounts, &admin, &user, "a long password", &err), 0);
}

static void refuses_bad_people(void **state) {
    (void)state;
    static const struct {
        const char *email, *name, *password, *pointer;
    } cases[] = {
        {"", "A", "a long password", "/email"},
        {"a", "A", "a long password", "/email"},
        {"a@", "A", "a long password", "/email"},
        {"a b@c.d", "A", "a long password", "/email"},
        {"a@c.d", "", "a long password", "/name"},
        {"a@c.d", "A", "short", "/password"},
        {"owner@example.org", "A", "a long password", "/email"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct user user = {
            .email = cases[i].email, .name = cases[i].name, .language = "", .role = ROLE_VIEWER};
        assert_true(user_add(accounts, &shell, &user, cases[i].password, &err) < 0);
        assert_string_equal(err.pointer, cases[i].pointer);
    }
}

static void checks_passwords(void **state) {
    (void)state;
    struct err err = {0};
    uint64_t id = add("p@example.org", ROLE_VIEWER, NULL, 0);
    assert_int_equal(user_check_password(accounts, id, "a long password", &err), 0);
    assert_int_equal(user_check_password(accounts, id, "a long passwore", &err), E_UNAUTHORIZED);
    assert_int_equal(user_set_password(accounts, &shell, id, "another password", 0, &err), 0);
    assert_int_equal(user_check_password(accounts, id, "a long password", &err), E_UNAUTHORIZED);
    assert_int_equal(user_check_password(accounts, id, "another password", &err), 0);
}

/* What the key may do, as the router sees it. */
static int identify(const char *secret, struct principal *principal) {
    struct err err = {0};
    char bearer[128];
    struct request *request = request_new(world.app, "GET", "/", false);
    snprintf(bearer, sizeof bearer, "Bearer %s", secret);
    request_add_header(request, "Authorization", bearer);
    int code = accounts_identify(request, &err);
    *principal = request->principal;
    request_free(request);
    return code;
}

static void keys_work_until_they_end(void **state) {
    (void)state;
    struct err err = {0};
    char secret[TOKEN_TEXT_BYTES], old[TOKEN_TEXT_BYTES];
    struct principal who;
    struct api_key key = {.name = "reader", .scopes = SCOPE_QUERY};
    assert_int_equal(api_key_add(accounts, &shell, &key, secret, &err), 0);
    assert_int_equal(identify(secret, &who), 0);
    assert_int_equal(who.scopes, SCOPE_QUERY);
    secret[strlen(secret) - 1] ^= 1;
    assert_int_equal(identify(secret, &who), E_UNAUTHORIZED);
    secret[strlen(secret) - 1] ^= 1;
    struct api_key past = {.name = "old", .scopes = SCOPE_QUERY, .expires_ms = clock_now_ms() - 1};
    assert_int_equal(api_key_add(accounts, &shell, &past, old, &err), 0);
    assert_int_equal(identify(old, &who), E_UNAUTHORIZED);
    assert_int_equal(api_key_remove(accounts, &shell, key.id, &err), 0);
    assert_int_equal(identify(secret, &who), E_UNAUTHORIZED);
    /* Nobody hands out more than they have. */
    struct principal analyst = {.user = 7, .scopes = role_scopes(ROLE_ANALYST)};
    struct api_key more = {.name = "more", .scopes = SCOPE_ADMIN};
    assert_int_equal(api_key_add(accounts, &analyst, &more, secret, &err), E_FORBIDDEN);
}

static void units_have_what_is_below(void **state) {
    (void)state;
    struct err err = {0};
    struct arena arena;
    static const struct unit_parent spain_above = {"territory", "spain"},
                                    north_above = {"territory", "north"},
                                    sur[] = {{"territory", "spain"}, {"operator", "sur"}},
                                    sur_home = {"territory", "lisbon"};
    static const struct unit units[] = {{.name = "lisbon"},
                                        {.name = "spain"},
                                        {.name = "north", .parents = &spain_above, .n_parents = 1},
                                        {.name = "bilbao", .parents = &north_above, .n_parents = 1},
                                        {.name = "sur", .parents = &sur_home, .n_parents = 1},
                                        {.name = "madrid", .parents = sur, .n_parents = 2}};
    arena_init(&arena);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(unit_put(accounts, &shell, &units[i], &err), 0);
    const char *names[] = {"north", "lisbon", "atlantis"};
    const uint16_t *codes;
    size_t n;
    assert_int_equal(unit_codes(accounts, names, 3, &arena, &codes, &n, &err), 0);
    assert_int_equal(n, 4); /* north, bilbao; lisbon, sur; not madrid, which sur only operates */
    const char *operator[] = {"sur"};
    assert_int_equal(unit_codes(accounts, operator, 1, &arena, &codes, &n, &err), 0);
    assert_int_equal(n, 2);
    const char *spain[] = {"spain"};
    assert_int_equal(unit_codes(accounts, spain, 1, &arena, &codes, &n, &err), 0);
    assert_int_equal(n, 4);
    for (size_t i = 1; i < n; i++)
        assert_true(codes[i - 1] < codes[i]);
    const char *none[] = {"atlantis"};
    assert_int_equal(unit_codes(accounts, none, 1, &arena, &codes, &n, &err), 0);
    assert_int_equal(n, 0);
    assert_non_null(codes); /* NULL would be everything */
    struct unit_parent bilbao = {"territory", "bilbao"}, nowhere = {"brand", "bilbao"},
                       other = {"format", "bilbao"};
    struct unit cycle = {.name = "spain", .parents = &bilbao, .n_parents = 1};
    assert_int_equal(unit_put(accounts, &shell, &cycle, &err), E_INVALID);
    assert_string_equal(err.pointer, "/parents/territory");
    cycle.parents = &nowhere;
    assert_int_equal(unit_put(accounts, &shell, &cycle, &err), E_INVALID);
    cycle.parents = &other; /* another hierarchy, no cycle */
    assert_int_equal(unit_put(accounts, &shell, &cycle, &err), 0);
    /* A file may name them in any order; one that does not fit keeps all out. */
    struct unit_parent b = {"territory", "b"}, a = {"territory", "a"};
    struct unit several[] = {{.name = "a", .parents = &b, .n_parents = 1}, {.name = "b"}};
    assert_int_equal(unit_put_all(accounts, &shell, several, 2, &err), 0);
    struct unit ring[] = {{.name = "c"}, {.name = "b", .parents = &a, .n_parents = 1}};
    assert_int_equal(unit_put_all(accounts, &shell, ring, 2, &err), E_INVALID);
    assert_string_equal(err.pointer, "/units/1/parents/territory");
    const char *c[] = {"c"};
    assert_int_equal(unit_codes(accounts, c, 1, &arena, &codes, &n, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(unit_remove(accounts, &shell, "north", &err), E_REFUSED);
    assert_int_equal(unit_remove(accounts, &shell, "madrid", &err), 0);
    arena_release(&arena);
}

static void code_at(const char *base32, int64_t now_ms, char code[8]) {
    char *secret;
    size_t n;
    assert_int_equal(oath_base32_decode(base32, strlen(base32), &secret, &n), OATH_OK);
    assert_int_equal(oath_totp_generate(secret, n, (time_t)(now_ms / 1000), 30, 0, 6, code),
                     OATH_OK);
    free(secret);
}

/* RFC 6238, appendix B: the secret "12345678901234567890" at 59 s, last six digits of eight. */
static void codes_are_those_of_the_rfc(void **state) {
    (void)state;
    char code[8];
    code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59000, code);
    assert_string_equal(code, "287082");
}

static void a_second_factor_is_used_once(void **state) {
    (void)state;
    enum { NOW_MS = 1700000000 };
    const int64_t now_ms = (int64_t)NOW_MS * 1000;
    struct err err = {0};
    struct arena arena;
    struct totp_enrolment enrolment;
    struct totp_state factor;
    char code[8], codes[RECOVERY_CODES][RECOVERY_BYTES], typed[RECOVERY_BYTES];
    int retry_s = 0;
    uint64_t id = add("totp@example.org", ROLE_ANALYST, NULL, 0);
    struct user user = {.id = id, .email = "totp@example.org"};
    struct principal self = {.user = id, .name = user.email, .role = ROLE_ANALYST};
    struct principal other = {.user = id + 1, .name = "other", .role = ROLE_ANALYST};
    arena_init(&arena);
    assert_int_equal(totp_begin(accounts, &user, now_ms, &arena, &enrolment, &err), 0);
    assert_non_null(strstr(enrolment.uri, "otpauth://totp/"));
    code_at(enrolment.secret, now_ms, code);
    assert_int_equal(
        totp_confirm(accounts, &self, enrolment.pending, "000000", now_ms, codes, &err), E_INVALID);
    assert_int_equal(totp_confirm(accounts, &other, enrolment.pending, code, now_ms, codes, &err),
                     E_INVALID); /* of somebody else */
    assert_int_equal(
        totp_confirm(accounts, &self, enrolment.pending, code, now_ms + 3600000, codes, &err),
        E_INVALID); /* too late */
    assert_int_equal(totp_state(accounts, id, &factor, &err), 0);
    assert_false(factor.enabled);
    assert_int_equal(totp_confirm(accounts, &self, enrolment.pending, code, now_ms, codes, &err),
                     0);
    assert_int_equal(totp_state(accounts, id, &factor, &err), 0);
    assert_true(factor.enabled && factor.recovery_left == RECOVERY_CODES);
    /* The code that confirmed is used; the next one is good once, an older one never again. */
    assert_int_equal(totp_check(accounts, id, code, now_ms, &retry_s, &err), E_UNAUTHORIZED);
    code_at(enrolment.secret, now_ms + 30000, code);
    assert_int_equal(totp_check(accounts, id, code, now_ms + 30000, &retry_s, &err), 0);
    assert_int_equal(totp_check(accounts, id, code, now_ms + 30000, &retry_s, &err),
                     E_UNAUTHORIZED);
    code_at(enrolment.secret, now_ms + 600000, code);
    assert_int_equal(totp_check(accounts, id, code, now_ms + 800000, &retry_s, &err),
                     E_UNAUTHORIZED);
    /* Recovery codes, however typed, once each. */
    snprintf(typed, sizeof typed, "%.5s%.5s", codes[3], codes[3] + 6);
    for (char *c = typed; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    assert_int_equal(totp_check(accounts, id, typed, now_ms, &retry_s, &err), 0);
    assert_int_equal(totp_check(accounts, id, typed, now_ms, &retry_s, &err), E_UNAUTHORIZED);
    assert_int_equal(totp_state(accounts, id, &factor, &err), 0);
    assert_int_equal(factor.recovery_left, RECOVERY_CODES - 1);
    /* Guessing is slowed down, whoever does it. */
    int last = 0;
    for (int i = 0; i < 12 && last != E_RATE; i++)
        last = totp_check(accounts, id, "123456", now_ms, &retry_s, &err);
    assert_int_equal(last, E_RATE);
    assert_int_equal(totp_remove(accounts, &self, &user, &err), 0);
    assert_int_equal(totp_state(accounts, id, &factor, &err), 0);
    assert_true(!factor.enabled && !factor.recovery_left);
    arena_release(&arena);
}

static void a_link_is_used_once(void **state) {
    (void)state;
    struct err err = {0};
    struct arena arena;
    struct user user = {.email = "invited@example.org", .name = "I", .role = ROLE_VIEWER}, found;
    char first[TOKEN_TEXT_BYTES], token[TOKEN_TEXT_BYTES];
    int64_t expires_ms;
    arena_init(&arena);
    assert_int_equal(user_add(accounts, &shell, &user, NULL, &err), 0);
    assert_int_equal(user_get(accounts, user.id, &arena, &user, &err), 0);
    assert_true(user.invited);
    assert_int_equal(user_check_password(accounts, user.id, "", &err), E_UNAUTHORIZED);
    assert_int_equal(link_make(accounts, &shell, &user, first, &expires_ms, &err), 0);
    assert_int_equal(link_make(accounts, &shell, &user, token, &expires_ms, &err), 0);
    assert_int_equal(link_find(accounts, first, expires_ms, &arena, &found, &err), E_INVALID);
    assert_int_equal(link_find(accounts, token, expires_ms + 1, &arena, &found, &err), E_INVALID);
    assert_int_equal(link_find(accounts, token, expires_ms, &arena, &found, &err), 0);
    assert_int_equal(found.id, user.id);
    assert_int_equal(user_set_password(accounts, &shell, user.id, "Invited@Example.org", 0, &err),
                     E_INVALID); /* guessed */
    assert_int_equal(user_set_password(accounts, &shell, user.id, "aaaaaaaaaaaa", 0, &err),
                     E_INVALID);
    assert_int_equal(user_set_password(accounts, &shell, user.id, "not my address", 0, &err), 0);
    assert_int_equal(link_find(accounts, token, expires_ms, &arena, &found, &err), E_INVALID);
    arena_release(&arena);
}

static int tamper(void *context, sqlite3 *db, struct err *err) {
    return sqlite3_exec(db, context, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : err_set(err, E_REFUSED, "refused");
}

static void writes_the_audit(void **state) {
    (void)state;
    struct err err = {0};
    struct arena arena;
    struct audit_entry *entries;
    size_t n;
    arena_init(&arena);
    audit_write(accounts, &shell, "1.2.3.4", "test.done", "this", "that");
    struct audit_filter filter = {0};
    assert_int_equal(audit_list(accounts, &filter, 1, &arena, &entries, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_string_equal(entries[0].what, "test.done");
    assert_string_equal(entries[0].who, "shell");
    uint64_t last = entries[0].id;
    filter.before = last;
    assert_int_equal(audit_list(accounts, &filter, 10, &arena, &entries, &n, &err), 0);
    assert_true(n > 0 && entries[0].id < last);
    filter = (struct audit_filter){.what = "test", .who = "shell"};
    assert_int_equal(audit_list(accounts, &filter, 10, &arena, &entries, &n, &err), 0);
    assert_int_equal(n, 1);
    filter.who = "nobody";
    assert_int_equal(audit_list(accounts, &filter, 10, &arena, &entries, &n, &err), 0);
    assert_int_equal(n, 0);
    /* Nothing goes, nothing changes; who does it past the program breaks the chain. */
    uint64_t all, broken;
    assert_int_equal(audit_check(accounts, &all, &broken, &err), 0);
    assert_true(all >= last && broken == 0);
    assert_int_not_equal(store_write(world.folder->store, tamper, "DELETE FROM audit", &err), 0);
    assert_int_not_equal(
        store_write(world.folder->store, tamper, "UPDATE audit SET who = 'x'", &err), 0);
    assert_int_equal(store_write(world.folder->store, tamper,
                                 "DROP TRIGGER audit_stays; DELETE FROM audit WHERE id = 2", &err),
                     0);
    assert_int_equal(audit_check(accounts, &all, &broken, &err), 0);
    assert_int_equal(broken, 3);
    arena_release(&arena);
}

static void slows_down(void **state) {
    (void)state;
    struct throttle *throttle = throttle_new(2, 3);
    int retry_s = 0;
    for (int i = 0; i < 3; i++)
        assert_true(throttle_take(throttle, "a", 1000, &retry_s));
    assert_false(throttle_take(throttle, "a", 1000, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(throttle_take(throttle, "b", 1000, &retry_s));
    assert_false(throttle_take(throttle, "a", 1400, &retry_s));
    assert_true(throttle_take(throttle, "a", 1600, &retry_s));
    assert_true(throttle_take(throttle, "a", 100000, &retry_s));
    throttle_free(throttle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_up_once),
        cmocka_unit_test(keeps_an_owner),
        cmocka_unit_test(only_owners_change_owners),
        cmocka_unit_test(refuses_bad_people),
        cmocka_unit_test(checks_passwords),
        cmocka_unit_test(keys_work_until_they_end),
        cmocka_unit_test(units_have_what_is_below),
        cmocka_unit_test(codes_are_those_of_the_rfc),
        cmocka_unit_test(a_second_factor_is_used_once),
        cmocka_unit_test(a_link_is_used_once),
        cmocka_unit_test(writes_the_audit),
        cmocka_unit_test(slows_down),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
