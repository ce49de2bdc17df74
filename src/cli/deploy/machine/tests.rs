use std::time::Duration;

use super::*;

#[test]
fn a_program_is_fetched_from_a_url() {
    for (url, is_taken) in [
        ("https://files.example/skyscan?a='b'", true),
        ("http://files.example/skyscan", true),
        ("ftp://files.example/skyscan", false),
        ("https:///skyscan", false),
        ("https://", false),
        ("https://files.example/sky scan", false),
        ("https://files.example/skyscan\t", false),
    ] {
        assert_eq!(program(url).is_ok(), is_taken, "{url}");
    }
}

#[test]
fn the_folder_of_a_token_is_taken_and_the_places_own_is_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("keys");
    keys::make(&place).unwrap();
    let given = keys::add_token(&place, Duration::from_secs(60), 1).unwrap();
    let exposed = |dir: &Path| {
        let arguments = SecretArguments {
            keys_at: None,
            keys_from: None,
            expose_token: Some(dir.to_owned()),
        };
        arguments.read("zmqs://scanner.example:5555")
    };
    assert!(matches!(
        exposed(&given),
        Ok(Some(SecretSource::Exposed { .. }))
    ));
    let told = format!("{:#}", exposed(&place).unwrap_err().error);
    let named = format!("{}/for-token-", place.display());
    assert!(
        given.display().to_string().starts_with(&named),
        "{}",
        given.display()
    );
    assert!(told.contains(&named), "{told}");
}
