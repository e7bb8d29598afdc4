/* module: query
 *
 * Fuzz target: the compiler of questions. Whatever comes in: no crash, and a refusal says what and where.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "query/plan.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds) {
    if (!holds)
        abort();
}

static int add_names(void *context, sqlite3 *db, struct err *err) {
    static const char *const names[] = {"Search", "Cart", "Pay", "web", "plan", "amount"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int kind = DICTIONARY_EVENT; kind < DICTIONARY_KINDS; kind++)
            must(dictionary_add(context, (enum dictionary_kind)kind, slice_of(names[i]), db, err) !=
                 0);
    return 0;
}

/* A dictionary with a few names of every kind, made once in a folder that is gone at once. */
static struct dictionary *some_names(void) {
    static struct dictionary *dictionary;
    if (dictionary)
        return dictionary;
    char dir[] = "/tmp/senda-fuzz-query-XXXXXX", command[64];
    struct store *store;
    struct err err = {0};
    must(mkdtemp(dir) != NULL);
    must(store_open(&store, dir, &err) == 0);
    sqlite3 *db = store_reader_get(store);
    must(dictionary_open(&dictionary, db, &err) == 0);
    store_reader_put(store, db);
    must(store_write(store, add_names, dictionary, &err) == 0);
    dictionary_commit(dictionary);
    store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    must(system(command) == 0);
    return dictionary;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static struct zone *zone;
    struct err err = {0};
    if (!zone)
        must(zone_open(&zone, "UTC", &err) == 0);
    json_t *query =
        n > LIMIT_QUERY_BYTES ? NULL : json_loadb((const char *)bytes, n, JSON_DECODE_ANY, NULL);
    if (!query)
        return 0;
    struct plan_context context = {
        .dictionary = some_names(), .zone = zone, .now_ms = INT64_C(1795293100000)};
    struct principal owner = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    struct arena arena;
    struct plan *plan;
    arena_init(&arena);
    int code = plan_compile(query, &owner, &context, &arena, &plan, &err);
    must(code == 0 || code == E_INVALID || code == E_MALFORMED || code == E_FORBIDDEN);
    must(code == 0 || (err.code == code && err.message[0]));
    must(code != 0 ||
         (plan->filter.from_ms < plan->filter.to_ms && plan->n_steps <= LIMIT_FUNNEL_STEPS));
    arena_release(&arena);
    json_decref(query);
    return 0;
}
