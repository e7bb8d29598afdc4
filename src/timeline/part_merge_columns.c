/*
 * Merging parts: the columns of properties.
 *
 * Dictionaries are sorted, so their union is a merge with a heap, which gives each source a table from its codes to the
 * new ones. A union beyond LIMIT_COLUMN_CODES values, or a source without a dictionary, makes a column without one.
 *
 * For a chunk, the entries of all sources are scattered to their output rows, then swept in the order of rows.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "timeline/part_merge.h"
#include "timeline/part_seal.h"

/* Calls visit for the entries of rows [from, to) of an input column, ascending. */
#define FOR_ENTRIES(column, from, to, row, k)                                                      \
    for (struct entries each = entries_begin((column), (from), (to));                              \
         entries_next(&each, (column), &(row), &(k));)

struct entries {
    uint32_t k, end, word, last_word; /* k: next entry; words of the bitmap */
    uint64_t bits;
};

static struct entries entries_begin(const struct part_column *column, uint32_t from, uint32_t to) {
    struct entries each = {.k = part_column_rank(column, from),
                           .end = part_column_rank(column, to)};
    if (column->bitmap && each.k < each.end) {
        each.word = from / 64;
        each.bits = column->bitmap[each.word] & (UINT64_MAX << from % 64);
    }
    return each;
}

static inline bool entries_next(struct entries *each, const struct part_column *column,
                                uint32_t *row, uint32_t *k) {
    if (each->k == each->end)
        return false;
    *k = each->k++;
    if (!column->bitmap) {
        *row = column->rows[*k];
        return true;
    }
    while (!each->bits)
        each->bits = column->bitmap[++each->word];
    *row = each->word * 64 + (uint32_t)__builtin_ctzll(each->bits);
    each->bits &= each->bits - 1;
    return true;
}

static uint32_t entry_code(const struct part_column *column, uint32_t k) {
    return column->code_bytes == 1   ? ((const uint8_t *)column->codes)[k]
           : column->code_bytes == 2 ? ((const uint16_t *)column->codes)[k]
                                     : k;
}

/* Value v of a column's dictionary. */
static struct value dictionary_value(const struct part_column *column, uint32_t v) {
    struct part_column plain = *column;
    plain.code_bytes = 0;
    return part_column_value(&plain, v);
}

struct union_head {
    struct value_key key;
    uint32_t source, value;
};

struct union_heap {
    uint32_t n;
    struct union_head heads[MERGE_SOURCES];
};

static void heap_sink(struct union_heap *heap, uint32_t i) {
    struct union_head moving = heap->heads[i];
    for (uint32_t child; (child = 2 * i + 1) < heap->n; i = child) {
        if (child + 1 < heap->n &&
            value_key_compare(&heap->heads[child + 1].key, &heap->heads[child].key) < 0)
            child++;
        if (value_key_compare(&moving.key, &heap->heads[child].key) <= 0)
            break;
        heap->heads[i] = heap->heads[child];
    }
    heap->heads[i] = moving;
}

static struct union_head union_head(const struct part_column *column, uint32_t source, uint32_t v) {
    struct value value = dictionary_value(column, v);
    return (struct union_head){value_key(&value), source, v};
}

/* Plans a common dictionary: counts values and text, fills the remaps. False when there are too many values. */
static bool plan_union(const struct merge *merge, struct merge_column *column,
                       struct part_descriptor *descriptor, uint64_t *text_bytes) {
    struct union_heap heap = {0};
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        if (!column->inputs[s])
            continue;
        column->remaps[s] = malloc(column->inputs[s]->n_values * sizeof(uint16_t));
        if (!column->remaps[s])
            abort();
        heap.heads[heap.n++] = union_head(column->inputs[s], s, 0);
    }
    for (uint32_t i = heap.n; i-- > 0;)
        heap_sink(&heap, i);
    struct value_key last = {0};
    while (heap.n) {
        struct union_head head = heap.heads[0];
        if (!descriptor->n_values || value_key_compare(&head.key, &last) != 0) {
            if (descriptor->n_values == LIMIT_COLUMN_CODES)
                return false;
            descriptor->n_values++;
            descriptor->n_texts += head.key.type == VALUE_TEXT;
            *text_bytes += head.key.text.n;
            last = head.key;
        }
        column->remaps[head.source][head.value] = (uint16_t)(descriptor->n_values - 1);
        const struct part_column *input = column->inputs[head.source];
        if (head.value + 1 < input->n_values)
            heap.heads[0] = union_head(input, head.source, head.value + 1);
        else
            heap.heads[0] = heap.heads[--heap.n];
        if (heap.n)
            heap_sink(&heap, 0);
    }
    descriptor->code_bytes = descriptor->n_values <= 256 ? 1 : 2;
    return true;
}

static void column_drop_remaps(const struct merge *merge, struct merge_column *column) {
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        free(column->remaps[s]);
        column->remaps[s] = NULL;
    }
}

/* Counts the entries that stay; without a dictionary also their texts. */
static void plan_entries(const struct merge *merge, const struct merge_column *column, bool texts,
                         struct part_descriptor *descriptor, uint64_t *text_bytes) {
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        const struct part_column *input = column->inputs[s];
        const struct part *part = merge->sources[s].part;
        if (!input)
            continue;
        if (!merge->cut && !texts) {
            descriptor->n += input->n;
            continue;
        }
        uint32_t row, k;
        FOR_ENTRIES(input, 0, part->n_rows, row, k) {
            if (!merge_keeps(merge, part, row))
                continue;
            descriptor->n += !texts;
            if (!texts || input->value_types[entry_code(input, k)] != VALUE_TEXT)
                continue;
            descriptor->n_texts++;
            *text_bytes += part_column_value(input, k).text.n;
        }
    }
}

static void plan_column(const struct merge *merge, struct merge_column *column,
                        struct part_descriptor *descriptor, uint64_t *text_bytes) {
    plan_entries(merge, column, false, descriptor, text_bytes);
    descriptor->bitmap = presence_by_bitmap(descriptor->n, merge->plan.header.n_rows);
    bool dictionary = descriptor->n > 0;
    for (uint32_t s = 0; s < merge->n_sources; s++)
        dictionary = dictionary && (!column->inputs[s] || column->inputs[s]->code_bytes);
    if (dictionary && plan_union(merge, column, descriptor, text_bytes))
        return;
    column_drop_remaps(merge, column);
    descriptor->n_values = descriptor->n_texts = 0;
    *text_bytes = 0;
    if (descriptor->n)
        plan_entries(merge, column, true, descriptor, text_bytes);
}

/* Marks the codes of the sources' columns and returns how many there are. */
static uint32_t codes_mark(const struct merge *merge, bool marks[LIMIT_PROPERTY_COLUMNS + 1]) {
    uint32_t n = 0;
    for (uint32_t s = 0; s < merge->n_sources; s++) {
        const struct part *part = merge->sources[s].part;
        for (uint32_t i = 0; i < part->n_columns; i++) {
            n += !marks[part->columns[i].code];
            marks[part->columns[i].code] = true;
        }
    }
    return n;
}

static void column_new(const struct merge *merge, struct merge_column *column, uint32_t code) {
    *column = (struct merge_column){0};
    column->inputs = pointers_new(merge->n_sources);
    column->remaps = pointers_new(merge->n_sources);
    for (uint32_t s = 0; s < merge->n_sources; s++)
        column->inputs[s] = part_column_find(merge->sources[s].part, code);
}

static void column_free(const struct merge *merge, struct merge_column *column) {
    if (column->remaps)
        column_drop_remaps(merge, column);
    free(column->inputs);
    free(column->remaps);
    *column = (struct merge_column){0};
}

int merge_columns_plan(struct merge *merge, struct err *err) {
    (void)err;
    bool marks[LIMIT_PROPERTY_COLUMNS + 1] = {0};
    struct part_plan *plan = &merge->plan;
    uint32_t n = codes_mark(merge, marks);
    merge->columns = calloc(n + 1, sizeof *merge->columns);
    plan->descriptors = calloc(n + 1, sizeof *plan->descriptors);
    plan->text_bytes = calloc(n + 1, sizeof *plan->text_bytes);
    if (!merge->columns || !plan->descriptors || !plan->text_bytes)
        abort();
    for (uint32_t code = 1; code <= LIMIT_PROPERTY_COLUMNS; code++) {
        if (!marks[code])
            continue;
        uint32_t at = plan->header.n_columns++; /* counted first: a guard may leave from below */
        column_new(merge, &merge->columns[at], code);
        plan->descriptors[at] = (struct part_descriptor){.code = code};
        plan_column(merge, &merge->columns[at], &plan->descriptors[at], &plan->text_bytes[at]);
        if (!plan->descriptors[at].n) {
            column_free(merge, &merge->columns[at]);
            plan->text_bytes[at] = 0;
            plan->header.n_columns--;
        }
    }
    return 0;
}

void merge_columns_free(struct merge *merge) {
    if (merge->columns)
        for (uint32_t i = 0; i < merge->plan.header.n_columns; i++)
            column_free(merge, &merge->columns[i]);
    free(merge->columns);
    free(merge->plan.descriptors);
    free(merge->plan.text_bytes);
}

/* Scatters the chunk's entries of one source. */
static bool scatter(struct merge *merge, const struct merge_column *column, uint32_t s) {
    const struct part_column *input = column->inputs[s];
    const struct merge_source *source = &merge->sources[s];
    const uint32_t *inverse = merge->inverse + source->inverse;
    const uint16_t *remap = column->remaps[s];
    bool any = false;
    uint32_t row, k;
    FOR_ENTRIES(input, source->first, source->last, row, k) {
        uint32_t out = inverse[row - source->first];
        if (out == UINT32_MAX)
            continue;
        any = true;
        merge->present[out / 64] |= UINT64_C(1) << out % 64;
        merge->index[out] = remap ? remap[entry_code(input, k)] : k;
        merge->source[out] = (uint8_t)s;
    }
    return any;
}

/* Where a column of the result is written. */
struct column_target {
    uint32_t *rows;
    uint64_t *bitmap;
    uint8_t *codes8;
    uint16_t *codes16;
    uint8_t *types;
    uint64_t *payload;
    uint32_t *text_start;
    char *text;
};

static struct column_target column_target(struct merge *merge, uint32_t at) {
    const struct part_descriptor *descriptor = &merge->plan.descriptors[at];
    void *presence = image_array(merge->image, image_column_array(at, ARRAY_OF_PRESENCE));
    void *codes = image_array(merge->image, image_column_array(at, ARRAY_OF_CODES));
    return (struct column_target){
        .rows = descriptor->bitmap ? NULL : presence,
        .bitmap = descriptor->bitmap ? presence : NULL,
        .codes8 = descriptor->code_bytes == 1 ? codes : NULL,
        .codes16 = descriptor->code_bytes == 2 ? codes : NULL,
        .types = image_array(merge->image, image_column_array(at, ARRAY_OF_TYPES)),
        .payload = image_array(merge->image, image_column_array(at, ARRAY_OF_PAYLOAD)),
        .text_start = image_array(merge->image, image_column_array(at, ARRAY_OF_TEXT_START)),
        .text = image_array(merge->image, image_column_array(at, ARRAY_OF_TEXT)),
    };
}

static void put_value(struct merge_column *column, const struct column_target *target, uint32_t at,
                      const struct value *value) {
    target->types[at] = value->type;
    target->payload[at] = value->type == VALUE_TEXT ? column->texts : value_payload(value);
    if (value->type != VALUE_TEXT)
        return;
    if (value->text.n)
        memcpy(target->text + column->text_bytes, value->text.p, value->text.n);
    column->text_bytes += (uint32_t)value->text.n;
    target->text_start[++column->texts] = column->text_bytes;
}

/* Writes the chunk's entries of one column in the order of rows, and clears `present`. */
static void sweep(struct merge *merge, struct merge_column *column,
                  const struct column_target *target) {
    uint32_t n = column->n;
    for (uint32_t word = 0; word * 64 < merge->n_out; word++) {
        for (uint64_t bits = merge->present[word]; bits; bits &= bits - 1) {
            uint32_t out = word * 64 + (uint32_t)__builtin_ctzll(bits), row = merge->out + out;
            if (target->bitmap)
                target->bitmap[row / 64] |= UINT64_C(1) << row % 64;
            else
                target->rows[n] = row;
            if (target->codes8) {
                target->codes8[n] = (uint8_t)merge->index[out];
            } else if (target->codes16) {
                target->codes16[n] = (uint16_t)merge->index[out];
            } else {
                struct value value =
                    part_column_value(column->inputs[merge->source[out]], merge->index[out]);
                put_value(column, target, n, &value);
            }
            n++;
        }
        merge->present[word] = 0;
    }
    column->n = n;
}

/* Seals what was written of a column since the last time. */
static void seal_column(struct merge *merge, uint32_t at, uint32_t values) {
    struct merge_column *column = &merge->columns[at];
    image_seal(merge->image, image_column_array(at, ARRAY_OF_TEXT), column->sealed_bytes,
               column->text_bytes);
    image_seal(merge->image, image_column_array(at, ARRAY_OF_PAYLOAD),
               (uint64_t)column->sealed_n * sizeof(uint64_t), (uint64_t)values * sizeof(uint64_t));
    column->sealed_bytes = column->text_bytes;
    column->sealed_n = values;
}

void merge_columns_copy(struct merge *merge) {
    for (uint32_t at = 0; at < merge->plan.header.n_columns; at++) {
        struct merge_column *column = &merge->columns[at];
        bool any = false;
        for (uint32_t s = 0; s < merge->n_sources; s++)
            if (column->inputs[s] && merge->sources[s].last)
                any |= scatter(merge, column, s);
        if (any) {
            struct column_target target = column_target(merge, at);
            sweep(merge, column, &target);
            if (!merge->plan.descriptors[at].code_bytes)
                seal_column(merge, at, column->n);
        }
    }
}

void merge_columns_finish(struct merge *merge) {
    for (uint32_t at = 0; at < merge->plan.header.n_columns; at++) {
        struct merge_column *column = &merge->columns[at];
        const struct part_descriptor *descriptor = &merge->plan.descriptors[at];
        struct column_target target = column_target(merge, at);
        if (descriptor->bitmap)
            presence_rank(target.bitmap, merge_rows(merge),
                          image_array(merge->image, image_column_array(at, ARRAY_OF_RANK)));
        uint32_t done =
            0; /* values of the common dictionary, each from the first source that has it */
        if (!descriptor->code_bytes)
            continue;
        uint32_t *next = calloc(merge->n_sources, sizeof *next);
        if (!next)
            abort();
        while (done < descriptor->n_values)
            for (uint32_t s = 0; s < merge->n_sources; s++) {
                const struct part_column *input = column->inputs[s];
                while (input && next[s] < input->n_values && column->remaps[s][next[s]] < done)
                    next[s]++;
                if (input && next[s] < input->n_values && column->remaps[s][next[s]] == done) {
                    struct value value = dictionary_value(input, next[s]++);
                    put_value(column, &target, done++, &value);
                }
            }
        free(next);
        seal_column(merge, at, done);
    }
}
