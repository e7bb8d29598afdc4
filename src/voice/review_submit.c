/*
 * A review that is written with us: its interaction, then its record; see review.h.
 *
 * The lock of the reader is held meanwhile, so that the reader does not meet the interaction before its record is there. When
 * the process ends in between, the reader makes the record from the interaction alone.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>

#include "base/clock.h"
#include "base/time.h"
#include "base/utf8.h"
#include "voice/internal.h"

enum { PROPERTIES_MAX = 16, ID_BYTES = 16, ID_TEXT_BYTES = 2 * ID_BYTES + 1 };

/* ---- checks ---- */

/* lines: may have line breaks and tabs. */
static int check_text(const char *pointer, const char *text, size_t max, bool lines,
                      struct err *err) {
    size_t n = text ? strlen(text) : 0;
    if (n > max)
        return err_at(err, E_INVALID, pointer, "%s is over %zu bytes", pointer + 1, max);
    if (!utf8_valid((struct slice){text ? text : "", n}))
        return err_at(err, E_INVALID, pointer, "%s is not valid UTF-8", pointer + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && !(lines && strchr("\n\r\t", c))) || c == 0x7f)
            return err_at(err, E_INVALID, pointer, "%s has a control character", pointer + 1);
    }
    return 0;
}

static int check_time(const char *pointer, int64_t ms, int64_t now_ms, struct err *err) {
    if (ms < TIME_MIN_MS || ms > now_ms + DAY_MS)
        return err_at(err, E_INVALID, pointer, "%s lies in the future or before 1970", pointer + 1);
    return 0;
}

static int check(const struct review_draft *draft, int64_t now_ms, struct err *err) {
    if (!(draft->stars >= 1 && draft->stars <= 5))
        return err_at(err, E_INVALID, "/stars", "stars must be a number from 1 to 5");
    int code = check_text("/title", draft->title, REVIEW_TITLE_BYTES, false, err);
    if (!code)
        code = check_text("/text", draft->text, REVIEW_TEXT_BYTES, true, err);
    if (!code)
        code = check_text("/author", draft->author, REVIEW_AUTHOR_BYTES, false, err);
    if (!code)
        code = check_text("/customer", draft->customer, LIMIT_ID_BYTES, false, err);
    if (!code)
        code = check_text("/site", draft->site, REVIEW_SUBJECT_BYTES, false, err);
    if (!code)
        code = check_time("/created_at", draft->created_ms, now_ms, err);
    if (!code)
        code = check_time("/invited_at", draft->invited_ms, now_ms, err);
    if (!code)
        code = check_time("/ordered_at", draft->ordered_ms, now_ms, err);
    if (!code && draft->months != 0 && draft->months != 6 && draft->months != 12)
        code = err_at(err, E_INVALID, "/months", "months must be 0, 6 or 12");
    return code;
}

/* ---- who ---- */

/* The identifier that an event of this customer bears: a userId, else an anonymousId; of nobody a new anonymousId. */
struct author {
    struct slice user_id, anonymous_id;
};

static int find_author(struct folder *folder, const char *customer, const char *id,
                       struct arena *arena, struct author *author, struct err *err) {
    uint32_t owner;
    struct identity *identities;
    size_t n = 0;
    struct err none = {0};
    author->anonymous_id = slice_of(arena_format(arena, "review-%s", id));
    author->user_id = (struct slice){NULL, 0};
    if (!customer || !customer[0])
        return 0;
    int code = customers_find(folder->customers, slice_of(customer), &owner, &none);
    if (code == E_NOT_FOUND && strncmp(customer, "c_", 2) != 0 && !strchr(customer, ':')) {
        author->user_id = slice_of(customer);
        author->anonymous_id = (struct slice){NULL, 0};
        return 0;
    }
    if (code)
        return code == E_NOT_FOUND
                   ? err_at(err, E_INVALID, "/customer", "nobody has this identifier")
                   : err_repeat(err, code, "/customer", &none);
    code = customers_identities(folder->customers, owner, arena, &identities, &n, err);
    for (size_t i = n; i > 0 && !code; i--) {
        if (identities[i - 1].kind == IDENTITY_USER)
            author->user_id = identities[i - 1].value;
        else if (identities[i - 1].kind == IDENTITY_ANONYMOUS)
            author->anonymous_id = identities[i - 1].value;
    }
    if (author->user_id.p)
        author->anonymous_id = (struct slice){NULL, 0};
    return code;
}

/* ---- the interaction ---- */

struct making {
    struct event event;
    struct event_property properties[PROPERTIES_MAX];
    size_t n;
};

static void add_text(struct making *making, const char *name, const char *text) {
    if (text && text[0])
        making->properties[making->n++] =
            (struct event_property){slice_of(name), {.type = VALUE_TEXT, .text = slice_of(text)}};
}

static void add_instant(struct making *making, const char *name, int64_t ms, struct arena *arena) {
    char *text = arena_get(arena, TIME_TEXT_BYTES);
    if (!ms)
        return;
    time_format(ms, text);
    add_text(making, name, text);
}

static void make_event(struct making *making, const struct review_draft *draft,
                       const struct review_subject *subject, const char *id,
                       const struct author *author, struct arena *arena) {
    double stars = draft->stars;
    bool whole = stars == (double)(int)stars;
    making->properties[making->n++] = (struct event_property){
        SLICE_LITERAL("rating"), whole ? (struct value){.type = VALUE_INT, .integer = (int)stars}
                                       : (struct value){.type = VALUE_NUMBER, .number = stars}};
    add_text(making, subject->kind == SUBJECT_PRODUCT ? "product_id" : "subject", subject->name);
    add_text(making, "subject_kind", subject_kind_name(subject->kind));
    add_text(making, "title", draft->title);
    add_text(making, "review_body", draft->text);
    add_text(making, "author", draft->author);
    add_text(making, "language", draft->language);
    add_text(making, "site", draft->site);
    add_text(making, "review_id", id);
    add_instant(making, "invited_at", draft->invited_ms, arena);
    add_instant(making, "ordered_at", draft->ordered_ms, arena);
    if (draft->months)
        making->properties[making->n++] = (struct event_property){
            SLICE_LITERAL("months"), {.type = VALUE_INT, .integer = draft->months}};
    making->event = (struct event){.type = EVENT_TRACK,
                                   .name = SLICE_LITERAL(REVIEW_EVENT),
                                   .user_id = author->user_id,
                                   .anonymous_id = author->anonymous_id,
                                   .message_id = slice_of(arena_format(arena, "review-%s", id)),
                                   .time_ms = draft->created_ms,
                                   .stated_ms = draft->created_ms,
                                   .has_time = true,
                                   .properties = making->properties,
                                   .n_properties = making->n,
                                   .raw = {"", 0}};
    if (draft->channel && draft->channel[0])
        making->event.channel = slice_of(draft->channel);
    const char *unit = draft->unit && draft->unit[0]   ? draft->unit
                       : subject->kind == SUBJECT_UNIT ? subject->name
                                                       : NULL;
    if (unit)
        making->event.unit = slice_of(unit);
}

static int keep_event(struct folder *folder, struct source source, const struct making *making,
                      int64_t now_ms, struct err *err) {
    struct event_result result = {0};
    struct ingest_batch batch = {.source = source,
                                 .events = &making->event,
                                 .n = 1,
                                 .bytes = 8192,
                                 .received_ms = now_ms,
                                 .results = &result};
    int code = ingest_run(folder->ingest, &batch, err);
    if (!code && result.outcome == OUTCOME_REJECTED)
        code = err_set(err, E_INVALID, "%s", refusal_text((enum refusal)result.refusal));
    return code;
}

/* ---- the record ---- */

struct adding {
    const struct incoming *incoming;
    const char *organisation;
    int64_t now_ms;
    uint64_t id;
};

static int add(void *context, sqlite3 *db, struct err *err) {
    struct adding *adding = context;
    return record_add(db, adding->incoming, adding->organisation, adding->now_ms, &adding->id, err);
}

static int make_record(struct folder *folder, struct source source,
                       const struct review_draft *draft, const struct review_subject *subject,
                       const struct making *making, const char *review_id, struct arena *arena,
                       uint64_t *id, struct err *err) {
    const struct event *event = &making->event;
    struct incoming incoming = {
        .key = arena_format(arena, "%u/%s", source.number, review_id),
        .subject = subject->name,
        .subject_title = subject->title,
        .kind = subject->kind,
        .title = draft->title ? draft->title : "",
        .text = draft->text ? draft->text : "",
        .author = draft->author ? draft->author : "",
        .language = draft->language ? draft->language : "",
        .origin = draft->origin,
        .site = draft->site ? draft->site : "",
        .stars = draft->stars,
        .created_ms = draft->created_ms,
        .invited_ms = draft->invited_ms,
        .ordered_ms = draft->ordered_ms,
        .months = draft->months,
        .device = draft->has_device ? draft->device : NULL,
        .link = draft->has_link ? draft->link : NULL,
        .unit = event->unit.p ? dictionary_find(folder->dictionary, DICTIONARY_UNIT, event->unit)
                              : CODE_NONE,
    };
    struct slice who = event->user_id.p ? event->user_id : event->anonymous_id;
    int code = customers_find_profile(folder->customers, who, &incoming.customer, err);
    incoming_mask(&incoming, arena);
    if (!code)
        code = incoming_verify(folder, &incoming, subject, err);
    struct adding adding = {&incoming, folder->name, clock_now_ms(), 0};
    if (!code)
        code = store_write(folder->store, add, &adding, err);
    *id = adding.id;
    return code;
}

static int keep(struct folder *folder, struct source source, const struct review_draft *draft,
                struct arena *arena, uint64_t *id, struct err *err) {
    unsigned char random[ID_BYTES];
    char review_id[ID_TEXT_BYTES];
    struct review_subject subject;
    struct author author;
    struct making making = {0};
    int64_t now_ms = clock_now_ms();
    int code = check(draft, now_ms, err);
    if (!code)
        code = subject_find(folder, draft->subject, arena, &subject, err);
    if (!code && draft->has_link)
        code = review_link_check_unused(folder, draft->link, err);
    if (code)
        return code;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(review_id, sizeof review_id, random, sizeof random);
    code = find_author(folder, draft->customer, review_id, arena, &author, err);
    if (code)
        return code;
    make_event(&making, draft, &subject, review_id, &author, arena);
    code = keep_event(folder, source, &making, now_ms, err);
    return code ? code
                : make_record(folder, source, draft, &subject, &making, review_id, arena, id, err);
}

int review_submit(struct folder *folder, struct source source, const struct review_draft *draft,
                  uint64_t *id, struct err *err) {
    struct reviews *reviews;
    struct arena arena;
    int code = reviews_of(folder, &reviews, err);
    if (code)
        return code;
    arena_init(&arena);
    pthread_mutex_lock(&reviews->lock);
    code = keep(folder, source, draft, &arena, id, err);
    pthread_mutex_unlock(&reviews->lock);
    arena_release(&arena);
    if (!code)
        reviews->version++;
    return code;
}
