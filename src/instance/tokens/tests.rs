//! Tokens given out, taken away and presented.

use super::*;
use crate::instance::StateDirectory;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

fn place() -> (tempfile::TempDir, TokenStore, Tokens) {
    let base = tempfile::tempdir().unwrap();
    let directory = StateDirectory::at(&base.path().join("state/claude-mpm")).unwrap();
    let (store, tokens) = (TokenStore::new(&directory), Tokens::at(directory.path()));
    (base, store, tokens)
}

fn wish(role: Role) -> Wish {
    Wish { role, expires_at: None, note: None }
}

fn granted(token: &Token) -> Option<Granted> {
    Some(Granted { id: token.id.clone(), role: token.role })
}

#[test]
fn a_token_lets_in_from_when_it_is_made_until_it_is_revoked() {
    let (_base, store, tokens) = place();
    assert_eq!(tokens.verify(b"mpm_x"), None);
    let (read, read_secret) = store.create(wish(Role::Read)).unwrap();
    let (control, control_secret) = store.create(wish(Role::Control)).unwrap();
    assert_eq!(tokens.verify(read_secret.reveal().as_bytes()), granted(&read));
    assert_eq!(tokens.verify(control_secret.reveal().as_bytes()), granted(&control));
    for wrong in ["", "mpm_", &read_secret.reveal()[1..], &read.id] {
        assert_eq!(tokens.verify(wrong.as_bytes()), None, "{wrong:?}");
    }
    assert_eq!(store.revoke(&read.id).unwrap(), read);
    assert_eq!(tokens.verify(read_secret.reveal().as_bytes()), None);
    assert!(!tokens.still_valid(&read.id) && tokens.still_valid(&control.id));
    assert!(matches!(store.revoke(&read.id), Err(TokenError::Unknown(_))));
    store.revoke_all().unwrap();
    assert_eq!((tokens.verify(control_secret.reveal().as_bytes()), store.list().unwrap()), (None, vec![]));
}

#[test]
fn a_rotated_token_keeps_its_role_and_lets_nobody_in_with_the_old_secret() {
    let (_base, store, tokens) = place();
    let wish = Wish { note: Some("ci".into()), ..wish(Role::Publish) };
    let (old, old_secret) = store.create(wish).unwrap();
    let (new, new_secret) = store.rotate(&old.id).unwrap();
    assert_eq!((new.role, new.note.as_deref()), (Role::Publish, Some("ci")));
    assert_eq!(tokens.verify(old_secret.reveal().as_bytes()), None);
    assert_eq!(tokens.verify(new_secret.reveal().as_bytes()), granted(&new));
    assert!(!tokens.still_valid(&old.id));
    assert_eq!(store.list().unwrap(), [new]);
}

#[test]
fn an_expired_token_lets_nobody_in_and_is_forgotten_with_the_next_one() {
    let (_base, store, tokens) = place();
    let past = Some(Timestamp::from_millis(verify::now().as_millis() - 1));
    let (old, secret) = store.create(Wish { expires_at: past, ..wish(Role::Read) }).unwrap();
    assert_eq!((tokens.verify(secret.reveal().as_bytes()), tokens.still_valid(&old.id)), (None, false));
    assert_eq!(store.list().unwrap(), [old]);
    let later = Some(Timestamp::from_millis(verify::now().as_millis() + 1_000_000));
    let (new, secret) = store.create(Wish { expires_at: later, ..wish(Role::Read) }).unwrap();
    assert_eq!(tokens.verify(secret.reveal().as_bytes()), granted(&new));
    assert_eq!(store.list().unwrap(), [new]);
}

#[test]
fn the_file_is_private_and_holds_no_secret() {
    let (_base, store, _) = place();
    let (_, secret) = store.create(wish(Role::Read)).unwrap();
    let text = fs::read_to_string(store.path()).unwrap();
    assert!(!text.contains(&secret.reveal()[4..]));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(store.path()), mode(store.path().parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_file_that_cannot_be_trusted_or_read_lets_nobody_in() {
    let (base, store, tokens) = place();
    let (token, secret) = store.create(wish(Role::Control)).unwrap();
    let good = fs::read(store.path()).unwrap();
    let presented = || tokens.verify(secret.reveal().as_bytes());
    let elsewhere = base.path().join("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o600)).unwrap();
    let again = || {
        drop(fs::remove_file(store.path()).or_else(|_| fs::remove_dir(store.path())));
        crate::instance::private::replace(store.path(), &good).unwrap();
        assert_eq!(presented(), granted(&token));
    };
    let file = store.path();
    let plants: [(&str, &dyn Fn()); 7] = [
        ("a link", &|| fs::remove_file(file).and_then(|()| symlink(&elsewhere, file)).unwrap()),
        ("a queue", &|| {
            fs::remove_file(file).unwrap();
            nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("a directory", &|| fs::remove_file(file).and_then(|()| fs::create_dir(file)).unwrap()),
        ("open to others", &|| fs::set_permissions(file, Permissions::from_mode(0o606)).unwrap()),
        ("cut", &|| fs::write(file, &good[..good.len() / 2]).unwrap()),
        ("another version", &|| fs::write(file, r#"{"version":2,"tokens":[]}"#).unwrap()),
        ("too large", &|| fs::write(file, vec![b' '; MAX_FILE + 1]).unwrap()),
    ];
    for (what, plant) in plants {
        again();
        plant();
        assert_eq!(presented(), None, "{what}");
        assert!(!tokens.still_valid(&token.id), "{what}");
        if what != "a directory" {
            assert!(store.create(wish(Role::Read)).is_err(), "{what}");
        }
    }
    again();
    store.revoke_all().unwrap();
    if nix::unistd::geteuid().is_root() {
        again();
        nix::unistd::chown(file, Some(4242.into()), None).unwrap();
        assert_eq!(presented(), None, "another user's");
    }
}

#[test]
fn there_are_no_more_tokens_than_may_be_and_notes_are_short() {
    let (_base, store, tokens) = place();
    let note = |text: String| Wish { note: Some(text), ..wish(Role::Read) };
    for wrong in ["x".repeat(201), "a\nb".into(), "\u{9b}".into()] {
        assert!(matches!(store.create(note(wrong)), Err(TokenError::Note)));
    }
    let (first, secret) = store.create(note("漢".repeat(200))).unwrap();
    let rest = vec![first.clone(); MAX_TOKENS - 1];
    let text = serde_json::to_vec(&Book { version: VERSION, tokens: rest }).unwrap();
    crate::instance::private::replace(store.path(), &text).unwrap();
    let (last, _) = store.create(wish(Role::Read)).unwrap();
    assert!(matches!(store.create(wish(Role::Read)), Err(TokenError::Full)));
    assert!(tokens.still_valid(&last.id));
    assert_eq!(tokens.verify(secret.reveal().as_bytes()), granted(&first));
}

/// Nothing is lost where several are made at once.
#[test]
fn two_who_change_the_file_at_once_both_do() {
    let (_base, store, _) = place();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..10).for_each(|_| drop(store.create(wish(Role::Read)).unwrap())));
        }
    });
    assert_eq!(store.list().unwrap().len(), 20);
}
