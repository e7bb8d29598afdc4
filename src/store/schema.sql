-- Records of the store itself. Every module has a schema.sql like this one; a line "-- step N" begins the N-th step
-- of its schema. A step is never edited once released: changes are new steps, applied at start after an automatic copy.

-- step 1

-- Which steps of which module's schema this file has.
CREATE TABLE schema_step (
    module TEXT NOT NULL,        -- folder of the module: "timeline"
    step INTEGER NOT NULL,       -- number of the step, from 1
    applied_ms INTEGER NOT NULL, -- when, UTC milliseconds since 1970
    PRIMARY KEY (module, step)
) WITHOUT ROWID;

-- Settings of the organisation.
CREATE TABLE setting (
    name TEXT PRIMARY KEY, -- "organisation", "timezone", …
    value TEXT NOT NULL    -- as text
) WITHOUT ROWID;
