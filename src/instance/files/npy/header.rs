//! The header of an npy file: magic, version, and a Python literal that numpy writes as
//! `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }`.
//!
//! A hostile header may nest deeply, announce a shape whose product overflows, or claim to be 4 GiB long; the header of a
//! plain array does none of these, so they are refused before anything is reserved.

use std::io::Read;

mod literal;

use literal::Literal;

/// numpy refuses longer headers too.
const LONGEST_HEADER: u64 = 10_000;

/// What the header says about the bytes behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// numpy's `descr`, as it stands in the file: `'<f8'`, or the list of a record's fields.
    pub(super) descr: Descr,
    /// Whether the first index runs fastest.
    pub(super) fortran: bool,
    /// The sides; none for a single value.
    pub(super) shape: Vec<usize>,
    /// Bytes of the file up to the first element.
    pub(super) length: u64,
}

/// The type of the elements.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Descr {
    /// One value, such as `<f8`.
    Plain(String),
    /// Several named values; here the name of the first.
    Record(String),
}

impl Header {
    /// Reads magic, version and header from a file of `length` bytes, and not one byte more.
    pub(super) fn read(bytes: &mut impl Read, length: u64) -> Result<Self, String> {
        let prefix: [u8; 8] = take(bytes)?;
        if !prefix.starts_with(b"\x93NUMPY") {
            return Err("not an npy file".to_owned());
        }
        let (size, begin) = match prefix[6..] {
            [1, 0] => (u64::from(u16::from_le_bytes(take(bytes)?)), 10),
            [2 | 3, 0] => (u64::from(u32::from_le_bytes(take(bytes)?)), 12),
            _ => {
                return Err(format!(
                    "npy version {}.{} is not one of 1.0, 2.0, 3.0",
                    prefix[6], prefix[7]
                ));
            }
        };
        if size > LONGEST_HEADER {
            return Err(format!(
                "npy header of {size} bytes is too long for a plain array"
            ));
        }
        let header_end = begin + size;
        if header_end > length {
            return Err(format!("truncated: npy header needs {size} bytes"));
        }
        let mut text = Vec::new();
        bytes
            .take(size)
            .read_to_end(&mut text)
            .map_err(|error| error.to_string())?;
        if (text.len() as u64) < size {
            return Err(ENDS_INSIDE.to_owned());
        }
        let literal = literal::parse(&text).map_err(|message| format!("npy header {message}"))?;
        Self::from_literal(literal, header_end).map_err(|message| format!("npy header {message}"))
    }

    /// Elements that the shape announces. [`Header::read`] made sure that it fits.
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    fn from_literal(literal: Literal, length: u64) -> Result<Self, String> {
        let Literal::Dictionary(entries) = literal else {
            return Err("is not a dictionary".to_owned());
        };
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        for (key, value) in entries {
            let seen = match key.as_str() {
                "descr" => descr.replace(type_of(value)?).is_some(),
                "fortran_order" => fortran.replace(order_of(&value)?).is_some(),
                "shape" => shape.replace(shape_of(value)?).is_some(),
                _ => return Err(format!("has the unknown key '{}'", key.escape_debug())),
            };
            if seen {
                return Err(format!("has the key '{key}' twice"));
            }
        }
        let missing = |key: &str| format!("has no key '{key}'");
        Ok(Self {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran: fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            length,
        })
    }
}

/// The message where a file is shorter than its own header.
const ENDS_INSIDE: &str = "truncated: the file ends inside the npy header";

fn take<const N: usize>(bytes: &mut impl Read) -> Result<[u8; N], String> {
    let mut taken = [0; N];
    match bytes.read_exact(&mut taken) {
        Ok(()) => Ok(taken),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(ENDS_INSIDE.to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A text, or the list of a record's fields.
fn type_of(value: Literal) -> Result<Descr, String> {
    match value {
        Literal::Text(text) => Ok(Descr::Plain(text)),
        Literal::Sequence(fields) => {
            let first = fields.into_iter().next();
            let name = match first {
                Some(Literal::Sequence(field)) => field.into_iter().next(),
                _ => None,
            };
            match name {
                Some(Literal::Text(name)) => Ok(Descr::Record(name)),
                _ => Err("has a 'descr' that is no type".to_owned()),
            }
        }
        _ => Err("has a 'descr' that is no type".to_owned()),
    }
}

fn order_of(value: &Literal) -> Result<bool, String> {
    match value {
        Literal::Truth(fortran) => Ok(*fortran),
        _ => Err("has a 'fortran_order' that is neither True nor False".to_owned()),
    }
}

/// The sides. Their product times 8 bytes must be a number that i64 can count, as for everybody else.
fn shape_of(value: Literal) -> Result<Vec<usize>, String> {
    const IMPOSSIBLE: &str = "announces an impossible shape";
    let Literal::Sequence(sides) = value else {
        return Err("has a 'shape' that is no tuple".to_owned());
    };
    let mut bytes: u64 = 8;
    let mut shape = Vec::with_capacity(sides.len());
    for side in sides {
        let Literal::Integer(side) = side else {
            return Err("has a 'shape' that is no tuple of integers".to_owned());
        };
        // An empty side does not excuse the others.
        bytes = side
            .and_then(|side| bytes.checked_mul(side.max(1)))
            .filter(|bytes| *bytes <= i64::MAX as u64)
            .ok_or(IMPOSSIBLE)?;
        let side = side.and_then(|side| usize::try_from(side).ok());
        shape.push(side.ok_or(IMPOSSIBLE)?);
    }
    Ok(shape)
}
