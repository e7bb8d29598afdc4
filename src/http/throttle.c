/*
 * Token buckets by text: each key may spend `burst` at once and `per_second` in the long run.
 *
 * Slots are found by a hash with a random key, so that nobody can choose a text that shares the slot of another.
 * A fixed table of slots: a key that finds its slots taken by others gets the one used longest ago, which then is full
 * again or nearly so. Bounded memory whatever comes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

enum { SLOTS = 4096, PROBES = 8 };

struct throttle {
    pthread_mutex_t lock;
    double per_second, burst;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];
    struct slot {
        uint64_t key;
        int64_t seen_ms;
        double left;
    } slots[SLOTS];
};

struct throttle *throttle_new(double per_second, double burst) {
    struct throttle *throttle = calloc(1, sizeof *throttle);
    if (!throttle)
        abort();
    pthread_mutex_init(&throttle->lock, NULL);
    crypto_shorthash_keygen(throttle->hash_key);
    throttle->per_second = per_second;
    throttle->burst = burst;
    return throttle;
}

void throttle_free(struct throttle *throttle) {
    if (!throttle)
        return;
    pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

static struct slot *find(struct throttle *throttle, uint64_t key) {
    struct slot *oldest = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct slot *slot = &throttle->slots[(key + i) % SLOTS];
        if (slot->key == key)
            return slot;
        if (!oldest || slot->seen_ms < oldest->seen_ms)
            oldest = slot;
    }
    *oldest = (struct slot){.key = key, .left = throttle->burst};
    return oldest;
}

static uint64_t hash_of(const struct throttle *throttle, const char *key) {
    unsigned char bytes[crypto_shorthash_BYTES];
    uint64_t hash;
    crypto_shorthash(bytes, (const unsigned char *)key, strlen(key), throttle->hash_key);
    memcpy(&hash, bytes, sizeof hash);
    return hash | 1; /* 0 is an empty slot */
}

static bool throttle_take_some(struct throttle *throttle, const char *key, double tokens,
                               int64_t now_ms, int *retry_s) {
    pthread_mutex_lock(&throttle->lock);
    struct slot *slot = find(throttle, hash_of(throttle, key));
    double gained = slot->seen_ms && now_ms > slot->seen_ms
                        ? (double)(now_ms - slot->seen_ms) / 1000 * throttle->per_second
                        : 0;
    slot->left += gained;
    if (slot->left > throttle->burst)
        slot->left = throttle->burst;
    slot->seen_ms = now_ms;
    bool taken = slot->left >= tokens;
    if (taken)
        slot->left -= tokens;
    else
        *retry_s = 1 + (int)((tokens - slot->left) / throttle->per_second);
    pthread_mutex_unlock(&throttle->lock);
    return taken;
}

bool throttle_take(struct throttle *throttle, const char *key, int64_t now_ms, int *retry_s) {
    return throttle_take_some(throttle, key, 1, now_ms, retry_s);
}

bool request_is_local(const struct request *request) {
    return request->private->loopback || request->private->local;
}

int request_slow_down(struct request *request, struct response *response, const char *what,
                      double tokens, struct err *err) {
    struct throttle *throttle = app_public_throttle(request->app);
    int retry_s = 0;
    if (!throttle || !request->peer || request->private->inherited)
        return 0;
    const char *key = arena_format(request->arena, "%s %s", what, request->peer);
    if (throttle_take_some(throttle, key, tokens, request->received_ms, &retry_s))
        return 0;
    response_header(request, response, "Retry-After", arena_format(request->arena, "%d", retry_s));
    err_set(err, E_RATE, "too many requests from this address");
    return err_hint(err, "Wait a moment, then try again.");
}
