//! The table of reasons, compared with the comments of the protos and with `docs/errors.md`.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use tonic::Code;
use wallet_proto::reasons::{COMMON_METADATA, Effect, REASONS, ReasonSpec};

use crate::descriptors::{comment, pool};

/// The environment variable with which the test rewrites the document.
const WRITE: &str = "WALLET_WRITE_DOCS";

/// The longest line of a document.
const WIDTH: usize = 118;

const INTRODUCTION: &str = "\
# Errors

Generated from `proto/src/reasons`. `WALLET_WRITE_DOCS=1 cargo test -p wallet-proto` rewrites this file.

A call that fails has a gRPC code, a message for developers, and in `google.rpc.Status.details`:

| Message | Content |
|---|---|
| `google.rpc.ErrorInfo` | the stable reason, `domain` \"wallet.v1\", and the figures as text in `metadata` |
| `wallet.v1.ErrorDetail` | the same figures, typed |
| `google.rpc.BadRequest` | the invalid fields of a request, or the problems of a catalog |
| `google.rpc.RetryInfo` | the delay before the next attempt |

Programs decide by the reason, never by the message. An error with the code INTERNAL has no reason: it is a defect, the
server's log has its cause, and the call may have been executed. A method that the server does not have is answered with
UNIMPLEMENTED.

Each reason below has its cause with the next step for the caller, and what the platform shows its user: the person whose wallet it
is, or who made the call. The texts of errors are for developers and are not shown to users.

Each reason has one of three effects:

| Effect | Meaning |
|---|---|
| refused | The server decided against the call and changed nothing. An equal call is refused while the cause remains. |
| not executed | The server changed nothing. The same call with the same ids may succeed later. |
| unknown | The call may have been executed. The same call with the same ids returns the outcome. |
";

/// The name of a code in the gRPC specification.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_comment_of_every_reason_names_its_codes_and_its_metadata() {
    let reasons = pool().get_enum_by_name("wallet.v1.ErrorReason").unwrap();
    let file = reasons.parent_file();
    let common: BTreeSet<&str> =
        COMMON_METADATA.into_iter().chain(["reason", "domain", "metadata"]).collect();
    assert_eq!(quoted(&comment(&file, &[5, 0])), common);
    let codes: BTreeSet<String> =
        REASONS.iter().flat_map(|spec| spec.codes).map(|code| name(*code)).collect();
    for (n, value) in reasons.values().enumerate().skip(1) {
        let comment = comment(&file, &[5, 0, 2, n.try_into().unwrap()]);
        let spec = REASONS.iter().find(|spec| i32::from(spec.reason) == value.number()).unwrap();
        let first = spec.codes.iter().map(|code| name(*code)).collect::<Vec<_>>();
        assert!(comment.starts_with(&first[0]), "{}: {comment}", value.name());
        let words: BTreeSet<&str> = comment.split(|c: char| !c.is_ascii_uppercase() && c != '_').collect();
        let named: BTreeSet<&str> =
            codes.iter().map(String::as_str).filter(|code| words.contains(code)).collect();
        assert_eq!(named, first.iter().map(String::as_str).collect(), "{}", value.name());
        assert_eq!(quoted(&comment), spec.metadata.iter().copied().collect(), "{}", value.name());
        assert_eq!(comment.contains("RetryInfo"), spec.retry_info, "{}", value.name());
    }
}

#[test]
fn every_detail_belongs_to_the_reasons_that_its_comment_names() {
    let details = pool().get_message_by_name("wallet.v1.ErrorDetail").unwrap();
    let of = |field: &str| -> Vec<&str> {
        let specs = REASONS.iter().filter(|spec| spec.detail == Some(field));
        specs.map(|spec| spec.reason.short_name()).collect()
    };
    for (n, field) in details.descriptor_proto().field.iter().enumerate() {
        let comment = comment(&details.parent_file(), &[4, 0, 2, n.try_into().unwrap()]);
        let reasons = of(field.name());
        assert!(!reasons.is_empty(), "{} belongs to no reason", field.name());
        // The reasons of one detail share the beginning of their names, which the comment has once.
        let named = reasons.iter().enumerate().all(|(n, reason)| {
            let rest = reason.split_once('_').map_or(*reason, |(_, rest)| rest);
            comment.contains(if n == 0 { *reason } else { rest })
        });
        assert!(named, "{}: {comment}: {reasons:?}", field.name());
    }
    for detail in REASONS.iter().filter_map(|spec| spec.detail) {
        assert!(details.get_field_by_name(detail).is_some(), "ErrorDetail has no field {detail}");
    }
}

#[test]
fn the_document_lists_every_reason_as_in_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let expected = document();
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/errors.md is not up to date: {WRITE}=1 cargo test -p wallet-proto rewrites it"
    );
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    text += "\n## All reasons\n\n| Reason | Code | Effect |\n|---|---|---|\n";
    for spec in REASONS {
        let reason = spec.reason.short_name();
        text += &format!(
            "| [{reason}](#{}) | {} | {} |\n",
            reason.to_lowercase(),
            codes(spec),
            effect(spec.effect)
        );
    }
    for code in [16, 7, 3, 9, 10, 6, 5, 11, 8, 14, 4].map(Code::from_i32) {
        text += &format!("\n## {}\n", name(code));
        for spec in REASONS.iter().filter(|spec| spec.code() == code) {
            text += &section(spec);
        }
    }
    text
}

fn section(spec: &ReasonSpec) -> String {
    let mut text = format!("\n### {}\n\n{}\n", spec.reason.short_name(), wrapped(spec.description));
    let mut facts = format!("Code {}; {}.", codes(spec), effect(spec.effect));
    if !spec.metadata.is_empty() {
        let keys: Vec<String> = spec.metadata.iter().map(|key| format!("`{key}`")).collect();
        facts += &format!(" Metadata: {}.", keys.join(", "));
    }
    if let Some(detail) = spec.detail {
        facts += &format!(" Detail: `ErrorDetail.{detail}`.");
    }
    if spec.retry_info {
        facts += " With RetryInfo.";
    }
    text += &format!("\n{}\n", wrapped(&format!("**Show the user:** {}", spec.shown_to_user())));
    text += &format!("\n{}\n", wrapped(&facts));
    text
}

fn codes(spec: &ReasonSpec) -> String {
    spec.codes.iter().map(|code| name(*code)).collect::<Vec<_>>().join(" or ")
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Refused => "refused",
        Effect::NotExecuted => "not executed",
        Effect::Unknown => "unknown",
    }
}

fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            *line = word.to_owned();
        } else if line.len() + 1 + word.len() <= WIDTH {
            *line += &format!(" {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}
