/*
 * What a customer could still be worth: what is spent elsewhere, where somebody told it (a trait), and products that others
 * who have the same ones have too.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "value/internal.h"

enum { PRODUCTS = 32, OFFERS = 3, HOLDERS_LEAST = 20 };

/* Spent here in the last year: the fee of twelve months, or the purchases of that year. */
static int spent_here(struct estimation *run, float *spent, struct err *err) {
    struct purchase_history *before = NULL;
    size_t n = 0, at = 0;
    for (uint32_t owner = 0; owner < run->gather.n; owner++)
        spent[owner] = run->contracts ? run->fees[owner] * 12 : NAN;
    if (run->contracts)
        return 0;
    int code = gather_purchases(&run->gather, run->plan, run->gather.end_day - (int32_t)YEAR_DAYS,
                                &before, &n, err);
    for (size_t i = 0; !code && i < run->n_rows; i++) {
        const struct purchase_history *row = &run->rows[i];
        while (at < n && before[at].owner < row->owner)
            at++;
        double earlier = at < n && before[at].owner == row->owner ? before[at].spend : 0;
        spent[row->owner] = (float)(row->spend - earlier);
    }
    free(before);
    return code;
}

static int add_wallet(struct estimation *run, json_t *potential, struct err *err) {
    const char *name = json_string_value(json_object_get(run->settings, "wallet"));
    struct arena *arena = &run->gather.arena;
    if (!name)
        return 0;
    float *wallets = ARENA_ARRAY(arena, float, run->gather.n),
          *spent = ARENA_ARRAY(arena, float, run->gather.n);
    int code = gather_trait(&run->gather, name, false, wallets, err);
    if (!code)
        code = spent_here(run, spent, err);
    double here = 0, all = 0;
    size_t known = 0;
    for (uint32_t owner = 1; !code && owner < run->gather.n; owner++) {
        if (!(wallets[owner] > 0) || isnan(spent[owner]))
            continue;
        float whole = fmaxf(wallets[owner], spent[owner]); /* who spends more here knew it badly */
        run_column(run, NUMBER_WALLET)[owner] = spent[owner] / whole;
        run_column(run, NUMBER_POTENTIAL)[owner] = whole - spent[owner];
        known++;
        here += (double)spent[owner];
        all += (double)whole;
    }
    json_object_set_new(
        potential, "wallet",
        json_pack("{s:s, s:I, s:o, s:f}", "trait", name, "customers", (json_int_t)known, "share",
                  json_of_number(all > 0 ? here / all : (double)NAN), "elsewhere", all - here));
    return code;
}

/* ---- products ---- */

/* Which products each customer has bought. Two scans: the most usual values, then who has which of them. */
struct holdings {
    uint32_t *by_owner;    /* bits, product k */
    const uint32_t *place; /* [values] of a product from 1, 0: beyond PRODUCTS */
};

static void note_held(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    const struct holdings *holdings = opaque;
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint32_t place = holdings->place[runs[r].view->group[row]];
            if (place)
                holdings->by_owner[owner] |= UINT32_C(1) << (place - 1);
        }
}

static void count_values(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    uint64_t *counts = opaque;
    (void)owner;
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++)
            counts[runs[r].view->group[row]]++;
}

static const struct operator counting = {.customer = count_values};
static const struct operator holding = {.customer = note_held};

struct products {
    struct value_table table;
    uint32_t values[PRODUCTS], n; /* numbers in the table, the most bought first */
    uint32_t *held;               /* [owner] bits */
    double holders[PRODUCTS], both[PRODUCTS][PRODUCTS];
};

static void choose_products(struct products *products, uint64_t *const counts[SCAN_THREADS],
                            uint32_t *place) {
    counts[0][0] = 0;
    for (uint32_t v = 1; v < products->table.n; v++)
        for (uint32_t t = 1; t < SCAN_THREADS; t++)
            counts[0][v] += counts[t][v];
    while (products->n < PRODUCTS) {
        uint32_t best = 0;
        for (uint32_t v = 1; v < products->table.n; v++)
            best = counts[0][v] > counts[0][best] ? v : best;
        if (!counts[0][best])
            return;
        counts[0][best] = 0;
        products->values[products->n] = best;
        place[best] = ++products->n;
    }
}

static int read_products(struct estimation *run, uint16_t property, struct products *products,
                         struct err *err) {
    struct gather *gather = &run->gather;
    struct scan scan;
    struct scan_spec spec = {.filter = run->plan->filter,
                             .of = &run->plan->of,
                             .unordered = true,
                             .by = BY_PROPERTY,
                             .by_property = property,
                             .by_values = &products->table};
    int code = scan_prepare(&scan, &spec, gather->snapshot, &gather->patience, &gather->arena, err);
    if (code)
        return code;
    uint64_t *counts[SCAN_THREADS];
    void *states[SCAN_THREADS];
    for (uint32_t t = 0; t < SCAN_THREADS; t++)
        states[t] = counts[t] =
            ARENA_ARRAY(&gather->arena, uint64_t, (size_t)products->table.n + 1);
    uint32_t *place = ARENA_ARRAY(&gather->arena, uint32_t, (size_t)products->table.n + 1);
    products->held = ARENA_ARRAY(&gather->arena, uint32_t, gather->n);
    code = scan_run(&scan, &counting, states, err);
    if (code)
        return code;
    choose_products(products, counts, place);
    struct holdings holdings = {products->held, place};
    return scan_run(&scan, &holding, (void *[]){&holdings, &holdings}, err);
}

static void count_pairs(struct products *products, uint32_t n) {
    for (uint32_t owner = 1; owner < n; owner++)
        for (uint32_t a = 0; a < products->n && products->held[owner]; a++) {
            if (!(products->held[owner] >> a & 1))
                continue;
            products->holders[a]++;
            for (uint32_t b = 0; b < products->n; b++)
                products->both[a][b] += products->held[owner] >> b & 1;
        }
}

/* Of those who have this product: which others they have most often. */
static json_t *others_json(const struct products *products, uint32_t own) {
    json_t *list = json_array();
    bool told[PRODUCTS] = {0};
    told[own] = true;
    for (int offer = 0; offer < OFFERS; offer++) {
        uint32_t best = PRODUCTS;
        for (uint32_t k = 0; k < products->n; k++)
            if (!told[k] && products->both[own][k] > 0 &&
                (best == PRODUCTS || products->both[own][k] > products->both[own][best]))
                best = k;
        if (best == PRODUCTS)
            break;
        told[best] = true;
        json_array_append_new(
            list, json_pack("{s:o, s:f}", "product",
                            json_of_value(&products->table.values[products->values[best]]), "share",
                            products->both[own][best] / products->holders[own]));
    }
    return list;
}

static void tell_products(struct estimation *run, struct products *products, json_t *potential) {
    json_t *list = json_array();
    float *held = run_column(run, NUMBER_PRODUCTS);
    double customers = 0, pairs = 0;
    count_pairs(products, run->gather.n);
    for (uint32_t owner = 1; owner < run->gather.n; owner++)
        if (products->held[owner]) {
            held[owner] = (float)__builtin_popcount(products->held[owner]);
            customers++;
            pairs += (double)held[owner];
        }
    for (uint32_t k = 0; k < products->n; k++)
        json_array_append_new(
            list, json_pack("{s:o, s:I, s:o}", "product",
                            json_of_value(&products->table.values[products->values[k]]),
                            "customers", (json_int_t)products->holders[k], "also",
                            products->holders[k] >= HOLDERS_LEAST ? others_json(products, k)
                                                                  : json_array()));
    json_object_set_new(potential, "products", list);
    json_object_set_new(potential, "products_each",
                        json_of_number(customers > 0 ? pairs / customers : (double)NAN));
}

static int add_products(struct estimation *run, json_t *potential, struct err *err) {
    const char *name = json_string_value(json_object_get(run->settings, "product"));
    uint16_t property = name ? dictionary_find(snapshot_dictionary(run->gather.snapshot),
                                               DICTIONARY_PROPERTY, slice_of(name))
                             : CODE_NONE;
    if (property == CODE_NONE || !run->plan)
        return 0;
    struct products *products = ARENA_ARRAY(&run->gather.arena, struct products, 1);
    value_table_init(&products->table);
    int code = read_products(run, property, products, err);
    if (!code)
        tell_products(run, products, potential);
    value_table_release(&products->table);
    return code;
}

/* ---- one customer ---- */

static bool holds(const json_t *list, const json_t *product) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)(uintptr_t)list, i, one) if (json_equal(one, product)) return true;
    return false;
}

/* What holders of the same products also have, and this one has not: once each, by the largest share. */
static json_t *offers_json(const json_t *products, const json_t *held) {
    json_t *offers = json_array(), *row, *other, *offer;
    size_t i, k, o;
    json_array_foreach((json_t *)(uintptr_t)products, i, row) {
        if (!holds(held, json_object_get(row, "product")))
            continue;
        json_array_foreach(json_object_get(row, "also"), k, other) {
            const json_t *product = json_object_get(other, "product");
            double share = json_number_value(json_object_get(other, "share"));
            bool known = false;
            json_array_foreach(offers, o, offer) {
                if (!json_equal(json_object_get(offer, "product"), product))
                    continue;
                known = true;
                if (share > json_number_value(json_object_get(offer, "share")))
                    json_object_set_new(offer, "share", json_real(share));
            }
            if (!known && !holds(held, product))
                json_array_append_new(offers, json_deep_copy(other));
        }
    }
    return offers;
}

int products_of(struct gather *gather, const struct plan *plan, const json_t *report,
                uint32_t owner, json_t **out, struct err *err) {
    const char *name =
        json_string_value(json_object_get(json_object_get(report, "settings"), "product"));
    uint16_t property = name ? dictionary_find(snapshot_dictionary(gather->snapshot),
                                               DICTIONARY_PROPERTY, slice_of(name))
                             : CODE_NONE;
    *out = NULL;
    if (property == CODE_NONE)
        return 0;
    struct value_table table;
    struct scan scan;
    struct scan_spec spec = {.filter = plan->filter,
                             .of = &plan->of,
                             .unordered = true,
                             .by = BY_PROPERTY,
                             .by_property = property,
                             .by_values = &table};
    value_table_init(&table);
    int code = scan_prepare(&scan, &spec, gather->snapshot, &gather->patience, &gather->arena, err);
    uint64_t *counts = ARENA_ARRAY(&gather->arena, uint64_t, (size_t)table.n + 1);
    if (!code)
        code = scan_one(&scan, owner, &counting, counts, err);
    json_t *held = json_array();
    for (uint32_t v = 1; !code && v < table.n; v++)
        if (counts[v])
            json_array_append_new(held, json_of_value(&table.values[v]));
    if (!code)
        *out = json_pack(
            "{s:O, s:o}", "held", held, "offers",
            offers_json(json_object_get(json_object_get(report, "potential"), "products"), held));
    json_decref(held);
    value_table_release(&table);
    return code;
}

int run_potential(struct estimation *run, struct err *err) {
    json_t *potential = json_object();
    json_object_set_new(run->report, "potential", potential);
    int code = add_wallet(run, potential, err);
    if (!code)
        code = add_products(run, potential, err);
    return code ? code : run_step(run, 96, err);
}
