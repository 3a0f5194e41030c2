//! `sasldb-rs setup`: the lines that make a program ask the helper, with the paths of this machine. It changes nothing.

pub(super) mod libsasl2;
mod recipe;
mod sockets;
mod step;

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::host::HostNames;
use crate::cli::output::{Data, Reader};
use crate::cli::site::Site;
use crate::config::DEFAULT_FILE;
use crate::store::sqlite::Inspector;

use super::machine;
use super::options::Setup;
use recipe::Recipe;

pub(super) fn setup(site: &Site, file: Option<&Path>, setup: &Setup) -> Result<Exit, Failure> {
    let file = file.unwrap_or(Path::new(DEFAULT_FILE));
    let host = HostNames::of_this_host().mail_name().to_owned();
    let realm = realm(site).unwrap_or_else(|| host.clone());
    let recipe = Recipe { config: &site.config, file, queue: machine::postfix_queue(), host, realm };
    let steps = recipe.steps(setup.program);
    let mut data = Data::new();
    if setup.json {
        let steps: Vec<serde_json::Value> = steps.iter().map(step::Step::json).collect();
        failure::written(data.text(format_args!("{:#}\n", serde_json::Value::Array(steps))))?;
        return Ok(Exit::Success);
    }
    for (number, step) in steps.iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        if failure::written(data.piece(format_args!("{gap}{step}")))? == Reader::Gone {
            break;
        }
    }
    failure::written(data.finish())?;
    Ok(Exit::Success)
}

/// The default realm, where it is known already.
fn realm(site: &Site) -> Option<String> {
    let noted = || Some(Inspector::open(site.place()).ok()?.realms().default_realm().clone());
    site.config.realm.clone().or_else(noted).map(|realm| realm.as_str().to_owned())
}
