/*
 * A batch in the writer, event by event: de-duplicate, refuse who is suppressed, does not want it or comes too late, identify,
 * append. The invariants are ingest.c's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/ingest.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/zone.h"
#include "collect/ingest_internal.h"

enum { AHEAD = 12 }; /* events whose memory is asked for before their turn */

static const uint8_t ROW_TYPE[] = {
    [EVENT_TRACK] = ROW_TRACK,     [EVENT_PAGE] = ROW_PAGE,   [EVENT_SCREEN] = ROW_SCREEN,
    [EVENT_IDENTIFY] = ROW_TRAITS, [EVENT_GROUP] = ROW_GROUP,
};

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

struct consent_writing ingest_consent_writing(struct ingest *ingest, sqlite3 *db) {
    return (struct consent_writing){ingest->consents, ingest->customers, ingest->dictionary,
                                    ingest->log, db};
}

static int said(struct submission *submission, size_t i, uint32_t profile, sqlite3 *db,
                struct err *err) {
    const struct event *event = &submission->batch->events[i];
    struct consent_writing writing = ingest_consent_writing(submission->ingest, db);
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
    struct consent_writing writing = ingest_consent_writing(ingest, db);
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

int ingest_write(struct store_job *job, sqlite3 *db, struct err *err) {
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
