/*
 * Formatting through ICU: one set of formatters per thread, opened at first use of each and replaced when another
 * locale or zone is asked for (a server has one region and two languages: two sets are kept).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/format.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/unum.h>
#include <unicode/unumberformatter.h>
#include <unicode/ureldatefmt.h>
#include <unicode/ustring.h>

#include "pages/text.h"

enum { TEXT_UNITS = 128, ZONE_UNITS = 64, KEPT = 2, MAX_DIGITS = 3 };

struct format {
    char language[8], locale[24], zone[ZONE_UNITS];
    UChar zone_text[ZONE_UNITS];
    UNumberFormat *number[MAX_DIGITS + 1], *percent[MAX_DIGITS + 1];
    UNumberFormatter *compact;
    UDateFormat *instant[INSTANT_STYLES];
    URelativeDateTimeFormatter *ago;
};

struct kept {
    struct format formats[KEPT];
    int next;
};

static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void close_format(struct format *format) {
    for (int i = 0; i <= MAX_DIGITS; i++) {
        if (format->number[i])
            unum_close(format->number[i]);
        if (format->percent[i])
            unum_close(format->percent[i]);
    }
    if (format->compact)
        unumf_close(format->compact);
    for (int i = 0; i < INSTANT_STYLES; i++)
        if (format->instant[i])
            udat_close(format->instant[i]);
    if (format->ago)
        ureldatefmt_close(format->ago);
    *format = (struct format){0};
}

static void close_kept(void *context) {
    struct kept *kept = context;
    for (int i = 0; i < KEPT; i++)
        close_format(&kept->formats[i]);
    free(kept);
}

static void make_key(void) {
    if (pthread_key_create(&kept_key, close_kept) != 0)
        abort();
}

static void build_locale(char locale[24], const char *language, const char *region) {
    const char *dash = region ? strrchr(region, '-') : NULL;
    if (!dash && region)
        dash = strrchr(region, '_');
    const char *country = dash ? dash + 1 : region;
    if (!country || !*country || strlen(country) > 3 || strcmp(country, language) == 0)
        country = strcmp(language, "es") == 0 ? "ES" : "GB";
    snprintf(locale, 24, "%.3s-%.3s", language, country);
}

const struct format *format_get(const char *language, const char *region, const struct zone *zone) {
    pthread_once(&kept_once, make_key);
    struct kept *kept = pthread_getspecific(kept_key);
    if (!kept) {
        kept = calloc(1, sizeof *kept);
        if (!kept || pthread_setspecific(kept_key, kept) != 0)
            abort();
    }
    char locale[24];
    build_locale(locale, language, region);
    const char *zone_id = zone ? zone_name(zone) : "UTC";
    for (int i = 0; i < KEPT; i++)
        if (strcmp(kept->formats[i].locale, locale) == 0 &&
            strcmp(kept->formats[i].zone, zone_id) == 0)
            return &kept->formats[i];
    struct format *format = &kept->formats[kept->next];
    kept->next = (kept->next + 1) % KEPT;
    close_format(format);
    snprintf(format->language, sizeof format->language, "%s", language);
    snprintf(format->locale, sizeof format->locale, "%s", locale);
    snprintf(format->zone, sizeof format->zone, "%s", zone_id);
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8(format->zone_text, ZONE_UNITS, NULL, format->zone, -1, &status);
    return format;
}

const char *format_language(const struct format *format) { return format->language; }
const char *format_locale(const struct format *format) { return format->locale; }

/* Formatters are filled in on first use: the format itself belongs to this thread. */
static struct format *mutable_format(const struct format *format) {
    return (struct format *)(uintptr_t)format;
}

static void add_units(const UChar *units, int32_t n, struct buf *out) {
    char text[TEXT_UNITS * 3];
    int32_t written = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8(text, sizeof text, &written, units, n < TEXT_UNITS ? n : TEXT_UNITS, &status);
    if (U_SUCCESS(status))
        buf_add(out, text, (size_t)written);
}

static UNumberFormat *number_formatter(const struct format *format, UNumberFormatStyle style,
                                       int digits) {
    digits = digits < 0 ? 0 : digits > MAX_DIGITS ? MAX_DIGITS : digits;
    struct format *mine = mutable_format(format);
    UNumberFormat **slot = style == UNUM_PERCENT ? &mine->percent[digits] : &mine->number[digits];
    if (!*slot) {
        static const UChar minus[] = {0x2212};
        UErrorCode status = U_ZERO_ERROR;
        *slot = unum_open(style, NULL, 0, format->locale, NULL, &status);
        if (U_FAILURE(status))
            abort(); /* ICU without its data: nothing works */
        unum_setAttribute(*slot, UNUM_MAX_FRACTION_DIGITS, digits);
        unum_setAttribute(*slot, UNUM_MIN_FRACTION_DIGITS, 0);
        unum_setAttribute(*slot, UNUM_ROUNDING_MODE, UNUM_ROUND_HALFUP);
        unum_setSymbol(*slot, UNUM_MINUS_SIGN_SYMBOL, minus, 1, &status);
    }
    return *slot;
}

static void add_double(UNumberFormat *formatter, double value, struct buf *out) {
    UChar text[TEXT_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = unum_formatDouble(formatter, value, text, TEXT_UNITS, NULL, &status);
    if (U_SUCCESS(status))
        add_units(text, n, out);
}

void format_number(const struct format *format, double value, int digits, struct buf *out) {
    double least = pow(10.0, -digits) / 2;
    if (fabs(value) < least)
        value = 0; /* no "-0" */
    add_double(number_formatter(format, UNUM_DECIMAL, digits), value, out);
}

void format_percent(const struct format *format, double share, int digits, struct buf *out) {
    add_double(number_formatter(format, UNUM_PERCENT, digits), share, out);
}

void format_change(const struct format *format, double share, struct buf *out) {
    int digits = fabs(share) < 0.1 ? 1 : 0;
    bool none = fabs(share) < 0.0005;
    buf_add_text(out, none ? "" : share > 0 ? "+" : "\u2212");
    format_percent(format, none ? 0.0 : fabs(share), none ? 0 : digits, out);
}

void format_compact(const struct format *format, double value, struct buf *out) {
    struct format *mine = mutable_format(format);
    UErrorCode status = U_ZERO_ERROR;
    if (!mine->compact)
        mine->compact =
            unumf_openForSkeletonAndLocale(u"compact-short", -1, format->locale, &status);
    UFormattedNumber *result = unumf_openResult(&status);
    unumf_formatDouble(mine->compact, value, result, &status);
    UChar text[TEXT_UNITS];
    int32_t n = unumf_resultToString(result, text, TEXT_UNITS, &status);
    if (U_SUCCESS(status))
        add_units(text, n, out);
    unumf_closeResult(result);
}

/* value in the main unit; whole: without decimals. */
static void add_money(const struct format *format, double value, bool whole, const char *currency,
                      struct buf *out) {
    UErrorCode status = U_ZERO_ERROR;
    UChar code[4];
    u_strFromUTF8(code, 4, NULL, currency, -1, &status);
    UNumberFormat *formatter = unum_open(UNUM_CURRENCY, NULL, 0, format->locale, NULL, &status);
    if (U_FAILURE(status))
        return;
    unum_setTextAttribute(formatter, UNUM_CURRENCY_CODE, code, -1, &status);
    if (whole)
        unum_setAttribute(formatter, UNUM_FRACTION_DIGITS, 0);
    add_double(formatter, value, out);
    unum_close(formatter);
}

void format_amount(const struct format *format, double value, const char *currency,
                   struct buf *out) {
    add_money(format, value, value == round(value), currency, out);
}

/* How many minor units are one of the currency. */
static double minor_units(const char *currency) {
    UErrorCode status = U_ZERO_ERROR;
    UChar code[4];
    u_strFromUTF8(code, 4, NULL, currency, -1, &status);
    int digits = ucurr_getDefaultFractionDigits(code, &status);
    return U_FAILURE(status) ? 100 : pow(10.0, digits);
}

void format_money(const struct format *format, int64_t minor, const char *currency,
                  struct buf *out) {
    double unit = minor_units(currency);
    add_money(format, (double)minor / unit, minor % (int64_t)unit == 0, currency, out);
}

void format_duration(const struct format *format, double seconds, struct buf *out) {
    static const struct {
        int64_t s;
        const char *key;
    } units[] = {{86400, "unit.d"}, {3600, "unit.h"}, {60, "unit.min"}, {1, "unit.s"}};
    if (seconds < 0)
        buf_add_text(out, "\u2212");
    seconds = fabs(seconds);
    int64_t whole = llround(seconds);
    if (seconds < 9.95) {
        format_number(format, seconds, 1, out);
        buf_add_format(out, "\u00a0%s", text_of(format->language, "unit.s"));
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        if (whole < units[i].s)
            continue;
        int64_t full = whole / units[i].s;
        format_number(format, (double)full, 0, out);
        buf_add_format(out, "\u00a0%s", text_of(format->language, units[i].key));
        int64_t rest = i < 3 ? whole % units[i].s / units[i + 1].s : 0;
        if (rest)
            buf_add_format(out, " %d\u00a0%s", (int)rest,
                           text_of(format->language, units[i + 1].key));
        return;
    }
}

static UDateFormat *instant_formatter(const struct format *format, enum instant_style style) {
    static const UChar *const skeletons[INSTANT_STYLES] = {
        u"yMMMd", u"yMMMMEEEEd", u"MMMd", u"yMMM", u"jmm", u"jmmss", u"yMMMdjmm"};
    struct format *mine = mutable_format(format);
    if (mine->instant[style])
        return mine->instant[style];
    UErrorCode status = U_ZERO_ERROR;
    UDateTimePatternGenerator *generator = udatpg_open(format->locale, &status);
    UChar pattern[TEXT_UNITS];
    int32_t n =
        udatpg_getBestPattern(generator, skeletons[style], -1, pattern, TEXT_UNITS, &status);
    mine->instant[style] = udat_open(UDAT_PATTERN, UDAT_PATTERN, format->locale, format->zone_text,
                                     -1, pattern, n, &status);
    udatpg_close(generator);
    if (U_FAILURE(status))
        abort();
    return mine->instant[style];
}

void format_instant(const struct format *format, int64_t utc_ms, enum instant_style style,
                    struct buf *out) {
    UChar text[TEXT_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = udat_format(instant_formatter(format, style), (UDate)utc_ms, text, TEXT_UNITS, NULL,
                            &status);
    if (U_SUCCESS(status))
        add_units(text, n, out);
}

void format_ago(const struct format *format, int64_t utc_ms, int64_t now_ms, struct buf *out) {
    double offset = (double)(utc_ms - now_ms) / 1000, size = fabs(offset);
    if (size >= 30.0 * 86400) {
        format_instant(format, utc_ms, INSTANT_DATE, out);
        return;
    }
    struct format *mine = mutable_format(format);
    UErrorCode status = U_ZERO_ERROR;
    if (!mine->ago)
        mine->ago = ureldatefmt_open(format->locale, NULL, UDAT_STYLE_SHORT,
                                     UDISPCTX_CAPITALIZATION_NONE, &status);
    URelativeDateTimeUnit unit = size < 10      ? UDAT_REL_UNIT_SECOND
                                 : size < 60    ? UDAT_REL_UNIT_SECOND
                                 : size < 3600  ? UDAT_REL_UNIT_MINUTE
                                 : size < 86400 ? UDAT_REL_UNIT_HOUR
                                                : UDAT_REL_UNIT_DAY;
    double scale = size < 60 ? 1 : size < 3600 ? 60 : size < 86400 ? 3600 : 86400;
    double n = size < 10 ? 0 : trunc(offset / scale);
    UChar text[TEXT_UNITS];
    int32_t length = ureldatefmt_format(mine->ago, n, unit, text, TEXT_UNITS, &status);
    if (U_SUCCESS(status))
        add_units(text, length, out);
}
