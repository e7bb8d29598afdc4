/*
 * Finding people by fragments: folding, digits, the order of answers, typos, and that a changed field is found anew only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "search/index.h"

static struct search_pool pool;

static void put_at(uint32_t profile, uint16_t code, int64_t time_ms, const char *text) {
    char folded[SEARCH_TEXT_BYTES];
    size_t n = search_normal(slice_of(text), folded);
    search_pool_put(&pool, profile, FIELD_TRAIT, code, time_ms, (struct slice){folded, n});
}

static void put(uint32_t profile, uint16_t code, const char *text) {
    put_at(profile, code, 1000, text);
}

static uint32_t itself(const void *context, uint32_t profile) {
    const uint32_t *least = context;
    return profile >= *least ? profile : 0;
}
static uint32_t least_visible = 1;
static const struct search_owners everybody = {itself, NULL, &least_visible, 200000};

static int fill(void **state) {
    (void)state;
    search_pool_init(&pool);
    put(1, 1, "Carmen Ibáñez Ruiz");
    put(1, 2, "carmen.ibanez@correo.example");
    put(1, 3, "+34 612 345 678");
    put(2, 1, "Ibán Ortega");
    put(2, 3, "699-000-111");
    put(3, 1, "Mari Carmen Soler");
    put(4, 1, "Carmen");
    put(5, 1, "Encarmenita Straße");
    put(6, 1, "Bartolomé Etxeberría");
    return 0;
}

static int empty(void **state) {
    (void)state;
    search_pool_release(&pool);
    return 0;
}

static void finds(const char *text, size_t n, const uint32_t *profiles) {
    struct search_hit hits[16];
    size_t found = search_pool_find(&pool, slice_of(text), &everybody, hits, 16);
    if (found != n)
        print_message("\"%s\" found %zu\n", text, found);
    assert_int_equal(found, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(hits[i].owner, profiles[i]);
}
#define FINDS(text, ...)                                                                           \
    finds(text, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})

static void whole_then_beginning_then_word_then_inside(void **state) {
    (void)state;
    FINDS("carmen", 4, 1, 3, 5);
}

static void accents_and_case_do_not_matter(void **state) {
    (void)state;
    FINDS("IBAÑEZ", 1);
    FINDS("ibáñez ruiz", 1);
    FINDS("ruiz carmen", 1);
    FINDS("strasse", 5);
    FINDS("etxeberria", 6);
}

static void a_phone_in_any_writing(void **state) {
    (void)state;
    FINDS("612345678", 1);
    FINDS("(612) 345-678", 1);
    FINDS("0034 612 34 56 78", 1);
    FINDS("000 111", 2);
}

static void typos_are_forgiven(void **state) {
    (void)state;
    FINDS("crmen ruiz", 1);   /* missing */
    FINDS("carmne soler", 3); /* swapped */
    FINDS("ortwga", 2);       /* changed */
    FINDS("orttega", 2);      /* added */
    FINDS("etxeverira", 6);   /* two */
    FINDS("bartoolme", 6);    /* two: added, and swapped */
    finds("zzzzzz", 0, NULL);
    finds("ibx", 0, NULL); /* too short to guess */
    finds(" ", 0, NULL);
}

static void a_number_is_not_guessed(void **state) {
    (void)state;
    finds("612345679", 0, NULL);
    finds("6123456", 1, (uint32_t[]){1});
    finds("carmen 612345679", 0, NULL);
    FINDS("carmne 612345678", 1);
}

static void what_arrives_late_does_not_come_back(void **state) {
    (void)state;
    put_at(2, 1, 5000, "Iván Otero");
    put_at(2, 1, 3000, "Ibán Antiguo");
    finds("antiguo", 0, NULL);
    FINDS("otero", 2);
    put_at(2, 1, 7000, "");
    put_at(2, 1, 6000, "Ibán Antiguo");
    finds("antiguo", 0, NULL);
    put_at(2, 1, 8000, "Ibai Nuevo");
    FINDS("nuevo", 2);
}

/* The nearest stands last in the pool, behind more matches than anybody looks at. */
static void the_nearest_of_very_many(void **state) {
    (void)state;
    char name[64];
    for (uint32_t i = 10; i < 100000; i++) {
        snprintf(name, sizeof name, "cliente %u larga", i);
        put(i, 1, name);
    }
    put(150000, 1, "larga");
    struct search_hit hits[4];
    assert_int_equal(search_pool_find(&pool, slice_of("larga"), &everybody, hits, 4), 4);
    assert_int_equal(hits[0].owner, 150000);
    least_visible = 99998; /* whom the asker may see is chosen before they are counted */
    assert_int_equal(search_pool_find(&pool, slice_of("larga"), &everybody, hits, 4), 3);
    assert_int_equal(hits[0].owner, 150000);
    assert_int_equal(hits[1].owner, 99998);
    least_visible = 1;
}

static void what_changed_is_found_by_its_new_text_alone(void **state) {
    (void)state;
    put(2, 1, "Iván Otero");
    finds("ortega", 0, NULL);
    FINDS("otero", 2);
    FINDS("699000111", 2);
    put(2, 1, "");
    finds("otero", 0, NULL);
    FINDS("699000111", 2);
}

static void many_changes_leave_everybody_findable(void **state) {
    (void)state;
    char name[64];
    for (unsigned round = 0; round < 4; round++)
        for (uint32_t i = 10; i < 20000; i++) {
            snprintf(name, sizeof name, "persona r%u numero%uz de la calle larga", round, i);
            put(i, 1, name);
        }
    FINDS("r3 numero15000z", 15000);
    finds("r2 numero15000z", 0, NULL);
    FINDS("numero19999z", 19999);
    FINDS("ibanez", 1);
    assert_true(pool.n < 4u << 20);
}

static void put_plain(uint32_t profile, uint16_t code, int64_t time_ms, const char *text) {
    char folded[SEARCH_TEXT_BYTES];
    size_t n = search_normal(slice_of(text), folded);
    search_pool_put(&pool, profile, FIELD_PLAIN, code, time_ms, (struct slice){folded, n});
}

/* Somebody in León comes after who is called so; together with a name the city narrows it down; who moved is found there. */
static void a_city_comes_after_names(void **state) {
    (void)state;
    put(20, 1, "Ana León");
    put_plain(21, 9, 1000, "León");
    put_plain(1, 9, 1000, "León");
    finds("leon", 3, (const uint32_t[]){20, 1, 21});
    finds("ibanez leon", 1, (const uint32_t[]){1});
    put_plain(21, 9, 2000, "Ávila");
    finds("LEON", 2, (const uint32_t[]){20, 1});
    finds("avila", 1, (const uint32_t[]){21});
    finds("avlia", 1, (const uint32_t[]){21});
}

static void put_identifier(uint32_t profile, uint16_t code, const char *text) {
    char folded[SEARCH_TEXT_BYTES];
    size_t n = search_normal(slice_of(text), folded);
    search_pool_put(&pool, profile, FIELD_IDENTIFIER, code, 0, (struct slice){folded, n});
}

/* An e-mail that is identifier and trait stands once, and is found when the trait says something else. */
static void what_is_said_twice_stands_once(void **state) {
    (void)state;
    size_t before = pool.n;
    put_identifier(20, 7, "zoe.zubiri@correo.example");
    size_t once = pool.n - before;
    put_at(20, 7, 1000, "Zoe.Zubiri@correo.example");
    assert_true(pool.n - before < once + 20);
    finds("zoe.zubiri", 1, (const uint32_t[]){20});
    put_at(20, 7, 2000, "other@correo.example");
    finds("zoe.zubiri", 1, (const uint32_t[]){20});
    finds("other@correo", 1, (const uint32_t[]){20});
    put_at(20, 7, 1500, "late@correo.example"); /* older than what holds */
    finds("late@correo", 0, NULL);
    search_pool_pack(&pool);
    assert_int_equal(pool.blank, 0);
    finds("zoe.zubiri", 1, (const uint32_t[]){20});
    finds("etxeberria", 1, (const uint32_t[]){6});
    put_identifier(21, 3, "after@packing.example");
    finds("after@packing", 1, (const uint32_t[]){21});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_then_beginning_then_word_then_inside, fill, empty),
        cmocka_unit_test_setup_teardown(accents_and_case_do_not_matter, fill, empty),
        cmocka_unit_test_setup_teardown(a_phone_in_any_writing, fill, empty),
        cmocka_unit_test_setup_teardown(typos_are_forgiven, fill, empty),
        cmocka_unit_test_setup_teardown(a_number_is_not_guessed, fill, empty),
        cmocka_unit_test_setup_teardown(what_arrives_late_does_not_come_back, fill, empty),
        cmocka_unit_test_setup_teardown(the_nearest_of_very_many, fill, empty),
        cmocka_unit_test_setup_teardown(what_changed_is_found_by_its_new_text_alone, fill, empty),
        cmocka_unit_test_setup_teardown(a_city_comes_after_names, fill, empty),
        cmocka_unit_test_setup_teardown(what_is_said_twice_stands_once, fill, empty),
        cmocka_unit_test_setup_teardown(many_changes_leave_everybody_findable, fill, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
