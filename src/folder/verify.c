/*
 * Verifying a data folder: see verify.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/verify.h"

enum { FAULTS_SHOWN = 100 };

static void found(struct buf *findings, const char *where, const struct err *err) {
    buf_add_format(findings, "%s: %s\n", where, err->message);
}

struct checking {
    struct folder *folder;
    struct buf *findings;
    uint32_t customers;
    uint16_t codes[DICTIONARY_KINDS];
    unsigned faults;
    uint64_t last; /* record that was read */
};

static void fault(struct checking *checking, uint64_t seq, const char *what) {
    if (++checking->faults <= FAULTS_SHOWN)
        buf_add_format(checking->findings, "log: record %llu %s\n", (unsigned long long)seq, what);
}

/* Names and customers may be newer than what was counted at the start: then they are asked for again. */
static bool code_exists(struct checking *checking, enum dictionary_kind kind, uint32_t code) {
    if (code > checking->codes[kind])
        checking->codes[kind] = dictionary_count(checking->folder->dictionary, kind);
    return code <= checking->codes[kind];
}

static int check_record(void *context, const struct log_record *record) {
    struct checking *checking = context;
    const struct row *row = &record->row;
    checking->last = row->seq;
    if (row->type == ROW_GONE) { /* nobody's, but known by its key */
        if (row->customer || row->properties.n || record->message_id.p)
            fault(checking, row->seq, "was let go of, and still says something");
        if (!ingest_has(checking->folder->ingest, record))
            fault(checking, row->seq, "would not be recognised if it came again");
        return 0;
    }
    if (row->customer > checking->customers)
        checking->customers = customers_count(checking->folder->customers);
    if (!row->customer || row->customer > checking->customers)
        fault(checking, row->seq, "belongs to nobody");
    if (row->type > ROW_ANSWER || (row_is_interaction(row->type) && !row->event) ||
        !code_exists(checking, DICTIONARY_EVENT, row->event) ||
        !code_exists(checking, DICTIONARY_CHANNEL, row->channel) ||
        !code_exists(checking, DICTIONARY_UNIT, row->unit))
        fault(checking, row->seq, "bears a name that does not exist");
    struct property_cursor cursor = property_cursor(row);
    uint32_t code;
    struct value value;
    while (property_next(&cursor, &code, &value))
        if (!code_exists(checking, DICTIONARY_PROPERTY, code))
            fault(checking, row->seq, "has a property whose name does not exist");
    if (row->properties.n && !cursor.p)
        fault(checking, row->seq, "has properties that make no sense");
    if (!ingest_has(checking->folder->ingest, record))
        fault(checking, row->seq, "would not be recognised if it came again");
    return 0;
}

/* All but the index. */
static int folder_verify_truth(struct folder *folder, struct buf *findings, struct err *err) {
    (void)err;
    struct err own = {0};
    struct checking checking = {.folder = folder, .findings = findings};
    if (store_verify(folder->store, &own))
        found(findings, "records", &own);
    own = (struct err){0};
    if (log_read(folder->log, 1, UINT64_MAX, check_record, &checking, &own))
        buf_add_format(findings, "log: %s (after record %llu)\n", own.message,
                       (unsigned long long)checking.last);
    own = (struct err){0};
    if (ingest_verify(folder->ingest, &own))
        found(findings, "keys of messages", &own);
    own = (struct err){0};
    if (customers_verify(folder->customers, &own))
        found(findings, "customers", &own);
    if (checking.faults > FAULTS_SHOWN)
        buf_add_format(findings, "log: %u faults more\n", checking.faults - FAULTS_SHOWN);
    return 0;
}

static void mend_keys(struct folder *folder, struct buf *findings) {
    struct err err = {0};
    unsigned messages = 0, identities = 0;
    if (ingest_mend(folder->ingest, &messages, &err))
        found(findings, "keys of messages", &err);
    err = (struct err){0};
    if (customers_mend(folder->customers, &identities, &err))
        found(findings, "keys of identifiers", &err);
    if (messages)
        buf_add_format(findings, "keys of messages: %u damaged files, rebuilt from the log\n",
                       messages);
    if (identities)
        buf_add_format(findings,
                       "keys of identifiers: %u damaged files, rebuilt from the records\n",
                       identities);
}

int folder_verify(struct folder *folder, bool repair, struct buf *findings, struct err *err) {
    if (repair)
        mend_keys(folder, findings);
    int code = folder_verify_truth(folder, findings, err);
    if (code)
        return code;
    code = timeline_verify(folder->timeline, repair, findings, err);
    if (code == E_CORRUPT) { /* the log itself, which was told already */
        if (!findings->n)
            found(findings, "index", err);
        code = 0;
    }
    return code;
}

int folder_verify_mended(struct folder *folder, struct buf *findings, bool *sound,
                         struct err *err) {
    int code = folder_verify(folder, true, findings, err);
    *sound = !code && findings->n == 0;
    if (code || *sound)
        return code;
    size_t before = findings->n;
    code = folder_verify(folder, false, findings, err);
    *sound = !code && findings->n == before;
    return code;
}
