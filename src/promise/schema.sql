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
