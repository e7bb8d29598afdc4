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

/* A file without a name; -1 where there is no room for one. */
static int open_file(size_t bytes) {
    const char *folder = getenv("TMPDIR");
    int fd = open(folder && *folder ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && posix_fallocate(fd, 0, (off_t)bytes) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Empty slots: in memory, or in a mapped file where they are many. */
static uint64_t *slots_new(size_t capacity, bool *mapped) {
    size_t bytes = capacity * sizeof(uint64_t);
    int fd = bytes > FILE_FROM_BYTES ? open_file(bytes) : -1;
    void *slots = NULL;
    *mapped = fd >= 0;
    if (*mapped) {
        slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    } else {
        slots = calloc(capacity, sizeof(uint64_t));
    }
    if (!slots || slots == MAP_FAILED)
        abort();
    return slots;
}

static void slots_free(struct import_ordinals *ordinals) {
    if (ordinals->mapped)
        munmap(ordinals->slots, ordinals->capacity * sizeof *ordinals->slots);
    else
        free(ordinals->slots);
}

void import_ordinals_init(struct import_ordinals *ordinals) {
    *ordinals = (struct import_ordinals){.capacity = FIRST_CAPACITY};
    ordinals->slots = slots_new(FIRST_CAPACITY, &ordinals->mapped);
    key_map_init(&ordinals->repeated);
}

void import_ordinals_release(struct import_ordinals *ordinals) {
    slots_free(ordinals);
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
    bool mapped;
    uint64_t *slots = slots_new(capacity, &mapped);
    for (size_t i = 0; i < ordinals->capacity; i++)
        if (ordinals->slots[i])
            slots[place(slots, capacity, ordinals->slots[i])] = ordinals->slots[i];
    slots_free(ordinals);
    ordinals->slots = slots;
    ordinals->mapped = mapped;
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
