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
