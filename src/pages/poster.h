/*
 * A QR poster: what hangs at the exit and opens a survey on a visitor's phone, as a PDF to print (cairo, libqrencode).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_POSTER_H
#define SENDA_PAGES_POSTER_H

#include "base/buf.h"
#include "base/err.h"

enum { POSTER_TEXTS = 4 };

struct poster {
    const char *organisation, *place; /* place "": none */
    const char *url;                  /* what the code says; printed below it without its scheme */
    const char *headline[POSTER_TEXTS],
        *hint[POSTER_TEXTS]; /* one of each language, the first is the largest */
    size_t n;
    double width_mm, height_mm; /* of the page */
};

/* Appends the PDF. E_TOO_LARGE: the address is too long for a code. */
must_use int poster_pdf(const struct poster *poster, struct buf *out, struct err *err);

#endif
