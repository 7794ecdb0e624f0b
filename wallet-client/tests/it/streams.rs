//! Streams over the pages of a list.

use std::pin::pin;

use tokio_stream::StreamExt;
use wallet_client::v1;
use wallet_client::{Code, Error, ItemStream, Status};

use crate::calls::refusal;
use crate::test_service::{Received, Reply, Script, TestService};

type Pages = Result<v1::ListEntriesResponse, Status>;

fn page(revisions: &[i64], next_page_token: &str) -> Pages {
    let entry = |revision: &i64| v1::Entry { revision: *revision, ..Default::default() };
    let entries = revisions.iter().map(entry).collect();
    Ok(v1::ListEntriesResponse { entries, next_page_token: next_page_token.into() })
}

fn listing(page: impl Fn(usize) -> Pages + Send + Sync + 'static) -> Script {
    let list_entries: Reply<_> = Box::new(move |n| Some(page(n)));
    Script { list_entries, ..Script::default() }
}

fn entries(service: &TestService) -> ItemStream<v1::Entry> {
    service.client.list_entries_stream(v1::ListEntriesRequest::new("alice").with_page_size(2))
}

#[tokio::test]
async fn a_stream_yields_the_items_of_all_pages_and_ends_after_the_last() {
    // The second page is empty and is followed by another one.
    let script = listing(|n| match n {
        0 => page(&[1, 2], "second"),
        1 => page(&[], "third"),
        _ => page(&[3], ""),
    });
    let mut service = TestService::start(script).await;
    let mut stream = pin!(entries(&service).map(|entry| entry.unwrap().revision));
    let mut revisions = Vec::new();
    while let Some(revision) = stream.next().await {
        revisions.push(revision);
    }
    assert_eq!(revisions, [1, 2, 3]);
    for token in ["", "second", "third"] {
        let Received::ListEntries(request) = service.next().await else { panic!("another request") };
        assert_eq!((request.page_token.as_str(), request.page_size), (token, 2));
    }
    assert!(service.received.try_recv().is_err(), "a request after the last page");
}

#[tokio::test]
async fn a_page_is_requested_when_the_previous_one_has_been_consumed() {
    let mut service = TestService::start(listing(|_| page(&[1, 2], "more"))).await;
    let mut stream = entries(&service);
    assert!(service.received.try_recv().is_err(), "a stream that is not polled requests nothing");
    for _ in 0..2 {
        stream.next().await.unwrap().unwrap();
    }
    service.next().await;
    assert!(service.received.try_recv().is_err(), "the first page suffices");
    stream.next().await.unwrap().unwrap();
    service.next().await;
}

#[tokio::test]
async fn an_error_ends_the_stream() {
    let script = listing(|n| match n {
        0 => page(&[1], "second"),
        _ => Err(refusal(Code::NotFound, "WALLET_NOT_FOUND")),
    });
    let service = TestService::start(script).await;
    let mut stream = entries(&service);
    assert_eq!(stream.next().await.unwrap().unwrap().revision, 1);
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert!(stream.next().await.is_none());
    assert!(entries(&service).try_into_vec().await.is_err());
}
