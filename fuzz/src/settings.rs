//! The configuration: the input is the file. What is read has its bounds; what is wrong has a place in the file, told in one line. A
//! line more at the beginning changes the place alone, and a table more that nobody knows is an error.

use std::path::Path;

use sasldb::config::{
    Config, ConfigError, MAX_FAILURE_DELAY, MAX_SCRAM_ITERATIONS, MIN_BURST, MIN_SCRAM_ITERATIONS, SocketPath,
};

pub fn target(data: &[u8]) {
    match parse(data) {
        Ok(config) => {
            check(&config);
            // Commented, it is nothing; with something unknown, nothing of it counts.
            let said = format!("{config:?}");
            assert_eq!(parse(&moved(data)).map(|again| format!("{again:?}")), Ok(said));
            assert!(parse(&[data, b"\n[no_such_table]\n"].concat()).is_err());
        }
        Err(fault) => {
            let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&fault.line), "line {} of {lines}", fault.line);
            assert!(!fault.said.contains('\n') && !fault.said.is_empty(), "{:?}", fault.said);
            let key = fault.key.as_deref().unwrap_or_default();
            assert!(data.windows(key.len().max(1)).any(|part| part == key.as_bytes()) || key.is_empty(), "{key}");
            let again = parse(&moved(data)).expect_err("a comment mends nothing");
            assert_eq!((again.line, again.key, again.said), (fault.line + 1, fault.key, fault.said));
        }
    }
}

/// With a comment before it; only at its beginning a file may have the mark of its byte order.
fn moved(data: &[u8]) -> Vec<u8> {
    let mark = b"\xEF\xBB\xBF";
    match data.strip_prefix(mark) {
        Some(rest) => [mark, b"# moved\n".as_slice(), rest].concat(),
        None => [b"# moved\n", data].concat(),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    key: Option<String>,
    said: String,
}

fn parse(data: &[u8]) -> Result<Config, Fault> {
    Config::parse(Path::new("config.toml"), data).map_err(|error| match error {
        ConfigError::Invalid { place, fault, .. } => Fault { line: place.line, key: place.key, said: fault },
        ConfigError::Unreadable { .. } => panic!("nothing is read here"),
    })
}

fn check(config: &Config) {
    assert!(config.database.is_absolute() && config.place().key_file.is_absolute() && config.activity().is_absolute());
    assert!((MIN_SCRAM_ITERATIONS..=MAX_SCRAM_ITERATIONS).contains(&config.scram_iterations));
    assert!(config.failure_delay < MAX_FAILURE_DELAY);
    assert!(config.limits.burst == 0 || config.limits.burst >= MIN_BURST);
    assert!((1..=86_400).contains(&config.limits.forgiven_after.as_secs()));
    for schemes in [&config.schemes, &config.learn] {
        assert!((1..schemes.len()).all(|place| !schemes[..place].contains(&schemes[place])), "{schemes:?}");
    }
    assert!(!config.schemes.is_empty() && !config.mechanisms().is_empty());
    let realms = config.realm.iter().chain(config.realm_aliases.iter().flatten());
    assert!(realms.map(|realm| realm.as_str()).all(|realm| !realm.is_empty() && !realm.contains('@')));
    let sockets = config.sockets();
    assert!(!sockets.is_empty());
    for (_, socket) in sockets {
        let path = socket.path.as_path();
        assert!(path.is_absolute() && path.as_os_str().len() <= SocketPath::MAX && socket.mode.bits() <= 0o777);
    }
}
