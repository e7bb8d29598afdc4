/*
 * The planted facts: every number of the table in one place. Tests and the questions of docs/demo look for
 * exactly these.
 *
 *  1  a web release hides Bizum and shows 9.90 € shipping at the payment step; completion 71 → 52 %, mobile 46 %
 *  2  first invoice 48 % above the promise for 37 % of shop portabilities (web 12 %); calls 31 / 6 %, loss 9.4 / 2.8 %
 *  3  message and explained bill in two provinces: calls 31 → 20 %
 *  4  installation within 48 h: 88 %, Rural 62 % (n = 1,900)
 *  5  provider Sur: NPS 12 against 31, half is its case mix; solved 58 / 74 %; 310 s against 460 s
 *  6  Saturdays 11–13 in four shops: 80th percentile of the wait 34 min, the display says 15
 *  7  seats, music, coffee in Burgos: +6 points contento, sales unchanged
 *  8  Ponferrada asks for tens: 97 % contento, 61 % of taps in the last 20 minutes
 *  9  Soria: NPS 71 with n = 14
 * 10  220 gamers make 19 % of the ideas; Mayores are 18 % of customers and 3 % of the voice
 * 11  searches without result: eSIM 412, roaming Marruecos 260; cambio de titular 190 not clicked; an article helps
 * 12  fibre cut: 3,100 warned, 1,800 not: calls 9 / 34 %, NPS after 30 days −4 / −19
 * 13  41 prescribers bring 9.6 % of referred sign-ups
 * 14  27 % of renewals with >= 20 % discount; hazard of loss × 4.2 in month 13
 * 15  the chat's survey changes from 5 to 7 points
 * 16  one person as e-mail, line and visitor; a shop tablet shared by 640
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

const struct facts facts = {
    /* 0.72 · 0.695 + 0.28 · 0.75 = 0.71;  0.72 · 0.46 + 0.28 · 0.674 = 0.52 */
    .checkouts_a_day = 24,
    .mobile_share = 0.72,
    .completed_mobile = 0.695,
    .completed_desktop = 0.75,
    .release_mobile = 0.46,
    .release_desktop = 0.674,
    .shipping = 9.90,

    .excess_store = 0.37,
    .excess_web = 0.12,
    .excess_phone = 0.20,
    .excess_other = 0.04,
    .excess_pct = 48,
    .excess_calls = 0.31,
    .other_calls = 0.06,
    .notice_calls = 0.20,
    .excess_loss = 0.094,
    .other_loss = 0.028,
    .notice_provinces = {[SORIA] = 1, [HUESCA] = 1},

    /* Rural is 11.4 % of installations: 0.114 · 0.62 + 0.886 · 0.9135 = 0.88 */
    .rural_in_48h = 0.62,
    .others_in_48h = 0.9135,

    .sur_share = 0.60,
    .own_solved = 0.755, /* of these some call again about something else within the 7 days */
    .sur_solved = 0.595,
    .own_handling_s = 460,
    .sur_handling_s = 310,
    .sur_effect = -8,

    /* 80th percentile: 24.3 · e^(0.8416 · 0.414) = 34.4 minutes, told in whole minutes */
    .saturday_median = 24.3,
    .saturday_sigma = 0.414,
    .saturday_estimate = 15,
    .usual_median = 6,
    .usual_sigma = 0.6,
    .contento_at_0 = 0.86,
    .contento_a_minute = -0.009,
    .comfort_gain = 0.06,
    .begged_contento = 0.97,
    .begged_at_close = 0.61,
    .few_answers = 14,

    .gamers = 220,
    .gamer_ideas = 0.19,
    .senior_voice = 0.03,

    .esim_people = 412,
    .roaming_people = 260,
    .holder_people = 190,
    .holder_calls_a_day = 5.0,
    .article_effect = -0.24,

    .cut_homes = 4900,
    .cut_warned = 3100.0 / 4900,
    .warned_calls = 0.09,
    .unwarned_calls = 0.34,
    .warned_nps = -4,
    .unwarned_nps = -19,

    .prescribers = 41,
    .referred = 0.11,
    .prescribed = 0.096,

    .hazard = 0.0152,
    .month_13 = 4.2,
    .renewed = 0.45,
    .dear_renewals = 0.27,

    .chat_csat_5 = 0.62,
    .chat_csat_7 = 0.70,

    .tablet_people = 640,
};

void facts_dates(const struct calendar *calendar, struct dates *dates) {
    *dates = (struct dates){
        .release_to = calendar_latest(calendar, 17, 11, 2),
        .bill_notice = calendar_latest(calendar, 1, 4, 90),
        .comfort = calendar_latest(calendar, 1, 3, 90),
        .article = calendar_latest(calendar, 4, 5, 90),
        .cut = calendar_latest(calendar, 3, 2, 45),
        .chat_scale = calendar_latest(calendar, 1, 4, 60),
    };
    dates->release_from = dates->release_to - 42;
}
