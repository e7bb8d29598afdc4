/*
 * Files into events: csv in the shapes that spreadsheets write, maps, identity of rows, jsonl, xes, xlsx, and real logs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>
#include <zlib.h>
#include <zstd.h>

#include "base/json_out.h"
#include "base/map.h"
#include "base/time.h"
#include "collect/import.h"

/* A sink that writes down what comes: "customer|time|event|name=value …" a line, refusals as "row code". It knows keys as
 * the pipeline does: the second of a key is a duplicate. */
struct sink {
    struct buf rows, refused;
    struct key_map keys;
    size_t n;
    const char *cut; /* this file is cut when the first rows come */
};

static void show_value(struct buf *buf, const struct value *value) {
    switch (value->type) {
    case VALUE_TRUE: buf_add_text(buf, "true"); break;
    case VALUE_FALSE: buf_add_text(buf, "false"); break;
    case VALUE_INT: json_add_int(buf, value->integer); break;
    case VALUE_NUMBER: buf_add_text(buf, "~"), json_add_number(buf, value->number); break;
    default:
        buf_add_char(buf, '\''), buf_add_slice(buf, value->text), buf_add_char(buf, '\'');
        break;
    }
}

static void show(struct buf *buf, const struct event *event) {
    char time[TIME_TEXT_BYTES];
    time_format(event->time_ms, time);
    buf_add_slice(buf, event->user_id);
    buf_add_format(buf, "|%s|", event->has_time ? time : "-");
    buf_add_slice(buf, event->name);
    buf_add_char(buf, '|');
    if (event->channel.p)
        buf_add_format(buf, "@%.*s ", SLICE_ARGS(event->channel));
    if (event->unit.p)
        buf_add_format(buf, "#%.*s ", SLICE_ARGS(event->unit));
    for (size_t i = 0; i < event->n_properties; i++) {
        buf_add_text(buf, i ? " " : "");
        buf_add_slice(buf, event->properties[i].name);
        buf_add_char(buf, '=');
        show_value(buf, &event->properties[i].value);
    }
    buf_add_char(buf, '\n');
}

static int submit(void *context, struct import_batch *batch, struct err *err) {
    struct sink *sink = context;
    (void)err;
    if (sink->cut)
        assert_int_equal(truncate(sink->cut, 100), 0);
    for (size_t i = 0; i < batch->n; i++) {
        bool fresh = key_map_put(&sink->keys, batch->keys[i], 1) == MAP_NONE;
        batch->results[i] = (struct event_result){fresh ? OUTCOME_ACCEPTED : OUTCOME_DUPLICATE, 0};
        if (fresh)
            show(&sink->rows, &batch->events[i]);
    }
    return 0;
}

static int wait_for(void *context, struct import_batch *batch, struct err *err) {
    (void)context, (void)batch, (void)err;
    return 0;
}

static void reject(void *context, uint64_t row, enum refusal refusal, const char *message,
                   struct slice raw) {
    struct sink *sink = context;
    assert_true(message[0] && raw.p);
    buf_add_format(&sink->refused, "%d %s\n", (int)row, refusal_code(refusal));
}

static void sink_init(struct sink *sink) {
    *sink = (struct sink){0};
    buf_init(&sink->rows, (size_t)1 << 30);
    buf_init(&sink->refused, (size_t)1 << 30);
    key_map_init(&sink->keys);
}

static void sink_release(struct sink *sink) {
    buf_release(&sink->rows);
    buf_release(&sink->refused);
    key_map_release(&sink->keys);
}

static const struct hash_key key = {{1, 2, 3}};

static int run_file(struct sink *sink, const struct import_file *file, const char *map,
                    const char *format, const char *lifecycle, struct import_progress *result,
                    struct err *err) {
    struct zone *zone;
    assert_int_equal(zone_open(&zone, "Europe/Madrid", err), 0);
    struct import_options options = {.format = format,
                                     .lifecycle = lifecycle,
                                     .zone = zone,
                                     .key = &key,
                                     .received_ms = INT64_C(1795293100000)};
    if (map)
        options.map = slice_of(map);
    struct import_sink to = {submit, wait_for, reject, NULL, sink};
    int code = import_run(file, &options, &to, result, err);
    zone_close(zone);
    return code;
}

static void assert_import_of(const char *name, struct slice bytes, const char *map,
                             const char *format, const char *rows, const char *refused) {
    struct sink sink;
    struct import_progress result;
    struct err err = {0};
    struct import_file file = {.bytes = bytes, .name = name};
    sink_init(&sink);
    int code = run_file(&sink, &file, map, format, NULL, &result, &err);
    if (code)
        print_error("%s %s\n", err.message, err.hint);
    assert_int_equal(code, 0);
    assert_string_equal(sink.rows.p ? sink.rows.p : "", rows);
    assert_string_equal(sink.refused.p ? sink.refused.p : "", refused);
    assert_int_equal(result.read, result.accepted + result.duplicates + result.rejected);
    sink_release(&sink);
}

static void assert_csv(const char *csv, const char *map, const char *rows, const char *refused) {
    assert_import_of("x.csv", slice_of(csv), map, NULL, rows, refused);
}

#define MAP "{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"properties\":\"*\"}"

static void test_csv(void **state) {
    (void)state;
    assert_csv("user,when,what,amount,note\n"
               "u1,2026-01-02T03:04:05Z,Buy,12.5,\"a, \"\"b\"\"\nc\"\n"
               "u2,2026-01-02 03:04:05,Look,7,\n\n"
               "u3,2026-07-02,\"Look\",-3,  keeps blanks \n"
               "u4,2026-07-02,Look,08001,x\"y\n"
               "u5,2026-07-02,Look,12345678901234567890,\"q\"rest",
               MAP,
               "u1|2026-01-02T03:04:05.000Z|Buy|amount=~12.5 note='a, \"b\"\nc'\n"
               "u2|2026-01-02T02:04:05.000Z|Look|amount=7\n"
               "u3|2026-07-01T22:00:00.000Z|Look|amount=-3 note='  keeps blanks '\n"
               "u4|2026-07-01T22:00:00.000Z|Look|amount='08001' note='x\"y'\n"
               "u5|2026-07-01T22:00:00.000Z|Look|amount='12345678901234567890' note='qrest'\n",
               "");
    /* line ends of CR and CRLF, byte order mark, sep= */
    assert_csv("\xef\xbb\xbfuser,when,what\ru1,2026-01-01,A\r\"u2\",2026-01-01,B\r", MAP,
               "u1|2025-12-31T23:00:00.000Z|A|\nu2|2025-12-31T23:00:00.000Z|B|\n", "");
    assert_csv("sep=|\r\nuser|when|what\r\nu1|2026-01-01|A, b; c\r\n", MAP,
               "u1|2025-12-31T23:00:00.000Z|A, b; c|\n", "");
    /* semicolons and decimal commas, recognised */
    assert_csv("User ;WHEN;What;importe\nu1;31/01/2026 10:00;A;1.234,50\nu2;1/2/2026 9:30;B;0,5\n",
               MAP,
               "u1|2026-01-31T09:00:00.000Z|A|importe=~1234.5\nu2|2026-02-01T08:30:00.000Z|B|"
               "importe=~0.5\n",
               "");
    assert_csv("user\twhen\twhat\tn\nu1\t1510000000\tA\t5\n", MAP,
               "u1|2017-11-06T20:26:40.000Z|A|n=5\n", "");
}

static void test_csv_refusals(void **state) {
    (void)state;
    assert_csv("user,when,what,n\n"
               ",2026-01-01,A,1\n"
               "u,,A,1\n"
               "u,2026-13-01,A,1\n"
               "u,1969-12-30,A,1\n"
               "u,2026-01-01,,1\n"
               "u,2026-01-01,\"A\x01\",1\n"
               "u,2026-01-01,\xff,1\n"
               "u,2026-01-01,A,1,extra\n"
               "u,2026-01-01,A,1,,\n"
               "u,2026-01-01,A\n"
               "u,2026-01-01,\"A,1\n",
               "{\"customer\":\"user\",\"time\":\"when\",\"time_format\":\"rfc3339\",\"event\":"
               "\"what\",\"properties\":[\"n\"],"
               "\"encoding\":\"UTF-8\"}",
               "u|2025-12-31T23:00:00.000Z|A|n=1\nu|2025-12-31T23:00:00.000Z|A|\n",
               "2 no_identity\n3 bad_time\n4 bad_time\n5 time_out_of_range\n6 no_name\n7 "
               "control_character\n8 not_utf8\n"
               "9 malformed\n12 malformed\n");
    char large[40000];
    int n = snprintf(large, sizeof large, "user,when,what\nu,2026-01-01,%0*d\nu,2026-01-01,B\n",
                     33000, 1);
    assert_import_of("x.csv", (struct slice){large, (size_t)n}, MAP, NULL,
                     "u|2025-12-31T23:00:00.000Z|B|\n", "2 too_large\n");
}

static void test_encodings(void **state) {
    (void)state;
    assert_csv("user;when;what\nu;2026-01-01;Reclamaci\xf3n \x80\n", MAP,
               "u|2025-12-31T23:00:00.000Z|Reclamación €|\n", "");
    static const char utf8[] = "user\twhen\twhat\nu\t2026-01-01\tNiño €\n";
    char wide[2 * sizeof utf8 + 2] = "\xff\xfe";
    size_t n = 2;
    for (const char *p = utf8; *p; p++) {
        if ((unsigned char)*p == 0xc3)
            wide[n++] = (char)0xf1, wide[n++] = 0, p++;
        else if ((unsigned char)*p == 0xe2)
            wide[n++] = (char)0xac, wide[n++] = 0x20, p += 2;
        else
            wide[n++] = *p, wide[n++] = 0;
    }
    const char *want = "u|2025-12-31T23:00:00.000Z|Niño €|\n";
    assert_import_of("x.csv", (struct slice){wide, n}, MAP, NULL, want, "");
    assert_import_of("x.csv", (struct slice){wide + 2, n - 2}, MAP, NULL, want,
                     ""); /* without mark */
    char big[sizeof wide];
    for (size_t i = 0; i < n; i += 2)
        big[i] = wide[i + 1], big[i + 1] = wide[i];
    assert_import_of("x.csv", (struct slice){big, n}, MAP, NULL, want, "");
    assert_csv("user;when;what\nu;2026-01-01;\xa4\n",
               "{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"encoding\":\"ISO-"
               "8859-15\",\"delimiter\":\";\"}",
               "u|2025-12-31T23:00:00.000Z|€|\n", "");
}

static void test_packed(void **state) {
    (void)state;
    static const char csv[] = "user,when,what\nu,2026-01-01,A\n";
    const char *want = "u|2025-12-31T23:00:00.000Z|A|\n";
    char packed[500];
    size_t n = ZSTD_compress(packed, sizeof packed, csv, sizeof csv - 1, 3);
    assert_import_of("x.csv.zst", (struct slice){packed, n}, MAP, NULL, want, "");
    char path[] = "/tmp/senda-test-import-XXXXXX";
    int fd = mkstemp(path);
    gzFile gz = gzdopen(fd, "wb");
    gzwrite(gz, csv, sizeof csv - 1);
    gzclose(gz);
    struct sink sink;
    struct import_progress result;
    struct err err;
    sink_init(&sink);
    assert_int_equal(run_file(&sink, &(struct import_file){.path = path, .name = "x.csv.gz"}, MAP,
                              NULL, NULL, &result, &err),
                     0);
    assert_string_equal(sink.rows.p, want);
    assert_int_equal(truncate(path, 25), 0);
    assert_int_equal(run_file(&sink, &(struct import_file){.path = path, .name = "x.csv.gz"}, MAP,
                              NULL, NULL, &result, &err),
                     E_MALFORMED);
    sink_release(&sink);
    unlink(path);
}

/* A file that becomes shorter under the reader is no file that ended: its rows are not all. */
static void test_cut_while_read(void **state) {
    (void)state;
    char path[] = "/tmp/senda-test-import-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs("user,when,what\n", file);
    for (int i = 0; i < 200000; i++)
        fprintf(file, "u%d,2026-01-01,A\n", i);
    assert_int_equal(fclose(file), 0);
    struct sink sink;
    struct import_progress result;
    struct err err;
    sink_init(&sink);
    sink.cut = path;
    assert_int_equal(run_file(&sink, &(struct import_file){.path = path, .name = "x.csv"}, MAP,
                              NULL, NULL, &result, &err),
                     E_IO);
    assert_string_equal(err.message, "the file became shorter while it was read");
    sink_release(&sink);
    unlink(path);
}

static void test_map(void **state) {
    (void)state;
    assert_csv(
        "Cliente , "
        "Fecha,CP,Canal,Ok,id\nc1,1,08001,web,si,m1\nc2,2,28001,,no,m2\nc3,3,28001,app,?,m3\nc4,4,"
        "1,app,1,m1\n",
        "{\"customer\":\" "
        "cliente\",\"time\":\"FECHA\",\"time_format\":\"unix\",\"event\":{\"const\":\"Visita\"},"
        "\"channel\":\"canal\",\"unit\":{\"const\":\"Madrid\"},\"message_id\":\"id\","
        "\"properties\":[\"cp\",\"OK\"],"
        "\"types\":{\"cp\":\"string\",\"ok\":\"boolean\"}}",
        "c1|1970-01-01T00:00:01.000Z|Visita|@web #Madrid CP='08001' Ok=true\n"
        "c2|1970-01-01T00:00:02.000Z|Visita|#Madrid CP='28001' Ok=false\n",
        "4 bad_field\n");
    assert_csv("user,when,what,a,a,,context.x\nu,2026-01-01,A,1,2,3,4\n", MAP,
               "u|2025-12-31T23:00:00.000Z|A|a=1 a 2=2 properties.context.x=4\n", "");
    assert_csv("user,when,what\nu,02/03/2026 12:00 AM,A\n",
               "{\"customer\":\"user\",\"time\":\"when\",\"time_format\":\"%m/%d/%Y %I:%M "
               "%p\",\"event\":\"what\",\"timezone\":\"America/New_York\"}",
               "u|2026-02-03T05:00:00.000Z|A|\n", "");
    static const struct {
        const char *map;
        int code;
        const char *pointer;
    } bad[] = {
        {NULL, E_INVALID, "/map"},
        {"[]", E_MALFORMED, ""},
        {"{", E_MALFORMED, ""},
        {"{\"customer\":\"user\",\"time\":\"when\"}", E_INVALID, "/event"},
        {"{\"customer\":\"user\",\"event\":\"what\"}", E_INVALID, "/time"},
        {"{\"time\":\"when\",\"event\":\"what\"}", E_INVALID, "/customer"},
        {"{\"customer\":\"nobody\",\"time\":\"when\",\"event\":\"what\"}", E_INVALID, "/customer"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"properties\":[\"none\"]}",
         E_INVALID, "/properties"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"types\":{\"none\":"
         "\"string\"}}",
         E_INVALID, "/types"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"types\":{\"what\":\"text\"}"
         "}",
         E_INVALID, "/types"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"colour\":1}", E_INVALID,
         "/colour"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":5}", E_INVALID, "/event"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"timezone\":\"Mars\"}",
         E_INVALID, "/timezone"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"delimiter\":\";;\"}",
         E_INVALID, "/delimiter"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"decimal\":\"x\"}",
         E_INVALID, "/decimal"},
        {"{\"customer\":\"user\",\"time\":\"when\",\"event\":\"what\",\"encoding\":\"klingon\"}",
         E_INVALID, "/encoding"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink sink;
        struct import_progress result;
        struct err err = {0};
        sink_init(&sink);
        struct import_file file = {.bytes = slice_of("user,when,what\nu,2026-01-01,A\n"),
                                   .name = "x.csv"};
        int code = run_file(&sink, &file, bad[i].map, NULL, NULL, &result, &err);
        if (code != bad[i].code || strcmp(err.pointer, bad[i].pointer) != 0)
            print_error("%s: %s at %s\n", bad[i].map ? bad[i].map : "none", err.message,
                        err.pointer);
        assert_int_equal(code, bad[i].code);
        assert_string_equal(err.pointer, bad[i].pointer);
        assert_int_equal(result.read, 0);
        sink_release(&sink);
    }
}

static void test_formats(void **state) {
    (void)state;
    static const struct {
        const char *name, *format, *bytes;
        int code;
    } bad[] = {{"x.csv", "responses-csv", "a", E_INVALID},
               {"x.csv", "reviews-csv", "a", E_INVALID},
               {"x.csv", "parquet", "a", E_INVALID},
               {"x.bin", NULL, "a", E_INVALID},
               {"x.xlsx", NULL, "a,b\n", E_MALFORMED},
               {"x.xls", "csv", "\xd0\xcf\x11\xe0", E_MALFORMED},
               {"x.csv", NULL, "", E_MALFORMED},
               {"x.xlsx", NULL, "PK\x03\x04zzzz", E_MALFORMED},
               {"x.xes", NULL, "<a/>", E_MALFORMED},
               {"x.xes", NULL, "<log><trace>", E_MALFORMED},
               {"x.xes", NULL, "<!DOCTYPE log [<!ENTITY a \"b\">]><log>&a;</log>", E_MALFORMED}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink sink;
        struct import_progress result;
        struct err err = {0};
        sink_init(&sink);
        struct import_file file = {.bytes = slice_of(bad[i].bytes), .name = bad[i].name};
        assert_int_equal(run_file(&sink, &file, MAP, bad[i].format, NULL, &result, &err),
                         bad[i].code);
        assert_true(err.message[0]);
        sink_release(&sink);
    }
}

/* The same rows: again nothing; one row three times: three; a longer file: only what is new. */
static void test_identity(void **state) {
    (void)state;
    static const char *const files[] = {
        "user,when,what\nu,2026-01-01,A\nu,2026-01-01,A\nv,2026-01-01,A\nu,2026-01-01,A\n",
        "user,when,what\nu,2026-01-01,A\nu,2026-01-01,A\nv,2026-01-01,A\nu,2026-01-01,A\n",
        "user,when,what\nv,2026-01-01,A\nu,2026-01-01,A\nu,2026-01-01,A\nu,2026-01-01,A\nu,2026-01-"
        "01,A\n"};
    static const uint64_t accepted[] = {4, 0, 1}, duplicates[] = {0, 4, 4};
    struct sink sink;
    struct err err;
    sink_init(&sink);
    for (int i = 0; i < 3; i++) {
        struct import_progress result;
        struct import_file file = {.bytes = slice_of(files[i]), .name = "x.csv"};
        assert_int_equal(run_file(&sink, &file, MAP, NULL, NULL, &result, &err), 0);
        assert_int_equal(result.accepted, accepted[i]);
        assert_int_equal(result.duplicates, duplicates[i]);
    }
    sink_release(&sink);
}

static void test_jsonl(void **state) {
    (void)state;
    assert_import_of(
        "x.jsonl",
        slice_of("{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\",\"timestamp\":\"2020-01-"
                 "01T00:00:00Z\",\"sentAt\":\"2020-01-01T00:00:09Z\",\"properties\":{\"n\":1}}\r\n"
                 "\n{\"type\":\"track\",\"event\":\"A\",\"userId\":\"u\",\"timestamp\":\"2020-01-"
                 "01T00:00:00Z\",\"properties\":{\"n\":1}}\n"
                 "{\"type\":\"track\"}\n{\"broken\nnull\n"
                 "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{\"plan\":\"pro\"}}\n"
                 "{\"type\":\"page\",\"userId\":\"u\",\"messageId\":\"m\"}\n{\"type\":\"page\","
                 "\"userId\":\"u\",\"messageId\":\"m\"}"),
        NULL, NULL,
        "u|2020-01-01T00:00:00.000Z|A|n=1\nu|2020-01-01T00:00:00.000Z|A|n=1\nu|-||plan='pro'\nu|-|"
        "Page Viewed|\n",
        "4 no_name\n5 malformed\n6 bad_field\n");
}

static void test_customers(void **state) {
    (void)state;
    assert_import_of("x.csv", slice_of("id;plan;desde\n1;pro;2020-01-02\n2;;\n1;pro;2020-01-02\n"),
                     "{\"customer\":\"id\",\"traits\":\"*\"}", "customers-csv",
                     "1|-||plan='pro' desde='2020-01-02'\n2|-||\n", "");
}

static void test_xes(void **state) {
    (void)state;
    static const char xes[] =
        "<?xml version=\"1.0\"?><log xes.version=\"1.0\" xmlns=\"http://www.xes-standard.org/\">"
        "<extension name=\"Concept\" prefix=\"concept\" uri=\"x\"/>"
        "<global scope=\"event\"><string key=\"concept:name\" value=\"DEFAULT\"/></global>"
        "<string key=\"concept:name\" value=\"the log\"/>"
        "<trace><string key=\"concept:name\" value=\"c1\"><string key=\"concept:name\" "
        "value=\"inner\"/></string>"
        "<float key=\"amount\" value=\"2.5\"/>"
        "<event><string key=\"concept:name\" value=\"A\"/><string key=\"lifecycle:transition\" "
        "value=\"start\"/>"
        "<date key=\"time:timestamp\" value=\"2020-01-01T01:00:00.000+01:00\"/><int key=\"cost\" "
        "value=\"50\"/>"
        "<boolean key=\"ok\" value=\"true\"/><list key=\"parts\"><values><string "
        "key=\"concept:name\" value=\"nested\"/></values></list></event>"
        "<event><string key=\"concept:name\" value=\"B\"/><string key=\"lifecycle:transition\" "
        "value=\"COMPLETE\"/>"
        "<date key=\"time:timestamp\" value=\"2020-01-01T01:00:00.000+01:00\"/></event>"
        "<event><date key=\"time:timestamp\" value=\"2020-01-01T01:00:00\"/></event>"
        "<event><string key=\"concept:name\" value=\"A &amp; B\"/></event>"
        "<event><string key=\"concept:name\" value=\"A\"/><date key=\"time:timestamp\" "
        "value=\"soon\"/></event></trace>"
        "<trace><event><string key=\"concept:name\" value=\"A\"/><date key=\"time:timestamp\" "
        "value=\"2020-01-01T00:00:00Z\"/></event></trace>"
        "</log>";
    assert_import_of(
        "x.xes", slice_of(xes), NULL, NULL,
        "c1|2020-01-01T00:00:00.000Z|A|lifecycle='start' cost=50 ok=true "
        "parts.concept:name='nested' case:concept:name.concept:name='inner' case:amount=~2.5\n"
        "c1|2020-01-01T00:00:00.000Z|B|lifecycle='COMPLETE' case:concept:name.concept:name='inner' "
        "case:amount=~2.5\n",
        "3 no_name\n4 bad_time\n5 bad_time\n6 no_identity\n");
    struct sink sink;
    struct import_progress result;
    struct err err;
    sink_init(&sink);
    struct import_file file = {.bytes = slice_of(xes), .name = "x.xes"};
    assert_int_equal(run_file(&sink, &file, NULL, NULL, "complete", &result, &err), 0);
    assert_int_equal(result.accepted, 1);
    assert_non_null(strstr(sink.rows.p, "|B|"));
    sink_release(&sink);
}

static void make_xlsx(const char *path) {
    lxw_workbook *book = workbook_new(path);
    workbook_add_worksheet(book, "Portada");
    lxw_worksheet *sheet = workbook_add_worksheet(book, "Datos");
    lxw_format *date = workbook_add_format(book), *day = workbook_add_format(book),
               *money = workbook_add_format(book);
    format_set_num_format(date, "dd/mm/yyyy hh:mm");
    format_set_num_format(day, "dd/mm/yyyy");
    format_set_num_format(money, "#,##0.00 [$\xe2\x82\xac-C0A]");
    static const char *const names[] = {"Cliente", "Fecha", "Evento", "Importe", "Día", "Sí"};
    for (int i = 0; i < 6; i++)
        worksheet_write_string(sheet, 0, (lxw_col_t)i, names[i], NULL);
    lxw_datetime when = {2026, 3, 29, 3, 30, 0.5};
    worksheet_write_number(sheet, 1, 0, 1234567890123.0, NULL);
    worksheet_write_datetime(sheet, 1, 1, &when, date);
    worksheet_write_string(sheet, 1, 2, "Compra ñ", NULL);
    worksheet_write_number(sheet, 1, 3, 0.1 + 0.2, money);
    worksheet_write_datetime(sheet, 1, 4, &when, day);
    worksheet_write_boolean(sheet, 1, 5, 1, NULL);
    worksheet_write_string(sheet, 4, 0, "c2", NULL); /* rows 3 and 4 are empty */
    worksheet_write_string(sheet, 4, 1, "2026-01-01", NULL);
    worksheet_write_formula_str(sheet, 4, 2, "=\"Com\"&\"pra\"", NULL, "Compra");
    worksheet_write_string(sheet, 5, 0, "c3", NULL);
    workbook_close(book);
}

static void test_xlsx(void **state) {
    (void)state;
    char path[] = "/tmp/senda-test-import-XXXXXX.xlsx";
    close(mkstemps(path, 5));
    make_xlsx(path);
    static const char map[] = "{\"customer\":\"cliente\",\"time\":\"fecha\",\"event\":\"evento\","
                              "\"properties\":\"*\",\"sheet\":\"Datos\"}";
    struct sink sink;
    struct import_progress result;
    struct err err = {0};
    sink_init(&sink);
    int code = run_file(&sink, &(struct import_file){.path = path}, map, NULL, NULL, &result, &err);
    if (code)
        print_error("%s\n", err.message);
    assert_int_equal(code, 0);
    assert_string_equal(sink.rows.p, "1234567890123|2026-03-29T01:30:00.500Z|Compra ñ|Importe=~0.3 "
                                     "Día='2026-03-29T03:30:00.500' Sí='true'\n"
                                     "c2|2025-12-31T23:00:00.000Z|Compra|\n");
    assert_string_equal(sink.refused.p, "6 no_name\n");
    static const char wrong[] =
        "{\"customer\":\"cliente\",\"time\":\"fecha\",\"event\":\"evento\",\"sheet\":\"Nada\"}";
    assert_int_equal(
        run_file(&sink, &(struct import_file){.path = path}, wrong, NULL, NULL, &result, &err),
        E_NOT_FOUND);
    assert_non_null(strstr(err.hint, "Portada"));
    sink_release(&sink);
    unlink(path);
}

static json_t *guess(const struct import_file *file, const char *format) {
    struct import_options options = {
        .format = format, .key = &key, .received_ms = INT64_C(1795293100000)};
    struct buf buf;
    struct err err = {0};
    buf_init(&buf, 1 << 24);
    int code = import_guess(file, &options, &buf, &err);
    if (code)
        print_error("%s\n", err.message);
    assert_int_equal(code, 0);
    json_error_t error;
    json_t *json = json_loadb(buf.p, buf.n, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        print_error("%s: %s\n", buf.p, error.text);
    assert_non_null(json);
    buf_release(&buf);
    return json;
}

static const char *guessed(const json_t *json, const char *member) {
    return json_string_value(json_object_get(json_object_get(json, "map"), member));
}

static void test_guess(void **state) {
    (void)state;
    json_t *json = guess(
        &(struct import_file){
            .bytes = slice_of(
                "ID_Cliente;Fecha y hora;Acción;Canal;Importe;C.P.\n"
                "1;31/01/2026 10:00;Compra;web;1,5;08001\n2;01/02/2026 10:00;Visita;app;2;28001\n"),
            .name = "ventas.csv"},
        NULL);
    assert_string_equal(guessed(json, "customer"), "ID_Cliente");
    assert_string_equal(guessed(json, "time"), "Fecha y hora");
    assert_string_equal(guessed(json, "time_format"), "%d/%m/%Y %H:%M");
    assert_string_equal(guessed(json, "event"), "Acción");
    assert_string_equal(guessed(json, "channel"), "Canal");
    assert_string_equal(guessed(json, "delimiter"), ";");
    assert_string_equal(guessed(json, "decimal"), ",");
    assert_non_null(
        json_object_get(json_object_get(json_object_get(json, "map"), "types"), "C.P."));
    assert_int_equal(json_array_size(json_object_get(json, "preview")), 2);
    assert_int_equal(json_array_size(json_object_get(json, "notes")), 0);
    json_decref(json);
    json = guess(&(struct import_file){.bytes = slice_of("a,b\n1,2\n"), .name = "x.csv"}, NULL);
    assert_true(json_is_null(json_object_get(json_object_get(json, "map"), "customer")));
    assert_int_equal(json_array_size(json_object_get(json, "notes")), 3);
    json_decref(json);
}

/* What people drop first: a row or two, in the words and signs of their spreadsheet. event: a column, or "=name" of all
 * rows; "": the map has no such member. */
/* The layout of the CDNOW log: columns by blanks, no header, days of eight digits; a table of people without any time. */
static void test_guess_of_plain_tables(void **state) {
    (void)state;
    json_t *json =
        guess(&(struct import_file){.bytes = slice_of(" 00004 0001 19970101  2   29.33\r\n"
                                                      " 00004 0001 19970118  2   29.73\r\n"
                                                      " 00021 0002 19970101 13  163.34\r\n\r\n"),
                                    .name = "log.txt"},
              NULL);
    assert_string_equal(guessed(json, "customer"), "A");
    assert_string_equal(guessed(json, "time"), "C");
    assert_string_equal(guessed(json, "delimiter"), " ");
    assert_int_equal(json_array_size(json_object_get(json, "columns")), 5);
    assert_int_equal(json_array_size(json_object_get(json, "preview")), 3);
    json_decref(json);
    json = guess(
        &(struct import_file){.bytes = slice_of("customerID,tenure,Churn\nA-1,5,Yes\nB-2,9,No\n"),
                              .name = "table.csv"},
        NULL);
    assert_string_equal(json_string_value(json_object_get(json, "format")), "customers-csv");
    json_decref(json);
    json = guess(&(struct import_file){.bytes = slice_of("nombre\nAna Gil Soto\nLuis Rey Paz\n"),
                                       .name = "n.csv"},
                 NULL);
    assert_int_equal(json_array_size(json_object_get(json, "columns")),
                     1); /* sentences are no columns */
    json_decref(json);
}

/* A report: titles and groups above the names of the columns, with delimiters or without; below the last row delimiters alone. */
static void test_guess_below_titles(void **state) {
    static const char *const titles[] = {
        "Informe de contactos;;;;\nExportado el 28/11/2026;;;;\n;;;;\n",
        "sep=;\nInforme\nhecho por: CRM, 3\n\n", ";Cliente;;Contacto;\n\n\n"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char file[600];
        snprintf(
            file, sizeof file,
            "%sID Cliente;Fecha;Hora;Motivo;\nC1;02-06-26;08:06;Avería;\nC2;31-05-26;10:15;Alta;"
            "\nC1;01-06-26;10:00;Alta;\n;;;;\n;;;;\n",
            titles[i]);
        json_t *json = guess(&(struct import_file){.bytes = slice_of(file), .name = "i.csv"}, NULL);
        assert_string_equal(guessed(json, "customer"), "ID Cliente");
        assert_string_equal(guessed(json, "time_format"), "%d-%m-%y %H:%M");
        json_t *map = json_object_get(json, "map");
        assert_int_equal(json_integer_value(json_object_get(map, "header")), 4);
        assert_int_equal(json_array_size(json_object_get(json, "preview")), 3);
        char *text = json_dumps(map, JSON_COMPACT);
        assert_csv(file, text,
                   "C1|2026-06-02T06:06:00.000Z|Avería|\nC2|2026-05-31T08:15:00.000Z|Alta|\n"
                   "C1|2026-06-01T08:00:00.000Z|Alta|\n",
                   "");
        free(text);
        json_decref(json);
    }
}

static void test_guess_of_few_rows(void **state) {
    (void)state;
    static const struct {
        const char *name, *bytes, *customer, *time, *time_format, *event, *note;
        size_t preview;
    } files[] = {
        {"a.csv",
         "cliente;fecha;canal;importe;teléfono\n1001;27/11/2026 10:15;tienda;12,50;600111222\n",
         "cliente", "fecha", "%d/%m/%Y %H:%M", "=Compra", "no_event", 1},
        {"llamadas.csv", "DNI;Día;Agente\n1X;27-11-2026;Eva\n", "DNI", "Día", "%d-%m-%Y",
         "=Llamada", "no_event", 1},
        {"a.csv", "fecha;cliente;acción\n", "cliente", "fecha", "", "acción", "no_rows", 0},
        {"a.csv", /* one slip in a short column hides nothing */
         "Cliente;Fecha;Acción\na1;29.03.2026 02:30;Compra\na2;31.02.2026 10:00;Compra\n"
         ";01.04.2026 10:00;Visita\n",
         "Cliente", "Fecha", "%d.%m.%Y %H:%M", "Acción", NULL, 1},
        {"a.csv", "1001;2026-11-27 10:15;compra;12,5\n1002;2026-11-27 11:15;visita;0\n", "A", "B",
         "rfc3339", "C", "no_header", 2},
        {"a.csv", "date,customer,event\n04/25/2026,1,Signup\n", "customer", "date", "%m/%d/%Y",
         "event", NULL, 1},
        {"a.csv", "date,customer,event\n04/05/2026,1,Signup\n", "customer", "date", "%d/%m/%Y",
         "event", "day_or_month_first", 1},
        {"a.csv", "fecha;hora;cliente;evento\n27/11/2026;10:15;1;Compra\n", "cliente", "fecha",
         "%d/%m/%Y %H:%M", "evento", NULL, 1},
        {"a.csv", "cliente,fecha,producto,importe\n1,45987.5,Botas,20\n", "cliente", "fecha",
         "excel", "=Compra", "no_event", 1},
        {"a.csv",
         "user_id,created_at,resolved_at,status\n7,2026-01-02 10:00,2026-01-03 11:00,closed\n",
         "user_id", "created_at", "rfc3339", "status", NULL, 1},
        {"a.csv",
         "Fecha;Nº cliente;Correo electrónico;Motivo\n3 de mayo de 2026;9;a@example.com;Avería\n",
         "Nº cliente", "Fecha", "%d de %B de %Y", "Motivo", NULL, 1},
        {"orders.csv", "order,buyer,date,amount\nP1,b@example.com,1/31/2026 3:15 PM,\"1,234.50\"\n",
         "buyer", "date", "%m/%d/%Y %I:%M %p", "=Purchase", "no_event", 1},
        {"c.csv", "Nº cliente;Nombre;Ciudad;Fecha de alta\n1;Ana;León;01/02/2020\n", "Nº cliente",
         "", "", "", NULL, 1},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        json_t *json = guess(
            &(struct import_file){.bytes = slice_of(files[i].bytes), .name = files[i].name}, NULL);
        json_t *map = json_object_get(json, "map"), *event = json_object_get(map, "event"),
               *notes = json_object_get(json, "notes");
        const char *name = json_string_value(json_object_get(event, "const"));
        const char *wanted = files[i].event;
        assert_string_equal(guessed(json, "customer"), files[i].customer);
        assert_string_equal(*files[i].time ? guessed(json, "time") : "", files[i].time);
        assert_string_equal(*files[i].time_format ? guessed(json, "time_format") : "",
                            files[i].time_format);
        assert_string_equal(!*wanted ? ""
                            : name   ? name
                                     : json_string_value(event),
                            wanted + (name != NULL));
        assert_string_equal(json_string_value(json_object_get(json, "format")),
                            *wanted ? "csv" : "customers-csv");
        assert_int_equal(json_array_size(json_object_get(json, "preview")), files[i].preview);
        assert_int_equal(json_array_size(notes), files[i].note != NULL);
        if (files[i].note)
            assert_string_equal(json_string_value(json_array_get(notes, 0)), files[i].note);
        json_decref(json);
    }
}

/* Real logs: counts of cases and events as their publishers and two programs found them (see the folder's README). */
static void test_real_logs(void **state) {
    (void)state;
    static const char map[] = "{\"customer\":\"case:concept:name\",\"time\":\"time:timestamp\","
                              "\"event\":\"concept:name\",\"properties\":\"*\"}";
    static const struct {
        const char *file, *map;
        uint64_t events;
    } logs[] = {{"running-example.xes", NULL, 42},
                {"running-example.csv", map, 42},
                {"receipt.csv", map, 8577},
                {"reviewing.csv", map, 3730},
                {"roadtraffic100traces.csv", map, 390},
                {"roadtraffic100traces.xes", NULL, 390},
                {"03_repairExample.xes.gz", NULL, 11855},
                {"06_bpic2013_closed.xes.gz", NULL, 6660}};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        char path[512];
        snprintf(path, sizeof path, SHARED_DIR "/data/pm4py_logs/%s", logs[i].file);
        if (access(path, R_OK) != 0) {
            print_message("%s is absent: skipped\n", logs[i].file);
            continue;
        }
        struct sink sink;
        struct import_progress result;
        struct err err = {0};
        sink_init(&sink);
        int code = run_file(&sink, &(struct import_file){.path = path}, logs[i].map, NULL, NULL,
                            &result, &err);
        if (code)
            print_error("%s: %s\n", logs[i].file, err.message);
        assert_int_equal(code, 0);
        print_message("%s: %d read, %d rejected, %.3f s\n", logs[i].file, (int)result.read,
                      (int)result.rejected, result.seconds);
        assert_int_equal(result.accepted, logs[i].events);
        assert_int_equal(result.rejected, 0);
        struct import_progress again;
        assert_int_equal(run_file(&sink, &(struct import_file){.path = path}, logs[i].map, NULL,
                                  NULL, &again, &err),
                         0);
        assert_int_equal(again.accepted, 0);
        assert_int_equal(again.duplicates, logs[i].events);
        json_t *json = guess(&(struct import_file){.path = path}, NULL);
        if (logs[i].map) {
            assert_string_equal(guessed(json, "customer"), "case:concept:name");
            assert_string_equal(guessed(json, "time"), "time:timestamp");
            assert_string_equal(guessed(json, "event"), "concept:name");
        }
        assert_int_equal(json_array_size(json_object_get(json, "preview")), 10);
        json_decref(json);
        sink_release(&sink);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_refusals),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_cut_while_read),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_customers),
        cmocka_unit_test(test_xes),
        cmocka_unit_test(test_xlsx),
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_guess_of_plain_tables),
        cmocka_unit_test(test_guess_below_titles),
        cmocka_unit_test(test_guess_of_few_rows),
        cmocka_unit_test(test_real_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
