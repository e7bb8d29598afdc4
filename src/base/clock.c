/*
 * Clocks: the real ones, the frozen one of SENDA_NOW, the injected one of tests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"

static _Atomic(int64_t (*)(void)) injected;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int64_t frozen_ms = INT64_MIN;

static void read_environment(void) {
    const char *now = getenv("SENDA_NOW");
    int64_t utc_ms;
    if (now && time_parse(slice_of(now), NULL, &utc_ms) == 0)
        frozen_ms = utc_ms;
}

int64_t clock_now_ms(void) {
    int64_t (*now_ms)(void) = atomic_load_explicit(&injected, memory_order_acquire);
    if (now_ms)
        return now_ms();
    pthread_once(&once, read_environment);
    if (frozen_ms != INT64_MIN)
        return frozen_ms;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_inject(int64_t (*now_ms)(void)) {
    atomic_store_explicit(&injected, now_ms, memory_order_release);
}
