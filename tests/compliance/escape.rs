//! Any bytes as lines of a text file, and back.

/// Shows `bytes` with their newlines; backslashes, what is invisible and what is not UTF-8 become escapes.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => {
                    // A blank at the end of a line would get lost on the way through editors.
                    if text.ends_with(' ') {
                        text.truncate(text.len() - 1);
                        text.push_str("\\x20");
                    }
                    text.push('\n');
                }
                '\\' => text.push_str("\\\\"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                '\0'..='\x1f' | '\x7f' => text.push_str(&format!("\\x{:02x}", u32::from(character))),
                shown => text.push(shown),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

pub(crate) fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut left = text.as_bytes().iter().copied();
    while let Some(byte) = left.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match left.next() {
            Some(b'\\') => b'\\',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'x') => {
                let digits: Vec<u8> = left.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).map_err(|_| format!("no escape: {text:?}"))?
            }
            _ => return Err(format!("no escape: {text:?}")),
        });
    }
    Ok(bytes)
}
