//! Files of lines `KEY: VALUE`, as libsasl2 and chasquid have them. Space may be around either; libsasl2 takes a key in any case.

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
        let pairs = self.text.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(move |(own, _)| own.trim().eq_ignore_ascii_case(key)).map(|(_, value)| value.trim())
    }

    /// Commands that leave one line with this key, which says `value`.
    pub(super) fn set(&self, key: &str, value: &str) -> [String; 2] {
        let file = word(self.file);
        [
            format!("sed -i {} {file}", quote(&format!("/^[[:space:]]*{key}[[:space:]]*:/Id"))),
            format!("echo {} >>{file}", quote(&format!("{key}: {value}"))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn whatever_is_read_as_a_key_is_set_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program.conf");
        let text = "# mech_list: LOGIN\nmech_list: PLAIN\n  Mech_List : LOGIN\nmech_list_too: x\n";
        std::fs::write(&file, text).unwrap();
        let lines = KeyLines { file: &file, text };
        assert_eq!(lines.values("mech_list").collect::<Vec<_>>(), ["PLAIN", "LOGIN"]);
        for command in lines.set("mech_list", "CRAM-MD5 PLAIN") {
            assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
        }
        let expected = "# mech_list: LOGIN\nmech_list_too: x\nmech_list: CRAM-MD5 PLAIN\n";
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    }
}
