//! An npy file whose header was read and checked: its element type, its shape, and the bytes of its elements.

use std::fmt::Display;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use super::guard;
use crate::instance::InstanceError;
use crate::memory;

/// Bytes that are read and converted at a time: small enough for the second-level cache.
const BUFFER: usize = 1 << 18;

/// The element types that some reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float64,
    Int32,
    Int64,
    Uint32,
    Uint64,
}

/// What index arrays may be made of.
pub(super) const INTEGERS: &[Element] = &[
    Element::Int32,
    Element::Int64,
    Element::Uint32,
    Element::Uint64,
];

impl Element {
    /// numpy's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Float64 => "float64",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Int32 | Self::Uint32 => 4,
            Self::Float64 | Self::Int64 | Self::Uint64 => 8,
        }
    }

    /// The element type and whether it is stored big endian; `None` for a type that no reader accepts.
    fn of(dtype: &DType) -> Option<(Self, bool)> {
        let DType::Plain(plain) = dtype else {
            return None;
        };
        let element = match (plain.type_char(), plain.size_field()) {
            (TypeChar::Float, 8) => Self::Float64,
            (TypeChar::Int, 4) => Self::Int32,
            (TypeChar::Int, 8) => Self::Int64,
            (TypeChar::Uint, 4) => Self::Uint32,
            (TypeChar::Uint, 8) => Self::Uint64,
            _ => return None,
        };
        Some((element, plain.endianness() == Endianness::Big))
    }
}

/// The elements of an npy file, not read yet. `length` bytes of file were there for header and elements together, so a
/// buffer for all elements is no larger than what somebody stored.
pub(super) struct Array<'a, R> {
    bytes: R,
    name: &'a Path,
    element: Element,
    big_endian: bool,
    order: Order,
    shape: Vec<usize>,
}

impl<'a, R: Read> Array<'a, R> {
    /// Reads the header and makes sure that the rest of the file is what the header announces.
    pub(super) fn open(
        mut bytes: R,
        length: u64,
        name: &'a Path,
        accepted: &[Element],
    ) -> Result<Self, InstanceError> {
        let fail = |message: String| InstanceError::format(name, message);
        let prefix = guard::read_header(&mut bytes, length).map_err(fail)?;
        let header_length = prefix.len() as u64;
        let header = parse_header(prefix).map_err(fail)?;
        let dtype = header.dtype();
        let Some((element, big_endian)) =
            Element::of(&dtype).filter(|(element, _)| accepted.contains(element))
        else {
            let names: Vec<&str> = accepted.iter().map(|element| element.name()).collect();
            return Err(fail(format!(
                "elements are {}, expected {}",
                dtype.descr(),
                names.join(" or ")
            )));
        };
        // The guard made sure that this product fits.
        let expected = header.len() * element.bytes() as u64;
        let found = length.saturating_sub(header_length);
        if found != expected {
            let verdict = if found < expected {
                "truncated"
            } else {
                "too long"
            };
            return Err(fail(format!(
                "{verdict}: shape {:?} needs {expected} bytes of data, the file has {found}",
                header.shape()
            )));
        }
        let shape: Option<Vec<usize>> = header
            .shape()
            .iter()
            .map(|side| usize::try_from(*side).ok())
            .collect();
        Ok(Self {
            bytes,
            name,
            element,
            big_endian,
            order: header.order(),
            shape: shape.ok_or_else(|| fail("the shape is too large".to_owned()))?,
        })
    }

    /// The shape, if it has `N` dimensions.
    pub(super) fn shape<const N: usize>(&self) -> Result<[usize; N], InstanceError> {
        self.shape.as_slice().try_into().map_err(|_| {
            InstanceError::format(
                self.name,
                format!(
                    "shape {:?} has {} dimensions, expected {N}",
                    self.shape,
                    self.shape.len()
                ),
            )
        })
    }

    /// How the elements of a matrix are arranged.
    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// All elements as numbers, in stored order. Only for arrays that were opened as float64.
    pub(super) fn floats(self) -> Result<Vec<f64>, InstanceError> {
        let count = self.shape.iter().product();
        let mut values = memory::with_capacity(count);
        self.float_blocks(BUFFER / 8, |block| {
            values.extend_from_slice(block);
            Ok(())
        })?;
        Ok(values)
    }

    /// Hands the numbers over in stored order, `block` at a time (the last time what is left). Only for arrays that were
    /// opened as float64.
    pub(super) fn float_blocks(
        self,
        block: usize,
        mut take: impl FnMut(&[f64]) -> Result<(), InstanceError>,
    ) -> Result<(), InstanceError> {
        let big_endian = self.big_endian;
        let mut numbers = Vec::new();
        self.blocks::<8>(block, |items| {
            numbers.clear();
            if big_endian {
                numbers.extend(items.iter().map(|item| f64::from_be_bytes(*item)));
            } else {
                numbers.extend(items.iter().map(|item| f64::from_le_bytes(*item)));
            }
            take(&numbers)
        })
    }

    /// All elements as indices. The error names the first that is negative or too large for this machine.
    pub(super) fn indices(self) -> Result<Vec<usize>, InstanceError> {
        let big = self.big_endian;
        // `big` does not change inside the loops, so the compiler tests it once.
        match self.element {
            Element::Int32 => self.collect(|item| match big {
                true => i32::from_be_bytes(item),
                false => i32::from_le_bytes(item),
            }),
            Element::Int64 => self.collect(|item| match big {
                true => i64::from_be_bytes(item),
                false => i64::from_le_bytes(item),
            }),
            Element::Uint32 => self.collect(|item| match big {
                true => u32::from_be_bytes(item),
                false => u32::from_le_bytes(item),
            }),
            Element::Uint64 => self.collect(|item| match big {
                true => u64::from_be_bytes(item),
                false => u64::from_le_bytes(item),
            }),
            Element::Float64 => Err(InstanceError::format(
                self.name,
                "elements are float64, expected integers",
            )),
        }
    }

    fn collect<const N: usize, T: Copy + Display>(
        self,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<usize>, InstanceError>
    where
        usize: TryFrom<T>,
    {
        let name = self.name;
        let mut indices: Vec<usize> = memory::with_capacity(self.shape.iter().product());
        self.blocks(BUFFER / N, |items| {
            for item in items {
                let value = decode(*item);
                let index = usize::try_from(value).map_err(|_| {
                    let reason = "not an index: negative or too large";
                    let place = indices.len();
                    InstanceError::format(name, format!("[{place}] is {value}: {reason}"))
                })?;
                indices.push(index);
            }
            Ok(())
        })?;
        Ok(indices)
    }

    /// Hands the elements over in stored order, `block` at a time (the last time what is left), and makes sure that
    /// nothing follows: the source of a compressed file checks its sum when it has given everything.
    fn blocks<const N: usize>(
        mut self,
        block: usize,
        mut take: impl FnMut(&[[u8; N]]) -> Result<(), InstanceError>,
    ) -> Result<(), InstanceError> {
        let fail = |error: std::io::Error| match error.kind() {
            ErrorKind::UnexpectedEof => InstanceError::format(self.name, "truncated"),
            _ => InstanceError::io(self.name, error),
        };
        let count: usize = self.shape.iter().product();
        let mut buffer = vec![0; block.min(count) * N];
        let mut left = count;
        while left > 0 {
            let now = left.min(block);
            let bytes = &mut buffer[..now * N];
            self.bytes.read_exact(bytes).map_err(fail)?;
            take(bytes.as_chunks().0)?;
            left -= now;
        }
        match self.bytes.read(&mut [0]).map_err(fail)? {
            0 => Ok(()),
            _ => Err(InstanceError::format(self.name, "too long")),
        }
    }
}

/// The header, or one line of what the library says of it: the others draw the place.
fn parse_header(prefix: Vec<u8>) -> Result<NpyHeader, String> {
    NpyHeader::from_reader(Cursor::new(prefix)).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().next().unwrap_or_default();
        format!("not a readable npy header: {reason}")
    })
}

/// A single text: numpy pads `S` and `U` with zero bytes, and `U` takes four bytes for a letter. What is left without
/// the zeros is the text, if it is ASCII; the names that are looked for are.
pub(super) fn read_text(bytes: &mut impl Read, length: u64) -> Result<String, String> {
    const LONGEST: u64 = 1 << 10;
    let prefix = guard::read_header(bytes, length)?;
    let header = parse_header(prefix)?;
    let is_text = matches!(
        header.dtype(),
        DType::Plain(plain)
            if matches!(plain.type_char(), TypeChar::ByteStr | TypeChar::UnicodeStr)
    );
    if !is_text || header.len() != 1 || length > LONGEST {
        let found = header.dtype().descr();
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
