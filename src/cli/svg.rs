//! The history as a picture (SVG 1.1, W3C): a strip for each family, a block for each time with one address, the same
//! colour for the same address. Pure: periods in, text out. It needs no font, script or file of others, and no more
//! blocks than it has pixels.

use crate::store::history::{Period, Summary};
use crate::sys::clock::{self, Timestamp};
use std::net::IpAddr;

/// All in pixels.
const WIDTH: i64 = 960;
const LEFT: i64 = 20;
const STRIP: i64 = WIDTH - 2 * LEFT;
const HEIGHT: i64 = 36;
/// From one family's strip to the next: its heading, the blocks, the dates below them.
const ROW: i64 = 100;
/// About what a letter of a label takes.
const LETTER: i64 = 7;
/// Told apart on paper without colours, and by most who see few of them.
const COLOURS: [&str; 6] = ["#8fb3d9", "#f6c85f", "#9fd0cb", "#c9a0c0", "#e9a26b", "#8cb369"];
/// Seconds between two dates below a strip: the first that leaves room for their text.
const STEPS: [i64; 10] = [
    3_600,
    21_600,
    86_400,
    7 * 86_400,
    28 * 86_400,
    91 * 86_400,
    182 * 86_400,
    364 * 86_400,
    1_820 * 86_400,
    3_640 * 86_400,
];
const MOST_DATES: i64 = 8;

/// Draws the periods as they stand at `now`. What a clock that was not right tells of is counted and not drawn.
pub fn draw(periods: &[Period], summaries: &[Summary], now: Timestamp) -> String {
    let height = LEFT + ROW * i64::try_from(summaries.len().max(1)).unwrap_or(1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>the addresses we had</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    if summaries.is_empty() {
        text(&mut svg, LEFT, 2 * LEFT, "no address yet");
    }
    for (row, summary) in summaries.iter().enumerate() {
        let own: Vec<&Period> = periods.iter().filter(|period| period.family == summary.family).collect();
        strip(&mut svg, &own, summary, LEFT + ROW * i64::try_from(row).unwrap_or(0), now);
    }
    svg.push_str("</svg>\n");
    svg
}

/// The periods of one family, its heading above, dates below.
fn strip(svg: &mut String, periods: &[&Period], summary: &Summary, top: i64, now: Timestamp) {
    let drawn: Vec<&Period> = periods.iter().copied().filter(|period| period.held(now).is_some()).collect();
    let plural = if summary.changes == 1 { "" } else { "s" };
    let (longest, mean) = (clock::length(summary.longest), clock::length(summary.mean));
    let mut heading =
        format!("{}: {} change{plural}, longest {longest}, mean {mean}", summary.family.prose(), summary.changes);
    if drawn.len() < periods.len() {
        heading.push_str(&format!("; {} not drawn, for the clock was not right", periods.len() - drawn.len()));
    }
    text(svg, LEFT, top + 12, &heading);
    let Some(from) = drawn.iter().map(|period| period.from).min() else { return };
    let length = (now - from).max(1);
    let x = |at: Timestamp| LEFT + (at.clamp(from, now) - from).saturating_mul(STRIP) / length;

    let top = top + 20;
    let mut known: Vec<IpAddr> = drawn.iter().map(|period| period.address).collect();
    known.sort_unstable();
    known.dedup();
    let mut last = None;
    for period in drawn {
        let colour = known.binary_search(&period.address).unwrap_or(0);
        let (left, right) = (x(period.from), x(period.until.unwrap_or(now)));
        let width = (right - left).max(1);
        if width == 1 && last == Some(left) {
            continue;
        }
        last = Some(left);
        let address = period.address.to_string();
        let until = period.until.map_or("now".to_string(), clock::stamp);
        svg.push_str(&format!(
            "<g><title>{address} from {} until {until}</title><rect x=\"{left}\" y=\"{top}\" width=\"{width}\" \
             height=\"{HEIGHT}\" fill=\"{}\" stroke=\"#fff\" stroke-width=\".5\"/>",
            clock::stamp(period.from),
            COLOURS[colour % COLOURS.len()]
        ));
        if i64::try_from(address.len()).is_ok_and(|letters| letters * LETTER + 8 <= width) {
            text(svg, left + 5, top + 22, &address);
        }
        svg.push_str("</g>\n");
    }
    dates(svg, from, now, top + HEIGHT, x);
}

fn dates(svg: &mut String, from: Timestamp, now: Timestamp, top: i64, x: impl Fn(Timestamp) -> i64) {
    let step = STEPS.into_iter().find(|step| (now - from) / step < MOST_DATES).unwrap_or((now - from) / MOST_DATES + 1);
    let mut at = from - from.rem_euclid(step) + step;
    // A history of less than an hour has no full one: it is told where it begins.
    if at > now {
        at = from;
    }
    while at <= now {
        let stamp = clock::stamp(at);
        let label = match step < 86_400 {
            true => format!("{} {}", &stamp[5..10], &stamp[11..16]),
            false => stamp[..10].to_string(),
        };
        let (x, bottom) = (x(at), top + 5);
        svg.push_str(&format!("<path d=\"M{x} {top}V{bottom}\" stroke=\"#444\"/>\n"));
        text(svg, x.min(WIDTH - LEFT - 10 * LETTER), top + 18, &label);
        at += step;
    }
}

/// A label. All that is written is ours: addresses, numbers and stamps need no escaping.
fn text(svg: &mut String, x: i64, y: i64, label: &str) {
    svg.push_str(&format!("<text x=\"{x}\" y=\"{y}\" fill=\"#222\">{label}</text>\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::history::summaries;
    use crate::types::address::Family;

    const NOW: Timestamp = 1_795_176_000;

    fn period(address: &str, from: Timestamp, until: Option<Timestamp>) -> Period {
        let address: IpAddr = address.parse().expect("good");
        Period { family: Family::of(address), address, from, until, source: "x".to_string() }
    }

    fn drawn(periods: &[Period]) -> String {
        draw(periods, &summaries(periods, NOW), NOW)
    }

    #[test]
    fn blocks_are_as_long_as_the_times_they_stand_for() {
        let day = 86_400;
        let svg = drawn(&[
            period("9.9.9.9", NOW - 4 * day, Some(NOW - 3 * day)),
            period("8.8.8.8", NOW - 3 * day, Some(NOW - day)),
            period("9.9.9.9", NOW - day, None),
            period("2620:fe::fe", NOW - day, None),
        ]);
        for (x, width, colour) in [(20, 230, 1), (250, 460, 0), (710, 230, 1), (20, 920, 0)] {
            let block = format!("<rect x=\"{x}\" y=");
            let found = svg
                .lines()
                .filter(|line| line.contains(&block))
                .any(|line| line.contains(&format!(" width=\"{width}\"")) && line.contains(COLOURS[colour]));
            assert!(found, "{x} {width}\n{svg}");
        }
        assert_eq!(svg.matches("<g>").count(), svg.matches("</g>").count());
        assert!(svg.contains("IPv4: 2 changes, longest 2 d") && svg.contains("IPv6: 0 changes"), "{svg}");
        assert!(svg.contains(">2026-11-17</text>"), "{svg}");
    }

    #[test]
    fn any_history_gives_a_picture_of_bounded_size() {
        assert!(drawn(&[]).contains("no address yet"));
        let many: Vec<Period> = (0..50_000)
            .map(|i| period(&format!("9.9.{}.{}", i / 256 % 256, i % 256), NOW - 50_000 + i, Some(NOW - 49_999 + i)))
            .collect();
        assert!(drawn(&many).len() < 400_000);
        // No clock, all in one second, the future, the far past.
        for from in [0, NOW, NOW + 5, 1_577_836_801] {
            let svg = drawn(&[period("9.9.9.9", from, None)]);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(svg.len() < 4_000, "{svg}");
        }
        assert!(drawn(&[period("9.9.9.9", 5, None)]).contains("1 not drawn"));
    }
}
