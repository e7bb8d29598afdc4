/*
 * GET /api/v1/kiosks/{id}/poster: a QR poster as a PDF. Its code opens /k/{address}, which leads to the survey: so a printed
 * poster may show another survey later.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/poster.h"
#include "pages/text.h"

enum { PDF_MAX_BYTES = 4 * 1024 * 1024 };

static const struct {
    const char *name;
    double width_mm, height_mm;
} formats[] = {{"a4", 210, 297}, {"a5", 148, 210}, {"a3", 297, 420}};

static int read_format(struct request *request, struct poster *poster, struct err *err) {
    const char *name = request_query(request, "format");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name && *name ? name : "a4", formats[i].name) == 0) {
            poster->width_mm = formats[i].width_mm;
            poster->height_mm = formats[i].height_mm;
            return 0;
        }
    return err_at(err, E_INVALID, "/format", "must be a3, a4 or a5");
}

/* Headline and hint in each language that the words of screens have, at most POSTER_TEXTS. */
static void read_texts(const json_t *kiosk, struct poster *poster) {
    const json_t *languages = json_object_get(kiosk, "languages"),
                 *question = json_object_get(kiosk, "question");
    for (size_t i = 0; i < json_array_size(languages) && poster->n < POSTER_TEXTS; i++) {
        const char *language = json_string_value(json_array_get(languages, i));
        const char *said = json_string_value(json_object_get(question, language));
        bool known = strcmp(language, "es") == 0 || strcmp(language, "en") == 0;
        if (i && !known && !said)
            continue;
        poster->headline[poster->n] = said ? said : text_of(language, "kiosk.poster.headline");
        poster->hint[poster->n++] = text_of(language, "kiosk.poster.hint");
    }
}

static int show(struct request *request, struct response *response, struct err *err) {
    json_t *kiosk = NULL;
    struct poster poster = {.organisation = app_folder(request->app)->name, .place = ""};
    int code = read_format(request, &poster, err);
    if (!code)
        code = page_fetch(request, page_path(request, "/api/v1/kiosks/", request->params[0]),
                          &kiosk, err);
    if (code < 0)
        return code;
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    const char *name = json_string_value(json_object_get(kiosk, "name"));
    if (!kind || strcmp(kind, "poster") != 0)
        code = err_set(err, E_CONFLICT, "only what is of kind poster is printed");
    if (!code) {
        poster.url = json_string_value(json_object_get(kiosk, "url"));
        poster.place = name ? name : "";
        read_texts(kiosk, &poster);
        buf_init(&response->body, PDF_MAX_BYTES);
        code = poster_pdf(&poster, &response->body, err);
    }
    json_decref(kiosk);
    response->type = "application/pdf";
    response_header(
        request, response, "Content-Disposition",
        arena_format(request->arena, "inline; filename=\"poster-%s.pdf\"", request->params[0]));
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/kiosks/{id}/poster", ACCESS_API, SCOPE_QUERY, .handle = show,
     .summary = "A QR poster as a PDF to print; ?format= a4, a5 or a3"},
};
const struct route_table page_poster_routes = ROUTE_TABLE(routes);
