//! What is not TOML.

use super::Case;
use super::Schema::NotToml;

pub(super) const CASES: &[Case] = &[
    Case {
        what: "a text without quotes",
        files: &[("web.toml", "name = web\nowners = [\"web@example.com\"]\n[production]\n")],
        says: &[
            "web.toml:1:8: is not TOML here: string values must be quoted; put texts between double quotes, such as name = \"reports\"",
        ],
        schema: NotToml,
    },
    Case {
        what: "a text whose quotes do not close",
        files: &[("web.toml", "name = \"web\nowners = [\"web@example.com\"]\n[production]\n")],
        says: &[
            "web.toml:1:12: is not TOML here: invalid basic string; put texts between double quotes, such as name = \"reports\"",
        ],
        schema: NotToml,
    },
    Case {
        what: "a key twice",
        files: &[("web.toml", "name = \"web\"\nname = \"web\"\nowners = [\"web@example.com\"]\n[production]\n")],
        says: &["web.toml:2:1: this key stands there twice; keep one of them, or put both into one"],
        schema: NotToml,
    },
    Case {
        what: "an environment twice",
        files: &[(
            "web.toml",
            "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\nupstreams = []\n[production]\n",
        )],
        says: &["web.toml:5:2: this key stands there twice; keep one of them, or put both into one"],
        schema: NotToml,
    },
    Case {
        what: "a list that does not close",
        files: &[("web.toml", "name = \"web\"\nowners = [\"web@example.com\"\n[production]\n")],
        says: &[
            "web.toml:3:1: is not TOML here: missing comma between array elements; close what was opened, with commas between its parts: [\"a\", \"b\"]",
        ],
        schema: NotToml,
    },
    Case {
        what: "YAML",
        files: &[("web.toml", "name: web\nowners:\n  - web@example.com\n")],
        says: &[
            "web.toml:1:5: is not TOML here: invalid unquoted key; put texts between double quotes, such as name = \"reports\"",
            "web.toml:2:8: is not TOML here: key with no value; write one `key = value` or one [table] on a line, texts between double quotes",
            "web.toml:3:5: is not TOML here: key with no value; write one `key = value` or one [table] on a line, texts between double quotes",
        ],
        schema: NotToml,
    },
    Case {
        what: "two errors of syntax in one file, and one in another",
        files: &[
            ("api.toml", "name = \n"),
            ("web.toml", "name = \"web\"\nowners [\"web@example.com\"]\n[production\naccount_id = 12 34\n"),
        ],
        says: &[
            "api.toml:1:8: is not TOML here: string values must be quoted; put texts between double quotes, such as name = \"reports\"",
            "web.toml:2:8: is not TOML here: key with no value; write one `key = value` or one [table] on a line, texts between double quotes",
            "web.toml:3:12: is not TOML here: unclosed table; close what was opened, with commas between its parts: [\"a\", \"b\"]",
        ],
        schema: NotToml,
    },
    Case {
        what: "settings that are not TOML do not make every environment unknown",
        files: &[
            ("meshbridge.toml", "organisation = Example\n"),
            ("web.toml", "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\n"),
        ],
        says: &[
            "meshbridge.toml:1:16: is not TOML here: string values must be quoted; put texts between double quotes, such as name = \"reports\"",
        ],
        schema: NotToml,
    },
    Case {
        what: "a file that is not TOML does not make its app unknown",
        files: &[
            ("ledger.toml", "name = ledger\n"),
            ("web.toml", "name = \"web\"\nowners = [\"web@example.com\"]\n[production]\nupstreams = [\"ledger\"]\n"),
        ],
        says: &[
            "ledger.toml:1:8: is not TOML here: string values must be quoted; put texts between double quotes, such as name = \"reports\"",
        ],
        schema: NotToml,
    },
];
