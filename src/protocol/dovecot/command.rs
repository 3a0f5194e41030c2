//! What clients say.

use core::net::IpAddr;
use std::borrow::Cow;

use super::escape::{escape, unescape};
use super::fault::{Breach, FrameError, RequestFault};
use super::line::Lines;
use super::{RequestId, number, push_head, push_number, push_version};

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// The client's protocol version; the major number is ours.
    Version {
        /// It changes the meaning of an empty initial response: see [`ResponseField::initial`].
        minor: u32,
    },
    /// The client's process id. Never a key to anything: Halon always sends 1, containers repeat theirs.
    ClientPid(u32),
    /// Begins an exchange.
    Auth(AuthRequest<'a>),
    /// Carries an exchange on.
    Continue {
        /// Which.
        id: RequestId,
        /// The response, in base64.
        data: &'a [u8],
    },
    /// Drops an exchange.
    Cancel(RequestId),
}

/// The parameters of AUTH. Those that nobody here needs are left out, whatever they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthRequest<'a> {
    /// The number of the exchange.
    pub id: RequestId,
    /// The mechanism's name in the spelling of the mail client.
    pub mechanism: Cow<'a, [u8]>,
    /// `service`, which Dovecot 2.4 calls `protocol`.
    pub service: Cow<'a, [u8]>,
    /// `nologin`: no request for the user's data will follow. MTAs say it, and they have one request open at a time.
    pub nologin: bool,
    /// `secured`: the transport is protected.
    pub secured: bool,
    /// `valid-client-cert`: the mail client's certificate was verified.
    pub valid_client_cert: bool,
    /// `cert_username`: the name in that certificate.
    pub cert_username: Option<Cow<'a, [u8]>>,
    /// `no-penalty`: the address is not to be counted.
    pub no_penalty: bool,
    /// `final-resp-ok`: the mechanism's last word may come inside OK.
    pub final_resp_ok: bool,
    /// `rip`, the mail client's address. Postfix may send it empty; what is no address counts as absent.
    pub rip: Option<IpAddr>,
    /// `lip`, the server's address.
    pub lip: Option<IpAddr>,
    /// `resp`.
    pub response: ResponseField<'a>,
}

/// The field `resp` as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseField<'a> {
    /// Not there.
    Absent,
    /// There, with this value, in base64.
    Value(&'a [u8]),
}

impl<'a> ResponseField<'a> {
    /// The initial response, in base64, from a client of this minor version; `None` if it sent none. Exim, which speaks
    /// 1.0, writes `resp=` where there is none and `resp==` where it is empty.
    #[must_use]
    pub fn initial(self, minor: u32) -> Option<&'a [u8]> {
        match self {
            Self::Absent => None,
            Self::Value(b"") if minor < 2 => None,
            Self::Value(b"=") => Some(b""),
            Self::Value(encoded) => Some(encoded),
        }
    }
}

impl<'a> AuthRequest<'a> {
    /// A request with no parameter but the service.
    #[must_use]
    pub fn new(id: RequestId, mechanism: &'a [u8], service: &'a [u8]) -> Self {
        Self {
            id,
            mechanism: Cow::Borrowed(mechanism),
            service: Cow::Borrowed(service),
            nologin: false,
            secured: false,
            valid_client_cert: false,
            cert_username: None,
            no_penalty: false,
            final_resp_ok: false,
            rip: None,
            lip: None,
            response: ResponseField::Absent,
        }
    }

    fn parse(mut fields: impl Iterator<Item = &'a [u8]>) -> Result<Self, Breach> {
        let id = fields.next().and_then(RequestId::parse).ok_or(Breach::BadId)?;
        let mechanism = fields.next().filter(|name| !name.is_empty()).ok_or(Breach::FieldMissing)?;
        let mut request = Self::new(id, b"", b"");
        request.mechanism = unescape(mechanism);
        let mut has_service = false;
        while let Some(field) = fields.next() {
            let (name, value) = split_parameter(field);
            match name {
                b"service" | b"protocol" => {
                    request.service = unescape(value);
                    has_service = true;
                }
                b"nologin" => request.nologin = true,
                b"secured" => request.secured = true,
                b"valid-client-cert" => request.valid_client_cert = true,
                b"cert_username" => request.cert_username = Some(unescape(value)),
                b"no-penalty" => request.no_penalty = true,
                b"final-resp-ok" => request.final_resp_ok = true,
                b"rip" => request.rip = address(value),
                b"lip" => request.lip = address(value),
                b"resp" => {
                    request.response = ResponseField::Value(value);
                    if fields.next().is_some() {
                        return Err(Breach::AfterResponse);
                    }
                }
                _ => {}
            }
        }
        if has_service { Ok(request) } else { Err(Breach::FieldMissing) }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        push_head(b"AUTH\t", self.id, out);
        out.push(b'\t');
        escape(&self.mechanism, out);
        out.extend_from_slice(b"\tservice=");
        escape(&self.service, out);
        for (flag, name) in [
            (self.nologin, "nologin"),
            (self.secured, "secured"),
            (self.valid_client_cert, "valid-client-cert"),
            (self.no_penalty, "no-penalty"),
            (self.final_resp_ok, "final-resp-ok"),
        ] {
            if flag {
                out.push(b'\t');
                out.extend_from_slice(name.as_bytes());
            }
        }
        if let Some(name) = &self.cert_username {
            out.extend_from_slice(b"\tcert_username=");
            escape(name, out);
        }
        for (name, address) in [("lip", self.lip), ("rip", self.rip)] {
            if let Some(address) = address {
                out.extend_from_slice(format!("\t{name}={address}").as_bytes());
            }
        }
        if let ResponseField::Value(value) = self.response {
            out.extend_from_slice(b"\tresp=");
            out.extend_from_slice(value);
        }
    }
}

/// The minor number in the fields of VERSION.
pub(super) fn version<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Result<u32, Breach> {
    let major = fields.next().and_then(number);
    let minor = fields.next().and_then(number);
    minor.filter(|_| major == Some(super::VERSION.0)).ok_or(Breach::Version)
}

fn split_parameter(field: &[u8]) -> (&[u8], &[u8]) {
    match field.iter().position(|&byte| byte == b'=') {
        Some(at) => (field.get(..at).unwrap_or_default(), field.get(at.saturating_add(1)..).unwrap_or_default()),
        None => (field, b""),
    }
}

fn address(value: &[u8]) -> Option<IpAddr> {
    core::str::from_utf8(value).ok()?.parse().ok()
}

impl<'a> Command<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, FrameError> {
        let mut fields = line.split(|&byte| byte == b'\t');
        match fields.next().unwrap_or_default() {
            b"AUTH" => Ok(Self::Auth(AuthRequest::parse(fields)?)),
            b"CONT" => {
                let id = fields.next().and_then(RequestId::parse).ok_or(Breach::BadId)?;
                let data = fields.next().ok_or(Breach::FieldMissing)?;
                match fields.next() {
                    None => Ok(Self::Continue { id, data }),
                    Some(_) => Err(FrameError::Request { id, fault: RequestFault::ExtraField }),
                }
            }
            b"CANCEL" => Ok(Self::Cancel(fields.next().and_then(RequestId::parse).ok_or(Breach::BadId)?)),
            b"VERSION" => {
                let minor = version(&mut fields)?;
                Ok(Self::Version { minor })
            }
            b"CPID" => {
                let pid = fields.next().and_then(number).filter(|&pid| pid != 0);
                Ok(Self::ClientPid(pid.ok_or(Breach::BadPid)?))
            }
            _ => Err(Breach::UnknownCommand.into()),
        }
    }

    /// Appends the command with its LF to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Version { minor } => push_version((super::VERSION.0, *minor), out),
            Self::ClientPid(pid) => {
                out.extend_from_slice(b"CPID\t");
                push_number(*pid, out);
            }
            Self::Auth(request) => request.encode(out),
            Self::Continue { id, data } => {
                push_head(b"CONT\t", *id, out);
                out.push(b'\t');
                out.extend_from_slice(data);
            }
            Self::Cancel(id) => push_head(b"CANCEL\t", *id, out),
        }
        out.push(b'\n');
    }
}

/// Bytes from a client in, commands out.
#[derive(Debug, Default)]
pub struct CommandDecoder(Lines);

impl CommandDecoder {
    /// Takes the next command off the front of `input`, if one is complete. Call until there is none; the beginning of an
    /// unfinished line is kept.
    pub fn take<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Result<Command<'a>, FrameError>> {
        let line = self.0.take(input)?;
        Some(line.map_err(FrameError::from).and_then(Command::parse))
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
