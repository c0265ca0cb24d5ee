//! The rooms of the house, read from the sources: who imports whom, where `unsafe` may be, who knows the model checker.
//!
//! `memory` <- `segment` <- `channel` <- `reap` <- `os`: a room imports only itself and rooms before it. `error` is everyone's.

#[path = "rooms/source.rs"]
mod source;

use std::collections::BTreeMap;

use source::{Source, code_of, sources, words};

const ROOMS: [&str; 5] = ["memory", "segment", "channel", "reap", "os"];
/// Folders whose files may say `unsafe`.
const UNSAFE: [&str; 5] = [
    "memory/",
    "channel/cursor/",
    "channel/bytes/",
    "channel/frames/",
    "os/",
];
/// Files that only declare rooms, and cannot forbid what those may do.
const DOORS: [&str; 2] = ["lib.rs", "channel/mod.rs"];
/// The kinds. What they share (`cursor`, `party`, `seat`, `seats`, `stamp`) is none.
const KINDS: [&str; 8] = [
    "bytes", "frames", "lock", "mailslot", "mpmc", "notepad", "rpc", "spsc",
];

/// The room that each name re-exported at the root comes from.
fn root_names(lib: &Source) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for item in lib.code.split("pub use ").skip(1) {
        let item = item.split(';').next().unwrap_or_default();
        let room = words(item).next().unwrap_or_default().to_owned();
        names.extend(
            words(item)
                .skip(1)
                .map(|name| (name.to_owned(), room.clone())),
        );
    }
    names
}

/// The first name of every path that begins with `crate::`, groups taken apart.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            found.extend(words(path).next().map(str::to_owned));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        let mut name = String::new();
        for c in group.chars().chain([',']) {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && (c.is_alphanumeric() || c == '_') => name.push(c),
                _ if name.is_empty() => {}
                _ => start = false,
            }
            if !start || c == ',' {
                found.extend((!name.is_empty()).then(|| std::mem::take(&mut name)));
            }
        }
        found.extend((!name.is_empty()).then_some(name));
    }
    found
}

/// A room imports only itself and rooms before it.
fn check_order(sources: &[Source], names: &BTreeMap<String, String>) -> Result<usize, String> {
    let mut seen = 0;
    for source in sources.iter().filter(|source| !source.is_test()) {
        let room = source.path.split('/').next().unwrap_or_default();
        let rank = match room {
            "error.rs" => 0,
            "lib.rs" | "bin" => continue,
            room => ROOMS
                .iter()
                .position(|known| *known == room.trim_end_matches(".rs"))
                .ok_or_else(|| format!("{} is in no room", source.path))?,
        };
        for import in imports(source.shipped()) {
            seen += 1;
            let from = names.get(&import).unwrap_or(&import);
            let of = match from.as_str() {
                "error" => continue,
                from => ROOMS.iter().position(|known| *known == from),
            };
            match of {
                None => {
                    return Err(format!(
                        "{} imports {import}, which is in no room",
                        source.path
                    ));
                }
                Some(of) if of > rank => {
                    return Err(format!("{} imports {import} of {from}", source.path));
                }
                Some(_) => {}
            }
        }
    }
    Ok(seen)
}

fn check_unsafe(sources: &[Source]) -> Result<usize, String> {
    let with = sources.iter().filter(|source| source.has_word("unsafe"));
    let allowed = |source: &&Source| UNSAFE.iter().any(|folder| source.path.starts_with(folder));
    match with.clone().find(|source| !allowed(source)) {
        Some(source) => Err(format!("{} says unsafe", source.path)),
        None => Ok(with.count()),
    }
}

/// The file that declares this one.
fn parent<'s>(sources: &'s [Source], path: &str) -> Option<&'s Source> {
    let stem = path.strip_suffix("/mod.rs").or(path.strip_suffix(".rs"))?;
    let (folder, _) = stem.rsplit_once('/')?;
    let at = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
    sources
        .iter()
        .find(|source| at.contains(&source.path) && source.path != path)
}

/// Every file that may not say `unsafe` has the compiler forbid it: tests through the file that declares them, others
/// themselves.
fn check_forbidden(sources: &[Source]) -> Result<usize, String> {
    let forbids = |source: &Source| source.code.contains("#![forbid(unsafe_code)]");
    let mut seen = 0;
    for source in sources {
        let allowed = UNSAFE.iter().any(|folder| source.path.starts_with(folder));
        if allowed || DOORS.contains(&source.path.as_str()) {
            continue;
        }
        let mut file = Some(source);
        while let Some(at) = file.filter(|at| !forbids(at)) {
            file = parent(sources, &at.path).filter(|_| at.is_test());
        }
        if file.is_none() {
            return Err(format!("{} lacks #![forbid(unsafe_code)]", source.path));
        }
        seen += 1;
    }
    Ok(seen)
}

fn check_checker(sources: &[Source]) -> Result<usize, String> {
    let names = |source: &&Source| source.has_word("loom");
    let (facade, others): (Vec<_>, Vec<_>) = sources
        .iter()
        .filter(names)
        .partition(|source| source.path.starts_with("memory/sync"));
    match others.first() {
        Some(source) => Err(format!("{} names loom", source.path)),
        None => Ok(facade.len()),
    }
}

/// Kinds never import each other, and what they stand on imports none.
fn check_kinds(sources: &[Source]) -> Result<usize, String> {
    let mut seen = 0;
    for source in sources
        .iter()
        .filter(|source| source.path.starts_with("channel/"))
    {
        let own = source.path["channel/".len()..]
            .split(['/', '.'])
            .next()
            .unwrap_or_default();
        if own == "mod" {
            continue;
        }
        seen += 1;
        for kind in KINDS.into_iter().filter(|kind| *kind != own) {
            let paths =
                ["channel::", "crate::", "super::super::"].map(|from| format!("{from}{kind}"));
            let grouped = imports(&source.code).contains(&kind.to_owned());
            if grouped || paths.iter().any(|path| source.code.contains(path)) {
                return Err(format!("{} imports {kind}", source.path));
            }
        }
    }
    Ok(seen)
}

fn lib(sources: &[Source]) -> &Source {
    sources
        .iter()
        .find(|source| source.path == "lib.rs")
        .expect("a root")
}

#[test]
fn the_house_is_in_order() {
    let sources = sources();
    let names = root_names(lib(&sources));
    assert_eq!(names.get("Peer").map(String::as_str), Some("segment"));
    assert!(check_order(&sources, &names).unwrap() > 100);
    assert!(check_unsafe(&sources).unwrap() >= 8);
    assert!(check_forbidden(&sources).unwrap() >= 20);
    assert!(check_checker(&sources).unwrap() >= 1);
    assert!(check_kinds(&sources).unwrap() >= 10);
}

/// The house with one more file in it.
fn with(path: &str, text: &str) -> (Vec<Source>, BTreeMap<String, String>) {
    let mut sources = sources();
    let names = root_names(lib(&sources));
    sources.retain(|source| source.path != path);
    sources.push(Source::new(path, text));
    (sources, names)
}

#[test]
fn negative_control_imports_against_the_order() {
    let bad = [
        ("memory/new.rs", "use crate::segment::claim::Claim;"),
        ("memory/new.rs", "use crate::Peer;"),
        ("memory/new.rs", "fn f(_: &crate::spsc::Config) {}"),
        (
            "segment/new.rs",
            "use crate::{\n    error::Error,\n    channel::cursor::{self, Pair},\n};",
        ),
        ("segment/new.rs", "use crate::{Region, bytes};"),
        ("channel/new.rs", "pub(crate) use crate::os::Options;"),
        ("error.rs", "use crate::segment::plan::Name;"),
        ("channel/new.rs", "use crate::cellar::Wine;"),
        ("cellar/new.rs", "fn f() {}"),
    ];
    for (path, text) in bad {
        let (sources, names) = with(path, text);
        let error = check_order(&sources, &names).unwrap_err();
        assert!(error.starts_with(path), "{text:?}: {error}");
    }
    let good = "// use crate::os::Options;\nuse crate::{Region, error::Error};\nconst A: &str = \"crate::os::X\";";
    let (sources, names) = with("segment/new.rs", good);
    check_order(&sources, &names).unwrap();
}

#[test]
fn negative_control_unsafe_elsewhere() {
    for path in [
        "segment/new.rs",
        "channel/spsc/new.rs",
        "channel/new.rs",
        "error.rs",
        "bin/new.rs",
    ] {
        let (sources, _) = with(path, "fn f(p: *const u8) -> u8 {\n    unsafe { *p }\n}");
        assert_eq!(check_unsafe(&sources), Err(format!("{path} says unsafe")));
    }
    let text =
        "//! unsafe\n#![forbid(unsafe_code)]\nconst A: &str = \"unsafe\";\nconst B: char = 'u';";
    assert!(check_unsafe(&with("segment/new.rs", text).0).is_ok());
}

#[test]
fn negative_control_a_file_that_forbids_nothing() {
    for path in [
        "segment/claim.rs",
        "channel/spsc/mod.rs",
        "error.rs",
        "cellar/new.rs",
    ] {
        let (sources, _) = with(path, "// #![forbid(unsafe_code)]\nfn f() {}");
        let error = check_forbidden(&sources).unwrap_err();
        assert!(
            error.ends_with("lacks #![forbid(unsafe_code)]"),
            "{path}: {error}"
        );
    }
    let inherits = with("segment/claim/tests.rs", "fn f() {}");
    assert!(check_forbidden(&inherits.0).is_ok(), "its parent forbids");
    let orphan = with("memories/tests.rs", "fn f() {}");
    assert!(check_forbidden(&orphan.0).is_err());
}

#[test]
fn negative_control_the_checker_named_elsewhere() {
    let (sources, _) = with("channel/new.rs", "use loom::sync::atomic::AtomicU32;");
    assert_eq!(
        check_checker(&sources),
        Err("channel/new.rs names loom".to_owned())
    );
    assert!(check_checker(&with("channel/new.rs", "#[cfg(ringpad_loom)]\nfn f() {}").0).is_ok());
}

#[test]
fn negative_control_kinds_that_import_each_other() {
    let bad = [
        (
            "channel/spsc/new.rs",
            "use crate::channel::bytes::Ring;",
            "bytes",
        ),
        ("channel/bytes/new.rs", "use crate::{Error, spsc};", "spsc"),
        (
            "channel/bytes/new.rs",
            "use super::super::spsc::Config;",
            "spsc",
        ),
        (
            "channel/cursor/new.rs",
            "fn f(_: crate::bytes::Config) {}",
            "bytes",
        ),
        (
            "channel/mailslot/reliable/new.rs",
            "use crate::channel::notepad::Glance;",
            "notepad",
        ),
        ("channel/notepad/new.rs", "use crate::mailslot;", "mailslot"),
        (
            "channel/stamp/new.rs",
            "use super::super::mailslot::Tail;",
            "mailslot",
        ),
        ("channel/seat.rs", "use crate::{Error, notepad};", "notepad"),
        (
            "channel/party.rs",
            "use crate::{Error, mpmc::Config};",
            "mpmc",
        ),
        (
            "channel/mpmc/new.rs",
            "use crate::channel::spsc::Spsc;",
            "spsc",
        ),
        ("channel/frames/new.rs", "use crate::{Error, mpmc};", "mpmc"),
        ("channel/seats.rs", "use crate::frames::Ticket;", "frames"),
    ];
    for (path, text, kind) in bad {
        let (sources, _) = with(path, text);
        assert_eq!(check_kinds(&sources), Err(format!("{path} imports {kind}")));
    }
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a // b\n\"c\\\" d\" e /* f\n g */ 'h' i '\\'' j r#\"k \" l\"# &'m n";
    assert_eq!(
        words(&code_of(text)).collect::<Vec<_>>(),
        ["a", "e", "i", "j", "m", "n"]
    );
    assert_eq!(code_of(text).lines().count(), text.lines().count());
}
