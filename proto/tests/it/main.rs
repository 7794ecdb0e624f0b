//! The contract of the API: the protos, the table of reasons and the documents say the same.

mod descriptors;
mod field_behavior;
mod google;
