/* module: collect
 *
 * Fuzz target: spreadsheets. A first byte 'z': the rest is the archive. Otherwise the rest is the text of its parts, separated by
 * lines of two dashes (sheet, shared texts, styles, workbook, relations; a missing one is an ordinary one), which are packed
 * here, so that what is tried is the reading of sheets and not libzip.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { PARTS = 5 };

static const struct {
    const char *name, *standard;
} ARCHIVE[PARTS] = {
    {"xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"},
    {"xl/sharedStrings.xml", "<sst><si><t>a</t></si><si><t>b</t></si><si><t>c</t></si></sst>"},
    {"xl/styles.xml",
     "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"},
    {"xl/workbook.xml",
     "<workbook><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\" xmlns:r=\"http://schemas."
     "openxmlformats.org/officeDocument/2006/relationships\"/></sheets></workbook>"},
    {"xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></Relationships>"},
};

static void must(bool holds) {
    if (!holds)
        abort();
}

static int submit(void *context, struct import_batch *batch, struct err *err) {
    (void)context, (void)err;
    for (size_t i = 0; i < batch->n; i++) {
        const struct event *event = &batch->events[i];
        must(event->user_id.n && event->user_id.n <= LIMIT_ID_BYTES && utf8_valid(event->user_id));
        must(event->name.n && event->name.n <= LIMIT_NAME_BYTES && utf8_valid(event->name));
        must(event->time_ms >= TIME_MIN_MS && event->time_ms < TIME_MAX_MS);
        batch->results[i].outcome = OUTCOME_ACCEPTED;
    }
    return 0;
}

static int wait_for(void *context, struct import_batch *batch, struct err *err) {
    (void)context, (void)batch, (void)err;
    return 0;
}

static void reject(void *context, uint64_t row, enum refusal refusal, const char *message,
                   struct slice raw) {
    (void)context, (void)row, (void)raw;
    must(refusal > REFUSAL_NONE && refusal < REFUSAL_COUNT && message[0]);
}

static void import(struct slice archive) {
    static const char map[] =
        "{\"customer\":\"a\",\"time\":\"b\",\"event\":\"c\",\"properties\":\"*\"}";
    static const struct hash_key key = {{1}};
    struct import_file file = {.bytes = archive, .name = "x.xlsx"};
    struct import_options options = {.key = &key, .map = slice_of(map)};
    struct import_sink sink = {submit, wait_for, reject, NULL, NULL};
    struct import_progress result;
    struct err err = {0};
    int code = import_run(&file, &options, &sink, &result, &err);
    must(code == 0 || err.message[0]);
    must(code || result.read == result.accepted + result.rejected);
}

/* The next part of the text, or the ordinary one. */
static struct slice next_part(struct slice *rest, const char *standard) {
    if (!rest->n)
        return slice_of(standard);
    const char *end = memmem(rest->p, rest->n, "\n--\n", 4);
    struct slice part = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t taken = end ? part.n + 4 : rest->n;
    *rest = (struct slice){rest->p + taken, rest->n - taken};
    return part.n ? part : slice_of(standard);
}

static void pack_and_import(struct slice rest) {
    zip_error_t error;
    zip_stat_t stat;
    zip_source_t *target = zip_source_buffer_create(NULL, 0, 0, &error);
    must(target);
    zip_t *zip = zip_open_from_source(target, ZIP_TRUNCATE, &error);
    must(zip);
    zip_source_keep(target);
    for (size_t i = 0; i < PARTS; i++) {
        struct slice part = next_part(&rest, ARCHIVE[i].standard);
        zip_source_t *source = zip_source_buffer(zip, part.p, part.n, 0);
        must(source && zip_file_add(zip, ARCHIVE[i].name, source, 0) >= 0);
        must(zip_set_file_compression(zip, i, ZIP_CM_STORE, 0) == 0);
    }
    must(zip_close(zip) == 0 && zip_source_open(target) == 0 &&
         zip_source_stat(target, &stat) == 0);
    char *archive = malloc(stat.size);
    must(archive && zip_source_read(target, archive, stat.size) == (zip_int64_t)stat.size);
    zip_source_close(target);
    zip_source_free(target);
    import((struct slice){archive, stat.size});
    free(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    struct slice text = {n ? (const char *)bytes + 1 : "", n ? n - 1 : 0};
    if (n && bytes[0] == 'z')
        import(text);
    else
        pack_and_import(text);
    return 0;
}
