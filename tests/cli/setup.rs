//! `sasldb-rs setup`: what it prints is what the README shows and `contrib` holds, with the sockets of the configuration.

use std::path::Path;

use serde_json::Value;

use crate::shell::{Ran, SASLDB, Shell};

const SERVERS: [&str; 4] = ["postfix", "exim", "chasquid", "sendmail"];

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
    let text = project("README.md");
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
    ];
    assert_eq!(paths, expected);
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
