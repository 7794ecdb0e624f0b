//! The context of a call, and the code that all handlers share: submitting commands, previews and catalogs.

use std::sync::Arc;

use prost::Message;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wallet_core::balance::{PlanView, UnitBalance, WalletView};
use wallet_core::catalog::Catalog;
use wallet_core::catalogs::Catalogs;
use wallet_core::grant::Grant;
use wallet_core::posting::Posting;
use wallet_core::reservation::Reservation;
use wallet_core::view::Shown;
use wallet_core::warning::Warning;
use wallet_core::{Command, Rejection, Reply, TenantId, Timestamp, Wallet, WalletId};

use super::error::{Decided, RpcError};
use super::layers::{Deadline, Tenant};
use super::services::Services;
use crate::engine::CommandRequest;

/// The shortest reply, in bytes, that is compressed for callers who accept it. Below it, compression costs more than
/// it saves.
const WORTH_COMPRESSING: usize = 4 * 1024;

/// The context of one call: its tenant, its deadline and the services.
pub(super) struct Call {
    pub(super) services: Arc<Services>,
    pub(super) tenant: TenantId,
    deadline: Option<Instant>,
}

/// The reply to a command that was carried out.
pub(super) struct Answered {
    pub(super) wallet: WalletId,
    pub(super) balances: Vec<UnitBalance>,
    /// With Reserve the features, limits and queue priority of the wallet's plan.
    pub(super) plan: PlanView,
    /// With a `request_id` the postings of the command, also in a replay.
    pub(super) moved: Vec<Posting>,
    /// With Reserve the warnings about low balances afterwards.
    pub(super) warnings: Vec<Warning>,
    pub(super) replayed: bool,
    pub(super) revision: i64,
    pub(super) version: i64,
    pub(super) decided_at: Timestamp,
    shown: Shown,
}

/// Calls the handler of a method and renders its result.
pub(super) async fn answer<Q, A, F>(
    services: &Arc<Services>,
    request: Request<Q>,
    handler: impl FnOnce(Call, Q) -> F,
) -> Result<Response<A>, Status>
where
    A: Message,
    F: Future<Output = Result<A, RpcError>>,
{
    let (_, extensions, message) = request.into_parts();
    let Some(Tenant(tenant)) = extensions.get().copied() else {
        return Err(RpcError::defect("the call has no tenant").into());
    };
    let deadline = extensions.get().map(|Deadline(instant)| *instant);
    let call = Call { services: Arc::clone(services), tenant, deadline };
    let answer = handler(call, message).await?;
    let short = answer.encoded_len() < WORTH_COMPRESSING;
    let mut response = Response::new(answer);
    if short {
        response.disable_compression();
    }
    Ok(response)
}

impl Call {
    /// Returns the tenant's current catalog.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        self.services.catalogs.current(self.tenant)
    }

    /// Returns the catalog of a version, or the current one.
    pub(super) async fn catalog_of(&self, version: Option<i64>) -> Result<Arc<Catalog>, RpcError> {
        let Some(version) = version else { return Ok(self.catalog()) };
        let found = self.services.catalogs.version(self.tenant, version).await?;
        Ok(found.ok_or(Rejection::CatalogNotFound(version))?)
    }

    /// Returns the catalogs that a decision about a wallet needs: that of a version, or the current one, and those
    /// from which its plan was sold.
    pub(super) async fn catalogs_of(
        &self,
        wallet: &Wallet,
        version: Option<i64>,
    ) -> Result<Catalogs, RpcError> {
        let instead = match version {
            Some(_) => Some(self.catalog_of(version).await?),
            None => None,
        };
        Ok(self.services.catalogs.of_wallet(self.tenant, wallet, instead).await?)
    }

    /// Submits a command to the engine and waits for its reply.
    pub(super) async fn submit(&self, wallet: WalletId, command: Command) -> Result<Answered, RpcError> {
        let submission =
            CommandRequest { tenant: self.tenant, wallet: wallet.clone(), command, deadline: self.deadline };
        let reply = self.services.engine.submit(submission).await.map_err(RpcError::about(&wallet))?;
        answered(wallet, reply)
    }

    /// Returns the reply that a command would have now, and the grants that it would issue. Writes nothing and uses no
    /// lane.
    pub(super) async fn preview(
        &self,
        wallet: WalletId,
        command: Command,
    ) -> Result<(Answered, Vec<Grant>), RpcError> {
        let previewed = self.services.queries.preview(self.tenant, &wallet, &command).await;
        let (reply, issued) = previewed.map_err(RpcError::about(&wallet))?;
        Ok((answered(wallet, reply)?, issued))
    }
}

fn answered(wallet: WalletId, reply: Reply) -> Result<Answered, RpcError> {
    let decided = Decided { revision: reply.revision, version: reply.version, at: reply.decided_at };
    match reply.result {
        Ok(answer) => Ok(Answered {
            wallet,
            balances: answer.balances,
            plan: answer.plan.unwrap_or_default(),
            moved: answer.moved,
            warnings: answer.warnings,
            replayed: answer.replayed,
            revision: decided.revision,
            version: decided.version,
            decided_at: decided.at,
            shown: answer.shown,
        }),
        Err(rejection) => Err(RpcError::about(&wallet)(rejection).decided(decided)),
    }
}

impl Answered {
    /// Returns the reservation that the command is about.
    pub(super) fn reservation(&self) -> Result<&Reservation, RpcError> {
        match &self.shown {
            Shown::Reservation(reservation) => Ok(reservation),
            Shown::Wallet(_) | Shown::Grants(_) => Err(RpcError::defect("the reply has no reservation")),
        }
    }

    /// Returns the grants that the command is about.
    pub(super) fn grants(&self) -> Result<&[Grant], RpcError> {
        match &self.shown {
            Shown::Grants(grants) => Ok(grants),
            Shown::Wallet(_) | Shown::Reservation(_) => Err(RpcError::defect("the reply has no grants")),
        }
    }

    /// Returns the wallet that the command is about.
    pub(super) fn view(&self) -> Result<&WalletView, RpcError> {
        match &self.shown {
            Shown::Wallet(view) => Ok(view),
            Shown::Reservation(_) | Shown::Grants(_) => Err(RpcError::defect("the reply has no wallet")),
        }
    }
}
