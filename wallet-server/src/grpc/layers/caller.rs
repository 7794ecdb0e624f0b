//! The caller of a method: the tenant and the principal of its API key or wallet token, or of the key that its
//! certificate stands for, or the default tenant where callers are not authenticated. The tenant never comes from the
//! message.

use http::{HeaderMap, header};
use tokio::time::Instant;
use wallet_core::{Principal, TenantId};
use wallet_proto::v1;

use crate::call_name::CallName;
use crate::catalogs::PublishedCatalogs;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto;
use crate::grpc::layers::{Purpose, Rates};
use crate::grpc::transport::CertificateKey;
use crate::keys::{Access, Credential, KeyCheck, KeyError, Scopes};

/// The context of a call: a request extension that every handler needs.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) principal: Principal,
    /// `None`: callers are not authenticated.
    pub(crate) credential: Option<Credential>,
    pub(crate) scopes: Scopes,
    pub(crate) deadline: Instant,
}

/// Admits callers to methods.
#[derive(Debug, Clone)]
pub(crate) enum CallerCheck {
    /// Callers are not authenticated. They belong to the default tenant and may call every method.
    Open,
    /// Callers have a key or a wallet token with the scope of the method. Health checks and reflection need none.
    Keys(Box<KeyGate>),
}

/// The check of keys and wallet tokens, their rates, and the catalogs of their tenants.
#[derive(Debug, Clone)]
pub(crate) struct KeyGate {
    pub(crate) check: KeyCheck,
    pub(crate) rates: Rates,
    pub(crate) catalogs: PublishedCatalogs,
}

/// The services that need no credential. They have no data of tenants.
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

impl Caller {
    /// Returns a caller without credentials.
    fn local(deadline: Instant) -> Self {
        let (tenant, principal) = (TenantId::DEFAULT, Principal::local());
        Self { tenant, principal, credential: None, scopes: Scopes::all(), deadline }
    }
}

impl CallerCheck {
    /// Returns the caller if its credential does not have to be checked.
    pub(crate) fn at_once(&self, path: &str, deadline: Instant) -> Option<Caller> {
        let is_open = matches!(self, Self::Open) || OPEN.iter().any(|service| path.starts_with(service));
        is_open.then(|| Caller::local(deadline))
    }

    /// Returns the caller of the method with this path, or the reason why it must not be called. `None` if there is no
    /// such method. `certificate` is the key that counts if the call has none.
    pub(crate) async fn caller(
        &self,
        path: &str,
        headers: &HeaderMap,
        certificate: Option<&CertificateKey>,
        deadline: Instant,
    ) -> Result<Option<Caller>, RpcError> {
        let Self::Keys(gate) = self else { return Ok(Some(Caller::local(deadline))) };
        let access = match certificate.filter(|_| !headers.contains_key(header::AUTHORIZATION)) {
            Some(certificate) => gate.check.access_by_certificate(&certificate.key).await?,
            None => gate.check.access(bearer(headers)?).await?,
        };
        let Access { tenant, principal, credential, scopes, rate } = access;
        if let Some(call) = CallName::current() {
            call.set_principal(&principal);
        }
        let scope = v1::Scope::of(path).and_then(from_proto::scope);
        // A call that the scopes do not allow counts, but takes nothing from the reserve of running jobs.
        let is_allowed = scope.is_some_and(|scope| scopes.has(scope));
        let purpose = if is_allowed { Purpose::of(path) } else { Purpose::Other };
        gate.rates.take(tenant, &principal, credential.wallet(), rate, purpose)?;
        let Some(scope) = scope else { return Ok(None) };
        if !scopes.has(scope) {
            return Err(RpcError::scope_missing(scope));
        }
        gate.catalogs.know(tenant).await?;
        Ok(Some(Caller { tenant, principal, credential: Some(credential), scopes, deadline }))
    }
}

/// Returns the key or the wallet token in `authorization: Bearer <key>`.
fn bearer(headers: &HeaderMap) -> Result<&str, RpcError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(RpcError::key_missing)?;
    let text = value.to_str().ok().filter(|_| values.next().is_none()).ok_or(KeyError::Malformed)?;
    match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key),
        _ => Err(KeyError::Malformed.into()),
    }
}
