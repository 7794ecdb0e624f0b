//! Plans as they are billed: terms, free credits, provisional periods and trials, through the real server with a manual
//! clock and catalogs of their own.

mod following;
mod free_credits;
mod numbered_rules;
mod paid_ahead;
mod payments_that_go_back;
mod provisional;
mod refunded_periods;
mod terms;
mod trials;
