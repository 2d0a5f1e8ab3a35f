//! Claude's settings as JSON: hooks of ours put beside the user's, and taken out again.
//!
//! Everything else stays as it is and where it is. It reads and writes no file.

use super::hooks::{self, Delivery};
use super::version::Version;
use serde_json::{Map, Value, json};

/// Environment of claude: the key of its hooks. Settings name it, so the key itself stands in no argument.
pub const ENV_HOOK_KEY: &str = "CLAUDE_MPM_HOOK_KEY";
/// How long claude waits for a hook, seconds.
const TIMEOUT_SECONDS: u32 = 2;
/// How long claude waits for the answer to a question, seconds. Its dialog is there all the while.
pub const ANSWER_SECONDS: u32 = 3600;
/// Header of a hook whose answer may wait: how long claude waits for it, seconds.
pub const WAIT_HEADER: &str = "claude-mpm-wait";
/// Where hooks are posted to; the name of the event follows.
pub const HOOK_PATH: &str = "/api/hooks/";

/// Which hooks claude is asked for, and how.
#[derive(Debug, Clone)]
pub struct HookPlan {
    /// Of claude, if it is known.
    pub version: Option<Version>,
    /// The way for every event that can take it.
    pub delivery: Delivery,
    /// Where http hooks are answered, `host:port`.
    pub address: String,
    /// The absolute path of our program, which command hooks run.
    pub program: String,
    /// Somebody elsewhere is asked before a tool is used: there is no dialog.
    pub asks_elsewhere: bool,
}

impl HookPlan {
    fn handler(&self, event: &str) -> Value {
        let waits = may_wait(event) || (self.asks_elsewhere && event == "PreToolUse");
        match hooks::delivery(event, self.delivery) {
            Delivery::Command => command_handler(&quoted(&self.program), event, waits),
            Delivery::Http => {
                let mut handler = json!({
                    "type": "http",
                    "url": format!("http://{}{HOOK_PATH}{event}", self.address),
                    "headers": { "Authorization": format!("Bearer ${ENV_HOOK_KEY}") },
                    "allowedEnvVars": [ENV_HOOK_KEY],
                    "timeout": TIMEOUT_SECONDS,
                });
                if waits {
                    handler["headers"][WAIT_HEADER] = ANSWER_SECONDS.to_string().into();
                    handler["timeout"] = ANSWER_SECONDS.into();
                }
                handler
            }
        }
    }
}

/// Whether claude waits for the answer to this event while its dialog is there.
pub fn may_wait(event: &str) -> bool {
    event == "PermissionRequest"
}

/// A handler that runs `PROGRAM hook EVENT`; the program as a shell reads it.
pub fn command_handler(program: &str, event: &str, waits: bool) -> Value {
    let (command, timeout) = match waits {
        true => (format!("{program} hook {event}{}", wait_words()), ANSWER_SECONDS),
        false => (format!("{program} hook {event}"), TIMEOUT_SECONDS),
    };
    json!({ "type": "command", "command": command, "timeout": timeout })
}

/// What stands behind the event where the answer may wait.
pub fn wait_words() -> String {
    format!(" --wait {ANSWER_SECONDS}")
}

/// The user's settings with our hooks behind theirs. Hooks of theirs that claude would not accept either stay as
/// they are, and ours for that event are left out.
pub fn inject(user: Option<Value>, plan: &HookPlan) -> Value {
    let mut settings = user.unwrap_or_else(|| json!({}));
    for event in hooks::events(plan.version) {
        append(&mut settings, event, plan.handler(event));
    }
    settings
}

/// Puts a handler behind those of an event, for every tool; `false` where the settings have no place for one.
pub fn append(settings: &mut Value, event: &str, handler: Value) -> bool {
    let groups = settings
        .as_object_mut()
        .map(|settings| settings.entry("hooks").or_insert_with(|| json!({})))
        .and_then(Value::as_object_mut)
        .map(|events| events.entry(event).or_insert_with(|| json!([])))
        .and_then(Value::as_array_mut);
    groups.map(|groups| groups.push(json!({ "hooks": [handler] }))).is_some()
}

/// The events that have a handler `is_ours` knows, given the event and the handler.
pub fn events_with(settings: &Value, is_ours: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    let events = settings.get("hooks").and_then(Value::as_object).into_iter().flatten();
    let has = |event: &str, groups: &Value| {
        let groups = groups.as_array().into_iter().flatten();
        let mut handlers = groups.filter_map(|group| group.get("hooks")?.as_array()).flatten();
        handlers.any(|handler| is_ours(event, handler))
    };
    events.filter(|(event, groups)| has(event, groups)).map(|(event, _)| event.clone()).collect()
}

/// Takes out the handlers `is_ours` knows, and what is empty without them; says how many there were.
pub fn remove(settings: &mut Value, is_ours: impl Fn(&str, &Value) -> bool) -> usize {
    let Some(events) = settings.get_mut("hooks").and_then(Value::as_object_mut) else { return 0 };
    let mut removed = 0;
    events.retain(|event, groups| {
        let here = remove_from(groups, |handler| is_ours(event, handler));
        removed += here;
        here == 0 || groups.as_array().is_none_or(|groups| !groups.is_empty())
    });
    if removed > 0 && events.is_empty() {
        drop(settings.as_object_mut().and_then(|settings| settings.shift_remove("hooks")));
    }
    removed
}

fn remove_from(groups: &mut Value, is_ours: impl Fn(&Value) -> bool) -> usize {
    let mut removed = 0;
    if let Some(groups) = groups.as_array_mut() {
        groups.retain_mut(|group| {
            let Some(handlers) = group.get_mut("hooks").and_then(Value::as_array_mut) else { return true };
            let before = handlers.len();
            handlers.retain(|handler| !is_ours(handler));
            removed += before - handlers.len();
            before == handlers.len() || !handlers.is_empty()
        });
    }
    removed
}

/// Whether the settings turn every hook off, ours too.
pub fn turns_hooks_off(settings: &Value) -> bool {
    settings.get("disableAllHooks").is_some_and(|off| off == true)
}

/// Whether something in the settings is meant from the folder of the file they stand in, so that it would mean
/// another place in the text of an argument: a permission like `Read(/src/**)`, a sandbox path like `./build`.
pub fn means_its_own_folder(settings: &Value) -> bool {
    let list = |part: &str, list: &str| -> Vec<&str> {
        let inner = settings.get(part).and_then(|part| part.pointer(list));
        inner.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let rules = ["/allow", "/deny", "/ask"].into_iter().flat_map(|name| list("permissions", name));
    let paths = ["allowRead", "allowWrite", "denyRead", "denyWrite"]
        .into_iter()
        .flat_map(|name| list("sandbox", &format!("/filesystem/{name}")));
    let rooted = |rule: &str| rule.split_once("(/").is_some_and(|(_, rest)| !rest.starts_with('/'));
    let relative = |path: &str| !path.starts_with(['/', '~']);
    rules.into_iter().any(rooted) || paths.into_iter().any(relative)
}

/// The settings, where the text is those of claude: a JSON object, as a file or an argument has it.
pub fn parse(text: &str) -> Option<Value> {
    let object: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    Some(Value::Object(object))
}

/// Whether an argument is JSON rather than the name of a file, as claude tells them apart.
pub fn is_json(argument: &str) -> bool {
    let text = argument.trim();
    text.starts_with('{') && text.ends_with('}')
}

/// One word for `sh`, whatever it contains.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(version: Option<Version>, delivery: Delivery) -> HookPlan {
        let (address, program) = ("127.0.0.1:4711".into(), "/opt/it's/claude-mpm".into());
        HookPlan { version, delivery, address, program, asks_elsewhere: false }
    }

    const NEWEST: Option<Version> = Some(Version::new(2, 1, 197));

    #[test]
    fn hooks_have_the_form_claude_takes() {
        let settings = inject(None, &plan(NEWEST, Delivery::Http));
        let http = json!([{"hooks": [{
            "type": "http",
            "url": "http://127.0.0.1:4711/api/hooks/PreToolUse",
            "headers": {"Authorization": "Bearer $CLAUDE_MPM_HOOK_KEY"},
            "allowedEnvVars": ["CLAUDE_MPM_HOOK_KEY"],
            "timeout": 2,
        }]}]);
        assert_eq!(settings["hooks"]["PreToolUse"], http);
        let command = r"'/opt/it'\''s/claude-mpm' hook SessionStart";
        let command = json!([{"hooks": [{"type": "command", "command": command, "timeout": 2}]}]);
        assert_eq!(settings["hooks"]["SessionStart"], command);
        assert_eq!(settings["hooks"].as_object().unwrap().len(), 29);
    }

    #[test]
    fn an_old_claude_gets_commands_only() {
        let settings = inject(None, &plan(None, Delivery::Command));
        assert_eq!(settings["hooks"].as_object().unwrap().len(), 13);
        assert!(!settings.to_string().contains("http"));
    }

    #[test]
    fn what_the_user_has_stays_in_its_place() {
        let user = r#"{"z":1,"hooks":{"Stop":[{"matcher":"x","hooks":[{"type":"command","command":"c"}]}],"Odd":7,
            "PreToolUse":"odd"},"model":"m","disableAllHooks":true,"a":[1.0,{}]}"#;
        let user = parse(user).unwrap();
        let settings = inject(Some(user.clone()), &plan(NEWEST, Delivery::Http));
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&settings), keys(&user));
        assert_eq!(keys(&settings["hooks"])[..3], ["Stop", "Odd", "PreToolUse"]);
        assert_eq!(settings["hooks"]["Stop"][0], user["hooks"]["Stop"][0]);
        assert_eq!(settings["hooks"]["Stop"].as_array().unwrap().len(), 2);
        assert_eq!(settings["hooks"]["PreToolUse"], "odd");
        assert!(turns_hooks_off(&settings) && settings["a"] == json!([1.0, {}]));
        let odd = inject(Some(json!({"hooks": [], "x": 1})), &plan(NEWEST, Delivery::Http));
        assert_eq!(odd, json!({"hooks": [], "x": 1}));
    }

    #[test]
    fn what_was_put_in_is_taken_out_and_nothing_else() {
        let ours = |event: &str, handler: &Value| handler["command"] == format!("claude-mpm hook {event}");
        let user =
            json!({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "c"}]}], "Empty": []}});
        let mut settings = user.clone();
        for event in ["Stop", "PreToolUse"] {
            let handler = command_handler("claude-mpm", event, false);
            assert!(append(&mut settings, event, handler));
        }
        assert_eq!(events_with(&settings, ours), ["Stop", "PreToolUse"]);
        assert_eq!(remove(&mut settings, ours), 2);
        assert_eq!(settings, user);
        assert_eq!(remove(&mut settings, ours), 0);
        let mut alone = json!({"a": 1});
        append(&mut alone, "Stop", command_handler("claude-mpm", "Stop", false));
        remove(&mut alone, ours);
        assert_eq!(alone, json!({"a": 1}));
    }

    #[test]
    fn settings_that_mean_their_own_folder_are_known() {
        for (settings, expected) in [
            (json!({"permissions": {"allow": ["Bash(ls /tmp)", "Read(//etc/**)", "Read(~/x)"]}}), false),
            (json!({"permissions": {"deny": ["Read(/src/**)"]}}), true),
            (json!({"sandbox": {"filesystem": {"allowWrite": ["/tmp", "~/x"]}}}), false),
            (json!({"sandbox": {"filesystem": {"denyRead": ["./secret"]}}}), true),
            (json!({"permissions": 7, "sandbox": []}), false),
        ] {
            assert_eq!(means_its_own_folder(&settings), expected, "{settings}");
        }
    }

    #[test]
    fn json_is_told_from_a_file_name() {
        assert!(is_json(" {} ") && !is_json("{a") && !is_json("settings.json"));
        assert!(parse("\u{feff}{}").is_some() && parse("[]").is_none() && parse("{} x").is_none());
    }
}
