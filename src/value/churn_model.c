/*
 * Learning who leaves, or where too few have left, plain weights. See value.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "value/churn.h"

enum { SAMPLE = 200000, FARTHEST = 4 };

/* Of signs in their standard deviations, where nothing can be learnt. */
static const double plain_weights[SIGNS] = {
    [SIGN_SILENCE] = 0.6,     [SIGN_FEWER] = 0.4,          [SIGN_CONTACTS_90] = -0.2,
    [SIGN_UNHAPPY] = 0.5,     [SIGN_HAPPY] = -0.4,         [SIGN_TENURE] = -0.3,
    [SIGN_ANNIVERSARY] = 0.3, [SIGN_SINCE_PURCHASE] = 0.4, [SIGN_OWN_RATE] = 0.6,
    [SIGN_PURCHASES] = -0.3};

struct sample {
    double *x; /* rows of `width` signs */
    uint8_t *y;
    size_t n, width;
};

/* Every k-th customer, so that there are at most SAMPLE. */
/* Ten parts of a table, by owner. */
int churn_fold(uint32_t owner) { return (int)(hash_bytes(&owner, sizeof owner) % CHURN_FOLDS); }

static bool is_learnt_from(const struct estimation *run, const struct churn_setup *setup,
                           const struct standing *standing, uint32_t owner) {
    return standing_has(standing, run, setup, owner) &&
           (setup->fold < 0 || churn_fold(owner) != setup->fold);
}

static struct sample take_sample(const struct estimation *run, const struct churn_setup *setup,
                                 const struct standing *standing, const struct standing *later,
                                 struct churn_model *model) {
    size_t seen = 0, stride;
    for (uint32_t owner = 1; owner < run->gather.n; owner++)
        model->customers += is_learnt_from(run, setup, standing, owner);
    stride = model->customers / SAMPLE + 1;
    size_t width = churn_width(setup);
    struct sample sample = {calloc(model->customers / stride + 2, width * sizeof(double)),
                            calloc(model->customers / stride + 2, 1), 0, width};
    if (!sample.x || !sample.y)
        abort();
    for (uint32_t owner = 1; owner < run->gather.n; owner++) {
        if (!is_learnt_from(run, setup, standing, owner) || seen++ % stride)
            continue;
        double *row = &sample.x[sample.n * width];
        standing_signs(standing, run, setup, owner, row);
        sample.y[sample.n] = standing_left(standing, later, run, owner);
        model->left += sample.y[sample.n++];
    }
    model->customers = sample.n;
    return sample;
}

/* A value of a trait that the same customers have as one before it ("no internet" of one service and of all). */
static bool says_another(const struct churn_model *model, const struct sample *sample, size_t k) {
    for (size_t m = 0; m < model->p && k >= FIRST_TRAIT; m++) {
        size_t i = 0;
        while (model->sign[m] >= FIRST_TRAIT && i < sample->n &&
               fabs(sample->x[i * sample->width + k] -
                    sample->x[i * sample->width + model->sign[m]]) < 1e-9)
            i++;
        if (i == sample->n)
            return true;
    }
    return false;
}

/* Means and deviations of the scaled signs; those that do not vary are left out. */
static void standardise(struct churn_model *model, const struct sample *sample) {
    for (size_t k = 0; k < sample->width; k++) {
        double sum = 0, squares = 0, plain = 0, n = (double)sample->n;
        for (size_t i = 0; i < sample->n; i++) {
            double raw = sample->x[i * sample->width + k];
            sum += sign_scaled(k, raw);
            plain += raw;
        }
        double mean = sum / n;
        for (size_t i = 0; i < sample->n; i++) {
            double gap = sign_scaled(k, sample->x[i * sample->width + k]) - mean;
            squares += gap * gap;
        }
        double deviation = sqrt(squares / n);
        if (!(deviation > 1e-3) || says_another(model, sample, k))
            continue;
        model->sign[model->p] = k;
        model->mean[model->p] = mean;
        model->typical[model->p] = plain / n;
        model->deviation[model->p++] = deviation;
    }
}

static void weigh_plainly(struct churn_model *model) {
    model->logistic = (struct logistic){.p = model->p};
    for (size_t i = 0; i < model->p; i++)
        if (model->sign[i] < SIGNS)
            model->logistic.coefficient[i + 1] = plain_weights[model->sign[i]];
}

/* In deviations. What is learnt holds for what was seen: beyond a few deviations no farther. */
static double standardised(const struct churn_model *model, size_t i, const double *raw) {
    size_t sign = model->sign[i];
    double x = (sign_scaled(sign, raw[sign]) - model->mean[i]) / model->deviation[i];
    return fmin(fmax(x, -FARTHEST), FARTHEST);
}

int churn_learn(struct churn_model *model, const struct estimation *run,
                const struct churn_setup *setup, const struct standing *standing,
                const struct standing *later, struct err *err) {
    *model = (struct churn_model){.slope = 1};
    struct sample sample = take_sample(run, setup, standing, later, model);
    int code = 0;
    if (sample.n)
        standardise(model, &sample);
    weigh_plainly(model);
    if (model->p && model->left >= VALUE_TOO_FEW &&
        model->customers - model->left >= VALUE_TOO_FEW) {
        struct err failure = {0};
        double *x = calloc(sample.n + 1, (model->p + 1) * sizeof *x);
        if (!x)
            abort();
        for (size_t i = 0; i < sample.n; i++)
            for (size_t k = 0; k < model->p; k++)
                x[i * model->p + k] = standardised(model, k, &sample.x[i * sample.width]);
        code = logistic_fit(&model->logistic, x, sample.y, sample.n, model->p, 1, run->cancelled,
                            &failure);
        free(x);
        model->learnt = !code;
        if (code == E_CANCELLED)
            *err = failure;
        else if (code)
            weigh_plainly(model);
        code = code == E_CANCELLED ? code : 0;
    }
    free(sample.x);
    free(sample.y);
    return code;
}

double churn_score(const struct churn_model *model, const double *raw, double *parts) {
    double sum = model->logistic.coefficient[0];
    for (size_t i = 0; i < model->p; i++) {
        double part = model->logistic.coefficient[i + 1] * standardised(model, i, raw);
        sum += part;
        if (parts)
            parts[i] = part;
    }
    return sum;
}

void churn_recalibrate(struct churn_model *model, const struct calibration *calibration) {
    if (!(calibration->slope > 0))
        return;
    model->slope = calibration->slope;
    model->intercept = calibration->intercept;
}

double churn_probability(const struct churn_model *model, double score) {
    return logistic_of(model->intercept + model->slope * score);
}
