//! The two that the suite runs on.

use std::path::Path;

use crate::case::Said;
use crate::machine::Machine;

/// Whose programs answer to the names `saslpasswd2` and `sasldblistusers2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Cyrus,
    Ours,
}

/// What the machine sees of the suite.
pub(crate) const SUITE: &str = "/run/sasldb-rs";

impl Subject {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cyrus => "cyrus",
            Self::Ours => "ours",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Cyrus, Self::Ours].into_iter().find(|subject| subject.name() == name)
    }

    /// Where the shell of a case finds programs. Ours stand there under the names of the originals, as an administrator may link
    /// them: not even the name is another then.
    pub(crate) fn path(self) -> String {
        let usual = format!("{SUITE}/tools:/usr/sbin:/usr/bin:/sbin:/bin");
        match self {
            Self::Cyrus => usual,
            Self::Ours => format!("{SUITE}/ours:{usual}"),
        }
    }

    /// Runs these command lines, case by case, in a machine of its own. Each is a line of what was answered.
    pub(crate) fn run(self, cases: &[Vec<String>]) -> Vec<Vec<Said>> {
        let machine = Machine::over(&["sasl"]);
        let shared = machine.shared();
        let copy = |from: &Path, to: &str| std::fs::copy(from, shared.join(to)).unwrap();
        for folder in ["tools", "ours"] {
            std::fs::create_dir(shared.join(folder)).unwrap();
        }
        copy(&std::env::current_exe().unwrap(), "suite");
        for tool in crate::tools::NAMES {
            std::os::unix::fs::symlink("../suite", shared.join("tools").join(tool)).unwrap();
        }
        if self == Self::Ours {
            copy(Path::new(env!("CARGO_BIN_EXE_saslpasswd-rs")), "ours/saslpasswd2");
            copy(Path::new(env!("CARGO_BIN_EXE_sasldblistusers-rs")), "ours/sasldblistusers2");
            copy(Path::new(env!("CARGO_BIN_EXE_sasldb-rs")), "ours/sasldb-rs");
        }
        std::fs::write(shared.join("cases.json"), serde_json::to_string(cases).unwrap()).unwrap();
        let mut inside = machine.endless(&format!("{SUITE}/suite"));
        let output = inside.args(["--inside", self.name()]).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}: {}", self.name(), String::from_utf8_lossy(&output.stderr));
        crate::inside::answers(&output.stdout)
    }
}
