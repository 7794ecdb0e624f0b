//! The binary: runs the command line and returns its exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    wallet_server::cli::run().await
}
