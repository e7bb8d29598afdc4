/*
 * Numbers and instants for people: format.h with results in the chart's arena.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_format.h"

#include <math.h>

#include "pages/text.h"

enum { FORMAT_BYTES = 512 };

/* Moves what was formatted into the arena. */
static const char *kept(const struct chart *chart, struct buf *text) {
    const char *copy = arena_text(chart->arena, buf_slice(text));
    buf_release(text);
    return copy;
}

const char *chart_number(const struct chart *chart, double value, int max_decimals) {
    struct buf text;
    if (!isfinite(value))
        return "–";
    buf_init(&text, FORMAT_BYTES);
    format_number(chart->format, value, max_decimals, &text);
    return kept(chart, &text);
}

const char *chart_compact(const struct chart *chart, double value) {
    struct buf text;
    if (!isfinite(value))
        return "–";
    if (fabs(value) < 100000)
        return chart_number(chart, value, fabs(value) >= 100 ? 0 : fabs(value) >= 1 ? 2 : 3);
    buf_init(&text, FORMAT_BYTES);
    format_compact(chart->format, value, &text);
    return kept(chart, &text);
}

const char *chart_share(const struct chart *chart, double share, int decimals) {
    struct buf text;
    if (!isfinite(share))
        return "–";
    buf_init(&text, FORMAT_BYTES);
    format_percent(chart->format, share, decimals, &text);
    return kept(chart, &text);
}

const char *chart_duration(const struct chart *chart, double seconds) {
    struct buf text;
    if (!isfinite(seconds))
        return "–";
    buf_init(&text, FORMAT_BYTES);
    format_duration(chart->format, seconds, &text);
    return kept(chart, &text);
}

const char *chart_bucket(const struct chart *chart, enum bucket every, int64_t ms, bool full) {
    static const enum instant_style STYLES[2][4] = {
        {INSTANT_TIME, INSTANT_SHORT, INSTANT_SHORT, INSTANT_MONTH},
        {INSTANT_DATETIME, INSTANT_DAY, INSTANT_DATE, INSTANT_MONTH}};
    struct buf text;
    buf_init(&text, FORMAT_BYTES);
    if (full && every == BUCKET_WEEK)
        buf_add_format(&text, "%s ", chart_say(chart, "week_of"));
    format_instant(chart->format, ms, STYLES[full][every], &text);
    return kept(chart, &text);
}

const char *chart_say(const struct chart *chart, const char *key) {
    const char *text = text_of_value(chart->language, "chart", key);
    return text ? text : key;
}
