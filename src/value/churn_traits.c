/*
 * Traits as signs of leaving, those that the settings name (`signs`): a number as it is; a text by its most usual values, each a
 * sign that is there or not. Of a trait with two values one is enough. The values are those of now: what is only known once
 * somebody has left must not be named.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "value/churn.h"

enum { VALUES_LEAST = 20 /* customers */ };

struct counted {
    uint32_t number;
    size_t customers;
};

static int most_first(const void *left, const void *right) {
    const struct counted *a = left, *b = right;
    if (a->customers != b->customers)
        return a->customers < b->customers ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

static bool is_number(const struct value *value) {
    return value->type == VALUE_INT || value->type == VALUE_NUMBER;
}

static double number_of(const struct value *value) {
    return value->type == VALUE_INT ? (double)value->integer : value->number;
}

static struct trait_sign *add_sign(struct churn_setup *setup, const char *trait,
                                   const uint32_t *by_owner) {
    struct trait_sign *sign = &setup->traits[setup->n_traits++];
    *sign = (struct trait_sign){.trait = trait, .by_owner = by_owner};
    return sign;
}

/* More values than two, nearly all of them numbers: those of whom none is known have the mean. */
static void add_number(struct churn_setup *setup, struct gather *gather, const char *trait,
                       const uint32_t *by_owner, const struct value_table *table,
                       const struct counted *counted) {
    float *numbers = ARENA_ARRAY(&gather->arena, float, table->n);
    double sum = 0, n = 0;
    for (uint32_t i = 0; i < table->n; i++) {
        const struct value *value = &table->values[counted[i].number];
        numbers[counted[i].number] = is_number(value) ? (float)number_of(value) : NAN;
        if (counted[i].number && is_number(value)) {
            sum += number_of(value) * (double)counted[i].customers;
            n += (double)counted[i].customers;
        }
    }
    for (uint32_t i = 0; i < table->n; i++)
        if (isnan(numbers[i]))
            numbers[i] = (float)(sum / n);
    add_sign(setup, trait, by_owner)->numbers = numbers;
}

static void add_values(struct churn_setup *setup, struct gather *gather, const char *trait,
                       const uint32_t *by_owner, const struct value_table *table,
                       const struct counted *counted, size_t usual) {
    for (size_t i = usual == 2 ? 1 : 0; i < usual && setup->n_traits < TRAIT_SIGNS; i++) {
        struct trait_sign *sign = add_sign(setup, trait, by_owner);
        sign->number = counted[i].number;
        sign->says = table->values[sign->number];
        if (sign->says.type == VALUE_TEXT)
            sign->says.text = arena_copy(&gather->arena, sign->says.text);
    }
}

static void add_trait(struct churn_setup *setup, struct gather *gather, const char *trait,
                      const uint32_t *by_owner, const struct value_table *table) {
    struct counted *counted = calloc(table->n, sizeof *counted);
    size_t usual = 0, numbers = 0, distinct = 0;
    if (!counted)
        abort();
    for (uint32_t i = 0; i < table->n; i++)
        counted[i].number = i;
    for (uint32_t owner = 1; owner < gather->n; owner++)
        counted[by_owner[owner]].customers += by_owner[owner] > 0;
    qsort(counted, table->n, sizeof *counted, most_first);
    for (uint32_t i = 0; i < table->n && counted[i].customers; i++) {
        distinct++;
        usual += i < TRAIT_VALUES && counted[i].customers >= VALUES_LEAST;
        numbers += is_number(&table->values[counted[i].number]);
    }
    if (distinct > 2 && numbers * 10 >= distinct * 9)
        add_number(setup, gather, trait, by_owner, table, counted);
    else
        add_values(setup, gather, trait, by_owner, table, counted, usual);
    free(counted);
}

int churn_traits(struct estimation *run, struct churn_setup *setup, struct err *err) {
    const json_t *signs = json_object_get(run->settings, "signs"), *name;
    size_t i;
    int code = 0;
    json_array_foreach((json_t *)(uintptr_t)signs, i, name) {
        struct value_table table;
        uint32_t *by_owner;
        if (code || setup->n_traits == TRAIT_SIGNS)
            break;
        value_table_init(&table);
        code = gather_groups(&run->gather, json_string_value(name), &table, &by_owner, err);
        if (!code && table.n > 1)
            add_trait(setup, &run->gather, json_string_value(name), by_owner, &table);
        value_table_release(&table);
    }
    return code;
}

double churn_trait(const struct trait_sign *sign, uint32_t owner) {
    uint32_t number = sign->by_owner[owner];
    return sign->numbers ? (double)sign->numbers[number] : number == sign->number;
}
