use super::*;

fn one(reading: &Reading, body: &str) -> char {
    match reading.judge(200, body, &[]).result {
        UpdateResult::Updated => 'u',
        UpdateResult::Unchanged => '=',
        UpdateResult::Rejected { .. } => 'r',
        _ => 'l',
    }
}

#[test]
fn a_text_stands_where_it_must() {
    let ok = Reading::of("OK", "", "ERROR");
    for (body, want) in
        [("ok", 'u'), (" OK 1.2.3.4\n", 'u'), ("okay", 'l'), ("not OK", 'l'), ("error", 'r'), ("", 'l'), ("good", 'l')]
    {
        assert_eq!(one(&ok, body), want, "{body}");
    }
    let xml = Reading::of("*<ErrCount>0</ErrCount>", "", "*<Err1>");
    assert_eq!(one(&xml, "<?xml?><i><errcount>0</errcount></i>"), 'u');
    assert_eq!(one(&xml, "<html>0</html>"), 'l');
    assert_eq!(one(&Reading::of("*", "", ""), ""), 'u');
    assert_eq!(one(&Reading::of("*", "", ""), "badauth"), 'r', "the words of dyndns2 that say no always count");
}

#[test]
fn the_address_that_was_sent_says_yes() {
    let echo = Reading::of("{ip}", "", "");
    let said = ["2620:fe::fe".parse().expect("good"), "198.41.0.4".parse().expect("good")];
    for (body, yes) in [
        ("a.goip.de is 198.41.0.4.", true),
        ("<b>198.41.0.4</b>", true),
        ("IP:198.41.0.4", true),
        ("now 2620:00fe:0:0:0:0:0:fe!", true),
        ("198.41.0.45", false),
        ("1198.41.0.4", false),
        ("192.0.2.1", false),
        ("", false),
    ] {
        assert_eq!(echo.judge(200, body, &said).result == UpdateResult::Updated, yes, "{body}");
    }
}

#[test]
fn a_member_of_json_is_one_by_value() {
    let json = Reading::of("json:status=200, json:ok=true", "json:result=Same", "json:code=2");
    for (body, want) in [
        ("{\"status\": 200}", 'u'),
        ("{\"status\":\"200\"}", 'u'),
        ("{\"ok\":true}", 'u'),
        ("{\"result\":\"same\",\"ok\":true}", '='),
        ("{\"code\":2}", 'r'),
        ("{\"status\":2000}", 'l'),
        ("{\"a\":{\"status\":200}}", 'l'),
        ("{\"ok\":true,\"error\":\"no such host\"}", 'l'),
        ("status=200", 'l'),
    ] {
        assert_eq!(one(&json, body), want, "{body}");
    }
}

#[test]
fn without_texts_the_words_of_dyndns2_count() {
    let words = Reading::of("", "", "");
    assert_eq!(one(&words, "good 198.41.0.4"), 'u');
    assert_eq!(one(&words, "nochg"), '=');
    assert_eq!(one(&words, "<html>good</html>"), 'l');
}

/// The facts of a service by its conversations (`service.txt`), else of its protocol.
fn fact(service: &str, protocol: &str, name: &str) -> Option<String> {
    let read = |folder: &str| {
        let path = format!("{}/tests/conversations/{folder}/service.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")).map(str::to_string));
        line
    };
    read(service).or_else(|| read(protocol))
}

/// Replies that are no success, made from a service's own success and from the texts in it that say so.
fn negative_replies(yes: &str, marks: &[String]) -> Vec<(&'static str, u16, String)> {
    let mut replies = vec![
        ("empty", 200, String::new()),
        ("a page", 200, "<html><head><title>Maintenance</title></head><body>Back soon</body></html>".to_string()),
        ("a page with the address", 200, "<html><body>Your address is 198.41.0.4</body></html>".to_string()),
        ("the address in an error", 200, "Error: 198.41.0.4 could not be set".to_string()),
        ("the host in an error", 200, "Hostname a.example.com does not exist (198.41.0.4)".to_string()),
        ("badauth", 200, "badauth".to_string()),
        ("KO", 200, "KO".to_string()),
        ("JSON error", 200, r#"{"status":"error","ip":"198.41.0.4","error":"no such host"}"#.to_string()),
        ("server error", 500, yes.to_string()),
        ("redirect", 302, yes.to_string()),
        ("not found", 404, yes.to_string()),
    ];
    let lower = yes.to_ascii_lowercase();
    for mark in marks {
        let Some(at) = lower.find(&mark.to_ascii_lowercase()) else { continue };
        // Within `>OK<` the prefix goes before the first letter.
        let at = at + mark.len() - mark.trim_start_matches(|c: char| !of_a_word(c)).len();
        let (before, rest) = yes.split_at(at);
        for (kind, prefix) in [("un", "un"), ("not", "not "), ("Not", "Not "), ("ERROR", "ERROR: "), ("x", "x")] {
            replies.push((kind, 200, format!("{before}{prefix}{rest}")));
        }
        // `200` becomes `2002`, and a word longer.
        let end = at + mark.trim_matches(|c: char| !of_a_word(c)).len();
        let last = &yes[..end];
        let longer = if last.ends_with(|c: char| c.is_ascii_digit()) { "2" } else { "x" };
        replies.push(("longer", 200, format!("{last}{longer}{}", &yes[end..])));
    }
    replies
}

#[test]
#[cfg_attr(not(all(feature = "tls", feature = "template")), ignore = "needs all services")]
fn no_preset_takes_a_negative_reply_for_a_success() {
    let sent = ["198.41.0.4".parse().expect("an address")];
    let (mut wrong, mut played) = (Vec::new(), 0);
    for (name, _) in crate::provider::built_ins("preset") {
        let preset = crate::provider::built_in(&format!("preset:{name}")).expect(name);
        let protocol = preset.get("protocol").map_or("", |entry| entry.value.as_str()).to_string();
        if !["template", "dyndns2"].contains(&protocol.as_str()) {
            continue;
        }
        let facts = SectionReader::new(&preset, None);
        let reading = Reading::new(&facts).expect(name);
        let read = |status: u16, body: &str| {
            // As `requests::by_status` has it: outside of 2xx a body can reject, and never says yes.
            match status {
                200..=299 => reading.judge(status, body, &sent).result,
                _ => reading.refusal(status, body).map_or(UpdateResult::later(""), |answer| answer.result),
            }
        };
        let success = |result: &UpdateResult| matches!(result, UpdateResult::Updated | UpdateResult::Unchanged);
        let yes = fact(name, &protocol, "updated").unwrap_or_default();
        let yes = yes.replace("{ip}", "198.41.0.4").replace("{host}", "a.example.com").replace("\\n", "\n");
        let by_status = yes.starts_with('(') || yes.is_empty();
        let success_key = preset.get("success").map(|entry| entry.value.as_str());
        let status_only = by_status || success_key == Some("*");
        if !by_status {
            assert!(success(&read(200, &yes)), "{name} does not take its own success: {yes}");
        }
        let texts = success_key.unwrap_or("good").split(", ").filter(|text| !["*", "{ip}"].contains(text));
        let marks: Vec<String> = texts
            .filter(|text| !text.starts_with("json:"))
            .map(|text| match text.strip_prefix("xml:").and_then(|pair| pair.split_once('=')) {
                Some((element, value)) => format!("<{element}>{value}<"),
                None => text.trim_start_matches('*').to_string(),
            })
            .collect();
        for (kind, status, no) in negative_replies(if by_status { "ok" } else { &yes }, &marks) {
            played += 1;
            // Where nothing but the status counts, an empty reply is a success.
            let empty = status_only && kind == "empty";
            if !empty && success(&read(status, &no)) {
                wrong.push(format!("{name}: {kind}: {no}"));
            }
        }
    }
    assert!(played > 1000, "{played}");
    assert_eq!(wrong, Vec::<String>::new());
}
