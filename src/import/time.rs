//! Times as other programs write them.

use crate::runtime::UnixTime;

/// The beginning of a day that is counted from 1970, as in shadow(5).
pub(super) fn day(text: &[u8]) -> Option<UnixTime> {
    let days: i64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    days.checked_mul(86_400).map(UnixTime)
}

/// Reads `2027-01-31 18:00:00.25+01:30`, which PostgreSQL writes; the fraction and the minutes of the zone may be missing.
pub(super) fn iso(text: &str) -> Option<UnixTime> {
    let (date, rest) = text.split_once([' ', 'T'])?;
    let sign = rest.find(['+', '-', 'Z'])?;
    let (time, zone) = rest.split_at_checked(sign)?;
    let [year, month, day] = numbers(date, '-')?;
    let time = time.split_once('.').map_or(time, |(time, _)| time);
    let [hours, minutes, seconds] = numbers(time, ':')?;
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hours < 24 && minutes < 60 && seconds <= 60;
    let local = days_since_1970(year, month, day)?.checked_mul(24)?.checked_add(hours)?;
    let local = local.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds)?;
    let at = local.checked_sub(offset(zone)?)?;
    fits.then_some(UnixTime(at))
}

/// How many seconds a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let [hours, minutes] = match digits.split_once(':') {
        Some(_) => numbers(digits, ':')?,
        None => [number(digits)?, 0],
    };
    hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_mul(sign)
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let numbers: Option<Vec<i64>> = text.split(between).map(number).collect();
    numbers?.try_into().ok()
}

fn number(text: &str) -> Option<i64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// In the calendar that is in use since 1582. Counts in eras of 400 years that begin with March, so that the day of a leap year
/// comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let month = month.checked_add(9)?.rem_euclid(12);
    let day_of_year = month.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?.checked_sub(1)?;
    let leap_days = year.div_euclid(4).checked_sub(year.div_euclid(100))?;
    let day_of_era = year.checked_mul(365)?.checked_add(leap_days)?.checked_add(day_of_year)?;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_date() {
        for (text, seconds) in [
            ("1970-01-01 00:00:00+00", 0),
            ("2027-01-15 08:00:00+00", 1_800_000_000),
            ("2027-01-15 09:30:00.25+01:30", 1_800_000_000),
            ("2027-01-15T00:00:00-08", 1_800_000_000),
            ("2000-02-29 23:59:59Z", 951_868_799),
            ("2100-03-01 00:00:00Z", 4_107_542_400),
            ("1600-01-01 00:00:00Z", -11_676_096_000),
        ] {
            assert_eq!(iso(text), Some(UnixTime(seconds)), "{text}");
        }
        for text in [
            "",
            "infinity",
            "2027-01-15",
            "2027-01-15 08:00:00",
            "2027-13-15 08:00:00Z",
            "2027-01-32 08:00:00Z",
            "2027-01-15 24:00:00Z",
            "2027-01-15 08:00Z",
            "2027-01-15 08:00:00+x",
            "12027-01-15 08:00:00Z",
            "2027-01-15 08:00:00Z+01",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }
}
