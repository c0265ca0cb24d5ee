//! Counting under valgrind's callgrind: this program runs itself, one operation a run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::counts::Count;
use crate::operations::Operation;

/// Laps of a run. Every lap takes as many instructions as another, so more would give the same count.
const LAPS: &str = "2";
/// What is counted lies in this module: its name is in every mangled symbol.
const COUNTED: &str = "*7counted*";

/// What one operation takes.
pub struct Found {
    /// Instructions of this program: ringpad's own.
    pub own: Count,
    /// Instructions of shared libraries, which copy bytes by what the processor has.
    pub libraries: Count,
}

/// Says how to get valgrind if there is none.
pub fn check() -> Result<(), String> {
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("valgrind --version: {}", output.status)),
        Err(error) => Err(format!(
            "cannot run valgrind ({error}), which counts the instructions: install it, \
             as with `apt-get install --no-install-recommends valgrind` or `dnf install valgrind`"
        )),
    }
}

/// Counts one operation.
pub fn count(operation: &Operation) -> Result<Found, String> {
    let program = std::env::current_exe().map_err(|e| format!("where this program lies: {e}"))?;
    let process = std::process::id();
    let file = operation
        .name
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let file = std::env::temp_dir().join(format!("ringpad-instructions-{process}-{file}"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--demangle=no", "--dump-line=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(&program)
        .args(["op", operation.name, LAPS])
        .output();
    let profile = fs::read_to_string(&file);
    let _ = fs::remove_file(&file);
    let output = output.map_err(|e| format!("cannot run valgrind: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "{}: {} under valgrind\n{said}",
            operation.name, output.status
        ));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let calls: u64 = said
        .trim()
        .parse()
        .map_err(|_| format!("found {said:?}; wanted a number of calls"))?;
    let profile = profile.map_err(|e| format!("{}: {e}", file.display()))?;
    let (own, all) = sums(&profile, &program)?;
    Ok(Found {
        own: Count::each(own, calls),
        libraries: Count::each(all - own, calls),
    })
}

/// The instructions of `program` and all instructions in callgrind's output.
fn sums(profile: &str, program: &Path) -> Result<(u64, u64), String> {
    let (mut own, mut all, mut total) = (0, 0, None);
    let mut objects = std::collections::HashMap::new();
    let (mut is_own, mut is_call) = (false, false);
    let mut begun = false;
    for line in profile.lines() {
        // Objects are named once, as `(number) path`, and then by number; the object called, `cob`, may be the first.
        if let Some((key @ ("ob" | "cob"), object)) = line.split_once('=') {
            let (number, path) = object.split_once(' ').unwrap_or((object, ""));
            let it = *objects
                .entry(number)
                .or_insert_with(|| Path::new(path) == program);
            if key == "ob" {
                is_own = it;
            }
            begun = true;
        } else if let Some(sum) = line.strip_prefix("totals:") {
            total = sum.trim().parse().ok();
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if begun && line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            // A line behind `calls=` says what the callee took, which it says itself too.
            if std::mem::take(&mut is_call) {
                continue;
            }
            let cost = line
                .split(' ')
                .nth(1)
                .and_then(|cost| cost.parse::<u64>().ok());
            let cost = cost.ok_or_else(|| {
                format!("found {line:?} in callgrind's output; wanted a place and a cost")
            })?;
            all += cost;
            own += if is_own { cost } else { 0 };
        }
    }
    if total != Some(all) {
        return Err(format!(
            "callgrind's output has {all} instructions in its lines; its total says {total:?}"
        ));
    }
    Ok((own, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_summed_by_object_and_calls_are_not_summed_twice() {
        let profile = "version: 1\npositions: line\nevents: Ir\nsummary: 17\n\nob=(6) /a/program\nfl=(1) ???\nfn=(2) push\n\
                       0 4\ncob=(3) /lib/libc.so.6\ncfn=(9) memcpy\ncalls=2 0 \n0 12\n+3 1\n\nob=(3)\nfn=(9)\n264 10\n* 2\n\ntotals: 17\n";
        assert_eq!(sums(profile, Path::new("/a/program")), Ok((5, 17)));
        let short = profile.replace("totals: 17", "totals: 18");
        assert!(
            sums(&short, Path::new("/a/program"))
                .is_err_and(|e| e.contains("17") && e.contains("18"))
        );
    }
}
