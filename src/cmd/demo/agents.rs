//! Claude's part with agents: one that is waited for, one in the background.
//!
//! Like everything in `actor`, it is drawn and told by hooks; which agents there are is the story's matter.

use super::actor::{Actor, Command, called, input_of, printed, result, with};
use serde_json::{Value, json};
use std::io::{self, Write};
use uuid::Uuid;

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

impl<W: Write> Actor<W> {
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
}

fn errand_input(errand: Errand, in_background: bool) -> Value {
    let input = json!({"description": errand.task, "prompt": errand.task, "subagent_type": errand.agent});
    if in_background { with(input, json!({"run_in_background": true})) } else { input }
}

fn agent_fields(agent_id: &str, errand: Errand) -> Value {
    json!({"agent_id": agent_id, "agent_type": errand.agent})
}
