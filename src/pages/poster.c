/*
 * Everything is laid out on a sheet of A4 width and scaled to the page.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/poster.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <fontconfig/fontconfig.h>
#include <pthread.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

static const double SHEET_MM = 210, MARGIN_MM = 20, POINTS_PER_MM = 72 / 25.4;
enum { QUIET = 4, LINE_BYTES = 400 };

static cairo_status_t append(void *closure, const unsigned char *bytes, unsigned int n) {
    struct buf *out = closure;
    buf_add(out, bytes, n);
    return out->full ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static double width_of(cairo_t *cairo, const char *text) {
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

static void centre(cairo_t *cairo, const char *text, double y) {
    cairo_move_to(cairo, (SHEET_MM - width_of(cairo, text)) / 2, y);
    cairo_show_text(cairo, text);
}

/* Words in as many centred lines as they need, the first at y; where the next may begin. */
static double paragraph(cairo_t *cairo, const char *text, double size_mm, bool bold, double y) {
    char line[LINE_BYTES] = "";
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size_mm);
    while (*text) {
        size_t n = strcspn(text, " "), had = strlen(line);
        if (had + n + 2 >= sizeof line)
            break;
        if (had)
            line[had] = ' ';
        memcpy(line + had + (had > 0), text, n);
        line[had + (had > 0) + n] = 0;
        if (had && width_of(cairo, line) > SHEET_MM - 2 * MARGIN_MM) {
            line[had] = 0;
            centre(cairo, line, y);
            y += 1.2 * size_mm;
            memcpy(line, text, n);
            line[n] = 0;
        }
        text += n;
        text += strspn(text, " ");
    }
    centre(cairo, line, y);
    return y + 1.2 * size_mm;
}

static void draw_code(cairo_t *cairo, const QRcode *code, double x, double y, double side) {
    double module = side / (code->width + 2 * QUIET);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_rectangle(cairo, x, y, side, side);
    cairo_fill(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    for (int row = 0; row < code->width; row++)
        for (int column = 0; column < code->width; column++)
            if (code->data[row * code->width + column] & 1)
                cairo_rectangle(cairo, x + (column + QUIET) * module, y + (row + QUIET) * module,
                                module, module);
    cairo_fill(cairo);
}

static void draw(cairo_t *cairo, const struct poster *poster, const QRcode *code) {
    static const double side = 116;
    const char *shown = strstr(poster->url, "://");
    double y = 46;
    cairo_set_source_rgb(cairo, 0.043, 0.396, 0.467);
    cairo_rectangle(cairo, 0, 0, SHEET_MM, 24);
    cairo_fill(cairo);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    paragraph(cairo, poster->organisation, 8, true, 15);
    cairo_set_source_rgb(cairo, 0.086, 0.137, 0.165);
    for (size_t i = 0; i < poster->n; i++)
        y = paragraph(cairo, poster->headline[i], i ? 7 : 13, !i, y) + (i ? 0 : 2);
    y += 2;
    draw_code(cairo, code, (SHEET_MM - side) / 2, y, side);
    cairo_set_source_rgb(cairo, 0.086, 0.137, 0.165);
    y += side + 8;
    for (size_t i = 0; i < poster->n; i++)
        y = paragraph(cairo, poster->hint[i], i ? 5 : 6.5, !i, y) + 1;
    cairo_set_source_rgb(cairo, 0.32, 0.384, 0.42);
    y = paragraph(cairo, shown ? shown + 3 : poster->url, 4.5, false, y + 3);
    if (poster->place[0])
        paragraph(cairo, poster->place, 4.5, false, y + 1);
}

/* What cairo and fontconfig keep of fonts is given back when the process ends. */
static void release_fonts(void) {
    cairo_debug_reset_static_data();
    FcFini();
}
static void release_at_exit(void) { (void)atexit(release_fonts); }

int poster_pdf(const struct poster *poster, struct buf *out, struct err *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, release_at_exit);
    QRcode *code = QRcode_encodeString(poster->url, 0, QR_ECLEVEL_Q, QR_MODE_8, 1);
    if (!code)
        return err_set(err, E_TOO_LARGE, "the address is too long for a code");
    double width = poster->width_mm * POINTS_PER_MM, height = poster->height_mm * POINTS_PER_MM;
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(append, out, width, height);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, poster->headline[0]);
    cairo_t *cairo = cairo_create(surface);
    cairo_scale(cairo, width / SHEET_MM, width / SHEET_MM);
    draw(cairo, poster, code);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    cairo_status_t status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    QRcode_free(code);
    return status == CAIRO_STATUS_SUCCESS ? 0
                                          : err_set(err, E_INTERNAL, "the poster cannot be drawn");
}
