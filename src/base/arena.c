/*
 * Arenas: chunks of 16 KB and doubling up to 1 MB; a larger request gets a chunk of its own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_FIRST_BYTES = 16 * 1024, CHUNK_MAX_BYTES = 1024 * 1024, ALIGNMENT = 16 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes; /* usable, after this header */
} __attribute__((aligned(ALIGNMENT)));

void arena_init(struct arena *arena) { *arena = (struct arena){0}; }

void arena_release(struct arena *arena) {
    for (struct arena_chunk *chunk = arena->chunk; chunk;) {
        struct arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    arena_init(arena);
}

void arena_clear(struct arena *arena) {
    struct arena_chunk *newest = arena->chunk;
    if (!newest)
        return;
    struct arena rest = {.chunk = newest->older};
    arena_release(&rest);
    newest->older = NULL;
    arena->next = (char *)(newest + 1);
    arena->end = arena->next + newest->bytes;
}

static void grow(struct arena *arena, size_t n) {
    size_t bytes = arena->chunk ? arena->chunk->bytes * 2 : CHUNK_FIRST_BYTES;
    if (bytes > CHUNK_MAX_BYTES)
        bytes = CHUNK_MAX_BYTES;
    if (bytes < n)
        bytes = n;
    struct arena_chunk *chunk = malloc(sizeof *chunk + bytes);
    if (!chunk)
        abort();
    chunk->older = arena->chunk;
    chunk->bytes = bytes;
    arena->chunk = chunk;
    arena->next = (char *)(chunk + 1);
    arena->end = arena->next + bytes;
}

void *arena_get(struct arena *arena, size_t n) {
    if (n > SIZE_MAX / 2)
        abort();
    n = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (!arena->chunk || (size_t)(arena->end - arena->next) < n)
        grow(arena, n);
    void *memory = arena->next;
    arena->next += n;
    return memory;
}

void *arena_zero(struct arena *arena, size_t n) { return memset(arena_get(arena, n), 0, n); }

char *arena_text(struct arena *arena, struct slice text) {
    char *copy = arena_get(arena, text.n + 1);
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return copy;
}

struct slice arena_copy(struct arena *arena, struct slice text) {
    return text.p ? (struct slice){arena_text(arena, text), text.n} : text;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        abort();
    char *text = arena_get(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}
