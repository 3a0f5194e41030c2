//! Man pages and completions, given to the programs that read them.

use std::path::Path;
use std::process::Command;

use crate::machine::{Machine, at_a_terminal, project};

/// Pages of other programs that ours refer to: name and section.
const OTHERS: [(&str, &str); 12] = [
    ("crypt", "3"),
    ("db5.3_dump", "1"),
    ("fail2ban-client", "1"),
    ("gdbm_dump", "1"),
    ("ldapsearch", "1"),
    ("mdb_dump", "1"),
    ("psql", "1"),
    ("saslauthd", "8"),
    ("sasldblistusers2", "8"),
    ("saslpasswd2", "8"),
    ("shadow", "5"),
    ("slapcat", "8"),
];

const PROGRAMS: [&str; 4] = ["sasldb-rs", "saslpasswd-rs", "sasldblistusers-rs", "saslauthd-rs"];

/// A machine with this folder of the project in its own one.
fn machine_with(folder: &str) -> Machine {
    let machine = Machine::over(&["manuals"]);
    let copied = Command::new("cp").arg("-R").arg(project().join(folder)).arg(machine.shared()).status().unwrap();
    assert!(copied.success());
    machine
}

#[test]
fn mandoc_and_groff_find_nothing_wrong_with_the_pages() {
    let machine = machine_with("man");
    machine.shell("cd /usr/share; mkdir -p man/man1 man/man3 man/man5 man/man8; for s in 5 8; do cp /run/sasldb-rs/man/*.$s man/man$s; done");
    for (name, section) in OTHERS {
        let path = format!("/usr/share/man/man{section}/{name}.{section}");
        machine.shell(&format!("printf '.TH {name} {section}\n.SH NAME\n{name} \\\\- a page\n' >{path}"));
    }
    machine.shell("makewhatis /usr/share/man");
    for page in std::fs::read_dir(project().join("man")).unwrap() {
        let path = page.unwrap().path();
        let section = path.extension().unwrap().display().to_string();
        let page = format!("/usr/share/man/man{section}/{}", path.file_name().unwrap().display());
        for program in [&["mandoc", "-Tlint", "-Wall"][..], &["groff", "-mandoc", "-ww", "-z", "-Tutf8"]] {
            let ran = machine.run(program[0], &[&program[1..], &[&page]].concat());
            assert_eq!((ran.status, ran.text.as_str()), (0, ""), "{program:?} {page}");
        }
    }
}

#[test]
fn the_shells_read_the_completions() {
    let machine = machine_with("contrib/completions");
    for program in PROGRAMS {
        for (shell, option, file) in [
            ("bash", "-n", format!("bash/{program}.bash")),
            ("zsh", "-n", format!("zsh/_{program}")),
            ("fish", "--no-execute", format!("fish/{program}.fish")),
        ] {
            let file = format!("completions/{file}");
            assert!(Path::exists(&machine.shared().join(&file)), "{file}");
            let ran = machine.run(shell, &[option, &format!("/run/sasldb-rs/{file}")]);
            assert_eq!((ran.status, ran.text.as_str()), (0, ""), "{file}");
        }
    }
}

/// What a person types, and what the program is called with then.
const TYPED: [(&str, &str); 4] = [
    ("acc\tli\t--unus\t180d", "account list --unused-for 180d"),
    ("rek\t", "rekey"),
    ("password add --la\tphone", "password add --label phone"),
    ("import --from sasldb\t", "import --from sasldb2"),
];

#[test]
fn bash_and_zsh_complete_what_is_typed() {
    let machine = machine_with("contrib/completions");
    // Zsh takes a tab that comes with other keys for one that was pasted, unless told.
    for (shell, set_up) in [
        (["bash", "--norc", "-i"], ". /run/sasldb-rs/completions/bash/sasldb-rs.bash"),
        (
            ["zsh", "-f", "-i"],
            "fpath+=(/run/sasldb-rs/completions/zsh); autoload -U compinit; compinit -u -D; zstyle '*' insert-tab false",
        ),
    ] {
        let mut command = machine.endless("env");
        command.arg("TERM=dumb").args(shell);
        let mut terminal = at_a_terminal(command);
        terminal.send_line(set_up).unwrap();
        terminal.send_line("sasldb-rs() { echo \"called with <$*>\"; }; echo set up: $((6 * 7))").unwrap();
        terminal.exp_string("set up: 42").unwrap();
        for (typed, called) in TYPED {
            terminal.send_line(&format!("sasldb-rs {typed}")).unwrap();
            terminal.exp_string("called with <").unwrap();
            let with = terminal.exp_string(">").unwrap();
            // Zsh writes `--option=value`.
            assert_eq!(with.trim_end().replace('=', " "), called, "{shell:?} {typed:?}");
        }
        terminal.send_line("exit").unwrap();
        terminal.exp_eof().unwrap();
    }
}

#[test]
fn fish_completes_what_is_typed() {
    let machine = machine_with("contrib/completions");
    for (typed, completed) in [
        ("acc", "account"),
        ("account list --unus", "--unused-for"),
        ("rek", "rekey"),
        ("import --from sasldb", "sasldb2"),
    ] {
        let script = format!(
            "source /run/sasldb-rs/completions/fish/sasldb-rs.fish; complete --do-complete 'sasldb-rs {typed}'"
        );
        let ran = machine.run("fish", &["--no-config", "--command", &script]);
        let offered: Vec<_> = ran.text.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!((ran.status, offered.as_slice()), (0, &[completed][..]), "{typed:?}: {}", ran.text);
    }
}
