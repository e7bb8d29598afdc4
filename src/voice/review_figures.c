/*
 * Figures of what is rated: counts by stars, mean with its interval, figures for ordering, how many wait, were refused, are
 * held back.
 *
 * The belief that few reviews are drawn to (rating_bayes) is the mean of all counted reviews of the same kind of subject; it
 * weighs like PRIOR_N reviews.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "stats/rating.h"
#include "voice/internal.h"

enum { PRIOR_N = 10 };

/* Sums of the reviews that a group of the query has in common. */
struct group {
    int stars;
    enum review_state state;
    bool held, external;
    double n, sum, squares;
    uint64_t verified, invited, written, replied;
    int64_t newest_ms;
};

struct tally {
    struct review_figures *figures;
    double sum, squares, held_n, held_sum, external_sum;
};

static void add_group(struct tally *tally, const struct group *group) {
    struct review_figures *figures = tally->figures;
    if (group->newest_ms > figures->newest_ms)
        figures->newest_ms = group->newest_ms;
    if (group->state == REVIEW_REFUSED) {
        figures->refused += (uint64_t)group->n;
        return;
    }
    if (group->external) {
        figures->external += (uint64_t)group->n;
        tally->external_sum += group->sum;
        return;
    }
    bool held = group->held && group->state == REVIEW_WAITS;
    figures->waiting += group->state == REVIEW_WAITS ? (uint64_t)group->n : 0;
    figures->published += group->state == REVIEW_PUBLISHED ? (uint64_t)group->n : 0;
    if (held) {
        figures->held += (uint64_t)group->n;
        tally->held_n += group->n;
        tally->held_sum += group->sum;
        return;
    }
    if (group->stars >= 1 && group->stars <= 5)
        figures->counts[group->stars - 1] += group->n;
    figures->n += group->n;
    tally->sum += group->sum;
    tally->squares += group->squares;
    figures->verified += group->verified;
    figures->invited += group->invited;
    figures->written += group->written;
    figures->replied += group->replied;
}

static void finish(struct tally *tally) {
    struct review_figures *figures = tally->figures;
    double n = figures->n;
    figures->mean = n > 0 ? tally->sum / n : (double)NAN;
    figures->interval =
        mean_estimate(n, figures->mean, fmax(tally->squares - n * figures->mean * figures->mean, 0),
                      CONFIDENCE_95);
    /* The interval is t's; a mean of stars cannot leave the scale. */
    figures->interval.low = fmax(figures->interval.low, 1);
    figures->interval.high = fmin(figures->interval.high, 5);
    if (n < 2)
        figures->interval.low = figures->interval.high = (double)NAN;
    figures->lower = rating_lower_bound(figures->counts);
    double all = n + tally->held_n;
    figures->with_held = all > 0 ? (tally->sum + tally->held_sum) / all : (double)NAN;
    figures->external_mean =
        figures->external ? tally->external_sum / (double)figures->external : (double)NAN;
}

static void read_group(sqlite3_stmt *statement, struct group *group) {
    *group = (struct group){.stars = sqlite3_column_int(statement, 5),
                            .state = (enum review_state)sqlite3_column_int(statement, 6),
                            .held = sqlite3_column_int(statement, 7) != 0,
                            .external = sqlite3_column_int(statement, 8) != 0,
                            .n = sqlite3_column_double(statement, 9),
                            .sum = sqlite3_column_double(statement, 10),
                            .squares = sqlite3_column_double(statement, 11),
                            .verified = (uint64_t)sqlite3_column_int64(statement, 12),
                            .invited = (uint64_t)sqlite3_column_int64(statement, 13),
                            .written = (uint64_t)sqlite3_column_int64(statement, 14),
                            .replied = (uint64_t)sqlite3_column_int64(statement, 15),
                            .newest_ms = sqlite3_column_int64(statement, 16)};
}

/* Mean of all counted reviews of a kind; the middle of the scale where there are none. */
static void believe(struct review_figures *figures, size_t n) {
    double sums[SUBJECT_KINDS] = {0}, counts[SUBJECT_KINDS] = {0};
    for (size_t i = 0; i < n; i++)
        if (figures[i].n > 0) {
            sums[figures[i].subject.kind] += figures[i].n * figures[i].mean;
            counts[figures[i].subject.kind] += figures[i].n;
        }
    for (size_t i = 0; i < n; i++) {
        enum subject_kind kind = figures[i].subject.kind;
        double common = counts[kind] > 0 ? sums[kind] / counts[kind] : 3;
        figures[i].bayes = rating_bayes(figures[i].n, figures[i].mean, PRIOR_N, common);
    }
}

static int compare_bayes(const void *a, const void *b) {
    const struct review_figures *x = a, *y = b;
    bool x_new = !(x->n > 0), y_new = !(y->n > 0);
    if (x_new != y_new)
        return x_new - y_new;
    if (x->bayes != y->bayes)
        return x->bayes < y->bayes ? 1 : -1;
    return strcmp(x->subject.name, y->subject.name);
}

struct gathering {
    struct arena *arena;
    struct review_figures *figures;
    struct tally tally;
    size_t n, capacity;
};

static void next_subject(struct gathering *gathering, sqlite3_stmt *statement) {
    if (gathering->n)
        finish(&gathering->tally);
    if (gathering->n == gathering->capacity) {
        size_t capacity = gathering->capacity * 2;
        struct review_figures *more =
            ARENA_ARRAY(gathering->arena, struct review_figures, capacity);
        memcpy(more, gathering->figures, sizeof *more * gathering->n);
        gathering->figures = more;
        gathering->capacity = capacity;
    }
    struct review_figures *figures = &gathering->figures[gathering->n++];
    figures->subject =
        (struct review_subject){.name = voice_text(statement, 0, gathering->arena),
                                .kind = subject_kind_of(voice_text(statement, 1, gathering->arena)),
                                .title = voice_text(statement, 2, gathering->arena),
                                .url = voice_text(statement, 3, gathering->arena),
                                .experience = voice_text(statement, 4, gathering->arena)};
    gathering->tally = (struct tally){.figures = figures};
}

static void take_group(struct gathering *gathering, sqlite3_stmt *statement) {
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    struct group group;
    if (!gathering->n ||
        strcmp(gathering->figures[gathering->n - 1].subject.name, name ? name : "") != 0)
        next_subject(gathering, statement);
    read_group(statement, &group);
    if (group.n > 0)
        add_group(&gathering->tally, &group);
}

static void bind_maybe(sqlite3_stmt *statement, int column, const char *text) {
    if (text)
        voice_bind(statement, column, text);
    else
        sqlite3_bind_null(statement, column);
}

/* name NULL: all; with their reviews in `units`. */
static int gather(struct folder *folder, const char *name, const char *units,
                  struct gathering *gathering, struct err *err) {
    gathering->capacity = 64;
    gathering->figures = ARENA_ARRAY(gathering->arena, struct review_figures, gathering->capacity);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT s.name, s.kind, s.title, s.url, s.experience, CAST(round(r.stars) AS INTEGER),"
        " r.state, r.held, r.site <> '', count(r.id), sum(r.stars), sum(r.stars * r.stars),"
        " sum(r.verified), sum(r.invited_ms > 0), sum(r.text <> ''), sum(r.replied_ms > 0),"
        " max(r.created_ms) FROM review_subject s LEFT JOIN review r ON r.subject = s.name"
        " AND (?1 IS NULL OR r.unit IN (SELECT value FROM json_each(?1)))"
        " WHERE ?2 IS NULL OR s.name = ?2 GROUP BY 1, 6, 7, 8, 9 ORDER BY 1",
        err);
    int code = statement ? 1 : E_IO;
    if (statement) {
        bind_maybe(statement, 1, units);
        bind_maybe(statement, 2, name);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        take_group(gathering, statement);
    store_reader_put(folder->store, db);
    if (!code && gathering->n)
        finish(&gathering->tally);
    return code;
}

int review_figures(struct folder *folder, const char *name, const struct principal *principal,
                   struct arena *arena, struct review_figures **figures, size_t *n,
                   struct err *err) {
    struct gathering gathering = {.arena = arena};
    const char *units =
        principal ? numbers_json(principal->units, principal->n_units, arena) : NULL;
    int code = gather(folder, NULL, units, &gathering, err);
    if (code)
        return code;
    believe(gathering.figures, gathering.n);
    qsort(gathering.figures, gathering.n, sizeof *gathering.figures, compare_bayes);
    *figures = gathering.figures;
    *n = gathering.n;
    if (!name)
        return 0;
    for (size_t i = 0; i < gathering.n; i++)
        if (strcmp(gathering.figures[i].subject.name, name) == 0) {
            *figures = gathering.figures + i;
            *n = 1;
            return 0;
        }
    return err_set(err, E_NOT_FOUND, "nothing of that name is rated");
}

int review_figures_open(struct folder *folder, const char *name, struct arena *arena,
                        struct review_figures **figures, struct err *err) {
    struct gathering gathering = {.arena = arena};
    int code = gather(folder, name, NULL, &gathering, err);
    *figures = gathering.figures;
    return code || gathering.n ? code : err_set(err, E_NOT_FOUND, "nothing of that name is rated");
}

int review_refusals(struct folder *folder, const char *name, struct arena *arena, uint64_t **counts,
                    struct err *err) {
    size_t reasons = 0;
    while (review_reasons()[reasons])
        reasons++;
    *counts = ARENA_ARRAY(arena, uint64_t, reasons);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT reason, count(*) FROM review WHERE state = 2 AND site = ''"
                      " AND (?1 IS NULL OR subject = ?1) GROUP BY reason",
                      err);
    int code = statement ? 1 : E_IO;
    if (statement)
        bind_maybe(statement, 1, name);
    while (code == 1 && (code = store_step(statement, err)) == 1)
        for (size_t i = 0; i < reasons; i++)
            if (strcmp((const char *)sqlite3_column_text(statement, 0), review_reasons()[i]) == 0)
                (*counts)[i] = (uint64_t)sqlite3_column_int64(statement, 1);
    store_reader_put(folder->store, db);
    return code;
}
