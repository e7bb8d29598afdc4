/*
 * A small line without axes: the shape of a figure's past, with its last value as a dot.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"

void chart_spark(const struct chart *chart, const double *values, size_t n, struct buf *out) {
    double low = 0, high = 0, width = 120, height = 32;
    size_t seen = 0, last = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        low = seen ? fmin(low, values[i]) : fmin(values[i], 0);
        high = seen++ ? fmax(high, values[i]) : values[i];
        last = i;
    }
    if (!seen)
        return;
    double step = n > 1 ? (width - 8) / (double)(n - 1) : 0,
           scale = high > low ? (height - 8) / (high - low) : 0;
    bool pen = false;
    svg_open(chart, out, "spark", width, height);
    buf_add_text(out, "<path class=\"line stroke-1\" d=\"");
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i]))
            buf_add_format(out, "%s%s %s", pen ? "L" : "M", XY(4 + (double)i * step),
                           XY(height - 4 - (values[i] - low) * scale));
        pen = isfinite(values[i]);
    }
    buf_add_format(out, "\"/><circle cx=\"%s\" cy=\"%s\" r=\"3\" class=\"fill-1\"/>",
                   XY(4 + (double)last * step), XY(height - 4 - (values[last] - low) * scale));
    svg_close(out);
}
