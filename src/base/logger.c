/*
 * One line, one write: lines of several threads never mix.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/logger.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/time.h"

enum { LINE_MAX_BYTES = 8192, MESSAGE_MAX_BYTES = 2048 };

static _Atomic int lowest = LOGGER_INFO;
static const char *const names[] = {"debug", "info", "warn", "error"};

void logger_set_level(enum logger_level level) { atomic_store(&lowest, (int)level); }

void logger_write(enum logger_level level, const char *area, const char *format, ...) {
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    char message[MESSAGE_MAX_BYTES], time[TIME_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    time_format(clock_now_ms(), time);
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES + 8 * MESSAGE_MAX_BYTES);
    buf_add_format(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"area\":", time, names[level]);
    json_add_text(&line, slice_of(area));
    buf_add_text(&line, ",\"message\":");
    json_add_text(&line, slice_of(message));
    buf_add_text(&line, "}\n");
    for (size_t done = 0; done < line.n;) {
        ssize_t written = write(STDERR_FILENO, line.p + done, line.n - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    buf_release(&line);
}
