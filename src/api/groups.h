/*
 * Groups as the API gives them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_GROUPS_H
#define SENDA_API_GROUPS_H

#include "api/customer_read.h"
#include "customer/groups.h"

/* {"id","kind","name","attributes","members":[{"id","name","role","since"}],"roles":[…of owner]}, new reference. Members whom the asker may
 * not see are left out; owner 0: nobody's roles are told. */
json_t *group_json(struct request *request, struct reader *reader, const struct group *group,
                   uint32_t owner);

#endif
