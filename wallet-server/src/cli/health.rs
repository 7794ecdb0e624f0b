//! `health`: checks whether a running server can carry out calls, as the probe of a container.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::time::Duration;
use std::{fmt, io};

use clap::Args;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};
use tonic::transport::{Certificate as Authorities, ClientTlsConfig, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::causes::Chain;
use crate::certificate::Certificate;
use crate::cli::error::CliError;
use crate::cli::flags::FileFlag;
use crate::cli::output::say;
use crate::cli::server::Authority;
use crate::cli::text_file::read_text;
use crate::settings::Settings;

/// The time for the connection and the answer together.
const TIME: Duration = Duration::from_secs(5);

/// The server to check.
#[derive(Debug, Clone, Args)]
pub(super) struct HealthArgs {
    /// The address of the server. Default: the one on which the configuration makes a server of this machine listen.
    #[arg(long, env = "WALLET_ENDPOINT")]
    endpoint: Option<String>,
    #[command(flatten)]
    authority: Authority,
    #[command(flatten)]
    file: FileFlag,
}

/// The address of a server and the way to verify its certificate.
struct Target {
    endpoint: String,
    /// The authorities (PEM) to trust.
    authorities: Option<String>,
    /// The host that the certificate must be issued for, if it is not that of the endpoint.
    host: Option<String>,
}

pub(super) async fn run(args: &HealthArgs) -> ExitCode {
    let target = match Target::of(args) {
        Ok(target) => target,
        Err(error) => {
            say(format_args!("no server was checked: {}", Chain(&error)));
            return ExitCode::FAILURE;
        }
    };
    let failure = match tokio::time::timeout(TIME, target.check()).await {
        Ok(Ok(ServingStatus::Serving)) => {
            say(format_args!("{target} is serving"));
            return ExitCode::SUCCESS;
        }
        Ok(Ok(_)) => "is not serving; /readyz at its monitoring_listen has the reason".to_owned(),
        Ok(Err(failure)) => failure,
        Err(_) => format!("did not answer within {TIME:?}"),
    };
    say(format_args!("{target} {failure}"));
    ExitCode::FAILURE
}

impl Target {
    fn of(args: &HealthArgs) -> Result<Self, CliError> {
        let authorities = args.authority.ca_file.as_deref().map(read_text).transpose()?;
        match &args.endpoint {
            Some(endpoint) => Ok(Self { endpoint: endpoint.clone(), authorities, host: None }),
            None => Self::of_this_machine(&Settings::load_without_secrets(&args.file.0)?, authorities),
        }
    }

    /// Returns the server that these settings start. Its certificate names another host than this machine's loopback
    /// address, and its authorities are in its own file.
    fn of_this_machine(settings: &Settings, authorities: Option<String>) -> Result<Self, CliError> {
        let listen = &settings.server.listen;
        let failed = |source| CliError::Address { address: listen.clone(), source };
        let mut address = listen.look_up().map_err(failed)?;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let Some(file) = &settings.server.tls_cert else {
            return Ok(Self { endpoint: format!("http://{address}"), authorities, host: None });
        };
        let pem = read_text(file)?;
        let host = Certificate::first(pem.as_bytes()).and_then(|first| first.hosts.into_iter().next());
        let endpoint = format!("https://{address}");
        // A wildcard stands for any label.
        let host = host.map(|host| host.replacen('*', "wallet", 1));
        Ok(Self { endpoint, authorities: authorities.or(Some(pem)), host })
    }

    /// Returns why no connection was made. A server works with a certificate whose authority its own file lacks, so the
    /// probe says where to put it.
    fn unreachable(&self, error: &tonic::transport::Error) -> String {
        let next = match is_of_unknown_authority(error) {
            true => {
                "; add the authority of the certificate to the file of tls_cert, or name it with --ca-file"
            }
            false => "",
        };
        format!("cannot be reached: {}{next}", Chain(error))
    }

    /// Returns the status of the server as a whole, or why it is unknown.
    async fn check(&self) -> Result<ServingStatus, String> {
        let unusable = |error: tonic::transport::Error| format!("is not a valid endpoint: {}", Chain(&error));
        let mut endpoint = Endpoint::from_shared(self.endpoint.clone()).map_err(unusable)?;
        if endpoint.uri().scheme_str() == Some("https") {
            let pem = self.authorities.as_ref();
            let pem = pem.ok_or("needs --ca-file: no root certificates are built in")?;
            let mut tls = ClientTlsConfig::new().ca_certificate(Authorities::from_pem(pem));
            if let Some(host) = &self.host {
                tls = tls.domain_name(host);
            }
            endpoint = endpoint.tls_config(tls).map_err(unusable)?;
        }
        let channel = endpoint.connect().await.map_err(|error| self.unreachable(&error))?;
        let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
        let answer =
            answer.map_err(|status| format!("did not answer: {:?}, {}", status.code(), status.message()))?;
        Ok(answer.into_inner().status())
    }
}

/// Returns true if the handshake failed because no trusted authority has signed the certificate.
fn is_of_unknown_authority(error: &(dyn Error + 'static)) -> bool {
    let unknown = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
    let mut causes = std::iter::successors(Some(error), |error| (**error).source());
    causes.any(|cause| {
        // The handshake's error is inside one of the connection.
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<TlsError>());
        cause.downcast_ref().or(inner) == Some(&unknown)
    })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint)
    }
}
