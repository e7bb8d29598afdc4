/*
 * One line, one write: lines of several threads never mix.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/logger.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json_out.h"
#include "base/time.h"

enum { LINE_MAX_BYTES = 8192, MESSAGE_MAX_BYTES = 2048, TOLD_SLOTS = 64, QUIET_US = 10000000 };

static _Atomic int lowest = LOGGER_INFO;
static const char *const names[] = {"debug", "info", "warn", "error"};

void logger_set_level(enum logger_level level) { atomic_store(&lowest, (int)level); }

/* A full disk fails every request: the same trouble is told once in a while, with how often it came meanwhile. */
static bool is_news(const char *message, unsigned *repeated) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct {
        uint64_t hash;
        int64_t until_us;
        unsigned times; /* kept quiet */
    } told[TOLD_SLOTS];
    uint64_t hash = hash_bytes(message, strlen(message));
    int64_t now_us = clock_monotonic_us();
    size_t i = hash % TOLD_SLOTS;
    pthread_mutex_lock(&lock);
    bool same = told[i].hash == hash && told[i].until_us, quiet = same && now_us < told[i].until_us;
    *repeated = same ? told[i].times : 0;
    told[i].times = quiet ? told[i].times + 1 : 0;
    if (!quiet) {
        told[i].hash = hash;
        told[i].until_us = now_us + QUIET_US;
    }
    pthread_mutex_unlock(&lock);
    return !quiet;
}

void logger_write(enum logger_level level, const char *area, const char *format, ...) {
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    char message[MESSAGE_MAX_BYTES], time[TIME_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    unsigned repeated = 0;
    if (level >= LOGGER_WARN && !is_news(message, &repeated))
        return;
    time_format(clock_now_ms(), time);
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES + 8 * MESSAGE_MAX_BYTES);
    buf_add_format(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"area\":", time, names[level]);
    json_add_text(&line, slice_of(area));
    buf_add_text(&line, ",\"message\":");
    json_add_text(&line, slice_of(message));
    if (repeated)
        buf_add_format(&line, ",\"repeated\":%u", repeated);
    buf_add_text(&line, "}\n");
    for (size_t done = 0; done < line.n;) {
        ssize_t written = write(STDERR_FILENO, line.p + done, line.n - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    buf_release(&line);
}
