//! What is checked before the npy library sees a header.
//!
//! The header is a Python literal. A hostile one may nest deeply (the parser recurses), announce a shape whose product
//! overflows, or claim to be 4 GiB long; the header of a plain array does none of these.

use std::io::Read;

/// numpy refuses longer headers too.
const LONGEST_HEADER: u64 = 10_000;
/// `{'shape': (3,), ...}` nests two deep, a record type four.
const DEEPEST_NESTING: usize = 4;

/// Reads magic, version and header from a file of `length` bytes and returns exactly those bytes.
pub(super) fn read_header(bytes: &mut impl Read, length: u64) -> Result<Vec<u8>, String> {
    let mut prefix = take(bytes, 8)?;
    if !prefix.starts_with(b"\x93NUMPY") {
        return Err("not an npy file".to_owned());
    }
    let size = match prefix[6..] {
        [1, 0] => {
            let size = take(bytes, 2)?;
            prefix.extend(&size);
            u64::from(u16::from_le_bytes([size[0], size[1]]))
        }
        [2 | 3, 0] => {
            let size = take(bytes, 4)?;
            prefix.extend(&size);
            u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]))
        }
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
    if prefix.len() as u64 + size > length {
        return Err(format!("truncated: npy header needs {size} bytes"));
    }
    let header = take(bytes, size)?;
    check_literal(&header)?;
    prefix.extend(&header);
    Ok(prefix)
}

fn take(bytes: &mut impl Read, count: u64) -> Result<Vec<u8>, String> {
    let mut taken = Vec::new();
    bytes
        .take(count)
        .read_to_end(&mut taken)
        .map_err(|error| error.to_string())?;
    if (taken.len() as u64) < count {
        return Err("truncated: the file ends inside the npy header".to_owned());
    }
    Ok(taken)
}

/// Only the characters of a plain header, little nesting, and integers whose product counts bytes that can exist.
fn check_literal(header: &[u8]) -> Result<(), String> {
    let mut quote = None;
    let mut depth = 0usize;
    let mut run: Option<u64> = None;
    // 8 bytes an element.
    let mut product: u64 = 8;
    for byte in header.iter().chain(b" ") {
        if let Some(open) = quote {
            if *byte == open {
                quote = None;
            }
            if *byte == b'\\' {
                return Err("npy header contains a backslash".to_owned());
            }
            continue;
        }
        if byte.is_ascii_digit() {
            let digit = u64::from(byte - b'0');
            run = Some(
                run.unwrap_or(0)
                    .checked_mul(10)
                    .and_then(|ten| ten.checked_add(digit))
                    .ok_or("npy header announces an impossible shape")?,
            );
            continue;
        }
        if let Some(side) = run.take() {
            product = product
                .checked_mul(side.max(1))
                .filter(|product| *product <= i64::MAX as u64)
                .ok_or("npy header announces an impossible shape")?;
        }
        match byte {
            b'\'' | b'"' => quote = Some(*byte),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\x0c' => {}
            letter if b"TrueFalse".contains(letter) => {}
            other => {
                return Err(format!(
                    "npy header contains '{}', which the header of a plain array does not",
                    other.escape_ascii()
                ));
            }
        }
        if depth > DEEPEST_NESTING {
            return Err("npy header nests too deeply for a plain array".to_owned());
        }
    }
    Ok(())
}
