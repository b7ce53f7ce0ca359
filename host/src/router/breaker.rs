//! Stops asking what keeps failing, and probes until it recovers.
//!
//! ```text
//!          failures = limit              pause over, one request
//! Closed ------------------> Open -------------------------> Probing
//!   ^                         ^    probe failed or undecided    |
//!   |                         +---------------------------------+
//!   +--------------------------- probe succeeded ---------------+
//! ```
//!
//! One circuit for each (key, model) and [`Cause`]; what is of the key is shared by all its models. An
//! outage opens after several failures in a row, everything else at once. Nothing but a probe that
//! succeeds closes a circuit again.
//!
//! Whoever is the last that can be asked is not left alone for one 429 or an outage: while such a circuit
//! is open, a request may pass as a probe, one at a time and one each [`PACE`]. The others get what the
//! provider itself said last.
//!
//! Invariant: at most one probe of a circuit is in flight, and looking ([`Breakers::is_open`]) starts none.
//! Not here: what is a failure (`verdict`), who is asked next (`driver`).

use std::time::Duration;

use super::verdict;
use super::verdict::Cause;
use crate::chat::Error;

/// Time between two probes of the last target there is.
pub const PACE: Duration = Duration::from_secs(1);

/// How long a limit lasts if its provider does not say.
const LIMIT_PAUSE: Duration = Duration::from_secs(5);

/// How long a circuit is open at most before a probe: what a provider asks for may be a typing error.
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

const CAUSES: usize = Cause::ALL.len();

/// When circuits open.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether they do.
    pub enabled: bool,
    /// Failures in a row that are an outage.
    pub threshold: u32,
    /// How long a circuit is open before a probe.
    pub cooldown: Duration,
}

impl Default for Settings {
    /// 5 failures, 60 s.
    fn default() -> Self {
        Self { enabled: true, threshold: 5, cooldown: Duration::from_secs(60) }
    }
}

/// The circuits of all targets.
#[derive(Debug)]
pub struct Breakers {
    settings: Settings,
    circuits: Vec<Circuit>,
    /// For each target, its circuit of each cause.
    wires: Vec<[usize; CAUSES]>,
}

#[derive(Debug, Clone, Default)]
struct Circuit {
    phase: Phase,
    failures: u32,
    probed_at: Option<Duration>,
    /// What was said last; shown to those who may not ask.
    error: Option<Box<Error>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Closed,
    Open {
        until: Duration,
    },
    Probing,
}

/// The right to ask once. Give it back by [`Breakers::settle`], whatever happened.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    target: usize,
    probes: [bool; CAUSES],
}

impl Permit {
    /// Answers whether the request tells if the target works again.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.probes.contains(&true)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// With an answer.
    Well,
    /// With an error.
    Badly(&'a Error),
    /// Nobody waited for the end.
    Unknown,
}

impl Breakers {
    /// Makes closed circuits for targets, each given by the number of its key.
    #[must_use]
    pub fn new(settings: Settings, keys: &[usize]) -> Self {
        let (mut circuits, mut wires) = (Vec::new(), Vec::<[usize; CAUSES]>::new());
        for (target, key) in keys.iter().enumerate() {
            let sibling = keys[..target].iter().position(|other| other == key);
            wires.push(Cause::ALL.map(|cause| match sibling {
                Some(sibling) if cause.is_of_key() => wires[sibling][cause as usize],
                _ => {
                    circuits.push(Circuit::default());
                    circuits.len() - 1
                }
            }));
        }
        Self { settings, circuits, wires }
    }

    /// Asks to ask a target. `is_last` says that there is nobody else.
    ///
    /// # Errors
    ///
    /// What the target said last, with the time that is left of what it asked to wait.
    pub fn admit(
        &mut self,
        target: usize,
        now: Duration,
        is_last: bool,
    ) -> Result<Permit, Box<Error>> {
        let mut permit = Permit { target, probes: [false; CAUSES] };
        for cause in Cause::ALL {
            let circuit = &self.circuits[self.wires[target][cause as usize]];
            if circuit.is_open(now) && !(is_last && circuit.spares(cause, now)) {
                return Err(circuit.said(now));
            }
            permit.probes[cause as usize] = circuit.phase != Phase::Closed;
        }
        for cause in Cause::ALL.into_iter().filter(|cause| permit.probes[*cause as usize]) {
            let circuit = &mut self.circuits[self.wires[target][cause as usize]];
            circuit.phase = Phase::Probing;
            circuit.probed_at = Some(now);
        }
        Ok(permit)
    }

    /// Answers whether a target is not asked now, and for which cause. Changes nothing.
    #[must_use]
    pub fn is_open(&self, target: usize, now: Duration) -> Option<Cause> {
        let is_open =
            |cause: &Cause| self.circuits[self.wires[target][*cause as usize]].is_open(now);
        Cause::ALL.into_iter().find(is_open)
    }

    /// Learns that an attempt brings an answer, before its end: a probe that streams for minutes keeps
    /// nobody else waiting.
    pub fn prove(&mut self, permit: &mut Permit) {
        for cause in Cause::ALL {
            if std::mem::take(&mut permit.probes[cause as usize]) {
                self.circuits[self.wires[permit.target][cause as usize]] = Circuit::default();
            }
        }
    }

    /// Learns how an attempt ended.
    pub fn settle(&mut self, permit: Permit, now: Duration, ended: Ended<'_>) {
        let wires = self.wires[permit.target];
        let blamed = match ended {
            Ended::Badly(error) => verdict::blame(error).map(|cause| (cause, error)),
            Ended::Well | Ended::Unknown => None,
        };
        for cause in Cause::ALL {
            let circuit = &mut self.circuits[wires[cause as usize]];
            let is_probe = permit.probes[cause as usize];
            match (ended, circuit.phase) {
                (Ended::Well, Phase::Closed) => circuit.failures = 0,
                (Ended::Well, _) if is_probe => *circuit = Circuit::default(),
                // Undecided: the next request is the probe.
                (_, Phase::Probing) if is_probe => circuit.phase = Phase::Open { until: now },
                _ => {}
            }
        }
        if let Some((cause, error)) = blamed.filter(|_| self.settings.enabled) {
            let is_probe = permit.probes[cause as usize];
            self.circuits[wires[cause as usize]].fail(&self.settings, cause, error, now, is_probe);
        }
    }
}

impl Circuit {
    fn is_open(&self, now: Duration) -> bool {
        match self.phase {
            Phase::Closed => false,
            Phase::Open { until } => now < until,
            Phase::Probing => true,
        }
    }

    /// Answers whether a request may pass although it is open, since there is nobody else.
    fn spares(&self, cause: Cause, now: Duration) -> bool {
        let is_lasting = !matches!(cause, Cause::RateLimit | Cause::Outage);
        let is_due = self.probed_at.is_none_or(|at| now >= at.saturating_add(PACE));
        !is_lasting && is_due && self.phase != Phase::Probing
    }

    fn said(&self, now: Duration) -> Box<Error> {
        let mut error = self.error.clone().expect("a circuit opens with an error");
        if error.retry_after.is_some() {
            error.retry_after = Some(match self.phase {
                Phase::Open { until } => until.saturating_sub(now),
                Phase::Closed | Phase::Probing => PACE,
            });
        }
        error
    }

    fn fail(
        &mut self,
        settings: &Settings,
        cause: Cause,
        error: &Error,
        now: Duration,
        is_probe: bool,
    ) {
        self.failures = self.failures.saturating_add(1);
        let limit = if cause == Cause::Outage { settings.threshold } else { 1 };
        if !is_probe && self.phase == Phase::Closed && self.failures < limit {
            return;
        }
        // Somebody else's probe decides.
        if self.phase == Phase::Probing {
            return;
        }
        let pause = match cause {
            Cause::RateLimit => error.retry_after.unwrap_or(LIMIT_PAUSE),
            _ => error.retry_after.unwrap_or_default().max(settings.cooldown),
        };
        let until = now.saturating_add(pause.min(PAUSE_MAX));
        let until = match self.phase {
            Phase::Open { until: other } => until.max(other),
            Phase::Closed | Phase::Probing => until,
        };
        self.phase = Phase::Open { until };
        self.error = Some(Box::new(error.clone()));
    }
}
