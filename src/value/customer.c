/*
 * What the newest run says: of everybody, of one customer, of those at the top of some number.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "value/internal.h"

enum { REASONS = 3 };

static json_t *parse_report(const struct numbers *numbers) {
    struct slice text = numbers_report(numbers);
    return json_loadb(text.p, text.n, 0, NULL);
}

int value_report(struct folder *folder, json_t **report, int64_t *made_ms, struct err *err) {
    struct numbers *numbers;
    *report = NULL;
    int code = numbers_get(folder, &numbers, err);
    if (code || !numbers)
        return code;
    *made_ms = numbers_made_ms(numbers);
    *report = parse_report(numbers);
    numbers_put(numbers);
    return 0;
}

/* ---- one ---- */

static json_t *reasons_json(const struct numbers *numbers, const json_t *signs, uint32_t owner) {
    json_t *list = json_array();
    for (int r = 0; r < REASONS; r++) {
        double place = numbers_of(numbers, (enum number)(NUMBER_WHY_1 + r), owner),
               value = numbers_of(numbers, (enum number)(NUMBER_WHY_1_VALUE + r), owner);
        const json_t *sign = isnan(place) ? NULL : json_array_get(signs, (size_t)fabs(place) - 1);
        if (!sign)
            continue;
        json_t *reason =
            json_pack("{s:O, s:s, s:o, s:O}", "sign", json_object_get(sign, "sign"), "speaks_for",
                      place > 0 ? "leaving" : "staying", "value", json_of_number(value), "typical",
                      json_object_get(sign, "typical"));
        static const char *const deeds[] = {"event", "property", "trait", "says"};
        for (size_t d = 0; d < sizeof deeds / sizeof *deeds; d++)
            if (json_object_get(sign, deeds[d]))
                json_object_set(reason, deeds[d], json_object_get(sign, deeds[d]));
        json_array_append_new(list, reason);
    }
    return list;
}

const char *const health_bands[HEALTH_BANDS] = {"good", "watch", "risk"};

int health_band(double p, double base) {
    double odds = p / (1 - p), usual = base / (1 - base);
    return p <= base ? 0 : odds <= 2 * usual ? 1 : 2;
}

static json_t *owner_json(const struct numbers *numbers, const json_t *report, uint32_t owner) {
    const json_t *churn = json_object_get(report, "churn");
    json_t *json = json_pack("{s:o}", "id", json_of_owner(owner));
    for (int k = 0; k < NUMBERS_ASKED; k++)
        json_object_set_new(json, number_names[k],
                            json_of_number(numbers_of(numbers, (enum number)k, owner)));
    double health = numbers_of(numbers, NUMBER_HEALTH, owner);
    if (!isnan(health)) {
        bool learnt = json_is_true(json_object_get(churn, "learnt"));
        double base =
            learnt ? json_number_value(json_object_get(json_object_get(churn, "check"), "rate"))
                   : 0.5;
        double risk = learnt ? numbers_of(numbers, NUMBER_CHURN, owner) : 1 - health / 100;
        json_object_set_new(json, "band", json_string(health_bands[health_band(risk, base)]));
        json_object_set_new(json, "reasons",
                            reasons_json(numbers, json_object_get(churn, "signs"), owner));
    }
    return json;
}

int value_of_owner(struct folder *folder, uint32_t owner, json_t **out, struct err *err) {
    struct numbers *numbers;
    *out = NULL;
    int code = numbers_get(folder, &numbers, err);
    if (code || !numbers)
        return code;
    json_t *report = parse_report(numbers);
    *out = owner_json(numbers, report, owner);
    json_decref(report);
    numbers_put(numbers);
    return 0;
}

/* ---- one, by what the asker may see ---- */

static double number_in(const json_t *object, const char *name) {
    const json_t *number = json_object_get(object, name);
    return json_is_number(number) ? json_number_value(number) : (double)NAN;
}

/* The models as the run found them. */
static void read_models(const json_t *report, const struct plan *plan, struct worth *worth) {
    const json_t *parameters = json_object_get(json_object_get(report, "model"), "parameters");
    *worth = (struct worth){.buyers = {plan->modified, number_in(parameters, "r"),
                                       number_in(parameters, "alpha"), number_in(parameters, "a"),
                                       number_in(parameters, "b")},
                            .spend = {number_in(parameters, "p"), number_in(parameters, "q"),
                                      number_in(parameters, "v")}};
    worth->buyers_fitted = !isnan(worth->buyers.r);
    worth->spend_fitted = !isnan(worth->spend.p);
}

static int purchases_json(struct gather *gather, const json_t *report, uint32_t owner, json_t **out,
                          struct err *err) {
    struct plan *plan;
    struct purchase_history row;
    struct worth worth;
    int code = gather_plan(gather, json_object_get(report, "settings"), &plan, err);
    if (code || !plan)
        return code;
    code = gather_purchases_of(gather, plan, owner, &row, err);
    if (code || !row.days)
        return code;
    struct value_input input = {.plan = plan, .worth = {&row, 1, gather->end_day, plan->unit_days}};
    read_models(report, plan, &worth);
    json_t *products;
    code = products_of(gather, plan, report, owner, &products, err);
    if (code)
        return code;
    *out = value_row_json(&input, &worth, NULL, 0);
    if (products)
        json_object_set_new(*out, "products", products);
    return 0;
}

int value_of_purchases(struct folder *folder, const struct principal *principal, uint32_t owner,
                       json_t **out, struct err *err) {
    json_t *report;
    int64_t made_ms;
    struct gather gather;
    *out = NULL;
    int code = value_report(folder, &report, &made_ms, err);
    if (code || !report)
        return code;
    code = gather_open(&gather, folder, principal, err);
    if (!code) {
        code = purchases_json(&gather, report, owner, out, err);
        gather_close(&gather);
    }
    json_decref(report);
    return code;
}

/* ---- lists ---- */

struct placed {
    float number;
    uint32_t owner;
};

static int rising(const void *left, const void *right) {
    const struct placed *a = left, *b = right;
    if (a->number < b->number || a->number > b->number)
        return a->number < b->number ? -1 : 1;
    return (a->owner > b->owner) - (a->owner < b->owner);
}

static int falling(const void *left, const void *right) {
    const struct placed *a = left, *b = right;
    if (a->number < b->number || a->number > b->number)
        return a->number < b->number ? 1 : -1;
    return (a->owner > b->owner) - (a->owner < b->owner);
}

static bool is_listed(const struct value_list *list, uint32_t owner) {
    return !list->visible ||
           (owner <= list->visible_last && (list->visible[owner >> 6] >> (owner & 63) & 1));
}

int value_list(struct folder *folder, const struct value_list *list, json_t **rows, uint64_t *total,
               struct err *err) {
    struct numbers *numbers;
    *rows = json_array();
    *total = 0;
    int code = numbers_get(folder, &numbers, err);
    if (code || !numbers)
        return code;
    uint32_t n = numbers_owners(numbers);
    struct placed *placed = calloc((size_t)n + 1, sizeof *placed);
    size_t count = 0;
    if (!placed)
        abort();
    for (uint32_t owner = 1; owner < n; owner++) {
        double number = numbers_of(numbers, list->order, owner);
        if (!isnan(number) && is_listed(list, owner))
            placed[count++] = (struct placed){(float)number, owner};
    }
    qsort(placed, count, sizeof *placed, list->falling ? falling : rising);
    json_t *report = parse_report(numbers);
    for (size_t i = list->skip; i < count && i - list->skip < list->limit; i++)
        json_array_append_new(*rows, owner_json(numbers, report, placed[i].owner));
    *total = count;
    json_decref(report);
    free(placed);
    numbers_put(numbers);
    return 0;
}
