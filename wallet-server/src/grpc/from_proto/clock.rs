//! Parses steps of clocks.

use wallet_proto::v1::advance_clock_request::Step as Message;

use super::FieldReader;
use super::duration::read;
use crate::engine::Step;

impl FieldReader {
    /// Parses a required step.
    pub(crate) fn clock_step(&mut self, path: &str, step: Option<Message>) -> Option<Step> {
        match step {
            None => {
                self.missing(path);
                None
            }
            Some(Message::By(by)) => {
                let by = read(&by);
                if by.is_none() {
                    self.add("by", "must not be negative: the clock only moves forward");
                }
                by.map(Step::By)
            }
            Some(Message::ToTime(time)) => self.instant("to_time", Some(time)).map(Step::To),
        }
    }
}
