/*
 * Rows -> an image in the heap: sort, one pass over the rows in order that collects core columns' bounds and the
 * values of each property, then the layout, then the arrays.
 *
 * A property's values get numbers in order of appearance through a hash table; at the end the distinct ones are sorted
 * and the numbers rewritten. Beyond LIMIT_COLUMN_CODES distinct values the table is dropped and each present row keeps
 * a value of its own.
 *
 * Not columns: nested values of interactions; of traits the fact that one is nested is kept (a nested value hides an
 * older plain one), without its text.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "timeline/part_internal.h"
#include "timeline/part_sort.h"
#include "timeline/timeline.h"

struct distinct {
    struct value value;
    uint32_t hash;
};

struct column_builder {
    uint32_t code;
    bool raw; /* too many distinct values for a dictionary */
    uint32_t n, capacity;
    uint32_t *rows, *values; /* [n]: row, number of its value */
    uint32_t n_values, values_capacity;
    struct distinct *distinct; /* [n_values]; when raw, of every present row */
    uint32_t *slots;           /* value number + 1, 0 empty */
    uint32_t slots_capacity;
};

struct builder {
    uint32_t n_columns, columns_capacity;
    struct column_builder *columns;
    uint16_t at[LIMIT_PROPERTY_COLUMNS + 1]; /* code -> place in columns + 1 */
};

static void *grow(void *array, uint32_t *capacity, size_t size) {
    *capacity = *capacity ? *capacity * 2 : 64;
    array = realloc(array, *capacity * size);
    if (!array)
        abort();
    return array;
}

static uint32_t value_hash(const struct value *value) {
    if (value->type == VALUE_TEXT)
        return (uint32_t)hash_bytes(value->text.p, value->text.n);
    uint64_t mixed = (value_payload(value) + value->type) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32);
}

static bool value_same(const struct value *a, const struct value *b) {
    if (a->type != b->type)
        return false;
    return a->type == VALUE_TEXT ? slice_equal(a->text, b->text)
                                 : value_payload(a) == value_payload(b);
}

static void slots_grow(struct column_builder *column) {
    uint32_t capacity = column->slots_capacity ? column->slots_capacity * 2 : 64;
    free(column->slots);
    column->slots = calloc(capacity, sizeof *column->slots);
    if (!column->slots)
        abort();
    column->slots_capacity = capacity;
    for (uint32_t v = 0; v < column->n_values; v++) {
        uint32_t slot = column->distinct[v].hash & (capacity - 1);
        while (column->slots[slot])
            slot = (slot + 1) & (capacity - 1);
        column->slots[slot] = v + 1;
    }
}

static uint32_t value_append(struct column_builder *column, const struct value *value,
                             uint32_t hash) {
    if (column->n_values == column->values_capacity)
        column->distinct =
            grow(column->distinct, &column->values_capacity, sizeof *column->distinct);
    column->distinct[column->n_values] = (struct distinct){*value, hash};
    return column->n_values++;
}

/* The number of a value of this column. */
static uint32_t value_number(struct column_builder *column, const struct value *value) {
    if (column->raw)
        return value_append(column, value, 0);
    if ((column->n_values + 1) * 2 > column->slots_capacity)
        slots_grow(column);
    uint32_t hash = value_hash(value), mask = column->slots_capacity - 1, slot = hash & mask;
    for (; column->slots[slot]; slot = (slot + 1) & mask) {
        uint32_t v = column->slots[slot] - 1;
        assert(column->distinct);
        if (column->distinct[v].hash == hash && value_same(&column->distinct[v].value, value))
            return v;
    }
    if (column->n_values == LIMIT_COLUMN_CODES)
        column->raw = true;
    else
        column->slots[slot] = column->n_values + 1;
    return value_append(column, value, hash);
}

static struct column_builder *column_of(struct builder *builder, uint32_t code) {
    if (!builder->at[code]) {
        if (builder->n_columns == builder->columns_capacity)
            builder->columns =
                grow(builder->columns, &builder->columns_capacity, sizeof *builder->columns);
        builder->columns[builder->n_columns] = (struct column_builder){.code = code};
        builder->at[code] = (uint16_t)++builder->n_columns;
    }
    return &builder->columns[builder->at[code] - 1];
}

static int add_properties(struct builder *builder, enum part_kind kind, uint32_t at,
                          const struct row *row, struct err *err) {
    struct property_cursor cursor = property_cursor(row);
    uint32_t code;
    struct value value;
    while (property_next(&cursor, &code, &value)) {
        if (!part_keeps(code) || value.type == VALUE_ABSENT ||
            (!part_kind_is_traits(kind) && (value.type == VALUE_JSON || value.type == VALUE_NULL)))
            continue;
        struct column_builder *column = column_of(builder, code);
        uint32_t number = value_number(column, &value);
        if (column->n && column->rows[column->n - 1] == at) { /* twice in one row: the last wins */
            column->values[column->n - 1] = number;
            continue;
        }
        if (column->n == column->capacity) {
            uint32_t capacity = column->capacity;
            column->rows = grow(column->rows, &column->capacity, sizeof *column->rows);
            column->values = grow(column->values, &capacity, sizeof *column->values);
        }
        column->rows[column->n] = at;
        column->values[column->n++] = number;
    }
    if (row->properties.n && !cursor.p)
        return err_set(err, E_CORRUPT, "properties of interaction %llu are damaged",
                       (unsigned long long)row->seq);
    return 0;
}

static int compare_columns(const void *a, const void *b) {
    const struct column_builder *x = a, *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

struct sorted_value {
    struct value_key key;
    uint32_t number;
};

static int compare_values(const void *a, const void *b) {
    const struct sorted_value *x = a, *y = b;
    return value_key_compare(&x->key, &y->key);
}

/* Sorts the distinct values and renumbers the rows' values accordingly. */
static void sort_dictionary(struct column_builder *column) {
    struct sorted_value *sorted = malloc(column->n_values * sizeof *sorted);
    struct distinct *distinct = malloc(column->n_values * sizeof *distinct);
    uint32_t *rank = malloc(column->n_values * sizeof *rank);
    if (!sorted || !distinct || !rank)
        abort();
    for (uint32_t v = 0; v < column->n_values; v++)
        sorted[v] = (struct sorted_value){value_key(&column->distinct[v].value), v};
    qsort(sorted, column->n_values, sizeof *sorted, compare_values);
    for (uint32_t v = 0; v < column->n_values; v++) {
        rank[sorted[v].number] = v;
        distinct[v] = column->distinct[sorted[v].number];
    }
    for (uint32_t k = 0; k < column->n; k++)
        column->values[k] = rank[column->values[k]];
    free(column->distinct);
    column->distinct = distinct;
    column->values_capacity = column->n_values;
    free(sorted);
    free(rank);
}

/* Describes a finished column; text_bytes is counted over what will be stored. */
static struct part_descriptor describe(struct column_builder *column, uint32_t n_rows,
                                       uint64_t *text_bytes) {
    struct part_descriptor descriptor = {
        .code = column->code, .n = column->n, .bitmap = presence_by_bitmap(column->n, n_rows)};
    if (!column->raw) {
        sort_dictionary(column);
        descriptor.n_values = column->n_values;
        descriptor.code_bytes = column->n_values <= 256 ? 1 : 2;
    }
    uint32_t stored = column->raw ? column->n : column->n_values;
    *text_bytes = 0;
    for (uint32_t i = 0; i < stored; i++) {
        const struct value *value = &column->distinct[column->raw ? column->values[i] : i].value;
        if (value->type == VALUE_TEXT) {
            descriptor.n_texts++;
            *text_bytes += value->text.n;
        }
    }
    return descriptor;
}

static void fill_presence(struct part_image *image, uint32_t at,
                          const struct column_builder *column) {
    void *presence = image_array(image, image_column_array(at, ARRAY_OF_PRESENCE));
    if (!image->descriptors[at].bitmap) {
        memcpy(presence, column->rows, column->n * sizeof *column->rows);
        return;
    }
    uint64_t *bitmap = presence;
    for (uint32_t k = 0; k < column->n; k++)
        bitmap[column->rows[k] / 64] |= UINT64_C(1) << column->rows[k] % 64;
    presence_rank(bitmap, image->header->n_rows,
                  image_array(image, image_column_array(at, ARRAY_OF_RANK)));
}

static void fill_column(struct part_image *image, uint32_t at,
                        const struct column_builder *column) {
    const struct part_descriptor *descriptor = &image->descriptors[at];
    fill_presence(image, at, column);
    uint8_t *types = image_array(image, image_column_array(at, ARRAY_OF_TYPES));
    uint64_t *payload = image_array(image, image_column_array(at, ARRAY_OF_PAYLOAD));
    uint32_t *text_start = image_array(image, image_column_array(at, ARRAY_OF_TEXT_START));
    char *text = image_array(image, image_column_array(at, ARRAY_OF_TEXT));
    uint32_t stored = column->raw ? column->n : column->n_values, texts = 0, bytes = 0;
    for (uint32_t i = 0; i < stored; i++) {
        const struct value *value = &column->distinct[column->raw ? column->values[i] : i].value;
        types[i] = value->type;
        payload[i] = value->type == VALUE_TEXT ? texts : value_payload(value);
        if (value->type != VALUE_TEXT)
            continue;
        if (value->text.n)
            memcpy(text + bytes, value->text.p, value->text.n);
        bytes += (uint32_t)value->text.n;
        text_start[++texts] = bytes;
    }
    void *codes = image_array(image, image_column_array(at, ARRAY_OF_CODES));
    for (uint32_t k = 0; k < column->n; k++)
        if (descriptor->code_bytes == 1)
            ((uint8_t *)codes)[k] = (uint8_t)column->values[k];
        else if (descriptor->code_bytes == 2)
            ((uint16_t *)codes)[k] = (uint16_t)column->values[k];
}

/* Rows in order lie anywhere in memory: what comes soon is asked for early. */
static inline const struct row *row_at(const struct row *const *rows, const uint32_t *order,
                                       uint32_t i, uint32_t n) {
    enum { AHEAD = 16, PROPERTIES_AHEAD = 8 };
    if (i + AHEAD < n)
        __builtin_prefetch(rows[order[i + AHEAD]]);
    if (i + PROPERTIES_AHEAD < n)
        __builtin_prefetch(rows[order[i + PROPERTIES_AHEAD]]->properties.p);
    return rows[order[i]];
}

/* All but customers, which are counted in order. */
static void plan_core(struct part_plan *plan, const struct row *const *rows, uint32_t n) {
    struct part_header *header = &plan->header;
    uint32_t any[ARRAY_CORE] = {0};
    header->n_rows = n;
    header->min_ms = n ? INT64_MAX : 0;
    header->min_seq = n ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct row *row = rows[i];
        header->min_ms = row->time_ms < header->min_ms ? row->time_ms : header->min_ms;
        header->max_ms = row->time_ms > header->max_ms ? row->time_ms : header->max_ms;
        header->min_seq = row->seq < header->min_seq ? row->seq : header->min_seq;
        header->max_seq = row->seq > header->max_seq ? row->seq : header->max_seq;
        if (row->customer > header->max_customer)
            header->max_customer = row->customer;
        any[ARRAY_MS] |= (uint32_t)(row->time_ms % 1000);
        any[ARRAY_EVENT] |= row->event;
        any[ARRAY_CHANNEL] |= row->channel;
        any[ARRAY_UNIT] |= row->unit;
        any[ARRAY_SOURCE] |= row->source;
        any[ARRAY_TYPE] |= row->type;
    }
    header->seq_base = header->min_seq;
    for (unsigned i = 0; i < ARRAY_CORE; i++)
        plan->all_zero[i] = !any[i];
}

static void fill_core(struct part_image *image, const struct row *const *rows,
                      const uint32_t *order) {
    uint32_t *customer = image_array(image, ARRAY_CUSTOMER),
             *start = image_array(image, ARRAY_START);
    uint32_t *sec = image_array(image, ARRAY_SEC), *seq = image_array(image, ARRAY_SEQ);
    uint16_t *ms = image_array(image, ARRAY_MS), *event = image_array(image, ARRAY_EVENT);
    uint16_t *channel = image_array(image, ARRAY_CHANNEL), *unit = image_array(image, ARRAY_UNIT);
    uint16_t *source = image_array(image, ARRAY_SOURCE);
    uint8_t *type = image_array(image, ARRAY_TYPE);
    uint32_t n = image->header->n_rows, k = 0;
    uint64_t seq_base = image->header->seq_base;
    for (uint32_t i = 0; i < n; i++) {
        const struct row *row = row_at(rows, order, i, n);
        if (i == 0 || row->customer != customer[k - 1]) {
            customer[k] = row->customer;
            start[k++] = i;
        }
        sec[i] = (uint32_t)(row->time_ms / 1000);
        seq[i] = (uint32_t)(row->seq - seq_base);
        if (ms)
            ms[i] = (uint16_t)(row->time_ms % 1000);
        if (event)
            event[i] = row->event;
        if (channel)
            channel[i] = row->channel;
        if (unit)
            unit[i] = row->unit;
        if (source)
            source[i] = row->source;
        if (type)
            type[i] = row->type;
    }
    start[k] = n;
}

static void builder_release(struct builder *builder) {
    for (uint32_t i = 0; i < builder->n_columns; i++) {
        struct column_builder *column = &builder->columns[i];
        free(column->rows);
        free(column->values);
        free(column->distinct);
        free(column->slots);
    }
    free(builder->columns);
    free(builder);
}

/* Layout and arrays of rows in order, their properties collected. */
static int assemble(struct part_image **image, struct part_plan *plan, struct builder *builder,
                    const struct row *const *rows, const uint32_t *order, struct err *err) {
    uint32_t n_columns = plan->header.n_columns = builder->n_columns, n = plan->header.n_rows;
    if (n_columns)
        qsort(builder->columns, n_columns, sizeof *builder->columns, compare_columns);
    plan->descriptors = calloc(n_columns ? n_columns : 1, sizeof *plan->descriptors);
    plan->text_bytes = calloc(n_columns ? n_columns : 1, sizeof *plan->text_bytes);
    if (!plan->descriptors || !plan->text_bytes)
        abort();
    for (uint32_t i = 0; i < n_columns; i++)
        plan->descriptors[i] = describe(&builder->columns[i], n, &plan->text_bytes[i]);
    int code = image_new(image, plan, -1, err);
    if (!code) {
        fill_core(*image, rows, order);
        for (uint32_t i = 0; i < n_columns; i++)
            fill_column(*image, i, &builder->columns[i]);
    }
    free(plan->descriptors);
    free(plan->text_bytes);
    return code;
}

int part_build_range(struct part_body **part, enum part_kind kind, int64_t from_ms, int64_t to_ms,
                     const struct row *const *rows, size_t n, struct err *err) {
    if (n > PART_MAX_ROWS)
        return err_set(err, E_TOO_LARGE, "too many interactions for one part");
    struct part_plan plan = {
        .header = {.kind = kind, .range_from_ms = from_ms, .range_to_ms = to_ms}};
    struct part_image *image = NULL;
    struct builder *builder = calloc(1, sizeof *builder);
    uint32_t *order = malloc((n ? n : 1) * sizeof *order);
    if (!builder || !order)
        abort();
    int code = 0;
    part_sort(rows, (uint32_t)n, order);
    for (uint32_t i = 0, customer = 0; i < n && !code; i++) {
        const struct row *row = row_at(rows, order, i, (uint32_t)n);
        plan.header.n_customers += i == 0 || row->customer != customer;
        customer = row->customer;
        code = add_properties(builder, kind, i, row, err);
    }
    if (!code) {
        plan_core(&plan, rows, (uint32_t)n);
        if (plan.header.max_seq - plan.header.min_seq > UINT32_MAX)
            code = err_set(err, E_TOO_LARGE,
                           "the interactions of a part lie too far apart in the log");
        else
            code = assemble(&image, &plan, builder, rows, order, err);
    }
    builder_release(builder);
    free(order);
    if (!code)
        *part = part_over(image);
    return code;
}

int part_build(struct part **part, enum part_kind kind, const struct row *rows, size_t n,
               struct err *err) {
    const struct row **chosen = pointers_new(n);
    size_t n_chosen = 0;
    for (size_t i = 0; i < n; i++)
        if (part_kind_of(rows[i].type) == kind)
            chosen[n_chosen++] = &rows[i];
    struct part_body *body = NULL;
    int code = part_build_range(&body, kind, INT64_MIN, INT64_MAX, chosen, n_chosen, err);
    free(chosen);
    if (!code)
        *part = &body->part;
    return code;
}

void part_free(struct part *part) {
    if (part)
        part_release(part_body(part));
}
