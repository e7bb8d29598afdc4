/*
 * Ranked bars: a name, a bar, a figure.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"

void chart_bars(const struct chart *chart, const struct chart_bar *bars, size_t n,
                struct buf *out) {
    double width = chart->narrow ? 360 : 480, names = 0, figures = 0, most = 1e-9, y = 0;
    for (size_t i = 0; i < n; i++) {
        const char *text = bars[i].text ? bars[i].text : chart_number(chart, bars[i].value, 1);
        names = fmax(names, text_width(bars[i].name, SIZE_TEXT));
        figures = fmax(figures, text_width(slice_of(text), SIZE_TEXT));
        most = fmax(most, isfinite(bars[i].value) ? bars[i].value : 0);
    }
    if (!n)
        return;
    names = fmin(names + 12, width * 0.45);
    double room = width - names - figures - 10;
    svg_open(chart, out, "bars", width, (double)n * 28);
    for (size_t i = 0; i < n; i++, y += 28) {
        const char *text = bars[i].text ? bars[i].text : chart_number(chart, bars[i].value, 1);
        double length = isfinite(bars[i].value) ? fmax(room * bars[i].value / most, 1.5) : 0;
        if (bars[i].href) {
            buf_add_text(out, "<a href=\"");
            svg_escape(out, slice_of(bars[i].href));
            buf_add_text(out, "\">");
        }
        buf_add_text(out, "<g class=\"shape\">");
        svg_title(out, slice_of(bars[i].title ? bars[i].title
                                              : arena_format(chart->arena, "%.*s: %s",
                                                             SLICE_ARGS(bars[i].name), text)));
        svg_text(out, 0, y + 18, ANCHOR_START, "t",
                 text_fit(chart->arena, bars[i].name, SIZE_TEXT, names - 10));
        svg_rect(out, names, y + 6, length, 16, 3, "fill-1");
        svg_text(out, names + length + 8, y + 18, ANCHOR_START, "t muted", slice_of(text));
        buf_add_text(out, "</g>");
        svg_link_close(out, bars[i].href != NULL);
    }
    svg_close(out);
}
