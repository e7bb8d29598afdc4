/*
 * HEAR: reviews. Customers rate products, services, units or the organisation with stars and words.
 *
 * IN:  interactions `Product Reviewed`, whoever sends them: our form, a signed link, the API, a file, a shop's own events
 * OUT: a record for each review, with what is known about it (bought? asked for? suspicious, and why?); figures of a subject
 *
 * A review is an interaction first, so it stands on the customer's timeline and its stars count in scores (metric `rating`).
 * The record follows from it: at once where we made the interaction ourselves (review_submit), else by reading the log
 * (review_read.c), which a stored position makes safe to repeat.
 *
 * INVARIANTS
 *  1. Nobody is gated: which stars a review has decides neither whether it is asked for, nor published, nor counted.
 *  2. Every review counts in averages but those refused, with one of the closed reasons (how many is public), those on
 *     others' sites, and those held: so suspicious that a person has to look first. Decisions are people's alone.
 *  3. `verified` is found in the customer's timeline, never believed from outside.
 *  4. A signed link is good for one review; a visitor has one vote on a review.
 *
 * STATES  waits → published | refused; both may be changed, the last decision may be taken back. What is held counts once
 * it is published.
 *
 * THREADS  Everything from anywhere but the writer's thread.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_VOICE_REVIEW_H
#define SENDA_VOICE_REVIEW_H

#include "collect/source.h"
#include "folder/folder.h"
#include "jobs/jobs.h"
#include "query/principal.h"
#include "stats/interval.h"

enum {
    REVIEW_TITLE_BYTES = 200,
    REVIEW_TEXT_BYTES = 5000,
    REVIEW_AUTHOR_BYTES = 80,
    REVIEW_SUBJECT_BYTES = 120,
    REVIEW_REPLY_BYTES = 3000,
    REVIEW_NOTE_BYTES = 500,
    REVIEW_URL_BYTES = 500,
    REVIEW_SUBJECTS_MAX = 100000,
    REVIEW_VOTES_MAX = 100000, /* of one review */
    REVIEW_DEVICE_BYTES = 8,
    REVIEW_LINK_BYTES = 16,
    REVIEW_LINK_DAYS = 60
};

#define REVIEW_EVENT "Product Reviewed"

enum review_state { REVIEW_WAITS, REVIEW_PUBLISHED, REVIEW_REFUSED, REVIEW_STATES };
const char *review_state_name(enum review_state state); /* "waiting" "published" "refused" */
/* REVIEW_STATES: no such state. */
enum review_state review_state_of(const char *name);

/* Why a review may be refused: X(name). Nothing about how happy somebody is. */
#define REVIEW_REASON_TABLE(X)                                                                     \
    X(insult)                                                                                      \
    X(personal_data)                                                                               \
    X(off_topic)                                                                                   \
    X(advertising)                                                                                 \
    X(fake)                                                                                        \
    X(duplicate)                                                                                   \
    X(conflict_of_interest)                                                                        \
    X(illegal)                                                                                     \
    X(withdrawn)
const char *const *review_reasons(void); /* their names, NULL at the end */
bool review_reason_is_known(const char *reason);

/* What makes a review suspicious: X(bit, name, weight in log-odds). SOURCE and meaning: review_signals.c. */
#define REVIEW_SIGNAL_TABLE(X)                                                                     \
    X(0, no_purchase, 0.25)                                                                        \
    X(1, duplicate_text, 2.6)                                                                      \
    X(2, burst, 1.6)                                                                               \
    X(3, new_account, 0.7)                                                                         \
    X(4, deviates_in_burst, 1.0)                                                                   \
    X(5, same_device, 1.7)                                                                         \
    X(6, extreme_only, 0.5)
/* The name of a bit of `signals`; NULL beyond the last. */
const char *review_signal_name(unsigned bit);

enum subject_kind {
    SUBJECT_PRODUCT,
    SUBJECT_SERVICE,
    SUBJECT_UNIT,
    SUBJECT_ORGANISATION,
    SUBJECT_KINDS
};
const char *subject_kind_name(enum subject_kind kind); /* "product" */
enum subject_kind subject_kind_of(const char *name);   /* SUBJECT_KINDS: no such kind */

struct review_subject {
    const char *name, *title, *url, *experience;
    enum subject_kind kind;
};

struct review {
    uint64_t id;
    const char *subject, *title, *text, *author, *language, *origin, *site;
    const char *reason, *note, *moderated_by, *reply, *replied_by;
    uint32_t customer; /* profile */
    uint16_t unit;
    double stars, suspicion, helpful_low;
    enum review_state state;
    bool verified, held, forgotten;
    bool can_undo;
    unsigned signals, months;
    int64_t experience_ms, invited_ms, created_ms, arrived_ms, moderated_ms,
        replied_ms; /* 0: not */
    uint64_t helpful, unhelpful;
};
/* Was it asked for (or, where nobody asked, written) within 30 days of the experience? false where that is not known. */
bool review_is_timely(const struct review *review);

/* ---- subjects ---- */

/* Makes or changes one. E_INVALID at /name, /kind, /title, /url; E_REFUSED beyond REVIEW_SUBJECTS_MAX. */
must_use int subject_put(struct folder *folder, const struct review_subject *subject,
                         struct err *err);
/* Texts in the arena. E_NOT_FOUND. */
must_use int subject_find(struct folder *folder, const char *name, struct arena *arena,
                          struct review_subject *subject, struct err *err);
/* One without reviews. E_REFUSED: it has some. E_NOT_FOUND. */
must_use int subject_remove(struct folder *folder, const char *name, struct err *err);

/* ---- reviews ---- */

/* A review as somebody writes it. Texts "" or NULL: none. */
struct review_draft {
    const char *subject; /* that of a subject that there is */
    const char *title, *text, *author, *language;
    const char *
        customer; /* any identifier, NULL: nobody; an unknown one becomes a new customer's userId */
    const char *origin, *site;  /* origin: form link api */
    const char *channel, *unit; /* of the interaction; NULL: of the source, of the subject */
    double stars;
    int64_t created_ms, invited_ms, ordered_ms; /* ordered_ms: said by who sends it, 0 */
    unsigned months;
    bool has_device, has_link;
    unsigned char device[REVIEW_DEVICE_BYTES], link[REVIEW_LINK_BYTES];
};
/* Keeps it, durable when this returns. Errors: E_NOT_FOUND no such subject; E_INVALID with the pointer of the member;
 * E_CONFLICT the link was used. */
must_use int review_submit(struct folder *folder, struct source source,
                           const struct review_draft *draft, uint64_t *id, struct err *err);

enum review_order {
    REVIEWS_NEWEST,
    REVIEWS_OLDEST,
    REVIEWS_HELPFUL, /* Wilson's lower bound of the votes; without votes last, the newest first */
    REVIEWS_HIGHEST,
    REVIEWS_LOWEST,
    REVIEWS_SUSPICIOUS,
    REVIEW_ORDERS,
    REVIEWS_BY_NUMBER =
        REVIEW_ORDERS /* ascending, for exports: the next page is after the last number */
};
const char *review_order_name(enum review_order order);
enum review_order review_order_of(const char *name); /* REVIEW_ORDERS: no such order */

struct review_filter {
    const char *subject; /* NULL: all */
    const char *kind;    /* of subject */
    const char *text;    /* occurs in title, text or author, without regard to case */
    const char *reason;  /* of refusal */
    int state;           /* enum review_state, -1: all */
    int stars;           /* rounded, 0: all */
    int verified, invited, replied, written, own,
        held;                          /* -1: all; written: with words; own: not on others' sites */
    uint32_t customer;                 /* a profile's owner's: see review_list; 0: all */
    int64_t from_ms, to_ms;            /* created, half-open; to_ms 0: no end */
    const struct principal *principal; /* its units; NULL: all */
    enum review_order order;
    const char *cursor; /* of the answer before, NULL: from the first */
    size_t limit;
};
extern const struct review_filter REVIEW_FILTER_ALL; /* everything, newest first, 50 */
/* Texts in the arena. *next: a cursor, NULL at the end. E_INVALID at /cursor. */
must_use int review_list(struct folder *folder, const struct review_filter *filter,
                         struct arena *arena, struct review **reviews, size_t *n, const char **next,
                         struct err *err);
must_use int review_find(struct folder *folder, uint64_t id, struct arena *arena,
                         struct review *review, struct err *err);

/* ---- decisions ---- */

/* reason: for REVIEW_REFUSED one of the table, else NULL. E_INVALID at /state, /reason, /note; E_NOT_FOUND. */
must_use int review_decide(struct folder *folder, uint64_t id, enum review_state state,
                           const char *reason, const char *note, const char *who, struct err *err);
/* Takes the last decision back. E_CONFLICT: there is none. */
must_use int review_undo(struct folder *folder, uint64_t id, const char *who, struct err *err);
/* The organisation's answer; "" takes it away. E_INVALID at /text. */
must_use int review_reply(struct folder *folder, uint64_t id, const char *text, const char *who,
                          struct err *err);
/* vote: 1 helpful, 0 not, -1 taken back. Only on what is published, else E_NOT_FOUND. *changed: it was another one before.
 * E_RATE beyond REVIEW_VOTES_MAX. */
must_use int review_vote(struct folder *folder, uint64_t id, struct slice visitor, int vote,
                         bool *changed, struct err *err);

/* A keyed hash of what tells a visitor from another, for votes (with the review's id) and devices (0). */
void review_visitor(struct folder *folder, uint64_t id, const char *address, const char *agent,
                    unsigned char visitor[REVIEW_DEVICE_BYTES]);

/* How reviews are published: "review.moderation" is "all" (each waits for a person; the standard) or "suspicious" (only those
 * held or with a text that was masked wait). */
#define REVIEW_MODERATION_SETTING "review.moderation"

/* ---- figures ---- */

struct review_figures {
    struct review_subject subject;
    double counts[5];         /* counted, by stars, rounded */
    double n, mean;           /* counted; mean NAN without any */
    struct estimate interval; /* of the mean, t */
    double bayes, lower;      /* for ordering: stats/rating.h */
    double with_held;         /* the mean if what is held counted; NAN */
    uint64_t waiting, published, refused, held, verified, invited, written, replied;
    uint64_t external;    /* on others' sites */
    double external_mean; /* NAN */
    int64_t newest_ms;    /* 0: none */
};
/* Of one subject (name), or of all that have a review (NULL), best first by `bayes`. E_NOT_FOUND: no such subject. */
must_use int review_figures(struct folder *folder, const char *name,
                            const struct principal *principal, struct arena *arena,
                            struct review_figures **figures, size_t *n, struct err *err);
/* The same of one subject without figures for ordering (bayes), which need all others: for what anybody may call. */
must_use int review_figures_open(struct folder *folder, const char *name, struct arena *arena,
                                 struct review_figures **figures, struct err *err);
/* How many were refused, by reason: [n of review_reasons]. name NULL: of all subjects. */
must_use int review_refusals(struct folder *folder, const char *name, struct arena *arena,
                             uint64_t **counts, struct err *err);
/* Grows with every change of a review or subject: for caches. */
uint64_t review_version(struct folder *folder);

/* ---- links and opinions asked for again ---- */

struct review_link {
    const char *subject, *customer; /* customer: an identifier */
    int64_t invited_ms, expires_ms;
    unsigned months;
    unsigned char id[REVIEW_LINK_BYTES];
};
/* A text of an address, sealed: who has it writes a review as this customer. */
must_use int review_link_make(struct folder *folder, const struct review_link *link,
                              struct arena *arena, const char **token, struct err *err);
/* E_INVALID at /link: not ours, too old, or its customer was erased. E_CONFLICT: used. Texts in the arena. */
must_use int review_link_open(struct folder *folder, const char *token, int64_t now_ms,
                              struct arena *arena, struct review_link *link, struct err *err);

/* Who should be asked again: the first opinion with its customer. */
struct review_due {
    uint64_t review;
    unsigned months;
    int64_t due_ms;
    uint32_t customer;
    const char *subject;
};
/* Those due, the oldest first, at most n. Texts in the arena. */
must_use int review_due_list(struct folder *folder, struct arena *arena, struct review_due *due,
                             size_t max, size_t *n, struct err *err);
enum review_due_state { REVIEW_DUE, REVIEW_ASKED, REVIEW_ANSWERED, REVIEW_LEFT };
must_use int review_due_set(struct folder *folder, uint64_t review, unsigned months,
                            enum review_due_state state, struct err *err);

/* ---- what reads and forgets ---- */

/* Reads interactions that came since: a record for each. Returns 1 if there is more to read. */
must_use int review_catch_up(struct folder *folder, struct err *err);
/* Writer's transaction: forgets text, author and device of the reviews of these profiles; their stars stay. */
must_use int review_forget(sqlite3 *db, const uint32_t *profiles, size_t n, struct err *err);

/* Each second: review_catch_up. */
extern const struct job review_read_job;
/* Each night: marks whom to ask again, looks for experiences that came in late, forgets devices. */
extern const struct job review_night_job;

#endif
