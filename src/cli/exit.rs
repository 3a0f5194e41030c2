//! The exit statuses of all programs. Each program's man page lists those it uses.

use std::process::{ExitCode, Termination};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; the answer is yes.
    Success = 0,
    /// Not done, or the answer is no, or something is wrong. The Cyrus-named programs use it for misuse too, as the originals do.
    Failure = 1,
    /// The command line makes no sense. Not used by the Cyrus-named programs.
    Misuse = 2,
    /// All went well, and something was changed. Of `apply` only, whose second run has nothing to change.
    Changed = 3,
    /// A name or password that cannot be taken: SASL_BADPARAM of libsasl2, without its sign.
    BadParameter = 7,
    /// There is no such account, or it has no such password: SASL_NOUSER of libsasl2, without its sign.
    NoUser = 20,
    /// Nobody can tell now: the store or the helper is out of reach. EX_TEMPFAIL of sysexits.h.
    Unavailable = 75,
    /// The configuration file is wrong. EX_CONFIG of sysexits.h.
    Configuration = 78,
    /// Stopped by SIGINT or SIGTERM, with everything whole. As shells have it for SIGINT.
    Interrupted = 130,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
