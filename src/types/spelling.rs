//! Durations such as `5m`, and suggestions for misspelt words.

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

/// The nearest of the words, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let near = words.iter().map(|candidate| (distance(word, candidate), *candidate)).min_by_key(|(far, _)| *far);
    near.filter(|(far, _)| *far <= 1 + word.len() / 4).map(|(_, candidate)| candidate)
}

/// `: did you mean 'x'?` for the nearest of the words, or nothing if none is near.
pub fn meant(word: &str, words: &[&str]) -> String {
    nearest(word, words).map_or(String::new(), |candidate| format!(": did you mean '{candidate}'?"))
}

/// `a, b or c`.
pub fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The same for long lists of names: if none is near, it says where to find them.
pub fn meant_or_listed(word: &str, words: &[&str]) -> String {
    let hint = match meant(word, words) {
        hint if hint.is_empty() && cfg!(feature = "advice") => ": see homing --list".to_string(),
        hint if hint.is_empty() => ": see homing.conf(5)".to_string(),
        hint => hint,
    };
    match cfg!(feature = "tls") {
        true => hint,
        false => format!("{hint}; most services are not included in this build: use one with the Cargo feature 'tls'"),
    }
}

/// The message about something that needs a Cargo feature which this build does not have.
pub fn left_out(feature: &str) -> String {
    format!("not included in this build: use one with the Cargo feature '{feature}'")
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

/// Offending text for a message: escaped, and at most 60 characters of it.
pub fn shown(text: &str) -> String {
    let visible = |text: &str| visible(text).replace("\\\"", "\"").replace("\\'", "'");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", visible(&text[..end])),
        None => visible(text),
    }
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
