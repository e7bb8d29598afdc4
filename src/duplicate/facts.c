/*
 * What is known of customers that could tell two of them to be one: see duplicate.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "customer/kinds.h"
#include "duplicate/internal.h"
#include "search/search.h"

enum { TEXTS_MAX_BYTES = 1 << 30, TRAITS_WANTED = 64 };

/* ---- adding ---- */

static void add(struct facts *facts, uint32_t owner, enum fact_kind kind, struct slice text) {
    if (!text.n || text.n > UINT16_MAX || !owner)
        return;
    if (facts->n == facts->capacity) {
        facts->capacity = facts->capacity * 2 + 1024;
        facts->list = realloc(facts->list, facts->capacity * sizeof *facts->list);
        if (!facts->list)
            abort();
    }
    facts->list[facts->n] =
        (struct fact){owner, (uint32_t)facts->texts.n, (uint16_t)text.n, (uint8_t)kind};
    buf_add_slice(&facts->texts, text);
    facts->n += !facts->texts.full;
}

struct gathering {
    struct facts *facts;
    const struct identifier_kinds *kinds;
    const struct overlay *overlay;
    const struct dictionary *dictionary;
    const struct part *const *parts;
    size_t n_parts;
    struct job_run *run;
};

/* A value of a kind of identifier that is compared. */
static void add_identifier(struct gathering *gathering, uint32_t owner,
                           const struct identifier_kind *kind, struct slice value) {
    static const enum fact_kind facts[] = {[FORM_EMAIL] = FACT_EMAIL,
                                           [FORM_PHONE] = FACT_PHONE,
                                           [FORM_NATIONAL_ID] = FACT_NATIONAL_ID};
    char normal[FORM_BYTES];
    if (kind->form == FORM_TEXT || kind_blocks(kind, value))
        return;
    size_t n = form_normal(kind->form, value, gathering->kinds->country, normal);
    add(gathering->facts, owner, facts[kind->form], (struct slice){normal, n});
}

static void take_identity(void *context, uint32_t profile, const struct identity *identity) {
    struct gathering *gathering = context;
    if (identity->kind == IDENTITY_EXTERNAL)
        add_identifier(gathering, overlay_owner(gathering->overlay, profile),
                       kind_of(gathering->kinds, identity), identity->value);
}

static void add_folded(struct facts *facts, uint32_t owner, enum fact_kind kind,
                       struct slice text) {
    char folded[SEARCH_TEXT_BYTES];
    size_t n = search_fold(text, folded);
    add(facts, owner, kind, (struct slice){folded, n});
}

/* ---- traits ---- */

enum wanted_role {
    ROLE_FULL_NAME,
    ROLE_FIRST,
    ROLE_LAST,
    ROLE_BIRTH,
    ROLE_ADDRESS,
    ROLE_IDENTIFIER
};

struct wanted {
    uint32_t code;
    enum wanted_role role;
    const struct identifier_kind *kind;
};

static const struct {
    const char *name;
    enum wanted_role role;
} NAMES[] = {{"name", ROLE_FULL_NAME},         {"nombre_completo", ROLE_FULL_NAME},
             {"firstName", ROLE_FIRST},        {"first_name", ROLE_FIRST},
             {"nombre", ROLE_FIRST},           {"lastName", ROLE_LAST},
             {"last_name", ROLE_LAST},         {"apellidos", ROLE_LAST},
             {"apellido", ROLE_LAST},          {"birthday", ROLE_BIRTH},
             {"birthdate", ROLE_BIRTH},        {"birth_date", ROLE_BIRTH},
             {"fecha_nacimiento", ROLE_BIRTH}, {"nacimiento", ROLE_BIRTH},
             {"address", ROLE_ADDRESS},        {"direccion", ROLE_ADDRESS},
             {"domicilio", ROLE_ADDRESS}};

/* Columns of a part that are read. */
static size_t wanted_of(const struct gathering *gathering, const struct part *part,
                        struct wanted wanted[TRAITS_WANTED]) {
    size_t n = 0;
    for (uint32_t c = 0; c < part->n_columns && n < TRAITS_WANTED; c++) {
        uint32_t code = part->columns[c].code;
        struct slice name =
            dictionary_name(gathering->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        const struct identifier_kind *kind = kind_of_trait(gathering->kinds, name);
        if (kind && kind->form != FORM_TEXT) {
            wanted[n++] = (struct wanted){code, ROLE_IDENTIFIER, kind};
            continue;
        }
        for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
            if (slice_is(name, NAMES[i].name)) {
                wanted[n++] = (struct wanted){.code = code, .role = NAMES[i].role};
                break;
            }
    }
    return n;
}

static void take_row(struct gathering *gathering, const struct part *part, uint32_t row,
                     uint32_t owner, const struct wanted *wanted, size_t n) {
    struct slice texts[ROLE_IDENTIFIER] = {{NULL, 0}};
    char both[2 * SEARCH_TEXT_BYTES];
    for (size_t i = 0; i < n; i++) {
        char number[24] = "";
        struct value value = part_value(part, row, wanted[i].code);
        struct slice text = value.type == VALUE_TEXT ? value.text : (struct slice){NULL, 0};
        if (value.type == VALUE_INT)
            text = (struct slice){
                number, (size_t)snprintf(number, sizeof number, "%lld", (long long)value.integer)};
        if (text.n && wanted[i].role == ROLE_IDENTIFIER)
            add_identifier(gathering, owner, wanted[i].kind, text);
        else if (text.n && value.type == VALUE_TEXT)
            texts[wanted[i].role] = text;
    }
    struct slice first = texts[ROLE_FIRST], last = texts[ROLE_LAST], name = texts[ROLE_FULL_NAME];
    if (!name.n && first.n && last.n && first.n + last.n < sizeof both) {
        int length = snprintf(both, sizeof both, "%.*s %.*s", SLICE_ARGS(first), SLICE_ARGS(last));
        name = (struct slice){both, (size_t)length};
    }
    if (!name.n)
        name = first.n ? first : last;
    add_folded(gathering->facts, owner, FACT_NAME, name);
    add_folded(gathering->facts, owner, FACT_BIRTH, texts[ROLE_BIRTH]);
    add_folded(gathering->facts, owner, FACT_ADDRESS, texts[ROLE_ADDRESS]);
}

static int take_traits(void *context, struct err *err) {
    struct gathering *gathering = context;
    struct wanted wanted[TRAITS_WANTED];
    for (size_t p = 0; p < gathering->n_parts; p++) {
        const struct part *part = gathering->parts[p];
        uint32_t codes[TRAITS_WANTED];
        size_t n = wanted_of(gathering, part, wanted);
        for (size_t i = 0; i < n; i++)
            codes[i] = wanted[i].code;
        int code = n ? part_touch(part, COLUMN_TIME, codes, n, err) : 0;
        if (code)
            return code;
        for (uint32_t k = 0; n && k < part->n_customers; k++) {
            uint32_t owner = overlay_owner(gathering->overlay, part->customer[k]);
            for (uint32_t row = part->start[k]; row < part->start[k + 1]; row++)
                take_row(gathering, part, row, owner, wanted, n);
        }
        if (job_cancelled(gathering->run))
            return err_set(err, E_CANCELLED, "cancelled");
    }
    return 0;
}

/* ---- the whole ---- */

static struct facts *sorting; /* of the one search at a time */

static int by_owner(const void *a, const void *b) {
    const struct fact *x = a, *y = b;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind - y->kind;
    if (x->n != y->n)
        return x->n - y->n;
    return memcmp(sorting->texts.p + x->text, sorting->texts.p + y->text, x->n);
}

static void sort(struct facts *facts) {
    size_t kept = 0;
    sorting = facts;
    if (facts->n)
        qsort(facts->list, facts->n, sizeof *facts->list, by_owner);
    for (size_t i = 0; i < facts->n; i++)
        if (!i || by_owner(&facts->list[i - 1], &facts->list[i]) != 0)
            facts->list[kept++] = facts->list[i];
    facts->n = kept;
}

int facts_gather(struct facts *facts, struct job_run *run, struct err *err) {
    struct folder *folder = job_folder(run);
    struct snapshot *snapshot;
    struct arena arena;
    *facts = (struct facts){0};
    buf_init(&facts->texts, TEXTS_MAX_BYTES);
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    arena_init(&arena);
    struct customers_cursor cursor = {0};
    struct gathering gathering = {.facts = facts,
                                  .kinds = kinds_of(folder->customers),
                                  .overlay = snapshot_overlay(snapshot),
                                  .dictionary = folder->dictionary,
                                  .run = run};
    gathering.n_parts =
        snapshot_parts(snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS, &gathering.parts, &arena);
    code = customers_each(folder->customers, &cursor, take_identity, &gathering, NULL, err);
    if (!code)
        code = part_guard(take_traits, &gathering, err);
    arena_release(&arena);
    snapshot_release(snapshot);
    sort(facts);
    return code;
}

void facts_release(struct facts *facts) {
    if (facts->texts.p)
        explicit_bzero(facts->texts.p, facts->texts.n);
    buf_release(&facts->texts);
    free(facts->list);
}

size_t facts_of(const struct facts *facts, uint32_t owner, const struct fact **first) {
    size_t low = 0, high = facts->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->list[middle].owner < owner)
            low = middle + 1;
        else
            high = middle;
    }
    *first = facts->list + low;
    size_t end = low;
    while (end < facts->n && facts->list[end].owner == owner)
        end++;
    return end - low;
}
