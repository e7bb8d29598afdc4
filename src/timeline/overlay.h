/*
 * Redirected profiles: who owns a profile now. Rows keep the profile number they arrived with; merging customers
 * edits this small map only, so that separating them again is exact.
 *
 * Immutable once published; a snapshot pins one version.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_OVERLAY_H
#define SENDA_TIMELINE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct overlay {
    uint64_t version;
    size_t n;                     /* redirected profiles */
    const uint32_t *profile;      /* [n] ascending */
    const uint32_t *owner;        /* [n] final owner (never itself redirected) */
    size_t n_groups;              /* owners with at least one redirected profile */
    const uint32_t *group_owner;  /* [n_groups] ascending */
    const uint32_t *group_start;  /* [n_groups + 1] into group_member */
    const uint32_t *group_member; /* profiles of each group, the owner first */
};

/* The owner of a profile (itself if not redirected). */
uint32_t overlay_owner(const struct overlay *overlay, uint32_t profile);
/* Profiles of an owner: sets *members and returns how many (at least 1: owner itself through *self). */
size_t overlay_members(const struct overlay *overlay, uint32_t owner, const uint32_t *self,
                       const uint32_t **members);

#endif
