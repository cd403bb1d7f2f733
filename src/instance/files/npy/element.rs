//! The types of elements that are read, and what a user can do about the others.

use super::header::Descr;

/// A type whose every value (of 64-bit integers: every value up to 2^53, and some beyond) is a float64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float16,
    Float32,
    Float64,
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
}

impl Element {
    /// numpy's letter and size: `('f', 8)` is float64.
    fn of(kind: u8, size: &str) -> Option<Self> {
        Some(match (kind, size) {
            (b'f', "2") => Self::Float16,
            (b'f', "4") => Self::Float32,
            (b'f', "8") => Self::Float64,
            (b'b', "1") => Self::Bool,
            (b'i', "1") => Self::Int8,
            (b'i', "2") => Self::Int16,
            (b'i', "4") => Self::Int32,
            (b'i', "8") => Self::Int64,
            (b'u', "1") => Self::Uint8,
            (b'u', "2") => Self::Uint16,
            (b'u', "4") => Self::Uint32,
            (b'u', "8") => Self::Uint64,
            _ => return None,
        })
    }

    /// Bytes in the file.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::Int8 | Self::Uint8 => 1,
            Self::Float16 | Self::Int16 | Self::Uint16 => 2,
            Self::Float32 | Self::Int32 | Self::Uint32 => 4,
            Self::Float64 | Self::Int64 | Self::Uint64 => 8,
        }
    }

    fn is_integer(self) -> bool {
        !matches!(
            self,
            Self::Float16 | Self::Float32 | Self::Float64 | Self::Bool
        )
    }
}

/// What an array is to be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Numbers: every type of [`Element`].
    Numbers,
    /// Indices: the integers among them.
    Indices,
}

/// The element type and whether it is stored big endian. The error says what was found, what is read, and the cure.
pub(super) fn element_of(descr: &Descr, wanted: Wanted) -> Result<(Element, bool), String> {
    let expected = match wanted {
        Wanted::Numbers => "real numbers",
        Wanted::Indices => "integers",
    };
    let descr = match descr {
        Descr::Plain(descr) => descr,
        Descr::Record(first) => {
            return Err(format!(
                "elements are records, expected {expected}: save one field (a[{first:?}])"
            ));
        }
    };
    let (kind, size, big_endian) = split(descr);
    match Element::of(kind, size) {
        Some(element) if wanted == Wanted::Numbers || element.is_integer() => {
            Ok((element, big_endian))
        }
        _ => Err(format!(
            "elements are '{descr}', expected {expected}: {}",
            cure(kind, wanted)
        )),
    }
}

/// Whether the elements are texts (numpy's `S` or `U`).
pub(super) fn is_text(descr: &Descr) -> bool {
    matches!(descr, Descr::Plain(descr) if matches!(split(descr).0, b'S' | b'U'))
}

/// The letter, the size behind it, and whether the bytes stand in big-endian order. Without a sign for the order, numpy
/// means that of the machine.
fn split(descr: &str) -> (u8, &str, bool) {
    let (order, rest) = match descr.as_bytes().first() {
        Some(order @ (b'<' | b'>' | b'=' | b'|')) => (*order, &descr[1..]),
        _ => (b'=', descr),
    };
    let big_endian = match order {
        b'<' => false,
        b'>' => true,
        _ => cfg!(target_endian = "big"),
    };
    match rest.as_bytes().first() {
        Some(kind) if kind.is_ascii() => (*kind, &rest[1..], big_endian),
        _ => (0, rest, big_endian),
    }
}

/// What to write in Python before saving the array.
fn cure(kind: u8, wanted: Wanted) -> &'static str {
    match (kind, wanted) {
        (b'c', _) => "save the real part (a.real.astype(float)) if the imaginary part is 0",
        (b'O', Wanted::Numbers) => {
            "these are Python objects: save a.astype(float), or a.toarray() of a sparse matrix"
        }
        (_, Wanted::Numbers) => "save a.astype(float)",
        (_, Wanted::Indices) => "save a.astype(int)",
    }
}

/// The float16 with these bits as float64, exactly: 1 bit of sign, 5 of exponent, 10 of fraction.
pub(super) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All 65,536, against another way: the bits moved into a float32, whose exponent is then 112 too small.
    #[test]
    fn every_half_is_the_float_of_the_same_value() {
        for bits in 0..=u16::MAX {
            let magnitude = bits & 0x7fff;
            let found = half(bits);
            if magnitude > 0x7c00 {
                assert!(found.is_nan(), "{bits:#06x}");
                continue;
            }
            let expected = match magnitude {
                0x7c00 => f64::INFINITY,
                _ => f64::from(f32::from_bits(u32::from(magnitude) << 13)) * 2f64.powi(112),
            };
            let signed = if bits == magnitude {
                expected
            } else {
                -expected
            };
            assert_eq!(found.to_bits(), signed.to_bits(), "{bits:#06x}");
        }
        // By hand: 1, the largest, the smallest normal, the smallest, 1/3 rounded.
        for (bits, value) in [
            (0x3c00, 1.0),
            (0x7bff, 65504.0),
            (0x0400, 1.0 / 16384.0),
            (0x8001, -1.0 / 16_777_216.0),
            (0x3555, 1365.0 / 4096.0),
        ] {
            assert_eq!(half(bits), value);
        }
    }

    #[test]
    fn the_order_of_the_bytes_is_the_first_sign() {
        let plain = |descr: &str| element_of(&Descr::Plain(descr.to_owned()), Wanted::Numbers);
        let machine = cfg!(target_endian = "big");
        assert_eq!(plain("<f8"), Ok((Element::Float64, false)));
        assert_eq!(plain(">f4"), Ok((Element::Float32, true)));
        assert_eq!(plain("|u1"), Ok((Element::Uint8, machine)));
        assert_eq!(plain("=i2"), Ok((Element::Int16, machine)));
        for odd in ["", "<", "é8", "<é", "<f", "<f3", "<f08", "<f8 "] {
            assert!(plain(odd).is_err(), "{odd}");
        }
    }
}
