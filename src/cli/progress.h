/*
 * How far a long command is: a bar on a terminal, a line every ten seconds elsewhere, on stderr.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_PROGRESS_H
#define SENDA_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "backup" */
    bool bar;
    int64_t began_us, said_us;
};

void progress_init(struct progress *progress, const char *what);
/* A callback: context is a struct progress. total 0: unknown. */
void progress_show(void *context, uint64_t done, uint64_t total);
/* Wipes the bar. */
void progress_end(struct progress *progress);

#endif
