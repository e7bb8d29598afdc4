/*
 * What the first who ask would wait for, done in the background once the server is ready: people are read for search
 * (search/), and each part's columns are checked (part_touch), which a customer's page looks at.
 *
 * THREADS  One of its own, at low priority.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_WARM_H
#define SENDA_CLI_WARM_H

#include <pthread.h>
#include <stdatomic.h>

#include "folder/folder.h"

struct warming {
    struct folder *folder;
    atomic_bool stop;
    bool started;
    pthread_t thread;
};

void warming_start(struct warming *warming, struct folder *folder);
/* Ends it and waits. */
void warming_stop(struct warming *warming);

#endif
