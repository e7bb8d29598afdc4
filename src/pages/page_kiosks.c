/*
 * Opinion screens: the list with what lives and what is silent, a new one, pairing a device, one with what it asks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "pages/page.h"
#include "pages/pages.h"
#include "pages/qr.h"

enum { BLOCKS = 4, QR_MAX_BYTES = 256 * 1024 };

static const char *const languages[] = {"es", "en", "ca", "gl", "eu", "fr", "de", "it", "pt"};
enum { LANGUAGES = sizeof languages / sizeof *languages };

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

static const char *named(struct request *request, const char *name, const char *rest) {
    return field(request, arena_format(request->arena, "%s_%s", name, rest));
}

static const char *api_path(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/kiosks/", request->params[0]), rest);
}

/* ---- the list ---- */

static int64_t count_of(const json_t *kiosk, const char *when, const char *what) {
    return json_integer_value(
        json_object_get(json_object_get(json_object_get(kiosk, "state"), when), what));
}

static void add_share(json_t *object, const char *name, int64_t part, int64_t whole) {
    if (whole > 0)
        json_object_set_new(object, name, json_real((double)part / (double)whole));
}

/* Shares for the eye beside the counters, and their sums over the screens that are shown. */
static json_t *add_shares(json_t *list) {
    int64_t taps = 0, happy = 0, misuse = 0, silent = 0;
    json_t *kiosk, *sums = json_object();
    size_t i;
    json_array_foreach(list, i, kiosk) {
        int64_t today = count_of(kiosk, "today", "taps"), bad = count_of(kiosk, "week", "misuse");
        const char *is = json_string_value(json_object_get(json_object_get(kiosk, "state"), "is"));
        const char *kind = json_string_value(json_object_get(kiosk, "kind"));
        if (kind && strcmp(kind, "faces") == 0) /* a survey has no single happy answer */
            add_share(kiosk, "happy_share", count_of(kiosk, "today", "happy"), today);
        add_share(kiosk, "misuse_share", bad, bad + count_of(kiosk, "week", "taps"));
        taps += kind && strcmp(kind, "faces") == 0 ? today : 0;
        happy += count_of(kiosk, "today", "happy");
        misuse += count_of(kiosk, "today", "misuse");
        silent += is && strcmp(is, "silent") == 0;
    }
    json_object_set_new(sums, "taps", json_integer(taps));
    json_object_set_new(sums, "misuse", json_integer(misuse));
    json_object_set_new(sums, "silent", json_integer(silent));
    add_share(sums, "happy_share", happy, taps);
    return sums;
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "kiosks", .section = "kiosks", .title = "nav.kiosks", .script = "js/kiosks.js"};
    static const char *const states[] = {"ok", "silent", "closed", "new"};
    const char *state = request_query(request, "state");
    json_t *answer, *view = json_object(), *filters = json_array();
    int code = page_fetch(
        request,
        arena_format(request->arena, "/api/v1/kiosks?state=%s",
                     state && strspn(state, "abcdefghijklmnopqrstuvwxyz") == strlen(state) ? state
                                                                                           : ""),
        &answer, err);
    if (code < 0) {
        json_decref(view);
        json_decref(filters);
        return code;
    }
    json_t *list = json_object_get(answer, "data");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        json_array_append_new(filters, json_pack("{s:s, s:b}", "state", states[i], "selected",
                                                 state && strcmp(state, states[i]) == 0));
    json_object_set_new(view, "sums", add_shares(list));
    json_object_set(view, "kiosks", list);
    json_object_set_new(view, "states",
                        json_pack("[s, s, s, s, s]", "ok", "silent", "closed", "new", "unused"));
    json_object_set_new(view, "filters", filters);
    json_object_set_new(view, "filtered", json_boolean(state && *state));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

/* ---- the form ---- */

static void put_text(json_t *object, const char *name, const char *text) {
    if (text[0])
        json_object_set_new(object, name, json_string(text));
}

/* Fields "NAME_es", "NAME_en" … as texts by language; NULL where all are empty. */
static json_t *texts_of(struct request *request, const char *name, const json_t *chosen) {
    json_t *texts = json_object();
    for (size_t i = 0; i < json_array_size(chosen); i++) {
        const char *language = json_string_value(json_array_get(chosen, i));
        put_text(texts, language, named(request, name, language));
    }
    if (json_object_size(texts))
        return texts;
    json_decref(texts);
    return json_null();
}

/* Lines of a textarea for each language: the n-th line of each is the n-th option. */
static void add_options(struct request *request, const char *name, const json_t *chosen,
                        json_t *follow_up) {
    json_t *options = json_array();
    for (size_t l = 0; l < json_array_size(chosen); l++) {
        const char *language = json_string_value(json_array_get(chosen, l));
        const char *line = named(request, name, language);
        for (size_t i = 0; *line; i++) {
            size_t n = strcspn(line, "\r\n");
            while (json_array_size(options) <= i && n)
                json_array_append_new(options, json_object());
            if (n)
                json_object_set_new(json_array_get(options, i), language, json_stringn(line, n));
            else
                i--;
            line += n;
            line += strspn(line, "\r\n");
        }
    }
    json_object_set_new(follow_up, "options", options);
}

static json_t *follow_ups_of(struct request *request, const json_t *chosen, int faces) {
    json_t *list = json_array();
    for (int b = 0; b < BLOCKS; b++) {
        const char *block = arena_format(request->arena, "f%d", b);
        const char *kind = named(request, block, "kind");
        if (!kind[0])
            continue;
        json_t *one = json_pack("{s:s, s:[]}", "kind", kind, "faces");
        for (int face = 1; face <= faces; face++)
            if (named(request, block, arena_format(request->arena, "face_%d", face))[0])
                json_array_append_new(json_object_get(one, "faces"), json_integer(face));
        json_object_set_new(
            one, "question",
            texts_of(request, arena_format(request->arena, "%s_question", block), chosen));
        if (strcmp(kind, "choice") == 0) {
            add_options(request, arena_format(request->arena, "%s_options", block), chosen, one);
            if (named(request, block, "several")[0])
                json_object_set_new(one, "several", json_true());
        }
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *chosen_languages(struct request *request) {
    json_t *list = json_array();
    const char *first = field(request, "first_language");
    if (first[0])
        json_array_append_new(list, json_string(first));
    for (int i = 0; i < LANGUAGES; i++)
        if (named(request, "language", languages[i])[0] && strcmp(first, languages[i]) != 0)
            json_array_append_new(list, json_string(languages[i]));
    return list;
}

static json_t *text_or_null(const char *text) { return text[0] ? json_string(text) : json_null(); }

static void put_number(json_t *object, const char *name, const char *text) {
    if (text[0])
        json_object_set_new(object, name, json_real(strtod(text, NULL)));
}

/* When a page shows its survey; addresses are lines. */
static json_t *rule_of(struct request *request) {
    json_t *rule = json_object(), *pages = json_array();
    const char *line = field(request, "rule_pages"), *share = field(request, "rule_share");
    for (line += strspn(line, "\r\n "); *line; line += strspn(line, "\r\n ")) {
        size_t n = strcspn(line, "\r\n ");
        json_array_append_new(pages, json_stringn(line, n));
        line += n;
    }
    if (json_array_size(pages))
        json_object_set(rule, "pages", pages);
    json_decref(pages);
    put_number(rule, "after_s", field(request, "rule_after_s"));
    put_number(rule, "scroll_pct", field(request, "rule_scroll_pct"));
    put_number(rule, "again_days", field(request, "rule_again_days"));
    if (share[0])
        json_object_set_new(rule, "share", json_real(strtod(share, NULL) / 100));
    if (field(request, "rule_exit")[0])
        json_object_set_new(rule, "exit", json_true());
    put_text(rule, "event", field(request, "rule_event"));
    return rule;
}

/* A screen with faces asks for itself; the others show a survey, whose languages they take. */
static void put_kind(struct request *request, json_t *document) {
    const char *kind = field(request, "kind");
    json_object_set_new(document, "kind", json_string(kind[0] ? kind : "faces"));
    if (kind[0] && strcmp(kind, "faces") != 0)
        json_object_set_new(document, "survey", text_or_null(field(request, "survey")));
    if (strcmp(kind, "page") == 0)
        json_object_set_new(document, "rule", rule_of(request));
}

/* What the short form of a new screen and the long one of a made one have in common. */
static json_t *document_of(struct request *request) {
    int faces = field(request, "faces")[0] ? atoi(field(request, "faces")) : 3;
    const char *set = field(request, "face_set");
    json_t *chosen = chosen_languages(request);
    json_t *document =
        json_pack("{s:s, s:o, s:o, s:O, s:i, s:s, s:b, s:o}", "name", field(request, "name"),
                  "unit", text_or_null(field(request, "unit")), "touchpoint",
                  text_or_null(field(request, "touchpoint")), "languages", chosen, "faces", faces,
                  "face_set", set[0] ? set : "classic", "speak", field(request, "speak")[0] != 0,
                  "question", texts_of(request, "question", chosen));
    json_decref(chosen);
    put_kind(request, document);
    return document;
}

static bool is_device(const json_t *kiosk) {
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    return kind && (strcmp(kind, "faces") == 0 || strcmp(kind, "terminal") == 0);
}

/* When the place is open; both times empty: always. */
static json_t *hours_of(struct request *request) {
    const char *from = field(request, "hours_from"), *to = field(request, "hours_to");
    if (!from[0] && !to[0])
        return json_null();
    json_t *days = json_array();
    for (int day = 1; day <= 7; day++)
        if (named(request, "day", arena_format(request->arena, "%d", day))[0])
            json_array_append_new(days, json_integer(day));
    return json_pack("{s:s, s:s, s:o}", "from", from, "to", to, "days", days);
}

static json_t *change_of(struct request *request) {
    json_t *document = document_of(request);
    const json_t *chosen = json_object_get(document, "languages");
    json_object_set_new(document, "thanks", texts_of(request, "thanks", chosen));
    json_object_set_new(document, "follow_ups",
                        follow_ups_of(request, chosen, atoi(field(request, "faces"))));
    if (is_device(document)) {
        json_object_set_new(document, "idle_s", json_integer(atoi(field(request, "idle_s"))));
        json_object_set_new(document, "silent_min",
                            json_integer(atoi(field(request, "silent_min"))));
        json_object_set_new(document, "hours", hours_of(request));
        json_object_set_new(document, "exit_code", json_string(field(request, "exit_code")));
    }
    return document;
}

/* ---- the form's view ---- */

static json_t *choices(const char *const *names, size_t n, const char *selected) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "value", names[i], "selected",
                                              selected && strcmp(names[i], selected) == 0));
    return list;
}

static bool lists(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && strcmp(one, text) == 0)
            return true;
    }
    return false;
}

/* One field for each language: [{"language","text"}]. */
static json_t *by_language(const json_t *chosen, const json_t *texts) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(chosen); i++) {
        const char *language = json_string_value(json_array_get(chosen, i));
        const char *text = json_string_value(json_object_get(texts, language));
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "language", language, "text", text ? text : ""));
    }
    return list;
}

static json_t *option_lines(const json_t *chosen, const json_t *options) {
    json_t *list = json_array();
    for (size_t l = 0; l < json_array_size(chosen); l++) {
        const char *language = json_string_value(json_array_get(chosen, l));
        struct buf lines;
        buf_init(&lines, 16384);
        for (size_t i = 0; i < json_array_size(options); i++) {
            const char *text =
                json_string_value(json_object_get(json_array_get(options, i), language));
            buf_add_format(&lines, "%s\n", text ? text : "");
        }
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "language", language, "text", lines.n ? lines.p : ""));
        buf_release(&lines);
    }
    return list;
}

static json_t *block_view(int b, const json_t *one, const json_t *chosen, int64_t faces) {
    static const char *const kinds[] = {"choice", "text"};
    json_t *list = json_array();
    const json_t *own = json_object_get(one, "faces");
    for (int64_t face = 1; face <= faces; face++) {
        bool checked = false;
        for (size_t i = 0; i < json_array_size(own); i++)
            checked |= json_integer_value(json_array_get(own, i)) == face;
        json_array_append_new(
            list, json_pack("{s:I, s:b}", "face", (json_int_t)face, "checked", checked));
    }
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:b, s:b}", "block", b, "number", b + 1,
                     "kinds", choices(kinds, 2, json_string_value(json_object_get(one, "kind"))),
                     "faces", list, "questions",
                     by_language(chosen, json_object_get(one, "question")), "options",
                     option_lines(chosen, json_object_get(one, "options")), "several",
                     json_is_true(json_object_get(one, "several")), "used", one != NULL);
}

/* The days of a week, those marked on which the place is open. */
static json_t *days_view(const json_t *kiosk) {
    const json_t *hours = json_object_get(kiosk, "hours"), *days = json_object_get(hours, "days");
    json_t *list = json_array();
    for (int day = 1; day <= 7; day++) {
        bool open = !days;
        for (size_t i = 0; i < json_array_size(days); i++)
            open |= json_integer_value(json_array_get(days, i)) == day;
        json_array_append_new(list, json_pack("{s:i, s:b}", "day", day, "open", open));
    }
    return list;
}

/* A rule as fields: pages are lines, the share a percentage. */
static json_t *rule_view(const json_t *kiosk) {
    const json_t *rule = json_object_get(kiosk, "rule"), *pages = json_object_get(rule, "pages");
    json_t *view = rule ? json_deep_copy(rule) : json_pack("{s:i}", "after_s", 20);
    struct buf lines;
    buf_init(&lines, 16384);
    for (size_t i = 0; i < json_array_size(pages); i++)
        buf_add_format(&lines, "%s\n", json_string_value(json_array_get(pages, i)));
    json_object_set_new(view, "pages", json_string(lines.n ? lines.p : ""));
    buf_release(&lines);
    const json_t *share = json_object_get(rule, "share");
    if (share)
        json_object_set_new(view, "share", json_real(100 * json_number_value(share)));
    return view;
}

/* Published surveys to choose from. */
static json_t *surveys_view(struct request *request, const char *selected) {
    json_t *answer, *list = json_array(), *survey;
    struct err ignored = {0};
    size_t i;
    if (page_fetch(request, "/api/v1/surveys", &answer, &ignored) < 0)
        return list;
    json_array_foreach(json_object_get(answer, "data"), i, survey) {
        const char *id = json_string_value(json_object_get(survey, "id"));
        if (json_integer_value(json_object_get(survey, "version")) > 0)
            json_array_append_new(list, json_pack("{s:s, s:O, s:b}", "id", id, "title",
                                                  json_object_get(survey, "title"), "selected",
                                                  selected && strcmp(selected, id) == 0));
    }
    json_decref(answer);
    return list;
}

/* A kiosk's document as fields. */
static json_t *form_view(struct request *request, const json_t *kiosk) {
    static const char *const numbers[] = {"3", "4", "5"}, *const sets[] = {"classic", "contrast",
                                                                           "weather"};
    const json_t *chosen = json_object_get(kiosk, "languages"),
                 *follow_ups = json_object_get(kiosk, "follow_ups");
    int64_t faces = json_integer_value(json_object_get(kiosk, "faces"));
    json_t *form = json_deep_copy(kiosk), *offered = json_array(), *blocks = json_array();
    const char *first = json_string_value(json_array_get(chosen, 0));
    for (int i = 0; i < LANGUAGES; i++)
        json_array_append_new(offered, json_pack("{s:s, s:b, s:b}", "language", languages[i],
                                                 "selected", lists(chosen, languages[i]), "first",
                                                 first && strcmp(first, languages[i]) == 0));
    for (int b = 0; b < BLOCKS; b++)
        json_array_append_new(blocks,
                              block_view(b, json_array_get(follow_ups, (size_t)b), chosen, faces));
    static const char *const kinds[] = {"faces", "terminal", "page", "poster"};
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    json_object_set_new(form, "kinds", choices(kinds, 4, kind ? kind : "faces"));
    json_object_set_new(form, "asks_survey", json_boolean(kind && strcmp(kind, "faces") != 0));
    json_object_set_new(
        form, "is_device",
        json_boolean(!kind || strcmp(kind, "faces") == 0 || strcmp(kind, "terminal") == 0));
    json_object_set_new(form, "is_faces", json_boolean(!kind || strcmp(kind, "faces") == 0));
    json_object_set_new(form, "is_poster", json_boolean(kind && strcmp(kind, "poster") == 0));
    json_object_set_new(form, "is_page", json_boolean(kind && strcmp(kind, "page") == 0));
    json_object_set_new(form, "rule", rule_view(kiosk));
    json_object_set_new(form, "week_days", days_view(kiosk));
    json_object_set_new(form, "surveys",
                        surveys_view(request, json_string_value(json_object_get(kiosk, "survey"))));
    json_object_set_new(
        form, "numbers",
        choices(numbers, 3, arena_format(request->arena, "%lld", (long long)faces)));
    json_object_set_new(form, "sets",
                        choices(sets, 3, json_string_value(json_object_get(kiosk, "face_set"))));
    json_object_set_new(form, "offered", offered);
    json_object_set_new(form, "questions", by_language(chosen, json_object_get(kiosk, "question")));
    json_object_set_new(form, "thanks_texts",
                        by_language(chosen, json_object_get(kiosk, "thanks")));
    json_object_set_new(form, "blocks", blocks);
    return form;
}

static void add_units(struct request *request, json_t *view) {
    json_t *units;
    struct err ignored = {0};
    if (page_fetch(request, "/api/v1/units", &units, &ignored) < 0)
        return;
    json_object_set(view, "units", json_object_get(units, "data"));
    json_decref(units);
}

/* A refusal that the form explains; else the error itself. */
static bool explains(int code) {
    return code == E_INVALID || code == E_REFUSED || code == E_CONFLICT || code == E_FORBIDDEN;
}

/* ---- a new one, and pairing ---- */

static const struct page new_page = {.template = "kiosk_new",
                                     .section = "kiosks",
                                     .title = "kiosks.new",
                                     .script = "js/kiosks.js",
                                     .narrow = true};

static int render_new(struct request *request, struct response *response, json_t *document,
                      const struct err *refusal, struct err *err) {
    json_t *view = json_pack("{s:o}", "form", form_view(request, document));
    json_decref(document);
    add_units(request, view);
    if (refusal) {
        response->status = err_status(refusal->code);
        page_form_error(request, view, refusal);
    }
    return page_render(request, response, &new_page, view, err);
}

/* "?kind=poster&survey=ID": what the address asks for is chosen beforehand. */
static void choose(struct request *request, json_t *standard) {
    static const char *const names[] = {"kind", "survey"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = request_query(request, names[i]);
        if (value && *value)
            json_object_set_new(standard, names[i], json_string(value));
    }
}

static int show_new(struct request *request, struct response *response, struct err *err) {
    const char *language = app_folder(request->app)->language;
    json_t *standard =
        json_pack("{s:[s, s], s:{s:s, s:s}, s:i, s:s}", "languages", language,
                  strcmp(language, "es") == 0 ? "en" : "es", "question", "es",
                  page_text(request, "kiosks.question_es"), "en",
                  page_text(request, "kiosks.question_en"), "faces", 3, "face_set", "classic");
    choose(request, standard);
    return render_new(request, response, standard, NULL, err);
}

static int show_pairing(struct request *request, struct response *response, json_t *kiosk,
                        struct err *err) {
    static const struct page page = {.template = "kiosk_pair", .section = "kiosks"};
    const char *url = json_string_value(json_object_get(kiosk, "pairing_url"));
    struct buf svg;
    buf_init(&svg, QR_MAX_BYTES);
    qr_svg(url, page_text(request, "kiosks.pair_qr"), &svg);
    json_object_set_new(kiosk, "qr", json_stringn(svg.p ? svg.p : "", svg.n));
    json_object_set_new(kiosk, "secure",
                        json_boolean(strncmp(url, "https:", 6) == 0 ||
                                     strncmp(url, "http://localhost", 16) == 0 ||
                                     strncmp(url, "http://127.0.0.1", 16) == 0));
    buf_release(&svg);
    return page_render(
        request, response, &page,
        json_pack("{s:o, s:O}", "kiosk", kiosk, "title", json_object_get(kiosk, "name")), err);
}

static int create(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *document = document_of(request), *answer = NULL;
    int code = page_send(request, METHOD_POST, "/api/v1/kiosks", json_deep_copy(document), &answer,
                         &refusal);
    if (code < 0 && explains(code))
        return render_new(request, response, document, &refusal, err);
    json_decref(document);
    if (code < 0) {
        *err = refusal;
        return code;
    }
    if (is_device(answer))
        return show_pairing(request, response, answer, err);
    const char *id = json_string_value(json_object_get(answer, "id"));
    const char *location = page_path(request, "/kiosks/", id ? id : "");
    json_decref(answer);
    return page_redirect(request, response, location, "created");
}

static int pair(struct request *request, struct response *response, struct err *err) {
    json_t *answer;
    int code =
        page_send(request, METHOD_POST, api_path(request, "/key"), json_object(), &answer, err);
    return code < 0 ? code : show_pairing(request, response, answer, err);
}

/* ---- one ---- */

static int render_one(struct request *request, struct response *response, const json_t *kiosk,
                      const json_t *document, const struct err *refusal, struct err *err) {
    static const struct page page = {
        .template = "kiosk", .section = "kiosks", .script = "js/kiosks.js"};
    json_t *list = json_pack("[o]", json_deep_copy(kiosk));
    json_decref(add_shares(list));
    json_t *view = json_pack("{s:O, s:o, s:O}", "kiosk", json_array_get(list, 0), "form",
                             form_view(request, document), "title", json_object_get(kiosk, "name"));
    json_decref(list);
    add_units(request, view);
    if (refusal) {
        response->status = err_status(refusal->code);
        page_form_error(request, view, refusal);
    }
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    json_t *kiosk;
    int code = page_fetch(request, api_path(request, ""), &kiosk, err);
    if (code < 0)
        return code;
    code = render_one(request, response, kiosk, kiosk, NULL, err);
    json_decref(kiosk);
    return code;
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *document = change_of(request), *kiosk = NULL;
    int code = page_send(request, METHOD_PATCH, api_path(request, ""), json_deep_copy(document),
                         NULL, &refusal);
    if (code >= 0) {
        json_decref(document);
        return page_redirect(request, response, page_path(request, "/kiosks/", request->params[0]),
                             "saved");
    }
    *err = refusal;
    if (explains(code) && page_fetch(request, api_path(request, ""), &kiosk, err) >= 0) {
        *err = (struct err){0};
        code = render_one(request, response, kiosk, document, &refusal, err);
    }
    json_decref(kiosk);
    json_decref(document);
    return code;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_DELETE, api_path(request, ""), NULL, NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/kiosks", "removed");
}

#define PAGE(method, address, scope, handler)                                                      \
    {                                                                                              \
        .methods = (method), .pattern = (address), .access = ACCESS_SESSION, .scopes = (scope),    \
        .handle = (handler)                                                                        \
    }
static const struct route routes[] = {
    PAGE(METHOD_GET, "/kiosks", SCOPE_QUERY, show_list),
    PAGE(METHOD_POST, "/kiosks", SCOPE_MANAGE, create),
    PAGE(METHOD_GET, "/kiosks/new", SCOPE_MANAGE, show_new),
    PAGE(METHOD_GET, "/kiosks/{id}", SCOPE_QUERY, show_one),
    PAGE(METHOD_POST, "/kiosks/{id}", SCOPE_MANAGE, change),
    PAGE(METHOD_POST, "/kiosks/{id}/pair", SCOPE_MANAGE, pair),
    PAGE(METHOD_POST, "/kiosks/{id}/remove", SCOPE_MANAGE, drop),
};
const struct route_table page_kiosk_routes = ROUTE_TABLE(routes);
