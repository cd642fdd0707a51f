//! The reply's format, chosen by the `Accept` header (RFC 9110, section 12.5.1).

/// Whether the client prefers `application/json` to `text/plain`. Text is the default, also for `*/*`: what reads JSON
/// says so. Of two that are equally welcome the one that is named wins, and of two that are named the first.
pub fn prefers_json<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let (mut json, mut text) = (None, None);
    for (place, range) in lines.flat_map(|line| line.split(',')).enumerate() {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or("").to_ascii_lowercase();
        let quality = parts.find_map(quality).unwrap_or(1000);
        // How exactly it names the format, then how early.
        let rank = |exact: u32| Rank { exact, quality, place };
        match media.as_str() {
            "application/json" => keep(&mut json, rank(2)),
            "text/plain" => keep(&mut text, rank(2)),
            "application/*" => keep(&mut json, rank(1)),
            "text/*" => keep(&mut text, rank(1)),
            "*/*" => keep(&mut text, rank(0)),
            _ => {}
        }
    }
    match (json, text) {
        (None, _) => false,
        (Some(json), None) => json.quality > 0,
        (Some(json), Some(text)) => {
            let key = |rank: &Rank| (rank.quality, rank.exact, usize::MAX - rank.place);
            json.quality > 0 && key(&json) > key(&text)
        }
    }
}

struct Rank {
    exact: u32,
    quality: u32,
    place: usize,
}

/// The most exact range decides about a format.
fn keep(kept: &mut Option<Rank>, rank: Rank) {
    if kept.as_ref().is_none_or(|known| rank.exact > known.exact) {
        *kept = Some(rank);
    }
}

/// `q=0.5` in thousandths; what cannot be read counts as zero.
fn quality(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| {
        let value = value.trim().parse::<f32>().ok().filter(|value| (0.0..=1.0).contains(value));
        value.map_or(0, |value| (value * 1000.0) as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_prefer_it() {
        for (lines, json) in [
            (&[][..], false),
            (&[""], false),
            (&["*/*"], false),
            (&["application/json"], true),
            (&["Application/JSON; charset=utf-8"], true),
            (&["application/json, */*"], true),
            (&["application/json, text/plain, */*"], true),
            (&["text/plain, application/json"], false),
            (&["text/plain;q=0.5, application/json"], true),
            (&["application/json;q=0.5, text/plain"], false),
            (&["application/json;q=0.5, */*;q=0.1"], true),
            (&["application/json;q=0.5, */*"], false),
            (&["application/json;q=0"], false),
            (&["application/json;q=x"], false),
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], false),
            (&["application/*"], true),
            (&["text/html", "application/json"], true),
            (&["application/jsonp"], false),
        ] {
            assert_eq!(prefers_json(lines.iter().copied()), json, "{lines:?}");
        }
    }
}
