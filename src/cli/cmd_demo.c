/*
 * senda demo: a data folder with the demonstration organisation, ready to look at, and its server.
 *
 * The first time it makes the folder and fills it; a fill that was interrupted continues; later it only serves.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/prepare.h"
#include "cli/serve.h"
#include "demo/fill.h"

#define DEMO_NAME "Vereda Telecom"
#define DEMO_EMAIL "demo@vereda.example"
#define DEMO_PASSWORD "vereda-demo"

/* ---- progress ---- */

struct bar {
    bool terminal;
    int64_t begin_us;
    int shown; /* last percent said */
};

static void show_progress(void *context, uint64_t done, uint64_t total) {
    struct bar *bar = context;
    int percent = total ? (int)(done * 100 / total) : 100;
    if (percent == bar->shown ||
        (!bar->terminal && percent / 10 == bar->shown / 10 && bar->shown >= 0))
        return;
    bar->shown = percent;
    double seconds = (double)(clock_monotonic_us() - bar->begin_us) / 1e6;
    static const char full[] = "##############################",
                      empty[] = "                              ";
    int filled = percent * 30 / 100;
    if (bar->terminal)
        fprintf(stderr, "\r[%.*s%.*s] %3d %%  %llu %s  %.0f s ", filled, full, 30 - filled, empty,
                percent, (unsigned long long)done, command_text("events"), seconds);
    else
        fprintf(stderr, "%d %%: %llu %s, %.0f s\n", percent, (unsigned long long)done,
                command_text("events"), seconds);
}

/* ---- the folder ---- */

static bool exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0;
}

/* --data, else senda-demo among the person's data, else here. Parents are made. */
static const char *data_folder(struct command_line *line) {
    const char *given = option_get(line, "data");
    if (given && *given)
        return given;
    const char *home = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
    if (home && *home == '/')
        return mkdir(home, 0700), arena_format(&line->arena, "%s/senda-demo", home);
    if (!user || *user != '/' || !exists(user))
        return "senda-demo";
    mkdir(arena_format(&line->arena, "%s/.local", user), 0700);
    mkdir(arena_format(&line->arena, "%s/.local/share", user), 0700);
    return arena_format(&line->arena, "%s/.local/share/senda-demo", user);
}

static int read_scale(struct command_line *line, double *scale, struct err *err) {
    const char *text = option_get(line, "scale");
    char *end = NULL;
    *scale = text ? strtod(text, &end) : 1;
    if (text && (end == text || *end || !(*scale >= 0.005 && *scale <= 4)))
        return err_set(err, E_USAGE, "--scale is a number between 0.005 and 4");
    return 0;
}

static int fill(struct app *app, double scale, int64_t now_ms, struct err *err) {
    struct bar bar = {
        .terminal = isatty(STDERR_FILENO), .begin_us = clock_monotonic_us(), .shown = -1};
    struct demo_filling filling = {
        .scale = scale, .now_ms = now_ms, .progress = show_progress, .context = &bar};
    command_tell("Simulating two years of Vereda Telecom (scale %g)", scale);
    int code = demo_fill(app, &filling, err);
    if (bar.terminal)
        fputc('\n', stderr);
    if (!code)
        command_tell("%llu events stored in %g s",
                     (unsigned long long)filling.accepted + filling.duplicates,
                     round((double)(clock_monotonic_us() - bar.begin_us) / 1e5) / 10);
    return code;
}

static int make_folder(const char *dir, const char *listen, struct err *err) {
    struct preparation preparation = {.dir = dir,
                                      .name = DEMO_NAME,
                                      .timezone = "Europe/Madrid",
                                      .currency = "EUR",
                                      .language = "es",
                                      .listen = listen,
                                      .admin_email = DEMO_EMAIL,
                                      .admin_password = DEMO_PASSWORD};
    json_t *keys = NULL;
    int code = prepare_folder(&preparation, &keys, err);
    json_decref(keys);
    return code;
}

/* So that the sign-in page of the demonstration can say how to come in. */
static int write_account(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    int code = store_setting_put(db, "demo_email", DEMO_EMAIL, err);
    return code ? code : store_setting_put(db, "demo_password", DEMO_PASSWORD, err);
}

/* Makes and fills the folder as far as that is still to do. */
static int prepare(const char *dir, const char *listen, double scale, struct err *err) {
    struct arena arena;
    arena_init(&arena);
    bool fresh = !exists(arena_format(&arena, "%s/senda.db", dir));
    arena_release(&arena);
    int code = fresh ? make_folder(dir, listen, err) : 0;
    struct desk *desk = NULL;
    if (!code)
        code = desk_open(&desk, dir, err);
    if (code)
        return code;
    struct demo_folder demo = {0};
    if (!desk_folder(desk))
        code = err_set(err, E_CONFLICT, "a server is running on this folder already");
    if (!code)
        code = demo_folder_state(desk_folder(desk), &demo, err);
    /* a folder whose fill had not begun is still ours if it is empty and bears the name */
    if (!code && demo.state == DEMO_NONE && strcmp(desk_folder(desk)->name, DEMO_NAME) == 0 &&
        log_last(desk_folder(desk)->log) == 0)
        fresh = true;
    if (!code && fresh)
        code = store_write(desk_folder(desk)->store, write_account, NULL, err);
    if (!code && demo.state == DEMO_LOADING) {
        command_tell("The demonstration was not finished; continuing");
        code = fill(desk_app(desk), demo.scale, demo.now_ms, err);
    } else if (!code && demo.state == DEMO_NONE && fresh) {
        code = fill(desk_app(desk), scale, clock_now_ms(), err);
    } else if (!code && demo.state == DEMO_NONE) {
        err_set(err, E_REFUSED, "the folder holds other data than the demonstration");
        code = err_hint(err, "Name another folder with --data.");
    }
    if (!code && demo.state == DEMO_COMPLETE) {
        char made[TIME_TEXT_BYTES];
        time_format(demo.now_ms, made);
        command_tell("The demonstration of %.10s is there; remove the folder for a new one", made);
    }
    desk_close(desk);
    return code;
}

/* ---- events as lines ---- */

static int write_lines(void *context, enum demo_source source, const struct event *events,
                       size_t n) {
    FILE *file = context;
    struct buf line;
    (void)source;
    buf_init(&line, 64 << 20);
    for (size_t i = 0; i < n; i++)
        demo_write_json(&events[i], &line);
    size_t written = fwrite(line.p, 1, line.n, file);
    bool ok = written == line.n;
    buf_release(&line);
    return ok ? 0 : E_IO;
}

static int write_events(const char *path, double scale, struct err *err) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdout : fopen(path, "wb");
    if (!file)
        return err_set(err, E_IO, "the file for the events cannot be written");
    struct zone *zone = NULL;
    int code = zone_open(&zone, "Europe/Madrid", err);
    struct demo_options options = {.scale = scale, .now_ms = clock_now_ms(), .zone = zone};
    struct demo_sink sink = {.emit = write_lines, .context = file};
    if (!code && (code = demo_generate(&options, &sink, err)) == E_IO)
        err_set(err, E_IO, "the file for the events cannot be written");
    zone_close(zone);
    if ((standard ? fflush(file) : fclose(file)) && !code)
        code = err_set(err, E_IO, "the file for the events cannot be written");
    return code;
}

/* ---- the command ---- */

static int check_organisation(const struct command_line *line, struct err *err) {
    const char *org = option_get(line, "org");
    if (!org || strcmp(org, "vereda") == 0)
        return 0;
    if (strcmp(org, "museo") != 0)
        return err_set(err, E_USAGE, "--org is vereda or museo");
    err_set(err, E_USAGE, "the museums' demonstration is not available yet");
    return err_hint(err, "Use --org vereda.");
}

static int run(struct command_line *line, struct err *err) {
    double scale;
    int code = check_organisation(line, err);
    if (!code)
        code = read_scale(line, &scale, err);
    if (code)
        return code;
    if (option_get(line, "events"))
        return write_events(option_get(line, "events"), scale, err);
    const char *dir = data_folder(line), *listen = option_get(line, "listen");
    code = prepare(dir, listen, scale, err);
    if (code)
        return code;
    command_tell("Data folder: %s", dir);
    if (option_flag(line, "no-serve"))
        return 0;
    struct serving serving = {.dir = dir,
                              .listen = listen,
                              .greeting =
                                  "Sign in as " DEMO_EMAIL " with the password " DEMO_PASSWORD
                                  "\nEverything in it is simulated. A customer to begin with: "
                                  "carmen.ibanez@correo.example"};
    return serve_folder(&serving, err);
}

static const struct option options[] = {
    {"data", "DIR", NULL, "data folder (default senda-demo in ~/.local/share)"},
    {"listen", "HOST:PORT", "127.0.0.1:8080", "address and port, :0 for any free port"},
    {"org", "NAME", "vereda", "vereda, a telecom; museo is not available yet"},
    {"scale", "X", "1", "size: 1 is 62,400 contracts and 3 million events"},
    {"no-serve", NULL, NULL, "make the folder and stop"},
    {"events", "FILE", NULL, "only write the events as JSON lines to FILE (- for stdout)"},
};

const struct command command_demo = {
    .name = "demo",
    .summary = "makes a folder with the demonstration organisation and serves it",
    OPTIONS_OF(options),
    .run = run,
    .more = "The two simulated years end now. Called again, it serves the folder that is there."};
