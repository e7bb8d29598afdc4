/*
 * What goes from a record of the log, and what stays.
 *
 *   of the person    traits: all. Interactions and answers: message id (its hash stays), nested values, texts that fewer than
 *                    FEW others have in the same property, whatever a needle stands in, properties that identify by name.
 *                    Numbers and truth values stay, and so do the names of surveys, questions and metrics. Where something
 *                    went, the touchpoint that the rules gave is written down: what they looked at may be gone.
 *   of others        a needle inside a text is replaced. A trait that is the needle as a whole is theirs too (a family's phone)
 *                    and stays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "folder/registry.h"
#include "privacy/internal.h"

enum property_class { CLASS_UNKNOWN, CLASS_KEPT, CLASS_IDENTIFIES, CLASS_OTHER };
enum { RECORD_MAX_BYTES = 256 * 1024 };
static const char ERASED[] = "[erased]";

void log_erasing_init(struct log_erasing *erasing, const struct person *person) {
    memset(erasing, 0, sizeof *erasing);
    erasing->person = person;
    needles_init(&erasing->own);
    needles_init(&erasing->others);
    for (size_t i = 0; i < person->n_sought; i++) {
        needles_add_forms(&erasing->own, person->sought[i].text, true);
        if (person->sought[i].kind == SOUGHT_EVERYWHERE)
            needles_add_forms(&erasing->others, person->sought[i].text, true);
    }
    erasing->touchpoint_code = dictionary_find(person->folder->dictionary, DICTIONARY_PROPERTY,
                                               SLICE_LITERAL("context.touchpoint"));
    erasing->classes = calloc(UINT16_MAX + 1, 1);
    if (!erasing->classes)
        abort();
    buf_init(&erasing->out, RECORD_MAX_BYTES);
    buf_init(&erasing->key, RECORD_MAX_BYTES);
    buf_init(&erasing->text, RECORD_MAX_BYTES);
    for (int kind = 0; kind < PART_KINDS; kind++)
        erasing->spans[kind] = (struct timeline_span){INT64_MAX, INT64_MIN};
}

void log_erasing_release(struct log_erasing *erasing) {
    needles_release(&erasing->own);
    needles_release(&erasing->others);
    free(erasing->classes);
    buf_release(&erasing->out);
    buf_release(&erasing->key);
    buf_release(&erasing->text);
}

/* ---- properties ---- */

static bool is_structure(struct slice name) {
    static const char *const NAMES[] = {
        "question",          "metric", "survey", "survey_name", "version",   "scale_min",
        "scale_max",         "points", "weight", "currency",    "lifecycle", "kiosk",
        "context.touchpoint"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (slice_is(name, NAMES[i]))
            return true;
    return false;
}

static enum property_class class_of(struct log_erasing *erasing, uint32_t code) {
    uint8_t *class = &erasing->classes[(uint16_t)code];
    if (*class == CLASS_UNKNOWN) {
        struct slice name = dictionary_name(erasing->person->folder->dictionary,
                                            DICTIONARY_PROPERTY, (uint16_t)code);
        enum sensitivity said = registry_of(erasing->person->folder, code);
        *class = is_structure(name) || said == SENSITIVITY_OPEN ? CLASS_KEPT
                 : said >= SENSITIVITY_PERSONAL                 ? CLASS_IDENTIFIES
                                                                : CLASS_OTHER;
    }
    return (enum property_class) * class;
}

static bool stays(struct log_erasing *erasing, uint32_t code, const struct value *value) {
    enum property_class class = class_of(erasing, code);
    bool text = value->type == VALUE_TEXT;
    if (value->type == VALUE_JSON || class == CLASS_IDENTIFIES)
        return false;
    if (text && needles_in(&erasing->own, value->text))
        return false;
    return !text || class == CLASS_KEPT ||
           person_shares(erasing->person, code, value->text, &erasing->key);
}

static uint16_t touchpoint_of(const struct person *person, uint64_t seq) {
    size_t low = 0, high = person->n_rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (person->rows[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < person->n_rows && person->rows[low].seq == seq ? person->rows[low].touchpoint
                                                                : CODE_NONE;
}

/* Filters the properties of an own interaction or answer into erasing->out; how many went. */
static unsigned filter(struct log_erasing *erasing, const struct row *row) {
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    unsigned gone = 0;
    bool touchpoint = false;
    buf_clear(&erasing->out);
    while (property_next(&cursor, &code, &value)) {
        if (!stays(erasing, code, &value)) {
            gone++;
            continue;
        }
        property_add(&erasing->out, code, &value);
        touchpoint = touchpoint || code == erasing->touchpoint_code;
    }
    uint16_t given = touchpoint_of(erasing->person, row->seq);
    if (gone && !touchpoint && given && erasing->touchpoint_code) {
        value = (struct value){.type = VALUE_TEXT,
                               .text = dictionary_name(erasing->person->folder->dictionary,
                                                       DICTIONARY_TOUCHPOINT, given)};
        property_add(&erasing->out, erasing->touchpoint_code, &value);
    }
    return gone;
}

/* ---- records ---- */

/* The message id goes, what it was known by stays. */
static bool hide_message(const struct log_erasing *erasing, struct log_record *record) {
    if (!record->message_id.p)
        return false;
    if (!record->key.a && !record->key.b)
        record->key =
            hash_keyed(vault_message_key(erasing->person->folder->vault), &record->message_id, 1);
    record->message_id = (struct slice){NULL, 0};
    return true;
}

static int edit_own(struct log_erasing *erasing, struct log_record *record, bool final) {
    struct row *row = &record->row;
    bool hidden = hide_message(erasing, record), interaction = row_is_interaction(row->type);
    unsigned gone = 1;
    if (interaction || row->type == ROW_ANSWER) {
        gone = filter(erasing, row);
        if (final && (gone || hidden || !erasing->again)) {
            *(interaction ? &erasing->interactions : &erasing->answers) += 1;
            erasing->properties += gone;
        }
        row->properties = gone ? buf_slice(&erasing->out) : row->properties;
    } else {
        gone = row->properties.n != 0;
        row->properties = (struct slice){NULL, 0};
        erasing->traits += final && (gone || !erasing->again);
    }
    return gone || hidden;
}

/* A value of somebody else in which a needle stands; true when it changed. */
static bool edit_value(struct log_erasing *erasing, const struct row *row, struct value *value,
                       bool final) {
    if ((value->type != VALUE_TEXT && value->type != VALUE_JSON) ||
        !needles_in(&erasing->others, value->text))
        return false;
    size_t at, n;
    if (row->type == ROW_TRAITS && needles_find(&erasing->others, value->text, 0, &at, &n) &&
        n == value->text.n) {
        erasing->shared += final && !erasing->again;
        return false;
    }
    buf_clear(&erasing->text);
    erasing->elsewhere +=
        (final ? 1U : 0U) * needles_replace(&erasing->others, value->text, ERASED, &erasing->text);
    value->text = buf_slice(&erasing->text);
    return true;
}

static int edit_other(struct log_erasing *erasing, struct log_record *record, bool final) {
    struct row *row = &record->row;
    bool changed = record->message_id.p && needles_in(&erasing->others, record->message_id) &&
                   hide_message(erasing, record);
    if (!erasing->others.n)
        return changed;
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    bool edited = false;
    buf_clear(&erasing->out);
    while (property_next(&cursor, &code, &value)) {
        edited |= edit_value(erasing, row, &value, final);
        property_add(&erasing->out, code, &value);
    }
    if (edited)
        row->properties = buf_slice(&erasing->out);
    return changed || edited;
}

int erase_record(void *context, struct log_record *record, bool final) {
    struct log_erasing *erasing = context;
    bool own = person_is_member(erasing->person, record->row.customer);
    int changed = own ? edit_own(erasing, record, final) : edit_other(erasing, record, final);
    if (changed && final) {
        struct timeline_span *span = &erasing->spans[part_kind_of(record->row.type)];
        span->from_ms = record->row.time_ms < span->from_ms ? record->row.time_ms : span->from_ms;
        span->to_ms = record->row.time_ms > span->to_ms ? record->row.time_ms : span->to_ms;
    }
    return changed != 0;
}
