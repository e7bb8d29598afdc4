/*
 * What modules keep in memory for as long as a folder is open: see folder_keep in folder.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdlib.h>

#include "folder/internal.h"

enum { KEPT_MAX = 32 };

struct folder_kept {
    pthread_mutex_t lock; /* recursive: making one thing may need another */
    size_t n;
    struct kept {
        const char *key;
        void *value;
        void (*release)(void *value);
    } kept[KEPT_MAX];
};

struct folder_kept *folder_kept_new(void) {
    struct folder_kept *kept = calloc(1, sizeof *kept);
    if (!kept)
        abort();
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&kept->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return kept;
}

void folder_kept_free(struct folder_kept *kept) {
    if (!kept)
        return;
    while (kept->n) {
        struct kept *last = &kept->kept[--kept->n];
        last->release(last->value);
    }
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

int folder_keep(struct folder *folder, const char *key,
                int (*make)(struct folder *folder, void **value, struct err *err),
                void (*release)(void *value), void **value, struct err *err) {
    struct folder_kept *kept = folder->kept;
    int code = 0;
    pthread_mutex_lock(&kept->lock);
    size_t i = 0;
    while (i < kept->n && kept->kept[i].key != key)
        i++;
    if (i == kept->n) {
        void *made = NULL;
        code = make(folder, &made, err);
        i = kept->n; /* making may have kept something else */
        if (!code && i == KEPT_MAX)
            abort();
        if (!code)
            kept->kept[kept->n++] = (struct kept){key, made, release};
    }
    if (!code)
        *value = kept->kept[i].value;
    pthread_mutex_unlock(&kept->lock);
    return code;
}
