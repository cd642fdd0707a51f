//! Reports what keeps updates back: an earlier failure, an address that goes back and forth or needs confirmation, a
//! rejection.

use crate::config::Target;
use crate::pass::detection::Detection;
use crate::pass::event::{Event, EventKind, ExitCode, Level};
use crate::pass::plan::Step;
use crate::pass::push::{self, Run};
use crate::store::StateStore;
use crate::sys::clock;
use crate::types::address::Family;
use std::net::IpAddr;

/// Reports the steps of a section that are not pushes, and counts them into the exit code. Notes in `unconfirmed` the
/// addresses that wait for a second detection.
pub fn report(
    target: &Target,
    steps: &[[Step; 2]],
    detection: &Detection,
    run: &Run<'_>,
    store: &mut StateStore,
    unconfirmed: &mut [Option<IpAddr>; 2],
) {
    // A person who asks what would be sent wants to know why nothing is.
    let usual = if run.options.dry_run { Level::Change } else { Level::Detail };
    for (host, steps) in target.hosts.iter().zip(steps) {
        for (family, step) in Family::BOTH.into_iter().zip(steps) {
            let (code, level, kind, text) = match step {
                Step::Current | Step::Unknown | Step::Push(_) => continue,
                Step::Wait { until, why } => {
                    let text = format!("waits until {}: {why}", clock::stamp(*until));
                    (ExitCode::Retry, usual, EventKind::Waiting, text)
                }
                Step::Flapping { until } => {
                    let text =
                        format!("warning: the address goes back and forth; not pushed before {}", clock::stamp(*until));
                    (ExitCode::Retry, Level::Problem, EventKind::Flapping, text)
                }
                Step::Unconfirmed(address) => {
                    unconfirmed[family as usize] =
                        detection.found(target.sources[family as usize]).map(|found| found.address);
                    let text = format!(
                        "not updated to {address} yet: only plain DNS or STUN says so, and HTTPS failed; if the next \
                         pass agrees, it is pushed"
                    );
                    (ExitCode::Retry, Level::Problem, EventKind::Unconfirmed, text)
                }
                Step::Rejected(rejection) => {
                    if rejection.tell {
                        store.state.told(&target.name, host.ascii(), family, clock::now());
                    }
                    let level = if rejection.tell { Level::Problem } else { usual };
                    let suffix = &run.options.command_suffix;
                    let text = push::rejection(&rejection.why, &rejection.remedy, &target.name, suffix);
                    (ExitCode::Rejected, level, EventKind::Rejected, text)
                }
            };
            run.progress.raise(code);
            run.progress.event(&Event {
                section: Some(&target.name),
                host: Some(host.typed()),
                family: Some(family),
                ..Event::new(level, kind, text)
            });
        }
    }
}
