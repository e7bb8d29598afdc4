/*
 * The pages' templates: Mustache over jansson, with texts and formats.
 *
 * IN:  a template of web/templates and the JSON document that the API would answer
 * OUT: HTML
 *
 * SYNTAX
 *   {{name}} {{a.b}} {{.}}        value, escaped for HTML (also inside quoted attributes)
 *   {{{name}}} {{&name}}          as it is: only for HTML that Senda made itself
 *   {{#name}}…{{/name}}           once per element of an array; once for another value unless it is
 *                                 false, null, 0, "", [] or {} or absent
 *   {{^name}}…{{/name}}           the opposite
 *   {{>partial}} {{!comment}}     templates/partial.mustache in the same context
 *   {{name|filter|filter:word}}   a value through filters (below); sections take filters too
 *   {{_ key}} {{_ key count}}     the text of the key (po/), `count` chooses singular or plural; {name|filter} in the
 *                                 text are values of the context, and {n} is the count, as a number of the region.
 *                                 With three braces the text itself may hold HTML; values are escaped all the same
 *   {{@css/senda.css}}            address of an asset
 *   {{+name}} {{+name class}}     icon of icons/senda.svg
 *   A tag alone on its line (sections, partials, comments) leaves no line behind.
 *
 * FILTERS
 *   number number:2 compact percent percent:1 change money:EUR duration (seconds)
 *   date day short month time seconds datetime ago iso (RFC 3339 texts, or UTC ms)
 *   tr:prefix   the text "prefix.VALUE", else the value itself
 *   name        how people call an event or channel (text_of_name)
 *   is:word     "1" if the value's text is the word, else nothing; not:word the opposite
 *   channel     "ch-phone": icon and class of a channel
 *   url         percent-encoded    json  as JSON    initial  first letter in capitals    length  of an array
 *
 * LIMITS  16 levels of sections and partials, 4 MB of output.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_TEMPLATE_H
#define SENDA_PAGES_TEMPLATE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "pages/format.h"

enum { TEMPLATE_DEPTH = 16, TEMPLATE_MAX_BYTES = 4 * 1024 * 1024 };

struct unit_titles;
struct template_world {
    const struct format *format; /* language, region and zone */
    int64_t now_ms;              /* for "ago" */
    struct arena *arena;         /* for templates read from disk */
    struct unit_titles *units;   /* for |unit; NULL: their names */
};

/* Renders web/templates/NAME.mustache with `view`. Errors: E_NOT_FOUND no such template or partial, E_INTERNAL a
 * section that does not close (the message names it). */
must_use int template_render(const char *name, const json_t *view,
                             const struct template_world *world, struct buf *out, struct err *err);
/* The same for a template that is at hand. */
must_use int template_render_text(struct slice source, const json_t *view,
                                  const struct template_world *world, struct buf *out,
                                  struct err *err);
/* Appends text with & < > " ' escaped. */
void html_escape(struct slice text, struct buf *out);

#endif
