//! The operator's templates (Jinja2), with the variables of ddns-service.

use super::time::Time;
use super::News;
use crate::server::config::Email;
use crate::server::store::{MailKind, Millis};
use minijinja::value::Value;
use minijinja::{context, Environment, Error};
use std::path::Path;

/// Steps that one template may take. The examples take fewer than 100.
const FUEL: u64 = 100_000;
/// The longest template file and the longest text that comes of one, in bytes.
const LONGEST_FILE: u64 = 256 * 1024;
const LONGEST_TEXT: usize = 256 * 1024;
/// A first line of a template that begins so is the mail's subject.
const SUBJECT: &str = "Subject:";

/// Both templates, parsed.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

/// A rendered mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// One line without control characters.
    pub subject: String,
    pub body: String,
}

impl Templates {
    /// Reads the templates that the configuration names, and tries them.
    ///
    /// # Errors
    /// For each template that cannot be used: its key in `[email]`, and why.
    pub fn load(email: &Email) -> Result<Templates, Vec<(&'static str, String)>> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        // A mail is plain text, whatever the file is called.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut problems = Vec::new();
        let kinds = [
            ("change_notification_template", MailKind::Change, &email.change_template),
            ("expiry_notification_template", MailKind::Expiry, &email.expiry_template),
        ];
        for (key, kind, file) in kinds {
            let Some(file) = file else { continue };
            let loaded = read(file).and_then(|source| {
                environment.add_template_owned(kind.name(), source).map_err(|error| in_file(file, &error))
            });
            if let Err(why) = loaded {
                problems.push((key, why));
            }
        }
        let templates = Templates { environment };
        for (key, kind, file) in kinds {
            let Some(file) = file else { continue };
            if problems.iter().any(|(known, _)| *known == key) {
                continue;
            }
            if let Some(error) = trials().iter().find_map(|news| templates.render(kind, news).err()) {
                problems.push((key, in_file(file, &error)));
            }
        }
        match problems.is_empty() {
            true => Ok(templates),
            false => Err(problems),
        }
    }

    /// The mail. A template that fails gives the plain text, and why.
    pub(super) fn text(&self, kind: MailKind, news: &News) -> (Text, Option<String>) {
        match self.render(kind, news) {
            Ok(text) => (text, None),
            Err(error) => {
                let text = Text { subject: news.subject(kind), body: news.plain(kind) };
                (text, Some(format!("{} template: {error:#}", kind.name())))
            }
        }
    }

    fn render(&self, kind: MailKind, news: &News) -> Result<Text, Error> {
        let body = self.environment.get_template(kind.name())?.render(variables(kind, news))?;
        if body.len() > LONGEST_TEXT {
            let kind = minijinja::ErrorKind::InvalidOperation;
            return Err(Error::new(kind, format!("the text is longer than {LONGEST_TEXT} bytes")));
        }
        let headed = body.strip_prefix(SUBJECT).map(|rest| rest.split_once('\n').unwrap_or((rest, "")));
        let (subject, body) = match headed {
            Some((subject, body)) => (subject.trim().to_string(), body.trim_start_matches(['\r', '\n']).to_string()),
            None => (news.subject(kind), body.clone()),
        };
        // No header can be added by a name or a template.
        let subject = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        Ok(Text { subject, body })
    }
}

fn read(file: &Path) -> Result<String, String> {
    let length = std::fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?.len();
    if length > LONGEST_FILE {
        return Err(format!("{}: longer than {LONGEST_FILE} bytes", file.display()));
    }
    std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn in_file(file: &Path, error: &Error) -> String {
    match error.line() {
        Some(line) => format!("{}:{line}: {error}", file.display()),
        None => format!("{}: {error}", file.display()),
    }
}

/// The variables of ddns-service's documentation. What is absent is `none`.
fn variables(kind: MailKind, news: &News) -> Value {
    let time = |millis: Millis| Time::of(millis).map_or(Value::from(()), Value::from_object);
    let ipv4 = news.ipv4.address.map(|address| address.to_string());
    let ipv6 = news.ipv6.address.map(|address| address.to_string());
    let common = context! {
        hostname => news.hostname(),
        zone => news.zone.as_str(),
        fqdn => news.fqdn.as_str(),
        last_ipv4_update => time(news.ipv4.updated),
        last_ipv6_update => time(news.ipv6.updated),
        expiry_ttl => news.expiry_ttl,
    };
    match kind {
        MailKind::Change => context! {
            ipv4_changed => news.ipv4.affected,
            ipv4 => ipv4,
            ipv6_changed => news.ipv6.affected,
            ipv6 => ipv6,
            ..common
        },
        MailKind::Expiry => context! {
            ipv4_expired => news.ipv4.affected,
            last_ipv4 => ipv4,
            ipv6_expired => news.ipv6.affected,
            last_ipv6 => ipv6,
            ..common
        },
    }
}

/// Mails with which a template is tried: each family alone, and both.
fn trials() -> Vec<News> {
    let part = |v4: bool, v6: bool| News {
        fqdn: "home.dyn.example".to_string(),
        zone: "dyn.example".to_string(),
        expiry_ttl: 3600,
        ipv4: super::Family {
            affected: v4,
            address: v4.then_some([192, 0, 2, 1].into()),
            updated: if v4 { 1_795_173_667_000 } else { 0 },
        },
        ipv6: super::Family {
            affected: v6,
            address: v6.then_some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()),
            updated: if v6 { 1_795_173_667_000 } else { 0 },
        },
    };
    vec![part(true, false), part(false, true), part(true, true)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(change: &Path) -> Email {
        Email {
            smtp_host: "localhost".into(),
            smtp_port: 25,
            smtp_starttls: false,
            from_address: "ddns@example.com".into(),
            change_template: Some(change.to_path_buf()),
            expiry_template: None,
        }
    }

    fn load(source: &str) -> Result<Templates, Vec<(&'static str, String)>> {
        let file = std::env::temp_dir().join(format!("homing-template-{}", crate::server::store::Id::new()));
        std::fs::write(&file, source).unwrap();
        let loaded = Templates::load(&email(&file));
        std::fs::remove_file(&file).unwrap();
        loaded
    }

    #[test]
    fn a_template_sees_the_variables_of_ddns_service() {
        let source = "{{ hostname }} {{ zone }} {{ fqdn }} {{ ipv4_changed }} {{ ipv4 }} {{ last_ipv4_update }} \
                      {% if ipv6 %}{{ ipv6 }}{% else %}no IPv6{% endif %} {{ ipv6_changed }} {{ last_ipv6_update }} \
                      {{ expiry_ttl }} {{ fqdn.upper() }} {{ last_ipv4_update.strftime('%d.%m.%Y') if last_ipv4_update }}";
        let templates = load(source).unwrap();
        let (text, problem) = templates.text(MailKind::Change, &trials()[0]);
        assert_eq!(problem, None);
        assert_eq!(
            text.body,
            "home dyn.example home.dyn.example True 192.0.2.1 2026-11-20 11:21:07 no IPv6 False None 3600 \
             HOME.DYN.EXAMPLE 20.11.2026"
        );
        assert_eq!(text.subject, "home.dyn.example: address changed");
    }

    #[test]
    fn the_first_line_may_be_the_subject() {
        let (text, _) = load("Subject: {{ fqdn }}\u{7}!\n\nHello\n").unwrap().text(MailKind::Change, &trials()[0]);
        assert_eq!(text, Text { subject: "home.dyn.example !".into(), body: "Hello".into() });
    }

    #[test]
    fn a_broken_template_is_named_with_its_key_and_line() {
        for source in [
            "\n{% if %}",
            "{{ fqdn.nosuch() }}",
            "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
        ] {
            let problems = load(source).unwrap_err();
            assert_eq!((problems.len(), problems[0].0), (1, "change_notification_template"), "{source}: {problems:?}");
        }
    }

    #[test]
    fn what_fails_later_is_sent_as_plain_text() {
        let templates = load("{{ ipv4.split('.')[9].upper() if hostname == 'odd' else 'x' }}").unwrap();
        let mut news = trials().remove(0);
        news.fqdn = "odd.dyn.example".to_string();
        let (text, problem) = templates.text(MailKind::Change, &news);
        assert!(problem.is_some());
        assert!(text.body.contains("odd.dyn.example") && text.body.contains("192.0.2.1 (changed)"), "{}", text.body);
    }
}
