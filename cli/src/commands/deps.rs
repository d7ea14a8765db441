//! `rootbrew deps`: what things need, or who needs them: a list, a tree, a picture.

use std::path::{Path, PathBuf};

use workbench::graph::{self, Graph, Need, WRITTEN};

use crate::context::Context;
use crate::terminal::{self, data, talk};
use crate::trouble::Result;
use crate::work::graph::{graph, named};

pub struct Wish {
    pub names: Vec<String>,
    pub tree: bool,
    pub reverse: bool,
    pub tools: bool,
    pub svg: Option<PathBuf>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let graph = graph(context)?;
    let roots = roots(&graph, &wish.names)?;
    let graph = if wish.reverse { graph.reversed() } else { graph };
    let mut kinds = WRITTEN.to_vec();
    if wish.tools {
        kinds.push(Need::Tool);
    }
    if let Some(path) = &wish.svg {
        return picture(path, &graph::svg(&graph, &roots, &kinds));
    }
    if context.json {
        roots.iter().for_each(|root| json(&graph, root, &kinds));
    } else if wish.tree {
        roots.iter().flat_map(|root| graph::tree(&graph, root, &kinds)).for_each(|line| data(&line));
    } else {
        list(&graph, &roots, &kinds);
    }
    Ok(())
}

fn roots(graph: &Graph, names: &[String]) -> Result<Vec<String>> {
    if names.is_empty() {
        return Ok(graph.things.keys().cloned().collect());
    }
    let found: Result<Vec<Vec<String>>> = names.iter().map(|name| named(graph, name)).collect();
    Ok(found?.concat())
}

/// A name a line, sorted: for scripts.
fn list(graph: &Graph, roots: &[String], kinds: &[Need]) {
    let mut all: Vec<String> = roots.iter().flat_map(|root| graph.reach(root, kinds)).collect();
    all.sort();
    all.dedup();
    all.iter().for_each(|name| data(name));
}

fn json(graph: &Graph, root: &str, kinds: &[Need]) {
    for (to, ties) in graph.direct(root, kinds) {
        for (need, place) in ties.iter().filter(|(need, _)| kinds.contains(need)) {
            let line = serde_json::json!({ "from": root, "to": to, "kind": need.word(), "place": place });
            data(&line.to_string());
        }
    }
}

fn picture(path: &Path, svg: &str) -> Result<()> {
    terminal::write(path, svg)?;
    if path != Path::new("-") {
        talk(&format!("deps    {}", path.display()));
    }
    Ok(())
}
