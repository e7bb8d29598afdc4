/*
 * senda version: what this program is made of.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unicode/uvernum.h>
#include <zstd.h>

#include "cli/commands.h"
#include "cli/version.h"

struct library {
    const char *name, *version;
};

static int run(struct command_line *line, struct err *err) {
    (void)err;
    const struct library libraries[] = {
        {"libmicrohttpd", MHD_get_version()},
        {"sqlite", sqlite3_libversion()},
        {"jansson", jansson_version_str()},
        {"zstd", ZSTD_versionString()},
        {"libsodium", sodium_version_string()},
        {"icu", U_ICU_VERSION},
        {"curl", curl_version_info(CURLVERSION_NOW)->version},
    };
    size_t n = sizeof libraries / sizeof libraries[0];
    if (option_flag(line, "json")) {
        json_t *used = json_object();
        for (size_t i = 0; i < n; i++)
            json_object_set_new(used, libraries[i].name, json_string(libraries[i].version));
        json_t *all = json_pack("{s:s, s:s, s:s, s:o}", "version", SENDA_VERSION, "commit",
                                SENDA_COMMIT, "options", SENDA_OPTIONS, "libraries", used);
        json_dumpf(all, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(all);
        return 0;
    }
    printf("senda %s (commit %s)\noptions: %s\n", SENDA_VERSION, SENDA_COMMIT, SENDA_OPTIONS);
    for (size_t i = 0; i < n; i++)
        printf("%-14s %s\n", libraries[i].name, libraries[i].version);
    return 0;
}

static const struct option options[] = {OPTION_JSON};
const struct command command_version = {.name = "version",
                                        .summary =
                                            "version, commit, libraries, compiled-in options",
                                        .options = options,
                                        .n_options = 1,
                                        .run = run};
