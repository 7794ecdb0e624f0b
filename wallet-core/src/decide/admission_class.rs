//! The importance of commands to a busy server.

/// The class of a command, by which a busy server refuses commands. The first class is refused last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmissionClass {
    /// Ends a job.
    JobEnd,
    /// Keeps a running job alive.
    Heartbeat,
    /// Any other command of a caller.
    Standard,
    /// Begins a job.
    NewJob,
    /// Work that no caller waits for.
    Background,
}
