/*
 * The part of a run about leaving: learns one window back, is judged on the latest window, tells of today. See value.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value/churn.h"

enum { REASONS = 3 };
/* What a sign must add to the log odds to be named as a reason. */
#define REASON_LEAST 0.05

static int by_number(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double normal_silence(const struct purchase_history *rows, size_t n, double window_days) {
    double *gaps = calloc(n + 1, sizeof *gaps);
    size_t repeaters = 0;
    if (!gaps)
        abort();
    for (size_t i = 0; i < n; i++)
        if (rows[i].days > 1)
            gaps[repeaters++] = (double)(rows[i].last_day - rows[i].first_day) / (rows[i].days - 1);
    qsort(gaps, repeaters, sizeof *gaps, by_number);
    double usual = repeaters ? gaps[repeaters * 4 / 5] : 0;
    free(gaps);
    return fmin(fmax(usual, window_days), YEAR_DAYS);
}

/* ---- judged on what it has not seen ---- */

void churn_judge(struct verdict *verdict, const double *p, const uint8_t *y, size_t n) {
    *verdict = (struct verdict){.n = n};
    for (size_t i = 0; i < n; i++)
        verdict->left += y[i];
    verdict->base = n ? (double)verdict->left / (double)n : (double)NAN;
    verdict->auc = auc_estimate(p, y, n, CONFIDENCE_95);
    verdict->lift_10 = lift_at(p, y, n, 0.1);
    verdict->lift_20 = lift_at(p, y, n, 0.2);
    calibration_make(&verdict->calibration, p, y, n);
}

static void judge(struct verdict *verdict, struct churn_model *model, const struct estimation *run,
                  const struct churn_setup *setup, const struct standing *standing,
                  const struct standing *later) {
    size_t n = 0;
    double *p = calloc(run->gather.n, sizeof *p), raw[SIGNS_ALL];
    uint8_t *y = calloc(run->gather.n, 1);
    if (!p || !y)
        abort();
    for (uint32_t owner = 1; owner < run->gather.n; owner++) {
        if (!standing_has(standing, run, setup, owner))
            continue;
        standing_signs(standing, run, setup, owner, raw);
        p[n] = logistic_of(churn_score(model, raw, NULL));
        y[n++] = standing_left(standing, later, run, owner);
    }
    churn_judge(verdict, p, y, n);
    free(p);
    free(y);
}

static json_t *calibration_json(const struct calibration *calibration) {
    json_t *groups = json_array();
    for (size_t g = 0; g < calibration->groups; g++) {
        const struct calibration_group *group = &calibration->group[g];
        json_array_append_new(groups, json_pack("{s:I, s:f, s:f, s:f, s:f}", "customers",
                                                (json_int_t)group->n, "predicted", group->predicted,
                                                "observed", group->observed.value, "low",
                                                group->observed.low, "high", group->observed.high));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "brier", json_of_number(calibration->brier),
        "log_loss", json_of_number(calibration->log_loss), "slope",
        json_of_number(calibration->slope), "intercept", json_of_number(calibration->intercept),
        "gap", json_of_number(calibration->gap), "hosmer_lemeshow_p",
        json_of_number(calibration->p), "groups", groups);
}

json_t *churn_verdict_json(const struct verdict *verdict) {
    return json_pack(
        "{s:I, s:I, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o}", "customers", (json_int_t)verdict->n,
        "left", (json_int_t)verdict->left, "rate", json_of_number(verdict->base), "auc", "value",
        json_of_number(verdict->auc.value), "low", json_of_number(verdict->auc.low), "high",
        json_of_number(verdict->auc.high), "lift_10", json_of_number(verdict->lift_10), "lift_20",
        json_of_number(verdict->lift_20), "calibration", calibration_json(&verdict->calibration));
}

/* On the days of the latest window. */
static json_t *held_json(const struct verdict *verdict, const struct standing *standing,
                         const struct standing *later) {
    json_t *json = churn_verdict_json(verdict);
    json_object_set_new(json, "from", json_of_day(standing->day + 1));
    json_object_set_new(json, "until", json_of_day(later->day));
    return json;
}

/* "event": its name; or "value": the property and what it "says". */
static void tell_deed(const struct estimation *run, const struct deed *deed, json_t *json) {
    const struct dictionary *names = snapshot_dictionary(run->gather.snapshot);
    if (deed->property == CODE_NONE) {
        json_object_set_new(json, "event",
                            json_of_slice(dictionary_name(names, DICTIONARY_EVENT, deed->event)));
        return;
    }
    json_object_set_new(json, "sign", json_string("value"));
    json_object_set_new(
        json, "property",
        json_of_slice(dictionary_name(names, DICTIONARY_PROPERTY, (uint16_t)deed->property)));
    json_object_set_new(json, "says", json_of_value(&deed->value));
}

/* "trait": its name; "says" where one of its values is meant. */
static void tell_trait(const struct trait_sign *sign, json_t *json) {
    json_object_set_new(json, "sign", json_string("trait"));
    json_object_set_new(json, "trait", json_string(sign->trait));
    if (!sign->numbers)
        json_object_set_new(json, "says", json_of_value(&sign->says));
}

static json_t *signs_json(const struct estimation *run, const struct churn_setup *setup,
                          const struct churn_model *model) {
    json_t *list = json_array();
    for (size_t i = 0; i < model->p; i++) {
        size_t sign = model->sign[i];
        double b = model->logistic.coefficient[i + 1], error = model->logistic.error[i + 1];
        json_t *json =
            json_pack("{s:s, s:f, s:f}", "sign", sign < SIGNS ? sign_names[sign] : "event",
                      "typical", model->typical[i], "odds_ratio", exp(b));
        if (error > 0) {
            json_object_set_new(json, "low", json_real(exp(b - 1.959964 * error)));
            json_object_set_new(json, "high", json_real(exp(b + 1.959964 * error)));
        }
        if (sign >= FIRST_TRAIT)
            tell_trait(&setup->traits[sign - FIRST_TRAIT], json);
        else if (sign >= SIGNS)
            tell_deed(run, &setup->deeds[sign - SIGNS], json);
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *refusal_json(const struct churn_model *model) {
    if (model->learnt)
        return json_null();
    return json_pack("{s:s, s:I, s:I, s:i}", "reason", "too_few_left", "customers",
                     (json_int_t)model->customers, "left", (json_int_t)model->left, "left_needed",
                     VALUE_TOO_FEW);
}

/* ---- today ---- */

static void note_reasons(struct estimation *run, uint32_t owner, const struct churn_model *model,
                         const double *raw, double *parts) {
    for (int r = 0; r < REASONS; r++) {
        size_t best = 0;
        for (size_t i = 1; i < model->p; i++)
            best = fabs(parts[i]) > fabs(parts[best]) ? i : best;
        if (!model->p || fabs(parts[best]) < REASON_LEAST)
            return;
        float place = (float)(best + 1);
        run_column(run, (enum number)(NUMBER_WHY_1 + r))[owner] = parts[best] > 0 ? place : -place;
        run_column(run, (enum number)(NUMBER_WHY_1_VALUE + r))[owner] =
            (float)raw[model->sign[best]];
        parts[best] = 0;
    }
}

/* Bands of health against the usual: customers, and what is at stake. */
struct band {
    size_t n;
    double value, expected;
};

void churn_tell(struct estimation *run, const struct churn_setup *setup,
                const struct churn_model *model, const struct standing *now, double base,
                json_t *json) {
    json_object_set_new(json, "learnt", json_boolean(model->learnt));
    json_object_set_new(json, "refused", refusal_json(model));
    json_object_set_new(json, "signs", signs_json(run, setup, model));
    struct band bands[HEALTH_BANDS] = {0};
    double raw[SIGNS_ALL], parts[SIGNS_ALL];
    float *health = run_column(run, NUMBER_HEALTH);
    const float *clv = run->draft.columns[NUMBER_CLV];
    for (uint32_t owner = 1; owner < run->gather.n; owner++) {
        if (!standing_has(now, run, setup, owner))
            continue;
        standing_signs(now, run, setup, owner, raw);
        double p = churn_probability(model, churn_score(model, raw, parts));
        health[owner] = (float)round(100 * (1 - p));
        if (model->learnt)
            run_column(run, NUMBER_CHURN)[owner] = (float)p;
        struct band *band = &bands[health_band(p, model->learnt ? base : 0.5)];
        band->n++;
        band->expected += p;
        band->value += clv && !isnan(clv[owner]) ? (double)clv[owner] : 0;
        note_reasons(run, owner, model, raw, parts);
    }
    json_t *list = json_array();
    for (int b = 0; b < HEALTH_BANDS; b++)
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:f, s:f}", "band", health_bands[b],
                                        "customers", (json_int_t)bands[b].n, "value",
                                        bands[b].value, "expected_to_leave", bands[b].expected));
    json_object_set_new(json, "bands", list);
}

/* ---- the part ---- */

static int foretell(struct estimation *run, const struct churn_setup *setup,
                    struct standing standings[3], json_t *json, struct err *err) {
    struct churn_model model;
    struct verdict verdict;
    struct standing *train = &standings[0], *held = &standings[1], *now = &standings[2];
    int code = churn_learn(&model, run, setup, train, held, err);
    if (!code)
        code = run_step(run, 85, err);
    if (code)
        return code;
    judge(&verdict, &model, run, setup, held, now);
    if (model.learnt)
        churn_recalibrate(&model, &verdict.calibration);
    json_object_set_new(json, "learnt_from",
                        json_pack("{s:o, s:o, s:I, s:I, s:b}", "from", json_of_day(train->day + 1),
                                  "until", json_of_day(held->day), "customers",
                                  (json_int_t)model.customers, "left", (json_int_t)model.left,
                                  "separated", model.logistic.separated));
    json_object_set_new(json, "check", held_json(&verdict, held, now));
    churn_tell(run, setup, &model, now, verdict.base, json);
    return run_step(run, 92, err);
}

int run_churn(struct estimation *run, struct err *err) {
    struct churn_setup setup = {.window_days = settings_window_days(run->settings), .fold = -1};
    struct standing standings[3];
    if (run->table)
        return run_churn_table(run, err);
    if (!run->contracts) {
        setup.window_days = normal_silence(run->rows, run->n_rows, setup.window_days);
        struct lifetime *lifetimes =
            ARENA_ARRAY(&run->gather.arena, struct lifetime, run->n_rows + 1);
        struct survival curve;
        purchases_lifetimes(&run->gather, run->rows, run->n_rows, setup.window_days, lifetimes,
                            NULL);
        survival_make(&curve, lifetimes, run->n_rows);
        json_object_set_new(run->report, "survival", survival_json(&curve));
        survival_release(&curve);
    }
    int32_t window = (int32_t)ceil(setup.window_days), end = run->gather.end_day;
    json_t *json = json_pack("{s:i}", "window_days", (int)window);
    json_object_set_new(run->report, "churn", json);
    if (end - 2 * window <= run->gather.from_day) {
        json_object_set_new(json, "learnt", json_false());
        json_object_set_new(json, "refused",
                            json_pack("{s:s, s:i, s:i}", "reason", "too_short", "days",
                                      end - run->gather.from_day, "days_needed", 2 * window + 1));
        return 0;
    }
    for (int i = 0; i < 3; i++)
        standing_init(&standings[i], run);
    int code = churn_traits(run, &setup, err);
    if (!code)
        code = churn_events(run, &setup, standings, window, err);
    for (int i = 0; i < 3 && !code; i++) {
        code = standing_read(&standings[i], run, &setup, end - (2 - i) * window, err);
        if (!code)
            code = run_step(run, 50 + 10 * (unsigned)i, err);
    }
    if (!code)
        code = foretell(run, &setup, standings, json, err);
    for (int i = 0; i < 3; i++)
        standing_release(&standings[i]);
    return code;
}
