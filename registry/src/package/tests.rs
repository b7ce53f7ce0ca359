//! Whole packages: made, read back, and changed in every way that should be noticed.

use ax_manifest::Annotations;
use ax_manifest::COMPONENT_BYTES_MAX;
use ax_manifest::ComponentFacts;
use ax_manifest::Entry;
use ax_manifest::ImportedInterface;
use ax_manifest::Manifest;
use ax_manifest::Tool;
use ax_manifest::inspect;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::package::layout::blob_name;

/// A component with nothing in it.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// What is known about it, as if it described tools.
fn facts() -> ComponentFacts {
    let mut facts = inspect(COMPONENT).unwrap();
    facts.guest_interfaces.push("ax:guest/tools@0.1.0".to_owned());
    facts
}

fn manifest() -> Manifest {
    let text = r#"
        [plugin]
        name = "ax:sample"
        version = "1.2.3"
        description = "Does nothing"
        license = "MIT"
        host = "^0.1"
        [permissions]
        fs = [{ path = "workspace", access = "read", reason = "to count lines" }]
        [limits]
        memory = "32 MiB"
        [config]
        type = "object"
    "#;
    Manifest::parse(text).unwrap()
}

fn described() -> Tool {
    Tool {
        name: "count".to_owned(),
        title: None,
        description: "Counts".to_owned(),
        input_schema: json!({ "type": "object" }),
        output_schema: None,
        annotations: Annotations::default(),
        entry: Entry::Described,
    }
}

fn sample() -> Package {
    Package {
        config: PluginConfig::new(manifest(), vec![described()], &facts()),
        component: COMPONENT.to_vec(),
        wit: Some(b"package ax:sample;".to_vec()),
        docs: [("README.md", "# Sample"), ("LICENSE", "MIT"), ("CHANGELOG.md", "")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into(),
    }
}

/// The archive's files in order, to be changed and packed again.
fn files(axp: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(axp);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().display().to_string(), content)
    });
    entries.collect()
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<(String, &[u8])> =
        files.iter().map(|(name, content)| (name.clone(), content.as_slice())).collect();
    archive::write(&entries).unwrap()
}

/// A change of a manifest's JSON.
type Change = fn(&mut Value);

/// Changes the manifest of a package and everything that names it, as an attacker would.
fn with_manifest(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    reworded(|manifest| {
        let mut value: Value = serde_json::from_slice(manifest).unwrap();
        change(&mut value);
        serde_json::to_vec(&value).unwrap()
    })
}

/// Replaces the manifest's text and everything that names it.
fn reworded(change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut files = files(&pack(&sample()).unwrap());
    let manifest = change(&files[2].1);
    files[2] = (blob_name(&Digest::of(&manifest)), manifest);
    let mut index: Value = serde_json::from_slice(&files[1].1).unwrap();
    index["manifests"][0]["digest"] = json!(Digest::of(&files[2].1).to_string());
    index["manifests"][0]["size"] = json!(files[2].1.len());
    files[1].1 = serde_json::to_vec(&index).unwrap();
    archive(&files)
}

/// Replaces `plugin.json` and everything that names it.
fn with_config(change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let original = files(&pack(&sample()).unwrap());
    let config = change(&original[3].1);
    let axp = with_manifest(|manifest| {
        manifest["config"]["digest"] = json!(Digest::of(&config).to_string());
        manifest["config"]["size"] = json!(config.len());
    });
    let mut files = files(&axp);
    files[3] = (blob_name(&Digest::of(&config)), config);
    archive(&files)
}

fn refusal(axp: &[u8]) -> PackageError {
    match unpack(axp) {
        Err(error) => error,
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn what_was_packed_is_unpacked() {
    let bare = Package { wit: None, docs: BTreeMap::new(), ..sample() };
    for package in [sample(), bare] {
        let axp = pack(&package).unwrap();
        assert_eq!(unpack(&axp).unwrap(), package);
        let blobs = package.blobs().unwrap();
        assert_eq!(digest_of(&axp).unwrap(), blobs.package);
        assert_eq!(blobs.component, Digest::of(COMPONENT));
        assert!(blobs.all.iter().all(|(digest, bytes)| *digest == Digest::of(bytes)));
    }
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    assert_eq!(pack(&sample()).unwrap(), pack(&sample()).unwrap());
}

#[test]
fn a_package_looks_like_this_to_other_tools() {
    let mut shown = Vec::new();
    for (name, content) in files(&pack(&sample()).unwrap()) {
        let text = content.escape_ascii().to_string().replace("\\\"", "\"");
        shown.push(name);
        shown.push(text.replace("{\"mediaType\"", "\n  {\"mediaType\""));
    }
    insta::assert_snapshot!(shown.join("\n"), @r#"
    oci-layout
    {"imageLayoutVersion":"1.0.0"}
    index.json
    {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
      {"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.automatosx.plugin.v1","digest":"sha256:5b5b981c08b7defe124be25e15ae3e48165ff69b5f22c08565b8d4c8438e9afa","size":1256}]}
    blobs/sha256/5b5b981c08b7defe124be25e15ae3e48165ff69b5f22c08565b8d4c8438e9afa
    {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.automatosx.plugin.v1","config":
      {"mediaType":"application/vnd.automatosx.plugin.config.v1+json","digest":"sha256:52441d1bc1169b935a071b08d9edab2035cc5541b8cd37bd835db531c9438d25","size":695},"layers":[
      {"mediaType":"application/wasm","digest":"sha256:24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29","size":8,"annotations":{"org.opencontainers.image.title":"plugin.wasm"}},
      {"mediaType":"application/vnd.automatosx.plugin.wit.v1","digest":"sha256:d1e08c918506e3f92c0896d098ff0fe447b4ad2e27d8490dba5a17d3a876b8e8","size":18,"annotations":{"org.opencontainers.image.title":"plugin.wit"}},
      {"mediaType":"text/markdown","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"annotations":{"org.opencontainers.image.title":"CHANGELOG.md"}},
      {"mediaType":"text/plain","digest":"sha256:e5dcffe836b6ec8a58e492419b550e65fb8cbdc308503979e5dacb33ac7ea3b7","size":3,"annotations":{"org.opencontainers.image.title":"LICENSE"}},
      {"mediaType":"text/markdown","digest":"sha256:c68507f468b3b5c0cf6bb0a7d27ddc29bbd202575f12d1647767ec46b6f44928","size":8,"annotations":{"org.opencontainers.image.title":"README.md"}}]}
    blobs/sha256/52441d1bc1169b935a071b08d9edab2035cc5541b8cd37bd835db531c9438d25
    {"manifest":{"plugin":{"name":"ax:sample","version":"1.2.3","description":"Does nothing","license":"MIT","host":"^0.1","component":"plugin.wasm"},"permissions":{"fs":[{"path":"workspace","access":"read","reason":"to count lines"}]},"limits":{"memory":"32 MiB"},"config":{"type":"object"}},"tools":[{"name":"count","description":"Counts","input-schema":{"type":"object"},"annotations":{"read-only":false,"destructive":true,"idempotent":false,"open-world":true},"entry":{"kind":"described"}}],"interface-digest":"sha256:e95533fbf89e4bb58335253bbabf566ff9abf79c432f3f16422b592fdef415db","derived-permissions":[],"component":"sha256:24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29"}
    blobs/sha256/24eaf3439a60c96764c4f2c92a0a81b52bd4fe5d5b91f090184a0f6486b1bf29
    \x00asm\r\x00\x01\x00
    blobs/sha256/d1e08c918506e3f92c0896d098ff0fe447b4ad2e27d8490dba5a17d3a876b8e8
    package ax:sample;
    blobs/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

    blobs/sha256/e5dcffe836b6ec8a58e492419b550e65fb8cbdc308503979e5dacb33ac7ea3b7
    MIT
    blobs/sha256/c68507f468b3b5c0cf6bb0a7d27ddc29bbd202575f12d1647767ec46b6f44928
    # Sample
    "#);
}

#[test]
fn documents_of_one_content_share_a_blob() {
    let mut package = sample();
    package.docs.insert("README.md".to_owned(), b"MIT".to_vec());
    let axp = pack(&package).unwrap();
    assert_eq!(files(&axp).len(), files(&pack(&sample()).unwrap()).len() - 1);
    assert_eq!(unpack(&axp).unwrap(), package);
}

#[test]
fn the_order_and_the_owners_of_entries_are_no_part_of_the_identity() {
    let axp = pack(&sample()).unwrap();
    let mut files = files(&axp);
    files.reverse();
    let mut builder = tar::Builder::new(Vec::new());
    for folder in ["blobs/", "blobs/sha256/"] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        builder.append_data(&mut header, folder, [].as_slice()).unwrap();
    }
    for (name, content) in &files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mtime(1_700_000_000);
        header.set_uid(1000);
        header.set_mode(0o755);
        header.set_username("somebody").unwrap();
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    let foreign = builder.into_inner().unwrap();
    assert_eq!(unpack(&foreign).unwrap(), sample());
    assert_eq!(digest_of(&foreign).unwrap(), digest_of(&axp).unwrap());
}

#[test]
fn the_blobs_of_a_manifest_are_those_of_the_package() {
    let blobs = sample().blobs().unwrap();
    let (_, manifest) = &blobs.all[0];
    let mut named = blobs_named_by(manifest).unwrap();
    named.push(blobs.package);
    named.sort_unstable();
    let mut all: Vec<Digest> = blobs.all.iter().map(|(digest, _)| *digest).collect();
    all.sort_unstable();
    assert_eq!(named, all);
    assert!(matches!(blobs_named_by(b"{}"), Err(PackageError::Json { .. })));
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let axp = pack(&sample()).unwrap();
    for at in 0..axp.len() {
        for mask in [0x01, 0xff] {
            let mut changed = axp.clone();
            changed[at] ^= mask;
            assert!(unpack(&changed).is_err(), "byte {at} ^ {mask}");
        }
    }
}

#[test]
fn a_package_cut_off_anywhere_is_refused() {
    let axp = pack(&sample()).unwrap();
    for length in 0..axp.len() {
        let refused = refusal(&axp[..length]);
        assert!(matches!(refused, PackageError::Truncated { .. }), "{length}: {refused}");
        assert!(digest_of(&axp[..length]).is_err());
    }
}

#[test]
fn a_missing_file_is_named() {
    let whole = files(&pack(&sample()).unwrap());
    let wanted = [
        "no file `oci-layout`",
        "no file `index.json`",
        "its OCI manifest",
        "its config `plugin.json`",
        "its component",
        "its WIT text",
        "its document `CHANGELOG.md`",
        "its document `LICENSE`",
        "its document `README.md`",
    ];
    assert_eq!(whole.len(), wanted.len());
    for (at, wanted) in wanted.iter().enumerate() {
        let mut files = whole.clone();
        files.remove(at);
        let refused = refusal(&archive(&files)).to_string();
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[test]
fn a_blob_that_nothing_names_is_refused() {
    let mut files = files(&pack(&sample()).unwrap());
    files.push((blob_name(&Digest::of(b"stowaway")), b"stowaway".to_vec()));
    assert!(matches!(refusal(&archive(&files)), PackageError::UnreferencedBlob { .. }));
    let last = files.len() - 1;
    for name in ["plugin.wasm", "blobs/sha256/abc", "blobs/md5/x", "blobs"] {
        files[last].0 = name.to_owned();
        assert!(
            matches!(refusal(&archive(&files)), PackageError::UnexpectedEntry { .. }),
            "{name}"
        );
    }
    files[last].0 =
        blob_name(&Digest::of(b"stowaway")).to_uppercase().replace("BLOBS/SHA", "blobs/sha");
    assert!(matches!(refusal(&archive(&files)), PackageError::UnexpectedEntry { .. }));
}

#[test]
fn a_blob_under_the_name_of_another_is_refused() {
    let mut files = files(&pack(&sample()).unwrap());
    files[4].1 = b"\0asm\x0d\0\x01\x01".to_vec();
    let refused = refusal(&archive(&files));
    let PackageError::BlobTampered { part, expected, actual } = &refused else {
        panic!("{refused}")
    };
    assert_eq!(*part, Part::Component);
    assert_eq!((*expected, *actual), (Digest::of(COMPONENT), Digest::of(&files[4].1)));
    assert!(refused.hint().unwrap().contains("do not install"));
}

#[test]
fn a_size_that_disagrees_is_refused() {
    for size in [0_u64, 7, 9, u64::MAX] {
        let axp = with_manifest(|manifest| manifest["layers"][0]["size"] = json!(size));
        let refused = refusal(&axp);
        assert!(
            matches!(refused, PackageError::SizeMismatch { declared, actual: 8, .. } if declared == size)
        );
    }
    let negative = with_manifest(|manifest| manifest["layers"][0]["size"] = json!(-1));
    assert!(matches!(refusal(&negative), PackageError::Json { .. }));
}

#[test]
fn unknown_media_types_and_titles_are_refused() {
    let title = "org.opencontainers.image.title";
    let changes: [(&str, Change); 9] = [
        ("type `x`", |manifest| manifest["mediaType"] = json!("x")),
        ("type `x`", |manifest| manifest["artifactType"] = json!("x")),
        ("type `x`", |manifest| manifest["config"]["mediaType"] = json!("x")),
        ("unknown type `1`", |manifest| manifest["schemaVersion"] = json!(1)),
        ("layer `README.md` of type `x`", |manifest| {
            manifest["layers"][4]["mediaType"] = json!("x")
        }),
        ("layer `plugin.wasm` of type `x`", |manifest| {
            manifest["layers"][0]["mediaType"] = json!("x")
        }),
        ("layer `NEWS.md`", |manifest| {
            manifest["layers"][4]["annotations"]["org.opencontainers.image.title"] =
                json!("NEWS.md");
        }),
        ("layer `../../x`", |manifest| {
            manifest["layers"][4]["annotations"]["org.opencontainers.image.title"] =
                json!("../../x");
        }),
        ("layer `\\u{1b}`", |manifest| {
            manifest["layers"][4]["annotations"]["org.opencontainers.image.title"] =
                json!("\u{1b}");
        }),
    ];
    for (wanted, change) in changes {
        let refused = refusal(&with_manifest(change)).to_string();
        assert!(refused.contains(wanted), "{refused}");
    }
    let untitled = with_manifest(|manifest| {
        manifest["layers"][4]["annotations"].as_object_mut().unwrap().remove(title);
    });
    assert!(matches!(refusal(&untitled), PackageError::NotCanonical { part: Part::Manifest }));
}

#[test]
fn layers_come_once_and_in_their_order() {
    let swapped = |one: usize, other: usize| {
        with_manifest(|manifest| manifest["layers"].as_array_mut().unwrap().swap(one, other))
    };
    assert!(matches!(refusal(&swapped(0, 1)), PackageError::MissingPart { part: Part::Component }));
    assert!(matches!(refusal(&swapped(1, 2)), PackageError::LayerOrder { part: Part::Wit }));
    assert!(matches!(refusal(&swapped(2, 3)), PackageError::LayerOrder { .. }));
    for layer in 0..5 {
        let doubled = with_manifest(|manifest| {
            let layers = manifest["layers"].as_array_mut().unwrap();
            layers.insert(layer, layers[layer].clone());
        });
        let refused = refusal(&doubled);
        let noticed = matches!(
            refused,
            // A second component is measured as the text that alone could stand there.
            PackageError::LayerOrder { .. } | PackageError::NotText { .. }
        );
        assert!(noticed, "{layer}: {refused}");
    }
    let none = with_manifest(|manifest| manifest["layers"] = json!([]));
    assert!(matches!(refusal(&none), PackageError::MissingPart { part: Part::Component }));
}

#[test]
fn a_manifest_has_one_spelling() {
    let spaced = reworded(|manifest| [b" ", manifest].concat());
    assert!(matches!(refusal(&spaced), PackageError::NotCanonical { part: Part::Manifest }));
    let annotated = with_manifest(|manifest| manifest["annotations"] = json!({}));
    assert!(matches!(refusal(&annotated), PackageError::Json { part: Part::Manifest, .. }));
    let reordered = with_manifest(|manifest| {
        let object = manifest.as_object_mut().unwrap();
        let layers = object.shift_remove("layers").unwrap();
        object.shift_insert(0, "layers".to_owned(), layers);
    });
    assert!(matches!(refusal(&reordered), PackageError::NotCanonical { part: Part::Manifest }));
}

#[test]
fn an_index_names_one_manifest() {
    let with_index = |change: fn(&mut Value)| {
        let mut files = files(&pack(&sample()).unwrap());
        let mut index: Value = serde_json::from_slice(&files[1].1).unwrap();
        change(&mut index);
        files[1].1 = serde_json::to_vec(&index).unwrap();
        archive(&files)
    };
    let several = with_index(|index| {
        let manifests = index["manifests"].as_array_mut().unwrap();
        manifests.push(manifests[0].clone());
    });
    assert!(refusal(&several).to_string().contains("names 2 manifests instead of one"));
    let none = with_index(|index| index["manifests"] = json!([]));
    assert!(refusal(&none).to_string().contains("names 0 manifests"));
    let nested = with_index(|index| {
        index["manifests"][0]["mediaType"] = json!("application/vnd.oci.image.index.v1+json");
    });
    assert!(matches!(refusal(&nested), PackageError::UnknownType { .. }));
    let other = with_index(|index| index["manifests"][0]["artifactType"] = json!("x"));
    assert!(matches!(refusal(&other), PackageError::UnknownType { .. }));
    let tagged = with_index(|index| {
        index["manifests"][0]["annotations"] = json!({ "org.opencontainers.image.ref.name": "1" });
    });
    assert_eq!(unpack(&tagged).unwrap(), sample());
}

#[test]
fn a_layout_of_another_version_is_refused() {
    let mut files = files(&pack(&sample()).unwrap());
    files[0].1 = br#"{"imageLayoutVersion":"2.0.0"}"#.to_vec();
    let refused = refusal(&archive(&files)).to_string();
    assert!(refused.contains("unknown type `2.0.0`, not `1.0.0`"), "{refused}");
}

#[test]
fn a_config_is_validated_again_and_has_one_spelling() {
    let text = |from: &'static str, to: &'static str| {
        with_config(move |config| {
            let text = std::str::from_utf8(config).unwrap();
            assert!(text.contains(from), "{from} in {text}");
            text.replacen(from, to, 1).into_bytes()
        })
    };
    assert_eq!(unpack(&text("", "")).unwrap(), sample());
    for (from, to) in [
        ("ax:sample", "sample"),
        ("1.2.3", "1.2.3+build"),
        ("\"access\":\"read\"", "\"access\":\"execute\""),
        ("32 MiB", "32 potatoes"),
        ("{\"manifest\":", "{\"more\":1,\"manifest\":"),
        ("\"name\":\"count\"", "\"name\":\"Count it\""),
        ("\"Counts\"", "\"Counts\u{202e}\""),
        ("sha256:", "sha512:"),
    ] {
        let refused = refusal(&text(from, to));
        assert!(
            matches!(refused, PackageError::Json { part: Part::Config, .. }),
            "{to}: {refused}"
        );
        assert!(!refused.to_string().contains('\u{202e}'));
    }
    let spaced = text("{\"manifest\":", "{ \"manifest\":");
    assert!(matches!(refusal(&spaced), PackageError::NotCanonical { part: Part::Config }));
    let twice = text("-schema\":{\"type\"", "-schema\":{\"type\":\"x\",\"type\"");
    assert!(matches!(refusal(&twice), PackageError::NotCanonical { part: Part::Config }));
    let renamed = text("\"name\":\"count\"", "\"name\":\"counts\"");
    assert!(matches!(refusal(&renamed), PackageError::DisagreesWithBinary { .. }));
    let deep = with_config(|_| vec![b'['; 100_000]);
    assert!(matches!(refusal(&deep), PackageError::Json { part: Part::Config, .. }));
}

#[test]
fn a_config_about_another_component_is_refused() {
    let other = Digest::of(b"other").to_string();
    let own = Digest::of(COMPONENT).to_string();
    let axp = with_config(|config| {
        std::str::from_utf8(config).unwrap().replace(&own, &other).into_bytes()
    });
    assert!(matches!(refusal(&axp), PackageError::WrongComponent { .. }));
    let mut package = sample();
    package.component.push(0);
    assert!(matches!(pack(&package), Err(PackageError::WrongComponent { .. })));
}

#[test]
fn words_that_were_not_derived_from_the_component_are_refused() {
    let config = sample().config;
    config.check(&facts()).unwrap();
    let mut importing = facts();
    let functions = vec!["get-environment".to_owned()];
    importing
        .imports
        .push(ImportedInterface { name: "wasi:cli/environment@0.2.6".to_owned(), functions });
    let refused = config.check(&importing).unwrap_err();
    assert!(matches!(refused, PackageError::DisagreesWithBinary { what: "permissions" }));
    let honest = PluginConfig::new(manifest(), vec![described()], &importing);
    assert_eq!(honest.derived_permissions, ["env".to_owned()].into());
    honest.check(&importing).unwrap();
    let mut typed = described();
    typed.entry = Entry::Typed {
        interface: None,
        function: "count".to_owned(),
        signature: ax_manifest::Signature { params: Vec::new(), result: None },
    };
    let invented = PluginConfig::new(manifest(), vec![typed], &facts());
    let refused = invented.check(&facts()).unwrap_err();
    assert!(matches!(refused, PackageError::DisagreesWithBinary { what: "tools" }));
    let mut silent = facts();
    silent.guest_interfaces.clear();
    let refused = config.check(&silent).unwrap_err();
    assert!(matches!(refused, PackageError::DisagreesWithBinary { what: "tools" }));
    let mut other = facts();
    other.digest = Digest::of(b"other");
    assert!(matches!(config.check(&other), Err(PackageError::WrongComponent { .. })));
}

#[test]
fn agents_are_those_the_component_described_and_part_of_its_interface() {
    let agent = |schema: Value| ax_manifest::Agent {
        name: "report".to_owned(),
        summary: "Writes a report.".to_owned(),
        input_schema: schema,
        output_schema: None,
    };
    let mut facts = facts();
    facts.guest_interfaces = vec!["ax:guest/agent@0.1.3".to_owned()];
    let of = |agents| PluginConfig::with_agents(manifest(), Vec::new(), agents, &facts);
    let config = of(vec![agent(json!({ "type": "object" }))]);
    config.check(&facts).unwrap();
    assert_eq!(PluginConfig::parse(&config.to_json().unwrap()).unwrap(), config);
    let other = of(vec![agent(json!({ "type": "object", "required": ["a"] }))]);
    assert_ne!(config.interface_digest, other.interface_digest);
    let refused = of(Vec::new()).check(&facts).unwrap_err();
    assert!(matches!(refused, PackageError::DisagreesWithBinary { what: "agents" }));
    facts.guest_interfaces.clear();
    let refused = config.check(&facts).unwrap_err();
    assert!(matches!(refused, PackageError::DisagreesWithBinary { what: "agents" }));
    let without = PluginConfig::new(manifest(), Vec::new(), &facts);
    assert!(!String::from_utf8(without.to_json().unwrap()).unwrap().contains("agents"));
}

#[test]
fn a_description_is_no_part_of_the_interface_and_a_schema_is() {
    let digest = |tool: Tool| PluginConfig::new(manifest(), vec![tool], &facts()).interface_digest;
    let before = digest(described());
    assert_eq!(digest(Tool { description: "Other".to_owned(), ..described() }), before);
    let schema = json!({ "type": "object", "required": ["x"] });
    assert_ne!(digest(Tool { input_schema: schema.clone(), ..described() }), before);
    assert_ne!(digest(Tool { output_schema: Some(schema), ..described() }), before);
    assert_ne!(digest(Tool { name: "counts".to_owned(), ..described() }), before);
    let annotations = Annotations { read_only: true, ..Annotations::default() };
    assert_ne!(digest(Tool { annotations, ..described() }), before);
}

#[test]
fn documents_have_known_names_and_are_text() {
    let with = |name: &str, text: &[u8]| {
        let mut package = sample();
        package.docs.insert(name.to_owned(), text.to_vec());
        pack(&package)
    };
    for name in ["", "readme.md", "../README.md", "a\u{1b}"] {
        let refused = with(name, b"").unwrap_err();
        assert!(matches!(refused, PackageError::UnknownDocument { .. }), "{name}");
        assert!(!refused.to_string().contains('\u{1b}'));
    }
    assert!(matches!(with("LICENSE", b"\xa9"), Err(PackageError::NotText { .. })));
}

#[test]
fn each_part_may_fill_its_bound_and_not_pass_it() {
    let size = |max: u64| usize::try_from(max).unwrap();
    let refused = |package: &Package, part: Part| {
        let refused = pack(package).unwrap_err();
        assert!(
            matches!(&refused, PackageError::TooLarge { part: found, bytes, max }
                if *found == part && *bytes == max + 1),
            "{refused}"
        );
    };
    let mut package = sample();
    package.docs.insert("README.md".to_owned(), vec![b'x'; size(DOCUMENT_BYTES_MAX)]);
    assert_eq!(unpack(&pack(&package).unwrap()).unwrap(), package);
    package.docs.get_mut("README.md").unwrap().push(b'x');
    refused(&package, Part::Document("README.md".to_owned()));

    let mut package = sample();
    package.wit = Some(vec![b'x'; size(DOCUMENT_BYTES_MAX)]);
    assert_eq!(unpack(&pack(&package).unwrap()).unwrap(), package);
    package.wit.as_mut().unwrap().push(b'x');
    refused(&package, Part::Wit);

    let mut package = sample();
    package.component = vec![1; size(COMPONENT_BYTES_MAX)];
    package.config.component = Digest::of(&package.component);
    assert!(unpack(&pack(&package).unwrap()).unwrap() == package);
    package.component.push(1);
    refused(&package, Part::Component);
}

#[test]
fn a_config_may_fill_its_bound_and_not_pass_it() {
    let max = usize::try_from(JSON_BYTES_MAX).unwrap();
    // Tools of moderate schemas, since each of those has a bound of its own.
    let tool = |number: usize, filler: usize| Tool {
        name: format!("tool-{number}"),
        input_schema: json!({ "type": "object", "title": "x".repeat(filler) }),
        ..described()
    };
    let config = |last: usize| {
        let mut tools: Vec<Tool> = (0..20).map(|number| tool(number, 50_000)).collect();
        tools.push(tool(20, last));
        PluginConfig::new(manifest(), tools, &facts())
    };
    let room = max - config(0).to_json().unwrap().len();
    assert_eq!(config(room).to_json().unwrap().len(), max);
    let refused = config(room + 1).to_json();
    assert!(matches!(refused, Err(PackageError::TooLarge { part: Part::Config, .. })));
}

#[test]
fn a_package_over_the_bound_is_refused_before_it_is_read() {
    let max = usize::try_from(PACKAGE_BYTES_MAX).unwrap();
    let mut bytes = vec![1; max + 1];
    assert!(matches!(refusal(&bytes), PackageError::TooLarge { part: Part::Package, .. }));
    bytes.pop();
    assert!(matches!(refusal(&bytes), PackageError::BadHeader { offset: 0, .. }));
}

#[test]
fn a_file_is_read_up_to_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.axp");
    let axp = pack(&sample()).unwrap();
    fs_err::write(&path, &axp).unwrap();
    assert_eq!(read_package(&path).unwrap(), axp);
    let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(PACKAGE_BYTES_MAX).unwrap();
    assert_eq!(read_package(&path).unwrap().len() as u64, PACKAGE_BYTES_MAX);
    file.set_len(200 * 1024 * 1024).unwrap();
    assert!(matches!(read_package(&path), Err(PackageError::TooLarge { .. })));
    let absent = read_package(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(absent, PackageError::Read { .. }));
    assert!(matches!(read_package(folder.path()), Err(PackageError::Read { .. })));
}

#[test]
#[cfg(unix)]
fn a_device_without_end_is_read_up_to_the_bound() {
    let endless = read_package(Path::new("/dev/zero"));
    assert!(matches!(endless, Err(PackageError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(unpack(&bytes).is_err());
    }

    #[test]
    fn what_survives_random_changes_is_the_same_package(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut axp = pack(&sample()).unwrap();
        for (at, byte) in changes {
            let at = at.index(axp.len());
            axp[at] = byte;
        }
        if let Ok(package) = unpack(&axp) {
            prop_assert_eq!(package, sample());
        }
    }

    #[test]
    fn random_files_under_right_names_never_panic(
        at in 0_usize..9,
        content in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            "[{}\\[\\]\":,a-zA-Z0-9.]{0,300}".prop_map(String::into_bytes),
        ],
    ) {
        let mut files = files(&pack(&sample()).unwrap());
        files[at].1.clone_from(&content);
        let _refused_or_not = unpack(&archive(&files));
        let axp = with_config(|_| content.clone());
        prop_assert!(unpack(&axp).is_err());
        let axp = reworded(|_| content.clone());
        prop_assert!(unpack(&axp).is_err());
    }
}
