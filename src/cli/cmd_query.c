/*
 * senda query: one question, its answer as JSON, table or CSV.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "backend/backend.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/desk.h"

static int read_question(const char *path, struct buf *text, struct err *err) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return err_set(err, E_NOT_FOUND, "the file %.100s cannot be read", path);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0 && !text->full;)
        buf_add(text, block, n);
    if (file != stdin)
        fclose(file);
    return text->full
               ? err_set(err, E_TOO_LARGE, "a question has at most %d KB", LIMIT_QUERY_BYTES / 1024)
               : 0;
}

static int print_answer(struct slice text, const char *format, struct err *err) {
    if (strcmp(format, "json") == 0) {
        fwrite(text.p, 1, text.n, stdout);
        if (!text.n || text.p[text.n - 1] != '\n')
            putchar('\n');
        return 0;
    }
    json_t *answer = json_loadb(text.p, text.n, 0, NULL);
    if (!answer)
        return err_set(err, E_INTERNAL, "the answer is not JSON");
    struct buf out;
    buf_init(&out, (size_t)1 << 30);
    if (strcmp(format, "csv") == 0)
        query_answer_csv(answer, &out);
    else
        query_answer_table(answer, &out);
    fwrite(buf_slice(&out).p, 1, out.n, stdout);
    buf_release(&out);
    json_decref(answer);
    return 0;
}

static int run(struct command_line *line, struct err *err) {
    const char *dir, *format = option_get(line, "format");
    if (strcmp(format, "json") != 0 && strcmp(format, "table") != 0 && strcmp(format, "csv") != 0)
        return err_set(err, E_USAGE, "--format is json, table or csv");
    struct buf question, answer;
    buf_init(&question, LIMIT_QUERY_BYTES);
    buf_init(&answer, (size_t)1 << 30);
    struct desk *desk = NULL;
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = read_question(line->arguments[0], &question, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code) {
        struct ask ask = {
            .method = "POST", .target = "/api/v1/query", .body = buf_slice(&question)};
        code = desk_ask(desk, &ask, &answer, err);
    }
    if (!code)
        code = print_answer(buf_slice(&answer), format, err);
    desk_close(desk);
    buf_release(&question);
    buf_release(&answer);
    return code;
}

static const struct option options[] = {OPTION_DATA,
                                        {"format", "FORMAT", "json", "json, table or csv"}};

const struct command command_query = {
    .name = "query",
    .arguments = "FILE|-",
    .least = 1,
    .most = 1,
    .summary = "asks one question (a JSON object; - reads it from stdin)",
    OPTIONS_OF(options),
    .run = run};
