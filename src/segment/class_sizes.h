/*
 * Sizes of the classes of segmentations by day. Classes are decided when they are asked for, so a job counts them each hour, and after a
 * change; the last count of a day stays.
 *
 * IN:  stored segmentations
 * OUT: sizes by day
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_CLASS_SIZES_H
#define SENDA_SEGMENT_CLASS_SIZES_H

#include "segment/segmentation.h"

/* Counts every class of every segmentation now. */
must_use int class_sizes_count(struct folder *folder, struct err *err);
/* [{"day","sizes":{class: n}}] from the day of from_ms to that of to_ms, where it is known, the first day first; classes as they were
 * called then. New reference. E_NOT_FOUND. */
must_use int class_sizes_history(struct folder *folder, const char *segmentation, int64_t from_ms,
                                 int64_t to_ms, json_t **days, struct err *err);
extern const struct job job_class_sizes;

#endif
