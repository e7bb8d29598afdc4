/*
 * A text as a QR code, drawn as SVG (libqrencode).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_QR_H
#define SENDA_PAGES_QR_H

#include "base/buf.h"

/* Appends <svg>…</svg> with the label as its title; nothing if the text does not fit. Dark on white in every theme: cameras
 * want it so. */
void qr_svg(const char *text, const char *label, struct buf *out);

#endif
