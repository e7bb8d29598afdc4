/*
 * The image of a part: planning, allocation, binding. See part_internal.h for the format.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/file.h"
#include "timeline/part_file.h"
#include "timeline/part_internal.h"
#include "timeline/part_seal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are mapped as they lie");
_Static_assert(sizeof(struct part_header) == 128 && sizeof(struct part_descriptor) == 24 &&
                   sizeof(struct part_array) == 24,
               "format of the image");

/* Bytes a row, by core array; customer and start are counted by customers. */
static const uint8_t ROW_BYTES[ARRAY_CORE] = {
    [ARRAY_SEC] = 4,  [ARRAY_MS] = 2,      [ARRAY_SEQ] = 4,  [ARRAY_EVENT] = 2,
    [ARRAY_TYPE] = 1, [ARRAY_CHANNEL] = 2, [ARRAY_UNIT] = 2, [ARRAY_SOURCE] = 2,
};

static bool may_be_zero(unsigned array) {
    return array < ARRAY_CORE && array != ARRAY_CUSTOMER && array != ARRAY_START &&
           array != ARRAY_SEC && array != ARRAY_SEQ;
}

static uint64_t core_bytes(const struct part_header *header, unsigned array) {
    if (array == ARRAY_CUSTOMER)
        return (uint64_t)header->n_customers * 4;
    if (array == ARRAY_START)
        return ((uint64_t)header->n_customers + 1) * 4;
    return (uint64_t)header->n_rows * ROW_BYTES[array];
}

/* Of all arrays of a column but its text. */
static uint64_t column_bytes(const struct part_header *header, const struct part_descriptor *column,
                             unsigned which) {
    uint64_t values = column->code_bytes ? column->n_values : column->n;
    switch (which) {
    case ARRAY_OF_PRESENCE:
        return column->bitmap ? ((uint64_t)header->n_rows + 63) / 64 * 8 : (uint64_t)column->n * 4;
    case ARRAY_OF_RANK:
        return column->bitmap ? ((uint64_t)header->n_rows / PART_RANK_ROWS + 1) * 4 : 0;
    case ARRAY_OF_CODES: return (uint64_t)column->n * column->code_bytes;
    case ARRAY_OF_TYPES: return values;
    case ARRAY_OF_PAYLOAD: return values * 8;
    case ARRAY_OF_TEXT_START: return column->n_texts ? ((uint64_t)column->n_texts + 1) * 4 : 0;
    default: return 0;
    }
}

static uint64_t tables_bytes(uint32_t n_columns) {
    return sizeof(struct part_header) + n_columns * sizeof(struct part_descriptor) +
           image_arrays(n_columns) * sizeof(struct part_array);
}

static uint64_t aligned(uint64_t offset) {
    return (offset + PART_ALIGN - 1) / PART_ALIGN * PART_ALIGN;
}

/* Fills the array table; returns the size of the image. */
static uint64_t place_arrays(const struct part_plan *plan, struct part_array *arrays) {
    uint32_t n_columns = plan->header.n_columns;
    uint64_t end = tables_bytes(n_columns);
    for (unsigned i = 0; i < image_arrays(n_columns); i++) {
        uint64_t bytes;
        if (i < ARRAY_CORE) {
            bytes = core_bytes(&plan->header, i);
        } else {
            uint32_t column = (i - ARRAY_CORE) / ARRAY_PER_COLUMN;
            unsigned which = (i - ARRAY_CORE) % ARRAY_PER_COLUMN;
            bytes = which == ARRAY_OF_TEXT
                        ? plan->text_bytes[column]
                        : column_bytes(&plan->header, &plan->descriptors[column], which);
        }
        arrays[i].bytes = bytes;
        if (!bytes || (may_be_zero(i) && plan->all_zero[i]))
            continue;
        arrays[i].offset = aligned(end);
        end = arrays[i].offset + bytes;
    }
    return aligned(end);
}

static int allocate(struct part_image *image, int fd, struct err *err) {
    if (fd < 0) {
        image->base = pages_new(image->bytes);
        return image->base ? 0 : err_set(err, E_TOO_LARGE, "no memory for a part of the timeline");
    }
    errno = posix_fallocate(fd, 0, (off_t)image->bytes);
    if (errno)
        return file_fail(ERR_WORDS("a part of the timeline"), err);
    char *base = mmap(NULL, image->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return err_set(err, E_IO, "a part of the timeline could not be mapped");
    image->base = base;
    image->registered = guard_register(base, image->bytes, &image->damaged);
    return 0;
}

int image_new(struct part_image **out, const struct part_plan *plan, int fd, struct err *err) {
    const struct part_header *header = &plan->header;
    for (uint32_t i = 0; i < header->n_columns; i++)
        if (plan->text_bytes[i] > UINT32_MAX)
            return err_set(err, E_TOO_LARGE, "a property holds too much text for one part");
    if (header->n_rows > PART_MAX_ROWS)
        return err_set(err, E_TOO_LARGE, "too many interactions for one part");
    struct part_image *image = calloc(1, sizeof *image);
    struct part_array *arrays = calloc(image_arrays(header->n_columns), sizeof *arrays);
    if (!image || !arrays)
        abort();
    atomic_init(&image->refs, 1);
    image->registered = image->fd = -1;
    image->bytes = place_arrays(plan, arrays);
    int code = allocate(image, fd, err);
    if (code) {
        free(arrays);
        free(image);
        return code;
    }
    struct part_header *placed = (struct part_header *)(void *)image->base;
    *placed = *header;
    memcpy(placed->magic, PART_MAGIC, sizeof placed->magic);
    placed->format = PART_FORMAT;
    placed->bytes = image->bytes;
    char *next = image->base + sizeof *placed;
    if (header->n_columns)
        memcpy(next, plan->descriptors, header->n_columns * sizeof *plan->descriptors);
    next += header->n_columns * sizeof *plan->descriptors;
    memcpy(next, arrays, image_arrays(header->n_columns) * sizeof *arrays);
    free(arrays);
    code = image_bind(image, err);
    if (code) {
        image_free(image);
        return code;
    }
    if (fd >= 0)
        image_seal_begin(image, plan->seal);
    *out = image;
    return 0;
}

void image_free(struct part_image *image) {
    if (!image || atomic_fetch_sub(&image->refs, 1) != 1)
        return;
    guard_unregister(image->registered);
    image_unreserve(image);
    if (image->base)
        munmap(image->base, image->bytes);
    if (image->fd >= 0)
        close(image->fd);
    free(image->columns);
    free((void *)(uintptr_t)image->checked);
    free(image);
}

void *image_array(struct part_image *image, unsigned array) {
    uint64_t offset = image->arrays[array].offset;
    return offset ? image->base + offset : NULL;
}

static uint64_t header_checksum(const struct part_image *image) {
    uint64_t bytes = tables_bytes(image->header->n_columns);
    char *copy = malloc(bytes);
    if (!copy)
        abort();
    memcpy(copy, image->base, bytes);
    memset(copy + offsetof(struct part_header, checksum), 0, sizeof(uint64_t));
    uint64_t checksum = hash_bytes(copy, bytes);
    free(copy);
    return checksum;
}

void image_finish(struct part_image *image) {
    char *table = image->base + sizeof(struct part_header) +
                  image->header->n_columns * sizeof(struct part_descriptor);
    struct part_array *arrays = (struct part_array *)(void *)table;
    for (unsigned i = 0; i < image_arrays(image->header->n_columns); i++)
        if (arrays[i].offset)
            arrays[i].checksum = hash_bytes(image->base + arrays[i].offset, arrays[i].bytes);
    struct part_header *header = (struct part_header *)(void *)image->base;
    header->checksum = header_checksum(image);
}

/* An array lies inside the image and has the size that the descriptors ask for. */
static bool array_fits(const struct part_image *image, unsigned i) {
    const struct part_array *array = &image->arrays[i];
    bool text = false;
    uint64_t expected;
    if (i < ARRAY_CORE) {
        expected = core_bytes(image->header, i);
    } else {
        const struct part_descriptor *column =
            &image->descriptors[(i - ARRAY_CORE) / ARRAY_PER_COLUMN];
        unsigned which = (i - ARRAY_CORE) % ARRAY_PER_COLUMN;
        text = which == ARRAY_OF_TEXT;
        expected = column_bytes(image->header, column, which);
        if (text && (column->n_texts ? array->bytes > UINT32_MAX : array->bytes != 0))
            return false;
    }
    if (!text && array->bytes != expected)
        return false;
    if (!array->offset)
        return !array->bytes || may_be_zero(i);
    return array->offset % PART_ALIGN == 0 && array->offset < image->bytes &&
           array->bytes <= image->bytes - array->offset;
}

static bool descriptor_fits(const struct part_image *image, uint32_t i) {
    const struct part_descriptor *column = &image->descriptors[i];
    const struct part_header *header = image->header;
    if (!part_keeps(column->code) || (i && column->code <= column[-1].code))
        return false;
    if (!column->n || column->n > header->n_rows || column->bitmap > 1 || column->code_bytes > 2)
        return false;
    uint32_t values = column->code_bytes ? column->n_values : column->n;
    return column->n_texts <= values && column->n_values <= LIMIT_COLUMN_CODES &&
           (column->n_values > 0) == (column->code_bytes > 0) &&
           (column->code_bytes != 1 || column->n_values <= 256);
}

static bool header_fits(const struct part_image *image, uint64_t bytes) {
    const struct part_header *header = image->header;
    if (bytes < sizeof *header || memcmp(header->magic, PART_MAGIC, sizeof header->magic) != 0 ||
        header->format != PART_FORMAT || header->bytes != bytes)
        return false;
    return header->kind < PART_KINDS && header->n_rows <= PART_MAX_ROWS &&
           header->n_customers <= header->n_rows && header->n_columns <= LIMIT_PROPERTY_COLUMNS &&
           (header->n_rows > 0) == (header->n_customers > 0) &&
           tables_bytes(header->n_columns) <= bytes && header->min_seq >= header->seq_base &&
           header->max_seq >= header->min_seq && header->max_seq - header->seq_base <= UINT32_MAX;
}

static const void *array_or_zeros(const struct part_image *image, unsigned array) {
    uint64_t offset = image->arrays[array].offset;
    return offset ? image->base + offset : part_zeros();
}

static void bind_column(struct part_image *image, uint32_t i) {
    const struct part_descriptor *descriptor = &image->descriptors[i];
    const void *presence = array_or_zeros(image, image_column_array(i, ARRAY_OF_PRESENCE));
    image->columns[i] = (struct part_column){
        .code = descriptor->code,
        .n = descriptor->n,
        .rows = descriptor->bitmap ? NULL : presence,
        .bitmap = descriptor->bitmap ? presence : NULL,
        .rank =
            descriptor->bitmap ? array_or_zeros(image, image_column_array(i, ARRAY_OF_RANK)) : NULL,
        .code_bytes = descriptor->code_bytes,
        .codes = descriptor->code_bytes
                     ? array_or_zeros(image, image_column_array(i, ARRAY_OF_CODES))
                     : NULL,
        .n_values = descriptor->n_values,
        .value_types = array_or_zeros(image, image_column_array(i, ARRAY_OF_TYPES)),
        .payload = array_or_zeros(image, image_column_array(i, ARRAY_OF_PAYLOAD)),
        .text_start = array_or_zeros(image, image_column_array(i, ARRAY_OF_TEXT_START)),
        .text = array_or_zeros(image, image_column_array(i, ARRAY_OF_TEXT)),
    };
}

int image_bind(struct part_image *image, struct err *err) {
    image->header = (const struct part_header *)(const void *)image->base;
    if (!header_fits(image, image->bytes))
        return err_set(err, E_CORRUPT, "a part of the timeline is damaged: its header");
    uint32_t n_columns = image->header->n_columns;
    const char *next = image->base + sizeof *image->header;
    image->descriptors = (const struct part_descriptor *)(const void *)next;
    next += n_columns * sizeof *image->descriptors;
    image->arrays = (const struct part_array *)(const void *)next;
    bool fits = true;
    for (uint32_t i = 0; i < n_columns && fits; i++)
        fits = descriptor_fits(image, i);
    for (unsigned i = 0; i < image_arrays(n_columns) && fits; i++)
        fits = array_fits(image, i);
    if (!fits)
        return err_set(err, E_CORRUPT, "a part of the timeline is damaged: its table of arrays");
    image->columns = calloc(n_columns ? n_columns : 1, sizeof *image->columns);
    if (!image->columns)
        abort();
    for (uint32_t i = 0; i < n_columns; i++)
        bind_column(image, i);
    return 0;
}

int image_check_header(const struct part_image *image, struct err *err) {
    if (image->header->checksum != header_checksum(image))
        return err_set(err, E_CORRUPT, "a part of the timeline is damaged: checksum of its header");
    return 0;
}

struct part_body *part_over(struct part_image *image) {
    struct part_body *body = calloc(1, sizeof *body);
    if (!body)
        abort();
    const struct part_header *header = image->header;
    atomic_init(&body->refs, 1);
    body->image = image;
    body->max_customer = header->max_customer;
    body->touchpoints.registered = body->touchpoints.fd = -1;
    body->part = (struct part){
        .kind = (enum part_kind)header->kind,
        .n_rows = header->n_rows,
        .n_customers = header->n_customers,
        .min_ms = header->min_ms,
        .max_ms = header->max_ms,
        .range_from_ms = header->range_from_ms,
        .range_to_ms = header->range_to_ms,
        .seq_base = header->seq_base,
        .min_seq = header->min_seq,
        .max_seq = header->max_seq,
        .customer = array_or_zeros(image, ARRAY_CUSTOMER),
        .start = array_or_zeros(image, ARRAY_START),
        .sec = array_or_zeros(image, ARRAY_SEC),
        .ms = array_or_zeros(image, ARRAY_MS),
        .seq = array_or_zeros(image, ARRAY_SEQ),
        .event = array_or_zeros(image, ARRAY_EVENT),
        .channel = array_or_zeros(image, ARRAY_CHANNEL),
        .unit = array_or_zeros(image, ARRAY_UNIT),
        .source = array_or_zeros(image, ARRAY_SOURCE),
        .type = array_or_zeros(image, ARRAY_TYPE),
        .touchpoint = part_zeros(),
        .n_columns = header->n_columns,
        .columns = image->columns,
    };
    return body;
}

const struct part_body *part_body_of(const struct part *part) {
    return (const struct part_body *)(const void *)part;
}

void part_retain(struct part_body *part) { atomic_fetch_add(&part->refs, 1); }

void part_release(struct part_body *part) {
    if (!part || atomic_fetch_sub(&part->refs, 1) != 1)
        return;
    guard_unregister(part->touchpoints.registered);
    if (part->touchpoints.base)
        munmap(part->touchpoints.base, part->touchpoints.bytes);
    if (part->touchpoints.fd >= 0)
        close(part->touchpoints.fd);
    image_free(part->image);
    free(part);
}

enum { OWN_PAGES = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

void *pages_new(uint64_t bytes) {
    /* cppcheck-suppress invalidFunctionArg ; no file */
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, OWN_PAGES, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    return pages;
}

void *pointers_new(size_t n) {
    void *pointers = calloc(n + 1, sizeof(void *));
    if (!pointers)
        abort();
    return pointers;
}

static const void *zeros;

static void map_zeros(void) {
    /* Never written, so the kernel's one page of zeros stands behind all of it. */
    /* cppcheck-suppress invalidFunctionArg ; no file */
    void *base = mmap(NULL, (size_t)PART_MAX_ROWS * 2, PROT_READ, OWN_PAGES, -1, 0);
    if (base == MAP_FAILED)
        abort();
    zeros = base;
}

const void *part_zeros(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, map_zeros);
    return zeros;
}

void presence_rank(const uint64_t *bitmap, uint32_t n_rows, uint32_t *rank) {
    uint32_t before = 0, words = (n_rows + 63) / 64;
    for (uint32_t word = 0; word <= words; word++) {
        if (word % (PART_RANK_ROWS / 64) == 0 &&
            word / (PART_RANK_ROWS / 64) <= n_rows / PART_RANK_ROWS)
            rank[word / (PART_RANK_ROWS / 64)] = before;
        if (word < words)
            before += (uint32_t)__builtin_popcountll(bitmap[word]);
    }
}
