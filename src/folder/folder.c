/*
 * Creating, opening and closing a data folder: see folder.h.
 *
 * Modules are opened from the ground up and closed in reverse order.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "customer/kinds.h"
#include "folder/registry.h"
#include "store/file.h"

enum { PATH_BYTES = 4096, SETTING_BYTES = 256 };

static const char DEFAULT_NAME[] = "Senda", DEFAULT_ZONE[] = "Europe/Madrid";
static const char DEFAULT_CURRENCY[] = "EUR", DEFAULT_LANGUAGE[] = "es";

struct folder_past {
    struct folder_past *older;
    char *name, *currency, *language;
    struct zone *zone;
};

/* ---- lock and paths ---- */

static int path_in(const char *dir, const char *name, char path[PATH_BYTES], struct err *err) {
    int n = snprintf(path, PATH_BYTES, "%s/%s", dir, name);
    return n < 0 || n >= PATH_BYTES - 64
               ? err_set(err, E_INVALID, "the name of the data folder is too long")
               : 0;
}

static int lock_take(const char *dir, int *fd, struct err *err) {
    char path[PATH_BYTES];
    int code = path_in(dir, "senda.lock", path, err);
    if (code)
        return code;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return file_fail(ERR_WORDS("the lock of the data folder"), err);
    if (flock(*fd, LOCK_EX | LOCK_NB)) {
        close(*fd);
        *fd = -1;
        err_set(err, E_CONFLICT, "another process has the data folder open");
        err_hint(err, "Stop it, or let it do the work.");
        return E_CONFLICT;
    }
    return 0;
}

/* The outside key: what SENDA_KEY_COMMAND prints, the file SENDA_KEY_FILE, else DIR/secret.key. */
static int key_path(const char *dir, char path[PATH_BYTES], struct err *err) {
    const char *command = getenv("SENDA_KEY_COMMAND"), *outside = getenv("SENDA_KEY_FILE");
    bool commanded = command && command[0];
    if (!commanded && (!outside || !outside[0]))
        return path_in(dir, "secret.key", path, err);
    int n = commanded ? snprintf(path, PATH_BYTES, "|%s", command)
                      : snprintf(path, PATH_BYTES, "%s", outside);
    return n < 0 || n >= PATH_BYTES
               ? err_set(err, E_INVALID, "the name of the key file is too long")
               : 0;
}

bool folder_key_is_outside(void) {
    const char *command = getenv("SENDA_KEY_COMMAND"), *outside = getenv("SENDA_KEY_FILE");
    return (command && command[0]) || (outside && outside[0]);
}

int folder_rotate_key(struct folder *folder, const char *new_key, struct err *err) {
    char path[PATH_BYTES];
    int code = key_path(folder->dir, path, err);
    return code ? code : vault_rotate(folder->vault, folder->store, path, new_key, err);
}

/* A full disk is an error of write(), not the end of the process. */
static void ignore_size_signal(void) { signal(SIGXFSZ, SIG_IGN); }

/* ---- creating ---- */

static int check_empty(const char *dir, struct err *err) {
    DIR *entries = opendir(dir);
    if (!entries)
        return file_fail(ERR_WORDS("the data folder"), err);
    int n = 0;
    for (struct dirent *entry; (entry = readdir(entries));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(entries);
    return n ? err_set(err, E_REFUSED, "the folder is not empty") : 0;
}

static int put_settings(void *context, sqlite3 *db, struct err *err) {
    const struct folder_settings *settings = context;
    const struct {
        const char *name, *value, *otherwise;
    } rows[] = {{"name", settings->name, DEFAULT_NAME},
                {"timezone", settings->timezone, DEFAULT_ZONE},
                {"currency", settings->currency, DEFAULT_CURRENCY},
                {"language", settings->language, DEFAULT_LANGUAGE}};
    int code = 0;
    for (size_t i = 0; !code && i < sizeof rows / sizeof rows[0]; i++)
        code = store_setting_put(db, rows[i].name,
                                 rows[i].value ? rows[i].value : rows[i].otherwise, err);
    return code;
}

static int check_settings(const struct folder_settings *settings, struct err *err) {
    struct zone *zone;
    int code = zone_open(&zone, settings->timezone ? settings->timezone : DEFAULT_ZONE, err);
    if (code)
        return code;
    zone_close(zone);
    if (settings->language && strcmp(settings->language, "es") != 0 &&
        strcmp(settings->language, "en") != 0)
        return err_set(err, E_INVALID, "the language is es or en");
    if (settings->currency && strlen(settings->currency) != 3)
        return err_set(err, E_INVALID, "the currency is a code of three letters");
    if (settings->name && (!settings->name[0] || strlen(settings->name) >= SETTING_BYTES))
        return err_set(err, E_INVALID, "the organisation's name has 1 to %d bytes",
                       SETTING_BYTES - 1);
    return 0;
}

static int fill(const char *dir, struct folder_settings *settings, struct err *err) {
    struct store *store = NULL;
    struct vault *vault = NULL;
    char key[PATH_BYTES];
    int code = key_path(dir, key, err);
    if (!code)
        code = store_open(&store, dir, err);
    if (!code)
        code = vault_open(&vault, store, key, err);
    if (!code)
        code = store_write(store, put_settings, settings, err);
    vault_close(vault);
    store_close(store);
    return code ? code : file_sync_folder(dir, err);
}

int folder_create(const char *dir, const struct folder_settings *settings, struct err *err) {
    struct folder_settings wanted = settings ? *settings : (struct folder_settings){0};
    int lock = -1;
    ignore_size_signal();
    int code = check_settings(&wanted, err);
    if (!code)
        code = file_make_folder(dir, err);
    if (!code)
        code = check_empty(dir, err);
    if (!code)
        code = lock_take(dir, &lock, err);
    if (!code)
        code = fill(dir, &wanted, err);
    if (lock >= 0)
        close(lock);
    return code;
}

/* ---- settings ---- */

static int get_setting(sqlite3 *db, const char *name, const char *otherwise, char **value,
                       struct err *err) {
    char text[SETTING_BYTES];
    int code = store_setting_get(db, name, text, sizeof text, err);
    if (code && code != E_NOT_FOUND)
        return code;
    *value = strdup(code ? otherwise : text);
    if (!*value)
        abort();
    return 0;
}

int folder_reload(struct folder *folder, struct err *err) {
    struct folder_past *now = calloc(1, sizeof *now);
    char *zone = NULL;
    if (!now)
        abort();
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    if (!code)
        code = get_setting(db, "name", DEFAULT_NAME, &now->name, err);
    if (!code)
        code = get_setting(db, "currency", DEFAULT_CURRENCY, &now->currency, err);
    if (!code)
        code = get_setting(db, "language", DEFAULT_LANGUAGE, &now->language, err);
    if (!code)
        code = get_setting(db, "timezone", DEFAULT_ZONE, &zone, err);
    if (!code)
        code = zone_open(&now->zone, zone, err);
    store_reader_put(folder->store, db);
    free(zone);
    now->older = folder->past;
    folder->past = now; /* freed at close, used or not */
    if (code)
        return code;
    folder->name = now->name;
    folder->currency = now->currency;
    folder->language = now->language;
    folder->zone = now->zone;
    return folder->customers ? kinds_load(folder->customers, err) : 0;
}

/* ---- opening ---- */

static int open_truth(struct folder *folder, struct err *err) {
    char key[PATH_BYTES];
    int code = key_path(folder->dir, key, err);
    if (!code)
        code = store_open(&folder->store, folder->dir, err);
    if (!code)
        code = vault_open(&folder->vault, folder->store, key, err);
    if (!code)
        code = sealing_catch_up(folder->store, err);
    if (!code)
        code = folder_reload(folder, err);
    if (!code)
        code = dictionary_open(&folder->dictionary, store_writer_db(folder->store), err);
    if (code)
        return code;
    dictionary_follow(folder->dictionary, folder->store);
    code = log_open(&folder->log, folder->store, folder->dir, err);
    if (code)
        return code;
    uint8_t id;
    const unsigned char *log_key = vault_log_key(folder->vault, &id);
    log_set_key(folder->log, id, log_key);
    return 0;
}

static struct overlay *take_overlay(void *customers) { return customers_take_overlay(customers); }

/* Texts, unless they are known to tell nothing of anybody; numbers of what is known to. */
static unsigned sealed(void *folder, uint32_t code) {
    enum sensitivity sensitivity = registry_of(folder, code);
    return sensitivity == SENSITIVITY_OPEN        ? 0
           : sensitivity == SENSITIVITY_AUTOMATIC ? PART_SEALED_TEXT
                                                  : PART_SEALED_TEXT | PART_SEALED_NUMBERS;
}

static int open_rest(struct folder *folder, struct err *err) {
    int code = timeline_open(&folder->timeline, folder->store, folder->log, folder->dictionary,
                             sealed, folder, folder->dir, err);
    if (!code)
        code = customers_open(&folder->customers, folder->store, folder->vault, folder->dir, err);
    if (code)
        return code;
    timeline_publish_overlay(folder->timeline, customers_load_overlay(folder->customers));
    timeline_follow_overlay(folder->timeline, take_overlay, folder->customers);
    return ingest_open(&folder->ingest, folder->store, folder->vault, folder->customers,
                       folder->dictionary, folder->log, folder->timeline, folder->dir, err);
}

static int check_there(const char *dir, struct err *err) {
    char path[PATH_BYTES];
    int code = path_in(dir, "senda.db", path, err);
    if (!code && access(path, F_OK)) {
        err_set(err, E_NOT_FOUND, "there is no data folder");
        err_hint(err, "Make one with senda init.");
        code = E_NOT_FOUND;
    }
    return code;
}

int folder_open(struct folder **folder, const char *dir, struct err *err) {
    ignore_size_signal();
    int code = check_there(dir, err);
    if (code)
        return code;
    struct folder *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->dir = strdup(dir)))
        abort();
    opened->lock_fd = -1;
    opened->kept = folder_kept_new();
    code = lock_take(dir, &opened->lock_fd, err);
    if (!code)
        code = open_truth(opened, err);
    if (!code)
        code = open_rest(opened, err);
    if (code) {
        folder_close(opened);
        return code;
    }
    *folder = opened;
    return 0;
}

static int nothing(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    (void)db;
    (void)err;
    return 0;
}

void folder_close(struct folder *folder) {
    if (!folder)
        return;
    struct err err = {0};
    folder_maintenance_stop(folder);
    ingest_stop(folder->ingest);
    if (folder->store && store_write(folder->store, nothing, NULL, &err)) /* drains the queue */
        err = (struct err){0};
    folder_kept_free(folder->kept);
    ingest_close(folder->ingest);
    timeline_close(folder->timeline);
    customers_close(folder->customers);
    log_close(folder->log);
    dictionary_close(folder->dictionary);
    vault_close(folder->vault);
    store_close(folder->store);
    for (struct folder_past *past = folder->past, *older; past; past = older) {
        older = past->older;
        zone_close(past->zone);
        free(past->name);
        free(past->currency);
        free(past->language);
        free(past);
    }
    if (folder->lock_fd >= 0)
        close(folder->lock_fd);
    free(folder->dir);
    free(folder);
}
