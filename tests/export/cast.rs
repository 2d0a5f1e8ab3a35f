//! Reads an asciicast, version 2, and believes none of it.

use serde_json::{Map, Value};

/// What is in one.
pub(super) struct Cast {
    pub(super) header: Map<String, Value>,
    /// Time in seconds, code, data.
    pub(super) events: Vec<(f64, char, String)>,
}

impl Cast {
    /// Reads it; panics where it is none.
    #[track_caller]
    pub(super) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "its last line is whole");
        let mut lines = text.lines();
        let header: Map<String, Value> = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(header["version"], 2);
        for name in ["width", "height", "timestamp"] {
            assert!(header[name].as_u64().is_some_and(|number| number > 0), "{name}: {header:?}");
        }
        let known = ["version", "width", "height", "timestamp", "title", "env"];
        assert!(header.keys().all(|name| known.contains(&name.as_str())), "{header:?}");
        let events: Vec<(f64, char, String)> =
            lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(events.windows(2).all(|two| two[0].0 <= two[1].0), "times rise");
        assert!(events.iter().all(|(_, code, _)| "orm".contains(*code)), "nothing typed is in it");
        Self { header, events }
    }

    /// The data of all events of this code.
    pub(super) fn all(&self, code: char) -> Vec<&str> {
        self.events.iter().filter(|event| event.1 == code).map(|event| event.2.as_str()).collect()
    }
}
