//! `verify`: recomputes the whole ledger, or that of one wallet, and compares it with the stored rows.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use hex::FromHex;
use thiserror::Error;
use wallet_core::WalletId;

use crate::cli::error::CliError;
use crate::cli::flags::DatabaseFlags;
use crate::cli::output::say;
use crate::verify::{CheckpointSize, Checkpoints, Report, verify, verify_wallet, verify_with};

/// The ledger to verify.
#[derive(Debug, Clone, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    database: DatabaseFlags,
    /// A digest printed by an earlier verify, 64 hexadecimal digits: fail if the ledger does not have it.
    #[arg(long, value_name = "DIGEST")]
    expect: Option<Digest>,
    /// Verify only this wallet; the digest is then this wallet's.
    #[arg(long, allow_hyphen_values = true)]
    wallet: Option<WalletId>,
    /// The tenant of the wallet, by its name.
    #[arg(long, default_value = "default", requires = "wallet")]
    tenant: String,
    /// Write a checkpoint of a clean ledger to this file: the head of every wallet, signed with the key.
    #[arg(long, value_name = "FILE", requires = "key_file", conflicts_with = "wallet")]
    checkpoint: Option<PathBuf>,
    /// A checkpoint written earlier: fail unless the ledger continues it.
    #[arg(long, value_name = "FILE", requires = "key_file", conflicts_with = "wallet")]
    against: Option<PathBuf>,
    /// The key of checkpoints: a file of 32 to 4096 random bytes that the database's host does not have.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// The digest of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digest([u8; 32]);

/// The text is not a digest.
#[derive(Debug, Error)]
#[error("a digest has 64 hexadecimal digits, as verify prints it; this text has {0} characters")]
struct NoDigest(usize);

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        FromHex::from_hex(text).map(Self).map_err(|_| NoDigest(text.chars().count()))
    }
}

impl VerifyArgs {
    /// Returns the checkpoints to write or to compare with, if there are any.
    fn checkpoints(&self) -> Option<Checkpoints> {
        let key_file = self.key_file.clone()?;
        Some(Checkpoints { key_file, write: self.checkpoint.clone(), against: self.against.clone() })
    }
}

pub(super) async fn run(args: &VerifyArgs) -> Result<ExitCode, CliError> {
    let database = &args.database.database()?;
    let url = database.secret();
    let report = match (&args.wallet, args.checkpoints()) {
        (Some(wallet), _) => of_wallet(url, &args.tenant, wallet).await?,
        (None, Some(checkpoints)) => verify_with(url, &checkpoints).await?,
        (None, None) => verify(url).await?,
    };
    if args.json {
        say(report.json().replacen('{', &format!("{{\"database\":{},", json(database)), 1));
    } else {
        say(format_args!("database {database}"));
        say(&report);
        say_checkpoints(args, &report);
    }
    let expected = args.expect.is_none_or(|Digest(digest)| hex::encode(digest) == report.digest);
    if !expected && !args.json {
        say("the digest is not the expected one: the ledger has grown, or its tail was cut or changed");
    }
    Ok(if report.is_clean() && expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a line for the checkpoint that the ledger was compared with, and one for the checkpoint to be written.
fn say_checkpoints(args: &VerifyArgs, report: &Report) {
    if let (Some(file), Some(CheckpointSize { wallets, entries })) = (&args.against, report.against) {
        let result = if report.is_clean() { "the ledger continues it" } else { "see the faults" };
        let size = format!("{wallets} wallets, {entries} entries");
        say(format_args!("against  {} ({size}): {result}", file.display()));
    }
    if let Some(file) = &args.checkpoint {
        let result =
            if report.is_clean() { "is written" } else { "is not written, because there are faults" };
        say(format_args!("checkpoint {} {result}", file.display()));
    }
}

/// Converts a text to a JSON string.
fn json(text: impl Display) -> serde_json::Value {
    text.to_string().into()
}

/// Returns the report of one wallet. Fails if the wallet does not exist.
pub(super) async fn of_wallet(
    database_url: &str,
    tenant: &str,
    wallet: &WalletId,
) -> Result<Report, CliError> {
    let report = verify_wallet(database_url, tenant, wallet).await?;
    match report.wallets {
        0 if report.is_clean() => Err(CliError::NoWallet(wallet.clone())),
        _ => Ok(report),
    }
}
