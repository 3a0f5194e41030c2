//! The commands that are measured, in an order in which each finds what it needs.

use std::fs;
use std::process::Command as Process;

use super::accounts::Accounts;
use super::run::{self, Taken};

pub(crate) struct Command {
    /// As people type it, but for its files.
    pub(crate) name: &'static str,
    /// Its arguments; one with a `/` before it is a file of the folder.
    arguments: &'static [&'static str],
    /// The database, where it is another one than that of the accounts; gone afterwards.
    database: Option<&'static str>,
    /// Keeps what it wrote under this name.
    output: Option<&'static str>,
}

const fn on_accounts(name: &'static str, arguments: &'static [&'static str]) -> Command {
    Command { name, arguments, database: None, output: None }
}

const fn into_another(name: &'static str, arguments: &'static [&'static str]) -> Command {
    Command { name, arguments, database: Some("other.db"), output: None }
}

pub(crate) const COMMANDS: [Command; 27] = [
    on_accounts("account list", &["account", "list"]),
    on_accounts("account list --json", &["account", "list", "--json"]),
    on_accounts("account list --unused-for 90d", &["account", "list", "--unused-for", "90d"]),
    on_accounts("report", &["report"]),
    on_accounts("report --json --log", &["report", "--json", "--log", "/helper.log"]),
    on_accounts("report --html --log", &["report", "--html", "/report.html", "--log", "/helper.log"]),
    on_accounts(
        "report --html --top 1000 --log",
        &["report", "--html", "/report.html", "--top", "1000", "--log", "/helper.log"],
    ),
    on_accounts("report --accounts", &["report", "--accounts"]),
    on_accounts("report --accounts --json", &["report", "--accounts", "--json"]),
    on_accounts("log", &["log"]),
    on_accounts("log --json", &["log", "--json"]),
    on_accounts("log verify", &["log", "verify"]),
    on_accounts("log verify --against", &["log", "verify", "--against", "/changes.log"]),
    on_accounts("check", &["check"]),
    Command { output: Some("sealed.jsonl"), ..on_accounts("export --to sasldb-rs", &["export", "--to", "sasldb-rs"]) },
    on_accounts("export --to dovecot", &["export", "--to", "dovecot", "--reveal-secrets"]),
    on_accounts("export --to csv", &["export", "--to", "csv"]),
    on_accounts("backup", &["backup", "/copy.db"]),
    on_accounts("restore --dry-run", &["restore", "--dry-run", "--replace", "/copy.db"]),
    on_accounts("restore --replace", &["restore", "--replace", "/copy.db"]),
    on_accounts("retire cram-md5 --dry-run", &["retire", "cram-md5", "--unused-for", "90d", "--dry-run"]),
    on_accounts("retire cram-md5", &["retire", "cram-md5", "--unused-for", "90d"]),
    into_another("import --from dovecot --dry-run", &["import", "--from", "dovecot", "--dry-run", "/passwd-file"]),
    into_another("import --from dovecot", &["import", "--from", "dovecot", "/passwd-file"]),
    into_another("import --from htpasswd", &["import", "--from", "htpasswd", "/htpasswd"]),
    into_another("import --from csv", &["import", "--from", "csv", "/hashes.csv"]),
    on_accounts("apply of what export wrote", &["apply", "/sealed.jsonl"]),
];

impl Command {
    pub(crate) fn run(&self, accounts: &Accounts) -> anyhow::Result<Taken> {
        let database = self.database.unwrap_or("accounts.db");
        accounts.settings("config.toml", database)?;
        let mut process = Process::new(env!("CARGO_BIN_EXE_sasldb-rs"));
        process.arg("--config").arg(accounts.path("config.toml"));
        for argument in self.arguments {
            match argument.strip_prefix('/') {
                Some(file) => process.arg(accounts.path(file)),
                None => process.arg(argument),
            };
        }
        let output = accounts.path(self.output.unwrap_or("output"));
        let mut taken = run::run(&mut process, &output)?;
        let page = accounts.path("report.html");
        if page.exists() {
            taken.output = fs::metadata(&page)?.len() as f64 / 1e6;
            fs::remove_file(page)?;
        }
        if let Some(database) = self.database {
            for file in ["", "-wal", "-shm", ".key", ".activity"] {
                let path = accounts.path(&format!("{database}{file}"));
                let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            }
        }
        Ok(taken)
    }
}
