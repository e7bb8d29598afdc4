/*
 * Questions about customers: segments, lists behind a number, one customer's timeline.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"
#include "base/time.h"
#include "journey/rules.h"

/* ---- rules ---- */

static int fill_traits(struct question *question, struct rule_spec *spec, struct err *err) {
    for (uint32_t i = 0; i < spec->n_traits; i++) {
        struct rule_trait *trait = &spec->traits[i];
        struct value_table table;
        uint32_t *by_owner;
        value_table_init(&table);
        uint32_t property = trait->rule->trait.property;
        int code = question->only ? scan_traits_few(question->snapshot, property, question->only,
                                                    &table, question->arena, &by_owner, err)
                                  : scan_traits(question->snapshot, property, &table,
                                                question->arena, &by_owner, err);
        uint8_t *holds = ARENA_ARRAY(question->arena, uint8_t, table.n);
        for (uint32_t value = 0; value < table.n; value++)
            holds[value] = predicate_matches(&trait->rule->trait, &table.values[value]);
        value_table_release(&table);
        trait->by_owner = by_owner;
        trait->holds = holds;
        if (code)
            return code;
    }
    return 0;
}

/* Puts every customer with a row into the set. */
static void note_seen(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    (void)runs;
    (void)n;
    owner_set_put(opaque, owner, true);
}
static const struct operator note = {.customer = note_seen};

/* What a rule may look at: the asker's scope, and where `filtered` the question's unit, channel and where. */
static struct filter rule_filter(const struct plan *plan, bool filtered) {
    if (filtered)
        return plan->filter;
    return (struct filter){
        .some_units = plan->scoped, .units = plan->scope, .n_units = plan->n_scope};
}

static int answered(struct question *question, const struct rule *rule, bool filtered,
                    struct owner_set *set, struct err *err) {
    for (uint32_t i = 0; i < rule->did.n_where; i++)
        if (rule->did.where[i].property == CODE_NONE)
            return 0; /* nobody has answered anything yet */
    struct scan_spec spec = {.kind = PART_ANSWERS,
                             .unordered = true,
                             .of = &rule->did,
                             .members = question->only,
                             .few = question->only != NULL};
    struct scan scan;
    spec.filter = rule_filter(question->plan, filtered);
    spec.filter.from_ms = rule->from_ms;
    spec.filter.to_ms = rule->to_ms;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    return code ? code : scan_run(&scan, &note, (void *[]){set, set}, err);
}

/* The members of a stored segment, once for each question. */
struct stored_members {
    struct stored_members *before;
    const struct rule *rule;
    struct owner_set set;
};

/* Stored segments are decided by everything that happened, whoever asks. */
int question_stored(struct question *question, const struct rule *rule, struct owner_set *set,
                    struct err *err) {
    struct stored_members *known = *question->stored;
    while (known && known->rule != rule->in)
        known = known->before;
    if (!known) {
        struct plan *plan = ARENA_ARRAY(question->arena, struct plan, 1);
        struct question *inner = ARENA_ARRAY(question->arena, struct question, 1);
        *plan = *question->plan;
        plan->scoped = false;
        *inner = (struct question){.folder = question->folder,
                                   .plan = plan,
                                   .snapshot = question->snapshot,
                                   .dictionary = question->dictionary,
                                   .patience = question->patience,
                                   .arena = question->arena,
                                   .only = question->only,
                                   .stored = question->stored};
        known = ARENA_ARRAY(question->arena, struct stored_members, 1);
        known->rule = rule->in;
        int code = question_rule(inner, rule->in, false, &known->set, err);
        question->scan.interactions += inner->scan.interactions;
        if (code)
            return code;
        known->before = *question->stored;
        *question->stored = known;
    }
    *set = known->set;
    return 0;
}

static int estimated(struct question *question, const struct rule *rule, struct owner_set *set,
                     struct err *err) {
    struct numbers *numbers;
    int code = numbers_get(question->folder, &numbers, err);
    for (uint32_t owner = 1; !code && owner < set->n; owner++) {
        if (question->only && !owner_set_has(question->only, owner))
            continue;
        struct value value = number_value(numbers_of(numbers, rule->number, owner));
        if (predicate_matches(&rule->trait, &value))
            owner_set_put(set, owner, true);
    }
    numbers_put(numbers);
    return code;
}

static int leaf_set(struct question *question, const struct rule *rule, bool filtered,
                    struct owner_set *set, struct err *err) {
    switch (rule->kind) {
    case RULE_SEQUENCE: return question_sequence(question, rule, filtered, set, err);
    case RULE_IN: return question_stored(question, rule, set, err);
    case RULE_NUMBER: return estimated(question, rule, set, err);
    default: return answered(question, rule, filtered, set, err);
    }
}

void question_each_stored(const struct question *question,
                          void (*visit)(void *context, const struct rule *rule), void *context) {
    for (const struct stored_members *known = *question->stored; known; known = known->before)
        visit(context, known->rule);
}

static int fill_sets(struct question *question, struct rule_spec *spec, bool filtered,
                     struct err *err) {
    int code = 0;
    for (uint32_t i = 0; i < spec->n_sets && !code; i++) {
        struct rule_set *leaf = &spec->sets[i];
        owner_set_init(&leaf->members, snapshot_profiles(question->snapshot) + 1, question->arena);
        code = leaf_set(question, leaf->rule, filtered, &leaf->members, err);
    }
    return code;
}

static bool redirected(const struct overlay *overlay, uint32_t profile) {
    return overlay && overlay->n && overlay_owner(overlay, profile) != profile;
}

/* Every owner as if it had done nothing; the scan then decides those that did something. */
static void assume_nothing(const struct question *question, const struct rule_spec *spec) {
    uint32_t none[PLAN_MATCHERS] = {0};
    const struct overlay *overlay = snapshot_overlay(question->snapshot);
    bool constant = spec->n_traits + spec->n_sets == 0,
         holds = constant && rule_holds(spec, none, 0);
    for (uint32_t owner = 1; owner < spec->members->n; owner++) {
        if (question->only && !question->only->bits[owner >> 6]) {
            owner |= 63;
            continue;
        }
        if ((!question->only || owner_set_has(question->only, owner)) &&
            !redirected(overlay, owner) && (constant ? holds : rule_holds(spec, none, owner)))
            owner_set_put(spec->members, owner, true);
    }
}

/* Interactions a rule may look at: the union of its windows, the asker's scope, and where `filtered` the question's
 * unit, channel and where. */
static void rule_scan(const struct question *question, const struct rule_spec *rule, bool filtered,
                      struct scan_spec *spec) {
    *spec = (struct scan_spec){.unordered = true,
                               .select = true,
                               .n_matchers = rule->n_leaves,
                               .members = question->only,
                               .few = question->only != NULL};
    spec->filter = rule_filter(question->plan, filtered);
    spec->filter.from_ms = INT64_MAX;
    spec->filter.to_ms = INT64_MIN;
    for (uint32_t w = 0; w < rule->n_windows; w++) {
        const struct rule_window *window = &rule->windows[w];
        spec->filter.from_ms =
            window->from_ms < spec->filter.from_ms ? window->from_ms : spec->filter.from_ms;
        spec->filter.to_ms =
            window->to_ms > spec->filter.to_ms ? window->to_ms : spec->filter.to_ms;
    }
    for (uint32_t leaf = 0; leaf < rule->n_leaves; leaf++)
        spec->matchers[leaf] = &rule->leaves[leaf].rule->did;
}

int question_rule(struct question *question, const struct rule *rule, bool filtered,
                  struct owner_set *set, struct err *err) {
    struct rule_spec *spec = ARENA_ARRAY(question->arena, struct rule_spec, 1);
    owner_set_init(set, snapshot_profiles(question->snapshot) + 1, question->arena);
    int code = rule_spec_init(spec, rule, set, question->arena, err);
    if (!code)
        code = fill_traits(question, spec, err);
    if (!code)
        code = fill_sets(question, spec, filtered, err);
    if (code)
        return code;
    assume_nothing(question, spec);
    if (spec->n_leaves == 0)
        return 0;
    struct scan_spec scanned;
    struct scan scan;
    rule_scan(question, spec, filtered, &scanned);
    /* Parts outside the windows are left alone; inside them the operator minds the time itself. */
    code = scan_prepare(&scan, &scanned, question->snapshot, &question->patience, question->arena,
                        err);
    if (code)
        return code;
    scan_ignore_range(&scan);
    spec->lut = scan.lut;
    rule_spec_pack(spec, question->arena);
    struct rule_state states[SCAN_THREADS];
    void *pointers[SCAN_THREADS];
    for (uint32_t t = 0; t < SCAN_THREADS; t++) {
        states[t].spec = spec;
        pointers[t] = &states[t];
    }
    code = scan_run(&scan, &rule_operator, pointers, err);
    question->scan.interactions += scan.interactions;
    return code;
}

/* ---- lists ---- */

static int add_user_ids(struct question *question, const uint32_t *owners, size_t n, json_t *list,
                        struct err *err) {
    struct slice *user_ids = ARENA_ARRAY(question->arena, struct slice, n);
    int code = n ? customers_user_ids(question->folder->customers, owners, n, question->arena,
                                      user_ids, err)
                 : 0;
    for (size_t i = 0; i < n && !code; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "id", json_of_owner(owners[i]));
        json_object_set_new(row, "user_id",
                            user_ids[i].p ? json_of_slice(user_ids[i]) : json_null());
        json_array_append_new(list, row);
    }
    return code;
}

int question_list(struct question *question, const struct owner_set *set, uint32_t limit,
                  struct err *err) {
    uint64_t count = owner_set_count(set);
    size_t capacity = count < limit ? (size_t)count : limit, n = 0;
    uint32_t *owners = ARENA_ARRAY(question->arena, uint32_t, capacity);
    bool more = false;
    for (uint32_t owner = question->plan->after + 1; owner < set->n && !more; owner++) {
        if (!set->bits[owner >> 6]) {
            owner |= 63;
            continue;
        }
        if (!owner_set_has(set, owner))
            continue;
        more = n == capacity;
        if (!more)
            owners[n++] = owner;
    }
    json_t *list = json_array();
    question->data = json_pack("{s:I, s:o}", "count", (json_int_t)count, "customers", list);
    json_object_set_new(question->meta, "next",
                        more && n ? json_of_owner(owners[n - 1]) : json_null());
    return add_user_ids(question, owners, n, list, err);
}

/* Customers whom the asker may know of: any interaction in the scope. */
static int seen_in_scope(struct question *question, struct owner_set *set, struct err *err) {
    struct scan_spec spec = {.unordered = true};
    const struct plan *plan = question->plan;
    spec.filter = (struct filter){.from_ms = TIME_MIN_MS,
                                  .to_ms = TIME_MAX_MS,
                                  .some_units = true,
                                  .units = plan->scope,
                                  .n_units = plan->n_scope};
    owner_set_init(set, snapshot_profiles(question->snapshot) + 1, question->arena);
    struct scan scan;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    return code ? code : scan_run(&scan, &note, (void *[]){set, set}, err);
}

int answer_customers(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct owner_set found, visible;
    int code = question_rule(question, plan->rule, true, &found, err);
    if (!code && plan->scoped)
        code = seen_in_scope(question, &visible, err);
    if (code)
        return code;
    for (size_t word = 0; word <= found.n / 64; word++) {
        found.bits[word] &= plan->segment ? question->segment.bits[word] : UINT64_MAX;
        found.bits[word] &= plan->scoped ? visible.bits[word] : UINT64_MAX;
    }
    const struct overlay *overlay = snapshot_overlay(question->snapshot);
    uint64_t universe = plan->scoped
                            ? owner_set_count(&visible)
                            : snapshot_profiles(question->snapshot) - (overlay ? overlay->n : 0);
    json_object_set_new(question->meta, "customers", json_integer((json_int_t)universe));
    json_object_set_new(question->meta, "interactions",
                        json_integer((json_int_t)question->scan.interactions));
    return question_list(question, &found, plan->limit, err);
}

/* ---- one customer ---- */

struct collector {
    struct collected *rows;
    size_t n, capacity;
};

static void collect(void *opaque, uint32_t owner, const struct run *runs, size_t n_runs) {
    struct collector *collector = opaque;
    (void)owner;
    for (size_t r = 0; r < n_runs; r++) {
        const struct view *view = runs[r].view;
        size_t n = collector->n + runs[r].to - runs[r].from;
        if (n > collector->capacity) {
            collector->capacity = n + n / 2;
            collector->rows =
                realloc(collector->rows, collector->capacity * sizeof *collector->rows);
            if (!collector->rows)
                abort();
        }
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint32_t origin = view->row ? view->row[row] : row;
            collector->rows[collector->n++] = (struct collected){
                view_time_ms(view, row), view->part->seq_base + view->part->seq[origin], view->part,
                origin};
        }
    }
}

static int by_place(const void *a, const void *b) {
    const struct collected *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

int question_collect(struct question *question, uint32_t owner, struct collected **rows, size_t *n,
                     struct err *err) {
    static const struct operator collecting = {.customer = collect};
    struct collector collector = {0};
    struct scan_spec spec = {.filter = question->plan->filter,
                             .unordered = true,
                             .by = BY_TOUCHPOINT,
                             .every_column = true};
    struct scan scan;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (!code)
        code = scan_one(&scan, owner, &collecting, &collector, err);
    if (collector.n)
        qsort(collector.rows, collector.n, sizeof *collector.rows, by_place);
    *rows = collector.rows;
    *n = collector.n;
    return code;
}

/* ---- timeline ---- */

/* Rows of the answer, newest first, waiting for what only the log holds. */
struct page {
    const struct question *question;
    const struct collected *rows; /* the last n of the customer's, ascending */
    size_t n;
    uint64_t *seqs; /* ascending, with the index of their row */
    size_t *places;
    size_t at;
    json_t **json; /* [n] */
};

/* hidden takes the names of what the asker is not shown. */
static json_t *properties_json(const struct question *question, const struct row *row,
                               json_t *context, json_t *hidden) {
    static const char escaped[] = "properties.", prefix[] = "context.";
    json_t *properties = json_object();
    struct property_cursor cursor = property_cursor(row);
    uint32_t code;
    struct value value;
    while (property_next(&cursor, &code, &value)) {
        struct slice name =
            dictionary_name(question->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        bool in_context =
            name.n > sizeof prefix - 1 && memcmp(name.p, prefix, sizeof prefix - 1) == 0;
        size_t skip =
            in_context ? sizeof prefix - 1
            : name.n > sizeof escaped - 1 && memcmp(name.p, escaped, sizeof escaped - 1) == 0
                ? sizeof escaped - 1
                : 0;
        bool hides = sight_hides(&question->plan->sight, code);
        json_object_setn_new(in_context ? context : properties, name.p + skip, name.n - skip,
                             hides ? json_null() : json_of_value(&value));
        if (hides)
            json_array_append_new(hidden, json_of_slice(name));
    }
    return properties;
}

static int visit_record(void *opaque, const struct log_record *record) {
    struct page *page = opaque;
    while (page->at < page->n && page->seqs[page->at] < record->row.seq)
        page->at++;
    if (page->at == page->n || page->seqs[page->at] != record->row.seq)
        return 0;
    const struct question *question = page->question;
    const struct collected *place = &page->rows[page->places[page->at]];
    json_t *row = json_object(), *context = json_object(), *hidden = json_array();
    json_object_set_new(row, "time", json_of_instant(record->row.time_ms));
    json_object_set_new(row, "event", json_of_name(question, DICTIONARY_EVENT, record->row.event));
    json_object_set_new(row, "channel",
                        json_of_name(question, DICTIONARY_CHANNEL, record->row.channel));
    json_object_set_new(
        row, "touchpoint",
        json_of_name(question, DICTIONARY_TOUCHPOINT, place->part->touchpoint[place->row]));
    json_object_set_new(row, "unit", json_of_name(question, DICTIONARY_UNIT, record->row.unit));
    json_object_set_new(row, "properties",
                        properties_json(question, &record->row, context, hidden));
    json_object_set_new(row, "message_id",
                        record->message_id.p ? json_of_slice(record->message_id) : json_null());
    if (json_object_size(context))
        json_object_set(row, "context", context);
    if (json_array_size(hidden))
        json_object_set(row, "hidden", hidden);
    json_decref(context);
    json_decref(hidden);
    page->json[page->places[page->at]] = row;
    return 0;
}

struct placed_seq {
    uint64_t seq;
    size_t place;
};

static int by_seq(const void *a, const void *b) {
    const struct placed_seq *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static int fetch_page(struct question *question, const struct collected *rows, size_t n,
                      struct err *err) {
    struct page page = {.question = question, .rows = rows, .n = n};
    struct placed_seq *placed = ARENA_ARRAY(question->arena, struct placed_seq, n);
    page.seqs = ARENA_ARRAY(question->arena, uint64_t, n);
    page.places = ARENA_ARRAY(question->arena, size_t, n);
    page.json = ARENA_ARRAY(question->arena, json_t *, n);
    for (size_t i = 0; i < n; i++)
        placed[i] = (struct placed_seq){rows[i].seq, i};
    qsort(placed, n, sizeof *placed, by_seq);
    for (size_t i = 0; i < n; i++) {
        page.seqs[i] = placed[i].seq;
        page.places[i] = placed[i].place;
    }
    int code = n ? log_fetch(question->folder->log, page.seqs, n, visit_record, &page, err) : 0;
    question->data = json_array();
    for (size_t i = n; i-- > 0;)
        if (page.json[i])
            json_array_append_new(question->data, page.json[i]);
        else if (!code)
            code = err_set(err, E_CORRUPT, "an interaction of the index is missing in the log");
    return code;
}

static bool before_cursor(const struct plan *plan, const struct collected *row) {
    if (!plan->has_before || row->time_ms != plan->before_ms)
        return !plan->has_before || row->time_ms < plan->before_ms;
    return row->seq < plan->before_seq;
}

static int compare_code(const void *a, const void *b) {
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static bool among(uint16_t code, const uint16_t *codes, uint32_t n) {
    return !codes || (n && bsearch(&code, codes, n, sizeof *codes, compare_code));
}

/* Those of the matcher, in their order. */
static size_t keep_matching(const struct matcher *of, struct collected *rows, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (among(rows[i].part->event[rows[i].row], of->events, of->n_events) &&
            among(rows[i].part->touchpoint[rows[i].row], of->touchpoints, of->n_touchpoints) &&
            among(rows[i].part->channel[rows[i].row], of->channels, of->n_channels) &&
            among(rows[i].part->unit[rows[i].row], of->units, of->n_units))
            rows[kept++] = rows[i];
    return kept;
}

int answer_timeline(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    uint32_t owner;
    struct collected *rows = NULL;
    size_t n = 0;
    int code = customers_find(question->folder->customers, plan->customer, &owner, err);
    if (!code)
        code = question_collect(question, owner, &rows, &n, err);
    if (!code && n == 0 && plan->scoped)
        code = err_set(err, E_NOT_FOUND, "no such customer");
    n = keep_matching(&plan->of, rows, n);
    json_object_set_new(question->meta, "customers", json_integer(n ? 1 : 0));
    json_object_set_new(question->meta, "interactions", json_integer((json_int_t)n));
    while (n && !before_cursor(plan, &rows[n - 1]))
        n--;
    size_t shown = n < plan->limit ? n : plan->limit;
    if (!code)
        code = fetch_page(question, shown ? rows + (n - shown) : rows, shown, err);
    if (!code && shown < n) {
        char text[TIME_TEXT_BYTES];
        time_format(rows[n - shown].time_ms, text);
        json_object_set_new(question->meta, "next",
                            json_sprintf("%s~%llu", text, (unsigned long long)rows[n - shown].seq));
    } else {
        json_object_set_new(question->meta, "next", json_null());
    }
    free(rows);
    return code;
}
