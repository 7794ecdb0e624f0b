//! The structural rules of the repository that a test can check: layers, files per RPC, file sizes, catalogs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;
use wallet_core::catalog::Catalog;

/// The most lines of a source file.
const MAX_LINES: usize = 600;

/// The root folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files below a folder whose names end in this suffix. Skips hidden folders and `target`.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files of a folder of the workspace that contain one of these words outside comments.
fn speak_of(folder: &str, words: &[&str]) -> Vec<String> {
    let folder = root().join(folder);
    let says = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            words.iter().any(|word| code.contains(word))
        })
    };
    let found = files(&folder, ".rs").into_iter().filter(says);
    found.map(|path| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned()).collect()
}

/// The paths that begin with none of the allowed ones.
fn outside(found: Vec<String>, allowed: &[&str]) -> Vec<String> {
    assert!(!found.is_empty(), "no file contains any of the words: the test looks in the wrong place");
    found.into_iter().filter(|path| !allowed.iter().any(|allowed| path.starts_with(allowed))).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Every RPC of the package as (service, method), for example `("wallet", "top_up")`.
fn rpcs() -> Vec<(String, String)> {
    let set = FileDescriptorSet::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let ours = set.file.into_iter().filter(|file| file.package() == "wallet.v1");
    let mut rpcs = Vec::new();
    for service in ours.flat_map(|file| file.service) {
        let name = snake_case(service.name().strip_suffix("Service").unwrap());
        rpcs.extend(service.method.iter().map(|method| (name.clone(), snake_case(method.name()))));
    }
    rpcs
}

#[test]
fn every_rpc_has_a_handler_and_a_test_file_of_its_name() {
    let rpcs = rpcs();
    assert!(rpcs.len() >= 22, "{rpcs:?}");
    for (service, rpc) in &rpcs {
        let handler = format!("wallet-server/src/grpc/{service}/{rpc}.rs");
        let test = format!("wallet-server/tests/it/rpc/{rpc}.rs");
        for file in [handler, test] {
            assert!(root().join(&file).exists(), "{rpc} of the {service} service has no {file}");
        }
    }
}

#[test]
fn every_handler_and_every_test_file_belongs_to_an_rpc() {
    let rpcs = rpcs();
    for service in ["wallet", "admin", "catalog", "event", "key", "tenant", "test_clock"] {
        for file in files(&root().join("wallet-server/src/grpc").join(service), ".rs") {
            let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(stem == "mod" || rpcs.contains(&(service.to_owned(), stem)), "{}", file.display());
        }
    }
    for file in files(&root().join("wallet-server/tests/it/rpc"), ".rs") {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert!(stem == "mod" || rpcs.iter().any(|(_, rpc)| rpc == stem), "{}", file.display());
    }
}

#[test]
fn the_core_depends_on_no_runtime_wire_format_or_database() {
    let manifest = fs::read_to_string(root().join("wallet-core/Cargo.toml")).unwrap();
    assert!(manifest.contains("[dependencies]"));
    for banned in ["tokio", "tonic", "prost", "sea-orm", "sqlx", "wallet-proto", "rand", "getrandom"] {
        let named = manifest.lines().find(|line| line.trim_start().starts_with(banned));
        assert_eq!(named, None, "wallet-core must not depend on {banned}");
    }
}

#[test]
fn only_grpc_uses_protobuf_and_the_command_line_uses_the_client() {
    let found = speak_of("wallet-server/src", &["wallet_proto", "prost", "tonic::", "use tonic", "tonic_"]);
    // Traces travel by OTLP, whose exporter runs on tonic.
    assert_eq!(outside(found, &["grpc/", "cli/health.rs", "traces.rs"]), [""; 0]);
    let found = speak_of("wallet-server/src", &["wallet_client", "health_client"]);
    assert_eq!(outside(found, &["cli/"]), [""; 0]);
}

#[test]
fn only_the_store_uses_the_database() {
    let found = speak_of("wallet-server/src", &["sea_orm", "sqlx"]);
    assert_eq!(outside(found, &["store/", "engine/tests/", "verify/tests/"]), [""; 0]);
}

#[test]
fn a_lower_layer_never_uses_a_higher_one() {
    let upper: [(&str, &[&str]); 6] = [
        (
            "wallet-server/src/store",
            &["crate::grpc", "crate::engine", "crate::query", "crate::cli", "crate::app"],
        ),
        ("wallet-server/src/engine", &["crate::grpc", "crate::query", "crate::cli", "crate::app"]),
        ("wallet-server/src/query", &["crate::grpc", "crate::engine", "crate::cli", "crate::app"]),
        ("wallet-server/src/nats", &["crate::grpc", "crate::engine", "crate::cli", "crate::app"]),
        ("wallet-server/src/webhooks", &["crate::grpc", "crate::engine", "crate::cli", "crate::app"]),
        (
            "wallet-server/src/grpc",
            &["crate::store::sql", "crate::store::tables", "crate::cli", "crate::app"],
        ),
    ];
    for (folder, banned) in upper {
        let mut found = speak_of(folder, banned);
        // Unit tests may use the layers above their own.
        found.retain(|path| !path.starts_with("tests/"));
        assert_eq!(found, [""; 0], "{folder}");
    }
}

#[test]
fn failpoints_exist_only_in_builds_for_tests() {
    let has_them = |edges: &str| {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["tree", "--locked", "--offline", "-p", "wallet-server", "--edges", edges]);
        let output = cargo.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().contains("failpoints")
    };
    assert!(has_them("features"), "tests have them");
    assert!(!has_them("features,no-dev"), "a release has none");
}

#[test]
fn source_files_are_short_and_begin_with_module_docs() {
    let sources = files(&root(), ".rs");
    assert!(sources.len() > 100, "{}", sources.len());
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, at most {MAX_LINES} are allowed", path.display());
        assert!(
            text.starts_with("//!") || text.starts_with("#!"),
            "{} does not begin with //!",
            path.display()
        );
    }
}

#[test]
fn every_catalog_of_the_repository_parses_with_its_golden_cases() {
    Catalog::parse(wallet_server::BUNDLED_CATALOG).unwrap_or_else(|problems| panic!("bundled: {problems}"));
    let documents = files(&root().join("wallet-server/catalogs"), ".toml");
    assert!(documents.len() >= 2, "{documents:?}");
    for path in documents {
        let catalog = Catalog::parse(&fs::read_to_string(&path).unwrap());
        let catalog = catalog.unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
        assert!(!catalog.goldens().is_empty(), "{} has no golden case", path.display());
    }
}

#[test]
fn the_table_of_the_five_products_names_exactly_their_tests() {
    let tables = fs::read_to_string(root().join("docs/products.md")).unwrap();
    let named: BTreeSet<&str> =
        tables.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2).collect();
    let sources: Vec<String> = files(&root().join("wallet-server/tests/it/products"), ".rs")
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let tests = sources
        .iter()
        .flat_map(|source| source.lines())
        .filter_map(|line| line.strip_prefix("    async fn ")?.strip_suffix("(platform: Platform) {"));
    assert_eq!(named, tests.collect());
}
