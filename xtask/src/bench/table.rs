//! The results as Markdown tables.

use super::results::{Build, Cell, Figures, Results, Size};
use crate::instructions::grouped;

/// Returns the table of cells and the table of sizes.
pub(super) fn markdown(results: &Results) -> String {
    let has_other = results.median(Cell::Many, Build::Other).is_some();
    let (heading, ruler) = if has_other { (" other build | of the other |", "---|---|") } else { ("", "") };
    let mut lines = vec![
        format!("| measured | commands/s | of echo | p50 ms | p99 ms | failed |{heading}"),
        format!("|---|---|---|---|---|---|{ruler}"),
    ];
    lines.extend(results.cells().filter_map(|cell| row(results, cell, has_other)));
    lines.push(String::new());
    lines.push(format!("| size | measured |{}", if has_other { " other build |" } else { "" }));
    lines.push(format!("|---|---|{}", if has_other { "---|" } else { "" }));
    lines.extend(results.sizes().map(|size| size_row(results, size, has_other)));
    lines.join("\n")
}

fn row(results: &Results, cell: Cell, has_other: bool) -> Option<String> {
    let Figures { throughput, p50, p99, failed } = results.median(cell, Build::This)?;
    let echo = results.median(Cell::Echo, Build::This)?.throughput;
    let mut row = format!(
        "| {} | {} | {:.3} | {} | {} | {:.0} % |",
        title(cell),
        whole(throughput),
        throughput / echo,
        milliseconds(p50),
        milliseconds(p99),
        failed * 100.0
    );
    if has_other {
        row += &match results.median(cell, Build::Other) {
            Some(other) => format!(" {} | {:.2} |", whole(other.throughput), throughput / other.throughput),
            None => " | |".to_owned(),
        };
    }
    Some(row)
}

fn size_row(results: &Results, size: Size, has_other: bool) -> String {
    let value = |build| results.median_size(size, build).map(|value| shown(size, value)).unwrap_or_default();
    let other = if has_other { format!(" {} |", value(Build::Other)) } else { String::new() };
    let title = match size {
        Size::DiskPerJob => "PostgreSQL, disk per finished job",
        Size::WalPerCommand => "PostgreSQL, WAL per command",
        Size::EchoMemory => "echo, peak memory",
        Size::Memory => "server on PostgreSQL, peak memory after the first cell",
        Size::SqliteMemory => "server on SQLite, peak memory",
    };
    format!("| {title} | {} |{other}", value(Build::This))
}

fn shown(size: Size, value: f64) -> String {
    match size {
        Size::DiskPerJob | Size::WalPerCommand => format!("{:.2} kB", value / 1_000.0),
        Size::EchoMemory | Size::Memory | Size::SqliteMemory => format!("{value:.0} MB"),
    }
}

pub(super) const fn title(cell: Cell) -> &'static str {
    match cell {
        Cell::Echo => "echo, 1,024 in flight",
        Cell::EchoItems => "echo, calls of 64 items, 1,024 in flight",
        Cell::Many => "PostgreSQL, many wallets, 1,024 in flight",
        Cell::Hot => "PostgreSQL, one hot wallet, 256 in flight",
        Cell::HotUnrecorded => "the same, nothing recorded in the feed",
        Cell::Items => "PostgreSQL, calls of 64 items, 1,024 in flight",
        Cell::Coalesced => "PostgreSQL, many wallets, 1,024 coalesced tasks",
        Cell::CoalescedHot => "PostgreSQL, one hot wallet, 1,024 coalesced tasks",
        Cell::Sqlite => "SQLite, many wallets, 1,024 in flight",
        Cell::SqliteHot => "SQLite, one hot wallet, 256 in flight",
        Cell::One => "PostgreSQL, 1 in flight",
        Cell::Pgbench => "pgbench, 1 client (p50: mean)",
        Cell::Estimate => "Estimate with a wallet, 256 in flight",
        Cell::Balance => "GetBalance, 256 in flight",
        Cell::HalfLoad => "open loop at half of the highest load",
        Cell::OwnCores => "client on cores of its own, 1,024 in flight",
        Cell::Overload => "the same, open loop at three times that load",
        Cell::Recovered => "the same, open loop at half of that load, right after it",
        Cell::Naive => "one command per commit, many wallets, 1,024 in flight",
        Cell::NaiveHot => "one command per commit, one hot wallet, 256 in flight",
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate below 2^53")]
fn whole(rate: f64) -> String {
    grouped(rate.round().max(0.0) as u64)
}

fn milliseconds(value: f64) -> String {
    if value.is_nan() { String::new() } else { format!("{value:.1}") }
}
