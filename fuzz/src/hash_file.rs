//! A hash file of Berkeley DB, written by the layout that its readers rely on: pages of records in no order, long items on pages of
//! their own. What only a program that changes the file needs is left at zero.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) size: usize,
    pub(crate) order: Order,
}

const HEADER: usize = 26;

impl Page {
    fn u16(self, page: &mut [u8], at: usize, number: usize) {
        let number = u16::try_from(number).unwrap();
        let bytes = if self.order == Order::Little { number.to_le_bytes() } else { number.to_be_bytes() };
        page[at..at + 2].copy_from_slice(&bytes);
    }

    fn u32(self, page: &mut [u8], at: usize, number: usize) {
        let number = u32::try_from(number).unwrap();
        let bytes = if self.order == Order::Little { number.to_le_bytes() } else { number.to_be_bytes() };
        page[at..at + 4].copy_from_slice(&bytes);
    }

    fn of(self, kind: u8, number: usize) -> Vec<u8> {
        let mut page = vec![0; self.size];
        page[25] = kind;
        self.u32(&mut page, 8, number);
        page
    }
}

/// None where the records are too many for an input that is worth trying.
pub(crate) fn written(records: &[(Vec<u8>, Vec<u8>)], page: Page) -> Option<Vec<u8>> {
    let mut pages = vec![page.of(8, 0)];
    for pair in records {
        let items = [&pair.0, &pair.1].map(|data| {
            if data.len() <= page.size / 4 {
                return [vec![1], data.clone()].concat();
            }
            let mut item = vec![3; 12];
            page.u32(&mut item, 4, pages.len());
            page.u32(&mut item, 8, data.len());
            overflow(data, page, &mut pages);
            item
        });
        add(&items, page, &mut pages);
        if pages.len() > 1000 {
            return None;
        }
    }
    let last = pages.len() - 1;
    let meta = &mut pages[0];
    for (at, number) in [(12, 0x0006_1561), (16, 9), (20, page.size), (32, last)] {
        page.u32(meta, at, number);
    }
    Some(pages.concat())
}

/// Puts a record on the last page, or on a new one.
fn add(items: &[Vec<u8>; 2], page: Page, pages: &mut Vec<Vec<u8>>) {
    let number = pages.len();
    let last = pages.last_mut().unwrap();
    let count = usize::from(last[24]);
    let start = |index: usize, last: &[u8]| {
        let bytes = [last[HEADER + 2 * index], last[HEADER + 2 * index + 1]];
        usize::from(if page.order == Order::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let end = if count == 0 { page.size } else { start(count - 1, last) };
    let needed = items.iter().map(|item| item.len() + 2).sum::<usize>();
    if last[25] != 13 || HEADER + 2 * count + needed > end || count > 200 {
        pages.push(page.of(13, number));
        return add(items, page, pages);
    }
    let mut end = end;
    for (index, item) in (count..).zip(items) {
        let from = end - item.len();
        last[from..end].copy_from_slice(item);
        page.u16(last, HEADER + 2 * index, from);
        end = from;
    }
    // The level, which means nothing here, keeps the count in one byte besides.
    last[24] = u8::try_from(count + 2).unwrap();
    page.u16(last, 20, count + 2);
    page.u16(last, 22, end);
}

fn overflow(data: &[u8], page: Page, pages: &mut Vec<Vec<u8>>) {
    let pieces: Vec<&[u8]> = data.chunks(page.size - HEADER).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let number = pages.len();
        let mut made = page.of(7, number);
        page.u32(&mut made, 16, if index + 1 < pieces.len() { number + 1 } else { 0 });
        page.u16(&mut made, 22, piece.len());
        made[HEADER..HEADER + piece.len()].copy_from_slice(piece);
        pages.push(made);
    }
}
