//! What `portolan init` takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

/// `portolan init`
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// ECS cluster; may repeat
    #[arg(long = "cluster", value_name = "NAME", action = ArgAction::Append, required_unless_present = "ecspresso")]
    pub clusters: Vec<String>,
    /// Write a manifest beside the files of ecspresso that this configuration names, without asking AWS; may repeat
    #[arg(long, value_name = "PATH", action = ArgAction::Append, conflicts_with_all =
        ["clusters", "services", "attributes", "definitions", "images", "environment"])]
    pub ecspresso: Vec<PathBuf>,
    /// Include only this service and those that share a target group with it; may repeat; write CLUSTER/NAME if the name is not unique
    #[arg(long = "service", value_name = "NAME", action = ArgAction::Append)]
    pub services: Vec<String>,
    /// Fleet name, which is the owner id (default: the fleet already tagged on these resources, or the cluster's name)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Target group attributes: `changed` writes attributes at their defaults as comments, `all` writes every one
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub attributes: AttributesArg,
    /// Task definitions: `reference` writes families, `inline` whole definitions, `files` JSON files beside the manifest (with --split)
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub definitions: DefinitionsArg,
    /// Write images in whole definitions; without it, the deployed ones stay
    #[arg(long)]
    pub images: bool,
    /// Write values of environment variables in whole definitions; they may be secrets
    #[arg(long)]
    pub environment: bool,
    /// Write fleet.yaml and one file per service into this folder; never overwrite a file
    #[arg(long, value_name = "DIR")]
    pub split: Option<PathBuf>,
}

/// Attributes that `init` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AttributesArg {
    /// Attributes that differ from AWS's default.
    #[default]
    Changed,
    /// Every attribute.
    All,
}

/// Task definitions that `init` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DefinitionsArg {
    /// Families, of which Portolan registers nothing.
    #[default]
    Reference,
    /// Whole definitions in the manifest.
    Inline,
    /// Whole definitions in JSON files beside the manifest.
    Files,
}
