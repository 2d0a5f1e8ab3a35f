//! Secrets that come in pieces: a block of a private key line by line, a key that goes on in the next line or in the next
//! piece of a message. One [`Flow`] follows one stream; it is pure, and what it remembers is bounded.
//!
//! What is told was told: a piece whose secret is known only by the next one has shown its beginning, which is no more
//! than the mark of its kind and, where that alone is known, a few characters.

use super::private_key::{self, end_behind, is_strange, opens};
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

    fn in_block(&mut self, mut block: Block, redactor: &Redactor, piece: &str) -> Option<String> {
        if let Some(end) = end_behind(piece, 0) {
            let rest = &piece[end..];
            let shown = self.outside(redactor, rest);
            return Some(hidden() + shown.as_deref().unwrap_or(rest));
        }
        block.lines += 1;
        block.strange = if piece.lines().all(is_strange) { block.strange + 1 } else { 0 };
        if block.lines > MAX_LINES || block.strange >= MAX_STRANGE {
            return self.outside(redactor, piece);
        }
        self.block = Some(block);
        (!piece.trim().is_empty()).then(|| hidden() + line_end(piece))
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
        let went_on = tail.as_ref().and_then(|tail| tail.goes_on(redactor, piece));
        let rows = went_on.as_ref().and(tail.as_ref()).map_or(0, |tail| tail.rows + 1);
        secrets.extend(went_on);
        let is_secret = secrets.iter().any(|secret| secret.place.end == end && end > 0);
        let begun = redactor.begun(&piece[..end]);
        if self.is_text || rows < MAX_ROWS && (is_secret || begun.is_some()) {
            self.tail = Tail::of(piece, is_secret, rows, self.is_text);
        }
        // The beginning of a secret is hidden too, but for a mark that words end with as well.
        let is_long = |secret: &Secret<'_>| end - secret.place.start >= MIN_BEGUN;
        secrets.extend(begun.filter(|secret| !is_secret && is_long(secret) && self.is_text));
        replaced(piece, secrets)
    }
}

/// A piece that ends in this much of a secret shows nothing of it.
const MIN_BEGUN: usize = 8;

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

    /// Where the piece goes on with the secret.
    fn goes_on(&self, redactor: &Redactor, piece: &str) -> Option<Secret<'static>> {
        let start = piece.len() - piece.trim_start_matches(is_gutter).len();
        let rest = &piece[start..];
        let word = rest.split(is_end_of_word).next().filter(|word| !word.is_empty())?;
        let is_glued = self.is_glued && start == 0;
        let place = start..start + word.len();
        if self.is_secret {
            let is_more = is_glued || word.len() >= MIN_BEGUN && looks_cut(word);
            return is_more.then_some(Secret { place, kind: MORE });
        }
        if !(is_glued || judge::is_random(word)) {
            return None;
        }
        let joined = format!("{}{word}", self.word);
        let seam = self.word.len();
        let crosses = |secret: &Secret<'_>| secret.place.start < seam && secret.place.end > seam;
        let crossing = redactor.secrets(&joined).into_iter().find(crosses)?;
        let kind = super::rules::RULES.iter().map(|rule| rule.kind).find(|kind| *kind == crossing.kind);
        Some(Secret { place: start..start + crossing.place.end - seam, kind: kind.unwrap_or(MORE) })
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
