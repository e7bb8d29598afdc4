/*
 * Time zones: the offsets of one IANA zone, read once from the system's TZif file into a table of
 * transitions (and its POSIX rule for later years), so that a lookup is a binary search and thread safe.
 *
 * Rules of the interface: skipped local times move forward by the gap, repeated ones take the first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_ZONE_H
#define SENDA_BASE_ZONE_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct zone; /* immutable after open; shared by threads */

enum { DAY_S = 86400, DAY_MS = 86400000 };

/* name: "Europe/Madrid", "UTC". Only names inside the zone database are accepted (no paths).
 * Errors: E_INVALID unknown zone. */
must_use int zone_open(struct zone **zone, const char *name, struct err *err);
void zone_close(struct zone *zone);
const char *zone_name(const struct zone *zone);

/* Seconds east of UTC at an instant. */
int32_t zone_offset_s(const struct zone *zone, int64_t utc_s);
/* Local wall clock seconds since 1970-01-01T00:00 local -> UTC seconds. */
int64_t zone_to_utc_s(const struct zone *zone, int64_t local_s);

enum bucket { BUCKET_HOUR, BUCKET_DAY, BUCKET_WEEK, BUCKET_MONTH }; /* weeks begin on Monday */

/* Start of the local bucket that holds the instant, in UTC ms. */
int64_t zone_bucket_start_ms(const struct zone *zone, enum bucket every, int64_t utc_ms);
/* Start of the n-th next (n < 0: previous) bucket of one that starts at start_ms. */
int64_t zone_bucket_add_ms(const struct zone *zone, enum bucket every, int64_t start_ms, int n);

#endif
