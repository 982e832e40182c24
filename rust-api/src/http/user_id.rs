//! Ids as clients write them.

use uuid::Uuid;

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadUserId;

/// Length of the one accepted form, 8-4-4-4-12 hexadecimal digits with hyphens between them.
const LENGTH: usize = 36;

/// Reads an id in its canonical form, in upper or lower case.
///
/// # Errors
/// [`BadUserId`] for anything else, the other spellings of UUIDs (braces, `urn:uuid:`, no hyphens) included.
pub fn parse_user_id(text: &str) -> Result<Uuid, BadUserId> {
    // The uuid crate tells the spellings apart by their length.
    if text.len() != LENGTH {
        return Err(BadUserId);
    }
    Uuid::try_parse(text).map_err(|_| BadUserId)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "0cc175b9-c0f1-b6a8-31c3-99e269772661";

    #[test]
    fn both_cases_are_the_same_id() {
        assert_eq!(parse_user_id(GOOD), parse_user_id(&GOOD.to_uppercase()));
        assert_eq!(parse_user_id(GOOD).unwrap().to_string(), GOOD);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "1",
            "not-a-uuid",
            "0cc175b9c0f1b6a831c399e269772661",
            "{0cc175b9-c0f1-b6a8-31c3-99e269772661}",
            "urn:uuid:0cc175b9-c0f1-b6a8-31c3-99e269772661",
            " 0cc175b9-c0f1-b6a8-31c3-99e26977266",
            "0cc175b9-c0f1-b6a8-31c3-99e26977266g",
            "0cc175b9-c0f1-b6a8-31c3-99e26977266\0",
            "0cc175b9-c0f1-b6a8-31c399-e269772661",
            "0cc175b9_c0f1_b6a8_31c3_99e269772661",
            "0cc175b9-c0f1-b6a8-31c3-99e2697726é",
            "００cc175b9-c0f1-b6a8-31c3-99e2697726",
        ] {
            assert_eq!(parse_user_id(text), Err(BadUserId), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_id_survives(bits: u128) {
            let id = Uuid::from_u128(bits);
            prop_assert_eq!(parse_user_id(&id.to_string()), Ok(id));
        }

        #[test]
        fn what_is_accepted_is_canonical(text in "[0-9a-fA-F-]{34,38}") {
            if let Ok(id) = parse_user_id(&text) {
                prop_assert_eq!(id.to_string(), text.to_lowercase());
            }
        }

        #[test]
        fn anything_can_be_asked(text in any::<String>()) {
            let _ = parse_user_id(&text);
        }
    }
}
