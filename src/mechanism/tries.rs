//! How often a proof is tried: in a failure as often whatever is stored, so that its work tells nothing about the account.

use core::hint::black_box;

use crate::credential::{MAX_PASSWORDS, PasswordSet};

/// The passwords that `fits` finds in `stored`, which names the password that each secret is of. Unless one of `usable` is
/// among them, `nothing` is tried as often as it takes to have tried `each` secrets for each password that an account may have:
/// the same for one with many passwords, with none of the scheme, disabled, and not there at all.
pub(super) fn fitting<'a, S: ?Sized + 'a>(
    stored: impl Iterator<Item = (usize, &'a S)>,
    usable: PasswordSet,
    each: usize,
    nothing: &S,
    mut fits: impl FnMut(&S) -> bool,
) -> PasswordSet {
    let mut found = PasswordSet::default();
    let mut tried = 0usize;
    for (position, secret) in stored {
        tried = tried.saturating_add(1);
        if fits(secret) {
            found.insert(position);
        }
    }
    if found.intersection(usable).is_empty() {
        for _ in tried..MAX_PASSWORDS.saturating_mul(each) {
            black_box(fits(black_box(nothing)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a secret was tried, with those in `stored` and the passwords in `usable`. Ones fit.
    fn tries(stored: &[(usize, u8)], usable: &[usize], each: usize) -> (usize, Option<usize>) {
        let mut tried = Vec::new();
        let stored = stored.iter().map(|(position, secret)| (*position, secret));
        let found = fitting(stored, usable.iter().copied().collect(), each, &0, |secret| {
            tried.push(*secret);
            *secret == 1
        });
        (tried.len(), found.first())
    }

    #[test]
    fn failures_take_as_many_tries_whatever_is_stored() {
        let full: Vec<(usize, u8)> = (0..MAX_PASSWORDS).map(|position| (position, 0)).collect();
        assert_eq!(tries(&[], &[0], 1), (MAX_PASSWORDS, None));
        assert_eq!(tries(&[(0, 0)], &[0], 1), (MAX_PASSWORDS, None));
        assert_eq!(tries(&full, &[0], 1), (MAX_PASSWORDS, None));
        assert_eq!(tries(&[(0, 0), (0, 0), (2, 0)], &[0], 3), (3 * MAX_PASSWORDS, None));
        assert_eq!(tries(&[(0, 1), (1, 0)], &[1], 1), (MAX_PASSWORDS, Some(0)), "right, but not good for this login");
    }

    #[test]
    fn a_success_takes_no_more_than_it_needs() {
        assert_eq!(tries(&[(0, 0), (1, 1)], &[1], 3), (2, Some(1)));
    }
}
