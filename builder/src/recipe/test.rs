//! `test` as written: what proves a keg besides the tests that nobody writes.

use std::collections::BTreeMap;
use std::ops::Range;

use kegs::fault::Faults;
use kegs::reader::{Named, OneOrMany, Place, Read, Table};

use super::facts::reasons;
use super::path::Inside;
use super::phrase::Phrase;
use super::variant::{Get, Test};

/// The test (with words in braces), and the file in `tests/` that it compiles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TestWritten {
    pub test: Test,
    pub file: Option<Inside>,
}

impl Read for TestWritten {
    fn read(at: &Place, faults: &mut Faults) -> Option<TestWritten> {
        let mut table = at.table("a table", faults)?;
        let (c, cxx): (Option<Inside>, Option<Inside>) = (table.take("c"), table.take("cxx"));
        let mut test = Test { c: raw(&c), cxx: raw(&cxx), ..Test::default() };
        fill(&mut test, &mut table);
        complete(&test, &mut table);
        test.spans = spans(&table);
        table.close("in a test");
        Some(TestWritten { test, file: c.or(cxx) })
    }
}

fn raw(path: &Option<Inside>) -> Option<String> {
    path.as_ref().map(|path| path.raw.clone())
}

/// Where the keys stand, for faults that only running it finds.
fn spans(table: &Table) -> BTreeMap<&'static str, Range<usize>> {
    let keys = table.known().iter().filter_map(|key| Some((*key, table.key_span(key)?)));
    keys.chain([("", table.head())]).collect()
}

fn fill(test: &mut Test, table: &mut Table) {
    let text = |table: &mut Table, key| table.take::<Phrase>(key).map(|phrase| phrase.raw);
    test.run = table.or_default::<Arguments>("run").0;
    test.stdin = text(table, "stdin");
    test.stdout = text(table, "stdout");
    test.stderr = text(table, "stderr");
    test.regex = table.take("regex");
    test.status = table.take::<u16>("status").unwrap_or(0).into();
    test.pc = table.or_default::<OneOrMany<String>>("pc").0;
    test.serve = table.take("serve");
    test.get = table.take("get");
    test.needs = table.or_default("needs");
    let env: Named<Phrase> = table.or_default("env");
    test.env = env.0.into_iter().map(|(name, phrase)| (name, phrase.value.raw)).collect();
    test.timeout_s = table.take("timeout");
    test.upstream = reasons(table.or_default("upstream"));
}

/// A test does something, and one thing.
fn complete(test: &Test, table: &mut Table) {
    let kinds = ["run", "c", "cxx"].iter().filter(|key| table.has(key)).count();
    if kinds == 0 && !table.has("upstream") {
        table.fault(
            table.span.clone(),
            "a test that runs nothing",
            "add `run`, or `c` with a file of `tests/`",
        );
    }
    if kinds > 1 {
        table.fault(table.span.clone(), "a test that is two", "`run`, `c`, `cxx`: one each `[[test]]`");
    }
    if test.get.is_some() && test.serve.is_none() {
        let span = table.key_span("get").unwrap_or_default();
        table.fault(span, "`get` without `serve`", "`serve = 8080` says where the program listens");
    }
}

/// Arguments: a list, or a string that white space parts. No shell, so no quotes.
#[derive(Default)]
struct Arguments(Vec<String>);

impl Read for Arguments {
    fn read(at: &Place, faults: &mut Faults) -> Option<Arguments> {
        if at.is_list() {
            let phrases = Vec::<Phrase>::read(at, faults)?;
            return Some(Arguments(phrases.into_iter().map(|phrase| phrase.raw).collect()));
        }
        let line = Phrase::read(at, faults)?.raw;
        if line.contains(['"', '\'', '|', '>', '$', ';', '&', '`']) {
            return at.fail("a sign that only a shell knows", "write the arguments as a list", faults);
        }
        Some(Arguments(line.split_whitespace().map(str::to_string).collect()))
    }
}

impl Read for Get {
    fn read(at: &Place, faults: &mut Faults) -> Option<Get> {
        let mut table = at.table("a table", faults)?;
        let get = Get {
            path: table.take("path").unwrap_or_else(|| "/".to_string()),
            status: table.take("status").unwrap_or(200),
            body: table.take("body"),
        };
        table.close("in `get`");
        Some(get)
    }
}
