/*
 * Letting go of whole interactions: see retention.h. Their places in the log stay, so that whatever counts places still agrees, and say
 * only that there was something (ROW_GONE); by their keys they are known if they come again.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "collect/keeping.h"
#include "privacy/internal.h"
#include "privacy/retention.h"
#include "segment/segment.h"

#define DAY_IN_MS INT64_C(86400000)

struct letting_go {
    struct folder *folder;
    struct keeping *keeping;
    int64_t now_ms;
    struct timeline_span spans[PART_KINDS];
    struct retained *found;
    uint64_t *customers; /* [words] bits of profiles; NULL: nobody is counted */
    size_t words;
};

static bool is_past(const struct letting_go *letting, const struct row *row) {
    const struct dictionary *names = letting->folder->dictionary;
    if (!row_is_interaction(row->type) && row->type != ROW_ANSWER)
        return false;
    int64_t days =
        keeping_days(letting->keeping, dictionary_name(names, DICTIONARY_EVENT, row->event),
                     dictionary_name(names, DICTIONARY_CHANNEL, row->channel), row->source);
    return days && row->time_ms < letting->now_ms - days * DAY_IN_MS;
}

static void count(struct letting_go *letting, const struct row *row) {
    struct retained *found = letting->found;
    bool interaction = row_is_interaction(row->type);
    *(interaction ? &found->interactions : &found->answers) += 1;
    if (!found->first_ms || row->time_ms < found->first_ms)
        found->first_ms = row->time_ms;
    if (row->time_ms > found->last_ms)
        found->last_ms = row->time_ms;
    size_t word = row->customer / 64;
    uint64_t bit = UINT64_C(1) << row->customer % 64;
    if (!letting->customers || word >= letting->words || letting->customers[word] & bit)
        return;
    letting->customers[word] |= bit;
    found->customers++;
}

static int let_go(void *context, struct log_record *record, bool final) {
    struct letting_go *letting = context;
    struct row *row = &record->row;
    if (!is_past(letting, row))
        return 0;
    if (final) {
        struct timeline_span *span = &letting->spans[part_kind_of(row->type)];
        count(letting, row);
        span->from_ms = row->time_ms < span->from_ms ? row->time_ms : span->from_ms;
        span->to_ms = row->time_ms > span->to_ms ? row->time_ms : span->to_ms;
    }
    if (record->message_id.p && !record->key.a && !record->key.b)
        record->key = hash_keyed(vault_message_key(letting->folder->vault), &record->message_id, 1);
    record->message_id = (struct slice){NULL, 0};
    *row = (struct row){.seq = row->seq, .time_ms = row->time_ms, .type = ROW_GONE};
    return 1;
}

int retention_let_interactions_go(struct folder *folder, int64_t now_ms, struct retained *found,
                                  struct err *err) {
    struct letting_go letting = {.folder = folder,
                                 .keeping = ingest_keeping(folder->ingest),
                                 .now_ms = now_ms,
                                 .found = found};
    unsigned files;
    *found = (struct retained){0};
    for (int kind = 0; kind < PART_KINDS; kind++)
        letting.spans[kind] = (struct timeline_span){INT64_MAX, INT64_MIN};
    if (!keeping_any(letting.keeping))
        return 0;
    int code = log_rewrite(folder->log, let_go, &letting, &files, err);
    if (!code)
        code = timeline_forget(folder->timeline, letting.spans, err);
    if (!code && files)
        code = segments_decide_again(folder, 0, err);
    return code;
}

static int look(void *context, const struct log_record *record) {
    struct letting_go *letting = context;
    if (is_past(letting, &record->row))
        count(letting, &record->row);
    return 0;
}

int retention_look(struct folder *folder, struct keeping *keeping, int64_t now_ms,
                   struct retained *found, struct err *err) {
    struct letting_go letting = {
        .folder = folder, .keeping = keeping, .now_ms = now_ms, .found = found};
    *found = (struct retained){0};
    letting.words = (size_t)customers_count(folder->customers) / 64 + 2;
    letting.customers = calloc(letting.words, sizeof *letting.customers);
    if (!letting.customers)
        abort();
    int code = log_read(folder->log, 1, log_last(folder->log) + 1, look, &letting, err);
    free(letting.customers);
    return code;
}
