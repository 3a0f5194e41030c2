//! How lines of the protocol stand in the files.

/// A line as it stands in a file.
pub(crate) fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.replace('\t', "<T>").replace('\u{1}', "<A>").replace('\r', "<CR>").replace('\0', "<NUL>")
}

/// The bytes that a line of a file stands for.
pub(crate) fn meant(text: &str) -> Vec<u8> {
    text.replace("<T>", "\t").replace("<A>", "\u{1}").replace("<CR>", "\r").replace("<NUL>", "\0").into_bytes()
}
