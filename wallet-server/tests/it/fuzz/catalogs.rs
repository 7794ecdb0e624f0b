//! Catalogs with a line removed, doubled, taken from another one or changed. Most are refused; an accepted one prices
//! each operation or explains why it has no price.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use wallet_core::Operation;
use wallet_core::catalog::Catalog;
use wallet_workload::{Rng, figure};

use super::calls;
use crate::harness::seed;

/// The number of documents of a usual run.
const DOCUMENTS: usize = 4_000;

const WORDS: [&str; 20] = [
    "0",
    "-1",
    "1",
    "\"\"",
    "\"credits\"",
    "\"1e400\"",
    "9223372036854775807",
    "-9223372036854775808",
    "0.5",
    "true",
    "[]",
    "{}",
    "\"unlimited\"",
    "\"MONTH\"",
    "\"100%\"",
    "\"30m\"",
    "\"99999999999999999999.999999999\"",
    "[1, 2]",
    "{ min = 5, max = 1 }",
    "\"nowhere\"",
];

#[test]
fn every_mutated_catalog_is_refused_or_prices_without_a_panic() {
    let mut rng = Rng::new(seed(), 1);
    let corpus = documents();
    let (documents, mut taken, mut priced) = (calls(DOCUMENTS), 0, 0);
    for _ in 0..documents {
        let (base, donor) = (rng.pick(&corpus).unwrap(), rng.pick(&corpus).unwrap());
        let text = mutate(base, donor, &mut rng);
        let read =
            std::panic::catch_unwind(|| Catalog::parse(&text)).unwrap_or_else(|_| panic!("panics:\n{text}"));
        let Ok(catalog) = read else { continue };
        taken += 1;
        for operation in operations(&catalog, &mut rng) {
            let price = std::panic::catch_unwind(|| catalog.price(&operation, None));
            let price = price.unwrap_or_else(|_| panic!("pricing {operation:?} panics:\n{text}"));
            if let Ok(price) = price {
                priced += 1;
                for (unit, amount) in price.amounts.iter() {
                    assert!(
                        amount >= 0 && amount <= price.max_amounts.get(unit.as_str()),
                        "{operation:?}\n{text}"
                    );
                }
            }
        }
    }
    let share = format!("{} % taken, {priced} prices", 100 * taken / documents);
    figure("fuzz", &[&"catalogs", &documents, &share]);
    assert!(taken > documents / 50, "too few documents are catalogs for this to show anything: {taken}");
}

/// The catalogs of the repository and of other tests.
fn documents() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours =
        fs::read_dir(here.join("catalogs")).expect("catalogs").map(|file| file.expect("a file").path());
    let tests = ["tests/it/plans.toml", "tests/it/policies.toml"].map(|file| here.join(file));
    let mut paths: Vec<PathBuf> = ours.chain(tests).collect();
    paths.sort();
    let texts = paths.iter().map(|path| fs::read_to_string(path).expect("a document"));
    // Most documents are refused for a golden case that no longer agrees; more are accepted without the cases.
    texts.flat_map(|text| [text.split("\n[[golden]]").next().unwrap_or_default().to_owned(), text]).collect()
}

fn mutate(text: &str, donor: &str, rng: &mut Rng) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let donated: Vec<&str> = donor.lines().collect();
    for _ in 0..rng.within(1, 2) {
        let at = usize::try_from(rng.within(0, i64::try_from(lines.len()).unwrap() - 1)).unwrap();
        match rng.within(0, 5) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines.insert(at, (*rng.pick(&donated).unwrap_or(&"")).to_owned()),
            _ => lines[at] = other_value(&lines[at], rng),
        }
    }
    lines.join("\n")
}

/// The line with another value after one of its equals signs.
fn other_value(line: &str, rng: &mut Rng) -> String {
    let signs: Vec<usize> = line.match_indices("= ").map(|(at, _)| at + 2).collect();
    let Some(from) = rng.pick(&signs) else { return line.to_owned() };
    let (before, value) = line.split_at(*from);
    let end = value.find([',', '}']).unwrap_or(value.len());
    format!("{before}{} {}", rng.one_of(WORDS), &value[end..])
}

/// The operations of the catalog's golden cases, each with one change.
fn operations(catalog: &Catalog, rng: &mut Rng) -> Vec<Operation> {
    let quantities = ["0", "1", "5", "0.000000001", "1000000000000000", "3.7"];
    let kinds = ["image.generate", "video.generate", "text.process", "lora.train", "video.split"];
    let known = catalog.goldens().iter().map(|golden| golden.operation.clone());
    let bare = kinds.map(|kind| Operation {
        kind: kind.to_owned(),
        attributes: BTreeMap::new(),
        quantities: BTreeMap::new(),
    });
    let mut operations: Vec<Operation> = known.chain(bare).collect();
    for operation in &mut operations {
        for value in operation.quantities.values_mut() {
            *value = rng.one_of(quantities).parse().expect("a decimal");
        }
        for name in ["duration_s", "count"] {
            if rng.percent(30) {
                operation
                    .quantities
                    .insert(name.to_owned(), rng.one_of(quantities).parse().expect("a decimal"));
            }
        }
    }
    operations
}
