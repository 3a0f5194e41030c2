//! The store in a SQLite file.

mod audit;
mod backup;
mod create;
mod files;
mod inspect;
mod keyfile;
mod list;
mod meta;
mod migrate;
mod open;
mod opened;
mod partial;
mod portable;
mod read;
mod rekey;
mod restore;
mod row;
mod seal;
mod seen;
mod view;
mod watch;
mod write;

pub use audit::AuditEntry;
pub use backup::{Copied, backup};
pub use create::Creation;
pub use inspect::Inspector;
pub use list::Lister;
pub(in crate::store) use open::fault;
pub use read::Reader;
pub use rekey::{Rekeyed, rekey};
pub use restore::{DatabaseCopy, Replaced, would_replace};
pub use seen::SeenNames;
pub use watch::{Step, Watch};
pub use write::Writer;
