/*
 * Recognising the format of a definition, and what its readers share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "survey/formats.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { QUOTED_BYTES = 1 << 20 };

void import_left(json_t *left, const char *what, const char *why) {
    struct slice shown = utf8_cut(slice_of(what ? what : ""), 120);
    json_array_append_new(left, json_pack("{s:s%, s:s}", "what", shown.p, shown.n, "why", why));
}

void import_add(json_t *questions, json_t *question, json_t *left) {
    static const char *const lists[] = {"options", "rows", "columns"};
    const char *type = json_string_value(json_object_get(question, "type"));
    bool pairs = strcmp(type, "ranking") == 0 || strcmp(type, "picture") == 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const json_t *list = json_object_get(question, lists[i]);
        if (list && json_array_size(list) < (pairs ? 2 : 1)) {
            import_left(left, json_string_value(json_object_get(question, "id")),
                        "nothing to choose from");
            json_decref(question);
            return;
        }
    }
    json_array_append_new(questions, question);
}

const char *import_id(const char *name, const char *standard, json_t *taken, struct arena *arena) {
    char id[SURVEY_ID_BYTES + 1];
    size_t n = 0;
    for (const char *c = name ? name : ""; *c && n < SURVEY_ID_BYTES - 6; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
        if (plain)
            id[n++] = *c;
        else if (n && id[n - 1] != '-' && ((unsigned char)*c & 0xc0) != 0xc0)
            id[n++] = '-';
    }
    while (n && id[n - 1] == '-')
        n--;
    id[n] = 0;
    const char *base = arena_text(arena, slice_of(n ? id : standard)), *made = base;
    for (int i = 2;
         json_object_get(taken, made) || strcmp(made, "other") == 0 || strcmp(made, "none") == 0;
         i++)
        made = arena_format(arena, "%s-%d", base, i);
    json_object_set_new(taken, made, json_true());
    return made;
}

const char *import_quotes(const char *text, const char *(*find)(void *of, struct slice inner),
                          void *of, struct arena *arena) {
    struct buf out;
    if (!strchr(text, '{'))
        return text;
    buf_init(&out, QUOTED_BYTES);
    for (const char *at = text; *at;) {
        size_t n = *at == '{' ? strcspn(at, "}") : 0;
        const char *ours = n && at[n] ? find(of, (struct slice){at + 1, n - 1}) : NULL;
        if (ours)
            buf_add_text(&out, ours);
        else
            buf_add_char(&out, *at);
        at += ours ? n + 1 : 1;
    }
    const char *made = arena_text(arena, buf_slice(&out));
    buf_release(&out);
    return made;
}

static bool looks_ours(const json_t *json) {
    const json_t *page = json_array_get(json_object_get(json, "pages"), 0);
    const json_t *question = json_array_get(json_object_get(page, "questions"), 0);
    return json_object_get(question, "text") && json_object_get(question, "id");
}

int survey_import(struct slice file, const char *format, json_t **definition, json_t **left,
                  struct err *err) {
    static const char *const known[] = {"", "senda", "surveyjs", "lss"};
    struct slice text = utf8_trim(file);
    bool fits = false, xml = text.n && text.p[0] == '<';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        fits |= strcmp(format, known[i]) == 0;
    if (!fits)
        return err_at(err, E_INVALID, "/format", "formats are senda, surveyjs and lss");
    *left = json_array();
    *definition = NULL;
    if (strcmp(format, "lss") == 0 || (!*format && xml))
        return import_lss(text, *left, definition, err);
    json_error_t error;
    json_t *theirs = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(theirs)) {
        json_decref(theirs);
        return err_set(err, E_MALFORMED, "the file is not a JSON object: line %d column %d",
                       error.line, error.column);
    }
    /* A file of GET /api/v1/surveys/{id} has the definition inside. */
    json_t *inner = json_object_get(theirs, "definition");
    bool ours = strcmp(format, "senda") == 0 || (!*format && (inner || looks_ours(theirs)));
    int code = 0;
    if (ours)
        *definition = json_incref(json_is_object(inner) ? inner : theirs);
    else
        code = import_surveyjs(theirs, *left, definition, err);
    json_decref(theirs);
    return code;
}
