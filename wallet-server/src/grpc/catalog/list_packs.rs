//! ListPacks: lists the packs of the current catalog.

use wallet_proto::v1;

use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::to_proto;

pub(super) async fn list_packs(
    call: Call,
    _: v1::ListPacksRequest,
) -> Result<v1::ListPacksResponse, RpcError> {
    let catalog = call.catalog();
    Ok(v1::ListPacksResponse {
        packs: catalog.packs().iter().map(|pack| to_proto::pack(&catalog, pack)).collect(),
        catalog_version: catalog.version,
    })
}
