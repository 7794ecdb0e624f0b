//! The files that the settings name: the certificate with its key, and the pepper.

use crate::causes::Chain;
use crate::certificate::Certificate;
use crate::clock::Clock;
use crate::doctor::Finding;
use crate::grpc::Tls;
use crate::keys::Pepper;
use crate::settings::Settings;

/// The days before the end of a certificate at which it should be renewed.
const SOON: u64 = 14;

const DAY: u64 = 86_400;

/// Examines the certificate, as the server reads it. `None` without one.
pub(super) fn certificate(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "certificate";
    let files = settings.server.tls_files()?;
    let file = files.certificate.display().to_string();
    let usable = Tls::load(files.clone());
    if let Err(error) = usable {
        let next = "correct tls_cert, tls_key and tls_client_ca, or the rights of the files";
        return Some(Finding::error(CHECK, Chain(&error), next));
    }
    let Some(first) = std::fs::read(&files.certificate).ok().and_then(|pem| Certificate::first(&pem)) else {
        return Some(Finding::error(CHECK, format!("{file} is not a certificate"), "replace it"));
    };
    let now = Clock::system().now();
    let renew = "renew it; a running server takes the new files within 30 seconds";
    let days = first.end.since(now).as_secs() / DAY;
    Some(if first.end <= now {
        Finding::error(CHECK, format!("{file} expired on {}", first.end), renew)
    } else if first.begin > now {
        Finding::error(
            CHECK,
            format!("{file} is valid only from {}", first.begin),
            "correct the clock, or replace it",
        )
    } else if days < SOON {
        Finding::warning(CHECK, format!("{file} expires in {days} days, on {}", first.end), renew)
    } else {
        Finding::ok(CHECK, format!("{file} expires in {days} days"))
    })
}

/// Examines the pepper of the API keys. `None` without one.
pub(super) fn pepper(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "pepper";
    let file = settings.server.key_pepper_file.as_ref()?;
    Some(match Pepper::read(file) {
        Ok(_) => Finding::ok(CHECK, format!("{} can be read", file.display())),
        Err(error) => {
            let next = "restore the file: without it all API keys are refused";
            Finding::error(CHECK, Chain(&error), next)
        }
    })
}
