/*
 * Sources: where events come from, each with its write key. A write key is public (it stands in web pages): it only
 * lets send events.
 *
 * Found by key on every collected request, so all sources live in memory; records hold them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_SOURCE_H
#define SENDA_COLLECT_SOURCE_H

#include "base/arena.h"
#include "collect/event.h"
#include "customer/vault.h"

struct sources;

enum { WRITE_KEY_BYTES = 40, SOURCE_MAX = 10000 };

struct source_record {
    uint16_t number;     /* from 1 */
    const char *name;    /* "Web shop" */
    const char *kind;    /* web app server file store phone … (free, shown) */
    const char *channel; /* default channel of its events, or "" */
    const char *unit;    /* of its events that say none, or "" */
    const char *purpose; /* that its events serve, or "": who refused it is not collected */
    const char *ip;      /* context.ip of its events: "short" (NULL), "none", "full" */
    const char *write_key;
    bool disabled;
    int64_t created_ms;
};

/* Write keys are sealed by the vault in the records: they are shown again in the snippet. */
must_use int sources_open(struct sources **sources, struct store *store, const struct vault *vault,
                          struct err *err);
void sources_close(struct sources *sources);

/* Any thread, no allocation. channel and unit are views that stay valid until sources_close. E_UNAUTHORIZED unknown key;
 * a disabled source is found with *disabled. */
must_use int sources_find(struct sources *sources, struct slice write_key, struct source *source,
                          bool *disabled);
/* Makes a source and its key (or keeps record->write_key if given); fills number, write_key. E_INVALID, E_CONFLICT. */
must_use int sources_add(struct sources *sources, struct arena *arena, struct source_record *record,
                         struct err *err);
/* Changes name, kind, channel, unit, purpose, ip, disabled. */
must_use int sources_change(struct sources *sources, const struct source_record *record,
                            struct err *err);
/* Gives it a new write key (copied to the arena); the old one stops working. */
must_use int sources_rotate(struct sources *sources, uint16_t number, struct arena *arena,
                            const char **write_key, struct err *err);
/* Its interactions stay; the key stops working. */
must_use int sources_remove(struct sources *sources, uint16_t number, struct err *err);
must_use int sources_get(struct sources *sources, uint16_t number, struct arena *arena,
                         struct source_record *record, struct err *err);
/* By number. */
must_use int sources_list(struct sources *sources, struct arena *arena,
                          struct source_record **records, size_t *n, struct err *err);
/* Finds a source by name or makes it: for imports and the demonstration. */
must_use int sources_ensure(struct sources *sources, const char *name, const char *kind,
                            const char *channel, struct source *source, struct err *err);

#endif
