/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_ordinals.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 1 << 16 };
#define FILE_FROM_BYTES ((size_t)32 * 1024 * 1024)

static uint64_t *map_slots(size_t capacity) {
    size_t bytes = capacity * sizeof(uint64_t);
    int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (bytes > FILE_FROM_BYTES) {
        const char *folder = getenv("TMPDIR");
        fd = open(folder && *folder ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0 &&
            posix_fallocate(fd, 0, (off_t)bytes) == 0) {
            flags = MAP_SHARED;
        } else if (fd >= 0) { /* no room there: stay in memory */
            close(fd);
            fd = -1;
        }
    }
    void *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (fd >= 0)
        close(fd);
    if (slots == MAP_FAILED)
        abort();
    return slots;
}

void import_ordinals_init(struct import_ordinals *ordinals) {
    *ordinals = (struct import_ordinals){.capacity = FIRST_CAPACITY};
    ordinals->slots = map_slots(FIRST_CAPACITY);
    key_map_init(&ordinals->repeated);
}

void import_ordinals_release(struct import_ordinals *ordinals) {
    if (ordinals->slots)
        munmap(ordinals->slots, ordinals->capacity * sizeof *ordinals->slots);
    key_map_release(&ordinals->repeated);
    *ordinals = (struct import_ordinals){0};
}

static size_t place(const uint64_t *slots, size_t capacity, uint64_t key) {
    size_t i = key & (capacity - 1);
    while (slots[i] && slots[i] != key)
        i = (i + 1) & (capacity - 1);
    return i;
}

static void grow(struct import_ordinals *ordinals) {
    size_t capacity = ordinals->capacity * 2;
    uint64_t *slots = map_slots(capacity);
    for (size_t i = 0; i < ordinals->capacity; i++)
        if (ordinals->slots[i])
            slots[place(slots, capacity, ordinals->slots[i])] = ordinals->slots[i];
    munmap(ordinals->slots, ordinals->capacity * sizeof *ordinals->slots);
    ordinals->slots = slots;
    ordinals->capacity = capacity;
}

uint64_t import_ordinals_next(struct import_ordinals *ordinals, struct key128 key) {
    uint64_t mark = key.a ? key.a : 1;
    size_t i = place(ordinals->slots, ordinals->capacity, mark);
    if (!ordinals->slots[i]) {
        ordinals->slots[i] = mark;
        if (++ordinals->n * 10 > ordinals->capacity * 7)
            grow(ordinals);
        return 0;
    }
    uint32_t seen = key_map_get(&ordinals->repeated, key);
    uint32_t ordinal = seen == MAP_NONE ? 1 : seen + 1;
    key_map_put(&ordinals->repeated, key, ordinal);
    return ordinal;
}
