//! What every subcommand needs first: lab.toml and the inventory.

use std::path::{Path, PathBuf};

use lab_model::config::{Budget, Lab, Placeholders, Target};
use lab_model::inventory::Inventory;
use miette::{IntoDiagnostic as _, WrapErr as _};

use crate::containers::Stack;

/// lab.toml, the inventory, and where they are.
#[derive(Debug, Clone)]
pub struct Context {
    /// The parsed file.
    pub lab: Lab,
    /// Its text, for the manifest.
    pub lab_text: String,
    /// The file.
    pub lab_path: PathBuf,
    /// The folder of lab.toml: `dir` of targets is relative to it.
    pub root: PathBuf,
    /// Programs.
    pub inventory: Inventory,
    /// Containers that are measured instead of programs of the inventory.
    pub stack: Option<Stack>,
}

impl Context {
    /// Reads both files. `lab` and `inventory` as given on the command line or in the environment.
    ///
    /// # Errors
    /// Either file is missing or wrong.
    pub fn load(lab: Option<&Path>, inventory: Option<&Path>) -> miette::Result<Self> {
        let inventory_path = inventory.unwrap_or(Path::new(".lab/inventory.json"));
        let inventory = Inventory::load(inventory_path)?;
        let lab_path = lab.map_or_else(|| inventory.root.join("lab.toml"), Path::to_owned);
        let lab = Lab::load(&lab_path)?;
        let lab_text = fs_err::read_to_string(&lab_path).into_diagnostic()?;
        let folder = lab_path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let root = fs_err::canonicalize(folder).into_diagnostic()?;
        Ok(Self {
            lab,
            lab_text,
            lab_path,
            root,
            inventory,
            stack: Stack::of_environment()?,
        })
    }

    /// A file of the lab's own assets (db/, loadtest/).
    pub fn asset(&self, path: &str) -> PathBuf {
        self.inventory.root.join(path)
    }

    /// Cargo's target folder, for `{cargo_target}`.
    pub fn cargo_target(&self) -> String {
        self.inventory
            .cargo_target
            .clone()
            .unwrap_or_else(|| self.root.join("target"))
            .display()
            .to_string()
    }

    /// The command that starts a target, before its placeholders are filled.
    pub fn command_of<'a>(&'a self, name: &str, target: &'a Target) -> &'a [String] {
        self.inventory
            .targets
            .get(name)
            .map_or(&target.command, |built| &built.command)
    }

    /// The folder in which a target is built and started.
    pub fn dir_of(&self, target: &Target) -> PathBuf {
        self.root.join(&target.dir)
    }

    /// A program with its folder resolved: names with a slash are relative to the target's folder.
    pub fn resolve(&self, target: &Target, program: &str) -> PathBuf {
        if program.contains('/') {
            self.dir_of(target).join(program)
        } else {
            PathBuf::from(program)
        }
    }

    /// Placeholders for commands that need no more than the build folder.
    pub fn fill_build(&self, text: &str) -> String {
        text.replace("{cargo_target}", &self.cargo_target())
    }

    /// What a built target says of its version: the first line of its version command.
    ///
    /// # Errors
    /// The command cannot be run.
    pub fn version_of(&self, name: &str) -> miette::Result<String> {
        if let Some(built) = self.inventory.targets.get(name) {
            return Ok(built.version.clone());
        }
        let target = self.lab.target(name)?;
        let Some(command) = &target.version_command else {
            return Ok("unknown".to_owned());
        };
        let filled: Vec<String> = command.iter().map(|word| self.fill_build(word)).collect();
        let program = self.resolve(target, filled.first().map_or("", String::as_str));
        let output = std::process::Command::new(&program)
            .args(filled.get(1..).unwrap_or_default())
            .current_dir(self.dir_of(target))
            .output()
            .into_diagnostic()
            .wrap_err_with(|| {
                format!(
                    "{name} is not built: cannot run {} (run `bench build {name}`)",
                    program.display()
                )
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or("unknown").trim().to_owned())
    }

    /// Fills the placeholders of a target for one start.
    pub fn placeholders<'a>(
        &'a self,
        budget: &'a Budget,
        port: u16,
        database_url: &'a str,
        cargo_target: &'a str,
    ) -> Placeholders<'a> {
        Placeholders {
            budget,
            db_timeout_ms: self.lab.contract.db_timeout_ms,
            host: "127.0.0.1",
            port,
            database_url,
            cargo_target,
        }
    }
}
