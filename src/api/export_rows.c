/*
 * What is exported: interactions in order of arrival from the log, customers by number with their current traits.
 *
 * Both go page by page with memory of their own, holding no snapshot or transaction in between. An asker limited to
 * units gets what they may see.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/export_rows.h"

#include <stdlib.h>

#include "api/customer_read.h"
#include "base/json_out.h"
#include "query/sight.h"
#include "timeline/log.h"

enum { PAGE_SEQS = 2000, PAGE_CUSTOMERS = 500, JSON_MAX_BYTES = 4 * 1024 * 1024 };

/* ---- properties as JSON ---- */

static void add_value(struct buf *out, const struct value *value) {
    switch (value->type) {
    case VALUE_FALSE: buf_add_text(out, "false"); break;
    case VALUE_TRUE: buf_add_text(out, "true"); break;
    case VALUE_INT: json_add_int(out, value->integer); break;
    case VALUE_NUMBER: json_add_number(out, value->number); break;
    case VALUE_TEXT: json_add_text(out, value->text); break;
    case VALUE_JSON: buf_add_slice(out, value->text); break;
    default: buf_add_text(out, "null"); break;
    }
}

static bool is_hidden(struct request *request, uint32_t code) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    return sight_hides(&sight, code);
}

static void add_member(struct buf *out, const struct dictionary *dictionary, uint32_t code,
                       const struct value *value) {
    if (out->n > 1)
        buf_add_char(out, ',');
    json_add_text(out, dictionary_name(dictionary, DICTIONARY_PROPERTY, (uint16_t)code));
    buf_add_char(out, ':');
    add_value(out, value);
}

/* The properties of a row; without the explicit touchpoint, which has a column of its own. */
static struct slice properties_json(struct request *request, const struct row *row,
                                    struct arena *arena) {
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    struct buf out;
    uint32_t code;
    buf_init(&out, JSON_MAX_BYTES);
    buf_add_char(&out, '{');
    while (property_next(&cursor, &code, &value)) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        if ((value.type != VALUE_TEXT || !slice_is(name, "context.touchpoint")) &&
            !is_hidden(request, code))
            add_member(&out, dictionary, code, &value);
    }
    buf_add_char(&out, '}');
    struct slice copy = arena_copy(arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

/* ---- interactions ---- */

enum {
    I_TIME,
    I_CUSTOMER,
    I_USER,
    I_TYPE,
    I_EVENT,
    I_CHANNEL,
    I_TOUCHPOINT,
    I_UNIT,
    I_MESSAGE,
    I_PROPERTIES,
    I_COLUMNS
};

struct reading {
    struct export_source *source;
    struct export_page *page;
    const struct overlay *overlay;
    uint32_t *owners; /* [n] of the page's rows */
    struct row *rows; /* [n] with their properties in the page's arena */
    const struct dictionary *dictionary;
};

static int take_record(void *context, const struct log_record *record) {
    static const char *const types[] = {"track", "page", "screen"};
    struct reading *reading = context;
    const struct row *row = &record->row;
    const struct dictionary *dictionary = reading->dictionary;
    struct export_page *page = reading->page;
    if (!row_is_interaction(row->type) || row->time_ms < reading->source->from_ms ||
        row->time_ms >= reading->source->to_ms ||
        !principal_sees(&reading->source->request->principal, row->unit))
        return 0;
    uint32_t owner = overlay_owner(reading->overlay, row->customer);
    struct export_cell *cells = &page->cells[page->n * I_COLUMNS];
    memset(cells, 0, I_COLUMNS * sizeof *cells);
    char *id = arena_get(page->arena, CUSTOMER_ID_BYTES);
    customer_id_format(owner, id);
    cells[I_TIME].number = (double)row->time_ms;
    cells[I_CUSTOMER].text = slice_of(id);
    cells[I_TYPE].text = slice_of(types[row->type]);
    cells[I_EVENT].text = dictionary_name(dictionary, DICTIONARY_EVENT, row->event);
    cells[I_CHANNEL].text = dictionary_name(dictionary, DICTIONARY_CHANNEL, row->channel);
    cells[I_UNIT].text = dictionary_name(dictionary, DICTIONARY_UNIT, row->unit);
    cells[I_MESSAGE].text = arena_copy(page->arena, record->message_id);
    cells[I_PROPERTIES].text = properties_json(reading->source->request, row, page->arena);
    reading->rows[page->n] = *row;
    reading->rows[page->n].properties = arena_copy(page->arena, row->properties);
    reading->owners[page->n++] = owner;
    return 0;
}

/* As every question sees them: by the rules of now, an explicit one first. */
static int put_touchpoints(const struct snapshot *snapshot, const struct reading *reading,
                           struct err *err) {
    struct export_page *page = reading->page;
    uint16_t *codes = ARENA_ARRAY(page->arena, uint16_t, page->n + 1);
    int code = snapshot_touchpoints(snapshot, reading->rows, page->n, codes, err);
    for (size_t i = 0; !code && i < page->n; i++)
        page->cells[i * I_COLUMNS + I_TOUCHPOINT].text =
            dictionary_name(reading->dictionary, DICTIONARY_TOUCHPOINT, codes[i]);
    return code;
}

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int put_user_ids(struct export_source *source, struct export_page *page,
                        const uint32_t *owners, struct err *err) {
    uint32_t *distinct = ARENA_ARRAY(page->arena, uint32_t, page->n + 1);
    struct slice *user_ids = ARENA_ARRAY(page->arena, struct slice, page->n + 1);
    size_t n = 0;
    memcpy(distinct, owners, page->n * sizeof *distinct);
    qsort(distinct, page->n, sizeof *distinct, compare_u32);
    for (size_t i = 0; i < page->n; i++)
        if (!n || distinct[n - 1] != distinct[i])
            distinct[n++] = distinct[i];
    int code = n ? customers_user_ids(app_folder(source->request->app)->customers, distinct, n,
                                      page->arena, user_ids, err)
                 : 0;
    for (size_t i = 0; !code && i < page->n; i++) {
        const uint32_t *at = bsearch(&owners[i], distinct, n, sizeof *distinct, compare_u32);
        if (at)
            page->cells[i * I_COLUMNS + I_USER].text = user_ids[at - distinct];
    }
    return code;
}

static int next_interactions(struct export_source *source, struct export_page *page,
                             struct err *err) {
    struct folder *folder = app_folder(source->request->app);
    struct reading reading = {.source = source, .page = page, .dictionary = folder->dictionary};
    struct snapshot *snapshot;
    page->n = 0;
    page->cells = arena_get(page->arena, sizeof *page->cells * PAGE_SEQS * I_COLUMNS);
    reading.owners = arena_get(page->arena, PAGE_SEQS * sizeof *reading.owners);
    reading.rows = arena_get(page->arena, PAGE_SEQS * sizeof *reading.rows);
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    reading.overlay = snapshot_overlay(snapshot);
    if (!source->end) {
        source->position = 1;
        source->end = snapshot_last_seq(snapshot) + 1;
    }
    while (!code && !page->n && source->position < source->end) {
        uint64_t to = source->position + PAGE_SEQS;
        if (to > source->end)
            to = source->end;
        code = log_read(folder->log, source->position, to, take_record, &reading, err);
        source->position = to;
    }
    if (!code)
        code = put_touchpoints(snapshot, &reading, err);
    snapshot_release(snapshot);
    return code ? code : put_user_ids(source, page, reading.owners, err);
}

const struct export_kind export_interactions = {
    .name = "interactions",
    .n_columns = I_COLUMNS,
    .columns = {{"time", CELL_TIME},
                {"customer", CELL_TEXT},
                {"user_id", CELL_TEXT},
                {"type", CELL_TEXT},
                {"event", CELL_TEXT},
                {"channel", CELL_TEXT},
                {"touchpoint", CELL_TEXT},
                {"unit", CELL_TEXT},
                {"message_id", CELL_TEXT},
                {"properties", CELL_JSON}},
    .next = next_interactions,
};

/* ---- customers ---- */

enum { C_ID, C_USER, C_INTERACTIONS, C_FIRST, C_LAST, C_IDENTIFIERS, C_TRAITS, C_COLUMNS };

static struct slice current_traits(struct request *request, const struct trait *traits, size_t n,
                                   struct arena *arena) {
    struct buf out;
    buf_init(&out, JSON_MAX_BYTES);
    buf_add_char(&out, '{');
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n || traits[i + 1].code != traits[i].code;
        if (last && traits[i].value.type != VALUE_NULL && !is_hidden(request, traits[i].code))
            add_member(&out, app_folder(request->app)->dictionary, traits[i].code,
                       &traits[i].value);
    }
    buf_add_char(&out, '}');
    struct slice copy = arena_copy(arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

/* An identifier of a kind that a sensitive trait gives is hidden like the trait. */
static bool is_hidden_kind(struct request *request, const struct identity *identity) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    return identity->external_type.n && sight_hides_kind(&sight, identity->external_type);
}

static int identifiers_of(struct export_source *source, uint32_t owner, struct arena *arena,
                          struct slice *json, struct err *err) {
    static const char *const kinds[] = {"", "user", "anonymous", "external"};
    struct identity *identities;
    struct buf out;
    size_t n;
    int code = customers_identities(app_folder(source->request->app)->customers, owner, arena,
                                    &identities, &n, err);
    if (code)
        return code;
    buf_init(&out, JSON_MAX_BYTES);
    buf_add_char(&out, '[');
    for (size_t i = 0; i < n; i++) {
        struct slice type = identities[i].external_type.n ? identities[i].external_type
                                                          : slice_of(kinds[identities[i].kind]);
        if (is_hidden_kind(source->request, &identities[i]))
            continue;
        buf_add_text(&out, out.n > 1 ? ",{\"kind\":" : "{\"kind\":");
        json_add_text(&out, type);
        buf_add_text(&out, ",\"value\":");
        json_add_text(&out, identities[i].value);
        buf_add_char(&out, '}');
    }
    buf_add_char(&out, ']');
    *json = arena_copy(arena, buf_slice(&out));
    buf_release(&out);
    return 0;
}

static int put_customer(struct export_source *source, struct reader *reader,
                        const struct customer_summary *summary, struct slice user_id,
                        struct export_page *page, struct err *err) {
    struct export_cell *cells = &page->cells[page->n * C_COLUMNS];
    struct trait *traits;
    size_t n;
    memset(cells, 0, C_COLUMNS * sizeof *cells);
    int code = reader_traits(reader, summary->owner, NULL, 0, &traits, &n, err);
    if (!code)
        code = identifiers_of(source, summary->owner, page->arena, &cells[C_IDENTIFIERS].text, err);
    if (code)
        return code;
    char *id = arena_get(page->arena, CUSTOMER_ID_BYTES);
    customer_id_format(summary->owner, id);
    cells[C_ID].text = slice_of(id);
    cells[C_USER].text = user_id;
    cells[C_INTERACTIONS].number = (double)summary->interactions;
    cells[C_FIRST].number = (double)(summary->interactions ? summary->first_ms : -1);
    cells[C_LAST].number = (double)(summary->interactions ? summary->last_ms : -1);
    cells[C_TRAITS].text = current_traits(source->request, traits, n, page->arena);
    page->n++;
    return 0;
}

static size_t next_members(const struct export_source *source, uint32_t *owners) {
    size_t left = source->n_members - (size_t)source->position,
           n = left < PAGE_CUSTOMERS ? left : PAGE_CUSTOMERS;
    memcpy(owners, source->members + source->position, n * sizeof *owners);
    return n;
}

static int next_customers(struct export_source *source, struct export_page *page, struct err *err) {
    struct reader *reader;
    uint32_t owners[PAGE_CUSTOMERS];
    size_t n = PAGE_CUSTOMERS;
    page->n = 0;
    page->cells = arena_get(page->arena, sizeof *page->cells * PAGE_CUSTOMERS * C_COLUMNS);
    int code = reader_open(&reader, source->request, page->arena, err);
    if (code)
        return code;
    if (source->members)
        n = next_members(source, owners);
    else
        code = reader_page(reader, ORDER_ID, false, (size_t)source->position, owners, &n, err);
    struct customer_summary *summaries = ARENA_ARRAY(page->arena, struct customer_summary, n + 1);
    struct slice *user_ids = ARENA_ARRAY(page->arena, struct slice, n + 1);
    if (!code && n)
        code = reader_summaries(reader, owners, n, summaries, err);
    if (!code && n)
        code = customers_user_ids(app_folder(source->request->app)->customers, owners, n,
                                  page->arena, user_ids, err);
    for (size_t i = 0; !code && i < n; i++)
        code = put_customer(source, reader, &summaries[i], user_ids[i], page, err);
    if (n)
        source->position = source->members ? source->position + n : owners[n - 1];
    reader_close(reader);
    return code;
}

const struct export_kind export_customers = {
    .name = "customers",
    .n_columns = C_COLUMNS,
    .columns = {{"id", CELL_TEXT},
                {"user_id", CELL_TEXT},
                {"interactions", CELL_NUMBER},
                {"first_seen", CELL_TIME},
                {"last_seen", CELL_TIME},
                {"identifiers", CELL_JSON},
                {"traits", CELL_JSON}},
    .next = next_customers,
};
