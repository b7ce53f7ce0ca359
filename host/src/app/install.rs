//! `ax plugin add`: package → admission → compile → card → consent → generation.
//!
//! ```text
//! prepare   read, inspect, admit, describe, compile; nothing is changed
//! install   lock → blobs into the store → audit → generation (one rename)
//! ```
//!
//! Invariant: a plugin is installed whole or not at all. Blobs of an installation that died are
//! unreferenced files in the store and do no harm; `prune` removes them.

use std::path::Path;

use ax_manifest::{
    ComponentFacts, Grant, HOST_API, Identity, LimitRequests, Manifest, Permission,
    PermissionDifference, Source, Warning,
};
use ax_registry::{Blobs, LockedPlugin, Package, PackageError, StoreError};
use semver::{Version, VersionReq};
use serde_json::{Value, json};

use super::App;
use super::bare::Named;
use super::card::{Card, Facts};
use super::change::{Change, ChangeError, Note};
use super::consent::{Consent, ConsentError};
use super::installed::kv_asked;
use super::origin::OriginError;
use super::policy::{self, Forbidden};
use super::source::SourceError;
use super::start::LeftBehind;
use super::state::{Coming, Given, StateError, keeps};
use crate::audit::entry::Action;
use crate::plugin::{Budget, Limits, LoadError, PluginHost, Raise};

/// Arguments of a call that is shown to be tried; whoever needs more reads about the tool first.
const ARGUMENTS_SHOWN: usize = 8;

/// The versions of the host API that are served: nothing that 0.1 offered is gone or different in 0.2.
const HOST_API_SERVED: [Version; 2] = [Version::new(0, 1, 0), HOST_API];

/// Answers whether what a plugin needs is served.
pub(super) fn serves(needs: &VersionReq) -> bool {
    HOST_API_SERVED.iter().any(|version| needs.matches(version))
}

/// A plugin that may be installed once a person agreed.
#[derive(Debug)]
pub struct Candidate {
    /// Whose grants it would use.
    pub identity: Identity,
    /// What a person is shown.
    pub card: Card,
    /// What is odd about it and no reason to refuse it.
    pub warnings: Vec<Warning>,
    /// The release of the same name that it would replace.
    pub replaces: Option<Replaced>,
    /// Whether it is to go on with what its own version left here, instead of with the data in use.
    pub own_data: bool,
    /// Sources of its name that left data here which it will not see, having none itself.
    pub unseen: Vec<Source>,
    package: Package,
    facts: ComponentFacts,
    /// What was installed under the name when the card was made.
    seen: Option<LockedPlugin>,
}

impl Candidate {
    /// What to type after `ax tool call` to try its first tool: with each argument that it needs.
    #[must_use]
    pub fn first_call(&self) -> Option<String> {
        let tool = self.package.config.tools.first()?;
        let needed = tool.input_schema["required"].as_array().into_iter().flatten();
        // A name that would not be read as it stands is not one to type.
        let is_plain =
            |name: &&str| name.chars().all(|it| it.is_ascii_alphanumeric() || "-_".contains(it));
        let named = needed.filter_map(Value::as_str).filter(is_plain).take(ARGUMENTS_SHOWN);
        let arguments: String = named.map(|name| format!(" --arg {name}=…")).collect();
        Some(format!("{}.{}{arguments}", self.identity.name, tool.name))
    }
}

/// What an installation replaces.
#[derive(Debug, Clone)]
pub struct Replaced {
    /// Its version.
    pub version: Version,
    /// Whether it comes from the same source, so that its grants carry over.
    pub same_identity: bool,
    /// What the new release asks for more and less.
    pub difference: PermissionDifference,
}

/// What was installed.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The generation that has it.
    pub generation: u64,
    /// Whether anything changed; installing the same bytes with the same consent changes nothing.
    pub changed: bool,
    /// Permissions asked for and not granted.
    pub not_granted: Vec<Permission>,
    /// What was kept here and is not in its data.
    pub left: Vec<LeftBehind>,
}

/// Why a plugin cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its data cannot be brought to its form.
    #[error(transparent)]
    State(#[from] StateError),
    /// It comes from somewhere else than what keeps its data.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// It cannot be made ready to run.
    #[error("`{plugin}` cannot be loaded")]
    Load {
        /// Which plugin.
        plugin: String,
        /// Why.
        source: LoadError,
    },
    /// Nobody agreed.
    #[error("`{plugin}` asks for permissions, and nobody was asked")]
    ConsentMissing {
        /// Which plugin.
        plugin: String,
        /// The card.
        card: Box<Card>,
    },
    /// A person said no.
    #[error("`{plugin}` was not installed: you said no")]
    Declined {
        /// Which plugin.
        plugin: String,
    },
    /// A policy forbids what was to be granted.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The consent does not fit the card.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// Another `ax` installed something under that name since the card was shown.
    #[error("`{plugin}` was changed by another `ax` since its card was shown")]
    Moved {
        /// Which plugin.
        plugin: String,
    },
    /// The installation cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The package cannot be made.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InstallError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::State(error) => error.hint(),
            Self::Origin(error) => error.hint(),
            Self::Load { source, .. } => source.hint(),
            Self::ConsentMissing { card, .. } => Some(format!(
                "agree with `--accept-card {}`, or permission by permission with --allow, or \
                 install it empty-handed with --grant-nothing",
                card.digest()
            )),
            Self::Moved { .. } => Some("look at the card again: the same command".to_owned()),
            Self::Declined { .. } => Some("--grant-nothing installs it empty-handed".to_owned()),
            Self::Forbidden(error) => error.hint(),
            Self::Consent(error) => error.hint(),
            Self::Change(error) => error.hint(),
            Self::Package(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

impl App {
    /// Reads a plugin and decides whether it may be installed at all. Changes nothing but the
    /// cache of compiled code. Blocks while it compiles.
    ///
    /// With `data_of` it is a release of what came from there: its data are those.
    ///
    /// # Errors
    ///
    /// [`InstallError`].
    pub fn prepare(
        &self,
        path: &Path,
        named: Option<&Named>,
        data_of: Option<&Source>,
    ) -> Result<Candidate, InstallError> {
        let read = self.read_source(path, named)?;
        let manifest = &read.package.config.manifest;
        let own = Identity { name: manifest.plugin.name.clone(), source: read.source };
        let current = self.current().map_err(ChangeError::from)?;
        let seen = current.lock.plugins.get(&own.name).cloned();
        let identity = self.origin(&own, data_of, seen.as_ref())?;
        self.refuse_out_of_sight(&identity, seen.as_ref())?;
        let unseen = match keeps(&manifest.asked()) {
            true => self.unseen(&identity).map_err(OriginError::from)?,
            false => Vec::new(),
        };
        let policies = self.policies().map_err(ChangeError::from)?;
        let facts = Facts {
            lowered: whole_limits(manifest).lowered(&policies.limits()),
            policies,
            identity: &identity,
            source: &own.source,
            version: &manifest.plugin.version,
            description: &manifest.plugin.description,
            component: read.facts.digest,
            size_bytes: read.facts.size,
            ranks: PluginHost::can_rank(&read.facts),
            tools: read.package.config.tools.iter().map(|tool| tool.name.clone()).collect(),
            agents: read.package.config.agents.iter().map(|agent| agent.name.clone()).collect(),
            asks: &manifest.permissions,
            raises: raises(manifest),
        };
        let card =
            Card::new(facts, self.host().map_err(ChangeError::from)?.folders(), &current.lock);
        let replaces = seen.as_ref().map(|old| Replaced {
            version: old.version.clone(),
            same_identity: old.source == identity.source,
            difference: old.permissions.difference(&manifest.asked()),
        });
        Ok(Candidate {
            seen,
            identity,
            card,
            warnings: read.warnings,
            replaces,
            own_data: false,
            unseen,
            package: read.package,
            facts: read.facts,
        })
    }

    /// Lists what a candidate would leave behind, were it installed now. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`InstallError::State`].
    pub fn leaves(&self, candidate: &Candidate) -> Result<Vec<LeftBehind>, InstallError> {
        Ok(self.leaves_of(&coming(candidate, Limits::default(), &[]), candidate.seen.as_ref())?)
    }

    /// Installs a candidate with what a person agreed to.
    ///
    /// Whatever was granted before, to this source or another of the same name, is replaced by what
    /// the person agreed to now.
    ///
    /// # Errors
    ///
    /// [`InstallError`]; nothing is installed then.
    pub fn install(
        &self,
        candidate: &Candidate,
        consent: &Consent,
    ) -> Result<Installed, InstallError> {
        let name = &candidate.identity.name;
        let grants = self.grants_of(candidate, consent)?;
        let mut change = self.change(&format!("ax plugin add {name}"))?;
        let blobs = candidate.package.blobs()?;
        for (_, bytes) in &blobs.all {
            self.store.put(bytes)?;
        }
        let mut locked = self.entry(candidate, consent, &blobs);
        let old = change.lock.plugins.get(name).cloned();
        // The same release keeps its data where they are; looked at first, since a copy is made next.
        locked.state = old.as_ref().map_or(0, |old| old.state);
        let is_same = old.as_ref().is_some_and(|old| same(old, &locked));
        if old != candidate.seen && !is_same {
            return Err(InstallError::Moved { plugin: name.to_string() });
        }
        // It may have begun to keep some since it was looked at.
        self.refuse_out_of_sight(&candidate.identity, old.as_ref())?;
        let limits = self.limits_of(candidate, &locked)?;
        let given = self.state_of(&coming(candidate, limits, &grants), old.as_ref());
        let Given { state, left } = match given {
            Ok(given) => given,
            Err(error) => return Err(refuse(change, candidate, error)?.into()),
        };
        locked.state = state;
        let is_same = old.as_ref().is_some_and(|old| same(old, &locked));
        change.lock.plugins.insert(name.clone(), locked.clone());
        let revoked = self.settle_grants(&mut change, candidate, grants, old.as_ref());
        let not_granted = not_granted(&locked, change.grants.get(&candidate.identity));
        if is_same && change.grants == change.before().grants {
            return Ok(Installed {
                generation: change.number(),
                changed: false,
                not_granted,
                left,
            });
        }
        let detail = json!({
            "version": locked.version.to_string(),
            "source": locked.source.to_string(),
            "from": candidate.card.source,
            "card": locked.card.to_string(),
            "asked": locked.permissions.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "granted": change.grants.get(&candidate.identity).iter().map(said).collect::<Vec<_>>(),
            "notGranted": not_granted.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "grantsBefore": revoked.iter().map(said).collect::<Vec<_>>(),
            "limits": locked.limits,
            "data": {
                "before": old.as_ref().map(|old| old.state),
                "after": locked.state,
                "leftBehind": left,
            },
        });
        let generation = change.commit(Note {
            action: Action::PluginAdd,
            plugin: name,
            component: locked.component,
            subject: format!("{name} {}", locked.version),
            detail,
        })?;
        Ok(Installed { generation, changed: true, not_granted, left })
    }

    /// Makes the row of the lock file.
    fn entry(&self, candidate: &Candidate, consent: &Consent, blobs: &Blobs) -> LockedPlugin {
        let manifest = &candidate.package.config.manifest;
        let is_raised = consent.raises_limits() || candidate.card.raises.is_empty();
        LockedPlugin {
            version: manifest.plugin.version.clone(),
            source: candidate.identity.source.clone(),
            package: blobs.package,
            component: blobs.component,
            interface: candidate.package.config.interface_digest,
            config: blobs.config,
            card: candidate.card.digest(),
            installed_at_ms: self.clock.now_ms(),
            // What a person switched off stays off.
            enabled: candidate.seen.as_ref().is_none_or(|old| old.enabled),
            permissions: manifest.asked(),
            limits: if is_raised { manifest.limits.clone() } else { LimitRequests::default() },
            kv_bytes: kv_asked(manifest).filter(|_| is_raised),
            models_raised: is_raised && !model_raises(manifest).is_empty(),
            state: 0,
        }
    }

    /// Puts what the person agreed to in place of all that was granted before; returns the latter.
    ///
    /// They answered for this card: were older grants kept, new bytes would run with what old ones
    /// were trusted with.
    fn settle_grants(
        &self,
        change: &mut Change<'_>,
        candidate: &Candidate,
        grants: Vec<Grant>,
        old: Option<&LockedPlugin>,
    ) -> Vec<Grant> {
        let identity = &candidate.identity;
        let mut revoked = change.grants.remove_identity(identity);
        if let Some(old) = old.filter(|old| old.source != identity.source) {
            let gone = Identity { name: identity.name.clone(), source: old.source.clone() };
            revoked.extend(change.grants.remove_identity(&gone));
        }
        for grant in grants {
            // Granting again what is granted is no change: the older date stays.
            let held = revoked.iter().find(|held| {
                (&held.permission, &held.scope, held.expires_at_ms)
                    == (&grant.permission, &grant.scope, grant.expires_at_ms)
            });
            change.grants.add(identity.clone(), held.cloned().unwrap_or(grant));
        }
        revoked
    }

    /// Returns the grants that follow from what a person agreed to. What a policy forbids is left
    /// out of a whole card, which said so, and refused where it was named.
    fn grants_of(
        &self,
        candidate: &Candidate,
        consent: &Consent,
    ) -> Result<Vec<Grant>, InstallError> {
        let policies = self.policies().map_err(ChangeError::from)?;
        let name = &candidate.identity.name;
        self.change_on_record(policy::admit(policies, name)).map_err(ChangeError::from)??;
        let mut grants = consent.grants(&candidate.card, self.clock.now_ms());
        let admit = |grant: &Grant| policy::admit_grant(policies, name, &grant.permission);
        match consent {
            Consent::Some(_) => {
                let ruling = grants.iter().try_for_each(admit);
                self.change_on_record(ruling).map_err(ChangeError::from)??;
            }
            Consent::Whole { .. } | Consent::Nothing => grants.retain(|grant| admit(grant).is_ok()),
        }
        Ok(grants)
    }

    /// Returns the limits under which a candidate brings its data to its form.
    fn limits_of(
        &self,
        candidate: &Candidate,
        locked: &LockedPlugin,
    ) -> Result<Limits, ChangeError> {
        let manifest = &candidate.package.config.manifest;
        let limits = Limits::effective(&manifest.limits, locked.limits == manifest.limits);
        let limits = limits.keeping(kv_asked(manifest), locked.kv_bytes);
        Ok(limits.at_most(&self.policies()?.limits()))
    }
}

/// Collects what giving a candidate its data needs to know.
fn coming<'a>(candidate: &'a Candidate, limits: Limits, grants: &'a [Grant]) -> Coming<'a> {
    let manifest = &candidate.package.config.manifest;
    Coming {
        identity: &candidate.identity,
        version: &manifest.plugin.version,
        keeps: keeps(&manifest.asked()),
        limits,
        facts: &candidate.facts,
        component: &candidate.package.component,
        grants,
        own_data: candidate.own_data,
        is_newcomer: candidate.card.data_of.is_some(),
    }
}

/// Records that a candidate is not installed, if that is for its data, and gives the reason back.
fn refuse(
    change: Change<'_>,
    candidate: &Candidate,
    error: StateError,
) -> Result<StateError, ChangeError> {
    let Some((decision, why)) = error.decision() else { return Ok(error) };
    let (name, version) = (&candidate.identity.name, &candidate.card.version);
    let note = Note {
        action: Action::PluginAdd,
        plugin: name,
        component: candidate.facts.digest,
        subject: format!("{name} {version}"),
        detail: json!({
            "version": version.to_string(),
            "source": candidate.identity.source.to_string(),
            "card": candidate.card.digest().to_string(),
        }),
    };
    change.give_up(note, decision, why)?;
    Ok(error)
}

/// Returns the limits of a plugin whose whole card is agreed to.
fn whole_limits(manifest: &Manifest) -> Limits {
    Limits::effective(&manifest.limits, true)
}

/// Lists what a manifest asks to use of models beyond the usual.
fn model_raises(manifest: &Manifest) -> Vec<Raise> {
    manifest.permissions.iter().flat_map(Budget::raises).collect()
}

/// Lists what a manifest asks to be raised, its data and its models included.
fn raises(manifest: &Manifest) -> Vec<Raise> {
    let mut raises = Limits::raises(&manifest.limits);
    raises.extend(Limits::kv_raise(kv_asked(manifest)));
    raises.extend(model_raises(manifest));
    raises
}

/// Compares two rows but for when they were made.
fn same(a: &LockedPlugin, b: &LockedPlugin) -> bool {
    LockedPlugin { installed_at_ms: b.installed_at_ms, ..a.clone() } == *b
}

/// Writes a grant for the audit.
fn said(grant: &Grant) -> Value {
    json!({
        "permission": grant.permission.to_string(),
        "scope": grant.scope.to_string(),
        "expiresAtMs": grant.expires_at_ms,
    })
}

fn not_granted(locked: &LockedPlugin, grants: &[Grant]) -> Vec<Permission> {
    locked
        .permissions
        .iter()
        .filter(|asked| !grants.iter().any(|grant| grant.permission.covers(asked)))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_of_this_host_and_of_the_one_before_are_served() {
        let serves = |text: &str| serves(&text.parse().unwrap());
        for needs in ["^0.1", "^0.2", "^0.2.0", "=0.1.0", ">=0.1, <0.3", "*"] {
            assert!(serves(needs), "{needs}");
        }
        for needs in ["^0.3", "^0.2.1", "^0.1.1", "^0.0.9", "^1", ">0.2.0"] {
            assert!(!serves(needs), "{needs}");
        }
    }
}
