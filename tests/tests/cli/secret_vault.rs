//! Vaults that cannot be used: refused with the file and the way out, and left as they are.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ax_tests::home::Home;

use crate::secret::VALUE;
use crate::secret::listed;
use crate::secret::set;
use crate::secret::with_asking;

/// A home with one secret.
fn home() -> Home {
    let home = Home::new();
    set(&home, "token", VALUE).ok();
    home
}

fn vault(home: &Home) -> PathBuf {
    home.path().join("secrets.age")
}

fn key(home: &Home) -> PathBuf {
    home.path().join("secrets.key")
}

/// Runs every command that opens the vault: all are refused with `AX-K001`, and change nothing.
/// Gives what the last one said.
fn refusal(home: &Home) -> String {
    let files = || [vault(home), key(home)].map(|path| fs_err::read(path).ok());
    let before = files();
    let runs = [
        set(home, "token", VALUE),
        set(home, "other", VALUE),
        home.ax(&["secret", "remove", "token", "--yes"]),
        home.ax(&["secret", "list"]),
    ];
    let doctor = home.ax(&["doctor"]).exits(6).stdout;
    assert!(doctor.contains("FAIL  secrets"), "{doctor}");
    for run in &runs {
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.starts_with("error[AX-K001]: "), "{run:?}");
    }
    assert_eq!(files(), before);
    home.tell(&runs[3])
}

#[test]
fn without_its_key_a_vault_is_neither_opened_nor_overwritten() {
    let home = home();
    let kept = home.path().join("kept.key");
    fs_err::rename(key(&home), &kept).expect("moved");
    insta::assert_snapshot!(refusal(&home), @r"
    exit 1
    --- stderr
    error[AX-K001]: the key `HOME/secrets.key` that opens `HOME/secrets.age` is missing

    hint: restore `HOME/secrets.key` from a backup, or begin anew: mv -n HOME/secrets.age HOME/secrets.age.old
    ");
    // Both ways that the hint names lead out.
    fs_err::rename(&kept, key(&home)).expect("restored");
    assert_eq!(listed(&home), ["token"]);
    fs_err::remove_file(key(&home)).expect("lost");
    fs_err::rename(vault(&home), home.path().join("secrets.age.old")).expect("moved");
    set(&home, "token", VALUE).ok();
    assert_eq!(listed(&home), ["token"]);
}

#[test]
fn another_key_does_not_open_a_vault() {
    let (home, other) = (home(), self::home());
    fs_err::copy(key(&other), key(&home)).expect("copied");
    insta::assert_snapshot!(refusal(&home), @r"
    exit 1
    --- stderr
    error[AX-K001]: the key `HOME/secrets.key` does not open `HOME/secrets.age`

    hint: restore the key that belongs to it as `HOME/secrets.key`, or begin anew: mv -n HOME/secrets.age HOME/secrets.age.old
    ");
}

#[test]
fn a_key_file_without_a_key_is_refused() {
    let home = home();
    fs_err::write(key(&home), "nothing\n").expect("written");
    insta::assert_snapshot!(refusal(&home), @r"
    exit 1
    --- stderr
    error[AX-K001]: `HOME/secrets.key` does not hold an age identity: a line is not an X25519 identity

    hint: restore `HOME/secrets.key` from a backup; it holds a line `AGE-SECRET-KEY-1…`
    ");
}

#[test]
fn a_damaged_vault_is_refused() {
    let home = home();
    let mut bytes = fs_err::read(vault(&home)).expect("the vault");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs_err::write(vault(&home), bytes).expect("written");
    insta::assert_snapshot!(refusal(&home), @r"
    exit 1
    --- stderr
    error[AX-K001]: `HOME/secrets.age` is damaged: its bytes are not those that were encrypted

    hint: restore a backup, or begin anew: mv -n HOME/secrets.age HOME/secrets.age.old
    ");
}

#[test]
fn files_that_are_open_to_others_are_refused_until_they_are_closed() {
    for (file, name) in [(vault as fn(&Home) -> PathBuf, "secrets.age"), (key, "secrets.key")] {
        for mode in [0o640, 0o604, 0o620] {
            let home = home();
            let chmod = |mode| {
                let permissions = std::fs::Permissions::from_mode(mode);
                fs_err::set_permissions(file(&home), permissions).expect("it is ours");
            };
            chmod(mode);
            let told = refusal(&home);
            let expected = format!("`HOME/{name}` is open to other users (mode {mode:03o})");
            assert!(told.contains(&expected), "{told}");
            assert!(told.contains(&format!("hint: chmod 600 HOME/{name}, and replace")), "{told}");
            chmod(0o600);
            assert_eq!(listed(&home), ["token"]);
        }
    }
}

#[test]
fn a_home_that_others_may_write_is_given_no_secret() {
    let home = home();
    fs_err::set_permissions(home.path(), std::fs::Permissions::from_mode(0o770)).expect("ours");
    let refused = set(&home, "other", VALUE).exits(1);
    assert!(refused.stderr.contains("error[AX-S001]"), "{}", refused.stderr);
    fs_err::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).expect("ours");
    assert_eq!(listed(&home), ["token"]);
}

#[test]
fn a_plugin_that_may_use_a_secret_does_not_run_while_none_can_be_read() {
    let home = with_asking();
    set(&home, "github-token", VALUE).ok();
    let call = ["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#];
    home.ax(&call).ok();
    fs_err::remove_file(key(&home)).expect("lost");
    insta::assert_snapshot!(home.told(&call), @r"
    exit 1
    --- stderr
    error[AX-P020]: the secrets this plugin may use cannot be read
    caused by: the key `HOME/secrets.key` that opens `HOME/secrets.age` is missing

    hint: restore `HOME/secrets.key` from a backup, or begin anew: mv -n HOME/secrets.age HOME/secrets.age.old
    ");
}

#[test]
fn a_call_that_cannot_read_its_secrets_leaves_a_grant_for_once() {
    let home = with_asking();
    set(&home, "github-token", VALUE).ok();
    let held = home.granted("test:calc");
    let permission = held.first().expect("it was granted").clone();
    home.ax(&["permission", "revoke", "test:calc", &permission]).ok();
    home.ax(&["permission", "grant", "test:calc", &permission, "--scope", "once"]).ok();
    let chmod = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        fs_err::set_permissions(key(&home), permissions).expect("it is ours");
    };
    chmod(0o644);
    let call = ["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#];
    let refused = home.ax(&call).exits(1);
    assert!(refused.stderr.starts_with("error[AX-P020]"), "{}", refused.stderr);
    assert_eq!(home.granted("test:calc"), [permission]);
    let row = home.ax(&["audit", "tail", "-n", "1", "--json"]).ok().json();
    assert_eq!((&row["kind"], &row["body"]["tool"]), (&"call".into(), &"add".into()));
    chmod(0o600);
    home.ax(&call).ok();
    assert_eq!(home.granted("test:calc"), Vec::<String>::new());
}
