/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/csv_out.h"

static bool needs_quotes(struct slice text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] && strchr(",\"\r\n", text.p[i]))
            return true;
    return false;
}

static void add_in_quotes(struct buf *out, const char *prefix, struct slice text) {
    buf_add_char(out, '"');
    buf_add_text(out, prefix);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}

void csv_add_quoted(struct buf *out, struct slice text) {
    if (needs_quotes(text))
        add_in_quotes(out, "", text);
    else
        buf_add_slice(out, text);
}

void csv_add_text(struct buf *out, struct slice text) {
    if (slice_is_formula(text))
        add_in_quotes(out, "'", text);
    else
        csv_add_quoted(out, text);
}
