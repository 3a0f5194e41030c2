//! One login over the socket: the mechanism's client side on one end, the helper on the other.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::cli::output;
use crate::mechanism::client::{self, Client, Opening};
use crate::protocol::dovecot::{AuthRequest, Command, FailCode, Reply, RequestId, ResponseField};
use crate::secret::SecretBytes;
use crate::vocabulary::Mechanism;

use super::connection::{Connection, Lost};
use super::options::Test;
use super::who::Who;

/// How a login ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The server takes the client for `user`, and has proven what the mechanism lets it prove.
    Accepted {
        /// The account's name in the server's spelling.
        user: String,
    },
    /// It does not; the reason if it gave one.
    Denied(String),
    /// Nobody can tell, and why.
    Unavailable(String),
}

/// Logs in. The connection is used up: whatever is left open on it is dropped with it.
pub(super) fn log_in(
    mut connection: Connection,
    test: &Test,
    who: &Who<'_>,
    mechanism: Mechanism,
    nonce: &str,
) -> Result<Ending, Lost> {
    let Some(id) = RequestId::new(1) else { return Err(Lost::Garbled) };
    let Opening { initial, next: mut client } = client::begin(who.start(mechanism, nonce));
    let initial = initial.as_ref().map(encode);
    let mut request = AuthRequest::new(id, mechanism.name().as_bytes(), test.service.as_bytes());
    request.nologin = true;
    request.secured = test.secured;
    request.rip = test.remote;
    request.response = initial.as_ref().map_or(ResponseField::Absent, |text| ResponseField::Value(text.as_bytes()));
    if mechanism == Mechanism::External {
        request.valid_client_cert = true;
        request.cert_username = Some(Cow::Borrowed(who.qualified().as_bytes()));
    }
    connection.send(&[Command::Auth(request)])?;
    loop {
        match connection.reply()? {
            Reply::Continue { data, .. } => match client.challenge(&data) {
                Ok((response, next)) => {
                    client = next;
                    connection.send(&[Command::Continue { id, data: encode(&response).as_bytes() }])?;
                }
                Err(fault) => return Ok(Ending::Denied(fault.to_string())),
            },
            Reply::Ok { user, final_data, .. } => return Ok(accepted(client, &user, final_data.as_deref())),
            Reply::Fail { code: Some(FailCode::TempFail), reason, .. } => {
                return Ok(Ending::Unavailable(
                    reason.map_or_else(|| "temporary failure".to_owned(), |r| printable(&r)),
                ));
            }
            Reply::Fail { reason, .. } => {
                return Ok(Ending::Denied(reason.map_or_else(String::new, |r| printable(&r))));
            }
        }
    }
}

/// A server that cannot prove itself where the mechanism asks for it is no server to log in to.
fn accepted(client: Client<'_>, user: &[u8], final_data: Option<&[u8]>) -> Ending {
    match client.success(final_data) {
        Ok(_) => Ending::Accepted { user: printable(user) },
        Err(fault) => Ending::Denied(fault.to_string()),
    }
}

fn encode(message: &SecretBytes) -> Zeroizing<String> {
    Zeroizing::new(Base64::encode_string(message.expose()))
}

fn printable(bytes: &[u8]) -> String {
    output::printable(OsStr::from_bytes(bytes))
}
