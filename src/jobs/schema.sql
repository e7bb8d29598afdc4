-- step 1

-- What came of each job's last run.
CREATE TABLE job (
    name TEXT PRIMARY KEY,       -- as in the table of jobs
    since_ms INTEGER NOT NULL,   -- when this installation first knew it, UTC milliseconds since 1970
    began_ms INTEGER NOT NULL,   -- last run; 0: never
    ended_ms INTEGER NOT NULL,   -- its end; 0: never, or the process ended first
    code INTEGER NOT NULL,       -- 0 or the error's code (base/err.h)
    message TEXT NOT NULL,       -- why it failed, or ""
    result TEXT NOT NULL         -- JSON object, or ""
) WITHOUT ROWID;
