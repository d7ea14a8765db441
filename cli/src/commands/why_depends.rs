//! `rootbrew why-depends`: the shortest chain from one to the other, and where each link of it is written.

use workbench::graph::{Graph, Need, WRITTEN};

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};
use crate::work::graph::{graph, named};

pub fn run(context: &Context, from: &str, to: &str) -> Result<()> {
    let graph = graph(context)?;
    let (froms, tos) = (named(&graph, from)?, named(&graph, to)?);
    // What somebody wrote explains more than that everything needs a compiler.
    let with_tools = [&WRITTEN[..], &[Need::Tool]].concat();
    for kinds in [&WRITTEN[..], &with_tools] {
        let pairs = froms.iter().flat_map(|from| tos.iter().map(move |to| (from, to)));
        let chains =
            pairs.filter(|(from, to)| from != to).filter_map(|(from, to)| graph.chain(from, to, kinds));
        if let Some(chain) = chains.min_by_key(Vec::len) {
            show(&graph, &chain, kinds, context);
            return Ok(());
        }
    }
    Err(Trouble::Failed(format!("`{from}` needs no `{to}`: no chain of needs leads there")))
}

fn show(graph: &Graph, chain: &[String], kinds: &[Need], context: &Context) {
    if !context.json {
        data(&chain[0]);
    }
    for link in chain.windows(2) {
        let ties = graph.direct(&link[0], kinds).find(|(to, _)| *to == link[1]).map(|(_, ties)| ties);
        let written = ties.into_iter().flatten().find(|(need, _)| kinds.contains(need));
        let Some((need, place)) = written else { continue };
        if context.json {
            let line =
                serde_json::json!({ "from": link[0], "to": link[1], "kind": need.word(), "place": place });
            data(&line.to_string());
        } else {
            let place = place.as_deref().unwrap_or("unwritten: the compiler and the preset's own tools");
            data(&format!("  {:<6} {:<24} {place}", need.word(), link[1]));
        }
    }
}
