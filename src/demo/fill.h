/*
 * A data folder full of the demonstration organisation.
 *
 * STATES of the setting `demo`: absent (somebody's own data), "loading" (a fill began: `demo_now` and `demo_scale` say with
 * which options; filling again with the same continues, since what is there already is a duplicate), "1" (complete).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_DEMO_FILL_H
#define SENDA_DEMO_FILL_H

#include "demo/demo.h"
#include "http/app.h"

enum demo_state { DEMO_NONE, DEMO_LOADING, DEMO_COMPLETE };

struct demo_folder {
    enum demo_state state;
    int64_t now_ms; /* of a fill that began */
    double scale;
};
must_use int demo_folder_state(struct folder *folder, struct demo_folder *demo, struct err *err);

struct demo_filling {
    double scale;
    int64_t now_ms;
    demo_progress *progress; /* NULL: none */
    void *context;
    uint64_t accepted, duplicates; /* filled */
};
/* Units, touchpoints, sources, then every event, durable and sealed when it returns. */
must_use int demo_fill(struct app *app, struct demo_filling *filling, struct err *err);

/* The organisation's brand promises, once its events are there. */
must_use int demo_promises(struct folder *folder, const struct principal *principal,
                           struct err *err);
/* Its segments and a segmentation. */
must_use int demo_segments(struct folder *folder, const struct principal *principal,
                           struct err *err);
/* Its opinion screens, with the taps of their last week. */
must_use int demo_kiosks(struct folder *folder, const struct principal *principal, int64_t now_ms,
                         struct err *err);
/* Relations of its surveys, and the diary of its centres; comfort_ms: when Burgos got its seats (fact 7). */
must_use int demo_scores(struct folder *folder, const struct principal *principal,
                         int64_t comfort_ms, struct err *err);
/* What it asks. */
must_use int demo_surveys(struct folder *folder, const struct principal *principal,
                          struct err *err);
/* Plans of invitations to its surveys (demo/invitations.c). */
must_use int demo_invitations(struct folder *folder, const struct principal *principal,
                              struct err *err);
/* How it counts value, and the first estimate. */
must_use int demo_worth(struct folder *folder, const struct principal *principal, struct err *err);

#endif
