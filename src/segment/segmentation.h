/*
 * Segmentations: every customer in exactly one class. An ordered list of rules, the first that holds gives the class, and a
 * rest for who meets none; so it is exclusive and exhaustive by construction, while free segments may overlap.
 *
 * A segmentation is a JSON document:
 *   name         as of segments; its classes are stored rules "NAME/CLASS", in questions: {"in": "homes/rural"},
 *                "segment": "homes/rural", "by": {"segmentation": "homes"}
 *   title, description
 *   classes      [{"name","title","rule","colour","mission","proposition","persona"}], the first rule first
 *   rest         {"name","title","colour","mission","proposition","persona"}: who is left; its name is "rest" where none is given
 *   persona      {"name","age","quote","story","goals","frustrations","channels"}: texts, whom to think of
 * As it is read: also id, version, author, changed_at. Each change is a new version; the old ones stay to be read.
 *
 * IN:  documents, who asks
 * OUT: stored segmentations in versions; the rules of their classes
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_SEGMENTATION_H
#define SENDA_SEGMENT_SEGMENTATION_H

#include "segment/segment.h"

enum { SEGMENTATIONS_MAX = 20, CLASSES_MAX = 24 };

/* All, in their newest versions, the first made first. New reference. */
must_use int segmentation_list(struct folder *folder, json_t **list, struct err *err);
/* New reference. E_NOT_FOUND. */
must_use int segmentation_find(struct folder *folder, const char *name, json_t **segmentation,
                               struct err *err);
/* The newest first. New reference. E_NOT_FOUND. */
must_use int segmentation_versions(struct folder *folder, const char *name, json_t **versions,
                                   struct err *err);
/* Checks a document and keeps it, as segment_put does. */
must_use int segmentation_put(struct folder *folder, const char *current, const json_t *document,
                              const char *author, char name[SEGMENT_NAME_BYTES], struct err *err);
/* With all its versions. E_NOT_FOUND; E_CONFLICT: a segment is built on a class. */
must_use int segmentation_remove(struct folder *folder, const char *name, struct err *err);

/* The classes of a document in order, the rest last, each {"name","title", …} without its rule. New reference. */
json_t *segmentation_classes(const json_t *segmentation);
/* The rule that says who is in class k of a document (the rest: k = number of classes), written out. New reference. */
json_t *segmentation_rule(const json_t *segmentation, size_t k);

#endif
