/*
 * See score_countries.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_countries.h"

#include "query/countries.h"
#include "store/store.h"

/* Names of units become their titles, where they have one. */
static int entitle(const struct question *question, struct slice *names, size_t n,
                   struct err *err) {
    sqlite3 *db = store_reader_get(question->folder->store);
    struct units units;
    int code = db ? units_load(db, question->dictionary, question->arena, &units, err)
                  : err_set(err, E_IO, "the records could not be opened");
    store_reader_put(question->folder->store, db);
    for (size_t i = 0; i < n && !code; i++) {
        struct slice title = units_title(&units, names[i]);
        if (title.n)
            names[i] = title;
    }
    return code;
}

int score_countries(const struct question *question, const struct score_compared *rows, size_t n,
                    bool *countries, struct err *err) {
    struct slice *names = ARENA_ARRAY(question->arena, struct slice, n + 1);
    size_t found = 0;
    int code = 0;
    *countries = false;
    for (size_t i = 0; i < n; i++) {
        const json_t *by = json_object_get(rows[i].row, "by");
        if (rows[i].apart)
            continue;
        if (!json_is_string(by))
            return 0;
        names[found++] = (struct slice){json_string_value(by), json_string_length(by)};
    }
    *countries = are_countries(names, found, question->arena);
    if (!*countries && found > 1 && question->plan->by == BY_UNIT) {
        code = entitle(question, names, found, err);
        *countries = !code && are_countries(names, found, question->arena);
    }
    return code;
}
