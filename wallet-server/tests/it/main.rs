//! The real server on a real database, called through `wallet-client` on a real port.
//!
//! There is a file per RPC under `rpc/`, with the same stem as its handler; `harness/` starts servers and databases.
//! Tests that run on both databases end in `::sqlite` and `::postgres`.

#[cfg(test)]
#[macro_use]
mod harness;
#[cfg(test)]
#[macro_use]
mod products;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod billing;
#[cfg(test)]
mod cancelled;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod connect;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod duplicates;
mod echo;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod front;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod many;
#[cfg(test)]
mod monitoring;
#[cfg(feature = "nats")]
#[cfg(test)]
mod nats;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod packaging;
#[cfg(test)]
mod python;
#[cfg(test)]
mod races;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod rpc;
#[cfg(test)]
mod sample_commands;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod shorthand;
#[cfg(test)]
mod stored_catalogs;
#[cfg(test)]
mod style;
#[cfg(test)]
mod style_language;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod sweeper;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod unreadable;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod webhooks;
