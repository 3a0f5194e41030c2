//! What can be wrong with a client's bytes: with one request, or with the conversation.

use super::RequestId;

/// A line that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Only this request fails.
    #[error("request {id}: {fault}")]
    Request {
        /// Which.
        id: RequestId,
        /// Why.
        fault: RequestFault,
    },
    /// The connection has to be closed: what follows cannot be trusted.
    #[error(transparent)]
    Connection(#[from] Breach),
}

/// Why one request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// CONT with more fields than id and data.
    #[error("more than one field of data")]
    ExtraField,
}

/// How a client breaks the protocol so that Dovecot closes the connection, and so do we.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// A line of more than [`super::MAX_LINE`] bytes.
    #[error("line too long")]
    LineTooLong,
    /// A raw NUL.
    #[error("NUL byte in a line")]
    Nul,
    /// No command of the protocol, an empty line included.
    #[error("unknown command")]
    UnknownCommand,
    /// VERSION without two numbers, or of another major version.
    #[error("unsupported protocol version")]
    Version,
    /// VERSION or CPID a second time with another value.
    #[error("handshake repeated with other values")]
    Repeated,
    /// CPID before VERSION, or a request before CPID.
    #[error("command before the handshake is complete")]
    NoHandshake,
    /// CPID that is no process id.
    #[error("bad process id")]
    BadPid,
    /// An id that is not a number from 1 to 4294967295, or none.
    #[error("bad request id")]
    BadId,
    /// AUTH with an id that is still in use.
    #[error("request id in use")]
    IdInUse,
    /// AUTH without mechanism or service, CONT without data.
    #[error("field missing")]
    FieldMissing,
    /// A field after `resp`.
    #[error("field after the initial response")]
    AfterResponse,
}
