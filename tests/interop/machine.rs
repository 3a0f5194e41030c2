//! A private machine: a Debian or Ubuntu root with a throw-away layer, in namespaces of its own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

/// How long anything in a machine may take before it counts as hung. Never a measure of speed: others may want the processors too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// Asks again and again until `question` has an answer; panics, naming `what`, when patience ends.
pub(crate) fn wait_for<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a program that ended said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    /// Standard output, then standard error.
    pub(crate) text: String,
}

impl Ran {
    /// Runs a program to its end, with `input` on its standard input.
    pub(crate) fn of(command: &mut Command, input: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that ends without reading is judged by what it said, not by the broken pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }
}

/// Starts a program at a terminal of its own, at which anything is waited for as long as patience lasts.
pub(crate) fn at_a_terminal(command: Command) -> PtySession {
    spawn_command(command, u64::try_from(PATIENCE.as_millis()).ok()).unwrap()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self { status: output.status.code().unwrap_or(-1), text: String::from_utf8_lossy(&text).into_owned() }
    }
}

/// Gone with all its processes when dropped; also when this process dies, because the pipe to it closes.
pub(crate) struct Machine {
    first_process: Child,
    lifeline: Option<ChildStdin>,
    /// The first process's id, as this side knows it.
    pid: String,
    folder: TempDir,
}

impl Machine {
    /// Over the root of the mail tests.
    pub(crate) fn start() -> Self {
        Self::over(&["mail"])
    }

    /// Over the roots of these kinds, the first uppermost: its users and groups are the machine's.
    pub(crate) fn over(kinds: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sasldb-").tempdir().unwrap();
        for part in ["system", "shared", "accounts"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
        }
        // Processes of the machine run as users that are strangers here.
        for path in [folder.path(), &folder.path().join("shared")] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let mut first_process = Command::new(project().join("tests/interop/machine.sh"))
            .arg(folder.path())
            .args(kinds.iter().map(|kind| root(kind)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/interop/machine.sh");
        let mut line = String::new();
        BufReader::new(first_process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid =
            line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("no private machine: {line:?}")).to_owned();
        Self { lifeline: first_process.stdin.take(), first_process, pid, folder }
    }

    /// A folder that this side and the machine (as /run/sasldb-rs) both see.
    pub(crate) fn shared(&self) -> PathBuf {
        self.folder.path().join("shared")
    }

    /// A folder that only this side sees.
    pub(crate) fn accounts(&self) -> PathBuf {
        self.folder.path().join("accounts")
    }

    /// A command that will run in the machine as its root, with nothing of this side's environment, for as long as
    /// patience lasts.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Command {
        let mut command = self.endless("timeout");
        command.args(["--signal=KILL", &PATIENCE.as_secs().to_string(), program]).args(arguments);
        command
    }

    /// The same without an end, which the caller has to see to; for programs that want a terminal, too.
    pub(crate) fn endless(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid]);
        if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
            command.arg("--user");
        }
        command.args(["--mount", "--pid", "--net", "--ipc", "--uts", "--root", "--wd", "--"]).args([
            "env",
            "-i",
            "HOME=/root",
            "LC_ALL=C.UTF-8",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            program,
        ]);
        command
    }

    /// Runs a program to its end, with `input` on its standard input.
    pub(crate) fn run_with<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S], input: &str) -> Ran {
        Ran::of(&mut self.command(program, arguments), input)
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Ran {
        self.run_with(program, arguments, "")
    }

    /// Runs a shell script that must succeed; gives what it printed.
    pub(crate) fn shell(&self, script: &str) -> String {
        let ran = self.run("bash", &["-euc", script]);
        assert_eq!(ran.status, 0, "{script}\n{}", ran.text);
        ran.text
    }

    /// The version of a package of its roots, without what the distribution counts.
    pub(crate) fn version(&self, package: &str) -> String {
        let found = self.shell(&format!("sed -n 's/^{package}\\(:[^\t]*\\)\\?\t//p' /etc/packages-of-* | head -n 1"));
        let upstream = found.trim().rsplit_once('-').map_or(found.trim(), |(upstream, _)| upstream);
        let upstream = upstream.split_once(':').map_or(upstream, |(_, upstream)| upstream);
        upstream.split(['+', '~']).next().unwrap_or_default().to_owned()
    }

    /// The distribution that its roots are of.
    pub(crate) fn system(&self) -> String {
        self.shell(". /etc/os-release; echo $NAME $VERSION_ID").trim().to_owned()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.run("test", &["-e", path]).status == 0
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let ran = self.run_with("tee", &[path], content);
        assert_eq!(ran.status, 0, "{}", ran.text);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let start = Instant::now();
        while matches!(self.first_process.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                let _ = self.first_process.kill();
                let _ = self.first_process.wait();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The root of this kind, made now if it is not in the cache.
fn root(kind: &str) -> PathBuf {
    static ROOTS: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut roots = ROOTS.lock().unwrap();
    if let Some(root) = roots.get(kind) {
        return root.clone();
    }
    let output = Command::new(project().join("scripts/roots"))
        .arg(kind)
        .stderr(Stdio::inherit())
        .output()
        .expect("scripts/roots");
    assert!(output.status.success(), "scripts/roots {kind} failed");
    let root = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    roots.insert(kind.to_owned(), root.clone());
    root
}
