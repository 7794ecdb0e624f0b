//! Many unmeasured calls, with a bound on those in flight.

use anyhow::Result;
use tokio::task::JoinSet;

/// The most calls in flight.
const AT_A_TIME: usize = 512;

/// Runs all tasks and returns their results in any order; stops at the first error.
pub(crate) async fn all<T: Send + 'static>(
    tasks: impl Iterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
) -> Result<Vec<T>> {
    let (mut running, mut results) = (JoinSet::new(), Vec::new());
    for task in tasks {
        if running.len() == AT_A_TIME
            && let Some(ended) = running.join_next().await
        {
            results.push(ended??);
        }
        running.spawn(task);
    }
    while let Some(ended) = running.join_next().await {
        results.push(ended??);
    }
    Ok(results)
}
