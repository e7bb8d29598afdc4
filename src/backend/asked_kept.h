/*
 * What the answers of all centres show together (journey/asked.h), kept in memory: every question about answers needs it, and
 * it is the same for all of them until an answer arrives or is changed.
 *
 * INVARIANT  What is kept was counted over exactly the parts of answers that the asker's snapshot has, of the same whole
 * quarters in the same zone; it hangs on nothing else (not on who is whom, nor on the question).
 *
 * THREADS  Everything from anywhere. What was got stays as it is until it is put back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_ASKED_KEPT_H
#define SENDA_BACKEND_ASKED_KEPT_H

#include "backend/local.h"
#include "journey/asked.h"

struct asked_kept {
    struct asked_count *count; /* decided */
    struct bucket_table days;  /* local days of those quarters */
    int64_t first_day;         /* local date of days' first, since 1970 */
    uint16_t taps;             /* code of the event */
};

/* *kept: put it back. Errors of scan_prepare and scan_run; nothing was got then. */
must_use int asked_kept_get(struct question *question, const struct asked_kept **kept,
                            struct err *err);
/* kept may be NULL. */
void asked_kept_put(struct question *question, const struct asked_kept *kept);

#endif
