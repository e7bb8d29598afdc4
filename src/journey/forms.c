/*
 * See forms.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/forms.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SHARE_OF = 20 };

void forms_init(struct forms *forms) {
    *forms = (struct forms){0};
    key_map_init(&forms->places);
}

void forms_release(struct forms *forms) {
    key_map_release(&forms->places);
    free(forms->forms);
}

void forms_add(struct forms *forms, struct form form, uint64_t n) {
    const uint32_t words[] = {form.bucket,  form.survey, form.question,
                              form.version, form.low,    form.high};
    struct key128 key = {hash_bytes(words, sizeof words), (uint64_t)form.bucket + 1};
    uint32_t at = key_map_get(&forms->places, key);
    if (at != MAP_NONE) {
        forms->forms[at].n += n;
        return;
    }
    if (forms->n == forms->capacity) {
        forms->capacity = forms->capacity ? 2 * forms->capacity : 64;
        forms->forms = realloc(forms->forms, forms->capacity * sizeof *forms->forms);
        if (!forms->forms)
            abort();
    }
    key_map_put(&forms->places, key, (uint32_t)forms->n);
    form.n = n;
    forms->forms[forms->n++] = form;
}

void forms_merge(struct forms *into, const struct forms *from) {
    for (size_t i = 0; i < from->n; i++)
        forms_add(into, from->forms[i], from->forms[i].n);
}

static int in_order(const void *a, const void *b) {
    const struct form *x = a, *y = b;
    if (x->survey != y->survey)
        return x->survey < y->survey ? -1 : 1;
    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return (x->n < y->n) - (x->n > y->n);
}

/* What of a form is new beside those of earlier buckets, [0, n) of the same survey; 0: it was there. */
static uint8_t novelty(const struct form *known, size_t n, const struct form *form) {
    bool question = false, scale = false, rescaled = false;
    for (size_t i = 0; i < n; i++) {
        bool same = known[i].low == form->low && known[i].high == form->high;
        if (known[i].question != form->question)
            continue;
        question = true;
        scale |= same;
        rescaled |= !same;
        if (same && known[i].version == form->version)
            return 0;
    }
    return !question ? FORM_WORDING : !scale && rescaled ? FORM_SCALE : FORM_VERSION;
}

/* Forms [from, end) of one survey in one bucket; those before, from `first` on, are its earlier ones. */
static uint8_t bucket_break(const struct form *forms, size_t first, size_t from, size_t end) {
    uint64_t all = 0;
    bool old = false;
    uint8_t found = 0;
    for (size_t i = from; i < end; i++)
        all += forms[i].n;
    for (size_t i = from; i < end && from > first; i++) {
        if (forms[i].n * SHARE_OF < all)
            continue;
        uint8_t new = novelty(&forms[first], from - first, &forms[i]);
        found |= new;
        old |= !new;
    }
    return found & (FORM_SCALE | FORM_WORDING) && old ? found | FORM_MIXED : found;
}

void forms_breaks(struct forms *forms, uint8_t *breaks, uint32_t buckets) {
    struct form *all = forms->forms;
    size_t first = 0;
    for (uint32_t b = 0; b < buckets; b++)
        breaks[b] = 0;
    if (forms->n)
        qsort(all, forms->n, sizeof *all, in_order);
    for (size_t i = 0, end; i < forms->n; i = end) {
        if (all[i].survey != all[first].survey)
            first = i;
        for (end = i;
             end < forms->n && all[end].survey == all[i].survey && all[end].bucket == all[i].bucket;
             end++)
            ;
        if (all[i].bucket < buckets)
            breaks[all[i].bucket] |= bucket_break(all, first, i, end);
    }
}
