//! A namespace of its own, with our programs in it, for tests that need several users.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Runs a shell script as the namespace's root: `$1` is a folder with our programs, `$2` one to work in. What that root made
/// is not ours to remove afterwards, so `$2` is emptied at the script's end.
pub(crate) fn run(script: &str) {
    let folder = tempfile::tempdir().unwrap();
    // Another user has to get there, and to the programs, whatever the folder of this checkout permits.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    for (name, path) in [
        ("saslpasswd-rs", env!("CARGO_BIN_EXE_saslpasswd-rs")),
        ("saslauthd-rs", env!("CARGO_BIN_EXE_saslauthd-rs")),
        ("sasldb-rs", env!("CARGO_BIN_EXE_sasldb-rs")),
    ] {
        fs::copy(path, programs.join(name)).unwrap();
    }
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let script = format!("trap 'rm -rf \"$2\"/*' EXIT\n{script}");
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/private"))
        .args(["sh", "-euc", &script, "sh"])
        .args([&programs, &work])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
