use super::*;

const SECRETS: Secrets<'_> = Secrets {
    password: Some("amqp"),
    keys: Some("zone-1"),
};

fn workers(more: &[&str]) -> Workers {
    Workers {
        name: "skyscan-workers".to_owned(),
        n: NonZeroU32::MIN,
        slots: NonZeroU16::MIN,
        transport: "amqp://me@broker:5672/vhost".to_owned(),
        insecure: false,
        memory_mib: NonZeroU32::MIN,
        more: more.iter().map(|&word| word.to_owned()).collect(),
    }
}

fn installed() -> Installed {
    Installed {
        program: "/opt/sky scan/bin/skyscan".into(),
        password_file: Some("/home/me/$amqp password".into()),
        keys: Some("/home/me/for-zone 1".into()),
    }
}

#[test]
fn words_keep_their_borders_in_every_file() {
    let workers = workers(&["--external-program", "python3 'my fit.py' \"$HOME\" $(X)"]);
    let condor = submit_file(&workers, &installed());
    let expected = r#"--external-program 'python3 ''my fit.py'' ""$(DOLLAR)HOME"" $(DOLLAR)(X)'"#;
    assert!(condor.contains(expected), "{condor}");
    let slurm = batch_script(&workers, &installed(), 1, None);
    let command = slurm
        .lines()
        .find_map(|line| line.strip_prefix("exec "))
        .unwrap();
    let words = shlex::split(command).unwrap();
    assert_eq!(words[0], "/opt/sky scan/bin/skyscan");
    assert_eq!(words.last(), workers.more.last());
    let kubernetes = manifest(&workers, "skyscan", SECRETS);
    let expected = r#""python3 'my fit.py' \"$HOME\" $$(X)"]"#;
    assert!(kubernetes.contains(expected), "{kubernetes}");
}

#[test]
fn every_file_names_the_keys_and_what_is_open_says_so() {
    let open = Workers {
        insecure: true,
        ..workers(&[])
    };
    let condor = submit_file(&open, &installed());
    for expected in [
        "'SKYSCAN_KEYS=for-zone 1'",
        "transfer_input_files = /home/me/$(DOLLAR)amqp password, /home/me/for-zone 1\n",
        "encrypt_input_files = /home/me/$(DOLLAR)amqp password, /home/me/for-zone 1/*\n",
    ] {
        assert!(condor.contains(expected), "{expected}: {condor}");
    }
    let slurm = batch_script(&open, &installed(), 1, None);
    assert!(
        slurm.contains("export SKYSCAN_KEYS='/home/me/for-zone 1'"),
        "{slurm}"
    );
    let kubernetes = manifest(&open, "skyscan", SECRETS);
    for expected in [
        "{name: SKYSCAN_KEYS, value: /run/secrets/skyscan-keys}",
        "kubectl create secret generic zone-1 --from-file=FOLDER",
        "{name: keys, secret: {secretName: \"zone-1\"}}",
    ] {
        assert!(kubernetes.contains(expected), "{expected}: {kubernetes}");
    }
    for text in [&condor, &slurm, &kubernetes] {
        assert!(text.contains("--insecure"), "{text}");
    }
    assert!(!submit_file(&workers(&[]), &installed()).contains("--insecure"));
}

#[test]
fn nothing_is_left_to_fill_in() {
    let (workers, installed) = (workers(&[]), installed());
    let bare = Installed {
        password_file: None,
        keys: None,
        ..installed.clone()
    };
    for text in [
        submit_file(&workers, &installed),
        submit_file(&workers, &bare),
        batch_script(&workers, &installed, 1, Some("long")),
        batch_script(&workers, &bare, 1, None),
        manifest(&workers, "skyscan", SECRETS),
        manifest(&workers, "skyscan", Secrets::default()),
    ] {
        let capitals =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
        assert!(!text.split('@').any(capitals), "{text}");
        assert!(
            !text
                .lines()
                .any(|line| line.trim() != line.trim_end() && line.trim().is_empty()),
            "{text}"
        );
    }
}

#[test]
fn what_breaks_a_line_or_a_name_is_refused() {
    let broken = workers(&["a\nqueue 1000"]);
    assert!(matches!(
        broken.check(),
        Err(DeployError::ControlCharacter(_))
    ));
    for name in ["", "Workers", "a b", "1st", "a-", "../x"] {
        let named = Workers {
            name: name.to_owned(),
            ..workers(&[])
        };
        assert_eq!(named.check(), Err(DeployError::Name(name.to_owned())));
    }
    assert_eq!(workers(&[]).check(), Ok(()));
    let second_place = workers(&["--transport=zmq://open.example:1"]);
    assert_eq!(
        second_place.check(),
        Err(DeployError::Settled("--transport"))
    );
    let installed = Installed {
        program: "a\nb".into(),
        password_file: None,
        keys: None,
    };
    assert!(installed.check().is_err());
}

#[test]
fn a_brokers_script_is_one_for_the_shell_and_holds_every_right() {
    let url = "amqp://o'hara@broker.example/sky%2Fscan?namespace=ns";
    let grants = crate::transport::Grants::at(url).unwrap();
    let script = broker_script(&grants, "helper").unwrap();
    let lines = script
        .lines()
        .filter(|line| line.contains("set_permissions"));
    let words: Vec<Vec<String>> = lines.filter_map(shlex::split).collect();
    for (line, rights) in words.iter().zip([&grants.scanner, &grants.worker]) {
        let rights = [&rights.configure, &rights.write, &rights.read];
        assert!(line.iter().rev().take(3).rev().eq(rights), "{line:?}");
    }
    assert_eq!(words.len(), 2);
    let named = |line: &str| script.lines().any(|other| other == line);
    assert!(named(r#"scanner="o'hara""#), "{script}");
    assert!(
        named("vhost=sky/scan") && named("worker=helper"),
        "{script}"
    );
    assert!(
        !script.contains("@SC") && !script.contains("@W"),
        "{script}"
    );
    let strange = crate::transport::Grants::at("amqp://a%0Ab@broker.example/sky").unwrap();
    assert!(broker_script(&strange, "helper").is_err());
}
