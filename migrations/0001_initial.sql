-- "sasl": what `file` and `PRAGMA application_id` know our databases by.
PRAGMA application_id = 0x7361736C;

-- One row: what the database is.
CREATE TABLE meta (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    -- Random, for ever. A sealed record opens in the database that it was made for only.
    database_id   BLOB NOT NULL CHECK (length(database_id) = 16),
    created       INTEGER NOT NULL,
    default_realm TEXT NOT NULL,
    -- A JSON array of texts.
    aliases       TEXT NOT NULL,
    -- The key that the salt key below is sealed with; computed from the key itself.
    key_id        BLOB NOT NULL CHECK (length(key_id) = 8),
    -- Random, for ever: the SCRAM salts of all accounts hang on it. Its seal covers the columns above.
    salt_key      BLOB NOT NULL
) STRICT;

-- One row holds all that a login needs. Times are seconds since 1970-01-01 UTC.
CREATE TABLE accounts (
    -- Folded: NFC, ASCII in lower case.
    realm_key  TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    -- As spelled at creation; NULL where that is the folded form.
    realm      TEXT,
    name       TEXT,
    disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    expires    INTEGER,
    -- The number of the audit entry of the last change: never twice the same, even for an account removed and made again.
    revision   INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    -- Mechanism names with a space between them, if the account has a list of its own.
    mechanisms TEXT,
    -- Which schemes the passwords have: 1 digest-md5, 2 cram-md5, 4 scram-sha-1, 8 scram-sha-256, 16 scram-sha-512, 32 hash.
    schemes    INTEGER NOT NULL,
    -- Labels and limits of the passwords as JSON; NULL for a single one named main, without limits.
    passwords  TEXT,
    key_id     BLOB NOT NULL,
    -- The passwords' secrets (src/credential/record.rs): nonce, AES-256-GCM-SIV ciphertext, tag. The seal covers every column
    -- above but key_id.
    sealed     BLOB NOT NULL,
    PRIMARY KEY (realm_key, name_key)
) STRICT, WITHOUT ROWID;

-- What the secrets of accounts are like (src/credential/shape.rs), and how many accounts are so: an unknown name is answered
-- like one of them.
CREATE TABLE shapes (
    shape    TEXT NOT NULL PRIMARY KEY,
    accounts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every change. Numbers run from 1 without a gap; each MAC covers its row and the MAC before.
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    uid     INTEGER NOT NULL,
    program TEXT NOT NULL,
    action  TEXT NOT NULL,
    -- The canonical name of the account, where one was changed.
    subject TEXT,
    -- What exactly, as JSON.
    detail  TEXT,
    -- The key that the MAC's key was derived from.
    key_id  BLOB NOT NULL,
    mac     BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;
