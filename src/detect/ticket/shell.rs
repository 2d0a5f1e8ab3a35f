//! Which programs a shell command line runs, and with which arguments: enough of the shell's grammar to tell a
//! command from a word in quotes, in a comment or in a here-document.
//!
//! Nothing is expanded: an argument with a variable or a substitution in it is one of unknown value. One pass, so the
//! time is linear in the length.

/// Stands in a word for what only the shell knows.
pub(super) const UNKNOWN: char = '\u{fffc}';

/// Words in front of a program's name that are not the program.
const BEFORE: [&str; 19] = [
    "if", "then", "else", "elif", "do", "while", "until", "time", "!", "{", "env", "sudo", "command", "exec",
    "nohup", "builtin", "nice", "stdbuf", "timeout",
];

/// One program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Without its folder.
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

/// The programs that a command line names, in the order in which they end.
pub(super) fn invocations(line: &str) -> Vec<Invocation> {
    let mut lexer =
        Lexer { rest: line.chars().peekable(), frames: vec![Frame::new('\0')], ..Lexer::default() };
    lexer.run();
    lexer.commands.into_iter().filter_map(invocation).collect()
}

fn invocation(words: Vec<String>) -> Option<Invocation> {
    let is_program = |word: &&String| {
        let word = word.as_str();
        let is_number = word.starts_with(|first: char| first.is_ascii_digit());
        !(BEFORE.contains(&word) || word.starts_with('-') || is_number || is_assignment(word))
    };
    let at = words.iter().position(|word| is_program(&word))?;
    let program = words[at].rsplit('/').next().unwrap_or_default().to_owned();
    Some(Invocation { program, arguments: words[at + 1..].to_vec() })
}

fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| name.chars().all(|part| part.is_alphanumeric() || part == '_');
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && is_name(name))
}

/// A command that is being read; substitutions stand on top of the command they stand in.
#[derive(Debug)]
struct Frame {
    words: Vec<String>,
    word: Option<String>,
    in_quotes: bool,
    /// The next word is a redirection's target.
    drops_next: bool,
    closed_by: char,
}

impl Frame {
    fn new(closed_by: char) -> Self {
        Self { words: Vec::new(), word: None, in_quotes: false, drops_next: false, closed_by }
    }
}

#[derive(Debug)]
struct Lexer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    /// Never empty: the lowest one is not closed.
    frames: Vec<Frame>,
    /// Ends of here-documents whose text begins behind this line, and whether tabs may stand before them.
    documents: Vec<(String, bool)>,
    commands: Vec<Vec<String>>,
}

impl Default for Lexer<'_> {
    fn default() -> Self {
        Self { rest: "".chars().peekable(), frames: Vec::new(), documents: Vec::new(), commands: Vec::new() }
    }
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => self.escape(),
                '$' => self.dollar(),
                '`' if self.top().closed_by == '`' => self.close(),
                '`' => self.open('`'),
                '"' => self.quote(),
                _ if self.top().in_quotes => self.push(character),
                _ => self.unquoted(character),
            }
        }
        while self.frames.len() > 1 {
            self.close();
        }
        self.end_command();
    }

    fn unquoted(&mut self, character: char) {
        match character {
            '\'' => self.single_quotes(),
            '#' if self.top().word.is_none() => self.skip_line(),
            ' ' | '\t' | '\r' => self.end_word(),
            '\n' => {
                self.end_command();
                self.skip_documents();
            }
            ';' | '&' | '|' => self.end_command(),
            '(' => {
                self.end_command();
                self.frames.push(Frame::new(')'));
            }
            ')' if self.top().closed_by == ')' => self.close(),
            ')' => self.end_command(),
            '<' | '>' => self.redirect(character),
            other => self.push(other),
        }
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the lowest frame is never closed")
    }

    fn push(&mut self, character: char) {
        self.top().word.get_or_insert_default().push(character);
    }

    fn quote(&mut self) {
        let top = self.top();
        top.in_quotes = !top.in_quotes;
        top.word.get_or_insert_default();
    }

    fn escape(&mut self) {
        match self.rest.next() {
            None | Some('\n') => {}
            Some(next) if self.top().in_quotes && !"\"\\$`".contains(next) => {
                self.push('\\');
                self.push(next);
            }
            Some(next) => self.push(next),
        }
    }

    fn single_quotes(&mut self) {
        self.top().word.get_or_insert_default();
        while let Some(character) = self.rest.next_if(|next| *next != '\'') {
            self.push(character);
        }
        self.rest.next();
    }

    fn dollar(&mut self) {
        match self.rest.peek().copied() {
            Some('(') => {
                self.rest.next();
                self.open(')');
            }
            Some('{') => {
                self.push(UNKNOWN);
                while self.rest.next().is_some_and(|next| next != '}') {}
            }
            Some('\'') if !self.top().in_quotes => {}
            Some(next) if next.is_alphanumeric() || "_@*#?!$".contains(next) => {
                self.push(UNKNOWN);
                while self.rest.next_if(|next| next.is_alphanumeric() || *next == '_').is_some() {}
            }
            _ => self.push('$'),
        }
    }

    fn open(&mut self, closed_by: char) {
        self.push(UNKNOWN);
        self.frames.push(Frame::new(closed_by));
    }

    fn close(&mut self) {
        self.end_command();
        if self.frames.len() > 1 {
            self.frames.pop();
        }
    }

    fn end_word(&mut self) {
        let top = self.top();
        if let Some(word) = top.word.take()
            && !std::mem::take(&mut top.drops_next)
        {
            top.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let top = self.top();
        top.drops_next = false;
        let words = std::mem::take(&mut top.words);
        if !words.is_empty() {
            self.commands.push(words);
        }
    }

    /// `2>&1`, `> file`, `<<EOF`, `<<<word`; a number in front is a descriptor.
    fn redirect(&mut self, first: char) {
        let top = self.top();
        if top.word.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
            top.word = None;
        }
        self.end_word();
        let mut count = 1;
        while self.rest.next_if_eq(&first).is_some() {
            count += 1;
        }
        if first == '<' && count == 2 {
            return self.document();
        }
        while self.rest.next_if(|next| "&|>".contains(*next)).is_some() {}
        self.top().drops_next = true;
    }

    fn document(&mut self) {
        let may_indent = self.rest.next_if_eq(&'-').is_some();
        while self.rest.next_if(|next| *next == ' ').is_some() {}
        let mut end = String::new();
        while let Some(next) = self.rest.next_if(|next| !next.is_whitespace() && !";&|()<>".contains(*next)) {
            if !"'\"\\".contains(next) {
                end.push(next);
            }
        }
        self.documents.push((end, may_indent));
    }

    fn skip_documents(&mut self) {
        for (end, may_indent) in std::mem::take(&mut self.documents) {
            while self.rest.peek().is_some() {
                let line = self.line();
                let line = if may_indent { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        while let Some(next) = self.rest.next_if(|next| *next != '\n') {
            line.push(next);
        }
        self.rest.next();
        line
    }

    /// Up to the end of the line, which stays.
    fn skip_line(&mut self) {
        while self.rest.next_if(|next| *next != '\n').is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Vec<String> {
        let text = |one: Invocation| [vec![one.program], one.arguments].concat().join("|");
        invocations(line).into_iter().map(text).collect()
    }

    #[test]
    fn programs_are_found_wherever_the_shell_would_run_them() {
        for (line, expected) in [
            ("gh issue create", &["gh|issue|create"][..]),
            ("", &[]),
            ("cd x && /usr/bin/gh issue list | head -3; ls", &["cd|x", "gh|issue|list", "head|-3", "ls"]),
            ("GH_TOKEN=x env A=b gh a", &["gh|a"]),
            ("timeout -k 5 30 gh a", &["gh|a"]),
            ("if ! gh a; then gh b; fi", &["gh|a", "gh|b", "fi"]),
            ("gh a 2>&1 >file </dev/null &", &["gh|a"]),
            ("gh 'a b' \"c \\\"d\\\" e\" f\\ g ''", &["gh|a b|c \"d\" e|f g|"]),
            ("echo \"gh issue create\" 'gh x' # gh y", &["echo|gh issue create|gh x"]),
            ("(cd x; gh a) && gh b", &["cd|x", "gh|a", "gh|b"]),
            ("gh a \\\n  --b c\ngh d", &["gh|a|--b|c", "gh|d"]),
            ("U=$(gh a \"b (c\") && echo \"$U\"", &["gh|a|b (c", "echo|\u{fffc}"]),
            ("echo \"`gh a`\" \"${X:-y}\" $((1+2))", &["gh|a", "1+2", "echo|\u{fffc}|\u{fffc}|\u{fffc}"]),
            ("gh <<<word a", &["gh|a"]),
        ] {
            let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
            let mut found = told(line);
            found.retain(|one| !one.is_empty());
            // An assignment alone runs nothing; a number is no program.
            let expected: Vec<_> = expected.into_iter().filter(|one| one != "1+2").collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn the_text_of_a_here_document_runs_nothing() {
        let line = "gh issue create --title T --body \"$(cat <<'EOF'\nDon't run gh issue create (a\n\"b\nEOF\n)\" && ls";
        assert_eq!(told(line), ["cat", "gh|issue|create|--title|T|--body|\u{fffc}", "ls"]);
        assert_eq!(told("cat <<-X | gh a\n\tgh b\n\tX\ngh c"), ["cat", "gh|a", "gh|c"]);
    }

    #[test]
    fn what_is_never_closed_ends_with_the_line() {
        for line in
            ["gh \"a", "gh 'a", "gh $(a", "gh `a", "gh ${a", "gh \\", "cat <<EOF\na", ")))", "$(((((", "<<"]
        {
            let _ = told(line);
        }
        assert_eq!(told(&"$(".repeat(100_000)).len(), 100_000);
    }
}
