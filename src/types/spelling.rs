//! Words and lengths of time as people type them: what `5m` is, and what `pasword` was meant to be.

/// Seconds of `90`, `90s`, `5m`, `2h`, `28d`.
pub fn duration(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A hundred years are enough for anyone and keep all sums far from overflow.
    let seconds = digits.parse::<i64>().ok()?.checked_mul(unit)?;
    (seconds <= 36_525 * 86_400).then_some(seconds)
}

/// `: did you mean 'x'?` for the nearest of the words, or nothing when none is near.
pub fn meant(word: &str, words: &[&str]) -> String {
    let near =
        words.iter().map(|candidate| (distance(word, candidate), candidate)).min_by_key(|(distance, _)| *distance);
    match near {
        Some((distance, candidate)) if distance <= 1 + word.len() / 4 => {
            format!(": did you mean '{candidate}'?")
        }
        _ => String::new(),
    }
}

/// The same for names of which there are too many to tell: where none is near, it says where they stand.
pub fn meant_or_listed(word: &str, words: &[&str]) -> String {
    let hint = match meant(word, words) {
        hint if hint.is_empty() && cfg!(feature = "advice") => " (homing --list names those there are)".to_string(),
        hint if hint.is_empty() => " (homing.conf(5) names those there are)".to_string(),
        hint => hint,
    };
    match cfg!(feature = "tls") {
        true => hint,
        false => format!("{hint}; this build leaves out most services: one with the Cargo feature 'tls' has them"),
    }
}

/// What to tell of something that only a build with a Cargo feature has.
pub fn left_out(feature: &str) -> String {
    format!("this build leaves it out; one with the Cargo feature '{feature}' has it")
}

/// Text from outside with what cannot be seen, and quotes, written as escapes.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii() || unseen(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// Whether a character leaves no trace, or turns the direction of those after it.
pub fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is one of a word's. Of other scripts than ASCII all count but punctuation and signs, and those by
/// their blocks: the tables of all letters are 3 KB.
pub fn of_a_word(c: char) -> bool {
    let signs = matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}');
    c.is_ascii_alphanumeric() || !c.is_ascii() && !signs
}

/// Edit distance with neighbours swapped counted as one (optimal string alignment), case ignored.
fn distance(a: &str, b: &str) -> usize {
    let a = a.to_ascii_lowercase().into_bytes();
    let b = b.to_ascii_lowercase().into_bytes();
    if a.len().abs_diff(b.len()) > 8 || a.len() > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut cost = (row[j] + 1).min(next[j - 1] + 1).min(row[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered() {
        let words = ["password", "password_file", "provider", "hosts"];
        assert_eq!(meant("pasword", &words), ": did you mean 'password'?");
        assert_eq!(meant("paswsord", &words), ": did you mean 'password'?");
        assert_eq!(meant("host", &words), ": did you mean 'hosts'?");
        assert_eq!(meant("zzz", &words), "");
    }

    #[test]
    fn durations_have_units() {
        for (text, want) in [
            ("90", Some(90)),
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("2h", Some(7_200)),
            ("28d", Some(2_419_200)),
            ("", None),
            ("d", None),
            ("-5m", None),
            ("1.5h", None),
            ("5 m", None),
            ("5w", None),
            ("99999999999d", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(duration(text), want, "{text}");
        }
    }
}
