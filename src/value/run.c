/*
 * One run: reads, estimates, tells, and puts the new edition in the place of the old one. See value.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "value/internal.h"

enum { NIGHT = 3 * 60 + 20 };

float *run_column(struct estimation *run, enum number number) {
    float **column = &run->draft.columns[number];
    if (*column)
        return *column;
    *column = malloc(run->draft.n * sizeof **column);
    if (!*column)
        abort();
    for (uint32_t owner = 0; owner < run->draft.n; owner++)
        (*column)[owner] = NAN;
    return *column;
}

int run_step(struct estimation *run, unsigned percent, struct err *err) {
    if (run->progress)
        run->progress(run->context, percent, 100);
    if (run->cancelled && atomic_load(run->cancelled))
        return err_set(err, E_CANCELLED, "the run was cancelled");
    return 0;
}

/* What may be lost: what is still expected of who may leave; where nothing tells that, what was spent by who is probably gone. */
static void note_at_risk(struct estimation *run) {
    float *const *columns = run->draft.columns;
    const float *clv = columns[NUMBER_CLV], *churn = columns[NUMBER_CHURN],
                *alive = columns[NUMBER_ALIVE], *spent = columns[NUMBER_MONETARY];
    bool foretold = clv && churn;
    const float *stake = foretold ? clv : spent, *doubt = foretold ? churn : alive;
    if (!stake || !doubt || (!foretold && run->contracts))
        return;
    float *at_risk = run_column(run, NUMBER_AT_RISK);
    for (uint32_t owner = 1; owner < run->draft.n; owner++)
        if (!isnan(stake[owner]) && !isnan(doubt[owner]))
            at_risk[owner] = stake[owner] * (foretold ? doubt[owner] : 1 - doubt[owner]);
}

/* The comparison that the page shows first, so that nobody waits for it. */
static int compare_groups(struct estimation *run, struct err *err) {
    const char *trait = json_string_value(json_object_get(run->settings, "groups"));
    json_t *split = NULL;
    int code = trait ? survival_by(&run->gather, run->settings, trait, &split, err) : 0;
    if (!code && split) {
        json_object_del(split, "all");
        json_object_set_new(run->report, "split", split);
    }
    return code ? code : run_step(run, 98, err);
}

static int estimate(struct estimation *run, struct err *err) {
    int code = run_step(run, 2, err);
    if (!code)
        code = gather_plan(&run->gather, run->settings, &run->plan, err);
    if (!code)
        code = run_worth(run, err);
    if (!code && run->contracts)
        code = run_contracts(run, err);
    if (!code)
        code = run_step(run, 45, err);
    if (!code)
        code = run_churn(run, err);
    if (!code)
        code = run_potential(run, err);
    if (!code)
        code = compare_groups(run, err);
    if (!code)
        run_spread(run);
    if (!code)
        note_at_risk(run);
    return code;
}

static void begin_report(struct estimation *run) {
    const struct gather *gather = &run->gather;
    run->warnings = json_array();
    run->report =
        json_pack("{s:s, s:s, s:O, s:o, s:o}", "business",
                  run->contracts ? "contracts" : "purchases", "currency", gather->folder->currency,
                  "settings", run->settings, "warnings", run->warnings, "observed",
                  gather->from_day <= gather->end_day
                      ? json_pack("{s:o, s:o}", "from", json_of_day(gather->from_day), "until",
                                  json_of_day(gather->end_day))
                      : json_null());
}

static int publish(struct estimation *run, int64_t begun_us, json_t **outcome, struct err *err) {
    double seconds = (double)(clock_monotonic_us() - begun_us) / 1e6;
    json_object_set_new(run->report, "seconds", json_real(round(seconds * 1000) / 1000));
    char *text = json_dumps(run->report, JSON_COMPACT);
    if (!text)
        return err_set(err, E_INTERNAL, "the report of the run could not be written");
    run->draft.made_ms = clock_now_ms();
    run->draft.report = slice_of(text);
    int code = numbers_replace(run->gather.folder, &run->draft, err);
    free(text);
    if (!code && outcome)
        *outcome =
            json_pack("{s:O?, s:O?, s:f}", "customers", json_object_get(run->report, "customers"),
                      "purchasers", json_object_get(run->report, "purchasers"), "seconds", seconds);
    return code;
}

int value_run(struct folder *folder, const atomic_bool *cancelled,
              void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
              json_t **outcome, struct err *err) {
    int64_t begun_us = clock_monotonic_us();
    struct estimation run = {.cancelled = cancelled, .progress = progress, .context = context};
    int code = value_settings_get(folder, &run.settings, err);
    if (code)
        return code;
    code = gather_open(&run.gather, folder, &VALUE_EVERYTHING, err);
    if (code) {
        json_decref(run.settings);
        return code;
    }
    run.draft.n = run.gather.n;
    run.contracts = json_is_object(json_object_get(run.settings, "contract"));
    run.table = settings_are_table(run.settings);
    begin_report(&run);
    if (run.gather.from_day <= run.gather.end_day || run.table)
        code = estimate(&run, err);
    if (!code)
        code = publish(&run, begun_us, outcome, err);
    for (int k = 0; k < NUMBERS; k++)
        free(run.draft.columns[k]);
    free(run.rows);
    json_decref(run.report);
    json_decref(run.settings);
    gather_close(&run.gather);
    malloc_trim(0); /* a run of a million customers takes some hundred megabytes once a day */
    return code;
}

/* ---- the job ---- */

static void tell_job(void *context, uint64_t done, uint64_t total) {
    job_progress(context, done, total);
}

static int run_job(struct job_run *run, struct err *err) {
    json_t *outcome = NULL;
    int code = value_run(job_folder(run), job_cancel_flag(run), tell_job, run, &outcome, err);
    if (!code)
        job_result(run, outcome);
    return code;
}

const struct job job_value = {.name = "value.model",
                              .summary = "estimates what customers are worth and who may leave",
                              .lane = JOB_LONG,
                              .daily_minute = NIGHT,
                              .run = run_job};
