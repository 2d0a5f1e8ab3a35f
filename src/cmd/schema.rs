//! `schema`: what goes over the wire, as JSON Schema. No hub is needed.

use super::failure::{Exit, Failure};
use super::output;
use crate::cli::SchemaOptions;
use crate::dialect::schema;
use serde_json::Value;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Names less like the one that was typed are not worth a tip; 1 is the same.
const LIKE_ENOUGH: f64 = 0.75;
/// Most names in a tip.
const MAX_TIPS: usize = 3;

/// Runs the verb.
pub(super) fn run(options: &SchemaOptions) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(output::standard());
    match &options.name {
        _ if options.list => schema::names().try_for_each(|name| writeln!(out, "{name}"))?,
        _ if options.asyncapi => print(&mut out, schema::asyncapi())?,
        None => print(&mut out, schema::document())?,
        Some(name) => print(&mut out, &schema::named(name).ok_or_else(|| unknown(name))?)?,
    }
    out.flush()?;
    Ok(Exit::Ok.into())
}

fn print(out: &mut impl Write, document: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

fn unknown(name: &str) -> Failure {
    let failure =
        Failure::new(Exit::Failed, format!("cannot show schema {name:?}: there is none with this name"));
    let like = alike(name);
    let failure = match like.as_slice() {
        [] => failure,
        names => failure.tip(format!("a similar name exists: {}", names.join(", "))),
    };
    failure.tip("claude-mpm schema --list shows all names")
}

/// The names most like this one, best first.
fn alike(name: &str) -> Vec<&'static str> {
    let score = |known: &'static str| {
        // Who leaves the dialect out means the name behind it.
        let bare = known.rsplit('/').next().unwrap_or(known);
        (strsim::jaro_winkler(name, known).max(strsim::jaro_winkler(name, bare)), known)
    };
    let mut scored: Vec<_> = schema::names().map(score).filter(|(score, _)| *score >= LIKE_ENOUGH).collect();
    scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    scored.into_iter().take(MAX_TIPS).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_one_could_have_meant_are_found() {
        assert_eq!(alike("claude.ouput").first(), Some(&"claude.output"));
        assert_eq!(alike("clasic/subscribe").first(), Some(&"classic/subscribe"));
        assert!(
            alike("subscribe").iter().all(|name| name.ends_with("/subscribe")),
            "{:?}",
            alike("subscribe")
        );
        assert_eq!(alike("xyzzy"), <[&str; 0]>::default());
    }
}
