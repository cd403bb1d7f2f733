//! A system with its arrays and points, known to fit together.

use nalgebra::DMatrix;

use crate::system::array::Array;
use crate::system::layout::Layout;
use crate::system::row::{Asks, System};
use crate::system::slot::{Fill, Rule, Slot, Variant, shapes_in_words};

/// A dimension, its size, and the array that fixed it.
#[derive(Clone, Debug)]
struct Size {
    dimension: &'static str,
    size: usize,
    by: &'static str,
}

/// A system with the arrays that it needs; shapes agree, entries are what the slots ask for.
#[derive(Clone, Debug)]
pub struct Given {
    system: &'static System,
    arrays: Vec<Array>,
    sizes: Vec<Size>,
    /// Dimensions that are others by a variant.
    aliases: Vec<(&'static str, &'static str)>,
    points: Vec<Vec<f64>>,
}

impl Given {
    /// Checks the arrays, one for each name, against the system's slots. What is wrong comes back as one line that names
    /// the arrays, the index and the values in question.
    pub fn new(system: &'static System, arrays: Vec<(String, Array)>) -> Result<Self, String> {
        for (k, (name, _)) in arrays.iter().enumerate() {
            if arrays[..k].iter().any(|(other, _)| other == name) {
                return Err(format!("{name} is given twice"));
            }
            if !system.given.iter().any(|slot| slot.name == name) {
                let known: Vec<&str> = system.given.iter().map(|slot| slot.name).collect();
                return Err(format!(
                    "system \"{}\" has no array {name}: it has {}",
                    system.key,
                    known.join(", ")
                ));
            }
        }
        let mut given = Self {
            system,
            arrays: Vec::with_capacity(system.given.len()),
            sizes: Vec::new(),
            aliases: Vec::new(),
            points: Vec::new(),
        };
        let mut arrays = arrays;
        for slot in system.given {
            let array = match arrays.iter().position(|(name, _)| name == slot.name) {
                Some(k) => arrays.swap_remove(k).1,
                None => Array::scalar(match slot.default {
                    Some(Fill::Value(value)) => value,
                    Some(Fill::Size(dimension)) => given.size(dimension) as f64,
                    None => return Err(format!("system \"{}\" needs {}", system.key, slot.name)),
                }),
            };
            given.fit(slot.name, slot.shapes, &array)?;
            if let Rule::Dimension(dimension) = slot.rule {
                given.count(slot.name, dimension, &array)?;
            }
            if let Rule::Variant(variants) = slot.rule {
                given.choose(slot.name, variants, &array)?;
            }
            given.arrays.push(array);
        }
        given.refuse_empty_outputs()?;
        for (slot, array) in system.given.iter().zip(&given.arrays) {
            given.check_entries(slot, array)?;
        }
        given.refuse_without_effect()?;
        for slot in system.unknowns {
            for dimension in given.unknown_shape(slot) {
                if given.size(dimension) == 0 {
                    let dimension = given.resolved(dimension);
                    return Err(format!("{} has no entries: {dimension} is 0", slot.name));
                }
            }
        }
        Ok(given)
    }

    /// The same with these points, each with as many finite entries as the unknowns have together.
    pub fn with_points(mut self, points: Vec<Vec<f64>>) -> Result<Self, String> {
        let layout = self.layout();
        for point in &points {
            if point.len() != layout.dimension() {
                return Err(format!(
                    "point has {} entries, expected {}",
                    point.len(),
                    layout.dimension()
                ));
            }
            if let Some(k) = point.iter().position(|value| !value.is_finite()) {
                return Err(format!(
                    "{} is {}: every entry must be finite",
                    layout.entry(k).unwrap_or_default(),
                    point[k]
                ));
            }
        }
        self.points = points;
        Ok(self)
    }

    /// Outputs are means over what is given: none of it may be empty.
    fn refuse_empty_outputs(&self) -> Result<(), String> {
        let empty = self.sizes.iter().find(|known| known.size == 0);
        match (self.system.asks, empty) {
            (Asks::Outputs(_), Some(known)) => Err(format!(
                "{} has no entries: {} is 0",
                known.by, known.dimension
            )),
            (Asks::Outputs(_) | Asks::Loss | Asks::Zero, _) => Ok(()),
        }
    }

    /// The same with another array of this name, without points. What does not fit comes back as from [`new`](Self::new).
    pub fn with_array(&self, name: &str, array: Array) -> Result<Self, String> {
        let slots = self.system.given.iter().zip(&self.arrays);
        let mut arrays: Vec<(String, Array)> = slots
            .filter(|(slot, _)| slot.name != name)
            .map(|(slot, kept)| (slot.name.to_owned(), kept.clone()))
            .collect();
        arrays.push((name.to_owned(), array));
        Self::new(self.system, arrays)
    }

    /// Checks a shape, and fixes the dimensions that it names first.
    fn fit(
        &mut self,
        name: &'static str,
        shapes: &[&'static [&'static str]],
        array: &Array,
    ) -> Result<(), String> {
        let resolved = |shape: &&[&'static str]| -> Vec<&'static str> {
            shape.iter().map(|side| self.resolved(side)).collect()
        };
        let shapes: Vec<Vec<&'static str>> = shapes.iter().map(resolved).collect();
        let Some(shape) = shapes
            .iter()
            .find(|shape| shape.len() == array.shape().len())
        else {
            let shapes: Vec<&[&str]> = shapes.iter().map(Vec::as_slice).collect();
            return Err(format!(
                "{name} is {}, expected {}",
                array.shape_in_words(),
                shapes_in_words(&shapes)
            ));
        };
        for (dimension, size) in shape.iter().zip(array.shape()) {
            match self
                .sizes
                .iter()
                .find(|known| known.dimension == *dimension)
            {
                Some(known) if known.size != *size => {
                    return Err(format!(
                        "{name} is {} ({}): {dimension} = {size}, but {} has {dimension} = {}",
                        array.shape_in_words(),
                        shape.join(" x "),
                        known.by,
                        known.size
                    ));
                }
                Some(_) => {}
                None => self.sizes.push(Size {
                    dimension,
                    size: *size,
                    by: name,
                }),
            }
        }
        Ok(())
    }

    /// A word, and the dimensions that it fixes.
    fn choose(
        &mut self,
        name: &'static str,
        variants: &'static [Variant],
        array: &Array,
    ) -> Result<(), String> {
        let value = array.values()[0];
        let variant = variants
            .iter()
            .enumerate()
            .find(|(k, _)| *k as f64 == value)
            .map(|(_, variant)| variant);
        let Some(variant) = variant else {
            return Err(format!(
                "{name} is {value}: must be {}",
                Variant::words(variants)
            ));
        };
        self.aliases.extend(variant.dimensions);
        Ok(())
    }

    /// Scalars that a variant has no use for.
    fn refuse_without_effect(&self) -> Result<(), String> {
        for slot in self.system.given {
            let Some(variant) = self.variant(slot.name) else {
                continue;
            };
            let changed = variant
                .fixed
                .iter()
                .find(|(other, value)| self.scalar(other) != *value);
            if let Some((other, value)) = changed {
                return Err(format!(
                    "{other} is {}: must be {value} where {} is \"{}\"",
                    self.scalar(other),
                    slot.name,
                    variant.word
                ));
            }
        }
        Ok(())
    }

    fn variant(&self, name: &str) -> Option<&'static Variant> {
        let slot = self.system.given.iter().find(|slot| slot.name == name)?;
        match slot.rule {
            Rule::Variant(variants) => variants.get(self.scalar(name) as usize),
            Rule::Finite
            | Rule::NonNegative
            | Rule::Positive
            | Rule::Symmetric
            | Rule::Share
            | Rule::Count
            | Rule::Switch
            | Rule::FiniteUnlessHidden(_)
            | Rule::Dimension(_)
            | Rule::Parts(_)
            | Rule::Word(_) => None,
        }
    }

    /// The word of a variant; empty for an array that has none.
    pub fn word(&self, name: &str) -> &'static str {
        self.variant(name).map_or("", |variant| variant.word)
    }

    fn resolved<'a>(&self, dimension: &'a str) -> &'a str
    where
        'static: 'a,
    {
        let alias = self.aliases.iter().find(|(name, _)| *name == dimension);
        alias.map_or(dimension, |(_, other)| other)
    }

    /// A scalar that is a dimension.
    fn count(
        &mut self,
        name: &'static str,
        dimension: &'static str,
        array: &Array,
    ) -> Result<(), String> {
        let value = array.values()[0];
        let largest = f64::from(u32::MAX);
        if !(value >= 1.0 && value <= largest && value.fract() == 0.0) {
            return Err(format!(
                "{name} is {value}: a whole number, at least 1, is needed"
            ));
        }
        self.sizes.push(Size {
            dimension,
            size: value as usize,
            by: name,
        });
        Ok(())
    }

    fn check_entries(&self, slot: &Slot, array: &Array) -> Result<(), String> {
        let mask = match slot.rule {
            Rule::FiniteUnlessHidden(name) => Some(name),
            Rule::Finite
            | Rule::NonNegative
            | Rule::Positive
            | Rule::Symmetric
            | Rule::Share
            | Rule::Count
            | Rule::Switch
            | Rule::Dimension(_)
            | Rule::Parts(_)
            | Rule::Word(_)
            | Rule::Variant(_) => None,
        };
        let hidden_by = mask.and_then(|name| self.array(name));
        for (k, value) in array.values().iter().enumerate() {
            let hidden = hidden_by.is_some_and(|by| by.values()[k] == 0.0);
            let place = match array.shape() {
                [] => slot.name.to_owned(),
                _ => format!("{}[{}]", slot.name, array.place(k)),
            };
            let admitted = value.is_finite() || (hidden && value.is_nan());
            if !admitted {
                let unless = mask.map(|name| format!(" where {name} is not 0"));
                let unless = unless.unwrap_or_default();
                return Err(format!(
                    "{place} is {value}: every entry must be finite{unless}"
                ));
            }
            if slot.rule == Rule::NonNegative && *value < 0.0 {
                return Err(format!("{place} is {value}: no entry may be negative"));
            }
            if slot.rule == Rule::Positive && *value <= 0.0 {
                return Err(format!("{place} is {value}: must be above 0"));
            }
            if slot.rule == Rule::Share && !(*value > 0.0 && *value < 1.0) {
                return Err(format!("{place} is {value}: must be above 0 and below 1"));
            }
            let largest = f64::from(u32::MAX);
            if slot.rule == Rule::Count
                && !((0.0..=largest).contains(value) && value.fract() == 0.0)
            {
                return Err(format!(
                    "{place} is {value}: a whole number, at least 0, is needed"
                ));
            }
            if matches!(slot.rule, Rule::Parts(_)) && !(*value >= 1.0 && value.fract() == 0.0) {
                return Err(format!(
                    "{place} is {value}: a whole number, at least 1, is needed"
                ));
            }
            if slot.rule == Rule::Switch && *value != 0.0 && *value != 1.0 {
                return Err(format!("{place} is {value}: must be true or false"));
            }
        }
        if let Rule::Parts(dimension) = slot.rule {
            let rows = array.values().iter().fold(0.0, |rows, own| rows + own);
            let known = self.sizes.iter().find(|known| known.dimension == dimension);
            if let Some(known) = known.filter(|known| known.size as f64 != rows) {
                return Err(format!(
                    "{} add up to {rows}, but {} has {dimension} = {}",
                    slot.name, known.by, known.size
                ));
            }
        }
        if slot.rule == Rule::Symmetric {
            refuse_unsymmetric(slot.name, array)?;
        }
        Ok(())
    }

    /// Its row of the table.
    pub fn system(&self) -> &'static System {
        self.system
    }

    /// An array by its name; `None` if the system has none of this name.
    pub fn array(&self, name: &str) -> Option<&Array> {
        let k = self
            .system
            .given
            .iter()
            .position(|slot| slot.name == name)?;
        self.arrays.get(k)
    }

    /// An array as a matrix: a scalar fills it, a vector stands for every row. Empty if the system has none of this name.
    pub fn matrix(&self, name: &str, rows: &str, columns: &str) -> DMatrix<f64> {
        match self.array(name) {
            Some(array) => array.filled(self.size(rows), self.size(columns)),
            None => DMatrix::zeros(0, 0),
        }
    }

    /// An array of one axis, or a scalar that stands for all of so many entries. Empty if the system has none of this name.
    pub fn repeated(&self, name: &str, count: usize) -> Vec<f64> {
        let Some(array) = self.array(name) else {
            return Vec::new();
        };
        match array.shape() {
            [] => vec![array.values()[0]; count],
            _ => array.values().to_vec(),
        }
    }

    /// A scalar; 0 if the system has none of this name.
    pub fn scalar(&self, name: &str) -> f64 {
        self.array(name)
            .and_then(|array| array.values().first().copied())
            .unwrap_or(0.0)
    }

    /// The size of a dimension; 0 for one that no array names.
    pub fn size(&self, dimension: &str) -> usize {
        let dimension = self.resolved(dimension);
        self.sizes
            .iter()
            .find(|known| known.dimension == dimension)
            .map_or(0, |known| known.size)
    }

    /// How many entries the arrays have together.
    pub fn entries(&self) -> usize {
        self.arrays.iter().map(|array| array.values().len()).sum()
    }

    /// Every dimension with its size: `n = 4, m = 3, k = 1`.
    pub fn sizes_in_words(&self) -> String {
        let words: Vec<String> = self
            .sizes
            .iter()
            .map(|known| format!("{} = {}", known.dimension, known.size))
            .collect();
        words.join(", ")
    }

    /// The shape of an unknown: the last of its slot's whose dimensions the arrays have.
    fn unknown_shape(&self, slot: &'static Slot) -> &'static [&'static str] {
        let known = |side: &&str| {
            let side = self.resolved(side);
            self.sizes.iter().any(|size| size.dimension == side)
        };
        let fitting = slot
            .shapes
            .iter()
            .rev()
            .find(|shape| shape.iter().all(known));
        fitting.copied().unwrap_or(slot.shapes[0])
    }

    /// How the unknowns make one vector.
    pub fn layout(&self) -> Layout {
        let shapes = self.system.unknowns.iter().map(|slot| {
            let shape = self.unknown_shape(slot).iter();
            (slot.name, shape.map(|side| self.size(side)).collect())
        });
        Layout::new(shapes.collect())
    }

    /// How the outputs make one vector; empty for a system that asks about a loss.
    pub fn outputs_layout(&self) -> Layout {
        Layout::new(match self.system.asks {
            Asks::Outputs(slot) => {
                let shape = slot.shapes[0].iter().map(|side| self.size(side)).collect();
                vec![(slot.name, shape)]
            }
            Asks::Loss | Asks::Zero => Vec::new(),
        })
    }

    /// The points that belong to it, each a vector by [`layout`](Self::layout); may be empty.
    pub fn points(&self) -> &[Vec<f64>] {
        &self.points
    }

    /// The first point, or the origin where there is none.
    pub fn start(&self) -> Vec<f64> {
        self.points
            .first()
            .cloned()
            .unwrap_or_else(|| vec![0.0; self.layout().dimension()])
    }
}

/// An array whose axes are equally long, with entries that change where neighbouring indices are exchanged. These exchanges make
/// all others.
fn refuse_unsymmetric(name: &str, array: &Array) -> Result<(), String> {
    let (order, values) = (array.shape().len(), array.values());
    let side = array.shape().first().copied().unwrap_or(0);
    let mut index = vec![0; order];
    for (k, value) in values.iter().enumerate() {
        // The stride of the last axis is 1.
        let mut stride = 1;
        for axis in (1..order).rev() {
            let (left, right) = (index[axis - 1], index[axis]);
            if left > right {
                let other = k - (left - right) * (side - 1) * stride;
                if values[other] != *value {
                    return Err(format!(
                        "{name}[{}] is {value}, but {name}[{}] is {}: {name} must be symmetric to the last bit",
                        array.place(k),
                        array.place(other),
                        values[other]
                    ));
                }
            }
            stride *= side;
        }
        for axis in (0..order).rev() {
            index[axis] += 1;
            if index[axis] < side {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{
        ATTENTION_KERNEL_REGRESSION, LEVERAGE_REGRESSION, SINGLE_LAYER_ATTENTION, WEIGHTED_LOW_RANK,
    };

    fn array(shape: &[usize], values: &[f64]) -> Array {
        Array::new(shape.to_vec(), values.to_vec()).unwrap()
    }

    fn low_rank(change: impl Fn(&mut Vec<(String, Array)>)) -> Result<Given, String> {
        let mut arrays = vec![
            (
                "M".to_owned(),
                array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ),
            (
                "W".to_owned(),
                array(&[2, 3], &[1.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
            ),
            ("rank".to_owned(), Array::scalar(1.0)),
        ];
        change(&mut arrays);
        Given::new(&WEIGHTED_LOW_RANK, arrays)
    }

    #[test]
    fn dimensions_are_taken_from_the_arrays() {
        let given = low_rank(|_| {}).unwrap();
        assert_eq!(
            (given.size("n"), given.size("m"), given.size("k")),
            (2, 3, 1)
        );
        assert_eq!(given.layout().dimension(), 5);
        assert_eq!(given.layout().entry(2).unwrap(), "Y[0, 0]");
    }

    /// Each from a good instance by one change.
    #[test]
    fn one_wrong_array_is_named_with_both_sizes() {
        let refusal = |change: fn(&mut Vec<(String, Array)>)| low_rank(change).unwrap_err();
        assert_eq!(
            refusal(|a| a[1].1 = array(&[2, 2], &[1.0; 4])),
            "W is 2 x 2 (n x m): m = 2, but M has m = 3"
        );
        assert_eq!(
            refusal(|a| a[0].1 = array(&[6], &[1.0; 6])),
            "M is 6, expected n x m"
        );
        assert_eq!(
            refusal(|a| a[1].1 = array(&[2, 3], &[1.0, 1.0, 1.0, 1.0, -2.0, 1.0])),
            "W[1, 1] is -2: no entry may be negative"
        );
        assert_eq!(
            refusal(|a| a[2].1 = Array::scalar(1.5)),
            "rank is 1.5: a whole number, at least 1, is needed"
        );
        assert_eq!(
            refusal(|a| a[2].1 = Array::scalar(0.0)),
            "rank is 0: a whole number, at least 1, is needed"
        );
        assert_eq!(
            refusal(|a| {
                a.remove(1);
            }),
            "system \"weighted-low-rank\" needs W"
        );
        assert_eq!(
            refusal(|a| a.push(("W".to_owned(), Array::scalar(1.0)))),
            "W is given twice"
        );
        assert!(refusal(|a| a.push(("V".to_owned(), Array::scalar(1.0)))).contains("no array V"));
    }

    #[test]
    fn another_array_takes_its_place_and_must_fit() {
        let given = low_rank(|_| {}).unwrap();
        let other = given.with_array("M", array(&[2, 3], &[0.0; 6])).unwrap();
        assert_eq!(other.array("M").unwrap().values(), [0.0; 6]);
        assert_eq!(other.array("W"), given.array("W"));
        assert_eq!(
            given
                .with_array("W", array(&[2, 2], &[1.0; 4]))
                .unwrap_err(),
            "W is 2 x 2 (n x m): m = 2, but M has m = 3"
        );
        let unknown = given.with_array("V", Array::scalar(1.0)).unwrap_err();
        assert!(unknown.contains("no array V"), "{unknown}");
    }

    /// By hand: 2 x 2 x 2 with one entry of an orbit changed; order 6 with one.
    #[test]
    fn a_tensor_that_is_not_symmetric_is_refused_with_two_entries() {
        use crate::system::TENSOR_POWER;
        let posed = |order: usize, changed: &[(usize, f64)]| {
            let mut values = vec![1.0; 1 << order];
            for (k, value) in changed {
                values[*k] = *value;
            }
            let arrays = vec![
                ("T".to_owned(), array(&vec![2; order], &values)),
                ("components".to_owned(), Array::scalar(1.0)),
            ];
            Given::new(&TENSOR_POWER, arrays).map(|_| ())
        };
        assert_eq!(posed(3, &[]), Ok(()));
        assert_eq!(posed(3, &[(1, 5.0), (2, 5.0), (4, 5.0)]), Ok(()));
        assert_eq!(
            posed(3, &[(1, 5.0), (2, 5.0)]).unwrap_err(),
            "T[1, 0, 0] is 1, but T[0, 1, 0] is 5: T must be symmetric to the last bit"
        );
        assert_eq!(
            posed(3, &[(3, 5.0), (6, 5.0)]).unwrap_err(),
            "T[1, 0, 1] is 1, but T[0, 1, 1] is 5: T must be symmetric to the last bit"
        );
        assert!(posed(6, &[(0, 2.0), (63, -3.0)]).is_ok());
        for entry in 1..63 {
            assert!(posed(6, &[(entry, 2.0)]).is_err(), "{entry}");
        }
        assert_eq!(
            posed(2, &[]).unwrap_err(),
            "T is 2 x 2, expected n x n x n or n x n x n x n or n x n x n x n x n or n x n x n x n x n x n"
        );
        assert_eq!(
            posed(3, &[(0, f64::NAN)]).unwrap_err(),
            "T[0, 0, 0] is NaN: every entry must be finite"
        );
        let sides = vec![
            ("T".to_owned(), array(&[2, 2, 1], &[1.0; 4])),
            ("components".to_owned(), Array::scalar(1.0)),
        ];
        assert_eq!(
            Given::new(&TENSOR_POWER, sides).unwrap_err(),
            "T is 2 x 2 x 1 (n x n x n): n = 1, but T has n = 2"
        );
    }

    fn kernel_regression(kind: f64, target: usize, more: &[(&str, f64)]) -> Result<Given, String> {
        let mut arrays = vec![
            ("matrix".to_owned(), array(&[3, 2], &[1.0; 6])),
            ("kind".to_owned(), Array::scalar(kind)),
            ("target".to_owned(), array(&[target], &vec![1.0; target])),
        ];
        let more = more.iter();
        arrays.extend(more.map(|(name, value)| ((*name).to_owned(), Array::scalar(*value))));
        Given::new(&ATTENTION_KERNEL_REGRESSION, arrays)
    }

    /// A is 3 x 2: b and x have 2 and 2 entries for an even power, 3 and 2 for an odd one, 3 and 3 for the kernel.
    #[test]
    fn a_word_fixes_dimensions_and_refuses_what_has_no_effect() {
        for (kind, word, target, unknowns) in [
            (0.0, "even", 2, 2),
            (1.0, "odd", 3, 2),
            (2.0, "kernel", 3, 3),
        ] {
            let given = kernel_regression(kind, target, &[]).unwrap();
            assert_eq!(given.word("kind"), word);
            assert_eq!(given.word("matrix"), "");
            assert_eq!(given.layout().dimension(), unknowns);
            assert_eq!(given.sizes_in_words(), "n = 3, d = 2");
            let refused = kernel_regression(kind, 4, &[]).unwrap_err();
            let (dimension, size) = if target == 2 { ("d", 2) } else { ("n", 3) };
            assert_eq!(
                refused,
                format!(
                    "target is 4 ({dimension}): {dimension} = 4, but matrix has {dimension} = {size}"
                )
            );
        }
        assert_eq!(
            kernel_regression(3.0, 3, &[]).unwrap_err(),
            "kind is 3: must be \"even\", \"odd\" or \"kernel\""
        );
        assert_eq!(
            kernel_regression(0.0, 2, &[("ridge", 0.5)]).unwrap_err(),
            "ridge is 0.5: must be 0 where kind is \"even\""
        );
        assert_eq!(
            kernel_regression(2.0, 3, &[("power", 2.0)]).unwrap_err(),
            "power is 2: must be 1 where kind is \"kernel\""
        );
        assert_eq!(
            kernel_regression(2.0, 3, &[("ridge", -1.0)]).unwrap_err(),
            "ridge is -1: no entry may be negative"
        );
        assert!(kernel_regression(2.0, 3, &[("ridge", 0.5)]).is_ok());
        assert!(kernel_regression(1.0, 3, &[("power", 0.0)]).is_ok());
    }

    /// A is 3 x 2: with b of 3 entries x has 2, with b 3 x N it is 2 x N.
    #[test]
    fn an_unknown_has_the_shape_whose_dimensions_are_given() {
        let posed = |shape: &[usize], more: &[(&str, f64)]| {
            let count = shape.iter().product();
            let mut arrays = vec![
                ("matrix".to_owned(), array(&[3, 2], &[1.0; 6])),
                ("target".to_owned(), array(shape, &vec![1.0; count])),
            ];
            let more = more.iter();
            arrays.extend(more.map(|(name, value)| ((*name).to_owned(), Array::scalar(*value))));
            Given::new(&LEVERAGE_REGRESSION, arrays)
        };
        let entry = |shape: &[usize], k: usize| posed(shape, &[]).unwrap().layout().entry(k);
        assert_eq!(entry(&[3], 1).unwrap(), "x[1]");
        assert_eq!(entry(&[3], 2), None);
        assert_eq!(entry(&[3, 4], 7).unwrap(), "x[1, 3]");
        assert_eq!(entry(&[3, 1], 1).unwrap(), "x[1, 0]");
        let refused = |shape: &[usize], more: &[(&str, f64)]| posed(shape, more).unwrap_err();
        assert_eq!(refused(&[3, 0], &[]), "x has no entries: N is 0");
        assert_eq!(
            refused(&[2], &[]),
            "target is 2 (n): n = 2, but matrix has n = 3"
        );
        assert_eq!(refused(&[], &[]), "target is a number, expected n or n x N");
        for (name, value) in [("accuracy", 0.0), ("accuracy", 1.0), ("delta", -0.5)] {
            assert_eq!(
                refused(&[3], &[(name, value)]),
                format!("{name} is {value}: must be above 0 and below 1")
            );
        }
        assert_eq!(
            refused(&[3], &[("delta", f64::NAN)]),
            "delta is NaN: every entry must be finite"
        );
        assert_eq!(
            refused(&[3], &[("ridge", -1.0)]),
            "ridge is -1: no entry may be negative"
        );
    }

    #[test]
    fn an_entry_may_be_missing_only_where_its_weight_is_zero() {
        let with = |place: usize, value: f64| {
            low_rank(move |a| {
                let mut values = a[0].1.values().to_vec();
                values[place] = value;
                a[0].1 = array(&[2, 3], &values);
            })
        };
        assert!(with(1, f64::NAN).is_ok());
        assert_eq!(
            with(2, f64::NAN).unwrap_err(),
            "M[0, 2] is NaN: every entry must be finite where W is not 0"
        );
        assert!(with(1, f64::INFINITY).is_err());
    }

    #[test]
    fn weights_have_a_default_and_repeat() {
        let a = |rows: usize| array(&[rows, 1], &vec![1.0; rows]);
        let given = Given::new(
            &SINGLE_LAYER_ATTENTION,
            vec![
                ("A1".to_owned(), a(2)),
                ("A2".to_owned(), a(2)),
                ("A3".to_owned(), a(2)),
                ("B".to_owned(), a(2)),
            ],
        )
        .unwrap();
        assert_eq!(given.matrix("weights", "n", "n"), DMatrix::zeros(2, 2));
        assert_eq!(given.scalar("ridge"), 0.0);
        let point = given.clone().with_points(vec![vec![1.0]]).unwrap_err();
        assert_eq!(point, "point has 1 entries, expected 2");
        let point = given.with_points(vec![vec![1.0, f64::NAN]]).unwrap_err();
        assert_eq!(point, "Y[0, 0] is NaN: every entry must be finite");
    }
}
