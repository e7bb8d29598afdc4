/*
 * People, keys, units, the setup token, throttles.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http_world.h"

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
    assert_int_equal(user_set_password(accounts, &shell, id, "another password", &err), 0);
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

static void writes_the_audit(void **state) {
    (void)state;
    struct err err = {0};
    struct arena arena;
    struct audit_entry *entries;
    size_t n;
    arena_init(&arena);
    audit_write(accounts, &shell, "1.2.3.4", "test.done", "this", "that");
    assert_int_equal(audit_list(accounts, 0, 1, &arena, &entries, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_string_equal(entries[0].what, "test.done");
    assert_string_equal(entries[0].who, "shell");
    uint64_t last = entries[0].id;
    assert_int_equal(audit_list(accounts, last, 10, &arena, &entries, &n, &err), 0);
    assert_true(n > 0 && entries[0].id < last);
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
        cmocka_unit_test(writes_the_audit),
        cmocka_unit_test(slows_down),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
