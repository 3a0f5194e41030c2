//! The fuzz targets: plain functions that take any bytes and panic where something does not hold.
//!
//! libFuzzer calls them one by one (`fuzz_targets/`), and `tests/fuzzing.rs` calls all of them on stable Rust. Inputs are
//! text as far as that goes, so that a seed can be read and written by hand; what its lines mean is said at each target.
//! `docs/testing.md` tells how to run them.

pub mod changes;
pub mod clients;
mod counted;
pub mod cram_md5;
pub mod csv;
pub mod digest_md5;
pub mod entries;
pub mod external;
pub mod frames;
mod hash_file;
pub mod hashes;
pub mod htdigest;
pub mod htpasswd;
pub mod ldif;
mod lines;
pub mod login;
pub mod logs;
pub mod lookups;
pub mod mux;
pub mod names;
mod oracle;
pub mod passwd_file;
pub mod plain;
pub mod random;
pub mod records;
pub mod roles;
pub mod sasldb2;
pub mod scram;
pub mod sealed;
pub mod sessions;
pub mod settings;
pub mod shadow;
mod site;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of its entry point, and of the folder of its seeds.
    pub name: &'static str,
    /// The target itself.
    pub run: fn(&[u8]),
    /// How many inputs the test on stable Rust makes: a second or a few of them.
    pub inputs: u32,
}

/// All of them.
pub const TARGETS: [Target; 27] = [
    Target { name: "frames", run: frames::target, inputs: 15_000 },
    Target { name: "sessions", run: sessions::target, inputs: 4_500 },
    Target { name: "names", run: names::target, inputs: 60_000 },
    Target { name: "plain", run: plain::target, inputs: 30_000 },
    Target { name: "login", run: login::target, inputs: 30_000 },
    Target { name: "mux", run: mux::target, inputs: 30_000 },
    Target { name: "external", run: external::target, inputs: 30_000 },
    Target { name: "cram_md5", run: cram_md5::target, inputs: 60_000 },
    Target { name: "digest_md5", run: digest_md5::target, inputs: 60_000 },
    Target { name: "scram", run: scram::target, inputs: 45_000 },
    Target { name: "clients", run: clients::target, inputs: 90_000 },
    Target { name: "records", run: records::target, inputs: 60_000 },
    Target { name: "hashes", run: hashes::target, inputs: 15_000 },
    Target { name: "lookups", run: lookups::target, inputs: 15_000 },
    Target { name: "changes", run: changes::target, inputs: 60_000 },
    Target { name: "settings", run: settings::target, inputs: 6_000 },
    Target { name: "entries", run: entries::target, inputs: 6_000 },
    Target { name: "sasldb2", run: sasldb2::target, inputs: 3_000 },
    Target { name: "passwd_file", run: passwd_file::target, inputs: 30_000 },
    Target { name: "htpasswd", run: htpasswd::target, inputs: 30_000 },
    Target { name: "htdigest", run: htdigest::target, inputs: 30_000 },
    Target { name: "shadow", run: shadow::target, inputs: 30_000 },
    Target { name: "ldif", run: ldif::target, inputs: 30_000 },
    Target { name: "roles", run: roles::target, inputs: 30_000 },
    Target { name: "csv", run: csv::target, inputs: 30_000 },
    Target { name: "logs", run: logs::target, inputs: 15_000 },
    Target { name: "sealed", run: sealed::target, inputs: 15_000 },
];
