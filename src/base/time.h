/*
 * Instants as text. Everything inside is UTC milliseconds since 1970.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_TIME_H
#define SENDA_BASE_TIME_H

#include "base/zone.h"

/* Instants that an interaction may bear: what u32 seconds hold. */
#define TIME_MIN_MS INT64_C(0)                   /* 1970-01-01T00:00:00Z */
#define TIME_MAX_MS (INT64_C(4294967295) * 1000) /* 2106-02-07, exclusive */

/* RFC 3339 / ISO 8601 as SDKs and XES write it: "2026-11-21T20:31:26.165Z", "+01:00", "+0100", no
 * fraction to nanoseconds (cut, not rounded, to ms), a blank instead of T, a date alone (midnight). Without an
 * offset the time is local to `zone` (NULL: UTC). Fast: no allocation.
 * Returns 0, or E_MALFORMED, or E_INVALID when no such date exists; years 0001..9999 parse (the caller checks
 * the allowed range). */
must_use int time_parse(struct slice text, const struct zone *zone, int64_t *utc_ms);
/* By a strptime-like format ("%d.%m.%Y %H:%M", %Y %y %m %d %H %I %M %S %f %p %b %z %Z-as-offset), or one of the
 * names rfc3339, unix, unix_ms. */
must_use int time_parse_format(struct slice text, const char *format, const struct zone *zone,
                               int64_t *utc_ms);
/* "2026-11-21T20:31:26.165Z"; text holds at least TIME_TEXT_BYTES. */
enum { TIME_TEXT_BYTES = 32 };
void time_format(int64_t utc_ms, char text[TIME_TEXT_BYTES]);
/* Civil date <-> days since 1970 (proleptic Gregorian). */
int64_t time_days_from_civil(int year, int month, int day);
void time_civil_from_days(int64_t days, int *year, int *month, int *day);
/* "7d", "36h", "90m", "45s", "2w" -> ms; E_INVALID otherwise. d is 86,400 s. At most 20 years. */
must_use int time_parse_duration(struct slice text, int64_t *ms);

#endif
