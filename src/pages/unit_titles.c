/*
 * Titles of units: see unit_titles.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/unit_titles.h"

#include <string.h>

#include "http/app.h"

struct unit_titles {
    struct request *request;
    struct unit *units;
    size_t n;
    bool read;
};

struct unit_titles *unit_titles_new(struct request *request) {
    struct unit_titles *titles = ARENA_ARRAY(request->arena, struct unit_titles, 1);
    *titles = (struct unit_titles){.request = request};
    return titles;
}

const char *unit_title(struct unit_titles *titles, const char *name) {
    if (!titles)
        return name;
    if (!titles->read) {
        struct err ignored = {0};
        titles->read = true;
        if (unit_list(app_accounts(titles->request->app), titles->request->arena, &titles->units,
                      &titles->n, &ignored) < 0)
            titles->n = 0;
    }
    for (size_t i = 0; i < titles->n; i++) {
        const char *title = titles->units[i].title;
        if (strcmp(titles->units[i].name, name) == 0)
            return title && *title ? title : name;
    }
    return name;
}
