//! Somebody at claude's terminal and somebody elsewhere answer at the same time, and questions that look the same.

use super::place::Place;
use std::process::Output;
use std::time::{Duration, Instant};
use test_support::DEADLINE;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A dialog that has just taken the place of another does not hear a key at once.
fn press_until_taken(place: &Place, shown: &str) {
    let (until, mut pressed) = (Instant::now() + DEADLINE, None::<Instant>);
    while !place.touched().exists() {
        assert!(Instant::now() < until, "{}", place.terminal().screen());
        let is_due = pressed.is_none_or(|at| at.elapsed() > Duration::from_secs(1));
        if is_due && place.terminal().screen().contains(shown) {
            place.terminal().type_text("1");
            pressed = Some(Instant::now());
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_no_from_elsewhere_that_comes_behind_a_yes_at_the_terminal_is_not_told_as_the_answer() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch-for-long");
    let id = place.question(1)["permission_id"].as_str().unwrap().to_owned();
    place.terminal().wait_for(|screen| screen.contains("1. Yes"), DEADLINE);
    place.terminal().type_text("1");
    place.terminal().wait_for(|screen| !screen.contains("1. Yes"), DEADLINE);
    let late = place.verb(&["deny", &id]);
    assert!(!late.status.success(), "{}", said(&late));
    assert_eq!(place.ends(1), ["allow local"]);
    place.wait_activity("idle");
    assert!(place.touched().exists());
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}

#[test]
fn of_two_questions_at_once_each_no_is_told_as_what_became_of_it() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:two-agents-ask");
    place.question(2);
    let ids = [1, 2].map(|number| place.question(number)["permission_id"].as_str().unwrap().to_owned());
    // Of these two claude shows the later one.
    let shown = format!("from the {} agent", place.question(2)["agent"].as_str().unwrap());
    place.terminal().wait_for(|screen| screen.contains(&shown) && screen.contains("Esc to cancel"), DEADLINE);
    press_until_taken(&place, &shown);
    let denied = ids.map(|id| place.verb(&["deny", &id]).status.success());
    let mut ends = place.ends(2);
    ends.sort();
    assert_eq!(ends, ["allow local", "deny remote"]);
    assert_eq!(denied.iter().filter(|is_done| **is_done).count(), 1, "{denied:?}");
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}

#[test]
fn two_calls_of_the_same_words_are_two_questions() {
    let place = Place::on_terminal("subprocess", &[]);
    place.send("DEMO:touch-twice");
    for number in [1, 2] {
        let id = place.question(number)["permission_id"].as_str().unwrap().to_owned();
        place.done(&["allow", &id]);
    }
    assert_eq!(place.ends(2), ["allow remote", "allow remote"]);
    place.wait_activity("idle");
    place.done(&["stop"]);
    place.terminal().wait_exit(DEADLINE);
}
