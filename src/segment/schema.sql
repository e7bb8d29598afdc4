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
-- step 2

-- Who is in a segment: the set as it was written last, and what changed since. Only to tell after a restart who entered
-- and left meanwhile; questions decide by the rule.
CREATE TABLE segment_set (
    segment INTEGER PRIMARY KEY, -- segment.id
    members BLOB NOT NULL        -- customers, CRoaring's portable format
);
CREATE TABLE segment_change (
    segment INTEGER NOT NULL,    -- segment.id
    customer INTEGER NOT NULL,   -- profile number
    inside INTEGER NOT NULL,     -- 1: entered since, 0: left since
    PRIMARY KEY (segment, customer)
) WITHOUT ROWID;
-- The size of each segment at the end of each day (of today: now), and how many came and went on that day.
CREATE TABLE segment_size (
    segment INTEGER NOT NULL,    -- segment.id
    day_ms INTEGER NOT NULL,     -- local midnight, UTC milliseconds since 1970
    size INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (segment, day_ms)
) WITHOUT ROWID;
-- step 3

-- Segmentations: every customer in exactly one class; what one says stands in its versions, of which the last counts.
CREATE TABLE segmentation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE    -- as questions say it; its classes are in segment_rule as "NAME/CLASS"
);
CREATE TABLE segmentation_version (
    segmentation INTEGER NOT NULL, -- segmentation.id
    version INTEGER NOT NULL,      -- from 1
    document TEXT NOT NULL,        -- JSON: title, description, classes, rest (segmentation.h)
    author TEXT NOT NULL,          -- who said so
    changed_ms INTEGER NOT NULL,   -- UTC milliseconds since 1970
    PRIMARY KEY (segmentation, version)
) WITHOUT ROWID;
-- step 4

-- Who was in a segment when it was made and is not told yet: told in the background, in the order of their numbers.
CREATE TABLE segment_initial (
    segment INTEGER PRIMARY KEY, -- segment.id
    members BLOB NOT NULL,       -- customers, CRoaring's portable format
    told_to INTEGER NOT NULL     -- profile number: up to here they are told
);
-- step 5

-- How many each class of a segmentation held, by day: the last count of the day.
CREATE TABLE class_size (
    segmentation INTEGER NOT NULL, -- segmentation.id
    class TEXT NOT NULL,           -- its name then
    day_ms INTEGER NOT NULL,       -- local midnight, UTC milliseconds since 1970
    size INTEGER NOT NULL,
    PRIMARY KEY (segmentation, day_ms, class)
) WITHOUT ROWID;
