//! What `ax` promises to a user, one test each, through the program itself.
//!
//! Every test has a home of its own, so they run side by side. Plugins are tiny components written
//! as text, except where one of ours is the point.
//!
//! Not here: several processes at once (`processes`), guests that try to break out (`hostile…`).

mod add;
mod audit;
mod author;
mod author_python;
mod author_ts;
mod card;
mod chat;
mod clients;
mod community;
mod consent;
mod data;
mod debug;
mod denial;
mod exits;
mod fetch;
mod json;
mod listing;
mod network;
mod ours;
mod pages;
mod permission;
mod policy;
mod provider;
mod prune;
mod reference;
mod refused_component;
mod refused_input;
mod refused_manifest;
mod refused_package;
mod refused_settings;
mod refused_usage;
mod rehearsal;
mod rehearsal_ground;
mod request;
mod routing;
mod secret;
mod secret_vault;
mod settings;
mod setup;
mod summarise;
mod task;
mod tool;
mod update;
mod verify;
mod workflow;
