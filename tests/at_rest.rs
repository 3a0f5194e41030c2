//! What lies on the disk: nothing from which a login could be made, except behind the key.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may fail"
)]

#[path = "store/mod.rs"]
mod store;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sasldb::credential::{Iterations, Label, Recipe, Secrets, derive};
use sasldb::runtime::SystemEntropy;
use sasldb::store::CredentialAdmin;
use sasldb::store::sqlite::Writer;
use store::*;

const PASSWORD: &str = "Blue kettle 41!";

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// base64 of `bytes` wherever they stand in a longer text: the characters that depend on them alone, at each alignment.
fn base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    use base64ct::{Base64, Encoding};
    let aligned = |skip: usize| {
        let mut padded = vec![0; skip];
        padded.extend_from_slice(bytes);
        let text = Base64::encode_string(&padded).into_bytes();
        let first = [0, 2, 3][skip];
        text[first..text.len() - 4].to_vec()
    };
    (0..3).map(aligned).collect()
}

/// Every form in which `secret` might be written down.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let backwards = secret.iter().rev().copied().collect();
    let mut forms = vec![secret.to_vec(), backwards, hex(secret), hex(secret).to_ascii_uppercase()];
    forms.extend(base64(secret));
    forms
}

fn needles(secrets: &Secrets) -> Vec<Vec<u8>> {
    let mut needles = forms(PASSWORD.as_bytes());
    let utf16: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    needles.push(utf16);
    assert!(!secrets.digest_md5.is_empty());
    secrets.digest_md5.iter().for_each(|hash| needles.extend(forms(hash.hash.expose())));
    let states = secrets.cram_md5.as_ref().unwrap();
    needles.extend(forms(states.inner.expose()));
    needles.extend(forms(states.outer.expose()));
    assert_eq!(secrets.scram.len(), 2);
    for keys in &secrets.scram {
        needles.extend(forms(keys.stored_key.expose()));
        needles.extend(forms(keys.server_key.expose()));
    }
    needles
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn no_file_but_the_key_holds_a_password_or_anything_made_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("accounts.db");
    // Twice, so that what was there before is written over too.
    for _ in 0..2 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_saslpasswd-rs"))
            .args(["-p", "-c", "-u", "example.com", "-f"])
            .arg(&database)
            .arg("mailman")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    let place = place(folder.path());
    let mut writer = Writer::open_existing(&place, Box::new(SystemEntropy)).unwrap();
    let mailman = identity("mailman", "example.com");
    let basis = writer.basis(&mailman, &Label::main()).unwrap();
    let secrets = derive(
        &password(PASSWORD),
        &Recipe {
            identity: &mailman,
            realms: &basis.realms,
            salt_key: &basis.salt_key,
            schemes: &SCHEMES,
            iterations: Iterations { usual: 10_000, bound: &[] },
        },
    );
    // Were these not the secrets that were stored, finding none of them would mean nothing.
    let stored = writer.account(&mailman.key()).unwrap().unwrap();
    let stored = &stored.passwords[0].secrets;
    for keys in &secrets.scram {
        assert!(stored.scram_keys(keys.hash).unwrap().stored_key.equals(keys.stored_key.expose()));
    }
    for hash in &secrets.digest_md5 {
        assert!(stored.digest_md5.iter().any(|other| other.hash.equals(hash.hash.expose())));
    }
    drop(writer);

    let files = files(folder.path());
    let sealed: Vec<_> = files.iter().filter(|(path, _)| *path != place.key_file).collect();
    assert!(sealed.len() >= 2 && sealed.len() < files.len());
    assert!(sealed.iter().any(|(_, bytes)| holds(bytes, b"mailman")), "the search finds what is there");
    for needle in needles(&secrets) {
        for (path, bytes) in &sealed {
            assert!(!holds(bytes, &needle), "{} holds a secret", path.display());
        }
    }
}

#[test]
fn the_search_finds_each_form() {
    let secret = b"0123456789abcdef";
    use base64ct::{Base64, Encoding};
    for written in [
        secret.to_vec(),
        hex(secret),
        Base64::encode_string(secret).into_bytes(),
        Base64::encode_string(b"x0123456789abcdefy").into_bytes(),
        Base64::encode_string(b"xy0123456789abcdefz").into_bytes(),
    ] {
        let text = [b"before ".as_slice(), &written, b" after"].concat();
        assert!(forms(secret).iter().any(|form| holds(&text, form)), "{}", String::from_utf8_lossy(&written));
    }
}
