/*
 * Shared inside value/: what a run reads, and what its parts add to.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_VALUE_INTERNAL_H
#define SENDA_VALUE_INTERNAL_H

#include "backend/local.h"
#include "backend/value_data.h"
#include "journey/signals.h"
#include "stats/survival.h"
#include "value/value.h"

#define YEAR_DAYS 365.25
#define MONTH_DAYS (YEAR_DAYS / 12)
enum { VALUE_TOO_FEW = 200 /* who left, to learn from */, VALUE_SIGN_TRAITS = 24 };

/* ---- gather.c: reading ---- */

struct gather {
    struct folder *folder;
    const struct principal *principal;
    struct snapshot *snapshot;
    struct arena arena;
    struct query_control control;
    struct patience patience;
    const struct zone *zone;
    uint32_t n;                /* owners are below this */
    int32_t from_day, end_day; /* first and last day with an interaction; from > end: none */
};
must_use int gather_open(struct gather *gather, struct folder *folder,
                         const struct principal *principal, struct err *err);
void gather_close(struct gather *gather);
extern const struct principal VALUE_EVERYTHING; /* sees the whole organisation */

/* First instant after a local day. */
int64_t gather_after_day(const struct gather *gather, int32_t day);
must_use int gather_matcher(struct gather *gather, const json_t *json,
                            const struct matcher **matcher, struct err *err);
/* The value question of the settings; *plan NULL: nobody ever bought. Where nothing bears the amount: how often, not how much
 * (measure_property 0). */
must_use int gather_plan(struct gather *gather, const json_t *settings, struct plan **plan,
                         struct err *err);
/* Purchases up to and with a day, by owner; free(). plan NULL: none. */
must_use int gather_purchases(struct gather *gather, const struct plan *plan, int32_t day,
                              struct purchase_history **rows, size_t *n, struct err *err);
/* The same of one owner; days 0: none that the principal may see. */
must_use int gather_purchases_of(struct gather *gather, const struct plan *plan, uint32_t owner,
                                 struct purchase_history *row, struct err *err);
/* [n], zeroed by the caller. */
must_use int gather_spans(struct gather *gather, const struct matcher *matcher, struct span *spans,
                          struct err *err);
/* Current values of a trait: numbers, and texts that are dates as days; NAN else. name NULL: all NAN. */
must_use int gather_trait(struct gather *gather, const char *name, bool dates, float *values,
                          struct err *err);
/* Bit set of owners whose current value of a trait is this one; the arena's. */
must_use int gather_having(struct gather *gather, const char *name, const json_t *value,
                           struct owner_set *owners, struct err *err);
/* Number of the current value of a trait in the table, by owner: 0 none; the arena's. */
must_use int gather_groups(struct gather *gather, const char *name, struct value_table *table,
                           uint32_t **by_owner, struct err *err);
/* What somebody did, as a sign: an event, or anything with a value of a property. */
struct deed {
    uint16_t event;    /* CODE_NONE: any */
    uint32_t property; /* CODE_NONE: whatever it bears */
    struct value value;
};
/* Signals before an instant; deeds: the model's, at most SIGNAL_EVENTS. */
must_use int gather_signals(struct gather *gather, int64_t at_ms, const struct deed *deeds,
                            uint32_t n_deeds, struct signals *signals, struct err *err);
/* Bit k: did deeds[k], at most 64, in the SIGNAL_LONG_DAYS before an instant. seen[n] zeroed by the caller. */
must_use int gather_seen(struct gather *gather, int64_t at_ms, const struct deed *deeds,
                         uint32_t n_deeds, uint64_t *seen, struct err *err);
/* Newest answer's points of a metric in the year before an instant; values: NAN where none. */
must_use int gather_mood(struct gather *gather, int64_t at_ms, const char *metric, float *values,
                         struct err *err);

/* ---- a run ---- */

/* An owner's contract. */
struct spell {
    int32_t start_day, end_day; /* end_day: while ended */
    int32_t entry_days;         /* old already when they were first observed */
    bool is, ended;
};

struct estimation {
    struct gather gather;
    json_t *settings, *report, *warnings;
    struct plan *plan; /* of purchases, NULL: none */
    struct numbers_draft draft;
    const atomic_bool *cancelled;
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    struct purchase_history *rows; /* at the end, by owner */
    size_t n_rows;
    bool contracts, table; /* table: contracts without dates (settings.c) */
    struct spell *spells;  /* [n] with contracts */
    float *fees;           /* [n] with contracts, a month */
};
/* The column of a number, NAN where nobody wrote yet. */
float *run_column(struct estimation *run, enum number number);
must_use int run_step(struct estimation *run, unsigned percent, struct err *err); /* E_CANCELLED */

/* worth_run.c */
must_use int run_worth(struct estimation *run, struct err *err);
/* contract.c: of a table, a gather that saw no interaction is today's. */
must_use int spells_read(struct gather *gather, const json_t *settings, struct spell *spells,
                         struct err *err);
must_use int run_contracts(struct estimation *run, struct err *err);
/* Lifetimes of spells as known at the end of a day; lifetimes[n]; returns how many. owners may be NULL. */
size_t spells_lifetimes(const struct gather *gather, const struct spell *spells, int32_t day,
                        struct lifetime *lifetimes, uint32_t *owners);
/* Lifetimes from first purchase to last: over where silence is longer than normal_days. */
size_t purchases_lifetimes(const struct gather *gather, const struct purchase_history *rows,
                           size_t n, double normal_days, struct lifetime *lifetimes,
                           uint32_t *owners);
/* survival.c: a curve of at most so many points, with median and mean. */
json_t *survival_json(const struct survival *survival);
/* {"all": curve}, with a trait "by", "groups", "log_rank" … besides (value_survival). */
must_use int survival_by(struct gather *gather, const json_t *settings, const char *trait,
                         json_t **out, struct err *err);
/* churn.c */
must_use int run_churn(struct estimation *run, struct err *err);
/* Silence that is still normal: no shorter than the window, nor than what four of five repeaters need. */
double normal_silence(const struct purchase_history *rows, size_t n, double window_days);
/* Health against the usual rate of leaving: "good" up to its odds, "watch" up to twice them, "risk" beyond. */
enum { HEALTH_BANDS = 3 };
extern const char *const health_bands[HEALTH_BANDS];
int health_band(double p, double base);
double settings_window_days(const json_t *settings);
bool settings_are_table(const json_t *settings);
double settings_unit_days(const json_t *contract); /* of "tenure"; 0: no such unit */
/* spread.c: tenths and cohorts of what was estimated. */
void run_spread(struct estimation *run);
/* potential.c */
must_use int run_potential(struct estimation *run, struct err *err);
/* {"held": products, "offers": [{"product", "share"}]} of an owner, as the gather's principal may see it; *out NULL where the
 * settings name no product. */
must_use int products_of(struct gather *gather, const struct plan *plan, const json_t *report,
                         uint32_t owner, json_t **out, struct err *err);

#endif
