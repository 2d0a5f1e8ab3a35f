#!/usr/bin/env python3
"""Writes fuzz/corpus anew out of fixtures/: what the targets begin with, in the form that they read.

Run it after the recordings have changed, and check in what it writes. Every part is cut to a few kilobytes: a short input
is played a thousand times while a long one is played once. Inputs called `found-...`, which broke something once, stay.
"""

import hashlib
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
LONGEST = 6_000
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PRINTED = ["background", "background-stopped", "denied-bash", "nested", "parallel", "todowrite", "two-tickets", "error400"]
DRAWN = ["dialog-allowed", "dialog-esc", "dialog-in-agent", "question", "plan", "clear", "tui-tickets"]
REQUESTS = [
    {"command": "subscribe", "channels": ["agent.*", "*", "todo.update"], "sessions": ["s"], "sources": ["hook"],
     "min_severity": "warning", "replay": 5, "after": 7, "epoch": "e", "since": "2026-01-01T00:00:00Z", "request_id": 1,
     "batch": True, "max_rate": {"agent.*": 0.5, "*": 10}},
    {"type": "subscribe", "data": {"event_types": ["flow.*"], "filters": {"sessions": ["s"], "windows": [1]}},
     "metadata": {"request_id": "r"}},
    {"action": "subscribe", "filters": {"types": ["pane.output"], "windows": [0, 2], "since": 1706181600000}},
    {"command": "unsubscribe", "channels": ["agent.*"]},
    {"command": "get_history", "params": {"event_types": ["agent.delegation"], "limit": 9, "before": 3, "until": "2026-01-01T00:00:00Z",
                                           "epoch": "e"}},
    {"command": "explain", "event": 7},
    {"type": "register", "session_id": "s"},
    {"type": "register", "data": {"component": "c", "version": "1", "capabilities": ["a"], "config": {"a": 1}}},
    {"command": "auth", "token": "t"},
    {"command": "uplink", "session_id": "s", "epoch": "e", "key": "k", "recollection": [
        {"type": "claude.activity", "data": {"activity": "busy", "previous": None, "reason": None, "tool_name": None,
                                             "since": "2026-01-01T00:00:00.000Z"}}]},
    {"command": "send_input", "text": "a\nb", "submit": False, "raw": True, "queue": True},
    {"command": "send_keys", "keys": ["Escape", "C-c", "Up", "S-Tab"]},
    {"command": "stop", "grace_seconds": 5},
    {"command": "respond_permission", "permission_id": "p", "decision": "allow", "updated_input": {"a": 1},
     "answers": {"q": "a"}, "remember": [{"type": "addRules"}]},
    {"command": "respond_permission", "permission_id": "p", "decision": "deny", "message": "no", "interrupt": True},
]
QUERIES = ["?channels=agent.*,todo.*&replay=5&session=a%2Cb",
           "?event_types=*&epoch=e&after=7&before=9&batch=1&max_rate=2.5",
           "?types=*&since=2026-01-01T00:00:00+01:00&limit=3"]
PUBLISHED = [
    {"event_type": "component.started", "source": "c", "timestamp": 1706181600000, "payload": {"version": "1", "capabilities": ["a"]}},
    {"event_type": "PreToolUse", "source": "c", "session_id": "s", "timestamp": 1706181600000, "version": "1.0",
     "payload": {"tool_name": "Bash"}, "summary": "x", "chat": [{"role": "user", "content": "x"}], "source_app": "a"},
    {"type": "hook.user_prompt", "timestamp": "2025-07-31T12:00:00.000Z", "data": {"prompt": "hi", "session_id": "s"}},
    {"event_type": "resource.alert", "source": "c", "timestamp": 1, "payload": {"component": "c", "alert_level": "warning",
     "metrics": {"cpu_percent": 90, "memory_mb": 1.5, "active_connections": 0, "event_queue_size": 0}}},
    {"event_type": "pane.output", "source": "c", "timestamp": 1, "payload": {"session": "w", "window": 2, "content": "x"}},
]

KEY = "aB3dE5gH7jK9mN1pQ" * 3
SECRETS = [
    f"ANTHROPIC_API_KEY=sk-{'ant'}-api03-{KEY} and more", f"aws_secret_access_key = {KEY}",
    f'curl -H "Authorization: Bearer {KEY}" https://bob:{KEY}@example.com/x', f"│ ghp_{KEY} │\n│ {KEY} │\n",
    f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{KEY}\n{KEY}\n-----END RSA {'PRIVATE'} KEY-----\nmore\n",
    f"https://hooks.slack.com/services/{KEY} xoxb-{KEY} glpat-{KEY} mpm_{KEY} AIza{KEY}",
]


def lines(path):
    """The entries of a recording."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def brief(text):
    """The text with short names in place of UUIDs, the same for the same, and one for claude's session."""
    names = {}
    return UUID.sub(lambda found: names.setdefault(found.group(), f"u{len(names)}"), text)


def keep(target, text):
    """Writes one seed, whole lines of it."""
    data = text if isinstance(text, bytes) else text.encode()
    if len(data) > LONGEST:
        cut = data.rfind(b"\n", 0, LONGEST)
        data = data[: cut if cut > 0 else LONGEST]
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def script(name):
    """One run as `claude_mpm_fuzz::script` reads it: its sources beside each other, with the time that went by."""
    said = [(entry["t"], compact(entry["body"])) for entry in lines(FIXTURES / f"hooks/{name}.jsonl") if "body" in entry]
    said += [(entry["t"], "^" + entry["line"]) for entry in lines(FIXTURES / f"transcripts/{name}.jsonl") if "line" in entry]
    said += [(entry["t"], "?" + compact(entry["state"]))
             for entry in lines(FIXTURES / f"transcripts/{name}.state.jsonl") if "state" in entry]
    if name in PRINTED:
        said += [(entry["t"], "~" + entry["line"]) for entry in lines(FIXTURES / f"stream/{name}.jsonl") if "line" in entry]
    said = [part for part in sorted(said) if len(part[1]) < 2_000]
    session = next((UUID.search(text).group() for _, text in said if "session" in text and UUID.search(text)), "s")
    text, now = [], 0
    for at, part in said:
        if at - now >= 100:
            text.append(f"+{int(at - now)}")
        now = at
        text.append(part.replace(session, "s"))
    return brief("\n".join(text))


def terminal(path):
    """What was written to the terminal."""
    entries = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return "".join(entry[2] for entry in entries if entry[1] == "o").encode()


def event(entry, seq):
    return {"type": entry["type"], "timestamp": "2026-01-01T00:00:00.000Z", "data": json.loads(brief(compact(entry["data"]))),
            "id": "6b6b0b5e-0d3b-4b3a-8b0a-0a0a0a0a0a0a", "seq": seq, "epoch": "e", "session_id": "s", "source": "hook",
            "origin": {"epoch": "o", "seq": seq}}


def record(seq, text="x"):
    """A line of a journal that gets its checksum from the target."""
    return "+" + compact({"type": "claude.output", "seq": seq, "data": {"content": text}, "before": {}})


def journals():
    """Journals as they are, and with each kind of damage."""
    first = ["@0"] + [record(seq) for seq in range(1, 5)]
    second = ["@1"] + [record(seq) for seq in range(5, 9)]
    other = ["@2"] + [record(seq) for seq in range(1, 4)]
    remark = "+" + compact({"type": "system.gap", "data": {"missed": 2}})
    index = ["@5", "+" + compact({"seq": 3, "offset": 40, "millis": 1}), "@6", "+" + compact({"seq": 7, "offset": 1, "millis": 1})]
    ended = ["@7", "+" + compact({"epoch": "f", "last_seq": 3}), "@8", "+" + compact({"name": "x"})]
    copy = ["@3"] + second[1:]
    return [
        first + second + other + index + ended, first + second + copy + other, first[:3] + [remark] + first[3:],
        first + [record(4), record(2)] + other, first + ['{"crc32":"00000000","seq":9}', "x\0y", ""] + second,
        first + ["@4", record(18446744073709551615), "@9", "x"], second + first + ["@7", "+{}", "[]", "@5", "garbage"],
        ["@0", '+{"seq":"1"}', '+{"seq":-1}', "+{", '+{"seq":1,"seq":2}', '+{"a":1}'],
    ]


def main():
    for seed in HERE.glob("corpus/*/*"):
        if not seed.name.startswith("found-"):
            seed.unlink()
    for name in PRINTED + DRAWN:
        keep("hook_payload", script(name))
    for name in PRINTED:
        stream = [entry["line"] for entry in lines(FIXTURES / f"stream/{name}.jsonl") if len(entry.get("line", "")) < 2_000]
        keep("stream_json", brief("\n".join(stream)))
    for name in DRAWN:
        written = terminal(FIXTURES / f"screens/{name}.cast")
        keep("terminal", written[:2_000])
        keep("terminal", written[-2_000:])
    for request in REQUESTS:
        keep("client_command", compact(request))
    for query in QUERIES:
        keep("client_command", query)
    for secret in SECRETS:
        keep("redact", secret)
    for files in journals():
        keep("journal", "\n".join(files) + "\n")
    keep("journal", "\n".join(journals()[0][:4]) + "\n" + '{"crc32":"00')
    kinds = {}
    for path in sorted(FIXTURES.glob("*/*.events.jsonl")):
        for entry in lines(path):
            kinds.setdefault((entry["type"], tuple(entry["data"]), str(entry["data"].get("status"))), entry)
    for seq, entry in enumerate(kinds.values(), 1):
        keep("event", compact(event(entry, seq)))
    for published in PUBLISHED:
        keep("event", compact(published))
        keep("client_command", compact({"type": "event", "data": published}))
    keep("event", compact(PUBLISHED))
    relayed = [event(entry, seq) for seq, entry in enumerate(list(kinds.values())[:3], 1)]
    keep("client_command", compact({"command": "relay", "events": relayed, "missed": 1}))


if __name__ == "__main__":
    main()
