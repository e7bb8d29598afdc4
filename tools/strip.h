/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TOOLS_STRIP_H
#define SENDA_TOOLS_STRIP_H

#include <stdbool.h>
#include <stddef.h>

/* Takes out of a script (or, with `css`, a sheet of styles) what only its readers need: comments, blanks at the beginning and end of
 * lines, empty lines. Line ends that remain part statements as before; texts, templates and patterns stay as they are. The licence stays:
 * a first line of its own. In place; returns the new length. */
size_t strip(char *text, size_t n, bool css);

#endif
