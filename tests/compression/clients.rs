//! Other people's clients, which offer compression by themselves.

use crate::hub_server::TestServer;
use crate::{prose, roomy};
use std::process::Command;
use test_support::interpreters;
use test_support::program::Program;

/// Prints what it was sent: first what was agreed on, then the frames of 50 events.
const PYTHON: &str = r#"
import asyncio, json, sys, websockets
async def main(url, compression):
    async with websockets.connect(url, compression=compression) as ws:
        print("agreed", ws.response.headers.get("Sec-WebSocket-Extensions", "nothing"))
        await ws.send(json.dumps({"command": "subscribe", "channels": ["*"], "replay": 1000, "pad": "x" * 5000}))
        count = 0
        async for frame in ws:
            if "seq" in json.loads(frame):
                print("event", frame)
                count += 1
                if count == 50: break
asyncio.run(main(sys.argv[1], sys.argv[2] if sys.argv[2] != "none" else None))
"#;

const NODE: &str = r#"
const WebSocket = require("ws");
const [url, compression] = process.argv.slice(1);
const ws = new WebSocket(url, { perMessageDeflate: compression !== "none" });
let count = 0;
ws.on("upgrade", (answer) => console.log("agreed", answer.headers["sec-websocket-extensions"] || "nothing"));
ws.on("open", () => ws.send(JSON.stringify({ command: "subscribe", channels: ["*"], replay: 1000, pad: "x".repeat(5000) })));
ws.on("message", (data) => {
  if (!("seq" in JSON.parse(data))) return;
  console.log("event", data.toString());
  if (++count === 50) ws.close();
});
ws.on("error", (cause) => { console.error(cause); process.exit(1); });
"#;

/// What a client prints, line by line.
async fn printed(mut command: Command, server: &TestServer, compression: &'static str) -> Vec<String> {
    command.arg(format!("ws://{}/?compress=1", server.address)).arg(compression);
    let run = move || Program::start(command, b"").finish();
    let (status, out, err) = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(status.success(), "{err:#?}");
    out
}

async fn gets_the_same_either_way(command: fn() -> Command) {
    let server = roomy().await;
    for number in 0..50 {
        // Small ones, large ones, and one that cannot become smaller.
        server.say(&if number == 40 {
            noise()
        } else {
            prose(number, usize::try_from(number).unwrap() * 100)
        });
    }
    let plain = printed(command(), &server, "none").await;
    let small = printed(command(), &server, "deflate").await;
    assert_eq!(plain[0], "agreed nothing");
    assert!(small[0].starts_with("agreed permessage-deflate; server_no_context_takeover;"), "{}", small[0]);
    assert_eq!((plain.len(), &plain[1..]), (51, &small[1..]));
    server.stop().await;
}

fn noise() -> String {
    let mut random = fastrand::Rng::with_seed(1);
    (0..2_000).map(|_| char::from_u32(random.u32(0x4e00..0x9fff)).unwrap_or('x')).collect()
}

#[tokio::test]
async fn the_python_client_gets_the_same_with_and_without() {
    gets_the_same_either_way(|| {
        let mut python = interpreters::python();
        python.arg("-u").arg("-c").arg(PYTHON);
        python
    })
    .await;
}

#[tokio::test]
async fn the_node_client_gets_the_same_with_and_without() {
    gets_the_same_either_way(|| {
        let mut node = interpreters::node();
        node.arg("-e").arg(NODE).arg("--");
        node
    })
    .await;
}
