/*
 * Lookups in the overlay of redirected profiles: binary searches in two small sorted arrays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/overlay.h"

/* Place of wanted in ascending array[0 … n), or n. */
static size_t find(const uint32_t *array, size_t n, uint32_t wanted) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (array[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && array[low] == wanted ? low : n;
}

uint32_t overlay_owner(const struct overlay *overlay, uint32_t profile) {
    size_t place = find(overlay->profile, overlay->n, profile);
    return place < overlay->n ? overlay->owner[place] : profile;
}

size_t overlay_members(const struct overlay *overlay, uint32_t owner, const uint32_t *self,
                       const uint32_t **members) {
    size_t group = find(overlay->group_owner, overlay->n_groups, owner);
    if (group == overlay->n_groups) {
        *members = self;
        return 1;
    }
    *members = overlay->group_member + overlay->group_start[group];
    return overlay->group_start[group + 1] - overlay->group_start[group];
}
