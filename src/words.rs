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
    match meant(word, words) {
        hint if hint.is_empty() => " (homing --list names those there are)".to_string(),
        hint => hint,
    }
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
