//! `sasldb-rs rekey`.

use anyhow::Context as _;

use crate::cli::audit_log;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{Data, Program};
use crate::cli::progress::{Lines, Progress};
use crate::cli::site::{self, Site};
use crate::cli::stop::{self, Stop};
use crate::runtime::SystemEntropy;
use crate::store::{hex, sqlite};

pub(super) fn rekey(program: &Program, site: &Site) -> Result<Exit, Failure> {
    let stop = Stop::on_signals()?;
    let progress = Progress::begin(None, Lines::None);
    let done = sqlite::rekey(site.place(), &site::actor(program), site::now(), &mut SystemEntropy, &mut |accounts| {
        progress.at(accounts);
        !stop.is_asked()
    })?;
    progress.end();
    if let Some(head) = &done.head {
        audit_log::note_of_all(program, "rekeyed", head);
    }
    if !done.whole {
        return Err(stop::interrupted().hint("both keys are in the key file until the next run has ended it"));
    }
    let written = Data::new().text(format_args!("{}\t{}\n", hex::encode(&done.key), done.accounts));
    written.context("done, but cannot write to stdout").map_err(|cause| Failure::new(Exit::Failure, cause))?;
    Ok(Exit::Success)
}
