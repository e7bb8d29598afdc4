/*
 * See survey_rates.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/survey_rates.h"

#include <stdlib.h>

#include "api/api.h"
#include "stats/interval.h"

/* ---- counting ---- */

static void count(struct survey_rate *rate, bool answered) {
    rate->asked += !answered;
    rate->answered += answered;
}

/* Beyond the bound, names are counted in all only. */
static void count_in(struct survey_rate *groups, size_t *n, struct slice name, bool answered,
                     struct arena *arena) {
    size_t i = 0;
    while (i < *n && !slice_equal(groups[i].name, name))
        i++;
    if (i == SURVEY_RATE_GROUPS)
        return;
    if (i == *n) {
        groups[i] = (struct survey_rate){.name = arena_copy(arena, name)};
        (*n)++;
    }
    count(&groups[i], answered);
}

void survey_rates_take(struct survey_rates *rates, const struct survey_said *said) {
    bool answered = said->event == SURVEY_RESPONDED && !said->partial,
         asked = rates->shown_only ? said->event == SURVEY_SHOWN
                                   : said->event == SURVEY_INVITED ||
                                         (said->event == SURVEY_SHOWN && !said->by_invitation);
    rates->invited += said->event == SURVEY_INVITED;
    if (!answered && !asked)
        return;
    count(&rates->all, answered);
    count_in(rates->channels, &rates->n_channels, said->channel, answered, rates->arena);
    count_in(rates->touchpoints, &rates->n_touchpoints, said->touchpoint, answered, rates->arena);
}

/* ---- as JSON ---- */

static void put_rate(const struct survey_rate *rate, const char *const names[3], json_t *to) {
    double answered = (double)(rate->answered < rate->asked ? rate->answered : rate->asked);
    struct estimate share = share_estimate(answered, (double)rate->asked, CONFIDENCE_95);
    const double numbers[] = {share.value, share.low, share.high};
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(to, names[i], rate->asked ? json_real(numbers[i]) : json_null());
}

static int most_asked(const void *a, const void *b) {
    const struct survey_rate *x = a, *y = b;
    return x->asked != y->asked ? (x->asked < y->asked) - (x->asked > y->asked)
                                : slice_compare(x->name, y->name);
}

static json_t *groups_json(struct survey_rate *groups, size_t n, unsigned floor) {
    static const char *const names[] = {"rate", "low", "high"};
    json_t *list = json_array();
    qsort(groups, n, sizeof *groups, most_asked);
    for (size_t i = 0; i < n; i++) {
        const struct survey_rate *group = &groups[i];
        if (floor && (group->asked < floor || group->answered < floor)) {
            json_decref(list);
            return json_null();
        }
        json_t *row =
            json_pack("{s:o, s:I, s:I}", "name",
                      group->name.n ? json_stringn(group->name.p, group->name.n) : json_null(),
                      "asked", (json_int_t)group->asked, "answered", (json_int_t)group->answered);
        put_rate(group, names, row);
        json_array_append_new(list, row);
    }
    return list;
}

void survey_rates_json(struct survey_rates *rates, unsigned floor, json_t *to) {
    static const char *const names[] = {"response_rate", "response_rate_low", "response_rate_high"};
    bool few = floor && (rates->all.asked < floor || rates->all.answered < floor);
    struct survey_rate none = {.name = {NULL, 0}};
    json_object_set_new(to, "invited", json_integer((json_int_t)(few ? 0 : rates->invited)));
    json_object_set_new(to, "asked", json_integer((json_int_t)(few ? 0 : rates->all.asked)));
    put_rate(few ? &none : &rates->all, names, to);
    json_object_set_new(to, "by_channel", groups_json(rates->channels, rates->n_channels, floor));
    json_object_set_new(to, "by_touchpoint",
                        groups_json(rates->touchpoints, rates->n_touchpoints, floor));
}
