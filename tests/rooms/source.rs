//! Sources as words, without comments and literals.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path below `src`, and its text without comments and literals.
#[derive(Clone)]
pub struct Source {
    /// Below `src`.
    pub path: String,
    /// Without comments and literals; lines stay lines.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (path, code) = (path.to_owned(), code_of(text));
        Self { path, code }
    }

    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        // The model checker's hooks are in no build that ships.
        self.path.contains("/tests/")
            || self.path.starts_with("memory/sync/hooks")
            || name.ends_with("tests.rs")
            || name == "testing.rs"
            || self.path.starts_with("limits")
    }

    /// The code that ships: what stands before the tests of the same file.
    pub fn shipped(&self) -> &str {
        self.code.split("\nmod tests {").next().unwrap_or_default()
    }

    /// Words and the signs between them.
    pub fn has_word(&self, word: &str) -> bool {
        words(&self.code).any(|found| found == word)
    }
}

pub fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The text without comments, strings and characters; lines stay lines.
pub fn code_of(text: &str) -> String {
    let (mut code, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if first == '"' {
            end_of(rest, '"')
        } else if first == '\'' && is_character(rest) {
            end_of(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.extend(rest[..skip].chars().filter(|&c| c == '\n'));
        rest = &rest[skip..];
    }
    code
}

/// Where the literal that begins here ends: behind the next quote that no backslash hides.
fn end_of(text: &str, quote: char) -> usize {
    let mut hidden = true; // the opening one
    for (at, c) in text.char_indices() {
        if c == quote && !hidden {
            return at + 1;
        }
        hidden = c == '\\' && !hidden;
    }
    text.len()
}

/// A character, not a lifetime.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

pub fn sources() -> Vec<Source> {
    fn walk(at: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let rust = files
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "rs"));
    rust.map(|file| {
        let path = file
            .strip_prefix(&root)
            .expect("below src")
            .to_string_lossy();
        Source::new(
            &path.replace('\\', "/"),
            &fs::read_to_string(file).expect("text"),
        )
    })
    .collect()
}
