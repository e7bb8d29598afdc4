/*
 * What an opinion screen's device loads: the page, its definition with the words of the screen, manifest and worker.
 *
 * Nothing here is secret: the key that signs taps came with the pairing link, behind #, which no browser sends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/limits.h"
#include "http/router.h"
#include "http/static.h"
#include "kiosk/kiosk.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/survey_sitting.h"
#include "pages/text.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'";

static int find(struct request *request, json_t **kiosk, struct err *err) {
    return kiosk_definition(app_folder(request->app), request->params[0], kiosk, err);
}

static void add_parameter(struct buf *address, const char *name, const char *text) {
    if (!text)
        return;
    buf_add_format(address, "&%s=", name);
    url_encode(slice_of(text), address);
}

/* A poster's code was scanned: nothing is recorded, the survey opens and knows where. */
static int lead_to_survey(struct request *request, struct response *response, struct err *err) {
    json_t *kiosk;
    int code = kiosk_at(app_folder(request->app), request->params[0], &kiosk, err);
    if (code)
        return code;
    struct buf address;
    buf_init(&address, (size_t)4 * LIMIT_URL_BYTES);
    buf_add_text(&address, "/s/");
    url_encode(slice_of(json_string_value(json_object_get(kiosk, "survey"))), &address);
    buf_add_text(&address, "?channel=qr");
    add_parameter(&address, "touchpoint", json_string_value(json_object_get(kiosk, "touchpoint")));
    add_parameter(&address, "unit", json_string_value(json_object_get(kiosk, "unit")));
    response_redirect(request, response, address.p);
    buf_release(&address);
    json_decref(kiosk);
    return HANDLED;
}

static int show(struct request *request, struct response *response, struct err *err) {
    json_t *kiosk;
    int code = find(request, &kiosk, err);
    if (code)
        return code;
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    if (kind && strcmp(kind, "poster") == 0) {
        json_decref(kiosk);
        return lead_to_survey(request, response, err);
    }
    if (kind && strcmp(kind, "page") == 0) {
        json_decref(kiosk);
        return err_set(err, E_NOT_FOUND, "no such opinion screen");
    }
    const char *first = json_string_value(json_array_get(json_object_get(kiosk, "languages"), 0));
    request->language = first && strcmp(first, "es") == 0 ? "es" : "en";
    struct template_world world = {
        .format = page_format(request), .now_ms = request->received_ms, .arena = request->arena};
    json_object_set_new(kiosk, "language", json_string(first ? first : "es"));
    buf_init(&response->body, TEMPLATE_MAX_BYTES);
    code = template_render("kiosk_device", kiosk, &world, &response->body, err);
    json_decref(kiosk);
    if (code < 0)
        return code;
    response->type = "text/html; charset=utf-8";
    response_header(request, response, "Content-Security-Policy", policy);
    return HANDLED;
}

/* ---- the words of the screen ---- */

static const char *const keys[] = {
    "listen",      "language",   "skip",       "go_on",        "send",      "no_names",
    "thanks",      "code",       "no_code",    "locked",       "erase",     "back",
    "wrong_code",  "waiting",    "connection", "online",       "offline",   "unpaired",
    "send_now",    "leave_full", "unpair",     "key",          "pair",      "pair_help",
    "face_0",      "face_1",     "face_2",     "face_3",       "face_4",    "begin",
    "still_there", "still_here", "needed",     "progress",     "own_words", "other",
    "none",        "yes",        "no",         "survey_closed"};

static json_t *words_json(void) {
    static const char *const languages[] = {"es", "en"};
    json_t *words = json_object();
    for (size_t l = 0; l < sizeof languages / sizeof *languages; l++) {
        json_t *texts = json_object();
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            const char *text = text_of_value(languages[l], "kiosk.screen", keys[i]);
            json_object_set_new(texts, keys[i], json_string(text ? text : keys[i]));
        }
        json_object_set_new(words, languages[l], texts);
    }
    return words;
}

/* A terminal's survey, as a form. */
static int put_form(struct request *request, json_t *kiosk, struct err *err) {
    const json_t *asked = json_object_get(kiosk, "survey");
    struct survey *survey;
    if (!asked)
        return 0;
    int code = survey_find(app_folder(request->app),
                           slice_of(json_string_value(json_object_get(asked, "id"))), &survey, err);
    if (code)
        return code;
    json_t *form = terminal_form_json(request, survey);
    json_object_set(kiosk, "languages", json_object_get(form, "languages"));
    json_object_set_new(kiosk, "survey", form);
    survey_release(survey);
    return 0;
}

static int definition(struct request *request, struct response *response, struct err *err) {
    json_t *kiosk;
    int code = find(request, &kiosk, err);
    if (code)
        return code;
    code = put_form(request, kiosk, err);
    if (code) {
        json_decref(kiosk);
        return code;
    }
    json_t *json = json_pack("{s:o, s:o}", "kiosk", kiosk, "words", words_json());
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int manifest(struct request *request, struct response *response, struct err *err) {
    json_t *kiosk;
    int code = find(request, &kiosk, err);
    if (code)
        return code;
    const char *address = request->params[0];
    json_t *json =
        json_pack("{s:O, s:O, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:[{s:o, s:s, s:s, s:s}]}", "name",
                  json_object_get(kiosk, "name"), "short_name", json_object_get(kiosk, "name"),
                  "id", json_sprintf("/k/%s", address), "start_url", json_sprintf("/k/%s", address),
                  "scope", json_sprintf("/k/%s", address), "display", "fullscreen", "orientation",
                  "any", "background_color", "#f6f8f8", "theme_color", "#0b6577", "icons", "src",
                  json_sprintf("/assets/%s/icons/mark.svg", assets_version()), "sizes", "any",
                  "type", "image/svg+xml", "purpose", "any");
    json_decref(kiosk);
    response_json(response, 200, json);
    response->type = "application/manifest+json";
    json_decref(json);
    return HANDLED;
}

static int worker(struct request *request, struct response *response, struct err *err) {
    response_header(request, response, "Service-Worker-Allowed",
                    arena_format(request->arena, "/k/%s", request->params[0]));
    /* A worker's requests obey the policy of its own script. */
    response_header(request, response, "Content-Security-Policy", policy);
    return static_serve(request, response, "js/kiosk_worker.js", "no-cache", err);
}

static const struct route routes[] = {
    {METHOD_GET, "/k/{kiosk}", .handle = show},
    {METHOD_GET, "/k/{kiosk}/definition.json", .handle = definition,
     .summary = "What a screen asks, with its words: for its page"},
    {METHOD_GET, "/k/{kiosk}/manifest.webmanifest", .handle = manifest},
    {METHOD_GET, "/k/{kiosk}/worker.js", .handle = worker},
};
const struct route_table page_kiosk_device_routes = ROUTE_TABLE(routes);
