//! Counted bytes: two bytes of length, the higher first, then as many bytes.

use super::{LookupFault, VERSION};

/// Takes messages apart, from the front.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The body of the message that `received` holds, past its version; `None` as long as some of it is missing.
    pub(crate) fn of_message(received: &'a [u8], longest: usize) -> Result<Option<Self>, LookupFault> {
        let Some((length, rest)) = received.split_first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > longest {
            return Err(LookupFault::TooLong);
        }
        let Some((body, beyond)) = rest.split_at_checked(length) else { return Ok(None) };
        if !beyond.is_empty() {
            return Err(LookupFault::Malformed);
        }
        let mut reader = Self(body);
        match reader.byte()? {
            VERSION => Ok(Some(reader)),
            other => Err(LookupFault::Version(other)),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, LookupFault> {
        let (&byte, rest) = self.0.split_first().ok_or(LookupFault::Malformed)?;
        self.0 = rest;
        Ok(byte)
    }

    pub(crate) fn counted(&mut self, longest: usize) -> Result<&'a [u8], LookupFault> {
        let (length, rest) = self.0.split_first_chunk().ok_or(LookupFault::Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > longest {
            return Err(LookupFault::TooLong);
        }
        let (bytes, rest) = rest.split_at_checked(length).ok_or(LookupFault::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends `bytes`, counted.
pub(crate) fn push_counted(bytes: &[u8], longest: usize, to: &mut Vec<u8>) -> Result<(), LookupFault> {
    let length = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= longest).ok_or(LookupFault::TooLong)?;
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
    Ok(())
}
