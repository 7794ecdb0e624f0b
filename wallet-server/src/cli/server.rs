//! The running server that a command calls.

use std::path::PathBuf;

use clap::Args;
use wallet_client::v1::ErrorReason;
use wallet_client::{ClientConfig, WalletClient};

use crate::cli::error::CliError;
use crate::cli::text_file::read_text;

/// The server to call.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// The address of the server.
    #[arg(long, env = "WALLET_ENDPOINT", default_value = "http://127.0.0.1:50051")]
    endpoint: String,
    /// A file with the API key, whose scope must fit the command: catalog to publish one, read to show it, admin for
    /// webhooks. Default: none is sent.
    #[arg(long, env = "WALLET_API_KEY_FILE", value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    #[command(flatten)]
    authority: Authority,
}

/// The authority of the server's certificate.
#[derive(Debug, Clone, Args)]
pub(super) struct Authority {
    /// The authority (PEM) of the server's certificate, for an https:// endpoint.
    #[arg(long, env = "WALLET_CA_FILE", value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
}

impl ServerArgs {
    pub(super) async fn connect(&self) -> Result<WalletClient, CliError> {
        let mut config = ClientConfig::new(&self.endpoint);
        if let Some(file) = &self.api_key_file {
            config = config.api_key(read_text(file)?.trim());
        }
        match &self.authority.ca_file {
            Some(file) => config = config.ca_certificate(read_text(file)?),
            None if self.endpoint.starts_with("https:") => {
                return Err(CliError::NoAuthority { endpoint: self.endpoint.clone() });
            }
            None => {}
        }
        WalletClient::connect(config).await.map_err(|error| self.failed(error))
    }

    /// Converts an error to the faults of the request, or to the endpoint with the error as its source.
    pub(super) fn failed(&self, error: wallet_client::Error) -> CliError {
        match error.refusal() {
            Some(refusal) if !refusal.violations.is_empty() => {
                let lines: Vec<String> =
                    refusal.violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
                CliError::Faults(lines.join("\n"))
            }
            // The text of the server is for programs, which send the key as metadata.
            Some(refusal) if refusal.reason == ErrorReason::KeyMissing => {
                CliError::NoKeySent { endpoint: self.endpoint.clone() }
            }
            _ => CliError::Server { endpoint: self.endpoint.clone(), source: Box::new(error) },
        }
    }
}
