//! Secrets that come in pieces: a block of a private key line by line, a key that goes on in the next line or in the next
//! piece of a message. One [`Flow`] follows one stream; it is pure, and what it remembers is bounded.
//!
//! What is told was told: a piece whose secret is known only by the next one has shown its beginning. Of a key with a mark
//! that is the mark and a few characters, or more where they are letters without a digit; of what is known only by what
//! stands before it (a password in an address, a bearer of letters alone), all that stood in that piece.

use super::private_key::{self, Place, opens};
use super::rules::{RULES, Rule};
use super::{MARK, Redactor, Secret, judge, marked, replaced};

/// A block that has not ended after so many pieces is none.
const MAX_LINES: u32 = 200;
/// Nor one in which so many sentences stand, one behind the other.
const MAX_STRANGE: u32 = 3;
/// So much of the end of a piece is remembered, bytes.
const MAX_TAIL: usize = 512;
/// A key goes over so many lines at most.
const MAX_ROWS: u32 = 4;

/// What comes next may belong to what came before.
#[derive(Debug, Default)]
pub struct Flow {
    block: Option<Block>,
    tail: Option<Tail>,
    /// Pieces are of one text: what begins in one goes on in the next, without a line between.
    is_text: bool,
}

/// A block of a private key that is open.
#[derive(Debug, Default)]
struct Block {
    lines: u32,
    strange: u32,
}

/// The last word of a piece.
#[derive(Debug, Clone)]
struct Tail {
    word: String,
    /// It is a secret by itself.
    is_secret: bool,
    /// Nothing separates it from what follows.
    is_glued: bool,
    rows: u32,
}

impl Flow {
    /// Follows the lines of a stream, one a piece.
    pub fn of_lines() -> Self {
        Self::default()
    }

    /// Follows a text that comes in pieces of any size.
    pub fn of_text() -> Self {
        Self { is_text: true, ..Self::default() }
    }

    /// Whether the next piece stands for itself.
    pub fn is_idle(&self) -> bool {
        self.block.is_none() && self.tail.is_none()
    }

    /// Whether this piece has to pass through a flow that is idle.
    pub fn may_begin(redactor: &Redactor, piece: &str) -> bool {
        !redactor.is_none() && marked(piece) != 0
    }

    /// The next piece without its secrets; `None` where it has none.
    pub fn piece(&mut self, redactor: &Redactor, piece: &str) -> Option<String> {
        if redactor.is_none() {
            return None;
        }
        match self.block.take() {
            Some(block) => self.in_block(block, redactor, piece),
            None => self.outside(redactor, piece),
        }
    }

    /// Lines of the block are hidden; another is shown, and after a few of those the block was none.
    fn in_block(&mut self, mut block: Block, redactor: &Redactor, piece: &str) -> Option<String> {
        let place = if self.is_text { Place::Cut } else { Place::Line };
        let body = private_key::body(piece, place);
        if body.has_end {
            let rest = &piece[body.len..];
            let shown = self.outside(redactor, rest);
            return Some(hidden() + shown.as_deref().unwrap_or(rest));
        }
        block.lines += 1;
        block.strange = if body.is_all { 0 } else { block.strange + 1 };
        if block.lines > MAX_LINES || block.strange >= MAX_STRANGE {
            return self.outside(redactor, piece);
        }
        if body.is_all {
            self.block = Some(block);
            return (!piece.trim().is_empty()).then(|| hidden() + line_end(piece));
        }
        let (of_block, rest) = piece.split_at(if body.has_key { body.len } else { 0 });
        let shown = self.outside(redactor, rest);
        self.block.get_or_insert(block);
        if of_block.is_empty() { shown } else { Some(hidden() + shown.as_deref().unwrap_or(rest)) }
    }

    fn outside(&mut self, redactor: &Redactor, piece: &str) -> Option<String> {
        if piece.contains(private_key::MARK)
            && let Some(begin) = opens(piece)
        {
            let before = &piece[..begin];
            let shown = self.plain(redactor, before);
            (self.block, self.tail) = (Some(Block::default()), None);
            return Some(shown.as_deref().unwrap_or(before).to_owned() + &hidden() + line_end(piece));
        }
        self.plain(redactor, piece)
    }

    /// No block goes on behind it.
    fn plain(&mut self, redactor: &Redactor, piece: &str) -> Option<String> {
        let tail = self.tail.take();
        let mut secrets = redactor.secrets(piece);
        let end = piece.trim_end_matches(is_gutter).len();
        let went_on = tail.as_ref().and_then(|tail| tail.goes_on(redactor, piece, end));
        let rows = went_on.as_ref().and(tail.as_ref()).map_or(0, |tail| tail.rows + 1);
        let (joined, went_on) = went_on.map(|on| (on.joined, on.secret)).unzip();
        secrets.extend(went_on);
        let is_secret = secrets.iter().any(|secret| secret.place.end == end && end > 0);
        let begun = redactor.begun(&piece[..end]);
        if self.is_text || rows < MAX_ROWS && (is_secret || begun.is_some()) {
            let last = Tail::of(piece, is_secret, rows, self.is_text);
            self.tail = last.map(|last| last.behind(joined.flatten()));
        }
        // The beginning of a secret is hidden too, but for a mark that words end with as well. In a text nothing follows
        // it; a line was perhaps wrapped there, so that it has to look like one.
        let goes_on = |secret: &Secret<'_>| match self.is_text {
            true => end == piece.len(),
            false => {
                let is_known = rule_of(secret).is_none_or(|rule| rule.is_known_by_itself);
                is_known && judge::is_random(&piece[secret.place.start..end])
            }
        };
        let is_long = |secret: &Secret<'_>| end - secret.place.start >= MIN_BEGUN;
        secrets.extend(begun.filter(|secret| !is_secret && is_long(secret) && goes_on(secret)));
        replaced(piece, secrets)
    }
}

/// The first rule of that kind; none where it is of the user, or a block.
fn rule_of(secret: &Secret<'_>) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.kind == secret.kind)
}

/// A piece that ends in this much of a secret shows nothing of it.
const MIN_BEGUN: usize = 8;

/// What a piece goes on with.
struct GoesOn {
    secret: Secret<'static>,
    /// All of the secret so far, where it may go on in the next piece, too.
    joined: Option<String>,
}

impl Tail {
    fn of(piece: &str, is_secret: bool, rows: u32, is_text: bool) -> Option<Self> {
        let end = piece.trim_end_matches(is_gutter);
        let word = end.rsplit(char::is_whitespace).next().unwrap_or_default();
        // A password, or a bearer, is known by the word before it.
        let front = end[..end.len() - word.len()].trim_end();
        let before = front.rsplit(char::is_whitespace).next().unwrap_or_default();
        let is_bearer = before.to_ascii_lowercase().ends_with("bearer");
        let word = if is_bearer { &end[front.len() - before.len()..] } else { word };
        let word = &word[word.ceil_char_boundary(word.len().saturating_sub(MAX_TAIL))..];
        let is_glued = is_text && end.len() == piece.len();
        (!word.is_empty()).then(|| Self { word: word.to_owned(), is_secret, is_glued, rows })
    }

    /// The same with all that came before it.
    fn behind(self, joined: Option<String>) -> Self {
        match joined {
            Some(word) if word.len() <= MAX_TAIL => Self { word, ..self },
            // So long is no beginning any more.
            Some(_) => Self { is_secret: true, ..self },
            None => self,
        }
    }

    /// Where the piece, of which something is shown up to `end`, goes on with the secret.
    fn goes_on(&self, redactor: &Redactor, piece: &str, end: usize) -> Option<GoesOn> {
        let start = piece.len() - piece.trim_start_matches(is_gutter).len();
        let rest = &piece[start..];
        let word = rest.split(is_end_of_word).next().filter(|word| !word.is_empty())?;
        let is_glued = self.is_glued && start == 0;
        let place = start..start + word.len();
        if self.is_secret {
            let is_more = is_glued || word.len() >= MIN_BEGUN && looks_cut(word);
            return is_more.then_some(GoesOn { secret: Secret { place, kind: MORE }, joined: None });
        }
        let joined = format!("{}{word}", self.word);
        let is_last = place.end == end;
        let looks_cut = is_glued || judge::is_random(word);
        match self.crossing(redactor, &joined, looks_cut) {
            Some(secret) => {
                let place = start..start + secret.place.end - self.word.len();
                Some(GoesOn { secret: Secret { place, ..secret }, joined: None })
            }
            None if is_last && looks_cut => {
                let begun = redactor.begun(&joined).filter(|begun| begun.place.start < self.word.len())?;
                Some(GoesOn { secret: Secret { place, kind: begun.kind }, joined: Some(joined) })
            }
            None => None,
        }
    }

    /// The secret that is whole with the word. One that is known by what stands before it is one only where the word
    /// looks like it: an address at the end of a line and a prompt at the beginning of the next are none.
    fn crossing(&self, redactor: &Redactor, joined: &str, looks_cut: bool) -> Option<Secret<'static>> {
        let seam = self.word.len();
        let crosses = |secret: &Secret<'_>| secret.place.start < seam && secret.place.end > seam;
        redactor.secrets(joined).into_iter().filter(crosses).find_map(|secret| {
            let rule = rule_of(&secret);
            let counts = looks_cut || rule.is_some_and(|rule| rule.is_known_by_itself);
            counts.then_some(Secret { place: secret.place, kind: rule.map_or(MORE, |rule| rule.kind) })
        })
    }
}

/// The rest of a secret that began in the piece before.
const MORE: &str = "continued";

/// What a terminal's user interface puts in front of and behind a line.
fn is_gutter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '│' | '|' | '⎿' | '┃')
}

fn is_end_of_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '│' | '|')
}

/// The rest of a key: drawn by lot, and neither a hash nor an id, which are digits to the base of 16.
fn looks_cut(word: &str) -> bool {
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+/=.~".contains(&byte));
    judge::is_random(word) && is_plain && !is_hex
}

fn hidden() -> String {
    format!("{MARK}{}]", private_key::KIND)
}

/// A piece that ends with a line goes on ending with it.
fn line_end(piece: &str) -> &'static str {
    if piece.ends_with('\n') { "\n" } else { "" }
}
