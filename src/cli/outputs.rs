//! Where an answer goes: one form to standard output, others to files, each file written whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use super::failure::Failure;
use super::form::{Form, Texts, Wanted};
use super::inputs::Inputs;
use crate::report::text::Style;

/// The forms that were asked for. One goes to standard output: text, where every form has a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// The form on standard output.
    pub stdout: Form,
    /// Files and their forms.
    pub files: Vec<(PathBuf, Form)>,
}

impl Outputs {
    /// Of what was asked for, which must fit together: two answers in one place would leave neither whole.
    pub fn of(wanted: &[Wanted], inputs: &Inputs) -> Result<Self, Failure> {
        let mut outputs = Self::default();
        let mut places: Vec<PathBuf> = Vec::new();
        let mut to_stdout = 0;
        for Wanted { form, file } in wanted {
            let Some(file) = file else {
                outputs.stdout = *form;
                to_stdout += 1;
                continue;
            };
            let option = format!("-o {}={}", form.word(), file.display());
            let place = place(file).map_err(|why| Failure::new(format!("{option}: {why}"), None))?;
            if places.contains(&place) {
                let hint = "write each format to its own file";
                return Err(Failure::new(
                    format!("{option}: another format already goes to this file"),
                    Some(hint.to_owned()),
                ));
            }
            if is_read(&place, inputs) {
                let hint = "choose a file that -f does not read";
                return Err(Failure::new(format!("{option} would overwrite the manifest"), Some(hint.to_owned())));
            }
            places.push(place);
            outputs.files.push((file.clone(), *form));
        }
        if to_stdout > 1 {
            let hint = "write all but one of them to files, such as -o github -o sarif=drift.sarif";
            return Err(Failure::new("at most one format can go to standard output", Some(hint.to_owned())));
        }
        Ok(outputs)
    }

    /// One form, on standard output.
    pub fn only(stdout: Form) -> Self {
        Self { stdout, files: Vec::new() }
    }

    /// Whether any of the forms is another one than text.
    pub fn has_documents(&self) -> bool {
        self.forms().any(|form| form != Form::Text)
    }

    /// Every form that was asked for.
    pub fn forms(&self) -> impl Iterator<Item = Form> {
        self.files.iter().map(|(_, form)| *form).chain([self.stdout])
    }

    /// The answer in every form; lines of text in files are not broken.
    pub fn render(&self, style: Style, mut one: impl FnMut(Form, Style) -> String) -> Texts {
        let files = self.files.iter().map(|(file, form)| (file.clone(), one(*form, Style::UNBROKEN))).collect();
        Texts { stdout: one(self.stdout, style), files }
    }

    /// A failure in every form. Text has it on standard error, or in its file.
    pub fn of_failure(&self, failure: &Failure, document: impl Fn(Form) -> String) -> Texts {
        let in_file = |form| if form == Form::Text { format!("{}\n", failure.shown) } else { document(form) };
        let files = self.files.iter().map(|(file, form)| (file.clone(), in_file(*form))).collect();
        let stdout = if self.stdout == Form::Text { String::new() } else { document(self.stdout) };
        Texts { stdout, files }
    }
}

/// Writes every file; what could not be written, and why.
pub fn write_all(files: &[(PathBuf, String)]) -> Vec<String> {
    let failed = files.iter().filter_map(|(file, text)| {
        let error = write_whole(file, text).err()?;
        Some(format!("cannot write {}: {error}", file.display()))
    });
    failed.collect()
}

/// A reader of the file sees the old text or the new one, never a part: it is written beside it and then renamed. A device or a
/// pipe is written to as it is.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let known = fs::metadata(path).ok();
    if known.as_ref().is_some_and(|known| !known.is_file()) {
        return File::options().write(true).open(path)?.write_all(text.as_bytes());
    }
    // A link stays one: what it points to is replaced.
    let path = if known.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // What an earlier run left behind when it was killed is not in the way.
    let beside = path.with_file_name(format!(".{name}.{:08x}.tmp", fastrand::u32(..)));
    let written = write_new(&beside, text, known.as_ref()).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str, like: Option<&fs::Metadata>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    if let Some(like) = like {
        file.set_permissions(like.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Where a file is, by whatever name: its folder must exist, and it must be no folder.
fn place(file: &Path) -> Result<PathBuf, String> {
    if file.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if let Ok(known) = fs::canonicalize(file) {
        return Ok(known);
    }
    let (Some(Component::Normal(name)), Some(parent)) = (file.components().next_back(), file.parent()) else {
        return Err("it is not a file name".to_owned());
    };
    let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let folder = fs::canonicalize(folder).map_err(|error| format!("folder {}: {error}", folder.display()))?;
    Ok(folder.join(name))
}

/// Whether `-f` reads the file, or would read it in the next run.
fn is_read(place: &Path, inputs: &Inputs) -> bool {
    let is_yaml = place.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    inputs.files.iter().filter_map(|path| fs::canonicalize(path).ok()).any(|given| {
        let is_in = if inputs.recursive { place.starts_with(&given) } else { place.parent() == Some(&given) };
        given == place || (is_yaml && is_in)
    })
}
