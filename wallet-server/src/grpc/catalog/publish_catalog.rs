//! PublishCatalog: checks a document and makes it the current catalog.

use wallet_core::{Author, Rejection};
use wallet_proto::v1;

use crate::catalogs::{Publish, Published};
use crate::grpc::call::Call;
use crate::grpc::error::RpcError;
use crate::grpc::from_proto::FieldReader;
use crate::grpc::to_proto;

/// The longest document, in bytes.
const MAX_TOML_BYTES: usize = 256 * 1024;

pub(super) async fn publish_catalog(
    call: Call,
    request: v1::PublishCatalogRequest,
) -> Result<v1::PublishCatalogResponse, RpcError> {
    let publish = parse(request, call.author.clone())?;
    let validate_only = publish.validate_only;
    let Published { publication, unchanged, changed_plans } =
        call.services.catalogs.publish(call.tenant, publish).await?;
    let (catalog, publish_time) = match validate_only {
        // Nothing was published, so the document has no version.
        true => (publication.catalog.as_ref().clone().with_version(0), None),
        false => (publication.catalog.as_ref().clone(), Some(publication.publish_time)),
    };
    let changed_plans = changed_plans.into_iter().map(|plan| v1::ChangedPlan {
        existing: to_proto::existing(plan.existing).into(),
        plan_id: plan.id,
        subscribers: plan.subscribers,
    });
    Ok(v1::PublishCatalogResponse {
        catalog: Some(to_proto::catalog(&catalog, publish_time)),
        unchanged,
        changed_plans: changed_plans.collect(),
    })
}

fn parse(request: v1::PublishCatalogRequest, author: Author) -> Result<Publish, Rejection> {
    let mut fields = FieldReader::default();
    let toml = fields.text("toml", request.toml, MAX_TOML_BYTES);
    if toml.is_empty() {
        fields.add("toml", "must not be empty");
    }
    let expected = fields.catalog_version("expected_version", request.expected_version);
    let validate_only = request.validate_only;
    fields.finish(|| Some(Publish { toml, expected, validate_only, author }))
}
