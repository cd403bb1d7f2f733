//! An npy file whose header was read and checked: its element type, its shape, and the bytes of its elements.

use std::fmt::Display;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::Path;

use super::element::{self, Element, Wanted};
use super::header::Header;
use super::skip::Skip;
use crate::instance::InstanceError;
use crate::instance::files::integer;
use crate::memory;

/// Bytes that are read and converted at a time: small enough for the second-level cache.
const BUFFER: usize = 1 << 18;

/// The elements of an npy file, not read yet. `length` bytes of file were there for header and elements together, so a
/// buffer for all elements is no larger than what somebody stored (times four, where float16 becomes float64).
pub(super) struct Array<'a, R> {
    bytes: R,
    name: &'a Path,
    element: Element,
    big_endian: bool,
    layout: Layout,
}

/// How elements stand in the file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    shape: Vec<usize>,
    /// Whether the first index runs fastest.
    pub(super) fortran: bool,
}

impl Layout {
    /// Number of elements.
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The index of the element at place `k` of the file, as numpy shows it: `3`, or `1, 2`, or `()`.
    pub(super) fn index(&self, mut k: usize) -> String {
        if self.shape.is_empty() {
            return "()".to_owned();
        }
        let mut place = vec![0; self.shape.len()];
        let mut sides: Vec<(&mut usize, usize)> =
            place.iter_mut().zip(self.shape.iter().copied()).collect();
        if !self.fortran {
            sides.reverse();
        }
        for (index, side) in sides {
            *index = k % side;
            k /= side;
        }
        let texts: Vec<String> = place.iter().map(usize::to_string).collect();
        texts.join(", ")
    }
}

/// The elements of a type in one order of bytes, as numbers of that type.
macro_rules! decoded {
    ($type:ty, $big:expr) => {
        // `$big` does not change inside the loops, so the compiler tests it once.
        |item| match $big {
            true => <$type>::from_be_bytes(item),
            false => <$type>::from_le_bytes(item),
        }
    };
}

/// Elements at regular places of a file: `runs` runs of `length`, whose beginnings are `step` elements apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    first: usize,
    length: usize,
    step: usize,
    runs: usize,
}

impl Selection {
    /// Elements that follow each other.
    pub(super) fn run(elements: Range<usize>) -> Self {
        Self {
            first: elements.start,
            length: elements.len(),
            step: 0,
            runs: 1,
        }
    }

    /// Some rows of a matrix.
    pub(super) fn of_rows(rows: Range<usize>, [n, d]: [usize; 2], fortran: bool) -> Self {
        if fortran {
            return Self {
                first: rows.start,
                length: rows.len(),
                step: n,
                runs: d,
            };
        }
        Self::run(rows.start * d..rows.end * d)
    }

    /// The place in the file of the k-th of them.
    pub(super) fn place(&self, k: usize) -> usize {
        self.first + k / self.length * self.step + k % self.length
    }

    /// How many elements these are.
    fn count(&self) -> usize {
        self.length * self.runs
    }
}

impl<'a, R: Skip> Array<'a, R> {
    /// Reads the header and makes sure that the rest of the file is what the header announces.
    pub(super) fn open(
        mut bytes: R,
        length: u64,
        name: &'a Path,
        wanted: Wanted,
    ) -> Result<Self, InstanceError> {
        let fail = |message: String| InstanceError::format(name, message);
        let header = Header::read(&mut bytes, length).map_err(fail)?;
        let (element, big_endian) = element::element_of(&header.descr, wanted).map_err(fail)?;
        // The header made sure that this product fits.
        let expected = header.count() as u64 * element.bytes() as u64;
        let found = length.saturating_sub(header.length);
        if found != expected {
            let verdict = if found < expected {
                "truncated"
            } else {
                "too long"
            };
            return Err(fail(format!(
                "{verdict}: shape {:?} needs {expected} bytes of data, the file has {found}",
                header.shape
            )));
        }
        Ok(Self {
            bytes,
            name,
            element,
            big_endian,
            layout: Layout {
                shape: header.shape,
                fortran: header.fortran,
            },
        })
    }

    /// How many elements there are.
    pub(super) fn count(&self) -> usize {
        self.layout.count()
    }

    /// How the elements are arranged.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The lengths of the axes, and all elements as numbers, row by row whatever the order in the file.
    pub(super) fn shaped(self) -> Result<(Vec<usize>, Vec<f64>), InstanceError> {
        let Layout { shape, fortran } = self.layout.clone();
        let stored = self.floats()?;
        if !fortran {
            return Ok((shape, stored));
        }
        let values = (0..stored.len()).map(|at| {
            // The place of element `at` counted row by row, in a file whose first index runs fastest.
            let (mut rest, mut place, mut stride) = (at, 0, stored.len());
            for side in shape.iter().rev() {
                stride /= side;
                place += (rest % side) * stride;
                rest /= side;
            }
            stored[place]
        });
        let values = values.collect();
        Ok((shape, values))
    }

    /// Whether this is one value without dimensions.
    pub(super) fn is_scalar(&self) -> bool {
        self.layout.shape.is_empty()
    }

    /// Rows and columns of a matrix.
    pub(super) fn rows_and_columns(&self) -> Result<[usize; 2], InstanceError> {
        self.layout.shape.as_slice().try_into().map_err(|_| {
            let cure = match self.layout.shape.len() {
                1 => "one column is a.reshape(-1, 1), one row a.reshape(1, -1)",
                _ => "save a.reshape(rows, columns)",
            };
            self.wrong_dimensions(2, cure)
        })
    }

    /// Makes sure that the elements are a vector: of shape `(n,)`, `(n, 1)` or `(1, n)`, or one value.
    pub(super) fn expect_vector(&self) -> Result<(), InstanceError> {
        match self.layout.shape[..] {
            [] | [_] | [_, 1] | [1, _] => Ok(()),
            _ => Err(self.wrong_dimensions(1, "save a.ravel()")),
        }
    }

    fn wrong_dimensions(&self, expected: usize, cure: &str) -> InstanceError {
        let shape = &self.layout.shape;
        InstanceError::format(
            self.name,
            format!(
                "shape {shape:?} has {} dimensions, expected {expected}: {cure}",
                shape.len()
            ),
        )
    }

    /// All elements as numbers, in stored order.
    pub(super) fn floats(self) -> Result<Vec<f64>, InstanceError> {
        let all = Selection::run(0..self.count());
        self.floats_at(all)
    }

    /// Some elements as numbers, in stored order.
    pub(super) fn floats_at(self, chosen: Selection) -> Result<Vec<f64>, InstanceError> {
        let mut values = memory::with_capacity(chosen.count());
        let block = BUFFER / self.element.bytes();
        self.float_blocks(chosen, block, |_, numbers| {
            values.extend_from_slice(numbers);
            Ok(())
        })?;
        Ok(values)
    }

    /// Hands the chosen numbers over in stored order, at most `block` of a run at a time, with the place in the file of the first of
    /// them. The error names the first integer that no float64 is.
    pub(super) fn float_blocks(
        self,
        chosen: Selection,
        block: usize,
        take: impl FnMut(usize, &[f64]) -> Result<(), InstanceError>,
    ) -> Result<(), InstanceError> {
        let big = self.big_endian;
        fn always<T>(_: T) -> bool {
            true
        }
        match self.element {
            Element::Float64 => {
                self.convert(chosen, block, take, decoded!(f64, big), |x| x, always)
            }
            Element::Float32 => {
                self.convert(chosen, block, take, decoded!(f32, big), f64::from, always)
            }
            Element::Float16 => self.convert(
                chosen,
                block,
                take,
                decoded!(u16, big),
                element::half,
                always,
            ),
            // numpy reads every byte but 0 as True.
            Element::Bool => {
                let truth = |byte: u8| f64::from(u8::from(byte != 0));
                self.convert(chosen, block, take, decoded!(u8, big), truth, always)
            }
            Element::Int8 => {
                self.convert(chosen, block, take, decoded!(i8, big), f64::from, always)
            }
            Element::Int16 => {
                self.convert(chosen, block, take, decoded!(i16, big), f64::from, always)
            }
            Element::Int32 => {
                self.convert(chosen, block, take, decoded!(i32, big), f64::from, always)
            }
            Element::Uint8 => {
                self.convert(chosen, block, take, decoded!(u8, big), f64::from, always)
            }
            Element::Uint16 => {
                self.convert(chosen, block, take, decoded!(u16, big), f64::from, always)
            }
            Element::Uint32 => {
                self.convert(chosen, block, take, decoded!(u32, big), f64::from, always)
            }
            Element::Int64 => self.convert(
                chosen,
                block,
                take,
                decoded!(i64, big),
                |value| value as f64,
                integer::is_exact_i64,
            ),
            Element::Uint64 => self.convert(
                chosen,
                block,
                take,
                decoded!(u64, big),
                |value| value as f64,
                integer::is_exact_u64,
            ),
        }
    }

    fn convert<const N: usize, T: Copy + Display>(
        self,
        chosen: Selection,
        block: usize,
        mut take: impl FnMut(usize, &[f64]) -> Result<(), InstanceError>,
        decode: impl Fn([u8; N]) -> T,
        float: impl Fn(T) -> f64,
        is_exact: impl Fn(T) -> bool,
    ) -> Result<(), InstanceError> {
        let (name, layout) = (self.name, self.layout.clone());
        let mut numbers = Vec::new();
        self.blocks(chosen, block, |first, items| {
            if let Some(k) = items.iter().position(|item| !is_exact(decode(*item))) {
                let (place, value) = (layout.index(first + k), decode(items[k]));
                return Err(InstanceError::format(
                    name,
                    format!(
                        "[{place}] is {value}, which no float64 is: save a.astype(float) if the nearest is meant"
                    ),
                ));
            }
            numbers.clear();
            numbers.extend(items.iter().map(|item| float(decode(*item))));
            take(first, &numbers)
        })
    }

    /// Elements that follow each other as indices. The error names the first that is negative or too large for this machine.
    pub(super) fn indices_at(self, places: Range<usize>) -> Result<Vec<usize>, InstanceError> {
        let big = self.big_endian;
        match self.element {
            Element::Int8 => self.collect(places, decoded!(i8, big)),
            Element::Int16 => self.collect(places, decoded!(i16, big)),
            Element::Int32 => self.collect(places, decoded!(i32, big)),
            Element::Int64 => self.collect(places, decoded!(i64, big)),
            Element::Uint8 => self.collect(places, decoded!(u8, big)),
            Element::Uint16 => self.collect(places, decoded!(u16, big)),
            Element::Uint32 => self.collect(places, decoded!(u32, big)),
            Element::Uint64 => self.collect(places, decoded!(u64, big)),
            Element::Float16 | Element::Float32 | Element::Float64 | Element::Bool => Err(
                InstanceError::format(self.name, "elements are no integers: save a.astype(int)"),
            ),
        }
    }

    fn collect<const N: usize, T: Copy + Display>(
        self,
        places: Range<usize>,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<usize>, InstanceError>
    where
        usize: TryFrom<T>,
    {
        let name = self.name;
        let mut indices: Vec<usize> = memory::with_capacity(places.len());
        self.blocks(Selection::run(places), BUFFER / N, |first, items| {
            for (k, item) in items.iter().enumerate() {
                let value = decode(*item);
                let index = usize::try_from(value).map_err(|_| {
                    let reason = "not an index: negative or too large";
                    let place = first + k;
                    InstanceError::format(name, format!("[{place}] is {value}: {reason}"))
                })?;
                indices.push(index);
            }
            Ok(())
        })?;
        Ok(indices)
    }

    /// Hands the chosen elements over in stored order, at most `block` of a run at a time, with the place of the first of them, and
    /// makes sure that nothing follows the last element of the file: the source of a compressed file checks its sum when it has
    /// given everything.
    fn blocks<const N: usize>(
        mut self,
        chosen: Selection,
        block: usize,
        mut take: impl FnMut(usize, &[[u8; N]]) -> Result<(), InstanceError>,
    ) -> Result<(), InstanceError> {
        let fail = |error: std::io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => InstanceError::format(self.name, "truncated"),
            _ => InstanceError::io(self.name, error),
        };
        let bytes = |elements: usize| elements as u64 * N as u64;
        let mut buffer = vec![0; block.min(chosen.length) * N];
        // Elements that lie behind.
        let mut place = 0;
        for run in 0..chosen.runs {
            let first = chosen.first + run * chosen.step;
            let end = first + chosen.length;
            self.bytes.skip(bytes(first - place)).map_err(fail)?;
            place = first;
            while place < end {
                let now = (end - place).min(block);
                let read = &mut buffer[..now * N];
                self.bytes.read_exact(read).map_err(fail)?;
                take(place, read.as_chunks().0)?;
                place += now;
            }
        }
        let left = bytes(self.layout.count() - place);
        self.bytes.skip(left).map_err(fail)?;
        match self.bytes.read(&mut [0]).map_err(fail)? {
            0 => Ok(()),
            _ => Err(InstanceError::format(self.name, "too long")),
        }
    }
}

/// A single text: numpy pads `S` and `U` with zero bytes, and `U` takes four bytes for a letter. What is left without
/// the zeros is the text, if it is ASCII; the names that are looked for are.
pub(super) fn read_text(bytes: &mut impl Read, length: u64) -> Result<String, String> {
    const LONGEST: u64 = 1 << 10;
    let header = Header::read(bytes, length)?;
    if !element::is_text(&header.descr) || header.count() != 1 || length > LONGEST {
        let found = match &header.descr {
            super::header::Descr::Plain(descr) => format!("'{descr}'"),
            super::header::Descr::Record(_) => "records".to_owned(),
        };
        return Err(format!("elements are {found}, expected one short text"));
    }
    let mut text = Vec::new();
    bytes
        .take(LONGEST)
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    text.retain(|byte| *byte != 0);
    String::from_utf8(text).map_err(|_| "not text".to_owned())
}
