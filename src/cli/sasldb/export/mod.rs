//! `sasldb-rs export`: accounts for other programs, or for another database.

mod other;
mod own;
mod sink;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing;
use crate::cli::output::{self, Reader};
use crate::cli::pattern::Pattern;
use crate::cli::progress::{Lines, Progress};
use crate::cli::site::{self, Site};
use crate::cli::stop::{self, Stop};
use crate::credential::Account;
use crate::identity::Identity;
use crate::store::sqlite::Inspector;

use super::options::{Export, Form};
use sink::Sink;

/// What an account becomes: the line, if there is one, and each thing that is not in it, with the reason.
#[derive(Default)]
struct Written {
    line: Option<zeroize::Zeroizing<String>>,
    left_out: Vec<String>,
}

pub(super) fn export(site: &Site, export: &Export) -> Result<Exit, Failure> {
    refuse(export)?;
    let patterns = export.patterns.iter().map(|text| listing::pattern(text)).collect::<Result<Vec<_>, _>>()?;
    if export.to == Form::Csv { facts(site, export, patterns) } else { secrets(site, export, patterns) }
}

/// What makes no sense together.
fn refuse(export: &Export) -> Result<(), Failure> {
    let misuse = |cause: &str, hint: &str| Err(Failure::new(Exit::Misuse, anyhow::anyhow!("{cause}")).hint(hint));
    match export.to {
        Form::Dovecot | Form::Opensmtpd if !export.reveal_secrets => {
            misuse("other programs cannot open what is sealed", "--reveal-secrets writes the secrets as they are")
        }
        Form::Csv if export.reveal_secrets => misuse("CSV holds no secrets", "leave out --reveal-secrets"),
        form if form != Form::Dovecot && export.scheme.is_some() => {
            misuse("--scheme is of dovecot", "the other forms hold what they can; leave out --scheme")
        }
        _ => Ok(()),
    }
}

/// For which the key is not needed.
fn facts(site: &Site, export: &Export, patterns: Vec<Pattern>) -> Result<Exit, Failure> {
    let mut lister = site.lister()?;
    let mut run = Run::begin(export, patterns)?;
    let now = site::now();
    run.line(&csv(&listing::COLUMNS.map(str::to_lowercase)));
    lister.list(&mut |account| {
        if run.wants(&account.identity) {
            run.line(&csv(&listing::columns(&account, now)));
        }
        run.goes_on()
    })?;
    run.end()
}

fn secrets(site: &Site, export: &Export, patterns: Vec<Pattern>) -> Result<Exit, Failure> {
    let inspector = Inspector::open(site.place())?;
    let own = own::Form { inspector: &inspector, salt_key: inspector.salt_key()?, reveals: export.reveal_secrets };
    let now = site::now();
    let form = |account: Account| match export.to {
        Form::Opensmtpd => other::opensmtpd(&account, now),
        Form::Dovecot => other::dovecot(account, export.scheme, &own.salt_key, now),
        Form::SasldbRs | Form::Csv => own.of(account),
    };
    let mut run = Run::begin(export, patterns)?;
    inspector.accounts(&mut |opened| {
        match opened {
            Ok(account) if run.wants(&account.identity) => {
                let name = account.identity.to_string();
                let written = form(account);
                written.left_out.iter().for_each(|why| run.left_out(&format!("{name}: {why}")));
                written.line.iter().for_each(|line| run.line(line));
            }
            Ok(_) => {}
            Err(fault) => run.left_out(&fault.to_string()),
        }
        run.goes_on()
    })?;
    run.end()
}

/// What has been written, and what became of it.
struct Run {
    sink: Sink,
    patterns: Vec<Pattern>,
    written: Result<Reader, Failure>,
    fits: bool,
    whole: bool,
    progress: Progress,
    /// Of a file, which is not to stay behind half-written. Who reads stdout sees the end.
    stop: Option<Stop>,
}

impl Run {
    /// To be begun when the store is open, so that no file is made where it does not.
    fn begin(export: &Export, patterns: Vec<Pattern>) -> Result<Self, Failure> {
        let sink = Sink::open(export.output.as_deref())?;
        let (stop, lines) = match &export.output {
            Some(_) => (Some(Stop::on_signals()?), Lines::None),
            None => (None, Lines::Many),
        };
        let progress = Progress::begin(None, lines);
        let fits = patterns.is_empty();
        Ok(Self { sink, patterns, written: Ok(Reader::Present), fits, whole: true, progress, stop })
    }

    fn wants(&mut self, identity: &Identity) -> bool {
        let wants = self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.fits(identity));
        self.fits |= wants;
        wants
    }

    fn line(&mut self, line: &str) {
        self.written = self.sink.line(line);
        self.progress.one_more();
    }

    fn left_out(&mut self, why: &str) {
        self.whole = false;
        self.progress.aside(|| output::to_stderr(format_args!("left out: {why}\n")));
    }

    fn goes_on(&self) -> bool {
        matches!(self.written, Ok(Reader::Present)) && !self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(Stop::is_asked)
    }

    fn end(self) -> Result<Exit, Failure> {
        self.progress.end();
        if self.is_stopped() {
            return Err(stop::interrupted().hint("the file is gone again"));
        }
        if self.written? == Reader::Present {
            if !self.fits {
                return Err(Failure::new(Exit::NoUser, anyhow::anyhow!("no account fits")));
            }
            self.sink.finish()?;
        }
        Ok(if self.whole { Exit::Success } else { Exit::Failure })
    }
}

/// A line of CSV (RFC 4180), without its end.
fn csv(fields: &[String]) -> String {
    let field = |text: &String| {
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    fields.iter().map(field).collect::<Vec<_>>().join(",")
}
