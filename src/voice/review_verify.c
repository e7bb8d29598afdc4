/*
 * Did this customer have what is rated? Found in the timeline, up to the instant of the review.
 *
 *   product       an interaction of PURCHASES, or the subject's own `experience`, that names it: in product_id, sku, product,
 *                 name or subject, or in one of its `products` or `items`
 *   service       the same; an `experience` alone suffices
 *   unit          any interaction at the unit but those that say an opinion themselves
 *   organisation  any interaction of PURCHASES
 *
 * The newest one is when the customer had the experience. Of a customer with more than CANDIDATES purchases the newest are
 * looked at.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/time.h"
#include "base/utf8.h"
#include "timeline/log.h"
#include "voice/internal.h"

enum { CANDIDATES = 500 };

/* Interactions by which people become customers: Segment's name, and how spreadsheets and telecoms say it. */
static const char *const PURCHASES[] = {"Order Completed",
                                        "Purchase",
                                        "Compra",
                                        "Product Purchased",
                                        "Contract Signed",
                                        "Sign-up Completed",
                                        "Subscription Started",
                                        "Booking",
                                        "Booking Completed",
                                        "Reserva",
                                        "Ticket Sold",
                                        "Visita",
                                        "Visit",
                                        "Installation Completed",
                                        "Portability Completed"};
/* The first are the reviews themselves. */
static const char *const OPINIONS[] = {REVIEW_EVENT, "Survey Shown", "Survey Dismissed",
                                       "Survey Responded", "Kiosk Tapped"};
enum {
    PURCHASES_N = sizeof PURCHASES / sizeof *PURCHASES,
    OPINIONS_N = sizeof OPINIONS / sizeof *OPINIONS
};

struct candidate {
    uint64_t seq;
    int64_t time_ms;
};

struct looking {
    struct folder *folder;
    struct incoming *incoming;
    const struct review_subject *subject;
    struct snapshot *snapshot;
    struct arena arena;
    uint16_t purchases[PURCHASES_N + 1], opinions[OPINIONS_N], experience;
    struct slice names[2]; /* folded: name and title of the subject */
    const uint32_t *members;
    size_t n_members;
    struct candidate *candidates; /* [CANDIDATES] */
    size_t n;
};

static bool is_among(uint16_t code, const uint16_t *codes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (codes[i] != CODE_NONE && codes[i] == code)
            return true;
    return false;
}

static void found(struct looking *looking, int64_t time_ms) {
    looking->incoming->verified = true;
    if (time_ms > looking->incoming->experience_ms)
        looking->incoming->experience_ms = time_ms;
}

/* Keeps the newest: the oldest of the kept gives way. */
static void keep(struct looking *looking, uint64_t seq, int64_t time_ms) {
    struct candidate candidate = {seq, time_ms};
    if (looking->n < CANDIDATES) {
        looking->candidates[looking->n++] = candidate;
        return;
    }
    size_t oldest = 0;
    for (size_t i = 1; i < CANDIDATES; i++)
        if (looking->candidates[i].time_ms < looking->candidates[oldest].time_ms)
            oldest = i;
    if (time_ms > looking->candidates[oldest].time_ms)
        looking->candidates[oldest] = candidate;
}

static void look_at_row(struct looking *looking, const struct part *part, uint32_t row) {
    struct incoming *incoming = looking->incoming;
    int64_t time_ms = (int64_t)part->sec[row] * 1000 + part->ms[row];
    uint16_t event = part->event[row];
    bool review = event != CODE_NONE && event == looking->opinions[0];
    if (!review && (!incoming->known_since_ms || time_ms < incoming->known_since_ms))
        incoming->known_since_ms = time_ms;
    if (time_ms > incoming->created_ms)
        return;
    bool had = looking->experience != CODE_NONE && event == looking->experience;
    bool bought = is_among(event, looking->purchases, PURCHASES_N);
    switch (incoming->kind) {
    case SUBJECT_UNIT:
        if (incoming->unit != CODE_NONE && part->unit[row] == incoming->unit &&
            !is_among(event, looking->opinions, OPINIONS_N))
            found(looking, time_ms);
        break;
    case SUBJECT_ORGANISATION:
        if (bought || had)
            found(looking, time_ms);
        break;
    default:
        if (had && incoming->kind == SUBJECT_SERVICE)
            found(looking, time_ms);
        else if (had || bought)
            keep(looking, part->seq_base + part->seq[row], time_ms);
    }
}

static int look_at_parts(void *context, struct err *err) {
    struct looking *looking = context;
    const struct part *const *parts;
    size_t n = snapshot_parts(looking->snapshot, PART_INTERACTIONS, TIME_MIN_MS, TIME_MAX_MS,
                              &parts, &looking->arena);
    for (size_t p = 0; p < n; p++) {
        const struct part *part = parts[p];
        int code =
            part_touch(part, COLUMN_TIME | COLUMN_SEQ | COLUMN_EVENT | COLUMN_UNIT, NULL, 0, err);
        if (code)
            return code;
        for (size_t m = 0; m < looking->n_members; m++) {
            uint32_t k = part_customer_find(part, looking->members[m]);
            if (k == part->n_customers || part->customer[k] != looking->members[m])
                continue;
            for (uint32_t row = part->start[k]; row < part->start[k + 1]; row++)
                look_at_row(looking, part, row);
        }
    }
    return 0;
}

/* ---- what a purchase names ---- */

static bool is_name(const struct looking *looking, struct slice text) {
    struct arena arena;
    bool same = false;
    if (!text.n)
        return false;
    arena_init(&arena);
    struct slice folded = utf8_fold(utf8_trim(text), &arena);
    for (int i = 0; i < 2; i++)
        same |= looking->names[i].n && slice_equal(folded, looking->names[i]);
    arena_release(&arena);
    return same;
}

static bool names_in_list(const struct looking *looking, struct slice json) {
    static const char *const members[] = {"product_id", "sku", "product", "name", "id"};
    json_t *list = json_loadb(json.p, json.n, JSON_DECODE_ANY, NULL), *one;
    bool named = false;
    size_t i;
    json_array_foreach(list, i, one) for (size_t m = 0; m < 5 && !named; m++) {
        const json_t *text = json_object_get(one, members[m]);
        char number[32];
        if (json_is_integer(text))
            snprintf(number, sizeof number, "%lld", (long long)json_integer_value(text));
        named =
            is_name(looking, slice_of(json_is_integer(text) ? number : json_string_value(text)));
    }
    json_decref(list);
    return named;
}

/* A property that may say what was bought. */
static bool value_names_it(const struct looking *looking, struct slice name,
                           const struct value *value) {
    static const char *const plain[] = {"product_id", "sku",     "product", "name",
                                        "subject",    "service", "plan"};
    char number[32];
    if (value->type == VALUE_JSON)
        return (slice_is(name, "products") || slice_is(name, "items")) &&
               names_in_list(looking, value->text);
    if (value->type != VALUE_TEXT && value->type != VALUE_INT)
        return false;
    snprintf(number, sizeof number, "%lld",
             value->type == VALUE_INT ? (long long)value->integer : 0);
    struct slice text = value->type == VALUE_TEXT ? value->text : slice_of(number);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (slice_is(name, plain[i]))
            return is_name(looking, text);
    return false;
}

static bool names_it(const struct looking *looking, const struct row *row) {
    const struct dictionary *dictionary = looking->folder->dictionary;
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    while (property_next(&cursor, &code, &value))
        if (value_names_it(
                looking, dictionary_name(dictionary, DICTIONARY_PROPERTY, (uint16_t)code), &value))
            return true;
    return false;
}

static int look_at_record(void *context, const struct log_record *record) {
    struct looking *looking = context;
    if (names_it(looking, &record->row))
        found(looking, record->row.time_ms);
    return 0;
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int look_at_candidates(struct looking *looking, struct err *err) {
    uint64_t seqs[CANDIDATES] = {0};
    if (!looking->n)
        return 0;
    for (size_t i = 0; i < looking->n; i++)
        seqs[i] = looking->candidates[i].seq;
    qsort(seqs, looking->n, sizeof *seqs, compare_u64);
    return log_fetch(looking->folder->log, seqs, looking->n, look_at_record, looking, err);
}

/* ---- the whole ---- */

static void prepare(struct looking *looking) {
    const struct dictionary *dictionary = looking->folder->dictionary;
    const struct review_subject *subject = looking->subject;
    const char *experience = subject ? subject->experience : "";
    for (size_t i = 0; i < PURCHASES_N; i++)
        looking->purchases[i] =
            dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(PURCHASES[i]));
    for (size_t i = 0; i < OPINIONS_N; i++)
        looking->opinions[i] = dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(OPINIONS[i]));
    looking->experience = experience[0]
                              ? dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(experience))
                              : CODE_NONE;
    looking->names[0] = utf8_fold(slice_of(looking->incoming->subject), &looking->arena);
    looking->names[1] = utf8_fold(slice_of(subject ? subject->title : ""), &looking->arena);
    looking->candidates = ARENA_ARRAY(&looking->arena, struct candidate, CANDIDATES);
}

int incoming_verify(struct folder *folder, struct incoming *incoming,
                    const struct review_subject *subject, struct err *err) {
    struct looking looking = {.folder = folder, .incoming = incoming, .subject = subject};
    incoming->verified = false;
    incoming->experience_ms = incoming->ordered_ms;
    incoming->known_since_ms = 0;
    if (!incoming->customer)
        return 0;
    int code = timeline_snapshot(folder->timeline, &looking.snapshot, err);
    if (code)
        return code;
    arena_init(&looking.arena);
    prepare(&looking);
    const struct overlay *overlay = snapshot_overlay(looking.snapshot);
    uint32_t owner = overlay_owner(overlay, incoming->customer);
    looking.n_members = overlay_members(overlay, owner, &owner, &looking.members);
    code = part_guard(look_at_parts, &looking, err);
    if (!code)
        code = look_at_candidates(&looking, err);
    arena_release(&looking.arena);
    snapshot_release(looking.snapshot);
    return code;
}
