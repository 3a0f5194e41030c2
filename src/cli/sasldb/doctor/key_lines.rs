//! Files of lines `KEY: VALUE`, as libsasl2 and chasquid have them.

use std::path::Path;

use crate::cli::sasldb::shell::{quote, word};

/// Such a file, as it was read.
pub(super) struct KeyLines<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl KeyLines<'_> {
    /// What the lines with this key say, in their order: of several the program takes the first or the last one.
    pub(super) fn values(&self, key: &str) -> impl DoubleEndedIterator<Item = &str> {
        let lines = self.text.lines();
        lines.filter_map(move |line| line.trim().strip_prefix(key)?.trim_start().strip_prefix(':')).map(str::trim)
    }

    /// Commands that leave one line with this key, which says `value`.
    pub(super) fn set(&self, key: &str, value: &str) -> [String; 2] {
        let file = word(self.file);
        [
            format!("sed -i {} {file}", quote(&format!("/^{key}:/d"))),
            format!("echo {} >>{file}", quote(&format!("{key}: {value}"))),
        ]
    }
}
