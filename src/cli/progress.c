/*
 * Progress on stderr: see progress.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { WIDTH = 30, BAR_US = 100 * 1000, LINE_US = 10 * 1000 * 1000 };

void progress_init(struct progress *progress, const char *what) {
    *progress = (struct progress){
        .what = what, .bar = isatty(STDERR_FILENO), .began_us = clock_monotonic_us()};
    progress->said_us = progress->began_us;
}

void progress_show(void *context, uint64_t done, uint64_t total) {
    struct progress *progress = context;
    int64_t now_us = clock_monotonic_us();
    if (now_us - progress->said_us < (progress->bar ? BAR_US : LINE_US))
        return;
    progress->said_us = now_us;
    double share = total ? (double)done / (double)total : 0;
    if (!progress->bar) {
        fprintf(stderr, "%s: %.0f %%\n", progress->what, share * 100);
        return;
    }
    int filled = (int)(share * WIDTH);
    fprintf(stderr, "\r%s [%.*s%*s] %3.0f %%", progress->what, filled,
            "##############################", WIDTH - filled, "", share * 100);
    fflush(stderr);
}

void progress_end(struct progress *progress) {
    if (progress->bar)
        fputs("\r\033[K", stderr);
}
