/*
 * Using the service: faults and technicians, calls and chats (5, 15), the fibre cut (12).
 *
 * CALLS  Every call goes to the own centre or to the provider Sur, which takes 60 % of them and the harder reasons: that
 * is half of its lower NPS. A call that is not solved comes again within 6 days. Processes bring their calls (faults,
 * invoices, losses, the cut); life_calls fills up to 178,000 so that the reasons have their share overall.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/internal.h"

static const double calls_total = 178000, chats_total = 96000, visits_total = 71000;
/* Share of each reason within each centre, NPS that it leaves at the own one. */
static const double own_mix[REASONS] = {.12, .22, .317, .16, .12, .04, .023};
static const double sur_mix[REASONS] = {.26, .27, .157, .07, .12, .10, .023};
static const double reason_nps[REASONS] = {2.7, 22.7, 47.7, 42.7, 27.7, -17.3, 37.7};
static const uint8_t reason_topic[REASONS] = {ABOUT_BILL, ABOUT_FAULT, ABOUT_CARE, ABOUT_CARE,
                                              ABOUT_CARE, ABOUT_LEAVE, ABOUT_CARE};

void day_picker_init(struct day_picker *picker, const struct calendar *calendar,
                     enum rhythm rhythm) {
    double sum = 0;
    for (int day = 0; day < N_DAYS; day++)
        picker->until[day] = sum += rhythm_day(calendar, rhythm, day);
}

int day_pick(const struct day_picker *picker, struct stream *stream) {
    double u = stream_unit(stream) * picker->until[N_DAYS - 1];
    int low = 0, high = N_DAYS - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (picker->until[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int64_t day_time(const struct world *world, enum rhythm rhythm, int day, struct stream *stream) {
    bool saturday = calendar_weekday(&world->calendar, day) == 5;
    return (int64_t)day * DAY_SECONDS + rhythm_second(rhythm, saturday, stream);
}

bool life_quiet(const struct world *world, const struct person *person, int day) {
    if (day >= person->invoice && day <= person->invoice + 10)
        return true;
    return (person->flags & IN_CUT) && day >= world->dates.cut && day <= world->dates.cut + 1;
}

/* ---- calls ---- */

static int route(struct stream *stream, enum reason reason) {
    double sur = facts.sur_share * sur_mix[reason], own = (1 - facts.sur_share) * own_mix[reason];
    return stream_chance(stream, sur / (sur + own)) ? UNIT_SUR : UNIT_OWN_CALLS;
}

static void call_answer(struct world *world, int64_t t, uint32_t who, enum reason reason,
                        bool sur) {
    struct even *even = &world->evens[EVEN_NPS + reason * 2 + sur];
    int score = nps_answer(even_unit(even), reason_nps[reason] + (sur ? facts.sur_effect : 0));
    life_answer(world, t, who, SURVEY_CALL, score, sur ? UNIT_SUR : UNIT_OWN_CALLS,
                reason_topic[reason]);
}

void life_call(struct world *world, int64_t t, uint32_t who, enum reason reason) {
    struct stream *stream = &world->streams[FOR_CALLS];
    for (int again = 0; again < 6; again++) {
        int unit = route(stream, reason);
        bool sur = unit == UNIT_SUR;
        double sigma = 0.45, mean = sur ? facts.sur_handling_s : facts.own_handling_s;
        int duration = (int)stream_lognormal(stream, mean * 0.9037, sigma); /* e^(−σ²/2) */
        int wait = (int)stream_lognormal(stream, sur ? 95 : 60, 0.8);
        bool solved = stream_chance(stream, sur ? facts.sur_solved : facts.own_solved);
        bool marked = solved || stream_chance(stream, sur ? 0.75 : 0.35);
        if (world_add(world, t + wait + duration,
                      &(struct moment){.who = who,
                                       .kind = M_CALL,
                                       .unit = (uint8_t)unit,
                                       .a = duration,
                                       .b = wait,
                                       .c = (uint16_t)reason,
                                       .d = marked,
                                       .e = (uint8_t)again}))
            world->calls_by_reason[reason]++;
        if (stream_chance(stream, 0.07))
            call_answer(world, t + wait + duration + stream_between(stream, 300, 30000), who,
                        reason, sur);
        if (solved)
            return;
        const struct person *person = &world->people[who];
        int day = day_of(t) + stream_between(stream, 1, 6);
        if (!person_active(person, day) ||
            (!life_quiet(world, person, day_of(t)) && life_quiet(world, person, day)))
            return;
        t = day_time(world, RHYTHM_PHONE, day, stream);
    }
}

/* About one reason in one day, by a customer whose planted rates are not being measured. */
static void call_somebody(struct world *world, int day, enum reason reason) {
    struct stream *stream = &world->streams[FOR_CALLS];
    uint32_t who = people_active(world, stream, day, -1, 0);
    if (who == UINT32_MAX || life_quiet(world, &world->people[who], day))
        return;
    life_call(world, day_time(world, RHYTHM_PHONE, day, stream), who, reason);
}

static void holder_calls(struct world *world) {
    struct stream *stream = &world->streams[FOR_CALLS];
    double due = stream_unit(stream);
    for (int day = 0; day < N_DAYS; day++) {
        double effect = day >= world->dates.article ? 1 + facts.article_effect : 1;
        due += scaled(world, facts.holder_calls_a_day) * effect *
               rhythm_day(&world->calendar, RHYTHM_PHONE, day);
        for (int n = due_whole(&due); n; n--)
            call_somebody(world, day, REASON_HOLDER);
    }
}

static void fill_calls(struct world *world) {
    struct stream *stream = &world->streams[FOR_CALLS];
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_PHONE);
    double target = scaled(world, calls_total);
    for (;;) {
        double missing[REASONS], sum = 0;
        for (int reason = 0; reason < REASONS; reason++) {
            double share =
                facts.sur_share * sur_mix[reason] + (1 - facts.sur_share) * own_mix[reason];
            missing[reason] = share * target - (double)world->calls_by_reason[reason];
            if (missing[reason] < 0 || reason == REASON_HOLDER)
                missing[reason] = 0;
            sum += missing[reason];
        }
        if (sum < 1 || (double)world->count[M_CALL] >= target)
            return;
        for (int i = 0; i < 64 && (double)world->count[M_CALL] < target; i++) {
            enum reason reason = (enum reason)stream_pick(stream, missing, REASONS);
            call_somebody(world, day_pick(&picker, stream), reason);
        }
    }
}

/* ---- chats ---- */

/* CSAT of the chat: shares of each answer, 5 points and 7 points. Satisfied: 4–5 (62 %), 5–7 (70 %). */
static int chat_score(struct world *world, bool seven) {
    static const double five[] = {.10, .11, .17, .36, .26},
                        points7[] = {.05, .06, .08, .11, .25, .27, .18};
    double u = even_unit(&world->evens[seven ? EVEN_CHAT7 : EVEN_CHAT5]);
    const double *shares = seven ? points7 : five;
    int score = 1;
    while (score < (seven ? 7 : 5) && u >= shares[score - 1])
        u -= shares[score++ - 1];
    return score;
}

static void chat(struct world *world, int64_t t, uint32_t who, enum reason reason) {
    struct stream *stream = &world->streams[FOR_CALLS];
    bool whatsapp = stream_chance(stream, 0.4);
    int minutes = 2 + (int)stream_lognormal(stream, 6, 0.6);
    world_add(world, t,
              &(struct moment){.who = who,
                               .kind = whatsapp ? M_WHATSAPP : M_CHAT,
                               .unit = NO_UNIT,
                               .a = minutes * 60,
                               .c = (uint16_t)reason,
                               .d = stream_chance(stream, 0.66)});
    if (!stream_chance(stream, 0.18))
        return;
    bool seven = day_of(t) >= world->dates.chat_scale, told = stream_chance(stream, 0.25);
    world_add(world, t + stream_between(stream, 20, 200),
              &(struct moment){.who = who,
                               .kind = M_CHAT_ANSWER,
                               .unit = NO_UNIT,
                               .a = chat_score(world, seven),
                               .b = whatsapp,
                               .d = seven,
                               .e = told});
}

static void fill_chats(struct world *world) {
    struct stream *stream = &world->streams[FOR_CALLS];
    static const double mix[REASONS] = {.22, .2, .34, .07, .07, .05, .05};
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_CHAT);
    while ((double)(world->count[M_CHAT] + world->count[M_WHATSAPP]) < scaled(world, chats_total)) {
        int day = day_pick(&picker, stream);
        uint32_t who = people_active(world, stream, day, -1, 0);
        if (who == UINT32_MAX)
            continue;
        if (world->people[who].age > 64 && stream_chance(stream, 0.8))
            continue;
        enum reason reason = (enum reason)stream_pick(stream, mix, REASONS);
        chat(world, day_time(world, RHYTHM_CHAT, day, stream), who, reason);
    }
}

void life_calls(struct world *world) {
    holder_calls(world);
    fill_calls(world);
    fill_chats(world);
}

/* ---- faults ---- */

/* Between eight and the hour of t on the next day: still within 24 hours. */
static int64_t next_morning(int64_t t, struct stream *stream) {
    int64_t eight = (int64_t)(day_of(t) + 1) * DAY_SECONDS + 8 * HOUR, limit = t + DAY_SECONDS - 60;
    return limit > eight ? eight + (int64_t)stream_below(stream, (uint32_t)(limit - eight)) : limit;
}

static void fault(struct world *world, int day) {
    struct stream *stream = &world->streams[FOR_FAULTS];
    uint32_t who = people_active(world, stream, day, -1, stream_chance(stream, 0.9) ? FIBRE : 0);
    if (who == UINT32_MAX || life_quiet(world, &world->people[who], day))
        return;
    const struct person *person = &world->people[who];
    int64_t t = day_time(world, RHYTHM_PHONE, day, stream);
    int32_t number = (int32_t)++world->n_faults;
    double by = stream_unit(stream);
    if (by < 0.25 && (person->flags & APP))
        world_add(
            world, t,
            &(struct moment){.who = who, .kind = M_FAULT_REPORTED, .unit = NO_UNIT, .b = number});
    else if (by < 0.70)
        life_call(world, t - 700, who, REASON_FAULT);
    else
        chat(world, t - 500, who, REASON_FAULT);
    int unit = UNIT_PROVINCE + person->province;
    world_add(
        world, t + 60,
        &(struct moment){.who = who, .kind = M_FAULT_OPENED, .unit = (uint8_t)unit, .b = number});
    bool in_24h = stream_chance(stream, person->segment == RURAL ? 0.61 : 0.80);
    int64_t done =
        day_time(world, RHYTHM_FIELD, day + (in_24h ? 0 : stream_between(stream, 2, 4)), stream);
    if (in_24h && done < t + HOUR)
        done = next_morning(t, stream);
    bool partner = stream_chance(stream, 0.41);
    uint8_t team = (uint8_t)(partner ? 27 + stream_below(stream, 19) : stream_below(stream, 27));
    bool mended = stream_chance(stream, 0.91);
    world_add(world, done,
              &(struct moment){.who = who,
                               .kind = M_VISITED,
                               .unit = (uint8_t)unit,
                               .a = (int32_t)(done - t),
                               .b = number,
                               .c = done - t <= DAY_SECONDS,
                               .d = team,
                               .e = partner,
                               .f = mended});
}

void life_faults(struct world *world) {
    struct stream *stream = &world->streams[FOR_FAULTS];
    struct day_picker picker;
    day_picker_init(&picker, &world->calendar, RHYTHM_FIELD);
    while ((double)(world->count[M_VISITED] + world->count[M_INSTALLED]) <
           scaled(world, visits_total))
        fault(world, day_pick(&picker, stream));
}

/* ---- the fibre cut ---- */

static void cut_one(struct world *world, uint32_t who) {
    struct stream *stream = &world->streams[FOR_FAULTS];
    struct person *person = &world->people[who];
    int64_t t = (int64_t)world->dates.cut * DAY_SECONDS + 16 * HOUR + 20 * MINUTE;
    bool warned = even_chance(&world->evens[EVEN_WARNED], facts.cut_warned);
    person->flags |= (uint16_t)(IN_CUT | (warned ? WARNED : 0));
    world_add(world, t + stream_between(stream, 0, 40),
              &(struct moment){.who = who, .kind = M_INTERRUPTED, .unit = UNIT_PROVINCE + LEON});
    if (warned)
        world_add(world, t + stream_between(stream, 200, 1190),
                  &(struct moment){.who = who, .kind = M_NOTICE, .unit = NO_UNIT});
    bool calls = warned ? even_chance(&world->evens[EVEN_CALL_WARNED], facts.warned_calls)
                        : even_chance(&world->evens[EVEN_CALL_UNWARNED], facts.unwarned_calls);
    if (calls)
        life_call(world, t + stream_between(stream, 1300, 6 * HOUR - 2400), who, REASON_FAULT);
    if (!stream_chance(stream, 0.25) || !person_active(person, world->dates.cut + 31))
        return;
    struct even *even = &world->evens[warned ? EVEN_NPS_WARNED : EVEN_NPS_UNWARNED];
    int score = nps_answer(even_unit(even), warned ? facts.warned_nps : facts.unwarned_nps);
    life_answer(world, t + 30 * DAY_SECONDS + stream_between(stream, -7000, 9000), who, SURVEY_CUT,
                score, NO_UNIT, ABOUT_CUT);
}

void life_cut(struct world *world) {
    static const bool in_zone[TOWNS] = {
        [1] = 1, [3] = 1, [4] = 1, [5] = 1, [6] = 1, [8] = 1, [9] = 1};
    uint32_t wanted = scaled_count(world, facts.cut_homes);
    for (uint32_t who = 0; who < world->n_people && wanted; who++) {
        const struct person *person = &world->people[who];
        if (person->province != LEON || !in_zone[person->town] || !(person->flags & FIBRE))
            continue;
        if (!person_active(person, world->dates.cut) || (person->flags & CARMEN))
            continue;
        if (person->invoice <= world->dates.cut && person->invoice + 11 > world->dates.cut)
            continue;
        cut_one(world, who);
        wanted--;
    }
}
