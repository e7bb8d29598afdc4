/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/breaks.h"

#include "backend/local.h"
#include "backend/members.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/time.h"
#include "journey/promise.h"

struct taking {
    const struct breaks_asked *asked;
    enum promise_kind kind;
    void (*take)(void *context, const struct promise_break *broken);
    void *context;
};

static void tell(void *opaque, const struct promise_made *made) {
    const struct taking *taking = opaque;
    if (made->state != PROMISE_BROKEN)
        return;
    struct promise_break broken = {.seq = made->seq,
                                   .profile = made->profile,
                                   .unit = (uint16_t)made->group,
                                   .made_ms = made->at_ms,
                                   .due_ms = made->due_ms};
    broken.broken_ms = taking->kind == PROMISE_WITHIN ? made->due_ms : made->met_ms;
    if (broken.broken_ms >= taking->asked->since_ms)
        taking->take(taking->context, &broken);
}

static int scan_all(struct question *question, const struct promise_spec *spec, struct err *err) {
    struct promise_count *count = promise_new(spec);
    question->scan.threads = 1; /* take() is not asked to mind threads */
    int code = scan_run(&question->scan, &promise_operator, (void *[]){count}, err);
    promise_free(count);
    return code;
}

/* only, or those of them whom the promise is made to. */
static struct owner_set *members_of(struct question *question) {
    struct owner_set *members = ARENA_ARRAY(question->arena, struct owner_set, 1);
    if (!question->only)
        return question->plan->segment ? &question->segment : NULL;
    owner_set_init(members, question->only->n, question->arena);
    for (uint32_t word = 0; word <= (members->n - 1) / 64; word++)
        members->bits[word] = question->only->bits[word] &
                              (question->plan->segment ? question->segment.bits[word] : UINT64_MAX);
    return members;
}

static int find(struct question *question, struct taking *taking, struct err *err) {
    struct promise_spec spec;
    int code = question_begin(question, err);
    if (code)
        return code;
    question->spec.members = members_of(question);
    question->spec.origins = true;
    code = promise_prepare(question, &spec, err);
    if (!code)
        code = question_buckets(question, &spec.buckets, err);
    if (code)
        return code;
    spec.origins = true;
    spec.tell = tell;
    spec.context = taking;
    return scan_all(question, &spec, err);
}

static int compile(struct folder *folder, const struct breaks_asked *asked, struct arena *arena,
                   struct plan **plan, struct err *err) {
    static const struct principal everybody = {.role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    json_t *query = json_copy((json_t *)(uintptr_t)asked->question);
    json_object_set_new(query, "by", json_string("unit"));
    int code = question_compile(folder, query, &everybody, false, asked->now_ms, arena, plan, err);
    json_decref(query);
    return code;
}

int breaks_find(struct folder *folder, const struct snapshot *snapshot,
                const struct breaks_asked *asked,
                void (*take)(void *context, const struct promise_break *broken), void *context,
                int64_t *waits_ms, struct err *err) {
    struct arena arena;
    struct plan *plan;
    struct stored_members *stored = NULL;
    arena_init(&arena);
    int code = compile(folder, asked, &arena, &plan, err);
    *waits_ms = code || plan->promise != PROMISE_WITHIN ? 0 : plan->window_ms;
    bool answers = !code && plan->promise == PROMISE_SCORE;
    if (!code && !(answers && !plan->points_property)) { /* else nobody has answered anything yet */
        struct question *question = ARENA_ARRAY(&arena, struct question, 1);
        struct taking taking = {asked, plan->promise, take, context};
        if (asked->since_ms > TIME_MIN_MS + plan->window_ms)
            plan->filter.from_ms = asked->since_ms - plan->window_ms;
        *question = (struct question){
            .folder = folder,
            .plan = plan,
            .snapshot = snapshot,
            .dictionary = snapshot_dictionary(snapshot),
            .patience = {NULL, clock_monotonic_us() + LIMIT_QUERY_MS * INT64_C(1000)},
            .arena = &arena,
            .stored = &stored};
        if (asked->only)
            question->only = members_set(asked->only, snapshot_profiles(snapshot) + 1, &arena);
        question_tables_init(question);
        code = find(question, &taking, err);
        question_tables_release(question);
    }
    arena_release(&arena);
    return code;
}
