//! A role's image and all that led to it: planned, built, composed. Whether it keeps the role's limits is another question:
//! who wants to see where the bytes go asks for an image that has too many.

use builder::preset::Profile;
use kegs::Store;

use super::build::{self, Built};
use super::image::{self, Image};
use super::{Target, ground, limits, role_target};
use crate::context::Context;
use crate::trouble::Result;

pub struct Composed {
    pub store: Store,
    pub profile: Profile,
    pub target: Target,
    pub built: Built,
    pub image: Image,
    /// As long as it lives, nothing of the store is collected.
    _in_use: kegs::Held,
}

/// The image of a role, whatever has to be built for it.
pub fn composed(context: &Context, role: &str) -> Result<Composed> {
    let profile = ground::profile(context)?;
    let target = role_target(context, role, &ground::implied(&profile))?;
    of_target(context, profile, target)
}

/// The same of a target that is planned.
pub fn of_target(context: &Context, profile: Profile, target: Target) -> Result<Composed> {
    let store = context.create_store()?;
    let in_use = store.lock_in_use()?;
    let ground = ground::known(context, &store, profile, [&target.plan])?;
    let built = build::build(context, &store, &ground, &target)?;
    let image = image::image(&store, &target, &built)?;
    context.cache.sum_up();
    Ok(Composed { store, profile: ground.profile, target, built, image, _in_use: in_use })
}

impl Composed {
    /// # Errors
    /// All that the image has over its role's limits, at once.
    pub fn within_limits(self) -> Result<Composed> {
        limits::of_image(&self.target, &self.image)?;
        Ok(self)
    }
}
