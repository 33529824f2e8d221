//! A pass as JUnit XML, for the test pages of CI systems: a test case for each object, which fails where it differs.
//! What could not be read is skipped, for it says neither; errors are errors.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Report;
use super::entry::{At, Entry, Kind, entries};
use super::text::plain;

/// The test case of what is said of the run as a whole.
const PASS: (&str, &str) = ("portolan", "pass");

/// The class of test cases that are files.
const MANIFEST: &str = "manifest";

/// The document of a pass, with a line feed at its end.
pub fn render(report: &Report) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut writer, report).expect("writing to memory does not fail");
    let mut text = String::from_utf8(writer.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

/// All that is said of one object.
#[derive(Default)]
struct Case<'a> {
    entries: Vec<Entry<'a>>,
    at: Option<At<'a>>,
}

impl Case<'_> {
    /// The element that says how the case ended, and the entries that it is about; nothing for one that passed.
    fn end(&self) -> Option<(&'static str, Vec<&Entry<'_>>)> {
        let of = |kinds: &[Kind]| {
            let found: Vec<_> = self.entries.iter().filter(|entry| kinds.contains(&entry.kind)).collect();
            (!found.is_empty()).then_some(found)
        };
        let ends = [
            ("error", of(&[Kind::Error])),
            ("failure", of(&[Kind::Pending, Kind::Blocked])),
            ("skipped", of(&[Kind::NotRead])),
        ];
        ends.into_iter().find_map(|(name, found)| Some((name, found?)))
    }
}

fn cases(report: &Report) -> BTreeMap<(String, String), Case<'_>> {
    let mut cases: BTreeMap<(String, String), Case<'_>> = BTreeMap::new();
    for (number, object) in report.plan.unchanged.iter().enumerate() {
        let case = cases.entry((object.kind.as_str().to_owned(), object.key.clone())).or_default();
        case.at = report.places.get(&super::place::Item::Unchanged(number)).map(At::of);
    }
    for file in report.validated.iter().flat_map(|validated| &validated.files) {
        cases.entry((MANIFEST.to_owned(), file.clone())).or_default();
    }
    for entry in entries(report) {
        let (class, name) = match (&entry.at, entry.object.split_once('/')) {
            (Some(at), _) if entry.kind == Kind::Error => (MANIFEST, at.file),
            (_, Some((kind, key))) if ["Fleet", "Service", "TargetGroup"].contains(&kind) => (kind, key),
            _ => PASS,
        };
        let case = cases.entry((class.to_owned(), name.to_owned())).or_default();
        case.at = case.at.or(entry.at);
        case.entries.push(entry);
    }
    if cases.is_empty() {
        // A suite without a case counts as a failure in some systems.
        cases.insert((PASS.0.to_owned(), PASS.1.to_owned()), Case::default());
    }
    cases
}

fn write(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    let cases = cases(report);
    let count = |wanted: &str| {
        let ends = cases.values().filter(|case| case.end().is_some_and(|(name, _)| name == wanted));
        ends.count().to_string()
    };
    let counts = [
        ("tests", cases.len().to_string()),
        ("failures", count("failure")),
        ("errors", count("error")),
        ("skipped", count("skipped")),
    ];
    let counts = || counts.iter().map(|(name, number)| (*name, number.as_str()));
    let name = format!("portolan {}", report.verb());
    let suite = if report.heading.is_empty() { name.clone() } else { plain(&report.heading) };
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = writer.create_element("testsuites").with_attribute(("name", name.as_str())).with_attributes(counts());
    suites.write_inner_content(|writer| {
        let element = writer.create_element("testsuite").with_attribute(("name", suite.as_str()));
        element.with_attributes(counts()).write_inner_content(|writer| {
            writer.create_element("properties").write_inner_content(|writer| {
                let verdict = [("name", "verdict"), ("value", report.verdict_word())];
                writer.create_element("property").with_attributes(verdict).write_empty()?;
                Ok(())
            })?;
            for ((class, name), case) in &cases {
                write_case(writer, class, name, case)?;
            }
            write_text(writer, "system-out", &report.closing())
        })?;
        Ok(())
    })?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, class: &str, name: &str, case: &Case<'_>) -> io::Result<()> {
    let (class, name) = (plain(class), plain(name));
    let mut element = writer
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", name.as_str()));
    if let Some(at) = case.at.filter(|at| at.is_a_file()) {
        element = element.with_attribute(("file", plain(at.file).as_str()));
        if let Some(line) = at.line {
            element = element.with_attribute(("line", line.to_string().as_str()));
        }
    }
    if case.entries.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        let end = case.end();
        if let Some((element, entries)) = &end {
            let message = match entries.as_slice() {
                [] => String::new(),
                [only] => plain(&only.what),
                [first, rest @ ..] => format!("{} (and {} more)", plain(&first.what), rest.len()),
            };
            let kind = entries.first().map(|entry| entry.kind.id()).unwrap_or_default();
            let text = entries.iter().map(|entry| block(entry)).collect::<Vec<_>>().join("\n\n");
            let element = writer.create_element(*element).with_attribute(("type", kind));
            element.with_attribute(("message", message.as_str())).write_text_content(BytesText::new(&text))?;
        }
        let told = end.map(|(_, entries)| entries).unwrap_or_default();
        let rest: Vec<_> = case.entries.iter().filter(|entry| !told.contains(entry)).map(block).collect();
        if rest.is_empty() { Ok(()) } else { write_text(writer, "system-out", &rest.join("\n\n")) }
    })?;
    Ok(())
}

fn write_text(writer: &mut Writer<Vec<u8>>, element: &str, text: &str) -> io::Result<()> {
    writer.create_element(element).write_text_content(BytesText::new(text))?;
    Ok(())
}

/// An entry with its place and its operation, as many lines as it has things to say.
fn block(entry: &Entry<'_>) -> String {
    let at = entry.at.map(|at| format!("{}: ", plain(&at.text()))).unwrap_or_default();
    let operation = entry.operation.filter(|_| entry.kind == Kind::Pending);
    let operation = operation.map(|operation| format!("{}: ", plain(operation))).unwrap_or_default();
    format!("{at}{} {operation}{}", entry.symbol, entry.lines().join("\n  "))
}
