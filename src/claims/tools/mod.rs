//! Tools that claims of several papers are made with.
//!
//! | module | what it is |
//! |---|---|
//! | `attack` | a maximiser for adversarial searches, in f64 |
//! | `attention` | outputs and weights of attentions |
//! | `attained` | bounds that whole kinds of instances attain |
//! | `builder` | how a claim is written down |
//! | `decade` | decades of a quantity, for strata |
//! | `exact` | a case at 40 digits, with error bounds |
//! | `forms` | gradient and Hessian of softmax regression as printed and as corrected |
//! | `identity` | entrywise comparison of two ways to compute a quantity |
//! | `loewner` | comparison of symmetric matrices |
//! | `newton_claims` | the claims about approximate Newton steps, for any paper |
//! | `newton_steps`, `newton_support` | their checks, and the premise that they need |
//! | `statistics` | exact binomial tests |
//! | `tall` | tall instances made inside a check |

pub mod attack;
pub(in crate::claims) mod attained;
pub(in crate::claims) mod attention;
pub(in crate::claims) mod builder;
pub(in crate::claims) mod decade;
pub(in crate::claims) mod exact;
pub mod forms;
pub(in crate::claims) mod identity;
pub(in crate::claims) mod loewner;
pub(in crate::claims) mod newton_claims;
pub(in crate::claims) mod newton_steps;
pub(in crate::claims) mod newton_support;
pub mod statistics;
pub(in crate::claims) mod tall;
