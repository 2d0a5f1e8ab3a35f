//! Claude's part, played: each thing it can do is drawn, and told by the very hooks claude would tell it with.
//!
//! The hooks have the fields recorded of claude 2.1.197. It keeps no transcript, so no hook names one. What it does
//! with agents is in `agents`, what is played in `play`.

use super::hooks::Hooks;
use super::stage::{IDLE_TITLE, Stage};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use uuid::Uuid;

/// A tool that is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    /// What the shell is to do.
    pub(super) command: &'static str,
    /// Why, in claude's words.
    pub(super) description: &'static str,
    /// What comes of it.
    pub(super) output: &'static str,
}

/// Who plays.
#[derive(Debug)]
pub(super) struct Actor<W> {
    /// Where it is drawn.
    pub(super) stage: Stage<W>,
    hooks: Hooks,
    session: String,
    /// Id of the prompt that is being answered.
    pub(super) prompt: String,
    cwd: String,
    tasks: Vec<&'static str>,
    /// Agents at work in the background, as hooks list them.
    pub(super) in_background: Vec<Value>,
    last_words: String,
    calls: u32,
}

impl<W: Write> Actor<W> {
    /// Somebody on a stage, in a session of their own.
    pub(super) fn new(stage: Stage<W>, hooks: Hooks) -> Self {
        let cwd = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
        let [session, prompt] = [(); 2].map(|()| Uuid::new_v4().to_string());
        let (tasks, in_background, last_words) = (Vec::new(), Vec::new(), String::new());
        Self { stage, hooks, session, prompt, cwd, tasks, in_background, last_words, calls: 0 }
    }

    /// The session begins.
    pub(super) fn begin(&mut self, title: &str) -> io::Result<()> {
        self.tell("SessionStart", json!({"model": "scripted", "source": "startup"}));
        self.stage.title(IDLE_TITLE)?;
        self.stage.line(title)?;
        self.stage.line("")?;
        self.stage.pause(1500);
        Ok(())
    }

    /// The session is over.
    pub(super) fn end(&mut self, farewell: &str) -> io::Result<()> {
        self.tell("SessionEnd", json!({"reason": "prompt_input_exit"}));
        self.stage.line(farewell)
    }

    /// Somebody types a prompt.
    pub(super) fn ask(&mut self, prompt: &str) -> io::Result<()> {
        self.stage.keys(prompt)?;
        self.prompt = Uuid::new_v4().to_string();
        self.tell("UserPromptSubmit", json!({"prompt": prompt}));
        self.stage.work(1600)
    }

    /// Claude says something.
    pub(super) fn say(&mut self, lines: &[&str]) -> io::Result<()> {
        for (number, line) in lines.iter().enumerate() {
            self.stage.words(if number == 0 { "\u{25cf} " } else { "  " }, line)?;
            self.stage.pause(400);
        }
        self.last_words = lines.join("\n");
        let message = Uuid::new_v4().to_string();
        let shown = json!({"message_id": message, "index": 0, "delta": self.last_words, "final": true});
        self.tell("MessageDisplay", shown);
        Ok(())
    }

    /// The turn is over, and claude waits for the next prompt.
    pub(super) fn rest(&mut self) -> io::Result<()> {
        let over = json!({"last_assistant_message": self.last_words, "background_tasks": self.in_background,
            "stop_hook_active": false});
        self.tell("Stop", over);
        self.stage.line("")?;
        self.stage.title(IDLE_TITLE)?;
        self.stage.pause(2500);
        Ok(())
    }

    /// Claude writes down what is to be done.
    pub(super) fn plan(&mut self, tasks: &[&'static str]) -> io::Result<()> {
        for task in tasks {
            self.tasks.push(task);
            let (call, id) = (self.new_call(), self.tasks.len().to_string());
            let input = json!({"subject": task, "description": task, "activeForm": task});
            let named = json!({"task_id": id, "task_subject": task, "task_description": task});
            self.tell("PreToolUse", called(&call, "TaskCreate", &input));
            self.tell("TaskCreated", named);
            self.returned(&call, "TaskCreate", &input, json!({"task": {"id": id, "subject": task}}));
            self.stage.line(&format!("  \u{2610} {task}"))?;
            self.stage.pause(500);
        }
        Ok(())
    }

    /// A task goes on, by its number from 1 on.
    pub(super) fn mark(&mut self, number: usize, status: &str) -> io::Result<()> {
        let (call, id) = (self.new_call(), number.to_string());
        let task = self.tasks[number - 1];
        let input = json!({"taskId": id, "status": status});
        self.tell("PreToolUse", called(&call, "TaskUpdate", &input));
        if status == "completed" {
            let named = json!({"task_id": id, "task_subject": task, "task_description": task});
            self.tell("TaskCompleted", named);
            self.stage.line(&format!("  \u{2612} {task}"))?;
        }
        let response = json!({"success": true, "taskId": id, "updatedFields": ["status"],
            "statusChange": {"to": status}});
        self.returned(&call, "TaskUpdate", &input, response);
        Ok(())
    }

    /// Claude runs a command.
    pub(super) fn run(&mut self, command: Command) -> io::Result<()> {
        let call = self.draw_call(command)?;
        self.stage.work(1200)?;
        self.draw_result(&call, command)
    }

    /// Claude has to ask whether it may, and somebody lets it after a moment.
    pub(super) fn run_if_allowed(&mut self, command: Command) -> io::Result<()> {
        let call = self.draw_call(command)?;
        let request =
            json!({"tool_name": "Bash", "tool_input": input_of(command), "permission_suggestions": []});
        self.tell("PermissionRequest", request);
        let lines = ["Do you want to proceed?", "\u{276f} 1. Yes", "  2. No"];
        self.stage.dialog(&lines, 3500)?;
        self.draw_result(&call, command)
    }

    fn draw_call(&mut self, command: Command) -> io::Result<String> {
        let call = self.new_call();
        self.tell("PreToolUse", called(&call, "Bash", &input_of(command)));
        self.stage.line(&format!("\u{25cf} Bash({})", command.command))?;
        Ok(call)
    }

    fn draw_result(&mut self, call: &str, command: Command) -> io::Result<()> {
        self.stage.line(&format!("  \u{23bf}  {}", command.output))?;
        self.returned(call, "Bash", &input_of(command), printed(command));
        Ok(())
    }

    /// A call of claude's own has come back, and with it the batch it is alone in.
    pub(super) fn returned(&mut self, call: &str, tool: &str, input: &Value, response: Value) {
        let batch =
            json!({"tool_calls": [with(called(call, tool, input), json!({"tool_response": response}))]});
        self.tell("PostToolUse", result(call, tool, input, response));
        self.tell("PostToolBatch", batch);
    }

    /// Tells of an event with the fields all hooks have, and these.
    pub(super) fn tell(&self, event: &str, fields: Value) {
        let body = json!({"session_id": self.session, "cwd": self.cwd, "hook_event_name": event,
            "permission_mode": "default", "prompt_id": self.prompt});
        self.hooks.tell(event, &with(body, fields));
    }

    /// An id for a call.
    pub(super) fn new_call(&mut self) -> String {
        self.calls += 1;
        format!("toolu_{}{:04}", &self.session.replace('-', "")[..16], self.calls)
    }
}

/// The fields of both objects.
pub(super) fn with(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(Map::into_iter(more));
    }
    body
}

/// What a hook says of a call.
pub(super) fn called(call: &str, tool: &str, input: &Value) -> Value {
    json!({"tool_name": tool, "tool_input": input, "tool_use_id": call})
}

/// What a hook says of a call that has returned.
pub(super) fn result(call: &str, tool: &str, input: &Value, response: Value) -> Value {
    with(called(call, tool, input), json!({"tool_response": response}))
}

/// The command as the shell's tool takes it.
pub(super) fn input_of(command: Command) -> Value {
    json!({"command": command.command, "description": command.description})
}

/// What comes of it as that tool returns it.
pub(super) fn printed(command: Command) -> Value {
    json!({"stdout": command.output, "stderr": "", "interrupted": false, "isImage": false})
}
