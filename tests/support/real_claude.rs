//! Finds the real claude and gives it a life of its own: a private home, a private project, and a
//! complete clean environment that names a scripted Messages API.
//!
//! It installs nothing (`tests/run.sh` does) and starts nothing: it hands out commands, for
//! [`crate::piped`] or [`crate::terminal`] to run.

use crate::messages_api::MessagesApi;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const VERSION: &str = "2.1.197";

/// Not a key of anybody's; the scripted API checks none.
const API_KEY: &str = "a-key-for-the-scripted-messages-api-only";

/// The home that recordings name.
pub const DEMO_HOME: &str = "/home/demo";

/// claude asks once about a key it has not seen, and remembers the answer by these many last
/// characters of it.
const KEY_SUFFIX: usize = 20;

/// An installed claude.
#[derive(Debug, Clone)]
pub struct RealClaude {
    /// The program.
    pub path: PathBuf,
}

/// No claude is installed where the tests look for it.
pub struct NotInstalled {
    looked_at: PathBuf,
}

impl RealClaude {
    /// The program that `CLAUDE_MPM_TEST_CLAUDE` names, or else the one in the cache folder.
    ///
    /// # Errors
    /// [`NotInstalled`] if there is no file.
    pub fn locate() -> Result<Self, NotInstalled> {
        let path = match std::env::var_os("CLAUDE_MPM_TEST_CLAUDE") {
            Some(path) => PathBuf::from(path),
            None => cached(),
        };
        if path.is_file() { Ok(Self { path }) } else { Err(NotInstalled { looked_at: path }) }
    }
}

/// Where `tests/run.sh` puts it.
fn cached() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap_or_default().join(".cache"));
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x64",
    };
    cache
        .join(format!("claude-mpm-tests/claude-{VERSION}/node_modules/@anthropic-ai"))
        .join(format!("claude-code-linux-{architecture}/claude"))
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.looked_at.display();
        write!(f, "cannot find claude {VERSION} at {path}: run tests/run.sh, which installs it")
    }
}

/// As it is displayed: tests unwrap it, and the remedy must be readable there.
impl fmt::Debug for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NotInstalled {}

/// A private home and project for claude, gone when dropped.
#[derive(Debug)]
pub struct Sandbox {
    claude: RealClaude,
    root: TempDir,
    home: PathBuf,
    api_url: String,
}

impl Sandbox {
    /// A sandbox whose claude talks to `api`, knows the agents `engineer` and `qa`, may run `echo`,
    /// and has all its first-start questions answered.
    ///
    /// # Panics
    /// If claude is not installed, or the sandbox cannot be written.
    #[track_caller]
    pub fn new(api: &MessagesApi) -> Self {
        let root = tempfile::Builder::new().prefix("claude-mpm-test-").tempdir();
        let root = root.expect("a temporary folder");
        let home = root.path().join("home");
        Self::furnished(api, root, home)
    }

    /// A sandbox for recordings: its home has as many characters as [`DEMO_HOME`], and its project stands in its home.
    /// In what claude draws, the one name can then take the place of the other.
    ///
    /// # Panics
    /// As [`Sandbox::new`].
    #[track_caller]
    pub fn for_recording(api: &MessagesApi) -> Self {
        let root = tempfile::Builder::new().prefix("r").rand_bytes(4).tempdir_in("/tmp");
        let root = root.expect("a temporary folder");
        let home = root.path().to_owned();
        assert_eq!(home.as_os_str().len(), DEMO_HOME.len(), "names of one length");
        Self::furnished(api, root, home)
    }

    #[track_caller]
    fn furnished(api: &MessagesApi, root: TempDir, home: PathBuf) -> Self {
        let claude = RealClaude::locate().expect("the real claude");
        let sandbox = Self { claude, root, home, api_url: api.url() };
        sandbox.furnish().expect("a furnished sandbox");
        sandbox
    }

    /// The program under test's `HOME`.
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// Gives claude other settings of the user's, in place of those it has.
    ///
    /// # Panics
    /// If they cannot be written.
    #[track_caller]
    pub fn set_settings(&self, settings: &Value) {
        let written = std::fs::write(self.home().join(".claude/settings.json"), settings.to_string());
        written.expect("claude's settings");
    }

    /// The folder the program under test starts in.
    pub fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// The claude this sandbox is for.
    pub fn claude(&self) -> &Path {
        &self.claude.path
    }

    /// The complete environment of the program under test: nothing of the test's own gets through
    /// but `PATH`.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let own = |name: &str| self.root.path().join(name).display().to_string();
        vec![
            ("HOME", self.home.display().to_string()),
            ("TMPDIR", own("tmp")),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("SHELL", "/bin/bash".to_owned()),
            ("ANTHROPIC_BASE_URL", self.api_url.clone()),
            ("ANTHROPIC_API_KEY", API_KEY.to_owned()),
            ("DISABLE_TELEMETRY", "1".to_owned()),
            ("DISABLE_AUTOUPDATER", "1".to_owned()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
        ]
    }

    /// Any program, in the sandbox's project and environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env()).current_dir(self.project());
        command
    }

    /// claude itself.
    pub fn direct(&self, args: &[&str]) -> Command {
        let mut command = self.command(self.claude());
        command.args(args);
        command
    }

    /// claude under `wrapper`: `WRAPPER OPTIONS --claude PROGRAM -- ARGS`.
    pub fn wrapped(&self, wrapper: impl AsRef<OsStr>, options: &[&str], args: &[&str]) -> Command {
        let mut command = self.command(wrapper);
        command.args(options).arg("--claude").arg(self.claude()).arg("--").args(args);
        command
    }

    fn furnish(&self) -> std::io::Result<()> {
        let agents = self.home().join(".claude/agents");
        for folder in [&agents, &self.project(), &self.root.path().join("tmp")] {
            std::fs::create_dir_all(folder)?;
        }
        for (name, task) in [("engineer", "Implements features"), ("qa", "Tests features")] {
            let agent = format!("---\nname: {name}\ndescription: {task}\n---\nYou are {name}.\n");
            std::fs::write(agents.join(format!("{name}.md")), agent)?;
        }
        let settings = json!({ "permissions": { "allow": ["Bash(echo:*)"] } });
        self.set_settings(&settings);
        std::fs::write(self.home().join(".claude.json"), self.answers()?)
    }

    /// claude's first-start questions, answered.
    fn answers(&self) -> std::io::Result<String> {
        // claude goes by the folder's real path.
        let project = self.project().canonicalize()?.display().to_string();
        let approved = &API_KEY[API_KEY.len() - KEY_SUFFIX..];
        let answers = json!({
            "hasCompletedOnboarding": true,
            "theme": "dark",
            "projects": { project: { "hasTrustDialogAccepted": true } },
            "customApiKeyResponses": { "approved": [approved] },
        });
        Ok(answers.to_string())
    }
}
