/*
 * senda serve: runs the server until SIGTERM or SIGINT, then finishes what is under way and stops.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/serve.h"
#include "cli/warm.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/logger.h"
#include "cli/commands.h"
#include "cli/prepare.h"

/* The signals that end the server, blocked in every thread and taken here. */
static void block_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void say_address(const struct serving *serving, int port, struct app *app) {
    char host[256];
    snprintf(host, sizeof host, "%s", serving->listen);
    char *colon = strrchr(host, ':');
    if (colon)
        *colon = 0;
    printf("Senda is ready: http://%s:%d/\n", host[0] ? host : "127.0.0.1", port);
    char token[TOKEN_TEXT_BYTES];
    if (accounts_need_setup(app_accounts(app)) &&
        accounts_setup_token(app_accounts(app), token, NULL) == 0)
        printf("First person: http://%s:%d/setup?token=%s\n", host[0] ? host : "127.0.0.1", port,
               token);
    if (serving->greeting)
        printf("%s\n", serving->greeting);
    fflush(stdout);
}

/* Storage failed: as if somebody had asked the server to stop. */
static void stop_serving(void *context) {
    (void)context;
    kill(getpid(), SIGTERM);
}

/* An answer of some thousand rows is a few megabytes of small pieces: kept, not given back to the system and fetched anew page
 * by page for each question (a flow of 10,000 edges: 1,100 page faults, an eighth of its time), and by few arenas, because
 * the next question is another worker's. What jobs take once is trimmed where it is freed. */
static void keep_freed_memory(void) {
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 2 * get_nprocs());
}

int serve_folder(const struct serving *serving, struct err *err) {
    sigset_t signals;
    block_signals(&signals);
    raise_file_limit();
    keep_freed_memory();
    struct folder *folder = NULL;
    struct app *app = NULL;
    struct server *server = NULL;
    struct app_options app_options = APP_OPTIONS;
    app_options.public_url = serving->public_url;
    struct arena arena;
    arena_init(&arena);
    struct server_options options = {.listen = serving->listen,
                                     .socket_path =
                                         arena_format(&arena, "%s/senda.sock", serving->dir),
                                     .trusted_proxy = serving->trusted_proxy};
    struct warming warming = {0};
    bool maintained = false;
    int code = folder_open(&folder, serving->dir, err);
    if (!code)
        code = app_open(&app, folder, &app_options, err);
    if (!code && serving->web_root)
        assets_use_folder(serving->web_root);
    if (!code && !(code = folder_maintenance_start(folder, err)))
        maintained = true;
    if (!code)
        code = jobs_start(app_jobs(app), err);
    if (!code)
        code = server_start(&server, app, &options, err);
    if (!code) {
        say_address(serving, server_port(server), app);
        log_info("serve", "ready on port %d", server_port(server));
        warming_start(&warming, folder);
        store_on_broken(folder->store, stop_serving, NULL);
        int signal_number = 0;
        code = store_broken(folder->store, err);
        if (!code)
            sigwait(&signals, &signal_number);
        log_info("serve", "stopping");
        server_stop(server);
        warming_stop(&warming);
        code = store_broken(folder->store, err);
        store_on_broken(folder->store, NULL, NULL);
    }
    if (app)
        jobs_stop(app_jobs(app));
    if (maintained)
        folder_maintenance_stop(folder);
    if (app)
        app_close(app);
    if (folder)
        folder_close(folder);
    if (!code)
        log_info("serve", "stopped");
    arena_release(&arena);
    return code;
}

/* Nothing there, or an empty folder, as a new volume is. */
static bool is_absent(const char *dir) {
    DIR *folder = opendir(dir);
    if (!folder)
        return errno == ENOENT;
    size_t entries = 0;
    while (entries < 3 && readdir(folder))
        entries++; /* "." and ".." are two */
    closedir(folder);
    return entries < 3;
}

/* As `init` does, where there is no folder yet. */
static int prepare_if_absent(const char *dir, const char *listen, struct err *err) {
    if (!is_absent(dir))
        return 0;
    struct preparation preparation = {.dir = dir, .listen = listen};
    json_t *keys = NULL;
    int code = prepare_folder(&preparation, &keys, err);
    if (!code)
        desk_print(keys);
    json_decref(keys);
    return code;
}

static int run(struct command_line *line, struct err *err) {
    struct serving serving = {.listen = option_get(line, "listen"),
                              .web_root = option_get(line, "web-root"),
                              .trusted_proxy = option_get(line, "trusted-proxy"),
                              .public_url = option_get(line, "public-url")};
    int code = option_need(line, "data", &serving.dir, err);
    if (!code)
        code = prepare_if_absent(serving.dir, serving.listen, err);
    return code ? code : serve_folder(&serving, err);
}

static const struct option options[] = {
    OPTION_DATA,
    {"listen", "HOST:PORT", "127.0.0.1:8080", "address and port, :0 for any free port"},
    {"public-url", "URL", NULL, "address under which people reach it"},
    {"trusted-proxy", "ADDRESS", NULL, "reverse proxy whose X-Forwarded-For is believed"},
    {"web-root", "DIR", NULL, "read pages' files from here (development)"},
};

const struct command command_serve = {
    .name = "serve",
    .summary = "runs the server; SIGTERM finishes what is under way and stops",
    OPTIONS_OF(options),
    .run = run,
    .more = "Creates the data folder as init does where it is absent or empty."};
