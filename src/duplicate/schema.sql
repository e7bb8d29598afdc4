-- step 1

-- Customers who may be one, as the nightly search found them and people decided.
CREATE TABLE duplicate (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    one INTEGER NOT NULL,          -- profile numbers of the owners then, one < other
    other INTEGER NOT NULL,
    score INTEGER NOT NULL,        -- 0 … 100
    reasons INTEGER NOT NULL,      -- bits of enum duplicate_reason
    state TEXT NOT NULL,           -- open merged rejected
    found_ms INTEGER NOT NULL,     -- UTC milliseconds since 1970
    decided_ms INTEGER NOT NULL,   -- 0: not yet
    decided_by TEXT NOT NULL,      -- e-mail of the person, name of the key, or ""
    UNIQUE (one, other)
);
CREATE INDEX duplicate_by_score ON duplicate(state, score DESC, number);
