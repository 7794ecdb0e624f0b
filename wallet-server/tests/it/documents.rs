//! Checks of the documents: links lead to existing files and headings, and invariants and seeded bugs exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::style::{files, root};

/// The targets of a text's Markdown links, without web addresses and without those in code blocks.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let targets = prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// The anchors of a document's headings: lower case, words joined by hyphens, without punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_of_a_document_leads_to_a_file_and_a_heading() {
    let documents = files(&root(), ".md");
    assert!(documents.len() > 30, "{documents:?}");
    let mut broken = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            let leads = target.exists()
                && (anchor.is_empty() || anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !leads {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

/// The invariants that a text mentions, for example `I9` and `I16`.
fn invariants_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| {
        let digits = word.strip_prefix('I').unwrap_or_default();
        (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[test]
fn every_invariant_that_the_sources_name_is_defined() {
    let document = fs::read_to_string(root().join("docs/invariants.md")).unwrap();
    let defined: BTreeSet<&str> =
        document.lines().filter_map(|line| line.strip_prefix("### ")?.split('.').next()).collect();
    assert!(defined.contains("I1") && defined.contains("I31"), "{defined:?}");
    let named_in = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let unknown: Vec<_> =
            invariants_in(&text).filter(|name| !defined.contains(name)).map(str::to_owned).collect();
        (!unknown.is_empty()).then(|| format!("{}: {unknown:?}", path.display()))
    };
    let sources = [".rs", ".md", ".patch", ".proto"].iter().flat_map(|ending| files(&root(), ending));
    let unknown: Vec<_> = sources.filter_map(|path| named_in(&path)).collect();
    assert!(unknown.is_empty(), "numbers that docs/invariants.md does not define:\n{}", unknown.join("\n"));
}

#[test]
fn every_seeded_bug_that_the_invariants_name_exists() {
    let document = fs::read_to_string(root().join("docs/invariants.md")).unwrap();
    let bugs: BTreeSet<String> = files(&root().join("scripts/bugs"), ".patch")
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let is_a_bugs_name = |name: &&str| name.contains('-') && !name.contains([' ', '/', '.']);
    let named: Vec<_> = document.split('`').skip(1).step_by(2).filter(is_a_bugs_name).collect();
    assert!(named.len() > 30, "{named:?}");
    let unknown: Vec<_> = named.into_iter().filter(|name| !bugs.contains(*name)).collect();
    assert!(unknown.is_empty(), "no such patch in scripts/bugs: {unknown:?}");
}

/// Returns the numbers with which the names of these tests begin: of `s12_s13_a_charge`, S12 and S13.
fn numbers_of_tests(folder: &str, declared: &str) -> BTreeSet<String> {
    let sources =
        files(&root().join(folder), ".rs").into_iter().map(|path| fs::read_to_string(path).unwrap());
    let numbers = |line: &str| -> Vec<String> {
        let Some(name) = line.trim_start().strip_prefix(declared) else { return Vec::new() };
        let is_number = |part: &&str| {
            let digits = part.strip_prefix(['p', 's', 'w']).unwrap_or_default();
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        };
        name.split('_').take_while(is_number).map(str::to_uppercase).collect()
    };
    sources.flat_map(|text| text.lines().flat_map(numbers).collect::<Vec<_>>()).collect()
}

#[test]
fn every_numbered_rule_of_billing_has_a_test_of_the_core_and_one_over_the_wire() {
    let document = fs::read_to_string(root().join("docs/billing.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let rules: BTreeSet<_> = rows.filter(|row| row.ends_with(|c: char| c.is_ascii_digit())).collect();
    assert_eq!(rules.len(), 22, "{rules:?}");
    let places = [("wallet-core/tests/scenarios", "fn "), ("wallet-server/tests/it", "async fn ")];
    for (folder, declared) in places {
        let tests = numbers_of_tests(folder, declared);
        let missing: Vec<_> = rules.iter().filter(|rule| !tests.contains(**rule)).collect();
        assert!(missing.is_empty(), "{folder} has no test of {missing:?}");
    }
}

#[test]
fn every_document_is_a_page_of_the_site() {
    let root = root();
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
    let pages: BTreeSet<_> =
        links(&summary).iter().map(|link| root.join("docs").join(link).canonicalize().unwrap()).collect();
    // The summary names the pages of these folders by their README.
    let folders = ["docs/decisions", "docs/reference"].map(|folder| root.join(folder));
    let documents = files(&root.join("docs"), ".md").into_iter().filter(|document| {
        let folder = document.parent().unwrap();
        !document.ends_with("SUMMARY.md")
            && (document.ends_with("README.md") || folders.iter().all(|known| known != folder))
    });
    let documents: Vec<_> = documents.collect();
    assert!(documents.len() > 20, "{documents:?}");
    let missing: Vec<_> =
        documents.iter().filter(|document| !pages.contains(&document.canonicalize().unwrap())).collect();
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}
