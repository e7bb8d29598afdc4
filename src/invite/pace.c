/*
 * How fast each way takes messages: a bucket a way, filled by time, kept while the folder is open.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "invite/internal.h"

enum { MINUTE = 60000, BURST_MS = 2000 };

static int pace_make(struct folder *folder, void **pace, struct err *err) {
    (void)folder, (void)err;
    struct pace *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    *pace = made;
    return 0;
}

/* What time has filled since the last run: at most what BURST_MS give, and one message. */
int pace_fill(struct folder *folder, const struct outlets *outlets, struct pace **pace,
              struct err *err) {
    static const char key[] = "invite.pace";
    int code = folder_keep(folder, key, pace_make, free, (void **)pace, err);
    int64_t now_ms = clock_now_ms();
    if (code)
        return code;
    int64_t passed_ms = now_ms - (*pace)->filled_ms;
    if (passed_ms > BURST_MS || passed_ms < 0)
        passed_ms = BURST_MS;
    for (int way = 0; way < WAYS; way++) {
        double a_ms = (double)outlets->per_minute[way] / MINUTE, most = a_ms * BURST_MS;
        double left = (*pace)->left[way] + a_ms * (double)passed_ms;
        (*pace)->left[way] = left > most && left > 1 ? (most > 1 ? most : 1) : left;
    }
    (*pace)->filled_ms = now_ms;
    return 0;
}

bool pace_is_spent(const struct pace *pace, const struct invite_plan *plan) {
    for (size_t i = 0; i < plan->n_channels; i++)
        if (pace->left[way_of(plan->channels[i])] >= 1)
            return false;
    return true;
}
