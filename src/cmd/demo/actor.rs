//! Claude's part, played: each thing it can do is drawn, and told by the very hooks claude would tell it with.
//!
//! The hooks have the fields recorded of claude 2.1.197. It keeps no transcript, so no hook names one. What is played
//! is `play`'s.

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

/// An agent and its work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand {
    /// Name of the agent.
    pub(super) agent: &'static str,
    /// Its task.
    pub(super) task: &'static str,
    /// What it runs.
    pub(super) command: Command,
    /// Its answer.
    pub(super) answer: &'static str,
}

/// An agent that works in the background.
#[derive(Debug)]
pub(super) struct Launched {
    errand: Errand,
    call: String,
    agent_id: String,
    tool_call: String,
}

/// Who plays.
#[derive(Debug)]
pub(super) struct Actor<W> {
    stage: Stage<W>,
    hooks: Hooks,
    session: String,
    prompt: String,
    cwd: String,
    tasks: Vec<&'static str>,
    in_background: Vec<Value>,
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

    /// Claude hands work to an agent and waits for it.
    pub(super) fn delegate(&mut self, errand: Errand) -> io::Result<()> {
        let input = errand_input(errand, false);
        let call = self.new_call();
        self.tell("PreToolUse", called(&call, "Agent", &input));
        self.stage.line(&format!("\u{25cf} {}({})", errand.agent, errand.task))?;
        let agent_id = self.agent_begins(errand);
        let tool_call = self.new_call();
        let in_agent = |body: Value| with(body, agent_fields(&agent_id, errand));
        self.tell("PreToolUse", in_agent(called(&tool_call, "Bash", &input_of(errand.command))));
        self.stage.work(3000)?;
        let end = result(&tool_call, "Bash", &input_of(errand.command), printed(errand.command));
        self.tell("PostToolUse", in_agent(end));
        self.agent_stops(&agent_id, errand);
        let response = json!({"status": "completed", "agentId": agent_id, "agentType": errand.agent,
            "content": [{"type": "text", "text": errand.answer}], "totalToolUseCount": 1,
            "totalTokens": 1200, "usage": {"output_tokens": 300}});
        self.returned(&call, "Agent", &input, response);
        self.stage.line(&format!("  \u{23bf}  {}", errand.answer))
    }

    /// Claude hands work to an agent and goes on.
    pub(super) fn launch(&mut self, errand: Errand) -> io::Result<Launched> {
        let input = errand_input(errand, true);
        let call = self.new_call();
        self.tell("PreToolUse", called(&call, "Agent", &input));
        let agent_id = self.agent_begins(errand);
        let response = json!({"status": "async_launched", "isAsync": true, "agentId": agent_id,
            "description": errand.task});
        self.returned(&call, "Agent", &input, response);
        self.stage.line(&format!("\u{25cf} {}({}) in the background", errand.agent, errand.task))?;
        let tool_call = self.new_call();
        let begun = called(&tool_call, "Bash", &input_of(errand.command));
        self.tell("PreToolUse", with(begun, agent_fields(&agent_id, errand)));
        self.in_background.push(json!({"id": agent_id, "type": "subagent", "status": "running",
            "agent_type": errand.agent, "description": errand.task}));
        Ok(Launched { errand, call, agent_id, tool_call })
    }

    /// An agent in the background is done; claude hears of it as of a prompt, and a turn begins.
    pub(super) fn comes_back(&mut self, launched: &Launched) -> io::Result<()> {
        let Launched { errand, call, agent_id, tool_call } = launched;
        let end = result(tool_call, "Bash", &input_of(errand.command), printed(errand.command));
        self.tell("PostToolUse", with(end, agent_fields(agent_id, *errand)));
        self.agent_stops(agent_id, *errand);
        self.in_background.retain(|task| task["id"] != agent_id.as_str());
        let notification = format!(
            "<task-notification>\n<task-id>{agent_id}</task-id>\n<tool-use-id>{call}</tool-use-id>\n\
             <status>completed</status>\n<summary>Agent \"{}\" finished</summary>\n<result>{}</result>\n\
             </task-notification>",
            errand.task, errand.answer
        );
        self.prompt = Uuid::new_v4().to_string();
        self.tell("UserPromptSubmit", json!({"prompt": notification}));
        self.stage.line(&format!("\u{25cf} {} finished: {}", errand.agent, errand.answer))?;
        self.stage.work(1200)
    }

    fn agent_begins(&mut self, errand: Errand) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let agent_id = format!("a{}", &id[..16]);
        self.tell("SubagentStart", agent_fields(&agent_id, errand));
        agent_id
    }

    fn agent_stops(&mut self, agent_id: &str, errand: Errand) {
        let stopped = json!({"last_assistant_message": errand.answer, "background_tasks": self.in_background,
            "stop_hook_active": false});
        self.tell("SubagentStop", with(stopped, agent_fields(agent_id, errand)));
    }

    /// A call of claude's own has come back, and with it the batch it is alone in.
    fn returned(&mut self, call: &str, tool: &str, input: &Value, response: Value) {
        let batch =
            json!({"tool_calls": [with(called(call, tool, input), json!({"tool_response": response}))]});
        self.tell("PostToolUse", result(call, tool, input, response));
        self.tell("PostToolBatch", batch);
    }

    fn tell(&self, event: &str, fields: Value) {
        let body = json!({"session_id": self.session, "cwd": self.cwd, "hook_event_name": event,
            "permission_mode": "default", "prompt_id": self.prompt});
        self.hooks.tell(event, &with(body, fields));
    }

    fn new_call(&mut self) -> String {
        self.calls += 1;
        format!("toolu_{}{:04}", &self.session.replace('-', "")[..16], self.calls)
    }
}

/// The fields of both objects.
fn with(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(Map::into_iter(more));
    }
    body
}

fn called(call: &str, tool: &str, input: &Value) -> Value {
    json!({"tool_name": tool, "tool_input": input, "tool_use_id": call})
}

fn result(call: &str, tool: &str, input: &Value, response: Value) -> Value {
    with(called(call, tool, input), json!({"tool_response": response}))
}

fn input_of(command: Command) -> Value {
    json!({"command": command.command, "description": command.description})
}

fn printed(command: Command) -> Value {
    json!({"stdout": command.output, "stderr": "", "interrupted": false, "isImage": false})
}

fn errand_input(errand: Errand, in_background: bool) -> Value {
    let input = json!({"description": errand.task, "prompt": errand.task, "subagent_type": errand.agent});
    if in_background { with(input, json!({"run_in_background": true})) } else { input }
}

fn agent_fields(agent_id: &str, errand: Errand) -> Value {
    json!({"agent_id": agent_id, "agent_type": errand.agent})
}
