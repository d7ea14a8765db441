//! The graph of the whole tap: every recipe's slots with the options that they have by themselves, every role with its own.

use assembler::role;
use workbench::graph::Graph;

use super::{ground, tap};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

pub fn graph(context: &Context) -> Result<Graph> {
    let implied = ground::implied(&ground::profile(context)?);
    let tap = tap(context, &implied)?;
    let mut graph = Graph::default();
    // One by one: two recipes may ask one keg for options that one plan could not hold together.
    for name in tap.every_recipe() {
        graph.add_plan(&tap.recipes_target(&[name], &implied)?.plan);
    }
    for role in role::load_all(&context.tap)?.into_values() {
        let (name, text) = (role.name.clone(), role.text.clone());
        graph.add_role(&name, &text, &tap.role_target(role, &implied)?.plan);
    }
    Ok(graph)
}

/// The things of a name on the command line: a name without a slot means each.
pub fn named(graph: &Graph, name: &str) -> Result<Vec<String>> {
    let found = graph.named(name);
    if !found.is_empty() {
        return Ok(found);
    }
    let known = graph.things.keys().map(|name| name.strip_prefix("role ").unwrap_or(name));
    let near = kegs::reader::nearest(name, known);
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Err(Trouble::Failed(format!("no recipe and no role is called `{name}`{near}")))
}
