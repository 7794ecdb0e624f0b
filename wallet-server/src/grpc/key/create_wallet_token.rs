//! CreateWalletToken: makes a token for one wallet. Nothing is stored, so a repeated call makes another token.

use std::time::Duration;

use wallet_core::{Rejection, WalletId};
use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;
use crate::keys::{IssueError, LONGEST_TOKEN, Scopes, WalletToken};

const DEFAULT_TTL: Duration = Duration::from_mins(15);

/// A parsed request.
struct Wanted {
    wallet: WalletId,
    scopes: Scopes,
    ttl: Duration,
}

pub(super) async fn create_wallet_token(
    call: Call,
    request: v1::CreateWalletTokenRequest,
) -> Result<v1::CreateWalletTokenResponse, RpcError> {
    let Wanted { wallet, scopes, ttl } = parse(request)?;
    if let Some(scope) = scopes.beyond(call.scopes) {
        return Err(RpcError::scope_missing(scope));
    }
    let key = call.credential.ok_or(IssueError::NoPepper)?.key;
    let expire_time = call.services.keys.after(ttl);
    let token = WalletToken { tenant: call.tenant, key, wallet, scopes, expire_time };
    let token = call.services.keys.sign(&token)?;
    Ok(v1::CreateWalletTokenResponse { token, expire_time: to_proto::instant(expire_time) })
}

fn parse(request: v1::CreateWalletTokenRequest) -> Result<Wanted, Rejection> {
    let mut fields = FieldReader::default();
    let wallet = fields.id("wallet_id", &request.wallet_id);
    let scopes = fields.token_scopes("scopes", &request.scopes);
    let ttl = fields.duration_up_to(LONGEST_TOKEN, "ttl", request.ttl).unwrap_or(DEFAULT_TTL);
    fields.finish(|| Some(Wanted { wallet: wallet?, scopes, ttl }))
}
