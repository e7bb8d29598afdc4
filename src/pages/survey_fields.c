/*
 * The fields of each type of question as HTML, usable without script, by keyboard and by touch.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "pages/survey_sitting.h"
#include "pages/template.h"

enum { CONTACT_BYTES = 250 };

static void add(struct buf *out, const char *text) { html_escape(slice_of(text), out); }

/* The value is what was said. */
static bool is_said(const json_t *answer, const char *value) {
    char text[32];
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)answer, i, each) if (is_said(each, value)) return true;
    if (json_is_integer(answer)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(answer));
        return strcmp(text, value) == 0;
    }
    return json_is_string(answer) && strcmp(json_string_value(answer), value) == 0;
}

static const json_t *answer_of(const struct sitting *sitting,
                               const struct survey_question *question) {
    return json_object_get(sitting->answers, question->id);
}

/* name="a.…" value="…" and whether it is chosen. */
static void add_input(struct buf *out, const char *kind, const char *name, const char *value,
                      bool chosen, bool required) {
    buf_add_format(out, "<input type=%s name=\"a.%s\" value=\"%s\"%s%s>", kind, name, value,
                   chosen ? " checked" : "", required ? " required" : "");
}

/* A terminal's script mixes what may be mixed for each visitor. */
static const char *moves(const struct sitting *sitting, const struct survey_question *question,
                         const struct survey_option *option) {
    return sitting->whole && question->randomise && !option->last ? " data-moves" : "";
}

/* ---- scales ---- */

/* A mouth between sad (0) and happy (1). */
static void add_face(struct buf *out, double mood) {
    buf_add_format(out,
                   "<svg viewBox=\"0 0 40 40\" aria-hidden=true><circle cx=20 cy=20 r=17 /><circle "
                   "class=e cx=14 cy=16 r=2 /><circle class=e cx=26 cy=16 r=2 /><path d=\"M12 "
                   "%.0fQ20 %.0f 28 %.0f\"/></svg>",
                   28 - 3 * mood, 21 + 14 * mood, 28 - 3 * mood);
}

static const char star[] = "<svg viewBox=\"0 0 24 24\" aria-hidden=true><path d=\"M12 2.6l2.9 6 "
                           "6.6.9-4.8 4.6 1.2 6.6L12 17.6l-5.9 3.1 1.2-6.6L2.5 9.5l6.6-.9z\"/>"
                           "</svg>";

static void add_mark(const struct sitting *sitting, const struct survey_question *question, int i,
                     struct buf *out) {
    int min = (int)question->min, max = (int)question->max;
    if (question->look == SURVEY_NUMBERS) {
        buf_add_format(out, "<span>%d</span>", i);
        return;
    }
    buf_add_text(out, "<span>");
    if (question->look == SURVEY_STARS)
        buf_add_text(out, star);
    else
        add_face(out, (double)(i - min) / (max - min));
    buf_add_format(out, "<span class=vh>%d %s %d</span></span>", i,
                   sitting_text(sitting, "survey.of"), max);
}

static void add_scale(const struct sitting *sitting, const struct survey_question *question,
                      const char *name, const json_t *said, struct buf *out) {
    static const char *const looks[] = {"n", "stars", "faces"};
    char value[16];
    int min = (int)question->min, max = (int)question->max;
    buf_add_format(out, "<div class=\"scale %s\" data-n=%d>", looks[question->look], max - min + 1);
    for (int i = min; i <= max; i++) {
        snprintf(value, sizeof value, "%d", i);
        buf_add_text(out, "<label>");
        add_input(out, "radio", name, value, is_said(said, value), question->required);
        add_mark(sitting, question, i, out);
        buf_add_text(out, "</label>");
    }
    buf_add_text(out, "</div>");
}

static void add_ends(const struct sitting *sitting, const struct survey_question *question,
                     struct buf *out) {
    const char *low = sitting_piped(sitting, question->low),
               *high = sitting_piped(sitting, question->high);
    if (!*low && !*high)
        return;
    buf_add_format(out, "<p class=ends id=\"n-%s\"><span>", question->id);
    add(out, low);
    buf_add_text(out, "</span><span>");
    add(out, high);
    buf_add_text(out, "</span></p>");
}

static void scale_fields(const struct sitting *sitting, const struct survey_question *question,
                         struct buf *out) {
    add_scale(sitting, question, question->id, answer_of(sitting, question), out);
    add_ends(sitting, question, out);
}

/* ---- choices ---- */

static const char *option_text(const struct sitting *sitting, const struct survey_option *option) {
    const char *text = sitting_piped(sitting, option->text);
    if (*text)
        return text;
    return option->other       ? sitting_text(sitting, "survey.other")
           : option->exclusive ? sitting_text(sitting, "survey.none")
                               : option->id;
}

static void add_picture(const struct sitting *sitting, const struct survey_question *question,
                        const struct survey_option *option, struct buf *out) {
    if (option->image.n)
        buf_add_format(out, "<img src=\"%s/image/%s/%s?v=%u\" alt=\"\"%s>", sitting->action,
                       question->id, option->id, sitting->survey->version,
                       sitting->whole ? "" : " loading=lazy");
    if (*option->emoji) {
        buf_add_text(out, "<span class=emoji aria-hidden=true>");
        add(out, option->emoji);
        buf_add_text(out, "</span>");
    }
}

static void choice_fields(const struct sitting *sitting, const struct survey_question *question,
                          struct buf *out) {
    bool many = question->type == SURVEY_CHOICES;
    size_t *order = ARENA_ARRAY(sitting->request->arena, size_t, question->n_options + 1);
    survey_option_order(question, &sitting->context, order);
    buf_add_format(out, "<div class=%s", question->type == SURVEY_PICTURE ? "pictures" : "choices");
    if (many && question->least)
        buf_add_format(out, " data-least=%zu", question->least);
    if (many && question->most)
        buf_add_format(out, " data-most=%zu", question->most);
    buf_add_char(out, '>');
    for (size_t i = 0; i < question->n_options; i++) {
        const struct survey_option *option = &question->options[order[i]];
        buf_add_format(out, "<label%s%s>", option->exclusive ? " data-alone" : "",
                       moves(sitting, question, option));
        add_input(out, many ? "checkbox" : "radio", question->id, option->id,
                  is_said(answer_of(sitting, question), option->id), question->required && !many);
        add_picture(sitting, question, option, out);
        buf_add_text(out, "<span>");
        add(out, option_text(sitting, option));
        buf_add_text(out, "</span></label>");
        if (option->other) {
            const json_t *own = json_object_get(
                sitting->answers, arena_format(sitting->request->arena, "%s.other", question->id));
            buf_add_format(out, "<input class=own name=\"o.%s\" maxlength=1000 aria-label=\"",
                           question->id);
            add(out, sitting_text(sitting, "survey.own_words"));
            buf_add_text(out, "\" value=\"");
            add(out, json_is_string(own) ? json_string_value(own) : "");
            buf_add_text(out, "\">");
        }
    }
    buf_add_text(out, "</div>");
}

/* The place that an option was given, 0: none. The answer is a list, or places by option. */
static size_t place_of(const json_t *answer, const char *option) {
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)answer, i, each) if (is_said(each, option)) return i +
        1;
    const char *place = json_string_value(json_object_get(answer, option));
    return place ? strtoul(place, NULL, 10) : 0;
}

static void ranking_fields(const struct sitting *sitting, const struct survey_question *question,
                           struct buf *out) {
    size_t *order = ARENA_ARRAY(sitting->request->arena, size_t, question->n_options + 1);
    survey_option_order(question, &sitting->context, order);
    buf_add_text(out, "<div class=ranking>");
    for (size_t i = 0; i < question->n_options; i++) {
        const struct survey_option *option = &question->options[order[i]];
        size_t place = place_of(answer_of(sitting, question), option->id);
        buf_add_format(out, "<label%s><span>", moves(sitting, question, option));
        add(out, option_text(sitting, option));
        buf_add_format(out, "</span><select name=\"a.%s.%s\"><option value=\"\">–", question->id,
                       option->id);
        for (size_t k = 1; k <= question->n_options; k++)
            buf_add_format(out, "<option%s>%zu", k == place ? " selected" : "", k);
        buf_add_text(out, "</select></label>");
    }
    buf_add_text(out, "</div>");
}

/* ---- tables ---- */

static void add_columns(const struct sitting *sitting, const struct survey_question *question,
                        const char *name, const json_t *said, struct buf *out) {
    buf_add_text(out, "<div class=\"choices row\">");
    for (size_t i = 0; i < question->n_options; i++) {
        const struct survey_option *option = &question->options[i];
        buf_add_text(out, "<label>");
        add_input(out, "radio", name, option->id, is_said(said, option->id), question->required);
        buf_add_text(out, "<span>");
        add(out, option_text(sitting, option));
        buf_add_text(out, "</span></label>");
    }
    buf_add_text(out, "</div>");
}

static void add_pair(const struct sitting *sitting, const struct survey_question *question,
                     const char *name, const json_t *said, struct buf *out) {
    static const char *const sides[] = {"expected", "perceived"};
    for (size_t i = 0; i < 2; i++) {
        buf_add_text(out, "<fieldset class=side><legend>");
        add(out, sitting_text(sitting, i ? "survey.perceived" : "survey.expected"));
        buf_add_text(out, "</legend>");
        add_scale(sitting, question, arena_format(sitting->request->arena, "%s.%s", name, sides[i]),
                  json_object_get(said, sides[i]), out);
        buf_add_text(out, "</fieldset>");
    }
}

static void table_fields(const struct sitting *sitting, const struct survey_question *question,
                         struct buf *out) {
    size_t *order = ARENA_ARRAY(sitting->request->arena, size_t, question->n_rows + 1);
    survey_option_order(question, &sitting->context, order);
    add_ends(sitting, question, out);
    for (size_t i = 0; i < question->n_rows; i++) {
        const struct survey_option *row = &question->rows[order[i]];
        const char *name = arena_format(sitting->request->arena, "%s.%s", question->id, row->id);
        const json_t *said = json_object_get(answer_of(sitting, question), row->id);
        buf_add_format(out, "<fieldset class=line%s><legend>", moves(sitting, question, row));
        add(out, option_text(sitting, row));
        buf_add_text(out, "</legend>");
        if (question->type == SURVEY_SERVQUAL)
            add_pair(sitting, question, name, said, out);
        else if (question->options)
            add_columns(sitting, question, name, said, out);
        else
            add_scale(sitting, question, name, said, out);
        buf_add_text(out, "</fieldset>");
    }
}

/* ---- written ---- */

/* aria-labelledby names the question, whose text is the fieldset's legend. */
static void add_names(const struct sitting *sitting, const struct survey_question *question,
                      struct buf *out) {
    size_t number = (size_t)(question - sitting->survey->questions);
    buf_add_format(out, " name=\"a.%s\" aria-labelledby=\"l-%s\"%s", question->id, question->id,
                   question->required ? " required" : "");
    if (sitting->faults[number])
        buf_add_format(out, " aria-invalid=true aria-describedby=\"e-%s\"", question->id);
}

static void add_value(const struct sitting *sitting, const struct survey_question *question,
                      struct buf *out) {
    const json_t *said = answer_of(sitting, question);
    if (json_is_string(said))
        add(out, json_string_value(said));
    else if (json_is_integer(said))
        buf_add_format(out, "%lld", (long long)json_integer_value(said));
    else if (json_is_real(said))
        buf_add_format(out, "%.15g", json_real_value(said));
}

static void text_fields(const struct sitting *sitting, const struct survey_question *question,
                        struct buf *out) {
    bool is_long = question->type == SURVEY_LONG_TEXT;
    buf_add_text(out, is_long ? "<textarea rows=4" : "<input");
    add_names(sitting, question, out);
    buf_add_format(out, " maxlength=%zu placeholder=\"", question->most);
    add(out, sitting_piped(sitting, question->placeholder));
    buf_add_text(out, is_long ? "\">" : "\" value=\"");
    add_value(sitting, question, out);
    buf_add_text(out, is_long ? "</textarea>" : "\">");
}

static void number_fields(const struct sitting *sitting, const struct survey_question *question,
                          struct buf *out) {
    buf_add_text(out, "<input type=number inputmode=decimal");
    add_names(sitting, question, out);
    if (question->has_min)
        buf_add_format(out, " min=\"%.15g\"", question->min);
    if (question->has_max)
        buf_add_format(out, " max=\"%.15g\"", question->max);
    if (question->step > 0)
        buf_add_format(out, " step=\"%.15g\"", question->step);
    else
        buf_add_text(out, " step=any");
    buf_add_text(out, " placeholder=\"");
    add(out, sitting_piped(sitting, question->placeholder));
    buf_add_text(out, "\" value=\"");
    add_value(sitting, question, out);
    buf_add_text(out, "\">");
}

static void date_fields(const struct sitting *sitting, const struct survey_question *question,
                        struct buf *out) {
    buf_add_text(out, "<input type=date");
    add_names(sitting, question, out);
    if (*question->date_min)
        buf_add_format(out, " min=%s", question->date_min);
    if (*question->date_max)
        buf_add_format(out, " max=%s", question->date_max);
    buf_add_text(out, " value=\"");
    add_value(sitting, question, out);
    buf_add_text(out, "\">");
}

static void consent_fields(const struct sitting *sitting, const struct survey_question *question,
                           struct buf *out) {
    const json_t *said = answer_of(sitting, question);
    bool yes = json_is_true(said) || is_said(said, "true");
    buf_add_text(out, "<div class=choices><label>");
    add_input(out, "checkbox", question->id, "true", yes, question->required);
    buf_add_text(out, "<span>");
    add(out, sitting_text(sitting, "survey.agree"));
    buf_add_text(out, "</span></label></div>");
}

static void contact_fields(const struct sitting *sitting, const struct survey_question *question,
                           struct buf *out) {
    static const struct {
        const char *name, *type, *complete, *text;
    } fields[] = {{"name", "text", "name", "survey.contact.name"},
                  {"email", "email", "email", "survey.contact.email"},
                  {"phone", "tel", "tel", "survey.contact.phone"},
                  {"company", "text", "organization", "survey.contact.company"}};
    const json_t *said = answer_of(sitting, question);
    for (size_t i = 0; i < 4; i++) {
        if (!(question->contact & 1u << i))
            continue;
        const json_t *value = json_object_get(said, fields[i].name);
        buf_add_text(out, "<label class=field><span>");
        add(out, sitting_text(sitting, fields[i].text));
        buf_add_format(
            out, "</span><input type=%s name=\"a.%s.%s\" maxlength=%d autocomplete=%s value=\"",
            fields[i].type, question->id, fields[i].name, CONTACT_BYTES,
            sitting->whole ? "off" : fields[i].complete);
        add(out, json_is_string(value) ? json_string_value(value) : "");
        buf_add_text(out, "\"></label>");
    }
}

void survey_fields(const struct sitting *sitting, const struct survey_question *question,
                   struct buf *out) {
    static void (*const fields[])(const struct sitting *, const struct survey_question *,
                                  struct buf *) = {
        [SURVEY_NPS] = scale_fields,       [SURVEY_CSAT] = scale_fields,
        [SURVEY_CES] = scale_fields,       [SURVEY_RATING] = scale_fields,
        [SURVEY_CHOICE] = choice_fields,   [SURVEY_CHOICES] = choice_fields,
        [SURVEY_PICTURE] = choice_fields,  [SURVEY_RANKING] = ranking_fields,
        [SURVEY_MATRIX] = table_fields,    [SURVEY_SERVQUAL] = table_fields,
        [SURVEY_SHORT_TEXT] = text_fields, [SURVEY_LONG_TEXT] = text_fields,
        [SURVEY_NUMBER] = number_fields,   [SURVEY_DATE] = date_fields,
        [SURVEY_CONSENT] = consent_fields, [SURVEY_CONTACT] = contact_fields,
        [SURVEY_STATEMENT] = NULL,
    };
    if (fields[question->type])
        fields[question->type](sitting, question, out);
}
