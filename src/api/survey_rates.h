/*
 * How many of those who were asked answered a survey: in all, by channel and by touchpoint.
 *
 * RULE  Asked is who was invited (`Survey Invited`) and who met the survey without an invitation (`Survey Shown`); what an invitation led
 * to is no other asking. Answered is who gave a whole answer. Both count where they happened: an invitation bears the channel,
 * touchpoint and unit that its answer will bear. Invitations have neither version nor language; where one of these is asked for, those
 * who saw the survey are the asked. Who answers beyond what was asked (a file that was imported) makes no rate: at most 1.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_SURVEY_RATES_H
#define SENDA_API_SURVEY_RATES_H

#include <jansson.h>

#include "base/arena.h"
#include "survey/results.h"

enum { SURVEY_RATE_GROUPS = 100 };

struct survey_rate {
    struct slice name; /* absent: none was said */
    uint64_t asked, answered;
};
struct survey_rates {
    struct arena *arena;
    bool shown_only; /* a version or language is asked for */
    struct survey_rate all, channels[SURVEY_RATE_GROUPS], touchpoints[SURVEY_RATE_GROUPS];
    size_t n_channels, n_touchpoints;
    uint64_t invited;
};

void survey_rates_take(struct survey_rates *rates, const struct survey_said *said);
/* Members "invited", "asked", "response_rate" (null where nobody was asked) with "response_rate_low" and "response_rate_high" (Wilson,
 * 95 %), "by_channel" and "by_touchpoint": [{"name" (null: none),"asked","answered","rate","low","high"}], those asked most first; a list
 * in which a group is below the floor is null. */
void survey_rates_json(struct survey_rates *rates, unsigned floor, json_t *to);

#endif
