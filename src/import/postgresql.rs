//! PostgreSQL's roles: the SQL of `pg_dumpall --roles-only`, or what psql shows of `pg_authid`.

use crate::credential::is_md5_of_postgresql;
use crate::identity::text_from_wire;
use crate::runtime::UnixTime;

use super::assembly::Assembly;
use super::entry::{Entry, Fault, Format, Found, OtherFile, shown, text, without_return};
use super::sql::{self, Token, Walk};
use super::time;

/// Reads such a file.
#[derive(Debug)]
pub struct PostgreSql {
    kind: Kind,
    statement: Assembly,
    walk: Walk,
    /// Where the statement begins; 0 where none has begun.
    begins: u64,
}

/// Which of the two it is; the first line with something in it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Sql,
    Rows,
}

impl Default for PostgreSql {
    fn default() -> Self {
        Self { kind: Kind::Unknown, statement: Assembly::new(), walk: Walk::default(), begins: 0 }
    }
}

impl Format for PostgreSql {
    fn line(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) -> Result<(), OtherFile> {
        let line = without_return(line);
        if self.kind == Kind::Unknown && !line.trim_ascii().is_empty() {
            self.kind = if line.contains(&b'|') { Kind::Rows } else { Kind::Sql };
        }
        match self.kind {
            Kind::Unknown => {}
            Kind::Rows => row(number, line, tell),
            Kind::Sql => self.sql(number, line, tell),
        }
        Ok(())
    }

    fn end(&mut self, tell: &mut dyn FnMut(Found)) {
        if self.begins != 0 {
            tell(Found { line: self.begins, who: None, entry: Err(Fault::Shape("a statement that ends")) });
        }
    }
}

impl PostgreSql {
    fn sql(&mut self, number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) {
        // psql's own commands have no end but the line's.
        if self.begins == 0 && line.first() == Some(&b'\\') {
            return;
        }
        for &byte in line.iter().chain(b"\n") {
            if self.begins == 0 && byte.is_ascii_whitespace() {
                continue;
            }
            if self.begins == 0 {
                self.begins = number;
            }
            self.statement.push(&[byte]);
            match self.walk.step(byte) {
                sql::At::Inside => {}
                sql::At::Comment => {
                    // It may be all there is; what it says does not matter.
                    if self.statement.bytes().starts_with(b"--") {
                        self.forget();
                    }
                }
                sql::At::End => {
                    self.complete(tell);
                    self.forget();
                }
            }
        }
    }

    fn forget(&mut self) {
        self.statement.clear();
        self.walk = Walk::default();
        self.begins = 0;
    }

    fn complete(&self, tell: &mut dyn FnMut(Found)) {
        let statement = self.statement.bytes();
        if self.statement.overflows() {
            // A comment on a role may be long; one that gives a password is not.
            if is_about_roles(statement) {
                tell(Found { line: self.begins, who: None, entry: Err(Fault::TooLong) });
            }
            return;
        }
        if let Some(role) = Role::of(&sql::tokens(statement)) {
            tell(Found { line: self.begins, who: Some(shown(&role.name)), entry: role.entry() });
        }
    }
}

fn is_about_roles(statement: &[u8]) -> bool {
    let begins = |word: &[u8]| statement.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins(b"ALTER ROLE") || begins(b"CREATE ROLE") || begins(b"ALTER USER") || begins(b"CREATE USER")
}

/// What a statement says of a role.
struct Role<'a> {
    name: Vec<u8>,
    password: Option<&'a [u8]>,
    until: Option<&'a [u8]>,
    may_log_in: bool,
}

impl<'a> Role<'a> {
    /// Reads `ALTER ROLE name WITH ...`, or `CREATE`. None if it says nothing of how the role logs in.
    fn of(tokens: &'a [Token]) -> Option<Self> {
        // The last sign is the semicolon.
        let [verb, kind, name, options @ .., Token::Sign] = tokens else { return None };
        let is_user = kind.is(b"USER");
        let is_new = verb.is(b"CREATE");
        if !(is_new || verb.is(b"ALTER")) || !(is_user || kind.is(b"ROLE")) {
            return None;
        }
        // pg_dumpall makes a role by one statement and says all of it by the next. Settings and new names are no options.
        let first = options.first()?;
        if first.is(b"SET") || first.is(b"RESET") || first.is(b"RENAME") || first.is(b"IN") {
            return None;
        }
        // CREATE ROLE makes one that cannot log in unless it says so; ALTER leaves it as it is.
        let mut role = Self { name: name.name(), password: None, until: None, may_log_in: is_user || !is_new };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if option.is(b"LOGIN") {
                role.may_log_in = true;
            } else if option.is(b"NOLOGIN") {
                role.may_log_in = false;
            } else if option.is(b"PASSWORD") {
                role.password = options.next().and_then(Token::string);
            } else if option.is(b"UNTIL") {
                role.until = options.next().and_then(Token::string);
            }
        }
        Some(role)
    }

    fn entry(&self) -> Result<Entry, Fault> {
        let verifier = self.password.ok_or(Fault::NoPassword)?;
        let mut entry = entry(&self.name, verifier)?;
        entry.password_expires = self.until.map(until).transpose()?.flatten();
        entry.disabled = (!self.may_log_in).then_some("NOLOGIN");
        Ok(entry)
    }
}

fn entry(name: &[u8], verifier: &[u8]) -> Result<Entry, Fault> {
    if verifier.is_empty() {
        return Err(Fault::NoPassword);
    }
    // In SQL that a person wrote a password stands in the clear, and may look like a damaged verifier, or like a hash of crypt(3).
    if !verifier.starts_with(b"SCRAM-SHA-256$") && !is_md5_of_postgresql(verifier) {
        return Err(Fault::Part { part: "password", why: "it is no verifier of PostgreSQL's" });
    }
    Entry::of(&text_from_wire(name), text(verifier)?)
}

fn until(text: &[u8]) -> Result<Option<UnixTime>, Fault> {
    match text.trim_ascii() {
        b"" | b"infinity" => Ok(None),
        text => {
            let at = core::str::from_utf8(text).ok().and_then(time::iso);
            at.map(Some).ok_or(Fault::Part { part: "VALID UNTIL", why: "it is no time with a zone" })
        }
    }
}

/// A row that psql shows, aligned or not: name, password, and when that ends if the query asked for it.
fn row(number: u64, line: &[u8], tell: &mut dyn FnMut(Found)) {
    let line = line.trim_ascii();
    // Between heading and rows, and below them.
    if line.is_empty() || line.starts_with(b"--") || (line.starts_with(b"(") && line.ends_with(b")")) {
        return;
    }
    let mut columns = line.split(|&byte| byte == b'|').map(<[u8]>::trim_ascii);
    let (name, verifier) = (columns.next().unwrap_or_default(), columns.next());
    if verifier == Some(b"rolpassword") {
        return;
    }
    let Some(verifier) = verifier else {
        return tell(Found { line: number, who: None, entry: Err(Fault::Shape("of the form NAME|PASSWORD")) });
    };
    let mut read = || {
        let mut entry = entry(name, verifier)?;
        entry.password_expires = columns.next().map(until).transpose()?.flatten();
        Ok(entry)
    };
    tell(Found { line: number, who: Some(shown(name)), entry: read() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::entry::said::said;

    fn read(text: &str) -> Vec<String> {
        said(&mut PostgreSql::default(), text.as_bytes())
    }

    const MD5: &str =
        "PostgreSQL's md5 is not supported: it is made of the role's name and opens PostgreSQL as it stands";
    const NONE: &str = "no password logs in to it";
    const FORBIDDEN: &str = "the name holds the character '\"', which no name may hold";

    #[test]
    fn the_roles_of_pg_dumpall_are_told_apart() {
        assert_eq!(
            read(include_str!("../../tests/imports/postgresql")),
            [
                format!("17 J\"q: {FORBIDDEN}"),
                format!("19 admin: {NONE}"),
                "21 ann@example.com: scram-sha-256 until 4073540400".to_owned(),
                format!("23 gone: {NONE}"),
                format!("25 grp: {NONE}"),
                format!("27 inf: {MD5}"),
                "29 joe: scram-sha-256".to_owned(),
                "33 locked: scram-sha-256 disabled (NOLOGIN)".to_owned(),
                format!("35 old: {MD5}"),
            ]
        );
    }

    #[test]
    fn what_psql_shows_says_the_same() {
        assert_eq!(
            read(include_str!("../../tests/imports/postgresql-rows")),
            [
                format!("1 admin: {NONE}"),
                "2 joe: scram-sha-256".to_owned(),
                "3 ann@example.com: scram-sha-256".to_owned(),
                "4 locked: scram-sha-256".to_owned(),
                format!("5 gone: {NONE}"),
                format!("6 old: {MD5}"),
                format!("7 J\"q: {FORBIDDEN}"),
                format!("8 grp: {NONE}"),
                format!("9 inf: {MD5}"),
            ]
        );
        let told = read(include_str!("../../tests/imports/postgresql-table"));
        assert_eq!(told[2], "5 ann@example.com: scram-sha-256 until 4073540400");
        assert_eq!(told.len(), 9);
    }

    #[test]
    fn statements_are_parted_wherever_lines_end() {
        let verifier = "SCRAM-SHA-256$4096:NdwASSYQAJAo24WbH+0z7Q==$kbHrCMt3a3M6W/XcPM+vMMTdZolhY2gwKcuFXtigrHo=:\
                        h17g34cg+hSItyIz9yeiaSciA+m3aRPhis+q7cBdYng=";
        for (sql, expected) in [
            (format!("create\n user Joe\n encrypted password '{verifier}'; -- x"), "1 joe: scram-sha-256"),
            (format!("CREATE ROLE joe PASSWORD E'{verifier}' LOGIN;"), "1 joe: scram-sha-256"),
            (format!("CREATE ROLE joe PASSWORD '{verifier}';"), "1 joe: scram-sha-256 disabled (NOLOGIN)"),
            (
                format!("-- it's\n\nCOMMENT ON ROLE a IS ';\n;';ALTER ROLE \"Joe\" PASSWORD '{verifier}';"),
                "4 Joe: scram-sha-256",
            ),
            (format!("SELECT E'\\\\', E'\\';';\nALTER ROLE joe PASSWORD '{verifier}';"), "2 joe: scram-sha-256"),
            (format!("SELECT E'it''s \\';';\nALTER ROLE joe PASSWORD '{verifier}';"), "2 joe: scram-sha-256"),
            (format!("SELECT namE'\\';ALTER ROLE joe PASSWORD '{verifier}';"), "1 joe: scram-sha-256"),
            (
                format!("ALTER ROLE joe UNTIL E'\\' PASSWORD ' PASSWORD '{verifier}';"),
                "1 joe: VALID UNTIL: it is no time with a zone",
            ),
            ("ALTER ROLE joe PASSWORD NULL;".to_owned(), "1 joe: no password logs in to it"),
            ("ALTER ROLE joe PASSWORD 'secret';".to_owned(), "1 joe: password: it is no verifier of PostgreSQL's"),
            (
                "ALTER ROLE joe PASSWORD 'md511fcc079bA';".to_owned(),
                "1 joe: password: it is no verifier of PostgreSQL's",
            ),
            ("ALTER ROLE joe PASSWORD 'SCRAM-SHA-256$4096';".to_owned(), "1 joe: not a well-formed SCRAM-SHA-256 hash"),
            (
                format!("ALTER ROLE joe PASSWORD '{verifier}' VALID UNTIL 'soon';"),
                "1 joe: VALID UNTIL: it is no time with a zone",
            ),
            ("ALTER ROLE joe SET x TO 'y'; ALTER ROLE a RENAME TO b; CREATE ROLE joe; ;".to_owned(), ""),
            (format!("\nALTER ROLE joe PASSWORD '{verifier}'"), "2 -: the line is not a statement that ends"),
            (format!("ALTER ROLE joe PASSWORD '{}';", "x".repeat(70_000)), "1 -: the line is too long"),
            (format!("COMMENT ON ROLE joe IS '{}';", "x".repeat(70_000)), ""),
            (format!("joe | {verifier}\nno row"), "1 joe: scram-sha-2562 -: the line is not of the form NAME|PASSWORD"),
        ] {
            assert_eq!(read(&sql).concat(), expected, "{sql}");
        }
    }
}
