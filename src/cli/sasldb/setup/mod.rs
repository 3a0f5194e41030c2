//! `sasldb-rs setup`: the lines that make a mail server ask the helper, with the paths of this machine. It changes nothing.

mod recipe;
mod step;

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output::{Data, Reader};
use crate::cli::site::Site;
use crate::config::DEFAULT_FILE;

use super::machine;
use super::options::Setup;
use recipe::Recipe;

pub(super) fn setup(site: &Site, file: Option<&Path>, setup: &Setup) -> Result<Exit, Failure> {
    let file = file.unwrap_or(Path::new(DEFAULT_FILE));
    let recipe = Recipe { config: &site.config, file, queue: machine::postfix_queue() };
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
