-- step 1

-- Segments: groups of customers that a rule describes.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,   -- as questions say it
    document TEXT NOT NULL,      -- JSON: title, rule, mission, proposition, description, colour, owner (segment.h)
    author TEXT NOT NULL,        -- who changed it last
    created_ms INTEGER NOT NULL, -- UTC milliseconds since 1970
    changed_ms INTEGER NOT NULL
);
-- What a name means in questions (query/stored.h): of segments and of the classes of segmentations.
CREATE TABLE segment_rule (
    name TEXT PRIMARY KEY,       -- "vip", "homes/rural"
    rule TEXT NOT NULL           -- JSON
) WITHOUT ROWID;
