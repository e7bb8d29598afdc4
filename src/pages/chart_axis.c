/*
 * Ticks: see chart_axis.h.
 *
 * SOURCE  nice numbers: P. Heckbert, "Nice Numbers for Graph Labels", Graphics Gems (1990).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_axis.h"

#include <math.h>

#include "base/time.h"

struct value_axis axis_nice(double low, double high, int about, bool whole) {
    if (!isfinite(low) || !isfinite(high) || high <= low)
        high = low = 0;
    if (high <= low)
        high = low + 1;
    double rough = (high - low) / about, power = pow(10, floor(log10(rough))), part = rough / power;
    double step = power * (part < 1.5 ? 1 : part < 3 ? 2 : part < 7 ? 5 : 10);
    if (whole && step < 1)
        step = 1;
    return (struct value_axis){floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step,
                               step};
}

/* How round an instant is: the rule of ticks with the most buckets that still fits is taken. */
enum {
    EVERY_YEAR,
    EVERY_QUARTER,
    EVERY_MONTH,
    EVERY_HALF,
    EVERY_WEEK,
    EVERY_DAY,
    EVERY_SIX_H,
    EVERY_HOUR,
    RULES
};

static bool round_enough(const struct chart *chart, int rule, enum bucket every, int64_t ms,
                         int64_t previous_ms) {
    int64_t local_s = ms / 1000 + (chart->zone ? zone_offset_s(chart->zone, ms / 1000) : 0);
    int64_t before_s =
        previous_ms / 1000 + (chart->zone ? zone_offset_s(chart->zone, previous_ms / 1000) : 0);
    int year, month, day, old_year, old_month, old_day;
    int64_t second = ((local_s % DAY_S) + DAY_S) % DAY_S;
    time_civil_from_days((local_s - second) / DAY_S, &year, &month, &day);
    time_civil_from_days(before_s / DAY_S, &old_year, &old_month, &old_day);
    bool new_month = every == BUCKET_WEEK ? month != old_month : day == 1 && second == 0;
    switch (rule) {
    case EVERY_YEAR: return new_month && month == 1;
    case EVERY_QUARTER: return new_month && month % 3 == 1;
    case EVERY_MONTH: return new_month;
    case EVERY_HALF: return (day == 1 || day == 15) && second == 0 && every != BUCKET_WEEK;
    case EVERY_WEEK: return ((local_s - second) / DAY_S % 7 + 10) % 7 == 0 && second == 0;
    case EVERY_DAY: return second == 0;
    case EVERY_SIX_H: return second % 21600 == 0;
    default: return true;
    }
}

static const char *tick_label(const struct chart *chart, int rule, enum bucket every, int64_t ms) {
    if (rule <= EVERY_MONTH || every == BUCKET_MONTH)
        return chart_bucket(chart, BUCKET_MONTH, ms, false);
    return chart_bucket(
        chart, rule >= EVERY_SIX_H && every == BUCKET_HOUR ? BUCKET_HOUR : BUCKET_DAY, ms, false);
}

size_t axis_time(const struct chart *chart, enum bucket every, const int64_t *starts_ms, size_t n,
                 double width, struct time_tick *ticks) {
    double room = n > 1 ? width / (double)(n - 1) : width;
    int finest = every == BUCKET_MONTH ? EVERY_MONTH : RULES - 1; /* a 1st on a Monday is no rule */
    for (int rule = finest; rule >= 0; rule--) {
        size_t found = 0;
        double free_from = -1e9;
        bool fits = true;
        for (size_t i = 0; i < n && fits; i++) {
            int64_t before = i ? starts_ms[i - 1] : starts_ms[i] - 1000;
            if (!round_enough(chart, rule, every, starts_ms[i], before))
                continue;
            const char *label = tick_label(chart, rule, every, starts_ms[i]);
            double half = text_width(slice_of(label), SIZE_SMALL) / 2 + 7, x = (double)i * room;
            fits = x - half >= free_from;
            free_from = x + half;
            ticks[found++] = (struct time_tick){i, label};
        }
        if (fits && found >= 2)
            return found;
    }
    /* Nothing round fits: first and last, or thinned evenly. */
    size_t found = 0, stride = 1;
    double widest = 0;
    for (size_t i = 0; i < n; i++)
        widest =
            fmax(widest, text_width(slice_of(tick_label(chart, RULES - 1, every, starts_ms[i])),
                                    SIZE_SMALL) +
                             14);
    while ((double)stride * room < widest && stride < n)
        stride++;
    for (size_t i = 0; i < n; i += stride)
        ticks[found++] = (struct time_tick){i, tick_label(chart, RULES - 1, every, starts_ms[i])};
    return found;
}
