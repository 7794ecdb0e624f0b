//! The contract of the API: the protos, the table of reasons and the documents agree.

mod descriptors;
mod errors;
mod field_behavior;
mod google;
mod openapi;
mod reference;
