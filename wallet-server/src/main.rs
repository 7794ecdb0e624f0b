//! The binary: parse the command line, do what it says, tell how it went.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    wallet_server::cli::run().await
}
