-- Who logged in last, when, with which password, by which mechanism. A file of the helper's own: it may write this one and not
-- the accounts. The application id is "sasa".
PRAGMA application_id = 1935766369;

-- Since when nothing was missed, for each account database, by its random number.
CREATE TABLE periods (
    database BLOB NOT NULL PRIMARY KEY CHECK (length(database) = 16),
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The helpers at work. One that died left no farewell, and what it had not written yet is missing.
CREATE TABLE helpers (
    boot    TEXT NOT NULL,
    pid     INTEGER NOT NULL,
    -- When the process began, as the kernel counts it: process numbers come back.
    started INTEGER NOT NULL,
    PRIMARY KEY (boot, pid)
) STRICT, WITHOUT ROWID;

-- When the last helper said farewell. One row.
CREATE TABLE farewell (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;

CREATE TABLE uses (
    database   BLOB NOT NULL CHECK (length(database) = 16),
    realm      TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- Empty for EXTERNAL, which knows no password.
    label      TEXT NOT NULL,
    mechanism  TEXT NOT NULL,
    -- The last success; none where its secrets were only handed out.
    last       INTEGER,
    -- The mail client's address then; none where the server that asked did not tell.
    remote     TEXT,
    -- How often its secrets were handed out over the lookup socket, and when last.
    handed_out      INTEGER NOT NULL DEFAULT 0,
    last_handed_out INTEGER,
    PRIMARY KEY (database, realm, name, label, mechanism)
) STRICT, WITHOUT ROWID;
