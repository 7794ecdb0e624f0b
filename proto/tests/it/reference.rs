//! `docs/reference`, generated from the protos: a page per file with its methods, messages, fields and values.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_reflect::{
    EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};

use crate::descriptors::{admits_wallet_tokens, behaviors, comment, pool, scope};

/// The environment variable with which the test rewrites the pages.
const WRITE: &str = "WALLET_WRITE_DOCS";

const INTRODUCTION: &str = "\
# Reference of the API

Generated from `proto/wallet/v1`. `WALLET_WRITE_DOCS=1 cargo test -p wallet-proto` rewrites these pages.

Each page describes a file of the protos. [Errors](../errors.md) lists the reasons of failed calls, and [JSON](../json.md)
the form of messages for HTTP. If a field can be absent, its description says when.
";

/// The pages by file name.
fn pages() -> BTreeMap<String, String> {
    let pool = pool();
    let files: Vec<FileDescriptor> = pool.files().filter(|file| file.package_name() == "wallet.v1").collect();
    let mut pages: BTreeMap<_, _> =
        files.iter().map(|file| (format!("{}.md", stem(file)), page(file))).collect();
    pages.insert("README.md".to_owned(), index(&files));
    pages
}

fn index(files: &[FileDescriptor]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for service in files.iter().flat_map(FileDescriptor::services) {
        let file = service.parent_file();
        write!(text, "\n## {}\n\n{}\n\n", service.name(), comment(&file, service.path())).unwrap();
        text += "| Method | Scope | Effect |\n|---|---|---|\n";
        for method in service.methods() {
            let (link, scope) = (link(&file, method.name()), scope(&method));
            writeln!(text, "| {link} | `{scope}` | {} |", cell(&comment(&file, method.path()))).unwrap();
        }
    }
    text += "\n## Messages and values\n\n| File | Content |\n|---|---|\n";
    for file in files {
        let messages = file.messages().map(|message| message.name().to_owned());
        let enums = file.enums().map(|names| names.name().to_owned());
        let links: Vec<_> = messages.chain(enums).map(|name| link(file, &name)).collect();
        if !links.is_empty() {
            writeln!(text, "| [{0}.proto]({0}.md) | {1} |", stem(file), links.join(", ")).unwrap();
        }
    }
    text
}

fn page(file: &FileDescriptor) -> String {
    let mut text = format!("# {}\n\nGenerated from `proto/{}`.\n", stem(file), file.name());
    file.services().for_each(|service| text += &of_service(&service));
    file.messages().for_each(|message| text += &of_message(&message));
    file.enums().for_each(|names| text += &of_enum(&names));
    for extension in file.extensions() {
        let comment = comment(file, extension.path());
        write!(text, "\n## Option {}\n\n{comment}\n", extension.name()).unwrap();
    }
    text
}

fn of_service(service: &ServiceDescriptor) -> String {
    let file = service.parent_file();
    let mut text = format!("\n## {}\n\n{}\n", service.name(), comment(&file, service.path()));
    service.methods().for_each(|method| text += &of_method(&file, &method));
    text
}

fn of_method(file: &FileDescriptor, method: &MethodDescriptor) -> String {
    let (input, output) = (method.input(), method.output());
    let stream = if method.is_server_streaming() { "a stream of " } else { "" };
    let token = if admits_wallet_tokens(method) { ", or a wallet token of the same wallet" } else { "" };
    format!(
        "\n### {}\n\n{}\n\nTakes {} and returns {stream}{}. Needs a key with the scope `{}`{token}.\n",
        method.name(),
        comment(file, method.path()),
        link(&input.parent_file(), input.name()),
        link(&output.parent_file(), output.name()),
        scope(method),
    )
}

fn of_message(message: &MessageDescriptor) -> String {
    if message.is_map_entry() {
        return String::new();
    }
    let file = message.parent_file();
    let mut text = format!("\n## {}\n\n{}\n", message.name(), comment(&file, message.path()));
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let names: Vec<_> = oneof.fields().map(|field| format!("`{}`", field.name())).collect();
        write!(text, "\nAt most one of {} is set.\n", names.join(", ")).unwrap();
    }
    if message.fields().len() > 0 {
        text += "\n| Field | Type | Description |\n|---|---|---|\n";
    }
    for field in message.fields() {
        let required = behaviors(&field).iter().any(|behavior| behavior == "REQUIRED");
        let (name, kind, comment) = (field.name(), kind(&field), comment(&file, field.path()));
        let required = if required && !comment.starts_with("Required.") { "Required. " } else { "" };
        writeln!(text, "| `{name}` | {kind} | {required}{} |", cell(&comment)).unwrap();
    }
    message.child_messages().for_each(|child| text += &of_message(&child));
    message.child_enums().for_each(|names| text += &of_enum(&names));
    text
}

fn of_enum(names: &EnumDescriptor) -> String {
    let file = names.parent_file();
    let mut text = format!("\n## {}\n\n{}\n", names.name(), comment(&file, names.path()));
    text += "\n| Value | Number | Meaning |\n|---|---|---|\n";
    for value in names.values() {
        let meaning = cell(&comment(&file, value.path()));
        writeln!(text, "| `{}` | {} | {meaning} |", value.name(), value.number()).unwrap();
    }
    text
}

fn kind(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            format!("map of {} to {}", kind(&key), kind(&value))
        }
        _ if field.is_list() => format!("list of {}", single(field)),
        Kind::Message(_) => single(field),
        _ if field.field_descriptor_proto().proto3_optional() => format!("optional {}", single(field)),
        _ => single(field),
    }
}

fn single(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) if message.package_name() == "wallet.v1" => {
            link(&message.parent_file(), message.name())
        }
        Kind::Enum(names) if names.package_name() == "wallet.v1" => link(&names.parent_file(), names.name()),
        Kind::Message(message) => message.name().to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    }
}

/// A link to the section of a method, message or enum.
fn link(file: &FileDescriptor, name: &str) -> String {
    format!("[{name}]({}.md#{})", stem(file), name.to_lowercase())
}

/// A file's name without its folder and ending.
fn stem(file: &FileDescriptor) -> String {
    Path::new(file.name()).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// A text in the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference")
}

#[test]
fn the_reference_is_generated_from_the_protos() {
    let pages = pages();
    if env::var_os(WRITE).is_some() {
        fs::create_dir_all(folder()).unwrap();
        pages.iter().for_each(|(name, text)| fs::write(folder().join(name), text).unwrap());
    }
    let written: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in &written {
        assert!(pages.contains_key(name), "docs/reference/{name} belongs to no proto: remove it");
    }
    for (name, text) in &pages {
        let found = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(
            found == *text,
            "docs/reference/{name} is out of date: run {WRITE}=1 cargo test -p wallet-proto"
        );
    }
}

#[test]
fn the_reference_describes_every_method_field_and_value() {
    let pages = pages();
    let mut undescribed = Vec::new();
    for (name, text) in &pages {
        let rows = text.lines().filter(|line| line.starts_with('|'));
        undescribed.extend(rows.filter(|row| row.ends_with("|  |")).map(|row| format!("{name}: {row}")));
    }
    assert!(undescribed.is_empty(), "without a comment:\n{}", undescribed.join("\n"));
    assert!(pages["wallet_service.md"].contains("\n### Reserve\n"));
    assert!(pages["grant.md"].contains("| `SOURCE_PURCHASED` | 5 |"));
    let fields = |text: &String| text.lines().filter(|line| line.starts_with("| `")).count();
    assert!(pages.values().map(fields).sum::<usize>() > 600);
}
