/*
 * Names of states, reasons, signals and orders; what is kept while the folder is open.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "collect/mask.h"
#include "voice/internal.h"

enum { TIMELY_DAYS = 30 }; /* between the experience and the question about it */

static const char *const states[REVIEW_STATES] = {"waiting", "published", "refused"};
static const char *const orders[REVIEW_ORDERS] = {"newest",  "oldest", "helpful",
                                                  "highest", "lowest", "suspicious"};
static const char *const kinds[SUBJECT_KINDS] = {"product", "service", "unit", "organisation"};
static const char *const reasons[] = {
#define X(name) #name,
    REVIEW_REASON_TABLE(X)
#undef X
        NULL};
static const char *const signals[] = {
#define X(bit, name, weight) [bit] = #name,
    REVIEW_SIGNAL_TABLE(X)
#undef X
};

static size_t place_of(const char *const *names, size_t n, const char *name) {
    size_t i = 0;
    while (i < n && (!name || strcmp(names[i], name) != 0))
        i++;
    return i;
}

const char *review_state_name(enum review_state state) { return states[state]; }
enum review_state review_state_of(const char *name) {
    return (enum review_state)place_of(states, REVIEW_STATES, name);
}
const char *review_order_name(enum review_order order) { return orders[order]; }
enum review_order review_order_of(const char *name) {
    return (enum review_order)place_of(orders, REVIEW_ORDERS, name);
}
const char *subject_kind_name(enum subject_kind kind) { return kinds[kind]; }
enum subject_kind subject_kind_of(const char *name) {
    return (enum subject_kind)place_of(kinds, SUBJECT_KINDS, name);
}
const char *const *review_reasons(void) { return reasons; }
bool review_reason_is_known(const char *reason) {
    size_t n = sizeof reasons / sizeof *reasons - 1;
    return place_of(reasons, n, reason) < n;
}
const char *review_signal_name(unsigned bit) {
    return bit < sizeof signals / sizeof *signals ? signals[bit] : NULL;
}

bool review_is_timely(const struct review *review) {
    int64_t asked_ms = review->invited_ms ? review->invited_ms : review->created_ms;
    return review->experience_ms && asked_ms >= review->experience_ms &&
           asked_ms - review->experience_ms <= (int64_t)TIMELY_DAYS * DAY_MS;
}

/* ---- what is kept ---- */

static int read_position(void *context, sqlite3 *db, struct err *err) {
    struct reviews *reviews = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT seq FROM review_position", err);
    int code = statement ? store_step(statement, err) : err->code;
    if (code == 1) {
        reviews->read_seq = reviews->kept_seq = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return code < 0 ? code : 0;
}

static int make(struct folder *folder, void **value, struct err *err) {
    struct reviews *reviews = calloc(1, sizeof *reviews);
    if (!reviews)
        abort();
    reviews->folder = folder;
    reviews->version = 1;
    pthread_mutex_init(&reviews->lock, NULL);
    sqlite3 *db = store_reader_get(folder->store);
    int code = read_position(reviews, db, err);
    store_reader_put(folder->store, db);
    *value = reviews;
    if (code)
        free(reviews);
    return code;
}

static void release(void *value) {
    struct reviews *reviews = value;
    pthread_mutex_destroy(&reviews->lock);
    free(reviews);
}

int reviews_of(struct folder *folder, struct reviews **reviews, struct err *err) {
    static const char key[] = "reviews";
    return folder_keep(folder, key, make, release, (void **)reviews, err);
}

void reviews_changed(struct folder *folder) {
    struct reviews *reviews;
    struct err ignored = {0};
    if (reviews_of(folder, &reviews, &ignored) == 0)
        reviews->version++;
}

uint64_t review_version(struct folder *folder) {
    struct reviews *reviews;
    struct err ignored = {0};
    return reviews_of(folder, &reviews, &ignored) == 0 ? reviews->version : 0;
}

/* ---- small things ---- */

void voice_bind(sqlite3_stmt *statement, int column, const char *text) {
    sqlite3_bind_text(statement, column, text ? text : "", -1, SQLITE_TRANSIENT);
}

const char *voice_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    return arena_text(arena, slice_of(text ? (const char *)text : ""));
}

const char *numbers_json(const uint16_t *codes, size_t n, struct arena *arena) {
    if (!codes)
        return NULL;
    struct buf text;
    buf_init(&text, (size_t)8 * (LIMIT_CODES + 1));
    buf_add_char(&text, '[');
    for (size_t i = 0; i < n; i++)
        buf_add_format(&text, "%s%u", i ? "," : "", codes[i]);
    buf_add_char(&text, ']');
    const char *copy = arena_text(arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

void incoming_mask(struct incoming *incoming, struct arena *arena) {
    struct slice title = slice_of(incoming->title), text = slice_of(incoming->text),
                 author = slice_of(incoming->author);
    if (mask_property(SLICE_LITERAL("title"), &title, arena)) {
        incoming->title = arena_text(arena, title);
        incoming->masked = true;
    }
    if (mask_property(SLICE_LITERAL("review_body"), &text, arena)) {
        incoming->text = arena_text(arena, text);
        incoming->masked = true;
    }
    if (mask_property(SLICE_LITERAL("review_author"), &author, arena)) {
        incoming->author = arena_text(arena, author);
        incoming->masked = true;
    }
}
