//! Hash files of Berkeley DB 5.3, read without it: the container of Debian's `sasldb2`.
//!
//! Buckets do not matter to somebody who wants every record: all pages are gone through in their order.

use crate::secret::SecretBytes;

use super::Record;

const MAGIC: u32 = 0x0006_1561;

/// Debian 12 writes 9; 7 and 8 differ in the hash function only.
const VERSIONS: core::ops::RangeInclusive<u32> = 7..=9;

const PAGE_SIZES: core::ops::RangeInclusive<u32> = 512..=65_536;

/// Bytes before a page's table of items.
const HEADER: usize = 26;

/// Types of pages.
const UNUSED: u8 = 0;
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH_META: u8 = 8;
const HASH: u8 = 13;

/// Types of items.
const KEYDATA: u8 = 1;
const OFFPAGE: u8 = 3;

/// Why a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BerkeleyError {
    /// Another file altogether, or a B-tree.
    #[error("it is no hash file of Berkeley DB")]
    OtherFile,
    /// A version whose layout is not known.
    #[error("it is a Berkeley DB hash file of version {0}; those from 7 to 9 can be read")]
    Version(u32),
    /// It can only be opened with a password.
    #[error("it is encrypted")]
    Encrypted,
    /// Pages with checksums are laid out otherwise; no libsasl2 makes them.
    #[error("its pages carry checksums, which libsasl2 does not make")]
    Checksums,
    /// Shorter than it says itself.
    #[error("it is cut: {found} bytes where it speaks of {expected}")]
    Cut {
        /// The bytes that should be there.
        expected: u64,
        /// The bytes that are.
        found: u64,
    },
    /// A page contradicts itself or another.
    #[error("page {page} is damaged: {fault}")]
    Damaged {
        /// Its number, from 0.
        page: u32,
        /// What is wrong with it.
        fault: PageFault,
    },
}

/// What can be wrong with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// A type that a hash file does not hold.
    #[error("it is of a type that has no place there")]
    Type,
    /// It is not the page that it should be.
    #[error("it carries another page's number")]
    Number,
    /// An item reaches out of the page or into its table.
    #[error("an item does not lie within it")]
    Item,
    /// A key has no value.
    #[error("it holds a key without a value")]
    Odd,
    /// Something that libsasl2 does not write: duplicates of a key.
    #[error("it holds several values for one key")]
    Duplicates,
    /// A long item's pages are fewer or more than its length asks for, or belong to another item too.
    #[error("a long item that begins there is not whole")]
    Chain,
}

/// The file, once its first page has been looked at.
#[derive(Debug, Clone, Copy)]
pub struct HashFile<'a> {
    bytes: &'a [u8],
    order: Order,
    page_size: usize,
    pages: u32,
}

/// The byte order of the machine that wrote the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

/// Whether `bytes` begin as a hash file does.
#[must_use]
pub fn looks_like_it(bytes: &[u8]) -> bool {
    order_of(bytes).is_some()
}

fn order_of(bytes: &[u8]) -> Option<Order> {
    [Order::Little, Order::Big].into_iter().find(|order| order.u32(bytes, 12) == Some(MAGIC))
}

impl<'a> HashFile<'a> {
    /// Looks at the first page of a whole file.
    ///
    /// # Errors
    /// See [`BerkeleyError`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, BerkeleyError> {
        let order = order_of(bytes).ok_or(BerkeleyError::OtherFile)?;
        let word = |at| order.u32(bytes, at).ok_or(BerkeleyError::OtherFile);
        let byte = |at: usize| bytes.get(at).copied().ok_or(BerkeleyError::OtherFile);
        let version = word(16)?;
        if !VERSIONS.contains(&version) {
            return Err(BerkeleyError::Version(version));
        }
        if byte(24)? != 0 {
            return Err(BerkeleyError::Encrypted);
        }
        let page_size = word(20)?;
        if byte(25)? != HASH_META || !page_size.is_power_of_two() || !PAGE_SIZES.contains(&page_size) {
            return Err(BerkeleyError::OtherFile);
        }
        if byte(26)? & 1 != 0 {
            return Err(BerkeleyError::Checksums);
        }
        let last_page = word(32)?;
        let expected = u64::from(last_page).saturating_add(1).saturating_mul(u64::from(page_size));
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found < expected {
            return Err(BerkeleyError::Cut { expected, found });
        }
        let page_size = usize::try_from(page_size).map_err(|_| BerkeleyError::OtherFile)?;
        Ok(Self { bytes, order, page_size, pages: last_page.saturating_add(1) })
    }

    /// All records, in the order of the pages.
    ///
    /// # Errors
    /// See [`BerkeleyError`]: one damaged page spoils the whole, because nobody could say what is missing.
    pub fn records(self) -> Result<Vec<Record>, BerkeleyError> {
        let mut used = Used::default();
        let mut records = Vec::new();
        for number in 1..self.pages {
            let damaged = |fault| BerkeleyError::Damaged { page: number, fault };
            let page = self.page(number).map_err(damaged)?;
            match page.kind {
                UNUSED | OVERFLOW => {}
                HASH | HASH_UNSORTED => self.read(&page, &mut used, &mut records).map_err(damaged)?,
                _ => return Err(damaged(PageFault::Type)),
            }
        }
        Ok(records)
    }

    fn page(self, number: u32) -> Result<Page<'a>, PageFault> {
        let start =
            usize::try_from(number).ok().and_then(|n| n.checked_mul(self.page_size)).ok_or(PageFault::Number)?;
        let end = start.saturating_add(self.page_size);
        let bytes = self.bytes.get(start..end).ok_or(PageFault::Number)?;
        let page = Page { bytes, order: self.order, kind: *bytes.get(25).ok_or(PageFault::Type)? };
        // Pages that a growing file has set aside are empty throughout.
        if page.kind != UNUSED && self.order.u32(bytes, 8) != Some(number) {
            return Err(PageFault::Number);
        }
        Ok(page)
    }

    fn read(self, page: &Page<'_>, used: &mut Used, records: &mut Vec<Record>) -> Result<(), PageFault> {
        let items = page.items()?;
        for pair in items.chunks(2) {
            let [key, value] = pair else { return Err(PageFault::Odd) };
            let key = self.content(key, used)?;
            records.push(Record { key, value: SecretBytes::new(self.content(value, used)?) });
        }
        Ok(())
    }

    /// What an item holds, itself or on pages of its own.
    fn content(self, item: &[u8], used: &mut Used) -> Result<Vec<u8>, PageFault> {
        match item {
            [KEYDATA, data @ ..] => Ok(data.to_vec()),
            [OFFPAGE, ..] => {
                let word = |at| self.order.u32(item, at).ok_or(PageFault::Item);
                self.chain(word(4)?, word(8)?, used)
            }
            _ => Err(PageFault::Duplicates),
        }
    }

    /// An item that is too long for a page. No page belongs to two items, so that a small file cannot speak of many long ones,
    /// nor of one without end.
    fn chain(self, first: u32, length: u32, used: &mut Used) -> Result<Vec<u8>, PageFault> {
        let length = usize::try_from(length).map_err(|_| PageFault::Chain)?;
        if length > self.bytes.len() {
            return Err(PageFault::Chain);
        }
        // As long as it will be: what is outgrown would leave copies of a password behind.
        let mut whole = Vec::with_capacity(length);
        let mut next = first;
        while next != 0 {
            let page = self.page(next).map_err(|_| PageFault::Chain)?;
            let data = page.overflow().filter(|_| used.claim(next)).ok_or(PageFault::Chain)?;
            if data.len() > length.saturating_sub(whole.len()) {
                return Err(PageFault::Chain);
            }
            whole.extend_from_slice(data);
            next = self.order.u32(page.bytes, 16).ok_or(PageFault::Chain)?;
        }
        if whole.len() == length { Ok(whole) } else { Err(PageFault::Chain) }
    }
}

/// The overflow pages that some item has.
#[derive(Default)]
struct Used(std::collections::HashSet<u32>);

impl Used {
    fn claim(&mut self, page: u32) -> bool {
        self.0.insert(page)
    }
}

struct Page<'a> {
    bytes: &'a [u8],
    order: Order,
    kind: u8,
}

impl<'a> Page<'a> {
    /// The items: they are packed downwards from the page's end, and their offsets stand after the header.
    fn items(&self) -> Result<Vec<&'a [u8]>, PageFault> {
        let count = usize::from(self.order.u16(self.bytes, 20).ok_or(PageFault::Item)?);
        let table_end = count.saturating_mul(2).saturating_add(HEADER);
        let mut end = self.bytes.len();
        let mut items = Vec::new();
        for index in 0..count {
            let entry = index.saturating_mul(2).saturating_add(HEADER);
            let start = usize::from(self.order.u16(self.bytes, entry).ok_or(PageFault::Item)?);
            if start < table_end || start >= end {
                return Err(PageFault::Item);
            }
            items.push(self.bytes.get(start..end).ok_or(PageFault::Item)?);
            end = start;
        }
        Ok(items)
    }

    /// The piece of a long item that an overflow page holds.
    fn overflow(&self) -> Option<&'a [u8]> {
        let length = usize::from(self.order.u16(self.bytes, 22)?);
        let piece = self.bytes.get(HEADER..HEADER.saturating_add(length))?;
        (self.kind == OVERFLOW && !piece.is_empty()).then_some(piece)
    }
}
