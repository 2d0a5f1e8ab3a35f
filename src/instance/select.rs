//! Which instance a person means: by name, session id prefix, pid or port, or without a word the one of this
//! directory, or the only one. Pure.

use super::Instance;
use std::path::Path;

/// What a word, or its absence, stands for.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Exactly this one.
    One(&'a Instance),
    /// Several are meant equally well.
    Several(Vec<&'a Instance>),
    /// None fits.
    None,
}

/// Finds the instance meant by `word`; without one, that of directory `here`, or else the only one.
///
/// An exact name or id goes before a port or pid, and those before a prefix of a session id. A recording is meant only
/// where nothing that runs is.
pub fn choose<'a>(instances: &'a [Instance], word: Option<&str>, here: Option<&Path>) -> Choice<'a> {
    match word {
        Some(word) => {
            let (replays, live): (Vec<_>, Vec<_>) = instances.iter().partition(|one| one.is_replay());
            match by_word(&live, word) {
                Choice::None => by_word(&replays, word),
                found => found,
            }
        }
        None => by_place(instances, here),
    }
}

fn by_word<'a>(instances: &[&'a Instance], word: &str) -> Choice<'a> {
    let number = word.parse::<u32>().ok();
    let ids = |instance: &'a Instance| {
        [Some(&instance.session_id), instance.replays.as_ref()].into_iter().flatten()
    };
    let readings: [&dyn Fn(&'a Instance) -> bool; 3] = [
        &|instance| {
            let is_id = ids(instance).any(|id| id.as_str() == word);
            let is_place = || instance.place().is_some_and(|place| place == word && number.is_none());
            instance.name == word || is_id || instance.label() == word || is_place()
        },
        &|instance| {
            number.is_some() && (instance.port.map(u32::from) == number || Some(instance.pid) == number)
        },
        &|instance| !word.is_empty() && ids(instance).any(|id| id.as_str().starts_with(word)),
    ];
    let mut found = readings
        .iter()
        .map(|fits| only(instances.iter().copied().filter(|instance| fits(instance)).collect()));
    found.find(|choice| *choice != Choice::None).unwrap_or(Choice::None)
}

/// A hub that stands alone, or a recording, is meant only where nothing else runs.
fn by_place<'a>(instances: &'a [Instance], here: Option<&Path>) -> Choice<'a> {
    let (hubs, instances): (Vec<_>, Vec<_>) =
        instances.iter().partition(|one| one.stands_alone() || one.is_replay());
    if instances.is_empty() {
        return only(hubs);
    }
    let here = here.map(Path::to_string_lossy);
    let is_here = |instance: &&Instance| Some(instance.working_dir.as_str()) == here.as_deref();
    match only(instances.iter().copied().filter(is_here).collect()) {
        Choice::None => only(instances),
        found => found,
    }
}

fn only(mut found: Vec<&Instance>) -> Choice<'_> {
    match (found.len(), found.pop()) {
        (1, Some(one)) => Choice::One(one),
        (_, Some(last)) => {
            found.push(last);
            Choice::Several(found)
        }
        (_, None) => Choice::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use crate::event::SessionId;

    fn three() -> Vec<Instance> {
        let at = |id: &str, name: &str, port, dir: &str| Instance {
            port: Some(port),
            pid: u32::from(port) + 10_000,
            working_dir: dir.into(),
            ..record(id, name)
        };
        vec![at("aa1", "web", 8765, "/web"), at("aa2", "api", 8766, "/api"), at("bb", "web", 8767, "/other")]
    }

    fn ids(choice: Choice<'_>) -> Vec<&str> {
        match choice {
            Choice::One(one) => vec![one.session_id.as_str()],
            Choice::Several(several) => several.iter().map(|found| found.session_id.as_str()).collect(),
            Choice::None => vec![],
        }
    }

    #[test]
    fn a_word_means_a_name_an_id_prefix_a_pid_or_a_port() {
        let instances = three();
        for (word, expected) in [
            ("api", vec!["aa2"]),
            ("web", vec!["aa1", "bb"]),
            ("web:8767", vec!["bb"]),
            ("8766", vec!["aa2"]),
            ("18767", vec!["bb"]),
            ("b", vec!["bb"]),
            ("aa", vec!["aa1", "aa2"]),
            ("aa1", vec!["aa1"]),
            ("nothing", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(ids(choose(&instances, Some(word), None)), expected, "{word}");
        }
    }

    #[test]
    fn a_recording_is_meant_where_nothing_that_runs_is() {
        let replay = Instance { replays: Some(SessionId::new("aa1")), ..record("own", "web") };
        let instances = [three(), vec![Instance { port: Some(9000), ..replay }]].concat();
        for (word, expected) in [("web:9000", "own"), ("9000", "own"), ("aa1", "aa1"), ("api", "aa2")] {
            assert_eq!(ids(choose(&instances, Some(word), None)), [expected], "{word}");
        }
        assert_eq!(ids(choose(&instances, Some("web"), None)), ["aa1", "bb"]);
        assert_eq!(ids(choose(&instances[3..], Some("aa"), None)), ["own"]);
        assert_eq!(ids(choose(&instances[2..], None, Some(Path::new("/w")))), ["bb"]);
        assert_eq!(ids(choose(&instances[3..], None, None)), ["own"]);
    }

    #[test]
    fn without_a_word_this_directory_decides_or_there_is_only_one() {
        let instances = three();
        let without =
            |here: &str, count: usize| ids(choose(&instances[..count], None, Some(Path::new(here))));
        assert_eq!(without("/api", 3), ["aa2"]);
        assert_eq!(without("/elsewhere", 3).len(), 3);
        assert_eq!(without("/elsewhere", 1), ["aa1"]);
        assert!(without("/api", 0).is_empty());
    }
}
