/*
 * Counting what the answers of a centre show together: see asked.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/asked.h"

#include <math.h>
#include <stdlib.h>

struct asked_count *asked_new(const struct asked_spec *spec) {
    struct asked_count *count = calloc(1, sizeof *count);
    if (!count)
        abort();
    count->spec = spec;
    key_map_init(&count->places);
    return count;
}

void asked_free(struct asked_count *count) {
    if (!count)
        return;
    key_map_release(&count->places);
    free(count->cells);
    free(count->taps);
    free(count);
}

/* A key: unit, quarter, whether it is of taps. */
enum { KEY_UNIT_SHIFT = 33 };
#define KEY_QUARTER ((UINT64_C(1) << KEY_UNIT_SHIFT) - 1)

/* ---- one answer ---- */

static uint32_t extra_at(const struct view *view, uint32_t place, uint32_t row) {
    return place < VIEW_EXTRAS && view->extra[place] ? view->extra[place][row] : 0;
}

static double extra_number(const struct view *view, uint32_t place, const double *numbers,
                           uint32_t row) {
    uint32_t number = extra_at(view, place, row);
    return number && numbers ? numbers[number] : (double)NAN;
}

static bool is_tap(const struct asked_spec *spec, const struct view *view, uint32_t row) {
    return spec->taps && view->part->event[view_row(view, row)] == spec->taps;
}

/* The best of a scale of five points or more. */
static bool is_best(const struct asked_spec *spec, const struct view *view, uint32_t row) {
    double high = extra_number(view, spec->high, spec->highs, row),
           low = extra_number(view, spec->low, spec->lows, row);
    uint32_t value = view->case_value ? view->case_value[row] : 0;
    return value && high - low >= 4 && spec->values[value] == high;
}

static bool is_wide(const struct asked_spec *spec, const struct view *view, uint32_t row) {
    return extra_number(view, spec->high, spec->highs, row) -
               extra_number(view, spec->low, spec->lows, row) >=
           4;
}

static enum asked own_reason(const struct asked_spec *spec, const struct view *view, uint32_t row) {
    uint32_t flag = extra_at(view, spec->flag, row);
    return flag ? spec->flags[flag] : ASKED_NOT;
}

/* Where an answer stands: its cell's key, 0: in none. */
struct place {
    uint64_t key;
    int64_t day;
    uint16_t minute;
    uint8_t day_kind;
    bool tap;
};

static struct place place_of(const struct asked_spec *spec, const struct view *view, uint32_t row) {
    struct place place = {.tap = is_tap(spec, view, row)};
    uint16_t unit = view->part->unit[view_row(view, row)];
    uint32_t sec = view->sec[row], day;
    if (!unit || !spec->days.n || sec < spec->days.base_s ||
        sec - spec->days.base_s >= spec->days.limit_s)
        return place;
    day = bucket_of(&spec->days, sec);
    int64_t date = spec->first_day + day;
    place.key = (uint64_t)unit << KEY_UNIT_SHIFT | (uint64_t)asked_quarter(date) << 1 | place.tap;
    place.minute = (uint16_t)(((int64_t)sec - spec->days.begin_ms[day] / 1000) / 60);
    place.day = date;
    place.day_kind = (uint8_t)asked_day_kind(date);
    return place;
}

/* ---- counting ---- */

static uint32_t cell_of(struct asked_count *count, uint64_t key) {
    struct key128 at = {key, 1};
    uint32_t place = key_map_get(&count->places, at);
    if (place != MAP_NONE)
        return place;
    if (count->n_cells == count->capacity) {
        count->capacity = count->capacity ? 2 * count->capacity : 64;
        count->cells = realloc(count->cells, count->capacity * sizeof *count->cells);
        if (!count->cells)
            abort();
    }
    count->cells[count->n_cells] = (struct asked_cell){.key = key};
    key_map_put(&count->places, at, (uint32_t)count->n_cells);
    return (uint32_t)count->n_cells++;
}

static void add_tap(struct asked_count *count, struct asked_tap tap) {
    if (count->n_taps == count->taps_capacity) {
        count->taps_capacity = count->taps_capacity ? 2 * count->taps_capacity : 1024;
        count->taps = realloc(count->taps, count->taps_capacity * sizeof *count->taps);
        if (!count->taps)
            abort();
    }
    count->taps[count->n_taps++] = tap;
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct asked_count *count = opaque;
    const struct asked_spec *spec = count->spec;
    (void)owner;
    for (size_t r = 0; r < n; r++) {
        const struct view *view = runs[r].view;
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            struct place place = place_of(spec, view, row);
            if (!place.key || isnan(view->number[row]) ||
                own_reason(spec, view, row) == ASKED_MISUSE)
                continue; /* children are no staff */
            uint32_t at = cell_of(count, place.key);
            struct asked_cell *cell = &count->cells[at];
            bool wordless = !extra_at(view, spec->words, row) && is_wide(spec, view, row);
            cell->answers++;
            cell->flagged += own_reason(spec, view, row) != ASKED_NOT;
            cell->wordless += wordless;
            cell->worded += !wordless && is_wide(spec, view, row);
            cell->tens += wordless && is_best(spec, view, row);
            cell->taps += place.tap;
            if (place.tap)
                cell->days |= asked_day_bit(place.day);
            if (place.tap)
                add_tap(count, (struct asked_tap){at, place.minute, place.day_kind});
        }
    }
}

const struct operator asked_operator = {.customer = customer};

void asked_merge(struct asked_count *into, const struct asked_count *from) {
    for (size_t i = 0; i < from->n_cells; i++) {
        const struct asked_cell *more = &from->cells[i];
        uint32_t at = cell_of(into, more->key);
        struct asked_cell *cell = &into->cells[at];
        cell->answers += more->answers;
        cell->flagged += more->flagged;
        cell->wordless += more->wordless;
        cell->worded += more->worded;
        cell->tens += more->tens;
        cell->taps += more->taps;
        cell->days |= more->days;
    }
    for (size_t i = 0; i < from->n_taps; i++) {
        struct asked_tap tap = from->taps[i];
        tap.cell = cell_of(into, from->cells[tap.cell].key);
        add_tap(into, tap);
    }
}

/* ---- deciding ---- */

static int by_cell(const void *a, const void *b) {
    const struct asked_tap *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->day_kind != y->day_kind)
        return x->day_kind < y->day_kind ? -1 : 1;
    return (x->minute > y->minute) - (x->minute < y->minute);
}

/* The taps of one cell and kind of day: when it closes, and how many came in the last minutes before. */
static void close_day(struct asked_cell *cell, const struct asked_tap *taps, size_t n,
                      uint16_t *minutes) {
    for (size_t i = 0; i < n; i++)
        minutes[i] = taps[i].minute;
    int last = asked_last_minutes(minutes, n);
    cell->last_minutes[taps->day_kind] = (int16_t)last;
    for (size_t i = 0; i < n; i++)
        cell->at_close += minutes[i] >= last;
}

static void close_days(struct asked_count *count) {
    uint16_t *minutes = calloc(count->n_taps + 1, sizeof *minutes);
    if (!minutes)
        abort();
    for (size_t c = 0; c < count->n_cells; c++)
        for (int kind = 0; kind < ASKED_DAY_KINDS; kind++)
            count->cells[c].last_minutes[kind] = ASKED_NEVER_CLOSES;
    if (count->n_taps)
        qsort(count->taps, count->n_taps, sizeof *count->taps, by_cell);
    for (size_t i = 0, end; i < count->n_taps; i = end) {
        const struct asked_tap *first = &count->taps[i];
        for (end = i; end < count->n_taps && count->taps[end].cell == first->cell &&
                      count->taps[end].day_kind == first->day_kind;
             end++)
            ;
        close_day(&count->cells[first->cell], first, end - i, minutes);
    }
    free(minutes);
}

/* Of all cells of a quarter, taps apart. */
struct whole {
    double taps, at_close, wordless, worded, tens;
};

static void decide(struct asked_cell *cell, const struct whole *whole) {
    cell->burst = asked_is_burst(cell->at_close, cell->taps, whole->at_close - cell->at_close,
                                 whole->taps - cell->taps, cell->days);
    cell->all_tens = asked_is_tens(cell->tens, cell->wordless, whole->tens - cell->tens,
                                   whole->wordless - cell->wordless, whole->worded);
    double flagged = (double)cell->flagged + (cell->burst ? cell->at_close : 0) +
                     (cell->all_tens ? cell->tens : 0);
    cell->centre = asked_is_centre(flagged, cell->answers);
}

void asked_decide(struct asked_count *count) {
    struct key_map quarters;
    struct whole *wholes = calloc(count->n_cells + 1, sizeof *wholes);
    uint32_t *of = calloc(count->n_cells + 1, sizeof *of), n = 0;
    if (!wholes || !of)
        abort();
    close_days(count);
    key_map_init(&quarters);
    for (size_t c = 0; c < count->n_cells; c++) {
        const struct asked_cell *cell = &count->cells[c];
        struct key128 key = {cell->key & KEY_QUARTER, 1};
        of[c] = key_map_get(&quarters, key);
        if (of[c] == MAP_NONE)
            key_map_put(&quarters, key, of[c] = n++);
        struct whole *whole = &wholes[of[c]];
        whole->taps += cell->taps;
        whole->at_close += cell->at_close;
        whole->wordless += cell->wordless;
        whole->worded += cell->worded;
        whole->tens += cell->tens;
    }
    for (size_t c = 0; c < count->n_cells; c++)
        decide(&count->cells[c], &wholes[of[c]]);
    key_map_release(&quarters);
    free(wholes);
    free(of);
    free(count->taps); /* cells say all from here on */
    count->spec = NULL;
    count->taps = NULL;
    count->n_taps = count->taps_capacity = 0;
}

enum asked asked_reason(const struct asked_count *count, const struct asked_spec *spec,
                        const struct view *view, uint32_t row) {
    enum asked own = own_reason(spec, view, row);
    if (own || !count)
        return own;
    struct place place = place_of(spec, view, row);
    uint32_t at = place.key ? key_map_get(&count->places, (struct key128){place.key, 1}) : MAP_NONE;
    if (at == MAP_NONE)
        return ASKED_NOT;
    const struct asked_cell *cell = &count->cells[at];
    if (cell->burst && place.tap && place.minute >= cell->last_minutes[place.day_kind])
        return ASKED_CLOSING;
    if (cell->all_tens && !extra_at(view, spec->words, row) && is_best(spec, view, row))
        return ASKED_TENS;
    return cell->centre ? ASKED_CENTRE : ASKED_NOT;
}
