//! The properties of each command that the engine needs before it is decided.

use wallet_core::Command;
use wallet_core::decide::AdmissionClass::{self, Background, Heartbeat, JobEnd, NewJob, Standard};
use wallet_core::decide::CreateWallet;

use super::prelude::*;

/// A row of the table: the command, its name and its class, and whether it has a request id and sells a plan.
type Row = (Step, &'static str, AdmissionClass, [bool; 2]);

fn rows() -> Vec<Row> {
    let of_row = [false, false];
    let of_request = [true, false];
    let sale = [true, true];
    vec![
        (Step::Command(CreateWallet::default().into()), "CreateWallet", Standard, of_row),
        (update("r"), "UpdateWallet", Standard, of_request),
        (reserve("job", 1), "Reserve", NewJob, of_row),
        (start("job", 1), "Start", Standard, of_row),
        (extend("job"), "Extend", Heartbeat, of_row),
        (settle("job", 1), "Settle", JobEnd, of_row),
        (fail("job"), "Settle", JobEnd, of_row),
        (cancel("job"), "Cancel", JobEnd, of_row),
        (top_up(1), "TopUp", Standard, of_row),
        (give("g", 1), "Grant", Standard, of_row),
        (revoke("r", "grant:g"), "RevokeGrant", Standard, of_request),
        (refund("r", "t"), "RefundTopUp", Standard, of_request),
        (charge_back("r", "t"), "RecordChargeback", Standard, of_request),
        (reverse_all("r", "job"), "ReverseCharge", Standard, of_request),
        (refund_subscription("r"), "RefundSubscription", Standard, of_request),
        (subscribe("r", "creator"), "Subscribe", Standard, sale),
        (change_plan("r", "pro"), "ChangePlan", Standard, sale),
        (unsubscribe("r"), "CancelSubscription", Standard, of_request),
        (resume("r"), "ResumeSubscription", Standard, of_request),
        (pay("r"), "RecordPayment", Standard, of_request),
        (process_due(), "ProcessDue", Background, of_row),
    ]
}

#[test]
fn each_command_has_its_class_its_key_and_its_name_in_the_log() {
    for (step, name, class, [has_request, sells]) in rows() {
        let Step::Command(command) = step else { panic!("{name} is no command") };
        assert_eq!((command.name(), command.admission_class()), (name, class));
        assert_eq!((command.request_id().is_some(), command.sells_plan()), (has_request, sells), "{name}");
        assert_eq!(command.read_set().request.as_ref(), command.request_id(), "{name}");
    }
}

#[test]
fn a_command_about_a_reservation_reads_it() {
    let reads = |step| match step {
        Step::Command(command) => Command::read_set(&command).reservation,
        _ => None,
    };
    for step in [reserve("job", 1), start("job", 1), extend("job"), settle("job", 1), cancel("job")] {
        assert_eq!(reads(step), Some(job("job")));
    }
    assert_eq!(reads(reverse_all("r", "job")), Some(job("job")));
    assert_eq!(reads(top_up(1)), None);
}

#[test]
fn a_settle_loads_the_catalog_of_the_price_only_for_a_usage() {
    let world = given([top_up(100), reserve("job", 10)]);
    let priced_by = |step| match step {
        Step::Command(command) => Command::priced_by(&command, &world.lazy.wallet),
        _ => None,
    };
    assert_eq!(priced_by(settle("job", 1)), Some(1));
    for step in [settle_as_reserved("job"), settle_amounts("job", &[("credits", 1)]), fail("job")] {
        assert_eq!(priced_by(step), None);
    }
}
