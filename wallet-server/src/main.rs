//! The binary: runs the command line and returns its exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request is decoded on one thread and freed on another, which the system's allocator makes slow.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    wallet_server::cli::run().await
}
