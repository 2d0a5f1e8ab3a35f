//! What the schema takes and what it refuses.

use super::*;

#[test]
fn it_is_a_schema() {
    jsonschema::meta::validate(document()).unwrap();
    println!("{}", serde_json::to_string_pretty(document()).unwrap().len());
    for name in names() { println!("{name}"); }
}
