//! `sasldb-rs import`: accounts of other programs.

mod lines;
mod report;
mod served;
mod target;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Program;
use crate::cli::site::Site;
use crate::credential::Stored;
use crate::identity::Authcid;
use crate::import::sasldb2::Sasldb2Error;
use crate::import::{Csv, Dovecot, Entry, Format, Found, Htdigest, Htpasswd, Ldif, PostgreSql, Sasldb2, Shadow, ldif};

use super::options::{Import, NameAttribute, Source};
use lines::Input;
use report::{Fate, Place, Told};
use target::Target;

/// The longest file that is read whole. A sasldb2 of a million accounts is a tenth of it.
const MAX_FILE: u64 = 1 << 30;

pub(super) fn import(program: &Program, site: &Site, import: &Import) -> Result<Exit, Failure> {
    for (is_given, option, source) in [
        (import.default_scheme.is_some(), "--default-scheme", Source::Dovecot),
        (import.name_attribute.is_some(), "--name-attribute", Source::Ldif),
    ] {
        if is_given && import.from != source {
            let cause = anyhow::anyhow!("{option} is about files of another program only");
            return Err(Failure::new(Exit::Misuse, cause).hint("leave it out, or name another program with --from"));
        }
    }
    let input = Input::open(&import.file)?;
    match format(import) {
        None => sasldb2(program, site, import, input),
        Some(mut format) => by_lines(program, site, import, input, &mut *format),
    }
}

/// What reads the lines of a file; none reads sasldb2's, which has no lines.
fn format(import: &Import) -> Option<Box<dyn Format>> {
    Some(match import.from {
        Source::Sasldb2 => return None,
        Source::Dovecot => Box::new(Dovecot::new(import.default_scheme.clone().unwrap_or_default())),
        Source::Htpasswd => Box::new(Htpasswd),
        Source::Htdigest => Box::new(Htdigest),
        Source::Shadow => Box::new(Shadow),
        Source::Ldif => Box::new(Ldif::new(match import.name_attribute {
            None | Some(NameAttribute::Uid) => ldif::NameAttribute::Uid,
            Some(NameAttribute::Mail) => ldif::NameAttribute::Mail,
        })),
        Source::Postgresql => Box::<PostgreSql>::default(),
        Source::Csv => Box::<Csv>::default(),
    })
}

/// All of it is read before anything is changed.
fn sasldb2(program: &Program, site: &Site, import: &Import, input: Input) -> Result<Exit, Failure> {
    let name = input.name().to_owned();
    let whole = input.whole(MAX_FILE)?;
    let read = Sasldb2::read(&whole).map_err(|fault| {
        let hint = match fault {
            Sasldb2Error::OtherFile => "name the file that saslpasswd2 writes, /etc/sasldb2, or a dump of it",
            Sasldb2Error::Berkeley(_) => "if db5.3_verify finds nothing wrong with it, import what db5.3_dump writes",
            Sasldb2Error::Dump(_) => "make the dump anew",
        };
        unreadable(&name, fault).hint(hint)
    })?;
    drop(whole);
    let mut target = Target::open(program, site, import)?;
    for skipped in read.skipped {
        let fate = if skipped.why.is_loss() { Fate::Skipped } else { Fate::NotNeeded };
        let place = Place { line: None, who: Some(skipped.who), is_latin_1: false };
        target.leave(Told::new(place, fate, &skipped.why))?;
    }
    for (identity, password) in read.accounts {
        let is_latin_1 = read.latin_1.contains(&identity.key());
        let place = Place { line: None, who: Some(identity.to_string()), is_latin_1 };
        let authcid = Authcid::new(identity.name, Some(identity.realm));
        target.take(place, Entry::with(authcid, Stored::Password(password), None))?;
    }
    target.finish()
}

fn by_lines(
    program: &Program,
    site: &Site,
    import: &Import,
    input: Input,
    format: &mut dyn Format,
) -> Result<Exit, Failure> {
    let name = input.name().to_owned();
    let mut target = Target::open(program, site, import)?;
    let mut found = Vec::new();
    input.lines(|number, line, is_whole| {
        let mut tell = |entry| found.push(entry);
        if is_whole {
            format.line(number, line, &mut tell).map_err(|fault| unreadable(&name, fault))?;
        } else {
            format.long_line(number, line, &mut tell);
        }
        found.drain(..).try_for_each(|found| settle(&mut target, found))
    })?;
    format.end(&mut |entry| found.push(entry));
    found.drain(..).try_for_each(|found| settle(&mut target, found))?;
    target.finish()
}

fn settle(target: &mut Target<'_>, found: Found) -> Result<(), Failure> {
    // Only bytes that are no UTF-8 are shown so in a name that an account can have.
    let is_latin_1 = found.who.as_ref().is_some_and(|who| who.contains('\\'));
    let place = Place { line: Some(found.line), who: found.who, is_latin_1 };
    match found.entry {
        Ok(entry) => target.take(place, entry),
        Err(fault) => {
            let fate = if fault.is_loss() { Fate::Skipped } else { Fate::NotNeeded };
            target.leave(Told::new(place, fate, &fault))
        }
    }
}

fn unreadable(name: &str, fault: impl std::error::Error + Send + Sync + 'static) -> Failure {
    let cause = anyhow::Error::new(fault).context(format!("{name} cannot be imported"));
    Failure::new(Exit::Failure, cause)
}
