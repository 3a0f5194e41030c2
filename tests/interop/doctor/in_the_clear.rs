//! What Cyrus's saslpasswd2 left behind, in a machine with it.

use crate::installed::{install, start_helper};
use crate::machine::Machine;

use super::{Case, case, is_found_and_mended};

pub(super) const CASES: &[Case] = &[case(
    "plaintext-left",
    "sasldb-rs import --from sasldb2 /etc/sasldb2",
    "printf secret | saslpasswd2 -p -c -u example.com anna",
)];

#[test]
fn passwords_that_are_left_in_the_clear_are_found_and_taken_over() {
    let machine = Machine::over(&["sasl"]);
    install(&machine);
    start_helper(&machine);
    CASES.iter().for_each(|case| is_found_and_mended(&machine, case));
    assert_ne!(machine.run("test", &["-e", "/etc/sasldb2"]).status, 0);
    assert_eq!(machine.run_with("sasldb-rs", &["verify", "anna"], "secret").status, 0);
}
