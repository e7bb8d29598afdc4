/*
 * The last refusals: a ring in memory, kept sealed in DIR/refused/ring so that it survives a restart.
 *
 * FORMAT of the file: LIMIT_REFUSALS_KEPT slots of SLOT_BYTES; a slot holds u32 bytes and the sealed text of struct stored,
 * or zeros. Slot k holds the newest refusal whose number is k modulo the slots. What was refused in the moments before a
 * kill is lost; nothing else rests on this file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/needles.h"
#include "collect/ingest_internal.h"
#include "store/file.h"

enum { SLOT_BYTES = 1024, FLUSH = 32, PATH_BYTES = 4096 };

struct stored {
    uint64_t number; /* from 1 */
    struct refused_event event;
};
_Static_assert(sizeof(struct stored) + VAULT_EXTRA_BYTES + sizeof(uint32_t) <= SLOT_BYTES,
               "a slot");

struct refused {
    const struct vault *vault;
    int fd;
    uint64_t n;      /* refusals since the folder exists */
    uint64_t stored; /* of them, written to the file */
    struct stored ring[LIMIT_REFUSALS_KEPT];
};

/* false: the slot is empty or unreadable (another key, a torn write). */
static bool slot_read(struct refused *refused, unsigned slot, struct stored *stored) {
    char bytes[SLOT_BYTES];
    struct err err = {0};
    uint32_t n;
    if (file_read_at(refused->fd, bytes, sizeof bytes, (uint64_t)slot * SLOT_BYTES, "refusals",
                     &err))
        return false;
    memcpy(&n, bytes, sizeof n);
    if (n < VAULT_EXTRA_BYTES || n > SLOT_BYTES - sizeof n)
        return false;
    struct buf plain;
    buf_init(&plain, SLOT_BYTES);
    bool good =
        vault_unseal(refused->vault, (struct slice){bytes + sizeof n, n}, &plain, &err) == 0 &&
        plain.n == sizeof *stored;
    if (good)
        memcpy(stored, plain.p, sizeof *stored);
    buf_release(&plain);
    return good && stored->number && stored->number % LIMIT_REFUSALS_KEPT == slot &&
           stored->event.refusal < REFUSAL_COUNT;
}

static void load(struct refused *refused) {
    struct stat status;
    if (fstat(refused->fd, &status) || !status.st_size)
        return;
    for (unsigned slot = 0; slot < LIMIT_REFUSALS_KEPT; slot++) {
        struct stored stored;
        if (!slot_read(refused, slot, &stored))
            continue;
        stored.event.raw[sizeof stored.event.raw - 1] = 0;
        stored.event.message[sizeof stored.event.message - 1] = 0;
        refused->ring[slot] = stored;
        if (stored.number > refused->n)
            refused->n = stored.number;
    }
    refused->stored = refused->n;
}

int refused_open(struct refused **refused, const struct vault *vault, const char *dir,
                 struct err *err) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/refused", dir);
    int code = file_make_folder(path, err);
    if (code)
        return code;
    struct refused *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    snprintf(path, sizeof path, "%s/refused/ring", dir);
    opened->vault = vault;
    opened->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (opened->fd < 0) {
        free(opened);
        return file_fail(ERR_WORDS("refusals"), err);
    }
    load(opened);
    *refused = opened;
    return 0;
}

void refused_close(struct refused *refused) {
    if (!refused)
        return;
    close(refused->fd);
    free(refused);
}

void refused_add(struct refused *refused, const struct refused_event *event) {
    uint64_t number = ++refused->n;
    refused->ring[number % LIMIT_REFUSALS_KEPT] = (struct stored){number, *event};
}

size_t refused_get(const struct refused *refused, int source, struct refused_event *events,
                   size_t n) {
    size_t found = 0;
    for (uint64_t i = 0; found < n && i < LIMIT_REFUSALS_KEPT && i < refused->n; i++) {
        const struct stored *stored = &refused->ring[(refused->n - i) % LIMIT_REFUSALS_KEPT];
        if (stored->number == refused->n - i && (source < 0 || stored->event.source == source))
            events[found++] = stored->event;
    }
    return found;
}

/* Some refusals that are not in the file yet. */
static size_t take(struct refused *refused, struct stored stored[FLUSH], pthread_mutex_t *lock) {
    size_t n = 0;
    pthread_mutex_lock(lock);
    if (refused->n - refused->stored > LIMIT_REFUSALS_KEPT)
        refused->stored = refused->n - LIMIT_REFUSALS_KEPT;
    while (n < FLUSH && refused->stored < refused->n)
        stored[n++] = refused->ring[++refused->stored % LIMIT_REFUSALS_KEPT];
    pthread_mutex_unlock(lock);
    return n;
}

static int slot_write(struct refused *refused, const struct stored *stored, struct err *err) {
    char bytes[SLOT_BYTES] = {0};
    struct buf sealed;
    buf_init(&sealed, SLOT_BYTES);
    vault_seal(refused->vault, (struct slice){(const char *)stored, sizeof *stored}, &sealed);
    uint32_t n = (uint32_t)sealed.n;
    memcpy(bytes, &n, sizeof n);
    memcpy(bytes + sizeof n, sealed.p, n);
    buf_release(&sealed);
    off_t at = (off_t)(stored->number % LIMIT_REFUSALS_KEPT * SLOT_BYTES);
    ssize_t written = pwrite(refused->fd, bytes, sizeof bytes, at);
    return written == sizeof bytes ? 0 : file_fail(ERR_WORDS("refusals"), err);
}

int refused_store(struct refused *refused, pthread_mutex_t *lock, struct err *err) {
    struct stored stored[FLUSH];
    int code = 0;
    for (size_t n; !code && (n = take(refused, stored, lock)) > 0;)
        for (size_t i = 0; !code && i < n; i++)
            code = slot_write(refused, &stored[i], err);
    return code;
}

/* Does a needle stand in it, or begin where it was cut? */
static bool tells(const struct needles *needles, const char *text, size_t cut) {
    size_t n = strlen(text);
    if (needles_in(needles, (struct slice){text, n}))
        return true;
    for (size_t k = 0; n == cut && k < needles->n; k++)
        for (size_t part = NEEDLE_MIN_BYTES; part < needles->needles[k].text.n && part < n; part++)
            if (strncasecmp(text + n - part, needles->needles[k].text.p, part) == 0)
                return true;
    return false;
}

static void blank(struct refused_event *event) {
    memset(event->raw, 0, sizeof event->raw);
    memset(event->message, 0, sizeof event->message);
    snprintf(event->message, sizeof event->message, "%s", refusal_text(event->refusal));
}

size_t refused_forget_before(struct refused *refused, int64_t before_ms) {
    size_t found = 0;
    for (size_t i = 0; i < LIMIT_REFUSALS_KEPT; i++) {
        struct refused_event *event = &refused->ring[i].event;
        if (!refused->ring[i].number || event->time_ms >= before_ms || !event->raw[0])
            continue;
        blank(event);
        found++;
    }
    return found;
}

size_t refused_forget(struct refused *refused, const struct needles *needles) {
    size_t found = 0;
    for (size_t i = 0; i < LIMIT_REFUSALS_KEPT; i++) {
        struct refused_event *event = &refused->ring[i].event;
        if (!refused->ring[i].number || (!tells(needles, event->raw, sizeof event->raw - 1) &&
                                         !tells(needles, event->message, sizeof event->message)))
            continue;
        blank(event);
        found++;
    }
    return found;
}

int refused_rewrite(struct refused *refused, pthread_mutex_t *lock, struct err *err) {
    pthread_mutex_lock(lock);
    refused->stored = refused->n > LIMIT_REFUSALS_KEPT ? refused->n - LIMIT_REFUSALS_KEPT : 0;
    pthread_mutex_unlock(lock);
    int code = refused_store(refused, lock, err);
    return !code && fsync(refused->fd) ? file_fail(ERR_WORDS("refusals"), err) : code;
}
