//! What was answered, held against what the sheets say.

use std::collections::BTreeSet;

use crate::case::{Otherwise, Said, Sheet, Step, Texts};
use crate::differences::Differences;
use crate::subject::Subject;

/// The answers of one subject, in the order of the sheets' cases and their steps.
pub(crate) struct Answers {
    pub(crate) subject: Subject,
    pub(crate) cases: Vec<Vec<Said>>,
}

#[derive(Default)]
pub(crate) struct Verdict<'a> {
    pub(crate) equal: usize,
    pub(crate) different: usize,
    pub(crate) failures: Vec<String>,
    /// The differences that an answer shows and nothing else with them.
    pub(crate) alone: BTreeSet<&'a str>,
}

/// Judges every command line once, whoever answered it.
pub(crate) fn judge<'a>(
    sheets: &'a [Sheet],
    answers: &[Answers],
    differences: &Differences,
    texts: &Texts,
) -> Verdict<'a> {
    let mut verdict = Verdict::default();
    for (number, case) in sheets.iter().flat_map(|sheet| &sheet.cases).enumerate() {
        for (at, step) in case.steps.iter().enumerate() {
            let mut faults = faults_of(step, differences);
            for Answers { subject, cases } in answers {
                let (said, expected) = (&cases[number][at], expected(step, *subject));
                if said != expected {
                    faults.push(format!(
                        "{} should say\n{}but says\n{}",
                        subject.name(),
                        expected.written(texts),
                        said.written(texts)
                    ));
                }
            }
            match &step.ours {
                _ if !faults.is_empty() => {
                    verdict.failures.push(format!("{}\n$ {}\n{}", case.name, step.command, faults.join("\n")));
                }
                None => verdict.equal += 1,
                Some(Otherwise { differences, .. }) => {
                    verdict.different += 1;
                    if let [only] = differences.as_slice() {
                        verdict.alone.insert(only);
                    }
                }
            }
        }
    }
    verdict
}

/// What is wrong with the expectation itself.
fn faults_of(step: &Step, differences: &Differences) -> Vec<String> {
    let Some(ours) = &step.ours else { return Vec::new() };
    let mut faults: Vec<_> = ours
        .differences
        .iter()
        .filter(|name| !differences.has(name))
        .map(|name| format!("{name} is not on the list of differences"))
        .collect();
    if ours.said == step.cyrus {
        faults.push("nothing differs any more".to_owned());
    }
    faults
}

fn expected(step: &Step, subject: Subject) -> &Said {
    match (&step.ours, subject) {
        (Some(ours), Subject::Ours) => &ours.said,
        _ => &step.cyrus,
    }
}

/// Puts what was answered in the place of what was expected. An answer of ours that has become another keeps the names of its
/// differences; one that had none gets a name that is on no list.
pub(crate) fn record(sheets: &mut [Sheet], answers: &[Answers]) {
    for (number, case) in sheets.iter_mut().flat_map(|sheet| &mut sheet.cases).enumerate() {
        for (at, step) in case.steps.iter_mut().enumerate() {
            let said =
                |wanted| answers.iter().find(|one| one.subject == wanted).map(|one| one.cases[number][at].clone());
            if let Some(said) = said(Subject::Cyrus) {
                step.cyrus = said;
            }
            if let Some(said) = said(Subject::Ours) {
                let named = step.ours.take().map_or(vec!["unnamed".to_owned()], |ours| ours.differences);
                step.ours = (said != step.cyrus).then_some(Otherwise { differences: named, said });
            }
        }
    }
}
