//! Records scenarios of the catalogue with the real claude, below `fixtures/`. `fixtures/record.sh` calls it.
//!
//!     record [NAME..]       all scenarios, or those
//!     record --list         names only

use std::process::ExitCode;
use std::time::Instant;
use test_support::catalogue::{self, Scenario};
use test_support::{recorder, tapes};

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == "--list") {
        catalogue::all().iter().for_each(|scenario| println!("{}", scenario.name));
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names.iter().find(|name| catalogue::named(name).is_none()) {
        eprintln!("record: cannot find the scenario {unknown}; --list names them all");
        return ExitCode::FAILURE;
    }
    let wanted = |scenario: &Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    let failed = catalogue::all().into_iter().filter(wanted).filter(|scenario| !recorded(scenario)).count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Records one; a scenario that goes wrong keeps its old recording and does not stop the others.
fn recorded(scenario: &Scenario) -> bool {
    let began = Instant::now();
    let written = std::panic::catch_unwind(|| {
        let recording = recorder::record(scenario);
        recording.write(&tapes::fixtures(), scenario.name).expect("written tapes");
        recording.len()
    });
    match &written {
        Ok(moments) => {
            println!("{}: {moments} moments, {:.1} s", scenario.name, began.elapsed().as_secs_f32())
        }
        Err(_) => eprintln!("{}: FAILED", scenario.name),
    }
    written.is_ok()
}
