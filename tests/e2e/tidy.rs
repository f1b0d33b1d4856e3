//! The invariants printed in `src/lib.rs`, and the size of things.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Rooms by layer, the lowest first.
const LAYERS: [&[&str]; 5] = [
    &["protocol", "jose", "model"],
    &["policy"],
    &["store", "cache", "outbound", "mail"],
    &["provider", "federation", "accounts", "membership", "consent"],
    &["web", "jobs", "cli", "demo"],
];
/// Beside the layers: whom they may be used by is said here.
const BESIDE: [(&str, &[&str]); 5] = [
    // Puts the rooms together: used by commands, the demo and tests.
    ("app", &["cli", "demo"]),
    ("settings", &["app", "cli", "demo"]),
    ("telemetry", &["settings", "app", "cli", "web", "demo", "jobs"]),
    ("trips", &["store", "cache", "web"]),
    ("i18n", &["app", "cli", "web", "demo", "settings"]),
];
/// Siblings that stand on one another: those of the lowest layer, and the stage, which serves as `web` does and is begun
/// by a command.
const SIBLINGS: [(&str, &str); 5] =
    [("jose", "model"), ("protocol", "model"), ("protocol", "jose"), ("demo", "web"), ("cli", "demo")];

struct File {
    path: String,
    text: String,
}

impl File {
    /// The room it is in: the first name below `src`.
    fn room(&self) -> &str {
        self.path.trim_start_matches("src/").split(['/', '.']).next().unwrap()
    }

    /// The lines that are not comments and not in the file's own tests.
    fn code(&self) -> impl Iterator<Item = &str> {
        let text = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        text.lines().filter(|line| !line.trim_start().starts_with("//"))
    }

    fn is_test(&self) -> bool {
        ["/tests/", "/tests.rs", "_tests.rs", "/conformance", "attacks.rs", "/private_postgres/"]
            .iter()
            .any(|part| self.path.contains(part))
    }
}

fn files(folder: &str, extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(File { path: path.strip_prefix(ROOT).unwrap().display().to_string(), text });
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&room))
}

fn may_use(room: &str, used: &str) -> bool {
    if room == used || matches!(room, "lib" | "main" | "app") {
        return true;
    }
    if let Some((_, users)) = BESIDE.iter().find(|(name, _)| *name == used) {
        return users.contains(&room);
    }
    match (layer(room), layer(used)) {
        (Some(above), Some(below)) => above > below || SIBLINGS.contains(&(room, used)),
        // The settings' types are their rooms' own.
        (None, Some(_)) => matches!(room, "settings") || layer(used) == Some(0),
        _ => false,
    }
}

/// The rooms a line names by `crate::`.
fn rooms_named(line: &str) -> Vec<&str> {
    line.split("crate::")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn layers_point_downward_only() {
    let mut wrong = Vec::new();
    for file in files("src", "rs").iter().filter(|file| !file.is_test()) {
        for line in file.code() {
            for used in rooms_named(line) {
                if !may_use(file.room(), used) {
                    wrong.push(format!("{}: {}", file.path, line.trim()));
                }
            }
        }
    }
    assert_eq!(wrong, EXCUSED_USES.map(str::to_owned), "rooms name what is not below them");
}

/// What is known to be crooked, each with its reason in the code.
const EXCUSED_USES: [&str; 0] = [];

#[test]
fn each_library_has_one_room() {
    for (library, homes) in [
        ("axum", &["src/web/", "src/demo/"][..]),
        ("tower_http", &["src/web/", "src/demo/"]),
        ("sqlx", &["src/store/"]),
        ("rusqlite", &["src/store/"]),
        ("redis", &["src/cache/redis/"]),
        ("openidconnect", &["src/federation/", "src/demo/"]),
        ("oauth2", &["src/federation/", "src/demo/"]),
        ("lettre", &["src/mail/"]),
        ("reqwest", &["src/outbound/", "src/demo/"]),
        ("argon2", &["src/accounts/"]),
        ("aws_lc_rs", &["src/jose/", "src/model/", "src/store/vault"]),
        ("askama", &["src/web/", "src/mail/", "src/demo/"]),
        ("prometheus_client", &["src/telemetry/"]),
        ("clap", &["src/cli/", "src/main.rs"]),
    ] {
        for file in files("src", "rs").iter().filter(|file| !file.is_test()) {
            let speaks = |line: &str| {
                line.match_indices(&format!("{library}::")).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') || line[..at].ends_with(" ::")
                })
            };
            let named = file.code().find(|line| speaks(line));
            let at_home = homes.iter().any(|home| file.path.starts_with(home));
            assert!(at_home || named.is_none(), "{} names {library}: {}", file.path, named.unwrap_or_default());
        }
    }
}

#[test]
fn the_low_layers_do_no_io_and_have_no_clock() {
    let forbidden = [
        "std::fs",
        "std::net",
        "tokio::",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Utc::now",
        "thread_rng",
        "use rand::",
        "async fn",
        "static mut",
        "OnceLock",
        "LazyLock",
    ];
    for file in files("src", "rs").iter().filter(|file| !file.is_test()) {
        let pure = layer(file.room()).is_some_and(|layer| layer <= 1);
        let own = file.path == "src/model/time.rs" || file.path == "src/model/random.rs";
        for line in file.code() {
            let found = pure && !own && forbidden.iter().any(|word| line.contains(word));
            assert!(!found || is_table(line), "{}: {}", file.path, line.trim());
            let clock = ["SystemTime::now", "Timestamp::now(", "thread_rng"].iter().any(|word| line.contains(word));
            assert!(!clock || own, "{}: {}", file.path, line.trim());
        }
    }
}

/// A constant that is merely too big for `const`: no state.
fn is_table(line: &str) -> bool {
    line.contains("static ") && line.contains("LazyLock<") || line.starts_with("use std::sync::LazyLock")
}

#[test]
fn files_stay_small() {
    let mut big = Vec::new();
    for file in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        let lines = file.text.lines().count();
        // Stories are read one at a time.
        let limit = if file.path.starts_with("tests/") { 750 } else { 500 };
        if lines > limit {
            big.push(format!("{}: {lines}", file.path));
        }
    }
    assert_eq!(big, Vec::<String>::new(), "look for the room inside the room");
}

#[test]
fn doors_say_what_a_room_is() {
    for file in files("src", "rs").iter().filter(|file| file.path.ends_with("/mod.rs")) {
        let door = file.text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!((1..=15).contains(&door), "{}: {door} lines", file.path);
    }
}

#[test]
fn templates_escape_everything() {
    for file in files("templates", "html") {
        for word in ["|safe", "| safe", "{% autoescape", "escape(\"none\")", "escape = \"none\"", "javascript:"] {
            assert!(!file.text.contains(word), "{} has {word}", file.path);
        }
        // The stage is on nobody's server, and a mail has no style but its own.
        let excused = ["templates/demo/", "templates/mail/"].iter().any(|folder| file.path.starts_with(folder));
        for word in ["<script>", "<style", " style="] {
            assert!(excused || !file.text.contains(word), "{} has {word}", file.path);
        }
    }
    for file in files("src", "rs") {
        assert!(
            !file.code().any(|line| line.contains("escape = \"none\"") && !file.path.starts_with("src/mail/")),
            "{}",
            file.path
        );
        assert!(
            !file.code().any(|line| line.contains("MarkupDisplay") || line.contains("filters::Safe")),
            "{}",
            file.path
        );
    }
}

#[test]
fn a_page_has_one_name() {
    let names = |folder: &str, ending: &str| -> BTreeSet<String> {
        let found = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap().flatten();
        found.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(ending).map(str::to_owned)).collect()
    };
    let (handlers, templates) = (names("src/web/pages", ".rs"), names("templates/pages", ".html"));
    // What several pages share, and handlers that draw another page's template.
    let without_template = ["mod", "flow", "callback", "step_up", "link", "email"];
    for handler in handlers.iter().filter(|name| !without_template.contains(&name.as_str())) {
        assert!(templates.contains(handler), "pages/{handler}.rs has no template of its name");
    }
    // Answers of endpoints and of the edge.
    let without_handler = ["error", "form_post", "logout", "magic_link", "notice", "signed_out"];
    for template in templates.iter().filter(|name| !without_handler.contains(&name.as_str())) {
        assert!(handlers.contains(template), "templates/pages/{template}.html has no handler of its name");
    }
}

#[test]
fn every_connector_is_listed_and_has_an_icon() {
    let folder = Path::new(ROOT).join("src/federation/connectors");
    let door = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() || matches!(name.as_str(), "mod" | "tests") {
            continue;
        }
        assert!(door.contains(&format!("mod {name};")) && door.matches(&name).count() > 1, "{name} is not listed");
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 150, "{name} is data, not {lines} lines of code");
    }
}

#[test]
fn migrations_have_the_same_names_on_both_engines() {
    let names = |engine: &str| -> BTreeSet<String> {
        let folder = ["migrations", "src/store/migrations"].map(|folder| Path::new(ROOT).join(folder).join(engine));
        let folder = folder.into_iter().find(|folder| folder.exists()).expect("migrations");
        std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn nothing_is_left_undone_in_writing() {
    for file in files("src", "rs") {
        for line in file.text.lines() {
            let words = ["TODO", "FIXME", "unimplemented!", "todo!("];
            assert!(!words.iter().any(|word| line.contains(word)), "{}: {line}", file.path);
        }
    }
}
