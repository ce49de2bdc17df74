use super::*;

fn machine(secrets: Option<SecretSource>) -> Machine {
    Machine {
        name: "skyscan-workers".to_owned(),
        transport: "zmqs://scanner.example:5555".to_owned(),
        insecure: false,
        program: "https://files.example/skyscan?a='b'".to_owned(),
        sha256: "0".repeat(64),
        secrets,
        hours: NonZeroU32::MIN,
        give_up: NonZeroU32::new(600),
        more: vec![],
    }
}

#[test]
fn nothing_is_left_to_fill_in_and_lines_stay_within_their_files() {
    for secrets in [
        None,
        Some(SecretSource::Folder("/etc/my keys".into())),
        Some(SecretSource::Command("cat 'a b'".to_owned())),
        Some(SecretSource::Script("#!/bin/sh\n\nexit\n".to_owned())),
        Some(SecretSource::Exposed {
            token: "skyscan-token:a\n".to_owned(),
            scanner: "skyscan-public-key:b\n".to_owned(),
        }),
    ] {
        let text = machine(secrets).user_data();
        let capitals =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
        assert!(!text.split('@').any(capitals), "{text}");
        assert!(text.starts_with("#cloud-config\n"), "{text}");
        let is_known = |line: &str| {
            line.is_empty()
                || line.starts_with(['#', ' '])
                || ["users:", "write_files:", "runcmd:"].contains(&line)
        };
        assert_eq!(text.lines().find(|line| !is_known(line)), None, "{text}");
        assert_eq!(
            text.lines().find(|line| line.ends_with(' ')),
            None,
            "{text}"
        );
    }
}

#[test]
fn what_a_file_holds_of_secrets_is_said() {
    let token = SecretSource::Exposed {
        token: "canary\n".to_owned(),
        scanner: "public\n".to_owned(),
    };
    let exposed = machine(Some(token)).user_data();
    assert!(exposed.contains("IT HOLDS A JOIN TOKEN"), "{exposed}");
    assert!(exposed.contains("      canary\n"), "{exposed}");
    let folder = machine(Some(SecretSource::Folder("/etc/keys".into()))).user_data();
    assert!(folder.contains("No secret is in here."), "{folder}");
}

#[test]
fn words_reach_the_worker_and_what_breaks_a_line_is_refused() {
    let fit = "python3 'my fit.py' \"$HOME\"";
    let with_fit = Machine {
        more: vec!["--external-program".to_owned(), fit.to_owned()],
        ..machine(None)
    };
    let text = with_fit.user_data();
    let command = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("exec "))
        .and_then(shlex::split)
        .unwrap();
    assert_eq!(command.last().map(String::as_str), Some(fit));
    assert_eq!(with_fit.check(), Ok(()));
    for broken in ["a\nb", "a\u{2028}b"] {
        let command = SecretSource::Command(broken.to_owned());
        assert!(machine(Some(command)).check().is_err());
    }
}

#[test]
fn words_behind_the_dashes_leave_alone_what_is_settled() {
    for (words, refused) in [
        (
            &["--transport", "zmq://open.example:1"][..],
            Some("--transport"),
        ),
        (
            &["--slots", "2", "--transport=zmq://open.example:1"],
            Some("--transport"),
        ),
        (&["--keys", "/k"], Some("--keys")),
        (&["--keys=/k"], Some("--keys")),
        (&["--insecure"], Some("--insecure")),
        (&["--external-program", "fit --keys k"], None),
    ] {
        let with_words = Machine {
            more: words.iter().map(|&word| word.to_owned()).collect(),
            ..machine(None)
        };
        let expected = refused.map_or(Ok(()), |name| Err(DeployError::Settled(name)));
        assert_eq!(with_words.check(), expected, "{words:?}");
    }
}

#[test]
fn a_url_with_a_login_is_refused_and_not_repeated() {
    for (url, is_refused) in [
        ("https://user:canary@f.example/s", true),
        ("https://user:can@ary@f.example/s", true),
        ("http://canary@f.example?s", true),
        ("https://f.example/@scope/s?as=me@home#@", false),
    ] {
        let from = Machine {
            program: url.to_owned(),
            ..machine(None)
        };
        let checked = from.check();
        assert_eq!(checked.is_err(), is_refused, "{url}");
        assert!(!format!("{checked:?}").contains("canary"), "{checked:?}");
    }
}

#[test]
fn a_folder_on_the_machine_has_its_whole_path() {
    for (folder, is_place) in [
        ("/etc/my keys", true),
        ("k", false),
        ("./k", false),
        ("", false),
    ] {
        let checked = machine(Some(SecretSource::Folder(folder.into()))).check();
        let expected = match is_place {
            true => Ok(()),
            false => Err(DeployError::Relative(folder.to_owned())),
        };
        assert_eq!(checked, expected, "{folder:?}");
    }
}
