/*
 * What the pages of settings share: their tabs and forms.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_SETTINGS_H
#define SENDA_PAGES_SETTINGS_H

#include "http/http.h"

/* Renders web/templates/settings_TAB.mustache with the tabs that the person may open; view is taken over. A page below a tab
 * names that tab in view["section_tab"]. */
must_use int settings_render(struct request *request, struct response *response, const char *tab,
                             json_t *view, struct err *err);
/* After a change: back to the tab with a notice; a refusal (422, 409) is shown on the tab by `show`, anything else is an
 * error. */
must_use int settings_done(struct request *request, struct response *response, const char *tab,
                           const char *notice, int code, const struct err *refusal,
                           int (*show)(struct request *request, struct response *response,
                                       json_t *view, struct err *err),
                           struct err *err);
const char *settings_form(struct request *request, const char *name); /* "" if absent */
/* [{"role","selected"}], highest first; "owner" only for an owner. New reference. */
json_t *settings_roles(const struct request *request, const char *selected);
/* The rows ("data") of a list of the API, a new reference. */
must_use int settings_rows(struct request *request, const char *target, json_t **rows,
                           struct err *err);

#endif
