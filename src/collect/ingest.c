/*
 * The pipeline in the writer: de-duplicate, identify, append; after the commit publish, then answer.
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

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logger.h"
#include "base/zone.h"
#include "collect/ingest_internal.h"

enum { CLOSE_LEAST = 50000 /* fresh keys: fewer are quickly put again at the next start */ };
enum { AHEAD = 12, PAUSE_US = 1000, ARRIVALS_READ = 200 };
enum { SCRATCH_MAX_BYTES = 1024 * 1024, PREPARED_BYTES = sizeof(struct prepared) + 128 };

static const uint8_t ROW_TYPE[] = {
    [EVENT_TRACK] = ROW_TRACK,     [EVENT_PAGE] = ROW_PAGE,   [EVENT_SCREEN] = ROW_SCREEN,
    [EVENT_IDENTIFY] = ROW_TRAITS, [EVENT_GROUP] = ROW_GROUP,
};

/* ---- one event, in the writer ---- */

struct adding {
    struct dictionary *dictionary;
    sqlite3 *db;
    struct err *err;
};

static uint16_t add_property(void *context, struct slice name) {
    struct adding *adding = context;
    return dictionary_add(adding->dictionary, DICTIONARY_PROPERTY, name, adding->db, adding->err);
}

static bool add_code(struct adding *adding, enum dictionary_kind kind, struct slice name,
                     uint16_t *code) {
    *code = name.n ? dictionary_add(adding->dictionary, kind, name, adding->db, adding->err)
                   : CODE_NONE;
    return !name.n || *code;
}

/* Codes and properties of an event with names that were not published when it was prepared. Its properties are then in
 * ingest->scratch. E_REFUSED: a dictionary is full. */
static int complete(struct submission *submission, size_t i, struct row *row, sqlite3 *db,
                    struct err *err) {
    struct ingest *ingest = submission->ingest;
    const struct event *event = &submission->batch->events[i];
    struct slice channel = event->channel.n ? event->channel : submission->batch->source.channel;
    struct adding adding = {ingest->dictionary, db, err};
    uint16_t touchpoint;
    buf_clear(&ingest->scratch);
    err->code = 0;
    bool done = (event->type > EVENT_SCREEN ||
                 add_code(&adding, DICTIONARY_EVENT, event->name, &row->event)) &&
                add_code(&adding, DICTIONARY_CHANNEL, channel, &row->channel) &&
                add_code(&adding, DICTIONARY_UNIT, ingest_unit(submission, event), &row->unit) &&
                add_code(&adding, DICTIONARY_TOUCHPOINT, event->touchpoint, &touchpoint) &&
                ingest_encode(event, &ingest->scratch, add_property, &adding);
    if (!done)
        return err->code ? err->code : err_set(err, E_INTERNAL, "no code for a name");
    row->properties = buf_slice(&ingest->scratch);
    return 0;
}

static void reject(struct ingest_batch *batch, size_t i, enum refusal refusal) {
    batch->results[i] = (struct event_result){OUTCOME_REJECTED, (uint8_t)refusal};
    batch->rejected++;
}

/* Rows that stand behind an interaction: its answers, then traits of its person. */
enum { BEHIND_MAX = LIMIT_ANSWERS + 1 };
struct behind {
    size_t n, ends[BEHIND_MAX]; /* of their properties in ingest->behind */
};

static bool encode_traits(const struct event *event, struct adding *adding, struct buf *out) {
    for (size_t i = 0; i < event->n_traits; i++) {
        uint16_t code = add_property(adding, event->traits[i].name);
        if (!code)
            return false;
        property_add(out, code, &event->traits[i].value);
    }
    return true;
}

/* Encodes them into ingest->behind. E_REFUSED: a dictionary is full. */
static int encode_behind(struct submission *submission, size_t i, struct behind *behind,
                         sqlite3 *db, struct err *err) {
    struct ingest *ingest = submission->ingest;
    const struct event *event = &submission->batch->events[i];
    const struct prepared *prepared = &submission->prepared[i];
    struct adding adding = {ingest->dictionary, db, err};
    buf_clear(&ingest->behind);
    for (uint32_t a = 0; a < prepared->n_answers; a++) {
        const struct answer *answer = &prepared->answers[a];
        uint16_t touchpoint;
        if (!add_code(&adding, DICTIONARY_TOUCHPOINT, answer->touchpoint, &touchpoint) ||
            !answer_encode(event, answer, &ingest->behind, add_property, &adding))
            return err->code;
        behind->ends[behind->n++] = ingest->behind.n;
    }
    if (event->n_traits) {
        if (!encode_traits(event, &adding, &ingest->behind))
            return err->code;
        behind->ends[behind->n++] = ingest->behind.n;
    }
    return ingest->behind.full ? E_REFUSED : 0;
}

/* They have no keys of their own: where the interaction is known already, they are too. */
static int append_behind(struct submission *submission, size_t i, const struct row *interaction,
                         const struct behind *behind, struct err *err) {
    struct ingest *ingest = submission->ingest;
    int code = 0;
    for (size_t b = 0; b < behind->n && !code; b++) {
        size_t start = b ? behind->ends[b - 1] : 0;
        struct row row = *interaction;
        bool answer = b < submission->prepared[i].n_answers;
        row.type = answer ? ROW_ANSWER : ROW_TRAITS;
        row.event = answer ? row.event : CODE_NONE;
        row.properties = (struct slice){ingest->behind.p + start, behind->ends[b] - start};
        code = log_add(ingest->log, &row, (struct slice){0}, (struct key128){0},
                       submission->batch->received_ms, err);
        ingest->pending = row.seq;
    }
    return code;
}

/* ---- consent ---- */

static struct consent_writing consent_writing(struct ingest *ingest, sqlite3 *db) {
    return (struct consent_writing){ingest->consents, ingest->customers, ingest->dictionary,
                                    ingest->log, db};
}

static int said(struct submission *submission, size_t i, uint32_t profile, sqlite3 *db,
                struct err *err) {
    const struct event *event = &submission->batch->events[i];
    struct consent_writing writing = consent_writing(submission->ingest, db);
    char source[8];
    int code = 0;
    snprintf(source, sizeof source, "%u", submission->batch->source.number);
    for (size_t k = 0; !code && k < event->n_choices; k++) {
        struct purpose purpose;
        if (!purpose_find(writing.consents, event->choices[k].purpose, &purpose))
            continue;
        struct consent consent = {.purpose = purpose.name,
                                  .granted = event->choices[k].granted,
                                  .at_ms = event->time_ms,
                                  .via = "event",
                                  .who = source,
                                  .wording = purpose.wording};
        bool written;
        code = consent_write(&writing, profile, &consent, submission->batch->source.number,
                             &written, err);
        if (!code && written)
            submission->ingest->pending++;
    }
    return code;
}

/* An interaction that would be let go of at once; it may have been there and gone. */
static bool too_old(const struct submission *submission, size_t i) {
    const struct ingest *ingest = submission->ingest;
    const struct event *event = &submission->batch->events[i];
    if (event->type == EVENT_ALIAS || !row_is_interaction(ROW_TYPE[event->type]))
        return false;
    struct slice channel =
        dictionary_name(ingest->dictionary, DICTIONARY_CHANNEL, submission->prepared[i].channel);
    int64_t days =
        keeping_days(ingest->keeping, event->name, channel, submission->batch->source.number);
    return days && event->time_ms < submission->batch->received_ms - days * DAY_MS;
}

/* An event that the person does not want collected; a known person's word is kept all the same. */
static int no_consent(struct submission *submission, size_t i, bool *refused, sqlite3 *db,
                      struct err *err) {
    struct ingest *ingest = submission->ingest;
    const struct event *event = &submission->batch->events[i];
    *refused = false;
    if (!submission->batch->source.purpose.n)
        return 0;
    struct consent_writing writing = consent_writing(ingest, db);
    uint32_t profile = customers_who(ingest->customers, &submission->prepared[i].identifiers);
    int code =
        consent_refuses(&writing, event, submission->batch->source.purpose, profile, refused, err);
    return !code && *refused && profile ? said(submission, i, profile, db, err) : code;
}

static int append(struct submission *submission, size_t i, sqlite3 *db, struct err *err) {
    struct ingest *ingest = submission->ingest;
    struct ingest_batch *batch = submission->batch;
    const struct event *event = &batch->events[i];
    const struct prepared *prepared = &submission->prepared[i];
    struct row row = {
        .time_ms = event->time_ms,
        .event = prepared->event,
        .channel = prepared->channel,
        .unit = prepared->unit,
        .source = batch->source.number,
        .type = ROW_TYPE[event->type],
        .properties = {submission->properties.p + prepared->start, prepared->bytes},
    };
    if (prepared->refusal) {
        reject(batch, i, prepared->refusal);
        return 0;
    }
    struct behind behind = {.n = 0};
    int code = prepared->known ? 0 : complete(submission, i, &row, db, err);
    bool more = prepared->n_answers || event->n_traits;
    if (!code && more)
        code = encode_behind(submission, i, &behind, db, err);
    if (code == E_REFUSED) {
        reject(batch, i, REFUSAL_TOO_MANY_NAMES);
        return 0;
    }
    if (!code)
        code = customers_resolve_hashed(ingest->customers, &prepared->identifiers, &row.customer,
                                        db, err);
    if (code)
        return code;
    struct key128 stored = prepared->derived ? (struct key128){0} : prepared->key;
    code = log_add(ingest->log, &row, event->message_id.n ? event->message_id : (struct slice){0},
                   stored, batch->received_ms, err);
    if (code == E_TOO_LARGE) {
        reject(batch, i, REFUSAL_TOO_LARGE);
        return 0;
    }
    ingest->pending = row.seq;
    if (!code && prepared->group)
        code = groups_join(ingest->customers, row.customer, prepared->group, db, err);
    if (!code && (prepared->key.a || prepared->key.b))
        keys_put(ingest->keys, prepared->key, 0, row.seq);
    if (!code && more)
        code = append_behind(submission, i, &row, &behind, err);
    if (!code && event->n_choices)
        code = said(submission, i, row.customer, db, err);
    batch->results[i] = (struct event_result){OUTCOME_ACCEPTED, REFUSAL_NONE};
    batch->accepted++;
    return code;
}

/* An alias is no row: it changes redirects. Its key is not in the log, so it is lost with a crash: done again, an alias
   changes nothing and only counts as new. */
static int alias(struct submission *submission, size_t i, sqlite3 *db, struct err *err) {
    struct ingest *ingest = submission->ingest;
    const struct event *event = &submission->batch->events[i];
    const struct identifiers *identifiers = &submission->prepared[i].identifiers;
    struct slice user = identifiers->user_id.p ? identifiers->user_id : identifiers->anonymous_id;
    if (submission->prepared[i].refusal) {
        reject(submission->batch, i, submission->prepared[i].refusal);
        return 0;
    }
    int code = customers_alias(ingest->customers, event->previous_id, user, db, err);
    struct key128 key = submission->prepared[i].key;
    if (!code && (key.a || key.b)) {
        uint64_t last = log_last(ingest->log);
        keys_put(ingest->keys, key, 0, last > ingest->pending ? last : ingest->pending);
        ingest->keep_keys = true;
    }
    submission->batch->results[i] = (struct event_result){OUTCOME_ACCEPTED, REFUSAL_NONE};
    submission->batch->accepted++;
    return code;
}

/* The ways to reach the person that an event tells. */
enum { CONTACTS_MAX = 16 };
static size_t contacts_of(const struct ingest *ingest, const struct event *event,
                          struct key128 hashes[CONTACTS_MAX]) {
    const struct event_property *traits = event->traits;
    size_t n = 0, n_traits = event->n_traits;
    if (event->type == EVENT_IDENTIFY) {
        traits = event->properties;
        n_traits = event->n_properties;
    }
    if (event->user_id.n)
        n += customers_contact_hash(ingest->customers, SLICE_LITERAL("user"), event->user_id,
                                    &hashes[n]);
    for (size_t i = 0; i < event->n_external && n < CONTACTS_MAX; i++)
        n += customers_contact_hash(ingest->customers, event->external[i].external_type,
                                    event->external[i].value, &hashes[n]);
    for (size_t i = 0; i < n_traits && n < CONTACTS_MAX; i++)
        if (traits[i].value.type == VALUE_TEXT)
            n += customers_contact_hash(ingest->customers, traits[i].name, traits[i].value.text,
                                        &hashes[n]);
    return n;
}

/* Somebody who was erased does not come back. */
static bool suppressed(const struct submission *submission, size_t i) {
    const struct ingest *ingest = submission->ingest;
    const struct event *event = &submission->batch->events[i];
    if (!customers_refuse_any(ingest->customers))
        return false;
    struct key128 contacts[CONTACTS_MAX];
    size_t n = contacts_of(ingest, event, contacts);
    struct identifiers identifiers = submission->prepared[i].identifiers;
    if (customers_refuses(ingest->customers, &identifiers, contacts, n))
        return true;
    if (!event->previous_id.n)
        return false;
    identifiers =
        (struct identifiers){.user_id = event->previous_id, .anonymous_id = event->previous_id};
    identifiers.user_hash = customers_hash(
        ingest->customers, &(struct identity){.kind = IDENTITY_USER, .value = event->previous_id});
    identifiers.anonymous_hash =
        customers_hash(ingest->customers,
                       &(struct identity){.kind = IDENTITY_ANONYMOUS, .value = event->previous_id});
    return customers_refuses(ingest->customers, &identifiers, NULL, 0);
}

static void prefetch(const struct submission *submission, size_t i) {
    const struct prepared *prepared = &submission->prepared[i];
    keys_prefetch(submission->ingest->keys, prepared->key);
    customers_prefetch(submission->ingest->customers, &prepared->identifiers);
}

static int run(struct store_job *job, sqlite3 *db, struct err *err) {
    struct submission *submission = (struct submission *)job;
    struct ingest_batch *batch = submission->batch;
    batch->accepted = batch->duplicates = batch->rejected = 0;
    for (size_t i = 0; i < AHEAD && i < batch->n; i++)
        prefetch(submission, i);
    int code = 0;
    keys_hold(submission->ingest->keys);
    for (size_t i = 0; !code && i < batch->n; i++) {
        if (i + AHEAD < batch->n)
            prefetch(submission, i + AHEAD);
        struct key128 key = submission->prepared[i].key;
        bool refused = false;
        if ((key.a || key.b) && keys_get(submission->ingest->keys, key) != MAP_NONE) {
            batch->results[i] = (struct event_result){OUTCOME_DUPLICATE, REFUSAL_NONE};
            batch->duplicates++;
        } else if (suppressed(submission, i)) {
            reject(batch, i, REFUSAL_SUPPRESSED);
        } else if ((code = no_consent(submission, i, &refused, db, err)) != 0) {
            break;
        } else if (refused) {
            reject(batch, i, REFUSAL_NO_CONSENT);
        } else if (!customers_may_resolve(submission->ingest->customers,
                                          &submission->prepared[i].identifiers)) {
            reject(batch, i, REFUSAL_NOBODY);
        } else if (too_old(submission, i)) {
            reject(batch, i, REFUSAL_TOO_OLD);
        } else if (batch->events[i].type == EVENT_ALIAS) {
            code = alias(submission, i, db, err);
        } else {
            code = append(submission, i, db, err);
        }
    }
    keys_let(submission->ingest->keys);
    return code || !batch->along ? code : batch->along(batch, db, err);
}

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
        .run = run,
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
    struct consent_writing writing = consent_writing(saying->ingest, db);
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
