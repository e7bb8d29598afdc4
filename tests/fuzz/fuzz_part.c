/* module: timeline
 *
 * Fuzz target: the reader of part files. Whatever bytes: refused as damaged, or readable in every row and value without
 * leaving them. The first byte says whether the checksums are made right first, so that what lies behind them is reached.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "timeline/part_file.h"
#include "timeline/part_merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Everything that a question may read. */
static uint64_t read_everything(const struct part *part) {
    uint64_t sum = 0;
    for (uint32_t c = 0; c < part->n_customers; c++) {
        sum += part->customer[c];
        for (uint32_t i = part->start[c]; i < part->start[c + 1]; i++)
            sum += part->sec[i] + part->ms[i] + part->seq[i] + part->event[i] + part->channel[i] +
                   part->unit[i] + part->source[i] + part->type[i];
    }
    for (uint32_t i = 0; i < part->n_columns; i++) {
        const struct part_column *column = &part->columns[i];
        sum += part_column_rank(column, part->n_rows);
        for (uint32_t k = 0; k < column->n; k++) {
            struct value value = part_column_value(column, k);
            for (size_t j = 0; value.type == VALUE_TEXT && j < value.text.n; j++)
                sum += (unsigned char)value.text.p[j];
        }
        for (uint32_t row = 0; row < part->n_rows; row += 7)
            sum += part_value(part, row, column->code).type;
    }
    return sum + part_customer_find(part, 5);
}

static int touch(const struct part *part, struct err *err) {
    uint32_t codes[LIMIT_PROPERTY_COLUMNS];
    for (uint32_t i = 0; i < part->n_columns; i++)
        codes[i] = part->columns[i].code;
    return part_touch(part, COLUMN_ALL, codes, part->n_columns, err);
}

static void read_image(struct part_image *image) {
    struct err err;
    volatile uint64_t sum = 0;
    struct part_body *body = part_over(image), *merged = NULL;
    if (!touch(&body->part, &err)) {
        sum += read_everything(&body->part);
        if (!merge_in_memory(&merged, body->part.kind, 0, INT64_C(1) << 40, true, &body, 1, &err)) {
            sum += read_everything(&merged->part);
            part_release(merged);
        }
    }
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    struct err err;
    if (n < 1)
        return 0;
    bool right = bytes[0] & 1;
    struct part_image image = {.bytes = n - 1, .registered = -1, .fd = -1};
    atomic_init(&image.refs, 2);
    image.base = malloc(n);
    if (!image.base)
        return 0;
    memcpy(image.base, bytes + 1, n - 1);
    if (!image_bind(&image, &err)) {
        if (right)
            image_finish(&image);
        if (!image_check_header(&image, &err)) {
            void *checked = calloc(image_arrays(image.header->n_columns), 1);
            image.checked = checked;
            read_image(&image);
            free(checked);
        }
    }
    free(image.columns);
    free(image.base);
    return 0;
}
