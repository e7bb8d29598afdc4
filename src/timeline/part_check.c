/*
 * First touch: the checksum of an array, and that nothing in it leads a reader out of bounds (a checksum protects
 * against disks, the second check against whoever can compute one).
 *
 * THREADS  Two threads may check the same array at once; both come to the same result.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/hash.h"
#include "timeline/part_file.h"
#include "timeline/part_internal.h"
#include "timeline/part_seal.h"

static bool ascends(const uint32_t *array, uint32_t n) {
    bool good = true;
    for (uint32_t i = 1; i < n; i++)
        good &= array[i] > array[i - 1];
    return good;
}

static bool bitmap_sane(const uint64_t *bitmap, uint32_t n_rows, uint32_t n) {
    uint64_t words = ((uint64_t)n_rows + 63) / 64, bits = 0;
    for (uint64_t i = 0; i < words; i++)
        bits += (uint64_t)__builtin_popcountll(bitmap[i]);
    return bits == n && (n_rows % 64 == 0 || !(bitmap[words - 1] >> n_rows % 64));
}

static bool rank_sane(const struct part_column *column, uint32_t n_rows) {
    uint32_t before = 0, words = (n_rows + 63) / 64;
    for (uint32_t i = 0; i <= n_rows / PART_RANK_ROWS; i++) {
        if (column->rank[i] != before)
            return false;
        for (uint32_t word = i * 8; word < i * 8 + 8 && word < words; word++)
            before += (uint32_t)__builtin_popcountll(column->bitmap[word]);
    }
    return true;
}

static bool codes_sane(const struct part_column *column) {
    uint32_t highest = 0;
    if (column->code_bytes == 1)
        for (uint32_t k = 0; k < column->n; k++) {
            uint32_t code = ((const uint8_t *)column->codes)[k];
            highest = code > highest ? code : highest;
        }
    else if (column->code_bytes == 2)
        for (uint32_t k = 0; k < column->n; k++) {
            uint32_t code = ((const uint16_t *)column->codes)[k];
            highest = code > highest ? code : highest;
        }
    return !column->code_bytes || highest < column->n_values;
}

static bool values_sane(const struct part_column *column, uint32_t n_texts) {
    uint32_t stored = column->code_bytes ? column->n_values : column->n;
    for (uint32_t i = 0; i < stored; i++) {
        uint8_t type = column->value_types[i];
        if (type < VALUE_NULL || type > VALUE_JSON ||
            (type == VALUE_TEXT && column->payload[i] >= n_texts))
            return false;
    }
    return true;
}

static bool text_start_sane(const struct part_column *column, uint32_t n_texts, uint64_t bytes) {
    if (!n_texts)
        return true;
    bool good = column->text_start[0] == 0 && column->text_start[n_texts] == bytes;
    for (uint32_t t = 0; t < n_texts; t++)
        good &= column->text_start[t] <= column->text_start[t + 1];
    return good;
}

/* Content of one array, its checksum aside: that nothing in it leads a reader out of bounds. */
static bool image_array_sane(const struct part_image *image, unsigned array) {
    const struct part_header *header = image->header;
    const void *content = image->base + image->arrays[array].offset;
    if (array == ARRAY_CUSTOMER)
        return ascends(content, header->n_customers);
    if (array == ARRAY_START) {
        const uint32_t *start = content;
        return start[0] == 0 && start[header->n_customers] == header->n_rows &&
               ascends(start, header->n_customers + 1);
    }
    if (array < ARRAY_CORE)
        return true;
    uint32_t i = (array - ARRAY_CORE) / ARRAY_PER_COLUMN;
    const struct part_column *column = &image->columns[i];
    uint32_t n_texts = image->descriptors[i].n_texts;
    switch ((array - ARRAY_CORE) % ARRAY_PER_COLUMN) {
    case ARRAY_OF_PRESENCE:
        return column->bitmap ? bitmap_sane(column->bitmap, header->n_rows, column->n)
                              : ascends(column->rows, column->n) &&
                                    column->rows[column->n - 1] < header->n_rows;
    case ARRAY_OF_RANK: return !column->bitmap || rank_sane(column, header->n_rows);
    case ARRAY_OF_CODES: return codes_sane(column);
    case ARRAY_OF_TYPES:
    case ARRAY_OF_PAYLOAD: return values_sane(column, n_texts);
    case ARRAY_OF_TEXT_START:
        return text_start_sane(column, n_texts,
                               image->arrays[image_column_array(i, ARRAY_OF_TEXT)].bytes);
    default: return true;
    }
}

/* What one part_touch asks for. */
struct touch {
    const struct part_body *part;
    unsigned columns;
    const uint32_t *properties;
    size_t n_properties;
};

static int check_array(struct part_image *image, unsigned array, struct err *err) {
    const struct part_array *entry = &image->arrays[array];
    if (atomic_load_explicit(&image->checked[array], memory_order_acquire))
        return 0;
    bool same =
        !entry->offset || hash_bytes(image->base + entry->offset, entry->bytes) == entry->checksum;
    if (same && entry->offset)
        image_open_array(image, array);
    if (!same || (entry->offset && !image_array_sane(image, array))) {
        atomic_store(&image->damaged, true);
        return part_damaged(err, ERR_WORDS("a checksum is wrong"));
    }
    atomic_store_explicit(&image->checked[array], 1, memory_order_release);
    return 0;
}

static int check_touchpoints(const struct part_body *part, struct err *err) {
    struct part_touchpoints *touchpoints = (struct part_touchpoints *)(uintptr_t)&part->touchpoints;
    if (!touchpoints->base || atomic_load_explicit(&touchpoints->checked, memory_order_acquire))
        return 0;
    if (hash_bytes(touchpoints->codes, part->part.n_rows * sizeof *touchpoints->codes) !=
        touchpoints->checksum) {
        atomic_store((atomic_bool *)(uintptr_t)&part->damaged, true);
        return part_damaged(err, ERR_WORDS("the checksum of its touchpoints is wrong"));
    }
    atomic_store_explicit(&touchpoints->checked, 1, memory_order_release);
    return 0;
}

static int check_property(struct part_image *image, uint32_t code, struct err *err) {
    uint32_t column = 0;
    while (column < image->header->n_columns && image->descriptors[column].code < code)
        column++;
    if (column == image->header->n_columns || image->descriptors[column].code != code)
        return 0;
    int failed = 0;
    for (unsigned which = 0; which < ARRAY_PER_COLUMN && !failed; which++)
        failed = check_array(image, image_column_array(column, which), err);
    return failed;
}

static int check_touch(void *context, struct err *err) {
    static const struct {
        unsigned bit, array;
    } WANTED[] = {
        {0, ARRAY_CUSTOMER},
        {0, ARRAY_START},
        {COLUMN_TIME, ARRAY_SEC},
        {COLUMN_TIME, ARRAY_MS},
        {COLUMN_SEQ, ARRAY_SEQ},
        {COLUMN_EVENT, ARRAY_EVENT},
        {COLUMN_CHANNEL, ARRAY_CHANNEL},
        {COLUMN_UNIT, ARRAY_UNIT},
        {COLUMN_SOURCE, ARRAY_SOURCE},
        {COLUMN_TYPE, ARRAY_TYPE},
    };
    const struct touch *touch = context;
    struct part_image *image = touch->part->image;
    int code = 0;
    for (size_t i = 0; i < sizeof WANTED / sizeof WANTED[0] && !code; i++)
        if (!WANTED[i].bit || touch->columns & WANTED[i].bit)
            code = check_array(image, WANTED[i].array, err);
    for (size_t i = 0; i < touch->n_properties && !code; i++)
        code = check_property(image, touch->properties[i], err);
    if (!code && touch->columns & COLUMN_TOUCHPOINT)
        code = check_touchpoints(touch->part, err);
    return code;
}

/* Somebody wrote to a file of the part, or cut it, since its checksums were looked at: they are worth nothing then. */
static void check_unwritten(const struct part_body *body) {
    const struct part_touchpoints *touchpoints = &body->touchpoints;
    if (body->image->fd >= 0 && !file_stamp_holds(body->image->fd, &body->image->stamp))
        atomic_store(&body->image->damaged, true);
    if (touchpoints->fd >= 0 && !file_stamp_holds(touchpoints->fd, &touchpoints->stamp))
        atomic_store((atomic_bool *)(uintptr_t)&body->damaged, true);
}

int part_touch(const struct part *part, unsigned columns, const uint32_t *properties,
               size_t n_properties, struct err *err) {
    const struct part_body *body = part_body_of(part);
    for (size_t i = 0; i < n_properties; i++)
        if (!part_keeps(properties[i]))
            return err_set(
                err, E_INVALID,
                "this property came after the first %d names, which alone can be asked for",
                LIMIT_PROPERTY_COLUMNS);
    if (body->image)
        check_unwritten(body);
    if (!body->image || atomic_load(&body->damaged) || atomic_load(&body->image->damaged))
        return part_damaged(err, ERR_WORDS("found before"));
    if (!body->image->checked)
        return 0;
    struct touch touch = {body, columns, properties, n_properties};
    return part_guard(check_touch, &touch, err);
}
