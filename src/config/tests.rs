use super::*;

fn parse(text: &str) -> Result<Config, String> {
    read::parse(Path::new("/x/config.toml"), text.as_bytes()).map_err(|e| e.to_string())
}

fn fault(text: &str) -> String {
    parse(text).expect_err(text)
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.database, Path::new(DEFAULT_DATABASE));
    assert_eq!(config.place().key_file, Path::new("/etc/sasldb-rs/accounts.key"));
    assert_eq!(config.activity(), Path::new(DEFAULT_ACTIVITY));
    let schemes: Vec<_> = config.schemes.iter().map(|s| s.name()).collect();
    assert_eq!(schemes, ["digest-md5", "cram-md5", "scram-sha-1", "scram-sha-256"]);
    assert_eq!(config.scram_iterations, 10_000);
    assert!(config.learn.is_empty());
    let mechanisms: Vec<_> = config.mechanisms().iter().map(Mechanism::name).collect();
    assert_eq!(mechanisms, ["SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "PLAIN"]);
    assert!(!config.plaintext_without_tls && !config.log_unknown_names);
    assert_eq!(config.failure_delay, Duration::from_secs(2));
    assert_eq!(config.connections.get(), 1024);
    let at = |path: &str| Socket::at(SocketPath::new(Path::new(path)).unwrap());
    let (auth, mux) = (at("/run/sasldb-rs/auth"), at("/run/sasldb-rs/mux"));
    assert_eq!(config.sockets(), [(Protocol::Dovecot, auth), (Protocol::Saslauthd, mux)]);
}

#[test]
fn every_setting_is_taken() {
    let config = parse(
        r#"
        database = "/srv/mail/accounts.db"
        key_file = "/srv/keys/mail.key"
        realm = "Example.com"
        realm_aliases = ["mx1", "mx1.example.com"]
        schemes = ["scram-sha-512", "scram-sha-256", "scram-sha-256"]
        scram_iterations = 4096
        learn = ["cram-md5", "scram-sha-1"]
        mechanisms = ["external", "SCRAM-SHA-256"]
        plaintext_without_tls = true
        failure_delay = "4999ms"
        log_unknown_names = true
        user = "nobody"
        activity = "/srv/activity"
        connections = 7
        hash_threads = 3
        [limits]
        burst = 100
        forgiven_after = "1m"
        exempt = ["192.0.2.0/24", "2001:db8::1"]
        [[dovecot]]
        path = "/var/spool/postfix/private/auth"
        owner = "root"
        group = 0
        mode = "0600"
        peers = ["root", 1000]
        [[dovecot]]
        path = "/run/x"
        [[userdb]]
        path = "/run/u"
        [[saslauthd]]
        path = "/run/saslauthd/mux"
        [[lookup]]
        path = "/run/l"
        mode = "0666"
        accounts_per_minute = 7
        peers = [{ user = "cyrus", realms = ["example.com"] }, { group = 45, schemes = ["cram-md5", "scram-sha-1"] }]
        [[store]]
        path = "/run/s"
        peers = [33]
        "#,
    )
    .unwrap();
    assert_eq!(config.database, Path::new("/srv/mail/accounts.db"));
    assert_eq!(config.place().key_file, Path::new("/srv/keys/mail.key"));
    assert_eq!(config.realm.as_ref().unwrap().as_str(), "Example.com");
    assert_eq!(config.realm_aliases.as_ref().unwrap().len(), 2);
    assert_eq!(config.schemes, [Scheme::Scram(ScramHash::Sha512), Scheme::Scram(ScramHash::Sha256)]);
    assert_eq!(config.scram_iterations, 4096);
    assert_eq!(config.learn, [Scheme::CramMd5, Scheme::Scram(ScramHash::Sha1)]);
    assert!(parse("learn = []").unwrap().learn.is_empty());
    let mechanisms: Vec<_> = config.mechanisms().iter().collect();
    assert_eq!(mechanisms, [Mechanism::ScramSha256, Mechanism::External]);
    assert!(config.plaintext_without_tls && config.log_unknown_names);
    assert_eq!(config.failure_delay, Duration::from_millis(4999));
    assert_eq!((config.limits.burst, config.limits.forgiven_after), (100, Duration::from_secs(60)));
    let exempt: Vec<_> = config.limits.exempt.iter().map(ToString::to_string).collect();
    assert_eq!(exempt, ["192.0.2.0/24", "2001:db8::1/128"]);
    assert_eq!(config.user, Some(User::Named("nobody".to_owned())));
    assert_eq!(config.activity(), Path::new("/srv/activity"));
    assert_eq!((config.connections.get(), config.hash_threads.map(NonZeroU16::get)), (7, Some(3)));
    let sockets = config.sockets();
    assert_eq!(sockets[0].1.mode.bits(), 0o600);
    assert_eq!(sockets[0].1.owner.as_ref().unwrap().uid().unwrap().as_raw(), 0);
    assert_eq!(sockets[0].1.group.as_ref().unwrap().gid().unwrap().as_raw(), 0);
    assert_eq!(sockets[0].1.peers, [User::Named("root".to_owned()), User::Id(1000)]);
    let at = |path: &str| Socket::at(SocketPath::new(Path::new(path)).unwrap());
    let lookup = Socket { mode: Mode::OPEN, ..at("/run/l") };
    let store = Socket { peers: vec![User::Id(33)], ..at("/run/s") };
    let plain =
        [(Protocol::Dovecot, "/run/x"), (Protocol::Userdb, "/run/u"), (Protocol::Saslauthd, "/run/saslauthd/mux")];
    let plain = plain.into_iter().map(|(protocol, path)| (protocol, at(path)));
    assert_eq!(sockets[1..], plain.chain([(Protocol::Lookup, lookup), (Protocol::Store, store)]).collect::<Vec<_>>());
    assert_eq!(config.lookup[0].accounts_per_minute.get(), 7);
    let all = LookupPeer { who: UserOrGroup::Group(Group::Id(45)), realms: None, mechanisms: None };
    let realms = Some(vec![Realm::new("example.com").unwrap()]);
    let cyrus = LookupPeer { who: UserOrGroup::User(User::Named("cyrus".to_owned())), realms, ..all.clone() };
    let mechanisms = Some([Mechanism::CramMd5, Mechanism::ScramSha1].into_iter().collect());
    assert_eq!(config.lookup[0].peers, [cyrus, LookupPeer { mechanisms, ..all }]);
}

#[test]
fn key_and_activity_lie_beside_a_database_elsewhere() {
    let config = parse("database = \"/tmp/a.db\"").unwrap();
    assert_eq!(config.place().key_file, Path::new("/tmp/a.db.key"));
    assert_eq!(config.activity(), Path::new("/tmp/a.db.activity"));
}

#[test]
fn a_fault_names_file_line_key_and_what_is_wanted() {
    for (text, wanted) in [
        (
            "realm = \"a\"\nscram_iterations = 100\n",
            "/x/config.toml, line 2, scram_iterations: must be a number from 4096 to 10000000, not 100",
        ),
        ("database = \"accounts.db\"", "line 1, database: must be a path that begins with /"),
        (
            "schemes = [\n  \"cram-md5\",\n  \"md5\"\n]",
            "schemes: there is no scheme \"md5\"; known are digest-md5, cram-md5",
        ),
        ("schemes = []", "line 1, schemes: must name at least one scheme"),
        ("learn = [\"plain\"]", "line 1, learn: there is no scheme \"plain\"; known are digest-md5"),
        ("schemes = [\"hash\"]", "there is no scheme \"hash\""),
        ("mechanisms = [\"GSSAPI\"]", "mechanisms: there is no mechanism \"GSSAPI\"; known are SCRAM-SHA-512"),
        ("failure_delay = \"5s\"", "failure_delay: must be a time below five seconds"),
        ("failure_delay = 2", "line 1, failure_delay: "),
        ("[limits]\nburst = 7", "line 2, burst: must be 0, for no limits, or a number from 8 to 1000000, not 7"),
        ("[limits]\nforgiven_after = \"0s\"", "line 2, forgiven_after: must be a time from a second to a day"),
        ("[limits]\nexempt = [\"a\"]", "line 2, exempt: \"a\" is not an address or an address block"),
        ("realm = \"a@b\"", "realm: the realm \"a@b\" holds the character '@'"),
        ("realm = \"\"", "realm: the realm \"\" is empty"),
        ("connections = 0", "connections: must be a number from 1 to 65535, not 0"),
        ("\u{FEFF}connections = 0", "line 1, connections: must be a number"),
        ("[[dovecot]]\npath = \"/x\"\nmode = \"888\"", "line 3, mode: "),
        ("[[dovecot]]\npath = \"/x\"\nmode = 660", "a mode in quotes, in octal digits"),
        ("[[dovecot]]\npath = \"/x\"\npeers = []", "line 3, peers: names nobody"),
        ("[[dovecot]]\nmode = \"0600\"", "line 1: missing field `path`"),
        ("[[lookup]]\npath = \"/x\"\npeers = [{ user = 1, group = 1 }]", "is a `user` or a `group`"),
        ("[[lookup]]\npath = \"/x\"\npeers = [{}]", "is a `user` or a `group`"),
        ("[[lookup]]\npath = \"/x\"\npeers = [{ user = 1, schemes = [] }]", "must name at least one scheme"),
        ("[[lookup]]\npath = \"/x\"\naccounts_per_minute = 0", "must be a number from 1 to 1000000, not 0"),
        ("user = -1", "user: invalid value: integer `-1`, expected a name in quotes or a number"),
        ("password = \"hunter2\"", "line 1, password: unknown field `password`, expected one of"),
        ("realm = \"a", "line 1, realm: "),
    ] {
        let fault = fault(text);
        assert!(fault.contains(wanted), "{text:?}\n gave {fault:?}\n not {wanted:?}");
        assert!(!fault.contains("hunter2") && !fault.contains('\n'), "{fault:?}");
    }
    let long = format!("[[dovecot]]\npath = \"/{}\"", "x".repeat(107));
    assert!(fault(&long).contains("line 2, path: is longer than 107 bytes"), "{}", fault(&long));
    let latin1 = read::parse(Path::new("/x"), b"realm = \"a\"\nuser = \"j\xF6rg\"").unwrap_err().to_string();
    assert_eq!(latin1, "/x, line 2, user: the file must be valid UTF-8");
}

#[test]
fn only_the_default_file_may_be_absent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let fault = Config::load(Some(&path)).unwrap_err().to_string();
    assert!(fault.starts_with(&format!("cannot read {}: ", path.display())), "{fault}");
    std::fs::write(&path, "realm = \"example.com\"").unwrap();
    assert_eq!(Config::load(Some(&path)).unwrap().realm.unwrap().as_str(), "example.com");
}

#[test]
fn settings_come_before_what_the_database_noted() {
    let realm = |text: &str| Realm::new(text).unwrap();
    let noted = Realms::new(realm("vm"), [realm("vm.example.com")]);
    let realms = |text: &str| parse(text).unwrap().realms(&noted);
    assert_eq!(realms(""), noted);
    assert_eq!(realms("realm = \"example.com\""), Realms::new(realm("example.com"), []));
    assert_eq!(realms("realm = \"VM\""), Realms::new(realm("VM"), [realm("vm.example.com")]));
    assert_eq!(realms("realm_aliases = [\"mx1\"]"), Realms::new(realm("vm"), [realm("mx1")]));
}
