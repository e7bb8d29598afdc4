-- step 1

-- People who asked to be erased, and what became of it.
CREATE TABLE erasure (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    customer INTEGER NOT NULL,    -- owner profile, whose number stays
    members TEXT NOT NULL,        -- JSON list: profiles that were one with it
    state TEXT NOT NULL,          -- waiting running cleaning done failed
    who TEXT NOT NULL,            -- e-mail of the person, name of the key, "shell"
    why TEXT NOT NULL,            -- in their words, or ""
    asked_ms INTEGER NOT NULL,    -- UTC milliseconds since 1970
    ended_ms INTEGER NOT NULL,    -- 0: not yet
    allowed_ms INTEGER NOT NULL,  -- when the suppression was lifted; 0: it holds
    sought BLOB NOT NULL,         -- what is looked for, sealed; empty once it is gone
    report TEXT NOT NULL          -- JSON: the proof, or ""
);
CREATE INDEX erasure_by_customer ON erasure(customer);

-- step 2

-- What an organisation says about a property or trait by name.
CREATE TABLE property_note (
    name TEXT PRIMARY KEY,      -- as events say it
    sensitivity TEXT NOT NULL,  -- open personal sensitive
    purpose TEXT NOT NULL,      -- purpose.name that it is kept for, or ""
    note TEXT NOT NULL          -- what it is, or ""
) WITHOUT ROWID;
