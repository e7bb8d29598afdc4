/*
 * What is wrong with an answer, in the words of whoever gives it. The page bears these texts, so that its script says the same as
 * the server does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"
#include "pages/format.h"
#include "pages/survey_sitting.h"

enum { FAULT_BYTES = 400 };

/* The text with {from} and {to} filled in. */
static const char *filled(const struct sitting *sitting, const char *key, const char *from,
                          const char *to) {
    const char *text = sitting_text(sitting, key);
    struct buf out;
    buf_init(&out, FAULT_BYTES);
    while (*text) {
        bool is_from = strncmp(text, "{from}", 6) == 0, is_to = strncmp(text, "{to}", 4) == 0;
        if (is_from || is_to)
            buf_add_text(&out, is_from ? from : to);
        else
            buf_add_char(&out, *text);
        text += is_from ? 6 : is_to ? 4 : 1;
    }
    const char *copy = arena_text(sitting->request->arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

/* "KEY.between", "KEY.from" or "KEY.to", by which bounds there are; else the key's own text. NULL: no such bound. */
static const char *bounded(const struct sitting *sitting, const char *key, const char *from,
                           const char *to) {
    const char *which = from && to ? ".between" : from ? ".from" : to ? ".to" : "";
    return filled(sitting, arena_format(sitting->request->arena, "survey.fault.%s%s", key, which),
                  from ? from : "", to ? to : "");
}

static const char *number_text(const struct sitting *sitting, double number) {
    struct buf out;
    buf_init(&out, FAULT_BYTES);
    format_number(format_get(sitting->ui, NULL, NULL), number, 6, &out);
    const char *text = arena_text(sitting->request->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static const char *count_text(const struct sitting *sitting, size_t n) {
    return n ? number_text(sitting, (double)n) : NULL;
}

static const char *day_text(const struct sitting *sitting, const char *day) {
    int64_t day_ms;
    struct buf out;
    if (!*day || time_parse(slice_of(day), NULL, &day_ms))
        return NULL;
    buf_init(&out, FAULT_BYTES);
    format_instant(format_get(sitting->ui, NULL, NULL), day_ms, INSTANT_DATE, &out);
    const char *text = arena_text(sitting->request->arena, buf_slice(&out));
    buf_release(&out);
    return text;
}

static const char *number_fault(const struct sitting *sitting,
                                const struct survey_question *question) {
    const char *from = question->has_min ? number_text(sitting, question->min) : NULL,
               *to = question->has_max ? number_text(sitting, question->max) : NULL,
               *text = bounded(sitting, "number", from, to);
    if (question->step <= 0)
        return text;
    const char *step = number_text(sitting, question->step);
    return arena_format(sitting->request->arena, "%s %s", text,
                        question->step == 1
                            ? sitting_text(sitting, "survey.fault.number.whole")
                            : filled(sitting, "survey.fault.number.step", step, step));
}

static const char *contact_fault(const struct sitting *sitting, unsigned fields) {
    bool mail = fields & CONTACT_EMAIL, phone = fields & CONTACT_PHONE;
    return sitting_text(sitting, mail && phone ? "survey.fault.contact"
                                 : phone       ? "survey.fault.contact.phone"
                                               : "survey.fault.contact.email");
}

const char *survey_missing_text(const struct sitting *sitting,
                                const struct survey_question *question) {
    switch (question->type) {
    case SURVEY_MATRIX: return sitting_text(sitting, "survey.fault.matrix");
    case SURVEY_SERVQUAL: return sitting_text(sitting, "survey.fault.servqual");
    case SURVEY_CONSENT: return sitting_text(sitting, "survey.fault.consent");
    default: return sitting_text(sitting, "survey.fault.missing");
    }
}

const char *survey_wrong_text(const struct sitting *sitting,
                              const struct survey_question *question) {
    switch (question->type) {
    case SURVEY_CHOICES:
        return bounded(sitting, "choices", count_text(sitting, question->least),
                       count_text(sitting, question->most));
    case SURVEY_RANKING: return sitting_text(sitting, "survey.fault.ranking");
    case SURVEY_SHORT_TEXT:
    case SURVEY_LONG_TEXT:
        return bounded(sitting, "text", NULL, count_text(sitting, question->most));
    case SURVEY_NUMBER: return number_fault(sitting, question);
    case SURVEY_DATE:
        return bounded(sitting, "date", day_text(sitting, question->date_min),
                       day_text(sitting, question->date_max));
    case SURVEY_CONTACT: return contact_fault(sitting, question->contact);
    default: return sitting_text(sitting, "survey.fault.wrong");
    }
}
