//! The lab's parts as containers that compose has made (`./lab containers bench`): `bench run` measures them by the
//! same plan, with the same looks and the same receipt. The engine enforces the budgets; that they hold is read here.

mod container;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde::Deserialize;

pub use container::Container;

/// How long the engine's name server may lag behind a start.
const NAME_LIMIT: Duration = Duration::from_secs(10);

/// What `./lab containers` has started, as it tells in the file of `BENCH_CONTAINERS`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The words that call compose, with its files and profile.
    compose: Vec<String>,
    /// The words that call the engine: docker or podman.
    engine: Vec<String>,
    /// The database.
    pub postgres: Database,
    /// The load generator; it waits for an `exec`.
    k6: Part,
    /// By target.
    services: BTreeMap<String, Service>,
}

/// A container and its image.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    container: String,
    image: String,
}

/// The database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    container: String,
    image: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its owner.
    pub user: String,
    /// The owner's password; a secret.
    pub password: String,
}

/// One target.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name in compose, and in the network of compose.
    pub service: String,
    container: String,
    image: String,
    /// Its port, on 127.0.0.1 and in the network of compose.
    pub port: u16,
}

/// An image by its name, and by its digest.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name with tag.
    pub name: String,
    /// Its id.
    pub id: String,
}

impl Stack {
    /// Reads the file that `BENCH_CONTAINERS` names; `None` where it names none.
    ///
    /// # Errors
    /// The file cannot be read, or has another form.
    pub fn of_environment() -> miette::Result<Option<Self>> {
        let Some(path) = std::env::var_os("BENCH_CONTAINERS") else {
            return Ok(None);
        };
        let path = Path::new(&path);
        let text = fs_err::read(path).into_diagnostic()?;
        let stack = serde_json::from_slice(&text)
            .into_diagnostic()
            .wrap_err_with(|| format!("{} (BENCH_CONTAINERS)", path.display()))?;
        Ok(Some(stack))
    }

    fn container(&self, name: &str) -> Container {
        Container::new(&self.engine, name)
    }

    /// The database's container.
    pub fn database(&self) -> Container {
        self.container(&self.postgres.container)
    }

    /// The load generator's container.
    pub fn k6(&self) -> Container {
        self.container(&self.k6.container)
    }

    /// A target's place.
    ///
    /// # Errors
    /// It has no container.
    pub fn service(&self, target: &str) -> miette::Result<&Service> {
        self.services.get(target).ok_or_else(|| {
            miette!(
                help = "docs/CONTAINERS.md says how a target joins: a Dockerfile, then `./lab generate`",
                "target {target} has no container"
            )
        })
    }

    /// A target's container.
    ///
    /// # Errors
    /// It has none.
    pub fn container_of(&self, target: &str) -> miette::Result<Container> {
        Ok(self.container(&self.service(target)?.container))
    }

    /// Makes and starts a target's container, beside a database that runs.
    ///
    /// # Errors
    /// Compose cannot.
    pub fn start(&self, target: &str, dir: &Path) -> miette::Result<Container> {
        let service = self.service(target)?;
        let up = ["up", "-d", "--no-deps", &service.service];
        container::run(&self.compose, &up, Some(dir), None)?;
        Ok(self.container(&service.container))
    }

    /// Waits until k6's container finds a target by its name.
    ///
    /// # Errors
    /// It does not in time.
    pub fn wait_for_name(&self, target: &str) -> miette::Result<()> {
        let Service { service, port, .. } = self.service(target)?;
        let url = format!("http://{service}:{port}/readyz");
        let end = Instant::now() + NAME_LIMIT;
        loop {
            let asked = self
                .k6()
                .exec(&["wget", "-q", "-O", "/dev/null", &url], None);
            match asked {
                Ok(_) => return Ok(()),
                Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(100)),
                Err(e) => {
                    return Err(e.wrap_err(format!(
                        "{} does not reach {service} by its name: has compose's network a name server?",
                        self.k6.container
                    )));
                }
            }
        }
    }

    /// Images by what they are: postgres, k6, and the targets.
    ///
    /// # Errors
    /// One is not there.
    pub fn images(&self, targets: &[String]) -> miette::Result<BTreeMap<String, Image>> {
        let mut names = BTreeMap::from([
            ("postgres".to_owned(), &self.postgres.image),
            ("k6".to_owned(), &self.k6.image),
        ]);
        for target in targets {
            names.insert(target.clone(), &self.service(target)?.image);
        }
        let id = |name: &str| -> miette::Result<String> {
            let ask = ["image", "inspect", "--format", "{{.Id}}", name];
            let said = container::run(&self.engine, &ask, None, None)?;
            Ok(String::from_utf8_lossy(&said).trim().to_owned())
        };
        names
            .into_iter()
            .map(|(what, name)| {
                let (id, name) = (id(name)?, name.clone());
                Ok((what, Image { name, id }))
            })
            .collect()
    }

    /// What k6 says of its version: `k6 v1.1.0 (…)`.
    ///
    /// # Errors
    /// Its container does not run.
    pub fn k6_version(&self) -> miette::Result<String> {
        let said = self.k6().exec(&["k6", "version"], None)?;
        let said = String::from_utf8_lossy(&said);
        let version = said.split_whitespace().nth(1).unwrap_or_default();
        Ok(version.trim_start_matches('v').to_owned())
    }
}
