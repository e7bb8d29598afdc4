/*
 * The table of who sees what: see sight.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/sight.h"

/* The least role that is shown a property; a key counts as ROLE_ADMIN if its scope is `admin`. */
static const enum role shown_to[SENSITIVITIES] = {
    [SENSITIVITY_AUTOMATIC] = ROLE_NONE,
    [SENSITIVITY_OPEN] = ROLE_NONE,
    [SENSITIVITY_PERSONAL] = ROLE_NONE,
    [SENSITIVITY_SENSITIVE] = ROLE_ADMIN,
};

struct sight sight_of(struct folder *folder, const struct principal *principal) {
    struct sight sight = {.folder = folder};
    enum role role = principal->scopes & SCOPE_ADMIN && principal->role < ROLE_ADMIN
                         ? ROLE_ADMIN
                         : principal->role;
    for (unsigned i = 0; i < SENSITIVITIES; i++)
        if (role < shown_to[i])
            sight.hidden |= 1U << i;
    return sight;
}

static bool hides(const struct sight *sight, enum sensitivity sensitivity) {
    return sight->hidden >> sensitivity & 1;
}

bool sight_hides(const struct sight *sight, uint32_t code) {
    return sight->folder && sight->hidden && code && hides(sight, registry_of(sight->folder, code));
}

bool sight_hides_name(const struct sight *sight, struct slice name) {
    return sight->folder && sight->hidden && hides(sight, registry_of_name(sight->folder, name));
}

bool sight_hides_kind(const struct sight *sight, struct slice kind) {
    return sight->folder && sight->hidden && hides(sight, registry_of_kind(sight->folder, kind));
}

int sight_check(const struct sight *sight, struct slice name, const char *pointer,
                struct err *err) {
    if (!sight_hides_name(sight, name))
        return 0;
    err_at(err, E_FORBIDDEN, pointer, "a sensitive property is hidden from you");
    return err_hint(err, "\"%.*s\" is seen by administrators: ask one of them for this figure.",
                    name.n > 100 ? 100 : (int)name.n, name.p);
}
