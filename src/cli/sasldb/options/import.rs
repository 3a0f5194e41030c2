//! The options of `sasldb-rs import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::identity::Realm;
use crate::import::dovecot::Scheme as DovecotScheme;

#[derive(Debug, Args)]
pub(in crate::cli::sasldb) struct Import {
    /// The program that wrote the file
    #[arg(long, value_name = "PROGRAM")]
    pub(in crate::cli::sasldb) from: Source,
    /// The realm of names without one [default: the setting]
    #[arg(long, value_parser = Realm::new)]
    pub(in crate::cli::sasldb) realm: Option<Realm>,
    /// With --from dovecot: the scheme of passwords without a label [default: CRYPT]
    #[arg(long, value_name = "SCHEME", value_parser = dovecot_scheme)]
    pub(in crate::cli::sasldb) default_scheme: Option<DovecotScheme>,
    /// With --from ldif: the attribute that is the account's name [default: uid]
    #[arg(long, value_name = "ATTRIBUTE")]
    pub(in crate::cli::sasldb) name_attribute: Option<NameAttribute>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(in crate::cli::sasldb) dry_run: bool,
    /// Give accounts that exist the password of the file
    #[arg(long)]
    pub(in crate::cli::sasldb) replace: bool,
    /// Print a line of JSON for each entry
    #[arg(long)]
    pub(in crate::cli::sasldb) json: bool,
    /// The file; `-` is stdin
    pub(in crate::cli::sasldb) file: PathBuf,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli::sasldb) enum Source {
    /// saslpasswd2's /etc/sasldb2, or what db5.3_dump, mdb_dump or gdbm_dump writes of it
    Sasldb2,
    /// Dovecot's passwd-file, with any of its password schemes
    Dovecot,
    /// Apache's htpasswd
    Htpasswd,
    /// Apache's htdigest
    Htdigest,
    /// Unix's /etc/shadow, or the lines that `chpasswd -e` takes
    Shadow,
    /// userPassword in LDIF, as slapcat and ldapsearch write it
    Ldif,
    /// What `pg_dumpall --roles-only` writes, or psql of pg_authid
    Postgresql,
    /// CSV with a heading: user, realm, password, hash, verifier
    Csv,
}

/// Which attribute is the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli::sasldb) enum NameAttribute {
    /// A name without a realm as a rule
    Uid,
    /// A name with its realm
    Mail,
}

fn dovecot_scheme(name: &str) -> Result<DovecotScheme, String> {
    DovecotScheme::new(name).ok_or_else(|| "a scheme has letters, digits and any of - .".to_owned())
}
