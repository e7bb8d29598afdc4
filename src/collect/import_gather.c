/*
 * FORMAT of a kept row: struct kept, then the bytes of raw, of wrong, the lengths of the cells (4 bytes each), their dates (1 byte each,
 * where there are some) and their texts. Places count from 1, so that 0 is none.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "collect/import_scratch.h"

enum { FIRST_SLOTS = 1 << 12, WRITE_BYTES = 1 << 20, ROW_BYTES = 64 << 20 };

struct kept {
    uint64_t next; /* place of the next row of the group, 0: none */
    uint64_t number;
    uint32_t bytes, raw, wrong, cells; /* bytes: of everything behind this */
    uint8_t follows, has_wrong, has_dates, unused[5];
};

struct slot {
    struct key128 key;
    uint64_t last; /* place of the last row, 0: an empty slot */
};

struct import_gather {
    int fd;
    struct buf unwritten; /* bytes behind `written` */
    uint64_t written;
    struct slot *slots;
    size_t n, capacity;
    bool mapped;
    char *rows; /* the whole file, once it has ended */
    uint64_t size, at,
        rest; /* rest: place of the next row of a group that was too large, 0: none */
};

/* ---- the last row of each group ---- */

static struct slot *find(struct slot *slots, size_t capacity, struct key128 key) {
    size_t i = key.a & (capacity - 1);
    while (slots[i].last && (slots[i].key.a != key.a || slots[i].key.b != key.b))
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static void grow(struct import_gather *gather) {
    size_t capacity = gather->capacity * 2;
    bool mapped;
    struct slot *slots = import_scratch_get(capacity * sizeof *slots, &mapped);
    for (size_t i = 0; i < gather->capacity; i++)
        if (gather->slots[i].last)
            *find(slots, capacity, gather->slots[i].key) = gather->slots[i];
    import_scratch_free(gather->slots, gather->capacity * sizeof *slots, gather->mapped);
    gather->slots = slots;
    gather->mapped = mapped;
    gather->capacity = capacity;
}

/* ---- writing ---- */

int import_gather_open(struct import_gather **gather, struct err *err) {
    struct import_gather *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    opened->fd = import_scratch_file();
    if (opened->fd < 0)
        opened->fd = memfd_create("rows", MFD_CLOEXEC);
    opened->capacity = FIRST_SLOTS;
    opened->slots = import_scratch_get(FIRST_SLOTS * sizeof *opened->slots, &opened->mapped);
    buf_init(&opened->unwritten, WRITE_BYTES + (size_t)ROW_BYTES);
    if (opened->fd < 0) {
        import_gather_close(opened);
        return err_set(err, E_IO, "there is no place for the rows of the file");
    }
    *gather = opened;
    return 0;
}

void import_gather_close(struct import_gather *gather) {
    if (!gather)
        return;
    if (gather->rows)
        munmap(gather->rows, gather->size);
    if (gather->fd >= 0)
        close(gather->fd);
    import_scratch_free(gather->slots, gather->capacity * sizeof *gather->slots, gather->mapped);
    buf_release(&gather->unwritten);
    free(gather);
}

static int write_at(const struct import_gather *gather, const char *p, size_t n, uint64_t at,
                    struct err *err) {
    while (n) {
        ssize_t done = pwrite(gather->fd, p, n, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return err_set(err, E_NOSPACE, "there is no place for the rows of the file");
        p += done;
        n -= (size_t)done;
        at += (uint64_t)done;
    }
    return 0;
}

static int flush(struct import_gather *gather, struct err *err) {
    int code = write_at(gather, gather->unwritten.p, gather->unwritten.n, gather->written, err);
    gather->written += gather->unwritten.n;
    buf_clear(&gather->unwritten);
    return code;
}

/* The row at a place gets one behind it. */
static int link_rows(struct import_gather *gather, uint64_t place, uint64_t next, struct err *err) {
    uint64_t at = place - 1 + offsetof(struct kept, next);
    if (at < gather->written)
        return write_at(gather, (const char *)&next, sizeof next, at, err);
    memcpy(gather->unwritten.p + (at - gather->written), &next, sizeof next);
    return 0;
}

static bool add_row(struct buf *out, const struct table_row *row, bool follows) {
    struct kept kept = {.number = row->number,
                        .raw = (uint32_t)row->raw.n,
                        .wrong = row->wrong ? (uint32_t)strlen(row->wrong) : 0,
                        .cells = (uint32_t)row->n,
                        .follows = follows,
                        .has_wrong = row->wrong != NULL,
                        .has_dates = row->dates != NULL};
    size_t start = out->n;
    buf_add(out, &kept, sizeof kept);
    buf_add_slice(out, row->raw);
    buf_add(out, row->wrong, kept.wrong);
    for (size_t i = 0; i < row->n; i++)
        buf_add(out, &(uint32_t){(uint32_t)row->cells[i].n}, sizeof(uint32_t));
    if (row->dates)
        buf_add(out, row->dates, row->n);
    for (size_t i = 0; i < row->n; i++)
        buf_add_slice(out, row->cells[i]);
    if (out->full)
        return false;
    kept.bytes = (uint32_t)(out->n - start - sizeof kept);
    memcpy(out->p + start, &kept, sizeof kept);
    return true;
}

int import_gather_put(struct import_gather *gather, const struct table_row *row,
                      const struct key128 *key, struct err *err) {
    uint64_t place = gather->written + gather->unwritten.n + 1;
    struct slot *slot = key ? find(gather->slots, gather->capacity, *key) : NULL;
    if (!add_row(&gather->unwritten, row, slot && slot->last))
        return err_set(err, E_TOO_LARGE, "row %llu is too long", (unsigned long long)row->number);
    int code = slot && slot->last ? link_rows(gather, slot->last, place, err) : 0;
    if (!code && slot) {
        bool first = !slot->last;
        *slot = (struct slot){*key, place};
        if (first && ++gather->n * 10 > gather->capacity * 7)
            grow(gather);
    }
    return !code && gather->unwritten.n >= WRITE_BYTES ? flush(gather, err) : code;
}

int import_gather_end(struct import_gather *gather, struct err *err) {
    int code = flush(gather, err);
    gather->size = gather->written;
    if (code || !gather->size)
        return code;
    void *rows = mmap(NULL, gather->size, PROT_READ, MAP_SHARED, gather->fd, 0);
    if (rows == MAP_FAILED)
        return err_set(err, E_IO, "the rows of the file cannot be read again");
    gather->rows = rows;
    return 0;
}

/* ---- reading ---- */

static struct kept kept_at(const struct import_gather *gather, uint64_t at) {
    struct kept kept;
    memcpy(&kept, gather->rows + at, sizeof kept);
    return kept;
}

/* Everything of the row in the arena. */
static void read_row(const struct import_gather *gather, uint64_t place, struct arena *arena,
                     struct table_row *row, uint64_t *next) {
    struct kept kept = kept_at(gather, place - 1);
    const char *p = gather->rows + place - 1 + sizeof kept;
    *row = (struct table_row){.n = kept.cells, .number = kept.number};
    *next = kept.next;
    row->raw = arena_copy(arena, (struct slice){p, kept.raw});
    p += kept.raw;
    if (kept.has_wrong)
        row->wrong = arena_text(arena, (struct slice){p, kept.wrong});
    p += kept.wrong;
    const char *lengths = p,
               *text = p + kept.cells * sizeof(uint32_t) + (kept.has_dates ? kept.cells : 0);
    row->cells = ARENA_ARRAY(arena, struct slice, row->n + 1);
    for (size_t i = 0; i < row->n; i++) {
        uint32_t n;
        memcpy(&n, lengths + i * sizeof n, sizeof n);
        row->cells[i] = arena_copy(arena, (struct slice){text, n});
        text += n;
    }
    if (kept.has_dates) {
        row->dates = ARENA_ARRAY(arena, bool, row->n + 1);
        memcpy(row->dates, lengths + row->n * sizeof(uint32_t), row->n);
    }
}

/* The rows as they stand in the file, one below the other. */
static struct slice join_raw(const struct table_row *first, struct arena *arena) {
    size_t n = 0;
    for (const struct table_row *row = first; row; row = row->more)
        n += row->raw.n + 1;
    char *text = arena_get(arena, n + 1), *to = text;
    for (const struct table_row *row = first; row; row = row->more) {
        if (row->raw.n)
            memcpy(to, row->raw.p, row->raw.n);
        to += row->raw.n;
        *to++ = '\n';
    }
    return (struct slice){text, n - 1};
}

/* The place of the next group's first row; 0: there is none. */
static uint64_t first_of_next(struct import_gather *gather) {
    uint64_t place = gather->rest;
    gather->rest = 0;
    while (!place && gather->at < gather->size) {
        struct kept kept = kept_at(gather, gather->at);
        if (!kept.follows)
            place = gather->at + 1;
        gather->at += sizeof kept + kept.bytes;
    }
    return place;
}

bool import_gather_next(struct import_gather *gather, size_t most, struct arena *arena,
                        struct table_row *row) {
    uint64_t next, place = first_of_next(gather);
    if (!place)
        return false;
    read_row(gather, place, arena, row, &next);
    const struct table_row **end = &row->more;
    size_t n = 1;
    for (; next && n < most; n++) {
        struct table_row *one = ARENA_ARRAY(arena, struct table_row, 1);
        read_row(gather, next, arena, one, &next);
        *end = one;
        end = &one->more;
    }
    gather->rest = next;
    if (n > 1)
        row->raw = join_raw(row, arena);
    return true;
}
