/*
 * Each night: who may be twice among the customers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "duplicate/internal.h"

static int best_first(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->one > y->one) - (x->one < y->one);
}

/* Those that are likely enough, the best DUPLICATES_MAX. */
static void choose(const struct facts *facts, struct pairs *pairs) {
    size_t kept = 0;
    for (size_t i = 0; i < pairs->n; i++)
        if (pair_score(facts, &pairs->list[i]) >= DUPLICATE_LEAST)
            pairs->list[kept++] = pairs->list[i];
    if (kept)
        qsort(pairs->list, kept, sizeof *pairs->list, best_first);
    pairs->n = kept < DUPLICATES_MAX ? kept : DUPLICATES_MAX;
}

static int run(struct job_run *run, struct err *err) {
    struct facts facts;
    struct pairs pairs = {0};
    uint64_t added = 0;
    int code = facts_gather(&facts, run, err);
    if (!code)
        code = candidates_find(&facts, &pairs, run, err);
    size_t looked_at = pairs.n;
    if (!code) {
        choose(&facts, &pairs);
        code = duplicates_keep(job_folder(run), &pairs, &added, err);
    }
    if (!code)
        job_result(run, json_pack("{s:I, s:I, s:I}", "compared", (json_int_t)looked_at, "proposed",
                                  (json_int_t)pairs.n, "added", (json_int_t)added));
    free(pairs.list);
    facts_release(&facts);
    return code;
}

const struct job job_duplicates = {.name = "customer.duplicates",
                                   .summary = "looks for customers who may be one person",
                                   .lane = JOB_LONG,
                                   .daily_minute = 3 * 60 + 30,
                                   .run = run};
