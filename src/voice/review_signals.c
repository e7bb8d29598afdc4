/*
 * What makes a review suspicious: seven signals, their weights, what they say together. A score with its reasons for the
 * person who decides; nothing is deleted or refused by it.
 *
 *   no_purchase        the customer's timeline does not hold what is rated
 *   duplicate_text     its words are those of another review: Jaccard index of their character 5-grams above 0.8
 *   burst              five or more reviews of the subject in an hour, which its rate until then makes less likely than
 *                      1 in 10,000 (Poisson)
 *   new_account        known for less than two days or by nothing else, and this is the only review
 *   deviates_in_burst  more than two stars from the subject's mean, within a burst
 *   same_device        another review of the subject from the same device by somebody else
 *   extreme_only       three reviews or more by this customer, all of one star or all of five
 *
 * The weights are added as log-odds to PRIOR. They are a first belief, set so that no signal alone holds a review back:
 * two strong ones, or a copied text of a new account, do. Most honest reviews have no purchase on record, so that alone
 * says little. Unhappy and happy reviews are weighed alike.
 *
 * SEARCH FOR COPIES  32 minimum hashes of the 5-grams, in 8 bands of 4: texts with an index of 0.8 share a band with a
 * probability of 98 %, of 0.5 with 40 %; what shares one is compared exactly. At most CANDIDATES are.
 *
 * SOURCES  N. Jindal, B. Liu, Opinion spam and analysis, WSDM 2008 (duplicates, single reviews, deviation); A. Mukherjee
 * et al., What Yelp fake review filter might be doing, ICWSM 2013 (behaviour: bursts, extremes, early accounts); A. Broder,
 * On the resemblance and containment of documents, 1997 (minimum hashes).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "stats/gsl.h"
#include "voice/internal.h"

enum {
    SHINGLE = 5,
    TEXT_LEAST = 60, /* folded bytes: shorter ones are alike by chance */
    HASHES = 32,
    BANDS = 8,
    ROWS = HASHES / BANDS,
    CANDIDATES = 40,
    BURST_LEAST = 5,
    BURST_MS = 3600 * 1000,
    NEW_MS = 2 * DAY_MS
};
static const double PRIOR = -3, HOLD = 0.5, ALIKE = 0.8, BURST_P = 1e-4;

enum signal_bit {
#define X(bit, name, weight) SIGNAL_##name = 1 << (bit),
    REVIEW_SIGNAL_TABLE(X)
#undef X
};

double signals_suspicion(unsigned signals) {
    static const double weights[] = {
#define X(bit, name, weight) [bit] = (weight),
        REVIEW_SIGNAL_TABLE(X)
#undef X
    };
    double odds = PRIOR;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        if (signals & (1U << i))
            odds += weights[i];
    return 1 / (1 + exp(-odds));
}

/* ---- texts ---- */

/* Folded, whatever is no letter or digit as one blank. */
static struct slice normal_form(const char *text, struct arena *arena) {
    struct slice folded = utf8_fold(slice_of(text), arena);
    char *to = arena_get(arena, folded.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < folded.n; i++) {
        unsigned char c = (unsigned char)folded.p[i];
        bool word = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        if (word)
            to[n++] = (char)c;
        else if (n && to[n - 1] != ' ')
            to[n++] = ' ';
    }
    while (n && to[n - 1] == ' ')
        n--;
    return (struct slice){to, n};
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The distinct 5-grams of a normal form as sorted hashes. */
static size_t shingles(struct slice text, struct arena *arena, uint64_t **hashes) {
    size_t n = text.n >= SHINGLE ? text.n - SHINGLE + 1 : 0, distinct = 0;
    *hashes = ARENA_ARRAY(arena, uint64_t, n + 1);
    for (size_t i = 0; i < n; i++)
        (*hashes)[i] = hash_bytes(text.p + i, SHINGLE);
    qsort(*hashes, n, sizeof **hashes, compare_u64);
    for (size_t i = 0; i < n; i++)
        if (!i || (*hashes)[i] != (*hashes)[i - 1])
            (*hashes)[distinct++] = (*hashes)[i];
    return distinct;
}

static double jaccard(const uint64_t *a, size_t n, const uint64_t *b, size_t m) {
    size_t i = 0, j = 0, both = 0;
    while (i < n && j < m) {
        if (a[i] == b[j])
            both++;
        uint64_t x = a[i], y = b[j];
        i += x <= y;
        j += y <= x;
    }
    return n + m > both ? (double)both / (double)(n + m - both) : 0;
}

/* A hash of each band; false: the text is too short to say. */
static bool bands_of(const char *text, struct arena *arena, int64_t bands[BANDS]) {
    uint64_t *hashes, least[HASHES];
    struct slice normal = normal_form(text, arena);
    if (normal.n < TEXT_LEAST)
        return false;
    size_t n = shingles(normal, arena, &hashes);
    for (unsigned k = 0; k < HASHES; k++) {
        least[k] = UINT64_MAX;
        for (size_t i = 0; i < n; i++) {
            uint64_t mixed[2] = {hashes[i], k};
            uint64_t hash = hash_bytes(mixed, sizeof mixed);
            least[k] = hash < least[k] ? hash : least[k];
        }
    }
    for (unsigned b = 0; b < BANDS; b++) {
        uint64_t band[ROWS + 1] = {b};
        memcpy(band + 1, least + (size_t)b * ROWS, sizeof *least * ROWS);
        bands[b] = (int64_t)hash_bytes(band, sizeof band);
    }
    return true;
}

int signals_keep_text(sqlite3 *db, uint64_t id, const char *text, struct err *err) {
    struct arena arena;
    int64_t bands[BANDS];
    int code = 0;
    arena_init(&arena);
    bool long_enough = bands_of(text, &arena, bands);
    for (int b = 0; b < BANDS && long_enough && !code; b++) {
        sqlite3_stmt *statement =
            STORE_PREPARE(db, "INSERT OR IGNORE INTO review_band(band, review) VALUES(?, ?)", err);
        if (statement) {
            sqlite3_bind_int64(statement, 1, bands[b]);
            sqlite3_bind_int64(statement, 2, (sqlite3_int64)id);
        }
        code = statement ? store_run(statement, err) : err->code;
    }
    arena_release(&arena);
    return code;
}

/* Does another review have these words? */
static int find_copy(sqlite3 *db, uint64_t id, const char *text, struct arena *arena, bool *found,
                     struct err *err) {
    int64_t b[BANDS];
    uint64_t *mine, *theirs;
    *found = false;
    if (!bands_of(text, arena, b))
        return 0;
    size_t n = shingles(normal_form(text, arena), arena, &mine);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT opened(text) FROM review WHERE id IN (SELECT review FROM review_band"
                      " WHERE band IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) AND review <> ?9 LIMIT ?10)",
                      err);
    if (!statement)
        return err->code;
    for (int i = 0; i < BANDS; i++)
        sqlite3_bind_int64(statement, 1 + i, b[i]);
    sqlite3_bind_int64(statement, BANDS + 1, (sqlite3_int64)id);
    sqlite3_bind_int(statement, BANDS + 2, CANDIDATES);
    int code;
    while ((code = store_step(statement, err)) == 1) {
        size_t m = shingles(normal_form(voice_text(statement, 0, arena), arena), arena, &theirs);
        *found |= jaccard(mine, n, theirs, m) > ALIKE;
    }
    return code;
}

/* ---- neighbours ---- */

/* One number of a query that is bound already; 0 for no row. */
static int take_number(sqlite3_stmt *statement, double *number, struct err *err) {
    int code = store_step(statement, err);
    *number = 0;
    if (code == 1) {
        *number = sqlite3_column_double(statement, 0);
        sqlite3_reset(statement);
    }
    return code < 0 ? code : 0;
}

struct neighbours {
    double hour, before,
        mean;        /* reviews of the subject in the hour; earlier ones; their mean, 0: none */
    double first_ms; /* of the earlier ones */
};

static int look_around(sqlite3 *db, const struct incoming *incoming, struct neighbours *found,
                       struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT sum(created_ms > ?2 AND created_ms <= ?3), sum(created_ms <= ?2),"
                      " avg(CASE WHEN created_ms <= ?2 THEN stars END), min(created_ms)"
                      " FROM review WHERE subject = ?1 AND created_ms <= ?3",
                      err);
    if (!statement)
        return err->code;
    voice_bind(statement, 1, incoming->subject);
    sqlite3_bind_int64(statement, 2, incoming->created_ms - BURST_MS);
    sqlite3_bind_int64(statement, 3, incoming->created_ms);
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    *found = (struct neighbours){
        sqlite3_column_double(statement, 0), sqlite3_column_double(statement, 1),
        sqlite3_column_double(statement, 2), sqlite3_column_double(statement, 3)};
    sqlite3_reset(statement);
    return 0;
}

/* Its rate until then: one review is granted to what is new. */
static bool is_burst(const struct incoming *incoming, const struct neighbours *neighbours) {
    if (neighbours->hour < BURST_LEAST)
        return false;
    double hours =
        fmax(((double)incoming->created_ms - neighbours->first_ms) / BURST_MS, 30.0 * 24);
    return poisson_at_least((unsigned)neighbours->hour, (neighbours->before + 1) / hours) < BURST_P;
}

/* Those of the same hour were part of it before anybody could know. */
static int mark_burst(sqlite3 *db, const struct incoming *incoming, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT id, signals FROM review WHERE subject = ?1 AND created_ms > ?2"
                      " AND created_ms <= ?3 AND (signals & ?4) = 0 LIMIT 1000",
                      err);
    struct {
        sqlite3_int64 id;
        unsigned signals;
    } marked[1000];
    size_t n = 0;
    if (!statement)
        return err->code;
    voice_bind(statement, 1, incoming->subject);
    sqlite3_bind_int64(statement, 2, incoming->created_ms - BURST_MS);
    sqlite3_bind_int64(statement, 3, incoming->created_ms);
    sqlite3_bind_int(statement, 4, SIGNAL_burst);
    int code;
    while ((code = store_step(statement, err)) == 1) {
        marked[n].id = sqlite3_column_int64(statement, 0);
        marked[n++].signals = (unsigned)sqlite3_column_int(statement, 1) | SIGNAL_burst;
    }
    for (size_t i = 0; i < n && !code; i++) {
        double suspicion = signals_suspicion(marked[i].signals);
        statement = STORE_PREPARE(
            db, "UPDATE review SET signals = ?2, suspicion = ?3, held = ?4 WHERE id = ?1", err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, marked[i].id);
        sqlite3_bind_int64(statement, 2, marked[i].signals);
        sqlite3_bind_double(statement, 3, suspicion);
        sqlite3_bind_int(statement, 4, suspicion >= HOLD);
        code = store_run(statement, err);
    }
    return code;
}

static int same_device(sqlite3 *db, uint64_t id, const struct incoming *incoming, unsigned *signals,
                       struct err *err) {
    double others = 0;
    sqlite3_stmt *statement =
        incoming->device
            ? STORE_PREPARE(db,
                            "SELECT count(*) FROM review WHERE subject = ?1 AND device = ?2"
                            " AND id <> ?3 AND (customer <> ?4 OR customer = 0)",
                            err)
            : NULL;
    if (!statement)
        return incoming->device ? err->code : 0;
    voice_bind(statement, 1, incoming->subject);
    sqlite3_bind_blob(statement, 2, incoming->device, REVIEW_DEVICE_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)id);
    sqlite3_bind_int64(statement, 4, incoming->customer);
    int code = take_number(statement, &others, err);
    *signals |= others > 0 ? SIGNAL_same_device : 0;
    return code;
}

/* What else this customer wrote. */
static int other_reviews(sqlite3 *db, uint64_t id, const struct incoming *incoming,
                         unsigned *signals, struct err *err) {
    bool is_new =
        !incoming->known_since_ms || incoming->created_ms - incoming->known_since_ms < NEW_MS;
    double n = 0, ones = 0, fives = 0;
    sqlite3_stmt *statement =
        incoming->customer
            ? STORE_PREPARE(db,
                            "SELECT count(*), sum(stars <= 1), sum(stars >= 5) FROM review"
                            " WHERE customer = ? AND id <> ?",
                            err)
            : NULL;
    if (!statement)
        return incoming->customer ? err->code : 0;
    sqlite3_bind_int64(statement, 1, incoming->customer);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)id);
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    n = sqlite3_column_double(statement, 0) + 1;
    ones = sqlite3_column_double(statement, 1) + (incoming->stars <= 1);
    fives = sqlite3_column_double(statement, 2) + (incoming->stars >= 5);
    sqlite3_reset(statement);
    *signals |= is_new && n <= 1 ? SIGNAL_new_account : 0;
    *signals |= n >= 3 && (ones >= n || fives >= n) ? SIGNAL_extreme_only : 0;
    return 0;
}

int signals_judge(sqlite3 *db, uint64_t id, const struct incoming *incoming,
                  struct judgement *judgement, struct err *err) {
    struct neighbours neighbours = {0};
    struct arena arena;
    bool copied = false;
    unsigned signals = incoming->verified ? 0 : SIGNAL_no_purchase;
    arena_init(&arena);
    int code = find_copy(db, id, incoming->text, &arena, &copied, err);
    arena_release(&arena);
    if (!code)
        code = look_around(db, incoming, &neighbours, err);
    if (!code)
        code = same_device(db, id, incoming, &signals, err);
    if (!code)
        code = other_reviews(db, id, incoming, &signals, err);
    signals |= copied ? SIGNAL_duplicate_text : 0;
    if (!code && is_burst(incoming, &neighbours)) {
        signals |= SIGNAL_burst;
        if (neighbours.before > 0 && fabs(incoming->stars - neighbours.mean) > 2)
            signals |= SIGNAL_deviates_in_burst;
        code = mark_burst(db, incoming, err);
    }
    double suspicion = signals_suspicion(signals);
    *judgement = (struct judgement){signals, suspicion, suspicion >= HOLD};
    return code;
}
