//! Characters no identifier may contain, whatever it looks like on the screen.

/// Whether the character is invisible, reorders its neighbours, or means nothing outside one program.
pub(super) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFD}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
        || u32::from(character) & 0xFFFE == 0xFFFE
}

/// Whether the character is a hyphen or dash of any script.
pub(super) const fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_reordering_characters_are_deceptive_and_letters_are_not() {
        for character in ['\u{200B}', '\u{202E}', '\u{2066}', '\u{FEFF}', '\u{AD}', '\0', '\n', '\u{7F}', '\u{1FFFE}'] {
            assert!(is_deceptive(character), "{character:?}");
        }
        for character in ['a', 'é', '김', 'ん', ' ', '@', '😀'] {
            assert!(!is_deceptive(character), "{character:?}");
        }
    }
}
