//! Calls with many commands, and single calls that travel together: they differ from single calls in speed alone.

mod as_singles;
mod tasks;
