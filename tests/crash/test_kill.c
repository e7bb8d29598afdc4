/*
 * kill -9 at random instants: a child ingests in threads through ingest_run while it folds, writes keys and seals; it is
 * killed, the folder is opened again, and every acknowledged event must be there exactly once, everything verified. Half of the
 * batches are sent a second time, as a sender does that never saw its answer.
 *
 * SENDA_CRASH_ROUNDS (8) and SENDA_CRASH_SEED make it longer and other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../unit/scratch.h"
#include "base/clock.h"
#include "base/logger.h"
#include "folder/backup.h"
#include "folder/verify.h"

enum { THREADS = 3, BATCH = 40, BATCHES_MAX = 200000, ROUNDS = 8, NAMES = 5 };

/* What the child tells its parent through shared memory: batch b of a thread was answered. */
struct answers {
    atomic_uint next[THREADS];               /* batches begun */
    atomic_uchar done[THREADS][BATCHES_MAX]; /* answered */
};

struct sender {
    struct folder *folder;
    struct answers *answers;
    unsigned thread;
    pthread_t id;
};

static uint64_t random_state;
static uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const char *const EVENTS[NAMES] = {"Seen", "Added", "Bought", "Returned", "Reviewed"};

struct texts {
    char id[BATCH][64], user[BATCH][32], anonymous[BATCH][32];
};

/* Event i of a batch is the same whenever it is made. */
static void make_event(struct event *event, struct event_property *property, struct texts *texts,
                       unsigned thread, unsigned batch, unsigned i) {
    unsigned n = batch * BATCH + i;
    *event = (struct event){.type = n % 11 == 7 ? EVENT_IDENTIFY : EVENT_TRACK};
    snprintf(texts->id[i], sizeof texts->id[i], "m-%u-%u-%u", thread, batch, i);
    snprintf(texts->user[i], sizeof texts->user[i], "user %u", n * 7 % 997);
    snprintf(texts->anonymous[i], sizeof texts->anonymous[i], "visitor %u", n * 13 % 1499);
    event->name = slice_of(EVENTS[n % NAMES]);
    event->message_id = slice_of(texts->id[i]);
    if (n % 3)
        event->user_id = slice_of(texts->user[i]);
    if (n % 3 != 1)
        event->anonymous_id = slice_of(texts->anonymous[i]);
    event->has_time = true;
    event->time_ms = event->stated_ms = INT64_C(1767571200000) + (int64_t)n * 977;
    property->name = SLICE_LITERAL("amount");
    property->value = (struct value){.type = VALUE_INT, .integer = n};
    event->properties = property;
    event->n_properties = 1;
}

static int send_batch(struct folder *folder, unsigned thread, unsigned batch, size_t *accepted) {
    struct event events[BATCH];
    struct event_property properties[BATCH];
    struct texts *texts = malloc(sizeof *texts);
    struct event_result results[BATCH];
    for (unsigned i = 0; i < BATCH; i++)
        make_event(&events[i], &properties[i], texts, thread, batch, i);
    struct ingest_batch ingest = {
        .source = {.number = 1, .channel = SLICE_LITERAL("web")},
        .events = events,
        .n = BATCH,
        .bytes = BATCH * 200,
        .bulk = thread == 0,
        .received_ms = clock_now_ms(),
        .results = results,
    };
    struct err err = {0};
    int code = ingest_run(folder->ingest, &ingest, &err);
    *accepted = ingest.accepted;
    free(texts);
    return code;
}

static void *send_all(void *context) {
    struct sender *sender = context;
    struct answers *answers = sender->answers;
    for (;;) {
        unsigned batch = atomic_fetch_add(&answers->next[sender->thread], 1);
        size_t accepted;
        if (batch >= BATCHES_MAX || send_batch(sender->folder, sender->thread, batch, &accepted))
            _exit(3);
        atomic_store(&answers->done[sender->thread][batch], 1);
        if (batch % 2 && (send_batch(sender->folder, sender->thread, batch, &accepted) || accepted))
            _exit(4); /* a resend must add nothing */
    }
    return NULL;
}

/* Folds and flushes all the time, so that kills fall into the middle of it. */
static void *maintain(void *context) {
    struct err err = {0};
    for (;;)
        if (folder_maintain(context, true, &err) < 0)
            _exit(5);
    return NULL;
}

static _Noreturn void child(const char *dir, struct answers *answers) {
    struct folder *folder;
    struct err err = {0};
    logger_set_level(LOGGER_ERROR);
    if (folder_open(&folder, dir, &err)) {
        fprintf(stderr, "child: %s\n", err.message);
        _exit(2);
    }
    struct sender senders[THREADS];
    pthread_t keeper;
    pthread_create(&keeper, NULL, maintain, folder);
    for (unsigned i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.folder = folder, .answers = answers, .thread = i};
        pthread_create(&senders[i].id, NULL, send_all, &senders[i]);
    }
    pthread_join(keeper, NULL);
    _exit(6);
}

struct seen {
    unsigned char *count[THREADS]; /* of each event */
    uint64_t records;
    int wrong;
};

static int see(void *context, const struct log_record *record) {
    struct seen *seen = context;
    unsigned thread, batch, i;
    char id[64];
    snprintf(id, sizeof id, "%.*s", SLICE_ARGS(record->message_id));
    if (sscanf(id, "m-%u-%u-%u", &thread, &batch, &i) != 3 || thread >= THREADS || i >= BATCH ||
        batch >= BATCHES_MAX) {
        seen->wrong++;
        return 0;
    }
    unsigned n = batch * BATCH + i;
    struct property_cursor cursor = property_cursor(&record->row);
    uint32_t code;
    struct value value;
    if (!property_next(&cursor, &code, &value) || value.integer != n ||
        record->row.time_ms != INT64_C(1767571200000) + (int64_t)n * 977)
        seen->wrong++;
    seen->count[thread][n]++;
    seen->records++;
    return 0;
}

static void check(const char *dir, struct answers *answers) {
    struct folder *folder;
    struct err err = {0};
    int code = folder_open(&folder, dir, &err);
    if (code)
        fail_msg("open: %s", err.message);
    struct seen seen = {0};
    for (int i = 0; i < THREADS; i++)
        seen.count[i] = calloc(BATCHES_MAX, BATCH);
    assert_int_equal(log_read(folder->log, 1, UINT64_MAX, see, &seen, &err), 0);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.records, log_last(folder->log));
    for (int thread = 0; thread < THREADS; thread++)
        for (unsigned batch = 0; batch < atomic_load(&answers->next[thread]); batch++)
            for (unsigned i = 0; i < BATCH; i++) {
                unsigned count = seen.count[thread][batch * BATCH + i];
                bool answered = atomic_load(&answers->done[thread][batch]);
                /* all or nothing of a batch, never twice */
                assert_true(count <= 1);
                assert_int_equal(count, seen.count[thread][batch * BATCH]);
                if (answered)
                    assert_int_equal(count, 1);
            }
    struct buf findings;
    buf_init(&findings, 64 * 1024);
    assert_int_equal(folder_verify(folder, false, &findings, &err), 0);
    if (findings.n)
        fail_msg("verify: %s", findings.p);
    buf_release(&findings);
    for (int i = 0; i < THREADS; i++)
        free(seen.count[i]);
    folder_close(folder);
}

static unsigned setting(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void test_killed_at_random_instants(void **state) {
    (void)state;
    random_state = setting("SENDA_CRASH_SEED", 20261121) | 1;
    struct answers *answers =
        mmap(NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(answers != MAP_FAILED);
    char *scratch = scratch_make("kill"), *dir;
    assert_true(asprintf(&dir, "%s/d", scratch) > 0);
    struct err err = {0};
    logger_set_level(LOGGER_ERROR);
    assert_int_equal(folder_create(dir, NULL, &err), 0);
    unsigned rounds = setting("SENDA_CRASH_ROUNDS", ROUNDS);
    for (unsigned round = 0; round < rounds; round++) {
        pid_t pid = fork();
        if (pid == 0)
            child(dir, answers);
        assert_true(pid > 0);
        usleep(20000 + (useconds_t)(random_next() % 600000));
        int status;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("the child ended by itself: %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        check(dir, answers);
    }
    unsigned batches = 0;
    for (int i = 0; i < THREADS; i++)
        batches += atomic_load(&answers->next[i]);
    print_message("%u rounds, %u batches of %d\n", rounds, batches, BATCH);
    assert_true(batches > THREADS * rounds);
    munmap(answers, sizeof *answers);
    scratch_remove(scratch);
    free(scratch);
    free(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_at_random_instants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
