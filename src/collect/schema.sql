-- step 1

-- Where events come from.
CREATE TABLE source (
    number INTEGER PRIMARY KEY,   -- as rows of the log say it, from 1; 0 is the system and has no row
    name TEXT NOT NULL UNIQUE,    -- shown: "Web shop"
    kind TEXT NOT NULL,           -- web app server file store phone …
    channel TEXT NOT NULL,        -- default channel of its events, or ""
    key_hash BLOB NOT NULL,       -- keyed hash of the write key, 16 bytes
    key_sealed BLOB NOT NULL,     -- the write key, sealed: shown again in the snippet
    disabled INTEGER NOT NULL,    -- 1: its events are refused
    removed INTEGER NOT NULL,     -- 1: gone from lists, the number stays taken
    created_ms INTEGER NOT NULL   -- UTC milliseconds since 1970
);

-- What became of a source's events since it exists; written now and then, and at the end.
CREATE TABLE source_counter (
    source INTEGER NOT NULL, -- number of the source
    name TEXT NOT NULL,      -- "accepted", "duplicates", "rejected", "masked" (places), "last_ms" or the code of a refusal
    value INTEGER NOT NULL,  -- count, or the instant for last_ms
    PRIMARY KEY (source, name)
) WITHOUT ROWID;

-- step 2

ALTER TABLE source ADD COLUMN unit TEXT NOT NULL DEFAULT ''; -- of events that say none; "": by the rules

-- The unit of events that say none and whose source has none: the first rule that fits.
CREATE TABLE unit_rule (
    position INTEGER PRIMARY KEY, -- order of trial
    property TEXT NOT NULL,       -- of an interaction
    value TEXT NOT NULL,          -- as text: "Sur", "12", "true"
    unit TEXT NOT NULL            -- name of the unit
);
