//! `doctor`: reports what an operator should change, with the next step.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::flags::AllFlags;
use crate::cli::output::say;
use crate::doctor::{Level, examine};
use crate::settings::Settings;

/// The server to examine.
#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    settings: AllFlags,
    /// Print the findings as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &DoctorArgs) -> ExitCode {
    let findings = examine(Settings::load(&args.settings.0)).await;
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if args.json {
        say(json!({ "errors": errors, "warnings": warnings, "findings": findings }));
    } else {
        findings.iter().for_each(say);
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        say(format_args!("{errors} error{} and {warnings} warning{}", plural(errors), plural(warnings)));
    }
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
