//! Many mistakes at once: all of them are told, in order, each once.

use super::mistakes;

#[test]
fn mistakes_of_all_files_and_kinds_come_in_one_report_in_order() {
    let said = mistakes(&[
        (
            "web.toml",
            "name = \"web\"\nowners = [\"web\"]\n[production]\nupstreams = [\"ledgr\"]\naccount_id = \"123456789012\"\n",
        ),
        ("api.toml", "name = \"api\"\nowners = [\"api@example.com\"]\n[prod]\naccount_id = \"123456789012\"\n"),
        ("ledger.toml", "name = ledger\n"),
        ("meshbridge.toml", "organisation = \"\"\nregions = []\n[environments.production]\ntrust_domain = \"a b\"\n"),
    ]);
    let places: Vec<&str> = said.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(
        places,
        [
            "api.toml:3:2",
            "ledger.toml:1:8",
            "meshbridge.toml:1:16",
            "meshbridge.toml:2:11",
            "meshbridge.toml:3:15",
            "meshbridge.toml:4:16",
            "web.toml:2:11",
            "web.toml:4:14",
            "web.toml:5:14",
        ],
        "{said:#?}"
    );
}

#[test]
fn a_thousand_files_with_the_same_mistake_are_told_a_thousand_times() {
    let texts: Vec<(String, String)> = (0..1000)
        .map(|number| {
            let text = format!(
                "name = \"app-{number}\"\nowners = [\"a@b.example\"]\n[production]\nupstreams = [\"legder\"]\n"
            );
            (format!("app-{number}.toml"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let said = mistakes(&files);
    assert_eq!(said.len(), 1000);
    assert!(said.iter().all(|line| line.contains("\"legder\" is not an app of this registry")));
}
