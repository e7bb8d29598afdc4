/*
 * Running an erasure from state to state: see privacy.h.
 *
 * PROOF  The report says how much of what went, what stayed, and what a search of everything found afterwards: every record
 * of the log, and every byte of every file of the folder. It bears a keyed hash of itself, so that it can be told from one
 * that somebody wrote. It holds no identifier, only the number of the customer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "base/time.h"
#include "collect/consent.h"
#include "privacy/internal.h"
#include "search/search.h"
#include "segment/segment.h"
#include "survey/survey.h"
#include "voice/review.h"

enum { EVERY_MS = 30 * 1000, SEAL_BYTES = 32, RAW_LEAST = 12, STEPS = 5, PASSES = 5 };

struct erase {
    struct folder *folder;
    struct job_run *run;
    struct arena arena;
    struct erasure erasure;
    struct person *person;
    struct log_erasing log;
    struct needles records; /* in records, refusals and files */
    struct needles bytes;   /* among the raw bytes of files, where no end of a word is to be seen */
    json_t *report;
    unsigned log_files;
    uint64_t rows, files, identifiers, steps;
    size_t refusals;
};

static void step(struct erase *erase) {
    if (erase->run)
        job_progress(erase->run, ++erase->steps, STEPS);
}

/* ---- the report ---- */

static void put_count(json_t *object, const char *name, uint64_t n) {
    json_object_set_new(object, name, json_integer((json_int_t)n));
}

static json_t *instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    time_format(ms, text);
    return json_string(text);
}

/* What went and what stayed, before anything is searched again. */
static void begin_report(struct erase *erase) {
    const struct log_erasing *log = &erase->log;
    char id[CUSTOMER_ID_BYTES];
    json_t *erased = json_object(), *kept = json_object();
    customer_id_format(erase->erasure.customer, id);
    put_count(erased, "profiles", erase->person->n_members);
    put_count(erased, "trait_records", log->traits);
    put_count(erased, "properties", log->properties);
    put_count(erased, "mentions_elsewhere", log->elsewhere);
    put_count(erased, "log_files", erase->log_files);
    put_count(erased, "refusals", erase->refusals);
    put_count(erased, "files", erase->files);
    put_count(kept, "interactions", log->interactions);
    put_count(kept, "answers", log->answers);
    put_count(kept, "traits_that_others_share", log->shared);
    json_decref(erase->report);
    erase->report =
        json_pack("{s:I, s:s, s:o, s:s, s:o, s:o}", "erasure", (json_int_t)erase->erasure.number,
                  "customer", id, "asked", instant(erase->erasure.asked_ms), "by",
                  erase->erasure.who, "erased", erased, "kept", kept);
    put_count(erase->report, "suppressed", erase->person->n_hashes);
}

/* A keyed hash over the report as it is. */
static void seal_report(struct erase *erase) {
    unsigned char seal[SEAL_BYTES];
    char hex[SEAL_BYTES * 2 + 1];
    json_object_del(erase->report, "seal");
    char *text = json_dumps(erase->report, JSON_COMPACT | JSON_SORT_KEYS);
    const struct hash_key *key = vault_token_key(erase->folder->vault);
    crypto_generichash(seal, sizeof seal, (const unsigned char *)text, strlen(text), key->bytes,
                       sizeof key->bytes);
    sodium_bin2hex(hex, sizeof hex, seal, sizeof seal);
    json_object_set_new(erase->report, "seal", json_string(hex));
    free(text);
}

/* ---- in the writer ---- */

struct moving {
    struct erase *erase;
    const char *state;
    bool forget; /* the records lose the person in the same transaction */
};

static int forget(struct erase *erase, sqlite3 *db, struct err *err) {
    erase->rows = 0;
    int code = customers_forget(erase->folder->customers, erase->person->members,
                                erase->person->n_members, &erase->identifiers, db, err);
    if (!code)
        code = consents_forget(db, erase->person->members, erase->person->n_members, err);
    if (!code)
        code = review_forget(db, erase->person->members, erase->person->n_members, err);
    if (!code)
        code = survey_forget(db, erase->person->members, erase->person->n_members, err);
    if (!code)
        code = erase_tables(db, erase->folder->vault, &erase->records, &erase->rows, err);
    json_t *erased = json_object_get(erase->report, "erased");
    put_count(erased, "identifiers", erase->identifiers);
    put_count(erased, "records", erase->rows);
    return code;
}

static int move(void *context, sqlite3 *db, struct err *err) {
    const struct moving *moving = context;
    struct erase *erase = moving->erase;
    int code = moving->forget ? forget(erase, db, err) : 0;
    char *report = erase->report ? json_dumps(erase->report, JSON_COMPACT) : NULL;
    if (!code)
        code = erasure_put(erase->erasure.number, moving->state, report ? report : "",
                           moving->forget, db, err);
    free(report);
    return code;
}

static int move_to(struct erase *erase, const char *state, bool forget, struct err *err) {
    struct moving moving = {erase, state, forget};
    int code = store_write(erase->folder->store, move, &moving, err);
    if (!code)
        erase->erasure.state = state;
    return code;
}

static int suppress(void *context, sqlite3 *db, struct err *err) {
    struct erase *erase = context;
    return customers_suppress(erase->folder->customers, erase->erasure.number,
                              erase->person->hashes, erase->person->n_hashes, db, err);
}

/* ---- log and index ---- */

/* Interrupted, nobody knows how far the index is behind the log: all of it is built again. */
static void span_everything(struct log_erasing *log) {
    for (int kind = 0; kind < PART_KINDS; kind++)
        log->spans[kind] = (struct timeline_span){TIME_MIN_MS, TIME_MAX_MS - 1};
}

static int look_again(void *context, const struct log_record *record) {
    struct log_record copy = *record;
    return erase_record(context, &copy, false);
}

/* One pass over log and index. 1: a record of the person is left. */
static int erase_pass(struct erase *erase, struct err *err) {
    struct folder *folder = erase->folder;
    unsigned files = 0;
    int code = log_rewrite(folder->log, erase_record, &erase->log, &files, err);
    erase->log_files += files;
    if (!code)
        code = timeline_forget(folder->timeline, erase->log.spans, err);
    if (!code)
        code = log_read(folder->log, 1, log_last(folder->log) + 1, look_again, &erase->log, err);
    return code;
}

/* What the server derives by itself (they entered a segment) may still arrive while the log is written again; then once more. */
static int erase_truth(struct erase *erase, bool interrupted, struct err *err) {
    int code = 1;
    if (interrupted)
        span_everything(&erase->log);
    for (int pass = 0; code > 0 && pass < PASSES; pass++) {
        erase->log.again = pass > 0;
        code = erase_pass(erase, err);
    }
    step(erase);
    return code > 0 ? err_set(err, E_INTERNAL, "a record of the person is left in the log") : code;
}

static void take_needles(struct erase *erase) {
    const struct person *person = erase->person;
    for (size_t i = 0; i < person->n_sought; i++) {
        struct slice text = person->sought[i].text;
        if (person->sought[i].kind >= SOUGHT_RECORDS)
            needles_add_forms(&erase->records, text, true);
        if (person->sought[i].kind == SOUGHT_EVERYWHERE)
            needles_add_forms(&erase->bytes, text,
                              text.n < RAW_LEAST && !memchr(text.p, '@', text.n));
    }
}

static int erase_person(struct erase *erase, struct err *err) {
    bool interrupted = strcmp(erase->erasure.state, "waiting") != 0;
    int code = person_gather(erase->person, err);
    if (!code)
        code = erasure_recall(erase->person, erase->erasure.number, err);
    if (!code)
        code = store_write(erase->folder->store, suppress, erase, err);
    if (!code)
        code = move_to(erase, "running", false, err);
    if (!code)
        code = person_share(erase->person, err);
    step(erase);
    if (code)
        return code;
    take_needles(erase);
    log_erasing_init(&erase->log, erase->person);
    code = erase_truth(erase, interrupted, err);
    if (!code)
        code = ingest_forget(erase->folder->ingest, &erase->records, &erase->refusals, err);
    if (!code)
        code = erase_files(erase->folder, &erase->records, &erase->files, err);
    if (!code)
        code = erase_rules(erase->folder, &erase->records, err);
    if (!code)
        begin_report(erase);
    log_erasing_release(&erase->log);
    return code ? code : move_to(erase, "cleaning", true, err);
}

/* ---- afterwards ---- */

static int clean(struct erase *erase, struct err *err) {
    uint64_t bytes = 0, found = 0, copies = 0;
    bool searched = erase->bytes.n != 0;
    struct folder *folder = erase->folder;
    search_forget(folder);
    int code = segments_decide_again(folder, erase->erasure.customer, err);
    if (!code)
        code = store_scrub(folder->store, err);
    step(erase);
    if (!code)
        code = search_files(folder, &erase->bytes, &bytes, &found, &copies, err);
    if (!code)
        code = search_index(folder, &erase->bytes, &bytes, &found, err);
    if (!code)
        code = search_tables(folder, &erase->bytes, &found, err);
    step(erase);
    if (code)
        return code;
    json_object_del(erase->report, "failure");
    json_object_set_new(erase->report, "verification",
                        json_pack("{s:b, s:I, s:I, s:I, s:I}", "searched", searched, "records",
                                  (json_int_t)log_last(folder->log), "bytes", (json_int_t)bytes,
                                  "found", (json_int_t)found, "copies_from_before_updates",
                                  (json_int_t)copies));
    json_object_set_new(erase->report, "completed", instant(clock_now_ms()));
    seal_report(erase);
    return move_to(erase, "done", false, err);
}

/* What went wrong, for whoever asked; tries are counted over restarts. */
static void tell_failure(struct erase *erase, const struct err *failure) {
    json_t *before = json_loads(erase->erasure.report, 0, NULL);
    json_int_t tries =
        json_integer_value(json_object_get(json_object_get(before, "failure"), "tries"));
    int64_t now_ms = clock_now_ms();
    if (!erase->report)
        erase->report = json_object();
    json_object_set_new(erase->report, "failure",
                        json_pack("{s:s, s:o, s:I, s:o}", "reason", failure->message, "time",
                                  instant(now_ms), "tries", tries + 1, "next_try",
                                  instant(now_ms + EVERY_MS)));
    json_decref(before);
}

static int run_states(struct erase *erase, struct err *err) {
    int code = 0;
    if (strcmp(erase->erasure.state, "cleaning") != 0) {
        code = erase_person(erase, err);
    } else {
        erase->report = json_loads(erase->erasure.report, 0, NULL);
        code = erase->report ? erasure_recall(erase->person, erase->erasure.number, err)
                             : err_set(err, E_CORRUPT, "an erasure is damaged");
    }
    if (!code)
        code = clean(erase, err);
    if (code) {
        struct err none = {0};
        bool cleaning = strcmp(erase->erasure.state, "cleaning") == 0;
        tell_failure(erase, err);
        if (move_to(erase, cleaning ? "cleaning" : "failed", false, &none))
            log_error("privacy", "an erasure could not be written down: %s", none.message);
    }
    return code;
}

static int erase_one(struct job_run *run, struct folder *folder, const struct erasure *erasure,
                     struct err *err) {
    struct erase *erase = calloc(1, sizeof *erase);
    if (!erase || !(erase->person = malloc(sizeof *erase->person)))
        abort();
    erase->folder = folder;
    erase->run = run;
    erase->erasure = *erasure;
    arena_init(&erase->arena);
    needles_init(&erase->records);
    needles_init(&erase->bytes);
    person_init(erase->person, folder, erasure->customer, &erase->arena);
    int code = run_states(erase, err);
    person_release(erase->person);
    needles_release(&erase->records);
    needles_release(&erase->bytes);
    json_decref(erase->report);
    arena_release(&erase->arena);
    free(erase->person);
    free(erase);
    return code;
}

/* Each once: one that fails keeps nobody else waiting. The first error is the run's. */
static int run(struct job_run *run, struct err *err) {
    struct arena arena;
    struct erasure erasure = {0};
    struct err first = {0};
    int code, done = 0;
    arena_init(&arena);
    while ((code = erasure_next(job_folder(run), erasure.number, &arena, &erasure, err)) == 1) {
        struct err failure = {0};
        if (job_cancelled(run)) {
            code = err_set(err, E_CANCELLED, "cancelled");
            break;
        }
        int failed = erase_one(run, job_folder(run), &erasure, &failure);
        if (failed && !first.code)
            first = failure;
        done += !failed;
        arena_clear(&arena);
    }
    arena_release(&arena);
    if (!code && first.code) {
        *err = first;
        code = first.code;
    }
    if (!code && done)
        job_result(run, json_pack("{s:i}", "erased", done));
    return code;
}

const struct job job_erase = {.name = "privacy.erase",
                              .summary = "erases the customers who asked for it",
                              .lane = JOB_LONG,
                              .every_ms = EVERY_MS,
                              .run = run};
