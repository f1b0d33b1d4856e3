//! Tables in docs/performance.md, between `<!-- NAME -->` and `<!-- /NAME -->`.

use std::path::Path;

use crate::Failure;

/// Puts a text in the place of what stood between the markers.
pub fn write(name: &str, text: &str) -> Result<(), Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = std::fs::read_to_string(&path)?;
    std::fs::write(
        path,
        with(&page, name, text).ok_or_else(|| format!("docs/performance.md has no <!-- {name} -->"))?,
    )?;
    Ok(())
}

fn with(page: &str, name: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- {name} -->\n"))?;
    let end = format!("<!-- /{name} -->");
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}<!-- {name} -->\n{}\n{end}{after}", text.trim()))
}
