//! Each RPC through the wire: what it answers, what it refuses, what it says when asked again.

mod settle;
