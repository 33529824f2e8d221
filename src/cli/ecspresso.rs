//! `portolan init --ecspresso`: a manifest beside the files of ecspresso. It reads files and asks nothing of AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::args::{Global, InitArgs, Output};
use super::exit::Exit;
use super::failure::{Answer, Failure};
use super::terminal::Terminal;
use super::written::{document, plural, save};
use crate::init::ecspresso::{Project, TaskFile, write_beside};
use crate::manifest::Problem;
use crate::manifest::ecspresso::{Configuration, Part, configuration, service_definition, template};

/// Longest file.
const MOST_BYTES: u64 = 1 << 20;

/// Reads the configurations and what they name, and writes the manifest.
pub fn init(args: &InitArgs, global: &Global, terminal: Terminal) -> Result<Answer, Failure> {
    let here = absolute(Path::new("."));
    // Where the manifest goes: paths in it are relative to that.
    let home = args.split.as_ref().map_or_else(|| here.clone(), |folder| absolute(folder));
    let mut projects = Vec::new();
    let mut problems = Vec::new();
    for path in &args.ecspresso {
        match project(path, &home, &here) {
            Ok(project) => projects.push(project),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::of_ecspresso(&problems));
    }
    let written = write_beside(&projects, args.name.as_deref()).map_err(|problems| Failure::of_ecspresso(&problems))?;
    let files = match &args.split {
        None => BTreeMap::new(),
        Some(folder) => save(folder, &written)?,
    };
    let texts = global.outputs.render(terminal.answer, |form, _| match (form.output(), &args.split) {
        (Output::Json, _) => document(&written, &files, &BTreeSet::new(), &BTreeMap::new()),
        (Output::Text, None) => written.text(),
        (Output::Text, Some(_)) => files.keys().map(|path| format!("{}\n", path.display())).collect(),
    });
    let objects = plural(written.documents.len(), "document", "documents");
    Ok(Answer { texts, headline: Some(format!("wrote {objects}; AWS was not asked")), exit: Exit::Sound })
}

fn project(path: &Path, home: &Path, here: &Path) -> Result<Project, Vec<Problem>> {
    let name = path.display().to_string();
    let text = text_of(path).map_err(|why| vec![Problem::of_file(&name, why, None)])?;
    let configuration = configuration(&name, &text)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut problems = Vec::new();
    let service = named(&configuration, Part::ServiceDefinition, folder, &mut problems);
    let service = service.and_then(|(path, text)| {
        let name = path.display().to_string();
        service_definition(&name, &text).map_err(|found| problems.extend(found)).ok().map(|read| (name, read))
    });
    let task_definition = named(&configuration, Part::TaskDefinition, folder, &mut problems);
    let task_definition = task_definition.and_then(|(path, text)| {
        let name = path.display().to_string();
        problems.extend(template(&name, &text, Part::TaskDefinition));
        let absolute = absolute(&path);
        if !absolute.starts_with(home) && !absolute.starts_with(here) {
            let hint = "run it in a folder above both, or choose another folder with --split";
            let place = home.display();
            problems.push(Problem::of_file(
                &name,
                format!("lies outside of {place}, where the manifest is"),
                Some(hint),
            ));
        }
        Some(TaskFile { path: relative(home, &absolute)?, name, text })
    });
    match problems.is_empty() {
        true => Ok(Project { configuration, service, task_definition }),
        false => Err(problems),
    }
}

/// The file that a configuration names, and its text.
fn named(
    configuration: &Configuration,
    part: Part,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Option<(PathBuf, String)> {
    let named = match part {
        Part::Configuration => None,
        Part::ServiceDefinition => configuration.service_definition.as_ref(),
        Part::TaskDefinition => configuration.task_definition.as_ref(),
    }?;
    if let Some(problem) = configuration.refusal(part, named) {
        problems.push(problem);
        return None;
    }
    let path = folder.join(&named.value);
    match text_of(&path) {
        Ok(text) => Some((path, text)),
        Err(why) => {
            problems.push(configuration.problem(named.at, format!("file {:?} {why}", named.value), None));
            None
        }
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let unread = |error: std::io::Error| {
        let text = error.to_string();
        format!("cannot be read: {}", text.split(" (os error").next().unwrap_or_default().to_lowercase())
    };
    if !fs::metadata(path).map_err(unread)?.is_file() {
        return Err("cannot be read: it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(unread)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// An absolute path without `.` and `..`. Links are not followed: reading the manifest does that.
fn absolute(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// The way from a folder to a file, as a manifest writes it.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{absolute, relative};

    #[test]
    fn paths_lead_from_the_manifest_to_the_file() {
        let way = |from: &str, to: &str| relative(&absolute(Path::new(from)), &absolute(Path::new(to)));
        assert_eq!(way("/a/b", "/a/b/c.json").as_deref(), Some("c.json"));
        assert_eq!(way("/a/b", "/a/d/./c.json").as_deref(), Some("../d/c.json"));
        assert_eq!(way("/a/b/../x", "/a/b/c.json").as_deref(), Some("../b/c.json"));
        assert_eq!(way("deploy", "deploy/task.json").as_deref(), Some("task.json"));
    }
}
