/*
 * Rules on counts: see asked.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "base/time.h"
#include "journey/asked.h"
#include "stats/gsl.h"

static const double RARE = 0.001;
enum { TAPS_TO_CLOSE = 4, LEAST = 10, DAYS_LEAST = 5, CENTRE_LEAST = 6, CENTRE_FLAGGED = 3 };

static const char *const texts[ASKED_REASONS] = {"",
#define X(name, text) text,
                                                 ASKED_TABLE(X)
#undef X
};

const char *asked_text(enum asked reason) { return texts[reason]; }

enum asked asked_of(struct slice text) {
    for (int reason = 1; reason < ASKED_REASONS; reason++)
        if (slice_is(text, texts[reason]))
            return (enum asked)reason;
    return ASKED_NOT;
}

int asked_last_minutes(const uint16_t *minutes, size_t n) {
    if (n < TAPS_TO_CLOSE)
        return ASKED_NEVER_CLOSES;
    uint16_t last = minutes[(size_t)ceil(0.98 * (double)n) - 1];
    return last == minutes[n / 2] ? ASKED_NEVER_CLOSES : last - ASKED_CLOSING_MIN;
}

static double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

bool asked_is_burst(double at_close, double taps, double others_at_close, double others_taps,
                    uint64_t days) {
    double usual = fmin(fmax(0.10, 2 * share(others_at_close, others_taps)), 1);
    return taps >= LEAST && __builtin_popcountll(days) >= DAYS_LEAST && at_close / taps >= 0.30 &&
           binomial_upper(at_close, taps, usual) < RARE;
}

bool asked_is_tens(double tens, double wordless, double others_tens, double others_wordless,
                   double worded) {
    double usual = fmin(fmax(0.5, 1.5 * share(others_tens, others_wordless)), 0.95);
    bool written = worded >= 0.05 * (worded + wordless + others_wordless);
    return written && wordless >= LEAST && tens / wordless >= 0.90 &&
           binomial_upper(tens, wordless, usual) < RARE;
}

bool asked_is_centre(double flagged, double answers) {
    return answers >= CENTRE_LEAST && flagged >= CENTRE_FLAGGED && 3 * flagged >= answers;
}

unsigned asked_day_kind(int64_t day) {
    int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; 0: Monday */
    return weekday == 5 ? 1 : weekday == 6 ? 2 : 0;
}

uint32_t asked_quarter(int64_t day) {
    int year, month, of_month;
    time_civil_from_days(day, &year, &month, &of_month);
    return (uint32_t)((year - 1970) * 4 + (month - 1) / 3);
}
