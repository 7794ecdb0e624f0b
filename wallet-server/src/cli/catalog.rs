//! `catalog`: checks a document, publishes it to a running server, or shows the catalog of one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use wallet_client::v1;
use wallet_core::catalog::Catalog;

use crate::cli::error::CliError;
use crate::cli::output::say;
use crate::cli::server::ServerArgs;
use crate::cli::text_file::read_text;

/// An action on a catalog.
#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Check a document, golden cases included, without a server.
    Check {
        /// The document (TOML).
        file: PathBuf,
    },
    /// Publish a document to a running server.
    Publish {
        /// The document (TOML).
        file: PathBuf,
        /// The version to replace: if another one is current, nothing is published. Needed to publish an older
        /// document again; any version by default.
        #[arg(long, default_value_t = 0)]
        expected_version: i64,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print a catalog of a running server.
    Show {
        /// The version to print; the current one by default.
        #[arg(long, default_value_t = 0)]
        version: i64,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(super) async fn run(command: CatalogCommand) -> Result<ExitCode, CliError> {
    match command {
        CatalogCommand::Check { file } => check(&file),
        CatalogCommand::Publish { file, expected_version, server } => {
            publish(&file, expected_version, &server).await
        }
        CatalogCommand::Show { version, server } => show(version, &server).await,
    }
}

fn check(file: &Path) -> Result<ExitCode, CliError> {
    match Catalog::parse(&read_text(file)?) {
        Ok(catalog) => {
            let golden = catalog.goldens().len();
            let (rules, plans, packs) = (catalog.rules().len(), catalog.plans().len(), catalog.packs().len());
            say(format_args!("ok: {rules} rules, {plans} plans, {packs} packs, {golden} golden cases agree"));
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            problems.0.iter().for_each(say);
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn publish(file: &Path, expected_version: i64, server: &ServerArgs) -> Result<ExitCode, CliError> {
    let toml = read_text(file)?;
    let request = v1::PublishCatalogRequest { toml, expected_version, ..Default::default() };
    let answer =
        server.connect().await?.publish_catalog(request).await.map_err(|error| server.failed(error))?;
    let version = answer.catalog.unwrap_or_default().version;
    match answer.unchanged {
        true => say(format_args!("unchanged: this document is catalog {version} already")),
        false => say(format_args!("published as catalog {version}")),
    }
    for plan in answer.changed_plans {
        let terms = match plan.existing() {
            v1::ExistingTerms::Follow => "get the new terms with their next period",
            v1::ExistingTerms::Keep | v1::ExistingTerms::Unspecified => "keep the terms of the sale",
        };
        say(format_args!("plan {}: {} subscribers {terms}", plan.plan_id, plan.subscribers));
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(version: i64, server: &ServerArgs) -> Result<ExitCode, CliError> {
    let request = v1::GetCatalogRequest { version };
    let answer = server.connect().await?.get_catalog(request).await.map_err(|error| server.failed(error))?;
    let catalog = answer.catalog.unwrap_or_default();
    say(format_args!("# catalog {}", catalog.version));
    say(catalog.toml.trim_end());
    Ok(ExitCode::SUCCESS)
}
