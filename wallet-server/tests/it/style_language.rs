//! The language of comments and documents: plain words, sentences that name their subject, no filler.
//!
//! Reads the comments of the Rust and protocol sources and all Markdown documents. Code in backticks and in code blocks
//! is skipped. The failure is a work list, sorted by file and line.

use std::fs;
use std::path::Path;

use crate::style::{files, root};

/// Phrases that the repository avoids, each with the words to use instead. Matched word by word, in any case, across
/// line ends; `*` stands for the beginning of a word.
const BANNED: &[(&str, &str)] = &[
    ("after so many", "after the given number of"),
    ("anew", "again"),
    ("as far as it has", "so far"),
    ("be had", "be available, be obtained, respond"),
    ("behind a", "after a"),
    ("behind an", "after an"),
    ("behind every", "after every"),
    ("behind it", "after it"),
    ("behind its", "after its"),
    ("behind the", "after the"),
    ("behind their", "after their"),
    ("but for", "except, without"),
    ("by itself", "automatically, without a command, alone"),
    ("by so much", "by the amount"),
    ("catalog says", "the catalog sets, defines, states"),
    ("entries say", "the entries record, contain, state"),
    ("entries tell", "the entries record, contain, state"),
    ("entry says", "the entry records, contains, states"),
    ("entry tells", "the entry records, contains, states"),
    ("for ever", "forever, without limit"),
    ("for so many", "for the given number of"),
    ("how-manieth", "index, number"),
    ("in so many", "in the given number of"),
    ("is no *'s", "belongs to no, is not the"),
    ("lapse", "expire"),
    ("lapsed", "expired"),
    ("lapses", "expires"),
    ("lapsing", "expiring"),
    ("ledger says", "the ledger records, contains, states"),
    ("lets one", "allows the caller to, or name the subject"),
    ("manieth", "index, number"),
    ("manners", "settings"),
    ("nobody's", "no wallet's, no caller's; name the owner"),
    ("of his .", "name the owner: the caller's"),
    ("of it .", "name the thing, or leave it out"),
    ("of it ;", "name the thing, or leave it out"),
    ("of ours", "our, or name the owner"),
    ("of so many", "of the given number of"),
    ("of so much", "of the amount"),
    ("of theirs", "their, or name the owner"),
    ("patience", "timeout"),
    ("plan says", "the plan sets, defines, states"),
    ("poke", "process what is due"),
    ("poked", "processed"),
    ("pokes", "sweeps, due processing"),
    ("row says", "the row contains, states"),
    ("rows say", "the rows contain, state"),
    ("said of", "recorded of, stated about"),
    ("says of", "records of, states about"),
    ("server says", "the server reports, answers"),
    ("so many seconds", "the given number of seconds, a number of seconds"),
    ("so much of", "the part of, the amount of"),
    ("soundness", "invariants"),
    ("speak of", "mention, use"),
    ("speaks of", "mentions, uses"),
    ("taken back", "clawed back, withdrawn"),
    ("takes back", "claws back, withdraws"),
    ("thaw", "unfreeze"),
    ("thawed", "unfrozen"),
    ("thaws", "unfreezes"),
    ("to be had", "available"),
    ("told", "notified, reported, recorded, distinguished"),
    ("took back", "clawed back, withdrew"),
    ("touched", "changed, used"),
    ("trouble", "error, failure, its kind"),
    ("way out", "remedy"),
    ("ways out", "remedies"),
    ("whatever a", "any, everything that, regardless of"),
    ("whatever becomes", "any, everything that, regardless of"),
    ("whatever comes", "any, everything that, regardless of"),
    ("whatever happens", "any, everything that, regardless of"),
    ("whatever has", "any, everything that, regardless of"),
    ("whatever is", "any, everything that, regardless of"),
    ("whatever it", "any, everything that, regardless of"),
    ("whatever stays", "any, everything that, regardless of"),
    ("whatever was", "any, everything that, regardless of"),
    ("whoever", "the caller, a caller that; name the subject"),
    ("with so many", "with the given number of"),
];

/// Good English that contains a banned phrase.
const ALLOWED: &[&str] = &[
    "all of it",
    "behind a load balancer",
    "behind a proxy",
    "behind a reverse proxy",
    "behind the load balancer",
    "behind the proxy",
    "copy of it",
    "half of it",
    "most of it",
    "multiples of it",
    "notified of it",
    "part of it",
    "rest of it",
    "snapshot of it",
    "third of it",
];

/// Words that no sentence opens with, unless it is a question.
const OPENINGS: &[&str] =
    &["How much", "Nobody", "So much", "That which", "What", "Whatever", "Whether", "Who", "Whoever"];

/// The most characters of a function's name, tests included.
const LONGEST_NAME: usize = 80;

/// The fewest words of a doc comment.
const SHORTEST_DOC: usize = 3;

/// One line of the work list. Sorts by file and line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    fault: String,
}

/// The kind of a text, by the marker of its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Doc,
    Comment,
    Markdown,
}

/// Consecutive lines of one kind, each with its number.
struct Passage {
    kind: Kind,
    lines: Vec<(usize, String)>,
}

/// A word or a punctuation mark, with its line.
struct Token {
    line: usize,
    text: String,
}

/// The comment of a line of code: its kind, its text, and true if code precedes it.
fn comment_of(line: &str) -> Option<(Kind, &str, bool)> {
    let at = line.match_indices("//").map(|(at, _)| at).find(|&at| {
        let code = &line[..at];
        let quotes = code.matches('"').count() - code.matches("\\\"").count() - code.matches("'\"'").count();
        quotes.is_multiple_of(2) && !code.ends_with(':')
    })?;
    let trailing = !line[..at].trim().is_empty();
    let text = &line[at + 2..];
    match text.strip_prefix(['/', '!']) {
        Some(text) if !text.starts_with('/') => Some((Kind::Doc, text, trailing)),
        _ => Some((Kind::Comment, text, trailing)),
    }
}

/// The comments of a source: adjoining comment lines of a kind form one passage.
fn comments(source: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut last = None;
    for (number, line) in (1..).zip(source.lines()) {
        let Some((kind, text, trailing)) = comment_of(line) else {
            last = None;
            continue;
        };
        let joins = !trailing && last == Some(kind);
        last = (!trailing).then_some(kind);
        match passages.last_mut().filter(|_| joins) {
            Some(passage) => passage.lines.push((number, text.to_owned())),
            None => passages.push(Passage { kind, lines: vec![(number, text.to_owned())] }),
        }
    }
    passages
}

/// The words and marks of a passage. Code blocks and the targets of links are left out, and each word of a code span
/// becomes a backtick. An empty line, a list item and a heading end the sentence before them, like a full stop.
fn tokens(passage: &Passage) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut in_block, mut in_span) = (false, false);
    for (line, text) in &passage.lines {
        let mut push = |text: &str| tokens.push(Token { line: *line, text: text.to_owned() });
        let text = text.trim();
        if text.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let is_heading = text.starts_with('#');
            let after_number = text.trim_start_matches(|c: char| c.is_ascii_digit());
            if text.is_empty() || text.starts_with(['-', '*']) || after_number.starts_with(". ") {
                push(".");
            }
            if is_heading {
                push("#");
            }
            words(text, &mut in_span, |word| {
                if !(is_heading && word == ".") {
                    push(word);
                }
            });
            if is_heading {
                push(".");
            }
        }
    }
    tokens
}

/// Passes the words and marks of a line to `push`. A code span may continue on the next line.
fn words(mut rest: &str, in_span: &mut bool, mut push: impl FnMut(&str)) {
    while let Some(first) = rest.chars().next() {
        let length = if *in_span || first == '`' {
            let begin = usize::from(!*in_span);
            let end = rest[begin..].find('`').map(|at| at + begin);
            *in_span = end.is_none();
            rest[begin..end.unwrap_or(rest.len())].split_whitespace().for_each(|_| push("`"));
            end.map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with("](") {
            rest.find(')').map_or(rest.len(), |end| end + 1)
        } else if first.is_alphanumeric() {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '-' | '_');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            push(&rest[..end]);
            end
        } else {
            if matches!(first, '.' | '?' | '!' | ';' | ':' | ',' | '|' | '(') {
                push(&rest[..1]);
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
}

/// Returns whether the tokens begin with these words.
fn begins_with(tokens: &[Token], phrase: &str) -> bool {
    let mut tokens = tokens.iter();
    phrase.split(' ').all(|word| {
        let Some(token) = tokens.next() else { return false };
        match word.strip_prefix('*') {
            Some(ending) => token.text.ends_with(ending),
            None => token.text.eq_ignore_ascii_case(word),
        }
    })
}

/// Returns whether an allowed phrase covers this token.
fn is_allowed(tokens: &[Token], at: usize) -> bool {
    ALLOWED.iter().any(|phrase| {
        let words = phrase.split(' ').count();
        (0..words.min(at + 1)).any(|before| begins_with(&tokens[at - before..], phrase))
    })
}

/// Returns whether a sentence begins at this token.
fn opens(tokens: &[Token], at: usize) -> bool {
    at == 0 || matches!(tokens[at - 1].text.as_str(), "." | "?" | "!")
}

/// Returns whether the first sentence of the tokens is a question.
fn asks(tokens: &[Token]) -> bool {
    tokens
        .iter()
        .find(|token| matches!(token.text.as_str(), "." | "?" | "!"))
        .is_some_and(|end| end.text == "?")
}

/// The faults of a passage, each with its line.
fn faults(passage: &Passage) -> Vec<(usize, String)> {
    let tokens = tokens(passage);
    let mut faults = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let rest = &tokens[at..];
        let banned = BANNED.iter().find(|(phrase, _)| begins_with(rest, phrase));
        if let Some((phrase, instead)) = banned
            && !is_allowed(&tokens, at)
        {
            faults.push((token.line, format!("\"{phrase}\": {instead}")));
        }
        let opening = OPENINGS
            .iter()
            .find(|opening| token.text.starts_with(char::is_uppercase) && begins_with(rest, opening));
        if let Some(opening) = opening
            && opens(&tokens, at)
            && !asks(rest)
        {
            faults.push((token.line, format!("\"{opening} ...\" opens a sentence: name its subject")));
        }
    }
    let words =
        tokens.iter().filter(|token| token.text.starts_with(|c: char| c == '`' || c.is_alphanumeric()));
    if passage.kind == Kind::Doc && words.count() < SHORTEST_DOC && !tokens.is_empty() {
        let text = passage.lines[0].1.trim();
        faults.push((passage.lines[0].0, format!("\"{text}\": say more than the name does, or delete it")));
    }
    faults
}

/// The faults of all passages of a file.
fn findings(file: &Path, passages: &[Passage]) -> Vec<Finding> {
    let file = file.strip_prefix(root()).unwrap_or(file).display().to_string();
    let faults = passages.iter().flat_map(faults);
    faults.map(|(line, fault)| Finding { file: file.clone(), line, fault }).collect()
}

/// Panics with the list of findings unless it is empty.
fn expect_none(mut findings: Vec<Finding>) {
    findings.sort();
    let list: Vec<_> = findings.iter().map(|f| format!("{}:{}: {}", f.file, f.line, f.fault)).collect();
    assert!(list.is_empty(), "{} places to rewrite:\n{}", list.len(), list.join("\n"));
}

#[test]
fn comments_and_documents_are_written_in_plain_english() {
    let mut found = Vec::new();
    for ending in [".rs", ".proto"] {
        for file in files(&root(), ending) {
            found.extend(findings(&file, &comments(&fs::read_to_string(&file).unwrap())));
        }
    }
    let documents = [files(&root(), ".md"), files(&root().join(".github"), ".md")].concat();
    assert!(documents.len() > 30, "{documents:?}");
    for file in documents {
        let text = fs::read_to_string(&file).unwrap();
        let lines = (1..).zip(text.lines().map(str::to_owned)).collect();
        found.extend(findings(&file, &[Passage { kind: Kind::Markdown, lines }]));
    }
    expect_none(found);
}

#[test]
fn names_of_functions_and_tests_have_at_most_80_characters() {
    let mut found = Vec::new();
    for path in files(&root(), ".rs") {
        let source = fs::read_to_string(&path).unwrap();
        for (line, text) in (1..).zip(source.lines()) {
            let name =
                text.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or_default();
            if name.len() > LONGEST_NAME && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                let file = path.strip_prefix(root()).unwrap().display().to_string();
                found.push(Finding { file, line, fault: format!("{} characters: {name}", name.len()) });
            }
        }
    }
    expect_none(found);
}

#[test]
fn the_language_check_finds_faults_and_leaves_good_english_alone() {
    let found = |source: &str| -> Vec<(usize, String)> { comments(source).iter().flat_map(faults).collect() };
    let bad = [
        ("/// What it records in the ledger.", 1),
        ("/// Returns a grant. Whoever asks gets it.", 2),
        ("/// The first entry behind\n/// the last one.", 1),
        ("let a = 1; // lives for ever", 1),
        ("//! This id is no wallet's here.", 1),
        ("/// The unit.", 1),
        ("// A name of it.", 1),
    ];
    for (source, count) in bad {
        assert_eq!(found(source).len(), count, "{source}: {:?}", found(source));
    }
    let good = [
        "/// Returns the open grants in spending order.",
        "/// Runs behind a proxy that ends TLS.",
        "// The name is `told`.\n// A part of its amount expires, or all of it.",
        "let url = \"http://told\"; let other = \"// told\";",
        "//! Reads it.\n//! ```\n//! told\n//! ```\n//! What does it do?",
    ];
    for source in good {
        assert_eq!(found(source), [], "{source}");
    }
}
