//! Exhaustive small worlds: every interleaving, to a stated depth, of a few commands, retries, lost replies,
//! deadlines and sweeps, on the real `execute`. Every state is audited, every transition is checked, and every
//! earlier command is repeated. States are compared by 128-bit digests, without versions, revisions and hashes.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod batches;
mod checks;
mod commands;
mod digest;
mod one_wallet;
mod search;

use one_wallet::{
    disputes_world, jobs_world, pauses_world, plans_world, provisional_world, purchases_world,
    takeovers_world,
};
use search::search;

#[test]
fn one_job_with_two_workers_a_user_and_the_platform() {
    search("one job, two workers, user and platform", takeovers_world(), 7, 150_000);
}

#[test]
fn three_jobs_that_compete_for_two_grants() {
    search("three jobs that the grants cannot all pay for", jobs_world(), 6, 300_000);
}

#[test]
fn purchases_that_are_refunded_while_jobs_use_them() {
    search("purchases that go back while jobs use them", purchases_world(), 6, 100_000);
}

#[test]
fn a_disputed_purchase_that_is_paid_back_in_parts() {
    search("a disputed purchase, paid back in parts", disputes_world(), 7, 50_000);
}

#[test]
fn a_job_of_a_plan_that_is_paused_and_resumed() {
    search("a job of a plan that is paused", pauses_world(), 5, 20_000);
}

#[test]
fn a_job_while_its_plan_is_changed_cancelled_renewed_and_paid() {
    search("a job and its plan", plans_world(), 5, 30_000);
}

#[test]
fn a_job_in_a_period_that_begins_before_its_payment() {
    search("a job in a provisional period", provisional_world(), 5, 20_000);
}

#[test]
fn batches_of_two_wallets_whose_replies_get_lost() {
    search("batches of two wallets, three clients", batches::world(), 8, 1_000_000);
}
