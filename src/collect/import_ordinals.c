/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_ordinals.h"

#include "collect/import_scratch.h"

enum { FIRST_CAPACITY = 1 << 16 };

static void slots_free(struct import_ordinals *ordinals) {
    import_scratch_free(ordinals->slots, ordinals->capacity * sizeof *ordinals->slots,
                        ordinals->mapped);
}

void import_ordinals_init(struct import_ordinals *ordinals) {
    *ordinals = (struct import_ordinals){.capacity = FIRST_CAPACITY};
    ordinals->slots =
        import_scratch_get(FIRST_CAPACITY * sizeof *ordinals->slots, &ordinals->mapped);
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
    uint64_t *slots = import_scratch_get(capacity * sizeof *slots, &mapped);
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
