/*
 * senda doctor: what is wrong with this installation, and how to mend it. A table of checks; each says ok, a warning or
 * a fault.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/zone.h"
#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"
#include "pages/message.h"

enum verdict { GOOD, WARNING, FAULT };

struct finding {
    enum verdict verdict;
    struct err said; /* message: what there is; hint: how to mend it */
};

struct patient {
    const char *dir;
    struct desk *desk; /* NULL: it could not be opened */
    struct err failure;
};

/* mend: a sentence, or "". */
__attribute__((format(printf, 4, 5))) static int find(struct finding *finding, enum verdict verdict,
                                                      const char *mend, const char *format, ...) {
    va_list args;
    va_start(args, format);
    finding->verdict = verdict;
    err_at_list(&finding->said, E_INTERNAL, "", format, args);
    va_end(args);
    return err_hint(&finding->said, "%s", mend);
}

static void check_folder(const struct patient *patient, struct finding *finding) {
    struct stat status;
    if (stat(patient->dir, &status) != 0 || !S_ISDIR(status.st_mode))
        find(finding, FAULT, ERR_WORDS("Make it with: senda init --data DIR"),
             "there is no data folder");
    else if (access(patient->dir, R_OK | W_OK | X_OK) != 0)
        find(finding, FAULT, ERR_WORDS("Give it to the user that runs senda."),
             "the data folder cannot be written");
    else if (status.st_mode & (S_IRWXG | S_IRWXO))
        find(finding, WARNING, ERR_WORDS("chmod 700 the data folder."),
             "others can look into the data folder");
    else
        find(finding, GOOD, "", "the data folder is private and can be written");
}

static void check_opening(const struct patient *patient, struct finding *finding) {
    if (!patient->desk)
        find(finding, FAULT,
             patient->failure.hint[0] ? patient->failure.hint : ERR_WORDS("See the message."), "%s",
             patient->failure.message);
    else if (desk_folder(patient->desk))
        find(finding, GOOD, "", "it opens; no server runs");
    else
        find(finding, GOOD, "", "a server runs on it");
}

static void check_server(const struct patient *patient, struct finding *finding) {
    struct err err = {0};
    json_t *answer = NULL;
    if (!patient->desk) {
        find(finding, WARNING, "", "the server could not be asked");
    } else if (desk_ask_json(patient->desk, "GET", "/readyz", NULL, &answer, &err)) {
        find(finding, FAULT,
             err.hint[0]
                 ? err.hint
                 : ERR_WORDS("Look at the server's log; restart it once the cause is gone."),
             "not ready: %s", err.message);
    } else {
        find(finding, GOOD, "", "ready");
    }
    json_decref(answer);
}

static void check_space(const struct patient *patient, struct finding *finding) {
    struct statvfs space;
    if (statvfs(patient->dir, &space) != 0) {
        find(finding, WARNING, "", "free space is unknown");
        return;
    }
    double free_bytes = (double)space.f_bavail * (double)space.f_frsize;
    enum verdict verdict = free_bytes < 100e6 ? FAULT : free_bytes < 1e9 ? WARNING : GOOD;
    find(finding, verdict, verdict == GOOD ? "" : ERR_WORDS("Free some space, or move the folder."),
         "%g GB free", (double)(int64_t)(free_bytes / 1e8) / 10);
}

static void check_key(const struct patient *patient, struct finding *finding) {
    char path[4096];
    struct stat status;
    const char *outside = getenv("SENDA_KEY_FILE"), *command = getenv("SENDA_KEY_COMMAND");
    if (command && *command) {
        find(finding, GOOD, "", "the key of the data comes from a command");
        return;
    }
    snprintf(path, sizeof path, "%s/secret.key", patient->dir);
    const char *file = outside ? outside : path;
    if (stat(file, &status) != 0)
        find(finding, FAULT,
             ERR_WORDS("Put the key back, or set SENDA_KEY_FILE; without it the data is lost."),
             "the key of the data is missing");
    else if (status.st_mode & (S_IRWXG | S_IRWXO))
        find(finding, WARNING, ERR_WORDS("chmod 600 the key file."),
             "others can read the key of the data");
    else if (!outside)
        find(finding, GOOD,
             ERR_WORDS("Safer apart, so that a stolen disk or copy tells nothing: move it, set "
                       "SENDA_KEY_FILE."),
             "the key is private, but lies inside the folder that it protects");
    else
        find(finding, GOOD, "", "the key of the data is there, private and apart");
}

static void check_files(const struct patient *patient, struct finding *finding) {
    struct rlimit limit;
    (void)patient;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < 8192)
        find(finding, WARNING, ERR_WORDS("Raise LimitNOFILE of the service to 65536."),
             "only %llu files may be open", (unsigned long long)limit.rlim_max);
    else
        find(finding, GOOD, "", "enough files may be open");
}

static void check_zones(const struct patient *patient, struct finding *finding) {
    struct zone *zone = NULL;
    struct err err = {0};
    (void)patient;
    if (zone_open(&zone, "Europe/Madrid", &err)) {
        find(finding, FAULT, ERR_WORDS("Install the package tzdata."),
             "the time zones are missing");
        return;
    }
    zone_close(zone);
    find(finding, GOOD, "", "time zones are there");
}

static void check_schema(const struct patient *patient, struct finding *finding) {
    struct err err = {0};
    unsigned steps = 0;
    if (store_pending(patient->dir, &steps, &err))
        find(finding, FAULT, ERR_WORDS("Restore a backup."), "%s", err.message);
    else if (steps)
        find(finding, WARNING, ERR_WORDS("They are applied at the next start."),
             "%u steps of the schema are missing", steps);
    else
        find(finding, GOOD, "", "the schema is up to date");
}

static const struct {
    const char *name;
    void (*look)(const struct patient *patient, struct finding *finding);
} CHECKS[] = {
    {"folder", check_folder}, {"schema", check_schema}, {"opening", check_opening},
    {"server", check_server}, {"key", check_key},       {"space", check_space},
    {"files", check_files},   {"zones", check_zones},
};
enum { CHECKS_N = sizeof CHECKS / sizeof CHECKS[0] };

static void say(const struct command_line *line, const char *name, const struct finding *finding,
                json_t *all) {
    static const char *const verdicts[] = {"ok", "warning", "fault"};
    json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "check", name, "verdict",
                                         verdicts[finding->verdict], "what", finding->said.message,
                                         "mend", finding->said.hint));
    if (option_flag(line, "json"))
        return;
    struct err said = finding->said;
    if (command_is_spanish())
        message_translate("es", &said);
    printf("%-8s %-8s %s\n", command_text(verdicts[finding->verdict]), name, said.message);
    if (said.hint[0])
        printf("%-17s %s\n", "", said.hint);
}

static int run(struct command_line *line, struct err *err) {
    struct patient patient = {0};
    int faults = 0, code = option_need(line, "data", &patient.dir, err);
    if (code)
        return code;
    /* The schema is looked at before opening brings it up to date. */
    struct finding findings[CHECKS_N];
    for (size_t i = 0; i < CHECKS_N; i++) {
        if (CHECKS[i].look == check_opening)
            (void)!desk_open(&patient.desk, patient.dir, &patient.failure);
        CHECKS[i].look(&patient, &findings[i]);
        faults += findings[i].verdict == FAULT;
    }
    desk_close(patient.desk);
    json_t *all = json_array();
    for (size_t i = 0; i < CHECKS_N; i++)
        say(line, CHECKS[i].name, &findings[i], all);
    if (option_flag(line, "json"))
        desk_print(all);
    json_decref(all);
    return faults ? err_set(err, E_REFUSED, faults == 1 ? "%d fault" : "%d faults", faults) : 0;
}

static const struct option options[] = {OPTION_DATA, OPTION_JSON};

const struct command command_doctor = {
    .name = "doctor",
    .summary = "what is wrong with this installation and how to mend it; exit 4 at a fault",
    OPTIONS_OF(options),
    .run = run};
