//! How a program that uses the library makes a [`Config`]: from a file or a text, and with detectors and providers of
//! its own.

use super::{Config, Extent, Lookup, Target};
use crate::detect::{AllowedScopes, Detector, Kind, NamedDetector, Source};
use crate::net::http::Egress;
use crate::provider::contract::Provider;
use crate::settings::{Problem, Settings};
use crate::sys::clock;
use crate::types::address::Family;
use crate::types::hostname::Host;
use crate::types::secret::Secret;
use std::path::Path;
use std::rc::Rc;

impl Config {
    /// Reads a configuration file, with the files that it includes.
    ///
    /// # Errors
    /// Every mistake, with file and line; a file that cannot be read is one mistake.
    pub fn load(path: &Path) -> Result<Config, Vec<Problem>> {
        let mut settings = Settings::read(path).map_err(|error| {
            let place = crate::settings::Place::new(&path.display().to_string(), 0);
            vec![Problem { place, text: format!("cannot be read: {error}") }]
        })?;
        settings.include(path);
        super::build(&settings, Extent::Whole)
    }

    /// Reads a configuration from a text; `name` stands for the file in messages.
    ///
    /// # Errors
    /// Every mistake, with its line.
    pub fn parse(text: &str, name: &str) -> Result<Config, Vec<Problem>> {
        let mut settings = Settings::empty();
        settings.parse(text, name);
        super::build(&settings, Extent::Whole)
    }

    /// Detects a family by a detector of the program's own, in place of what the settings name for the whole agent.
    /// Sections that are added later, and those of the settings without a list of their own, use it.
    pub fn add_detector(&mut self, name: &str, family: Family, detector: Rc<dyn Detector>) {
        let detectors = vec![NamedDetector {
            name: name.to_string(),
            operator: name.to_string(),
            way: Egress::default(),
            kind: Kind::Custom(detector),
        }];
        self.sources.push(Source { family, detectors, agree: 1, leave: AllowedScopes::default(), all: false });
        let (old, new) = (self.own[family as usize], self.sources.len() - 1);
        self.own[family as usize] = Some(new);
        for target in &mut self.targets {
            let source = &mut target.sources[family as usize];
            if *source == old {
                *source = Some(new);
            }
        }
    }

    /// Adds a section that updates `hosts` by a provider of the program's own, in the families that the agent detects.
    /// `account` tells two accounts of one provider apart: when it changes, every host is pushed again.
    ///
    /// # Errors
    /// A hostname that is not valid, with the reason.
    pub fn add_section(
        &mut self,
        name: &str,
        hosts: &[&str],
        account: &str,
        provider: Box<dyn Provider>,
    ) -> Result<(), String> {
        let valid = |host: &&str| Host::new(host).map_err(|why| format!("'{host}': {why}"));
        self.targets.push(Target {
            name: name.to_string(),
            provider,
            hosts: hosts.iter().map(valid).collect::<Result<_, _>>()?,
            sources: self.own,
            refresh: 28 * clock::DAY,
            min_interval: 0,
            hooks: self.agent.hooks.clone(),
            lookup: Lookup::default(),
            way: self.agent.way.clone(),
            suffix: None,
            settings: Secret::unmasked(account),
        });
        Ok(())
    }
}
