//! What a fault of our own takes down with it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    /// Whether this thread is in the middle of something [`contained`].
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic ends the process: it must not leave a helper behind that answers half of its clients. One that is
/// contained does not.
pub fn abort_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        if !CONTAINED.get() {
            std::process::abort();
        }
    }));
}

/// Does `work`, which owns all that it changes; `None` if it panicked, which stderr says.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    CONTAINED.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(false);
    done.ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, ExitStatus};

    use super::*;
    use crate::server::privilege;

    /// Where the process panics: this test runs itself.
    const WHERE: &str = "SASLDB_TEST_PANIC";

    fn panic_in(place: &str) -> ExitStatus {
        let test = concat!(module_path!(), "::a_panic_ends_the_process_unless_it_is_contained");
        let (_, test) = test.split_once("::").unwrap();
        let program = std::env::current_exe().unwrap();
        Command::new(program).args(["--exact", test]).env(WHERE, place).output().unwrap().status
    }

    #[test]
    fn a_panic_ends_the_process_unless_it_is_contained() {
        const SIGABRT: i32 = nix::libc::SIGABRT;
        let place = std::env::var(WHERE);
        if place.is_ok() {
            // No core dump of it.
            privilege::seal_process();
            abort_on_panic();
            assert_eq!(contained(|| 1), Some(1));
            assert_eq!(contained(|| -> u8 { panic!("as the test wants it") }), None);
        }
        match place.as_deref() {
            Ok("another thread") => drop(std::thread::spawn(|| panic!("as the test wants it")).join()),
            Ok("afterwards") => drop(panic::catch_unwind(|| panic!("as the test wants it"))),
            Ok(_) => {}
            Err(_) => {
                assert!(panic_in("nowhere else").success());
                assert_eq!(panic_in("another thread").signal(), Some(SIGABRT));
                assert_eq!(panic_in("afterwards").signal(), Some(SIGABRT));
            }
        }
    }
}
