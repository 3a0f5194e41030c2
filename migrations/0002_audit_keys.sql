-- The audit keys of earlier key files, each sealed under the present one: a chain that was begun under another key stays proven
-- when that key is gone. Only MACs are made with them; they open no account.
CREATE TABLE audit_keys (
    key_id BLOB NOT NULL PRIMARY KEY CHECK (length(key_id) = 8),
    -- Nonce, AES-256-GCM-SIV ciphertext, tag; the seal covers the database's id and key_id.
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
