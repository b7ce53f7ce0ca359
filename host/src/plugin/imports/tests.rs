//! Proves that what is linked is what the capability table says, and that what it says can be
//! denied is denied.
//!
//! No API lists a linker, so each is probed: defining a function a second time fails. The names to
//! probe are all functions and resources of every WIT package known here, ours and WASI's.
//!
//! Not here: whether `link` has an arm for each row; the compiler sees to that.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use ax_manifest::Ask;
use ax_manifest::Capability;
use ax_manifest::Grantable;
use ax_manifest::Permission;
use ax_manifest::Row;
use ax_manifest::Served;
use ax_manifest::row_of;
use futures_util::future::BoxFuture;
use wasmtime::component::Component;
use wasmtime::component::Linker;
use wasmtime::component::ResourceType;
use wit_component::ComponentEncoder;
use wit_component::StringEncoding;
use wit_component::embed_component_metadata;
use wit_parser::Resolve;
use wit_parser::Stability;
use wit_parser::TypeDefKind;

use super::super::agent::Companion;
use super::super::agent::Question;
use super::super::agent::Seat;
use super::super::agent::Told;
use super::super::engine::Allocation;
use super::super::engine::Engine;
use super::super::executor::Executor;
use super::super::folder::Folder;
use super::super::gate::Denial;
use super::super::gate::Gate;
use super::super::guest::CallFrame;
use super::super::guest::CallId;
use super::super::guest::Guest;
use super::super::guest::Holdings;
use super::super::guest::Outside;
use super::super::guest::World;
use super::super::limits::Limits;
use super::super::log::Log;
use super::super::meter::HostMeter;
use super::super::models::Asker;
use super::super::models::Listed;
use super::super::models::Models;
use super::super::purse::Purse;
use super::super::rights::Bounds;
use super::super::rights::DenialReason;
use super::super::rights::Rights;
use super::super::secrets::CallSecrets;
use super::super::secrets::Injection;
use super::super::store::confined;
use super::super::written::Accounts;
use super::link;
use super::link_all;
use crate::chat::Chunk;
use crate::chat::Model;
use crate::clock::SystemClock;
use crate::egress::Egress;
use crate::egress::EgressConfig;
use crate::kv::Kv;
use crate::kv::Quota;
use crate::kv::Space;
use crate::provider::scripted::Act;
use crate::provider::scripted::Scripted;
use crate::secret::leak::LeakScan;
use crate::workflow::Failure;
use crate::workflow::FailureKind;

/// Something an interface may define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Function,
    Resource,
}

/// What one interface may define, and whether WIT calls it stable: what is not, is never linked.
type Items = BTreeMap<(Kind, String), bool>;

/// Every interface known here under its name with version.
static KNOWN: LazyLock<BTreeMap<String, Items>> = LazyLock::new(|| {
    let resolve = wit();
    let mut known = BTreeMap::new();
    for (id, interface) in resolve.interfaces.iter() {
        let Some(name) = resolve.id_of(id) else { continue };
        let mut items = Items::new();
        for (function, what) in &interface.functions {
            items.insert((Kind::Function, function.clone()), is_stable(&what.stability));
        }
        for (name, ty) in &interface.types {
            let ty = &resolve.types[*ty];
            if ty.kind == TypeDefKind::Resource {
                items.insert((Kind::Resource, name.clone()), is_stable(&ty.stability));
            }
        }
        known.insert(name, items);
    }
    known
});

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Allocation::OnDemand).expect("an engine"));

fn is_stable(stability: &Stability) -> bool {
    !matches!(stability, Stability::Unstable { .. })
}

/// Parses our WIT and WASI's, unstable items included.
fn wit() -> Resolve {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).expect("our WIT");
    resolve.push_dir(sources_of("wasmtime-wasi").join("src/p2/wit")).expect("the WIT of WASI");
    let http = sources_of("wasmtime-wasi-http").join("wit/deps/http.wit");
    resolve.push_file(http).expect("the WIT of `wasi:http`");
    resolve
}

/// Finds the folder of a crate that implements WASI, with the WIT it was made from.
fn sources_of(name: &str) -> PathBuf {
    // What other platforms need may never have been downloaded.
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output().expect("rustc runs");
    let host = String::from_utf8(host.stdout).expect("a name");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", host.trim()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = told["packages"].as_array().expect("packages");
    let found = packages.iter().find(|package| package["name"] == name);
    let manifest = found.and_then(|package| package["manifest_path"].as_str()).expect("its path");
    Path::new(manifest).with_file_name("")
}

/// Answers whether a linker defines something already.
#[expect(clippy::disallowed_methods, reason = "a clone is probed; nothing is linked by it")]
fn is_defined(linker: &Linker<Guest>, interface: &str, kind: Kind, name: &str) -> bool {
    let mut probe = linker.clone();
    let mut instance = probe.instance(interface).expect("a name of WIT");
    match kind {
        Kind::Function => instance.func_new(name, |_, _, _, _| Ok(())).is_err(),
        Kind::Resource => {
            instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(())).is_err()
        }
    }
}

/// Lists all that a linker defines, of what is known.
fn defined(linker: &Linker<Guest>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (interface, items) in &*KNOWN {
        for (kind, name) in items.keys() {
            if is_defined(linker, interface, *kind, name) {
                found.insert(format!("{interface} {kind:?} {name}"));
            }
        }
    }
    found
}

/// Lists all that the interface of a row defines according to its WIT.
fn promised(row: &Row) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (interface, items) in &*KNOWN {
        if row_of(interface).is_some_and(|known| known.capability == row.capability) {
            let stable = items.iter().filter(|(_, stable)| **stable);
            found.extend(stable.map(|((kind, name), _)| format!("{interface} {kind:?} {name}")));
        }
    }
    found
}

fn linker() -> Linker<Guest> {
    Linker::new(ENGINE.wasmtime())
}

#[test]
fn the_probe_sees_functions_methods_and_resources() {
    let mut linker = linker();
    assert!(defined(&linker).is_empty(), "an empty linker defines nothing");
    link(Capability::WasiIoPoll, &mut linker).unwrap();
    let found = defined(&linker);
    for item in ["Function poll", "Function [method]pollable.block", "Resource pollable"] {
        let item = format!("wasi:io/poll@0.2.12 {item}");
        assert!(found.contains(&item), "{item} is not in {found:?}");
    }
    assert!(KNOWN.len() > 25, "all of WASI is known: {:?}", KNOWN.keys());
}

#[test]
fn every_row_links_exactly_what_its_interface_has() {
    for capability in Capability::ALL {
        let row = capability.row();
        let mut linker = linker();
        link(*capability, &mut linker).unwrap();
        match row.served {
            Served::Now => {
                let promised = promised(row);
                let words_only = *capability == Capability::AxTypes;
                assert_eq!(promised.is_empty(), words_only, "{}: it is known", row.interface);
                assert_eq!(defined(&linker), promised, "{}", row.interface);
            }
            Served::From(_) | Served::Never => {
                assert_eq!(defined(&linker), BTreeSet::new(), "{}", row.interface);
            }
        }
    }
}

#[test]
fn all_together_link_nothing_that_has_no_row_or_is_not_served() {
    let mut linker = linker();
    link_all(&mut linker).unwrap();
    let rows = Capability::ALL.iter().map(|capability| capability.row());
    let promised: BTreeSet<String> =
        rows.filter(|row| row.served == Served::Now).flat_map(promised).collect();
    assert_eq!(defined(&linker), promised);
}

#[test]
fn everything_of_wasi_that_exists_has_a_row() {
    let exists = |items: &Items| items.values().any(|stable| *stable);
    for (interface, _) in KNOWN.iter().filter(|(_, items)| exists(items)) {
        let exported = interface.starts_with("ax:guest/")
            || ["wasi:cli/run@0.2.12", "wasi:http/incoming-handler@0.2.12"]
                .contains(&interface.as_str());
        assert!(row_of(interface).is_some() || exported, "{interface} has no row");
    }
}

/// The test that shows that a row is denied. No wildcard: a new row does not compile until
/// somebody decided how it is denied.
fn denial_of(capability: Capability) -> Option<fn()> {
    use Capability as C;
    match capability {
        C::AxKvStore => Some(data_that_may_not_be_kept_are_denied),
        C::AxHttpClient => Some(a_request_that_is_not_granted_is_denied),
        C::AxModelChat => Some(a_model_that_is_not_granted_is_not_asked),
        C::AxTools => Some(a_tool_that_is_not_granted_is_not_called),
        C::AxTask => Some(an_agent_that_is_not_granted_is_not_set_to_work),
        C::AxSecrets => Some(a_secret_that_is_not_granted_is_not_there),
        C::WasiHttpTypes | C::WasiHttpOutgoingHandler => {
            Some(a_request_over_wasi_that_is_not_granted_is_denied)
        }
        C::WasiCliEnvironment => Some(a_variable_that_is_not_granted_is_denied),
        C::WasiFilesystemPreopens => Some(a_folder_that_is_not_granted_is_denied),
        C::WasiFilesystemTypes => Some(a_change_below_a_folder_to_read_is_denied),
        C::WasiSocketsNetwork | C::WasiSocketsInstanceNetwork | C::WasiSocketsIpNameLookup => {
            Some(the_network_looks_up_no_name)
        }
        C::WasiSocketsTcpCreateSocket => Some(a_tcp_socket_is_denied),
        C::WasiSocketsUdpCreateSocket => Some(a_udp_socket_is_denied),
        C::WasiSocketsTcp => Some(a_made_up_tcp_socket_is_a_crash),
        C::WasiSocketsUdp => Some(a_made_up_udp_socket_is_a_crash),
        // Nothing to be denied: no permission, and nothing outside the call is touched.
        C::AxTypes
        | C::AxLog
        | C::AxConfig
        | C::AxTaskCall
        | C::WasiIoError
        | C::WasiIoPoll
        | C::WasiIoStreams
        | C::WasiClocksWallClock
        | C::WasiClocksMonotonicClock
        | C::WasiRandomRandom
        | C::WasiRandomInsecure
        | C::WasiRandomInsecureSeed
        | C::WasiCliExit
        | C::WasiCliStdin
        | C::WasiCliStdout
        | C::WasiCliStderr
        | C::WasiCliTerminalInput
        | C::WasiCliTerminalOutput
        | C::WasiCliTerminalStdin
        | C::WasiCliTerminalStdout
        | C::WasiCliTerminalStderr => None,
        // Not linked at all, as the tests above show; a denial test comes with the host part.
        C::AxEventsBus | C::AxServices | C::AxMemory => None,
    }
}

#[test]
fn every_row_that_can_be_denied_is_denied() {
    for capability in Capability::ALL {
        let row = capability.row();
        let deniable = row.kind.is_some() || row.grantable == Grantable::Never;
        match (denial_of(*capability), deniable && row.served == Served::Now) {
            (Some(test), true) => test(),
            (None, false) => {}
            (None, true) => panic!("`{}` has no denial test", row.interface),
            (Some(_), false) => panic!("`{}` cannot be denied", row.interface),
        }
    }
}

/// What a guest found out, and what was denied meanwhile.
struct Outcome {
    answer: wasmtime::Result<u32>,
    denials: Vec<Denial>,
}

impl Outcome {
    /// Insists on exactly one kind of denial.
    #[track_caller]
    fn ends_denied(self, permission: &str, reason: DenialReason) {
        let found: Vec<_> =
            self.denials.iter().map(|denial| (denial.permission.as_str(), denial.reason)).collect();
        assert_eq!(found, [(permission, reason)]);
    }
}

/// Runs the core module `module` with these imports under these rights. Its export `run` answers
/// what it found out; it has 64 KiB of memory and an allocator that takes nothing back.
fn run(imports: &[&str], module: &str, declared: &[&str], granted: &[&str]) -> Outcome {
    run_asking(None, imports, module, [declared, granted])
}

/// As [`run`], in a task.
fn run_in_task(imports: &[&str], module: &str, declared: &[&str], granted: &[&str]) -> Outcome {
    run_with((None, Some(Arc::new(Nobody))), imports, module, [declared, granted])
}

/// As [`run`], where these models answer; declared and granted are `rights`.
fn run_asking(
    models: Option<Arc<dyn Models>>,
    imports: &[&str],
    module: &str,
    rights: [&[&str]; 2],
) -> Outcome {
    run_with((models, None), imports, module, rights)
}

/// A task that knows no tool and no agent, and tells what the gate says.
struct Nobody;

impl Companion for Nobody {
    fn ask(&self, questions: Vec<Question>) -> BoxFuture<'_, Vec<Told>> {
        let answer = |question: Question| {
            let unknown = Failure::new(FailureKind::NotFound, "there is none");
            Told::Answer(Err(question.refused.unwrap_or(unknown)))
        };
        Box::pin(async move { questions.into_iter().map(answer).collect() })
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn seed(&self) -> u64 {
        0
    }

    fn is_replaying(&self) -> bool {
        false
    }
}

/// Who answers a guest: models, and its task.
type Around = (Option<Arc<dyn Models>>, Option<Arc<dyn Companion>>);

fn run_with(
    (models, companion): Around,
    imports: &[&str],
    module: &str,
    rights: [&[&str]; 2],
) -> Outcome {
    let [declared, granted] = rights;
    let component = guest_component(imports, module);
    let permissions = |texts: &[&str]| -> Vec<Permission> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let bounds = Bounds { declared: permissions(declared).into_iter().collect(), policy: None };
    let rights = Rights::new(bounds, &[], &permissions(granted), None, 0);
    let folder = tempfile::tempdir().unwrap();
    let folders: Arc<[Folder]> = [Folder::bind("workspace", folder.path()).unwrap()].into();
    let limits = Limits::default();
    let executor = Executor::new(1).unwrap();
    let egress = Egress::new(EgressConfig::default(), executor.handle()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let kv = Kv::at(home.path());
    let frame = CallFrame {
        id: CallId::new(0, 0, 0),
        depth: 0,
        ends_at: Duration::from_secs(3600),
        world: World::Real,
        clock: Arc::new(SystemClock::new()),
        environment: Arc::new(|_: &str| Some("nobody may see this".to_owned())),
        progress: None,
        cancel: None,
        holdings: Arc::new(holdings(&kv)),
        outside: Arc::new(Outside {
            accounts: Accounts::new(kv.clone()),
            keeping: executor.keeping(),
            kv,
            egress,
            models,
        }),
        secrets: CallSecrets::default(),
        once: None,
    };
    let meter = HostMeter::new(1 << 30, 1).admit(&limits).unwrap();
    let log = Log::new(&limits, LeakScan::none());
    let mut guest = Guest::new(Gate::new(Arc::new(rights)), meter, log, frame, folders);
    guest.seat = companion.map(|it| Box::new(Seat::new(it, limits.fuel, limits.deadline)));
    let mut store = confined(&ENGINE, guest, &limits);
    let mut linker = linker();
    link_all(&mut linker).unwrap();
    let component = Component::new(ENGINE.wasmtime(), component).unwrap();
    let answer = executor.block_on(async {
        let instance = linker.instantiate_async(&mut store, &component).await.unwrap();
        let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").unwrap();
        run.call_async(&mut store, ()).await.map(|(answer,)| answer)
    });
    Outcome { answer, denials: store.into_data().gate.take_record().0 }
}

/// An empty state of its own.
fn holdings(kv: &Kv) -> Holdings {
    let quota = Quota { keys_max: 10, bytes_max: 1_000 };
    let owner: Arc<str> = "test".into();
    let state = kv.fork(&owner, None).unwrap().state;
    let asked: Ask = Ask {
        permission: SECRET.parse().unwrap(),
        reason: None,
        quota: ax_manifest::Quota::default(),
        header: None,
    };
    let injections = Injection::of(&asked).into_iter().collect();
    let space = Space { owner: Arc::clone(&owner), state, quota };
    Holdings { space, injections, ..Holdings::none() }
}

fn guest_component(imports: &[&str], module: &str) -> Vec<u8> {
    let mut resolve = wit();
    let import = |name: &&str| match name.starts_with("ax:") {
        true => format!("import {name};\n"),
        false => format!("import wasi:{name}@0.2.12;\n"),
    };
    let imports: String = imports.iter().map(import).collect();
    let world =
        format!("package test:guest;\nworld guest {{ {imports} export run: func() -> u32; }}");
    let package = resolve.push_str("guest.wit", &world).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut module = wat::parse_str(format!(
        r#"(module {module} (memory (export "memory") 1)
             (global $next (mut i32) (i32.const 4096))
             (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
               (local $at i32)
               (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
               (global.set $next (i32.add (local.get $at) (local.get 3)))
               (local.get $at)))"#
    ))
    .unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).unwrap();
    encoder.encode().unwrap()
}

fn a_variable_that_is_not_granted_is_denied() {
    let module = r#"
      (import "wasi:cli/environment@0.2.12" "get-environment" (func $get (param i32)))
      (func (export "run") (result i32) (call $get (i32.const 0)) (i32.load (i32.const 4)))"#;
    let attempt = |granted| run(&["cli/environment"], module, &["env:HOME"], granted);
    assert_eq!(attempt(&["env:HOME"]).answer.unwrap(), 1, "it is there when granted");
    let denied = attempt(&["env:LANG"]);
    assert_eq!(*denied.answer.as_ref().unwrap(), 0);
    denied.ends_denied("env:HOME", DenialReason::NotGranted);
}

/// Answers the kind of the error, or 1,000 when there was none.
fn data_that_may_not_be_kept_are_denied() {
    let module = r#"
      (import "ax:kv/store@0.1.0" "usage" (func $usage (param i32)))
      (func (export "run") (result i32)
        (call $usage (i32.const 16))
        (if (result i32) (i32.load8_u (i32.const 16))
          (then (i32.load8_u (i32.const 24)))
          (else (i32.const 1000))))"#;
    /// `denied` among the kinds of `ax:types`.
    const DENIED: u32 = 1;
    let attempt = |granted: &[&str]| run(&["ax:kv/store@0.1.0"], module, &["kv"], granted);
    assert_eq!(attempt(&["kv"]).answer.unwrap(), 1000, "it is there when granted");
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), DENIED);
    denied.ends_denied("kv", DenialReason::NotGranted);
}

/// A secret that every guest here asks for, toward where none of them sends a request.
const SECRET: &str = "secret:token@http://127.0.0.1:2";

/// Where nothing listens: what is granted fails to connect, what is not is denied before.
const NOWHERE: &str = "net:http://127.0.0.1:1:GET:/a";

/// Answers the kind of the error, or 1,000 when there was none.
fn a_request_that_is_not_granted_is_denied() {
    // A request takes 64 bytes at 128; an answer is written to 256.
    let module = r#"
      (import "ax:http/client@0.1.0" "send" (func $send (param
        i32 i32  i32 i32  i32 i32  i32 i32 i32  i32  i32 i32  i32  i32)))
      (data (i32.const 64) "GEThttp://127.0.0.1:1/a")
      (func (export "run") (result i32)
        (call $send
          (i32.const 64) (i32.const 3)  (i32.const 67) (i32.const 20)
          (i32.const 0) (i32.const 0)  (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0)  (i32.const 0) (i32.const 0)  (i32.const 100)  (i32.const 256))
        (if (result i32) (i32.load8_u (i32.const 256))
          (then (i32.load8_u (i32.const 260)))
          (else (i32.const 1000))))"#;
    /// `denied` and `unavailable` among the kinds of `ax:types`.
    const DENIED: u32 = 1;
    const UNAVAILABLE: u32 = 5;
    let attempt = |granted: &[&str]| run(&["ax:http/client@0.1.0"], module, &[NOWHERE], granted);
    assert_eq!(attempt(&[NOWHERE]).answer.unwrap(), UNAVAILABLE, "it is tried when granted");
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), DENIED);
    denied.ends_denied(NOWHERE, DenialReason::NotGranted);
}

/// Answers the kind of the error, or 1,000 when there was none.
fn a_model_that_is_not_granted_is_not_asked() {
    // A request takes 120 bytes at 512, all zero: no model, no messages; an answer is written to 1,024.
    let module = r#"
      (import "ax:model/chat@0.1.0" "complete" (func $complete (param i32 i32)))
      (func (export "run") (result i32)
        (call $complete (i32.const 512) (i32.const 1024))
        (if (result i32) (i32.load8_u (i32.const 1024))
          (then (i32.load8_u (i32.const 1032)))
          (else (i32.const 1000))))"#;
    /// `invalid` and `denied` among the kinds of `ax:types`.
    const INVALID: u32 = 0;
    const DENIED: u32 = 1;
    let wanted = "models:default";
    let attempt = |granted: &[&str]| run(&["ax:model/chat@0.1.0"], module, &[wanted], granted);
    assert_eq!(attempt(&[wanted]).answer.unwrap(), INVALID, "it is read when granted");
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), DENIED);
    denied.ends_denied(wanted, DenialReason::NotGranted);
}

/// Answers the kind of the error, or 1,000 when there was none: `invalid`, `denied`, `not-found` and
/// `unavailable` among the kinds of `ax:types` are 0, 1, 3 and 5.
const KIND: &str = "(if (result i32) (i32.load8_u (i32.const 256))
  (then (i32.load8_u (i32.const 260)))
  (else (i32.const 1000)))";

fn a_tool_that_is_not_granted_is_not_called() {
    let imports = ["ax:tools/tools@0.1.0"];
    let module = |name: &str| {
        format!(
            r#"(import "ax:tools/tools@0.1.0" "call" (func $call
                 (param i32 i32 i32 i32 i32 i32 i32 i32)))
               (data (i32.const 64) "{name}{{}}")
               (func (export "run") (result i32)
                 (call $call (i32.const 64) (i32.const {bytes}) (i32.const {input}) (i32.const 2)
                   (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 256))
                 {KIND})"#,
            bytes = name.len(),
            input = 64 + name.len(),
        )
    };
    let (wanted, module_of_one) = (["tools:ax:a.b"], module("ax:a.b"));
    let attempt = |granted: &[&str]| run_in_task(&imports, &module_of_one, &wanted, granted);
    assert_eq!(attempt(&wanted).answer.unwrap(), 3, "the task is asked when it is granted");
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), 1);
    denied.ends_denied(wanted[0], DenialReason::NotGranted);
    // A pattern is what may be granted, and nothing that can be called.
    let pattern = run_in_task(&imports, &module("ax:a.*"), &["tools:ax:a.*"], &["tools:ax:a.*"]);
    assert_eq!((pattern.answer.unwrap(), pattern.denials), (0, Vec::new()));
    let outside = run(&imports, &module_of_one, &wanted, &wanted);
    assert_eq!(outside.answer.unwrap(), 5, "there is no task to ask");
}

fn an_agent_that_is_not_granted_is_not_set_to_work() {
    let module = format!(
        r#"(import "ax:task/task@0.1.1" "delegate" (func $delegate
             (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
           (data (i32.const 64) "reviewer{{}}")
           (func (export "run") (result i32)
             (call $delegate (i32.const 64) (i32.const 8) (i32.const 64) (i32.const 8)
               (i32.const 72) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0)
               (i32.const 256))
             {KIND})"#
    );
    let (imports, wanted) = (["ax:task/task@0.1.1"], ["agents:reviewer"]);
    let attempt = |granted: &[&str]| run_in_task(&imports, &module, &wanted, granted);
    assert_eq!(attempt(&wanted).answer.unwrap(), 3, "the task is asked when it is granted");
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), 1);
    denied.ends_denied(wanted[0], DenialReason::NotGranted);
    assert_eq!(run(&imports, &module, &wanted, &wanted).answer.unwrap(), 5, "there is no task");
}

#[test]
fn outside_of_a_task_nothing_waits_and_nothing_is_there() {
    let module = format!(
        r#"(import "ax:task/task@0.1.1" "sleep" (func $sleep (param i64 i32)))
           (import "ax:task/task@0.1.1" "get" (func $get (param i32 i32 i32)))
           (import "ax:task/task@0.1.1" "emit" (func $emit (param i32 i32)))
           (import "ax:task/task@0.1.1" "agents" (func $agents (param i32)))
           (import "ax:tools/tools@0.1.0" "available" (func $available (param i32)))
           (func (export "run") (result i32)
             (call $emit (i32.const 64) (i32.const 1))
             (call $get (i32.const 64) (i32.const 1) (i32.const 128))
             (call $agents (i32.const 160))
             (call $available (i32.const 192))
             (if (i32.or (i32.load8_u (i32.const 128))
                   (i32.or (i32.load (i32.const 164)) (i32.load (i32.const 196))))
               (then (return (i32.const 2000))))
             (call $sleep (i64.const 3600000) (i32.const 256))
             {KIND})"#
    );
    let imports = ["ax:task/task@0.1.1", "ax:tools/tools@0.1.0"];
    let outcome = run(&imports, &module, &[], &[]);
    assert_eq!((outcome.answer.unwrap(), outcome.denials), (5, Vec::new()));
}

/// One model, which begins to answer and does not end.
struct Endless(Arc<Scripted>);

impl Models for Endless {
    fn of(&self, _: Asker, _: Arc<Purse>) -> Arc<dyn Model> {
        Arc::clone(&self.0) as Arc<dyn Model>
    }

    fn list(&self) -> Vec<Listed> {
        vec![Listed { name: "default".to_owned(), ..Listed::default() }]
    }
}

#[test]
fn a_trap_cancels_what_a_model_is_still_saying() {
    // A message is at 256, its part at 304; the request at 512 names no model, and is otherwise empty.
    let module = r#"
      (import "ax:model/chat@0.1.0" "begin" (func $begin (param i32 i32)))
      (import "ax:model/chat@0.1.0" "[method]chunks.next" (func $next (param i32 i32)))
      (data (i32.const 64) "hi")
      (func (export "run") (result i32)
        (i32.store8 (i32.const 256) (i32.const 1))
        (i32.store (i32.const 272) (i32.const 304))
        (i32.store (i32.const 276) (i32.const 1))
        (i32.store (i32.const 308) (i32.const 64))
        (i32.store (i32.const 312) (i32.const 2))
        (i32.store (i32.const 524) (i32.const 256))
        (i32.store (i32.const 528) (i32.const 1))
        (call $begin (i32.const 512) (i32.const 1024))
        (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 1))))
        (call $next (i32.load (i32.const 1028)) (i32.const 1024))
        (unreachable))"#;
    let wanted = ["models:default"];
    let says = vec![Act::Say(Chunk::Text("a".to_owned())), Act::Hang];
    let model = Arc::new(Scripted::new("played", vec![says]));
    let models: Arc<dyn Models> = Arc::new(Endless(Arc::clone(&model)));
    let rights: [&[&str]; 2] = [&wanted, &wanted];
    let ended = run_asking(Some(models), &["ax:model/chat@0.1.0"], module, rights);
    assert!(format!("{:?}", ended.answer.unwrap_err()).contains("unreachable"));
    assert_eq!((model.asked().len(), model.abandoned()), (1, 1));
}

/// Nobody set the secret, so the answer is "no" either way; only without a grant it is a denial.
fn a_secret_that_is_not_granted_is_not_there() {
    let module = r#"
      (import "ax:secrets/secrets@0.1.0" "is-set" (func $is_set (param i32 i32) (result i32)))
      (data (i32.const 64) "token")
      (func (export "run") (result i32) (call $is_set (i32.const 64) (i32.const 5)))"#;
    let attempt = |granted: &[&str]| run(&["ax:secrets/secrets@0.1.0"], module, &[SECRET], granted);
    let allowed = attempt(&[SECRET]);
    assert_eq!((allowed.answer.unwrap(), allowed.denials), (0, Vec::new()));
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), 0);
    denied.ends_denied(SECRET, DenialReason::NotGranted);
}

/// A request is handed over; what comes of it is not waited for, since the denial is decided before.
fn a_request_over_wasi_that_is_not_granted_is_denied() {
    let module = r#"
      (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
      (import "wasi:http/types@0.2.12" "[constructor]outgoing-request"
        (func $request (param i32) (result i32)))
      (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-authority"
        (func $authority (param i32 i32 i32 i32) (result i32)))
      (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-scheme"
        (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
      (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-path-with-query"
        (func $path (param i32 i32 i32 i32) (result i32)))
      (import "wasi:http/outgoing-handler@0.2.12" "handle"
        (func $handle (param i32 i32 i32 i32)))
      (data (i32.const 64) "127.0.0.1:1/a")
      (func (export "run") (result i32) (local $it i32)
        (local.set $it (call $request (call $fields)))
        (drop (call $authority (local.get $it) (i32.const 1) (i32.const 64) (i32.const 11)))
        (drop (call $scheme (local.get $it) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $path (local.get $it) (i32.const 1) (i32.const 75) (i32.const 2)))
        (call $handle (local.get $it) (i32.const 0) (i32.const 0) (i32.const 256))
        (i32.load8_u (i32.const 256)))"#;
    let imports = ["http/types", "http/outgoing-handler"];
    let attempt = |granted: &[&str]| run(&imports, module, &[NOWHERE], granted);
    let allowed = attempt(&[NOWHERE]);
    assert_eq!((allowed.answer.unwrap(), allowed.denials), (0, Vec::new()));
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), 0, "the denial comes with the answer");
    denied.ends_denied(NOWHERE, DenialReason::NotGranted);
}

/// Asks for the folders; their number is at 4, the handle of the first where 0 points to.
const FOLDERS: &str = r#"
  (import "wasi:filesystem/preopens@0.2.12" "get-directories" (func $folders (param i32)))"#;

fn a_folder_that_is_not_granted_is_denied() {
    let module = format!(
        r#"{FOLDERS}
        (func (export "run") (result i32) (call $folders (i32.const 0)) (i32.load (i32.const 4)))"#
    );
    let read = ["fs:workspace:read"];
    let attempt = |granted: &[&str]| run(&["filesystem/preopens"], &module, &read, granted);
    assert_eq!(attempt(&read).answer.unwrap(), 1, "it is there when granted");
    let denied = attempt(&[]);
    assert_eq!(*denied.answer.as_ref().unwrap(), 0);
    denied.ends_denied(read[0], DenialReason::NotGranted);
}

/// Answers the number of the error, or 1,000 when there was none.
fn a_change_below_a_folder_to_read_is_denied() {
    let module = format!(
        r#"{FOLDERS}
        (import "wasi:filesystem/types@0.2.12" "[method]descriptor.create-directory-at"
          (func $create (param i32 i32 i32 i32)))
        (data (i32.const 64) "new")
        (func (export "run") (result i32)
          (call $folders (i32.const 0))
          (call $create (i32.load (i32.load (i32.const 0)))
            (i32.const 64) (i32.const 3) (i32.const 16))
          (if (result i32) (i32.load8_u (i32.const 16))
            (then (i32.load8_u (i32.const 17)))
            (else (i32.const 1000))))"#
    );
    /// `not-permitted` among the cases of `error-code`.
    const NOT_PERMITTED: u32 = 31;
    let imports = ["filesystem/types", "filesystem/preopens"];
    let read = "fs:workspace:read";
    let denied = run(&imports, &module, &[read], &[read]);
    assert_eq!(*denied.answer.as_ref().unwrap(), NOT_PERMITTED);
    denied.ends_denied("fs:workspace:write", DenialReason::NotDeclared);
}

/// `access-denied` among the cases of the `error-code` of sockets.
const ACCESS_DENIED: u32 = 1;

/// Answers what `$try`, which writes a result to 16, answered: its error's number, or 1,000.
fn socket_attempt(imports: &[&str], before: &str, attempt: &str) -> Outcome {
    let module = format!(
        r#"{before}
        (func (export "run") (result i32)
          {attempt}
          (if (result i32) (i32.load8_u (i32.const 16))
            (then (i32.load8_u (i32.const 20)))
            (else (i32.const 1000))))"#
    );
    run(imports, &module, &[], &[])
}

#[track_caller]
fn creates_no_socket(protocol: &str) {
    let interface = format!("sockets/{protocol}-create-socket");
    let outcome = socket_attempt(
        &[&interface],
        &format!(
            r#"(import "wasi:{interface}@0.2.12" "create-{protocol}-socket"
                 (func $create (param i32 i32)))"#
        ),
        "(call $create (i32.const 0) (i32.const 16))",
    );
    assert_eq!(*outcome.answer.as_ref().unwrap(), ACCESS_DENIED);
    outcome.ends_denied(&format!("wasi:{interface}"), DenialReason::NeverGrantable);
}

fn a_tcp_socket_is_denied() {
    creates_no_socket("tcp");
}

fn a_udp_socket_is_denied() {
    creates_no_socket("udp");
}

/// A handle of the network can be had; it opens nothing.
fn the_network_looks_up_no_name() {
    let outcome = socket_attempt(
        &["sockets/instance-network", "sockets/ip-name-lookup"],
        r#"(import "wasi:sockets/instance-network@0.2.12" "instance-network"
             (func $network (result i32)))
           (import "wasi:sockets/ip-name-lookup@0.2.12" "resolve-addresses"
             (func $resolve (param i32 i32 i32 i32)))
           (data (i32.const 64) "localhost")"#,
        "(call $resolve (call $network) (i32.const 64) (i32.const 9) (i32.const 16))",
    );
    assert_eq!(*outcome.answer.as_ref().unwrap(), ACCESS_DENIED);
    outcome.ends_denied("wasi:sockets/ip-name-lookup", DenialReason::NeverGrantable);
}

/// There is no socket, so a guest can only make a handle up.
#[track_caller]
fn knows_no_socket(protocol: &str, method: &str) {
    let interface = format!("sockets/{protocol}");
    let outcome = socket_attempt(
        &[&interface],
        &format!(
            r#"(import "wasi:{interface}@0.2.12" "[method]{protocol}-socket.{method}"
                 (func $use (param i32 i32)))"#
        ),
        "(call $use (i32.const 1) (i32.const 16))",
    );
    assert!(outcome.answer.is_err(), "{:?}", outcome.answer);
}

fn a_made_up_tcp_socket_is_a_crash() {
    knows_no_socket("tcp", "finish-connect");
}

fn a_made_up_udp_socket_is_a_crash() {
    knows_no_socket("udp", "local-address");
}
