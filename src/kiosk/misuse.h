/*
 * Taps that are no opinion: children hammering at a screen, hands that hit twice.
 *
 * Judged tap by tap in the order of their chain, from nothing but the taps before, so that a batch that comes weeks later gets the
 * same marks as one that comes at once:
 *   same_second  less than a second after the tap before
 *   hammering    five taps or more within 20 s, this one the last of them; or five touches or more on the screen that says thanks,
 *                before it asks again
 * The first taps of a row count, since they may have been a family's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_KIOSK_MISUSE_H
#define SENDA_KIOSK_MISUSE_H

#include <stdint.h>

enum { MISUSE_SAME_MS = 1000, MISUSE_BURST = 5, MISUSE_BURST_MS = 20000, MISUSE_TOUCHES = 5 };

struct misuse_memory {
    int64_t last_ms[MISUSE_BURST - 1]; /* of the last taps, the newest first; 0: none */
};

/* The reason, or NULL; remembers the tap. */
const char *misuse_of(struct misuse_memory *memory, int64_t time_ms, int64_t touches);

#endif
