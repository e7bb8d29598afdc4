/*
 * Connections, their prepared statements, and SQLite's errors as ours.
 *
 * Each connection keeps its statements in a table keyed by the address of the SQL literal. A connection is used by one
 * thread at a time; the list of connections is under a lock.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/logger.h"
#include "store/internal.h"

enum { WRITER_CACHE_KB = 4096, READER_CACHE_KB = 512 };

struct kept {
    const char *sql;
    sqlite3_stmt *statement;
};

struct connection {
    struct connection *next;
    sqlite3 *db;
    struct kept *kept;
    size_t n, capacity;
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection *list;

static struct connection *connection_of(sqlite3 *db) {
    pthread_mutex_lock(&list_lock);
    struct connection *connection = list;
    while (connection && connection->db != db)
        connection = connection->next;
    pthread_mutex_unlock(&list_lock);
    return connection;
}

static struct connection *connection_add(sqlite3 *db) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    connection->db = db;
    pthread_mutex_lock(&list_lock);
    connection->next = list;
    list = connection;
    pthread_mutex_unlock(&list_lock);
    return connection;
}

static void configure(void) {
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

int connection_run(sqlite3 *db, const char *sql, struct err *err) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(db, err);
}

int connection_open(sqlite3 **db, const char *path, bool writer, struct err *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
    sqlite3 *opened = NULL;
    int flags = writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        int code = store_fail(opened, err);
        sqlite3_close(opened);
        return code;
    }
    sqlite3_extended_result_codes(opened, 1);
    sqlite3_busy_timeout(opened, CONNECTION_WAIT_MS);
    char pragma[96];
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA cache_size=-%d; PRAGMA query_only=%d",
                     writer ? WRITER_CACHE_KB : READER_CACHE_KB, !writer);
    connection_add(opened);
    int code = connection_run(opened, pragma, err);
    if (code)
        connection_close(opened);
    else
        *db = opened;
    return code;
}

void connection_close(sqlite3 *db) {
    pthread_mutex_lock(&list_lock);
    struct connection **at = &list;
    while (*at && (*at)->db != db)
        at = &(*at)->next;
    struct connection *connection = *at;
    if (connection)
        *at = connection->next;
    pthread_mutex_unlock(&list_lock);
    for (size_t i = 0; connection && i < connection->capacity; i++)
        sqlite3_finalize(connection->kept[i].statement);
    if (connection)
        free(connection->kept);
    free(connection);
    sqlite3_close_v2(db);
}

void connection_reset(sqlite3 *db) {
    struct connection *connection = connection_of(db);
    for (size_t i = 0; connection && i < connection->capacity; i++)
        if (connection->kept[i].statement && sqlite3_stmt_busy(connection->kept[i].statement))
            sqlite3_reset(connection->kept[i].statement);
}

static size_t place_of(const struct connection *connection, const char *sql) {
    return ((uintptr_t)sql >> 3) * 0x9E3779B1u & (connection->capacity - 1);
}

static void keep(struct connection *connection, const char *sql, sqlite3_stmt *statement) {
    size_t i = place_of(connection, sql);
    while (connection->kept[i].statement)
        i = (i + 1) & (connection->capacity - 1);
    connection->kept[i] = (struct kept){sql, statement};
}

static void keep_room(struct connection *connection) {
    if (connection->n * 2 < connection->capacity)
        return;
    struct kept *old = connection->kept;
    size_t old_capacity = connection->capacity;
    connection->capacity = old_capacity ? old_capacity * 2 : 32;
    connection->kept = calloc(connection->capacity, sizeof *connection->kept);
    if (!connection->kept)
        abort();
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].statement)
            keep(connection, old[i].sql, old[i].statement);
    free(old);
}

sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql, struct err *err) {
    struct connection *connection = connection_of(db);
    if (!connection) /* not opened by the store: tests with a database of their own */
        connection = connection_add(db);
    keep_room(connection);
    for (size_t i = place_of(connection, sql); connection->kept[i].statement;
         i = (i + 1) & (connection->capacity - 1))
        if (connection->kept[i].sql == sql && !sqlite3_stmt_busy(connection->kept[i].statement))
            return connection->kept[i].statement;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        store_fail(db, err);
        return NULL;
    }
    keep(connection, sql, statement);
    connection->n++;
    return statement;
}

int store_step(sqlite3_stmt *statement, struct err *err) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return 1;
    int result = code == SQLITE_DONE ? 0 : store_fail(sqlite3_db_handle(statement), err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result;
}

int store_run(sqlite3_stmt *statement, struct err *err) {
    int code;
    do
        code = store_step(statement, err);
    while (code == 1);
    return code;
}

int store_has_row(sqlite3_stmt *statement, struct err *err) {
    int code = store_step(statement, err);
    if (code == 1)
        sqlite3_reset(statement);
    return code;
}

/* errno of the last failed call on the file or its WAL; sqlite3_system_errno may have been overwritten since. */
static int last_errno(sqlite3 *db) {
    int number = 0;
    sqlite3_file *wal = NULL;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (wal && wal->pMethods)
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &number);
    if (!number)
        sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    return number ? number : sqlite3_system_errno(db);
}

static bool is_full(sqlite3 *db, int code) {
    if (code == SQLITE_FULL)
        return true;
    if (!db || (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_SHMSIZE &&
                code != SQLITE_IOERR_TRUNCATE && (code & 0xff) != SQLITE_CANTOPEN))
        return false;
    int number = last_errno(db);
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

int store_fail(sqlite3 *db, struct err *err) {
    int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    log_warn("store", "sqlite %d: %s", code, db ? sqlite3_errmsg(db) : "no connection");
    if (is_full(db, code)) {
        err_set(err, E_NOSPACE, "no space left for the records");
        err_hint(err, "Free some space on the disk of the data folder.");
        return E_NOSPACE;
    }
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return err_set(err, E_BUSY, "the records are busy");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return err_set(err, E_CORRUPT, "the records are damaged");
    case SQLITE_CONSTRAINT: return err_set(err, E_CONFLICT, "such a record exists already");
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return err_set(err, E_IO, "the records could not be read or written");
    default: return err_set(err, E_INTERNAL, "the records refused a statement");
    }
}
