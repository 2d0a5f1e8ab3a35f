//! What counts as a ticket, and the many things that look like one.

use super::*;
use serde_json::json;

fn bash(command: &str, stdout: &str) -> Vec<TicketFact> {
    Tickets::default().of_bash(command, stdout)
}

/// `change id system title priority assigned_to url`, `-` for what is not known.
fn shown(fact: &TicketFact) -> String {
    let change = match &fact.change {
        Change::Created => "+".to_owned(),
        Change::Updated { changed } => format!("~{}", changed.join(",")),
    };
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let rest =
        [&fact.ticket.title, &fact.ticket.priority, &fact.ticket.assigned_to, &fact.ticket.url].map(or);
    format!("{change} {} {} {}", fact.ticket.id, fact.ticket.system, rest.join(" | "))
}

fn told(facts: &[TicketFact]) -> Vec<String> {
    facts.iter().map(shown).collect()
}

const GH: &str = "https://github.com/o/r/issues/7";

#[test]
fn a_line_that_says_so_is_a_ticket() {
    for (stdout, expected) in [
        ("Created ticket: TICKET-123", "+ TICKET-123 text - | - | - | -"),
        ("✅ Created ticket: TSK-0001: Add it", "+ TSK-0001 text Add it | - | - | -"),
        ("  * created Issue AB1-9 – a: b - c  ", "+ AB1-9 text a: b - c | - | - | -"),
        ("\u{1b}[32mCreated bug: AB-1\u{1b}[0m\r", "+ AB-1 text - | - | - | -"),
        (
            "x\nCreated ticket: TICKET-123: Add monitoring\n   Priority: high\n   Assigned to: engineer\nPriority: low",
            "+ TICKET-123 text Add monitoring | high | engineer | -",
        ),
        (
            "Created story: AB-1\n  Type: x\n  URL: https://t/AB-1\n\n  Priority: low",
            "+ AB-1 text - | - | - | https://t/AB-1",
        ),
    ] {
        assert_eq!(told(&bash("./make-ticket.sh", stdout)), [expected], "{stdout}");
    }
}

#[test]
fn a_mere_mention_is_none() {
    for stdout in [
        "",
        "I created ticket: ABC-1",
        "Created ticket ABC-1 yesterday",
        "Created ticket ABC-1 and ABC-2",
        "We created issue ABC-1: no",
        "created ticket: abc-1",
        "Created ticket: ABC",
        "Created ticket: 123",
        "Created ticket:\nABC-1",
        "Created tickets: ABC-1",
        "Create ticket: ABC-1",
        "Recreated ticket: ABC-1",
        "Created ticket: ABC-1-2",
        "Not created ticket: ABC-1",
        "error: Created ticket: ABC-1",
        "Created file: ABC-1",
        "ABC-1 Created ticket",
        GH,
    ] {
        assert_eq!(told(&bash("./run.sh", stdout)), [""; 0], "{stdout}");
    }
    let line = "Created ticket: ABC-1: title";
    for command in [
        "cat notes.md",
        "git log -1",
        "cd x && grep -rn 'Created ticket' . | head -3",
        "gh issue view 5",
        "gh issue list",
        "gh pr create --title x",
        "jira issue view ABC-1",
        "linear issue list",
        "ait status tasks",
        "curl https://x",
    ] {
        assert_eq!(told(&bash(command, line)), [""; 0], "{command}");
    }
    assert_eq!(told(&bash("echo 'Created ticket: ABC-1'", "")), [""; 0]);
}

#[test]
fn addresses_count_where_a_command_creates() {
    let glab = "https://gitlab.com/g/s/r/-/issues/3";
    let jira = "https://x.atlassian.net/browse/AB-12";
    let linear = "https://linear.app/w/issue/ENG-5/slug";
    for (command, stdout, expected) in [
        (
            "gh issue create -t 'Fix it' -b x",
            format!("\n{GH}\n"),
            format!("+ o/r#7 github Fix it | - | - | {GH}"),
        ),
        (
            "cd x && GH_TOKEN=y gh issue create --title=\"A b\" --body \"$(cat <<'EOF'\ngh issue close 4\nEOF\n)\" -aann | tail -1",
            GH.into(),
            format!("+ o/r#7 github A b | - | ann | {GH}"),
        ),
        ("gh issue new -t \"$T\"", GH.into(), format!("+ o/r#7 github - | - | - | {GH}")),
        ("gh -R o/r issue create -t T", GH.into(), format!("+ o/r#7 github T | - | - | {GH}")),
        (
            "U=$(gh issue create -t T); echo \"Created: $U\"",
            format!("Created: {GH}"),
            format!("+ o/r#7 github T | - | - | {GH}"),
        ),
        (
            "gh issue create -t T",
            "https://ghe.corp.example/o/r/issues/8".into(),
            "+ o/r#8 github T | - | - | https://ghe.corp.example/o/r/issues/8".into(),
        ),
        (
            "glab issue create -t T -d x",
            format!("#3 T (now)\n {glab}"),
            format!("+ g/s/r#3 gitlab T | - | - | {glab}"),
        ),
        (
            "jira issue create -tBug -s'A b' -yHigh -a bob --no-input",
            format!("✓ Issue created\n{jira}"),
            format!("+ AB-12 jira A b | High | bob | {jira}"),
        ),
        (
            "linear issue create -t T --priority 2",
            format!("✓ Created issue ENG-5: T\n{linear}"),
            format!("+ ENG-5 linear T | 2 | - | {linear}"),
        ),
        ("linear issue create", "Created issue ENG-5: T".into(), "+ ENG-5 linear T | - | - | -".into()),
        (
            "gh issue edit 7 --add-label a --remove-label b -t N",
            GH.into(),
            format!("~labels,title o/r#7 github N | - | - | {GH}"),
        ),
        (
            "gh issue close 7 -r completed",
            "✓ Closed issue o/r#7 (T)".into(),
            "~state o/r#7 github T | - | - | -".into(),
        ),
        (
            "glab issue update 3 --unassign -l a",
            glab.into(),
            format!("~assigned_to,labels g/s/r#3 gitlab - | - | - | {glab}"),
        ),
        (
            "jira issue move AB-12 Done",
            format!("✓ Issue transitioned to state \"Done\"\n{jira}"),
            format!("~state AB-12 jira - | - | - | {jira}"),
        ),
        (
            "jira issue edit AB-12 -s N --no-input",
            format!("✓ Issue updated\n{jira}"),
            format!("~title AB-12 jira N | - | - | {jira}"),
        ),
    ] {
        assert_eq!(told(&bash(command, &stdout)), [expected], "{command}");
    }
}

#[test]
fn other_commands_and_other_addresses_create_nothing() {
    for command in [
        "gh issue list",
        "gh issue view 7",
        "gh issue status",
        "gh issue comment 7 -b x",
        "gh issue create --web",
        "gh issue create --help",
        "gh pr create -t 'issue create'",
        "gh label create issue",
        "gh api repos/o/r/issues",
        "echo \"gh issue create\"",
        "echo gh issue create",
        "git commit -m 'gh issue create -t x'",
        "bash -c 'gh issue create'",
        "grep -r 'gh issue create' .",
        "# gh issue create\nls",
        "cat <<EOF\ngh issue create\nEOF",
        "mygh issue create",
        "glab issue create",
        "",
    ] {
        assert_eq!(told(&bash(command, GH)), [""; 0], "{command}");
    }
    for stdout in [
        "",
        "https://github.com/o/r/pull/7",
        "https://github.com/o/r/issues",
        "https://github.com/o/r/issues/7#issuecomment-1",
        "https://github.com/o/r/issues/new",
        "see https://github.com/o/r/issues/7",
        "like https://github.com/o/r/issues/7 says",
        "title:\thttps://github.com/o/r/issues/7",
        "https://github.com/o/r/issues/7/x",
        "ftp://github.com/o/r/issues/7",
        "https://u@github.com/o/r/issues/7",
        "o/r#7",
    ] {
        assert_eq!(told(&bash("gh issue create -t T", stdout)), [""; 0], "{stdout}");
    }
}

#[test]
fn several_commands_have_their_own_addresses() {
    let url = |number: u32| format!("https://github.com/o/r/issues/{number}");
    let two = format!("{}\n{}\n{0}", url(1), url(2));
    let (first, second) = (url(1), url(2));
    let command = "gh issue create -t A && gh issue create -t B";
    assert_eq!(
        told(&bash(command, &format!("{first}\n{second}"))),
        [format!("+ o/r#1 github A | - | - | {first}"), format!("+ o/r#2 github B | - | - | {second}")]
    );
    // One failed: nobody knows which title is whose.
    assert_eq!(told(&bash(command, &second)), [format!("+ o/r#2 github - | - | - | {second}")]);
    assert_eq!(bash("gh issue create -t A; gh issue edit 2 -t B", &first), []);
    assert_eq!(bash("for t in a b; do gh issue create -t \"$t\"; done", &two).len(), 2, "each id once");
}

#[test]
fn aitrackdown_draws_a_frame() {
    let frame = "╭─ Task Created ─╮\n│ Task created successfully! │\n│  │\n│ ID: TSK-0001 │\n│ Title: Add it │\n│ Priority: high │\n│ Status: open │\n╰────╯";
    let task = "+ TSK-0001 aitrackdown Add it | high | - | -";
    assert_eq!(told(&bash("aitrackdown create task 'Add it'", frame)), [task]);
    assert_eq!(told(&bash("cat log", frame)), [""; 0]);
    let issue = "Issue created successfully!\n\nID: ISS-0002\nTitle: T\nType: bug\nSeverity: low\nAssignee: Unassigned";
    assert_eq!(told(&bash("ait issue create T", issue)), ["+ ISS-0002 aitrackdown T | low | - | -"]);
    let updated = "│ Issue updated successfully! │\n│ │\n│ ID: ISS-0002 │\n│ Updates applied: status, assignees, metadata │";
    assert_eq!(
        told(&bash("atd issue update ISS-0002 -s x", updated)),
        ["~state,assigned_to ISS-0002 aitrackdown - | - | - | -"]
    );
    assert_eq!(
        told(&bash("ait issue close ISS-2", "Issue ISS-2 closed successfully")),
        ["~state ISS-2 aitrackdown - | - | - | -"]
    );
    assert_eq!(
        told(&bash("ait create task x", "Created ticket: TSK-0001")),
        ["+ TSK-0001 aitrackdown - | - | - | -"]
    );
}

#[test]
fn mcp_answers_are_read_however_they_are_wrapped() {
    let text = |value: Value| json!([{ "type": "text", "text": value.to_string() }]);
    for (tool, input, response, expected) in [
        (
            "mcp__github__create_issue",
            json!({"owner": "o", "repo": "r", "title": "T"}),
            text(json!({"id": 99, "number": 7, "title": "T", "url": "https://api.github.com/repos/o/r/issues/7",
                "html_url": GH, "assignee": {"login": "ann"}})),
            format!("+ o/r#7 github T | - | ann | {GH}"),
        ),
        (
            "mcp__plugin_github_github__issue_write",
            json!({"method": "update", "owner": "o", "repo": "r", "issue_number": 7, "state": "closed"}),
            text(json!({"id": "99", "url": GH})),
            format!("~state o/r#7 github - | - | - | {GH}"),
        ),
        (
            "mcp__gitlab__create_issue",
            json!({"project_id": "g/r", "title": "T"}),
            json!({"content": [{"type": "text", "text": json!({"iid": 4, "id": 1, "title": "T"}).to_string()}]}),
            "+ g/r#4 gitlab T | - | - | -".into(),
        ),
        (
            "mcp__atlassian__createJiraIssue",
            json!({"cloudId": "c", "summary": "S", "projectKey": "AB"}),
            text(json!({"id": "10001", "key": "AB-1", "self": "https://x/rest/api/3/issue/10001"})),
            "+ AB-1 jira S | - | - | -".into(),
        ),
        (
            "mcp__mcp-atlassian__jira_create_issue",
            json!({"summary": "S"}),
            json!(json!({"message": "Issue created successfully", "issue": {"key": "AB-1", "summary": "S",
                "url": "https://x/browse/AB-1", "priority": {"name": "High"}, "assignee": {"display_name": "Bob"}}}).to_string()),
            "+ AB-1 jira S | High | Bob | https://x/browse/AB-1".into(),
        ),
        (
            "mcp__linear__save_issue",
            json!({"title": "T", "team": "ENG"}),
            text(json!({"id": "uuid", "identifier": "ENG-1", "title": "T", "priority": {"value": 2, "name": "High"},
                "assignee": "Bob", "url": "https://linear.app/w/issue/ENG-1/t"})),
            "+ ENG-1 linear T | High | Bob | https://linear.app/w/issue/ENG-1/t".into(),
        ),
        (
            "mcp__linear__save_issue",
            json!({"id": "ENG-1", "stateId": "x"}),
            text(json!({"identifier": "ENG-1", "title": "T"})),
            "~state ENG-1 linear T | - | - | -".into(),
        ),
        (
            "mcp__atlassian__transitionJiraIssue",
            json!({"issueIdOrKey": "AB-1", "transition": {"id": "5"}}),
            json!("Issue transitioned"),
            "~state AB-1 jira - | - | - | -".into(),
        ),
        (
            "mcp__atlassian__editJiraIssue",
            json!({"issueIdOrKey": "AB-1", "cloudId": "c", "fields": {"summary": "N", "assignee": null}}),
            text(json!({"key": "AB-1"})),
            "~title,assigned_to AB-1 jira N | - | - | -".into(),
        ),
        ("mcp__my_desk__create_ticket", json!({"subject": "S"}), json!({"ticket": {"id": 5}}), "+ 5 my_desk S | - | - | -".into()),
        ("mcp__x__create_ticket", json!({}), json!("Created ticket: ABC-1: T"), "+ ABC-1 x T | - | - | -".into()),
    ] {
        assert_eq!(told(&Tickets::default().of_mcp(tool, &input, &response)), [expected], "{tool}");
    }
}

#[test]
fn mcp_tools_that_do_something_else_or_fail_create_nothing() {
    let issue = json!({"key": "AB-1", "id": 1, "number": 7, "url": GH});
    for tool in [
        "create_issue",
        "Bash",
        "mcp__github",
        "mcp__github__get_issue",
        "mcp__github__list_issues",
        "mcp__github__search_issues",
        "mcp__github__add_issue_comment",
        "mcp__github__create_issue_comment",
        "mcp__github__create_pull_request",
        "mcp__github__issue_write",
        "mcp__jira__create_issue_link",
        "mcp__jira__createIssueLinkType",
        "mcp__jira__getTransitionsForJiraIssue",
        "mcp__linear__create_issue_label",
    ] {
        assert_eq!(Tickets::default().of_mcp(tool, &json!({"owner": "o"}), &issue), [], "{tool}");
    }
    for response in [
        json!(null),
        json!([]),
        json!(""),
        json!("Error: no such repository AB-1"),
        json!({"isError": true, "content": [{"type": "text", "text": "{\"key\":\"AB-1\"}"}]}),
        json!({"error": "no", "id": 1}),
        json!({"errors": ["no"], "key": "AB-1"}),
        json!({"success": false, "key": "AB-1"}),
        json!([{"type": "text", "text": "MCP error -32603: AB-1"}]),
        json!([{"type": "image", "data": "x"}]),
        json!({"message": "queued"}),
    ] {
        assert_eq!(
            Tickets::default().of_mcp("mcp__github__create_issue", &json!({}), &response),
            [],
            "{response}"
        );
    }
}

#[test]
fn the_users_patterns_find_what_they_say() {
    let pattern = |pattern: &str| TicketPattern { pattern: pattern.into(), system: "desk".into() };
    let tickets =
        Tickets::new(&[pattern(r"^opened (?<id>D\d+)(?: by (?<assigned_to>\w+))?(?:: (?<title>.*))?$")])
            .unwrap();
    let facts = tickets.of_bash("cat x", "opened D5 by ann: A thing\nreopened D6\nopened D5");
    assert_eq!(told(&facts), ["+ D5 desk A thing | - | ann | -"]);
    for bad in ["(", r"(?<id>\d+", r"(\d+)", r"(?<id>\w{9999}{9999})"] {
        let error = Tickets::new(&[pattern(bad)]).unwrap_err().to_string();
        assert!(error.starts_with("cannot "), "{error}");
    }
}

#[test]
fn of_a_huge_text_both_ends_are_looked_at() {
    let middle = "é Created ticket\n".repeat(200_000);
    let stdout = format!("Created ticket: AB-1\n{middle}Created ticket: AB-2\n{middle}Created ticket: AB-3");
    let ids: Vec<_> = bash("./x", &stdout).into_iter().map(|fact| fact.ticket.id).collect();
    assert_eq!(ids, ["AB-1", "AB-3"]);
    let long = bash("./x", &format!("Created ticket: AB-1: {}", "x".repeat(100_000)));
    assert_eq!(long[0].ticket.title.as_ref().unwrap().len(), FIELD);
}
