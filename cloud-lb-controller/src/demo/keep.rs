//! `--keep`: leaves the world running for kubectl and curl.

use std::fs;
use std::io;
use std::path::PathBuf;

use provider_mock::apiserver::{Resource, kubeconfig};
use tokio::time::Instant;

use super::Demo;
use super::event::Event;
use super::traffic::Target;
use super::world::World;
use crate::failure::Failure;

/// Names that are tried for the folder.
const ATTEMPTS: usize = 100;

/// A directory with a kubeconfig; gone when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    fn new(kubeconfig: &str) -> io::Result<Self> {
        // A folder that is there may be somebody else's, with a kubeconfig that runs what they like.
        let names = (0..ATTEMPTS).map(|attempt| format!("cloud-lb-demo-{}-{attempt}", std::process::id()));
        let mut made = names.map(|name| {
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).map(|()| Self(path))
        });
        let taken = |made: &io::Result<Self>| {
            made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
        };
        let made = made.find(|made| !taken(made)).unwrap_or(Err(io::ErrorKind::AlreadyExists.into()));
        let folder = made?;
        fs::write(folder.kubeconfig(), kubeconfig)?;
        Ok(folder)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, as it is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Demo {
    /// Writes a kubeconfig and tells what can be done with it. The file lives as long as the result.
    pub(super) fn keep(&self) -> Result<Folder, Failure> {
        let unwritten = |error| Failure::because("the kubeconfig cannot be written", &error);
        let folder = Folder::new(&kubeconfig(&self.world.url)).map_err(unwritten)?;
        let kubeconfig = folder.kubeconfig().display().to_string();
        self.narrator.tell(&Event::Kept { kubeconfig, commands: self.commands() })?;
        Ok(folder)
    }

    /// Tells what the provider does because of what the user does, as long as it is polled.
    ///
    /// # Errors
    /// If the controller stops or nobody listens any more.
    pub(super) async fn watch(&mut self) -> Result<(), Failure> {
        loop {
            let step = self.world.next_cloud_step().await?;
            self.narrator.tell(&Event::Done(step))?;
        }
    }

    /// Deletes all Services that may have a load balancer, also those that the user made meanwhile.
    pub(super) async fn clear(&mut self) -> Result<(), Failure> {
        for (namespace, name) in self.world.load_balancers() {
            // Somebody may have been faster.
            let _ = self.world.api.delete(Resource::Services, &namespace, &name);
        }
        let cleared =
            |world: &World| (world.load_balancers().is_empty() && world.cloud_resources() == 0).then_some(());
        let begin = Instant::now();
        self.world.until(&self.narrator, "that nothing is left", cleared).await?;
        self.checked("nothing is left", begin)
    }

    fn commands(&self) -> Vec<String> {
        let mut commands = vec!["kubectl get nodes,pods,services".to_owned()];
        if let Some(subject) = self.subjects.first() {
            let (namespace, name) = (subject.namespace(), subject.name());
            let namespace = if namespace == "default" { String::new() } else { format!(" -n {namespace}") };
            commands.push(format!("kubectl describe service {name}{namespace}"));
        }
        commands.extend(self.targets().iter().take(3).map(Target::command));
        commands
    }
}
