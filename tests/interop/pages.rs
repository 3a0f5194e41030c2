//! The lines that the project's pages show: what an administrator pastes, the tests run.

use crate::machine::project;

/// The blocks of code below this heading of a page, up to the next heading.
pub(crate) fn blocks(page: &str, heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project().join(page)).unwrap();
    let section = text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'));
    let mut blocks = Vec::new();
    let mut block = String::new();
    for line in section.chain([""]) {
        if let Some(code) = line.strip_prefix("    ") {
            block = block + code + "\n";
        } else if !block.is_empty() {
            blocks.push(std::mem::take(&mut block));
        }
    }
    assert!(!blocks.is_empty(), "{page} shows nothing to paste below {heading:?}");
    blocks
}

/// The only block below this heading that has this text in it.
pub(crate) fn block(page: &str, heading: &str, with: &str) -> String {
    let mut found: Vec<_> = blocks(page, heading).into_iter().filter(|block| block.contains(with)).collect();
    assert_eq!(found.len(), 1, "{page}, {heading:?}, {with:?}: {found:?}");
    found.remove(0)
}

/// A file of those that are shipped to be pasted.
pub(crate) fn contrib(path: &str) -> String {
    std::fs::read_to_string(project().join("contrib").join(path)).unwrap()
}
