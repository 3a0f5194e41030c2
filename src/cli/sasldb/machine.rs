//! What this machine says of itself: its mail servers' own settings, users and folders. Nothing here changes anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::Group;

/// Where the commands of administrators are, for a shell that has not been told.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The file of our plugin for libsasl2.
pub(super) const PLUGIN: &str = "libsasldb_rs.so";

/// Where Postfix has its queue unless it says otherwise.
pub(super) const POSTFIX_QUEUE: &str = "/var/spool/postfix";

/// Where libsasl2 looks for settings of programs before it looks into its plugins' folder.
const SASL_FOLDERS: [&str; 2] = ["/etc/sasl2", "/etc/sasl"];

/// What a program prints; none where it is not there or fails.
pub(super) fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let path = path();
    let mut command = Command::new(find_program(program, &path)?);
    command.args(arguments).env("LC_ALL", "C").env("PATH", path).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether there is a program of this name.
pub(super) fn has(program: &str) -> bool {
    find_program(program, &path()).is_some()
}

fn path() -> String {
    std::env::var("PATH").map_or(SYSTEM_PATH.to_owned(), |path| format!("{path}:{SYSTEM_PATH}"))
}

fn find_program(program: &str, path: &str) -> Option<PathBuf> {
    let places = path.split(':').filter(|folder| folder.starts_with('/'));
    places.map(|folder| Path::new(folder).join(program)).find(|place| place.is_file())
}

/// Postfix's queue, the folder that a chrooted smtpd sees as its root.
pub(super) fn postfix_queue() -> PathBuf {
    let said = ask("postconf", &["-h", "queue_directory"]);
    let said = said.map(|line| PathBuf::from(line.trim())).filter(|path| path.is_absolute());
    said.unwrap_or_else(|| PathBuf::from(POSTFIX_QUEUE))
}

/// Whether Postfix's smtpd sees its queue only, as on Debian; it is taken to where Postfix cannot be asked.
pub(super) fn postfix_is_chrooted() -> bool {
    let said = ask("postconf", &["-M", "smtp/inet"]);
    said.is_none_or(|line| line.split_ascii_whitespace().nth(4) == Some("y"))
}

/// The first of `names` that is a group here; else the first of them.
pub(super) fn group_of(names: &[&'static str]) -> &'static str {
    let here = |name: &&&str| matches!(Group::from_name(name), Ok(Some(_)));
    names.iter().find(here).or(names.first()).copied().unwrap_or_default()
}

/// The folder in which libsasl2 looks for plugins: that of this machine's architecture, where the distribution has its own.
pub(super) fn plugin_folder() -> Option<PathBuf> {
    plugin_folders().into_iter().find(|folder| folder.is_dir())
}

/// Where that folder may be.
fn plugin_folders() -> Vec<PathBuf> {
    let known = ["x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf", "riscv64-linux-gnu", "i386-linux-gnu"];
    let own = format!("{}-linux-gnu", std::env::consts::ARCH);
    let by_name = std::iter::once(own.as_str()).chain(known).map(|name| Path::new("/usr/lib").join(name).join("sasl2"));
    by_name.chain(["/usr/lib64/sasl2", "/usr/lib/sasl2"].map(PathBuf::from)).collect()
}

/// Where libsasl2 looks for a program's settings; the first that it finds counts.
pub(super) fn sasl_folders() -> Vec<PathBuf> {
    let folders = SASL_FOLDERS.map(PathBuf::from).into_iter().chain(plugin_folder());
    folders.chain([PathBuf::from("/usr/lib/sasl2")]).collect()
}

/// The file of libsasl2's settings for the program that calls itself `application` there, if there is one.
pub(super) fn sasl_file(application: &str) -> Option<PathBuf> {
    let places = sasl_folders().into_iter().map(|folder| folder.join(format!("{application}.conf")));
    places.into_iter().find(|file| file.is_file())
}

/// A file as it was built or installed with this program; else by the name that it has to have.
pub(super) fn beside_us(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(name)));
    beside.filter(|file| file.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

/// Whether systemd runs the services of this machine.
pub(super) fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Starts a service again, by the first of its names that this machine knows. No command where nothing here does that.
pub(super) fn restart_service(names: &[&str]) -> Vec<String> {
    let script = |name: &&&str| Path::new("/etc/init.d").join(name).is_file();
    if has_systemd() {
        let unit = |name: &&&str| {
            let folders = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
            folders.iter().any(|folder| Path::new(folder).join(format!("{name}.service")).exists())
        };
        let known = names.iter().find(|name| unit(name) || script(name));
        return known.map(|name| format!("systemctl restart {name}")).into_iter().collect();
    }
    names.iter().find(script).map(|name| format!("/etc/init.d/{name} restart")).into_iter().collect()
}

/// The file of Exim's settings in which authenticators stand, and whether that is all that it holds.
pub(super) fn exim_file() -> (PathBuf, bool) {
    let own = Path::new("/etc/exim4/exim4.conf");
    let debian = fs::read_to_string("/etc/exim4/update-exim4.conf.conf").unwrap_or_default();
    let template = Path::new("/etc/exim4/exim4.conf.template");
    if own.is_file() {
        (own.to_owned(), false)
    } else if debian.contains("dc_use_split_config='true'") {
        (PathBuf::from("/etc/exim4/conf.d/auth/40_sasldb-rs"), true)
    } else if template.is_file() {
        (template.to_owned(), false)
    } else {
        (own.to_owned(), false)
    }
}
