//! `WatchWallet`: streams the balances of a wallet, at once and whenever they have changed.

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::feed::{Wakeup, WalletListener};
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::grpc::watch::{self, Messages, SIGN_OF_LIFE, Watched};
use crate::query::Snapshot;

pub(super) type WalletStream = Messages<v1::WatchWalletResponse>;

pub(super) async fn watch_wallet(
    call: Call,
    request: v1::WatchWalletRequest,
) -> Result<WalletStream, RpcError> {
    let id = parse(&request)?;
    let listener =
        call.services.wallet_notifier.listen(call.tenant, &id).map_err(RpcError::too_many_watchers)?;
    let mut wallet = Wallet { id, listener, sent: v1::GetBalanceResponse::default() };
    // An error of the first read is the status of the call.
    let first = wallet.read(&call, Wakeup::Changed).await?;
    Ok(watch::stream(call, first, wallet))
}

fn parse(request: &v1::WatchWalletRequest) -> Result<WalletId, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    fields.finish(|| wallet)
}

/// A wallet, and the balances that its watcher knows.
struct Wallet {
    id: WalletId,
    listener: WalletListener,
    sent: v1::GetBalanceResponse,
}

impl Watched for Wallet {
    type Message = v1::WatchWalletResponse;

    async fn wait(&mut self) -> Wakeup {
        self.listener.after(self.sent.version, SIGN_OF_LIFE).await
    }

    /// Reads the wallet also without a change: credits expire without a write.
    async fn read(&mut self, call: &Call, _: Wakeup) -> Result<v1::WatchWalletResponse, RpcError> {
        let found = call.services.queries.wallet(call.tenant, &self.id).await;
        let Snapshot { wallet, read_time, .. } = found.map_err(RpcError::about(&self.id))?;
        let balance = to_proto::balance(&call.catalog(), &wallet, read_time);
        if (v1::GetBalanceResponse { read_time: self.sent.read_time, ..balance.clone() }) == self.sent {
            return Ok(v1::WatchWalletResponse::default());
        }
        self.sent = balance.clone();
        Ok(v1::WatchWalletResponse { balance: Some(balance) })
    }
}
