//! Names of phases and endpoints, each kept once.

/// Names in order of their first use.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<String>);

/// More phases or endpoints than this are no load of ours.
const MOST: usize = 256;

impl Names {
    /// The number of this name.
    pub(crate) fn number(&mut self, name: &str) -> Result<u8, String> {
        let at = self.0.iter().position(|known| known == name);
        let at = at.unwrap_or(self.0.len());
        if at == self.0.len() {
            if at == MOST {
                return Err(format!("more than {MOST} phases or endpoints"));
            }
            self.0.push(name.to_owned());
        }
        u8::try_from(at).map_err(|e| e.to_string())
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}
