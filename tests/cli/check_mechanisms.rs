//! `sasldb-rs check`: accounts that cannot serve a mechanism are found, with the reason.

use sasldb::credential::{Label, PasswordFacts, PasswordHash, ScramKeys, ScramSalt, Secrets, StoredPassword};
use sasldb::identity::{Identity, Name, Realm};
use sasldb::runtime::{SystemEntropy, UnixTime};
use sasldb::store::sqlite::Writer;
use sasldb::store::{Actor, Applied, CredentialAdmin, Place, Provision};
use sasldb::vocabulary::ScramHash;

use crate::check::{check, clean, configure, findings};
use crate::shell::{SASLDB, Shell};

#[test]
fn accounts_that_cannot_serve_an_announced_mechanism_are_found() {
    let shell = clean();
    shell.saslpasswd(&["-n", "joe@other.test"], b"secret").quiet();
    let settings = "realm = \"example.com\"\nrealm_aliases = [\"mx1\"]\nmechanisms = [\"SCRAM-SHA-512\", \"PLAIN\"]";
    configure(&shell, settings);
    let has_none = |account, mechanisms| {
        format!("mechanism\t{account}\thas no password for {mechanisms}, which the helper announces")
    };
    let both = has_none("joe@other.test", "SCRAM-SHA-512, PLAIN");
    assert_eq!(findings(&shell, &[]), [has_none("mailman@example.com", "SCRAM-SHA-512"), both]);
    let json: serde_json::Value = serde_json::from_str(&check(&shell, &["--json"]).out).unwrap();
    assert_eq!(json[1]["mechanisms"], serde_json::json!(["SCRAM-SHA-512", "PLAIN"]));
    shell.saslpasswd(&["--disable", "joe@other.test"], b"").quiet();
    assert_eq!(findings(&shell, &[]).len(), 1, "who may not log in misses nothing");
}

/// Gives `user` a password beside those that it has, of which the secrets are from elsewhere.
fn add(shell: &Shell, user: &str, label: &str, secrets: Secrets) -> Applied {
    let place = Place::at(shell.database(), Some(shell.path("keys/accounts.key")));
    let mut writer = Writer::open_existing(&place, Box::new(SystemEntropy)).unwrap();
    let identity = Identity::new(Name::new(user).unwrap(), Realm::new("example.com").unwrap());
    let basis = writer.basis(&identity, &Label::new(label).unwrap()).unwrap();
    let change = Provision::password(
        basis.identity,
        StoredPassword { facts: PasswordFacts::unlimited(Label::new(label).unwrap()), secrets },
        basis.revision,
    )
    .into();
    let actor = Actor { uid: 0, program: "test".to_owned() };
    writer.apply(change, &actor, UnixTime(1_800_000_000)).unwrap().applied
}

/// Gives `user` one of which `hash` is all that is known.
fn import(shell: &Shell, user: &str, label: &str, hash: &str) {
    let secrets = Secrets { hash: Some(PasswordHash::parse(hash).unwrap()), ..Secrets::default() };
    assert!(matches!(add(shell, user, label, secrets), Applied::Created | Applied::Changed));
}

#[test]
fn what_an_imported_hash_cannot_serve_is_found() {
    // Of `secret`: sha512-crypt by openssl passwd, and DES by crypt(3).
    let sha = "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.";
    let des = "abxjSpUScCSQc";
    let shell = clean();
    import(&shell, "ann", "main", sha);
    import(&shell, "bob", "main", des);
    import(&shell, "mailman", "old", sha);
    let challenges = "SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, CRAM-MD5";
    let only =
        |label, scheme| format!("of \"{label}\" an imported {scheme} hash is all that is known, until it is set anew");
    let has_none = format!("has no password for {challenges}, which the helper announces");
    assert_eq!(
        findings(&shell, &[]),
        [
            format!("mechanism\tann@example.com\t{has_none}: {}", only("main", "SHA512-CRYPT")),
            format!("mechanism\tbob@example.com\t{has_none}: {}", only("main", "DES-CRYPT")),
            "hash\tbob@example.com\tlogs in with whatever begins like its password \"main\": the imported hash knows eight \
             characters only, set it anew"
                .to_owned(),
            format!(
                "mechanism\tmailman@example.com\tcannot log in with its password \"old\" by {challenges}: {}",
                only("old", "SHA512-CRYPT")
            ),
        ]
    );
    // The word of the helper: PLAIN is what is left.
    assert_eq!((shell.verify("ann", b"secret"), shell.verify("ann", b"secret ")), (Some(0), Some(1)));
    shell.saslpasswd(&["ann"], b"secret").quiet();
    shell.saslpasswd(&["bob"], b"secret").quiet();
    let remove = ["password", "remove", "mailman", "--label", "old"];
    shell.run(SASLDB, &remove, b"").quiet();
    check(&shell, &[]).quiet();
}

#[test]
fn what_is_learnt_for_nothing_is_found() {
    let shell = clean();
    let realms = "realm = \"example.com\"\nrealm_aliases = [\"mx1\"]\n";
    configure(&shell, &format!("{realms}learn = [\"cram-md5\", \"scram-sha-256\"]"));
    check(&shell, &[]).quiet();
    configure(
        &shell,
        &format!("{realms}mechanisms = [\"SCRAM-SHA-256\", \"PLAIN\"]\nlearn = [\"cram-md5\", \"scram-sha-256\"]"),
    );
    let what = "mechanism\tlearn\tmakes passwords ready for CRAM-MD5, which the helper does not announce";
    assert_eq!(findings(&shell, &[]), [what]);
}

#[test]
fn a_password_that_does_not_fit_the_shared_challenge_is_found() {
    let shell = clean();
    let salt = b"another salt";
    let keys = ScramKeys::derive(ScramHash::Sha256, b"secret", salt, ScramSalt::Imported(salt.into()), 4096);
    let secrets = Secrets { scram: vec![keys], ..Secrets::default() };
    assert_eq!(add(&shell, "mailman", "imported", secrets), Applied::Changed);
    let what = "cannot log in with its password \"imported\" by SCRAM-SHA-256, SCRAM-SHA-1, DIGEST-MD5, CRAM-MD5";
    assert_eq!(findings(&shell, &[]), [format!("mechanism\tmailman@example.com\t{what}")]);
}
