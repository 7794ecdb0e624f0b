//! Settle of a failed job: the whole hold returns, unless the failure code has a fee.

use super::prelude::*;

#[test]
fn a_job_that_failed_costs_nothing_in_any_phase() {
    for step in [reserve("job", 40), reserve("job", 40).started()] {
        given([top_up(100), step]).when(fail("job")).then([
            done(),
            state("job", State::Failed),
            charged("job", 0),
            returned("job", 40),
            available(100),
            held(0),
        ]);
    }
}

#[test]
fn a_failure_fee_is_rounded_down_in_favour_of_the_user() {
    for (reserved, charge) in [(40, 10), (25, 6), (3, 0)] {
        given([top_up(100), reserve("job", reserved)]).when(fail_with("job", "NSFW")).then([
            state("job", State::Failed),
            fee("job", charge),
            charged("job", charge),
            returned("job", reserved - charge),
            available(100 - charge),
        ]);
    }
}

#[test]
fn partial_output_is_a_success_with_smaller_quantities() {
    given([top_up(100), reserve("job", 40)]).when(settle("job", 30)).then([
        state("job", State::Settled),
        charged("job", 30),
        returned("job", 10),
    ]);
}
