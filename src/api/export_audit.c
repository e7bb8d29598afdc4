/*
 * The audit as an export, oldest first.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/export_rows.h"

enum { PAGE_ENTRIES = 1000, COLUMNS = 7 };

static int next_entries(struct export_source *source, struct export_page *page, struct err *err) {
    struct audit_filter filter = {.from_ms = source->from_ms,
                                  .to_ms = source->to_ms,
                                  .after = source->position,
                                  .oldest_first = true};
    struct audit_entry *entries;
    int code = audit_list(app_accounts(source->request->app), &filter, PAGE_ENTRIES, page->arena,
                          &entries, &page->n, err);
    page->cells = ARENA_ARRAY(page->arena, struct export_cell, page->n * COLUMNS + 1);
    for (size_t i = 0; !code && i < page->n; i++) {
        struct export_cell *cells = &page->cells[i * COLUMNS];
        const struct audit_entry *entry = &entries[i];
        cells[0].number = (double)entry->id;
        cells[1].number = (double)entry->time_ms;
        cells[2].text = slice_of(entry->who);
        cells[3].text = slice_of(entry->address);
        cells[4].text = slice_of(entry->what);
        cells[5].text = slice_of(entry->about);
        cells[6].text = slice_of(entry->detail);
        source->position = entry->id;
    }
    return code;
}

const struct export_kind export_audit = {
    .name = "audit",
    .scopes = SCOPE_ADMIN,
    .n_columns = COLUMNS,
    .columns = {{"id", CELL_NUMBER},
                {"time", CELL_TIME},
                {"who", CELL_TEXT},
                {"address", CELL_TEXT},
                {"what", CELL_TEXT},
                {"about", CELL_TEXT},
                {"detail", CELL_TEXT}},
    .next = next_entries,
};
