/*
 * Numbers and instants as people of the organisation's region write them: "12.345,6", "31 %", "3 min 20 s",
 * "21 nov 2026", "hace 5 min". The words are in the person's language, the customs those of the region: "es-PE"
 * writes 12,345.6. ICU (CLDR) decides; durations are our own.
 *
 * All functions append UTF-8 to a buffer; instants are UTC ms, shown in the organisation's zone.
 *
 * THREADS  Formatters are kept per thread; a format is used by the thread that asked for it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_FORMAT_H
#define SENDA_PAGES_FORMAT_H

#include "base/buf.h"
#include "base/zone.h"

struct format;

/* language "es", region "es-ES", "MX", "" or NULL (then the language's own: ES, GB); zone NULL: UTC. Never NULL; lives
 * as long as the thread asks for no other. */
const struct format *format_get(const char *language, const char *region, const struct zone *zone);
const char *format_language(const struct format *format);
const char *format_locale(const struct format *format); /* "es-PE": for lang attributes and tests */

/* At most `digits` decimals, zeros cut. */
void format_number(const struct format *format, double value, int digits, struct buf *out);
/* 1234567 -> "1,2 M": for axes and narrow places. */
void format_compact(const struct format *format, double value, struct buf *out);
/* A share 0–1 -> "31,5 %". */
void format_percent(const struct format *format, double share, int digits, struct buf *out);
/* With its sign: "+12 %", "−3 %", "0 %". */
void format_change(const struct format *format, double share, struct buf *out);
/* Minor units and ISO 4217 currency: 8700000, "EUR" -> "87.000 €" (no decimals when they are zero). */
void format_money(const struct format *format, int64_t minor, const char *currency,
                  struct buf *out);
/* The main unit of the currency: 1234.5, "EUR" -> "1.234,50 €". */
void format_amount(const struct format *format, double value, const char *currency,
                   struct buf *out);
/* The two largest units: "2 d 4 h", "3 min 20 s", "0,8 s". */
void format_duration(const struct format *format, double seconds, struct buf *out);

enum instant_style {
    INSTANT_DATE,     /* 21 nov 2026 */
    INSTANT_DAY,      /* sábado, 21 de noviembre de 2026 */
    INSTANT_SHORT,    /* 21 nov */
    INSTANT_MONTH,    /* nov 2026 */
    INSTANT_TIME,     /* 20:31 */
    INSTANT_SECONDS,  /* 20:31:26 */
    INSTANT_DATETIME, /* 21 nov 2026, 20:31 */
    INSTANT_STYLES
};
void format_instant(const struct format *format, int64_t utc_ms, enum instant_style style,
                    struct buf *out);
/* "hace 5 min", "ayer", "dentro de 2 días"; beyond 30 days the date. */
void format_ago(const struct format *format, int64_t utc_ms, int64_t now_ms, struct buf *out);

#endif
