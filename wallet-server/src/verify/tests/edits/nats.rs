//! Edits of the positions up to which the NATS stream has the items of the feeds.

use super::Edit;
use super::Finds::{Fault, Nothing};

pub(super) const EDITS: &[Edit] = &[
    (
        "nats_positions.tenant",
        "UPDATE nats_positions SET tenant = {uuid}",
        Fault("nats_positions has tenant"),
    ),
    ("nats_positions.tenant", "DELETE FROM nats_positions", Nothing("NATS")),
    (
        "nats_positions.last_position",
        "UPDATE nats_positions SET last_position = 1000000",
        Fault("has position 1000000 of tenant"),
    ),
    ("nats_positions.last_position", "UPDATE nats_positions SET last_position = 2", Nothing("NATS")),
];
