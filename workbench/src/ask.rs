//! What a role asks of a plan: the one place where the assembler's words become the builder's.

use std::collections::BTreeMap;

use assembler::role::{self, Role};
use assembler::{Keg, Runtime};
use builder::plan::{Asked, AskedKeg, AskedOption, Plan};
use builder::recipe::{Linkage, OptionValue, Reach};
use kegs::reader::{Named, Scalar, Written};
use kegs::{Digest, Store, StoreError};

/// The role's kegs, options and choices, each with its place in the role's text.
pub fn of_role(role: &Role, arch: &str) -> Asked {
    let keg = |keg: &Written<role::Asked>| AskedKeg {
        name: keg.name.clone(),
        slot: keg.slot.clone(),
        text: role.text.clone(),
        span: keg.span.clone(),
    };
    let virtuals = |chosen: &Named<role::Asked>| -> BTreeMap<_, _> {
        chosen.iter().map(|(name, asked)| (name.clone(), keg(asked))).collect()
    };
    let of = role.virtuals.of.iter();
    Asked {
        kegs: role.kegs.iter().chain(&role.kernel).map(keg).collect(),
        options: options(role),
        virtuals: virtuals(&role.virtuals.all),
        virtuals_of: of.map(|(asker, of)| (asker.clone(), virtuals(&of.value))).collect(),
        linkage: role.linkage.as_ref().map(|linkage| match linkage.value {
            role::Linkage::Static => Linkage::Static,
            role::Linkage::Shared => Linkage::Shared,
        }),
        arch: arch.into(),
    }
}

fn options(role: &Role) -> Vec<AskedOption> {
    let option = |recipe: &str, option: &str, value: &Written<Scalar>| AskedOption {
        recipe: recipe.to_string(),
        option: option.to_string(),
        value: option_value(&value.value),
        text: role.text.clone(),
        span: value.span.clone(),
    };
    let options = role.options.iter().flat_map(|(recipe, options)| {
        options.value.iter().map(move |(name, value)| option(recipe, name, value))
    });
    options.collect()
}

fn option_value(value: &Scalar) -> OptionValue {
    match value {
        Scalar::Bool(true) => OptionValue::On,
        Scalar::Bool(false) => OptionValue::Off,
        Scalar::Integer(number) => OptionValue::Value(number.to_string()),
        Scalar::String(text) => OptionValue::Value(text.clone()),
    }
}

/// A built node of a plan as the assembler sees it.
///
/// # Errors
/// The store's: its tree cannot be read.
pub fn keg(store: &Store, plan: &Plan, at: usize, output: &Digest) -> Result<Keg, StoreError> {
    let variant = &plan.nodes()[at].variant;
    let link = plan.link_closure(at).into_iter().map(|dep| {
        let dep = &plan.nodes()[dep].variant;
        (dep.name.clone(), dep.slot.clone())
    });
    let mut runtime = reach(&variant.runtime.always);
    runtime.set = variant.runtime.sets.iter().map(|(name, set)| (name.clone(), reach(set))).collect();
    runtime.from = variant.runtime.from.iter().map(|(path, from)| (path.clone(), reach(from))).collect();
    runtime.at = variant.runtime.at.clone();
    Ok(Keg {
        name: variant.name.clone(),
        slot: variant.slot.clone(),
        version: variant.version.to_string(),
        tree: store.tree(output)?,
        runtime,
        link: link.collect(),
    })
}

fn reach(reach: &Reach) -> Runtime {
    Runtime {
        files: reach.files.clone(),
        config: reach.config.clone(),
        dlopen: reach.dlopen.clone(),
        run: reach.run.clone(),
        ..Runtime::default()
    }
}
