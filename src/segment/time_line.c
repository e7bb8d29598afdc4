/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/time_line.h"

#include <stdlib.h>
#include <string.h>

enum { HORIZON_MS = 10 * 60 * 1000, EXTEND_MS = 60 * 1000 };

void time_line_release(struct time_line *line) {
    free(line->heap);
    *line = (struct time_line){0};
}

static void push(struct time_line *line, struct time_due due) {
    if (line->n == line->capacity) {
        line->capacity = line->capacity ? 2 * line->capacity : 1024;
        line->heap = realloc(line->heap, line->capacity * sizeof *line->heap);
        if (!line->heap)
            abort();
    }
    size_t at = line->n++;
    for (; at && line->heap[(at - 1) / 2].due_ms > due.due_ms; at = (at - 1) / 2)
        line->heap[at] = line->heap[(at - 1) / 2];
    line->heap[at] = due;
}

static struct time_due pop(struct time_line *line) {
    struct time_due first = line->heap[0], last = line->heap[--line->n];
    size_t at = 0;
    for (size_t child = 1; child < line->n; child = 2 * at + 1) {
        child += child + 1 < line->n && line->heap[child + 1].due_ms < line->heap[child].due_ms;
        if (last.due_ms <= line->heap[child].due_ms)
            break;
        line->heap[at] = line->heap[child];
        at = child;
    }
    line->heap[at] = last;
    return first;
}

struct ahead {
    struct time_line *line;
    int64_t length_ms;
};

static void take_row(void *context, uint32_t owner, int64_t time_ms) {
    const struct ahead *ahead = context;
    push(ahead->line, (struct time_due){time_ms + ahead->length_ms + 1, owner});
}

static bool same_lengths(const struct time_line *line, const int64_t *lengths_ms, size_t n) {
    return line->n_lengths == n + (n > 0) &&
           (!n || memcmp(line->lengths_ms, lengths_ms, n * sizeof *lengths_ms) == 0);
}

void time_line_clear(struct time_line *line) {
    line->until_ms = 0;
    line->n = 0;
}

int time_line_extend(struct time_line *line, const struct snapshot *snapshot,
                     const int64_t *lengths_ms, size_t n_lengths, int64_t now_ms, struct err *err) {
    if (lengths_ms && !same_lengths(line, lengths_ms, n_lengths)) {
        time_line_clear(line);
        memcpy(line->lengths_ms, lengths_ms, n_lengths * sizeof *lengths_ms);
        line->n_lengths = n_lengths;
        if (n_lengths)
            line->lengths_ms[line->n_lengths++] = 0;
    }
    if (!line->n_lengths || line->until_ms - now_ms > EXTEND_MS)
        return 0;
    int64_t from_ms = line->until_ms ? line->until_ms : now_ms, to_ms = now_ms + HORIZON_MS;
    int code = 0;
    for (size_t i = 0; i < line->n_lengths && !code; i++) {
        struct ahead ahead = {line, line->lengths_ms[i]};
        code = members_between(snapshot, from_ms - ahead.length_ms, to_ms - ahead.length_ms,
                               line->without, take_row, &ahead, err);
    }
    line->until_ms = code ? 0 : to_ms;
    if (code) /* found again, all of it */
        line->n = 0;
    return code;
}

void time_line_note(struct time_line *line, uint32_t owner, int64_t time_ms, int64_t now_ms) {
    for (size_t i = 0; i < line->n_lengths; i++) {
        int64_t due_ms = time_ms + line->lengths_ms[i] + 1;
        if (due_ms > now_ms && due_ms <= line->until_ms)
            push(line, (struct time_due){due_ms, owner});
    }
}

void time_line_take(struct time_line *line, int64_t now_ms, roaring_bitmap_t *dirty) {
    while (line->n && line->heap[0].due_ms <= now_ms)
        roaring_bitmap_add(dirty, pop(line).owner);
}
