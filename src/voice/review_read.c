/*
 * Reviews that arrive as interactions: the log is read from a stored position, and each `Product Reviewed` becomes a record.
 *
 * PROPERTIES  rating (or stars, value, score), with scale_min and scale_max where it is not 1 to 5; product_id, sku, product,
 * service or subject; subject_kind; name; title; review_body (or text, comment, review); author; review_id; site; language;
 * invited_at, ordered_at (instants); months. A unit is rated where nothing else is named and the interaction has one, else
 * the organisation. `state` "published" is believed of sources whose key does not stand in web pages.
 *
 * COST  One pass over the frames of the log, 10 M rows a minute and less; the position moves with every batch that found
 * something and every STRIDE rows.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "base/utf8.h"
#include "timeline/log.h"
#include "voice/internal.h"

enum { BATCH = 200, STRIDE = 100000 };

enum field {
    F_STARS,
    F_SCALE_MIN,
    F_SCALE_MAX,
    F_SUBJECT,
    F_KIND,
    F_NAME,
    F_TITLE,
    F_TEXT,
    F_AUTHOR,
    F_ID,
    F_SITE,
    F_LANGUAGE,
    F_INVITED,
    F_ORDERED,
    F_MONTHS,
    F_STATE,
    FIELDS
};

/* The first name of a field that an interaction has wins. */
static const struct {
    const char *property;
    enum field field;
} NAMES[] = {
    {"rating", F_STARS},
    {"stars", F_STARS},
    {"score", F_STARS},
    {"value", F_STARS},
    {"scale_min", F_SCALE_MIN},
    {"scale_max", F_SCALE_MAX},
    {"subject", F_SUBJECT},
    {"product_id", F_SUBJECT},
    {"sku", F_SUBJECT},
    {"service", F_SUBJECT},
    {"product", F_SUBJECT},
    {"subject_kind", F_KIND},
    {"product_name", F_NAME},
    {"name", F_NAME},
    {"title", F_TITLE},
    {"review_title", F_TITLE},
    {"review_body", F_TEXT},
    {"text", F_TEXT},
    {"comment", F_TEXT},
    {"review", F_TEXT},
    {"author", F_AUTHOR},
    {"review_id", F_ID},
    {"site", F_SITE},
    {"language", F_LANGUAGE},
    {"context.locale", F_LANGUAGE},
    {"invited_at", F_INVITED},
    {"ordered_at", F_ORDERED},
    {"months", F_MONTHS},
    {"state", F_STATE},
};
enum { NAMES_N = sizeof NAMES / sizeof *NAMES };

struct reading {
    struct reviews *reviews;
    struct arena arena;
    uint16_t event;
    uint64_t last; /* seq looked at */
    struct incoming found[BATCH];
    bool is_new[BATCH];
    size_t n;
    int64_t now_ms;
    uint64_t added;
};

/* ---- from a row ---- */

struct fields {
    struct value values[FIELDS];
    size_t rank[FIELDS]; /* place in NAMES of what was taken */
    bool by_service;
};

static void read_fields(const struct folder *folder, const struct row *row, struct fields *fields) {
    struct property_cursor cursor = property_cursor(row);
    struct value value;
    uint32_t code;
    for (int i = 0; i < FIELDS; i++)
        fields->rank[i] = SIZE_MAX;
    while (property_next(&cursor, &code, &value)) {
        struct slice name =
            dictionary_name(folder->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
        for (size_t i = 0; i < NAMES_N; i++)
            if (i < fields->rank[NAMES[i].field] && slice_is(name, NAMES[i].property)) {
                fields->values[NAMES[i].field] = value;
                fields->rank[NAMES[i].field] = i;
                if (NAMES[i].field == F_SUBJECT)
                    fields->by_service = strcmp(NAMES[i].property, "service") == 0;
            }
    }
}

/* As text, cut to max bytes; "" where it is none. */
static const char *text_of(const struct value *value, size_t max, struct arena *arena) {
    if (value->type == VALUE_INT)
        return arena_format(arena, "%lld", (long long)value->integer);
    if (value->type != VALUE_TEXT)
        return "";
    return arena_text(arena, utf8_cut(utf8_trim(value->text), max));
}

static bool number_of(const struct value *value, double *number) {
    char *end;
    char text[32];
    if (value->type == VALUE_INT)
        *number = (double)value->integer;
    else if (value->type == VALUE_NUMBER)
        *number = value->number;
    if (value->type == VALUE_INT || value->type == VALUE_NUMBER)
        return true;
    if (value->type != VALUE_TEXT || !value->text.n || value->text.n >= sizeof text)
        return false;
    memcpy(text, value->text.p, value->text.n);
    text[value->text.n] = 0;
    *number = strtod(text, &end);
    return end != text && !*end;
}

static int64_t instant_of(const struct value *value, const struct zone *zone) {
    int64_t ms = 0;
    if (value->type != VALUE_TEXT || time_parse(value->text, zone, &ms) || ms < TIME_MIN_MS ||
        ms >= TIME_MAX_MS)
        return 0;
    return ms;
}

/* 1 to 5; false: no rating, or outside its scale. */
static bool stars_of(const struct fields *fields, double *stars) {
    double low = 1, high = 5;
    if (!number_of(&fields->values[F_STARS], stars))
        return false;
    if (number_of(&fields->values[F_SCALE_MAX], &high))
        number_of(&fields->values[F_SCALE_MIN], &low);
    if (!(low < high) || *stars < low || *stars > high)
        return false;
    *stars = 1 + 4 * (*stars - low) / (high - low);
    return true;
}

static void take_subject(const struct folder *folder, const struct fields *fields,
                         const struct row *row, struct arena *arena, struct incoming *incoming) {
    const char *subject = text_of(&fields->values[F_SUBJECT], REVIEW_SUBJECT_BYTES, arena);
    enum subject_kind kind = subject_kind_of(text_of(&fields->values[F_KIND], 32, arena));
    struct slice unit = dictionary_name(folder->dictionary, DICTIONARY_UNIT, row->unit);
    incoming->unit = row->unit;
    incoming->unit_name = arena_text(arena, unit);
    incoming->subject_title = text_of(&fields->values[F_NAME], REVIEW_TITLE_BYTES, arena);
    incoming->kind = kind < SUBJECT_KINDS ? kind
                     : fields->by_service ? SUBJECT_SERVICE
                                          : SUBJECT_PRODUCT;
    incoming->subject = subject;
    if (subject[0])
        return;
    incoming->subject = incoming->unit_name[0] ? incoming->unit_name : "organisation";
    incoming->kind = incoming->unit_name[0] ? SUBJECT_UNIT : SUBJECT_ORGANISATION;
}

static bool is_trusted(struct folder *folder, uint16_t source) {
    bool trusted = false;
    struct err ignored = {0};
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT kind IN ('file', 'demo', 'server', 'reviews') FROM source WHERE number = ?",
        &ignored);
    if (statement) {
        sqlite3_bind_int(statement, 1, source);
        if (store_step(statement, &ignored) == 1) {
            trusted = sqlite3_column_int(statement, 0) != 0;
            sqlite3_reset(statement);
        }
    }
    store_reader_put(folder->store, db);
    return trusted;
}

static bool take_row(struct reading *reading, const struct row *row, struct incoming *incoming) {
    struct folder *folder = reading->reviews->folder;
    struct arena *arena = &reading->arena;
    struct fields fields = {0};
    read_fields(folder, row, &fields);
    *incoming = (struct incoming){.customer = row->customer, .created_ms = row->time_ms};
    if (!stars_of(&fields, &incoming->stars))
        return false;
    const char *id = text_of(&fields.values[F_ID], 100, arena);
    double months = 0;
    number_of(&fields.values[F_MONTHS], &months);
    incoming->key = id[0] ? arena_format(arena, "%u/%s", row->source, id)
                          : arena_format(arena, "#%llu", (unsigned long long)row->seq);
    take_subject(folder, &fields, row, arena, incoming);
    incoming->title = text_of(&fields.values[F_TITLE], REVIEW_TITLE_BYTES, arena);
    incoming->text = text_of(&fields.values[F_TEXT], REVIEW_TEXT_BYTES, arena);
    incoming->author = text_of(&fields.values[F_AUTHOR], REVIEW_AUTHOR_BYTES, arena);
    incoming->language = text_of(&fields.values[F_LANGUAGE], 2, arena);
    incoming->site = text_of(&fields.values[F_SITE], REVIEW_SUBJECT_BYTES, arena);
    incoming->origin = "event";
    incoming->invited_ms = instant_of(&fields.values[F_INVITED], folder->zone);
    incoming->ordered_ms = instant_of(&fields.values[F_ORDERED], folder->zone);
    incoming->months = months == 6 || months == 12 ? (unsigned)months : 0;
    incoming->published = strcmp(text_of(&fields.values[F_STATE], 32, arena), "published") == 0 &&
                          is_trusted(folder, row->source);
    return true;
}

static int visit(void *context, const struct log_record *record) {
    struct reading *reading = context;
    reading->last = record->row.seq;
    if (record->row.type == ROW_TRACK && record->row.event == reading->event &&
        take_row(reading, &record->row, &reading->found[reading->n]))
        reading->n++;
    return reading->n == BATCH;
}

/* ---- into the records ---- */

static int write_position(sqlite3 *db, uint64_t seq, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO review_position(one, seq) VALUES(1, ?1) ON CONFLICT DO UPDATE SET seq = ?1",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    return store_run(statement, err);
}

static int write_batch(void *context, sqlite3 *db, struct err *err) {
    struct reading *reading = context;
    int code = 0;
    reading->added = 0;
    for (size_t i = 0; i < reading->n && !code; i++) {
        uint64_t id;
        code = record_add(db, &reading->found[i], reading->reviews->folder->name, reading->now_ms,
                          &id, err);
        reading->added += id != 0;
    }
    return code ? code : write_position(db, reading->last, err);
}

static int verify_all(struct reading *reading, struct err *err) {
    struct folder *folder = reading->reviews->folder;
    int code = 0;
    for (size_t i = 0; i < reading->n && !code; i++) {
        struct review_subject subject;
        struct err none = {0};
        bool known =
            subject_find(folder, reading->found[i].subject, &reading->arena, &subject, &none) == 0;
        if (known)
            reading->found[i].kind = subject.kind;
        code = incoming_verify(folder, &reading->found[i], known ? &subject : NULL, err);
    }
    return code;
}

static int read_batch(struct reviews *reviews, uint64_t to, struct err *err) {
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        abort();
    reading->reviews = reviews;
    reading->now_ms = clock_now_ms();
    reading->event =
        dictionary_find(reviews->folder->dictionary, DICTIONARY_EVENT, SLICE_LITERAL(REVIEW_EVENT));
    reading->last = reviews->read_seq;
    arena_init(&reading->arena);
    int code = 0;
    if (reading->event == CODE_NONE)
        reading->last = to; /* nobody ever sent one */
    else if ((code = log_read(reviews->folder->log, reviews->read_seq + 1, to + 1, visit, reading,
                              err)) > 0)
        code = 0;
    if (!code)
        code = verify_all(reading, err);
    if (!code && (reading->n || reading->last - reviews->kept_seq >= STRIDE)) {
        code = store_write(reviews->folder->store, write_batch, reading, err);
        if (!code)
            reviews->kept_seq = reading->last;
    }
    if (!code)
        reviews->read_seq = reading->last;
    if (!code && reading->added)
        reviews->version++;
    arena_release(&reading->arena);
    free(reading);
    return code;
}

int review_catch_up(struct folder *folder, struct err *err) {
    struct reviews *reviews;
    int code = reviews_of(folder, &reviews, err);
    if (code)
        return code;
    pthread_mutex_lock(&reviews->lock);
    uint64_t last = log_last(folder->log);
    if (last > reviews->read_seq)
        code = read_batch(
            reviews, last < reviews->read_seq + STRIDE ? last : reviews->read_seq + STRIDE, err);
    bool more = !code && log_last(folder->log) > reviews->read_seq;
    pthread_mutex_unlock(&reviews->lock);
    return code ? code : more;
}

static int run(struct job_run *run, struct err *err) {
    int more = 1;
    while (more > 0 && !job_cancelled(run))
        more = review_catch_up(job_folder(run), err);
    return more < 0 ? more : 0;
}

const struct job review_read_job = {.name = "reviews.read",
                                    .summary = "makes a record of each review that arrived",
                                    .lane = JOB_LONG,
                                    .every_ms = 1000,
                                    .run = run};
