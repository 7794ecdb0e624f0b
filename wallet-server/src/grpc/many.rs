//! The items of a call with many commands. All are queued before the first is awaited, so that a lane commits them
//! together, and no item has a task of its own.

use wallet_core::catalog::Catalog;
use wallet_core::decide::WalletCommand;
use wallet_core::{Command, Rejection};
use wallet_proto::v1::ItemError;

use super::call::{Answered, Call, Parsed};
use super::error::RpcError;
use super::from_proto::FieldReader;

/// The most items of a call.
const MAX_ITEMS: usize = 256;

/// Runs the command of each request, and returns the results in the order of the requests. The commands of a wallet
/// are queued in this order. An item that cannot be parsed or queued fails alone.
pub(super) async fn results<Q, C, E, A, R>(
    call: &Call,
    requests: Vec<Q>,
    parse: impl Fn(&Call, Q) -> Result<Parsed<C>, E>,
    render: impl Fn(&Catalog, Answered<C::View>) -> A,
) -> Result<Vec<R>, RpcError>
where
    C: WalletCommand + Into<Command>,
    RpcError: From<E>,
    R: From<Result<A, ItemError>>,
{
    check_count(requests.len())?;
    let parsed: Vec<_> = requests.into_iter().map(|request| parse(call, request)).collect();
    // Parsing takes longer than queueing: a lane that is idle finds all commands, not the first ones.
    let queued: Vec<_> = parsed.into_iter().map(|parsed| Ok(call.queue(parsed?))).collect();
    let mut answers = Vec::with_capacity(queued.len());
    for queued in queued {
        answers.push(match queued {
            Ok(queued) => queued.answer().await,
            Err(error) => Err(RpcError::from(error)),
        });
    }
    let catalog = call.catalog();
    let result = |answer: Result<Answered<C::View>, RpcError>| {
        R::from(answer.map(|done| render(&catalog, done)).map_err(ItemError::from))
    };
    Ok(answers.into_iter().map(result).collect())
}

fn check_count(items: usize) -> Result<(), Rejection> {
    let mut fields = FieldReader::default();
    fields.count("requests", items, MAX_ITEMS);
    fields.finish(|| Some(()))
}
