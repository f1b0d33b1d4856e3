//! The text of a document.

use askama::Template;

use super::Page;
use crate::model::UnixTime;

/// Terms or a policy, as one version reads in one language.
#[derive(Debug, Template)]
#[template(path = "pages/document.html")]
pub struct Document<'a> {
    /// The frame.
    pub page: &'a Page<'a>,
    /// Its title.
    pub title: &'a str,
    /// Its version.
    pub version: u32,
    /// When it takes or took effect.
    pub effective: Option<UnixTime>,
    /// Its text: paragraphs parted by blank lines; `# ` begins a heading, `- ` an item of a list.
    pub body: &'a str,
    /// Where to go back to.
    pub back: Option<&'a str>,
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// A heading.
    Heading(&'a str),
    /// A paragraph.
    Paragraph(&'a str),
    /// Items of a list.
    List(Vec<&'a str>),
}

impl Document<'_> {
    /// The pieces of the text, in order; every character of it but the marks is in one of them.
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut blank = true;
        let mut start = 0;
        for (offset, line) in lines(self.body) {
            let text = line.trim();
            if let Some(heading) = text.strip_prefix("# ") {
                blocks.push(Block::Heading(heading));
                blank = true;
            } else if let Some(item) = text.strip_prefix("- ") {
                match blocks.last_mut() {
                    Some(Block::List(items)) if !blank => items.push(item),
                    _ => blocks.push(Block::List(vec![item])),
                }
                blank = false;
            } else if text.is_empty() {
                blank = true;
            } else {
                let end = offset + line.len();
                match blocks.last_mut() {
                    Some(Block::Paragraph(paragraph)) if !blank => {
                        *paragraph = self.body.get(start..end).unwrap_or(text).trim();
                    }
                    _ => {
                        start = offset;
                        blocks.push(Block::Paragraph(text));
                    }
                }
                blank = false;
            }
        }
        blocks
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line)
    })
}
