//! Dovecot's passwd-file: `user:password:uid:gid:gecos:home:shell:extra fields`; the input is the file.

use sasldb::credential::Network;
use sasldb::import::Dovecot;
use sasldb::import::dovecot::Scheme;

use super::lines::{self, Taken};
use super::oracle;

pub fn target(data: &[u8]) {
    lines::check_each(&mut Dovecot::new(Scheme::default()), data, |line| {
        let (user, rest) = lines::fields(line);
        let is_entry = line[0] != b':';
        is_entry.then(|| if rest.is_empty() { (None, None) } else { (Some(user.to_vec()), wanted(user, &rest)) })
    });
}

fn wanted(user: &[u8], rest: &[&[u8]]) -> Option<Taken> {
    let password = rest[0];
    if password.is_empty() || password[0] == b'!' || password[0] == b'*' {
        return None;
    }
    let mut taken = lines::of_text(user, &labelled(password))?;
    let extra = oracle::text(&rest.get(6..).unwrap_or_default().join(&b':'));
    for field in extra.split(' ').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        match name {
            "nopassword" | "noauthenticate" => return None,
            "user" | "login_user" if value != oracle::text(user) => return None,
            "allow_nets" => {
                let networks = value.split(',').map(|text| text.trim().parse::<Network>().ok());
                taken.limits.networks = networks.map(|network| Some(network?.to_string())).collect::<Option<_>>()?;
            }
            "nologin" => taken.limits.disabled = true,
            _ => {}
        }
    }
    Some(taken)
}

/// The password with a label; the last four characters may stand for one.
fn labelled(password: &[u8]) -> Vec<u8> {
    if password[0] == b'{' || password.starts_with(b"$1$") {
        return password.to_vec();
    }
    let (head, tail) = password.split_at(password.len().saturating_sub(4));
    let (label, text) = match tail {
        _ if password[0] == b'$' => ("{CRYPT}", password),
        b"[34]" => ("{PLAIN-MD5}", head),
        b"[56]" => ("{DIGEST-MD5}", head),
        [b'[', high, low, b']'] if high.is_ascii_digit() && low.is_ascii_digit() => ("{CRYPT}", head),
        _ => ("{CRYPT}", password),
    };
    [label.as_bytes(), text].concat()
}
