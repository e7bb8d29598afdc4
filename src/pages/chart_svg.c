/*
 * SVG in a buffer: see chart_svg.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_svg.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/time.h"
#include "pages/chart_format.h"
#include "pages/text.h"
#include "pages/unit_titles.h"

struct svg_number svg_number(double value) {
    struct svg_number number;
    if (!isfinite(value))
        value = 0;
    long long tenths = llround(fmin(fmax(value, -1e12), 1e12) * 10);
    unsigned long long size = tenths < 0 ? (unsigned long long)-tenths : (unsigned long long)tenths;
    const char *sign = tenths < 0 ? "-" : "";
    if (size % 10)
        snprintf(number.text, sizeof number.text, "%s%llu.%llu", sign, size / 10, size % 10);
    else
        snprintf(number.text, sizeof number.text, "%s%llu", sign, size / 10);
    return number;
}

void svg_escape(struct buf *out, struct slice text) {
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&': buf_add_text(out, "&amp;"); break;
        case '<': buf_add_text(out, "&lt;"); break;
        case '>': buf_add_text(out, "&gt;"); break;
        case '"': buf_add_text(out, "&quot;"); break;
        case '\'': buf_add_text(out, "&#39;"); break;
        default:
            if ((unsigned char)text.p[i] >= 0x20 || text.p[i] == '\n')
                buf_add_char(out, text.p[i]);
        }
    }
}

const char *svg_encode(struct arena *arena, struct slice text) {
    static const char HEX[] = "0123456789ABCDEF";
    char *encoded = arena_get(arena, text.n * 3 + 1), *to = encoded;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c && strchr("-._~", c))) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = HEX[c >> 4];
            *to++ = HEX[c & 15];
        }
    }
    *to = 0;
    return encoded;
}

double chart_width(const struct chart *chart) {
    return chart->narrow ? 360 : chart->width > 0 ? chart->width : 960;
}

void svg_open(const struct chart *chart, struct buf *out, const char *kind, double width,
              double height) {
    buf_add_format(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart chart-%s %s%s\" "
                   "viewBox=\"0 0 %s %s\" "
                   "width=\"%s\" height=\"%s\" role=\"%s\" aria-label=\"",
                   kind, chart->narrow ? "chart-narrow" : "chart-wide",
                   width <= chart_width(chart) * 1.25 ? " fits" : "", XY(width), XY(height),
                   XY(width), XY(height), chart->people ? "group" : "img");
    svg_escape(out, slice_of(chart->label));
    buf_add_text(out, "\">\n");
}

void svg_close(struct buf *out) { buf_add_text(out, "</svg>\n"); }

bool svg_link_open(const struct chart *chart, struct buf *out, const char *format, ...) {
    if (!chart->people)
        return false;
    char tail[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(tail, sizeof tail, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof tail)
        return false;
    buf_add_text(out, "<a href=\"");
    svg_escape(out, slice_of(chart->people));
    buf_add_text(out, "&amp;");
    svg_escape(out, (struct slice){tail, (size_t)n});
    buf_add_text(out, "\">");
    return true;
}

void svg_link_close(struct buf *out, bool opened) {
    if (opened)
        buf_add_text(out, "</a>");
    buf_add_char(out, '\n');
}

void svg_title(struct buf *out, struct slice text) {
    buf_add_text(out, "<title>");
    svg_escape(out, text);
    buf_add_text(out, "</title>");
}

void svg_text(struct buf *out, double x, double y, enum anchor anchor, const char *class,
              struct slice text) {
    static const char *const ANCHORS[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    buf_add_format(out, "<text x=\"%s\" y=\"%s\"%s class=\"%s\">", XY(x), XY(y), ANCHORS[anchor],
                   class);
    svg_escape(out, text);
    buf_add_text(out, "</text>\n");
}

void svg_rect(struct buf *out, double x, double y, double width, double height, double radius,
              const char *class) {
    buf_add_format(out, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"", XY(x), XY(y),
                   XY(fmax(width, 0)), XY(fmax(height, 0)));
    if (radius > 0)
        buf_add_format(out, " rx=\"%s\"", XY(fmin(radius, fmin(width, height) / 2)));
    buf_add_format(out, " class=\"%s\"/>", class);
}

void svg_line(struct buf *out, double x1, double y1, double x2, double y2, const char *class) {
    buf_add_format(out, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" class=\"%s\"/>\n", XY(x1),
                   XY(y1), XY(x2), XY(y2), class);
}

void chart_table_open(const struct chart *chart, struct buf *out, const char *const *headings,
                      size_t n) {
    buf_add_text(out, "<details class=\"chart-data\"><summary>");
    svg_escape(out, slice_of(chart_say(chart, "table")));
    buf_add_text(
        out,
        "</summary><div class=\"chart-data-scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    svg_escape(out, slice_of(chart->label));
    buf_add_text(out, "\"><table><caption>");
    svg_escape(out, slice_of(chart->label));
    buf_add_text(out, "</caption><thead><tr>");
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, "<th scope=\"col\">");
        svg_escape(out, slice_of(headings[i]));
        buf_add_text(out, "</th>");
    }
    buf_add_text(out, "</tr></thead><tbody>\n");
}

void chart_table_cell(struct buf *out, struct slice text, bool number) {
    bool first = out->n && out->p[out->n - 1] == '\n';
    buf_add_text(out, first ? "<tr>" : "");
    buf_add_text(out, number ? "<td class=\"num\">" : "<td>");
    svg_escape(out, text);
    buf_add_text(out, "</td>");
}

void chart_table_row_end(struct buf *out) { buf_add_text(out, "</tr>\n"); }
void chart_table_close(struct buf *out) { buf_add_text(out, "</tbody></table></div></details>\n"); }

double json_figure(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

struct slice json_slice(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_string(value)
               ? (struct slice){json_string_value(value), json_string_length(value)}
               : (struct slice){NULL, 0};
}

int64_t json_instant_ms(const json_t *object, const char *name) {
    int64_t ms;
    struct slice text = json_slice(object, name);
    return text.p && time_parse(text, NULL, &ms) == 0 ? ms : -1;
}

struct slice chart_name(const struct chart *chart, struct slice name) {
    if (!chart->names || !name.n)
        return name;
    return slice_of(text_of_name(chart->language, arena_text(chart->arena, name)));
}

struct slice json_by(const struct chart *chart, const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    if (json_is_string(value)) {
        struct slice text = json_slice(object, name);
        int64_t week_ms = chart->by_week ? json_instant_ms(object, name) : -1;
        if (week_ms >= 0)
            return slice_of(chart_bucket(chart, BUCKET_WEEK, week_ms, true));
        const char *known =
            chart->by_texts ? text_of_value(chart->language, chart->by_texts, text.p) : NULL;
        return slice_is(text, "(other)") ? slice_of(chart_say(chart, "other"))
               : known                   ? slice_of(known)
               : chart->by_units         ? slice_of(unit_title(chart->by_units, text.p))
                                         : text;
    }
    if (json_is_number(value))
        return slice_of(chart_number(chart, json_number_value(value), 2));
    if (json_is_boolean(value))
        return slice_of(chart_say(chart, json_is_true(value) ? "yes" : "no"));
    const char *without =
        chart->by_texts ? text_of_value(chart->language, chart->by_texts, "null") : NULL;
    return slice_of(without ? without : chart_say(chart, "none"));
}
