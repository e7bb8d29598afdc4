/*
 * ASK: surveys, what they ask, and what becomes of an answer.
 *
 * IN:  definitions (JSON documents: docs/surveys.md), answers of people through any channel
 * OUT: `Survey Shown`, `Survey Dismissed`, `Survey Responded` in the timeline, each answer a row of the long table
 *      (collect/answers.h), durable before anybody is thanked
 *
 * A survey has a draft, which is edited, and published versions, which never change: an answer names its version, so it
 * keeps the meaning of what was asked. Answering always takes the newest published version, or the one that the answer
 * was begun with.
 *
 * STATES of a survey: draft -> (publish) open -> (close) closed -> (open again) open. Its draft may be edited in any of them.
 *
 * EXACTLY ONCE  A submission has an id (made with the page, by a device, or from the personal link). Its interactions bear
 * message ids made of it, so a replay adds nothing, whatever it says.
 *
 * A respondent who leaves in the middle has answered what was answered: after some hours (`partial_after_h`) it is recorded as a
 * partial answer (property `partial`); who comes back after that adds only what was not yet recorded.
 *
 * THREADS  Everything from anywhere. A struct survey is immutable and shared: release it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SURVEY_SURVEY_H
#define SENDA_SURVEY_SURVEY_H

#include <jansson.h>

#include "base/arena.h"
#include "folder/folder.h"

enum {
    SURVEY_ID_BYTES = 64,         /* longest id of a survey, question, page, option */
    SURVEY_SUBMISSION_BYTES = 64, /* longest id of a submission */
    SURVEY_BYTES = 1 << 20,       /* of a definition */
    SURVEY_PAGES = 100,
    SURVEY_QUESTIONS = 200,
    SURVEY_OPTIONS = 500, /* of a question */
    SURVEY_LANGUAGES = 40,
    SURVEY_ANSWERS_BYTES = 30000 /* of a submission's answers as JSON */
};

/* ---- what a survey asks ---- */

/* X(name, word in definitions, metric of its answers) */
#define SURVEY_TYPES(X)                                                                            \
    X(NPS, "nps", "nps")                                                                           \
    X(CSAT, "csat", "csat")                                                                        \
    X(CES, "ces", "ces")                                                                           \
    X(RATING, "rating", "rating")                                                                  \
    X(CHOICE, "choice", "choice")                                                                  \
    X(CHOICES, "choices", "choice")                                                                \
    X(PICTURE, "picture", "choice")                                                                \
    X(RANKING, "ranking", "rank")                                                                  \
    X(MATRIX, "matrix", "choice")                                                                  \
    X(SERVQUAL, "servqual", "rating")                                                              \
    X(SHORT_TEXT, "short_text", "text")                                                            \
    X(LONG_TEXT, "long_text", "text")                                                              \
    X(NUMBER, "number", "number")                                                                  \
    X(DATE, "date", "date")                                                                        \
    X(CONSENT, "consent", "consent")                                                               \
    X(CONTACT, "contact", "contact")                                                               \
    X(STATEMENT, "statement", "")

enum survey_type {
#define X(name, word, metric) SURVEY_##name,
    SURVEY_TYPES(X)
#undef X
        SURVEY_TYPES_N
};
const char *survey_type_name(enum survey_type type);

enum survey_look { SURVEY_NUMBERS, SURVEY_STARS, SURVEY_FACES };
enum survey_contact { CONTACT_NAME = 1, CONTACT_EMAIL = 2, CONTACT_PHONE = 4, CONTACT_COMPANY = 8 };

/* A text in each language of the survey, the fallback where one lacks it. NULL: there is none. */
struct survey_text {
    const char *const *in; /* [survey->n_languages] */
};

struct survey_option {
    const char *id;
    struct survey_text text;
    const char *emoji;      /* "" where there is none */
    struct slice image;     /* its bytes; absent if there is none */
    const char *image_type; /* "image/png" */
    bool exclusive, other,
        last; /* alone; with a text of one's own; not moved when the order is random */
};

struct survey_condition; /* condition.c */

struct survey_question {
    const char *id;
    enum survey_type type;
    size_t page;
    struct survey_text text, help, low, high, placeholder;
    bool required, randomise;
    const struct survey_condition *show_if; /* NULL: always */
    const char *metric, *touchpoint;        /* touchpoint "": the submission's */
    double min, max, step;                  /* of scales and numbers; step 0: any */
    bool has_min, has_max;
    enum survey_look look;
    const struct survey_option *options,
        *rows; /* of choices, columns of a matrix; rows of matrix and servqual */
    size_t n_options, n_rows;
    size_t least, most; /* choices taken, 0: any; most: characters of a text */
    unsigned contact;   /* CONTACT_… asked for */
    const char *purpose, *date_min, *date_max;
};

struct survey_jump {
    const struct survey_condition *condition;
    size_t to; /* page, n_pages: the end */
};

struct survey_page {
    const char *id;
    struct survey_text title;
    const struct survey_condition *show_if;
    bool randomise;
    size_t first, n; /* questions */
    const struct survey_jump *jumps;
    size_t n_jumps;
};

struct survey_quota {
    const char *id;
    const struct survey_condition *condition;
    uint64_t limit;
    struct survey_text message;
};

enum survey_state { SURVEY_DRAFT, SURVEY_OPEN, SURVEY_CLOSED };
const char *survey_state_name(enum survey_state state);

struct survey {
    uint64_t number;
    const char *id;
    uint32_t version; /* 0: the draft */
    enum survey_state state;
    const json_t *definition;
    const char *const *languages; /* the first is the fallback */
    size_t n_languages;
    struct survey_text title, welcome, thanks, closed, next_label, back_label, send_label;
    const char *channel, *touchpoint, *unit; /* "" where the survey says none */
    bool progress, back, resume;
    int64_t closes_ms; /* 0: never by itself */
    uint64_t limit;    /* complete answers wanted, 0: any number */
    int partial_after_h;
    const char *const *hidden,
        *const *traits; /* names of fields from the address, of traits that texts may show */
    size_t n_hidden, n_traits;
    const struct survey_page *pages;
    const struct survey_question *questions; /* in order of the pages */
    const struct survey_quota *quotas;
    size_t n_pages, n_questions, n_quotas;
    struct survey_private *private;
};

/* Checks a definition: what it would ask. E_INVALID with the pointer of the fault ("/pages/0/questions/2/type"). The
 * definition is kept (a reference). */
must_use int survey_parse(json_t *definition, struct survey **survey, struct err *err);
struct survey *survey_retain(struct survey *survey);
void survey_release(struct survey *survey); /* NULL is allowed */

/* The newest published version. E_NOT_FOUND: unknown, or never published. */
must_use int survey_find(struct folder *folder, struct slice id, struct survey **survey,
                         struct err *err);
/* A version; 0: the draft. */
must_use int survey_find_version(struct folder *folder, struct slice id, uint32_t version,
                                 struct survey **survey, struct err *err);
/* NULL: none. "question" of "question.row" too. */
const struct survey_question *survey_question(const struct survey *survey, struct slice id);
const struct survey_option *survey_option(const struct survey_option *options, size_t n,
                                          struct slice id);
/* The best of the survey's languages for what somebody reads: "es-MX,es;q=0.9,en" or "es". */
size_t survey_language(const struct survey *survey, const char *accepted);
/* "" where there is none. */
const char *survey_text_in(struct survey_text text, size_t language);
/* By language, for those who show it themselves: a new reference, NULL where there is none. */
json_t *survey_texts_json(const struct survey *survey, struct survey_text text);

/* ---- the records ---- */

struct survey_row {
    uint64_t number;
    const char *id, *title, *author;
    enum survey_state state;
    uint32_t version;   /* published last, 0: none */
    bool draft_differs; /* from what is published */
    int64_t created_ms, changed_ms, published_ms;
};
/* All, the last changed first; one: E_NOT_FOUND. Texts are the arena's. */
must_use int surveys_list(struct folder *folder, struct arena *arena, struct survey_row **rows,
                          size_t *n, struct err *err);
must_use int surveys_get(struct folder *folder, struct slice id, struct arena *arena,
                         struct survey_row *row, struct err *err);
/* Id "" makes one from the title. The draft may still be faulty in its logic: only publishing needs it whole. E_CONFLICT: the id
 * is taken. */
must_use int surveys_add(struct folder *folder, const char *id, const json_t *draft,
                         const char *author, struct arena *arena, struct survey_row *row,
                         struct err *err);
must_use int surveys_change(struct folder *folder, struct slice id, const json_t *draft,
                            struct err *err);
/* New references. surveys_version: 0 is the draft. */
must_use int surveys_version(struct folder *folder, struct slice id, uint32_t version,
                             json_t **definition, struct err *err);
struct survey_version_row {
    uint32_t version;
    int64_t published_ms;
    const char *author;
};
must_use int surveys_versions(struct folder *folder, struct slice id, struct arena *arena,
                              struct survey_version_row **rows, size_t *n, struct err *err);
/* Checks the draft and makes it the next version (the same one where nothing changed), and opens the survey. */
must_use int surveys_publish(struct folder *folder, struct slice id, const char *author,
                             uint32_t *version, struct err *err);
/* E_CONFLICT: never published. */
must_use int surveys_set_open(struct folder *folder, struct slice id, bool open, struct err *err);
/* A survey that was never published: gone. Else E_CONFLICT: its answers refer to it. */
must_use int surveys_remove(struct folder *folder, struct slice id, struct err *err);

/* ---- answering ---- */

/* Who answers, where and when. Absent slices: not said. */
#define SURVEY_PICKED 'h' /* an invitation whose id begins so: a person chose whom to ask */

struct survey_context {
    struct slice customer;     /* "c_…", a userId …; absent: anonymous */
    struct slice anonymous_id; /* of senda.js or a device; absent: one of the submission */
    struct slice submission;   /* needed: 1 to SURVEY_SUBMISSION_BYTES of A–Z a–z 0–9 - _ */
    struct slice channel, touchpoint, unit; /* in place of the survey's own */
    size_t language;                        /* place in the survey's languages */
    struct slice invitation;
    int64_t time_ms, received_ms;
    const json_t *hidden, *traits;      /* objects of texts, or NULL */
    const struct event_property *extra; /* properties besides (device, misuse marks …) */
    size_t n_extra;
    struct source source;
    bool partial;
    const json_t *recorded; /* answers that were recorded as partial before, or NULL */
};

/* Answers are an object by question:
 *   nps csat ces rating number  a number          choice picture  id of an option       short_text long_text date  a text
 *   choices  list of ids        ranking  list of ids, best first         consent  true or false
 *   matrix  {row: column or number}               servqual  {row: {"expected": n, "perceived": n}}
 *   contact  {"name","email","phone","company"}   own words of `other`: member "QUESTION.other"
 *
 * Checks all that is asked on the way (path) with these answers and makes the interactions of a submission, in the
 * arena. E_INVALID with the pointer "/answers/QUESTION" at the first fault. Answers to what was not asked are left out. */
must_use int survey_events(struct folder *folder, const struct survey *survey,
                           const json_t *answers, const struct survey_context *context,
                           struct arena *arena, struct event **events, size_t *n, struct err *err);
struct survey_result {
    bool duplicate; /* this submission was recorded before */
};
/* A whole answer of this submission was recorded: another adds nothing. */
bool survey_is_answered(struct folder *folder, const struct survey *survey,
                        struct slice submission);
/* survey_events, and waits until it is durable. E_REFUSED: closed, or a quota is full (hint). */
must_use int survey_submit(struct folder *folder, const struct survey *survey,
                           const json_t *answers, const struct survey_context *context,
                           struct survey_result *result, struct err *err);
/* `Survey Shown` (once a submission) or, with `dismissed`, `Survey Dismissed`; durable. */
must_use int survey_seen(struct folder *folder, const struct survey *survey, bool dismissed,
                         const struct survey_context *context, struct err *err);

/* The survey takes answers now: state, end, limit. E_REFUSED with the message for people in err->message. */
must_use int survey_check_open(struct folder *folder, const struct survey *survey, int64_t now_ms,
                               struct err *err);
/* A quota that these answers fall in and that is full; NULL: none. */
const struct survey_quota *survey_quota_full(struct folder *folder, const struct survey *survey,
                                             const json_t *answers,
                                             const struct survey_context *context);
/* Call after a complete submission was accepted: counts it for limit and quotas. Nothing to do for surveys without. */
must_use int survey_count(struct folder *folder, const struct survey *survey, const json_t *answers,
                          const struct survey_context *context, struct err *err);

/* ---- the way through a survey ---- */

/* One answer as a form or API gave it. *value becomes its normal form (a new reference), NULL where nothing was answered. */
must_use int survey_check_answer(const struct survey_question *question, const json_t *answers,
                                 json_t **value, struct err *err);
/* Every answer is to a question of the survey, or own words beside one (QUESTION.other). E_INVALID with the pointer. */
must_use int survey_check_names(const struct survey *survey, const json_t *answers,
                                struct err *err);
bool survey_holds(const struct survey_condition *condition, const json_t *answers,
                  const struct survey_context *context);
/* The condition as the definition has it (for scripts in the page). */
const json_t *survey_condition_json(const struct survey_condition *condition);
/* The question is asked, its page being shown. */
bool survey_asks(const struct survey_question *question, const json_t *answers,
                 const struct survey_context *context);
/* Pages on the way with these answers, in order; pages has room for n_pages. */
size_t survey_path(const struct survey *survey, const json_t *answers,
                   const struct survey_context *context, size_t *pages);
/* Questions of a page in the order for this submission: order has room for page->n, numbers of questions. */
void survey_order(const struct survey *survey, const struct survey_page *page,
                  const struct survey_context *context, size_t *order);
/* The same for options. */
void survey_option_order(const struct survey_question *question,
                         const struct survey_context *context, size_t *order);
/* A text with {{question}}, {{trait.name|else}}, {{hidden.name}} filled in: plain text, in the arena. */
const char *survey_pipe(const struct survey *survey, const char *text, const json_t *answers,
                        const struct survey_context *context, struct arena *arena);

/* ---- answers under way ---- */

/* What somebody has answered so far, kept sealed until it is complete: save and resume. */
struct survey_progress {
    uint32_t version;
    bool recorded; /* as partial */
    json_t *state; /* {"answers","recorded", …}: a new reference */
    int64_t updated_ms;
};
/* What a kept state says of who answers: members language, hidden, traits, customer, anonymous_id, invitation, channel,
 * touchpoint, unit, source, recorded. Texts are the state's. */
void survey_context_of_state(const struct survey *survey, const json_t *state,
                             struct survey_context *context);
/* E_NOT_FOUND. */
must_use int survey_progress_get(struct folder *folder, const struct survey *survey,
                                 struct slice submission, struct survey_progress *progress,
                                 struct err *err);
must_use int survey_progress_put(struct folder *folder, const struct survey *survey,
                                 struct slice submission, const json_t *state, int64_t now_ms,
                                 struct err *err);
must_use int survey_progress_remove(struct folder *folder, const struct survey *survey,
                                    struct slice submission, struct err *err);
/* How many are under way. */
must_use int survey_progress_count(struct folder *folder, uint64_t survey, uint64_t *n,
                                   struct err *err);

/* Writer: what people of these profiles left half answered goes (an erasure). */
must_use int survey_forget(sqlite3 *db, const uint32_t *profiles, size_t n, struct err *err);

/* ---- personal links ---- */

struct survey_link {
    uint64_t survey;
    uint32_t customer;                                    /* owner's profile number */
    int64_t expires_ms;                                   /* 0: never */
    const char *invitation, *channel, *touchpoint, *unit; /* "": none */
};
/* The token of ?t=, in the arena: signed, so that nobody makes one up. The submission's id follows from it. */
const char *survey_link_make(struct folder *folder, const struct survey_link *link,
                             struct arena *arena);
/* E_NOT_FOUND: not ours, or of another survey. E_REFUSED: too old. submission: SURVEY_SUBMISSION_BYTES + 1. */
must_use int survey_link_read(struct folder *folder, const struct survey *survey, const char *token,
                              int64_t now_ms, struct arena *arena, struct survey_link *link,
                              char *submission, struct err *err);

#endif
