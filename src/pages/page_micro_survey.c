/*
 * Micro-surveys for senda.js, on any origin: what it shows (GET, pictures too) and what it tells (POST). The write key lets it, as for events.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/app.h"
#include "kiosk/kiosk.h"
#include "pages/pages.h"
#include "pages/survey_sitting.h"
#include "pages/text.h"

static int find_source(struct request *request, const char *key, struct source *source,
                       struct err *err) {
    bool disabled = false;
    if (!key || !key[0])
        return err_set(err, E_UNAUTHORIZED, "the write key is missing");
    if (sources_find(app_sources(request->app), slice_of(key), source, &disabled))
        return err_set(err, E_UNAUTHORIZED, "unknown write key");
    return disabled ? err_set(err, E_FORBIDDEN, "this source is switched off") : 0;
}

/* As many tellings from an address as /s/ takes: 600 at once, then ten a second. */
static int mind_floods(struct request *request, struct response *response, struct err *err) {
    return request_is_local(request) ? 0 : request_slow_down(request, response, "micro", 0.1, err);
}

static json_t *words_json(const char *language) {
    static const struct {
        const char *name, *key;
    } words[] = {{"skip", "kiosk.screen.skip"},
                 {"go_on", "kiosk.screen.go_on"},
                 {"send", "kiosk.screen.send"},
                 {"thanks", "kiosk.screen.thanks"},
                 {"own_words", "kiosk.screen.own_words"},
                 {"yes", "kiosk.screen.yes"},
                 {"no", "kiosk.screen.no"},
                 {"other", "kiosk.screen.other"},
                 {"none", "kiosk.screen.none"},
                 {"needed", "kiosk.screen.needed"},
                 {"close", "kiosk.screen.close"},
                 {"short", "kiosk.screen.short"},
                 {"no_names", "kiosk.screen.no_names"},
                 {"check_choices", "survey.fault.choices"},
                 {"check_ranking", "survey.fault.ranking"},
                 {"check_consent", "survey.fault.consent"},
                 {"check_matrix", "survey.fault.matrix"},
                 {"check_servqual", "survey.fault.servqual"},
                 {"expected", "survey.expected"},
                 {"perceived", "survey.perceived"},
                 {"name", "survey.contact.name"},
                 {"email", "survey.contact.email"},
                 {"phone", "survey.contact.phone"},
                 {"company", "survey.contact.company"}};
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        json_object_set_new(json, words[i].name, json_string(text_of(language, words[i].key)));
    return json;
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct source source;
    json_t *pages;
    int code = mind_floods(request, response, err);
    if (!code)
        code = find_source(request, request_query(request, "writeKey"), &source, err);
    if (!code)
        code = kiosk_pages(app_folder(request->app), request->received_ms, &pages, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:o}", "surveys", pages);
    if (json_array_size(pages))
        json_object_set_new(
            json, "words", json_pack("{s:o, s:o}", "es", words_json("es"), "en", words_json("en")));
    response_header(request, response, "Cache-Control", "public, max-age=60");
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* Fetched by script and drawn on a canvas: no policy of the page need allow our pictures. */
static int image(struct request *request, struct response *response, struct err *err) {
    struct source source;
    struct survey *survey;
    int code = find_source(request, request_query(request, "writeKey"), &source, err);
    if (!code)
        code = kiosk_page_survey(app_folder(request->app), request->params[0], &survey, err);
    if (code)
        return code;
    code = survey_form_image(request, response, survey, "public, max-age=86400", err);
    survey_release(survey);
    return code;
}

static int take(struct request *request, struct response *response, struct err *err) {
    struct source source;
    json_t *told;
    bool duplicate;
    int code = mind_floods(request, response, err);
    if (!code)
        code = request_json(request, &told, err);
    if (code)
        return code;
    code = find_source(request, json_string_value(json_object_get(told, "writeKey")), &source, err);
    if (!code)
        code = kiosk_page_take(app_folder(request->app), &source, request->params[0], told,
                               request->received_ms, &duplicate, err);
    json_decref(told);
    if (code)
        return code;
    json_t *json = json_pack("{s:b, s:b}", "success", 1, "duplicate", duplicate);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/v1/surveys", ACCESS_WRITE_KEY, .handle = list,
     .summary = "Micro-surveys of this organisation's pages, with the rules by which they appear",
     .response_schema = "{\"type\":\"object\"}"},
    {METHOD_GET, "/v1/surveys/{address}/image/{question}/{option}", ACCESS_WRITE_KEY,
     .handle = image, .summary = "A picture of a micro-survey"},
    {METHOD_POST, "/v1/surveys/{address}", ACCESS_WRITE_KEY, .handle = take,
     .summary = "A micro-survey was shown, dismissed or answered, once a submission",
     .request_schema = "{\"type\":\"object\"}", .response_schema = "{\"type\":\"object\"}"},
};
const struct route_table page_micro_survey_routes = ROUTE_TABLE(routes);
