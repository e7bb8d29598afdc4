-- step 1

-- What the organisation has settled about its scores, and the diary of its centres. See metric.h.

CREATE TABLE score_survey (          -- what a survey asks about
    survey TEXT PRIMARY KEY,         -- its name as answers bear it
    relation TEXT NOT NULL           -- relational, transactional, rivals
) WITHOUT ROWID;

CREATE TABLE score_margins (         -- shares of the population that answers may be weighted to
    name TEXT PRIMARY KEY,
    margins TEXT NOT NULL,           -- JSON: [{"by": …, "shares": {category: share}}]
    author TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE centre_diary (          -- what changed at a centre, and when
    id INTEGER PRIMARY KEY,
    unit TEXT NOT NULL,              -- '': everywhere
    kind TEXT NOT NULL,              -- environment, staffing, works, other
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,                   -- exclusive; NULL: it still holds
    text TEXT NOT NULL,
    number REAL,                     -- how many people on duty, degrees …; NULL: not said
    author TEXT NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX centre_diary_by_time ON centre_diary (unit, from_ms);
