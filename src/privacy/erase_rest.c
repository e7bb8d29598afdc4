/*
 * What lies beside log and index: tables of the records, files of imports; and the search of everything afterwards.
 *
 * Tables are found in the schema, so that one that is added later needs nothing here: each column of text or bytes in which a
 * needle stands is replaced by SQL that is generated here alone. Bytes that the vault sealed (notes, groups) are opened for it, and
 * sealed again. Left out are tables whose content is encrypted or made
 * of names of the organisation, and those of the people who work with Senda: somebody may be both, customer and colleague.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "customer/vault_file.h"
#include "privacy/internal.h"
#include "store/file.h"
#include "timeline/guard.h"

enum { SQL_BYTES = 1024, PATH_BYTES = 4096, FILE_MOST = 1 << 30, TEXT_BYTES = 64 << 20 };
static const char ERASED[] = "[erased]";

/* ---- tables ---- */

static bool is_spared(const char *table) {
    static const char *const TABLES[] = {"fresh",     "log_file",   "key_file",    "part",
                                         "timeline",  "data_key",   "profile",     "attached",
                                         "forgotten", "dictionary", "schema_step", "user",
                                         "session",   "api_key",    "link",        "recovery_code",
                                         "audit",     "source",     "unit",        "unit_parent",
                                         "hierarchy", "job"};
    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++)
        if (strcmp(TABLES[i], table) == 0)
            return true;
    return strncmp(table, "sqlite_", 7) == 0;
}

static struct slice argument(sqlite3_value *value) {
    const char *bytes = sqlite3_value_blob(value);
    int n = sqlite3_value_bytes(value);
    return bytes && n > 0 ? (struct slice){bytes, (size_t)n} : (struct slice){"", 0};
}

/* What SQL looks with. */
struct looking {
    const struct needles *needles;
    const struct vault *vault;
};

/* Bytes as they were before they were sealed, into plain; false: they are not sealed. */
static bool unsealed(const struct looking *looking, sqlite3_value *value, struct buf *plain) {
    struct err none = {0};
    return sqlite3_value_type(value) == SQLITE_BLOB &&
           vault_unseal(looking->vault, argument(value), plain, &none) == 0;
}

static void sql_tells(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    const struct looking *looking = sqlite3_user_data(context);
    int type = sqlite3_value_type(values[0]);
    struct buf plain;
    buf_init(&plain, TEXT_BYTES);
    bool sealed = unsealed(looking, values[0], &plain);
    bool text = type == SQLITE_TEXT || type == SQLITE_BLOB;
    sqlite3_result_int(context, text && needles_in(looking->needles, sealed ? buf_slice(&plain)
                                                                            : argument(values[0])));
    buf_release(&plain);
}

static void sql_forget(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    const struct looking *looking = sqlite3_user_data(context);
    struct buf out, plain;
    buf_init(&out, TEXT_BYTES);
    buf_init(&plain, TEXT_BYTES);
    bool sealed = unsealed(looking, values[0], &plain);
    (void)needles_replace(looking->needles, sealed ? buf_slice(&plain) : argument(values[0]),
                          ERASED, &out);
    if (sealed) {
        buf_clear(&plain);
        vault_seal(looking->vault, buf_slice(&out), &plain);
        sqlite3_result_blob(context, plain.p, (int)plain.n, SQLITE_TRANSIENT);
    } else if (sqlite3_value_type(values[0]) == SQLITE_BLOB)
        sqlite3_result_blob(context, out.p, (int)out.n, SQLITE_TRANSIENT);
    else
        sqlite3_result_text(context, out.p, (int)out.n, SQLITE_TRANSIENT);
    buf_release(&out);
    buf_release(&plain);
}

/* looking NULL: takes them away. */
static int functions(sqlite3 *db, struct looking *looking, struct err *err) {
    void *context = looking;
    bool set = looking != NULL;
    if (sqlite3_create_function(db, "senda_tells", 1, SQLITE_UTF8, context, set ? sql_tells : NULL,
                                NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function(db, "senda_forget", 1, SQLITE_UTF8, context,
                                set ? sql_forget : NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(db, err);
    return 0;
}

static int search_column(sqlite3 *db, const char *table, const char *column, uint64_t *rows,
                         struct err *err) {
    char sql[SQL_BYTES];
    sqlite3_stmt *statement = NULL;
    sqlite3_snprintf(sizeof sql, sql, "SELECT count(*) FROM \"%w\" WHERE senda_tells(\"%w\")",
                     table, column);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(db, err);
    int code = sqlite3_step(statement) == SQLITE_ROW ? 0 : store_fail(db, err);
    *rows += code ? 0 : (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}

static int erase_column(sqlite3 *db, const char *table, const char *column, uint64_t *rows,
                        struct err *err) {
    char sql[SQL_BYTES];
    sqlite3_stmt *statement = NULL;
    sqlite3_snprintf(sizeof sql, sql,
                     "UPDATE OR IGNORE \"%w\" SET \"%w\" = senda_forget(\"%w\")"
                     " WHERE senda_tells(\"%w\")",
                     table, column, column, column);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(db, err);
    int code = sqlite3_step(statement) == SQLITE_DONE ? 0 : store_fail(db, err);
    *rows += code ? 0 : (uint64_t)sqlite3_changes(db);
    sqlite3_finalize(statement);
    return code;
}

struct column_names {
    char table[128], column[128];
};

/* Columns that may hold text, of tables that are not spared. */
static size_t list_columns(sqlite3 *db, struct column_names **columns) {
    sqlite3_stmt *statement = NULL;
    size_t n = 0, capacity = 0;
    *columns = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
                           " WHERE m.type = 'table' AND upper(c.type) <> 'INTEGER'",
                           -1, &statement, NULL) != SQLITE_OK)
        return 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(statement, 0);
        const char *column = (const char *)sqlite3_column_text(statement, 1);
        if (!table || !column || is_spared(table))
            continue;
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            *columns = realloc(*columns, capacity * sizeof **columns);
            if (!*columns)
                abort();
        }
        snprintf((*columns)[n].table, sizeof(*columns)[n].table, "%s", table);
        snprintf((*columns)[n].column, sizeof(*columns)[n].column, "%s", column);
        n++;
    }
    sqlite3_finalize(statement);
    return n;
}

typedef int column_work(sqlite3 *db, const char *table, const char *column, uint64_t *rows,
                        struct err *err);

static int each_column(sqlite3 *db, const struct vault *vault, const struct needles *needles,
                       column_work *work, uint64_t *rows, struct err *err) {
    struct column_names *columns;
    struct looking looking = {needles, vault};
    if (!needles->n)
        return 0;
    size_t n = list_columns(db, &columns);
    int code = functions(db, &looking, err);
    for (size_t i = 0; !code && i < n; i++)
        code = work(db, columns[i].table, columns[i].column, rows, err);
    struct err none = {0};
    if (functions(db, NULL, code ? &none : err) && !code)
        code = err->code;
    free(columns);
    return code;
}

int erase_tables(sqlite3 *db, const struct vault *vault, const struct needles *needles,
                 uint64_t *rows, struct err *err) {
    return each_column(db, vault, needles, erase_column, rows, err);
}

int search_tables(struct folder *folder, const struct needles *needles, uint64_t *found,
                  struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? each_column(db, folder->vault, needles, search_column, found, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(folder->store, db);
    return code;
}

/* ---- files ---- */

/* Visits every regular file below a folder. */
static int walk(const char *dir, int depth,
                int (*visit)(void *context, const char *path, uint64_t bytes, struct err *err),
                void *context, struct err *err) {
    DIR *entries = opendir(dir);
    if (!entries)
        return errno == ENOENT ? 0 : file_fail(ERR_WORDS("a folder of the data folder"), err);
    int code = 0;
    for (struct dirent *entry; !code && (entry = readdir(entries));) {
        char path[PATH_BYTES];
        struct stat status;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (n < 0 || n >= (int)sizeof path || lstat(path, &status))
            continue; /* gone meanwhile */
        if (S_ISDIR(status.st_mode) && depth)
            code = walk(path, depth - 1, visit, context, err);
        else if (S_ISREG(status.st_mode) && status.st_size > 0)
            code = visit(context, path, (uint64_t)status.st_size, err);
    }
    closedir(entries);
    return code;
}

/* A file while it is read: where it was cut or its disk fails, zeros are read and lost is set. */
struct content {
    struct slice bytes;
    atomic_bool lost;
};

static int unreadable(struct err *err) {
    return err_set(err, E_IO, "a file of the data folder could not be read to its end");
}

/* The bytes of a file (of what it seals) for as long as `use` runs; a file that is gone is passed over, and so is what was cut off meanwhile. */
static int with_file(const struct vault *vault, const char *path,
                     int (*use)(void *context, const struct content *content, struct err *err),
                     void *context, struct err *err) {
    struct stat now;
    int fd, code = vault_file_open(vault, path, &fd, err);
    if (code)
        return code == E_NOT_FOUND ? 0 : code;
    if (fstat(fd, &now) || now.st_size <= 0) {
        close(fd);
        return 0;
    }
    size_t bytes = (size_t)now.st_size;
    char *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return file_fail(ERR_WORDS("a file of the data folder"), err);
    struct content content = {.bytes = {map, bytes}};
    int guarded = guard_register_zeros(map, bytes, &content.lost);
    code = use(context, &content, err);
    bool cut = stat(path, &now) || (uint64_t)now.st_size < bytes;
    if (!code && atomic_load(&content.lost) && !cut)
        code = unreadable(err);
    guard_unregister(guarded);
    munmap(map, bytes);
    return code;
}

struct rewriting {
    const struct needles *needles;
    const struct vault *vault;
    const char *path;
    uint64_t *files;
};

static int rewrite_content(void *context, const struct content *content, struct err *err) {
    struct rewriting *rewriting = context;
    if (!needles_in(rewriting->needles, content->bytes))
        return 0;
    struct buf out;
    buf_init(&out, FILE_MOST);
    (void)needles_replace(rewriting->needles, content->bytes, ERASED, &out);
    int code = atomic_load(&content->lost)
                   ? unreadable(err) /* zeros do not take the place of what is there */
               : out.full
                   ? err_set(err, E_TOO_LARGE, "a file of the data folder is too large")
                   : vault_file_write(rewriting->vault, rewriting->path, buf_slice(&out), err);
    buf_release(&out);
    *rewriting->files += !code;
    return code;
}

static int rewrite_file(void *context, const char *path, uint64_t bytes, struct err *err) {
    struct rewriting *rewriting = context;
    (void)bytes;
    rewriting->path = path;
    return with_file(rewriting->vault, path, rewrite_content, rewriting, err);
}

int erase_files(const struct folder *folder, const struct needles *needles, uint64_t *files,
                struct err *err) {
    char path[PATH_BYTES];
    struct rewriting rewriting = {.needles = needles, .vault = folder->vault, .files = files};
    int n = snprintf(path, sizeof path, "%s/imports", folder->dir);
    return n < 0 || n >= (int)sizeof path
               ? err_set(err, E_INVALID, "the name of the data folder is too long")
               : walk(path, 1, rewrite_file, &rewriting, err);
}

struct searching {
    const struct needles *needles;
    const struct vault *vault;
    uint64_t *bytes, *found, *copies;
};

static int search_content(void *context, const struct content *content, struct err *err) {
    struct searching *searching = context;
    (void)err;
    *searching->bytes += content->bytes.n;
    *searching->found += needles_in(searching->needles, content->bytes);
    return 0;
}

static int search_file(void *context, const char *path, uint64_t bytes, struct err *err) {
    struct searching *searching = context;
    (void)bytes;
    if (strstr(path, "senda.db.before-")) { /* a copy from before an update: older than this */
        ++*searching->copies;
        return 0;
    }
    return with_file(searching->vault, path, search_content, searching, err);
}

int search_files(const struct folder *folder, const struct needles *needles, uint64_t *bytes,
                 uint64_t *found, uint64_t *copies, struct err *err) {
    struct searching searching = {needles, folder->vault, bytes, found, copies};
    *bytes = *found = *copies = 0;
    return walk(folder->dir, 3, search_file, &searching, err);
}
