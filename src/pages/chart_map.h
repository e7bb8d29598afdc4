/*
 * The geometry of a process map, for its drawing and for the tests of its properties.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CHART_MAP_H
#define SENDA_PAGES_CHART_MAP_H

#include "pages/chart_flow.h"

struct map_box {
    double x, y, width, height; /* left top corner */
    double loop;                /* room at its right for a loop and its label */
    struct slice lines[TEXT_LINES];
    size_t n_lines;
};

struct map_line {
    size_t first, n; /* its places: one in each row between its ends; none for a loop */
    size_t label_at; /* which of them bears the label */
    const char *label;
    double width;           /* of the stroke */
    double x_top, x_bottom; /* where it touches the upper and the lower box */
};

struct map {
    struct flow_graph graph;
    struct map_box *boxes;  /* one per node */
    struct map_line *lines; /* one per edge */
    struct layout_node *places;
    struct layout_edge *steps;
    size_t n_places, n_steps;
    double *row_top, *row_height;
    double width, height;
};

must_use int map_build(const struct chart *chart, const struct flow_view *view, const json_t *data,
                       struct map *map, struct err *err);

#endif
