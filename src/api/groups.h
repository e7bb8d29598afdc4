/*
 * Groups as the API gives them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_GROUPS_H
#define SENDA_API_GROUPS_H

#include "api/customer_read.h"
#include "customer/groups.h"

enum { GROUP_MEMBERS_NAMED = 100 }; /* beside others; alone a group names all of them */

/* {"id","kind","name","attributes","members":[{"id","name","role","since"}],"size","roles":[…of owner]}, new reference. Members whom
 * the asker may not see are left out and not counted in size; at most `named` are told; owner 0: nobody's roles are told. */
json_t *group_json(struct request *request, struct reader *reader, const struct group *group,
                   size_t named, uint32_t owner);

#endif
