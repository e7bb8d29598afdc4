/*
 * senda import: files of interactions or customers into a folder, whether a server has it or not; --guess looks at a
 * file and proposes a map.
 *
 * With a server the file is imported by it: the command gives its path, or sends the bytes where the server may not
 * read it, and follows the job. Without one this process imports. Either way refused rows end up in
 * FILE.rejected.jsonl beside the file as given.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/desk.h"
#include "collect/import.h"
#include "http/router.h"
#include "store/file.h"
#include "timeline/guard.h"

enum {
    MAP_MAX_BYTES = 1024 * 1024,
    GUESS_MAX_BYTES = 16 * 1024 * 1024,
    POLL_NS = 100 * 1000 * 1000,
    CELL_SHOWN = 40,
    NAME_COLUMN = 28
};

/* What is asked for, and how far it is. */
struct work {
    struct command_line *line;
    struct desk *desk;
    struct slice map;
    json_t *map_json;
    struct import_progress total;
    const char *file; /* the present one */
    bool shows;       /* progress, on a terminal */
};

/* ---- progress ---- */

static void show_progress(void *context, const struct import_progress *progress) {
    const struct work *work = context;
    if (!work->shows)
        return;
    double share = progress->size ? (double)progress->position / (double)progress->size : 0;
    fprintf(stderr, "\r%s: %" PRIu64 " %s", work->file, progress->read, command_text("rows"));
    if (progress->size)
        fprintf(stderr, ", %.0f %%", (share > 1 ? 1 : share) * 100);
    fprintf(stderr, ", %" PRIu64 " %s\033[K", progress->rejected, command_text("rejected"));
    fflush(stderr);
}

static void end_progress(const struct work *work) {
    if (work->shows)
        fputs("\r\033[K", stderr);
}

static void add_total(struct work *work, const struct import_progress *result) {
    work->total.read += result->read;
    work->total.accepted += result->accepted;
    work->total.duplicates += result->duplicates;
    work->total.rejected += result->rejected;
    work->total.seconds += result->seconds;
}

/* ---- in this process ---- */

static const char *rejected_path(struct work *work, const char *file) {
    return arena_format(&work->line->arena, "%s.rejected.jsonl", file);
}

static struct import_options options_of(const struct work *work) {
    return (struct import_options){.format = option_get(work->line, "format"),
                                   .map = work->map,
                                   .sheet = option_get(work->line, "sheet"),
                                   .lifecycle = option_get(work->line, "lifecycle"),
                                   .received_ms = clock_now_ms()};
}

static const char *source_name(const struct work *work) {
    const char *name = option_get(work->line, "source");
    return name ? name : "Files";
}

static int import_here(struct work *work, const char *file, struct err *err) {
    struct folder *folder = desk_folder(work->desk);
    struct import_options options = options_of(work);
    struct import_progress result = {0};
    struct source source;
    options.zone = folder->zone;
    options.key = vault_message_key(folder->vault);
    const char *rejected = rejected_path(work, file);
    unlink(rejected);
    int code = sources_ensure(app_sources(desk_app(work->desk)), source_name(work), "file", "",
                              &source, err);
    if (!code)
        code = import_into(folder->ingest, source, &(struct import_file){.path = file}, &options,
                           rejected, show_progress, work, &result, err);
    end_progress(work);
    add_total(work, &result);
    return code;
}

/* ---- through the server ---- */

static json_t *job_options(const struct work *work) {
    static const char *const names[] = {"format", "sheet", "lifecycle", "source"};
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (option_get(work->line, names[i]))
            json_object_set_new(json, names[i], json_string(option_get(work->line, names[i])));
    if (work->map_json)
        json_object_set(json, "map", work->map_json);
    return json;
}

static const char *absolute(struct work *work, const char *file) {
    if (file[0] == '/')
        return file;
    char *here = getcwd(NULL, 0);
    if (!here)
        abort();
    const char *path = arena_format(&work->line->arena, "%s/%s", here, file);
    free(here);
    return path;
}

static const char *job_target(const struct work *work, const json_t *job, const char *what) {
    const char *id = json_string_value(json_object_get(job, "id"));
    return arena_format(&work->line->arena, "/api/v1/imports/%s%s", id ? id : "", what);
}

static int post_bytes(struct work *work, const char *file, struct slice bytes, json_t **job,
                      struct err *err) {
    struct buf target, answer;
    buf_init(&target, MAP_MAX_BYTES);
    buf_init(&answer, GUESS_MAX_BYTES);
    const char *slash = strrchr(file, '/');
    buf_add_text(&target, "/api/v1/imports?name=");
    url_encode(slice_of(slash ? slash + 1 : file), &target);
    static const char *const names[] = {"format", "sheet", "lifecycle", "source"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (option_get(work->line, names[i])) {
            buf_add_format(&target, "&%s=", names[i]);
            url_encode(slice_of(option_get(work->line, names[i])), &target);
        }
    if (work->map.n) {
        buf_add_text(&target, "&map=");
        url_encode(work->map, &target);
    }
    struct ask ask = {
        .method = "POST", .target = target.p, .type = "application/octet-stream", .body = bytes};
    int code = desk_ask(work->desk, &ask, &answer, err);
    if (!code && !(*job = json_loadb(answer.p, answer.n, 0, NULL)))
        code = err_set(err, E_INTERNAL, "the answer is not JSON");
    buf_release(&target);
    buf_release(&answer);
    return code;
}

/* Takes an upload back; where that fails, it goes by itself a while later. */
static void withdraw(struct work *work, const json_t *job) {
    struct err ignored = {0};
    int code = desk_ask_json(work->desk, "DELETE", job_target(work, job, ""), NULL, NULL, &ignored);
    (void)code;
}

/* The bytes themselves, where the server may not read the file. It starts once all of them were read: of a file that is cut
 * meanwhile, zeros would follow. */
static int send_bytes(struct work *work, const char *file, json_t **job, struct err *err) {
    struct file_stamp stamp;
    json_t *sent = NULL;
    atomic_bool lost = false;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !file_stamp_take(fd, &stamp) || stamp.bytes == 0) {
        if (fd >= 0)
            close(fd);
        return err_set(err, E_NOT_FOUND, "the file %.100s cannot be read", file);
    }
    char *bytes = mmap(NULL, (size_t)stamp.bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        close(fd);
        return err_set(err, E_IO, "the file %.100s cannot be read", file);
    }
    int guarded = guard_register_zeros(bytes, (uint64_t)stamp.bytes, &lost);
    int code = post_bytes(work, file, (struct slice){bytes, (size_t)stamp.bytes}, &sent, err);
    bool whole = !atomic_load(&lost) && file_stamp_holds(fd, &stamp);
    guard_unregister(guarded);
    munmap(bytes, (size_t)stamp.bytes);
    close(fd);
    if (!whole) {
        if (!code)
            withdraw(work, sent);
        code = err_set(err, E_IO, "the file %.100s was changed while it was read", file);
    } else if (!code) {
        code = desk_ask_json(work->desk, "POST", job_target(work, sent, "/start"), NULL, job, err);
    }
    json_decref(sent);
    return code;
}

static uint64_t count(const json_t *job, const char *name) {
    json_int_t n = json_integer_value(json_object_get(job, name));
    return n > 0 ? (uint64_t)n : 0;
}

static void read_progress(const json_t *job, struct import_progress *progress) {
    double share = json_number_value(json_object_get(job, "progress"));
    *progress =
        (struct import_progress){.read = count(job, "read"),
                                 .accepted = count(job, "accepted"),
                                 .duplicates = count(job, "duplicates"),
                                 .rejected = count(job, "rejected"),
                                 .position = (uint64_t)(share * 1000),
                                 .size = share > 0 ? 1000 : 0,
                                 .seconds = json_number_value(json_object_get(job, "seconds"))};
}

static int failure_of(const json_t *job, struct err *err) {
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *why = json_string_value(json_object_get(job, "failure"));
    const char *pointer = json_string_value(json_object_get(job, "pointer"));
    const char *hint = json_string_value(json_object_get(job, "hint"));
    const char *type = json_string_value(json_object_get(job, "code"));
    if (state && strcmp(state, "done") == 0)
        return 0;
    int code = E_INTERNAL;
    for (int known = -1; type && known >= -(int)ERR_COUNT; known--)
        if (strcmp(err_type(known), type) == 0)
            code = known;
    if (state && strcmp(state, "cancelled") == 0)
        code = E_CANCELLED;
    err_at(err, code, pointer ? pointer : "", "%s",
           why ? why : ERR_WORDS("the import was cancelled"));
    if (hint)
        err_hint(err, "%s", hint);
    return code;
}

/* Waits for the end of a job; *job is replaced by its last state. */
static int follow(struct work *work, json_t **job, struct import_progress *result,
                  struct err *err) {
    const char *target = job_target(work, *job, "");
    const struct timespec pause = {0, POLL_NS};
    while (json_is_true(json_object_get(*job, "running"))) {
        nanosleep(&pause, NULL);
        json_t *now = NULL;
        int code = desk_ask_json(work->desk, "GET", target, NULL, &now, err);
        if (code)
            return code;
        json_decref(*job);
        *job = now;
        read_progress(*job, result);
        show_progress(work, result);
    }
    read_progress(*job, result);
    return failure_of(*job, err);
}

static int fetch_rejected(struct work *work, const json_t *job, const char *path, struct err *err) {
    FILE *out = fopen(path, "wb");
    if (!out)
        return err_set(err, E_IO, "the file %.100s cannot be written", path);
    struct ask ask = {
        .method = "GET", .accept = "*/*", .target = job_target(work, job, "/rejected")};
    int code = desk_ask_stream(work->desk, &ask, out, err);
    if (fclose(out) != 0 && !code)
        code = err_set(err, E_NOSPACE, "the file %.100s cannot be written", path);
    return code;
}

static int import_there(struct work *work, const char *file, struct err *err) {
    struct import_progress result = {0};
    const char *rejected = rejected_path(work, file), *path = absolute(work, file);
    json_t *job = NULL, *body = job_options(work);
    json_object_set_new(body, "path", json_string(path));
    json_object_set_new(body, "start", json_true());
    unlink(rejected);
    int code = desk_ask_json(work->desk, "POST", "/api/v1/imports", body, &job, err);
    json_decref(body);
    if (code == E_NOT_FOUND && access(file, R_OK) == 0)
        code = send_bytes(work, file, &job, err);
    if (!code)
        code = follow(work, &job, &result, err);
    end_progress(work);
    if (!code && result.rejected && access(rejected, F_OK) != 0)
        code = fetch_rejected(work, job, rejected, err);
    add_total(work, &result);
    json_decref(job);
    return code;
}

/* ---- looking ---- */

/* How wide a name is: its characters, at most the column's. */
static size_t letters(const char *name) {
    size_t n = 0;
    for (; *name && n < NAME_COLUMN; name++)
        n += (*name & 0xc0) != 0x80;
    return n;
}

static void print_columns(const json_t *guess) {
    size_t index;
    json_t *column;
    const char *encoding = json_string_value(json_object_get(guess, "encoding"));
    const char *delimiter = json_string_value(json_object_get(guess, "delimiter"));
    if (encoding)
        command_tell("%s, columns separated by %s", encoding,
                     delimiter && delimiter[0] == '\t' ? ERR_WORDS("tab")
                     : delimiter                       ? delimiter
                                                       : "?");
    json_array_foreach(json_object_get(guess, "columns"), index, column) {
        const json_t *examples = json_object_get(column, "examples");
        const char *name = json_string_value(json_object_get(column, "name"));
        fprintf(stderr, "  %s%*s %-8s", name, (int)(NAME_COLUMN - letters(name)), "",
                json_string_value(json_object_get(column, "kind")));
        for (size_t i = 0; i < json_array_size(examples); i++)
            fprintf(stderr, "%s%.*s", i ? " · " : " ", CELL_SHOWN,
                    json_string_value(json_array_get(examples, i)));
        fputc('\n', stderr);
    }
}

static void print_preview(const json_t *guess) {
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(guess, "preview"), index, row) {
        const char *time = json_string_value(json_object_get(row, "time"));
        const char *event = json_string_value(json_object_get(row, "event"));
        if (!index)
            fprintf(stderr, "\n%s:\n", command_text("first rows"));
        fprintf(stderr, "   %-24s  %-20s  %s\n", time ? time : "-",
                json_string_value(json_object_get(row, "customer")), event ? event : "");
    }
    json_array_foreach(json_object_get(guess, "rejected"), index, row) {
        long long number = json_integer_value(json_object_get(row, "row"));
        command_tell("row %lld would be rejected: %s", number,
                     json_string_value(json_object_get(row, "message")));
    }
}

static void print_notes(const json_t *guess) {
    static const struct {
        const char *note, *text;
    } notes[] = {
        {"no_rows", ERR_WORDS("the file has a header but no row")},
        {"titles", ERR_WORDS("rows above the names of the columns are left out")},
        {"no_header", ERR_WORDS("the first row looks like data: columns are called A, B, C …")},
        {"no_customer", ERR_WORDS("no column looks like the customer: fill it in")},
        {"no_time", ERR_WORDS("no column looks like the time: fill it in")},
        {"no_event",
         ERR_WORDS("no column looks like the event: look at the name that all rows would get")},
        {"day_or_month_first",
         ERR_WORDS("day/month/year fits, so would month/day/year: look at time_format")}};
    size_t index;
    json_t *note;
    json_array_foreach(json_object_get(guess, "notes"), index,
                       note) for (size_t i = 0; i < sizeof notes / sizeof *notes;
                                  i++) if (strcmp(json_string_value(note), notes[i].note) == 0)
        command_tell("note: %s", notes[i].text);
}

/* The map goes to stdout, so that it can be kept; what helps to judge it to stderr. */
static int look(struct work *work, const char *file, struct err *err) {
    struct import_options options = options_of(work);
    struct buf text;
    buf_init(&text, GUESS_MAX_BYTES);
    int code = import_guess(&(struct import_file){.path = file}, &options, &text, err);
    json_t *guess = code ? NULL : json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    buf_release(&text);
    if (code)
        return code;
    if (!guess)
        return err_set(err, E_INTERNAL, "the proposal is not JSON");
    print_columns(guess);
    print_preview(guess);
    print_notes(guess);
    const json_t *map = json_object_get(guess, "map");
    const char *format = json_string_value(json_object_get(guess, "format"));
    if (format && strcmp(format, "customers-csv") == 0)
        command_tell("rows of customers: their columns become traits");
    if (format && strcmp(format, "reviews-csv") == 0)
        command_tell("rows of reviews: import them with --format reviews-csv");
    if (format && strcmp(format, "responses-csv") == 0)
        command_tell("responses to surveys: import them with --format responses-csv");
    if (json_is_object(map)) {
        fputc('\n', stderr);
        json_dumpf(map, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        command_tell("%s needs no map", json_string_value(json_object_get(guess, "format")));
    }
    json_decref(guess);
    return 0;
}

/* ---- the command ---- */

static int read_map(struct work *work, struct err *err) {
    const char *path = option_get(work->line, "map");
    struct buf text;
    if (!path)
        return 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(err, E_NOT_FOUND, "the map %.100s cannot be read", path);
    buf_init(&text, MAP_MAX_BYTES);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0 && !text.full;)
        buf_add(&text, block, n);
    fclose(file);
    json_error_t error;
    int code = text.full ? err_set(err, E_TOO_LARGE, "the map is over 1 MB") : 0;
    work->map = arena_copy(&work->line->arena, buf_slice(&text));
    if (!code &&
        !(work->map_json = json_loadb(work->map.p, work->map.n, JSON_REJECT_DUPLICATES, &error)))
        code = err_set(err, E_MALFORMED, "the map is not JSON: %.100s in line %d", error.text,
                       error.line);
    buf_release(&text);
    return code;
}

static int import_all(struct work *work, struct err *err) {
    const char *dir;
    int code = option_need(work->line, "data", &dir, err);
    for (size_t i = 0; i < work->line->n_arguments && !code; i++)
        if (access(work->line->arguments[i], R_OK) != 0)
            code = err_set(err, E_NOT_FOUND, "the file %.100s cannot be read",
                           work->line->arguments[i]);
    if (!code)
        code = desk_open(&work->desk, dir, err);
    if (!code && desk_folder(work->desk))
        code = folder_maintenance_start(desk_folder(work->desk), err);
    for (size_t i = 0; i < work->line->n_arguments && !code; i++) {
        work->file = work->line->arguments[i];
        code = desk_folder(work->desk) ? import_here(work, work->file, err)
                                       : import_there(work, work->file, err);
    }
    if (work->desk && desk_folder(work->desk))
        folder_maintenance_stop(desk_folder(work->desk));
    desk_close(work->desk);
    if (!code) {
        struct buf json;
        buf_init(&json, 1024);
        import_result_json(&work->total, &json);
        puts(json.p);
        buf_release(&json);
    }
    return code;
}

static int run(struct command_line *line, struct err *err) {
    struct work work = {.line = line, .shows = isatty(STDERR_FILENO) != 0};
    int code = read_map(&work, err);
    if (!code && option_flag(line, "guess"))
        for (size_t i = 0; i < line->n_arguments && !code; i++)
            code = look(&work, line->arguments[i], err);
    else if (!code)
        code = import_all(&work, err);
    json_decref(work.map_json);
    if (code == E_INVALID && strcmp(err->pointer, "/format") == 0)
        code = err->code = E_USAGE; /* said on the command line */
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    {"format", "FORMAT", NULL,
     "jsonl, csv, xes, customers-csv, responses-csv or reviews-csv; else by the file's name"},
    {"map", "MAP.json", NULL, "which column is what (csv and xlsx)"},
    {"sheet", "NAME", NULL, "sheet of an .xlsx; else the first"},
    {"lifecycle", "NAME", NULL, "xes: only this transition, as complete"},
    {"source", "NAME", NULL, "the source that the rows belong to; else Files"},
    {"guess", NULL, NULL, "look at the file and propose a map"},
};

const struct command command_import = {
    .name = "import",
    .arguments = "FILE…",
    .least = 1,
    .most = COMMAND_ARGUMENTS,
    .summary = "reads interactions, customers or reviews from files; safe to repeat",
    OPTIONS_OF(options),
    .run = run,
    .more = "Files may be packed (.gz, .zst). Refused rows go with their reason to "
            "FILE.rejected.jsonl. The result is\n"
            "one line of JSON: {\"read\",\"accepted\",\"duplicates\",\"rejected\",\"seconds\"}."};
