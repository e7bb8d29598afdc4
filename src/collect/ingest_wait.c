/*
 * Batches of requests that wait for room: who sends faster than the index and the keys are written is slowed down, not
 * turned away. A batch waits at most LIMIT_COLLECT_WAIT_MS, all together hold at most LIMIT_COLLECT_WAIT_BYTES; what does
 * not fit, or waits in vain, is E_BUSY (503 with Retry-After).
 *
 * Connections are parked meanwhile: no thread waits but one of its own, which begins with the first batch that has to.
 * Order of arrival is kept: while somebody waits, whoever comes waits behind.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "collect/ingest_internal.h"

enum { LOOK_NS = 2000000 };

struct waiting_room {
    struct ingest *ingest;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct submission *first, **end;
    size_t bytes;
    bool running, closing;
    pthread_t thread;
};

struct waiting_room *waiting_room_new(struct ingest *ingest) {
    struct waiting_room *room = calloc(1, sizeof *room);
    if (!room)
        abort();
    room->ingest = ingest;
    room->end = &room->first;
    pthread_mutex_init(&room->lock, NULL);
    pthread_cond_init(&room->changed, NULL);
    return room;
}

/* With the lock held. */
static struct submission *take_first(struct waiting_room *room) {
    struct submission *submission = room->first;
    room->first = submission->next;
    if (!room->first)
        room->end = &room->first;
    room->bytes -= submission->job.bytes;
    return submission;
}

static void put_first(struct waiting_room *room, struct submission *submission) {
    submission->next = room->first;
    if (!room->first)
        room->end = &submission->next;
    room->first = submission;
    room->bytes += submission->job.bytes;
}

/* With the lock held: the first one goes to the writer, whose it is then, or home. False: it waits on. */
static bool serve_first(struct waiting_room *room) {
    struct err err = {0};
    struct submission *submission = take_first(room);
    int code = E_BUSY;
    if (!room->closing && !ingest_pressed(room->ingest))
        code = store_submit(room->ingest->store, &submission->job, &err);
    if (code == E_BUSY && !room->closing && clock_monotonic_us() < submission->deadline_us) {
        put_first(room, submission);
        return false;
    }
    if (code) {
        pthread_mutex_unlock(&room->lock);
        err_set(&err, code, "too much is waiting to be written");
        submission->job.done(&submission->job, code, &err);
        pthread_mutex_lock(&room->lock);
    }
    return true;
}

static void *serve(void *context) {
    struct waiting_room *room = context;
    pthread_setname_np(pthread_self(), "senda-room");
    pthread_mutex_lock(&room->lock);
    while (room->first || !room->closing) {
        if (!room->first)
            pthread_cond_wait(&room->changed, &room->lock);
        else if (!serve_first(room)) {
            pthread_mutex_unlock(&room->lock);
            nanosleep(&(struct timespec){0, LOOK_NS}, NULL);
            pthread_mutex_lock(&room->lock);
        }
    }
    pthread_mutex_unlock(&room->lock);
    return NULL;
}

bool waiting_room_empty(struct waiting_room *room) {
    pthread_mutex_lock(&room->lock);
    bool empty = !room->first;
    pthread_mutex_unlock(&room->lock);
    return empty;
}

int waiting_room_enter(struct waiting_room *room, struct submission *submission, struct err *err) {
    pthread_mutex_lock(&room->lock);
    if (!room->running && !room->closing)
        room->running = pthread_create(&room->thread, NULL, serve, room) == 0;
    bool taken = room->running && !room->closing &&
                 room->bytes + submission->job.bytes <= LIMIT_COLLECT_WAIT_BYTES;
    if (taken) {
        submission->deadline_us = clock_monotonic_us() + INT64_C(1000) * LIMIT_COLLECT_WAIT_MS;
        submission->next = NULL;
        room->bytes += submission->job.bytes;
        *room->end = submission;
        room->end = &submission->next;
        pthread_cond_signal(&room->changed);
    }
    pthread_mutex_unlock(&room->lock);
    return taken ? 0 : err_set(err, E_BUSY, "too much is waiting to be written");
}

void waiting_room_close(struct waiting_room *room) {
    pthread_mutex_lock(&room->lock);
    bool running = room->running;
    room->closing = true;
    room->running = false;
    pthread_cond_signal(&room->changed);
    pthread_mutex_unlock(&room->lock);
    if (running)
        pthread_join(room->thread, NULL);
}

void waiting_room_free(struct waiting_room *room) {
    waiting_room_close(room);
    pthread_cond_destroy(&room->changed);
    pthread_mutex_destroy(&room->lock);
    free(room);
}
