//! Whether a thread sleeps, by Linux's word.

use std::error::Error;

/// Whether the thread of this number sleeps.
pub fn is_asleep(thread: &str) -> Result<bool, Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/stat"))?;
    // The state follows the program's name, which stands in parentheses and may contain some.
    let (_, rest) = stat.rsplit_once(") ").ok_or("a strange stat file")?;
    Ok(rest.starts_with('S'))
}
