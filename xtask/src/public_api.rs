//! The public API of wallet-client, one item per line, in `wallet-client/public-api.txt`. A review sees in that file
//! how a change alters the API.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::cargo_tool;
use crate::process::{cargo, command, output, root, run as run_command};
use crate::tools::Tools;

/// Understands the JSON of rustdoc from Rust 1.91 on.
const VERSION: &str = "0.52.0";
const SNAPSHOT: &str = "wallet-client/public-api.txt";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Writes the file instead of comparing it
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    Tools::Rust.find()?;
    let tool = cargo_tool::find("cargo-public-api", VERSION)?;
    let json = document()?;
    let mut api = command(tool);
    // Blanket, auto and derived impls are left out: they follow from the items that are listed.
    let items = output(api.args(["public-api", "-sss", "--color=never", "--rustdoc-json"]).arg(json))? + "\n";
    if options.write {
        return fs::write(SNAPSHOT, items).context(SNAPSHOT);
    }
    let renew = "cargo xtask public-api --write";
    let recorded =
        fs::read_to_string(SNAPSHOT).with_context(|| format!("{SNAPSHOT}: make it with {renew}"))?;
    let changes = changes(&recorded, &items);
    changes.iter().for_each(|change| println!("{change}"));
    ensure!(changes.is_empty(), "the public API differs from {SNAPSHOT}: if that is intended, run {renew}");
    println!("the public API is that of {SNAPSHOT}: {} items", items.lines().count());
    Ok(())
}

/// Documents wallet-client as JSON, with all features. Returns the path.
fn document() -> Result<PathBuf> {
    // A folder of its own: the variable below would rebuild crates that ask for it.
    let target = root().join("target/public-api");
    let mut rustdoc =
        cargo(["rustdoc", "--quiet", "--locked", "--package", "wallet-client", "--lib", "--all-features"]);
    rustdoc.args(["--target-dir"]).arg(&target);
    rustdoc.args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"]);
    // Allows the stable toolchain to write JSON, for this crate only.
    run_command(rustdoc.env("RUSTC_BOOTSTRAP", "wallet_client"))?;
    Ok(target.join("doc/wallet_client.json"))
}

/// The items that only one of two lists has, marked by `-` and `+`.
fn changes(recorded: &str, items: &str) -> Vec<String> {
    let missing = |from: &str, list: &str, mark: &str| -> Vec<String> {
        let known: std::collections::BTreeSet<&str> = list.lines().collect();
        from.lines().filter(|item| !known.contains(item)).map(|item| format!("{mark} {item}")).collect()
    };
    [missing(recorded, items, "-"), missing(items, recorded, "+")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_came_and_went_are_listed_and_order_does_not_matter() {
        let recorded = "pub fn a()\npub fn b()\npub fn c()\n";
        assert_eq!(
            changes(recorded, "pub fn c()\npub fn d()\npub fn a()\n"),
            ["- pub fn b()", "+ pub fn d()"]
        );
        assert!(changes(recorded, recorded).is_empty());
    }
}
