/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/people.h"

#include <string.h>

#include "api/customer_read.h"
#include "base/csv_out.h"
#include "http/app.h"

void people_name(struct request *request, json_t *people) {
    size_t n = json_array_size(people), i;
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, n + 1);
    struct slice *names = ARENA_ARRAY(request->arena, struct slice, n + 1);
    struct err ignored = {0};
    json_t *row;
    json_array_foreach(people, i, row) {
        const char *id = json_string_value(json_object_get(row, "id"));
        if (!id || customers_find(app_folder(request->app)->customers, slice_of(id), &owners[i],
                                  &ignored) < 0)
            return;
    }
    if (customer_names(request, owners, n, names, &ignored) < 0)
        return;
    json_array_foreach(people, i, row) if (names[i].n)
        json_object_set_new(row, "name", json_stringn(names[i].p, names[i].n));
}

void people_csv(const json_t *people, struct buf *out) {
    size_t i;
    json_t *row;
    buf_add_text(out, "id,user_id\r\n");
    json_array_foreach((json_t *)(uintptr_t)people, i, row) {
        const char *id = json_string_value(json_object_get(row, "id")),
                   *user = json_string_value(json_object_get(row, "user_id"));
        csv_add_text(out, slice_of(id ? id : ""));
        buf_add_char(out, ',');
        csv_add_text(out, slice_of(user ? user : ""));
        buf_add_text(out, "\r\n");
    }
}
