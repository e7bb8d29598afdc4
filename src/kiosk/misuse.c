/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "kiosk/misuse.h"

#include <stdlib.h>
#include <string.h>

const char *misuse_of(struct misuse_memory *memory, int64_t time_ms, int64_t touches) {
    const size_t kept = MISUSE_BURST - 1;
    const char *reason = NULL;
    int64_t before_ms = memory->last_ms[0], first_ms = memory->last_ms[kept - 1];
    if (before_ms && llabs(time_ms - before_ms) < MISUSE_SAME_MS)
        reason = "same_second";
    else if (touches >= MISUSE_TOUCHES ||
             (first_ms && llabs(time_ms - first_ms) <= MISUSE_BURST_MS))
        reason = "hammering";
    memmove(&memory->last_ms[1], &memory->last_ms[0], (kept - 1) * sizeof memory->last_ms[0]);
    memory->last_ms[0] = time_ms;
    return reason;
}
