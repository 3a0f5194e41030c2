//! Files of other programs, of as many lines as there are accounts: a log of the helper, the system's log of every change, and files
//! of password hashes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;

use sasldb::store::sqlite::Lister;

use super::accounts::{Accounts, realm};
use super::drawn::{drawn, name};

/// What mkpasswd, htpasswd and doveadm made of `secret`. A file of one hash takes as long to read as one of many.
const SHA512: &str =
    "$6$EI6/89tdUehvNrNI$LB9Eo.lLOw1R2vamSWqyv7bWJkPbI0ZC.hwothxzRhV/kx60hUOgFd46VLycTjXsg.XjjpDmbYkJKIIsL224M.";
const BCRYPT: &str = "$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";
const APR1: &str = "$apr1$zSb..Unu$cTIHHpxLmtNMj1ij8aWp8/";
const SHA: &str = "{SHA}O1hAcUlX7zkBbV+/3rmbDfUlbNM=";
const CRAM: &str = "{CRAM-MD5}5c5e8dbd10626a25499ee4907c5f7dad2991f6e2093c44f0f7f8732802e3a963";
const SCRAM: &str = "{SCRAM-SHA-256}4096,/ZkPQ8M02Pmuh7mhJYpv2g==,Z/mTv8Gl1G15/t2Sr3S/5Mr6fQ+tWaTms73wwwfPbVM=,\
                     3tLjq64S8Ccw2Hhg1xuI4zA5UD26jNIPqkjvxYBJ7N8=";

pub(crate) fn write(accounts: &Accounts) -> anyhow::Result<()> {
    let log = |file: &mut dyn Write, number| {
        writeln!(file, "2026-11-24T16:00:00.123456+01:00 mail saslauthd-rs[812]: {}", login(number))
    };
    each(accounts, "helper.log", log)?;
    each(accounts, "passwd-file", |file, number| {
        let hash = [&format!("{{SHA512-CRYPT}}{SHA512}"), &format!("{{BLF-CRYPT}}{BCRYPT}"), SHA, CRAM, SCRAM];
        let hash = hash[number as usize % hash.len()];
        writeln!(file, "{}@{}:{hash}:5000:5000::/var/mail::userdb_quota_rule=*:bytes=10G", name(number), realm(number))
    })?;
    each(accounts, "htpasswd", |file, number| {
        writeln!(file, "{}:{}", name(number), [BCRYPT, APR1, SHA][number as usize % 3])
    })?;
    each(accounts, "hashes.csv", |file, number| {
        if number == 0 {
            writeln!(file, "user,realm,hash")?;
        }
        writeln!(file, "{},{},\"{}\"", name(number), realm(number), [SHA512, SHA, SCRAM][number as usize % 3])
    })?;
    changes(accounts)
}

fn each(
    accounts: &Accounts,
    name: &str,
    mut line: impl FnMut(&mut dyn Write, u64) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(accounts.path(name))?);
    (0..accounts.number).try_for_each(|number| line(&mut file, number))?;
    file.flush()?;
    Ok(())
}

/// Two of three logins succeed. The others come from a fifth as many addresses as there are accounts, and half of them name no account.
fn login(number: u64) -> String {
    let who = drawn(number, 10, number + 1);
    let name = format!("{}@{}", name(who), realm(who));
    let address = Ipv4Addr::from_bits(0xc600_0000 | drawn(number / 5, 11, 1 << 24) as u32);
    match drawn(number, 12, 6) {
        0 => format!("denied {address} secured PLAIN reason=\"wrong password\" user=\"{name}\" service=\"smtp\""),
        1 => format!("denied {address} open DIGEST-MD5 reason=\"no such account\" user=- service=\"smtp\""),
        _ => format!("authenticated {address} secured PLAIN password=\"main\" user=\"{name}\" service=\"smtp\""),
    }
}

/// The system's log as if each change had been made by itself.
fn changes(accounts: &Accounts) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(accounts.path("changes.log"))?);
    let mut written = Ok(());
    Lister::open(&accounts.path("accounts.db"))?.audit(0, &mut |entry| {
        let account = entry.subject.as_deref().unwrap_or_default();
        written = writeln!(
            file,
            "2026-11-24T16:00:00+01:00 mail saslpasswd-rs[7]: password set: account=\"{account}\" uid=0 audit={} head={}",
            entry.head.number,
            entry.head.hex()
        );
        written.is_ok()
    })?;
    written?;
    file.flush()?;
    Ok(())
}
