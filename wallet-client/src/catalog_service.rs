//! The RPCs of `CatalogService`: units, plans, packs and prices.

use crate::client::rpc_methods;
use crate::v1::catalog_service_client::CatalogServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    CatalogServiceClient {
        /// Validates a catalog document and makes it current. Publishing the current document again changes
        /// nothing.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `CATALOG_INVALID` (every problem of the document is among the violations), or
        /// `CATALOG_SUPERSEDED` if another version is current than expected, or if the document was published
        /// before; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let toml = "..."; // the document, for example from a file
        /// match client.publish_catalog(v1::PublishCatalogRequest::new(toml)).await {
        ///     Ok(published) => println!("catalog {}", published.catalog.unwrap_or_default().version),
        ///     Err(Error::Refused(refusal)) => {
        ///         refusal.violations.iter().for_each(|v| println!("{}: {}", v.field, v.description));
        ///     }
        ///     Err(error) => return Err(error),
        /// }
        /// # Ok(())
        /// # }
        /// ```
        publish_catalog(PublishCatalogRequest) -> PublishCatalogResponse;

        /// Returns a published catalog with its document.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `CATALOG_NOT_FOUND`; and the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let catalog = client.get_catalog(v1::GetCatalogRequest::current()).await?.catalog.unwrap_or_default();
        /// println!("# version {}\n{}", catalog.version, catalog.toml);
        /// # Ok(())
        /// # }
        /// ```
        get_catalog(GetCatalogRequest) -> GetCatalogResponse;

        /// Returns the plans of the current catalog, by rank.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// for plan in client.list_plans(v1::ListPlansRequest {}).await?.plans {
        ///     println!("{}: {:?}", plan.name, plan.list_price);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_plans(ListPlansRequest) -> ListPlansResponse;

        /// Returns the packs of the current catalog.
        ///
        /// # Errors
        ///
        /// The [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// for pack in client.list_packs(v1::ListPacksRequest {}).await?.packs {
        ///     println!("{}: {:?}, expires {}", pack.name, pack.amounts, pack.expiry);
        /// }
        /// # Ok(())
        /// # }
        /// ```
        list_packs(ListPacksRequest) -> ListPacksResponse;

        /// Returns the price rules of a catalog as data, in the order in which they are tried, for a pricing page.
        ///
        /// # Errors
        ///
        /// [`Error::Refused`] with `CATALOG_NOT_FOUND`, or `CATALOG_UNUSABLE` if its stored text is damaged; and
        /// the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// let request = v1::GetPriceTableRequest::current().with_kinds(["image.generate"]);
        /// for rule in client.get_price_table(request).await?.rules {
        ///     println!("{}: {} components", rule.rule_id, rule.components.len());
        /// }
        /// # Ok(())
        /// # }
        /// ```
        get_price_table(GetPriceTableRequest) -> GetPriceTableResponse;
    }
}
