//! Streams over the paged List RPCs: each page is requested when the previous one has been consumed.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::{Error, WalletClient, v1};

/// The items of a page and the token of the next page, empty after the last one.
type Page<T> = (Vec<T>, String);
type PageFuture<T> = Pin<Box<dyn Future<Output = Result<Page<T>, Error>> + Send>>;

/// The items of all pages of a list, in order.
///
/// Implements [`Stream`]; [`next`](Self::next) and [`try_into_vec`](Self::try_into_vec) need no other crate. The stream
/// ends after the last page or after the first error. Every page is a call of its own, with the deadline and the
/// retries of the client that made the stream, so items that change between two pages appear as they are when their page
/// is read.
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Error, WalletClient, v1};
/// # async fn example(client: &WalletClient) -> Result<(), Error> {
/// let mut entries = client.list_entries_stream(v1::ListEntriesRequest::new("alice"));
/// while let Some(entry) = entries.next().await {
///     let entry = entry?;
///     println!("{} {}", entry.revision, entry.kind().as_str_name());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream requests nothing until it is polled"]
pub struct ItemStream<T> {
    fetch: Box<dyn FnMut(String) -> PageFuture<T> + Send>,
    items: std::vec::IntoIter<T>,
    next_page: NextPage<T>,
}

enum NextPage<T> {
    Token(String),
    Requested(PageFuture<T>),
    None,
}

impl<T> ItemStream<T> {
    fn new<F>(first_token: String, mut fetch: impl FnMut(String) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Page<T>, Error>> + Send + 'static,
    {
        Self {
            fetch: Box::new(move |token| Box::pin(fetch(token))),
            items: Vec::new().into_iter(),
            next_page: NextPage::Token(first_token),
        }
    }

    /// Returns the next item, or `None` after the last one or after an error.
    ///
    /// Cancel safe: a dropped future loses no item.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads all remaining items into memory.
    ///
    /// # Errors
    ///
    /// The error of the first page that could not be read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let grants = client.list_grants_stream(v1::ListGrantsRequest::new("alice")).try_into_vec().await?;
    /// println!("{} grants", grants.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn try_into_vec(mut self) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }
}

// Nothing in it is pinned in place.
impl<T> Unpin for ItemStream<T> {}

impl<T> Stream for ItemStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = &mut *self;
        loop {
            if let Some(item) = stream.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut stream.next_page {
                NextPage::None => return Poll::Ready(None),
                NextPage::Token(token) => {
                    let token = mem::take(token);
                    stream.next_page = NextPage::Requested((stream.fetch)(token));
                }
                NextPage::Requested(page) => match ready!(page.as_mut().poll(context)) {
                    Ok((items, token)) => {
                        stream.items = items.into_iter();
                        stream.next_page =
                            if token.is_empty() { NextPage::None } else { NextPage::Token(token) };
                    }
                    Err(error) => {
                        stream.next_page = NextPage::None;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
        }
    }
}

impl<T> fmt::Debug for ItemStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemStream").field("buffered", &self.items.len()).finish_non_exhaustive()
    }
}

/// Declares a stream per paged RPC: documentation, name, item, RPC, request and the field of the response.
macro_rules! streams {
    ($($(#[$doc:meta])* $stream:ident -> $item:ident: $rpc:ident($request:ident).$field:ident;)+) => {
        impl WalletClient {
            $(
                $(#[$doc])*
                pub fn $stream(&self, request: v1::$request) -> ItemStream<v1::$item> {
                    let client = self.clone();
                    ItemStream::new(request.page_token.clone(), move |page_token| {
                        let client = client.clone();
                        let request = v1::$request { page_token, ..request.clone() };
                        async move {
                            let page = client.$rpc(request).await?;
                            Ok((page.$field, page.next_page_token))
                        }
                    })
                }
            )+
        }
    };
}

streams! {
    /// Streams a wallet's reservations, the newest first: all pages of
    /// [`list_reservations`](Self::list_reservations).
    ///
    /// # Errors
    ///
    /// The stream yields the error of a page that could not be read, and ends.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let request = v1::ListReservationsRequest::new("alice").with_states([v1::ReservationState::Processing]);
    /// let mut running = client.list_reservations_stream(request);
    /// while let Some(reservation) = running.next().await {
    ///     println!("{}", reservation?.reservation_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    list_reservations_stream -> Reservation: list_reservations(ListReservationsRequest).reservations;

    /// Streams a wallet's grants in spending order: all pages of [`list_grants`](Self::list_grants).
    ///
    /// # Errors
    ///
    /// The stream yields the error of a page that could not be read, and ends.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let request = v1::ListGrantsRequest::new("alice").with_include_closed(true);
    /// let consumed: i64 =
    ///     client.list_grants_stream(request).try_into_vec().await?.iter().map(|grant| grant.consumed).sum();
    /// # Ok(())
    /// # }
    /// ```
    list_grants_stream -> Grant: list_grants(ListGrantsRequest).grants;

    /// Streams a wallet's ledger, by revision: all pages of [`list_entries`](Self::list_entries).
    ///
    /// # Errors
    ///
    /// The stream yields the error of a page that could not be read, and ends.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let mut entries = client.list_entries_stream(v1::ListEntriesRequest::new("alice").with_page_size(500));
    /// while let Some(entry) = entries.next().await {
    ///     println!("{}", entry?.revision);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    list_entries_stream -> Entry: list_entries(ListEntriesRequest).entries;

    /// Streams the tenant's wallets, by id: all pages of [`list_wallets`](Self::list_wallets).
    ///
    /// # Errors
    ///
    /// The stream yields the error of a page that could not be read, and ends.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let mut wallets = client.list_wallets_stream(v1::ListWalletsRequest::default());
    /// while let Some(wallet) = wallets.next().await {
    ///     println!("{}", wallet?.wallet_id);
    /// }
    /// let frozen = v1::ListWalletsRequest::default().with_frozen_only(true);
    /// println!("{} wallets are frozen", client.list_wallets_stream(frozen).try_into_vec().await?.len());
    /// # Ok(())
    /// # }
    /// ```
    list_wallets_stream -> Wallet: list_wallets(ListWalletsRequest).wallets;

    /// Streams a wallet's notifications, by revision: all pages of [`list_events`](Self::list_events).
    ///
    /// # Errors
    ///
    /// The stream yields the error of a page that could not be read, and ends.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, WalletClient, v1};
    /// # async fn example(client: &WalletClient) -> Result<(), Error> {
    /// let mut events = client.list_events_stream(v1::ListEventsRequest::new("alice"));
    /// while let Some(event) = events.next().await {
    ///     println!("{}", event?.kind().as_str_name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    list_events_stream -> Event: list_events(ListEventsRequest).events;
}
