-- step 1

-- Names and their codes, organisation-wide. A code is never reused or changed.
CREATE TABLE dictionary (
    kind INTEGER NOT NULL, -- enum dictionary_kind: 1 event, 2 channel, 3 touchpoint, 4 unit, 5 property
    code INTEGER NOT NULL, -- from 1, dense within its kind
    name TEXT NOT NULL,    -- as events say it
    PRIMARY KEY (kind, code)
) WITHOUT ROWID;

-- The newest part of the log: one row a commit. Folding moves rows into log files.
CREATE TABLE fresh (
    first INTEGER PRIMARY KEY, -- seq of the batch's first record
    count INTEGER NOT NULL,    -- records in it; the next row begins at first + count
    frames BLOB NOT NULL       -- frames as in log files (log.c), one after the other
);

-- Log files that are complete, durable and immutable: DIR/log/NNNNNN.log.
CREATE TABLE log_file (
    number INTEGER PRIMARY KEY, -- NNNNNN
    first INTEGER NOT NULL,     -- seq of its first record
    count INTEGER NOT NULL,     -- records in it
    bytes INTEGER NOT NULL      -- size of the file
);

-- Key files that are complete, durable and immutable: DIR/keys/NAME-NNNNNN.keys.
CREATE TABLE key_file (
    name TEXT NOT NULL,      -- set: "message" or "identity"
    number INTEGER NOT NULL, -- NNNNNN
    age INTEGER NOT NULL,    -- order of the files: entries of a higher age hide those of a lower one
    keys INTEGER NOT NULL,   -- entries in it
    bytes INTEGER NOT NULL,  -- size of the file
    covered INTEGER NOT NULL,-- position of the newest entry that is in this file or in an older one
    PRIMARY KEY (name, number)
) WITHOUT ROWID;

-- Parts of the timeline that are complete and durable: DIR/parts/NNNNNNNN.part and, of interactions,
-- NNNNNNNN.VVVVVVVV.touch. A file that is not listed here is left over and is removed.
CREATE TABLE part (
    number INTEGER PRIMARY KEY,     -- NNNNNNNN
    kind INTEGER NOT NULL,          -- enum part_kind: 0 interactions, 1 traits, 2 answers
    rows INTEGER NOT NULL,          -- rows in it
    bytes INTEGER NOT NULL,         -- size of the .part file
    min_ms INTEGER NOT NULL,        -- time of its earliest row
    max_ms INTEGER NOT NULL,        -- time of its latest row
    min_seq INTEGER NOT NULL,       -- its first row in the log
    max_seq INTEGER NOT NULL,       -- its last row in the log
    rules_version INTEGER NOT NULL  -- VVVVVVVV: rules that its touchpoints follow
);

-- State of the timeline: one row, once there is a timeline.
CREATE TABLE timeline (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    covered INTEGER NOT NULL,       -- every row of the log up to this seq is in a listed part
    boundaries TEXT NOT NULL,       -- first instants (UTC ms) of all time ranges but the oldest, ascending, by comma
    rules_version INTEGER NOT NULL  -- of the touchpoint rules in force
);

-- Rules that give interactions their touchpoint; the first that matches wins. NULL: any.
CREATE TABLE touchpoint_rule (
    position INTEGER PRIMARY KEY,   -- from 1
    touchpoint TEXT NOT NULL,       -- name of the touchpoint that it gives
    event TEXT,                     -- name of the event
    channel TEXT,                   -- name of the channel
    path TEXT,                      -- pattern of the page's path: "/checkout*"
    property TEXT,                  -- name of a property …
    value TEXT                      -- … and the value that it must have, as text
);
