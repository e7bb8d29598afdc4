/*
 * Files of keys: see keys_file.h for the format.
 *
 * A file is written through a mapping of space that was allocated before, so that a full disk is an error of
 * posix_fallocate and never a signal.
 *
 * SOURCE  Filter: F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007), blocked,
 * one bit a word as in the split block filter of Apache Parquet.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/keys_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/file.h"
#include "timeline/guard.h"

enum { HEAD_BYTES = 128, HEAD_SUMMED = 64, BLOCK_BYTES = 64, BLOCK_WORDS = 8, KEY_BYTES = 12 };
enum { VERSION = 1, FILTER_BITS = 12 };

struct head {
    char magic[8];
    uint32_t version, value_bytes;
    uint64_t n, blocks;
    uint32_t dropped, zero;
    uint64_t filter_sum, directory_sum, entries_sum, head_sum;
    char rest[HEAD_BYTES - 72];
};
_Static_assert(sizeof(struct head) == HEAD_BYTES, "head of a key file");

static const char MAGIC[8] = "SENDAKEY";
static const uint32_t SALT[BLOCK_WORDS] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                           0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

struct layout {
    uint64_t filter, directory, entries, end;
};

static uint64_t buckets(unsigned dropped) { return UINT64_C(1) << (8 * dropped); }

static struct layout layout_of(uint64_t n, uint64_t blocks, unsigned dropped,
                               unsigned value_bytes) {
    struct layout layout = {.filter = HEAD_BYTES};
    layout.directory = layout.filter + blocks * BLOCK_BYTES;
    layout.entries = layout.directory + (buckets(dropped) + 1) * sizeof(uint32_t);
    layout.end = layout.entries + n * (KEY_BYTES - dropped + value_bytes);
    return layout;
}

/* About eight entries a bucket or more, so that the directory stays a twentieth of the file. */
static unsigned dropped_for(uint64_t n) {
    return n < 1 << 19 ? n < 1 << 14 ? 1 : 2 : n < 1 << 27 ? 2 : 3;
}

static uint64_t blocks_for(uint64_t n) { return n * FILTER_BITS / ((uint64_t)BLOCK_BYTES * 8) + 1; }

static void filter_add(uint64_t *block, uint32_t b) {
    for (int i = 0; i < BLOCK_WORDS; i++)
        block[i] |= UINT64_C(1) << (b * SALT[i] >> 26);
}

static inline bool filter_has(const uint64_t *block, uint32_t b) {
    for (int i = 0; i < BLOCK_WORDS; i++)
        if (!(block[i] >> (b * SALT[i] >> 26) & 1))
            return false;
    return true;
}

/* The 12 bytes of a key as the order sees them. */
static void key_bytes(struct keys_entry key, unsigned char bytes[KEY_BYTES]) {
    uint64_t a = htobe64(key.a);
    uint32_t b = htobe32(key.b);
    memcpy(bytes, &a, sizeof a);
    memcpy(bytes + sizeof a, &b, sizeof b);
}

static uint32_t bucket_of(struct keys_entry key, unsigned dropped) {
    return (uint32_t)(key.a >> (64 - 8 * dropped));
}

int keys_entry_compare(const void *a, const void *b) {
    const struct keys_entry *x = a, *y = b;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* ---- reading ---- */

static int damaged(struct err *err) { return err_set(err, E_CORRUPT, "a file of keys is damaged"); }

static bool head_fits(const struct head *head, uint64_t bytes) {
    if (memcmp(head->magic, MAGIC, sizeof MAGIC) != 0 || head->version != VERSION ||
        hash_bytes(head, HEAD_SUMMED) != head->head_sum)
        return false;
    if (head->dropped < 1 || head->dropped > 3 || (head->value_bytes && head->value_bytes != 4) ||
        head->n > bytes || head->blocks > bytes || !head->blocks)
        return false;
    return layout_of(head->n, head->blocks, head->dropped, head->value_bytes).end == bytes;
}

int keys_file_open(struct keys_file *file, const char *path, uint64_t bytes, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? err_set(err, E_CORRUPT, "a file of keys is missing")
                               : file_fail(ERR_WORDS("a file of keys"), err);
    const char *map = MAP_FAILED;
    if (file_stamp_take(fd, &file->stamp) && (uint64_t)file->stamp.bytes == bytes &&
        bytes >= HEAD_BYTES)
        map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        close(fd);
        return damaged(err);
    }
    file->map = map;
    file->bytes = bytes;
    file->fd = fd;
    file->guarded = guard_register_zeros(map, bytes, &file->damaged);
    struct head head;
    memcpy(&head, map, sizeof head);
    if (!head_fits(&head, bytes)) {
        keys_file_close(file);
        return damaged(err);
    }
    struct layout layout = layout_of(head.n, head.blocks, head.dropped, head.value_bytes);
    file->n = head.n;
    file->blocks = head.blocks;
    file->dropped = head.dropped;
    file->value_bytes = head.value_bytes;
    file->filter = (const uint64_t *)(const void *)(map + layout.filter);
    file->directory = (const uint32_t *)(const void *)(map + layout.directory);
    file->entries = (const unsigned char *)map + layout.entries;
    return 0;
}

void keys_file_stand_in(struct keys_file *file, unsigned value_bytes) {
    static const uint64_t nothing[BLOCK_WORDS] = {0};
    *file = (struct keys_file){
        .lost = true, .value_bytes = value_bytes, .blocks = 1, .filter = nothing};
}

void keys_file_close(struct keys_file *file) {
    if (file->map) {
        void *map;
        memcpy(&map, &file->map, sizeof map);
        guard_unregister(file->guarded);
        munmap(map, file->bytes);
        close(file->fd);
    }
    file->map = NULL;
}

uint32_t keys_file_get(const struct keys_file *file, struct keys_entry key) {
    if (atomic_load_explicit(&file->damaged, memory_order_relaxed) ||
        !filter_has(keys_file_block(file, key), key.b))
        return MAP_NONE;
    unsigned char bytes[KEY_BYTES];
    key_bytes(key, bytes);
    unsigned left = KEY_BYTES - file->dropped, stride = left + file->value_bytes;
    uint32_t bucket = bucket_of(key, file->dropped);
    uint32_t low = file->directory[bucket], high = file->directory[bucket + 1];
    if (high > file->n)
        return MAP_NONE; /* damaged: verify says so */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const unsigned char *there = file->entries + (uint64_t)middle * stride;
        int order = memcmp(there, bytes + file->dropped, left);
        if (order == 0) {
            uint32_t value = 0;
            memcpy(&value, there + left, file->value_bytes);
            return value;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return MAP_NONE;
}

/* ---- cursors ---- */

static void cursor_load(struct keys_cursor *cursor) {
    cursor->end = cursor->at >= cursor->n;
    if (cursor->end)
        return;
    if (cursor->array) {
        cursor->entry = cursor->array[cursor->at];
        return;
    }
    const struct keys_file *file = cursor->file;
    uint64_t last = buckets(file->dropped) - 1;
    while (cursor->bucket < last && cursor->at >= file->directory[cursor->bucket + 1])
        cursor->bucket++;
    unsigned left = KEY_BYTES - file->dropped;
    const unsigned char *there = file->entries + cursor->at * (left + file->value_bytes);
    unsigned char bytes[KEY_BYTES];
    uint32_t bucket = htobe32(cursor->bucket << (32 - 8 * file->dropped));
    memcpy(bytes, &bucket, sizeof bucket);
    memcpy(bytes + file->dropped, there, left);
    uint64_t a;
    uint32_t b;
    memcpy(&a, bytes, sizeof a);
    memcpy(&b, bytes + sizeof a, sizeof b);
    cursor->entry = (struct keys_entry){be64toh(a), be32toh(b), 0};
    memcpy(&cursor->entry.value, there + left, file->value_bytes);
}

void keys_cursor_file(struct keys_cursor *cursor, const struct keys_file *file) {
    *cursor = (struct keys_cursor){.file = file, .n = file->n};
    cursor_load(cursor);
}

void keys_cursor_array(struct keys_cursor *cursor, const struct keys_entry *entries, size_t n) {
    *cursor = (struct keys_cursor){.array = entries, .n = n};
    cursor_load(cursor);
}

static void keys_cursor_next(struct keys_cursor *cursor) {
    cursor->at++;
    cursor_load(cursor);
}

/* The smallest entry of all, the newest of equal ones; moves past all of them. */
static bool merge_next(struct keys_cursor *cursors, size_t n, struct keys_entry *entry) {
    bool found = false;
    for (size_t i = 0; i < n; i++)
        if (!cursors[i].end && (!found || keys_entry_compare(&cursors[i].entry, entry) <= 0)) {
            *entry = cursors[i].entry;
            found = true;
        }
    for (size_t i = 0; found && i < n; i++)
        if (!cursors[i].end && keys_entry_compare(&cursors[i].entry, entry) == 0)
            keys_cursor_next(&cursors[i]);
    return found;
}

/* ---- writing ---- */

static void write_entries(char *map, struct head *head, struct layout *layout,
                          struct keys_cursor *cursors, size_t n) {
    uint64_t *filter = (uint64_t *)(void *)(map + layout->filter);
    uint32_t *directory = (uint32_t *)(void *)(map + layout->directory);
    unsigned left = KEY_BYTES - head->dropped;
    char *p = map + layout->entries;
    uint64_t bucket = 0;
    struct keys_entry entry = {0};
    head->n = 0;
    while (merge_next(cursors, n, &entry)) {
        for (uint32_t at = bucket_of(entry, head->dropped); bucket <= at; bucket++)
            directory[bucket] = (uint32_t)head->n;
        filter_add(filter + ((uint64_t)(uint32_t)entry.a * head->blocks >> 32) * BLOCK_WORDS,
                   entry.b);
        unsigned char bytes[KEY_BYTES];
        key_bytes(entry, bytes);
        memcpy(p, bytes + head->dropped, left);
        memcpy(p + left, &entry.value, head->value_bytes);
        p += left + head->value_bytes;
        head->n++;
    }
    for (; bucket <= buckets(head->dropped); bucket++)
        directory[bucket] = (uint32_t)head->n;
    layout->end = (uint64_t)(p - map);
    head->filter_sum = hash_bytes(filter, layout->directory - layout->filter);
    head->directory_sum = hash_bytes(directory, layout->entries - layout->directory);
    head->entries_sum = hash_bytes(map + layout->entries, layout->end - layout->entries);
    head->head_sum = hash_bytes(head, HEAD_SUMMED);
    memcpy(map, head, sizeof *head);
}

static int write_mapped(int fd, struct keys_cursor *cursors, size_t n, struct head *head,
                        uint64_t *bytes, struct err *err) {
    uint64_t most = 0;
    for (size_t i = 0; i < n; i++)
        most += cursors[i].n;
    if (most >= UINT32_MAX)
        return err_set(err, E_INTERNAL, "too many keys for one file");
    head->dropped = dropped_for(most);
    head->blocks = blocks_for(most);
    struct layout layout = layout_of(most, head->blocks, head->dropped, head->value_bytes);
    uint64_t allocated = layout.end;
    errno = posix_fallocate(fd, 0, (off_t)allocated);
    if (errno)
        return file_fail(ERR_WORDS("a file of keys"), err);
    char *map = mmap(NULL, allocated, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return file_fail(ERR_WORDS("a file of keys"), err);
    write_entries(map, head, &layout, cursors, n);
    munmap(map, allocated);
    *bytes = layout.end;
    if (ftruncate(fd, (off_t)layout.end) || fsync(fd))
        return file_fail(ERR_WORDS("a file of keys"), err);
    return 0;
}

int keys_file_write(const char *path, struct keys_cursor *cursors, size_t n, unsigned value_bytes,
                    uint64_t *keys, uint64_t *bytes, struct err *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fail(ERR_WORDS("a file of keys"), err);
    struct head head = {.version = VERSION, .value_bytes = value_bytes};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    int code = write_mapped(fd, cursors, n, &head, bytes, err);
    *keys = head.n;
    close(fd);
    if (code)
        unlink(path);
    return code;
}

bool keys_file_sound(const struct keys_file *file) {
    return !file->lost && !atomic_load(&file->damaged) && file_stamp_holds(file->fd, &file->stamp);
}

bool keys_file_summed(const struct keys_file *file) {
    struct head head;
    if (file->lost || atomic_load(&file->damaged))
        return false;
    memcpy(&head, file->map, sizeof head);
    struct layout layout = layout_of(file->n, file->blocks, file->dropped, file->value_bytes);
    return head_fits(&head, file->bytes) &&
           hash_bytes(file->filter, layout.directory - layout.filter) == head.filter_sum &&
           hash_bytes(file->directory, layout.entries - layout.directory) == head.directory_sum &&
           hash_bytes(file->entries, layout.end - layout.entries) == head.entries_sum &&
           !atomic_load(&file->damaged);
}

int keys_file_verify(const struct keys_file *file, struct err *err) {
    if (!keys_file_summed(file))
        return damaged(err);
    struct keys_cursor cursor;
    struct keys_entry before = {0};
    for (keys_cursor_file(&cursor, file); !cursor.end; keys_cursor_next(&cursor)) {
        if (cursor.at && keys_entry_compare(&before, &cursor.entry) >= 0)
            return damaged(err);
        if (!filter_has(keys_file_block(file, cursor.entry), cursor.entry.b))
            return damaged(err);
        before = cursor.entry;
    }
    return 0;
}
