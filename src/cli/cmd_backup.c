/*
 * senda backup and senda restore.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "folder/backup.h"

/* The whole path of a file that need not exist; its folder must. */
static int whole_path(const char *file, struct arena *arena, const char **path, struct err *err) {
    const char *slash = strrchr(file, '/');
    char folder[PATH_MAX];
    const char *given =
        slash ? arena_text(arena, (struct slice){file, (size_t)(slash - file) + 1}) : "./";
    if (!realpath(given, folder))
        return err_set(err, E_NOT_FOUND, "the folder for the file does not exist");
    *path = arena_format(arena, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
                         slash ? slash + 1 : file);
    return 0;
}

static int backup_here(struct folder *folder, const char *path, struct err *err) {
    struct progress progress;
    progress_init(&progress, "backup");
    int code = folder_backup(folder, path, progress_show, &progress, err);
    progress_end(&progress);
    return code;
}

static int run_backup(struct command_line *line, struct err *err) {
    const char *dir, *to, *path = NULL;
    struct desk *desk = NULL;
    json_t *answer = NULL;
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = option_need(line, "to", &to, err);
    if (!code)
        code = whole_path(to, &line->arena, &path, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code && desk_folder(desk)) {
        code = backup_here(desk_folder(desk), path, err);
        answer = code
                     ? NULL
                     : json_pack("{s:s, s:b}", "file", path, "holds_key", !folder_key_is_outside());
    } else if (!code) {
        json_t *body = json_pack("{s:s}", "to", path);
        code = desk_ask_json(desk, "POST", "/api/v1/backups", body, &answer, err);
        json_decref(body);
    }
    if (!code)
        desk_print(answer);
    if (!code && json_is_true(json_object_get(answer, "holds_key")))
        command_tell("The file holds the key of the data: keep it as safe as the data folder.");
    else if (!code)
        command_tell("The file is worth nothing without the key, which is kept elsewhere.");
    json_decref(answer);
    desk_close(desk);
    return code;
}

static const struct option backup_options[] = {
    OPTION_DATA,
    {"to", "FILE", NULL, "file to write; must not exist"},
};

const struct command command_backup = {
    .name = "backup",
    .summary = "writes a consistent backup to one file, while the server runs or not",
    OPTIONS_OF(backup_options),
    .run = run_backup,
    .more = "The file holds the key of the data folder unless that is kept elsewhere "
            "(SENDA_KEY_FILE)."};

static int run_restore(struct command_line *line, struct err *err) {
    const char *dir;
    int code = option_need(line, "data", &dir, err);
    if (code)
        return code;
    struct progress progress;
    progress_init(&progress, "restore");
    code = folder_restore(line->arguments[0], dir, progress_show, &progress, err);
    progress_end(&progress);
    if (code)
        return code;
    json_t *result = json_pack("{s:b, s:s}", "restored", 1, "data", dir);
    desk_print(result);
    json_decref(result);
    return 0;
}

static const struct option restore_options[] = {OPTION_DATA};

const struct command command_restore = {.name = "restore",
                                        .arguments = "FILE",
                                        .least = 1,
                                        .most = 1,
                                        .summary =
                                            "makes a data folder from a backup, and verifies it",
                                        OPTIONS_OF(restore_options),
                                        .run = run_restore};
