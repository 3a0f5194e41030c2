//! The lines that the project's pages show: what an administrator pastes, the tests run.

use crate::machine::project;

/// The blocks of code below this heading of a page, up to the next heading.
pub(crate) fn blocks(page: &str, heading: &str) -> Vec<String> {
    let found = sections(page).into_iter().find(|(of, _)| of == heading);
    let blocks = found.map_or_else(Vec::new, |(_, blocks)| blocks);
    assert!(!blocks.is_empty(), "{page} shows nothing to paste below {heading:?}");
    blocks
}

/// Each heading of a page, with the blocks of code below it.
pub(crate) fn sections(page: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(project().join(page)).unwrap();
    let mut sections = Vec::new();
    let (mut heading, mut blocks, mut block) = (String::new(), Vec::new(), String::new());
    for line in text.lines().chain(["#"]) {
        if let Some(code) = line.strip_prefix("    ") {
            block = block + code + "\n";
            continue;
        }
        if !block.is_empty() {
            blocks.push(std::mem::take(&mut block));
        }
        if line.starts_with('#') {
            sections.push((std::mem::replace(&mut heading, line.to_owned()), std::mem::take(&mut blocks)));
        }
    }
    sections
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
