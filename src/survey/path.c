/*
 * The way through a survey: which pages and questions are asked, in which order, and texts that quote what was said.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey/internal.h"

bool survey_asks(const struct survey_question *question, const json_t *answers,
                 const struct survey_context *context) {
    return survey_holds(question->show_if, answers, context);
}

static bool page_asks(const struct survey *survey, const struct survey_page *page,
                      const json_t *answers, const struct survey_context *context) {
    if (!survey_holds(page->show_if, answers, context))
        return false;
    for (size_t i = 0; i < page->n; i++)
        if (survey_asks(&survey->questions[page->first + i], answers, context))
            return true;
    return false;
}

size_t survey_path(const struct survey *survey, const json_t *answers,
                   const struct survey_context *context, size_t *pages) {
    size_t n = 0, p = 0;
    while (p < survey->n_pages) {
        const struct survey_page *page = &survey->pages[p];
        size_t next = p + 1;
        if (page_asks(survey, page, answers, context)) {
            pages[n++] = p;
            for (size_t i = 0; i < page->n_jumps; i++)
                if (survey_holds(page->jumps[i].condition, answers, context)) {
                    next = page->jumps[i].to;
                    break;
                }
        }
        p = next;
    }
    return n;
}

/* ---- order ---- */

/* 64 bits that are the same for the same submission and thing. */
static uint64_t submission_seed(const struct survey_context *context, const char *what) {
    return hash_bytes(context->submission.p ? context->submission.p : "", context->submission.n) ^
           hash_bytes(what, strlen(what));
}

/* Fisher and Yates, with SplitMix64. */
static void shuffle(size_t *order, size_t n, uint64_t seed) {
    for (size_t i = n; i > 1; i--) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        size_t k = (size_t)((z ^ (z >> 31)) % i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
}

void survey_order(const struct survey *survey, const struct survey_page *page,
                  const struct survey_context *context, size_t *order) {
    (void)survey;
    for (size_t i = 0; i < page->n; i++)
        order[i] = page->first + i;
    if (page->randomise)
        shuffle(order, page->n, submission_seed(context, page->id));
}

void survey_option_order(const struct survey_question *question,
                         const struct survey_context *context, size_t *order) {
    const bool of_rows = question->n_rows > 0;
    size_t n = of_rows ? question->n_rows : question->n_options, moved = 0;
    const struct survey_option *options = of_rows ? question->rows : question->options;
    for (size_t i = 0; i < n; i++)
        if (!options[i].last)
            order[moved++] = i;
    if (question->randomise)
        shuffle(order, moved, submission_seed(context, question->id));
    for (size_t i = 0; i < n; i++)
        if (options[i].last)
            order[moved++] = i;
}

/* ---- piping ---- */

enum { PIPED_BYTES = 20000, QUOTED_BYTES = 200 };

static void add_value(const struct survey_question *question, const json_t *value, size_t language,
                      struct buf *out) {
    const struct survey_option *option = json_is_string(value) && question
                                             ? survey_option(question->options, question->n_options,
                                                             slice_of(json_string_value(value)))
                                             : NULL;
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)value, i, each) {
        if (i)
            buf_add_text(out, ", ");
        add_value(question, each, language, out);
    }
    if (option && option->text.in)
        buf_add_text(out, survey_text_in(option->text, language));
    else if (json_is_string(value))
        buf_add(out, json_string_value(value),
                json_string_length(value) < QUOTED_BYTES ? json_string_length(value)
                                                         : QUOTED_BYTES);
    else if (json_is_integer(value))
        buf_add_format(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        buf_add_format(out, "%.15g", json_real_value(value));
}

/* "name" or "name|else" between the braces. */
static void add_quoted(const struct survey *survey, struct slice inner, const json_t *answers,
                       const struct survey_context *context, struct buf *out) {
    char name[2 * SURVEY_ID_BYTES];
    const char *bar = memchr(inner.p, '|', inner.n);
    size_t n = bar ? (size_t)(bar - inner.p) : inner.n, before = out->n;
    if (n >= sizeof name)
        return;
    memcpy(name, inner.p, n);
    name[n] = 0;
    const struct survey_question *question = NULL;
    const json_t *value;
    if (strncmp(name, "trait.", 6) == 0) {
        value = json_object_get(context->traits, name + 6);
    } else if (strncmp(name, "hidden.", 7) == 0) {
        value = json_object_get(context->hidden, name + 7);
    } else {
        question = survey_question(survey, slice_of(name));
        value = json_object_get(answers, name);
    }
    if (value)
        add_value(question, value, context->language, out);
    if (out->n == before && bar)
        buf_add(out, bar + 1, inner.n - n - 1);
}

const char *survey_pipe(const struct survey *survey, const char *text, const json_t *answers,
                        const struct survey_context *context, struct arena *arena) {
    const char *at = strstr(text, "{{"), *from = text;
    struct buf out;
    if (!at)
        return text;
    buf_init(&out, PIPED_BYTES);
    while (at) {
        const char *end = strstr(at, "}}");
        if (!end)
            break;
        buf_add(&out, from, (size_t)(at - from));
        add_quoted(survey, (struct slice){at + 2, (size_t)(end - at - 2)}, answers, context, &out);
        from = end + 2;
        at = strstr(from, "{{");
    }
    buf_add_text(&out, from);
    const char *piped = arena_text(arena, buf_slice(&out));
    buf_release(&out);
    return piped;
}
