/*
 * Somebody in front of a survey: what they said so far, where they are, and what is to be shown next.
 *
 * IN:  a request with a form, a link or nothing; answers kept from before
 * OUT: a page to show, a page to go to, a submission to record
 *
 * The same walk serves people (page_survey_answer.c) and the preview of a draft (page_surveys.c), which keeps
 * nothing. A terminal (terminal_form.c) gets all questions at once, and its script walks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_SURVEY_SITTING_H
#define SENDA_PAGES_SURVEY_SITTING_H

#include "http/http.h"
#include "survey/survey.h"

struct sitting {
    struct request *request;
    const struct survey *survey;
    struct survey_context context;
    json_t *answers;                /* owned */
    json_t *hidden;                 /* owned: fields from the address */
    json_t *traits;                 /* owned, or NULL */
    json_t *kept;                   /* owned: the state of before, or NULL */
    const char *submission, *token; /* token: of a personal link, or NULL */
    const char *action;             /* where its form goes */
    const char *ui;                 /* "es" or "en": of the words around the questions */
    const char *csrf;               /* of a preview, or NULL */
    bool preview;
    bool whole;  /* every question at once, with its quotes unfilled: for a terminal's script */
    size_t page; /* shown */
    size_t path[SURVEY_PAGES], n_path; /* pages on the way */
    const char *faults
        [SURVEY_QUESTIONS]; /* by question: what is wrong, in the reader's language, or NULL */
    bool has_faults;
};

/* Clear it with sitting_release in any case. form: answers come from the request's form. */
void sitting_begin(struct sitting *sitting, struct request *request, const struct survey *survey);
void sitting_release(struct sitting *sitting);
/* The fields of the form or the query: language, hidden fields, answers of the page `p`. */
void sitting_read_form(struct sitting *sitting);
void sitting_read_query(struct sitting *sitting);
/* Names of texts: "survey.next" in the language around the questions. */
const char *sitting_text(const struct sitting *sitting, const char *key);

/* What a sent form leads to. */
enum sitting_step {
    STEP_SHOW,  /* this page again: faults, or questions that the answers opened */
    STEP_GO,    /* sitting->page is the next (or the one before) */
    STEP_SUBMIT /* all was asked */
};
/* Checks the page that was sent and finds what comes. */
enum sitting_step sitting_step(struct sitting *sitting);
/* Finds the way anew, and a page on it: the one asked for, else the first with something to answer. */
void sitting_place(struct sitting *sitting, const char *page);
/* What is kept of it: a new reference. */
json_t *sitting_state(const struct sitting *sitting);
/* Takes over a kept state. */
void sitting_resume(struct sitting *sitting, json_t *state);

/* A text of the survey with its quotes filled in. */
const char *sitting_piped(const struct sitting *sitting, struct survey_text text);

/* survey_form.c */
enum survey_notice {
    SURVEY_THANKS,
    SURVEY_CLOSED_NOW,
    SURVEY_FULL,
    SURVEY_UNKNOWN,
    SURVEY_ANSWERED,
    SURVEY_EXPIRED
};
/* The page with its questions. */
void survey_form_page(const struct sitting *sitting, struct buf *out);
/* One of its questions, with its fields. */
void survey_form_question(const struct sitting *sitting, size_t number, struct buf *out);
/* A picture of one of its options, as the form's addresses name it (ACTION/image/QUESTION/OPTION). */
must_use int survey_form_image(struct request *request, struct response *response,
                               const struct survey *survey, const char *cache, struct err *err);
/* A page that asks nothing. message: in place of the standard text, or NULL. */
void survey_form_notice(const struct sitting *sitting, enum survey_notice notice,
                        const char *message, struct buf *out);

/* survey_fields.c: what is to be filled in for a question, inside its fieldset. */
void survey_fields(const struct sitting *sitting, const struct survey_question *question,
                   struct buf *out);

/* survey_faults.c: what whoever did not answer, or answered what is not possible, is told. */
const char *survey_missing_text(const struct sitting *sitting,
                                const struct survey_question *question);
const char *survey_wrong_text(const struct sitting *sitting,
                              const struct survey_question *question);

/* terminal_form.c: the whole survey for a terminal's script. New reference. */
json_t *terminal_form_json(struct request *request, const struct survey *survey);

#endif
