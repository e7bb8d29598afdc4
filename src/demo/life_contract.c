/*
 * A contract's life: signature, portability, installation (4), first invoice with its shock (2, 3), renewal and
 * loss (14).
 *
 * LOSS  before the first invoice 0.6 %; in the 90 days after it by facts.excess_loss or other_loss; then by month of
 * contract with facts.hazard, in month 13 × facts.month_13: nobody who renewed leaves then, so the others bear it all.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

/* What comes after the end casts its shadow before: renewals, calls to leave. */
enum { HORIZON = LAST_DAY + 21 };

/* ---- the first weeks ---- */

static int64_t installation_time(struct world *world, const struct person *person, int64_t t,
                                 bool in_48h) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    int day = day_of(t);
    int64_t second = t % DAY_SECONDS;
    if (in_48h) {
        bool sunday = calendar_weekday(&world->calendar, day + 1) == 6;
        if (sunday && second > 9 * HOUR) {
            int64_t span = second - 8 * HOUR;
            return (int64_t)(day + 2) * DAY_SECONDS + 8 * HOUR +
                   (int64_t)stream_below(stream, (uint32_t)span);
        }
        return day_time(world, RHYTHM_FIELD, day + 1, stream);
    }
    int days = 3 + (int)stream_lognormal(stream, person->segment == RURAL ? 4 : 1.8, 0.6);
    if (calendar_weekday(&world->calendar, day + days) == 6)
        days++;
    return day_time(world, RHYTHM_FIELD, day + days, stream);
}

static void install(struct world *world, uint32_t who, int64_t t) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    const struct person *person = &world->people[who];
    bool rural = person->segment == RURAL;
    bool in_48h = rural ? even_chance(&world->evens[EVEN_RURAL], facts.rural_in_48h)
                        : even_chance(&world->evens[EVEN_48H], facts.others_in_48h);
    int64_t done = installation_time(world, person, t, in_48h);
    bool partner = stream_chance(stream, rural ? 0.7 : 0.38);
    int unit = UNIT_PROVINCE + person->province;
    world_add(world, t,
              &(struct moment){.who = who, .kind = M_INSTALL_REQUESTED, .unit = (uint8_t)unit});
    world_add(world, done,
              &(struct moment){.who = who,
                               .kind = M_INSTALLED,
                               .unit = (uint8_t)unit,
                               .a = (int32_t)(done - t),
                               .b = partner,
                               .c = in_48h,
                               .d = (uint8_t)(partner ? 27 + stream_below(stream, 19)
                                                      : stream_below(stream, 27))});
    if (!in_48h && stream_chance(stream, 0.3))
        life_call(world, t + 2 * DAY_SECONDS + HOUR, who, REASON_QUESTION);
    if (stream_chance(stream, 0.22)) {
        int score = nps_answer(stream_unit(stream), in_48h ? 46 : -31);
        life_answer(world, done + stream_between(stream, 2000, 90000), who, SURVEY_INSTALL, score,
                    unit, ABOUT_INSTALL);
    }
}

static double excess_share(const struct person *person) {
    if (!(person->flags & PORTED))
        return facts.excess_other;
    return person->signup == BY_STORE ? facts.excess_store
           : person->signup == BY_WEB ? facts.excess_web
                                      : facts.excess_phone;
}

static void call_about_invoice(struct world *world, uint32_t who, int64_t t) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    const struct person *person = &world->people[who];
    bool excess = person->flags & EXCESS, notified = person->flags & NOTIFIED;
    bool calls = !excess    ? even_chance(&world->evens[EVEN_CALL_OTHER], facts.other_calls)
                 : notified ? even_chance(&world->evens[EVEN_CALL_NOTICE], facts.notice_calls)
                            : even_chance(&world->evens[EVEN_CALL_EXCESS], facts.excess_calls);
    if (!calls)
        return;
    int day = day_of(t) + stream_between(stream, 0, 9);
    enum reason reason = stream_chance(stream, excess ? 0.93 : 0.4) ? REASON_BILL : REASON_QUESTION;
    life_call(world, day_time(world, RHYTHM_PHONE, day, stream), who, reason);
}

static void invoice(struct world *world, uint32_t who, int day) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    struct person *person = &world->people[who];
    int kind = !(person->flags & PORTED)    ? 3
               : person->signup == BY_STORE ? 0
               : person->signup == BY_WEB   ? 1
                                            : 2;
    person->invoice = (int16_t)day;
    if (even_chance(&world->evens[EVEN_EXCESS + kind], excess_share(person)))
        person->flags |= EXCESS;
    uint32_t promised = plan_table[person->plan].cents;
    double pct = person->flags & EXCESS       ? facts.excess_pct + 4 * stream_normal(stream)
                 : stream_chance(stream, 0.8) ? 0
                                              : 1.5 * stream_normal(stream);
    int64_t t = (int64_t)day * DAY_SECONDS + 6 * HOUR + stream_between(stream, 0, 5400);
    if (facts.notice_provinces[person->province] > 0 && day >= world->dates.bill_notice) {
        person->flags |= NOTIFIED;
        world_add(world, t - 68000,
                  &(struct moment){.who = who, .kind = M_BILL_NOTICE, .unit = NO_UNIT});
    }
    world_add(world, t,
              &(struct moment){.who = who,
                               .kind = M_INVOICE,
                               .unit = NO_UNIT,
                               .a = (int32_t)((double)promised * (1 + pct / 100) + 0.5),
                               .b = (int32_t)promised,
                               .c = (person->flags & EXCESS) != 0});
    bool lost = person->flags & EXCESS
                    ? even_chance(&world->evens[EVEN_LOSS_EXCESS], facts.excess_loss)
                    : even_chance(&world->evens[EVEN_LOSS_OTHER], facts.other_loss);
    if (lost)
        person->end = (int16_t)(day + stream_between(stream, 11, 89));
    if (day <= LAST_DAY)
        call_about_invoice(world, who, t);
}

void life_contract(struct world *world, uint32_t who, int64_t t) {
    struct stream *stream = &world->streams[FOR_SIGNUP];
    struct person *person = &world->people[who];
    int day = day_of(t);
    life_referral(world, who, t);
    world_add(world, t + 60, &(struct moment){.who = who, .kind = M_SIGNED, .unit = NO_UNIT});
    if (person->flags & PORTED)
        world_add(world, day_time(world, RHYTHM_OFFICE, day + stream_between(stream, 2, 4), stream),
                  &(struct moment){.who = who, .kind = M_PORTED_IN, .unit = NO_UNIT});
    if (person->flags & FIBRE)
        install(world, who, t + 120);
    if (stream_chance(stream, 0.006))
        person->end = (int16_t)(day + stream_between(stream, 3, 14));
    else
        invoice(world, who, day + stream_between(stream, 28, 34));
}

/* ---- renewal and loss ---- */

static void renew(struct world *world, uint32_t who, int anniversary) {
    struct stream *stream = &world->streams[FOR_LOSS];
    struct person *person = &world->people[who];
    int day = anniversary - stream_between(stream, 1, 20);
    if (day < 0 || day > LAST_DAY || day >= person->end)
        return;
    bool dear = even_chance(&world->evens[EVEN_DEAR], facts.dear_renewals);
    static const double plain[] = {0.45, 0.25, 0.2, 0.1}, dear_weights[] = {0.5, 0.3, 0.2};
    static const uint8_t plain_pct[] = {0, 5, 10, 15}, dear_pct[] = {20, 25, 30};
    uint8_t pct = dear ? dear_pct[stream_pick(stream, dear_weights, 3)]
                       : plain_pct[stream_pick(stream, plain, 4)];
    int64_t t = day_time(world, RHYTHM_OFFICE, day, stream);
    if (dear && stream_chance(stream, 0.2) && day > 3 && !life_quiet(world, person, day - 2))
        life_call(world, day_time(world, RHYTHM_PHONE, day - 2, stream), who, REASON_LEAVE);
    person->commitment = (int16_t)(anniversary + 365);
    int shop = person->shop != NO_UNIT && stream_chance(stream, 0.2) ? person->shop : NO_UNIT;
    world_add(world, t,
              &(struct moment){.who = who,
                               .kind = M_RENEWED,
                               .unit = (uint8_t)shop,
                               .a = pct,
                               .b = (anniversary - person->start) / 365});
    world_add(world, t + 5,
              &(struct moment){
                  .who = who, .kind = M_TRAITS_RENEWED, .unit = NO_UNIT, .a = anniversary + 365});
    if (stream_chance(stream, 0.15)) {
        int score = nps_answer(stream_unit(stream), dear ? 12 : 38);
        life_answer(world, t + stream_between(stream, 4000, 150000), who, SURVEY_RENEWAL, score,
                    NO_UNIT, ABOUT_PRICE);
    }
}

/* Months of contract from the day `from` on; sets person->end if they leave inside the two years. */
static void live_on(struct world *world, uint32_t who, int from) {
    struct stream *stream = &world->streams[FOR_LOSS];
    struct person *person = &world->people[who];
    bool renewed = false;
    for (int month = (int)((from - person->start) / 30.4375);; month++) {
        int begin = person->start + (int)(month * 30.4375),
            next = person->start + (int)((month + 1) * 30.4375);
        if (begin > HORIZON)
            return;
        if (month && month % 12 == 0) {
            renewed = stream_chance(stream, facts.renewed);
            if (renewed)
                renew(world, who, begin);
        }
        double hazard = facts.hazard, u = stream_unit(stream);
        if (month == 12) {
            hazard = renewed ? 0 : hazard * facts.month_13 / (1 - facts.renewed);
            u = renewed ? 1 : even_unit(&world->evens[EVEN_MONTH13]);
        }
        int low = begin > from ? begin : from;
        if (next <= low)
            continue;
        hazard *= (double)(next - low) / (next - begin);
        if (u < hazard) {
            person->end = (int16_t)stream_between(stream, low, next - 1);
            return;
        }
    }
}

static void leave(struct world *world, uint32_t who) {
    struct stream *stream = &world->streams[FOR_LOSS];
    const struct person *person = &world->people[who];
    if (person->end < 0 || person->end > HORIZON)
        return;
    static const double price[] = {0.34, 0.26, 0.14, 0.16, 0.10},
                        bill[] = {0.7, 0.12, 0.08, 0.05, 0.05};
    int before = person->end - stream_between(stream, 1, 12);
    if (stream_chance(stream, 0.25) && before > 0 && !life_quiet(world, person, before))
        life_call(world, day_time(world, RHYTHM_PHONE, before, stream), who, REASON_LEAVE);
    before = person->end - stream_between(stream, 2, 20);
    if (stream_chance(stream, 0.25) && before > person->start)
        world_add(
            world, day_time(world, RHYTHM_WEB, before, stream),
            &(struct moment){.who = who, .kind = M_SEARCHED, .unit = NO_UNIT, .a = QUERY_LEAVE});
    int64_t t = day_time(world, RHYTHM_OFFICE, person->end, stream);
    size_t why = stream_pick(stream, person->flags & EXCESS ? bill : price, 5);
    world_add(world, t,
              &(struct moment){.who = who,
                               .kind = M_CANCELLED,
                               .unit = NO_UNIT,
                               .a = person->end - person->start,
                               .b = (int32_t)why,
                               .c = person->end >= person->commitment});
    world_add(
        world, t + 5,
        &(struct moment){.who = who, .kind = M_TRAITS_END, .unit = NO_UNIT, .a = person->end});
}

void life_losses(struct world *world) {
    for (uint32_t who = 0; who < world->n_people; who++) {
        struct person *person = &world->people[who];
        if (person->flags & CARMEN)
            continue;
        if (who < world->n_settled)
            world_add(world, (int64_t)(1 + who % HOUR),
                      &(struct moment){.who = who, .kind = M_TRAITS, .unit = NO_UNIT});
        if (who < world->n_settled && person->start >= -27)
            invoice(world, who, person->start + stream_between(&world->streams[FOR_LOSS], 28, 34));
        if (person->end == NEVER && !(person->flags & LUCIA))
            live_on(world, who, person->invoice != NEVER ? person->invoice + 90 : 0);
        leave(world, who);
    }
}
