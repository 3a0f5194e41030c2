//! `sasldb-rs setup`: what it prints is what the README shows and `contrib` holds, with the sockets of the configuration.

use std::path::Path;

use serde_json::Value;

use crate::shell::{Ran, SASLDB, Shell};

const SERVERS: [&str; 11] = [
    "postfix",
    "exim",
    "chasquid",
    "sendmail",
    "postfix-libsasl2",
    "exim-libsasl2",
    "cyrus-imap",
    "openldap",
    "svnserve",
    "memcached",
    "saslpasswd2",
];

fn setup(shell: &Shell, arguments: &[&str]) -> Ran {
    let ran = shell.run(SASLDB, &[&["setup"], arguments].concat(), b"");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    ran
}

fn steps(shell: &Shell, server: &str) -> Vec<Value> {
    serde_json::from_str(&setup(shell, &[server, "--json"]).out).unwrap()
}

fn of_file<'s>(steps: &'s [Value], file: &str) -> &'s str {
    let found = steps.iter().find(|step| step["file"].as_str().is_some_and(|path| path.ends_with(file)));
    found.unwrap_or_else(|| panic!("{file}: {steps:?}"))["text"].as_str().unwrap()
}

fn commands(steps: &[Value]) -> String {
    steps.iter().filter(|step| step["do"] == "run").map(|step| step["text"].as_str().unwrap()).collect()
}

fn project(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What the README shows below a heading, to be pasted.
fn shown(heading: &str) -> String {
    shown_in("README.md", heading)
}

fn shown_in(page: &str, heading: &str) -> String {
    let text = project(page);
    let section = text.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'));
    section.filter_map(|line| line.strip_prefix("    ")).fold(String::new(), |all, line| all + line + "\n")
}

/// Without its remarks.
fn bare(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("dnl"));
    lines.fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn the_readme_shows_what_setup_prints() {
    let shell = Shell::new();
    for (server, heading, files) in [
        ("chasquid", "## chasquid", &["chasquid.conf"][..]),
        ("sendmail", "## sendmail", &["config.toml", "Sendmail.conf", "sendmail.mc"]),
    ] {
        let steps = steps(&shell, server);
        for file in files {
            assert!(shown(heading).contains(&bare(of_file(&steps, file))), "{file}\n{}", shown(heading));
        }
    }
    let postfix = steps(&shell, "postfix");
    assert!(shown("## Install").contains(&bare(of_file(&postfix, "config.toml"))));
    let commands_of = |steps: &[Value]| bare(&commands(steps)).replace("systemctl restart saslauthd-rs\n", "");
    assert_eq!(commands_of(&postfix), shown("## Postfix"));
    assert!(commands_of(&steps(&shell, "sendmail")).ends_with("sendmail.cf\n/etc/init.d/sendmail restart\n"));
    let first = shown("## Exim").replacen("begin authenticators\n", "", 1);
    assert!(setup(&shell, &["exim"]).out.contains(&format!("\n{first}")), "{first}");
}

#[test]
fn the_page_on_libsasl2_shows_what_setup_prints() {
    let shell = Shell::new();
    let page = |heading: &str| shown_in("docs/libsasl2.md", heading);
    let postfix = steps(&shell, "postfix-libsasl2");
    let (sockets, settings) = (of_file(&postfix, "config.toml"), of_file(&postfix, "smtpd.conf"));
    let commands_of = |steps: &[Value]| bare(&commands(steps));
    let commands = commands_of(&postfix);
    let commands = commands.split_once("mkdir -p /etc/postfix/sasl\n").unwrap().1;
    assert_eq!([&bare(sockets), &bare(settings), commands].concat(), page("## Postfix"));

    shell.configure("realm = \"example.com\"\n");
    let whole = |server: &str, file: &str| bare(of_file(&steps(&shell, server), file));
    assert_eq!(whole("cyrus-imap", "imapd.conf"), page("## Cyrus IMAP"));
    assert_eq!(whole("svnserve", "svnserve.conf"), page("## Subversion"));
    assert_eq!(whole("memcached", "/etc/memcached.conf"), page("## memcached"));
    let told = [whole("saslpasswd2", "config.toml"), whole("saslpasswd2", "saslpasswd.conf")].concat();
    assert_eq!(told, page("## saslpasswd2"));
    let no_host =
        |text: &str| text.lines().filter(|line| !line.contains("olcSaslHost: ")).map(str::to_owned).collect::<Vec<_>>();
    let ldap = whole("openldap", "sasl.ldif")
        + commands_of(&steps(&shell, "openldap")).split_once("/etc/ldap/sasl2\n").unwrap().1;
    assert_eq!(no_host(&ldap), no_host(&page("## OpenLDAP")));
    assert!(whole("openldap", "slapd.conf").contains("\nmech_list: EXTERNAL SCRAM-SHA-256 "));

    let exim = steps(&shell, "exim-libsasl2");
    let general = page("## Setting up").replace("USER", "Debian-exim");
    for file in ["config.toml", "exim.conf"] {
        assert!(general.contains(&bare(of_file(&exim, file))), "{file}\n{general}");
    }
    let host = |line: &str| !line.starts_with("  server_hostname = ");
    let first: Vec<String> = page("## Exim").lines().filter(|line| host(line)).map(str::to_owned).collect();
    let printed = setup(&shell, &["exim-libsasl2"]).out;
    let printed: Vec<&str> = printed.lines().filter(|line| host(line)).collect();
    assert!(printed.windows(first.len()).any(|lines| lines == first), "{printed:?}");
}

/// Secrets are handed out to those only whom a lookup socket lists.
#[test]
fn a_socket_for_others_is_not_taken() {
    let shell = Shell::new();
    shell.configure(
        "[[saslauthd]]\npath = \"/run/sasldb-rs/mux\"\nmode = \"0666\"\npeers = [\"cyrus\"]\n\
         [[lookup]]\npath = \"/run/sasldb-rs/lookup\"\nmode = \"0666\"\npeers = [{ user = \"cyrus\" }]\n",
    );
    let sendmail = steps(&shell, "sendmail");
    assert_eq!(
        bare(of_file(&sendmail, "config.toml")),
        "[[saslauthd]]\npath = \"/run/sasldb-rs/mux-sendmail\"\n[[lookup]]\npath = \"/run/sasldb-rs/lookup-sendmail\"\n"
    );
    let settings = of_file(&sendmail, "Sendmail.conf");
    assert!(settings.contains("saslauthd_path: /run/sasldb-rs/mux-sendmail\n"), "{settings}");
    assert!(settings.ends_with("\nsasldb_rs_socket: /run/sasldb-rs/lookup-sendmail\n"), "{settings}");
}

#[test]
fn mechanisms_are_those_that_the_accounts_have_something_for() {
    let shell = Shell::new();
    shell.configure("schemes = [\"scram-sha-512\", \"digest-md5\"]\n");
    let settings = of_file(&steps(&shell, "exim-libsasl2"), "exim.conf").to_owned();
    assert!(settings.contains("\nmech_list: SCRAM-SHA-512 DIGEST-MD5 LOGIN PLAIN\n"), "{settings}");
}

#[test]
fn sockets_that_are_there_are_used_and_the_others_are_to_be_added() {
    let shell = Shell::new();
    for server in SERVERS {
        let steps = steps(&shell, server);
        assert_eq!((&steps[0]["do"], &steps[0]["file"]), (&"add".into(), &shell.config().to_str().unwrap().into()));
    }
    shell.configure(
        "[[dovecot]]\npath = \"/var/spool/postfix/private/other\"\nmode = \"0666\"\n\
         [[dovecot]]\npath = \"/run/elsewhere/auth\"\nmode = \"0666\"\n\
         [[lookup]]\npath = \"/run/elsewhere/lookup\"\n",
    );
    let postfix = steps(&shell, "postfix");
    assert!(commands(&postfix).contains("'smtpd_sasl_path = private/other'"), "{postfix:?}");
    assert!(postfix.iter().all(|step| step["do"] == "run"), "{postfix:?}");
    let exim = setup(&shell, &["exim"]).out;
    assert_eq!(exim.matches("server_socket = /run/elsewhere/auth\n").count(), 6, "{exim}");
    assert!(!exim.contains("[[dovecot]]") && !exim.contains("/run/sasldb-rs"), "{exim}");
    let chasquid = steps(&shell, "chasquid");
    let added = bare(of_file(&chasquid, "config.toml"));
    let userdb = "[[userdb]]\npath = \"/run/sasldb-rs/auth-userdb\"\ngroup = \"chasquid\"\nmode = \"0660\"\n";
    assert_eq!(added, userdb);
    let own = of_file(&chasquid, "chasquid.conf");
    assert!(own.contains("dovecot_client_path: \"/run/elsewhere/auth\"\n"), "{own}");
    assert!(own.contains("dovecot_userdb_path: \"/run/sasldb-rs/auth-userdb\"\n"), "{own}");
    let sendmail = steps(&shell, "sendmail");
    assert_eq!(bare(of_file(&sendmail, "config.toml")), "[[saslauthd]]\npath = \"/run/sasldb-rs/mux\"\n");
    assert!(of_file(&sendmail, "Sendmail.conf").ends_with("\nsasldb_rs_socket: /run/elsewhere/lookup\n"));
}

/// What is added makes a configuration that is good, and needs nothing more.
#[test]
fn what_is_added_is_found_the_next_time() {
    let shell = Shell::new();
    for server in SERVERS {
        let added = of_file(&steps(&shell, server), "config.toml").to_owned();
        let before = std::fs::read_to_string(shell.config()).unwrap();
        std::fs::write(shell.config(), format!("{before}{added}")).unwrap();
        let again = steps(&shell, server);
        assert!(!again.iter().any(|step| step["file"] == shell.config().to_str().unwrap()), "{again:?}");
    }
    let all = std::fs::read_to_string(shell.config()).unwrap();
    let paths: Vec<&str> = all.lines().filter_map(|line| line.strip_prefix("path = ")).collect();
    let auth = "\"/run/sasldb-rs/auth\"";
    let expected = [
        "\"/var/spool/postfix/private/auth\"",
        auth,
        "\"/run/sasldb-rs/auth-chasquid\"",
        "\"/run/sasldb-rs/auth-userdb\"",
        "\"/run/sasldb-rs/mux\"",
        "\"/run/sasldb-rs/lookup\"",
        "\"/var/spool/postfix/private/mux\"",
        "\"/var/spool/postfix/private/lookup\"",
    ];
    let (before, rest) = paths.split_at(expected.len());
    assert_eq!(before, expected);
    let (last, rest) = rest.split_last().unwrap();
    let pairs = ["exim-libsasl2", "cyrus-imap", "openldap", "svnserve", "memcached"]
        .map(|server| ["mux", "lookup"].map(|name| format!("\"/run/sasldb-rs/{name}-{server}\"")));
    assert_eq!(
        (rest, *last),
        (&pairs.concat().iter().map(String::as_str).collect::<Vec<_>>()[..], "\"/run/sasldb-rs/store\"")
    );
}

#[test]
fn text_says_where_each_piece_goes() {
    let shell = Shell::new();
    let said = setup(&shell, &["postfix"]).out;
    let begin =
        format!("# Add to {}:\n\n# For /etc/sasldb-rs/config.toml: a socket for Postfix.\n", shell.config().display());
    assert!(said.starts_with(&begin), "{said}");
    assert!(said.contains("\n\n# Run as root:\n\n") && said.ends_with("\npostfix reload\n"), "{said}");
    assert_eq!(shell.run(SASLDB, &["setup", "pine"], b"").status, Some(2));
}
