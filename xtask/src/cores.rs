//! Divides the processor's cores between a server and its client, so that neither takes the other's.

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two halves of the cores that this process may use.
pub(crate) struct Halves {
    all: CpuSet,
    pub(crate) server: Half,
    pub(crate) client: Half,
}

/// A set of cores.
pub(crate) struct Half(CpuSet);

impl Halves {
    /// Fails if there is only one core.
    pub(crate) fn of_this_machine() -> Result<Self> {
        let all = sched_getaffinity(None).context("the cores of this process are unknown")?;
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let (server, client) = cores.split_at(cores.len() / 2);
        anyhow::ensure!(!server.is_empty(), "an overload is measured with at least two cores");
        Ok(Self { all, server: Half::of(server), client: Half::of(client) })
    }
}

impl Half {
    fn of(cores: &[usize]) -> Self {
        let mut set = CpuSet::new();
        for core in cores {
            set.set(*core);
        }
        Self(set)
    }

    /// Moves this thread to these cores. Processes that it starts from now on run there.
    pub(crate) fn enter(&self) -> Result<()> {
        sched_setaffinity(None, &self.0).context("the cores of this thread cannot be set")
    }
}

impl Drop for Halves {
    /// Gives this thread all cores again.
    fn drop(&mut self) {
        // Without them the other measurements would be slower, which their figures would show.
        let _ = sched_setaffinity(None, &self.all);
    }
}
