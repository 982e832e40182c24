//! Names of phases and endpoints.

/// Refuses what cannot be names for the numbers 0 to 7.
pub(crate) fn check(what: &str, names: &[String]) -> Result<(), String> {
    if names.is_empty() || names.len() > 8 {
        return Err(format!("{} names of {what}, not 1 to 8", names.len()));
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            return Err(format!("{name:?} is no name of {what}"));
        }
        if names[..i].contains(name) {
            return Err(format!("{name:?} twice among the {what}"));
        }
    }
    Ok(())
}
