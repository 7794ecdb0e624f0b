//! Edits of endpoints of webhooks and of their failed deliveries.

use super::Edit;
use super::Finds::{Fault, Nothing};

pub(super) const EDITS: &[Edit] = &[
    (
        "webhook_endpoints.tenant",
        "UPDATE webhook_endpoints SET tenant = {uuid}",
        Fault("endpoint \"crm\" has tenant"),
    ),
    (
        "webhook_endpoints.endpoint_id",
        "UPDATE webhook_endpoints SET endpoint_id = 'erp'",
        Fault("belongs to endpoint \"crm\", which does not exist"),
    ),
    (
        "webhook_endpoints.url",
        "UPDATE webhook_endpoints SET url = 'https://evil.example'",
        Nothing("Webhooks"),
    ),
    ("webhook_endpoints.types", "UPDATE webhook_endpoints SET types = 'tea'", Fault("has types \"tea\"")),
    ("webhook_endpoints.ordered", "UPDATE webhook_endpoints SET ordered = NOT ordered", Nothing("Webhooks")),
    ("webhook_endpoints.state", "UPDATE webhook_endpoints SET state = 9", Fault(", state 9 and")),
    ("webhook_endpoints.state", "UPDATE webhook_endpoints SET state = 1", Nothing("Webhooks")),
    (
        "webhook_endpoints.secret_version",
        "UPDATE webhook_endpoints SET secret_version = 0",
        Fault("and secret version 0"),
    ),
    ("webhook_endpoints.rotate_time", "UPDATE webhook_endpoints SET rotate_time = 5", Nothing("Webhooks")),
    (
        "webhook_endpoints.last_position",
        "UPDATE webhook_endpoints SET last_position = 1000000",
        Fault("has position 1000000, but the feed does not have it"),
    ),
    (
        "webhook_endpoints.failing_since",
        "UPDATE webhook_endpoints SET failing_since = 5",
        Nothing("Webhooks"),
    ),
    ("webhook_endpoints.create_time", "UPDATE webhook_endpoints SET create_time = 5", Nothing("Webhooks")),
    (
        "webhook_deliveries.tenant",
        "UPDATE webhook_deliveries SET tenant = {uuid}",
        Fault("belongs to endpoint \"crm\", which does not exist"),
    ),
    (
        "webhook_deliveries.endpoint_id",
        "UPDATE webhook_deliveries SET endpoint_id = 'erp'",
        Fault("belongs to endpoint \"erp\", which does not exist"),
    ),
    (
        "webhook_deliveries.position",
        "UPDATE webhook_deliveries SET position = 1000000",
        Fault("a delivery has position 1000000"),
    ),
    ("webhook_deliveries.attempts", "UPDATE webhook_deliveries SET attempts = -1", Fault("and -1 attempts")),
    (
        "webhook_deliveries.attempt_time",
        "UPDATE webhook_deliveries SET attempt_time = 5",
        Nothing("Webhooks"),
    ),
    ("webhook_deliveries.next_time", "UPDATE webhook_deliveries SET next_time = 5", Nothing("Webhooks")),
    ("webhook_deliveries.failure", "UPDATE webhook_deliveries SET failure = 'none'", Nothing("Webhooks")),
];
