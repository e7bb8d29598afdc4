/*
 * The life of the pipeline: opening, taking batches, waiting for them; after the commit publish, then answer. What the
 * writer does with a batch is ingest_write.c's.
 *
 * INVARIANTS
 *  1. An event's key is put in the transaction that appends it: both are there, or neither.
 *  2. After the commit, in this order: dictionary, customers, log (their own hooks), then keys, timeline,
 *     arrivals (ours), then done() of the jobs.
 *  3. A job may run more than once (store.h): it starts from nothing each time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/ingest.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "collect/ingest_internal.h"

enum { CLOSE_LEAST = 50000 /* fresh keys: fewer are quickly put again at the next start */ };
enum { PAUSE_US = 1000, ARRIVALS_READ = 200 };
enum { SCRATCH_MAX_BYTES = 1024 * 1024, PREPARED_BYTES = sizeof(struct prepared) + 128 };

/* ---- after the commit ---- */

static void remember_arrivals(struct ingest *ingest, const struct row *rows, size_t n,
                              int64_t received_ms) {
    pthread_mutex_lock(&ingest->lock);
    for (size_t i = n > ARRIVALS ? n - ARRIVALS : 0; i < n; i++) {
        const struct row *row = &rows[i];
        if (row->type == ROW_ANSWER) /* its interaction arrived */
            continue;
        ingest->arrivals[ingest->n_arrivals++ % ARRIVALS] =
            (struct arrival){row->seq,   row->time_ms, received_ms, row->customer,
                             row->event, row->channel, row->unit,   row->source};
    }
    pthread_mutex_unlock(&ingest->lock);
}

static void on_commit(void *context) {
    struct ingest *ingest = context;
    keys_commit(ingest->keys);
    ingest->pending = 0;
    size_t n;
    const struct row *rows = log_committed(ingest->log, &n);
    if (n && ingest->timeline)
        timeline_append(ingest->timeline, rows, n);
    remember_arrivals(ingest, rows, n, clock_now_ms());
}

static void on_rollback(void *context) {
    struct ingest *ingest = context;
    keys_rollback(ingest->keys);
    ingest->pending = 0;
}

static void submission_free(struct submission *submission) {
    if (submission->given)
        submission->batch->events = submission->given;
    arena_release(&submission->arena);
    buf_release(&submission->properties);
    free(submission);
}

static void refuse_rejected(struct ingest *ingest, const struct ingest_batch *batch) {
    for (size_t i = 0; i < batch->n; i++)
        if (batch->results[i].outcome == OUTCOME_REJECTED) {
            enum refusal refusal = (enum refusal)batch->results[i].refusal;
            ingest_refuse(ingest, batch->source, refusal, refusal_text(refusal),
                          refusal_keeps_nothing(refusal) ? (struct slice){"", 0}
                                                         : batch->events[i].raw,
                          batch->received_ms);
        }
}

static void done(struct store_job *job, int code, const struct err *err) {
    struct submission *submission = (struct submission *)job;
    struct ingest *ingest = submission->ingest;
    struct ingest_batch *batch = submission->batch;
    submission_free(submission);
    if (code)
        batch->accepted = batch->duplicates = batch->rejected = 0;
    else
        counters_add(ingest, batch, batch->received_ms);
    if (!code && batch->rejected)
        refuse_rejected(ingest, batch);
    batch->done(batch, code, err);
}

/* ---- handing over ---- */

bool ingest_pressed(const struct ingest *ingest) {
    return keys_known_hurt(ingest->keys) || customers_pressed(ingest->customers) ||
           keys_pressed(ingest->keys) || (ingest->timeline && timeline_is_behind(ingest->timeline));
}

static struct submission *prepare(struct ingest *ingest, struct ingest_batch *batch) {
    struct submission *submission = calloc(1, sizeof *submission);
    if (!submission)
        abort();
    submission->job = (struct store_job){
        .run = ingest_write,
        .done = done,
        .bytes = batch->bytes * 2 + batch->n * PREPARED_BYTES,
        .bulk = batch->bulk,
        .alone = batch->along != NULL,
    };
    submission->ingest = ingest;
    submission->batch = batch;
    arena_init(&submission->arena);
    buf_init(&submission->properties, UINT32_MAX / 2);
    buf_reserve(&submission->properties, batch->bytes / 2 + 1); /* about what it will take */
    submission->prepared = ARENA_ARRAY(&submission->arena, struct prepared, batch->n);
    ingest_prepare(submission);
    return submission;
}

static int submit_nothing(struct ingest_batch *batch) {
    batch->accepted = batch->duplicates = batch->rejected = 0;
    batch->done(batch, 0, NULL);
    return 0;
}

int ingest_submit(struct ingest *ingest, struct ingest_batch *batch, struct err *err) {
    if (!batch->n)
        return submit_nothing(batch);
    if (ingest_pressed(ingest))
        return err_set(err, E_BUSY, "too much is waiting to be written");
    struct submission *submission = prepare(ingest, batch);
    int code = store_submit(ingest->store, &submission->job, err);
    if (code)
        submission_free(submission);
    return code;
}

int ingest_collect(struct ingest *ingest, struct ingest_batch *batch, struct err *err) {
    if (!batch->n)
        return submit_nothing(batch);
    struct submission *submission = prepare(ingest, batch);
    int code = E_BUSY;
    if (waiting_room_empty(ingest->room) && !ingest_pressed(ingest))
        code = store_submit(ingest->store, &submission->job, err);
    if (code == E_BUSY && !store_is_closing(ingest->store))
        code = waiting_room_enter(ingest->room, submission, err);
    if (code)
        submission_free(submission);
    return code;
}

/* ---- keys again ---- */

/* The key that a record was stored with; zero: none. */
static struct key128 key_of(const struct ingest *ingest, const struct log_record *record) {
    struct key128 key = record->key;
    if (!key.a && !key.b && record->message_id.p)
        key = hash_keyed(vault_message_key(ingest->vault), &record->message_id, 1);
    return key;
}

static int put_again(void *context, const struct log_record *record) {
    struct ingest *ingest = context;
    struct key128 key = key_of(ingest, record);
    if (key.a || key.b)
        keys_put(ingest->keys, key, 0, record->row.seq);
    keys_commit(ingest->keys);
    return 0;
}

/* Keys of a range of the log, for a file of keys that is rebuilt. Those of aliases are in no record: see alias(). */
struct replaying {
    struct ingest *ingest;
    struct keys_mending *mending;
    struct err *err;
};

static int replay_record(void *context, const struct log_record *record) {
    struct replaying *replaying = context;
    struct key128 key = key_of(replaying->ingest, record);
    return key.a || key.b ? keys_mend_put(replaying->mending, key, 0, replaying->err) : 0;
}

static int replay(void *context, uint64_t after, uint64_t to, struct keys_mending *mending,
                  struct err *err) {
    struct ingest *ingest = context;
    struct replaying replaying = {ingest, mending, err};
    return log_read(ingest->log, after + 1, to + 1, replay_record, &replaying, err);
}

static int mend_hurt(struct ingest *ingest, struct err *err) {
    unsigned mended = 0;
    return keys_hurt(ingest->keys) ? keys_mend(ingest->keys, false, replay, ingest, &mended, err)
                                   : 0;
}

/* ---- waiting ---- */

struct waiting {
    void *context;
    void (*done)(struct ingest_batch *batch, int code, const struct err *err);
    int code;
    struct err *err;
    bool finished;
    pthread_mutex_t lock;
    pthread_cond_t ready;
};

static void waited(struct ingest_batch *batch, int code, const struct err *err) {
    struct waiting *waiting = batch->context;
    pthread_mutex_lock(&waiting->lock);
    waiting->code = code;
    if (code && err && waiting->err)
        *waiting->err = *err;
    waiting->finished = true;
    pthread_cond_signal(&waiting->ready);
    pthread_mutex_unlock(&waiting->lock);
}

/* Writes full tables of keys and the index's head out in this thread, when maintenance does not keep up (or does not
 * run). */
static int relieve(struct ingest *ingest, struct err *err) {
    int code = keys_known_hurt(ingest->keys) ? mend_hurt(ingest, err) : 0;
    if (!code && keys_pressed(ingest->keys))
        code = keys_flush(ingest->keys, KEYS_FRESH_MAX, err);
    if (!code && customers_pressed(ingest->customers))
        code = customers_relieve(ingest->customers, err);
    if (!code && ingest->timeline && timeline_is_behind(ingest->timeline))
        code = timeline_relieve(ingest->timeline, err);
    return code;
}

int ingest_make_room(struct ingest *ingest, struct err *err) {
    int code = 0;
    while (!code && ingest_pressed(ingest))
        code = relieve(ingest, err);
    return code;
}

static int submit_patiently(struct ingest *ingest, struct ingest_batch *batch, struct err *err) {
    for (;;) {
        int code = ingest_make_room(ingest, err);
        if (!code)
            code = ingest_submit(ingest, batch, err);
        if (code != E_BUSY || store_is_closing(ingest->store))
            return code;
        usleep(PAUSE_US);
    }
}

static int wait_for(struct waiting *waiting) {
    pthread_mutex_lock(&waiting->lock);
    while (!waiting->finished)
        pthread_cond_wait(&waiting->ready, &waiting->lock);
    pthread_mutex_unlock(&waiting->lock);
    return waiting->code;
}

int ingest_run(struct ingest *ingest, struct ingest_batch *batch, struct err *err) {
    struct waiting waiting = {
        .context = batch->context,
        .done = batch->done,
        .err = err,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .ready = PTHREAD_COND_INITIALIZER,
    };
    batch->done = waited;
    batch->context = &waiting;
    int code;
    do { /* busy after all: what it rested on is being rebuilt */
        waiting.finished = false;
        code = submit_patiently(ingest, batch, err);
        if (!code)
            code = wait_for(&waiting);
    } while (code == E_BUSY && !store_is_closing(ingest->store));
    batch->done = waiting.done;
    batch->context = waiting.context;
    if (batch->done)
        batch->done(batch, code, code ? err : NULL);
    return code;
}

/* ---- open and close ---- */

static int arrived(void *context, const struct log_record *record) {
    if (record->row.type == ROW_GONE)
        return 0;
    remember_arrivals(context, &record->row, 1, record->received_ms);
    return 0;
}

static int fill(struct ingest *ingest, const char *dir, struct err *err) {
    uint64_t last = log_last(ingest->log);
    uint64_t recent = last > ARRIVALS_READ ? last - ARRIVALS_READ + 1 : 1;
    unsigned mended = 0;
    int code = unit_rules_open(&ingest->unit_rules, ingest->store, err);
    if (!code)
        code = consents_open(&ingest->consents, ingest->store, err);
    if (!code)
        code = keeping_open(&ingest->keeping, ingest->store, err);
    if (!code)
        code = keys_open(&ingest->keys, ingest->store, dir, "message", err);
    if (!code)
        code = keys_mend(ingest->keys, false, replay, ingest, &mended, err);
    if (!code)
        code =
            log_read(ingest->log, keys_covered(ingest->keys) + 1, last + 1, put_again, ingest, err);
    if (!code)
        code = log_read(ingest->log, recent, last + 1, arrived, ingest, err);
    if (!code)
        code = counters_load(ingest, err);
    if (!code)
        code = refused_open(&ingest->refused, ingest->vault, dir, err);
    return code;
}

static void release(struct ingest *ingest) {
    waiting_room_free(ingest->room);
    keys_close(ingest->keys);
    unit_rules_close(ingest->unit_rules);
    consents_close(ingest->consents);
    keeping_close(ingest->keeping);
    refused_close(ingest->refused);
    counters_release(ingest);
    buf_release(&ingest->scratch);
    buf_release(&ingest->behind);
    pthread_mutex_destroy(&ingest->lock);
    free(ingest);
}

int ingest_open(struct ingest **ingest, struct store *store, struct vault *vault,
                struct customers *customers, struct dictionary *dictionary, struct log *log,
                struct timeline *timeline, const char *dir, struct err *err) {
    struct ingest *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    opened->store = store;
    opened->vault = vault;
    opened->customers = customers;
    opened->dictionary = dictionary;
    opened->log = log;
    opened->timeline = timeline;
    pthread_mutex_init(&opened->lock, NULL);
    buf_init(&opened->scratch, SCRATCH_MAX_BYTES);
    buf_init(&opened->behind, SCRATCH_MAX_BYTES);
    opened->room = waiting_room_new(opened);
    int code = fill(opened, dir, err);
    if (code) {
        release(opened);
        return code;
    }
    store_add_hook(store, on_commit, on_rollback, opened);
    *ingest = opened;
    return 0;
}

void ingest_stop(struct ingest *ingest) {
    if (ingest)
        waiting_room_close(ingest->room);
}

void ingest_close(struct ingest *ingest) {
    if (!ingest)
        return;
    struct err err = {0};
    if (keys_flush(ingest->keys, ingest->keep_keys ? 1 : CLOSE_LEAST, &err) ||
        customers_flush(ingest->customers, CLOSE_LEAST, &err) || counters_store(ingest, &err) ||
        refused_store(ingest->refused, &ingest->lock, &err))
        log_warn("collect", "not everything was kept at the end: %s", err.message);
    release(ingest);
}

struct keeping *ingest_keeping(struct ingest *ingest) {
    return ingest->keeping;
}

struct unit_rules *ingest_unit_rules(struct ingest *ingest) {
    return ingest->unit_rules;
}

struct consents *ingest_consents(struct ingest *ingest) {
    return ingest->consents;
}

struct saying {
    struct ingest *ingest;
    uint32_t profile;
    const struct consent *consent;
    bool written;
};

static int say(void *context, sqlite3 *db, struct err *err) {
    struct saying *saying = context;
    struct consent_writing writing = ingest_consent_writing(saying->ingest, db);
    return consent_write(&writing, saying->profile, saying->consent, 0, &saying->written, err);
}

int ingest_consent(struct ingest *ingest, uint32_t profile, const struct consent *consent,
                   bool *written, struct err *err) {
    struct saying saying = {.ingest = ingest, .profile = profile, .consent = consent};
    int code = store_write(ingest->store, say, &saying, err);
    *written = saying.written;
    return code;
}

int ingest_maintain(struct ingest *ingest, bool force, struct err *err) {
    int code = mend_hurt(ingest, err);
    if (!code)
        code = keys_flush(ingest->keys, force ? 1 : KEYS_FRESH_MAX, err);
    if (!code)
        code = counters_store(ingest, err);
    if (!code)
        code = refused_store(ingest->refused, &ingest->lock, err);
    return code;
}

int ingest_forget(struct ingest *ingest, const struct needles *needles, size_t *n,
                  struct err *err) {
    pthread_mutex_lock(&ingest->lock);
    *n = refused_forget(ingest->refused, needles);
    pthread_mutex_unlock(&ingest->lock);
    return *n ? refused_rewrite(ingest->refused, &ingest->lock, err) : 0;
}

int ingest_forget_before(struct ingest *ingest, int64_t before_ms, size_t *n, struct err *err) {
    pthread_mutex_lock(&ingest->lock);
    *n = refused_forget_before(ingest->refused, before_ms);
    pthread_mutex_unlock(&ingest->lock);
    return *n ? refused_rewrite(ingest->refused, &ingest->lock, err) : 0;
}

int ingest_merge(struct ingest *ingest, struct err *err) { return keys_merge(ingest->keys, err); }

int ingest_verify(struct ingest *ingest, struct err *err) { return keys_verify(ingest->keys, err); }

int ingest_mend(struct ingest *ingest, unsigned *mended, struct err *err) {
    return keys_mend(ingest->keys, true, replay, ingest, mended, err);
}

bool ingest_has(struct ingest *ingest, const struct log_record *record) {
    struct key128 key = key_of(ingest, record);
    return (!key.a && !key.b) || keys_find(ingest->keys, key) != MAP_NONE;
}

bool ingest_has_message(struct ingest *ingest, struct slice message_id) {
    struct key128 key = hash_keyed(vault_message_key(ingest->vault), &message_id, 1);
    return keys_find(ingest->keys, key) != MAP_NONE;
}

size_t ingest_arrivals(struct ingest *ingest, int source, struct arrival *arrivals, size_t n) {
    size_t found = 0;
    pthread_mutex_lock(&ingest->lock);
    for (uint64_t i = 0; found < n && i < ARRIVALS && i < ingest->n_arrivals; i++) {
        const struct arrival *arrival = &ingest->arrivals[(ingest->n_arrivals - 1 - i) % ARRIVALS];
        if (source < 0 ? arrival->source != 0 : arrival->source == source)
            arrivals[found++] = *arrival;
    }
    pthread_mutex_unlock(&ingest->lock);
    return found;
}
