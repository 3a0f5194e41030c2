//! The plugin in a program of our own: every mechanism, every ending, and what is left in the process afterwards.

use crate::machine::{Machine, project, wait_for};

use super::site::{SaslSite, USER, plugin};

const MECHANISMS: [&str; 5] = ["DIGEST-MD5", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// Numbers of libsasl2.
const BADPARAM: &str = "-7 ";
const BADAUTH: &str = "-13 ";
const NOAUTHZ: &str = "-14 ";
const UNAVAIL: &str = "-24 ";

#[test]
fn the_types_have_the_layout_of_debians_headers() {
    let machine = Machine::over(&["sasl"]);
    let folder = project();
    std::fs::copy(folder.join("tests/interop/sasl/layout.sh"), machine.shared().join("layout.sh")).unwrap();
    let layout = std::fs::read_to_string(folder.join("auxprop/layout.txt")).unwrap();
    let ran = machine.run_with("bash", &["/run/sasldb-rs/layout.sh"], &layout);
    assert_eq!((ran.status, ran.text.trim()), (0, layout.lines().count().to_string().as_str()));
    let wrong = layout.replace("offset sasl_utils_t log 256", "offset sasl_utils_t log 264");
    assert_ne!(machine.run_with("bash", &["/run/sasldb-rs/layout.sh"], &wrong).status, 0, "it can fail");
}

#[test]
fn the_entry_point_is_all_that_is_exported() {
    let machine = Machine::over(&["sasl"]);
    std::fs::copy(plugin(), machine.shared().join("plugin.so")).unwrap();
    let exported = machine.shell("nm -D --defined-only /run/sasldb-rs/plugin.so");
    let names: Vec<&str> = exported.lines().filter_map(|line| line.split_ascii_whitespace().last()).collect();
    assert_eq!(names, ["sasl_auxprop_plug_init"]);
}

#[test]
fn every_mechanism_tells_right_from_wrong_with_no_password_stored() {
    let site = SaslSite::with_accounts(&[("alice", "s3cr3t pass"), ("jürgen", "pässwörd"), ("日本", "ひみつ")]);
    for mechanism in MECHANISMS {
        for (user, password) in [("alice", "s3cr3t pass"), ("jürgen", "pässwörd"), ("日本", "ひみつ")] {
            site.ends(&[mechanism, user, password], &format!("0 {user}"));
        }
        site.ends(&[mechanism, "alice@example.com", "s3cr3t pass"], "0 alice@example.com");
        site.ends(&["-r", "example.com", mechanism, "alice", "s3cr3t pass"], "0 alice@example.com");
        site.ends(&[mechanism, "alice", "wrong"], BADAUTH);
    }
    assert!(!site.machine.has("/etc/sasldb2"));
    assert!(site.helper.log().contains("handed out to user"), "{}", site.helper.log());
}

#[test]
fn names_that_may_not_log_in_look_alike() {
    let site = SaslSite::with_accounts(&[("alice", "secret"), ("gone", "secret")]);
    site.helper.saslpasswd(&["--disable"], "gone", "");
    for user in ["nobody", "gone"] {
        for mechanism in MECHANISMS {
            site.ends(&[mechanism, user, "secret"], BADAUTH);
        }
    }
}

#[test]
fn somebody_to_act_for_need_not_exist() {
    let site = SaslSite::with_accounts(&[("alice", "secret")]);
    for mechanism in ["DIGEST-MD5", "SCRAM-SHA-256"] {
        site.ends(&["-z", "nobody", mechanism, "alice", "secret"], "0 nobody");
        site.ends(&["-z", "nobody", mechanism, "alice", "wrong"], BADAUTH);
    }
}

#[test]
fn a_helper_that_is_away_is_no_verdict() {
    let mut site = SaslSite::new();
    site.ends(&["CRAM-MD5", "alice", "secret"], UNAVAIL);

    site = SaslSite::with_accounts(&[("alice", "secret")]);
    site.ends(&["CRAM-MD5", "alice", "secret"], "0 alice");
    site.helper.stop();
    site.ends(&["CRAM-MD5", "alice", "secret"], UNAVAIL);
    site.start();
    site.ends(&["CRAM-MD5", "alice", "secret"], "0 alice");
}

/// Answers every connection with what the second argument says, as the user of the first.
const OTHERS: &str = r#"
import os, socket, sys, time
user, how = int(sys.argv[1]), sys.argv[2]
path = "/run/sasldb-rs/lookup"
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chmod(path, 0o666)
os.setuid(user)
listener.listen(1)
print("ready", flush=True)
while how == "accepts nobody":
    time.sleep(1)
while True:
    connection, _ = listener.accept()
    if how == "says nothing":
        time.sleep(1000)
    connection.recv(4096)
    connection.sendall({"junk": b"\0\2\1\7", "half": b"\0\x20\1\1\2", "closes": b"", "found": b"\0\x02\1\3"}[how])
    connection.close()
"#;

#[test]
fn who_answers_wrongly_late_or_as_somebody_else_is_not_believed() {
    for (user, how, complaint) in [
        (0, "junk", "not a message of the protocol"),
        (0, "half", "the helper ended the connection"),
        (0, "closes", "the helper ended the connection"),
        (0, "says nothing", "did not answer in time"),
        (0, "accepts nobody", "did not answer in time"),
        (USER, "found", "belongs to user 1000, who is neither root nor sasldb_rs_user"),
    ] {
        let site = SaslSite::new();
        site.machine.write("/root/others.py", OTHERS);
        site.machine.shell(&format!("python3 /root/others.py {user} '{how}' >/root/said 2>&1 </dev/null &"));
        wait_for("the other to listen", || (site.machine.shell("cat /root/said").trim() == "ready").then_some(()));
        let said = site.host(&["CRAM-MD5", "alice", "secret"]);
        assert!(said.starts_with(UNAVAIL) && said.contains("clean"), "{how}: {said}");
        assert!(said.contains(complaint), "{how}: {said}");
        if user == USER {
            site.tell_plugin("host", "sasldb_rs_user: 1000");
            let said = site.host(&["CRAM-MD5", "alice", "secret"]);
            assert!(said.starts_with(UNAVAIL) && !said.contains("belongs to"), "{said}");
        }
    }
}

#[test]
fn a_program_that_names_no_plugin_keeps_its_own() {
    let site = SaslSite::new();
    site.tell("other", "log_level: 2\n");
    site.machine.shell("printf secret | saslpasswd2 -p -c -u mail.example.com alice");
    // libsasl2 asks both plugins; ours could reach nobody.
    site.ends(&["-a", "other", "CRAM-MD5", "alice", "secret"], "0 alice");
    site.ends(&["-a", "other", "CRAM-MD5", "alice", "wrong"], BADAUTH);
}

#[test]
fn it_works_after_a_fork_in_a_chroot_and_as_another_user() {
    let site = SaslSite::with_accounts(&[("alice", "secret")]);
    let user = USER.to_string();
    site.ends(&["-f", "-n", "20", "CRAM-MD5", "alice", "secret"], "0 alice");
    site.ends(&["-f", "-u", &user, "CRAM-MD5", "alice", "secret"], "0 alice");
    site.ends(&["-f", "-c", "/run/sasldb-rs", "-u", &user, "DIGEST-MD5", "alice", "secret"], "0 alice");
    // A user who is none of the peers is told nothing.
    let said = site.host(&["-f", "-u", "1001", "CRAM-MD5", "alice", "secret"]);
    assert!(said.starts_with(UNAVAIL) && said.contains("is this user among its peers?"), "{said}");
}

/// Any error, and anything that is not given back.
const WATCH: [&str; 5] = [
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible",
];

impl SaslSite {
    /// The program under valgrind: it does what it is told so often, with this result and no other, and nothing is wrong.
    #[track_caller]
    fn watched(&self, arguments: &[&str], times: usize, result: &str) {
        let ran = self.machine.run("valgrind", &[&WATCH[..], &["host"], arguments].concat());
        let all = ran.text.contains(&format!("logins {times}\nclean")) && ran.text.contains(result);
        assert!(ran.status == 0 && all, "{arguments:?}: {}\n{}", ran.status, ran.text);
    }
}

#[test]
fn thousands_of_logins_under_valgrind_leave_nothing_and_touch_nothing() {
    let site = SaslSite::with_accounts(&[("alice", "secret")]);
    for (arguments, logins, result) in [
        (&["-n", "1000", "CRAM-MD5", "alice", "secret"][..], 1000, "0 alice"),
        (&["-l", "20", "-n", "50", "DIGEST-MD5", "alice", "secret"], 1000, "0 alice"),
        (&["-t", "8", "-n", "100", "CRAM-MD5", "alice", "secret"], 800, "0 alice"),
        (&["-n", "20", "SCRAM-SHA-256", "alice", "secret"], 20, "0 alice"),
        (&["-n", "300", "CRAM-MD5", "nobody", "secret"], 300, BADAUTH),
    ] {
        site.watched(arguments, logins, result);
    }
}

/// libsasl2 calls the plugin several times for each change: to see whether it can write, with the password, and to delete what it takes
/// for other forms of it.
#[test]
fn thousands_of_changes_under_valgrind_leave_nothing_and_touch_nothing() {
    let mut site = SaslSite::with_accounts(&[("alice", "secret")]);
    site.watched(&["-n", "200", "SET", "alice", "pässwörd"], 200, "0 alice");
    site.ends(&["CRAM-MD5", "alice", "pässwörd"], "0 alice");
    site.watched(&["-n", "100", "DELETE", "alice", ""], 100, "0 alice");
    site.ends(&["CRAM-MD5", "alice", "pässwörd"], BADAUTH);
    site.watched(&["-l", "20", "-n", "5", "SET", "bob@elsewhere.example", "secret"], 100, "0 bob");
    site.watched(&["-n", "500", "SET", "a:b", "secret"], 500, BADPARAM);
    site.watched(&["-n", "500", "-u", "1001", "SET", "alice", "secret"], 500, NOAUTHZ);
    site.helper.stop();
    site.watched(&["-n", "1000", "SET", "alice", "secret"], 1000, UNAVAIL);
}
