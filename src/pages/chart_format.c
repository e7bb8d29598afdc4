/*
 * Numbers and instants for people: see chart_format.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_format.h"

#include <math.h>
#include <stdio.h>

#include "base/time.h"

static bool spanish(const struct chart *chart) { return chart->language && strncmp(chart->language, "es", 2) == 0; }

/* Digits of an unsigned whole number with a separator every three. */
static const char *grouped(const struct chart *chart, unsigned long long whole) {
    char digits[32], text[48];
    int n = snprintf(digits, sizeof digits, "%llu", whole), to = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text[to++] = spanish(chart) ? '.' : ',';
        text[to++] = digits[i];
    }
    text[to] = 0;
    return arena_format(chart->arena, "%s", text);
}

static const char *fixed(const struct chart *chart, double value, int decimals, bool trim) {
    static const double POWERS[] = {1, 10, 100, 1000, 10000};
    if (!isfinite(value))
        return "–";
    decimals = decimals < 0 ? 0 : decimals > 4 ? 4 : decimals;
    double size = fmin(fabs(value), 1e15);
    unsigned long long scaled = (unsigned long long)llround(size * POWERS[decimals]);
    unsigned long long unit = (unsigned long long)POWERS[decimals], part = scaled % unit;
    const char *sign = value < 0 && scaled ? "−" : "", *whole = grouped(chart, scaled / unit);
    while (trim && decimals && part % 10 == 0) {
        part /= 10;
        decimals--;
    }
    if (!decimals)
        return arena_format(chart->arena, "%s%s", sign, whole);
    return arena_format(chart->arena, "%s%s%s%0*llu", sign, whole, spanish(chart) ? "," : ".", decimals, part);
}

const char *chart_number(const struct chart *chart, double value, int max_decimals) {
    return fixed(chart, value, max_decimals, true);
}

const char *chart_compact(const struct chart *chart, double value) {
    double size = fabs(value);
    if (size >= 1e9)
        return arena_format(chart->arena, "%s\xc2\xa0%s", fixed(chart, value / 1e6, 0, true), "M");
    if (size >= 1e6)
        return arena_format(chart->arena, "%s\xc2\xa0%s", fixed(chart, value / 1e6, 2, true), "M");
    return fixed(chart, value, size >= 100 ? 0 : size >= 1 ? 2 : 3, true);
}

const char *chart_share(const struct chart *chart, double share, int decimals) {
    if (!isfinite(share))
        return "–";
    return arena_format(chart->arena, "%s%s", fixed(chart, share * 100, decimals, false),
                        spanish(chart) ? "\xc2\xa0%" : "%");
}

/* The two largest units that say something: 59 s, 2 min 5 s, 3 h 20 min, 4 d 3 h, 45 d. */
const char *chart_duration(const struct chart *chart, double seconds) {
    static const struct {
        double seconds, below; /* of this unit; up to where a second unit is shown */
        const char *unit, *small;
        double small_seconds;
    } UNITS[] = {{86400, 10, "d", "h", 3600}, {3600, 24, "h", "min", 60}, {60, 10, "min", "s", 1}};
    if (!isfinite(seconds))
        return "–";
    if (seconds < 60)
        return arena_format(chart->arena, "%s\xc2\xa0s", fixed(chart, seconds, seconds < 10 ? 1 : 0, true));
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (seconds < UNITS[i].seconds)
            continue;
        double n = seconds / UNITS[i].seconds, whole = floor(n);
        double rest = floor((seconds - whole * UNITS[i].seconds) / UNITS[i].small_seconds);
        if (n < UNITS[i].below && rest >= 1)
            return arena_format(chart->arena, "%s\xc2\xa0%s %.0f\xc2\xa0%s", grouped(chart, (unsigned long long)whole),
                                UNITS[i].unit, rest, UNITS[i].small);
        return arena_format(chart->arena, "%s\xc2\xa0%s", grouped(chart, (unsigned long long)llround(n)), UNITS[i].unit);
    }
    return "";
}

static const char *const MONTHS[2][12] = {
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
    {"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"}};
static const char *const DAYS[2][7] = {{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
                                       {"lun", "mar", "mié", "jue", "vie", "sáb", "dom"}};

const char *chart_month(const struct chart *chart, int month) {
    return MONTHS[spanish(chart)][(month + 11) % 12];
}

const char *chart_bucket(const struct chart *chart, enum bucket every, int64_t ms, bool full) {
    int64_t local_s = ms / 1000 + (chart->zone ? zone_offset_s(chart->zone, ms / 1000) : 0);
    int64_t days = local_s / DAY_S - (local_s % DAY_S < 0);
    int year, month, day, minutes = (int)((local_s - days * DAY_S) / 60), weekday = (int)((days % 7 + 10) % 7);
    time_civil_from_days(days, &year, &month, &day);
    const char *name = chart_month(chart, month);
    if (every == BUCKET_MONTH)
        return arena_format(chart->arena, "%s %d", name, year);
    if (every == BUCKET_HOUR && !full)
        return arena_format(chart->arena, "%d:%02d", minutes / 60, minutes % 60);
    const char *date = arena_format(chart->arena, full ? "%d %s %d" : "%d %s", day, name, year);
    if (!full)
        return date;
    if (every == BUCKET_HOUR)
        return arena_format(chart->arena, "%s %s, %d:%02d", DAYS[spanish(chart)][weekday], date, minutes / 60,
                            minutes % 60);
    if (every == BUCKET_WEEK)
        return arena_format(chart->arena, "%s %s", chart_say(chart, "week of"), date);
    return arena_format(chart->arena, "%s %s", DAYS[spanish(chart)][weekday], date);
}

/* Words of the charts; the first column is the key. */
static const struct {
    const char *key, *english, *spanish;
} WORDS[] = {
    {"after", "in", "en"},
    {"average", "Average", "Media"},
    {"back", "back to", "vuelve a"},
    {"bucket", "Period", "Periodo"},
    {"cases", "cases", "casos"},
    {"cases title", "Cases", "Casos"},
    {"cohort", "Cohort", "Grupo"},
    {"converted", "of the previous step", "del paso anterior"},
    {"count", "Times", "Veces"},
    {"customers", "customers", "clientes"},
    {"drop", "drop-off", "abandono"},
    {"edge from", "From", "Desde"},
    {"edge to", "To", "Hasta"},
    {"empty", "No data for this question", "Sin datos para esta pregunta"},
    {"end", "End", "Fin"},
    {"ends", "end here", "terminan aquí"},
    {"hidden", "rarer transitions are not drawn", "transiciones menos frecuentes no se dibujan"},
    {"incomplete", "period under way", "periodo en curso"},
    {"interactions", "interactions", "interacciones"},
    {"lost", "lost", "se pierden"},
    {"mean", "mean", "media"},
    {"median", "Median", "Mediana"},
    {"median short", "median", "mediana"},
    {"more", "more", "más"},
    {"no", "No", "No"},
    {"none", "(no value)", "(sin valor)"},
    {"of total", "of the first step", "del primer paso"},
    {"other", "(other)", "(otros)"},
    {"p90", "90 % within", "90 % en menos de"},
    {"path", "Path", "Recorrido"},
    {"previous", "previous period", "periodo anterior"},
    {"previous share", "Of the previous", "Del anterior"},
    {"same", "repeats", "se repite"},
    {"share", "Share", "Proporción"},
    {"share of cases", "Share of cases", "Parte de los casos"},
    {"size", "Customers", "Clientes"},
    {"start", "Start", "Inicio"},
    {"starts", "start here", "empiezan aquí"},
    {"step", "Step", "Paso"},
    {"table", "Figures as a table", "Ver las cifras en una tabla"},
    {"then", "then", "después"},
    {"total", "Total", "Total"},
    {"transition", "transitions", "transiciones"},
    {"unobserved", "not observed in full yet", "aún sin observar por completo"},
    {"value", "Value", "Valor"},
    {"week of", "week of", "semana del"},
    {"yes", "Yes", "Sí"},
};

const char *chart_say(const struct chart *chart, const char *key) {
    size_t low = 0, high = sizeof WORDS / sizeof *WORDS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(WORDS[middle].key, key);
        if (order == 0)
            return spanish(chart) ? WORDS[middle].spanish : WORDS[middle].english;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return key;
}
