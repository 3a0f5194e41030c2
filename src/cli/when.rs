//! Times as people write and read them: RFC 3339, or how long from now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::runtime::UnixTime;

/// Years past 9999 have no RFC 3339 form.
const YEAR_10000: u64 = 253_402_300_800;

/// A time in RFC 3339, in UTC.
pub(super) fn rfc3339(time: UnixTime) -> String {
    let seconds = u64::try_from(time.0).unwrap_or(0);
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        // The formatter would say so by an error instead of a text.
        Some(time) if seconds < YEAR_10000 => humantime::format_rfc3339_seconds(time).to_string(),
        _ => seconds.to_string(),
    }
}

/// A time: fixed, or so far from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// At this time.
    At(UnixTime),
    /// So many seconds from now, to either side.
    In(u64),
}

impl When {
    /// Reads RFC 3339 (`2027-01-31`, which is its first second in UTC; `2027-01-31T18:00:00+01:00`) or a duration (`30d`,
    /// `1y 6months`).
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let at = at(text).map(Self::At);
        let duration = || humantime::parse_duration(text).ok().map(|duration| Self::In(duration.as_secs()));
        at.or_else(duration)
            .ok_or_else(|| "wanted is a date, a date with time and zone, or a duration such as 30d".to_owned())
    }

    /// When that is, if it is not over and the calendar has it.
    pub(super) fn after(self, now: UnixTime) -> Option<UnixTime> {
        let at = match self {
            Self::At(at) => at,
            Self::In(seconds) => UnixTime(now.0.checked_add(i64::try_from(seconds).ok()?)?),
        };
        let in_calendar = u64::try_from(at.0).is_ok_and(|seconds| seconds < YEAR_10000);
        (in_calendar && at > now).then_some(at)
    }

    /// When that was, with durations counted back from now.
    pub(super) fn before(self, now: UnixTime) -> Option<UnixTime> {
        match self {
            Self::At(at) => Some(at),
            Self::In(seconds) => now.0.checked_sub(i64::try_from(seconds).ok()?).map(UnixTime),
        }
    }
}

fn at(text: &str) -> Option<UnixTime> {
    let (local, offset) = match text.split_once(['T', 't', ' ']) {
        None => return utc(&format!("{text}T00:00:00Z")),
        Some((date, time)) => {
            let (time, offset) = zone(time)?;
            (format!("{date}T{time}Z"), offset)
        }
    };
    utc(&local).and_then(|time| Some(UnixTime(time.0.checked_sub(offset)?)))
}

/// Splits `18:00:00+01:00` into the time and the seconds that it is ahead of UTC (RFC 3339, section 5.6).
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let (time, offset) = time.split_at_checked(time.len().checked_sub("+00:00".len())?)?;
    let (sign, digits) = match offset.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |text: &str, below: i64| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| digits && *number < below)
    };
    let minutes = number(hours, 24)?.checked_mul(60)?.checked_add(number(minutes, 60)?)?;
    Some((time, minutes.checked_mul(60)?.checked_mul(sign)?))
}

fn utc(text: &str) -> Option<UnixTime> {
    let time: SystemTime = humantime::parse_rfc3339(text).ok()?;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds).ok().map(UnixTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        for (text, seconds) in [
            ("2027-01-15", 1_799_971_200),
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2027-01-15t09:30:00+01:30", 1_800_000_000),
            ("2027-01-15 00:00:00-08:00", 1_800_000_000),
        ] {
            assert_eq!(When::parse(text), Ok(When::At(UnixTime(seconds))), "{text}");
        }
        assert_eq!(When::parse("30d"), Ok(When::In(30 * 86_400)));
        assert_eq!(When::parse("1h 30m"), Ok(When::In(5400)));
        for text in [
            "",
            "soon",
            "30",
            "-1d",
            "2027-02-30",
            "2027-01-15T08:00:00",
            "2027-01-15T08:00:00+1:00",
            "2027-01-15T08:00:00+24:00",
            "2027-01-15T08:00:00+0a:00",
            "2027-01-15Té",
        ] {
            assert!(When::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_is_to_come_counts() {
        let now = UnixTime(1_800_000_000);
        assert_eq!(When::In(60).after(now), Some(UnixTime(1_800_000_060)));
        assert_eq!(When::At(UnixTime(1_800_000_001)).after(now), Some(UnixTime(1_800_000_001)));
        for over in [When::In(0), When::At(now), When::At(UnixTime(0)), When::In(u64::MAX), When::In(253_402_300_800)] {
            assert_eq!(over.after(now), None, "{over:?}");
        }
    }

    #[test]
    fn durations_count_back_too() {
        let now = UnixTime(1_800_000_000);
        assert_eq!(When::In(60).before(now), Some(UnixTime(1_799_999_940)));
        assert_eq!(When::At(UnixTime(5)).before(now), Some(UnixTime(5)));
        assert_eq!(When::In(u64::MAX).before(now), None);
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        assert_eq!(rfc3339(UnixTime(1_800_000_000)), "2027-01-15T08:00:00Z");
        assert_eq!(rfc3339(UnixTime(i64::MAX)), i64::MAX.to_string());
    }
}
