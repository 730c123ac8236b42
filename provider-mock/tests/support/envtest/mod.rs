//! A real API server for tests, by the convention of envtest: `KUBEBUILDER_ASSETS` names a folder with the
//! executables `kube-apiserver` and `etcd`. Where it is not set, tests say so and skip.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper that fails fails its test, and a skip is told"
)]

mod pki;
mod plane;
mod process;
mod serve;
pub(crate) mod standin;

use std::path::{Path, PathBuf};

pub(crate) use pki::{Authority, Pair};
pub(crate) use plane::{Access, ControlPlane, Identity};
pub(crate) use process::{Program, Running};
pub(crate) use serve::Https;

/// The variable that names the folder.
pub(crate) const VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// The executables of a control plane.
#[derive(Debug, Clone)]
pub(crate) struct Assets {
    pub(crate) kube_apiserver: PathBuf,
    pub(crate) etcd: PathBuf,
}

impl Assets {
    /// What the environment names; `None`, and a line that tells so, where it names nothing.
    ///
    /// # Errors
    /// Names what is missing in the folder: a wrong folder is no reason to skip.
    pub(crate) fn find(what: &str) -> Result<Option<Self>, String> {
        let folder = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
        let Some(folder) = folder else {
            println!(
                "skipped: {what}: {VARIABLE} is not set; it names a folder with the executables kube-apiserver and etcd"
            );
            return Ok(None);
        };
        Self::in_folder(Path::new(&folder)).map(Some)
    }

    /// Those in a folder.
    ///
    /// # Errors
    /// Names the one that is missing.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, String> {
        let find = |name: &str| {
            let path = folder.join(name);
            let missing = format!("{VARIABLE}={}: there is no executable {name} in it", folder.display());
            if path.is_file() { Ok(path) } else { Err(missing) }
        };
        Ok(Self { kube_apiserver: find("kube-apiserver")?, etcd: find("etcd")? })
    }
}
