/*
 * Every bound of the product, in one place. A queue, buffer, batch, page or recursion without a
 * row here is a defect.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_LIMITS_H
#define SENDA_BASE_LIMITS_H

/* One event on the wire. */
#define LIMIT_EVENT_BYTES 32768
#define LIMIT_EVENT_PROPERTIES 255 /* scalar and nested members of one event */
#define LIMIT_ANSWERS 200          /* that one interaction may bring */
#define LIMIT_NAME_BYTES 255       /* event, channel, touchpoint, unit, property name */
#define LIMIT_ID_BYTES 255         /* userId, anonymousId, groupId */
#define LIMIT_MESSAGE_ID_BYTES 100
#define LIMIT_JSON_DEPTH 32

/* One request. */
#define LIMIT_BATCH_EVENTS 2500
#define LIMIT_BATCH_BYTES (1 << 22) /* 4 MB, after inflation */
#define LIMIT_BODY_BYTES (1 << 26)  /* 64 MB: uploads of files to /api */
#define LIMIT_URL_BYTES 8192
#define LIMIT_HEADER_BYTES (1 << 15)
#define LIMIT_CONNECTIONS 4096
#define LIMIT_CONNECTIONS_PER_ADDRESS 1024
#define LIMIT_REQUEST_S 30 /* header and body must have arrived by then */

/* The writer. */
#define LIMIT_WRITER_QUEUE_BYTES (64 << 20)
#define LIMIT_COMMIT_BYTES (16 << 20)
#define LIMIT_COLLECT_WAIT_MS 2000 /* a request waits for room, and its sender with it */
#define LIMIT_COLLECT_WAIT_BYTES (32 << 20)

/* Dictionaries. */
#define LIMIT_CODES 65535           /* events, channels, touchpoints, units */
#define LIMIT_PROPERTY_CODES 65535  /* names of properties, contexts and traits */
#define LIMIT_PROPERTY_COLUMNS 2000 /* columns in a part; the rest is only in the log */
#define LIMIT_COLUMN_CODES 65536    /* distinct values with a dictionary in a part */

/* The index. */
#define LIMIT_TAIL_ROWS (32 * 1024)
#define LIMIT_HEAD_ROWS (256 * 1024)
#define LIMIT_TIME_RANGES 8
#define LIMIT_HEAD_BYTES (64 << 20) /* of properties in the unsealed part of the index */
#define LIMIT_TOUCHPOINT_RULES 500

/* Queries. */
#define LIMIT_QUERY_BYTES (1 << 18)
#define LIMIT_FUNNEL_STEPS 32
#define LIMIT_WHERE 32
#define LIMIT_QUERY_MS 30000
#define LIMIT_BUCKETS 200000 /* buckets of a trend */
#define LIMIT_REFUSALS_KEPT 1000

#endif
