//! UPnP (Internet Gateway Device, service WANIPConnection or WANPPPConnection): look for the router's description
//! (SSDP), find in it where its connection is controlled, and ask GetExternalIPAddress there (SOAP).
//! Anyone at home may answer a search. Only the router is listened to, and only at its own address is it asked on.

use crate::net::http::{quoted, Http, Method, Reply, Request, RequestError, Url};
use crate::types::address::{self, Family};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

/// Where devices listen for searches (UPnP Device Architecture 1.1, §1.3.2).
const SEARCHED: (Ipv4Addr, u16) = (Ipv4Addr::new(239, 255, 255, 250), 1900);
const SEARCH: &str = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
                      ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n";
/// The same is sent so often, so far apart: datagrams get lost, and devices wait up to MX seconds.
const SEARCHES: [Duration; 3] = [Duration::from_millis(700), Duration::from_millis(1_500), Duration::from_secs(3)];
/// Bytes of a description; the larger ones of the trade have some thirty thousand.
const LARGEST: usize = 64 * 1024;
/// A router has one connection that is up, or few.
const MOST_CONNECTIONS: usize = 4;
const CONNECTIONS: [&str; 3] = [
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
];

pub fn ask(router: IpAddr, url: Option<&Url>, until: Instant, http: &Http<'_>) -> Result<Ipv4Addr, String> {
    let url = match url {
        Some(url) => url.clone(),
        None => search(router, until)?,
    };
    let mut get = Request::get(url.clone());
    get.cap = LARGEST;
    let reply = fetch(&get, until, http)?;
    if reply.status != 200 {
        return Err(reply.status_line());
    }
    let mut met = None;
    for (service, control) in connections(&reply.body, &url)? {
        match external(service, control?, until, http) {
            Ok(address) => return Ok(address),
            Err(why) => met = Some(why),
        }
    }
    Err(met.unwrap_or_else(|| "its description names no connection to the Internet".to_string()))
}

fn fetch(request: &Request, until: Instant, http: &Http<'_>) -> Result<Reply, String> {
    http.until(until).fetch(request).map_err(|fault: RequestError| fault.to_string())
}

/// The place of the router's description.
fn search(router: IpAddr, until: Instant) -> Result<Url, String> {
    let told = |error: std::io::Error| crate::net::http::plain(&error);
    // A multicast leaves by the interface whose address it is sent from: ours towards the router.
    let ours = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((router, SEARCHED.1))?;
        socket.local_addr()
    });
    let socket = UdpSocket::bind((ours.map_err(told)?.ip(), 0)).map_err(told)?;
    let (mut pauses, mut elsewhere) = (SEARCHES.iter(), None);
    let mut buffer = [0; 2048];
    while Instant::now() < until {
        // Some routers hear only what is sent to all, some access points pass on only what is sent to one.
        let sent = [(IpAddr::from(SEARCHED.0), SEARCHED.1), (router, SEARCHED.1)];
        let sent = sent.map(|to| socket.send_to(SEARCH.as_bytes(), to));
        if let [Err(error), Err(_)] = sent {
            return Err(told(error));
        }
        let next = pauses.next().map_or(until, |pause| until.min(Instant::now() + *pause));
        while let Some(left) = next.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            socket.set_read_timeout(Some(left)).map_err(told)?;
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
            if from.ip() != router {
                continue;
            }
            match location(&buffer[..length]) {
                Some(url) if url.literal() == Some(router) && !url.secure() => return Ok(url),
                Some(_) => elsewhere = Some("its answer points to another machine"),
                None => {}
            }
        }
    }
    Err(elsewhere.unwrap_or("no answer in time").to_string())
}

/// LOCATION out of an answer to a search.
fn location(packet: &[u8]) -> Option<Url> {
    let text = std::str::from_utf8(packet).ok()?;
    let mut lines = text.split("\r\n");
    lines.next().filter(|first| first.starts_with("HTTP/1.1 200"))?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let (_, value) = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    Url::parse(value.trim()).ok()
}

/// A connection's service, and where it is controlled.
type Connection<'a> = (&'a str, Result<Url, String>);

/// The connections that a description names.
fn connections<'a>(description: &'a str, url: &Url) -> Result<Vec<Connection<'a>>, String> {
    let base = match element(description, "URLBase").filter(|base| !base.is_empty()) {
        Some(base) => at_home(base, url)?,
        None => url.clone(),
    };
    let services = description.split("<service>").skip(1);
    let services = services.filter_map(|rest| rest.split("</service>").next()).filter_map(|service| {
        let kind = element(service, "serviceType")?;
        CONNECTIONS.contains(&kind).then(|| (kind, element(service, "controlURL")))
    });
    let found = services.take(MOST_CONNECTIONS).map(|(kind, control)| {
        let control = control.ok_or_else(|| "its description says not where to ask".to_string());
        (kind, control.and_then(|control| at_home(&resolved(control, &base), url)))
    });
    Ok(found.collect())
}

/// The text between the first tag of this name and its end. Descriptions are written by machines, without attributes.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inside, _)| inside.trim())
}

/// A reference taken as seen from a base (RFC 3986 §5.2, as far as routers go).
fn resolved(reference: &str, base: &Url) -> String {
    let reference = reference.replace("&amp;", "&");
    if reference.contains("://") {
        return reference;
    }
    let folder = base.resource().split('?').next().and_then(|path| path.rsplit_once('/')).map_or("", |(path, _)| path);
    match reference.starts_with('/') {
        true => format!("http://{}{reference}", base.authority()),
        false => format!("http://{}{folder}/{reference}", base.authority()),
    }
}

/// A URL on the machine of the description; at another port it may be.
fn at_home(text: &str, url: &Url) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(found) if found.literal() == url.literal() && !found.secure() => Ok(found),
        Ok(_) => Err("its description points to another machine".to_string()),
        Err(why) => Err(format!("its description holds a bad URL: {why}")),
    }
}

/// GetExternalIPAddress (UPnP IGD, WANIPConnection:1 §2.4.18).
fn external(service: &str, control: Url, until: Instant, http: &Http<'_>) -> Result<Ipv4Addr, String> {
    let mut post = Request::get(control);
    post.method = Method::Post;
    post.headers = vec![
        ("Content-Type", "text/xml; charset=\"utf-8\"".to_string()),
        ("SOAPAction", format!("\"{service}#GetExternalIPAddress\"")),
    ];
    post.body = Some(format!(
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:GetExternalIPAddress \
         xmlns:u=\"{service}\"></u:GetExternalIPAddress></s:Body></s:Envelope>\r\n"
    ));
    let reply = fetch(&post, until, http)?;
    if let Some(code) = element(&reply.body, "errorCode") {
        let words = element(&reply.body, "errorDescription").unwrap_or_default();
        return Err(format!("the router said {} {}", quoted(code), quoted(words)));
    }
    if reply.status != 200 {
        return Err(reply.status_line());
    }
    let text = element(&reply.body, "NewExternalIPAddress")
        .ok_or_else(|| format!("no address in the answer: {}", quoted(&reply.body)))?;
    match address::parse(text, Family::V4) {
        Ok(IpAddr::V4(address)) => Ok(address),
        _ if text.is_empty() => Err("the router has no address now".to_string()),
        _ => Err(format!("not an IPv4 address: {}", quoted(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn service(kind: &str, control: &str) -> String {
        format!("<service><serviceType>{kind}</serviceType><controlURL>{control}</controlURL></service>")
    }

    #[test]
    fn the_control_url_is_found_at_home_and_nowhere_else() {
        let at = url("http://192.168.1.1:5000/igd/root.xml?x=/y");
        let of = |control: &str, base: &str| {
            let text = format!(
                "<root>{base}{}{}</root>",
                service("urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1", "/no"),
                service(CONNECTIONS[1], control)
            );
            let found = connections(&text, &at).map(|found| found.into_iter().map(|(_, url)| url).collect::<Vec<_>>());
            found.and_then(|mut found| found.remove(0)).map(|url| url.to_string())
        };
        assert_eq!(of("/ctl/IPConn", "").as_deref(), Ok("http://192.168.1.1:5000/ctl/IPConn"));
        assert_eq!(of("ctl?a=1&amp;b=2", "").as_deref(), Ok("http://192.168.1.1:5000/igd/ctl?a=1&b=2"));
        assert_eq!(of("http://192.168.1.1:49152/c", "").as_deref(), Ok("http://192.168.1.1:49152/c"));
        let base = "<URLBase>http://192.168.1.1:80</URLBase>";
        assert_eq!(of("/c", base).as_deref(), Ok("http://192.168.1.1/c"));
        for bad in [
            "http://192.168.1.2/c",
            "https://192.168.1.1/c",
            "http://router/c",
            "//x y",
            "/a\r\nb",
            "http://u@192.168.1.1/",
        ] {
            assert!(of(bad, "").is_err(), "{bad}");
        }
        assert!(of("/c", "<URLBase>http://10.0.0.1/</URLBase>").is_err());
        assert!(connections(&"<service>".repeat(7000), &at).unwrap().is_empty());
        let many = service(CONNECTIONS[0], "/c").repeat(50);
        assert_eq!(connections(&many, &at).unwrap().len(), MOST_CONNECTIONS);
    }

    #[test]
    fn a_location_is_taken_from_a_proper_answer() {
        let answer = |head: &str| location(head.as_bytes()).map(|url| url.to_string());
        let good = "HTTP/1.1 200 OK\r\nST: x\r\nLocation:http://192.168.1.1:5000/rootDesc.xml\r\n\r\n";
        assert_eq!(answer(good).as_deref(), Some("http://192.168.1.1:5000/rootDesc.xml"));
        for bad in [
            "",
            "HTTP/1.1 200 OK",
            "NOTIFY * HTTP/1.1\r\nLOCATION: http://1.2.3.4/\r\n\r\n",
            "HTTP/1.1 200 OK\r\nLOCATION: ftp://x/\r\n",
        ] {
            assert_eq!(answer(bad), None, "{bad}");
        }
        assert_eq!(location(&[0xff; 2048]), None);
    }

    #[test]
    fn elements_are_read_without_a_parser() {
        assert_eq!(element("<a> x </a>", "a"), Some("x"));
        for text in ["", "<a>", "</a>", "<a></b>", "<ab>x</ab>"] {
            assert_eq!(element(text, "a"), None, "{text}");
        }
    }
}
