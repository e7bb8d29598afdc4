/*
 * The only way to ask what time it is. Tests inject a fixed or stepping clock.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_CLOCK_H
#define SENDA_BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, milliseconds since 1970 UTC. SENDA_NOW=RFC3339 in the environment freezes it (tests). */
int64_t clock_now_ms(void);
/* Monotonic, microseconds, for measuring durations. */
int64_t clock_monotonic_us(void);
/* For tests: NULL gives the real clock back. */
void clock_inject(int64_t (*now_ms)(void));

#endif
