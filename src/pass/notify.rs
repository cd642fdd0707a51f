//! Who is told about a change or a failure: a command of the operator's, and a webhook. They come last and decide
//! nothing: what is published and what is remembered is settled before.

use crate::config::Hooks;
use crate::net::http::{Http, Method, Request};
use crate::pass::event::Progress;
use crate::sys::process::{self, Outcome, Run};
use crate::types::address::Set;
use std::time::Instant;

/// What a hook is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notification {
    /// Whether something went wrong; else something changed.
    pub failure: bool,
    /// Empty where it concerns the agent and no section.
    pub section: String,
    pub hosts: Vec<String>,
    pub addresses: [Option<Set>; 2],
    /// One line for a person.
    pub message: String,
}

impl Notification {
    fn event(&self) -> &'static str {
        match self.failure {
            true => "failure",
            false => "change",
        }
    }
}

/// Tells the hooks. A hook that fails is a warning and nothing more.
pub fn send(hooks: &Hooks, news: &Notification, http: &Http<'_>, progress: &Progress<'_>) {
    let command = if news.failure { &hooks.on_failure } else { &hooks.on_change };
    if let Some(argv) = command {
        // Several stand as hosts do: with a blank between them.
        let address =
            |i: usize| news.addresses[i].as_ref().map_or(String::new(), |set| set.to_string().replace(',', ""));
        let env = [
            ("HOMING_EVENT", news.event().to_string()),
            ("HOMING_SECTION", news.section.clone()),
            ("HOMING_HOSTS", news.hosts.join(" ")),
            ("HOMING_IPV4", address(0)),
            ("HOMING_IPV6", address(1)),
            ("HOMING_MESSAGE", news.message.clone()),
        ];
        let until = Instant::now() + http.context.timeout;
        match process::run(&Run { argv, env: &env, input: None, cap: 64 * 1024, until }) {
            Outcome::Exited { code: 0, .. } => progress.detail(format!("told {}", argv[0])),
            other => progress.warn(process::told(&argv[0], &other)),
        }
    }
    if let Some(url) = &hooks.notify {
        let mut request = Request::get(url.clone());
        request.method = Method::Post;
        request.headers.push(("Content-Type", "text/plain; charset=utf-8".to_string()));
        request.body = Some(news.message.clone());
        match http.send(&request) {
            Ok(reply) if reply.ok() => progress.detail(format!("notified {}", url.host())),
            Ok(reply) => progress.warn(format!("notify {}: {}", url.host(), reply.status_line())),
            Err(fault) => progress.warn(format!("notify: {fault}")),
        }
    }
}
