//! Options that a build may leave out. Each says so where its Cargo feature is off.

#[cfg(feature = "advice")]
mod present {
    use crate::cli::args::Args;
    use crate::cli::output::Report;
    use crate::cli::{detect, input, list, status, svg};
    use crate::config::Extent;
    use crate::net::http::Trust;
    use crate::{pass, provider};

    pub fn list(name: Option<&str>, json: bool) -> Result<(), Vec<String>> {
        match name {
            None => list::all(json),
            Some(name) => list::one(name, json).map_err(|why| vec![why])?,
        }
        Ok(())
    }

    /// Where the history's picture goes, and what draws it.
    pub fn drawing(args: &Args) -> Result<Option<status::Drawing<'_>>, Vec<String>> {
        Ok(args.svg.as_deref().map(|path| (path, svg::draw as status::Draw)))
    }

    pub fn detect(args: &Args, report: &Report) -> Result<(), Vec<String>> {
        let (mut settings, found) = input::settings(args)?;
        let beginner = !found && args.set.is_empty();
        if beginner {
            settings.set(&format!("ipv6={}", provider::USUAL_DETECTORS)).map_err(|why| vec![why])?;
        }
        let config = input::build(&settings, Extent::Detection)?;
        let trust = Trust::establish(config.agent.ca_file.as_deref());
        let tell = |line: &str| report.detail(line);
        let mut http = pass::http_client(&config, &trust);
        http.context.verbose = report.verbose.then_some(&tell);
        detect::run(&config, &settings, beginner, &http, report);
        Ok(())
    }
}

#[cfg(not(feature = "advice"))]
mod present {
    use crate::cli::args::Args;
    use crate::cli::output::Report;
    use crate::cli::status;
    use crate::types::spelling;

    fn left_out<T>(option: &str) -> Result<T, Vec<String>> {
        Err(vec![format!("{option}: {}", spelling::left_out("advice"))])
    }

    pub fn list(_: Option<&str>, _: bool) -> Result<(), Vec<String>> {
        left_out("--list")
    }

    pub fn drawing(args: &Args) -> Result<Option<status::Drawing<'_>>, Vec<String>> {
        args.svg.as_ref().map_or(Ok(None), |_| left_out("--svg"))
    }

    pub fn detect(_: &Args, _: &Report) -> Result<(), Vec<String>> {
        left_out("--detect")
    }
}

pub use present::{detect, drawing, list};

/// Prints OpenWrt's settings as homing's; what cannot be converted goes to standard error.
#[cfg(feature = "uci")]
pub fn translate(path: &std::path::Path) -> Result<(), Vec<String>> {
    let translated = crate::openwrt::uci::translate(path).map_err(|problems| super::input::lines(&problems))?;
    translated.notes.iter().for_each(|note| super::output::err(&note.to_string()));
    super::output::settings(&translated.text());
    Ok(())
}

#[cfg(not(feature = "uci"))]
pub fn translate(_: &std::path::Path) -> Result<(), Vec<String>> {
    Err(vec![format!("--uci: {}", crate::types::spelling::left_out("uci"))])
}
