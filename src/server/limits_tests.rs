use super::*;
use crate::identity::{Identity, Name, Realm};

fn who(name: &str) -> Who {
    Who::Account(Identity::new(Name::new(name).unwrap(), Realm::new("example.com").unwrap()).key())
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// The default settings, with one more network exempt.
struct Site {
    limits: Limits,
    settings: FailureLimits,
}

impl Site {
    fn new() -> Self {
        let mut settings = FailureLimits::default();
        assert_eq!((settings.burst, settings.forgiven_after), (40, Duration::from_secs(30)));
        settings.exempt.push("198.51.100.0/24".parse().unwrap());
        Self { limits: Limits::default(), settings }
    }

    fn fail(&mut self, from: &str, name: &str, times: u32) {
        for _ in 0..times {
            self.limits.failed(&self.settings, address(from), Some(&who(name)), Moment::ZERO);
        }
    }

    fn succeed(&mut self, from: &str, name: &str) {
        self.limits.succeeded(&self.settings, address(from), &who(name));
    }

    fn refuses(&mut self, from: &str, name: &str, seconds: u64) -> bool {
        let now = Duration::from_secs(seconds);
        self.limits.judge(&self.settings, address(from), &who(name), now) == Judgement::RefuseUnchecked
    }
}

#[test]
fn a_source_is_refused_past_its_burst_and_forgiven_with_time() {
    let mut site = Site::new();
    site.fail("192.0.2.1", "joe", 39);
    assert!(!site.refuses("192.0.2.1", "ann", 0));
    site.fail("192.0.2.1", "joe", 500);
    assert!(site.refuses("192.0.2.1", "ann", 29));
    assert!(!site.refuses("192.0.2.1", "ann", 30));
    assert!(!site.refuses("192.0.2.2", "joe", 0), "no limit for an account");
    // One failure was forgiven, and one has room.
    site.limits.failed(&site.settings, address("192.0.2.1"), None, Duration::from_secs(30));
    assert!(site.refuses("192.0.2.1", "ann", 59));
    assert!(!site.refuses("192.0.2.1", "ann", 60));
}

#[test]
fn an_owner_does_not_suffer_for_others_behind_the_same_address() {
    let mut site = Site::new();
    site.succeed("192.0.2.1", "joe");
    site.fail("192.0.2.1", "ann", 100);
    assert!(!site.refuses("192.0.2.1", "joe", 0));
    assert!(site.refuses("192.0.2.1", "ann", 0));
    site.fail("192.0.2.1", "joe", 39);
    assert!(!site.refuses("192.0.2.1", "joe", 0));
    site.fail("192.0.2.1", "joe", 1);
    assert!(site.refuses("192.0.2.1", "joe", 0));
    // Failures of the pair are the pair's.
    let mut site = Site::new();
    site.succeed("192.0.2.1", "joe");
    site.fail("192.0.2.1", "joe", 100);
    assert!(!site.refuses("192.0.2.1", "ann", 0));
    site.succeed("192.0.2.1", "joe");
    assert!(!site.refuses("192.0.2.1", "joe", 0));
}

#[test]
fn without_address_or_from_an_exempt_network_or_without_limits_nobody_is_refused() {
    let mut site = Site::new();
    for _ in 0..1000 {
        site.limits.failed(&site.settings, None, Some(&who("joe")), Moment::ZERO);
    }
    assert_eq!(site.limits.judge(&site.settings, None, &who("joe"), Moment::ZERO), Judgement::Check);
    for exempt in ["::ffff:198.51.100.7", "127.0.0.1", "::1"] {
        site.fail(exempt, "joe", 1000);
        assert!(!site.refuses(exempt, "joe", 0), "{exempt}");
    }
    assert!(site.limits.sources.young.is_empty() && site.limits.pairs.young.is_empty());
    site.settings.burst = 0;
    site.fail("192.0.2.1", "joe", 1000);
    assert!(!site.refuses("192.0.2.1", "joe", 0));
}

#[test]
fn ipv6_counts_by_64_and_by_48_in_sum() {
    let mut site = Site::new();
    site.fail("2001:db8:1:1::1", "joe", 40);
    assert!(site.refuses("2001:db8:1:1:ffff::2", "joe", 0));
    assert!(!site.refuses("2001:db8:1:2::1", "joe", 0));
    for net in 2..7 {
        site.fail(&format!("2001:db8:1:{net}::1"), "joe", 39);
    }
    assert!(site.refuses("2001:db8:1:99::1", "joe", 0));
    assert!(!site.refuses("2001:db8:2::1", "joe", 0));
    // A mapped address is the IPv4 address.
    site.fail("::ffff:192.0.2.1", "joe", 40);
    assert!(site.refuses("192.0.2.1", "joe", 0));
}

#[test]
fn tables_are_bounded_and_forget_the_longest_unused() {
    let mut site = Site::new();
    site.limits.sources = Table::new(64);
    site.limits.pairs = Table::new(64);
    site.fail("2001:db8:1:1::1", "joe", 40);
    for n in 0..10_000u32 {
        let from = Some(IpAddr::from(Ipv4Addr::from_bits(n | 0x0a00_0000)));
        site.limits.failed(&site.settings, from, Some(&who("joe")), Moment::ZERO);
        site.limits.succeeded(&site.settings, from, &who("joe"));
        // One that is asked for stays.
        assert!(site.refuses("2001:db8:1:1::1", "joe", 0), "{n}");
    }
    assert!(site.limits.sources.young.len() + site.limits.sources.old.len() <= 64);
    assert!(site.limits.pairs.young.len() + site.limits.pairs.old.len() <= 64);
}

#[test]
fn a_million_addresses_take_no_more_memory_and_harm_nobody_who_logged_in() {
    fn entries<K>(table: &Table<K>) -> (usize, usize) {
        let bytes = core::mem::size_of::<(K, Level)>() + 1;
        (table.young.len() + table.old.len(), (table.young.capacity() + table.old.capacity()) * bytes)
    }
    let mut site = Site::new();
    site.succeed("192.0.2.1", "joe");
    site.fail("192.0.2.1", "ann", 40);
    for n in 0..500_000u128 {
        for from in [IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 | n as u32)), IpAddr::V6((n << 80 | 1).into())] {
            site.limits.failed(&site.settings, Some(from), Some(&who("joe")), Moment::ZERO);
        }
    }
    let (sources, pairs) = (entries(&site.limits.sources), entries(&site.limits.pairs));
    assert!(sources.0 <= ENTRIES && pairs.0 == 1, "{sources:?} {pairs:?}");
    assert!(sources.1 <= 2 << 20, "{sources:?} bytes");
    // Nobody makes a pair without having logged in: what joe has is not pushed out.
    site.fail("192.0.2.1", "ann", 40);
    assert!(site.refuses("192.0.2.1", "ann", 0));
    assert!(!site.refuses("192.0.2.1", "joe", 0));
}
