-- step 1

-- Surveys: what is edited. What was published stands in survey_version and never changes.
CREATE TABLE survey (
    number INTEGER PRIMARY KEY,   -- from 1, never used again
    id TEXT NOT NULL UNIQUE,      -- as in addresses: "after-purchase"
    title TEXT NOT NULL,          -- of the draft, in its first language: for lists
    state INTEGER NOT NULL,       -- enum survey_state
    version INTEGER NOT NULL,     -- published last, 0: none
    draft TEXT NOT NULL,          -- definition, JSON (docs/surveys.md); may be unfinished
    draft_differs INTEGER NOT NULL, -- 1: from the version published last
    author TEXT NOT NULL,         -- who made it
    created_ms INTEGER NOT NULL,  -- UTC milliseconds since 1970
    changed_ms INTEGER NOT NULL   -- of the draft or the state
);

CREATE TABLE survey_version (
    survey INTEGER NOT NULL,      -- number of the survey
    version INTEGER NOT NULL,     -- from 1
    definition TEXT NOT NULL,     -- JSON
    author TEXT NOT NULL,         -- who published it
    published_ms INTEGER NOT NULL,
    PRIMARY KEY (survey, version)
) WITHOUT ROWID;

-- Answers under way (save and resume), until they are complete.
CREATE TABLE survey_progress (
    survey INTEGER NOT NULL,      -- number of the survey
    submission TEXT NOT NULL,     -- its id: a secret of who answers
    version INTEGER NOT NULL,     -- that it was begun with
    recorded INTEGER NOT NULL,    -- 1: what was answered is in the timeline as a partial answer
    state BLOB NOT NULL,          -- sealed JSON: answers, hidden fields, language, personal link
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (survey, submission)
) WITHOUT ROWID;
CREATE INDEX survey_progress_idle ON survey_progress(recorded, updated_ms);

-- Complete answers counted for the limit of a survey ("") and its quotas.
CREATE TABLE survey_quota (
    survey INTEGER NOT NULL,      -- number of the survey
    quota TEXT NOT NULL,          -- id of the quota, or ""
    n INTEGER NOT NULL,
    PRIMARY KEY (survey, quota)
) WITHOUT ROWID;

-- step 2

ALTER TABLE survey_progress ADD COLUMN customer INTEGER NOT NULL DEFAULT 0; -- profile of a personal link, 0: anonymous
