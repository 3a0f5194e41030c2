//! The store in a SQLite file.

mod list;
mod read;
mod write;

pub use list::Lister;
pub use read::{Reader, ReaderOptions};
pub use write::{Creation, Writer};
