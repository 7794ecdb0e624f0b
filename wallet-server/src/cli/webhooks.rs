//! `webhooks`: manages the endpoints of webhooks at a running server.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use wallet_client::v1::{self, WebhookEndpointState};

use crate::cli::error::CliError;
use crate::cli::output::say;
use crate::cli::server::ServerArgs;

/// An action on the endpoints of webhooks of the API key's tenant.
#[derive(Debug, Subcommand)]
pub(super) enum WebhooksCommand {
    /// Create an endpoint and print its secret in the last line.
    Create {
        /// The id, as in "crm".
        endpoint_id: String,
        /// The URL to which items of the feed are posted.
        url: String,
        /// The types to deliver, separated by commas, as in job.settled,balance.low. Default: all.
        #[arg(long, value_delimiter = ',')]
        types: Vec<String>,
        /// The position of the feed after which deliveries begin. Default: its present end.
        #[arg(long)]
        after_position: Option<i64>,
        /// Deliver an item only after the one before.
        #[arg(long)]
        ordered: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the endpoints.
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Change the URL, the types or the order of an endpoint. A property that is not given stays.
    Update {
        /// The id of the endpoint.
        endpoint_id: String,
        /// The new URL.
        #[arg(long, default_value = "", hide_default_value = true)]
        url: String,
        /// The new types to deliver, separated by commas.
        #[arg(long, value_delimiter = ',', conflicts_with = "all_types")]
        types: Vec<String>,
        /// Deliver all types.
        #[arg(long)]
        all_types: bool,
        /// Deliver an item only after the one before, or not.
        #[arg(long)]
        ordered: Option<bool>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Enable an endpoint. Deliveries continue after its last position.
    Enable {
        /// The id of the endpoint.
        endpoint_id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Disable an endpoint.
    Disable {
        /// The id of the endpoint.
        endpoint_id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give an endpoint its next secret and print that in the last line. For 24 hours, messages are signed with the
    /// previous secret as well.
    RotateSecret {
        /// The id of the endpoint.
        endpoint_id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete an endpoint and its failed deliveries.
    Delete {
        /// The id of the endpoint.
        endpoint_id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send a test message to an endpoint and print the result. Exit code 1 if it failed.
    Test {
        /// The id of the endpoint.
        endpoint_id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the failed deliveries to an endpoint.
    Deliveries {
        /// The id of the endpoint.
        endpoint_id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send failed deliveries again at once.
    Retry {
        /// The id of the endpoint.
        endpoint_id: String,
        /// The first position. Default: that of the first failed delivery.
        #[arg(long, default_value_t = 0)]
        from: i64,
        /// The last position. Default: that of the last failed delivery.
        #[arg(long, default_value_t = 0)]
        to: i64,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(super) async fn run(command: WebhooksCommand) -> Result<ExitCode, CliError> {
    match command {
        WebhooksCommand::Create { endpoint_id, url, types, after_position, ordered, server } => {
            let request =
                v1::CreateWebhookEndpointRequest { endpoint_id, url, types, after_position, ordered };
            let created = server.connect().await?.create_webhook_endpoint(request).await;
            let created = created.map_err(|error| server.failed(error))?;
            show(&created.endpoint.unwrap_or_default());
            say(created.secret);
        }
        WebhooksCommand::List { server } => {
            list(&server).await?.iter().for_each(show);
        }
        WebhooksCommand::Update { endpoint_id, url, types, all_types, ordered, server } => {
            let request = v1::UpdateWebhookEndpointRequest {
                endpoint_id,
                url,
                types,
                all_types,
                ordered,
                ..Default::default()
            };
            show(&update(request, &server).await?.endpoint.unwrap_or_default());
        }
        WebhooksCommand::Enable { endpoint_id, server } => {
            set_state(endpoint_id, WebhookEndpointState::Enabled, &server).await?;
        }
        WebhooksCommand::Disable { endpoint_id, server } => {
            set_state(endpoint_id, WebhookEndpointState::Disabled, &server).await?;
        }
        WebhooksCommand::RotateSecret { endpoint_id, server } => rotate(endpoint_id, &server).await?,
        WebhooksCommand::Delete { endpoint_id, server } => {
            let request = v1::DeleteWebhookEndpointRequest::new(endpoint_id.as_str());
            let deleted = server.connect().await?.delete_webhook_endpoint(request).await;
            deleted.map_err(|error| server.failed(error))?;
            say(format_args!("endpoint {endpoint_id} is deleted"));
        }
        WebhooksCommand::Test { endpoint_id, server } => return test(endpoint_id, &server).await,
        WebhooksCommand::Deliveries { endpoint_id, server } => deliveries(&endpoint_id, &server).await?,
        WebhooksCommand::Retry { endpoint_id, from, to, server } => {
            let request = v1::RetryWebhookDeliveriesRequest::new(endpoint_id).with_positions(from, to);
            let retried = server.connect().await?.retry_webhook_deliveries(request).await;
            let retried = retried.map_err(|error| server.failed(error))?;
            say(format_args!("{} deliveries are sent again", retried.deliveries));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(server: &ServerArgs) -> Result<Vec<v1::WebhookEndpoint>, CliError> {
    let listed = server.connect().await?.list_webhook_endpoints(v1::ListWebhookEndpointsRequest::new()).await;
    Ok(listed.map_err(|error| server.failed(error))?.endpoints)
}

async fn update(
    request: v1::UpdateWebhookEndpointRequest,
    server: &ServerArgs,
) -> Result<v1::UpdateWebhookEndpointResponse, CliError> {
    let updated = server.connect().await?.update_webhook_endpoint(request).await;
    updated.map_err(|error| server.failed(error))
}

async fn set_state(id: String, state: WebhookEndpointState, server: &ServerArgs) -> Result<(), CliError> {
    let request = v1::UpdateWebhookEndpointRequest::new(id).with_state(state);
    show(&update(request, server).await?.endpoint.unwrap_or_default());
    Ok(())
}

async fn rotate(id: String, server: &ServerArgs) -> Result<(), CliError> {
    let present = list(server).await?.into_iter().find(|endpoint| endpoint.endpoint_id == id);
    let next = present.unwrap_or_default().secret_version + 1;
    let request = v1::UpdateWebhookEndpointRequest::new(id).with_secret_version(next);
    let rotated = update(request, server).await?;
    show(&rotated.endpoint.unwrap_or_default());
    say(rotated.secret);
    Ok(())
}

async fn test(id: String, server: &ServerArgs) -> Result<ExitCode, CliError> {
    let request = v1::TestWebhookEndpointRequest::new(id.as_str());
    let tested = server.connect().await?.test_webhook_endpoint(request).await;
    let tested = tested.map_err(|error| server.failed(error))?;
    let taken = Duration::try_from(tested.duration.unwrap_or_default()).unwrap_or_default();
    if tested.failure() == v1::WebhookFailure::Unspecified {
        say(format_args!("endpoint {id} answered {} after {} ms", tested.status, taken.as_millis()));
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!("endpoint {id} failed after {} ms: {}", taken.as_millis(), tested.failure_text));
    Ok(ExitCode::FAILURE)
}

async fn deliveries(id: &str, server: &ServerArgs) -> Result<(), CliError> {
    let (client, mut after) = (server.connect().await?, 0);
    loop {
        let request = v1::ListWebhookDeliveriesRequest::new(id).with_after_position(after);
        let page = client.list_webhook_deliveries(request).await.map_err(|error| server.failed(error))?;
        let Some(last) = page.deliveries.last() else { return Ok(()) };
        after = last.position;
        for delivery in page.deliveries {
            let v1::WebhookDelivery { position, attempts, failure, item, next_time, .. } = delivery;
            let item_type = item.map(|item| item.r#type).unwrap_or_default();
            let end = if next_time.is_none() { ", was the last one" } else { "" };
            say(format_args!("{position}  {item_type}  attempt {attempts}{end}: {failure}"));
        }
    }
}

/// Prints a line about an endpoint.
fn show(endpoint: &v1::WebhookEndpoint) {
    let v1::WebhookEndpoint { endpoint_id, url, types, secret_version, last_position, ordered, .. } =
        endpoint;
    let types = if types.is_empty() { "all types".to_owned() } else { types.join(",") };
    let state = endpoint.state().as_str_name().trim_start_matches("WEBHOOK_ENDPOINT_STATE_").to_lowercase();
    let order = if *ordered { "  ordered" } else { "" };
    say(format_args!(
        "{endpoint_id}  {state}  {url}  {types}{order}  position {last_position}  secret {secret_version}"
    ));
}
