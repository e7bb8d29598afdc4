/*
 * Memory of one request, query, job or command: many small allocations, freed together.
 * Small allocation failure aborts (the log is crash-safe). Not for use by several threads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_ARENA_H
#define SENDA_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* newest first */
    char *next, *end;
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);
/* Frees all but the newest chunk and starts again: for loops that reuse one arena. */
void arena_clear(struct arena *arena);

/* n bytes, aligned to 16, not cleared. Never NULL; n = 0 is allowed. */
void *arena_get(struct arena *arena, size_t n);
/* The same, cleared. */
void *arena_zero(struct arena *arena, size_t n);
/* A copy with a terminating 0 (not counted in .n). An absent slice stays absent. */
struct slice arena_copy(struct arena *arena, struct slice text);
/* A copy of a slice as a C string. */
char *arena_text(struct arena *arena, struct slice text);
__attribute__((format(printf, 2, 3))) char *arena_format(struct arena *arena, const char *format,
                                                         ...);

#define ARENA_ARRAY(arena, type, n) ((type *)arena_zero((arena), sizeof(type) * (n)))

#endif
