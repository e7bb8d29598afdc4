/*
 * What the files about parts share: the image (one block of memory, in the heap or a mapped file, holding every array
 * of a part) and how it is planned, allocated and bound to a struct part.
 *
 * FORMAT of an image, little endian, every offset from its start
 *   struct part_header
 *   struct part_descriptor [n_columns]    properties, by code
 *   struct part_array [ARRAY_CORE + n_columns * ARRAY_PER_COLUMN]
 *   the arrays, each at a multiple of 64 bytes
 * An array of offset 0 is not stored: it is empty, or (some core arrays) all zero.
 * The touchpoint column stands in a file of its own, see part_file.c. Some arrays of files are sealed, see part_seal.h.
 *
 * INVARIANTS
 *  1. Sizes of all arrays but text follow from the header and the descriptors; a reader computes and compares them.
 *  2. header.checksum covers header, descriptors and array table; the table holds the checksum of each array.
 *  3. Values of a dictionary ascend strictly (value_key_compare), so that dictionaries merge without hashing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_PART_INTERNAL_H
#define SENDA_TIMELINE_PART_INTERNAL_H

#include <stdatomic.h>

#include "base/limits.h"
#include "store/file.h"
#include "timeline/guard.h"
#include "timeline/part.h"

#define PART_MAGIC "SENDPART"
#define PART_TOUCH_MAGIC "SENDTPNT"
#define PART_MAX_ROWS (UINT32_C(1) << 30)
enum { PART_FORMAT = 2, PART_ALIGN = 64, PART_RANK_ROWS = 512, PART_NONCE_BYTES = 16 };

enum part_array_id {
    ARRAY_CUSTOMER,
    ARRAY_START,
    ARRAY_SEC,
    ARRAY_MS,
    ARRAY_SEQ,
    ARRAY_EVENT,
    ARRAY_CHANNEL,
    ARRAY_UNIT,
    ARRAY_SOURCE,
    ARRAY_TYPE,
    ARRAY_CORE, /* how many; then for each column: */
    ARRAY_OF_PRESENCE = 0,
    ARRAY_OF_RANK,
    ARRAY_OF_CODES,
    ARRAY_OF_TYPES,
    ARRAY_OF_PAYLOAD,
    ARRAY_OF_TEXT_START,
    ARRAY_OF_TEXT,
    ARRAY_PER_COLUMN
};

struct part_header {
    char magic[8];
    uint32_t format, kind;
    uint64_t bytes; /* of the whole image */
    uint32_t n_rows, n_customers, n_columns, max_customer;
    int64_t min_ms, max_ms, range_from_ms, range_to_ms;
    uint64_t seq_base, min_seq, max_seq;
    uint8_t key_id; /* of the key that seals; 0: nothing is sealed */
    uint8_t unused[7];
    unsigned char nonce[PART_NONCE_BYTES];
    uint64_t checksum; /* XXH3 of header (this field 0), descriptors and array table */
};

struct part_descriptor {
    uint32_t code, n, n_values, n_texts;
    uint8_t code_bytes; /* 0: no dictionary */
    uint8_t bitmap;     /* presence: 1 bitmap and rank, 0 row numbers */
    uint8_t sealed;     /* bits of enum part_sealed */
    uint8_t unused[5];
};

struct part_array {
    uint64_t offset, bytes, checksum;
};

/* What must be known before an image can be allocated. */
struct part_plan {
    struct part_header
        header; /* counts, times, seqs, kind, range; the rest is filled by image_new */
    struct part_descriptor *descriptors;
    uint64_t *text_bytes;         /* [n_columns] */
    bool all_zero[ARRAY_CORE];    /* arrays that need not be stored: MS … TYPE only */
    const struct part_seal *seal; /* of a file; NULL: nothing is sealed */
};

/* A sealed array in memory of its own. */
struct opened_array {
    void *bytes; /* NULL: the array is not sealed */
    bool done;   /* filled */
};

struct part_image {
    atomic_uint refs;
    char *base;
    uint64_t bytes;
    int registered; /* place in the table of mappings guarded against SIGBUS; -1 in the heap */
    int fd;         /* of the file as long as it is mapped; -1 in the heap */
    struct file_stamp stamp; /* checksums were looked at since */
    const struct part_header *header;
    const struct part_descriptor *descriptors;
    const struct part_array *arrays;
    struct part_column *columns; /* bound views */
    _Atomic(uint8_t) *checked;   /* one an array: 1 its checksum was right; NULL in the heap */
    atomic_bool damaged;         /* found wrong once: never served again */
    const unsigned char *key;    /* of sealed arrays; NULL: there are none */
    struct opened_array *opened; /* one an array; NULL: nothing is sealed, or it is being filled */
};

/* The touchpoint column: heap or mapped, shared by nobody. */
struct part_touchpoints {
    char *base;
    uint64_t bytes;
    int registered, fd;
    struct file_stamp stamp;
    const uint16_t *codes;
    uint64_t checksum;
    _Atomic(uint8_t) checked;
};

/* Every struct part is the first member of one of these. */
struct part_body {
    struct part part;
    atomic_uint refs;
    struct part_image *image; /* NULL: a placeholder for a file that cannot be read */
    struct part_touchpoints touchpoints;
    uint32_t number; /* of the file; 0 in memory */
    uint32_t max_customer;
    atomic_bool damaged;        /* of touchpoints, or placeholder */
    atomic_uint full, not_full; /* columns of which part_column_full is known */
    bool is_full;               /* merging it failed for its size (maintenance) */
};

static inline struct part_body *part_body(struct part *part) {
    return (struct part_body *)(void *)part;
}
const struct part_body *part_body_of(const struct part *part);

/* part_image.c ------------------------------------------------------------------------------------------------ */

/* Allocates an image: in the heap (fd < 0) or as the content of an empty file. All arrays are zero, to be filled
 * through image_array. E_TOO_LARGE, E_NOSPACE, E_IO. */
must_use int image_new(struct part_image **image, const struct part_plan *plan, int fd,
                       struct err *err);
void image_free(struct part_image *image);
/* Where an array is to be filled; NULL when it is not stored. */
void *image_array(struct part_image *image, unsigned array);
static inline unsigned image_column_array(uint32_t column, unsigned which) {
    return ARRAY_CORE + column * ARRAY_PER_COLUMN + which;
}
static inline unsigned image_arrays(uint32_t n_columns) {
    return ARRAY_CORE + n_columns * ARRAY_PER_COLUMN;
}
/* Computes every checksum; after this an image is ready to be written or synced. */
void image_finish(struct part_image *image);
/* Checks header and array table against `bytes` and binds the columns. 0 or E_CORRUPT. */
must_use int image_bind(struct part_image *image, struct err *err);
/* A new part over an image (takes over its reference), without touchpoints. */
struct part_body *part_over(struct part_image *image);

void part_retain(struct part_body *part);
void part_release(struct part_body *part);

/* Zeroed memory of its own pages, so that it goes back to the system whatever the heap looks like. NULL if there is
 * none; given back with munmap. */
void *pages_new(uint64_t bytes);
/* A zeroed list of pointers to parts or rows; free() it. */
void *pointers_new(size_t n);

/* Zero bytes that need no memory: what arrays that are not stored point to. */
const void *part_zeros(void);

/* Presence ---------------------------------------------------------------------------------------------------- */

/* A bitmap is smaller than row numbers. */
static inline bool presence_by_bitmap(uint32_t n, uint32_t n_rows) {
    return (uint64_t)n * 4 > (uint64_t)n_rows / 8 + (uint64_t)n_rows / 128 + 16;
}
/* Fills rank from bitmap. */
void presence_rank(const uint64_t *bitmap, uint32_t n_rows, uint32_t *rank);

/* Values ------------------------------------------------------------------------------------------------------ */

/* Order of values inside a dictionary: type, key, then (texts) bytes. */
struct value_key {
    uint8_t type;
    uint64_t key; /* order-preserving form of a number, or the first eight bytes of a text */
    struct slice text;
};
uint64_t value_payload(const struct value *value);
struct value_key value_key(const struct value *value);
int value_key_compare(const struct value_key *a, const struct value_key *b);

/* part_build.c ------------------------------------------------------------------------------------------------ */

/* Like part_build, of rows of one kind given by pointer, with the range they belong to. */
must_use int part_build_range(struct part_body **part, enum part_kind kind, int64_t from_ms,
                              int64_t to_ms, const struct row *const *rows, size_t n,
                              struct err *err);

/* Columns are kept for the first LIMIT_PROPERTY_COLUMNS names of the organisation, in every part the same. */
static inline bool part_keeps(uint32_t code) { return code >= 1 && code <= LIMIT_PROPERTY_COLUMNS; }

#endif
