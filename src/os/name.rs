//! Which names a segment may have.
//!
//! Source of the devices: <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>.

#![forbid(unsafe_code)]

use super::{Error, Result};

/// The same names on every system: they become parts of names of files and of kernel objects.
pub(super) fn check_name(name: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty()
        || name.len() > 64
        || name.starts_with('.')
        || !name.bytes().all(good)
        || is_device(name)
    {
        return Err(Error::BadName(name.into()));
    }
    Ok(())
}

/// What Windows takes for a device in every directory, whatever follows a dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = |rest: &str| matches!(rest.as_bytes(), [b'0'..=b'9']);
    let port = stem.strip_prefix("com").or(stem.strip_prefix("lpt"));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || port.is_some_and(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in [
            "camera-1.left_eye",
            "console",
            "com",
            "com10",
            "nul-1",
            "x.nul",
        ] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in [
            "", ".hidden", "a/b", "..", "ä", "a b", "nul", "CON.left", "Lpt1", "com0.x.y", &long,
        ] {
            assert!(matches!(check_name(bad), Err(Error::BadName(_))), "{bad}");
        }
    }
}
