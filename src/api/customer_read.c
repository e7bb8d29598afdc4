/*
 * Reading of customers: binary searches in each part for a few, one pass over customer[] and start[] for orders.
 *
 * COST  A summary: parts × profiles searches. An order: 16 bytes a profile, and a pass over all rows only for an asker
 * limited to units.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/customer_read.h"

#include <stdlib.h>

#include "base/time.h"

struct reader {
    struct arena *arena;
    struct snapshot *snapshot;
    const struct overlay *overlay;
    const struct part *const *parts, *const *traits;
    size_t n_parts, n_traits;
    const uint64_t *units; /* bit set of visible units; NULL: all */
};

int reader_open(struct reader **out, struct request *request, struct arena *arena,
                struct err *err) {
    struct reader *reader = ARENA_ARRAY(arena, struct reader, 1);
    const struct principal *principal = &request->principal;
    reader->arena = arena;
    int code = timeline_snapshot(app_folder(request->app)->timeline, &reader->snapshot, err);
    if (code)
        return code;
    reader->overlay = snapshot_overlay(reader->snapshot);
    reader->n_parts = snapshot_parts(reader->snapshot, PART_INTERACTIONS, TIME_MIN_MS, TIME_MAX_MS,
                                     &reader->parts, arena);
    reader->n_traits = snapshot_parts(reader->snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS,
                                      &reader->traits, arena);
    if (principal->units) {
        uint64_t *units = ARENA_ARRAY(arena, uint64_t, 1024);
        for (size_t i = 0; i < principal->n_units; i++)
            units[principal->units[i] >> 6] |= UINT64_C(1) << (principal->units[i] & 63);
        reader->units = units;
    }
    *out = reader;
    return 0;
}

void reader_close(struct reader *reader) {
    if (reader)
        snapshot_release(reader->snapshot);
}

uint32_t reader_profiles(const struct reader *reader) {
    return snapshot_profiles(reader->snapshot);
}

static uint32_t reader_owner(const struct reader *reader, uint32_t profile) {
    return overlay_owner(reader->overlay, profile);
}

static bool sees(const struct reader *reader, uint16_t unit) {
    return !reader->units || (unit != CODE_NONE && (reader->units[unit >> 6] >> (unit & 63) & 1));
}

/* Rows of a profile in a part. */
static void rows_of(const struct part *part, uint32_t profile, uint32_t *from, uint32_t *to) {
    uint32_t k = part_customer_find(part, profile);
    bool found = k < part->n_customers && part->customer[k] == profile;
    *from = found ? part->start[k] : 0;
    *to = found ? part->start[k + 1] : 0;
}

static int64_t row_time(const struct part *part, uint32_t row) {
    return (int64_t)part->sec[row] * 1000 + part->ms[row];
}

/* ---- summaries ---- */

struct summing {
    struct reader *reader;
    const uint32_t *owners;
    size_t n;
    struct customer_summary *summaries;
};

static void add_channel(struct customer_summary *summary, uint16_t channel) {
    if (channel == CODE_NONE)
        return;
    size_t i = 0;
    while (i < summary->n_channels && summary->channels[i].channel != channel)
        i++;
    if (i == CUSTOMER_CHANNELS)
        return;
    if (i == summary->n_channels)
        summary->channels[summary->n_channels++].channel = channel;
    summary->channels[i].n++;
}

/* What Senda tells of itself (source system: who entered a segment) is no contact of the customer. */
static bool is_told(const struct part *part, uint32_t row) {
    return part->kind == PART_INTERACTIONS && part->source[row] == 0;
}

static void add_rows(const struct reader *reader, const struct part *part, uint32_t profile,
                     struct customer_summary *summary) {
    uint32_t from, to;
    rows_of(part, profile, &from, &to);
    for (uint32_t row = from; row < to; row++) {
        if (!sees(reader, part->unit[row]) || is_told(part, row))
            continue;
        int64_t time_ms = row_time(part, row);
        if (!summary->interactions || time_ms < summary->first_ms)
            summary->first_ms = time_ms;
        if (!summary->interactions || time_ms > summary->last_ms)
            summary->last_ms = time_ms;
        summary->interactions++;
        add_channel(summary, part->channel[row]);
    }
}

static void sort_channels(struct customer_summary *summary) {
    for (size_t i = 1; i < summary->n_channels; i++)
        for (size_t j = i; j && summary->channels[j].n > summary->channels[j - 1].n; j--) {
            uint16_t channel = summary->channels[j].channel;
            uint64_t n = summary->channels[j].n;
            summary->channels[j] = summary->channels[j - 1];
            summary->channels[j - 1].channel = channel;
            summary->channels[j - 1].n = n;
        }
}

static int sum(void *context, struct err *err) {
    struct summing *summing = context;
    struct reader *reader = summing->reader;
    for (size_t p = 0; p < reader->n_parts; p++) {
        const struct part *part = reader->parts[p];
        int code = part_touch(part, COLUMN_TIME | COLUMN_CHANNEL | COLUMN_UNIT | COLUMN_SOURCE,
                              NULL, 0, err);
        if (code)
            return code;
        for (size_t i = 0; i < summing->n; i++) {
            const uint32_t *members;
            size_t k =
                overlay_members(reader->overlay, summing->owners[i], &summing->owners[i], &members);
            for (size_t m = 0; m < k; m++)
                add_rows(reader, part, members[m], &summing->summaries[i]);
        }
    }
    return 0;
}

int reader_summaries(struct reader *reader, const uint32_t *owners, size_t n,
                     struct customer_summary *summaries, struct err *err) {
    struct summing summing = {reader, owners, n, summaries};
    for (size_t i = 0; i < n; i++)
        summaries[i] = (struct customer_summary){.owner = owners[i]};
    int code = part_guard(sum, &summing, err);
    for (size_t i = 0; i < n; i++)
        sort_channels(&summaries[i]);
    return code;
}

/* ---- traits ---- */

struct gathering {
    struct reader *reader;
    uint32_t owner;
    const uint32_t *codes;
    size_t n_codes, n;
    struct trait *traits;
};

static bool wants(const struct gathering *gathering, uint32_t code) {
    if (!gathering->codes)
        return true;
    for (size_t i = 0; i < gathering->n_codes; i++)
        if (gathering->codes[i] == code)
            return true;
    return false;
}

static void gather_column(struct gathering *gathering, const struct part *part,
                          const struct part_column *column, uint32_t from, uint32_t to) {
    uint32_t first = part_column_rank(column, from), last = part_column_rank(column, to);
    if (first == last)
        return;
    for (uint32_t row = from; row < to && gathering->n < TRAITS_MAX; row++) {
        struct value value = part_value(part, row, column->code);
        if (value.type == VALUE_ABSENT)
            continue;
        if (value.type == VALUE_TEXT || value.type == VALUE_JSON)
            value.text = arena_copy(gathering->reader->arena, value.text);
        gathering->traits[gathering->n++] = (struct trait){.code = column->code,
                                                           .time_ms = row_time(part, row),
                                                           .seq = part->seq_base + part->seq[row],
                                                           .value = value};
    }
}

static int gather(void *context, struct err *err) {
    struct gathering *gathering = context;
    struct reader *reader = gathering->reader;
    const uint32_t *members;
    size_t k = overlay_members(reader->overlay, gathering->owner, &gathering->owner, &members);
    for (size_t p = 0; p < reader->n_traits; p++) {
        const struct part *part = reader->traits[p];
        int code = part_touch(part, COLUMN_TIME | COLUMN_SEQ, NULL, 0, err);
        if (code)
            return code;
        for (size_t m = 0; m < k; m++) {
            uint32_t from, to;
            rows_of(part, members[m], &from, &to);
            for (uint32_t c = 0; from < to && c < part->n_columns; c++) {
                const struct part_column *column = &part->columns[c];
                if (!wants(gathering, column->code))
                    continue;
                code = part_touch(part, 0, &column->code, 1, err);
                if (code)
                    return code;
                gather_column(gathering, part, column, from, to);
            }
        }
    }
    return 0;
}

static int by_code_and_time(const void *a, const void *b) {
    const struct trait *x = a, *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int reader_traits(struct reader *reader, uint32_t owner, const uint32_t *codes, size_t n_codes,
                  struct trait **traits, size_t *n, struct err *err) {
    struct gathering gathering = {
        .reader = reader, .owner = owner, .codes = codes, .n_codes = n_codes};
    gathering.traits = malloc(TRAITS_MAX * sizeof *gathering.traits);
    if (!gathering.traits)
        abort();
    int code = part_guard(gather, &gathering, err);
    if (gathering.n)
        qsort(gathering.traits, gathering.n, sizeof *gathering.traits, by_code_and_time);
    *traits = ARENA_ARRAY(reader->arena, struct trait, gathering.n + 1);
    memcpy(*traits, gathering.traits, gathering.n * sizeof **traits);
    *n = gathering.n;
    free(gathering.traits);
    return code;
}

/* ---- rows ---- */

struct visiting {
    struct reader *reader;
    uint32_t owner;
    const struct part *const *parts;
    size_t n_parts, n_codes;
    const uint32_t *codes;
    void (*visit)(void *context, const struct part *part, uint32_t row);
    void *context;
};

static int visit_all(void *context, struct err *err) {
    struct visiting *visiting = context;
    struct reader *reader = visiting->reader;
    const uint32_t *members;
    size_t n = overlay_members(reader->overlay, visiting->owner, &visiting->owner, &members);
    for (size_t p = 0; p < visiting->n_parts; p++) {
        const struct part *part = visiting->parts[p];
        int code = part_touch(part,
                              COLUMN_TIME | COLUMN_SEQ | COLUMN_EVENT | COLUMN_CHANNEL |
                                  COLUMN_UNIT | COLUMN_TOUCHPOINT | COLUMN_SOURCE,
                              visiting->codes, visiting->n_codes, err);
        if (code)
            return code;
        for (size_t m = 0; m < n; m++) {
            uint32_t row, to;
            rows_of(part, members[m], &row, &to);
            for (; row < to; row++)
                if (sees(reader, part->unit[row]) && !is_told(part, row))
                    visiting->visit(visiting->context, part, row);
        }
    }
    return 0;
}

int reader_rows(struct reader *reader, uint32_t owner, enum part_kind kind, const uint32_t *codes,
                size_t n_codes, void (*visit)(void *context, const struct part *part, uint32_t row),
                void *context, struct err *err) {
    struct visiting visiting = {.reader = reader,
                                .owner = owner,
                                .codes = codes,
                                .n_codes = n_codes,
                                .visit = visit,
                                .context = context};
    visiting.n_parts = snapshot_parts(reader->snapshot, kind, TIME_MIN_MS, TIME_MAX_MS,
                                      &visiting.parts, reader->arena);
    return part_guard(visit_all, &visiting, err);
}

/* ---- who may be seen ---- */

struct looking {
    struct reader *reader;
    uint64_t *owners;
};

static int look(void *context, struct err *err) {
    struct looking *looking = context;
    struct reader *reader = looking->reader;
    uint32_t profiles = reader_profiles(reader);
    for (size_t p = 0; p < reader->n_parts; p++) {
        const struct part *part = reader->parts[p];
        int code = part_touch(part, COLUMN_UNIT, NULL, 0, err);
        if (code)
            return code;
        for (uint32_t k = 0; k < part->n_customers; k++) {
            uint32_t owner =
                part->customer[k] <= profiles ? reader_owner(reader, part->customer[k]) : 0;
            uint32_t row = part->start[k], end = part->start[k + 1];
            while (row < end && !sees(reader, part->unit[row]))
                row++;
            if (owner && row < end)
                looking->owners[owner >> 6] |= UINT64_C(1) << (owner & 63);
        }
    }
    return 0;
}

int customer_find_visible(struct request *request, const char *id, uint32_t *owner,
                          struct err *err) {
    struct reader *reader;
    struct customer_summary summary;
    int code = customers_find(app_folder(request->app)->customers, slice_of(id), owner, err);
    if (code || !request->principal.units)
        return code;
    code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = reader_summaries(reader, owner, 1, &summary, err);
    reader_close(reader);
    return code || summary.interactions ? code : err_set(err, E_NOT_FOUND, "no such customer");
}

int reader_visible(struct reader *reader, const uint64_t **owners, struct err *err) {
    size_t words = reader_profiles(reader) / 64 + 1;
    struct looking looking = {reader, ARENA_ARRAY(reader->arena, uint64_t, words)};
    memset(looking.owners, 0, words * sizeof *looking.owners);
    *owners = looking.owners;
    return part_guard(look, &looking, err);
}

/* ---- orders ---- */

struct place {
    uint32_t owner, key;
};

struct ordering {
    struct reader *reader;
    enum customer_order order;
    uint32_t *keys; /* [profiles + 1] 0: nothing seen */
    bool *known;    /* [profiles + 1] somebody with traits, whatever they did */
};

static void take_key(struct ordering *ordering, uint32_t owner, uint32_t first_s, uint32_t last_s,
                     uint32_t n) {
    uint32_t *key = &ordering->keys[owner];
    if (ordering->order == ORDER_INTERACTIONS)
        *key += n;
    else if (ordering->order == ORDER_FIRST_SEEN)
        *key = *key && *key < first_s + 1 ? *key : first_s + 1;
    else
        *key = *key > last_s + 1 ? *key : last_s + 1;
}

static bool counts(const struct reader *reader, const struct part *part, uint32_t row) {
    return sees(reader, part->unit[row]) && !is_told(part, row);
}

/* From the first to the last contact that may be seen; how many there are. all: each row is one. */
static uint32_t narrow(const struct reader *reader, const struct part *part, bool all,
                       uint32_t *from, uint32_t *to) {
    if (all)
        return *to - *from;
    while (*from < *to && !counts(reader, part, *from))
        ++*from;
    while (*to > *from && !counts(reader, part, *to - 1))
        --*to;
    uint32_t n = 0;
    for (uint32_t row = *from; row < *to; row++)
        n += counts(reader, part, row);
    return n;
}

static int order_all(void *context, struct err *err) {
    struct ordering *ordering = context;
    struct reader *reader = ordering->reader;
    uint32_t profiles = reader_profiles(reader);
    for (size_t p = 0; p < reader->n_parts; p++) {
        const struct part *part = reader->parts[p];
        int code = part_touch(part, COLUMN_TIME | COLUMN_SOURCE | (reader->units ? COLUMN_UNIT : 0),
                              NULL, 0, err);
        if (code)
            return code;
        bool all = !reader->units && part_column_full(part, COLUMN_SOURCE);
        for (uint32_t k = 0; k < part->n_customers; k++) {
            uint32_t from = part->start[k], to = part->start[k + 1];
            uint32_t n = part->customer[k] <= profiles ? narrow(reader, part, all, &from, &to) : 0;
            if (n)
                take_key(ordering, reader_owner(reader, part->customer[k]), part->sec[from],
                         part->sec[to - 1], n);
        }
    }
    return 0;
}

/* Who is known without having had a contact, as a file of customers makes them. Who was erased keeps the place, without a name. */
static int find_known(void *context, struct err *err) {
    struct ordering *ordering = context;
    struct reader *reader = ordering->reader;
    uint32_t profiles = reader_profiles(reader);
    for (size_t p = 0; p < reader->n_traits; p++) {
        const struct part *part = reader->traits[p];
        int code = part_touch(part, COLUMN_TIME, NULL, 0, err);
        if (code)
            return code;
        for (uint32_t k = 0; k < part->n_customers; k++)
            if (part->customer[k] <= profiles && part->start[k + 1] > part->start[k])
                ordering->known[reader_owner(reader, part->customer[k])] = true;
    }
    return 0;
}

static int rising(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->owner > y->owner) - (x->owner < y->owner);
}

static int falling_key(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return (x->owner > y->owner) - (x->owner < y->owner);
}

/* Moves the k first places of an order, which has no equals, to the front (Hoare's selection): a page of millions of customers needs
 * no order of the rest. */
static void select_first(struct place *places, size_t n, size_t k,
                         int (*compare)(const void *a, const void *b)) {
    size_t low = 0, high = n;
    while (high - low > 1 && k > low && k < high) {
        const struct place pivot = places[low + (high - low - 1) / 2];
        size_t i = low, j = high - 1;
        for (;; i++, j--) {
            while (compare(&places[i], &pivot) < 0)
                i++;
            while (compare(&places[j], &pivot) > 0)
                j--;
            if (i >= j)
                break;
            const struct place moved = places[i];
            places[i] = places[j];
            places[j] = moved;
        }
        if (k <= j)
            high = j + 1;
        else
            low = j + 1;
    }
}

static void page_by_id(struct reader *reader, size_t skip, uint32_t *owners, size_t *n) {
    uint32_t profiles = reader_profiles(reader);
    size_t found = 0;
    for (uint32_t owner = (uint32_t)skip + 1; owner <= profiles && found < *n; owner++)
        if (reader_owner(reader, owner) == owner)
            owners[found++] = owner;
    *n = found;
}

/* Everybody who is in the list; how many. Who had no contact yet comes last, by dates. */
static size_t list_places(const struct ordering *ordering, bool falling, struct place *places) {
    enum customer_order order = ordering->order;
    uint32_t profiles = reader_profiles(ordering->reader);
    uint32_t never = falling || order == ORDER_INTERACTIONS ? 0 : UINT32_MAX;
    size_t n = 0;
    for (uint32_t owner = 1; owner <= profiles; owner++) {
        uint32_t key = ordering->keys[owner];
        if (key || ordering->known[owner])
            places[n++] = (struct place){owner, order == ORDER_ID ? owner : key ? key : never};
    }
    return n;
}

int reader_page(struct reader *reader, enum customer_order order, bool falling, size_t skip,
                uint32_t *owners, size_t *n, struct err *err) {
    if (order == ORDER_ID && !reader->units) {
        page_by_id(reader, skip, owners, n); /* skip: the last owner of the page before */
        return 0;
    }
    size_t profiles = reader_profiles(reader), found = 0;
    struct ordering ordering = {reader, order, calloc(profiles + 1, sizeof *ordering.keys),
                                calloc(profiles + 1, sizeof *ordering.known)};
    struct place *places = malloc((profiles + 1) * sizeof *places);
    if (!ordering.keys || !ordering.known || !places)
        abort();
    int code = part_guard(order_all, &ordering, err);
    if (!code && !reader->units) /* else nobody without a contact in their units is seen */
        code = part_guard(find_known, &ordering, err);
    size_t seen = code ? 0 : list_places(&ordering, falling, places);
    int (*compare)(const void *a, const void *b) = falling ? falling_key : rising;
    size_t wanted = order == ORDER_ID || skip > seen || seen - skip < *n ? seen : skip + *n;
    select_first(places, seen, wanted, compare);
    qsort(places, wanted, sizeof *places, compare);
    for (size_t i = 0; i < wanted && found < *n; i++) {
        bool before = order == ORDER_ID ? places[i].owner <= skip : i < skip;
        if (!before)
            owners[found++] = places[i].owner;
    }
    free(places);
    free(ordering.known);
    free(ordering.keys);
    *n = found;
    return code;
}
