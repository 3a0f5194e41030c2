//! What is known not to work, and why. Each reason is a line under the table.

use super::{Attempt, Typed};
use crate::clients::Client;
use crate::place::Helper;
use crate::servers::Server;

/// Why this attempt fails; None when it has to succeed.
pub(super) fn reason(attempt: &Attempt) -> Option<&'static str> {
    let by_itself = client_and_server(attempt);
    by_itself.or_else(|| match attempt.helper {
        Helper::Ours => ours(attempt),
        Helper::Dovecot => dovecot(attempt),
    })
}

/// Gaps that no helper can close.
fn client_and_server(attempt: &Attempt) -> Option<&'static str> {
    let not_ascii = matches!(attempt.typed, Typed::NotAscii | Typed::NotAsciiAddress);
    match (attempt.client, attempt.server, attempt.mechanism) {
        (Client::Smtplib, _, _) if not_ascii => Some("smtplib: names and passwords in ASCII only"),
        (Client::Gsasl, Server::Exim, "LOGIN" | "PLAIN") => {
            Some("gsasl says STARTTLS before EHLO, which Exim refuses: no TLS, so no mechanism that shows the password")
        }
        _ => None,
    }
}

fn ours(attempt: &Attempt) -> Option<&'static str> {
    let hashes_the_name = attempt.mechanism == "DIGEST-MD5" && attempt.typed == Typed::Capitals;
    hashes_the_name
        .then_some("`MailMan@Example.COM`: DIGEST-MD5 hashes the name as typed, so only the two stored spellings fit")
}

fn dovecot(attempt: &Attempt) -> Option<&'static str> {
    use Client::{Curl, Gsasl, Msmtp, Neomutt, NetSmtp};
    let canonical = matches!(attempt.typed, Typed::Address | Typed::NotAsciiAddress | Typed::WrongPassword);
    let not_ascii = matches!(attempt.typed, Typed::NotAscii | Typed::NotAsciiAddress);
    match (attempt.client, attempt.mechanism) {
        (Curl, "DIGEST-MD5") => Some("curl gives up at the quoted `algorithm=\"md5-sess\"` of Dovecot's challenge"),
        (NetSmtp, "DIGEST-MD5") | (Neomutt, "DIGEST-MD5" | "SCRAM-SHA-1" | "SCRAM-SHA-256") if !canonical => Some(
            "`mailman`, `jörg`, `MailMan@Example.COM`: the client sends its name as authzid too, and Dovecot takes one that is \
             not the full name in lower case for somebody else's",
        ),
        (Gsasl | Msmtp | Neomutt, "DIGEST-MD5") if not_ascii => {
            Some("`pä55`: GNU SASL hashes the password in ISO 8859-1, and Dovecot in UTF-8 only")
        }
        _ => None,
    }
}
