//! What the helper answers.

use crate::secret::SecretBytes;

use super::bytes::{Reader, push_counted};
use super::{Form, LookupFault, MAX_VALUE, VERSION};

/// Version, ending, and a property of each form: its number and its counted value.
const MAX_BODY: usize = 2 + Form::ALL.len() * (1 + 2 + MAX_VALUE);

const FOUND: u8 = 1;
const NONE: u8 = 2;
const UNAVAILABLE: u8 = 3;

/// The ending of a look-up.
#[derive(Debug)]
pub enum Answer {
    /// Here is what was wanted, as far as it is there: at least one property, each form once.
    Found(Vec<Property>),
    /// There is nothing for this name, whatever the reason.
    None,
    /// It cannot be told now.
    Unavailable,
}

/// A stored form, ready for libsasl2.
#[derive(Debug)]
pub struct Property {
    form: Form,
    value: SecretBytes,
}

impl Property {
    /// Joins the two.
    ///
    /// # Errors
    /// [`LookupFault`] for a value that is none of this form: libsasl2 reads 16 or 32 bytes of the MD5 forms without asking how
    /// many there are, and a SCRAM form to its end.
    pub fn new(form: Form, value: SecretBytes) -> Result<Self, LookupFault> {
        let bytes = value.expose();
        let fits = match form {
            Form::DigestMd5 => bytes.len() == 16,
            Form::CramMd5 => bytes.len() == 32,
            Form::ScramSha1 | Form::ScramSha256 | Form::ScramSha512 => {
                bytes.len() <= MAX_VALUE && !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
            }
        };
        if fits { Ok(Self { form, value }) } else { Err(LookupFault::Malformed) }
    }

    /// Which form it is.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &SecretBytes {
        &self.value
    }
}

impl Answer {
    /// The longest answer in bytes, frame and all.
    pub const MAX: usize = 2 + MAX_BODY;

    /// What `properties` come to: where there are none, nothing was found.
    #[must_use]
    pub fn of(properties: Vec<Property>) -> Self {
        if properties.is_empty() { Self::None } else { Self::Found(properties) }
    }

    /// Writes it, frame and all.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        // Room for all of it from the start, so that no copy of a secret stays behind in memory that was too small.
        let mut message = Vec::with_capacity(Self::MAX);
        let (ending, properties) = match self {
            Self::Found(properties) => (FOUND, properties.as_slice()),
            Self::None => (NONE, [].as_slice()),
            Self::Unavailable => (UNAVAILABLE, [].as_slice()),
        };
        let parts = properties.iter().map(|p| p.value.expose().len().saturating_add(3));
        let length = parts.fold(2usize, usize::saturating_add);
        // A property's value has its bounds, and there are as many as there are forms: it fits.
        message.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        message.extend_from_slice(&[VERSION, ending]);
        for property in properties {
            message.push(property.form as u8);
            let _ = push_counted(property.value.expose(), MAX_VALUE, &mut message);
        }
        SecretBytes::new(message)
    }

    /// Reads what was received so far on a connection; `None` as long as some of the answer is missing.
    ///
    /// # Errors
    /// See [`LookupFault`]: there is no answer here, and there will be none.
    pub fn parse(received: &[u8]) -> Result<Option<Self>, LookupFault> {
        let Some(mut body) = Reader::of_message(received, MAX_BODY)? else { return Ok(None) };
        let ending = body.byte()?;
        let mut properties: Vec<Property> = Vec::new();
        while ending == FOUND && !body.is_at_end() {
            let form = Form::from_number(body.byte()?).ok_or(LookupFault::Malformed)?;
            if properties.iter().any(|property| property.form == form) {
                return Err(LookupFault::Malformed);
            }
            properties.push(Property::new(form, body.counted(MAX_VALUE)?.into())?);
        }
        match ending {
            FOUND if !properties.is_empty() => Ok(Some(Self::Found(properties))),
            NONE if body.is_at_end() => Ok(Some(Self::None)),
            UNAVAILABLE if body.is_at_end() => Ok(Some(Self::Unavailable)),
            _ => Err(LookupFault::Malformed),
        }
    }
}
