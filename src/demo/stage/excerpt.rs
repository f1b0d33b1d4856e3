//! The very lines of the settings behind a step.

/// Some lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) file: &'static str,
    /// The number of the first line, from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// The paragraph of `text` — lines up to the next empty one — that holds `needle`.
pub(super) fn excerpt(file: &'static str, text: &str, needle: &str) -> Option<Excerpt> {
    let lines: Vec<&str> = text.lines().collect();
    let hit = lines.iter().position(|line| line.contains(needle))?;
    let is_gap = |line: &&str| line.trim().is_empty();
    let start = lines.get(..hit)?.iter().rposition(is_gap).map_or(0, |gap| gap + 1);
    let end = lines.get(hit..)?.iter().position(is_gap).map_or(lines.len(), |gap| hit + gap);
    Some(Excerpt { file, line: start + 1, text: lines.get(start..end)?.join("\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_found_with_its_line() {
        let text = "a\n\n# why\n[[b]]\nid = \"x\"\n\nc\n";
        let found = excerpt("f", text, "id = \"x\"").unwrap();
        assert_eq!((found.line, found.text.as_str()), (3, "# why\n[[b]]\nid = \"x\""));
        assert_eq!(excerpt("f", text, "nowhere"), None);
        assert_eq!(excerpt("f", "only", "only").unwrap().line, 1);
    }
}
