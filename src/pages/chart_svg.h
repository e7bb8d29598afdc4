/*
 * The canvas of all charts: SVG text in a buffer, words measured before they are placed.
 *
 * Colours, fonts and strokes are CSS classes (web/css/charts.css), so that one drawing serves light, dark and print.
 * Coordinates are user units of the viewBox, printed with one decimal and without the locale. Every chart
 * has a wide form and a narrow (portrait) one; the style sheet shows the one that fits.
 *
 * INVARIANTS
 *  1. Text from outside goes through svg_escape.
 *  2. No text is placed without being measured: it is wrapped or shortened to the room that it has.
 *  3. A shape that stands for customers is a link to them when `people` is given.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CHART_SVG_H
#define SENDA_PAGES_CHART_SVG_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/zone.h"
#include "pages/format.h"

/* What every chart is told. */
struct unit_titles;
struct chart {
    const char *language; /* "es" or "en" */
    const struct format *format;
    const struct zone *zone; /* of the organisation; NULL: UTC */
    const char *label;       /* what the chart shows, for those who do not see it */
    const char *id;          /* prefix of ids, unique in the page, ASCII letters */
    const char *
        people; /* address of the customers behind it, with a query: a shape adds "&step=3"; or NULL */
    const char
        *by_texts; /* prefix of the texts of `by` values ("channel"), or NULL: shown as they are */
    struct unit_titles *by_units; /* `by` values are units, shown as people call them; or NULL */
    bool by_week;                 /* `by` values are the instants at which weeks begin */
    bool names;   /* places and steps are events or channels: shown as people call them */
    double width; /* of the wide form in user units: about the pixels that it gets; 0: 960 */
    bool narrow;  /* portrait, for phones */
    struct arena *arena;
};

/* Width of the drawing: 360 in the narrow form. */
double chart_width(const struct chart *chart);

/* Font sizes of the classes t-small, t, t-strong, in user units. */
enum { SIZE_SMALL = 11, SIZE_TEXT = 12, SIZE_STRONG = 14 };
enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

/* A coordinate as text, "12.5": SVG wants a point in every locale. Use as XY(x) inside one expression. */
struct svg_number {
    char text[24];
};
struct svg_number svg_number(double value);
#define XY(value) (svg_number(value).text)

/* HTML and attribute text: & < > " ' escaped, control characters dropped. */
void svg_escape(struct buf *out, struct slice text);

void svg_open(const struct chart *chart, struct buf *out, const char *kind, double width,
              double height);
void svg_close(struct buf *out);
/* <a href="people&…"> if the chart has links: the format gives what follows the "&" (already percent-encoded;
 * "&" is escaped here). Returns whether a link was opened; svg_link_close(out, that). */
__attribute__((format(printf, 3, 4))) bool svg_link_open(const struct chart *chart, struct buf *out,
                                                         const char *format, ...);
void svg_link_close(struct buf *out, bool opened);
void svg_title(struct buf *out, struct slice text); /* <title> */
void svg_text(struct buf *out, double x, double y, enum anchor anchor, const char *class,
              struct slice text);
void svg_rect(struct buf *out, double x, double y, double width, double height, double radius,
              const char *class);
void svg_line(struct buf *out, double x1, double y1, double x2, double y2, const char *class);
/* Percent-encoded for a query value, in the arena. */
const char *svg_encode(struct arena *arena, struct slice text);

/* Width of text at a font size: an upper estimate that holds for the usual sans-serif faces. */
double text_width(struct slice text, double size);
/* The text itself or its beginning with "…", at most `width` wide. */
struct slice text_fit(struct arena *arena, struct slice text, double size, double width);
enum { TEXT_LINES = 4 };
/* Breaks text at blanks into at most max (<= TEXT_LINES) lines of at most `width`; the last is shortened. */
size_t text_wrap(struct arena *arena, struct slice text, double size, double width, size_t max,
                 struct slice lines[TEXT_LINES]);

/* The table beside a chart, folded: for screen readers, copying, and those who want the figures. */
void chart_table_open(const struct chart *chart, struct buf *out, const char *const *headings,
                      size_t n);
void chart_table_cell(struct buf *out, struct slice text,
                      bool number); /* the first cell of a row opens it */
void chart_table_row_end(struct buf *out);
void chart_table_close(struct buf *out);

/* Members of an answer that may be missing or null. */
double json_figure(const json_t *object, const char *name);      /* NAN if null or absent */
struct slice json_slice(const json_t *object, const char *name); /* absent slice if no string */
int64_t json_instant_ms(const json_t *object, const char *name); /* -1 if none */
/* The name of a place or step as a person reads it. */
struct slice chart_name(const struct chart *chart, struct slice name);
/* A `by` value as a person reads it: null is "(sin valor)". */
struct slice json_by(const struct chart *chart, const json_t *object, const char *name);

#endif
