//! On what, and where on it: printed with every run, because a figure without its placement says nothing.

use std::fmt;
use std::fs;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The processors of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub here: usize,
    pub there: usize,
    /// For the second reader of a writer and those after it; each reader has its own as far as they go.
    pub further: Vec<usize>,
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).unwrap_or_else(|e| panic!("pinning to processor {cpu}: {e}"));
}

impl Placement {
    /// Two processors and no more.
    pub fn of_two(here: usize, there: usize) -> Self {
        Self {
            here,
            there,
            further: Vec::new(),
        }
    }

    /// The processors asked for, or all: first two that are not siblings of one core if there are such.
    pub fn choose(asked: Option<&[usize]>) -> Result<Self, String> {
        let allowed = sched_getaffinity(None).map_err(|e| format!("asking for processors: {e}"))?;
        let usable: Vec<usize> = (0..CpuSet::MAX_CPU)
            .filter(|&cpu| allowed.is_set(cpu))
            .collect();
        if let Some(asked) = asked {
            for (at, cpu) in asked.iter().enumerate() {
                if !usable.contains(cpu) {
                    return Err(format!(
                        "processor {cpu} is not among those allowed: {usable:?}"
                    ));
                }
                if asked[..at].contains(cpu) {
                    return Err(format!(
                        "processor {cpu} is named twice: each is for one side"
                    ));
                }
            }
            let &[here, there, ref further @ ..] = asked else {
                return Err(format!("found the processors {asked:?}; polling needs two"));
            };
            return Ok(Self {
                here,
                there,
                further: further.to_vec(),
            });
        }
        let Some(&here) = usable.first() else {
            return Err("no processor is allowed".into());
        };
        let others = || usable.iter().copied().skip(1);
        let apart = others().find(|&cpu| !shares(here, cpu, "topology/thread_siblings_list"));
        match apart.or_else(|| others().next()) {
            Some(there) => Ok(Self {
                here,
                there,
                further: others().filter(|&cpu| cpu != there).collect(),
            }),
            None => Err("one processor is allowed; polling needs two".into()),
        }
    }

    pub fn go_here(&self) {
        pin(self.here);
    }

    pub fn go_there(&self) {
        pin(self.there);
    }

    /// Where the readers of a writer run that is there, counted from 0.
    pub fn reader(&self, reader: usize) -> usize {
        let further = reader.checked_sub(1);
        let cpu = further.and_then(|at| self.further.get(at));
        *cpu.unwrap_or(&self.here)
    }

    /// Where a sender and a receiver of many run, the pairs counted from 0. Pairs that share two processors with others have their ends
    /// the other way round by turns: each processor then holds as many senders as receivers.
    pub fn pair(&self, pair: usize) -> (usize, usize) {
        let mut all = vec![self.there, self.here];
        all.extend(&self.further);
        let (twos, _) = all.as_chunks::<2>();
        let [one, other] = twos[pair % twos.len()];
        if (pair / twos.len()).is_multiple_of(2) {
            (one, other)
        } else {
            (other, one)
        }
    }

    /// Pairs whose ends have a processor each.
    pub fn pairs(&self) -> usize {
        1 + self.further.len() / 2
    }

    pub fn go_to(cpu: usize) {
        pin(cpu);
    }
}

/// Whether two processors are in the same list of this file.
fn shares(a: usize, b: usize, file: &str) -> bool {
    let list = fs::read_to_string(format!("/sys/devices/system/cpu/cpu{a}/{file}"));
    list.is_ok_and(|list| in_list(list.trim(), b))
}

/// Whether `0-3,8` names the processor.
fn in_list(list: &str, cpu: usize) -> bool {
    list.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&cpu))
    })
}

/// How many processors `0-3,8` names.
fn count_in_list(list: &str) -> Option<usize> {
    let parts = list.split(',').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        (last + 1).checked_sub(first)
    });
    parts.sum()
}

/// Processors of the machine, of which this program may be allowed fewer.
fn online() -> usize {
    let list = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    count_in_list(list.trim())
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(0, usize::from))
}

/// What a run ran on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub kernel: String,
    pub system: String,
    pub compiler: String,
    pub placement: String,
}

impl Machine {
    pub fn found(placement: &Placement) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let virtual_machine = cpuinfo.contains(" hypervisor");
        let Placement {
            here,
            there,
            ref further,
        } = *placement;
        let how = if shares(here, there, "topology/thread_siblings_list") {
            "two threads of one core"
        } else if shares(here, there, "cache/index3/shared_cpu_list") {
            "two cores with one third-level cache"
        } else {
            "two cores without a common third-level cache"
        };
        let uname = rustix::system::uname();
        Self {
            processor: field("model name").unwrap_or_else(|| std::env::consts::ARCH.into()),
            processors: online(),
            kernel: uname.release().to_string_lossy().into(),
            system: if virtual_machine {
                "a virtual machine"
            } else {
                "no hypervisor seen"
            }
            .into(),
            compiler: env!("RINGPAD_BENCH_RUSTC").into(),
            placement: match further.len() {
                0 => format!("processors {here} and {there}: {how}; all readers share the first"),
                more => format!("processors {here} and {there}: {how}; {more} more for readers"),
            },
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} processors, {}, Linux {}, {}",
            self.processor, self.processors, self.system, self.kernel, self.compiler
        )?;
        write!(f, "placement: {}", self.placement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors() {
        assert!(in_list("0-3,8", 8) && in_list("0-3,8", 2) && in_list("5", 5));
        assert!(!in_list("0-3,8", 4) && !in_list("", 0) && !in_list("x-y", 0));
        let counts = ["0-3,8", "5", "", "4-1"].map(count_in_list);
        assert_eq!(counts, [Some(5), Some(1), None, None]);
    }

    #[test]
    fn pairs_that_share_processors_mix_on_them() {
        let two = Placement::of_two(4, 5);
        assert_eq!(
            [0, 1, 2].map(|pair| two.pair(pair)),
            [(5, 4), (4, 5), (5, 4)]
        );
        assert_eq!(two.pairs(), 1);
        let further = vec![6, 7, 8];
        let five = Placement { further, ..two };
        let pairs = [0, 1, 2, 3].map(|pair| five.pair(pair));
        assert_eq!(pairs, [(5, 4), (6, 7), (4, 5), (7, 6)]);
        assert_eq!(five.pairs(), 2);
    }

    #[test]
    fn a_placement_needs_two_allowed_processors() {
        let refused = |cpus: &[usize]| Placement::choose(Some(cpus)).unwrap_err();
        assert!(refused(&[0, 0]).contains("named twice"));
        assert!(refused(&[0, 1023]).contains("1023"));
        assert!(refused(&[0]).contains("needs two"));
    }
}
