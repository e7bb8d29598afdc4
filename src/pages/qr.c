/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/qr.h"

#include <qrencode.h>

#include "pages/template.h"

enum { QUIET = 4 /* modules of white around, as the standard asks */ };

void qr_svg(const char *text, const char *label, struct buf *out) {
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    if (!code)
        return;
    int side = code->width + 2 * QUIET;
    buf_add_format(out, "<svg class=\"qr\" viewBox=\"0 0 %d %d\" role=\"img\"><title>", side, side);
    html_escape(slice_of(label), out);
    buf_add_format(
        out, "</title><rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path fill=\"#000\" d=\"",
        side, side);
    for (int y = 0; y < code->width; y++)
        for (int x = 0; x < code->width; x++)
            if (code->data[y * code->width + x] & 1)
                buf_add_format(out, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
    buf_add_text(out, "\"/></svg>");
    QRcode_free(code);
}
