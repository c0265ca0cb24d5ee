//! Which names a segment may have.

#![forbid(unsafe_code)]

use super::{Error, Result};

/// The same names on every system: they become parts of names of files and of kernel objects.
pub(super) fn check_name(name: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(good) {
        return Err(Error::BadName(name.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(check_name("camera-1.left_eye").is_ok());
        let long = "x".repeat(65);
        for bad in ["", ".hidden", "a/b", "..", "ä", "a b", &long] {
            assert!(matches!(check_name(bad), Err(Error::BadName(_))), "{bad}");
        }
    }
}
