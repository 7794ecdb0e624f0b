//! The context of a call, and the code that all handlers share: submitting commands, previews and catalogs.

use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wallet_core::catalog::Catalog;
use wallet_core::catalogs::Catalogs;
use wallet_core::decide::WalletCommand;
use wallet_core::view::Shown;
use wallet_core::{Answer, Author, Command, Rejection, Reply, TenantId, Timestamp, Wallet, WalletId};
use wallet_proto::wallet_tokens::MethodRequest;

use super::error::{DecisionPoint, RpcError};
use super::layers::Caller;
use super::services::Services;
use crate::call_name::CallName;
use crate::engine::{CommandRequest, EngineError, QueuedReply};
use crate::keys::{Credential, Scopes};
use crate::query::Effects;

/// The shortest reply, in bytes, that is compressed for callers who accept it. Below it, compression costs more than
/// it saves.
const WORTH_COMPRESSING: usize = 4 * 1024;

const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// The context of one call: its tenant, its author, its credential with the scopes, its deadline and the services.
pub(super) struct Call {
    pub(super) services: Arc<Services>,
    pub(super) tenant: TenantId,
    pub(super) author: Author,
    /// The key or the wallet token with which the call was made. `None`: callers are not authenticated.
    pub(super) credential: Option<Credential>,
    pub(super) scopes: Scopes,
    deadline: Instant,
}

/// The command of a request.
pub(super) struct Parsed<C> {
    pub(super) wallet: WalletId,
    pub(super) command: C,
    /// The path of the request field with the priced operation.
    pub(super) operation_path: &'static str,
}

impl<C> Parsed<C> {
    pub(super) fn new(wallet: WalletId, command: C) -> Self {
        Self { wallet, command, operation_path: "operation" }
    }
}

/// A command that waits in its lane or was refused by it, with the view `V`.
pub(super) struct Queued<V> {
    wallet: WalletId,
    operation_path: &'static str,
    reply: Result<QueuedReply, EngineError>,
    view: PhantomData<fn() -> V>,
}

/// The reply to a command that was carried out, with the view of that command.
pub(super) struct Answered<V> {
    pub(super) wallet: WalletId,
    pub(super) view: V,
    pub(super) replayed: bool,
    pub(super) revision: i64,
    pub(super) version: i64,
    pub(super) decided_at: Timestamp,
}

/// Calls the handler of a method and renders its result.
pub(super) async fn answer<Q, A, F>(
    services: &Arc<Services>,
    request: Request<Q>,
    handler: impl FnOnce(Call, Q) -> F,
) -> Result<Response<A>, Status>
where
    Q: MethodRequest,
    A: Message,
    F: Future<Output = Result<A, RpcError>>,
{
    let accepts_compression = request.metadata().contains_key(ACCEPT_ENCODING);
    let (call, message) = begin_call(services, request)?;
    let answer = handler(call, message).await?;
    let short = accepts_compression && answer.encoded_len() < WORTH_COMPRESSING;
    let mut response = Response::new(answer);
    if short {
        response.disable_compression();
    }
    Ok(response)
}

/// Calls the handler of a method that answers with a stream.
pub(super) async fn answer_with_stream<Q, S, F>(
    services: &Arc<Services>,
    request: Request<Q>,
    handler: impl FnOnce(Call, Q) -> F,
) -> Result<Response<S>, Status>
where
    Q: MethodRequest,
    F: Future<Output = Result<S, RpcError>>,
{
    let (call, message) = begin_call(services, request)?;
    Ok(Response::new(handler(call, message).await?))
}

/// Returns the context of a request, and its message. Every request of every protocol passes through here before its
/// handler, so this is where a wallet token is restricted to its wallet.
fn begin_call<Q: MethodRequest>(services: &Arc<Services>, request: Request<Q>) -> Result<(Call, Q), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let Some(Caller { tenant, principal, credential, scopes, deadline }) = extensions.remove() else {
        return Err(RpcError::defect("the call has no tenant").into());
    };
    let only = credential.as_ref().and_then(Credential::wallet);
    if only.is_some_and(|wallet| message.wallet_for_token() != Some(wallet.as_str())) {
        return Err(RpcError::not_for_wallet_token().into());
    }
    let author = Author { principal, call: CallName::current().and_then(|call| call.id_of_caller()) };
    Ok((Call { services: Arc::clone(services), tenant, author, credential, scopes, deadline }, message))
}

impl Call {
    /// Checks that the credential of the caller is still valid, for calls that take long.
    pub(super) async fn check_credential(&self) -> Result<(), RpcError> {
        match (&self.services.key_check, &self.credential) {
            (Some(check), Some(credential)) => Ok(check.recheck(credential).await?),
            _ => Ok(()),
        }
    }

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
    pub(super) async fn submit<C>(&self, wallet: WalletId, command: C) -> Result<Answered<C::View>, RpcError>
    where
        C: WalletCommand + Into<Command>,
    {
        self.run(Parsed::new(wallet, command)).await
    }

    /// Submits the command of a request to the engine and waits for its reply.
    pub(super) async fn run<C>(&self, parsed: Parsed<C>) -> Result<Answered<C::View>, RpcError>
    where
        C: WalletCommand + Into<Command>,
    {
        self.queue(parsed).answer().await
    }

    /// Submits the command of a request to the engine.
    pub(super) fn queue<C>(&self, parsed: Parsed<C>) -> Queued<C::View>
    where
        C: WalletCommand + Into<Command>,
    {
        let Parsed { wallet, command, operation_path } = parsed;
        let (tenant, deadline) = (self.tenant, Some(self.deadline));
        let (wallet_id, command, author) = (wallet.clone(), command.into(), self.author.clone());
        let request = CommandRequest { tenant, wallet: wallet_id, command, author, deadline };
        let reply = self.services.engine.queue(request);
        Queued { wallet, operation_path, reply, view: PhantomData }
    }

    /// Returns the reply that a command would have now, and the grants that it would issue. Writes nothing and uses no
    /// lane.
    pub(super) async fn preview<C>(
        &self,
        wallet: WalletId,
        command: C,
    ) -> Result<(Answered<C::View>, Effects), RpcError>
    where
        C: WalletCommand + Into<Command>,
    {
        let previewed = self.services.queries.preview(self.tenant, &wallet, &command.into()).await;
        let (reply, effects) = previewed.map_err(RpcError::about(&wallet))?;
        Ok((answered(wallet, reply)?, effects))
    }
}

impl<V: TryFrom<Shown>> Queued<V> {
    /// Waits for the reply.
    pub(super) async fn answer(self) -> Result<Answered<V>, RpcError> {
        let Self { wallet, operation_path, reply, .. } = self;
        let reply = match reply {
            Ok(reply) => reply.await,
            Err(error) => Err(error),
        };
        match reply {
            Ok(reply) => answered(wallet, reply),
            Err(error) => Err(RpcError::about(&wallet)(error)),
        }
        .map_err(|error| error.operation_path(operation_path))
    }
}

/// Converts a reply to a command with the view `V`.
fn answered<V: TryFrom<Shown>>(wallet: WalletId, reply: Reply) -> Result<Answered<V>, RpcError> {
    let Reply { result, revision, version, decided_at } = reply;
    let Answer { shown, replayed } = result.map_err(|rejection| {
        RpcError::about(&wallet)(rejection).decided_at(DecisionPoint { revision, version, at: decided_at })
    })?;
    let view =
        V::try_from(shown).map_err(|_| RpcError::defect("the reply has the view of another command"))?;
    Ok(Answered { wallet, view, replayed, revision, version, decided_at })
}
