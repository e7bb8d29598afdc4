-- step 1

-- Brand promises; what one says stands in its versions, of which the last counts.
CREATE TABLE promise (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    removed INTEGER NOT NULL -- 1: no longer made; its versions stay
);
CREATE TABLE promise_version (
    promise INTEGER NOT NULL,    -- promise.id
    version INTEGER NOT NULL,    -- from 1
    document TEXT NOT NULL,      -- JSON: sentence, rule, target, owner, split, segment (promise.h)
    author TEXT NOT NULL,        -- who said so
    changed_ms INTEGER NOT NULL, -- UTC milliseconds since 1970
    PRIMARY KEY (promise, version)
) WITHOUT ROWID;
-- step 2

-- Since when breaks of a promise are told as interactions, as long as it measures the same.
CREATE TABLE promise_watch (
    promise INTEGER PRIMARY KEY, -- promise.id
    question TEXT NOT NULL,      -- JSON: what is measured
    since_ms INTEGER NOT NULL    -- UTC milliseconds since 1970
);
-- Breaks that were told, each once, by the interaction that had made the promise.
CREATE TABLE promise_told (
    promise INTEGER NOT NULL,    -- promise.id
    seq INTEGER NOT NULL,        -- in the log
    PRIMARY KEY (promise, seq)
) WITHOUT ROWID;
