//! Rows of fixed columns, however many: a table for people, lines between tabs for scripts, one array of JSON for programs. Memory
//! stays flat.

use std::io;

use serde::Serialize;

use super::output::{self, Data, Reader};

/// How many rows of a table are aligned to each other.
const BLOCK: usize = 1000;

/// Where rows go.
pub(super) struct Rows<const N: usize> {
    data: Data,
    form: Form<N>,
}

#[allow(clippy::large_enum_variant, reason = "there is one of them")]
enum Form<const N: usize> {
    /// Tab-separated columns without a heading.
    Lines,
    /// Columns under a heading, aligned in blocks of so many rows.
    Table { columns: [&'static str; N], block: comfy_table::Table, rows: usize },
    /// One array, an object for each row, a line for each object.
    Json { first: bool },
}

impl<const N: usize> Rows<N> {
    /// `columns` are the heading, which people see.
    pub(super) fn new(columns: [&'static str; N], json: bool) -> Self {
        let form = match (json, output::is_terminal()) {
            (true, _) => Form::Json { first: true },
            (false, true) => Form::Table { columns, block: output::table(columns), rows: 0 },
            (false, false) => Form::Lines,
        };
        Self { data: Data::new(), form }
    }

    /// Writes a row, in the one form or the other.
    pub(super) fn row<T: Serialize>(
        &mut self,
        columns: impl FnOnce() -> [String; N],
        object: impl FnOnce() -> T,
    ) -> io::Result<Reader> {
        match &mut self.form {
            Form::Lines => self.data.line(columns().join("\t")),
            Form::Table { columns: heading, block, rows } => {
                block.add_row(columns());
                *rows = rows.saturating_add(1);
                if !rows.is_multiple_of(BLOCK) {
                    return Ok(Reader::Present);
                }
                let full = std::mem::replace(block, output::table(*heading));
                self.data.rows(&full)
            }
            Form::Json { first } => {
                let object = serde_json::to_string(&object())?;
                self.data.piece(if std::mem::take(first) { "[\n" } else { ",\n" })?;
                self.data.piece(object)
            }
        }
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<Reader> {
        match self.form {
            Form::Table { block, rows, .. } if rows == 0 || !rows.is_multiple_of(BLOCK) => {
                return self.data.table(&block);
            }
            Form::Json { first } => {
                self.data.line(if first { "[]" } else { "\n]" })?;
            }
            Form::Lines | Form::Table { .. } => {}
        }
        self.data.finish()
    }
}
