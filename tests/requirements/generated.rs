//! Requirement R4's test events: its generator makes one of every type its lists name, its broadcaster sends them to a
//! hub, and each comes back as it was made, and valid.

use crate::blocks::block;
use crate::{place, typescript};
use serde_json::Value;

/// Sends one of each type when the connection is there, and prints each pair of what was sent and what came back.
const BROADCAST: &str = "
const sent = new Map<string, HookEvent>();
const types: string[] = [HookEventType, SystemEventType, IntegrationEventType].flatMap(type => Object.values(type));
wsClients[0].on('open', () => types.forEach(type => {
  const event = generateTestEvent(type);
  sent.set(event.id, event);
  broadcastEvent(event);
}));
wsClients[0].on('message', (text: any) => {
  const message = JSON.parse(text);
  if (message.type === 'error') { console.log(JSON.stringify({ refused: message.data })); wsClients[0].close(); }
  if (message.type !== 'event' || !sent.has(message.data.id)) return;
  const back = message.data;
  console.log(JSON.stringify({ sent: sent.get(back.id), back, valid: validateEvent(back) }));
  sent.delete(back.id);
  if (sent.size === 0) wsClients[0].close();
});
";

#[test]
fn a_generated_event_of_every_type_is_taken_and_comes_back() {
    let place = place();
    let hub = place.serve(0);
    let mut text = format!("const wsClients: any[] = [new WebSocket('{}/events')];\n", hub.url());
    for name in [
        "4-event-schema/04-hook-event-types.ts",
        "4-event-schema/05-system-event-types.ts",
        "4-event-schema/06-integration-event-types.ts",
        "4-event-schema/14-server-broadcasting.ts",
        "4-event-schema/17-event-validation.ts",
        "4-event-schema/18-test-event-generator.ts",
    ] {
        text.push_str(&block(name));
    }
    let pairs: Vec<Value> =
        typescript::run(&(text + BROADCAST)).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for pair in &pairs {
        assert!(pair["refused"].is_null(), "{pair}");
        assert_eq!(pair["valid"], true, "{pair}");
        for (name, value) in pair["sent"].as_object().unwrap() {
            let is_kept = match value {
                Value::Object(fields) => {
                    fields.iter().all(|(field, value)| pair["back"][name][field] == *value)
                }
                value => pair["back"][name] == *value,
            };
            assert!(is_kept, "{name} of {pair}");
        }
    }
    assert_eq!(pairs.len(), 7 + 8 + 5, "one of each type");
    hub.stop();
}
