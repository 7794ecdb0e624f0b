//! The suites that look for a bug, and their order.

use super::bug::Bug;

/// The package whose tests run only the core.
const WORKLOAD: &str = "wallet-workload";
const SERVER: &str = "wallet-server";

/// A group of tests in one test program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    /// The name of the test program.
    pub(super) target: &'static str,
    /// The arguments of the test program.
    pub(super) filters: &'static [&'static str],
}

/// The name of the suite with tests that were written for one feature. All other suites are generic.
pub(super) const REST: &str = "rest";

/// All suites in the order in which they run.
pub(super) const SUITES: [Suite; 26] = [
    Suite { name: "oracle", package: WORKLOAD, target: "oracle", filters: &[] },
    Suite { name: "worlds", package: WORKLOAD, target: "small_worlds", filters: &[] },
    Suite { name: "growth", package: WORKLOAD, target: "growth", filters: &[] },
    of_library("plans", &["store::sql::plan_tests"]),
    of_library("stories", &["engine::tests::traces"]),
    of_library("edits", &["verify::tests"]),
    of_library(
        "dropped",
        &[
            "engine::tests::cancelled",
            "engine::tests::silent",
            "engine::tests::neighbours",
            "engine::tests::migrated",
        ],
    ),
    of_library("flood", &["engine::tests::flood"]),
    of_library("order", &["engine::tests::order"]),
    of_library("optimistic", &["engine::tests::optimistic", "engine::tests::conflicts"]),
    of_library("steps", &["engine::tests::due::"]),
    of_library("sequencers", &["engine::tests::sequencers"]),
    of_server("due", &["sweeper"]),
    of_server("races", &["races::of_", "races::lock_order", "races::plans", "races::catalogs", "duplicates"]),
    of_server("endings", &["races::endings", "cancelled"]),
    of_server("hostile", &["hostile"]),
    of_server("front", &["front", "connect::"]),
    of_server("points", &["crash::points"]),
    of_server("network", &["crash::chaos"]),
    of_server("outages", &["crash::outage", "crash::silence"]),
    of_server("kills", &["crash::acknowledged", "crash::lost_file"]),
    of_server("feed", &["feed::killed"]),
    of_server("nats", &["nats::"]),
    of_server("power", &["crash::power"]),
    of_server("rows", &["unreadable"]),
    of_server(
        REST,
        &[
            "--skip",
            "crash::",
            "--skip",
            "hostile",
            "--skip",
            "front",
            "--skip",
            "connect::",
            "--skip",
            "unreadable",
            "--skip",
            "races::",
            "--skip",
            "cancelled",
            "--skip",
            "style",
            "--skip",
            "readme",
            "--skip",
            "python",
        ],
    ),
];

/// A suite of the server's unit tests.
const fn of_library(name: &'static str, filters: &'static [&'static str]) -> Suite {
    Suite { name, package: SERVER, target: "wallet_server", filters }
}

/// A suite of tests that start a server.
const fn of_server(name: &'static str, filters: &'static [&'static str]) -> Suite {
    Suite { name, package: SERVER, target: "it", filters }
}

impl Suite {
    /// Returns the time limit in seconds. One suite has most of the tests.
    pub(super) fn limit(&self, timeout: u64) -> u64 {
        if self.name == REST { 6 * timeout } else { timeout }
    }

    /// Returns whether the suite runs only the core.
    pub(super) fn is_of_the_core(&self) -> bool {
        self.package == WORKLOAD
    }
}

/// Tests of a suite, or all of them, that look for a bug.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) suite: &'static Suite,
    /// The arguments of the test program.
    pub(super) filters: Vec<&'a str>,
}

impl Search<'_> {
    fn whole(suite: &'static Suite) -> Self {
        Self { suite, filters: suite.filters.to_vec() }
    }
}

/// The searches for a bug: first the test or the suite that found it before, then all suites in their order.
pub(super) fn order(bug: &Bug, core: bool) -> Vec<Search<'_>> {
    // Suites that run only the core cannot find a fault in the server.
    let fits = |suite: &&Suite| if suite.is_of_the_core() { bug.is_of_the_core() } else { !core };
    let (finder, test) = bug.found_by().unzip();
    let is_first = |suite: &&Suite| finder == Some(suite.name);
    let (first, others): (Vec<_>, Vec<_>) = SUITES.iter().filter(fits).partition(is_first);
    let test = first.iter().zip(test.flatten());
    let test = test.map(|(suite, test)| Search { suite, filters: vec!["--exact", test] });
    test.chain(first.iter().chain(&others).map(|suite| Search::whole(suite))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded_bugs::bug::tests::bug;

    fn names(bug: &Bug, core: bool) -> Vec<&'static str> {
        order(bug, core).iter().map(|search| search.suite.name).collect()
    }

    #[test]
    fn the_suite_that_found_a_bug_before_runs_first() {
        let found = names(&bug("a", "wallet-server", "power, kills"), false);
        assert_eq!(found[..3], ["power", "plans", "stories"]);
        let found = names(&bug("a", "wallet-core", "worlds"), false);
        assert_eq!(found[..3], ["worlds", "oracle", "growth"]);
        assert_eq!(found.len(), SUITES.len());
    }

    #[test]
    fn the_test_that_found_a_bug_before_runs_before_its_suite() {
        let found_by_a_test = bug("a", "wallet-server", "rest: rpc::settle::a_test");
        let searches = order(&found_by_a_test, false);
        let first = searches[..2].iter().map(|search| (search.suite.name, search.filters.len() == 2));
        assert_eq!(first.collect::<Vec<_>>(), [(REST, true), (REST, false)]);
        assert_eq!(searches[0].filters, ["--exact", "rpc::settle::a_test"]);
        assert_eq!(searches[2].suite.name, "plans");
    }

    #[test]
    fn suites_of_the_core_do_not_look_for_a_bug_of_the_server() {
        let found = names(&bug("a", "wallet-server", "races"), false);
        assert_eq!(found.len(), SUITES.len() - 3);
        assert!(!["oracle", "worlds", "growth"].iter().any(|suite| found.contains(suite)), "{found:?}");
    }

    #[test]
    fn only_suites_of_the_core_run_for_the_gate() {
        for finder in ["oracle (shrunk to 3 commands)", "small worlds", "stories"] {
            assert_eq!(
                names(&bug("a", "wallet-core", finder), true),
                ["oracle", "worlds", "growth"],
                "{finder}"
            );
        }
    }

    #[test]
    fn an_unknown_finder_changes_nothing() {
        let found = names(&bug("a", "wallet-core", "nobody"), false);
        assert_eq!(found, SUITES.iter().map(|suite| suite.name).collect::<Vec<_>>());
    }
}
