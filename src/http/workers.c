/*
 * Workers: threads for handlers that may block.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/network.h"

static void *work(void *context) {
    struct server *server = context;
    pthread_mutex_lock(&server->jobs_lock);
    for (;;) {
        while (!server->first_job && !server->jobs_end)
            pthread_cond_wait(&server->jobs_changed, &server->jobs_lock);
        struct task *job = server->first_job;
        if (!job)
            break;
        server->first_job = job->next;
        if (!server->first_job)
            server->last_job = &server->first_job;
        server->n_jobs--;
        pthread_mutex_unlock(&server->jobs_lock);
        job->run(job);
        pthread_mutex_lock(&server->jobs_lock);
    }
    pthread_mutex_unlock(&server->jobs_lock);
    return NULL;
}

bool workers_add(struct server *server, struct task *job, bool always) {
    pthread_mutex_lock(&server->jobs_lock);
    bool room = always || server->n_jobs < WORKER_QUEUE_MAX;
    if (room) {
        job->next = NULL;
        *server->last_job = job;
        server->last_job = &job->next;
        server->n_jobs++;
        pthread_cond_signal(&server->jobs_changed);
    }
    pthread_mutex_unlock(&server->jobs_lock);
    return room;
}

int workers_start(struct server *server, struct err *err) {
    while (server->n_workers < WORKERS) {
        if (pthread_create(&server->workers[server->n_workers], NULL, work, server) != 0)
            return err_set(err, E_INTERNAL, "cannot start a thread");
        server->n_workers++;
    }
    return 0;
}

void workers_stop(struct server *server) {
    pthread_mutex_lock(&server->jobs_lock);
    server->jobs_end = true;
    pthread_cond_broadcast(&server->jobs_changed);
    pthread_mutex_unlock(&server->jobs_lock);
    while (server->n_workers)
        pthread_join(server->workers[--server->n_workers], NULL);
    pthread_cond_destroy(&server->jobs_changed);
    pthread_mutex_destroy(&server->jobs_lock);
}
